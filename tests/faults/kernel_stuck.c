/* Dead letters: what becomes one, and what closes it. */
#include "stuckscene.h"

#define SPAWNS "  - { id: spawns, on: run.spawn, allow: {} }\n"

/* A world whose run 1 has failed at its one effect. */
static sim_world *failed_once(void) {
    sim_world *w = scene(ALLOW, once, COUNT(once));
    ends(w, FAILED);
    scene_do(w, "do-000001");
    scene_answer(w, REFUSED);
    return w;
}

/* ---- what becomes one ---- */

static void a_failed_run_is_stuck(void **state) {
    (void)state;
    sim_world *w = failed_once();
    for (int i = 0; i < 2; i++) {
        stuck_is(w, 1);
        number_is(w,
                  "SELECT count(*) FROM item WHERE number = 1 AND run = 1 AND path = '1' AND"
                  " owner = 'operator' AND reason LIKE 'out.once.write at 1 was not done;%down'"
                  " AND next LIKE 'mend out.once.write (%keel stuck retry 1.%'",
                  1);
        number_is(w, "SELECT count(*) FROM run WHERE state = 'failed'", 1);
        scene_restart(w);
    }
    scene_end(w);
}

static void without_a_failed_step_its_words_are_the_reason(void **state) {
    static const sim_op steps[] = {STEP, WRITE("once"), STEP};
    (void)state;
    sim_world *w = scene(ALLOW, steps, COUNT(steps));
    ends(w, FAILED);
    scene_do(w, "do-000001");
    scene_answer(w, APPLIED);
    number_is(w, "SELECT count(*) FROM item WHERE path = '' AND reason LIKE 'error: boss.lua:3:%'",
              1);
    scene_end(w);
}

static void what_a_person_ended_is_not_stuck(void **state) {
    (void)state;
    sim_world *w = scene(ASK, once, COUNT(once));
    scene_do(w, "do-000001");
    scene_tell(w, "cancel-01", "run.cancel", "{\"run\":1}");
    number_is(w, "SELECT count(*) FROM item WHERE kind = 'stuck'", 0);
    scene_end(w);
}

static void a_child_whose_failure_was_received_is_not_stuck(void **state) {
    static const sim_op waits[] = {SPAWN_HELPER, {"wait", "", "{\"run\":2}"}};
    (void)state;
    sim_world *w = scene(SPAWNS ALLOW, waits, COUNT(waits));
    scene_helper(w, once, COUNT(once), FAILED);
    scene_do(w, "do-000001");
    scene_answer(w, REFUSED);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'failed' AND id = 2", 1);
    number_is(w, "SELECT count(*) FROM item WHERE kind = 'stuck'", 0);
    scene_end(w);
}

/* It is stuck while nobody knows of it; then its parent asks after all. */
static void who_asks_late_is_told_and_closes_it(void **state) {
    static const sim_op late[] = {SPAWN_HELPER, RECEIVE, {"wait", "", "{\"run\":2}"}};
    static const sim_op step[] = {STEP};
    (void)state;
    sim_world *w = scene(SPAWNS, late, COUNT(late));
    scene_helper(w, step, 1, FAILED);
    scene_do(w, "do-000001");
    stuck_is(w, 1);
    scene_restart(w);
    scene_tell(w, "send-0001", "run.send", "{\"body\":1,\"name\":\"go\",\"run\":1}");
    number_is(w, "SELECT count(*) FROM item WHERE state = 'went_on' AND closed_by = 'keel'", 1);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    scene_end(w);
}

/* ---- a paused run ---- */

static sim_world *paused(void) {
    keel_buf detail = KEEL_BUF_INIT;
    sim_world *w = scene(ASK, once, COUNT(once));
    scene_do(w, "do-000001");
    keel_buf_puts(&detail, "{\"path\":\"1\"}");
    sim_to_kernel(w, agent_of(w), X_MISMATCH, 1, 0, &detail);
    keel_buf_free(&detail);
    sim_run_out(w);
    number_is(w,
              "SELECT number FROM item WHERE kind = 'stuck' AND state = 'open' AND path = '1' AND"
              " reason LIKE 'replay_mismatch%' AND next LIKE '%keel run migrate 1%'",
              2);
    scene_restart(w);
    return w;
}

static void a_paused_run_is_stuck_until_it_goes_on(void **state) {
    (void)state;
    sim_world *w = paused();
    scene_tell(w, "drop-0001", "stuck.drop", "{\"number\":2,\"why\":\"x\"}");
    assert_null(sim_answered(w, "drop-0001")); /* it would stay paused, and nobody would see it */
    scene_tell(w, "resume-01", "run.resume", "{\"run\":1}");
    number_is(w, "SELECT count(*) FROM item WHERE number = 2 AND state = 'went_on'", 1);
    scene_end(w);
}

static void retry_of_a_paused_run_replays_it(void **state) {
    (void)state;
    sim_world *w = paused();
    scene_tell(w, "retry-001", "stuck.retry", "{\"number\":2}");
    assert_non_null(sim_answered(w, "retry-001"));
    number_is(w, "SELECT count(*) FROM run WHERE state = 'open'", 1);
    stuck_is(w, 0);
    scene_end(w);
}

static void a_paused_run_that_is_cancelled_is_not_stuck(void **state) {
    (void)state;
    sim_world *w = paused();
    scene_tell(w, "cancel-01", "run.cancel", "{\"run\":1}");
    stuck_is(w, 0);
    scene_end(w);
}

/* ---- closing by hand ---- */

static void a_person_settles_it(void **state) {
    static const struct {
        const char *command, *args, *left;
    } ways[] = {
        {"stuck.drop", "{\"number\":1,\"why\":\"not needed\"}", "drop"},
        {"stuck.resolve", "{\"number\":1,\"result\":{\"sent\":true},\"why\":\"by hand\"}",
         "resolve"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        char sql[160];
        sim_world *w = failed_once();
        scene_tell(w, "close-000", ways[i].command, "{\"number\":1,\"why\":\"\"}");
        assert_null(sim_answered(w, "close-000")); /* it needs a reason */
        scene_restart(w);
        scene_tell(w, "close-001", ways[i].command, ways[i].args);
        assert_non_null(sim_answered(w, "close-001"));
        snprintf(sql, sizeof sql,
                 "SELECT count(*) FROM item WHERE state = '%s' AND closed_by = 'operator'"
                 " AND closed_why <> ''",
                 ways[i].left);
        number_is(w, sql, 1);
        scene_tell(w, "close-002", ways[i].command, ways[i].args);
        assert_null(sim_answered(w, "close-002"));
        scene_restart(w);
        stuck_is(w, 0);
        scene_end(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_run_is_stuck),
        cmocka_unit_test(without_a_failed_step_its_words_are_the_reason),
        cmocka_unit_test(what_a_person_ended_is_not_stuck),
        cmocka_unit_test(a_child_whose_failure_was_received_is_not_stuck),
        cmocka_unit_test(who_asks_late_is_told_and_closes_it),
        cmocka_unit_test(a_paused_run_is_stuck_until_it_goes_on),
        cmocka_unit_test(retry_of_a_paused_run_replays_it),
        cmocka_unit_test(a_paused_run_that_is_cancelled_is_not_stuck),
        cmocka_unit_test(a_person_settles_it),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_stuck", tests, NULL, NULL);
}
