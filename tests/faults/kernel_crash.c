/* The kernel at every crash point: for each operation of the disk, power fails there; the kernel is
 * started again on what survived, the same commands are given again under the same request ids, and
 * when all has come to rest the journal must agree with what the outside really did. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "simworld.h"

static char folder[128];

/* ---- one scenario, over as many lives as it takes ---- */

static void live(sim_world *w) {
    sim_command(w, "do-boss-1", "do", "{\"agent\":\"boss\",\"input\":{}}");
    sim_run_out(w);
    for (int i = 0; i < 12 && !w->dead && !w->fault[0]; i++) {
        if (!sim_operator(w)) {
            break;
        }
        sim_run_out(w);
    }
}

typedef struct counts {
    int effects, done, not_done, unsettled, open_runs, runs, denied;
    sim_world *w;
    char problem[256];
} counts;

static int on_effect(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    counts *c = ctx;
    const char *key = v[0] ? v[0] : "", *state = v[1], *class = v[2];
    int applied = outside_applied(&c->w->outside, key);
    bool write = strstr(v[3], ".write") != NULL;
    c->effects++;
    c->denied += !strcmp(state, "denied");
    if (!strcmp(state, "done") && write && applied < 1) {
        snprintf(c->problem, sizeof c->problem, "I1: %s is done and was never applied", v[3]);
    } else if (strcmp(class, "repeatable") && applied > 1) {
        snprintf(c->problem, sizeof c->problem, "I2: %s was applied %d times", v[3], applied);
    } else if ((!strcmp(state, "not_done") || !strcmp(state, "denied")) && applied) {
        snprintf(c->problem, sizeof c->problem, "I3: %s is %s and was applied", v[3], state);
    } else if (strcmp(state, "done") && strcmp(state, "not_done") && strcmp(state, "denied")) {
        snprintf(c->problem, sizeof c->problem, "I9: %s rests as %s", v[3], state);
    }
    return 0;
}

static int on_count(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    counts *c = ctx;
    c->open_runs = atoi(v[0]);
    c->runs = atoi(v[1]);
    return 0;
}

static int on_budget(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    counts *c = ctx;
    int limit = strncmp(v[0], "all", 3) ? 50 : 60;
    if (atoi(v[1]) > limit || atoi(v[2]) != 0) {
        snprintf(c->problem, sizeof c->problem, "I6: budget %s: %s spent, %s held at rest", v[0],
                 v[1], v[2]);
    }
    return 0;
}

static int on_approval(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    counts *c = ctx;
    snprintf(c->problem, sizeof c->problem, "I5: approval %s was consumed %s times", v[0], v[1]);
    return 0;
}

static void query(sim_world *w, const char *sql, reader_row *row, counts *c) {
    diag d = {0};
    if (reader_query(store_reader(w->store), sql, NULL, 0, row, c, &d)) {
        snprintf(c->problem, sizeof c->problem, "%.250s", d.what);
    }
}

/* What must hold when all has come to rest. */
static void check(sim_world *w, char problem[256]) {
    counts c = {.w = w};
    query(w, "SELECT key, state, class, target FROM effect", on_effect, &c);
    query(w,
          "SELECT (SELECT count(*) FROM run WHERE state IN ('open', 'paused')),"
          " (SELECT count(*) FROM run)",
          on_count, &c);
    query(w, "SELECT budget || ' in ' || scope, spent, held FROM budget", on_budget, &c);
    query(w,
          "SELECT json_extract(CAST(coalesce(j.body, p.bytes) AS TEXT), '$.approval') AS a,"
          " count(*) FROM journal j LEFT JOIN payload p ON p.digest = j.digest"
          " WHERE j.kind = 33 AND a IS NOT NULL GROUP BY a HAVING count(*) > 1",
          on_approval, &c);
    if (!c.problem[0] && (c.open_runs || c.runs != 2)) {
        snprintf(c.problem, sizeof c.problem, "I11: %d runs, %d of them open", c.runs, c.open_runs);
    }
    if (!c.problem[0] && (c.effects != 6 || c.denied != 1)) {
        snprintf(c.problem, sizeof c.problem, "%d effects, %d denied", c.effects, c.denied);
    }
    const sim_answer *a = sim_answered(w, "do-boss-1");
    if (!c.problem[0] && (!a || !strstr(a->result, "\"run\":1"))) {
        snprintf(c.problem, sizeof c.problem, "I11: do was answered %.200s",
                 a ? a->result : "never");
    }
    memcpy(problem, c.problem, 256);
}

static void check_audit(sim_world *w, char problem[256]) {
    char anchor[160];
    audit_report report;
    diag d = {0};
    snprintf(anchor, sizeof anchor, "%s/state/anchor", w->root);
    if (audit_verify("sim.db", anchor, "sim", &report, NULL, NULL, &d) ||
        audit_rebuild_check("sim.db", "sim", &report, &d)) {
        snprintf(problem, 256, "I7: %.240s", d.what);
    }
}

/* Runs the scenario with the disk struck at operation n. Returns whether it was reached. */
static bool crash_at(long n, crash_mode mode, uint64_t seed, int faults, char problem[256]) {
    char state[160];
    sim_world *w = calloc(1, sizeof *w);
    if (!w) {
        abort();
    }
    snprintf(w->root, sizeof w->root, "%s", folder);
    snprintf(state, sizeof state, "%s/state/anchor", folder);
    remove(state);
    w->disk = crash_disk_create("sim", seed + (uint64_t)n);
    w->seed = seed;
    w->outside.seed = seed * 31;
    w->outside.faults_left = faults;
    w->clock = 1700000000000000;
    crash_disk_arm(w->disk, n, mode);
    if (sim_start(w)) {
        live(w);
    }
    bool struck = crash_disk_struck(w->disk);
    if (struck) {
        sim_end(w);
        crash_disk_restart(w->disk);
        w->clock += 1000000;
        if (sim_start(w)) {
            live(w);
        }
    }
    problem[0] = 0;
    crash_disk_arm(w->disk, 0, mode);
    if (w->fault[0]) {
        memcpy(problem, w->fault, 256);
    } else if (w->kernel) {
        check(w, problem);
        sim_end(w);
        if (!problem[0]) {
            check_audit(w, problem);
        }
    }
    sim_end(w);
    crash_disk_destroy(w->disk);
    free(w);
    return struck;
}

static void every_point(crash_mode mode, uint64_t seed, int faults) {
    char problem[256];
    long points = 0;
    for (long n = 1;; n++) {
        bool struck = crash_at(n, mode, seed, faults, problem);
        if (problem[0]) {
            fail_msg("mode %d, seed %llu, operation %ld: %s", (int)mode, (unsigned long long)seed,
                     n, problem);
        }
        if (!struck) {
            break;
        }
        points++;
    }
    assert_true(points > 50);
    print_message("# %ld crash points visited\n", points);
}

static void without_faults_all_is_done(void **state) {
    char problem[256];
    (void)state;
    assert_false(crash_at(0, CRASH_LOSE, 1, 0, problem));
    assert_string_equal(problem, "");
}

static void lost_answers_settle(void **state) {
    char problem[256];
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        crash_at(0, CRASH_LOSE, seed, 6, problem);
        if (problem[0]) {
            fail_msg("seed %llu: %s", (unsigned long long)seed, problem);
        }
    }
}

static void nothing_unsynced_survives(void **state) {
    (void)state;
    every_point(CRASH_LOSE, 11, 0);
}

static void a_prefix_survives(void **state) {
    (void)state;
    every_point(CRASH_PREFIX, 12, 0);
}

static void torn_writes_survive(void **state) {
    (void)state;
    every_point(CRASH_TORN, 13, 0);
}

static void crashes_and_lost_answers(void **state) {
    (void)state;
    every_point(CRASH_TORN, 14, 4);
    every_point(CRASH_LOSE, 15, 6);
}

static void one_write_fails(void **state) {
    (void)state;
    every_point(CRASH_EIO, 16, 2);
}

static void the_disk_is_full(void **state) {
    (void)state;
    every_point(CRASH_FULL, 17, 2);
}

static int make_folder(void **state) {
    (void)state;
    digest_init();
    sim_folder(folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    sim_folder_remove(folder);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_faults_all_is_done),
        cmocka_unit_test(lost_answers_settle),
        cmocka_unit_test(nothing_unsynced_survives),
        cmocka_unit_test(a_prefix_survives),
        cmocka_unit_test(torn_writes_survive),
        cmocka_unit_test(crashes_and_lost_answers),
        cmocka_unit_test(one_write_fails),
        cmocka_unit_test(the_disk_is_full),
    };
    return cmocka_run_group_tests_name("kernel_crash", tests, make_folder, remove_folder);
}
