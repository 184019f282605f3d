/* Egress ends at any moment: also while its executors, which end with it, have nothing to do. */
#include "scene.h"

#define ALLOW "  - { id: lets, on: \"out.*.write\", allow: {} }\n"
#define SOON  5000000 /* us; egress itself has twice that to answer */

static const sim_op once[] = {WRITE("once")};

static void go_on(sim_world *w, int steps) {
    int64_t began = w->clock;
    for (int i = 0; i < steps && w->clock - began < SOON; i++) {
        kernel_turn(w->kernel);
        if (!sim_step(w)) {
            return;
        }
    }
}

static void what_is_asked_for_meanwhile_is_sent_soon(void **state) {
    (void)state;
    for (int steps = 0; steps < 12; steps++) {
        sim_world *w = scene_network(ALLOW, once, COUNT(once));
        scene_do(w, "do-000001");
        sim_command(w, "do-000002", "do", "{\"agent\":\"boss\",\"input\":{}}");
        go_on(w, steps);
        sim_egress_kill(w);
        go_on(w, 5000);
        number_is(w, "SELECT count(*) FROM effect WHERE state = 'done'", 2);
        kernel_stop(w->kernel);
        for (int i = 0; i < 100 && !kernel_stopped(w->kernel); i++) {
            go_on(w, 10);
        }
        assert_true(kernel_stopped(w->kernel));
        scene_end(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_for_meanwhile_is_sent_soon),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_egress", tests, NULL, NULL);
}
