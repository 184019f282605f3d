/* A run that failed goes on from the step that failed: what it recorded since does not count any more
 * (turning.h), its script is replayed up to there, and asks again under the same key. */
#include <stdlib.h>
#include <string.h>

#include "denials.h"
#include "polls.h"
#include "reopen.h"
#include "short.h"

static int find_turning(kernel *k, uint64_t run_id, turning *t, diag *d) {
    int rc = turning_find(t, k->env.reads, run_id, d);
    if (rc == 0 && t->erased) {
        diag_set(d, DIAG_CONFLICT, "record %lld of run %llu was erased, and it cannot be replayed",
                 (long long)t->erased, (unsigned long long)run_id);
        rc = diag_next(d, "do it anew with keel do, then keel stuck resolve --why");
    } else if (rc == 0 && t->undone) {
        diag_set(d, DIAG_CONFLICT, "run %llu was rolled back, and does not go on from there",
                 (unsigned long long)run_id);
        rc = diag_next(d, "do it anew with keel do, then keel stuck resolve --why");
    }
    return rc;
}

/* ---- the run, open again ---- */

typedef struct reviving {
    kernel *k;
    uint64_t id;
    bool ended; /* it may also have ended by itself, if nobody began it who may have been told */
    run *run;
    diag *d;
    int rc;
} reviving;

static int on_run(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    reviving *x = ctx;
    digest d;
    const plugin *p = digest_from_hex(&d, v[1], strlen(v[1])) ? NULL : plugin_find(x->k, &d);
    bool by_itself = x->ended && !strcmp(v[3], "ended") && !v[4];
    if (strcmp(v[3], "failed") != 0 && !by_itself) {
        diag_set(x->d, DIAG_CONFLICT, "run %llu is %s, and not failed", (unsigned long long)x->id,
                 v[3]);
        x->rc = diag_next(x->d, "close the item: keel stuck resolve N --why TEXT, or drop");
        return 1;
    }
    if (!p) {
        diag_set(x->d, DIAG_CONFLICT,
                 "the version of its agent that run %llu began with is no longer in .keel/plugins",
                 (unsigned long long)x->id);
        x->rc = diag_next(x->d, "put it back, keel policy reload, and retry");
        return 1;
    }
    run *r = run_restore_ended(x->k, x->id, strtoull(v[2], NULL, 10), p);
    run_columns(x->k, r, v);
    r->strikes = 0; /* a hand was laid on it */
    x->run = r;
    x->rc = 0;
    return 1;
}

/* Sent to it, and not received before it ended. */
static int on_event(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    reviving *x = ctx;
    event_restore(x->k, x->run, strtoll(v[0], NULL, 10), v[1]);
    return 0;
}

static int revive(reviving *x) {
    char id[24];
    const char *params[] = {id};
    reader *reads = x->k->env.reads;
    snprintf(id, sizeof id, "%llu", (unsigned long long)x->id);
    int rc = reader_query(reads, "SELECT " RUN_COLUMNS " FROM run WHERE id = CAST(? AS INTEGER)",
                          params, 1, on_run, x, x->d);
    rc = rc < 0 ? rc : x->rc;
    if (rc) {
        return rc;
    }
    rc = reader_query(reads,
                      "SELECT seq, name FROM event WHERE run = CAST(? AS INTEGER) ORDER BY seq",
                      params, 1, on_event, x, x->d);
    rc = rc ? rc : received_load(x->k, x->run, x->d);
    if (!rc && x->run->tree->open == 1) {
        /* what its tree has spent was forgotten when the last of its runs had ended */
        char scope[32];
        const char *scopes[] = {scope};
        snprintf(scope, sizeof scope, "run:%llu", (unsigned long long)x->run->tree->root);
        rc = reader_query(reads, BUDGET_ROWS " WHERE scope = ?", scopes, 1, account_restore, x->k,
                          x->d);
    }
    return rc;
}

static void reopened(kernel *k, run *r, const turning *t, uint64_t number) {
    const cut *c = turning_cut(t);
    keel_json_writer w;
    k->scratch.len = 0;
    keel_buf_printf(&k->scratch, "{\"number\":%llu}", (unsigned long long)number);
    for (size_t i = 0; i < t->step_count; i++) { /* proved not applied */
        effect_state state = t->steps[i].state;
        journal_past(k, RECORD_EFFECT_REOPENED, r, t->steps[i].path, &state, &k->scratch);
    }
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_int(&w, "from", c->from);
    if (c->keep_count) {
        keel_json_key(&w, "keep");
        keel_json_array(&w);
        for (size_t i = 0; i < c->keep_count; i++) {
            keel_json_integer(&w, c->keep[i]);
        }
        keel_json_array_end(&w);
    }
    keel_json_set_int(&w, "number", (int64_t)number);
    keel_json_object_end(&w);
    journal_run(k, RECORD_RUN_REOPENED, r, "", &k->scratch);
}

/* ---- the whole ---- */

int reopen_plan(kernel *k, reopening *o, diag *d) {
    const run *over = run_find_over(k, o->run_id);
    if ((o->stuck && o->stuck->last_seq > k->durable_seq) ||
        (over && over->last_seq > k->durable_seq)) {
        diag_set(d, DIAG_CONFLICT, "what run %llu recorded last is being written at this moment",
                 (unsigned long long)o->run_id);
        return diag_next(d, "try again");
    }
    return find_turning(k, o->run_id, &o->turning, d);
}

int reopen_revive(kernel *k, reopening *o, diag *d) {
    reviving v = {.k = k, .id = o->run_id, .ended = !o->stuck, .d = d, .rc = DIAG_NOT_FOUND};
    int rc = revive(&v);
    o->run = v.run;
    return rc;
}

void reopen_go(kernel *k, reopening *o, uint64_t number, const char *why,
               keel_json_writer *result) {
    run *r = o->run;
    const turning *t = &o->turning;
    if (o->stuck) {
        stuck_close(k, o->stuck, "operator", "retry", why, (keel_json){0});
    }
    reopened(k, r, t, number);
    keel_json_object(result);
    keel_json_set_int(result, "from", turning_cut(t)->from);
    if (t->path[0]) {
        keel_json_set_text(result, "path", t->path);
    }
    keel_json_set_int(result, "run", (int64_t)r->id);
    keel_json_object_end(result);
    kernel_log(k, "info", r->id, "goes on once more from record %lld",
               (long long)turning_cut(t)->from);
    worker_add_run(k, worker_for_agent(k, r->plugin), r); /* last: it may end the run */
}

int run_reopen(kernel *k, open_item *x, const char *why, keel_json_writer *result, diag *d) {
    reopening o = {.run_id = x->run, .stuck = x};
    uint64_t number = x->number;
    int rc = reopen_plan(k, &o, d);
    rc = rc ? rc : reopen_revive(k, &o, d);
    if (rc == 0) {
        denials_retried(k, o.run_id, why); /* a person wants to be asked again */
        reopen_go(k, &o, number, why, result);
    }
    turning_finish(&o.turning);
    return rc;
}
