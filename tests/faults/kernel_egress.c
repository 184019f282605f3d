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

static void end_connector(sim_world *w) {
    for (size_t i = 0; i < sizeof w->executors / sizeof *w->executors; i++) {
        if (w->executors[i].number && w->executors[i].connector) {
            sim_kill(w, w->executors[i].number, "was killed by signal 9 (Killed)");
        }
    }
    sim_run_out(w);
}

static void egress_ends_at(int steps, uint64_t seed, bool starts) {
    sim_world *w = scene_network(ALLOW, once, COUNT(once));
    scene_do(w, "do-000001");
    if (starts) {
        end_connector(w); /* so that one has to be started */
    }
    w->seed = seed;
    sim_command(w, "do-000002", "do", "{\"agent\":\"boss\",\"input\":{}}");
    go_on(w, steps);
    sim_egress_kill(w);
    go_on(w, 5000);
    if (sim_number(w, "SELECT count(*) FROM effect WHERE state = 'done'") != 2) {
        fail_msg("seed %d, step %d", (int)seed, steps);
    }
    kernel_stop(w->kernel);
    for (int i = 0; i < 100 && !kernel_stopped(w->kernel); i++) {
        go_on(w, 10);
    }
    assert_true(kernel_stopped(w->kernel));
    scene_end(w);
}

static void what_is_asked_for_meanwhile_is_sent_soon(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed += 3) {
        for (int steps = 0; steps < 8; steps++) {
            egress_ends_at(steps, seed, false);
            egress_ends_at(steps, seed, true);
        }
    }
}

static int known(const sim_world *w) {
    int count = 0;
    for (size_t i = 0; i < sizeof w->connected; i++) {
        count += w->connected[i];
    }
    return count;
}

static void what_is_no_longer_there_is_forgotten(void **state) {
    char text[200], request[32];
    (void)state;
    sim_world *w = scene_network(ALLOW, once, COUNT(once));
    scene_do(w, "do-000001");
    for (int i = 0; i < 20; i++) {
        snprintf(text, sizeof text,
                 "version: 1\nname: sim\nconnections:\n"
                 "  out: { use: \"org.example.out@1\", config: { folder: \"f%d\" } }\n",
                 i);
        sim_put(w->root, "keel.yaml", text);
        snprintf(request, sizeof request, "reload-%03d", i);
        scene_tell(w, request, "reload", "{}");
        assert_in_range(known(w), 1, 2);
    }
    scene_do(w, "do-000002");
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'done'", 2);
    scene_end(w);
}

/* Reads alone would run into their deadlines for ever. */
static void one_that_hangs_is_replaced(void **state) {
    static const sim_op read[] = {
        {"effect", "out.keyed.read",
         "{\"args\":{},\"resource\":\"keyed\",\"use\":\"out\",\"verb\":\"read\"}"}};
    (void)state;
    sim_world *w =
        scene_network(ALLOW "  - { id: reads, on: \"*.*.read\", allow: {} }\n", read, COUNT(read));
    scene_do(w, "do-000001");
    uint32_t first = w->egress;
    w->egress_deaf = true;
    scene_do(w, "do-000002");
    w->egress_deaf = false;
    scene_do(w, "do-000003");
    assert_true(w->egress != 0 && w->egress != first);
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'done'", 3);
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_hangs_is_replaced),
        cmocka_unit_test(what_is_asked_for_meanwhile_is_sent_soon),
        cmocka_unit_test(what_is_no_longer_there_is_forgotten),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_egress", tests, NULL, NULL);
}
