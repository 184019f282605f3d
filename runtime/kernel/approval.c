/* Approvals: a person's single-use consent to exact bytes. The digest that is signed covers all
 * that could be changed between the asking and the sending; the effect is decided again at the
 * moment it is intended. */
#include <sodium.h>
#include <string.h>

#include "attention.h"
#include "denials.h"
#include "grants.h"
#include "parts.h"
#include "planted.h"
#include "seal.h"
#include "short.h"
#include "waits.h"

void approval_goes_to(const connection *cn, char goes_to[DIGEST_HEX], char connector[DIGEST_HEX]) {
    goes_to[0] = connector[0] = 0;
    if (cn) {
        digest all = digest_of(cn->body.data, cn->body.len);
        digest_hex(&all, goes_to);
        digest_hex(&cn->plugin->digest, connector);
    }
}

void approval_bound(kernel *k, const call *c, const policy_decision *d, bool here, digest *out) {
    char goes_to[DIGEST_HEX], connector[DIGEST_HEX];
    digest rule = policy_rule_digest(d->rule);
    keel_buf body = KEEL_BUF_INIT;
    keel_json_writer w;
    approval_goes_to(c->connection, goes_to, connector);
    keel_json_write(&w, &body);
    keel_json_object(&w);
    if (!here) {
        keel_json_set_text(&w, "agent", c->run->plugin->manifest->name);
    }
    keel_json_key(&w, "args");
    keel_json_hex(&w, c->args_digest.bytes, DIGEST_SIZE);
    beyond_put(c, false, &w);
    keel_json_set_text(&w, "class", effect_class_name(c->class));
    keel_json_set_text(&w, "connection", goes_to);
    keel_json_set_text(&w, "connector", connector);
    if (here) {
        keel_json_set_text(&w, "path", c->path);
    }
    keel_json_set_text(&w, "rule", d->rule_id ? d->rule_id : "");
    keel_json_key(&w, "rule_digest");
    keel_json_hex(&w, rule.bytes, DIGEST_SIZE);
    if (here) {
        keel_json_set_int(&w, "run", (int64_t)c->run->id);
    }
    keel_json_set_text(&w, "target", c->target);
    keel_json_set_text(&w, "workspace", k->identity.workspace);
    keel_json_object_end(&w);
    *out = digest_of(body.data, body.len);
    keel_buf_free(&body);
}

void approval_digest(kernel *k, const call *c, const policy_decision *d, digest *out) {
    approval_bound(k, c, d, true, out);
}

bool approval_covers(kernel *k, const call *c, const policy_decision *d) {
    digest now;
    bool stands = c->consented && (c->held_up || kernel_now(k) <= c->expires_us);
    if (!c->approved && !stands) {
        return false; /* used for an earlier attempt, it covers this one as long as it would stand */
    }
    approval_digest(k, c, d, &now);
    return digest_equal(&now, &c->approval);
}

/* ---- asking ---- */

void approval_group(kernel *k, call *c, const policy_decision *d) {
    policy_query q;
    effect_query(k, c, &q);
    policy_batch_key(d, &q, c->batch);
    c->batch_max = policy_rule_approval(d->rule).batch_max;
}

void approval_put_batch(const call *c, keel_json_writer *w) {
    if (c->number) {
        keel_json_key(w, "batch");
        keel_json_object(w);
        keel_json_set_text(w, "key", c->batch);
        keel_json_set_int(w, "max", c->batch_max);
        keel_json_object_end(w);
    }
}

void approval_stale(kernel *k, call *c, const char *why) {
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_int(&w, "number", (int64_t)c->number);
    keel_json_set_text(&w, "why", why);
    keel_json_object_end(&w);
    journal_effect(k, RECORD_EFFECT_STALE, c, &k->scratch);
    k->stale = c->number;
    k->stale_next = 0;
    text_cut(k->stale_why, sizeof k->stale_why, why);
    c->approved = 0;
    item_close(k, c);
    timer_clear(&k->timers, &c->timer);
}

/* It has a number from here on, and a person is shown it now or at the next digest. */
static void ask(kernel *k, call *c, const policy_decision *d) {
    policy_approval a = policy_rule_approval(d->rule);
    c->number = k->next_number++;
    c->raise_us = policy_raise_us(&a, kernel_now(k));
    item_open(k, c, d->rule_id, kernel_now(k), 0);
    approval_digest(k, c, d, &c->approval);
    c->seal = seal_of(c, d);
    denial_asked(k, c, d);
    approval_group(k, c, d);
    c->expires_us = waits_awake(k, c, kernel_now(k), a.expires_us);
}

void effect_wait(kernel *k, call *c, const policy_decision *d, keel_json decision,
                 wait_reason reason) {
    bool anew = false, gathered = attention_gathered(c);
    if (!d || reason != WAIT_BUDGET) {
        beyond_set(c, NULL, 0);
    }
    if (d && (denial_stops(k, c, d, decision) || attention_gathers(k, c, d, decision))) {
        return;
    }
    if (c->state == EFFECT_WAITING && c->number && d) {
        digest now;
        char why[sizeof k->stale_why];
        bool used = c->approved != 0;
        approval_digest(k, c, d, &now);
        c->approved = 0; /* a consent is for now or not at all */
        bool same = digest_equal(&now, &c->approval);
        if (c->reason == reason && same && !used) {
            return; /* asked already, and nothing has changed */
        }
        if (same) { /* under another number: the signature that was given is worth nothing more */
            text_cut(why, sizeof why, reason == WAIT_BUDGET ? SEAL_BUDGET : "asked anew");
        } else {
            approval_seal now_sealed = seal_of(c, d);
            seal_changed(&c->seal, &now_sealed, why, sizeof why);
        }
        approval_stale(k, c, why);
        anew = true;
    }
    c->reason = reason;
    c->expires_us = reason == WAIT_BUDGET && !d ? c->patience_us : 0;
    c->raise_us = reason == WAIT_ATTENTION ? c->raise_us : 0;
    c->consented = false;
    c->rule_asks = d && d->verdict == POLICY_ASK;
    c->grant = 0;
    timer_clear(&k->timers, &c->timer);
    keel_buf scope = KEEL_BUF_INIT;
    if (d) {
        ask(k, c, d);
        k->stale_next = anew ? c->number : k->stale_next;
    }
    if (d && reason == WAIT_APPROVAL && !grant_scope(k, c, d, c->run->label, &scope)) {
        keel_buf_clear(&scope);
    }
    effect_waits(k, c, decision, NULL, &scope);
    keel_buf_free(&scope);
    if (c->expires_us) {
        call_due(k, c, c->expires_us);
    }
    if (d && gathered && k->day_turns) {
        item_announce(k, c);
    }
}

/* ---- giving ---- */

const approver *approver_named(const kernel *k, const char *name, diag *d) {
    for (size_t i = 0; i < k->approver_count; i++) {
        if (!strcmp(k->approvers[i].name, name)) {
            return &k->approvers[i];
        }
    }
    diag_set(d, DIAG_AUTH, "there is no approver named %s in this workspace", name);
    diag_next(d, "make one with: keel approver set");
    return NULL;
}

typedef struct consent {
    char approval[DIGEST_HEX];
    char nonce[33];
    char signature[129];
    char remember[DIGEST_HEX]; /* of what it is to cover further on; "": nothing */
    int64_t number;
} consent;

static bool consent_read(keel_json item, consent *out) {
    keel_json remember = keel_json_get(item, "remember");
    out->remember[0] = 0;
    if (remember.len && (!body_text(item, "remember", out->remember, sizeof out->remember) ||
                         strlen(out->remember) != DIGEST_HEX - 1)) {
        return false;
    }
    return body_text(item, "approval", out->approval, sizeof out->approval) &&
           body_text(item, "nonce", out->nonce, sizeof out->nonce) &&
           body_text(item, "signature", out->signature, sizeof out->signature) &&
           keel_json_int(keel_json_get(item, "number"), &out->number) && out->number > 0 &&
           strlen(out->nonce) == 32;
}

static bool consent_signed(const kernel *k, const consent *s, const approver *a) {
    uint8_t signature[64];
    char text[512], remember[96] = "";
    if (s->remember[0]) {
        snprintf(remember, sizeof remember, "\"remember\":\"%s\",", s->remember);
    }
    int n =
        snprintf(text, sizeof text,
                 "{\"approval\":\"%s\",\"incarnation\":\"%s\",\"nonce\":\"%s\",\"number\":%lld,"
                 "%s\"verdict\":\"approve\"}",
                 s->approval, k->identity.incarnation, s->nonce, (long long)s->number, remember);
    return hex_decode(signature, sizeof signature, s->signature, strlen(s->signature)) == 64 &&
           !crypto_sign_verify_detached(signature, (const uint8_t *)text, (unsigned long long)n,
                                        a->public_key);
}

static void given_record(kernel *k, call *c, const consent *s, const char *by) {
    keel_json_writer w;
    attention_decided(k, c);
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_text(&w, "approval", s->approval);
    attention_put(k, &w);
    keel_json_set_text(&w, "by", by);
    uint64_t lifted = denial_overtaken(k, c);
    if (lifted) {
        keel_json_set_int(&w, "lifted", (int64_t)lifted);
    }
    keel_json_set_text(&w, "nonce", s->nonce);
    keel_json_set_int(&w, "number", s->number);
    if (s->remember[0]) {
        keel_json_set_text(&w, "remember", s->remember);
    }
    keel_json_set_text(&w, "signature", s->signature);
    keel_json_object_end(&w);
    journal_effect(k, RECORD_APPROVAL_GIVEN, c, &k->scratch);
}

/* The call of a run and path, if it is still in memory; *over: its run is. */
static const call *find_call(kernel *k, uint64_t run_id, const char *path, bool *over) {
    const run *r = map_get(&k->runs, run_id);
    *over = !r; /* it takes something back, and the run has ended */
    for (r = *over ? k->over : r; *over && r && r->id != run_id;) {
        r = r->worker_next;
    }
    const call *c = r ? r->calls : NULL;
    while (c && strcmp(c->path, path) != 0) {
        c = c->next;
    }
    return c;
}

/* What became of an item when it was decided afresh: it may be gone from memory. */
static const char *decided(kernel *k, uint32_t denied_before, const tree *t, uint64_t run_id,
                           const char *path) {
    bool over;
    if (t && t->denied > denied_before) {
        return "denied";
    }
    const call *c = find_call(k, run_id, path, &over);
    if (c) {
        return c->state == EFFECT_WAITING ? "stale" : "approved";
    }
    return over ? "denied" : "approved"; /* a spawn is over at once */
}

int approval_check(kernel *k, keel_json item, const char *by, diag *d) {
    consent s;
    const approver *a = approver_named(k, by, d);
    if (!a) {
        return DIAG_AUTH;
    }
    if (!consent_read(item, &s)) {
        return diag_set(d, DIAG_USAGE, "an approval names number, digest, nonce and signature");
    }
    if (!consent_signed(k, &s, a)) {
        diag_set(d, DIAG_AUTH, "the passphrase is not the one of approver %s", by);
        return diag_next(d, "try again; nothing was approved");
    }
    return 0;
}

/* scope: what it is to cover further on, or empty. */
static const char *give(kernel *k, const consent *s, const char *by, const keel_buf *scope) {
    char wanted[DIGEST_HEX], path[PATH_LIMIT];
    call *c = map_get(&k->items, (uint64_t)s->number);
    if (!c || c->state != EFFECT_WAITING) {
        return "gone";
    }
    digest_hex(&c->approval, wanted);
    if (strcmp(wanted, s->approval) != 0 && !KEEL_PLANTED("approval_for_anything")) {
        return "stale"; /* edited or asked anew since it was shown */
    }
    if (c->expires_us && kernel_now(k) >= c->expires_us && !KEEL_PLANTED("approval_expired")) {
        effect_expired(k, c); /* its timer is late: the wall clock has jumped */
        return "gone";
    }
    uint64_t run_id = c->run->id;
    tree *t = c->run->tree;
    uint32_t denied = t ? t->denied : 0;
    snprintf(path, sizeof path, "%s", c->path);
    given_record(k, c, s, by);
    c->approved = (uint64_t)s->number;
    effect_decide(k, c);
    const char *outcome = decided(k, denied, t, run_id, path);
    if (scope->len && !strcmp(outcome, "approved")) {
        grant_signed as = {s->approval, s->nonce, s->signature, by};
        grant_give(k, (uint64_t)s->number, run_id, path, scope, &as);
    }
    return outcome;
}

static const char no_longer[] = "what it would be remembered for is not what was shown: look at it "
                                "again, or approve it without --remember";

/* What is signed to be remembered is what may be now: written to scope. */
static bool may_remember(kernel *k, const consent *s, keel_buf *scope) {
    call *c = map_get(&k->items, (uint64_t)s->number);
    return !s->remember[0] || !c || grant_find_scope(k, c, s->remember, scope);
}

void approval_give(kernel *k, keel_json item, const char *by, keel_json_writer *w) {
    consent s;
    keel_buf scope = KEEL_BUF_INIT;
    if (!consent_read(item, &s)) {
        return; /* approval_check has refused it before */
    }
    bool may = may_remember(k, &s, &scope);
    const char *outcome = may ? give(k, &s, by, &scope) : "stale";
    keel_json_object(w);
    if (scope.len && grant_is_open(k, (uint64_t)s.number)) {
        keel_json_set_int(w, "grant", s.number);
    }
    keel_json_set_int(w, "number", s.number);
    keel_json_set_text(w, "outcome", outcome);
    if (!may) {
        keel_json_set_text(w, "why", no_longer);
    } else if (!strcmp(outcome, "stale") || k->stale == (uint64_t)s.number) {
        seal_say_stale(k, (uint64_t)s.number, w);
    }
    keel_json_object_end(w);
    keel_buf_free(&scope);
}
