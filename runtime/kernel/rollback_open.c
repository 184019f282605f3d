/* How a rollback begins: the command of a person who was shown its plan, or a restart. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "planted.h"
#include "rollback.h"

/* ---- may it begin? ---- */

/* Something that is not durable yet belongs to what it covers: the tables do not show it. */
static bool is_moving(const kernel *k, const undo_plan *p) {
    for (int i = 0; i < 2; i++) {
        const open_turn *t = &k->turns[i];
        if (!t->news) {
            continue;
        }
        for (size_t n = 0; n < turn_count(t->records); n++) {
            const record *r = turn_get(t->records, n);
            bool counts = effect_moves(r->kind) || r->kind == RECORD_RUN_BEGIN ||
                          r->kind == RECORD_RUN_END || r->kind == RECORD_ROLLBACK_ENDED ||
                          r->kind == RECORD_STUCK_CLOSED;
            for (size_t j = 0; counts && j < p->run_count; j++) {
                if (r->run == p->runs[j] || (t->roots[n] && t->roots[n] == p->roots[j])) {
                    return true;
                }
            }
        }
    }
    return false;
}

static int is_busy(const rollback *rb, uint64_t run_id, diag *d) {
    unsigned long long by = rb->plan.run;
    diag_set(d, DIAG_CONFLICT, "run %llu is being rolled back by the rollback of run %llu",
             (unsigned long long)run_id, by);
    return rb->stuck ? diag_next(d, "that one is stuck; go on with it: keel rollback %llu", by)
                     : diag_next(d, "see how far it is: keel run show %llu", by);
}

/* A stuck one of the same run is tried again, one of a part of it goes into it. */
static int check_others(kernel *k, const undo_plan *p, diag *d) {
    for (const rollback *rb = k->rollbacks; rb && !KEEL_PLANTED("undo_by_two"); rb = rb->next) {
        bool same = rb->plan.run == p->run;
        if ((!same && undo_plan_covers(&rb->plan, p->run)) ||
            (!rb->stuck && (same || undo_plan_covers(p, rb->plan.run)))) {
            return is_busy(rb, p->run, d);
        }
    }
    return 0;
}

static int check_runs(kernel *k, const undo_plan *p, diag *d) {
    for (size_t i = 0; i < p->open_count; i++) {
        if (!map_get(&k->runs, p->open[i])) {
            diag_set(d, DIAG_CONFLICT, "run %llu stands still, and cannot be cancelled",
                     (unsigned long long)p->open[i]);
            return diag_next(d, "put the version of its agent back into .keel/plugins, and start "
                                "Keel again");
        }
    }
    return 0;
}

static int check_plan(kernel *k, const undo_plan *p, keel_json shown, diag *d) {
    char hex[DIGEST_HEX];
    digest now = undo_plan_digest(p);
    digest_hex(&now, hex);
    if (!keel_json_is(shown, hex) || is_moving(k, p)) {
        diag_set(d, DIAG_CONFLICT,
                 "what the rollback of run %llu would do has changed since it was shown; nothing "
                 "was done",
                 (unsigned long long)p->run);
        return diag_next(d, "look at it again: keel rollback %llu", (unsigned long long)p->run);
    }
    if (!p->open_count && !undo_plan_count(p, UNDO_BACK) && !undo_plan_count(p, UNDO_WAITS)) {
        diag_set(d, DIAG_CONFLICT, "there is nothing of run %llu that can be taken back",
                 (unsigned long long)p->run);
        return diag_next(d, "see what it did: keel run show %llu", (unsigned long long)p->run);
    }
    return 0;
}

/* ---- the command ---- */

static void supersede(kernel *k, const undo_plan *p) {
    rollback *next;
    for (rollback *rb = k->rollbacks; rb; rb = next) {
        next = rb->next;
        if (undo_plan_covers(p, rb->plan.run)) {
            open_item *x = stuck_find(k, rb->stuck);
            if (x) {
                stuck_close(k, x, "operator", "retry", "its rollback was ordered again",
                            (keel_json){0});
            }
            rollback_end(k, rb, "dropped");
        }
    }
}

static void begun_body(const undo_plan *p, const char *why, keel_buf *out) {
    keel_json_writer w;
    out->len = 0;
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_set_text(&w, "by", "operator");
    keel_json_key(&w, "steps");
    keel_json_array(&w);
    for (size_t i = 0; i < p->count; i++) {
        if (undo_plan_act(&p->steps[i]) != UNDO_GONE) {
            keel_json_object(&w);
            keel_json_set_text(&w, "path", p->steps[i].path);
            keel_json_set_int(&w, "run", (int64_t)p->steps[i].run);
            keel_json_object_end(&w);
        }
    }
    keel_json_array_end(&w);
    keel_json_set_text(&w, "why", why);
    keel_json_object_end(&w);
}

/* One whose connection had changed before the rollback began was shown as left standing. */
static void leave_moved(undo_step *s, int64_t begun_seq) {
    if (undo_plan_moved(s) && s->reached_by < begun_seq) {
        s->way_back = false;
        s->passed = !s->failed && s->state == EFFECT_COMPENSATION_FAILED;
    }
}

static void keep_steps(undo_plan *p, int64_t begun_seq) {
    size_t kept = 0;
    for (size_t i = 0; i < p->count; i++) {
        undo_step *s = &p->steps[i];
        if (undo_plan_act(s) == UNDO_GONE) {
            free(s->path);
            free(s->target);
        } else {
            leave_moved(s, begun_seq);
            p->steps[kept++] = *s;
        }
    }
    p->count = kept;
}

static bool covers(const void *plan, uint64_t run_id) {
    return undo_plan_covers(plan, run_id);
}

static void begin(kernel *k, undo_plan *p, const char *why) {
    run ended = {.id = p->run, .root = p->roots[0]};
    run *r = map_get(&k->runs, p->run);
    size_t open_count = p->open_count;
    uint64_t *open = p->open;
    supersede(k, p);
    begun_body(p, why, &k->scratch);
    int64_t seq = journal_run(k, RECORD_ROLLBACK_BEGUN, r ? r : &ended, "", &k->scratch);
    kernel_log(k, "info", p->run, "is rolled back: %s", why[0] ? why : "no reason given");
    stuck_taken_back(k, covers, p);
    p->open = NULL;
    keep_steps(p, seq);
    rollback_open(k, p, seq);
    for (size_t i = 0; i < open_count; i++) {
        run_cancel(k, map_get(&k->runs, open[i]), "it is rolled back");
    }
    free(open);
}

int command_rollback(kernel *k, command *c, diag *d) {
    int64_t id = 0;
    char why[256] = "";
    undo_plan p;
    keel_json_int(keel_json_get(c->args, "run"), &id);
    keel_json_copy(keel_json_get(c->args, "why"), why, sizeof why);
    if (k->halted) {
        diag_set(d, DIAG_CONFLICT, "the workspace is halted, and nothing is sent");
        return diag_next(d, "lift the halt with: keel resume; then order the rollback again");
    }
    int rc = undo_plan_make(k->env.reads, id > 0 ? (uint64_t)id : 0, &p, d);
    if (rc) {
        return rc;
    }
    rc = check_others(k, &p, d);
    rc = rc ? rc : check_plan(k, &p, keel_json_get(c->args, "plan"), d);
    rc = rc ? rc : check_runs(k, &p, d);
    if (rc == 0) {
        keel_buf_printf(&c->result, "{\"cancelled\":%zu,\"run\":%lld,\"steps\":%zu}", p.open_count,
                        (long long)id, p.count - undo_plan_count(&p, UNDO_GONE));
        begin(k, &p, why);
    }
    undo_plan_free(&p);
    return rc;
}

/* ---- a restart ---- */

typedef struct resumed {
    undo_plan *plan;  /* as the tables have it now */
    undo_step *steps; /* in the order in which it began */
    size_t count;
} resumed;

static undo_step *take_step(undo_plan *p, size_t from, uint64_t run_id, const char *path) {
    for (size_t i = 0; i < p->count; i++) {
        undo_step *s = &p->steps[(from + i) % p->count]; /* mostly they are in the same order */
        if (s->path && s->run == run_id && !strcmp(s->path, path)) {
            return s;
        }
    }
    return NULL;
}

/* What is no longer in the tables as done or open was not applied after all. */
static int on_begun(void *ctx, const journal_row *row) {
    resumed *res = ctx;
    keel_json steps = keel_json_get(row->body, "steps");
    res->steps = keel_alloc((keel_json_count(steps) + 1) * sizeof *res->steps);
    for (keel_json_iter it = keel_json_each(steps); keel_json_next(&it);) {
        int64_t id = 0;
        char path[PATH_LIMIT] = "";
        keel_json_int(keel_json_get(it.value, "run"), &id);
        body_text(it.value, "path", path, sizeof path);
        undo_step *s = take_step(res->plan, res->count, (uint64_t)id, path);
        if (s) {
            s->failed = s->state == EFFECT_COMPENSATION_FAILED && s->last_seq > row->seq;
            leave_moved(s, row->seq);
            res->steps[res->count++] = *s;
            s->path = s->target = NULL;
        }
    }
    return 0;
}

static int on_item(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    rollback *rb = ctx;
    undo_step *s = &rb->plan.steps[rb->at];
    s->passed = !strcmp(v[1], "resolve");
    rb->stuck = s->passed ? 0 : strtoull(v[0], NULL, 10);
    return 1;
}

/* The item that was opened with the step's failure, and what a person made of it. */
static int find_stuck(kernel *k, rollback *rb, diag *d) {
    char id[24], seq[24];
    const char *params[] = {id, seq};
    int rc = 0;
    snprintf(id, sizeof id, "%llu", (unsigned long long)rb->plan.run);
    for (rb->at = 0; rc == 0 && !rb->stuck && rb->at < rb->plan.count; rb->at++) {
        const undo_step *s = &rb->plan.steps[rb->at];
        snprintf(seq, sizeof seq, "%lld", (long long)s->last_seq);
        if (s->failed) {
            rc = reader_query(k->env.reads,
                              "SELECT number, state FROM item WHERE kind = 'stuck' AND run ="
                              " CAST(? AS INTEGER) AND args_seq > CAST(? AS INTEGER)"
                              " ORDER BY args_seq LIMIT 1",
                              params, 2, on_item, rb, d);
        }
        if (rb->stuck) {
            break;
        }
    }
    rb->at = rb->stuck ? rb->at : 0;
    return rc < 0 ? rc : 0;
}

typedef struct begun {
    uint64_t run;
    int64_t seq;
} begun;

typedef struct begun_list {
    begun *all;
    size_t count;
} begun_list;

static int on_open(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    begun_list *l = ctx;
    l->all = keel_realloc(l->all, (l->count + 1) * sizeof *l->all);
    l->all[l->count++] = (begun){strtoull(v[0], NULL, 10), strtoll(v[1], NULL, 10)};
    return 0;
}

static int resume(kernel *k, const begun *b, diag *d) {
    undo_plan plan;
    int rc = undo_plan_make(k->env.reads, b->run, &plan, d);
    if (rc) {
        return rc;
    }
    resumed res = {.plan = &plan};
    rc = reader_record(k->env.reads, b->seq, on_begun, &res, d);
    for (size_t i = 0; i < plan.count; i++) {
        free(plan.steps[i].path);
        free(plan.steps[i].target);
    }
    free(plan.steps);
    plan.steps = res.steps;
    plan.count = res.count;
    return rc ? rc : find_stuck(k, rollback_open(k, &plan, b->seq), d);
}

int rollback_recover(kernel *k, diag *d) {
    begun_list l = {0};
    if (KEEL_PLANTED("undo_forgotten_at_rest")) {
        return 0;
    }
    int rc = reader_query(k->env.reads,
                          "SELECT run, seq FROM rollback WHERE state = 'open' ORDER BY seq", NULL,
                          0, on_open, &l, d);
    for (size_t i = 0; rc == 0 && i < l.count; i++) {
        rc = resume(k, &l.all[i], d);
    }
    free(l.all);
    return rc;
}
