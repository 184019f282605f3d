/* What policy's rates let go: the rest waits, and goes in its turn when there is room. All under a virtual
 * clock. */
#include "ratescene.h"

static const sim_op once[] = {WRITE("once")};
static const sim_op keyed[] = {WRITE("keyed")};
static const sim_op two[] = {TO("once", "a.example"), TO("once", "b.example")};

static void what_is_over_waits_its_time(void **state) {
    (void)state;
    sim_world *w = flooded(LETS TWO CALLS, once, 2, 3);
    number_is(w, "SELECT held FROM budget", 0);
    number_is(w, RECORDED("32", "\"held\":\"2 in 10m (policies/p.yaml:"), 3);
    /* when it goes: two at ten minutes, the third behind them */
    number_is(w, "SELECT (max(due_us) - min(due_us)) / 1000000 FROM effect WHERE reason = 'rate'",
              600);
    scene_pass(w, 570);
    assert_int_equal(w->held_count, 0);
    scene_pass(w, 30);
    run_is_out(w, 3); /* one at a time at this connector: the oldest */
    scene_answer(w, APPLIED);
    run_is_out(w, 4);
    scene_answer(w, APPLIED);
    rated(w, 1);
    scene_pass(w, 570);
    rated(w, 1);
    scene_pass(w, 30);
    run_is_out(w, 5);
    scene_answer(w, APPLIED);
    states(w, "done", 5);
    scene_end(w);
}

static void a_value_does_not_wait_for_another(void **state) {
    (void)state;
    sim_world *w = scene(LETS EACH, two, COUNT(two));
    scene_do(w, "do-000001"); /* to a; then its answer lets it go on to b */
    scene_answer(w, APPLIED);
    scene_answer(w, APPLIED);
    states(w, "done", 2);
    scene_do(w, "do-000002");
    rated(w, 1);
    number_is(w, RECORDED("32", "for each to (policies/p.yaml:"), 1);
    number_is(w, RECORDED("32", "; to is "), 1);
    scene_pass(w, 600);
    scene_answer(w, APPLIED);
    scene_answer(w, APPLIED); /* b is free by now too */
    states(w, "done", 4);
    scene_end(w);
}

/* boss floods; helper comes last, and has the second turn. */
static void nobody_waits_behind_anothers_flood(void **state) {
    static const sim_op helps[] = {WRITE("once")};
    (void)state;
    sim_world *w = flooded(LETS ONE, once, 1, 4);
    scene_helper(w, helps, COUNT(helps), NULL);
    scene_tell(w, "do-helper", "do", "{\"agent\":\"helper\",\"input\":{}}");
    rated(w, 5);
    static const int turns[] = {2, 6, 3, 4, 5};
    for (size_t i = 0; i < COUNT(turns); i++) {
        scene_pass(w, 600);
        run_is_out(w, turns[i]);
        scene_answer(w, APPLIED);
    }
    states(w, "done", 6);
    scene_end(w);
}

/* There is room when it comes, but not for it. */
static void who_comes_later_goes_later(void **state) {
    (void)state;
    sim_world *w = flooded(LETS TWO, once, 2, 1);
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    scene_pass(w, 600);
    scene_tell(w, "resume-01", "resume", "{}");
    run_is_out(w, 3);
    scene_answer(w, APPLIED);
    scene_end(w);
}

static void a_restart_forgets_nothing(void **state) {
    (void)state;
    sim_world *w = flooded(LETS TWO, once, 2, 2);
    scene_restart(w);
    rated(w, 2);
    assert_int_equal(w->held_count, 0);
    scene_do(w, "later-0001");
    rated(w, 3);
    scene_pass(w, 570);
    scene_restart(w);
    rated(w, 3);
    scene_pass(w, 30);
    run_is_out(w, 3);
    scene_restart(w); /* killed on its way: it may have been applied, so it counts */
    states(w, "unknown", 2);
    rated(w, 1);
    scene_pass(w, 570);
    rated(w, 1);
    scene_pass(w, 30);
    rated(w, 0);
    assert_int_equal(w->held_count, 1);
    scene_end(w);
}

/* The connector refuses each: the other side has seen them, so they count; also after a restart. */
static void what_was_refused_counts(void **state) {
    (void)state;
    for (int restart = 0; restart < 2; restart++) {
        sim_world *w = scene(LETS TWO, once, 1);
        scene_do_many(w, "do", 3);
        scene_answer(w, REFUSED);
        scene_answer(w, REFUSED);
        states(w, "not_done", 2);
        if (restart) {
            scene_restart(w);
        }
        scene_do(w, "later-0001");
        rated(w, 2);
        scene_end(w);
    }
}

/* Queued, and given back unsent by a halt: it is none of two. */
static void what_was_never_sent_does_not_count(void **state) {
    (void)state;
    sim_world *w = scene(LETS TWO, once, 1);
    scene_do_many(w, "do", 3); /* one is out, one queued, one waits */
    rated(w, 1);
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    states(w, "retry", 1);
    scene_tell(w, "cancel-02", "run.cancel", "{\"run\":2}");
    scene_restart(w);
    scene_tell(w, "resume-01", "resume", "{}");
    rated(w, 0);
    run_is_out(w, 3);
    scene_end(w);
}

/* Its answer is lost: tried again at once, and as no second effect. */
static void tried_again_it_counts_once(void **state) {
    (void)state;
    sim_world *w =
        scene(LETS TWO "retries:\n  - { on: \"out.*\", first: 10ms, cap: 10ms }\n", keyed, 1);
    scene_do(w, "do-000001");
    scene_answer(w, UNKNOWN);
    scene_answer(w, UNKNOWN);
    scene_answer(w, APPLIED);
    states(w, "done", 1);
    scene_do(w, "do-000002");
    assert_int_equal(w->held_count, 1);
    scene_answer(w, APPLIED);
    scene_do(w, "do-000003");
    rated(w, 1);
    scene_end(w);
}

static void a_cancelled_one_leaves_the_line(void **state) {
    (void)state;
    sim_world *w = flooded(LETS ONE, once, 1, 3);
    scene_tell(w, "cancel-02", "run.cancel", "{\"run\":2}");
    rated(w, 2);
    scene_pass(w, 600);
    run_is_out(w, 3);
    scene_tell(w, "cancel-04", "run.cancel", "{\"run\":4}");
    rated(w, 0);
    scene_answer(w, APPLIED);
    scene_pass(w, 1200);
    assert_int_equal(w->held_count, 0);
    scene_end(w);
}

/* ---- what changes meanwhile ---- */

static void a_reload_lets_more_go_the_oldest_first(void **state) {
    (void)state;
    sim_world *w = flooded(LETS TWO, once, 2, 4);
    scene_policy(w, LETS FOUR);
    scene_tell(w, "reload-01", "reload", "{}");
    rated(w, 2);
    run_is_out(w, 3); /* and 4 is queued behind it */
    scene_answer(w, APPLIED);
    run_is_out(w, 4);
    scene_answer(w, APPLIED);
    scene_policy(w, LETS);
    scene_tell(w, "reload-02", "reload", "{}");
    rated(w, 0);
    scene_answer(w, APPLIED);
    scene_answer(w, APPLIED);
    states(w, "done", 6);
    scene_policy(w, LETS ONE); /* a new rate knows what was sent before it */
    scene_tell(w, "reload-03", "reload", "{}");
    scene_do(w, "later-0001");
    rated(w, 1);
    scene_end(w);
}

/* What may not go any more is denied in its turn, and takes nobody's room. */
static void it_is_decided_again(void **state) {
    (void)state;
    sim_world *w = flooded(LETS TWO, once, 2, 2);
    scene_policy(w, LETS "  - { id: no, on: \"out.once.*\", deny: {} }\n" TWO);
    scene_tell(w, "reload-01", "reload", "{}");
    states(w, "denied", 2);
    rated(w, 0);
    scene_pass(w, 1200);
    assert_int_equal(w->held_count, 0);
    scene_end(w);
}

static void a_halt_holds_it(void **state) {
    (void)state;
    sim_world *w = flooded(LETS TWO, once, 2, 1);
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    scene_pass(w, 1200);
    rated(w, 1);
    scene_restart(w);
    scene_pass(w, 60);
    rated(w, 1);
    scene_tell(w, "resume-01", "resume", "{}");
    rated(w, 0);
    assert_int_equal(w->held_count, 1);
    scene_end(w);
}

/* The wall clock is ten years ahead, or a day behind: the time that has gone by counts. */
static void clocks_that_jump_let_nothing_go(void **state) {
    static const int64_t jumps[] = {3653LL * 86400000000, -86400000000};
    (void)state;
    for (size_t i = 0; i < COUNT(jumps); i++) {
        sim_world *w = flooded(LETS TWO, once, 2, 1);
        w->wall_ahead = jumps[i];
        scene_pass(w, 570);
        rated(w, 1);
        scene_pass(w, 30);
        rated(w, 0);
        assert_int_equal(w->held_count, 1);
        scene_end(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_over_waits_its_time),
        cmocka_unit_test(a_value_does_not_wait_for_another),
        cmocka_unit_test(nobody_waits_behind_anothers_flood),
        cmocka_unit_test(who_comes_later_goes_later),
        cmocka_unit_test(a_restart_forgets_nothing),
        cmocka_unit_test(what_was_refused_counts),
        cmocka_unit_test(what_was_never_sent_does_not_count),
        cmocka_unit_test(tried_again_it_counts_once),
        cmocka_unit_test(a_cancelled_one_leaves_the_line),
        cmocka_unit_test(a_reload_lets_more_go_the_oldest_first),
        cmocka_unit_test(it_is_decided_again),
        cmocka_unit_test(a_halt_holds_it),
        cmocka_unit_test(clocks_that_jump_let_nothing_go),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_rates", tests, NULL, NULL);
}
