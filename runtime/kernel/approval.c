/* Approvals: a person's single-use consent to exact bytes. The digest that is signed covers all
 * that could be changed between the asking and the sending; the effect is decided again at the
 * moment it is intended. */
#include <sodium.h>
#include <string.h>

#include "parts.h"
#include "planted.h"

void approval_digest(kernel *k, const call *c, const policy_decision *d, digest *out) {
    char goes_to[DIGEST_HEX] = "", connector[DIGEST_HEX] = "";
    digest rule = policy_rule_digest(d->rule);
    keel_buf body = KEEL_BUF_INIT;
    keel_json_writer w;
    if (c->connection) { /* where it goes, and what brings it there */
        digest all = digest_of(c->connection->body.data, c->connection->body.len);
        digest_hex(&all, goes_to);
        digest_hex(&c->connection->plugin->digest, connector);
    }
    keel_json_write(&w, &body);
    keel_json_object(&w);
    keel_json_key(&w, "args");
    keel_json_hex(&w, c->args_digest.bytes, DIGEST_SIZE);
    keel_json_set_text(&w, "class", effect_class_name(c->class));
    keel_json_set_text(&w, "connection", goes_to);
    keel_json_set_text(&w, "connector", connector);
    keel_json_set_text(&w, "path", c->path);
    keel_json_set_text(&w, "rule", d->rule_id);
    keel_json_key(&w, "rule_digest");
    keel_json_hex(&w, rule.bytes, DIGEST_SIZE);
    keel_json_set_int(&w, "run", (int64_t)c->run->id);
    keel_json_set_text(&w, "target", c->target);
    keel_json_set_text(&w, "workspace", k->identity.workspace);
    keel_json_object_end(&w);
    *out = digest_of(body.data, body.len);
    keel_buf_free(&body);
}

bool approval_covers(kernel *k, const call *c, const policy_decision *d) {
    digest now;
    if (!c->approved && (!c->consented || kernel_now(k) > c->expires_us)) {
        return false; /* used for an earlier attempt, it covers this one as long as it would stand */
    }
    approval_digest(k, c, d, &now);
    return digest_equal(&now, &c->approval);
}

/* ---- asking ---- */

const char *const wait_reason_names[] = {"approval", "budget", "halted", "breaker"};

static void waiting_body(kernel *k, const call *c, keel_json decision) {
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    if (c->number) {
        keel_json_key(&w, "approval");
        keel_json_hex(&w, c->approval.bytes, DIGEST_SIZE);
    }
    effect_put_args(c, &w);
    effect_put_common(c, &w);
    keel_json_set_raw(&w, "decision", decision);
    effect_put_digest(c, &w);
    if (c->expires_us) {
        keel_json_set_int(&w, "expires_us", c->expires_us);
    }
    if (c->number) {
        keel_json_set_int(&w, "number", (int64_t)c->number);
    }
    keel_json_set_text(&w, "reason", wait_reason_names[c->reason]);
    effect_put_target(c, &w);
    keel_json_object_end(&w);
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
    item_close(k, c);
    timer_clear(&k->timers, &c->timer);
}

void effect_wait(kernel *k, call *c, const policy_decision *d, keel_json decision,
                 wait_reason reason) {
    if (c->state == EFFECT_WAITING && c->number && d) {
        digest now;
        approval_digest(k, c, d, &now);
        c->approved = 0; /* a consent is for now or not at all */
        if (c->reason == reason && digest_equal(&now, &c->approval)) {
            return; /* asked already, and nothing has changed */
        }
        approval_stale(k, c, "policy or its connection changed since it was asked");
    }
    c->reason = reason;
    c->expires_us = 0;
    c->consented = false;
    timer_clear(&k->timers, &c->timer);
    if (d) {
        policy_approval a = policy_rule_approval(d->rule);
        c->number = k->next_number++;
        item_open(k, c, d->rule_id, kernel_now(k), 0);
        approval_digest(k, c, d, &c->approval);
        c->expires_us = kernel_now(k) + a.expires_us;
    }
    c->recorded = false;
    waiting_body(k, c, decision);
    journal_effect(k, RECORD_EFFECT_WAITING, c, &k->scratch);
    c->recorded = true;
    if (c->expires_us) {
        call_due(k, c, c->expires_us);
    }
}

/* ---- giving ---- */

static const approver *find_approver(const kernel *k, const char *name) {
    for (size_t i = 0; i < k->approver_count; i++) {
        if (!strcmp(k->approvers[i].name, name)) {
            return &k->approvers[i];
        }
    }
    return NULL;
}

typedef struct consent {
    char approval[DIGEST_HEX];
    char nonce[33];
    char signature[129];
    int64_t number;
} consent;

static bool consent_read(keel_json item, consent *out) {
    return body_text(item, "approval", out->approval, sizeof out->approval) &&
           body_text(item, "nonce", out->nonce, sizeof out->nonce) &&
           body_text(item, "signature", out->signature, sizeof out->signature) &&
           keel_json_int(keel_json_get(item, "number"), &out->number) && out->number > 0 &&
           strlen(out->nonce) == 32;
}

static bool consent_signed(const kernel *k, const consent *s, const approver *a) {
    uint8_t signature[64];
    char text[512];
    int n = snprintf(text, sizeof text,
                     "{\"approval\":\"%s\",\"incarnation\":\"%s\",\"nonce\":\"%s\",\"number\":%lld,"
                     "\"verdict\":\"approve\"}",
                     s->approval, k->identity.incarnation, s->nonce, (long long)s->number);
    return hex_decode(signature, sizeof signature, s->signature, strlen(s->signature)) == 64 &&
           !crypto_sign_verify_detached(signature, (const uint8_t *)text, (unsigned long long)n,
                                        a->public_key);
}

static void given_record(kernel *k, call *c, const consent *s, const char *by) {
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_text(&w, "approval", s->approval);
    keel_json_set_text(&w, "by", by);
    keel_json_set_text(&w, "nonce", s->nonce);
    keel_json_set_int(&w, "number", s->number);
    keel_json_set_text(&w, "signature", s->signature);
    keel_json_object_end(&w);
    journal_effect(k, RECORD_APPROVAL_GIVEN, c, &k->scratch);
}

/* What became of item `number` when it was decided afresh: it may be gone from memory. */
static const char *decided(kernel *k, uint64_t number, uint32_t denied_before, const tree *t,
                           uint64_t run_id, const char *path) {
    if (map_get(&k->items, number)) {
        return "stale"; /* still open: a budget that is still short */
    }
    if (t && t->denied > denied_before) {
        return "denied";
    }
    const run *r = map_get(&k->runs, run_id);
    bool over = !r; /* it takes something back, and the run has ended */
    for (r = over ? k->over : r; over && r && r->id != run_id;) {
        r = r->worker_next;
    }
    for (const call *c = r ? r->calls : NULL; c; c = c->next) {
        if (!strcmp(c->path, path)) {
            return c->state == EFFECT_WAITING ? "stale" : "approved";
        }
    }
    return over ? "denied" : "approved"; /* a spawn is over at once */
}

int approval_check(kernel *k, keel_json item, const char *by, diag *d) {
    consent s;
    const approver *a = find_approver(k, by);
    if (!a) {
        diag_set(d, DIAG_AUTH, "there is no approver named %s in this workspace", by);
        return diag_next(d, "make one with: keel approver set");
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

static const char *give(kernel *k, const consent *s, const char *by) {
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
    return decided(k, (uint64_t)s->number, denied, t, run_id, path);
}

void approval_give(kernel *k, keel_json item, const char *by, keel_json_writer *w) {
    consent s;
    if (!consent_read(item, &s)) {
        return; /* approval_check has refused it before */
    }
    const char *outcome = give(k, &s, by);
    keel_json_object(w);
    keel_json_set_int(w, "number", s.number);
    keel_json_set_text(w, "outcome", outcome);
    if (!strcmp(outcome, "stale")) {
        const call *c = map_get(&k->items, (uint64_t)s.number);
        keel_json_set_text(w, "why",
                           c && c->reason == WAIT_BUDGET
                               ? "its budget is still short: raise the limit, keel policy reload, "
                                 "and approve again"
                               : "it changed since it was shown: look at it again");
    }
    keel_json_object_end(w);
}

/* ---- editing ---- */

static bool may_edit(const policy_approval *a, keel_json field) {
    for (size_t i = 0; i < a->edit_count; i++) {
        if (keel_json_is(field, a->edit[i])) {
            return true;
        }
    }
    return false;
}

static int check_fields(const policy_approval *a, const policy_decision *pd, keel_json set,
                        diag *d) {
    for (keel_json_iter it = keel_json_each(set); keel_json_next(&it);) {
        if (!may_edit(a, it.key)) {
            diag_set(d, DIAG_DENIED, "rule %s does not let %.*s be edited", pd->rule_id,
                     (int)it.key.len, it.key.data);
            return diag_next(d,
                             "fields that may be edited stand in `approval: { edit: [...] }` of "
                             "the rule at %s:%d",
                             pd->file, pd->line);
        }
    }
    return 0;
}

/* args with the members of set in place of its own, canonical. */
static void merge(keel_json args, keel_json set, keel_buf *out) {
    keel_buf plain = KEEL_BUF_INIT;
    char name[256];
    const char *comma = "";
    keel_buf_putc(&plain, '{');
    for (keel_json_iter it = keel_json_each(args); keel_json_next(&it);) {
        keel_json_copy(it.key, name, sizeof name);
        if (!keel_json_get(set, name).len) {
            keel_buf_printf(&plain, "%s%.*s:%.*s", comma, (int)it.key.len, it.key.data,
                            (int)it.value.len, it.value.data);
            comma = ",";
        }
    }
    for (keel_json_iter it = keel_json_each(set); keel_json_next(&it);) {
        keel_buf_printf(&plain, "%s%.*s:%.*s", comma, (int)it.key.len, it.key.data,
                        (int)it.value.len, it.value.data);
        comma = ",";
    }
    keel_buf_putc(&plain, '}');
    keel_json_canonical(out, plain.data, plain.len, NULL);
    keel_buf_free(&plain);
}

static void edited_record(kernel *k, call *c, keel_json decision) {
    keel_json_writer w;
    c->recorded = false; /* from here on this record is the one that says it all */
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_key(&w, "approval");
    keel_json_hex(&w, c->approval.bytes, DIGEST_SIZE);
    keel_json_set_raw(&w, "args", c->args);
    keel_json_set_text(&w, "by", "operator");
    effect_put_common(c, &w);
    keel_json_set_raw(&w, "decision", decision);
    effect_put_digest(c, &w);
    keel_json_set_int(&w, "number", (int64_t)c->number);
    effect_put_target(c, &w);
    keel_json_object_end(&w);
    journal_effect(k, RECORD_APPROVAL_EDITED, c, &k->scratch);
    c->recorded = true;
}

static void edit_result(const call *c, keel_json decision, keel_buf *result) {
    keel_json_writer w;
    keel_json_write(&w, result);
    keel_json_object(&w);
    keel_json_key(&w, "approval");
    keel_json_hex(&w, c->approval.bytes, DIGEST_SIZE);
    keel_json_set_raw(&w, "decision", decision);
    keel_json_set_int(&w, "number", (int64_t)c->number);
    keel_json_object_end(&w);
}

int approval_edit(kernel *k, call *c, keel_json set, keel_buf *result, diag *d) {
    policy_query q;
    policy_decision pd;
    if (c->undoes) {
        diag_set(d, DIAG_USAGE, "it takes back what was written, and that cannot be edited");
        return diag_next(d, "approve or deny it as it is");
    }
    keel_buf merged = KEEL_BUF_INIT, text = KEEL_BUF_INIT;
    effect_query(k, c, &q);
    policy_decide(k->world.policy, &q, &pd);
    policy_approval a = policy_rule_approval(pd.rule);
    int rc = check_fields(&a, &pd, set, d);
    if (rc) {
        return rc;
    }
    keel_json old = c->args;
    digest old_digest = c->args_digest;
    merge(c->args, set, &merged);
    c->args = keel_json_view(merged.data, merged.len);
    c->args_digest = digest_of(merged.data, merged.len);
    effect_query(k, c, &q);
    policy_decide(k->world.policy, &q, &pd);
    policy_explain(k->world.policy, &q, &pd, &text);
    keel_json decision = keel_json_view(text.data, text.len);
    if (pd.verdict == POLICY_DENY) {
        char why[512] = "";
        body_text(decision, "why", why, sizeof why);
        c->args = old;
        c->args_digest = old_digest;
        rc = diag_set(d, DIAG_DENIED, "so edited, policy denies it: %s", why);
        keel_buf_free(&merged);
    } else {
        approval_digest(k, c, &pd, &c->approval);
        edited_record(k, c, decision);
        edit_result(c, decision, result);
        keel_buf_free(&c->edited);
        c->edited = merged;
    }
    keel_buf_free(&text);
    return rc;
}
