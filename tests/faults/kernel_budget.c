/* What budgets let through, hold up, ask for, stop and tell of; at each step also over a restart. */
#include "budgetscene.h"

static const sim_op thrice[] = {WRITE("once"), WRITE("once"), WRITE("once")};

static int notices; /* lines of the log that tell of a soft limit */
static int loud;    /* error lines */

static void on_log(sim_world *w, const char *level, uint64_t run, const char *text) {
    (void)w;
    (void)run;
    notices += strstr(text, "has reached") != NULL;
    loud += !strcmp(level, "error");
}

static bool comes_up(sim_world *w, uint32_t number) {
    (void)w;
    (void)number;
    return true;
}

static void hear(sim_world *w, uint32_t number, const char *connector, const frame *f) {
    (void)connector;
    sim_reply(w, number, f->ref, true, APPLIED);
}

static void answered(sim_world *w, uint64_t ref, const char *body, size_t len) {
    (void)w;
    (void)ref;
    (void)body;
    (void)len;
}

static void committed(sim_world *w, const turn *t) {
    (void)w;
    (void)t;
}

static int64_t never(sim_world *w) {
    (void)w;
    return INT64_MAX;
}

static void nothing_due(sim_world *w) {
    (void)w;
}

/* Its connector answers at once, and the log is heard. */
static const sim_hooks hooks = {hear, comes_up, committed, answered, on_log, never, nothing_due};

static sim_world *telling(const char *rules, const sim_op *ops, size_t count) {
    sim_world *w = scene(rules, ops, count);
    w->hooks = &hooks;
    notices = loud = 0;
    return w;
}

/* ---- soft limits ---- */

static void a_soft_limit_is_told_once(void **state) {
    (void)state;
    sim_world *w = telling(BUDGET("limit: 5 calls, window: day, soft: 80%"), once, COUNT(once));
    scene_do_many(w, "do", 3);
    assert_int_equal(notices, 0);
    scene_do_many(w, "go", 1);
    assert_int_equal(notices, 1);
    scene_restart(w);
    scene_do_many(w, "on", 1);
    assert_int_equal(notices, 1);
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'done'", 5);
    scene_pass(w, 86400);
    scene_do_many(w, "up", 4);
    assert_int_equal(notices, 2);
    scene_end(w);
}

static void beyond_a_soft_limit_each_is_asked_for(void **state) {
    (void)state;
    sim_world *w = scene(BUDGET("limit: 3 calls, soft: 50%, at_soft: [ask]"), once, COUNT(once));
    scene_do(w, "do-000001");
    scene_answer(w, APPLIED);
    scene_do(w, "do-000002");
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'waiting' AND reason = 'budget'", 1);
    number_is(w, RECORDS_WITH("32", "$.budget.id", "few"), 1);
    scene_restart(w);
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 1);
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    assert_int_equal(w->held_count, 1);
    number_is(w, "SELECT count(*) FROM item WHERE state = 'approved'", 1);
    scene_answer(w, APPLIED);
    scene_do(w, "do-000003");
    sim_approve(w, "approve-2", 2);
    sim_run_out(w);
    scene_answer(w, APPLIED);
    scene_do(w, "do-000004"); /* the hard limit is nobody's to lift so */
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'denied'", 1);
    number_is(w, "SELECT spent FROM budget", 3);
    scene_end(w);
}

/* What a rule asked for, and a person gave, is not asked for again. */
static void asked_for_once_is_enough(void **state) {
    (void)state;
    sim_world *w = scene("  - { id: asks, on: \"out.*.write\", ask: {} }\n"
                         "budgets:\n  - { id: few, scope: workspace, limit: 3 calls, soft: 1%,"
                         " at_soft: ask }\n",
                         once, COUNT(once));
    scene_do(w, "do-000001");
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    assert_int_equal(w->held_count, 1);
    number_is(w, "SELECT count(*) FROM item", 1);
    scene_answer(w, APPLIED);
    scene_end(w);
}

/* ---- hard limits ---- */

static void what_waits_goes_when_the_window_turns(void **state) {
    (void)state;
    sim_world *w = scene(BUDGET("limit: 1 calls, window: day, at_hard: ask"), once, COUNT(once));
    scene_do(w, "do-000001");
    scene_answer(w, APPLIED);
    scene_do(w, "do-000002");
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 1);
    scene_restart(w);
    assert_int_equal(w->held_count, 0);
    for (int i = 0; i < 24 && !w->held_count; i++) {
        scene_pass(w, 3600);
    }
    assert_int_equal(w->held_count, 1); /* it needs nobody any more */
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 0);
    scene_answer(w, APPLIED);
    scene_end(w);
}

static void escalates_at_once(void **state) {
    (void)state;
    sim_world *w = telling(BUDGET("limit: 0 calls, at_hard: escalate"), once, COUNT(once));
    scene_do(w, "do-000001");
    number_is(w, "SELECT escalated FROM item WHERE state = 'open'", 1);
    assert_int_equal(loud, 1);
    scene_restart(w);
    scene_tell(w, "reload-01", "reload", "{}");
    number_is(w, "SELECT escalated FROM item WHERE state = 'open'", 1);
    assert_int_equal(loud, 1);
    scene_policy(w, BUDGET("limit: 1 calls, at_hard: escalate"));
    scene_tell(w, "reload-02", "reload", "{}");
    state_is(w, "done");
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 0);
    scene_end(w);
}

#define THROTTLED                                                                                  \
    "SELECT count(*) FROM effect WHERE state = 'waiting' AND reason = 'budget' AND number IS NULL"

/* One is under way and holds all there is; what waits goes as soon as that is given back. */
static void throttled_until_a_release(void **state) {
    (void)state;
    sim_world *w = scene(BUDGET("limit: 1 calls, at_hard: throttle"), once, COUNT(once));
    scene_do(w, "do-000001");
    scene_do(w, "do-000002");
    scene_do(w, "do-000003");
    number_is(w, THROTTLED, 2);
    scene_restart(w); /* the first one's outcome is unknown now, and held */
    number_is(w, THROTTLED, 2);
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'unknown'", 1);
    scene_tell(w, "verdict-1", "verdict",
               "{\"number\":1,\"verdict\":\"not_done\",\"why\":\"looked\"}");
    number_is(w, THROTTLED, 2); /* it may have been sent: that is paid for */
    number_is(w, "SELECT spent FROM budget", 1);
    scene_policy(w, BUDGET("limit: 2 calls, at_hard: throttle"));
    scene_tell(w, "reload-01", "reload", "{}");
    number_is(w, THROTTLED, 1);
    assert_int_equal(w->held_count, 1);
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    scene_restart(w);
    scene_tell(w, "resume-01", "resume", "{}");
    number_is(w, THROTTLED, 1);
    scene_end(w);
}

/* Queued behind another and given back unsent by a halt: what it held is free. */
static void what_is_given_back_goes_to_the_oldest(void **state) {
    (void)state;
    sim_world *w = scene(BUDGET("limit: 2 calls, at_hard: throttle"), once, COUNT(once));
    scene_do(w, "do-000001");
    scene_do(w, "do-000002"); /* queued: one connector, one at a time */
    scene_do(w, "do-000003");
    scene_do(w, "do-000004");
    number_is(w, THROTTLED, 2);
    scene_tell(w, "cancel-02", "run.cancel", "{\"run\":2}");
    number_is(w, "SELECT count(*) FROM effect WHERE run = 3 AND state = 'intended'", 1);
    number_is(w, "SELECT count(*) FROM effect WHERE run = 4 AND state = 'waiting'", 1);
    scene_end(w);
}

static void a_throttle_ends(void **state) {
    (void)state;
    static const struct {
        const char *then, *state;
        int64_t items;
    } cases[] = {{"", "denied", 0}, {", then: deny", "denied", 0}, {", then: ask", "waiting", 1}};
    for (size_t i = 0; i < 2 * COUNT(cases); i++) {
        char rules[400], sql[120];
        snprintf(rules, sizeof rules, BUDGET("limit: 0 calls, at_hard: throttle, throttle: 10m%s"),
                 cases[i / 2].then);
        sim_world *w = scene(rules, once, COUNT(once));
        scene_do(w, "do-000001");
        scene_pass(w, 500);
        if (i % 2) {
            scene_restart(w);
        }
        number_is(w, THROTTLED, 1);
        scene_pass(w, 70);
        number_is(w, THROTTLED, 1);
        scene_pass(w, 31);
        snprintf(sql, sizeof sql, "SELECT count(*) FROM effect WHERE state = '%s'",
                 cases[i / 2].state);
        number_is(w, sql, 1);
        number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", cases[i / 2].items);
        scene_restart(w);
        number_is(w, sql, 1);
        scene_end(w);
    }
}

static void a_run_is_stopped_and_goes_on(void **state) {
    (void)state;
    sim_world *w = scene(BUDGET("limit: 1 calls, at_hard: stop"), thrice, COUNT(thrice));
    scene_do(w, "do-000001");
    scene_answer(w, APPLIED);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'paused' AND reason = 'budget'", 1);
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 0);
    scene_tell(w, "resume-01", "run.resume", "{\"run\":1}"); /* nothing has changed */
    number_is(w, "SELECT count(*) FROM run WHERE state = 'paused'", 1);
    scene_policy(w, BUDGET("limit: 2 calls, at_hard: stop"));
    scene_tell(w, "reload-01", "reload", "{}");
    assert_int_equal(w->held_count, 0); /* a person lets it go on, and nobody else */
    scene_restart(w);
    assert_int_equal(w->held_count, 0);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'paused'", 1);
    scene_tell(w, "resume-02", "run.resume", "{\"run\":1}");
    assert_int_equal(w->held_count, 1);
    scene_answer(w, APPLIED);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'paused'", 1);
    scene_tell(w, "cancel-01", "run.cancel", "{\"run\":1}");
    number_is(w, "SELECT count(*) FROM run WHERE state = 'cancelled'", 1);
    number_is(w, "SELECT spent FROM budget", 2);
    scene_end(w);
}

/* The policy that a start finds may stop what waited under another. */
static void a_run_is_stopped_as_it_is_recovered(void **state) {
    (void)state;
    sim_world *w = scene(BUDGET("limit: 0 calls, at_hard: ask"), once, COUNT(once));
    scene_do(w, "do-000001");
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 1);
    scene_policy(w, BUDGET("limit: 0 calls, at_hard: stop"));
    scene_restart(w);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'paused' AND reason = 'budget'", 1);
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 0);
    scene_policy(w, BUDGET("limit: 1 calls, at_hard: stop"));
    scene_tell(w, "reload-01", "reload", "{}");
    scene_tell(w, "resume-01", "run.resume", "{\"run\":1}");
    assert_int_equal(w->held_count, 1);
    scene_answer(w, APPLIED);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    scene_end(w);
}

/* ---- rolling, overrun ---- */

static void a_window_rolls_over_restarts(void **state) {
    (void)state;
    sim_world *w = telling(BUDGET("limit: 2 calls, window: 24h"), once, COUNT(once));
    scene_do_many(w, "do", 2);
    scene_pass(w, 12 * 3600);
    scene_do_many(w, "go", 1);
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'denied'", 1);
    scene_restart(w);
    scene_do_many(w, "on", 1);
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'denied'", 2);
    number_is(w, "SELECT count(*) FROM budget WHERE window LIKE '%/1h'", 1);
    scene_pass(w, 13 * 3600);
    scene_restart(w);
    scene_do_many(w, "up", 3);
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'done'", 4);
    number_is(w, "SELECT count(*) FROM budget WHERE window LIKE '%/1h'", 2);
    scene_end(w);
}

#define PAID "{\"cost\":{\"currency\":\"EUR\",\"micros\":700000},\"result\":{\"id\":1}}"

/* The connector says that it cost more than was held: it is booked, told, and stops the account. */
static void an_overrun_is_booked(void **state) {
    (void)state;
    sim_world *w = scene(BUDGET("limit: 0.50 EUR"), once, COUNT(once));
    costs_money(w);
    scene_do(w, "do-000001");
    number_is(w, "SELECT held FROM budget", 400000);
    scene_answer(w, PAID);
    number_is(w, "SELECT spent FROM budget", 700000);
    number_is(w, "SELECT overrun FROM budget", 200000);
    scene_do(w, "do-000002");
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'denied'", 1);
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_soft_limit_is_told_once),
        cmocka_unit_test(beyond_a_soft_limit_each_is_asked_for),
        cmocka_unit_test(asked_for_once_is_enough),
        cmocka_unit_test(what_waits_goes_when_the_window_turns),
        cmocka_unit_test(escalates_at_once),
        cmocka_unit_test(throttled_until_a_release),
        cmocka_unit_test(what_is_given_back_goes_to_the_oldest),
        cmocka_unit_test(a_throttle_ends),
        cmocka_unit_test(a_run_is_stopped_and_goes_on),
        cmocka_unit_test(a_run_is_stopped_as_it_is_recovered),
        cmocka_unit_test(a_window_rolls_over_restarts),
        cmocka_unit_test(an_overrun_is_booked),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_budget", tests, NULL, NULL);
}
