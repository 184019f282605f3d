/* Rates beside a person's consent, a connection that rests, a rollback, and a crowd. */
#include "ratescene.h"

static const sim_op once[] = {WRITE("once")};

static void a_consent_stands_as_long_as_it_waits(void **state) {
    (void)state;
    for (int restart = 0; restart < 2; restart++) {
        sim_world *w = scene(ASKS ONE CALLS, once, 1);
        scene_do_many(w, "do", 2);
        sim_approve(w, "approve-1", 1);
        sim_run_out(w);
        scene_answer(w, APPLIED);
        sim_approve(w, "approve-2", 2);
        sim_run_out(w);
        assert_int_equal(w->held_count, 0);
        states(w, "retry", 1);
        number_is(w, "SELECT held FROM budget", 0);
        number_is(w, RECORDED("38", "\"paced\":true"), 1);
        number_is(w, RECORDED("38", "rate: 1 in 10m"), 1);
        if (restart) {
            scene_restart(w);
        }
        scene_pass(w, 570); /* the question expired long ago */
        states(w, "retry", 1);
        scene_pass(w, 30);
        assert_int_equal(w->held_count, 1);
        number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 0);
        scene_answer(w, APPLIED);
        states(w, "done", 2);
        scene_end(w);
    }
}

/* Policy asks another question meanwhile: the consent was not for that. */
static void a_consent_is_for_what_was_asked(void **state) {
    (void)state;
    sim_world *w = scene(ASKS ONE, once, 1);
    scene_do_many(w, "do", 2);
    for (int i = 1; i <= 2; i++) {
        char request[16];
        snprintf(request, sizeof request, "approve-%d", i);
        sim_approve(w, request, i);
        sim_run_out(w);
    }
    scene_answer(w, APPLIED);
    scene_policy(w, "  - { id: other, on: \"out.*.write\", ask: {} }\n" ONE);
    scene_tell(w, "reload-01", "reload", "{}");
    states(w, "waiting", 1);
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 1);
    scene_end(w);
}

static void what_waits_is_asked_for_when_policy_says_so(void **state) {
    (void)state;
    sim_world *w = flooded(LETS ONE, once, 1, 1);
    scene_policy(w, ASKS ONE);
    scene_tell(w, "reload-01", "reload", "{}");
    rated(w, 0);
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 1);
    scene_end(w);
}

static void a_connection_that_rests_and_a_rate(void **state) {
    (void)state;
    static const char rules[] = LETS "breakers:\n  - { on: out, open_at: 1%, of: 4, for: 30s }\n"
                                     "rates:\n  - { on: \"out.*.write\", limit: 3, per: 10m }\n";
    sim_world *w = scene(rules, once, 1);
    scene_do(w, "do-000000");
    scene_answer(w, UNKNOWN); /* it rests */
    scene_do_many(w, "later", 4);
    number_is(w, "SELECT count(*) FROM effect WHERE reason = 'breaker'", 4);
    scene_pass(w, 30);
    scene_answer(w, APPLIED);
    rated(w, 2); /* of three in ten minutes one is unknown, one done, one out */
    number_is(w, "SELECT count(*) FROM effect WHERE reason = 'breaker'", 0);
    scene_answer(w, APPLIED);
    scene_pass(w, 600);
    scene_answer(w, APPLIED);
    scene_answer(w, APPLIED);
    states(w, "done", 4);
    scene_end(w);
}

/* A rollback goes by the rates that are about what takes back. */
static void what_takes_back_has_its_pace(void **state) {
    (void)state;
    sim_world *w =
        scene(LETS "rates:\n  - { on: \"*.*.compensate\", limit: 1, per: 10m }\n", once, 1);
    scene_do_many(w, "do", 2);
    scene_answer(w, APPLIED);
    scene_answer(w, APPLIED);
    sim_rollback(w, "rollback-1", 1);
    sim_run_out(w);
    scene_answer(w, APPLIED);
    states(w, "compensated", 1);
    sim_rollback(w, "rollback-2", 2);
    sim_run_out(w);
    rated(w, 1);
    scene_restart(w);
    rated(w, 1);
    scene_pass(w, 600);
    scene_answer(w, APPLIED);
    states(w, "compensated", 2);
    scene_end(w);
}

/* Many are decided again at once: in several turns, and none is forgotten. */
static void hundreds_wait(void **state) {
    static const sim_op spawns[] = {SPAWN_HELPER, SPAWN_HELPER, SPAWN_HELPER, SPAWN_HELPER,
                                    SPAWN_HELPER, SPAWN_HELPER, SPAWN_HELPER, SPAWN_HELPER,
                                    SPAWN_HELPER, SPAWN_HELPER, SPAWN_HELPER, SPAWN_HELPER};
    static const char children[] = "  - { id: children, on: run.spawn, allow: {} }\n";
    (void)state;
    char rules[512];
    snprintf(rules, sizeof rules, "%s%s", children, LETS ONE);
    sim_world *w = scene(rules, spawns, COUNT(spawns));
    scene_helper(w, once, COUNT(once), NULL);
    scene_do_many(w, "do", 40);
    rated(w, 479);
    snprintf(rules, sizeof rules, "%s%s", children,
             "  - { id: no, on: \"out.once.*\", deny: {} }\n");
    scene_policy(w, rules);
    scene_tell(w, "reload-01", "reload", "{}");
    states(w, "denied", 479);
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_consent_stands_as_long_as_it_waits),
        cmocka_unit_test(a_consent_is_for_what_was_asked),
        cmocka_unit_test(what_waits_is_asked_for_when_policy_says_so),
        cmocka_unit_test(a_connection_that_rests_and_a_rate),
        cmocka_unit_test(what_takes_back_has_its_pace),
        cmocka_unit_test(hundreds_wait),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_rates_beside", tests, NULL, NULL);
}
