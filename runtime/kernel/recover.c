/* Recovery: what the tables say is open becomes the kernel's state again. The journal is read
 * later, per run, when its executor is there to be told (replay.c). */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "failpoint.h"
#include "planted.h"
#include "polls.h"
#include "rollback.h"

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
        " (SELECT halted FROM control), (SELECT halted_by FROM control)";
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

void run_columns(kernel *k, run *r, const char *const *v) {
    r->state = strcmp(v[3], "paused") ? RUN_OPEN : RUN_PAUSED;
    r->parent = (uint64_t)number_of(v[4]);
    r->depth = (int)number_of(v[5]);
    r->key = v[6] ? keel_strdup(v[6]) : NULL;
    r->tainted = number_of(v[7]) != 0;
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

void event_restore(kernel *k, run *r, int64_t seq, const char *name) {
    event *e = keel_alloc(sizeof *e);
    *e = (event){.seq = seq, .name = keel_strdup(name)};
    reader_member(k->env.reads, seq, "body", &e->body, NULL);
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
    kernel *k = ctx;
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

int recover_runs(kernel *k, diag *d) {
    static const struct {
        const char *sql;
        reader_row *row;
    } parts[] = {
        {"SELECT " RUN_COLUMNS " FROM run WHERE state IN ('open', 'paused') ORDER BY id", on_run},
        {"SELECT seq, run, name FROM event ORDER BY seq", on_event},
        {"SELECT run, path, kind, seq, due_us, target_run, name FROM pending ORDER BY seq",
         on_pending},
    };
    call **effects = NULL;
    size_t count = 0;
    int rc = rollback_recover(k, d);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !rc; i++) {
        rc = each(k, parts[i].sql, parts[i].row, k, d);
    }
    rc = rc ? rc : received_load(k, NULL, d);
    rc = rc ? rc : recover_effects(k, &effects, &count, d);
    rc = rc ? rc : stuck_recover(k, d);
    (void)KEEL_FP("recover.read");
    rc = rc ? rc : restored_recheck(k, d);
    for (size_t i = 0; i < count && !rc; i++) {
        (void)KEEL_FP("recover.effect");
        effect_go_on(k, effects[i]);
    }
    free(effects);
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
