/* What is polled and who receives it: each run what came since it began, in order and once, over
 * restarts, segments and halts. */
#include "pollscene.h"

static const sim_op once[] = {RECEIVE, {"step", "after", NULL}};
static const sim_op late[] = {{"sleep", "", "{\"us\":210000000}"}, RECEIVE, RECEIVE};
static const sim_op slow[] = {
    RECEIVE, {"sleep", "", "{\"us\":1000000000}"}, {"step", "after", NULL}};
static const sim_op nap[] = {{"sleep", "", "{\"us\":100000000}"}, RECEIVE};
static const sim_op patient[] = {
    {"receive", "", "{\"name\":\"inbox.message\",\"timeout_us\":30000000}"}};
static const sim_op any[] = {{"receive", "", "{}"}};

static void what_was_there_before_is_told_to_nobody(void **state) {
    (void)state;
    sim_world *w = inbox_scene(FREE, once, COUNT(once));
    scene_do(w, "do-000001");
    records_are(w, 0);
    inbox_has(w, ITEM("a") "," ITEM("b"));
    records_are(w, 1);
    number_is(w, "SELECT count(*) FROM polled_id", 2);
    later_inbox_has(w, ITEM("a") "," ITEM("b"));
    scene_restart(w);
    inbox_has(w, ITEM("b"));
    later_inbox_has(w, ITEM("a") "," ITEM("b"));
    records_are(w, 1); /* what finds nothing writes nothing */
    runs_are(w, "open", 1);
    number_is(w, "SELECT count(*) FROM arrival", 0);
    scene_end(w);
}

static void an_item_that_is_new_wakes(void **state) {
    (void)state;
    sim_world *w = inbox_scene_known(FREE, once, COUNT(once));
    scene_do(w, "do-000001");
    later_inbox_has(w, ITEM("a") "," ITEM("b"));
    runs_are(w, "ended", 1);
    got(w, "run = 1", "b", 1);
    number_is(w, "SELECT tainted FROM run", 1); /* as the read returns untrusted words */
    number_is(w, "SELECT count(*) FROM journal WHERE kind = 26", 1);
    scene_end(w);
}

static void each_run_gets_it_once(void **state) {
    (void)state;
    sim_world *w = inbox_scene_known(FREE, once, COUNT(once));
    scene_do_many(w, "do", 2);
    later_inbox_has(w, ITEM("b") "," ITEM("c"));
    runs_are(w, "ended", 2);
    got(w, "run = 1", "b", 1);
    got(w, "run = 2", "b", 1);
    scene_do(w, "do-000003"); /* began behind it */
    runs_are(w, "open", 1);
    later_inbox_has(w, ITEM("c") "," ITEM("d"));
    got(w, "run = 3", "d", 1);
    number_is(w, "SELECT count(*) FROM journal WHERE kind = 29", 3);
    scene_end(w);
}

static void what_came_before_it_asks_is_kept(void **state) {
    (void)state;
    for (int restart = 0; restart < 2; restart++) {
        sim_world *w = inbox_scene_known(FREE, late, COUNT(late));
        scene_do(w, "do-000001");
        later_inbox_has(w, ITEM("b"));
        if (restart) {
            scene_restart(w);
            inbox_has(w, ITEM("b"));
        }
        later_inbox_has(w, ITEM("c"));
        number_is(w, "SELECT count(*) FROM arrival", 2);
        later_inbox_has(w, "");
        runs_are(w, "open", 1);
        later_inbox_has(w, "");
        got(w, "path = '2'", "b", 1);
        got(w, "path = '3'", "c", 1);
        runs_are(w, "ended", 1);
        scene_end(w);
    }
}

/* Killed anywhere between the answer and the end of the run that got it. */
static void a_kill_loses_and_repeats_nothing(void **state) {
    (void)state;
    for (int steps = 0, ended = 0; !ended; steps++) {
        sim_world *w = inbox_scene_known(FREE, once, COUNT(once));
        scene_do(w, "do-000001");
        scene_pass(w, 61);
        sim_answer_held(w, "{\"result\":{\"items\":[" ITEM("b") "]}}");
        for (int i = 0; i < steps && !ended; i++) {
            kernel_turn(w->kernel);
            ended = !sim_step(w);
        }
        scene_restart(w);
        inbox_has(w, ITEM("b"));
        runs_are(w, "ended", 1);
        records_are(w, 2);
        got(w, "run = 1", "b", 1);
        scene_end(w);
        assert_true(steps < 100);
    }
}

static void a_replay_gives_the_same(void **state) {
    (void)state;
    sim_world *w = inbox_scene_known(FREE, slow, COUNT(slow));
    scene_do(w, "do-000001");
    later_inbox_has(w, ITEM("b"));
    scene_restart(w);
    inbox_has(w, ITEM("c")); /* another one does not take its place */
    w->horizon = 3000000;
    for (int i = 0; i < 17; i++) {
        later_inbox_has(w, "");
    }
    runs_are(w, "ended", 1);
    got(w, "run = 1", "b", 1);
    number_is(w, "SELECT count(*) FROM journal WHERE kind = 29", 2);
    scene_end(w);
}

static void segments_go_on_where_the_last_one_was(void **state) {
    (void)state;
    sim_world *w = inbox_scene_known(FREE, once, 1);
    ((sim_program *)(uintptr_t)w->programs)[0].end = "{\"result\":{},\"state\":\"continued\"}";
    scene_do(w, "do-000001");
    later_inbox_has(w, ITEM("b") "," ITEM("c") "," ITEM("d"));
    got(w, "run = 1", "b", 1);
    got(w, "run = 2", "c", 1);
    got(w, "run = 3", "d", 1);
    number_is(w, "SELECT count(*) FROM run WHERE since_seq = (SELECT min(begin_seq) FROM run)", 4);
    scene_restart(w);
    inbox_has(w, ITEM("d") "," ITEM("e"));
    got(w, "run = 4", "e", 1);
    number_is(w, "SELECT count(*) FROM journal WHERE kind = 29", 4);
    scene_end(w);
}

/* The first segment has asked for nothing yet: what came in its time is for the second. */
static void a_segment_begins_with_the_first(void **state) {
    (void)state;
    sim_world *w = inbox_scene_known(FREE, nap, 1);
    sim_program *p = (sim_program *)(uintptr_t)w->programs;
    p[0].end = "{\"result\":{},\"state\":\"continued\"}";
    scene_do(w, "do-000001");
    later_inbox_has(w, ITEM("b"));
    scene_pass(w, 30);
    runs_are(w, "continued", 1);
    p[0] = (sim_program){"boss", nap, COUNT(nap), NULL, 0};
    scene_restart(w);
    inbox_has(w, "");
    later_inbox_has(w, "");
    later_inbox_has(w, "");
    got(w, "run = 2", "b", 1);
    scene_end(w);
}

static void it_waits_so_long_and_no_longer(void **state) {
    (void)state;
    sim_world *w = inbox_scene_known(FREE, patient, COUNT(patient));
    scene_do(w, "do-000001");
    scene_pass(w, 31);
    runs_are(w, "ended", 1);
    number_is(w,
              "SELECT count(*) FROM journal WHERE kind = 29"
              " AND CAST(body AS TEXT) LIKE '%\"outcome\":{\"ok\":null}%'",
              1);
    scene_end(w);
}

/* ---- who may ---- */

static void policy_decides_the_read(void **state) {
    (void)state;
    static const struct {
        const char *rules, *outcome;
    } cases[] = {
        {"  - { id: never, on: \"inbox.*.read\", deny: {} }\n",
         "%\"outcome\":{\"err\":{\"code\":\"denied\",\"rule\":\"never\"%"},
        {"  - { id: asks, on: \"inbox.*.read\", ask: {} }\n",
         "%\"outcome\":{\"err\":{\"code\":\"denied\",\"rule\":\"asks\"%ctx.use%"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char sql[300];
        sim_world *w = inbox_scene_known(cases[i].rules, once, COUNT(once));
        scene_do(w, "do-000001");
        later_inbox_has(w, ITEM("b"));
        runs_are(w, "ended", 1);
        got(w, "run = 1", "b", 0);
        snprintf(sql, sizeof sql,
                 "SELECT count(*) FROM journal j LEFT JOIN payload p ON p.digest = j.digest"
                 " WHERE kind = 29 AND CAST(coalesce(j.body, p.bytes) AS TEXT) LIKE '%s'",
                 cases[i].outcome);
        number_is(w, sql, 1);
        number_is(w, "SELECT tainted FROM run", 0);
        scene_end(w);
    }
}

static void what_is_not_polled_says_so(void **state) {
    (void)state;
    static const struct {
        const char *args, *why;
    } cases[] = {
        {"{\"name\":\"inbox.note\"}", "add `poll: { note: 60s }` to its connection in keel.yaml"},
        {"{\"name\":\"inbox.letter\"}", "the connection inbox reads nothing of that name"},
        {"{\"name\":\"inbox.mesage\"}", "the connection inbox reads nothing of that name"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char sql[300];
        const sim_op ops[] = {{"receive", "", cases[i].args}};
        sim_world *w = inbox_scene_known(FREE, ops, COUNT(ops));
        scene_do(w, "do-000001");
        runs_are(w, "ended", 1);
        snprintf(sql, sizeof sql,
                 "SELECT count(*) FROM journal WHERE kind = 29 AND CAST(body AS TEXT)"
                 " LIKE '%%\"code\":\"invalid\"%%%s%%'",
                 cases[i].why);
        number_is(w, sql, 1);
        scene_end(w);
    }
}

static void a_person_may_send_it_too(void **state) {
    (void)state;
    static const char send[] = "{\"body\":7,\"name\":\"inbox.message\",\"run\":1}";
    sim_world *w = inbox_scene_known(FREE, once, COUNT(once));
    scene_do(w, "do-000001");
    scene_tell(w, "send-0001", "run.send", send);
    runs_are(w, "ended", 1);
    number_is(w, "SELECT count(*) FROM received", 0);
    scene_end(w);
}

static void without_a_name_only_what_is_sent_comes(void **state) {
    (void)state;
    sim_world *w = inbox_scene_known(FREE, any, COUNT(any));
    scene_do(w, "do-000001");
    later_inbox_has(w, ITEM("b"));
    runs_are(w, "open", 1);
    scene_tell(w, "send-0001", "run.send", "{\"body\":7,\"name\":\"x.y\",\"run\":1}");
    runs_are(w, "ended", 1);
    scene_end(w);
}

/* ---- halted, resting ---- */

static void while_halted_nothing_is_polled_nor_received(void **state) {
    (void)state;
    sim_world *w = inbox_scene_known(FREE, once, COUNT(once));
    scene_do(w, "do-000001");
    scene_pass(w, 61);
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    inbox_has(w, ITEM("b")); /* it was out */
    records_are(w, 2);
    scene_pass(w, 200);
    assert_int_equal(w->held_count, 0);
    scene_restart(w);
    assert_int_equal(w->held_count, 0);
    runs_are(w, "open", 1);
    got(w, "run = 1", "b", 0);
    scene_tell(w, "resume-01", "resume", "{}");
    got(w, "run = 1", "b", 1);
    runs_are(w, "ended", 1);
    inbox_has(w, ITEM("b"));
    records_are(w, 2);
    scene_end(w);
}

static void a_connection_that_rests_is_polled_to_see(void **state) {
    (void)state;
    sim_world *w = inbox_scene_known(
        FREE "breakers:\n  - { on: \"inbox\", open_at: 50%, of: 4, for: 5m }\n", once, COUNT(once));
    scene_do(w, "do-000001");
    for (int i = 0; i < 2; i++) {
        scene_pass(w, 61);
        read_is_out(w, "{}");
        scene_answer(w, "{\"code\":\"unavailable\",\"message\":\"it is down\"}");
    }
    number_is(w, "SELECT count(*) FROM breaker WHERE state = 'open'", 1);
    for (int i = 0; i < 4; i++) {
        scene_pass(w, 61);
        assert_int_equal(w->held_count, 0);
    }
    scene_pass(w, 61);
    number_is(w, "SELECT count(*) FROM breaker WHERE state = 'half_open'", 1);
    inbox_has(w, ITEM("b"));
    number_is(w, "SELECT count(*) FROM breaker WHERE state = 'closed'", 1);
    got(w, "run = 1", "b", 1);
    scene_end(w);
}

static void its_executor_may_die(void **state) {
    (void)state;
    sim_world *w = inbox_scene_known(FREE, once, COUNT(once));
    scene_do(w, "do-000001");
    scene_pass(w, 61);
    read_is_out(w, "{}");
    sim_kill(w, w->held[0].executor, "killed by signal 9 (Killed)");
    sim_run_out(w);
    assert_int_equal(w->held_count, 0);
    later_inbox_has(w, ITEM("b"));
    got(w, "run = 1", "b", 1);
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_there_before_is_told_to_nobody),
        cmocka_unit_test(an_item_that_is_new_wakes),
        cmocka_unit_test(each_run_gets_it_once),
        cmocka_unit_test(what_came_before_it_asks_is_kept),
        cmocka_unit_test(a_kill_loses_and_repeats_nothing),
        cmocka_unit_test(a_replay_gives_the_same),
        cmocka_unit_test(segments_go_on_where_the_last_one_was),
        cmocka_unit_test(a_segment_begins_with_the_first),
        cmocka_unit_test(it_waits_so_long_and_no_longer),
        cmocka_unit_test(policy_decides_the_read),
        cmocka_unit_test(what_is_not_polled_says_so),
        cmocka_unit_test(a_person_may_send_it_too),
        cmocka_unit_test(without_a_name_only_what_is_sent_comes),
        cmocka_unit_test(while_halted_nothing_is_polled_nor_received),
        cmocka_unit_test(a_connection_that_rests_is_polled_to_see),
        cmocka_unit_test(its_executor_may_die),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_poll", tests, NULL, NULL);
}
