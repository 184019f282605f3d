#include "undo_plan.h"

#include <stdlib.h>
#include <string.h>

#include "keel/buf.h"
#include "keel/json.h"
#include "map.h"
#include "planted.h"

bool undo_path(char *out, size_t size, const char *path, uint32_t n) {
    int len = snprintf(out, size, "%s~%u", path, n);
    return len > 0 && (size_t)len < size;
}

size_t undo_path_of(const char *path) {
    const char *mark = strchr(path, '~');
    return mark ? (size_t)(mark - path) : 0;
}

/* ---- the runs ---- */

typedef struct making {
    reader *r;
    undo_plan *p;
    map known;       /* run -> p: in p->runs */
    size_t at;       /* the run at hand, in p->runs */
    uint64_t of;     /* its number */
    int64_t end_seq; /* of the run at hand, if another goes on from it */
    uint64_t next;   /* that one */
    bool found;
} making;

static int64_t number_of(const char *text) {
    return text ? strtoll(text, NULL, 10) : 0;
}

static void add_run(making *m, uint64_t id) {
    undo_plan *p = m->p;
    if (!id || map_get(&m->known, id)) {
        return;
    }
    map_put(&m->known, id, p);
    p->runs = keel_realloc(p->runs, (p->run_count + 1) * sizeof *p->runs);
    p->roots = keel_realloc(p->roots, (p->run_count + 1) * sizeof *p->roots);
    p->roots[p->run_count] = 0;
    p->runs[p->run_count++] = id;
}

static int on_child(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    add_run(ctx, (uint64_t)number_of(v[0]));
    return 0;
}

static int on_run(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    making *m = ctx;
    undo_plan *p = m->p;
    m->found = true;
    m->end_seq = !strcmp(v[1], "continued") ? number_of(v[2]) : 0;
    p->roots[m->at] = (uint64_t)number_of(v[0]);
    if (!strcmp(v[1], "open") || !strcmp(v[1], "paused")) {
        p->open = keel_realloc(p->open, (p->open_count + 1) * sizeof *p->open);
        p->open[p->open_count++] = m->of;
    }
    return 0;
}

static int on_end(void *ctx, const journal_row *row) {
    int64_t next = 0;
    keel_json_int(keel_json_get(row->body, "next_run"), &next);
    ((making *)ctx)->next = (uint64_t)next;
    return 0;
}

/* The run itself, what it spawned, and what it went on as. */
static int follow_run(making *m, diag *d) {
    char id[24];
    const char *params[] = {id};
    snprintf(id, sizeof id, "%llu", (unsigned long long)m->of);
    m->found = false;
    m->end_seq = 0;
    m->next = 0;
    int rc =
        reader_query(m->r, "SELECT root, state, end_seq FROM run WHERE id = CAST(? AS INTEGER)",
                     params, 1, on_run, m, d);
    if (rc == 0 && !m->found) {
        diag_set(d, DIAG_NOT_FOUND, "there is no run %s", id);
        return diag_next(d, "see: keel run list");
    }
    rc = rc ? rc
            : reader_query(m->r,
                           "SELECT r.id FROM run p JOIN run r ON r.root = p.root AND r.root <> r.id"
                           " AND r.parent = p.id WHERE p.id = CAST(? AS INTEGER) ORDER BY r.id",
                           params, 1, on_child, m, d);
    rc = rc || !m->end_seq ? rc : reader_record(m->r, m->end_seq, on_end, m, d);
    if (rc == 0) {
        add_run(m, m->next);
    }
    return rc;
}

/* ---- the effects ---- */

static const char effects_sql[] =
    "SELECT e.path, e.target, e.state, e.undo, e.undone_by, e.args_seq, e.last_seq,"
    " (SELECT c.seq FROM connection c"
    " WHERE c.name = substr(e.target, 1, instr(e.target, '.') - 1)),"
    " e.reason = 'keel', coalesce(e.sent_seq, e.args_seq),"
    " e.state = 'compensation_failed' AND EXISTS (SELECT 1 FROM item i WHERE i.kind = 'stuck'"
    " AND i.state = 'resolve' AND i.args_seq = e.last_seq + 1)" /* rollback_failed */
    " FROM effect e WHERE e.run = CAST(? AS INTEGER) AND e.class NOT IN ('read', 'local')"
    " AND instr(e.path, '~') = 0 AND e.state IN ('done', 'intended', 'retry', 'unknown',"
    " 'reconciling', 'compensating', 'compensated', 'compensation_unknown', 'compensation_failed')";

static uint32_t tries_of(const char *undone_by) {
    const char *mark = undone_by ? strchr(undone_by, '~') : NULL;
    return mark ? (uint32_t)strtoul(mark + 1, NULL, 10) : 0;
}

static int on_effect(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    making *m = ctx;
    undo_plan *p = m->p;
    if (p->count == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 32;
        p->steps = keel_realloc(p->steps, p->cap * sizeof *p->steps);
    }
    p->steps[p->count++] = (undo_step){.run = m->of,
                                       .path = keel_strdup(v[0]),
                                       .target = keel_strdup(v[1]),
                                       .state = effect_state_named(v[2]),
                                       .way_back = v[3] != NULL,
                                       .reached_by = number_of(v[7]),
                                       .ours = number_of(v[8]) != 0,
                                       .by_hand = number_of(v[10]) != 0,
                                       .tries = tries_of(v[4]),
                                       .args_seq = number_of(v[5]),
                                       .sent_seq = number_of(v[9]),
                                       .last_seq = number_of(v[6]),
                                       .done_seq = number_of(v[6])};
    return 0;
}

static bool is_past_done(effect_state s) {
    return s == EFFECT_COMPENSATING || s == EFFECT_COMPENSATED ||
           s == EFFECT_COMPENSATION_UNKNOWN || s == EFFECT_COMPENSATION_FAILED;
}

/* The records of taking back name the one that they take back. */
static int on_undo(void *ctx, const journal_row *row) {
    undo_step *s = ctx;
    keel_json_int(keel_json_get(row->body, "done"), &s->done_seq);
    return 0;
}

static int newest_first(const void *a, const void *b) {
    int64_t x = ((const undo_step *)a)->done_seq, y = ((const undo_step *)b)->done_seq;
    int order = x > y ? -1 : x < y;
    return KEEL_PLANTED("undo_oldest_first") ? -order : order;
}

static int oldest_first(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static int read_effects(making *m, diag *d) {
    char id[24];
    const char *params[] = {id};
    snprintf(id, sizeof id, "%llu", (unsigned long long)m->of);
    return reader_query(m->r, effects_sql, params, 1, on_effect, m, d);
}

int undo_plan_make(reader *r, uint64_t run, undo_plan *out, diag *d) {
    undo_plan p = {.run = run};
    making m = {.r = r, .p = &p};
    int rc = 0;
    add_run(&m, run);
    for (size_t i = 0; rc == 0 && i < p.run_count; i++) {
        m.at = i;
        m.of = p.runs[i];
        rc = follow_run(&m, d);
        rc = rc ? rc : read_effects(&m, d);
    }
    for (size_t i = 0; rc == 0 && i < p.count; i++) {
        if (is_past_done(p.steps[i].state)) {
            rc = reader_record(r, p.steps[i].done_seq, on_undo, &p.steps[i], d);
        }
    }
    map_free(&m.known);
    if (rc) {
        undo_plan_free(&p);
        return rc;
    }
    if (p.count) {
        qsort(p.steps, p.count, sizeof *p.steps, newest_first);
    }
    if (p.open_count) {
        qsort(p.open, p.open_count, sizeof *p.open, oldest_first);
    }
    *out = p;
    return 0;
}

void undo_plan_free(undo_plan *p) {
    for (size_t i = 0; i < p->count; i++) {
        free(p->steps[i].path);
        free(p->steps[i].target);
    }
    free(p->steps);
    free(p->runs);
    free(p->roots);
    free(p->open);
    *p = (undo_plan){0};
}

/* ---- what it says ---- */

bool undo_plan_moved(const undo_step *s) {
    return s->reached_by > s->sent_seq;
}

undo_act undo_plan_act(const undo_step *s) {
    switch (s->state) {
    case EFFECT_COMPENSATED:
        return UNDO_GONE;
    case EFFECT_DONE:
    case EFFECT_COMPENSATION_FAILED:
        if (s->by_hand) {
            return UNDO_GONE;
        }
        return s->way_back && !undo_plan_moved(s) ? UNDO_BACK : UNDO_STAYS;
    default:
        return UNDO_WAITS;
    }
}

size_t undo_plan_count(const undo_plan *p, undo_act act) {
    size_t count = 0;
    for (size_t i = 0; i < p->count; i++) {
        count += undo_plan_act(&p->steps[i]) == act;
    }
    return count;
}

bool undo_plan_covers(const undo_plan *p, uint64_t run) {
    for (size_t i = 0; i < p->run_count; i++) {
        if (p->runs[i] == run) {
            return true;
        }
    }
    return false;
}

digest undo_plan_digest(const undo_plan *p) {
    static const char *const acts[] = {"back", "stays", "waits", "gone"};
    keel_buf body = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &body);
    keel_json_object(&w);
    keel_json_key(&w, "cancel");
    keel_json_array(&w);
    for (size_t i = 0; i < p->open_count; i++) {
        keel_json_integer(&w, (int64_t)p->open[i]);
    }
    keel_json_array_end(&w);
    keel_json_set_int(&w, "run", (int64_t)p->run);
    keel_json_key(&w, "steps");
    keel_json_array(&w);
    for (size_t i = 0; i < p->count; i++) {
        const undo_step *s = &p->steps[i];
        keel_json_object(&w);
        keel_json_set_text(&w, "act", acts[undo_plan_act(s)]);
        keel_json_set_text(&w, "path", s->path);
        keel_json_set_int(&w, "run", (int64_t)s->run);
        keel_json_set_int(&w, "tries", s->tries);
        keel_json_object_end(&w);
    }
    keel_json_array_end(&w);
    keel_json_object_end(&w);
    digest d = digest_of(body.data, body.len);
    keel_buf_free(&body);
    return d;
}
