/* Quiet hours: what would go then waits until they end, and is decided again; a person may approve it
 * meanwhile. And hours in which approvals do not age. The world begins on 2023-11-14 at 22:13:20 UTC, a
 * Tuesday. */
#include "scene.h"

#define LETS  "  - { id: lets, on: \"out.*.*\", allow: {} }\n"
#define ASKS  "  - { id: asks, on: \"out.*.write\", ask: {}, approval: { expires: 1h } }\n"
#define NIGHT "quiet:\n  - { on: \"out.*.write\", hours: \"20:00-08:00\" }\n"
#define LATE  "quiet:\n  - { on: \"out.*.write\", hours: \"20:00-09:00\" }\n"
#define PAUSE "quiet:\n  - { approvals: pause, hours: \"20:00-08:00\" }\n"
#define RATE  "rates:\n  - { on: \"out.*.write\", limit: 1, per: 10m }\n"

#define TO_EIGHT (9 * 3600 + 46 * 60 + 40) /* seconds from the beginning */

#define quiet(w, n)                                                                                \
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'waiting' AND reason = 'quiet'", n)
#define states(w, state_, n)                                                                       \
    number_is(w, "SELECT count(*) FROM effect WHERE state = '" state_ "'", n)
#define RECORDED(kind, text)                                                                       \
    "SELECT count(*) FROM journal j LEFT JOIN payload p ON p.digest = j.digest WHERE j.kind "      \
    "= " kind " AND instr(CAST(coalesce(j.body, p.bytes) AS TEXT), '" text "') > 0"

static const sim_op once[] = {WRITE("once")};
static const sim_op reads[] = {
    {"effect", "out.keyed.read",
     "{\"args\":{},\"resource\":\"keyed\",\"use\":\"out\",\"verb\":\"read\"}"}};

static void a_night_is_waited_out(void **state) {
    (void)state;
    for (int restart = 0; restart < 2; restart++) {
        sim_world *w = scene(LETS NIGHT, once, 1);
        scene_do_many(w, "do", 2);
        quiet(w, 2);
        assert_int_equal(w->held_count, 0);
        number_is(w, RECORDED("32", "\"held\":\"quiet from 20:00 to 08:00 (policies/p.yaml:"), 2);
        number_is(w, "SELECT count(*) FROM effect WHERE due_us = 1700035200000000", 2); /* 08:00 */
        scene_pass(w, TO_EIGHT - 30);
        quiet(w, 2);
        if (restart) {
            scene_restart(w);
            quiet(w, 2);
        }
        scene_pass(w, 30);
        quiet(w, 0);
        scene_answer(w, APPLIED);
        scene_answer(w, APPLIED);
        states(w, "done", 2);
        scene_do(w, "later-0001");
        assert_int_equal(w->held_count, 1);
        scene_end(w);
    }
}

static void what_it_is_not_about_goes(void **state) {
    (void)state;
    sim_world *w = scene(LETS NIGHT, reads, 1);
    scene_do(w, "do-000001");
    assert_int_equal(w->held_count, 1);
    scene_end(w);
}

static void approvals_may_be_given_meanwhile(void **state) {
    (void)state;
    for (int restart = 0; restart < 2; restart++) {
        sim_world *w = scene(ASKS NIGHT, once, 1);
        scene_do(w, "do-000001");
        states(w, "waiting", 1);
        sim_approve(w, "approve-1", 1);
        sim_run_out(w);
        assert_int_equal(w->held_count, 0);
        states(w, "retry", 1);
        number_is(w, RECORDED("38", "quiet: quiet from 20:00"), 1);
        scene_pass(w, TO_EIGHT - 30); /* long after its hour */
        if (restart) {
            scene_restart(w);
        }
        states(w, "retry", 1);
        assert_int_equal(w->held_count, 0);
        scene_pass(w, 30);
        assert_int_equal(w->held_count, 1);
        number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 0);
        scene_end(w);
    }
}

/* Nobody answered in the quiet hour: it expired, though it could not have gone. */
static void a_question_expires_all_the_same(void **state) {
    (void)state;
    sim_world *w = scene(ASKS NIGHT, once, 1);
    scene_do(w, "do-000001");
    scene_pass(w, 3600);
    states(w, "expired", 1);
    scene_end(w);
}

static void a_reload_changes_the_hours(void **state) {
    (void)state;
    sim_world *w = scene(LETS NIGHT, once, 1);
    scene_do(w, "do-000001");
    scene_policy(w, LETS LATE);
    scene_tell(w, "reload-01", "reload", "{}");
    quiet(w, 1);
    scene_pass(w, TO_EIGHT);
    quiet(w, 1);
    scene_policy(w, LETS NIGHT);
    scene_tell(w, "reload-02", "reload", "{}");
    quiet(w, 0);
    assert_int_equal(w->held_count, 1);
    scene_end(w);
}

static void behind_the_night_its_rate(void **state) {
    (void)state;
    sim_world *w = scene(LETS NIGHT RATE, once, 1);
    scene_do_many(w, "do", 3);
    quiet(w, 3);
    scene_pass(w, TO_EIGHT);
    quiet(w, 0);
    number_is(w, "SELECT count(*) FROM effect WHERE reason = 'rate'", 2);
    number_is(w, "SELECT run FROM effect WHERE state = 'intended'", 1);
    scene_answer(w, APPLIED);
    scene_pass(w, 600);
    number_is(w, "SELECT run FROM effect WHERE state = 'intended'", 2);
    scene_end(w);
}

static void a_halt_goes_before(void **state) {
    (void)state;
    sim_world *w = scene(LETS NIGHT, once, 1);
    scene_do(w, "do-000001");
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    scene_pass(w, TO_EIGHT + 60);
    quiet(w, 1);
    scene_tell(w, "resume-01", "resume", "{}");
    assert_int_equal(w->held_count, 1);
    scene_end(w);
}

/* A step back of the wall clock makes no night longer, a jump ahead none shorter. */
static void clocks_that_jump(void **state) {
    static const int64_t jumps[] = {3653LL * 86400000000, -86400000000};
    (void)state;
    for (size_t i = 0; i < COUNT(jumps); i++) {
        sim_world *w = scene(LETS NIGHT, once, 1);
        scene_do(w, "do-000001");
        w->wall_ahead = jumps[i];
        scene_pass(w, TO_EIGHT - 30);
        quiet(w, 1);
        scene_pass(w, 30);
        quiet(w, 0);
        scene_end(w);
    }
}

/* A person says that the clock is right: it is another hour now. */
static void a_clock_that_is_believed(void **state) {
    (void)state;
    sim_world *w = scene(LETS NIGHT, once, 1);
    scene_do(w, "do-000001");
    w->wall_ahead = 10 * 3600LL * 1000000;
    scene_pass(w, 1);
    quiet(w, 1);
    scene_tell(w, "clock-001", "resume", "{\"clock\":true}");
    quiet(w, 0);
    assert_int_equal(w->held_count, 1);
    scene_end(w);
}

/* ---- waking hours ---- */

static void a_question_ages_in_waking_hours(void **state) {
    (void)state;
    for (int restart = 0; restart < 2; restart++) {
        sim_world *w = scene(ASKS PAUSE, once, 1);
        scene_do(w, "do-000001");
        number_is(w, "SELECT expires_us FROM item", 1700038800000000); /* 09:00 */
        scene_pass(w, TO_EIGHT + 3570);
        if (restart) {
            scene_restart(w);
        }
        states(w, "waiting", 1);
        scene_pass(w, 30);
        states(w, "expired", 1);
        scene_end(w);
    }
}

static void nobody_is_reminded_at_night(void **state) {
    static const char rules[] =
        "  - { id: asks, on: \"out.*.write\", ask: {},\n"
        "      approval: { expires: 8h, escalate: [{ after: 1h, notify: phone }] } }\n" PAUSE;
    (void)state;
    sim_world *w = scene(rules, once, 1);
    scene_do(w, "do-000001");
    scene_pass(w, TO_EIGHT + 3500);
    number_is(w, "SELECT count(*) FROM journal WHERE kind = 52", 0);
    scene_restart(w);
    scene_pass(w, 200);
    number_is(w, "SELECT count(*) FROM journal WHERE kind = 52", 1);
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_night_is_waited_out),
        cmocka_unit_test(what_it_is_not_about_goes),
        cmocka_unit_test(approvals_may_be_given_meanwhile),
        cmocka_unit_test(a_question_expires_all_the_same),
        cmocka_unit_test(a_reload_changes_the_hours),
        cmocka_unit_test(behind_the_night_its_rate),
        cmocka_unit_test(a_halt_goes_before),
        cmocka_unit_test(clocks_that_jump),
        cmocka_unit_test(a_clock_that_is_believed),
        cmocka_unit_test(a_question_ages_in_waking_hours),
        cmocka_unit_test(nobody_is_reminded_at_night),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_quiet", tests, NULL, NULL);
}
