/* Wall clocks that jump, forward and back, and restarts between: what has expired stays so, a key is not
 * sent when the other side may have forgotten it, and absence is no proof before it has settled. */
#include "scene.h"

#define HOUR_US 3600000000LL
#define ASK     "  - { id: asks, on: \"out.*.write\", ask: {}, approval: { expires: 2h } }\n"
#define ALLOW   "  - { id: lets, on: \"out.*.write\", allow: {} }\n"
#define NONE                                                                                       \
    "budgets:\n  - { id: few, scope: workspace, limit: 0 calls, window: none, at_hard: ask }\n"

static const sim_op once[] = {WRITE("once")};
static const sim_op keyed[] = {WRITE("keyed")};
static const sim_op checkable[] = {WRITE("checkable")};

static void pass(sim_world *w, int64_t us) {
    w->horizon = us;
    sim_run_out(w);
    w->horizon = 1000000;
    assert_string_equal(w->fault, "");
}

/* Its timer is late, since the clock jumped and BOOTTIME did not. */
static void a_late_approval_does_not_count(void **state) {
    (void)state;
    sim_world *w = scene(ASK, once, COUNT(once));
    scene_do(w, "do-000001");
    w->clock += HOUR_US + HOUR_US / 2;
    w->wall_ahead += HOUR_US - HOUR_US / 6; /* a jump of over an hour would be held */
    sim_approve(w, "approve-1", 1);
    pass(w, 1000000);
    state_is(w, "expired");
    assert_int_equal(w->held_count, 0);
    scene_end(w);
}

static void what_waits_for_a_budget_expires_after_a_restart(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW NONE, once, COUNT(once));
    scene_do(w, "do-000001");
    number_is(w, "SELECT count(*) FROM effect WHERE reason = 'budget'", 1);
    scene_restart(w);
    pass(w, 25 * HOUR_US);
    state_is(w, "expired");
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 0);
    scene_end(w);
}

/* The window is 24 hours. By the wall clock no time has passed at all. */
static void a_clock_set_back_does_not_keep_a_key_alive(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, keyed, COUNT(keyed));
    w->horizon = 1000000;
    scene_do(w, "do-000001");
    assert_string_equal(w->held[0].verb, "write");
    sim_answer_held(w, UNKNOWN);
    w->wall_ahead -= 48 * HOUR_US;
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"a look\"}");
    pass(w, 2000000);
    w->clock += 21 * HOUR_US;
    scene_tell(w, "resume-01", "resume", "{}");
    pass(w, 1000000);
    assert_int_equal(w->held_count, 1);
    assert_string_equal(w->held[0].verb, "reconcile");
    scene_end(w);
}

static void nor_does_a_restart_with_it(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, keyed, COUNT(keyed));
    w->horizon = 1000000;
    scene_do(w, "do-000001");
    w->wall_ahead -= 48 * HOUR_US;
    w->clock += 30 * HOUR_US; /* while it is down */
    scene_restart(w);
    pass(w, 2000000);
    assert_int_equal(w->held_count, 1);
    assert_string_equal(w->held[0].verb, "reconcile");
    scene_end(w);
}

/* It settles within 5 s: what the wall clock says of that is not to be believed. */
static void a_clock_set_forward_proves_nothing(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, checkable, COUNT(checkable));
    w->horizon = 1000000;
    scene_do(w, "do-000001");
    sim_answer_held(w, UNKNOWN);
    pass(w, 1000000);
    w->wall_ahead += HOUR_US;
    scene_restart(w);
    assert_int_equal(w->held_count, 1);
    assert_string_equal(w->held[0].verb, "reconcile");
    sim_answer_held(w, ABSENT);
    pass(w, 1000000);
    state_is(w, "unknown");
    pass(w, 6000000);
    assert_int_equal(w->held_count, 1);
    sim_answer_held(w, ABSENT);
    pass(w, 2000000);
    assert_int_equal(w->held_count, 1);
    assert_string_equal(w->held[0].verb, "write");
    scene_end(w);
}

/* It was busy when the others were told. */
static void a_connector_is_told_to_stop_when_it_is_done(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, once, COUNT(once));
    scene_do(w, "do-000001");
    kernel_stop(w->kernel);
    sim_answer_held(w, APPLIED);
    for (int i = 0; i < 100 && !kernel_stopped(w->kernel); i++) {
        kernel_turn(w->kernel);
        sim_step(w);
    }
    assert_true(kernel_stopped(w->kernel));
    for (size_t i = 0; i < SIM_EXECUTORS; i++) {
        assert_int_equal(w->executors[i].number, 0);
    }
    scene_end(w);
}

/* Egress dies owing the evidence of a verb whose key may be forgotten: it is looked for at once, but not
 * by an executor that leads nowhere. */
static void a_look_waits_for_the_next_egress(void **state) {
    (void)state;
    sim_world *w = scene_network(ALLOW, keyed, COUNT(keyed));
    sim_put(w->root, "connectors/out/manifest.yaml",
            "id: org.example.out\nkind: connector\nversion: 1.0.1\nentry: out.lua\n"
            "concurrency: 2\nneeds: [ \"http:https://out.example/\" ]\nresources:\n"
            "  keyed: { read: {}, write: { class: keyed, window: 24h } }\n");
    scene_restart(w);
    w->hold = true;
    w->horizon = 1000000;
    scene_do(w, "do-000001");
    assert_int_equal(w->held_count, 1);
    assert_true(sim_egress_request(w, w->held[0].ref, false));
    w->egress_deaf = true;
    w->clock += 21 * HOUR_US;
    sim_answer_held(w, UNKNOWN);
    pass(w, 1000000);
    sim_egress_kill(w);
    pass(w, 2000000);
    assert_int_equal(w->held_count, 1);
    assert_string_equal(w->held[0].verb, "reconcile");
    for (size_t i = 0; i < SIM_EXECUTORS; i++) {
        if (w->executors[i].number && w->executors[i].connector) {
            assert_true(w->egress && w->executors[i].egress == w->egress);
        }
    }
    scene_end(w);
}

/* Work goes on; since when is told for as long as it lasts. */
static void an_anchor_that_cannot_be_reached(void **state) {
    static const char away[] = "\"anchor\":{\"trouble\":\"no room\",\"unanchored_us\":";
    char since[120] = "";
    (void)state;
    sim_world *w = scene(ALLOW, keyed, COUNT(keyed));
    scene_tell(w, "status-01", "status", "{}");
    assert_non_null(strstr(sim_answered(w, "status-01")->result, "\"anchor\":{}"));
    for (int i = 0; i < 3; i++) {
        kernel_anchored(w->kernel, "no room");
        scene_do(w, i ? "do-000002" : "do-000001");
        scene_tell(w, "status-02", "status", "{}");
        const char *at = strstr(sim_answered(w, "status-02")->result, away);
        assert_non_null(at);
        if (i) {
            assert_memory_equal(at, since, sizeof away + 15);
        }
        snprintf(since, sizeof since, "%.100s", at);
        scene_pass(w, 1800);
    }
    kernel_anchored(w->kernel, NULL);
    scene_tell(w, "status-03", "status", "{}");
    assert_non_null(strstr(sim_answered(w, "status-03")->result, "\"anchor\":{}"));
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_late_approval_does_not_count),
        cmocka_unit_test(what_waits_for_a_budget_expires_after_a_restart),
        cmocka_unit_test(a_clock_set_back_does_not_keep_a_key_alive),
        cmocka_unit_test(nor_does_a_restart_with_it),
        cmocka_unit_test(a_clock_set_forward_proves_nothing),
        cmocka_unit_test(a_connector_is_told_to_stop_when_it_is_done),
        cmocka_unit_test(a_look_waits_for_the_next_egress),
        cmocka_unit_test(an_anchor_that_cannot_be_reached),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_time", tests, NULL, NULL);
}
