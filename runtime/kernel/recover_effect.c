/* Recovery of effects: those that the tables say are open, with all that was recorded of them; and what
 * becomes of each when everything else is there too. */
#include <stdlib.h>
#include <string.h>

#include "denials.h"
#include "override.h"
#include "planted.h"
#include "rollback.h"
#include "seal.h"
#include "short.h"
#include "tier.h"
#include "waits.h"

/* In the order of the query below. */
enum {
    COL_RUN,
    COL_PATH,
    COL_TARGET,
    COL_STATE,
    COL_REASON,
    COL_ATTEMPTS,
    COL_NUMBER,
    COL_ARGS_SEQ,
    COL_HOLDS,
    COL_OPENED,
    COL_DUE,
    COL_ITEM_OPEN,
    COL_EXPIRES,
    COL_APPROVAL,
    COL_PLUGIN,
    COL_LAST_SEQ,
    COL_CLASS,
    COL_RULE,
    COL_ITEM_OPENED,
    COL_ESCALATED,
    COL_CONSENTED,
    COL_ROOT,
    COL_DEPTH,
    COL_TAINTED,
    COL_SENSITIVITY,
    COL_KEY,
    COL_SENT_SEQ,
    COL_PARKED,
    COL_SENT_AT,
    COL_RAISE,
    COL_BATCH,
    COL_BATCH_MAX,
    COL_GRANTED,
};

static const char open_effects[] =
    "SELECT e.run, e.path, e.target, e.state, e.reason, e.attempts, e.number, e.args_seq,"
    " e.holds, e.opened_us, e.due_us, i.state = 'open', i.expires_us, i.digest,"
    " r.plugin, e.last_seq, e.class, e.rule, i.opened_us, i.escalated, i.state = 'approved',"
    " r.root, r.depth, r.tainted, r.sensitivity, e.key, coalesce(e.sent_seq, e.args_seq),"
    " e.parked, coalesce((SELECT at FROM journal WHERE seq = e.sent_seq), e.changed_us),"
    " i.raise_us, i.batch_key, i.batch_max, e.granted"
    " FROM effect e JOIN run r ON r.id = e.run LEFT JOIN item i ON i.number = e.number"
    " WHERE (e.state = 'waiting' OR e.state = 'intended' OR e.state = 'unknown'"
    " OR e.state = 'reconciling' OR e.state = 'retry' OR e.state = 'stale')" /* its index */
    " ORDER BY e.last_seq";

typedef struct recovery {
    kernel *k;
    call **effects;
    size_t count, cap;
} recovery;

static int64_t number_of(const char *text) {
    return text ? strtoll(text, NULL, 10) : 0;
}

static int on_arguments(void *ctx, const journal_row *row) {
    call *c = ctx;
    keel_buf_clear(&c->request);
    keel_buf_append(&c->request, row->body.data, row->body.len);
    keel_json body = keel_json_view(c->request.data, c->request.len);
    body_text(body, "call", c->call_digest, sizeof c->call_digest);
    c->args = keel_json_get(body, "args");
    c->evidence = keel_json_get(body, "evidence");
    beyond_restore(c, keel_json_get(body, "beyond"));
    c->why = keel_json_get(body, "why");
    tier_restore(c, body);
    seal_read(c, body);
    denial_restore(c, body);
    if (c->state == EFFECT_WAITING && c->reason == WAIT_ATTENTION && !c->number) {
        keel_json_int(keel_json_get(body, "raise_us"), &c->raise_us);
    }
    return 0;
}

static int on_last(void *ctx, const journal_row *row) {
    call *c = ctx;
    bool again = row->kind == RECORD_EFFECT_RETRY;
    c->absent = again && keel_json_true(keel_json_get(row->body, "absent"));
    c->held_up = again && keel_json_true(keel_json_get(row->body, "paced"));
    c->rule_asks = keel_json_is(keel_json_path(row->body, "decision.verdict"), "ask");
    c->maybe_applied =
        c->state != EFFECT_WAITING && (!again || keel_json_true(keel_json_get(row->body, "maybe")));
    return 0;
}

/* It counts for sums and rates, from when it was sent last. */
static void restore_sent(call *c, const char *at) {
    c->paced_us = c->attempt > c->parked ? number_of(at) : 0;
    bool out =
        c->state == EFFECT_INTENDED || c->state == EFFECT_UNKNOWN || c->state == EFFECT_RECONCILING;
    if (out || (c->state == EFFECT_RETRY && c->maybe_applied)) {
        c->sent_us = number_of(at);
    }
}

static wait_reason reason_named(const char *name) {
    wait_reason r = WAIT_APPROVAL;
    while (name && r < WAIT_REASONS - 1 && strcmp(wait_reason_names[r], name) != 0) {
        r++;
    }
    return name && !strcmp(wait_reason_names[r], name) ? r : WAIT_APPROVAL;
}

/* A run that ended while something it sent is still open. */
static run *ended_run(kernel *k, uint64_t id, const char *plugin_hex) {
    digest d;
    run *r = map_get(&k->runs, id);
    if (r || digest_from_hex(&d, plugin_hex, strlen(plugin_hex)) || !plugin_find(k, &d)) {
        return r;
    }
    return run_restore_over(k, id, plugin_find(k, &d));
}

static effect_class class_of(const char *name) {
    int class = CLASS_REPEATABLE;
    while (class > CLASS_NONE && strcmp(effect_class_name((effect_class) class), name) != 0) {
        class --;
    }
    return (effect_class) class;
}

static void restore_numbers(kernel *k, call *c, const char *const *v) {
    c->attempt = (uint32_t)number_of(v[COL_ATTEMPTS]);
    c->parked = (uint32_t)number_of(v[COL_PARKED]);
    c->opened_us =
        k->clock_behind ? 0 : number_of(v[COL_OPENED]); /* 0: nobody knows how old its key is */
    c->lost_us = k->env.boot_us(k->env.ctx);
    c->granted = (uint64_t)number_of(v[COL_GRANTED]);
    if (v[COL_NUMBER] && number_of(v[COL_ITEM_OPEN])) { /* its item is open */
        c->raise_us = number_of(v[COL_RAISE]);
        c->batch_max = (int)number_of(v[COL_BATCH_MAX]);
        snprintf(c->batch, sizeof c->batch, "%s", v[COL_BATCH] ? v[COL_BATCH] : "");
        c->number = (uint64_t)number_of(v[COL_NUMBER]);
        item_open(k, c, c->state == EFFECT_WAITING ? v[COL_RULE] : NULL,
                  number_of(v[COL_ITEM_OPENED]), (uint32_t)number_of(v[COL_ESCALATED]));
        open_item *x = map_get(&k->watches, c->number);
        x->ready = v[COL_ESCALATED] != NULL;
    }
    c->consented = v[COL_NUMBER] &&
                   number_of(v[COL_CONSENTED]); /* it was given and used: it covers more attempts */
    if ((c->number || c->consented) && v[COL_APPROVAL]) {
        c->expires_us = number_of(v[COL_EXPIRES]);
        digest_from_hex(&c->approval, v[COL_APPROVAL], strlen(v[COL_APPROVAL]));
    }
    if (short_waits(c) && !c->number) {
        c->expires_us = number_of(v[COL_DUE]);
    }
    if (v[COL_HOLDS]) {
        budget_holds_parse(k->budgets, keel_json_view(v[COL_HOLDS], strlen(v[COL_HOLDS])),
                           call_holds(c), &c->hold_count);
    }
}

static int on_effect(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    recovery *rc = ctx;
    kernel *k = rc->k;
    run *r = ended_run(k, (uint64_t)number_of(v[COL_RUN]), v[COL_PLUGIN]);
    if (!r) {
        return 0;
    }
    bool spawn = !strcmp(v[COL_TARGET], "run.spawn");
    call *c = call_new(r, spawn ? CALL_SPAWN : CALL_EFFECT, v[COL_PATH], "");
    snprintf(c->target, sizeof c->target, "%s", v[COL_TARGET]);
    c->state = effect_state_named(v[COL_STATE]);
    c->reason = reason_named(v[COL_REASON]);
    c->recorded = true;
    c->ours = c->state == EFFECT_UNKNOWN && v[COL_REASON] && !strcmp(v[COL_REASON], "keel");
    if (!r->tree) {
        r->root = (uint64_t)number_of(v[COL_ROOT]);
        r->depth = (int)number_of(v[COL_DEPTH]);
        r->label = label_of_columns(v[COL_TAINTED], v[COL_SENSITIVITY]);
    }
    if (strchr(c->path, '~') && !rollback_adopt(k, c)) {
        kernel_log(k, "error", r->id, "the effect at %s takes back what no rollback knows",
                   c->path);
    }
    restore_numbers(k, c, v);
    reader_record(k->env.reads, number_of(v[COL_ARGS_SEQ]), on_arguments, c, NULL);
    reader_record(k->env.reads, number_of(v[COL_LAST_SEQ]), on_last, c, NULL);
    restore_sent(c, v[COL_SENT_AT]);
    override_restore(k, c, number_of(v[COL_SENT_SEQ]));
    effect_restore(k, c, class_of(v[COL_CLASS]), number_of(v[COL_SENT_SEQ]));
    if (v[COL_KEY]) {
        snprintf(c->key, sizeof c->key, "%s",
                 v[COL_KEY]); /* the one that the other side may know */
    }
    c->moved = c->connection && c->connection->seq > number_of(v[COL_ARGS_SEQ]);
    restored_call(k, c, number_of(v[COL_ARGS_SEQ]), number_of(v[COL_SENT_SEQ]),
                  number_of(v[COL_LAST_SEQ]));
    c->dispatched = c->state == EFFECT_UNKNOWN || c->state == EFFECT_RECONCILING;
    c->due_us = number_of(v[COL_DUE]);
    if (rc->count == rc->cap) {
        rc->cap = rc->cap ? rc->cap * 2 : 16;
        rc->effects = keel_realloc(rc->effects, rc->cap * sizeof(call *));
    }
    rc->effects[rc->count++] = c;
    return 0;
}

void effect_go_on(kernel *k, call *c) {
    if (restored_open(k, c)) {
        return;
    }
    if (c->state == EFFECT_INTENDED && KEEL_PLANTED("intended_forgotten_at_rest")) {
        return;
    }
    if (c->state == EFFECT_WAITING && c->expires_us) {
        call_due(k, c, c->expires_us);
    }
    if (c->state == EFFECT_WAITING && (c->reason == WAIT_RATE || c->reason == WAIT_QUIET)) {
        waits_restore(k, c);
    } else if (c->state == EFFECT_STALE ||
               (c->state == EFFECT_WAITING && (c->reason != WAIT_APPROVAL || c->moved))) {
        effect_decide(k, c); /* does nothing while halted */
    } else if (c->state == EFFECT_WAITING) {
        return;
    } else if (c->state == EFFECT_RETRY || (c->state == EFFECT_UNKNOWN && c->ours)) {
        call_due(k, c, c->due_us);
    } else {
        effect_recover(k, c);
    }
}

int recover_effects(kernel *k, call ***effects, size_t *count, diag *d) {
    recovery rec = {.k = k};
    int rc = reader_query(k->env.reads, open_effects, NULL, 0, on_effect, &rec, d);
    *effects = rec.effects;
    *count = rec.count;
    return rc;
}
