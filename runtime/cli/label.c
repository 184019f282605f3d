/* keel run label: a person lowers what a run counts as having read. */
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "label.h"
#include "signer.h"
#include "text.h"
#include "yamltree.h"

typedef struct lowering {
    int64_t run, seq;
    char *agent;
    bool over; /* it has ended, and the next of its role starts from it */
    item_label from, to;
    const char *why;
} lowering;

static int find_run(cli *c, const char *word, lowering *x, diag *d) {
    static const char sql[] =
        "SELECT agent, tainted, sensitivity, state, (SELECT max(seq) FROM journal),"
        " EXISTS (SELECT 1 FROM role WHERE role.run = run.id) FROM run"
        " WHERE id = CAST(? AS INTEGER)";
    cli_row row = {0};
    if (!text_number(word, &x->run)) {
        diag_set(d, DIAG_USAGE, "\"%s\" is no number of a run.", word);
        return diag_next(d, "See `keel run list --open`.");
    }
    int rc = cli_one(c, sql, &word, 1, &row, d);
    if (rc == DIAG_NOT_FOUND && c->db) {
        diag_set(d, rc, "There is no run %s.", word);
        return diag_next(d, "See `keel run list --open`.");
    }
    if (rc) {
        return rc;
    }
    bool open = strcmp(row.values[3], "open") == 0 || strcmp(row.values[3], "paused") == 0;
    x->over = !open && strcmp(row.values[5], "1") == 0;
    if (!open && !x->over) {
        diag_set(d, DIAG_CONFLICT,
                 "Run %s is %s: it does nothing more, and no later run of %s starts from it.", word,
                 row.values[3], row.values[0]);
        rc = diag_next(d, "See `keel run list --open`.");
    }
    x->agent = keel_strdup(row.values[0]);
    x->from.untrusted = strcmp(row.values[1], "1") == 0;
    sensitivity_named(row.values[2], strlen(row.values[2]), &x->from.level);
    x->seq = strtoll(row.values[4], NULL, 10);
    cli_row_free(&row);
    return rc;
}

static int read_words(const options *o, lowering *x, diag *d) {
    const char *level = options_value(o, "sensitivity");
    x->to = x->from;
    x->to.untrusted = x->from.untrusted && !options_has(o, "trust");
    x->why = options_value(o, "why");
    if (level && !sensitivity_named(level, strlen(level), &x->to.level)) {
        const char *near = did_you_mean(level, sensitivity_names);
        diag_set(d, DIAG_USAGE, "There is no sensitivity \"%s\".", level);
        return near ? diag_next(d, "Did you mean %s?", near)
                    : diag_next(d, "It is public, internal, confidential or restricted.");
    }
    if (!level && !options_has(o, "trust")) {
        diag_set(d, DIAG_USAGE, "It is not said what is lowered.");
        return diag_next(d, "Give --trust, or --sensitivity LEVEL, or both.");
    }
    if (!x->why || !*x->why) {
        diag_set(d, DIAG_USAGE, "It is recorded why, and no reason is given.");
        return diag_next(d, "Say what you have looked at: --why \"read all three mails\".");
    }
    bool same = x->to.untrusted == x->from.untrusted && x->to.level == x->from.level;
    if (same || !label_within(x->to, x->from)) {
        diag_set(d, DIAG_CONFLICT, "Run %" PRId64 " has read what is %s: that is no less.", x->run,
                 label_words(x->from));
        return diag_next(d, "See what it has read: keel run show %" PRId64, x->run);
    }
    return 0;
}

static void put_members(const lowering *x, const char *nonce, const char *incarnation,
                        const char *by, const uint8_t *signature, keel_buf *out) {
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    if (by) {
        keel_json_set_text(&w, "by", by);
    } else {
        keel_json_set_text(&w, "incarnation", incarnation);
    }
    keel_json_set_text(&w, "nonce", nonce);
    keel_json_set_int(&w, "run", x->run);
    keel_json_set_text(&w, "sensitivity", sensitivity_name(x->to.level));
    keel_json_set_int(&w, "seq", x->seq);
    if (by) {
        keel_json_key(&w, "signature");
        keel_json_hex(&w, signature, APPROVER_SIGNED);
    }
    keel_json_set_bool(&w, "untrusted", x->to.untrusted);
    if (!by) {
        keel_json_set_text(&w, "verdict", "label");
    }
    keel_json_set_text(&w, "why", x->why);
    keel_json_object_end(&w);
}

static int sign_and_send(cli *c, const lowering *x, diag *d) {
    signer s = {.incarnation = NULL};
    uint8_t nonce[16], signature[APPROVER_SIGNED];
    char hex[33];
    keel_buf bytes = KEEL_BUF_INIT, args = KEEL_BUF_INIT;
    int rc = cli_client(c, d);
    rc = rc ? rc : signer_open(c, &s, "A label that is lowered", "keel run label", d);
    if (rc == 0) {
        randombytes_buf(nonce, sizeof nonce);
        hex_encode(hex, nonce, sizeof nonce);
        put_members(x, hex, s.incarnation, NULL, NULL, &bytes);
        approver_sign(&s.key, bytes.data, bytes.len, signature);
        put_members(x, hex, NULL, s.row.values[SIGNER_NAME], signature, &args);
        rc = cli_call(c, "run.label", &args, NULL, d);
    }
    signer_finish(&s);
    keel_buf_free(&bytes);
    keel_buf_free(&args);
    return rc;
}

static int label_run(cli *c, const options *o, diag *d) {
    lowering x = {.agent = NULL};
    int rc = cli_reader(c, d);
    rc = rc ? rc : find_run(c, o->args[0], &x, d);
    rc = rc ? rc : read_words(o, &x, d);
    if (rc == 0) {
        cli_say(c, "Run %" PRId64 " of %s has read what is %s.", x.run, x.agent,
                label_words(x.from));
        const char *who = x.over ? "What the next one starts from" : "It";
        cli_say(c, c->dry_run ? "%s would count as %s." : "%s counts as %s from here on.", who,
                label_words(x.to));
    }
    rc = rc || c->dry_run ? rc : sign_and_send(c, &x, d);
    free(x.agent);
    return rc;
}

static const option label_options[] = {
    {"trust", 0, NULL, "what it has read is nobody else's words after all"},
    {"sensitivity", 0, "LEVEL", "public, internal or confidential: less than it is now"},
    {"why", 0, "TEXT", "what you have looked at; it is recorded"},
    {NULL, 0, NULL, NULL},
};

const command run_label_verb = {
    .name = "label",
    .words = "RUN --why TEXT",
    .summary = "lower what a run counts as having read",
    .more = "A run carries the highest label of what it has read, and nothing lowers it but you: "
            "look with\n"
            "`keel run show RUN`, then say why. It needs the approver's passphrase, is recorded, "
            "and counts for\n"
            "what the run does next; what it reads later raises it again. Refused when it has read "
            "anything since.\n"
            "Of the last run of a role it may be done after its end: the next one starts from what "
            "that ended with.",
    .examples = "keel run label 7 --trust --why \"read the mail: it is from our own form\"\n"
                "keel run label 7 --sensitivity internal --why \"the attachment is published\"",
    .options = label_options,
    .least = 1,
    .most = 1,
    .run = label_run,
};
