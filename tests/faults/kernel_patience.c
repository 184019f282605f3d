/* How long and how often: keys that do not outlive their windows whatever they waited for, attempts and
 * waits as policy has them, and times that the other side asks for. */
#include "resting.h"

static const sim_op once[] = {WRITE("once")};
static const sim_op keyed[] = {WRITE("keyed")};
static const sim_op repeatable[] = {WRITE("repeatable")};

/* ---- keys ---- */

/* Its answer was lost, and the key is not sent again when its window has passed, whatever it waited
 * for. */
typedef enum wait_for {
    FOR_BREAKER,
    FOR_HALT,
    FOR_QUEUE,
    FOR_RESTART,
    FOR_SUSPEND,
    WAITS
} wait_for;

static void key_waits(wait_for what, int64_t seconds, const char *verb) {
    sim_world *w = scene(what == FOR_BREAKER ? ALLOW DAY : ALLOW SLOWLY, keyed, 1);
    scene_do(w, "do-000001");
    if (what == FOR_QUEUE) {
        scene_do(w, "do-000002"); /* takes the executor when the first is lost */
    }
    if (what == FOR_HALT) {
        sim_command(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    }
    sim_answer_held(w, UNKNOWN);
    if (what == FOR_SUSPEND) { /* as far as the record, and the clock stands a day later */
        for (int i = 0; i < 100 && sim_number(w, "SELECT count(*) FROM effect WHERE"
                                                 " state = 'retry'") != 1;
             i++) {
            kernel_turn(w->kernel);
            sim_step(w);
        }
    } else {
        sim_run_out(w);
    }
    if (what == FOR_RESTART) {
        sim_end(w);
        w->clock += seconds * 1000000;
        assert_true(sim_start(w));
        sim_run_out(w);
    } else if (what == FOR_QUEUE) {
        number_is(w, "SELECT attempts FROM effect WHERE run = 1 AND state = 'intended'", 2);
        w->clock += seconds * 1000000;
        scene_answer(w, APPLIED); /* before its deadline is seen to have passed */
    } else {
        scene_pass(w, seconds);
    }
    if (what == FOR_HALT) {
        assert_int_equal(w->held_count, 0);
        scene_tell(w, "resume-01", "resume", "{}");
    }
    if (w->held_count != 1 || strcmp(w->held[0].verb, verb) != 0) {
        fail_msg("%d after %d s: %d %s", what, (int)seconds, (int)w->held_count, w->held[0].verb);
    }
    scene_answer(w, !strcmp(verb, "write") ? APPLIED : PRESENT);
    number_is(w, "SELECT count(*) FROM effect WHERE run = 1 AND state = 'done'", 1);
    scene_end(w);
}

static void no_key_outlives_its_window(void **state) {
    (void)state;
    for (wait_for what = FOR_BREAKER; what < WAITS; what++) {
        key_waits(what, what == FOR_BREAKER ? 86400 : 70000, "reconcile"); /* 0.8 of 24 h: 69120 */
        if (what != FOR_BREAKER) {
            key_waits(what, 69000, "write");
        }
    }
}

/* Whatever it waits for: once sent and lost, never sent again. */
static void once_is_never_sent_twice(void **state) {
    (void)state;
    sim_world *w = opened(ALLOW ONE, once);
    for (int i = 0; i < 3; i++) {
        scene_pass(w, 30);
        scene_restart(w);
        assert_int_equal(w->held_count, 0);
    }
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    scene_tell(w, "retry-001", "connection.retry", "{\"connection\":\"out\"}");
    scene_tell(w, "resume-01", "resume", "{}");
    scene_tell(w, "reload-01", "reload", "{}");
    assert_int_equal(w->held_count, 0);
    states(w, "unknown", 1);
    number_is(w, "SELECT attempts FROM effect", 1);
    scene_end(w);
}

/* ---- applied later than its connector said ---- */

#define CONFLICT "{\"code\":\"conflict\",\"message\":\"there is one already\"}"

static const sim_op checkable[] = {WRITE("checkable")};

/* Lost, and looked for no sooner than its settle time (5 s) is over; then proved absent and sent again. */
static sim_world *sent_again(void) {
    sim_world *w = scene(ALLOW, checkable, 1);
    scene_do(w, "do-000001");
    int64_t lost = w->clock;
    scene_answer(w, UNKNOWN);
    assert_int_equal(w->held_count, 1);
    assert_string_equal(w->held[0].verb, "reconcile");
    assert_true(w->clock - lost >= 5000000);
    scene_answer(w, ABSENT);
    assert_int_equal(w->held_count, 1);
    assert_string_equal(w->held[0].verb, "write");
    number_is(w, "SELECT attempts FROM effect", 2);
    return w;
}

/* The first attempt came through after all, and stands in the way of the second. */
static void a_late_one_is_found_and_told(void **state) {
    (void)state;
    sim_world *w = sent_again();
    scene_answer(w, CONFLICT);
    states(w, "reconciling", 1);
    assert_string_equal(w->held[0].verb, "reconcile");
    scene_answer(w, PRESENT);
    states(w, "done", 1);
    number_is(w, "SELECT attempts FROM effect", 2);
    number_is(w,
              "SELECT count(*) FROM item WHERE state = 'open' AND kind = 'stuck' AND path = '1'"
              " AND reason LIKE 'out.checkable.write was proved absent%'",
              1);
    scene_restart(w);
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open' AND kind = 'stuck'", 1);
    scene_end(w);
}

/* The same when Keel was stopped between the look and the second attempt. */
static void a_late_one_is_found_after_a_restart(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, checkable, 1);
    scene_do(w, "do-000001");
    scene_answer(w, UNKNOWN);
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    scene_answer(w, ABSENT);
    states(w, "retry", 1);
    scene_restart(w);
    scene_tell(w, "resume-01", "resume", "{}");
    assert_string_equal(w->held[0].verb, "write");
    scene_answer(w, CONFLICT);
    states(w, "reconciling", 1);
    scene_answer(w, PRESENT);
    states(w, "done", 1);
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open' AND kind = 'stuck'", 1);
    scene_end(w);
}

/* Another's stands there: it is looked for once, and then it is not done. */
static void what_is_anothers_is_not_done(void **state) {
    (void)state;
    sim_world *w = sent_again();
    scene_answer(w, CONFLICT);
    scene_answer(w, ABSENT);
    assert_string_equal(w->held[0].verb, "write");
    scene_answer(w, CONFLICT);
    assert_int_equal(w->held_count, 0);
    states(w, "not_done", 1);
    number_is(w, "SELECT attempts FROM effect", 3);
    number_is(w, "SELECT count(*) FROM item WHERE reason LIKE '%proved absent%'", 0);
    scene_end(w);
}

/* ---- what egress saw ---- */

/* policy's cap for out is two minutes where nothing is said, else `cap` */
static const struct {
    const char *rules;
    int status;
    int64_t after_s, rests_s; /* 0: not at all */
} seen[] = {
    {ALLOW, 401, 0, 60},
    {ALLOW, 402, 0, 60},
    {ALLOW, 403, 0, 60},
    {ALLOW, 429, 7, 7},
    {ALLOW, 503, 7, 7},
    {ALLOW, 503, 1000000000, 120},
    {ALLOW "retries:\n  - { on: \"out.*\", cap: 90m }\n", 429, 1000000000, 5400},
    {ALLOW "retries:\n  - { on: out.once.write, cap: 3s }\n", 429, 60, 3},
    {ALLOW "retries:\n  - { on: out.keyed.write, cap: 3s }\n", 429, 60, 60},
    {ALLOW FOUR, 401, 0, 30},
    {ALLOW, 429, 0, 0},
    {ALLOW, 500, 0, 0},
};

static void egress_is_believed(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) {
        sim_world *w = scene_network(seen[i].rules, once, 1);
        w->hold = true;
        scene_do(w, "do-000001");
        assert_int_equal(w->held_count, 1);
        sim_egress_request(w, w->held[0].ref, true);
        sim_egress_status(w, w->held[0].ref, 1, seen[i].status, seen[i].after_s);
        sim_answer_held(w, "{\"code\":\"invalid\",\"message\":\"whatever it says\"}");
        w->horizon = 1;
        sim_run_out(w);
        int64_t rests = sim_number(w, "SELECT until_us - since_us FROM breaker");
        if (rests != (seen[i].rests_s ? seen[i].rests_s * 1000000 : -1)) {
            fail_msg("%d, %lld s: rests for %lld us", seen[i].status, (long long)seen[i].after_s,
                     (long long)rests);
        }
        scene_do(w, "do-000002");
        waiting(w, seen[i].rests_s != 0);
        scene_end(w);
    }
}

/* A connector that never stops asking for more time is tried as often as policy says. */
static void time_asked_for_is_no_way_round_the_attempts(void **state) {
    (void)state;
    sim_world *w = scene_network(
        ALLOW "retries:\n  - { on: \"out.*\", max: 3, first: 10ms, cap: 10s }\n", repeatable, 1);
    w->hold = true;
    scene_do(w, "do-000001");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(w->held_count, 1);
        sim_egress_request(w, w->held[0].ref, true);
        sim_egress_status(w, w->held[0].ref, 1, 429, 1000000000);
        scene_answer(w, BUSY);
    }
    assert_int_equal(w->held_count, 0);
    states(w, "not_done", 1);
    number_is(w, "SELECT attempts FROM effect", 3);
    scene_end(w);
}

static void retries_are_policys(void **state) {
    static const struct {
        const char *rules;
        int attempts;
    } limits[] = {{ALLOW, 5},
                  {ALLOW "retries:\n  - { on: \"*.*.write\", max: 2 }\n", 2},
                  {ALLOW "retries:\n  - { on: \"*.*.write\", max: 1 }\n", 1},
                  {ALLOW "retries:\n  - { on: \"*\", max: 1 }\n"
                         "  - { on: out.repeatable.write, max: 9, cap: 1s }\n",
                   9}};
    (void)state;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        sim_world *w = scene(limits[i].rules, repeatable, 1);
        scene_do(w, "do-000001");
        for (int n = 0; n < 20 && w->held_count; n++) {
            scene_answer(w, BUSY);
        }
        number_is(w, "SELECT attempts FROM effect", limits[i].attempts);
        states(w, "not_done", 1);
        scene_end(w);
    }
}

/* What waited behind another is given back whenever the connection rests: none of that was an attempt,
 * whoever remembers it. */
static void what_was_not_sent_is_no_attempt(void **state) {
    static const sim_op sends[] = {WRITE("once"), WRITE("once"), WRITE("once"), WRITE("once")};
    static const char rules[] =
        ALLOW ONE "retries:\n  - { on: \"out.*\", max: 2, first: 10ms, cap: 10ms }\n";
    for (int restarted = 0; restarted < 2; restarted++) {
        (void)state;
        sim_world *w = scene(rules, sends, COUNT(sends));
        scene_helper(w, repeatable, 1, NULL);
        scene_do(w, "do-000001");
        scene_tell(w, "do-000002", "do", "{\"agent\":\"helper\",\"input\":{}}");
        for (int i = 1; i <= (int)COUNT(sends); i++) {
            char request[16], args[64];
            snprintf(request, sizeof request, "again-%03d", i);
            if (i > 1) {
                scene_tell(w, request, "connection.retry", "{\"connection\":\"out\"}");
            }
            assert_string_equal(w->held[0].resource, "once");
            scene_answer(w, UNKNOWN);
            resting(w, "open");
            number_is(w, "SELECT attempts FROM effect WHERE run = 2 AND state = 'retry'", i);
            if (restarted) {
                scene_restart(w);
            }
            snprintf(request, sizeof request, "seen-%04d", i);
            snprintf(args, sizeof args, "{\"number\":%d,\"verdict\":\"done\",\"why\":\"seen\"}", i);
            scene_tell(w, request, "verdict", args);
        }
        scene_tell(w, "again-end", "connection.retry", "{\"connection\":\"out\"}");
        for (int i = 0; i < 2; i++) {
            assert_string_equal(w->held[0].resource, "repeatable");
            scene_answer(w, BUSY);
            scene_pass(w, 30);
        }
        assert_int_equal(w->held_count, 0);
        number_is(w, "SELECT count(*) FROM effect WHERE run = 2 AND state = 'not_done'", 1);
        number_is(w, "SELECT attempts - parked FROM effect WHERE run = 2", 2);
        scene_end(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_key_outlives_its_window),
        cmocka_unit_test(once_is_never_sent_twice),
        cmocka_unit_test(a_late_one_is_found_and_told),
        cmocka_unit_test(a_late_one_is_found_after_a_restart),
        cmocka_unit_test(what_is_anothers_is_not_done),
        cmocka_unit_test(egress_is_believed),
        cmocka_unit_test(time_asked_for_is_no_way_round_the_attempts),
        cmocka_unit_test(retries_are_policys),
        cmocka_unit_test(what_was_not_sent_is_no_attempt),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_patience", tests, NULL, NULL);
}
