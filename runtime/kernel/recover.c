/* Recovery: what the tables say is open becomes the kernel's state again. The journal is read
 * later, per run, when its executor is there to be told (replay.c). */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "attention.h"
#include "denials.h"
#include "failpoint.h"
#include "grants.h"
#include "notices.h"
#include "override.h"
#include "planted.h"
#include "polls.h"
#include "rollback.h"
#include "short.h"
#include "sums.h"

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
    space_recover(k, v[5] && !strcmp(v[5], "space"));
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
    item_label label;
} role_row;

static int on_role_result(void *ctx, const journal_row *row) {
    role_row *r = ctx;
    if (!row->body.data) {
        return 0; /* erased: the next run has no previous result */
    }
    role_ended(r->k, r->agent, row->seq, keel_json_get(row->body, "result"), r->label);
    return 0;
}

static int on_role(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    role_row r = {ctx, v[0], label_of_columns(v[2], v[3])};
    return reader_record(r.k->env.reads, number_of(v[1]), on_role_result, &r, NULL);
}

int recover(kernel *k, diag *d) {
    static const char ids[] =
        "SELECT (SELECT max(id) FROM run), (SELECT max(number) FROM item),"
        " (SELECT max(batch) FROM batch), (SELECT at FROM journal ORDER BY seq DESC LIMIT 1),"
        " (SELECT halted FROM control), (SELECT halted_by FROM control)";
    static const struct {
        const char *sql;
        reader_row *row;
    } parts[] = {
        {ids, on_ids},
        {"SELECT name, public_key, salt FROM approver", on_approver},
        {"SELECT digest FROM policy_version ORDER BY seq DESC LIMIT 1", on_policy},
        {"SELECT o.agent, o.seq, r.tainted, r.sensitivity FROM role o JOIN run r ON r.id = o.run",
         on_role},
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
    return grants_load(k, d);
}

int account_restore(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    kernel *k = ctx;
    budget_place at = {v[0], v[1], v[2], v[3]};
    budget_restore(k->budgets, k->world.policy, kernel_now(k), &at, number_of(v[4]),
                   number_of(v[5]));
    return 0;
}

/* ---- runs ---- */

void run_columns(kernel *k, run *r, const char *const *v) {
    r->state = strcmp(v[3], "paused") ? RUN_OPEN : RUN_PAUSED;
    r->parent = (uint64_t)number_of(v[4]);
    r->depth = (int)number_of(v[5]);
    r->key = v[6] ? keel_strdup(v[6]) : NULL;
    r->label = label_of_columns(v[7], v[11]);
    keel_buf_clear(&r->quarantine);
    keel_buf_puts(&r->quarantine, v[12] ? v[12] : "");
    r->begin_seq = number_of(v[8]);
    r->strikes = (uint32_t)number_of(v[9]);
    r->since = number_of(v[10]);
    restored_run(k, r);
}

static int on_run(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    kernel *k = ctx;
    digest d;
    uint64_t id = (uint64_t)number_of(v[0]);
    const plugin *p = digest_from_hex(&d, v[1], strlen(v[1])) ? NULL : plugin_find(k, &d);
    if (!p) {
        kernel_log(
            k, "error", id,
            "the version of its agent is no longer in .keel/plugins, and the run stands still: "
            "put it back and start again");
        map_put(&k->standing, id, k);
        return 0;
    }
    run_columns(k, run_restore(k, id, (uint64_t)number_of(v[2]), p), v);
    return 0;
}

static int on_event_record(void *ctx, const journal_row *row) {
    event *e = ctx;
    keel_json body = keel_json_get(row->body, "body");
    keel_buf_append(&e->body, body.data, body.len);
    e->label = label_of_record(row->body);
    return 0;
}

void event_restore(kernel *k, run *r, int64_t seq, const char *name) {
    event *e = keel_alloc(sizeof *e);
    *e = (event){.seq = seq, .name = keel_strdup(name)};
    reader_record(k->env.reads, seq, on_event_record, e, NULL);
    event **at = &r->events;
    while (*at) {
        at = &(*at)->next;
    }
    *at = e;
}

static int on_event(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    kernel *k = ctx;
    run *r = map_get(&k->runs, (uint64_t)number_of(v[1]));
    if (!r) {
        return 0;
    }
    event_restore(k, r, number_of(v[0]), v[2]);
    return 0;
}

/* ---- what runs wait for ---- */

static void restore_wait(kernel *k, call *c) {
    ending end = {0};
    run *target = run_of_chain(k, &c->target_run, &end);
    if (target) {
        wait_on(c, target);
    }
    ending_free(&end);
}

static int on_pending(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    kernel *k = ctx;
    run *r = map_get(&k->runs, (uint64_t)number_of(v[0]));
    if (!r) {
        return 0;
    }
    call_kind kind = !strcmp(v[2], "sleep")     ? CALL_SLEEP
                     : !strcmp(v[2], "receive") ? CALL_RECEIVE
                     : !strcmp(v[2], "ask")     ? CALL_ASK
                                                : CALL_WAIT;
    call *c = call_new(r, kind, v[1], "");
    c->target_run = (uint64_t)number_of(v[5]);
    c->name = v[6] ? keel_strdup(v[6]) : NULL;
    c->seq = number_of(v[3]);
    if (kind == CALL_ASK && v[7]) {
        c->number = (uint64_t)number_of(v[7]);
        c->raise_us = number_of(v[10]);
        c->expires_us = number_of(v[4]);
        item_open(k, c, NULL, number_of(v[8]), (uint32_t)number_of(v[9]));
    }
    if (v[4]) {
        call_due(k, c, number_of(v[4]));
    }
    if (kind == CALL_WAIT) {
        restore_wait(k, c);
    }
    return 0;
}

int recover_runs(kernel *k, diag *d) {
    static const char accounts[] = /* those of ended trees are not asked for again */
        BUDGET_ROWS " WHERE held <> 0"
                    " OR scope NOT LIKE 'run:%' OR CAST(substr(scope, 5) AS INTEGER) IN"
                    " (SELECT root FROM run WHERE state IN ('open', 'paused'))";
    static const struct {
        const char *sql;
        reader_row *row;
    } parts[] = {
        {accounts, account_restore},
        {"SELECT " RUN_COLUMNS " FROM run WHERE state IN ('open', 'paused') ORDER BY id", on_run},
        {"SELECT seq, run, name FROM event ORDER BY seq", on_event},
        {"SELECT p.run, p.path, p.kind, p.seq, p.due_us, p.target_run, p.name, i.number,"
         " i.opened_us, i.escalated, i.raise_us FROM pending p LEFT JOIN item i ON p.kind = 'ask'"
         " AND i.run = p.run AND i.path = p.path AND i.state = 'open' ORDER BY p.seq",
         on_pending},
    };
    call **effects = NULL;
    size_t count = 0;
    int rc = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !rc; i++) {
        rc = each(k, parts[i].sql, parts[i].row, k, d);
        rc = rc || i ? rc : rollback_recover(k, d);
    }
    rc = rc ? rc : received_load(k, NULL, d);
    rc = rc ? rc : override_recover(k, d);
    rc = rc ? rc : denials_load(k, d);
    rc = rc ? rc : recover_effects(k, &effects, &count, d);
    rc = rc ? rc : attention_load(k, d);
    rc = rc ? rc : sums_load(k, d);
    rc = rc ? rc : stuck_recover(k, d);
    (void)KEEL_FP("recover.read");
    rc = rc ? rc : restored_recheck(k, d);
    for (size_t i = 0; i < count && !rc; i++) {
        (void)KEEL_FP("recover.effect");
        effect_go_on(k, effects[i]);
    }
    free(effects);
    watch_renew(k); /* all that their hours depend on is there by now */
    rc = rc ? rc : notices_load(k, d);
    size_t at = 0;
    run *r;
    while (!rc && (r = map_next(&k->runs, &at, NULL)) != NULL) {
        if (!r->worker) { /* not one that was begun just now, by what went on */
            worker_take_run(k, worker_for_agent(k, r->plugin), r);
        }
    }
    if (!rc && k->runs.count) {
        kernel_log(k, "info", 0, "%zu open run%s recovered", k->runs.count,
                   k->runs.count == 1 ? "" : "s");
    }
    return rc;
}
