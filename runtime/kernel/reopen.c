/* A run that failed goes on from the step that failed. What it recorded from there on does not count
 * any more: its script is replayed up to there, and asks again. That is safe where nothing that it
 * recorded since left us and was applied, or may have been; where something did, the run goes on
 * from behind that. */
#include <stdlib.h>
#include <string.h>

#include "parts.h"

/* What a reopening before this one took out. */
typedef struct cut {
    int64_t from, until;
} cut;

/* An effect without an end so far. */
typedef struct begun {
    int64_t seq;
    char path[PATH_LIMIT];
} begun;

/* One that ended, and was not applied. */
typedef struct failing {
    int64_t first, last; /* its records */
    bool dropped;        /* with the end of its run, and not by what was asked */
    char path[PATH_LIMIT];
} failing;

typedef struct turning {
    cut *cuts;
    size_t cut_count;
    begun *open;
    size_t open_count;
    failing *failed; /* behind `block` */
    size_t failed_count;
    int64_t block; /* the last record that must go on counting */
    int64_t chain; /* since when all records belong to an end; 0: they do not */
    int64_t tail;  /* where the last end began: calls that were dropped, then run.end */
    int64_t last;
    int64_t erased; /* 0: nothing */
    bool undone;    /* a rollback has begun */
} turning;

static int on_cut(void *ctx, const journal_row *row) {
    turning *t = ctx;
    if (row->kind == RECORD_RUN_REOPENED) {
        t->cuts = keel_realloc(t->cuts, (t->cut_count + 1) * sizeof(cut));
        cut *c = &t->cuts[t->cut_count++];
        *c = (cut){.from = row->seq, .until = row->seq};
        keel_json_int(keel_json_get(row->body, "from"), &c->from);
    }
    return 0;
}

static bool is_cut(const turning *t, int64_t seq) {
    for (size_t i = 0; i < t->cut_count; i++) {
        if (seq >= t->cuts[i].from && seq <= t->cuts[i].until) {
            return true;
        }
    }
    return false;
}

static size_t find_open(const turning *t, const char *path) {
    size_t i = 0;
    while (i < t->open_count && strcmp(t->open[i].path, path) != 0) {
        i++;
    }
    return i;
}

static void begin(turning *t, const journal_row *row) {
    if (find_open(t, row->path) == t->open_count) {
        t->open = keel_realloc(t->open, (t->open_count + 1) * sizeof(begun));
        begun *b = &t->open[t->open_count++];
        b->seq = row->seq;
        snprintf(b->path, sizeof b->path, "%s", row->path);
    }
}

/* Its first record. */
static int64_t end(turning *t, const journal_row *row) {
    size_t i = find_open(t, row->path);
    int64_t first = row->seq;
    if (i < t->open_count) {
        first = t->open[i].seq;
        t->open[i] = t->open[--t->open_count];
    }
    return first;
}

static void counts(turning *t, int64_t seq) {
    t->block = seq;
    t->failed_count = 0;
}

static bool was_dropped(const journal_row *row) {
    return row->kind == RECORD_EFFECT_NOT_DONE &&
           keel_json_is(keel_json_get(row->body, "by"), "keel") &&
           keel_json_is(keel_json_path(row->body, "error.code"), "cancelled");
}

static void fail(turning *t, const journal_row *row) {
    t->failed = keel_realloc(t->failed, (t->failed_count + 1) * sizeof(failing));
    failing *f = &t->failed[t->failed_count++];
    f->first = end(t, row);
    f->last = row->seq;
    f->dropped = was_dropped(row);
    snprintf(f->path, sizeof f->path, "%s", row->path);
}

static void take_effect(turning *t, const journal_row *row) {
    switch (row->kind) {
    case RECORD_EFFECT_WAITING:
    case RECORD_EFFECT_INTENDED:
        begin(t, row);
        break;
    case RECORD_EFFECT_DONE:
    case RECORD_SPAWN:
        end(t, row);
        counts(t, row->seq);
        break;
    case RECORD_EFFECT_DENIED:
    case RECORD_EFFECT_NOT_DONE:
    case RECORD_EFFECT_REJECTED:
    case RECORD_EFFECT_EXPIRED:
        fail(t, row);
        break;
    default:
        break;
    }
}

static bool is_of_the_end(const journal_row *row) {
    return row->kind == RECORD_RUN_STRIKE || row->kind == RECORD_STUCK ||
           row->kind == RECORD_STUCK_CLOSED || row->kind == RECORD_ESCALATED ||
           row->kind == RECORD_RUN_PAUSED || was_dropped(row);
}

static int on_record(void *ctx, const journal_row *row) {
    turning *t = ctx;
    t->last = row->seq;
    if (is_cut(t, row->seq)) {
        return 0;
    }
    if (!row->body.data && !t->erased) {
        t->erased = row->seq;
    }
    t->undone |= row->kind == RECORD_ROLLBACK_BEGUN;
    take_effect(t, row);
    if (row->kind == RECORD_WOKEN && keel_json_get(row->body, "event").len) {
        counts(t, row->seq); /* what was sent to it was received, and does not come again */
    }
    if (row->kind == RECORD_RUN_END) {
        t->tail = t->chain ? t->chain : row->seq;
    }
    t->chain = !is_of_the_end(row) ? 0 : t->chain ? t->chain : row->seq;
    return 0;
}

static void turning_finish(turning *t) {
    free(t->cuts);
    free(t->open);
    free(t->failed);
}

/* Nothing from there on has to go on counting, and no effect that began there is still out. */
static bool may_cut(const turning *t, int64_t from) {
    for (size_t i = 0; i < t->open_count; i++) {
        if (t->open[i].seq >= from) {
            return false;
        }
    }
    return from > t->block;
}

/* Where the run goes on from. path: of the step that is asked again, or "". */
static int64_t turning_point(const turning *t, const char **path) {
    const failing *f = NULL;
    for (size_t i = 0; i < t->failed_count; i++) {
        if (!t->failed[i].dropped && (!f || t->failed[i].last > f->last)) {
            f = &t->failed[i];
        }
    }
    *path = f ? f->path : "";
    if (f && may_cut(t, f->first)) {
        return f->first;
    }
    if (f && may_cut(t, f->last)) {
        return f->last; /* other branches went on in between */
    }
    *path = "";
    return may_cut(t, t->tail) ? t->tail : t->last + 1;
}

static int find_turning(kernel *k, uint64_t run_id, turning *t, diag *d) {
    uint64_t ids[] = {run_id};
    int rc = reader_runs(k->env.reads, ids, 1, on_cut, t, d);
    rc = rc ? rc : reader_runs(k->env.reads, ids, 1, on_record, t, d);
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
    run *run;
    diag *d;
    int rc;
} reviving;

static int on_run(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    reviving *x = ctx;
    digest d;
    const plugin *p = digest_from_hex(&d, v[0], strlen(v[0])) ? NULL : plugin_find(x->k, &d);
    if (strcmp(v[6], "failed") != 0) {
        x->rc = diag_set(x->d, DIAG_CONFLICT, "run %llu is %s, and not failed",
                         (unsigned long long)x->id, v[6]);
        return 1;
    }
    if (!p) {
        diag_set(x->d, DIAG_CONFLICT,
                 "the version of its agent that run %llu began with is no longer in .keel/plugins",
                 (unsigned long long)x->id);
        x->rc = diag_next(x->d, "put it back, keel policy reload, and retry");
        return 1;
    }
    run *r = run_restore_ended(x->k, x->id, strtoull(v[1], NULL, 10), p);
    r->parent = v[2] ? strtoull(v[2], NULL, 10) : 0;
    r->depth = atoi(v[3]);
    r->key = v[4] ? keel_strdup(v[4]) : NULL;
    r->tainted = v[5][0] == '1';
    r->begin_seq = strtoll(v[7], NULL, 10);
    x->run = r;
    x->rc = 0;
    return 1;
}

static int on_event_body(void *ctx, const journal_row *row) {
    keel_json body = keel_json_get(row->body, "body");
    keel_buf_append(ctx, body.data, body.len);
    return 0;
}

/* Sent to it, and not received before it ended. */
static int on_event(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    reviving *x = ctx;
    event *e = keel_alloc(sizeof *e);
    *e = (event){.seq = strtoll(v[0], NULL, 10), .name = keel_strdup(v[1])};
    reader_record(x->k->env.reads, e->seq, on_event_body, &e->body, NULL);
    event **at = &x->run->events;
    while (*at) {
        at = &(*at)->next;
    }
    *at = e;
    return 0;
}

/* What its tree has spent was forgotten when the last of its runs had ended. */
static int on_account(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    reviving *x = ctx;
    budget_restore(x->k->budgets, v[0], v[1], v[2], v[3], strtoll(v[4], NULL, 10),
                   strtoll(v[5], NULL, 10));
    return 0;
}

static int revive(reviving *x) {
    char id[24];
    const char *params[] = {id};
    reader *reads = x->k->env.reads;
    snprintf(id, sizeof id, "%llu", (unsigned long long)x->id);
    int rc = reader_query(reads,
                          "SELECT plugin, root, parent, depth, key, tainted, state, begin_seq"
                          " FROM run WHERE id = CAST(? AS INTEGER)",
                          params, 1, on_run, x, x->d);
    rc = rc < 0 ? rc : x->rc;
    if (rc) {
        return rc;
    }
    rc = reader_query(reads,
                      "SELECT seq, name FROM event WHERE run = CAST(? AS INTEGER) ORDER BY seq",
                      params, 1, on_event, x, x->d);
    if (!rc && x->run->tree->open == 1) {
        char scope[32];
        const char *scopes[] = {scope};
        snprintf(scope, sizeof scope, "run:%llu", (unsigned long long)x->run->tree->root);
        rc = reader_query(reads,
                          "SELECT budget, scope, window, unit, spent, held FROM budget"
                          " WHERE scope = ?",
                          scopes, 1, on_account, x, x->d);
    }
    return rc;
}

static void reopened(kernel *k, run *r, const turning *t, int64_t from, uint64_t number) {
    k->scratch.len = 0;
    keel_buf_printf(&k->scratch, "{\"number\":%llu}", (unsigned long long)number);
    for (size_t i = 0; i < t->failed_count; i++) {
        if (t->failed[i].last >= from) { /* proved not applied: the same key may be sent again */
            journal_run(k, RECORD_EFFECT_REOPENED, r, t->failed[i].path, &k->scratch);
        }
    }
    k->scratch.len = 0;
    keel_buf_printf(&k->scratch, "{\"from\":%lld,\"number\":%llu}", (long long)from,
                    (unsigned long long)number);
    journal_run(k, RECORD_RUN_REOPENED, r, "", &k->scratch);
}

int run_reopen(kernel *k, open_item *x, const char *why, keel_json_writer *result, diag *d) {
    turning t = {0};
    reviving v = {.k = k, .id = x->run, .d = d, .rc = DIAG_NOT_FOUND};
    const char *path;
    const run *over = run_find_over(k, x->run);
    if (x->last_seq > k->durable_seq || (over && over->last_seq > k->durable_seq)) {
        diag_set(d, DIAG_CONFLICT, "what run %llu recorded last is being written at this moment",
                 (unsigned long long)x->run);
        return diag_next(d, "try again");
    }
    int rc = find_turning(k, x->run, &t, d);
    rc = rc ? rc : revive(&v);
    if (rc) {
        turning_finish(&t);
        return rc;
    }
    int64_t from = turning_point(&t, &path);
    run *r = v.run;
    uint64_t number = x->number;
    stuck_close(k, x, "operator", "retry", why, (keel_json){0});
    reopened(k, r, &t, from, number);
    keel_json_object(result);
    keel_json_set_int(result, "from", from);
    if (path[0]) {
        keel_json_set_text(result, "path", path);
    }
    keel_json_set_int(result, "run", (int64_t)r->id);
    keel_json_object_end(result);
    turning_finish(&t);
    kernel_log(k, "info", r->id, "goes on once more from record %lld", (long long)from);
    worker_add_run(k, worker_for_agent(k, r->plugin), r); /* last: it may end the run */
    return 0;
}
