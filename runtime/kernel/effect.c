/* Effects from proposal to intention: what an agent asks is resolved against connections and
 * manifests, decided by policy, held against budgets, and made durable before anything is sent. */
#include <stdlib.h>
#include <string.h>

#include "breaker.h"
#include "grants.h"
#include "override.h"
#include "parts.h"
#include "planted.h"
#include "short.h"
#include "sums.h"
#include "tier.h"
#include "usage.h"
#include "waits.h"

/* ---- resolve ---- */

static int resolve_verb(call *c, const char *resource, const char *verb, char *why, size_t size) {
    const manifest *m = c->connection->plugin->manifest;
    c->resource = manifest_find(m, resource);
    if (!c->resource) {
        snprintf(why, size, "%s has no resource named %s", m->id, resource);
        return -1;
    }
    int last = c->undoes ? VERB_COMPENSATE : VERB_WRITE; /* no agent asks for a compensation */
    for (int v = VERB_READ; v <= last; v++) {
        if (!strcmp(manifest_verb_name((manifest_verb_id)v), verb)) {
            c->verb_name = manifest_verb_name((manifest_verb_id)v);
            c->verb = &c->resource->verbs[v];
        }
    }
    if (!c->verb || !c->verb->present) {
        c->verb = NULL;
        snprintf(why, size, "%s does not offer %s on %s", m->id, verb, resource);
        return -1;
    }
    c->class = plugin_verb_class(c->connection->plugin, c->resource,
                                 (manifest_verb_id)(c->verb - c->resource->verbs));
    return 0;
}

static int resolve_effect(kernel *k, call *c, char *why, size_t size) {
    char use[64], resource[40], verb[16];
    keel_json request = keel_json_view(c->request.data, c->request.len);
    snprintf(c->target, sizeof c->target, "unknown");
    c->args = keel_json_get(request, "args");
    if (!c->args.len) {
        c->args = keel_json_view("{}", 2);
    }
    c->why = keel_json_get(request, "why");
    c->evidence = keel_json_get(request, "evidence");
    if (!body_text(request, "use", use, sizeof use) ||
        !body_text(request, "resource", resource, sizeof resource) ||
        !body_text(request, "verb", verb, sizeof verb)) {
        snprintf(why, size, "an effect names a connection, a resource and a verb");
        return -1;
    }
    snprintf(c->target, sizeof c->target, "%s.%s.%s", use, resource, verb);
    c->connection = connection_find(k, use);
    if (!c->connection) {
        snprintf(why, size, "keel.yaml has no connection named %s", use);
        return -1;
    }
    return resolve_verb(c, resource, verb, why, size);
}

int effect_resolve(kernel *k, call *c, keel_json request, char *why, size_t size) {
    keel_buf_append(&c->request, request.data, request.len);
    c->opened_us = kernel_now(k);
    int rc =
        c->kind == CALL_SPAWN ? spawn_resolve(k, c, why, size) : resolve_effect(k, c, why, size);
    c->args_digest = digest_of(c->args.data, c->args.len);
    effect_mint_key(c, k->identity.incarnation, c->path);
    return rc;
}

void effect_propose(kernel *k, run *r, call_kind kind, const char *path, const char *hash,
                    keel_json request) {
    char why[256];
    call *c = call_new(r, kind, path, hash);
    if (effect_resolve(k, c, request, why, sizeof why)) {
        effect_denied(k, c, keel_json_view("{}", 2), "not_found", NULL, why);
        return;
    }
    effect_decide(k, c);
}

void effect_rebind(kernel *k, call *c) {
    char target[sizeof c->target], why[128];
    if (c->kind == CALL_SPAWN || (c->verb && c->connection && !c->connection->gone)) {
        return;
    }
    snprintf(target, sizeof target, "%s", c->target);
    char *rest = target;
    const char *use = strsep(&rest, ".");
    const char *resource = strsep(&rest, ".");
    c->verb = NULL;
    c->connection = connection_find(k, use);
    if (c->connection && resource && rest) {
        resolve_verb(c, resource, rest, why, sizeof why);
    }
}

void effect_restore(kernel *k, call *c, effect_class class, int64_t sent_seq) {
    c->args_digest = digest_of(c->args.data, c->args.len);
    effect_mint_key(c, k->identity.incarnation, c->path);
    effect_rebind(k, c);
    if (c->attempt && c->connection && c->connection->seq > sent_seq) {
        c->connection = NULL; /* it went through another of that name */
        c->verb = NULL;
    }
    c->class = class;
}

/* ---- decide ---- */

void effect_query(kernel *k, call *c, policy_query *q) {
    attr_set_fill(k->attrs, c->resource, c->args);
    *q = (policy_query){.agent = c->run->plugin->manifest->name,
                        .target = c->target,
                        .class = c->class,
                        .ordered = c->undoes != 0,
                        .tainted = c->run->label.untrusted,
                        .level = c->run->label.level,
                        .sink_external = c->verb && c->verb->sink_external,
                        .reply = reply_of(k, c)};
    q->attrs = attr_set_list(k->attrs, &q->attr_count);
    sums_see(k, q);
}

/* What was held is forgotten, and still settled. */
static void unhold(kernel *k, call *c) {
    keel_buf text = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &text);
    budget_holds_json(c->holds, c->hold_count, &w);
    for (size_t i = 0; i < c->hold_count; i++) {
        budget_release(k->budgets, &c->holds[i]);
    }
    budget_holds_parse(k->budgets, keel_json_view(text.data, text.len), c->holds, &c->hold_count);
    keel_buf_free(&text);
}

void effect_request(const call *c, budget_request *q) {
    const run *r = c->run;
    *q = (budget_request){.agent = r->plugin->manifest->name,
                          .root_run = r->tree   ? r->tree->root
                                      : r->root ? r->root
                                                : r->id,
                          .depth = r->depth + (c->kind == CALL_SPAWN),
                          .calls = 1,
                          .target = c->target,
                          .connection = c->connection ? c->connection->name : NULL};
}

int effect_reserve(kernel *k, call *c, bool asked, budget_refusal *why) {
    budget_request q;
    effect_request(c, &q);
    q.asked = asked;
    if (asked &&
        (c->approved || (c->consented && (c->held_up || kernel_now(k) <= c->expires_us)))) {
        q.lets = c->beyond;
        q.let_count = c->beyond_count;
    }
    if (!usage_expect(k, c, &q, why)) {
        return -1;
    }
    int rc = budget_reserve(k->budgets, k->world.policy, &q, kernel_now(k), call_holds(c),
                            &c->hold_count, why);
    if (KEEL_PLANTED("budget_no_hold") && !rc) {
        unhold(k, c);
    }
    budgets_tell(k);
    return rc;
}

/* A consent is not kept waiting: it is used, and its effect held as one to be sent again. */
static bool waits_for_connection(kernel *k, call *c, const policy_decision *d, keel_json decision) {
    if (!c->connection || breaker_lets(c->connection, c) || d->verdict == POLICY_ASK ||
        approval_covers(k, c, d)) {
        return false;
    }
    if (c->state == EFFECT_WAITING && c->reason == WAIT_BREAKER) {
        return true;
    }
    if (c->number) {
        approval_stale(k, c, "it needs nobody any more");
    }
    effect_wait(k, c, NULL, decision, WAIT_BREAKER);
    return true;
}

static void intend(kernel *k, call *c, keel_json decision, const hold_up *held);

/* What policy lets go goes once its pace and the hour let it too; a consent is used, as above. */
static void go(kernel *k, call *c, const policy_decision *d, keel_json decision) {
    budget_refusal why;
    hold_up held;
    bool must_wait = waits_must(k, c, &held);
    if (must_wait && c->state == EFFECT_RETRY && c->held_up) {
        waits_give_back(k, c, &held);
        return;
    }
    if (must_wait && d->verdict != POLICY_ASK && !approval_covers(k, c, d)) {
        waits_begin(k, c, decision, &held);
        return;
    }
    if (waits_for_connection(k, c, d, decision)) {
        return;
    }
    if (!effect_reserve(k, c, approval_covers(k, c, d), &why)) {
        if (c->number && !c->approved) {
            approval_stale(k, c, "it needs nobody any more");
        }
        if (c->kind == CALL_SPAWN) {
            spawn_go(k, c, decision);
        } else {
            intend(k, c, decision, must_wait ? &held : NULL);
        }
    } else {
        effect_short(k, c, d, decision, &why);
    }
}

/* What was asked for may have gone since. false: c is over. */
static bool target_is_there(kernel *k, call *c) {
    char agent[64];
    if (c->undoes && !undo_may_go(k, c)) {
        return false;
    }
    if (c->kind == CALL_EFFECT && !c->verb) {
        effect_give_up(k, c, "unavailable", "its connection is no longer in keel.yaml");
        return false;
    }
    if (c->kind == CALL_SPAWN && (!body_text(c->args, "agent", agent, sizeof agent) ||
                                  !library_agent(k->world.library, agent))) {
        effect_denied(k, c, keel_json_view("{}", 2), "not_found", NULL,
                      "its agent is no longer in this workspace");
        return false;
    }
    return true;
}

/* What comes back, or what a child would be told, may be above what its agent reads. false: c is over. */
static bool within_bounds(kernel *k, call *c) {
    char agent[64], why[400];
    const plugin *p = c->run->plugin;
    item_label of = c->run->label;
    if (c->kind == CALL_SPAWN) {
        body_text(c->args, "agent", agent, sizeof agent);
        p = library_agent(k->world.library, agent);
    } else {
        of = label_of_verb(c, NULL);
    }
    if (c->undoes || plugin_takes(p, of)) {
        return true;
    }
    plugin_refuses(p, c->kind == CALL_SPAWN ? "what this run has read" : c->target, of, why,
                   sizeof why);
    effect_denied(k, c, keel_json_view("{}", 2), "denied", "max_taint", why);
    return false;
}

void effect_decide(kernel *k, call *c) {
    if (k->halted && !KEEL_PLANTED("halt_lets_through")) {
        if (c->state != EFFECT_WAITING) { /* what waits already goes on waiting for the same */
            effect_wait(k, c, NULL, keel_json_view("{}", 2), WAIT_HALTED);
        }
        return;
    }
    if (short_stopped(c)) {
        return;
    }
    waits_leave(k, c);
    effect_rebind(k, c);
    c->grant = 0;
    if (!target_is_there(k, c) || !within_bounds(k, c) || !tier_settles(k, c)) {
        return;
    }
    policy_query q;
    policy_decision d;
    keel_buf text = KEEL_BUF_INIT;
    effect_query(k, c, &q);
    policy_decide(k->world.policy, &q, &d);
    policy_explain(k->world.policy, &q, &d, &text);
    keel_json decision = keel_json_view(text.data, text.len);
    if (!override_lets(k, c, &d)) {
        char why[512] = "";
        body_text(decision, "why", why, sizeof why);
        effect_denied(k, c, decision, "denied", d.rule_id, why);
    } else if (d.verdict == POLICY_ASK && !c->overridden && !approval_covers(k, c, &d) &&
               !grant_covers(k, c, &d)) {
        short_or_ask(k, c, &d, decision);
    } else {
        go(k, c, &d, decision);
    }
    keel_buf_free(&text);
}

/* ---- intend ---- */

static void intended_body(kernel *k, const call *c, keel_json decision, keel_buf *out) {
    keel_json_writer w;
    out->len = 0;
    keel_json_write(&w, out);
    keel_json_object(&w);
    if (c->approved) {
        keel_json_set_int(&w, "approval", (int64_t)c->approved);
    }
    effect_put_args(c, &w);
    keel_json_set_int(&w, "attempt", c->attempt);
    effect_put_common(c, &w);
    if (decision.len) {
        keel_json_set_raw(&w, "decision", decision);
    }
    effect_put_digest(c, &w);
    if (c->grant && c->grant != c->granted) {
        keel_json_set_int(&w, "grant", (int64_t)c->grant);
    }
    keel_json_key(&w, "holds");
    budget_holds_json(c->holds, c->hold_count, &w);
    keel_json_set_text(&w, "key", c->key);
    override_put(k, c, &w);
    keel_json_set_text(&w, "target", c->target);
    tier_put(c, &w);
    if (c->attempt == 1 && c->verb && c->verb->undo_compensate) {
        keel_json_set_text(&w, "undo", "compensate"); /* promised before the act */
    }
    if (!c->recorded && c->why.len) {
        keel_json_set_raw(&w, "why", c->why);
    }
    keel_json_object_end(&w);
}

static void intend(kernel *k, call *c, keel_json decision, const hold_up *held) {
    bool doubt = (!c->attempt || c->untried) && restored_doubts(k, c);
    c->maybe_applied |=
        c->untried && c->class == CLASS_REPEATABLE; /* the lost life may have sent it */
    c->untried = false;
    if (!c->attempt++ || !c->maybe_applied) {
        c->opened_us = kernel_now(k); /* the other side remembers a key from here on */
    }
    intended_body(k, c, decision, &k->scratch);
    journal_effect(k, RECORD_EFFECT_INTENDED, c, &k->scratch);
    c->recorded = true;
    c->reconcile = false;
    grant_use(k, c);
    if (c->approved) {
        item_close(k, c);
        c->approved = KEEL_PLANTED("approval_twice") ? c->approved : 0;
        c->consented = true;
    }
    timer_clear(&k->timers, &c->timer);
    c->held_up = false;
    if (doubt) {
        restored_look(k, c);
    } else if (held) {
        waits_give_back(k, c, held);
    } else {
        dispatch(k, c);
    }
}

void effect_intend(kernel *k, call *c, keel_json decision) {
    intend(k, c, decision, NULL);
}

bool effect_is_out(const call *c) {
    if (c->recheck) {
        return true;
    }
    switch (c->state) {
    case EFFECT_INTENDED:
        return c->dispatch != 0 || c->order != 0 || c->maybe_applied;
    case EFFECT_RETRY:
        return c->maybe_applied;
    case EFFECT_UNKNOWN:
    case EFFECT_RECONCILING:
        return true;
    default:
        return false;
    }
}
