/* keel override: what it would lift (override.plan), and lifting it (override), signed by the approver. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "denials.h"
#include "labels.h"
#include "override.h"
#include "reopen.h"

/* A denial as its record has it, decided once more by the policy of now. */
typedef struct denial {
    uint64_t run_id;
    char path[PATH_LIMIT];
    int64_t seq;
    char state[20], target[128], code[40]; /* of the effect; and of its error */
    char run_state[20];
    bool child, spawn;
    item_label label; /* of its run */
    digest plugin;
    keel_buf args;
    keel_buf decision;
    keel_buf standing; /* by which word of a person, if by one */
    digest approval, signs;
} denial;

static void denial_finish(denial *x) {
    keel_buf_free(&x->args);
    keel_buf_free(&x->decision);
    keel_buf_free(&x->standing);
}

/* ---- what was denied ---- */

static int on_row(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    denial *x = ctx;
    snprintf(x->state, sizeof x->state, "%s", v[0]);
    snprintf(x->target, sizeof x->target, "%s", v[1]);
    snprintf(x->run_state, sizeof x->run_state, "%s", v[2]);
    x->seq = strtoll(v[3], NULL, 10);
    x->child = v[4] != NULL;
    x->label = label_of_columns(v[5], v[6]);
    digest_from_hex(&x->plugin, v[7], strlen(v[7]));
    x->spawn = !strcmp(x->target, "run.spawn");
    return 0;
}

static int on_denied(void *ctx, const journal_row *row) {
    denial *x = ctx;
    keel_json args = keel_json_get(row->body, "args");
    if (row->kind == RECORD_EFFECT_DENIED && args.len) {
        keel_buf_append(&x->args, args.data, args.len);
        keel_json_copy(keel_json_path(row->body, "error.code"), x->code, sizeof x->code);
    }
    return 0;
}

static int no_such(const denial *x, diag *d) {
    if (!x->seq) {
        diag_set(d, DIAG_NOT_FOUND, "there is no effect %llu:%s", (unsigned long long)x->run_id,
                 x->path);
        return diag_next(d, "see: keel run show %llu", (unsigned long long)x->run_id);
    }
    if (strcmp(x->state, "denied") != 0) {
        diag_set(d, DIAG_CONFLICT, "%s at %s is %s, and not denied", x->target, x->path, x->state);
        return diag_next(d, "only a denial can be overridden: keel why %llu:%s",
                         (unsigned long long)x->run_id, x->path);
    }
    if (!x->args.len) {
        diag_set(d, DIAG_CONFLICT, "what was denied at %s was erased", x->path);
        return diag_next(d, "do it anew with keel do");
    }
    return 0;
}

/* An override lifts what a rule said, that no rule spoke, or what a person has said before: nothing else. */
static int other_reason(const denial *x, diag *d) {
    if (strchr(x->path, '~')) {
        diag_set(d, DIAG_CONFLICT, "%s at %s takes back what was written", x->target, x->path);
        return diag_next(d, "let a rule allow it, then: keel rollback %llu",
                         (unsigned long long)x->run_id);
    }
    if (!strcmp(x->code, "denied") || !strcmp(x->code, "rejected")) {
        return 0;
    }
    if (!strcmp(x->code, "budget")) {
        diag_set(d, DIAG_DENIED, "%s was denied by a budget, and an override lifts rules alone",
                 x->target);
        return diag_next(d, "raise its limit in policies/ (or make it at_hard: ask), keel policy "
                            "reload, and do it anew or keel stuck retry it");
    }
    diag_set(d, DIAG_DENIED, "%s was refused as %s, and an override lifts rules alone", x->target,
             x->code);
    return diag_next(d, "see why: keel why %llu:%s", (unsigned long long)x->run_id, x->path);
}

static int find(kernel *k, keel_json args, denial *x, diag *d) {
    char id[24];
    const char *params[] = {id, x->path};
    int64_t n = 0;
    *x = (denial){0};
    keel_json_int(keel_json_get(args, "run"), &n);
    x->run_id = n > 0 ? (uint64_t)n : 0;
    body_text(args, "path", x->path, sizeof x->path);
    snprintf(id, sizeof id, "%llu", (unsigned long long)x->run_id);
    int rc = reader_query(k->env.reads,
                          "SELECT e.state, e.target, r.state, e.args_seq, r.parent, r.tainted,"
                          " r.sensitivity, r.plugin FROM effect e JOIN run r ON r.id = e.run"
                          " WHERE e.run = CAST(? AS INTEGER) AND e.path = ?",
                          params, 2, on_row, x, d);
    if (rc == 0 && x->seq) {
        rc = reader_record(k->env.reads, x->seq, on_denied, x, d);
    }
    rc = rc ? rc : no_such(x, d);
    return rc ? rc : other_reason(x, d);
}

/* ---- what policy says of it now ---- */

static void sign_what(denial *x) {
    char hex[DIGEST_HEX];
    keel_buf body = KEEL_BUF_INIT;
    digest_hex(&x->approval, hex);
    keel_buf_printf(&body, "{\"approval\":\"%s\",\"denied\":%lld}", hex, (long long)x->seq);
    x->signs = digest_of(body.data, body.len);
    keel_buf_free(&body);
}

static int still_denied(kernel *k, call *c, denial *x, diag *d) {
    policy_query q;
    policy_decision pd;
    effect_query(k, c, &q);
    policy_decide(k->world.policy, &q, &pd);
    policy_explain(k->world.policy, &q, &pd, &x->decision);
    approval_digest(k, c, &pd, &x->approval);
    sign_what(x);
    bool by_person = pd.verdict == POLICY_ASK && !strcmp(x->code, "rejected") &&
                     denial_words(k, c, &pd, &x->standing);
    if (pd.verdict == POLICY_DENY || by_person) {
        return 0;
    }
    diag_set(d, DIAG_CONFLICT, "policy does not deny %s any more: it would %s it by rule %s",
             x->target, pd.verdict == POLICY_ALLOW ? "allow" : "ask for", pd.rule_id);
    return diag_next(d, "it needs no override: keel stuck retry its run, or do it anew");
}

static int decide(kernel *k, denial *x, diag *d) {
    run r = {.id = x->run_id, .plugin = plugin_find(k, &x->plugin), .label = x->label};
    call c = {.run = &r, .kind = x->spawn ? CALL_SPAWN : CALL_EFFECT};
    if (!r.plugin) {
        diag_set(d, DIAG_CONFLICT, "the version of the agent of run %llu is no longer here",
                 (unsigned long long)x->run_id);
        return diag_next(d, "put it back into .keel/plugins, and keel policy reload");
    }
    snprintf(c.path, sizeof c.path, "%s", x->path);
    snprintf(c.target, sizeof c.target, "%s", x->target);
    c.args = keel_json_view(x->args.data, x->args.len);
    c.args_digest = digest_of(x->args.data, x->args.len);
    c.class = CLASS_LOCAL; /* a spawn's: anything else has that of its verb */
    effect_rebind(k, &c);
    if (!x->spawn && !c.verb) {
        diag_set(d, DIAG_CONFLICT, "the connection of %s is no longer in keel.yaml", x->target);
        return diag_next(d, "put it back, keel policy reload, and try again");
    }
    return still_denied(k, &c, x, d);
}

/* ---- whether its run can go on from there ---- */

static int no_way_back(const denial *x, const char *why, diag *d) {
    diag_set(d, DIAG_CONFLICT, "run %llu cannot go on from %s: %s", (unsigned long long)x->run_id,
             x->path, why);
    return diag_next(d,
                     "to let such things through from now on: keel policy add-rule --from %llu:%s; "
                     "then do it anew",
                     (unsigned long long)x->run_id, x->path);
}

static open_item *stuck_run(kernel *k, uint64_t run_id) {
    open_item *x = map_get(&k->stuck, run_id);
    while (x && strcmp(x->stuck, "run") != 0) {
        x = x->next;
    }
    return x;
}

static int way_back(kernel *k, denial *x, reopening *o, diag *d) {
    bool failed = !strcmp(x->run_state, "failed"), ended = !strcmp(x->run_state, "ended");
    *o = (reopening){.run_id = x->run_id, .stuck = stuck_run(k, x->run_id)};
    if ((!failed && !ended) || map_get(&k->runs, x->run_id)) {
        return no_way_back(x,
                           map_get(&k->runs, x->run_id)
                               ? "it was told of the denial, and is still at work"
                               : "it was cancelled, or another run goes on from it",
                           d);
    }
    if (failed && !o->stuck) {
        return no_way_back(x, "who began it was told, or its failure was closed by a person", d);
    }
    if (ended && x->child) {
        return no_way_back(x, "it has ended, and who began it was told", d);
    }
    o->stuck = failed ? o->stuck : NULL;
    int rc = reopen_plan(k, o, d);
    if (rc == 0 && !turning_asks(&o->turning, x->path)) {
        rc = no_way_back(x, "what it did afterwards stands, and cannot be done twice", d);
    } else if (rc == 0 && ended && o->turning.received) {
        rc = no_way_back(x, "it has ended, and what it had received is not kept for it", d);
    }
    return rc;
}

static int load(kernel *k, keel_json args, denial *x, reopening *o, diag *d) {
    *o = (reopening){.run_id = 0};
    int rc = find(k, args, x, d);
    rc = rc ? rc : decide(k, x, d);
    return rc ? rc : way_back(k, x, o, d);
}

int command_override_plan(kernel *k, command *c, diag *d) {
    denial x;
    reopening o;
    int rc = load(k, c->args, &x, &o, d);
    if (rc == 0) {
        keel_json_writer w;
        keel_json_write(&w, &c->result);
        keel_json_object(&w);
        keel_json_set_raw(&w, "args", keel_json_view(x.args.data, x.args.len));
        keel_json_set_raw(&w, "decision", keel_json_view(x.decision.data, x.decision.len));
        if (x.standing.len) {
            keel_json_set_text(&w, "denial", x.standing.data);
        }
        keel_json_set_int(&w, "from", turning_cut(&o.turning)->from);
        keel_json_key(&w, "override");
        keel_json_hex(&w, x.signs.bytes, DIGEST_SIZE);
        keel_json_set_text(&w, "target", x.target);
        keel_json_object_end(&w);
    }
    turning_finish(&o.turning);
    denial_finish(&x);
    return rc;
}

/* ---- lifting it ---- */

typedef struct word {
    char by[64], signs[DIGEST_HEX], nonce[33], signature[129], why[512];
} word;

static int word_read(keel_json args, word *w, diag *d) {
    snprintf(w->by, sizeof w->by, "operator");
    body_text(args, "by", w->by, sizeof w->by);
    keel_json_copy(keel_json_get(args, "why"), w->why, sizeof w->why);
    if (!w->why[0]) {
        diag_set(d, DIAG_USAGE, "an override takes a reason, for the record");
        return diag_next(d, "say it with --why");
    }
    if (!body_text(args, "override", w->signs, sizeof w->signs) ||
        !body_text(args, "nonce", w->nonce, sizeof w->nonce) || strlen(w->nonce) != 32 ||
        w->nonce[strspn(w->nonce, "0123456789abcdef")] ||
        !body_text(args, "signature", w->signature, sizeof w->signature)) {
        return diag_set(d, DIAG_USAGE, "an override names its digest, nonce and signature");
    }
    return 0;
}

static int word_check(const kernel *k, const word *w, const denial *x, diag *d) {
    uint8_t signature[64];
    char text[300], now[DIGEST_HEX];
    const approver *a = approver_named(k, w->by, d);
    if (!a) {
        return DIAG_AUTH;
    }
    digest_hex(&x->signs, now);
    if (strcmp(now, w->signs) != 0) {
        diag_set(d, DIAG_CONFLICT, "it is not what was shown: policy or its connection changed");
        return diag_next(d, "look at it again: keel override %llu:%s",
                         (unsigned long long)x->run_id, x->path);
    }
    int n = snprintf(text, sizeof text,
                     "{\"incarnation\":\"%s\",\"nonce\":\"%s\",\"override\":\"%s\","
                     "\"verdict\":\"override\"}",
                     k->identity.incarnation, w->nonce, w->signs);
    if (hex_decode(signature, sizeof signature, w->signature, strlen(w->signature)) != 64 ||
        crypto_sign_verify_detached(signature, (const uint8_t *)text, (unsigned long long)n,
                                    a->public_key)) {
        diag_set(d, DIAG_AUTH, "the passphrase is not the one of approver %s", w->by);
        return diag_next(d, "try again; nothing was overridden");
    }
    return 0;
}

static void put_record(kernel *k, run *r, const denial *x, const word *w, const override *o) {
    keel_json_writer j;
    k->scratch.len = 0;
    keel_json_write(&j, &k->scratch);
    keel_json_object(&j);
    keel_json_key(&j, "approval");
    keel_json_hex(&j, x->approval.bytes, DIGEST_SIZE);
    keel_json_set_text(&j, "by", w->by);
    keel_json_set_int(&j, "denied", x->seq);
    keel_json_set_int(&j, "expires_us", o->expires_us);
    keel_json_set_text(&j, "nonce", w->nonce);
    keel_json_set_int(&j, "number", (int64_t)o->number);
    keel_json_set_text(&j, "override", w->signs);
    keel_json_set_text(&j, "signature", w->signature);
    keel_json_set_text(&j, "why", w->why);
    keel_json_object_end(&j);
    journal_run(k, RECORD_OVERRIDE, r, x->path, &k->scratch);
}

int command_override(kernel *k, command *c, diag *d) {
    denial x;
    reopening o = {.run_id = 0};
    word w = {0};
    if (k->halted) {
        diag_set(d, DIAG_CONFLICT, "the workspace is halted; nothing was overridden");
        return diag_next(d, "lift the halt with: keel resume; then try again");
    }
    int rc = load(k, c->args, &x, &o, d);
    rc = rc ? rc : word_read(c->args, &w, d);
    rc = rc ? rc : word_check(k, &w, &x, d);
    rc = rc ? rc : reopen_revive(k, &o, d);
    if (rc == 0) {
        keel_json_writer j;
        const override *by = override_add(k, k->next_number++, x.run_id, x.path, &x.approval,
                                          kernel_now(k) + OVERRIDE_LASTS_US);
        put_record(k, o.run, &x, &w, by);
        keel_json_write(&j, &c->result);
        reopen_go(k, &o, by->number, w.why, &j);
    }
    turning_finish(&o.turning);
    denial_finish(&x);
    return rc;
}
