/* People at any moment: halt, cancel, deny, edit, reload, approve, stop, kill -9, at moments that a
 * seed chooses, while connectors die and lose answers, and with the power failing at each operation
 * of the disk. When all has come to rest the journal must agree with what the outside did. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "simcheck.h"

static char folder[128];
static bool network; /* its connector reaches the outside through egress */

static uint64_t roll(uint64_t *seed) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static bool alive(const sim_world *w) {
    return w->kernel && !w->dead && !w->fault[0];
}

static void some_steps(sim_world *w, uint64_t count) {
    for (uint64_t i = 0; i < count && alive(w); i++) {
        kernel_turn(w->kernel);
        sim_step(w);
    }
}

static void stop(sim_world *w) {
    kernel_stop(w->kernel);
    for (int i = 0; i < 5000 && alive(w) && !kernel_stopped(w->kernel); i++) {
        kernel_turn(w->kernel);
        sim_step(w);
    }
    if (alive(w) && !kernel_stopped(w->kernel)) {
        snprintf(w->fault, sizeof w->fault, "it never stopped");
    }
}

static void again(sim_world *w, bool orderly) {
    if (orderly) {
        stop(w);
    }
    if (alive(w)) {
        sim_end(w);
        w->clock += 1000000;
        sim_start(w);
    }
}

typedef struct act {
    const char *request, *name, *args;
} act;

static const act acts[] = {
    {"do-boss-1", "do", "{\"agent\":\"boss\",\"input\":{}}"},
    {"do-boss-2", "do", "{\"agent\":\"boss\",\"input\":{}}"},
    {"halt-0001", "halt", "{\"why\":\"a look\"}"},
    {"deny-0001", "deny", "{\"items\":[1],\"why\":\"no\"}"},
    {"edit-0002", "edit", "{\"number\":2,\"set\":{\"n\":7}}"},
    {"cancel-02", "run.cancel", "{\"run\":2}"},
    {"reload-01", "reload", "{}"},
    {"resume-01", "resume", "{}"},
    {"batch-001", "batch", "{\"numbers\":[2]}"},
    {"halt-0002", "halt", "{\"why\":\"again\"}"},
    {"cancel-01", "run.cancel", "{\"run\":1}"},
    {"resume-02", "resume", "{}"},
    {"do-help-1", "do", "{\"agent\":\"helper\",\"input\":{},\"key\":\"once\"}"},
    {"rollback1", "rollback", "1"},
    {"do-boss-3", "do", "{\"agent\":\"boss\",\"input\":{}}"},
    {"rollback2", "rollback", "1"},
};

static void give(sim_world *w, const act *a) {
    if (!strcmp(a->name, "rollback")) {
        sim_rollback(w, a->request, strtoull(a->args, NULL, 10));
    } else {
        sim_command(w, a->request, a->name, a->args);
    }
}

/* The same acts at the same places in every life. */
static void live(sim_world *w, uint64_t seed) {
    for (size_t i = 0; i < sizeof acts / sizeof *acts && alive(w); i++) {
        const act *a = &acts[i];
        bool must = !strncmp(a->name, "re", 2) || !strcmp(a->name, "do");
        if (must || roll(&seed) % 2) {
            give(w, a);
        }
        uint64_t steps = roll(&seed) % 30;
        some_steps(w, steps);
        uint64_t what = roll(&seed) % 8;
        if (what == 0 && alive(w)) {
            sim_operator(w);
        } else if (what < 3) {
            again(w, what == 1);
        }
    }
    if (alive(w)) { /* a kill may have come before the last one was durable */
        sim_command(w, "resume-03", "resume", "{}");
    }
    for (int i = 0; i < 20 && alive(w); i++) {
        sim_run_out(w);
        if (!alive(w) || !sim_operator(w)) {
            break;
        }
    }
}

static void judge(sim_world *w, char problem[256]) {
    sim_counts c;
    sim_check(w, &c);
    if (!c.problem[0] && (c.open_runs || c.open_items)) {
        snprintf(c.problem, sizeof c.problem, "I11: %d runs and %d items are open", c.open_runs,
                 c.open_items);
    }
    memcpy(problem, c.problem, 256);
}

static bool storm(long n, crash_mode mode, uint64_t seed, int faults, char problem[256]) {
    char anchor[160];
    sim_world *w = calloc(1, sizeof *w);
    if (!w) {
        abort();
    }
    snprintf(w->root, sizeof w->root, "%s", folder);
    snprintf(anchor, sizeof anchor, "%s/state/anchor", folder);
    remove(anchor);
    w->disk = crash_disk_create("sim", seed + (uint64_t)n);
    w->seed = seed;
    w->outside.seed = seed * 31;
    w->outside.faults_left = faults;
    w->outside.network = network;
    w->clock = 1700000000000000;
    crash_disk_arm(w->disk, n, mode);
    if (sim_start(w)) {
        live(w, seed);
    }
    bool struck = crash_disk_struck(w->disk);
    if (struck) {
        sim_end(w);
        crash_disk_restart(w->disk);
        w->clock += 1000000;
        if (sim_start(w)) {
            live(w, seed);
        }
    }
    problem[0] = 0;
    crash_disk_arm(w->disk, 0, mode);
    if (w->fault[0]) {
        memcpy(problem, w->fault, 256);
    } else if (w->kernel) {
        judge(w, problem);
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

static void many_seeds(void **state) {
    char problem[256];
    (void)state;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        storm(0, CRASH_LOSE, seed, 6, problem);
        if (problem[0]) {
            fail_msg("seed %llu: %s", (unsigned long long)seed, problem);
        }
    }
}

/* Every fifth operation of a few storms: the whole is in kernel_crash. */
static void the_power_fails_too(void **state) {
    static const crash_mode modes[] = {CRASH_LOSE, CRASH_TORN, CRASH_PREFIX, CRASH_EIO};
    char problem[256];
    long points = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        bool struck = true;
        for (long n = (long)seed; struck; n += 5) {
            struck = storm(n, modes[seed - 1], seed, 4, problem);
            points += struck;
            if (problem[0]) {
                fail_msg("seed %llu, operation %ld: %s", (unsigned long long)seed, n, problem);
            }
        }
    }
    assert_true(points > 100);
    print_message("# %ld crash points visited\n", points);
}

static int make_folder(void **state) {
    (void)state;
    digest_init();
    sim_folder(folder);
    if (network) {
        sim_network(folder);
    }
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    sim_folder_remove(folder);
    return 0;
}

/* Alone: its connector has a folder. "network": it reaches the outside through egress. */
int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_seeds),
        cmocka_unit_test(the_power_fails_too),
    };
    network = argc > 1 && strcmp(argv[1], "network") == 0;
    return cmocka_run_group_tests_name(network ? "kernel_network" : "kernel_storm", tests,
                                       make_folder, remove_folder);
}
