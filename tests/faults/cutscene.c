#include "cutscene.h"

#include "simcheck.h"

static const cut_scene *scene_of;
static char folder[128];

static void check(sim_world *w, char problem[256]) {
    sim_counts c;
    sim_check(w, &c);
    memcpy(problem, c.problem, 256);
    for (size_t i = 0; i < scene_of->rest_count && !problem[0]; i++) {
        const cut_number *r = &scene_of->rest[i];
        int64_t n = sim_number(w, r->sql);
        if (n != r->number) {
            snprintf(problem, 256, "%s: %lld", r->problem, (long long)n);
        }
    }
}

static sim_world *make_world(long n, crash_mode mode) {
    char anchor[160];
    sim_world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    snprintf(w->root, sizeof w->root, "%s", folder);
    snprintf(anchor, sizeof anchor, "%s/state/anchor", folder);
    remove(anchor);
    w->programs = scene_of->programs;
    w->program_count = scene_of->program_count;
    w->hold = true;
    w->horizon = 20000000;
    w->seed = scene_of->seed;
    w->clock = 1700000000000000;
    w->disk = crash_disk_create("sim", (uint64_t)n + 9);
    crash_disk_arm(w->disk, n, mode);
    return w;
}

static bool crash_at(long n, crash_mode mode, char problem[256]) {
    sim_world *w = make_world(n, mode);
    if (sim_start(w)) {
        scene_of->live(w);
    }
    bool struck = crash_disk_struck(w->disk);
    if (struck) {
        sim_end(w);
        crash_disk_restart(w->disk);
        if (sim_start(w)) {
            scene_of->live(w);
        }
    }
    problem[0] = 0;
    crash_disk_arm(w->disk, 0, mode);
    if (w->fault[0]) {
        memcpy(problem, w->fault, 256);
    } else {
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

static void every_point(crash_mode mode) {
    char problem[256];
    long n = 1;
    for (bool struck = true; struck; n++) {
        struck = crash_at(n, mode, problem);
        if (problem[0]) {
            fail_msg("mode %d, operation %ld: %s", (int)mode, n, problem);
        }
    }
    assert_true(n > 50);
    print_message("# %ld crash points visited\n", n - 2);
}

static void nothing_unsynced_survives(void **state) {
    (void)state;
    every_point(CRASH_LOSE);
}

static void torn_writes_survive(void **state) {
    (void)state;
    every_point(CRASH_TORN);
}

static int make_folder(void **state) {
    (void)state;
    digest_init();
    sim_folder(folder);
    scene_of->make(folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    sim_folder_remove(folder);
    return 0;
}

int cut_scene_main(const cut_scene *s) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_unsynced_survives),
        cmocka_unit_test(torn_writes_survive),
    };
    scene_of = s;
    return cmocka_run_group_tests_name(s->name, tests, make_folder, remove_folder);
}
