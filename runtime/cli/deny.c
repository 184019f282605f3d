/* keel deny: no, with a reason that the agent is told. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "itemnumbers.h"
#include "receipt.h"

static int need_why(const char *why, diag *d) {
    if (why && *why) {
        return 0;
    }
    diag_set(d, DIAG_USAGE, "A denial needs its reason: the agent is told, and it is recorded.");
    return diag_next(d, "Add --why \"...\".");
}

static void deny_args(const numbers *n, const char *why, keel_buf *out) {
    keel_buf list = KEEL_BUF_INIT;
    numbers_json(n, &list);
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_set_raw(&w, "items", keel_json_view(list.data, list.len));
    keel_json_set_text(&w, "why", why);
    keel_json_object_end(&w);
    keel_buf_free(&list);
}

/* What asks for something else than an approval is not denied, but seen to. */
static int is_asked(cli *c, const numbers *n, diag *d) {
    diag ignored;
    int rc = 0;
    if (cli_reader(c, &ignored)) {
        return 0; /* the kernel says what is wrong */
    }
    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        char number[24];
        snprintf(number, sizeof number, "%" PRId64, n->list[i]);
        char *kind = cli_value(
            c, "SELECT kind FROM item WHERE number = CAST(? AS INTEGER) AND state = 'open'",
            number);
        if (kind && !strcmp(kind, "stuck")) {
            diag_set(d, DIAG_USAGE, "Item %s is stuck, and asks for no approval.", number);
            rc = diag_next(d, "See what it needs: keel stuck show %s", number);
        } else if (kind && !strcmp(kind, "question")) {
            diag_set(d, DIAG_USAGE, "Item %s is a question, and asks for no approval.", number);
            rc = diag_next(d, "Answer it, or not: keel answer %s [--decline --why ...]", number);
        } else if (kind && strcmp(kind, "approval") != 0) {
            diag_set(d, DIAG_USAGE,
                     "Item %s asks for a verdict on an unknown outcome, not for an approval.",
                     number);
            rc = diag_next(d,
                           "Look whether it was done, then: keel unknown verdict %s done|not_done "
                           "--why ...",
                           number);
        }
        free(kind);
    }
    return rc;
}

static int deny_run(cli *c, const options *o, diag *d) {
    const char *why = options_value(o, "why");
    numbers *n = keel_alloc(sizeof *n);
    memset(n, 0, sizeof *n);
    keel_buf args = KEEL_BUF_INIT, result = KEEL_BUF_INIT;
    int rc = need_why(why, d);
    rc = rc ? rc : numbers_read(c, o, n, d);
    rc = rc ? rc : is_asked(c, n, d);
    if (rc == 0 && c->dry_run) {
        cli_say(c, "Nothing was denied (--dry-run).");
    } else if (rc == 0) {
        deny_args(n, why, &args);
        rc = cli_call(c, "deny", &args, &result, d);
        keel_json items = keel_json_get(keel_json_view(result.data, result.len), "items");
        rc = rc ? rc : receipt_print(c, NULL, 0, items, "denied");
    }
    keel_buf_free(&args);
    keel_buf_free(&result);
    free(n);
    return rc;
}

static const option deny_options[] = {
    {"why", 0, "TEXT", "the reason, in a sentence"},
    {NULL, 0, NULL, NULL},
};

const command deny_command = {
    .name = "deny",
    .words = "N|B... --why TEXT",
    .summary = "say no to what waits, with a reason",
    .more =
        "The agent is told the reason. When it asks for exactly the same again within 30 days, it "
        "is told\n"
        "so again, and you are not asked: keel denial list shows what stands, keel denial lift N "
        "ends it.",
    .examples = "keel deny 4 --why \"She asked us not to write again\"",
    .options = deny_options,
    .least = 1,
    .most = -1,
    .run = deny_run,
};
