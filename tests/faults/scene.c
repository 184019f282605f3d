#include "scene.h"

static const sim_op nothing[] = {{"step", "done", NULL}};

void scene_policy(sim_world *w, const char *rules) {
    char text[2048];
    snprintf(text, sizeof text, "version: 1\nrules:\n%s", rules);
    sim_put(w->root, "policies/p.yaml", text);
}

void scene_helper(sim_world *w, const sim_op *ops, size_t count, const char *end) {
    sim_program *p = (sim_program *)(uintptr_t)w->programs;
    p[1] = (sim_program){"helper", ops, count, end, 0};
}

static sim_world *make(const char *rules, const sim_op *ops, size_t count, bool network) {
    sim_world *w = calloc(1, sizeof *w);
    sim_program *programs = calloc(2, sizeof *programs);
    assert_non_null(w);
    assert_non_null(programs);
    sim_folder(w->root);
    if (network) {
        sim_network(w->root);
    }
    scene_policy(w, rules);
    programs[0] = (sim_program){"boss", ops, count, NULL, 0};
    w->programs = programs;
    w->program_count = 2;
    scene_helper(w, nothing, 1, NULL);
    w->hold = !network;
    w->outside.network = network;
    w->horizon = 20000000; /* less than the deadline of a verb */
    w->seed = 5;
    w->clock = 1700000000000000;
    w->disk = crash_disk_create("sim", 1);
    crash_disk_arm(w->disk, 0, CRASH_LOSE);
    assert_true(sim_start(w));
    return w;
}

sim_world *scene(const char *rules, const sim_op *ops, size_t count) {
    return make(rules, ops, count, false);
}

sim_world *scene_network(const char *rules, const sim_op *ops, size_t count) {
    return make(rules, ops, count, true);
}

static void rest(sim_world *w) {
    sim_run_out(w);
    assert_string_equal(w->fault, "");
    assert_false(w->dead);
}

void scene_restart(sim_world *w) {
    sim_end(w);
    if (!sim_start(w)) {
        fail_msg("it does not start: %s", w->fault);
    }
    rest(w);
}

void scene_tell(sim_world *w, const char *request, const char *name, const char *args) {
    sim_command(w, request, name, args);
    rest(w);
}

void scene_do(sim_world *w, const char *request) {
    scene_tell(w, request, "do", "{\"agent\":\"boss\",\"input\":{}}");
}

void scene_do_many(sim_world *w, const char *prefix, int count) {
    for (int i = 1; i <= count; i++) {
        char request[48];
        snprintf(request, sizeof request, "%s-%06d", prefix, i);
        scene_do(w, request);
    }
}

void scene_answer(sim_world *w, const char *body) {
    sim_answer_held(w, body);
    rest(w);
}

void scene_pass(sim_world *w, int64_t seconds) {
    w->clock += seconds * 1000000;
    rest(w);
}

void scene_end(sim_world *w) {
    audit_report report;
    diag d = {0};
    assert_string_equal(w->fault, "");
    sim_end(w);
    if (audit_rebuild_check("sim.db", "sim", &report, &d)) {
        fail_msg("%s", d.what);
    }
    crash_disk_destroy(w->disk);
    sim_folder_remove(w->root);
    free((void *)(uintptr_t)w->programs);
    free(w);
}
