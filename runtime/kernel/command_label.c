/* run.label: a person says that what a run has read is less than its label says, and signs it. Nothing else
 * lowers a label. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

typedef struct lowering {
    char by[64], nonce[33], signature[129], level[16], why[256];
    int64_t run, seq;
    item_label to;
} lowering;

static int read_lowering(keel_json args, lowering *x, diag *d) {
    keel_json untrusted = keel_json_get(args, "untrusted");
    bool good = body_text(args, "by", x->by, sizeof x->by) &&
                body_text(args, "nonce", x->nonce, sizeof x->nonce) && strlen(x->nonce) == 32 &&
                body_text(args, "signature", x->signature, sizeof x->signature) &&
                body_text(args, "sensitivity", x->level, sizeof x->level) &&
                sensitivity_named(x->level, strlen(x->level), &x->to.level) &&
                keel_json_int(keel_json_get(args, "run"), &x->run) &&
                keel_json_int(keel_json_get(args, "seq"), &x->seq) &&
                keel_json_typeof(untrusted) == KEEL_JSON_BOOL;
    if (!good) {
        return diag_set(d, DIAG_USAGE,
                        "a label names run, seq, sensitivity, untrusted, why, by, nonce and "
                        "signature");
    }
    x->to.untrusted = keel_json_true(untrusted);
    if (!body_text(args, "why", x->why, sizeof x->why) || !x->why[0]) {
        diag_set(d, DIAG_USAGE, "it is recorded why, and no reason is given");
        return diag_next(d, "say it in up to 255 bytes: --why TEXT");
    }
    return 0;
}

/* The same bytes as the signer's (runtime/cli/label.c). */
static void signed_bytes(const kernel *k, const lowering *x, keel_buf *out) {
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_set_text(&w, "incarnation", k->identity.incarnation);
    keel_json_set_text(&w, "nonce", x->nonce);
    keel_json_set_int(&w, "run", x->run);
    keel_json_set_text(&w, "sensitivity", sensitivity_name(x->to.level));
    keel_json_set_int(&w, "seq", x->seq);
    keel_json_set_bool(&w, "untrusted", x->to.untrusted);
    keel_json_set_text(&w, "verdict", "label");
    keel_json_set_text(&w, "why", x->why);
    keel_json_object_end(&w);
}

static int check_signature(const kernel *k, const lowering *x, diag *d) {
    uint8_t signature[64];
    keel_buf bytes = KEEL_BUF_INIT;
    const approver *a = approver_named(k, x->by, d);
    signed_bytes(k, x, &bytes);
    bool good = a &&
                hex_decode(signature, sizeof signature, x->signature, strlen(x->signature)) ==
                    (int)sizeof signature &&
                !crypto_sign_verify_detached(signature, (const uint8_t *)bytes.data, bytes.len,
                                             a->public_key);
    keel_buf_free(&bytes);
    if (good || !a) {
        return a ? 0 : DIAG_AUTH;
    }
    diag_set(d, DIAG_AUTH, "the passphrase is not the one of approver %s", x->by);
    return diag_next(d, "try again; the label stays as it is");
}

/* Whose label it is: of a run that is open, or of the last of its role, from which the next one starts. */
typedef struct labelled {
    uint64_t id;
    run *run;   /* NULL: not in memory any more */
    role *role; /* NULL: the run is open */
    item_label label;
    int64_t last; /* seq of its last record */
} labelled;

typedef struct last_run {
    char agent[64];
    int64_t seq;
} last_run;

static int on_last(void *ctx, int n, const char *const *v, const char *const *names) {
    last_run *x = ctx;
    (void)n;
    (void)names;
    snprintf(x->agent, sizeof x->agent, "%s", v[0]);
    x->seq = strtoll(v[1], NULL, 10);
    return 0;
}

static bool find_role(kernel *k, int64_t id, labelled *out) {
    char number[24];
    const char *params[] = {number};
    last_run x = {.seq = 0};
    snprintf(number, sizeof number, "%lld", (long long)id);
    reader_query(k->env.reads, "SELECT agent, seq FROM role WHERE run = CAST(? AS INTEGER)", params,
                 1, on_last, &x, NULL);
    for (role *r = k->roles; r && x.seq; r = r->next) {
        if (!strcmp(r->agent, x.agent) && r->seq == x.seq) {
            *out = (labelled){(uint64_t)id, run_find_over(k, (uint64_t)id), r, r->label, r->seq};
            return true;
        }
    }
    return false;
}

static int find_labelled(kernel *k, command *c, const lowering *x, labelled *out, diag *d) {
    run *r = NULL;
    if (find_role(k, x->run, out)) {
        return 0;
    }
    int rc = command_find_run(k, c, &r, d);
    if (rc == 0) {
        int64_t last = r->last_seq ? r->last_seq : k->identity.next_seq - 1;
        *out = (labelled){r->id, r, NULL, r->label, last};
    }
    return rc;
}

/* The run must be where the person saw it: what it has read since was not looked at. */
static int check_run(const labelled *of, const lowering *x, diag *d) {
    if ((int64_t)of->id != x->run || x->seq < of->last) {
        diag_set(d, DIAG_CONFLICT, "run %lld has gone on since it was looked at",
                 (long long)x->run);
        return diag_next(d, "look again: keel run show %llu", (unsigned long long)of->id);
    }
    bool same = of->label.untrusted == x->to.untrusted && of->label.level == x->to.level;
    if (same || !label_within(x->to, of->label)) {
        diag_set(d, DIAG_CONFLICT, "run %llu has read what is %s, and a label is only lowered",
                 (unsigned long long)of->id, label_words(of->label));
        return diag_next(d, "see what it has read: keel run show %llu", (unsigned long long)of->id);
    }
    return 0;
}

static void lowered_record(kernel *k, const labelled *of, const lowering *x) {
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_text(&w, "by", x->by);
    keel_json_key(&w, "from");
    keel_json_object(&w);
    keel_json_set_text(&w, "sensitivity", sensitivity_name(of->label.level));
    keel_json_set_bool(&w, "tainted", of->label.untrusted);
    keel_json_object_end(&w);
    keel_json_set_text(&w, "nonce", x->nonce);
    keel_json_set_text(&w, "sensitivity", sensitivity_name(x->to.level));
    keel_json_set_int(&w, "seq", x->seq);
    keel_json_set_text(&w, "signature", x->signature);
    keel_json_set_bool(&w, "tainted", x->to.untrusted);
    keel_json_set_text(&w, "why", x->why);
    keel_json_object_end(&w);
    if (of->run) {
        journal_run(k, RECORD_RUN_LABEL, of->run, "", &k->scratch);
        of->run->label = x->to;
    } else {
        journal_add(k, RECORD_RUN_LABEL, of->id, "", &k->scratch);
    }
    if (of->role) {
        of->role->label = x->to;
    }
}

int command_run_label(kernel *k, command *c, diag *d) {
    lowering x;
    labelled of;
    int rc = read_lowering(c->args, &x, d);
    rc = rc ? rc : check_signature(k, &x, d);
    rc = rc ? rc : find_labelled(k, c, &x, &of, d);
    rc = rc ? rc : check_run(&of, &x, d);
    if (rc) {
        return rc;
    }
    lowered_record(k, &of, &x);
    kernel_log(k, "info", of.id, "what it has read counts as %s: %s", label_words(x.to), x.why);
    return 0;
}
