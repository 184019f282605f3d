/* keel policy: reloading and showing the rules; policycheck.c checks them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "digest.h"
#include "policycheck.h"
#include "text.h"

/* ---- reload ---- */

static void print_warning_text(keel_json v) {
    keel_buf text = KEEL_BUF_INIT, shown = KEEL_BUF_INIT;
    keel_json_string(v, &text);
    text_line(&shown, text.data ? text.data : "", text.len);
    fprintf(stderr, "warning: %s\n", shown.len ? shown.data : "");
    keel_buf_free(&text);
    keel_buf_free(&shown);
}

static int reload_run(cli *c, const options *o, diag *d) {
    (void)o;
    if (c->dry_run) {
        return policy_check_run(c, o, d);
    }
    keel_buf result = KEEL_BUF_INIT;
    int rc = cli_call(c, "reload", NULL, &result, d);
    if (rc == 0) {
        keel_json v = keel_json_view(result.data, result.len);
        char hex[DIGEST_HEX] = "";
        keel_json_copy(keel_json_get(v, "policy"), hex, sizeof hex);
        keel_json warnings = keel_json_get(v, "warnings");
        for (keel_json_iter it = keel_json_each(warnings); !c->json && keel_json_next(&it);) {
            print_warning_text(it.value);
        }
        if (c->json) {
            cli_print("%s\n", result.data);
        } else {
            cli_say(
                c,
                "The policy is in force as the files have it now (%.12s). What waits is decided "
                "by it when its turn comes.",
                hex);
        }
    }
    keel_buf_free(&result);
    return rc;
}

static const command reload_verb = {
    .name = "reload",
    .words = "",
    .summary = "put the files of policies/, keel.yaml and plugins into force",
    .more = "A faulty policy is refused and the old one stays.",
    .examples = "keel policy check && keel policy reload",
    .run = reload_run,
};

/* ---- show ---- */

static const char versions_sql[] =
    "SELECT v.seq, v.loaded_us, v.digest, f.name, f.artifact FROM policy_version v"
    " LEFT JOIN policy_file f ON f.seq = v.seq WHERE v.seq = (SELECT max(seq) FROM policy_version)"
    " ORDER BY f.name";

typedef struct showing {
    cli *c;
    diag *d;
    bool any;
} showing;

static int show_file(void *ctx, int columns, const char *const *v, const char *const *names) {
    (void)columns;
    (void)names;
    showing *s = ctx;
    digest at;
    keel_buf text = KEEL_BUF_INIT, line = KEEL_BUF_INIT;
    if (!s->any) {
        keel_buf_puts(&line, "# in force since ");
        text_time(&line, strtoll(v[1], NULL, 10));
        keel_buf_printf(&line, ", %.12s\n", v[2]);
    }
    s->any = true;
    int rc = 0;
    if (v[3] && v[4] && digest_from_hex(&at, v[4], strlen(v[4])) == 0) {
        rc = reader_artifact(s->c->db, &at, &text, s->d);
        keel_buf_printf(&line, "# ---- %s\n", v[3]);
        keel_buf_append(&line, text.data, text.len);
    }
    if (rc == 0) {
        cli_out(&line);
    }
    keel_buf_free(&text);
    keel_buf_free(&line);
    return rc;
}

static int show_run(cli *c, const options *o, diag *d) {
    (void)o;
    showing s = {c, d, false};
    int rc = cli_reader(c, d);
    rc = rc ? rc : reader_query(c->db, versions_sql, NULL, 0, show_file, &s, d);
    if (rc == 0 && !s.any) {
        diag_set(d, DIAG_NOT_FOUND, "No policy has ever been in force here.");
        rc = diag_next(d, "Start Keel with `keel up`.");
    }
    return rc;
}

static const command show_verb = {
    .name = "show",
    .words = "",
    .summary = "the policy in force, as it was read",
    .examples = "keel policy show",
    .run = show_run,
};

static const column list_columns[] = {
    {"IN FORCE FROM", "loaded_us", COLUMN_TIME},
    {"DIGEST", "digest", COLUMN_TEXT},
    {"FILES", "files", COLUMN_TEXT},
    {NULL, "seq", COLUMN_INT},
};

static int list_run(cli *c, const options *o, diag *d) {
    (void)o;
    return cli_list(
        c,
        "SELECT v.loaded_us, v.digest, (SELECT group_concat(f.name, ' ') FROM policy_file f"
        " WHERE f.seq = v.seq), v.seq FROM policy_version v ORDER BY v.seq",
        NULL, 0, list_columns, 4, "No policy has ever been in force here.", d);
}

static const command list_verb = {
    .name = "list",
    .words = "",
    .summary = "every policy that was ever in force",
    .examples = "keel policy list",
    .run = list_run,
};

extern const command policy_backtest_verb, policy_test_verb, policy_diff_verb, policy_add_rule_verb,
    policy_explain_verb, policy_propose_verb, policy_shadow_verb;

static const command *const verbs[] = {
    &list_verb,
    &show_verb,
    &policy_check_verb,
    &reload_verb,
    &policy_diff_verb,
    &policy_test_verb,
    &policy_backtest_verb,
    &policy_shadow_verb,
    &policy_add_rule_verb,
    &policy_propose_verb,
    &policy_explain_verb,
    NULL,
};

const command policy_command = {
    .name = "policy",
    .words =
        "list | show | check | reload | diff | test | backtest | shadow | add-rule | propose | "
        "explain",
    .summary = "the rules: check, test, compare, reload, and what was in force",
    .verbs = verbs,
};
