/* Recovery: what the tables say is open becomes the kernel's state again. The journal is read
 * later, per run, when its executor is there to be told (replay.c). */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "failpoint.h"
#include "parts.h"
#include "planted.h"

typedef struct recovery {
    kernel *k;
    call **effects; /* restored, to be gone over when all is there */
    size_t count, cap;
} recovery;

static int64_t number_of(const char *text) {
    return text ? strtoll(text, NULL, 10) : 0;
}

static int each(kernel *k, const char *sql, reader_row *row, void *ctx, diag *d) {
    return reader_query(k->env.reads, sql, NULL, 0, row, ctx, d);
}

/* ---- the host's own state ---- */

static int on_ids(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    kernel *k = ctx;
    k->next_run = (uint64_t)number_of(v[0]) + 1;
    k->next_number = (uint64_t)number_of(v[1]) + 1;
    k->next_batch = (uint64_t)number_of(v[2]) + 1;
    k->at = number_of(v[3]);
    k->halted = number_of(v[4]) != 0;
    space_recover(k, v[5] ? v[5] : "");
    return 0;
}

static int on_approver(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    kernel *k = ctx;
    approver a = {0};
    snprintf(a.name, sizeof a.name, "%s", v[0]);
    hex_decode(a.public_key, sizeof a.public_key, v[1], strlen(v[1]));
    hex_decode(a.salt, sizeof a.salt, v[2], strlen(v[2]));
    k->approvers = keel_realloc(k->approvers, (k->approver_count + 1) * sizeof a);
    k->approvers[k->approver_count++] = a;
    return 0;
}

static int on_budget(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    kernel *k = ctx;
    budget_restore(k->budgets, v[0], v[1], v[2], v[3], number_of(v[4]), number_of(v[5]));
    return 0;
}

static int on_policy(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    kernel *k = ctx;
    k->has_policy = !digest_from_hex(&k->policy_digest, v[0], strlen(v[0]));
    return 0;
}

typedef struct role_row {
    kernel *k;
    const char *agent;
} role_row;

static int on_role_result(void *ctx, const journal_row *row) {
    role_row *r = ctx;
    if (!row->body.data) {
        return 0; /* erased: the next run has no previous result */
    }
    role_ended(r->k, r->agent, row->seq, keel_json_get(row->body, "result"));
    return 0;
}

static int on_role(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    role_row r = {ctx, v[0]};
    return reader_record(r.k->env.reads, number_of(v[1]), on_role_result, &r, NULL);
}

int recover(kernel *k, diag *d) {
    static const char ids[] =
        "SELECT (SELECT max(id) FROM run), (SELECT max(number) FROM item),"
        " (SELECT max(batch) FROM batch), (SELECT at FROM journal ORDER BY seq DESC LIMIT 1),"
        " (SELECT halted FROM control), (SELECT halted_why FROM control)";
    static const char accounts[] = /* those of ended trees are not asked for again */
        "SELECT budget, scope, window, unit, spent, held FROM budget WHERE held <> 0"
        " OR scope NOT LIKE 'run:%' OR CAST(substr(scope, 5) AS INTEGER) IN"
        " (SELECT root FROM run WHERE state IN ('open', 'paused'))";
    static const struct {
        const char *sql;
        reader_row *row;
    } parts[] = {
        {ids, on_ids},
        {"SELECT name, public_key, salt FROM approver", on_approver},
        {accounts, on_budget},
        {"SELECT digest FROM policy_version ORDER BY seq DESC LIMIT 1", on_policy},
        {"SELECT agent, seq FROM role", on_role},
    };
    if (restored_load(k, d)) {
        return DIAG_STORAGE;
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        int rc = each(k, parts[i].sql, parts[i].row, k, d);
        if (rc) {
            return rc;
        }
    }
    return 0;
}

/* ---- runs ---- */

static int on_run(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    recovery *rc = ctx;
    kernel *k = rc->k;
    digest d;
    uint64_t id = (uint64_t)number_of(v[0]);
    const plugin *p = digest_from_hex(&d, v[1], strlen(v[1])) ? NULL : plugin_find(k, &d);
    if (!p) {
        kernel_log(
            k, "error", id,
            "the version of its agent is no longer in .keel/plugins, and the run stands still: "
            "put it back and start again");
        return 0;
    }
    run *r = run_restore(k, id, (uint64_t)number_of(v[2]), p);
    r->state = strcmp(v[3], "paused") ? RUN_OPEN : RUN_PAUSED;
    r->parent = (uint64_t)number_of(v[4]);
    r->depth = (int)number_of(v[5]);
    r->key = v[6] ? keel_strdup(v[6]) : NULL;
    r->tainted = number_of(v[7]) != 0;
    r->begin_seq = number_of(v[8]);
    r->strikes = (uint32_t)number_of(v[9]);
    restored_run(k, r);
    return 0;
}

static int on_event_body(void *ctx, const journal_row *row) {
    keel_json body = keel_json_get(row->body, "body");
    keel_buf_append(ctx, body.data, body.len);
    return 0;
}

static int on_event(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    recovery *rc = ctx;
    run *r = map_get(&rc->k->runs, (uint64_t)number_of(v[1]));
    if (!r) {
        return 0;
    }
    event *e = keel_alloc(sizeof *e);
    *e = (event){.seq = number_of(v[0]), .name = keel_strdup(v[2])};
    reader_record(rc->k->env.reads, e->seq, on_event_body, &e->body, NULL);
    event **at = &r->events;
    while (*at) {
        at = &(*at)->next;
    }
    *at = e;
    return 0;
}

/* ---- what runs wait for ---- */

static void restore_wait(kernel *k, call *c) {
    keel_buf outcome = KEEL_BUF_INIT;
    bool tainted = false;
    run *target = run_of_chain(k, &c->target_run, &outcome, &tainted);
    if (target) {
        wait_on(c, target);
    }
    keel_buf_free(&outcome);
}

static int on_pending(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    recovery *rc = ctx;
    kernel *k = rc->k;
    run *r = map_get(&k->runs, (uint64_t)number_of(v[0]));
    if (!r) {
        return 0;
    }
    call_kind kind = !strcmp(v[2], "sleep")     ? CALL_SLEEP
                     : !strcmp(v[2], "receive") ? CALL_RECEIVE
                                                : CALL_WAIT;
    call *c = call_new(r, kind, v[1], "");
    c->target_run = (uint64_t)number_of(v[5]);
    c->name = v[6] ? keel_strdup(v[6]) : NULL;
    c->seq = number_of(v[3]);
    if (v[4]) {
        call_due(k, c, number_of(v[4]));
    }
    if (kind == CALL_WAIT) {
        restore_wait(k, c);
    }
    return 0;
}

/* ---- effects ---- */

static int on_arguments(void *ctx, const journal_row *row) {
    call *c = ctx;
    keel_buf_clear(&c->request);
    keel_buf_append(&c->request, row->body.data, row->body.len);
    keel_json body = keel_json_view(c->request.data, c->request.len);
    body_text(body, "call", c->call_digest, sizeof c->call_digest);
    c->args = keel_json_get(body, "args");
    c->evidence = keel_json_get(body, "evidence");
    c->why = keel_json_get(body, "why");
    return 0;
}

static int on_last(void *ctx, const journal_row *row) {
    call *c = ctx;
    c->maybe_applied =
        c->state != EFFECT_WAITING &&
        (row->kind != RECORD_EFFECT_RETRY || keel_json_true(keel_json_get(row->body, "maybe")));
    return 0;
}

static wait_reason reason_named(const char *name) {
    wait_reason r = WAIT_APPROVAL;
    while (name && r < WAIT_BREAKER && strcmp(wait_reason_names[r], name) != 0) {
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
    c->attempt = (uint32_t)number_of(v[5]);
    c->opened_us = k->clock_behind ? 0 : number_of(v[9]); /* 0: nobody knows how old its key is */
    c->lost_us = k->env.boot_us(k->env.ctx);
    if (v[6] && number_of(v[12])) { /* its item is open */
        c->number = (uint64_t)number_of(v[6]);
        item_open(k, c, c->state == EFFECT_WAITING ? v[18] : NULL, number_of(v[19]),
                  (uint32_t)number_of(v[20]));
    }
    c->consented = v[6] && number_of(v[21]); /* it was given and used: it covers more attempts */
    if ((c->number || c->consented) && v[14]) {
        c->expires_us = number_of(v[13]);
        digest_from_hex(&c->approval, v[14], strlen(v[14]));
    }
    if (v[8]) {
        budget_holds_parse(keel_json_view(v[8], strlen(v[8])), call_holds(c), &c->hold_count);
    }
}

static int on_effect(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    recovery *rc = ctx;
    kernel *k = rc->k;
    run *r = ended_run(k, (uint64_t)number_of(v[0]), v[15]);
    if (!r) {
        return 0;
    }
    bool spawn = !strcmp(v[2], "run.spawn");
    call *c = call_new(r, spawn ? CALL_SPAWN : CALL_EFFECT, v[1], "");
    snprintf(c->target, sizeof c->target, "%s", v[2]);
    c->state = effect_state_named(v[3]);
    c->reason = reason_named(v[4]);
    c->recorded = true;
    c->ours = c->state == EFFECT_UNKNOWN && v[4] && !strcmp(v[4], "keel");
    if (!r->tree) {
        r->root = (uint64_t)number_of(v[22]);
        r->depth = (int)number_of(v[23]);
        r->tainted = number_of(v[24]) != 0;
    }
    if (strchr(c->path, '~') && !rollback_adopt(k, c)) {
        kernel_log(k, "error", r->id, "the effect at %s takes back what no rollback knows",
                   c->path);
    }
    restore_numbers(k, c, v);
    reader_record(k->env.reads, number_of(v[7]), on_arguments, c, NULL);
    reader_record(k->env.reads, number_of(v[16]), on_last, c, NULL);
    effect_restore(k, c, class_of(v[17]), number_of(v[7]));
    if (v[25]) {
        snprintf(c->key, sizeof c->key, "%s", v[25]); /* the one that the other side may know */
    }
    restored_call(k, c, number_of(v[7]), number_of(v[16]));
    c->dispatched = c->state == EFFECT_UNKNOWN || c->state == EFFECT_RECONCILING;
    c->due_us = number_of(v[11]);
    if (rc->count == rc->cap) {
        rc->cap = rc->cap ? rc->cap * 2 : 16;
        rc->effects = keel_realloc(rc->effects, rc->cap * sizeof(call *));
    }
    rc->effects[rc->count++] = c;
    return 0;
}

static void go_on(kernel *k, call *c) {
    if (restored_open(k, c)) {
        return;
    }
    if (c->state == EFFECT_INTENDED && KEEL_PLANTED("intended_forgotten_at_rest")) {
        return;
    }
    if (c->state == EFFECT_WAITING && c->expires_us) {
        call_due(k, c, c->expires_us);
    }
    if (c->state == EFFECT_STALE || (c->state == EFFECT_WAITING && c->reason != WAIT_APPROVAL)) {
        effect_decide(k, c); /* does nothing while halted */
    } else if (c->state == EFFECT_WAITING) {
        return;
    } else if (c->state == EFFECT_RETRY || (c->state == EFFECT_UNKNOWN && c->ours)) {
        call_due(k, c, c->due_us);
    } else {
        effect_recover(k, c);
    }
}

int recover_runs(kernel *k, diag *d) {
    static const char effects[] =
        "SELECT e.run, e.path, e.target, e.state, e.reason, e.attempts, e.number, e.args_seq,"
        " e.holds, e.opened_us, e.changed_us, e.due_us, i.state = 'open', i.expires_us, i.digest,"
        " r.plugin, e.last_seq, e.class, e.rule, i.opened_us, i.escalated, i.state = 'approved',"
        " r.root, r.depth, r.tainted, e.key"
        " FROM effect e JOIN run r ON r.id = e.run LEFT JOIN item i ON i.number = e.number"
        " WHERE (e.state = 'waiting' OR e.state = 'intended' OR e.state = 'unknown'"
        " OR e.state = 'reconciling' OR e.state = 'retry' OR e.state = 'stale')" /* its index */
        " ORDER BY e.last_seq";
    static const struct {
        const char *sql;
        reader_row *row;
    } parts[] = {
        {"SELECT id, plugin, root, state, parent, depth, key, tainted, begin_seq, strikes FROM run"
         " WHERE state IN ('open', 'paused') ORDER BY id",
         on_run},
        {"SELECT seq, run, name FROM event ORDER BY seq", on_event},
        {"SELECT run, path, kind, seq, due_us, target_run, name FROM pending ORDER BY seq",
         on_pending},
        {effects, on_effect},
    };
    recovery rec = {.k = k};
    int rc = rollback_recover(k, d);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !rc; i++) {
        rc = each(k, parts[i].sql, parts[i].row, &rec, d);
    }
    rc = rc ? rc : stuck_recover(k, d);
    (void)KEEL_FP("recover.read");
    rc = rc ? rc : restored_recheck(k, d);
    for (size_t i = 0; i < rec.count && !rc; i++) {
        (void)KEEL_FP("recover.effect");
        go_on(k, rec.effects[i]);
    }
    free(rec.effects);
    size_t at = 0;
    run *r;
    while (!rc && (r = map_next(&k->runs, &at, NULL)) != NULL) {
        worker_take_run(k, worker_for_agent(k, r->plugin), r);
    }
    if (!rc && k->runs.count) {
        kernel_log(k, "info", 0, "%zu open run%s recovered", k->runs.count,
                   k->runs.count == 1 ? "" : "s");
    }
    return rc;
}
