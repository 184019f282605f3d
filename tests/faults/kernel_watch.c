/* Unknown outcomes that a person lets Keel look for, and reminders of what nobody decides. */
#include "scene.h"

#define ASK                                                                                        \
    "  - { id: asks, on: \"out.*.write\", ask: {}, approval: { expires: 9h, escalate: ["           \
    " { after: 2h, notify: phone }, { after: 4h } ] } }\n"
#define ALLOW      "  - { id: lets, on: \"out.*.write\", allow: {} }\n"
#define SPAWNS     "  - { id: spawns, on: run.spawn, allow: {} }\n"
#define MINUTE     60000000LL
#define HOUR       (60 * MINUTE)
#define CANNOT     "{\"result\":{\"state\":\"cannot_tell\"}}"
#define FOUND      "{\"result\":{\"ref\":{\"id\":9},\"state\":\"applied\"}}"
#define CHECK_1    "{\"number\":1}"
#define told(w, n) number_is(w, "SELECT count(*) FROM journal WHERE kind = 52", n)

static const sim_op once[] = {WRITE("once")};
static const sim_op checkable[] = {WRITE("checkable")};

/* Item 1: it was looked for, and the other side could not tell. */
static sim_world *nobody_knows(void) {
    sim_world *w = scene(ALLOW, checkable, COUNT(checkable));
    scene_do(w, "do-000001");
    scene_answer(w, UNKNOWN);
    scene_answer(w, CANNOT);
    number_is(w, "SELECT number FROM item WHERE kind = 'unknown' AND state = 'open'", 1);
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'unknown' AND reason = 'operator'", 1);
    return w;
}

/* ---- unknown ---- */

static void a_person_lets_it_be_looked_for(void **state) {
    (void)state;
    sim_world *w = nobody_knows();
    scene_restart(w);
    scene_tell(w, "check-001", "unknown.check", CHECK_1);
    assert_non_null(sim_answered(w, "check-001"));
    assert_string_equal(w->held[0].verb, "reconcile");
    scene_tell(w, "check-002", "unknown.check", CHECK_1);
    assert_null(sim_answered(w, "check-002")); /* it is looking */
    scene_answer(w, CANNOT);
    number_is(w, "SELECT count(*) FROM item WHERE number = 1 AND state = 'open'", 1);
    scene_tell(w, "check-003", "unknown.check", CHECK_1);
    scene_answer(w, FOUND);
    state_is(w, "done");
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 0);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    scene_end(w);
}

/* The look was lost with the connector: Keel goes on looking, also after a restart. */
static void a_look_on_a_persons_word_survives_a_restart(void **state) {
    (void)state;
    sim_world *w = nobody_knows();
    scene_tell(w, "check-001", "unknown.check", CHECK_1);
    scene_restart(w);
    assert_string_equal(w->held[0].verb, "reconcile");
    sim_answer_held(w, "{\"code\":\"retry\",\"message\":\"busy\"}");
    w->horizon = 1;
    sim_run_out(w);
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'unknown' AND reason = 'keel'", 1);
    w->horizon = 20000000;
    scene_restart(w);
    scene_answer(w, FOUND);
    state_is(w, "done");
    scene_end(w);
}

/* Proved absent, it is sent again; its number is closed, and a new doubt is a new number. */
static void each_doubt_has_a_number_of_its_own(void **state) {
    (void)state;
    sim_world *w = nobody_knows();
    scene_tell(w, "check-001", "unknown.check", CHECK_1);
    scene_answer(w, ABSENT);
    assert_string_equal(w->held[0].verb, "write");
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 0);
    scene_answer(w, UNKNOWN);
    scene_answer(w, CANNOT);
    number_is(w, "SELECT number FROM item WHERE state = 'open'", 2);
    scene_tell(w, "verdict-1", "verdict", "{\"number\":2,\"verdict\":\"done\",\"why\":\"saw\"}");
    state_is(w, "done");
    scene_end(w);
}

static void what_keel_looks_for_is_found_by_its_place(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, checkable, COUNT(checkable));
    scene_do(w, "do-000001");
    w->horizon = 1;
    scene_answer(w, UNKNOWN); /* it may still arrive: Keel looks in five seconds */
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'unknown' AND due_us > 0", 1);
    scene_tell(w, "check-001", "unknown.check", "{\"path\":\"1\",\"run\":1}");
    assert_string_equal(w->held[0].verb, "reconcile");
    scene_answer(w, ABSENT); /* too early for that to be proof */
    assert_int_equal(w->held_count, 0);
    w->horizon = 20000000;
    sim_run_out(w);
    scene_answer(w, FOUND);
    state_is(w, "done");
    scene_end(w);
}

static void who_cannot_look_says_so(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, once, COUNT(once));
    scene_do(w, "do-000001");
    scene_answer(w, UNKNOWN);
    scene_tell(w, "check-001", "unknown.check", CHECK_1);
    assert_null(sim_answered(w, "check-001"));
    scene_tell(w, "check-002", "unknown.check", "{\"number\":7}");
    assert_null(sim_answered(w, "check-002"));
    assert_int_equal(w->held_count, 0);
    scene_end(w);
    w = nobody_knows();
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    scene_tell(w, "check-001", "unknown.check", CHECK_1);
    assert_null(sim_answered(w, "check-001"));
    assert_int_equal(w->held_count, 0);
    scene_end(w);
}

/* ---- reminders ---- */

/* Time passes; nothing else happens. */
static void wait_for(sim_world *w, int64_t us) {
    w->clock += us;
    w->horizon = 1;
    kernel_tick(w->kernel);
    sim_run_out(w);
    w->horizon = 20000000;
}

static void an_approval_is_told_of_by_its_rule(void **state) {
    (void)state;
    sim_world *w = scene(ASK, once, COUNT(once));
    scene_do(w, "do-000001");
    wait_for(w, HOUR);
    told(w, 0);
    wait_for(w, HOUR + MINUTE);
    told(w, 1);
    number_is(w,
              "SELECT count(*) FROM journal WHERE kind = 52 AND CAST(body AS TEXT) ="
              " '{\"number\":1,\"step\":1,\"to\":\"phone\"}'",
              1);
    number_is(w, "SELECT escalated FROM item WHERE number = 1", 1);
    scene_restart(w);
    told(w, 1);
    wait_for(w, 2 * HOUR);
    told(w, 2);
    wait_for(w, 3 * HOUR);
    scene_restart(w);
    told(w, 2);
    scene_end(w);
}

/* While Keel was down: each step is told once, in order. */
static void what_was_missed_is_made_up_for(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, once, COUNT(once));
    scene_do(w, "do-000001");
    scene_answer(w, UNKNOWN);
    sim_end(w);
    w->clock += 30 * HOUR;
    assert_true(sim_start(w));
    sim_run_out(w);
    told(w, 3);
    number_is(w, "SELECT escalated FROM item WHERE number = 1", 3);
    scene_restart(w);
    wait_for(w, 99 * HOUR);
    told(w, 3);
    scene_end(w);
}

static void what_is_decided_is_not_told_of(void **state) {
    (void)state;
    sim_world *w = scene(ASK, once, COUNT(once));
    scene_do(w, "do-000001");
    scene_do(w, "do-000002");
    scene_tell(w, "deny-0001", "deny", "{\"items\":[1],\"why\":\"no\"}");
    wait_for(w, 3 * HOUR);
    told(w, 1);
    number_is(w, "SELECT escalated FROM item WHERE number = 2", 1);
    scene_end(w);
}

/* Another rule by that name, other steps: they count for what waits already. */
static void a_reload_plans_anew(void **state) {
    (void)state;
    sim_world *w = scene("  - { id: asks, on: \"out.*.write\", ask: {} }\n", once, COUNT(once));
    scene_do(w, "do-000001");
    wait_for(w, 3 * HOUR);
    told(w, 0);
    scene_policy(w, ASK);
    scene_tell(w, "reload-01", "reload", "{}");
    wait_for(w, MINUTE);
    told(w, 1);
    scene_end(w);
}

/* Items that came seconds apart are told of in few turns, by one timer. */
static void many_are_told_of_together(void **state) {
    sim_op spawns[50];
    (void)state;
    for (size_t i = 0; i < COUNT(spawns); i++) {
        spawns[i] = (sim_op)SPAWN_HELPER;
    }
    sim_world *w = scene(SPAWNS ASK, spawns, COUNT(spawns));
    scene_helper(w, once, COUNT(once), NULL);
    for (int i = 0; i < 6; i++) {
        char request[16];
        snprintf(request, sizeof request, "do-00000%d", i);
        scene_do(w, request);
        w->clock += 2000000;
    }
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 300);
    wait_for(w, HOUR);
    w->horizon = HOUR + 5 * MINUTE; /* each timer goes off at its own time */
    sim_run_out(w);
    assert_string_equal(w->fault, "");
    told(w, 300);
    assert_true(sim_number(w, "SELECT count(DISTINCT at) FROM journal WHERE kind = 52") <= 3);
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_person_lets_it_be_looked_for),
        cmocka_unit_test(a_look_on_a_persons_word_survives_a_restart),
        cmocka_unit_test(each_doubt_has_a_number_of_its_own),
        cmocka_unit_test(what_keel_looks_for_is_found_by_its_place),
        cmocka_unit_test(who_cannot_look_says_so),
        cmocka_unit_test(an_approval_is_told_of_by_its_rule),
        cmocka_unit_test(what_was_missed_is_made_up_for),
        cmocka_unit_test(what_is_decided_is_not_told_of),
        cmocka_unit_test(a_reload_plans_anew),
        cmocka_unit_test(many_are_told_of_together),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_watch", tests, NULL, NULL);
}
