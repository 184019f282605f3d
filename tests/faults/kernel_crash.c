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

#include "simcheck.h"

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

/* What must hold when all has come to rest. */
static void check(sim_world *w, char problem[256]) {
    sim_counts c;
    sim_check(w, &c);
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
            sim_check_kept(w, w->fault);
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
            sim_check_audit(w, problem);
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
