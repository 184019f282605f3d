/* keel policy diff: what differs between two policies, in terms of their rules. */
#include <inttypes.h>
#include <string.h>

#include "policy_diff.h"
#include "policy_files.h"
#include "text.h"

static int compile_files(const policy_files *f, policy **out, diag *d) {
    return policy_compile(out, f->list, f->count, NULL, NULL, NULL, d);
}

/* Names are not checked: a policy of then may speak of what is gone. */
static int read_both(cli *c, const options *o, policy **before, policy **after, diag *d) {
    policy_files a = {NULL, NULL, NULL, 0}, b = {NULL, NULL, NULL, 0};
    int rc = o->arg_count == 2 ? policy_files_named(&a, &o->args[0], 1, d)
                               : policy_files_in_force(&a, c, d);
    rc = rc             ? rc
         : o->arg_count ? policy_files_named(&b, &o->args[o->arg_count - 1], 1, d)
                        : policy_files_workspace(&b, c, d);
    rc = rc ? rc : compile_files(&a, before, d);
    rc = rc ? rc : compile_files(&b, after, d);
    policy_files_free(&a);
    policy_files_free(&b);
    return rc;
}

/* ---- for people ---- */

static void take(keel_json line, const char *key, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_puts(&text, "");
    keel_json_string(keel_json_get(line, key), &text);
    text_line(out, text.data, text.len);
    keel_buf_free(&text);
}

static bool same_thing(keel_json a, keel_json b) {
    static const char *const keys[] = {"kind", "id"};
    for (size_t i = 0; i < 2; i++) {
        keel_json x = keel_json_get(a, keys[i]), y = keel_json_get(b, keys[i]);
        if (x.len != y.len || memcmp(x.data, y.data, x.len) != 0) {
            return false;
        }
    }
    return true;
}

static void put_head(const cli *c, keel_json line, keel_buf *out) {
    keel_buf name = KEEL_BUF_INIT, place = KEEL_BUF_INIT;
    int64_t at = 0;
    take(line, "kind", &name);
    keel_buf_putc(&name, ' ');
    take(line, "id", &name);
    term_put(&c->out, out, TINT_BOLD, name.data);
    take(line, "file", &place);
    keel_json_int(keel_json_get(line, "line"), &at);
    if (place.len) {
        keel_buf_printf(out, "  %s:%" PRId64, place.data, at);
    }
    if (!keel_json_is(keel_json_get(line, "change"), "changed")) {
        keel_buf_puts(out, ", ");
        take(line, "change", out);
    }
    keel_buf_putc(out, '\n');
    keel_buf_free(&name);
    keel_buf_free(&place);
}

/* "+ added", "- removed", or the part with both. */
static void put_change(const cli *c, keel_json line, keel_buf *out) {
    keel_buf from = KEEL_BUF_INIT, to = KEEL_BUF_INIT, part = KEEL_BUF_INIT;
    bool was = keel_json_get(line, "from").data != NULL,
         is = keel_json_get(line, "to").data != NULL;
    take(line, "from", &from);
    take(line, "to", &to);
    take(line, "part", &part);
    const char *dots = part.len && (from.len || to.len) ? ": " : "";
    keel_buf_puts(out, "  ");
    if (keel_json_is(keel_json_get(line, "part"), "words")) {
        keel_buf_puts(out, "the same in other words: what waits under it is asked again\n");
    } else if (was && is) {
        keel_buf_printf(out, "%s: %s ", part.data, from.data);
        term_put(&c->out, out, TINT_DIM, "->");
        keel_buf_printf(out, " %s\n", to.data);
    } else {
        term_put(&c->out, out, is ? TINT_GOOD : TINT_BAD, is ? "+ " : "- ");
        keel_buf_printf(out, "%s%s%s\n", part.data, dots, is ? to.data : from.data);
    }
    keel_buf_free(&from);
    keel_buf_free(&to);
    keel_buf_free(&part);
}

static void print_text(const cli *c, keel_json all) {
    keel_buf out = KEEL_BUF_INIT;
    keel_json last = {NULL, 0};
    int64_t things = 0;
    for (keel_json_iter it = keel_json_each(all); keel_json_next(&it);) {
        if (!last.data || !same_thing(last, it.value)) {
            keel_buf_puts(&out, things++ ? "\n" : "");
            put_head(c, it.value, &out);
        }
        put_change(c, it.value, &out);
        last = it.value;
    }
    if (things == 0) {
        keel_buf_puts(&out, "The two say the same.\n");
    }
    cli_out(&out);
    keel_buf_free(&out);
}

static void print_lines(keel_json all) {
    keel_buf out = KEEL_BUF_INIT;
    for (keel_json_iter it = keel_json_each(all); keel_json_next(&it);) {
        keel_buf_append(&out, it.value.data, it.value.len);
        keel_buf_putc(&out, '\n');
    }
    cli_out(&out);
    keel_buf_free(&out);
}

static int diff_run(cli *c, const options *o, diag *d) {
    policy *before = NULL, *after = NULL;
    int rc = read_both(c, o, &before, &after, d);
    if (rc == 0) {
        keel_buf found = KEEL_BUF_INIT;
        policy_diff(before, after, &found);
        keel_json all = keel_json_view(found.data, found.len);
        if (c->json) {
            print_lines(all);
        } else {
            print_text(c, all);
        }
        keel_buf_free(&found);
    }
    policy_destroy(before);
    policy_destroy(after);
    return rc;
}

const command policy_diff_verb = {
    .name = "diff",
    .words = "[[A] B]",
    .summary =
        "what differs between two policies: lists, rules, budgets, egress, retries, breakers",
    .more =
        "A and B are files or folders. Without A: the policy in force; without B too: policies/ "
        "as\n"
        "it stands, so what `keel policy reload` would change. The order of rules makes no "
        "difference,\n"
        "nor does how something is written; `keel policy backtest` says what it would have meant.",
    .examples = "keel policy diff\nkeel policy diff new.yaml\n"
                "keel policy diff policies/starter.yaml new.yaml --json",
    .most = 2,
    .run = diff_run,
};
