/* What a poll makes of its answers: pages, cursors, ids that repeat, garbage; and what becomes of it
 * when keel.yaml changes. */
#include "pollscene.h"

static const sim_op once[] = {RECEIVE};
static const sim_op work[] = {RECEIVE, WRITE("once")};
static const sim_op more[] = {RECEIVE, WRITE("once"), RECEIVE};

static void an_id_counts_once(void **state) {
    (void)state;
    sim_world *w = inbox_scene_known(FREE, once, COUNT(once));
    scene_do_many(w, "do", 2);
    later_inbox_has(w, ITEM("b") "," ITEM("b"));
    number_is(w, "SELECT count(*) FROM arrival", 1);
    later_inbox_has(w, ITEM("b") "," ITEM("a"));
    records_are(w, 2);
    later_inbox_has(w, "{\"id\":7}"); /* a number is an id too */
    later_inbox_has(w, "{\"id\":\"7\"}");
    records_are(w, 3);
    scene_end(w);
}

static void garbage_is_no_news(void **state) {
    (void)state;
    static const char *const answers[] = {
        "{\"result\":{}}",
        "{\"result\":[]}",
        "{\"result\":{\"items\":{}}}",
        "{\"result\":{\"items\":[7]}}",
        "{\"result\":{\"items\":[" ITEM("b") ",{\"name\":\"x\"}]}}",
        "{\"result\":{\"items\":[{\"id\":\"\"}]}}",
        "{\"result\":{\"items\":[{\"id\":null}]}}",
        "{\"result\":{\"items\":[{\"id\":1.5}]}}",
        "{\"result\":{\"items\":[{\"id\":\"\\u0000\"}]}}",
        "{\"result\":",
        "{\"code\":\"invalid\",\"message\":\"no\"}",
        "{\"code\":\"denied\",\"message\":\"no\"}",
    };
    sim_world *w = inbox_scene_known(FREE, once, COUNT(once));
    scene_do(w, "do-000001");
    for (size_t i = 0; i < COUNT(answers); i++) {
        scene_pass(w, 61);
        read_is_out(w, "{}");
        scene_answer(w, answers[i]);
        records_are(w, 1);
        runs_are(w, "open", 1);
        later_inbox_has(w, ITEM("a")); /* or the connection would rest */
        later_inbox_has(w, ITEM("a"));
    }
    later_inbox_has(w, ITEM("b")); /* it was not taken for seen */
    got(w, "run = 1", "b", 1);
    scene_end(w);
}

static void too_many_at_once_are_refused(void **state) {
    (void)state;
    keel_buf body = KEEL_BUF_INIT;
    sim_world *w = inbox_scene(FREE, once, COUNT(once));
    list_of(&body, 0, 10000, "");
    scene_answer(w, body.data);
    records_are(w, 0);
    later_inbox_has(w, ITEM("a"));
    records_are(w, 1);
    keel_buf_free(&body);
    scene_end(w);
}

/* Five pages without a lasting cursor are more than can be told apart; four are not. */
static void a_list_without_end_is_refused(void **state) {
    (void)state;
    keel_buf body = KEEL_BUF_INIT;
    for (int pages = 4; pages < 6; pages++) {
        sim_world *w = inbox_scene(FREE, once, COUNT(once));
        for (int i = 0; i < pages; i++) {
            char args[32] = "{}", rest[32] = "";
            snprintf(args, i ? sizeof args : 0, "{\"cursor\":%d}", i);
            snprintf(rest, i < pages - 1 ? sizeof rest : 0, ",\"next\":%d", i + 1);
            list_of(&body, 1000 * i, 1000, rest);
            read_is_out(w, args);
            scene_answer(w, body.data);
        }
        assert_int_equal(w->held_count, 0);
        records_are(w, pages == 4);
        scene_end(w);
    }
    keel_buf_free(&body);
}

/* What the list does not show any more is forgotten first. */
static void ids_that_are_kept_are_bounded(void **state) {
    (void)state;
    keel_buf body = KEEL_BUF_INIT;
    sim_world *w = inbox_scene(FREE, once, COUNT(once));
    for (int i = 0; i < 6; i++) {
        list_of(&body, 900 * i, 1000, ""); /* 100 of each stand in the next one, too */
        if (i) {
            scene_pass(w, 61);
        }
        read_is_out(w, "{}");
        scene_answer(w, body.data);
    }
    records_are(w, 6);
    number_is(w, "SELECT count(*) FROM polled_id", 4096);
    number_is(w, "SELECT count(*) FROM polled_id WHERE CAST(id AS INTEGER) < 1404", 0);
    scene_restart(w);
    read_is_out(w, "{}");
    scene_answer(w, body.data);
    records_are(w, 6);
    keel_buf_free(&body);
    scene_end(w);
}

static void a_cursor_is_handed_back(void **state) {
    (void)state;
    sim_world *w = inbox_scene(FREE, once, COUNT(once));
    scene_do(w, "do-000001");
    page(w, "{}", ITEM("a"), ",\"next\":1");
    page(w, "{\"cursor\":1}", ITEM("b"), ",\"more\":false,\"next\":2");
    records_are(w, 1);
    scene_pass(w, 61);
    page(w, "{\"cursor\":2}", "", ",\"next\":2");
    records_are(w, 1);
    scene_restart(w);
    page(w, "{\"cursor\":2}", ITEM("b") "," ITEM("c"), ",\"next\":\"3\"");
    page(w, "{\"cursor\":\"3\"}", "", ",\"next\":\"3\"");
    records_are(w, 2);
    got(w, "run = 1", "c", 1);
    scene_end(w);
}

static void many_at_once_are_recorded_on_the_way(void **state) {
    (void)state;
    keel_buf body = KEEL_BUF_INIT;
    sim_world *w = inbox_scene_known(FREE, once, COUNT(once));
    scene_do(w, "do-000001");
    scene_pass(w, 61);
    list_of(&body, 100, 64, ",\"next\":1");
    scene_answer(w, body.data);
    records_are(w, 2);
    got(w, "run = 1", "100", 1);
    page(w, "{\"cursor\":1}", ITEM("b"), ",\"next\":2");
    page(w, "{\"cursor\":2}", "", ",\"next\":2");
    records_are(w, 3);
    number_is(w, "SELECT count(*) FROM poll WHERE next = '2'", 1);
    keel_buf_free(&body);
    scene_end(w);
}

static void a_cursor_that_is_lost_begins_anew(void **state) {
    (void)state;
    sim_world *w = inbox_scene(FREE, once, COUNT(once));
    scene_do(w, "do-000001");
    page(w, "{}", ITEM("a"), ",\"more\":false,\"next\":1");
    scene_pass(w, 61);
    read_is_out(w, "{\"cursor\":1}");
    scene_answer(w, "{\"code\":\"conflict\",\"message\":\"the mailbox was rewritten\"}");
    assert_int_equal(w->held_count, 0);
    scene_pass(w, 61);
    page(w, "{}", ITEM("x") "," ITEM("b"), ",\"more\":false,\"next\":9");
    records_are(w, 2);
    runs_are(w, "open", 1);
    scene_pass(w, 61);
    page(w, "{\"cursor\":9}", ITEM("c"), ",\"more\":false,\"next\":10");
    got(w, "run = 1", "c", 1);
    scene_end(w);
}

/* ---- keel.yaml changes ---- */

static void another_account_begins_anew(void **state) {
    (void)state;
    sim_world *w = inbox_scene_known(FREE, once, COUNT(once));
    scene_do(w, "do-000001");
    inbox_keel_yaml(w->root, ", poll: { " POLL " }, config: { folder: other }");
    scene_tell(w, "reload-01", "reload", "{}");
    inbox_has(w, ITEM("x"));
    runs_are(w, "open", 1);
    records_are(w, 2);
    number_is(w, "SELECT count(*) FROM polled_id WHERE id = 'x'", 1);
    number_is(w, "SELECT count(*) FROM polled_id", 1);
    later_inbox_has(w, ITEM("y"));
    got(w, "run = 1", "y", 1);
    scene_end(w);
}

static void what_was_out_for_the_old_one_is_not_heard(void **state) {
    (void)state;
    sim_world *w = inbox_scene_known(FREE, once, COUNT(once));
    scene_do(w, "do-000001");
    scene_pass(w, 61);
    inbox_keel_yaml(w->root, ", poll: { " POLL " }, config: { folder: other }");
    scene_tell(w, "reload-01", "reload", "{}");
    inbox_has(w, ITEM("b"));
    records_are(w, 1);
    inbox_has(w, ITEM("x"));
    records_are(w, 2);
    runs_are(w, "open", 1);
    scene_end(w);
}

static void how_often_is_a_matter_of_its_own(void **state) {
    (void)state;
    sim_world *w = inbox_scene_known(FREE, once, COUNT(once));
    scene_do(w, "do-000001");
    inbox_keel_yaml(w->root, ", poll: { message: 1h }");
    scene_tell(w, "reload-01", "reload", "{}");
    inbox_has(w, ITEM("b"));
    got(w, "run = 1", "b", 1);
    scene_pass(w, 3500);
    assert_int_equal(w->held_count, 0);
    scene_pass(w, 101);
    inbox_has(w, ITEM("b"));
    scene_end(w);
}

static void it_can_be_left_out_for_a_while(void **state) {
    (void)state;
    sim_world *w = inbox_scene_known(FREE, once, COUNT(once));
    inbox_keel_yaml(w->root, "");
    scene_tell(w, "reload-01", "reload", "{}");
    scene_do(w, "do-000001"); /* is told that nothing is polled */
    runs_are(w, "ended", 1);
    scene_pass(w, 200);
    assert_int_equal(w->held_count, 0);
    inbox_keel_yaml(w->root, ", poll: { " POLL " }");
    scene_tell(w, "reload-02", "reload", "{}");
    scene_do(w, "do-000002");
    inbox_has(w, ITEM("a") "," ITEM("b"));
    got(w, "run = 2", "b", 1);
    scene_end(w);
}

/* ---- runs that failed ---- */

static void what_came_while_it_was_stuck_is_kept(void **state) {
    (void)state;
    sim_world *w = inbox_scene_known(FREE, work, COUNT(work));
    sim_program *p = (sim_program *)(uintptr_t)w->programs;
    p[0].end = "{\"error\":{\"code\":\"error\",\"message\":\"no\"},\"state\":\"failed\"}";
    scene_do(w, "do-000001");
    later_inbox_has(w, ITEM("b") "," ITEM("c"));
    scene_answer(w, REFUSED);
    runs_are(w, "failed", 1);
    later_inbox_has(w, ITEM("d"));
    number_is(w, "SELECT count(*) FROM arrival", 3);
    p[0] = (sim_program){"boss", more, COUNT(more), NULL, 0};
    scene_tell(w, "retry-001", "stuck.retry", "{\"number\":1}");
    scene_answer(w, APPLIED);
    runs_are(w, "ended", 1);
    got(w, "path = '1'", "b", 1);
    got(w, "path = '3'", "c", 1);
    scene_end(w);
}

static void what_nobody_can_receive_is_forgotten(void **state) {
    (void)state;
    sim_world *w = inbox_scene_known(FREE, once, COUNT(once));
    scene_do(w, "do-000001");
    later_inbox_has(w, ITEM("b"));
    later_inbox_has(w, ITEM("c"));
    later_inbox_has(w, ITEM("d"));
    number_is(w, "SELECT count(*) FROM arrival", 1);
    number_is(w, "SELECT count(*) FROM received", 0);
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_counts_once),
        cmocka_unit_test(garbage_is_no_news),
        cmocka_unit_test(too_many_at_once_are_refused),
        cmocka_unit_test(a_list_without_end_is_refused),
        cmocka_unit_test(ids_that_are_kept_are_bounded),
        cmocka_unit_test(a_cursor_is_handed_back),
        cmocka_unit_test(many_at_once_are_recorded_on_the_way),
        cmocka_unit_test(a_cursor_that_is_lost_begins_anew),
        cmocka_unit_test(another_account_begins_anew),
        cmocka_unit_test(what_was_out_for_the_old_one_is_not_heard),
        cmocka_unit_test(how_often_is_a_matter_of_its_own),
        cmocka_unit_test(it_can_be_left_out_for_a_while),
        cmocka_unit_test(what_came_while_it_was_stuck_is_kept),
        cmocka_unit_test(what_nobody_can_receive_is_forgotten),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_poll_answers", tests, NULL, NULL);
}
