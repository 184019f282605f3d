#include "simcheck.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int on_effect(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    static const char *const ends[] = {
        "done", "not_done", "denied", "rejected", "expired", "compensation_failed", "compensated"};
    sim_counts *c = ctx;
    const char *key = v[0] ? v[0] : "", *state = v[1], *class = v[2];
    int applied = outside_applied(&c->w->outside, key);
    int undone = outside_undone(&c->w->outside, key);
    bool write = strstr(v[3], ".write") || strstr(v[3], ".compensate");
    bool was_done = !strcmp(state, "done") || !strncmp(state, "compensat", 9);
    c->effects++;
    c->denied += !strcmp(state, "denied");
    bool over = false;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        over |= !strcmp(state, ends[i]);
    }
    if (was_done && write && applied < 1) {
        snprintf(c->problem, sizeof c->problem, "I1: %s is %s and was never applied", v[3], state);
    } else if (undone != !strcmp(state, "compensated")) {
        snprintf(c->problem, sizeof c->problem, "I2: %s is %s and was taken back %d times", v[3],
                 state, undone);
    } else if (strcmp(class, "repeatable") && applied > 1) {
        snprintf(c->problem, sizeof c->problem, "I2: %s was applied %d times", v[3], applied);
    } else if (!was_done && over && applied) {
        snprintf(c->problem, sizeof c->problem, "I3: %s is %s and was applied", v[3], state);
    } else if (!over) {
        snprintf(c->problem, sizeof c->problem, "I9: %s rests as %s", v[3], state);
    }
    return 0;
}

static int on_count(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    sim_counts *c = ctx;
    c->open_runs = atoi(v[0]);
    c->runs = atoi(v[1]);
    c->open_items = atoi(v[2]);
    return 0;
}

static int on_budget(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    sim_counts *c = ctx;
    int limit = strncmp(v[0], "all", 3) ? 50 : 60;
    if (atoi(v[1]) > limit || atoi(v[2]) != 0) {
        snprintf(c->problem, sizeof c->problem, "I6: budget %s: %s spent, %s held at rest", v[0],
                 v[1], v[2]);
    }
    return 0;
}

static int on_rollback(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    sim_counts *c = ctx;
    snprintf(c->problem, sizeof c->problem, "I9: the rollback of run %s rests, and says nothing",
             v[0]);
    return 0;
}

static int on_approval(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    sim_counts *c = ctx;
    snprintf(c->problem, sizeof c->problem, "I5: approval %s was consumed %s times", v[0], v[1]);
    return 0;
}

static int on_any(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)v;
    (void)names;
    *(bool *)ctx = true;
    return 0;
}

/* What was sent before a record: by the last of its records, it was intended, or is tried again and may
 * have been applied; or it is a run that was begun. */
#define BODY "CAST(coalesce(j.body, p.bytes) AS TEXT)"
#define SENT_BEFORE                                                                                \
    "(SELECT count(*) FROM (SELECT max(j.seq), j.kind AS kind, " BODY " AS body FROM journal j"    \
    " LEFT JOIN payload p ON p.digest = j.digest WHERE j.kind IN (27, 33, 35, 38) AND j.seq < "    \
    "s.seq"                                                                                        \
    " AND NOT (j.run = s.run AND j.path = s.path) GROUP BY j.run, j.path) WHERE kind = 33"         \
    " OR (kind = 38 AND json_extract(body, '$.maybe')) OR (kind = 27 AND NOT"                      \
    " json_extract(body, '$.existing')))"
static const char counted[] =
    "SELECT s.seq, s.seen, 1 + " SENT_BEFORE " AS told FROM (SELECT j.seq, j.run, j.path,"
    " json_extract(" BODY ", '$.decision.inputs.\"count(366d)\"') AS seen FROM journal j"
    " LEFT JOIN payload p ON p.digest = j.digest WHERE j.kind IN (27, 31, 32, 33)) s"
    " WHERE s.seen IS NOT NULL AND s.seen <> told";

static int on_counted(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    sim_counts *c = ctx;
    snprintf(c->problem, sizeof c->problem,
             "I12: record %s was decided with %s effects of this year, and there were %s", v[0],
             v[1], v[2]);
    return 0;
}

/* A query that cannot be made finds nothing, and is told as what it did not find. */
static bool stands(sim_world *w, const char *sql, const char *text) {
    const char *params[] = {text};
    bool any = false;
    reader_query(store_reader(w->store), sql, params, 1, on_any, &any, NULL);
    return any;
}

static void check_intended(sim_world *w, sim_counts *c) {
    for (size_t i = 0; i < w->outside.count; i++) {
        const outside_entry *e = &w->outside.entries[i];
        if (e->applied && !stands(w, "SELECT 1 FROM effect WHERE key = ?", e->key)) {
            snprintf(c->problem, sizeof c->problem,
                     "I4: the outside has %s under %s, and the journal has no such effect",
                     e->target, e->key);
        }
    }
}

static void query(sim_world *w, const char *sql, reader_row *row, sim_counts *c) {
    diag d = {0};
    if (reader_query(store_reader(w->store), sql, NULL, 0, row, c, &d)) {
        snprintf(c->problem, sizeof c->problem, "%.250s", d.what);
    }
}

void sim_check(sim_world *w, sim_counts *c) {
    *c = (sim_counts){.w = w};
    query(w, "SELECT key, state, class, target FROM effect", on_effect, c);
    check_intended(w, c);
    query(w,
          "SELECT (SELECT count(*) FROM run WHERE state IN ('open', 'paused')),"
          " (SELECT count(*) FROM run), (SELECT count(*) FROM item WHERE state = 'open'"
          " AND kind <> 'stuck')",
          on_count, c);
    query(w,
          "SELECT run FROM rollback r WHERE state = 'open' AND NOT EXISTS (SELECT 1 FROM item"
          " WHERE state = 'open' AND kind = 'stuck' AND run = r.run)",
          on_rollback, c);
    query(w, "SELECT budget || ' in ' || scope, spent, held FROM budget", on_budget, c);
    query(w,
          "SELECT json_extract(CAST(coalesce(j.body, p.bytes) AS TEXT), '$.approval') AS a,"
          " count(*) FROM journal j LEFT JOIN payload p ON p.digest = j.digest"
          " WHERE j.kind = 33 AND a IS NOT NULL GROUP BY a HAVING count(*) > 1",
          on_approval, c);
    query(w, counted, on_counted, c);
}

void sim_check_kept(sim_world *w, char problem[256]) {
    for (size_t i = 0; i < w->answer_count; i++) {
        const sim_answer *a = &w->answers[i];
        if (a->ok && !stands(w, "SELECT 1 FROM request WHERE id = ?", a->request)) {
            snprintf(problem, 256, "I11: the acknowledged command %s is lost", a->request);
        }
    }
}

void sim_check_audit(sim_world *w, char problem[256]) {
    char anchor[160];
    audit_report report;
    diag d = {0};
    snprintf(anchor, sizeof anchor, "%s/state/anchor", w->root);
    if (audit_verify("sim.db", anchor, "sim", &report, NULL, NULL, &d) ||
        audit_rebuild_check("sim.db", "sim", &report, &d)) {
        snprintf(problem, 256, "I7: %.240s", d.what);
    }
}
