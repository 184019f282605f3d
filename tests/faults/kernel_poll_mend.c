/* A poll that goes wrong in its midst: a page that is refused, a cursor that is lost. */
#include "pollscene.h"

static const sim_op once[] = {RECEIVE};

#define NOT_FOUND "{\"code\":\"not_found\",\"message\":\"there is no such page\"}"
#define CONFLICT  "{\"code\":\"conflict\",\"message\":\"the mailbox was rewritten\"}"

/* ---- walks ---- */

static void a_page_that_is_refused_loses_nothing(void **state) {
    (void)state;
    static const char *const refusals[] = {NOT_FOUND, CONFLICT, REFUSED};
    for (size_t i = 0; i < COUNT(refusals); i++) {
        sim_world *w = inbox_scene_known(FREE, once, COUNT(once));
        scene_do(w, "do-000001");
        scene_pass(w, 61);
        page(w, "{}", ITEM("a") "," ITEM("b"), ",\"next\":1");
        read_is_out(w, "{\"cursor\":1}");
        scene_answer(w, refusals[i]);
        assert_int_equal(w->held_count, 0); /* not at once again */
        got(w, "run = 1", "b", 1);
        scene_pass(w, 61);
        page(w, "{}", ITEM("a") "," ITEM("b"), ",\"next\":1");
        read_is_out(w, "{\"cursor\":1}");
        scene_answer(w, refusals[i]);
        records_are(w, 2);
        scene_end(w);
    }
}

static void the_cursor_where_it_began_is_kept(void **state) {
    (void)state;
    sim_world *w = inbox_scene(FREE, once, COUNT(once));
    scene_do(w, "do-000001");
    page(w, "{}", ITEM("a"), ",\"more\":false,\"next\":1");
    scene_pass(w, 61);
    page(w, "{\"cursor\":1}", ITEM("b"), ",\"next\":2");
    read_is_out(w, "{\"cursor\":2}");
    scene_answer(w, NOT_FOUND);
    got(w, "run = 1", "b", 1);
    number_is(w, "SELECT count(*) FROM poll WHERE next = '1'", 1);
    scene_pass(w, 61);
    page(w, "{\"cursor\":1}", ITEM("b") "," ITEM("c"), ",\"more\":false,\"next\":3");
    number_is(w, "SELECT count(*) FROM polled_id", 3);
    scene_end(w);
}

static void a_baseline_that_is_refused_begins_again(void **state) {
    (void)state;
    sim_world *w = inbox_scene(FREE, once, COUNT(once));
    scene_do(w, "do-000001");
    page(w, "{}", ITEM("a"), ",\"next\":1");
    read_is_out(w, "{\"cursor\":1}");
    scene_answer(w, NOT_FOUND);
    assert_int_equal(w->held_count, 0);
    records_are(w, 0); /* half of what was there before would make news of the other half */
    later_inbox_has(w, ITEM("a") "," ITEM("b"));
    runs_are(w, "open", 1);
    scene_end(w);
}

static void a_walk_half_recorded_begins_where_it_began(void **state) {
    (void)state;
    keel_buf body = KEEL_BUF_INIT;
    sim_world *w = inbox_scene(FREE, once, COUNT(once));
    scene_do(w, "do-000001");
    page(w, "{}", ITEM("a"), ",\"more\":false,\"next\":5");
    scene_pass(w, 61);
    list_of(&body, 100, 64, ",\"next\":6");
    read_is_out(w, "{\"cursor\":5}");
    scene_answer(w, body.data);
    records_are(w, 2);
    got(w, "run = 1", "100", 1);
    number_is(w, "SELECT count(*) FROM poll WHERE next = '5'", 1);
    scene_restart(w); /* page 6 was a page of that walk alone */
    read_is_out(w, "{\"cursor\":5}");
    scene_answer(w, body.data);
    page(w, "{\"cursor\":6}", ITEM("b"), ",\"more\":false,\"next\":9");
    records_are(w, 3);
    number_is(w, "SELECT count(*) FROM poll WHERE next = '9'", 1);
    number_is(w, "SELECT count(*) FROM polled_id", 66);
    keel_buf_free(&body);
    scene_end(w);
}

/* ---- a cursor that is lost ---- */

static void lose(sim_world *w, const char *cursor) {
    scene_pass(w, 61);
    read_is_out(w, cursor);
    scene_answer(w, CONFLICT);
    assert_int_equal(w->held_count, 0);
    scene_pass(w, 61);
}

static void what_came_behind_a_lost_cursor_is_news(void **state) {
    (void)state;
    sim_world *w = inbox_scene(FREE, once, COUNT(once));
    scene_do(w, "do-000001");
    page(w, "{}", ITEM("a"), ",\"more\":false,\"next\":1");
    lose(w, "{\"cursor\":1}");
    page(w, "{}", ITEM("a") "," ITEM("b"), ",\"more\":false,\"next\":9");
    got(w, "run = 1", "b", 1);
    number_is(w, "SELECT count(*) FROM poll WHERE next = '9'", 1);
    scene_end(w);
}

/* It breaks off once more, and the rest of what came is news all the same, with and without a kill. */
static void what_came_behind_it_is_found_in_parts(void **state) {
    (void)state;
    keel_buf body = KEEL_BUF_INIT;
    for (int restart = 0; restart < 2; restart++) {
        sim_world *w = inbox_scene(FREE, once, COUNT(once));
        scene_do(w, "do-000001");
        page(w, "{}", ITEM("100"), ",\"more\":false,\"next\":1");
        lose(w, "{\"cursor\":1}");
        list_of(&body, 100, 70, ",\"next\":8");
        read_is_out(w, "{}");
        scene_answer(w, body.data);
        got(w, "run = 1", "101", 1);
        number_is(w, "SELECT count(*) FROM poll WHERE next IS NULL", 1);
        read_is_out(w, "{\"cursor\":8}");
        scene_answer(w, NOT_FOUND);
        scene_do(w, "do-000002");
        if (restart) {
            scene_restart(w);
        } else {
            scene_pass(w, 61);
        }
        read_is_out(w, "{}");
        scene_answer(w, body.data);
        page(w, "{\"cursor\":8}", ITEM("b"), ",\"more\":false,\"next\":9");
        got(w, "run = 2", "b", 1);
        number_is(w, "SELECT count(*) FROM poll WHERE next = '9'", 1);
        scene_end(w);
    }
    keel_buf_free(&body);
}

/* None of the ids is there any more: it has numbered its items anew. */
static void other_ids_behind_it_are_no_news(void **state) {
    (void)state;
    sim_world *w = inbox_scene(FREE, once, COUNT(once));
    scene_do(w, "do-000001");
    page(w, "{}", ITEM("a"), ",\"more\":false,\"next\":1");
    lose(w, "{\"cursor\":1}");
    page(w, "{}", ITEM("x") "," ITEM("y"), ",\"next\":8");
    page(w, "{\"cursor\":8}", ITEM("z"), ",\"more\":false,\"next\":9");
    runs_are(w, "open", 1);
    records_are(w, 2);
    number_is(w, "SELECT count(*) FROM polled_id WHERE id IN ('x', 'y', 'z')", 3);
    number_is(w, "SELECT count(*) FROM polled_id", 3);
    scene_pass(w, 61);
    page(w, "{\"cursor\":9}", ITEM("c"), ",\"more\":false,\"next\":10");
    got(w, "run = 1", "c", 1);
    scene_end(w);
}

/* More were seen than ids are kept: those that are unknown may be old. */
static void more_than_ids_tell_are_no_news(void **state) {
    (void)state;
    keel_buf body = KEEL_BUF_INIT;
    sim_world *w = inbox_scene(FREE, once, COUNT(once));
    scene_do(w, "do-000001");
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 5; i++) {
            char args[32] = "{}", rest[48];
            snprintf(args, i ? sizeof args : 0, "{\"cursor\":%d}", i);
            snprintf(rest, sizeof rest, ",\"more\":%s,\"next\":%d", i < 4 ? "true" : "false",
                     i + 1);
            list_of(&body, 1000 * i, 1000, rest);
            read_is_out(w, args);
            scene_answer(w, body.data);
        }
        records_are(w, round + 1);
        runs_are(w, "open", 1);
        if (!round) {
            lose(w, "{\"cursor\":5}");
        }
    }
    keel_buf_free(&body);
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_that_is_refused_loses_nothing),
        cmocka_unit_test(the_cursor_where_it_began_is_kept),
        cmocka_unit_test(a_baseline_that_is_refused_begins_again),
        cmocka_unit_test(a_walk_half_recorded_begins_where_it_began),
        cmocka_unit_test(what_came_behind_a_lost_cursor_is_news),
        cmocka_unit_test(what_came_behind_it_is_found_in_parts),
        cmocka_unit_test(other_ids_behind_it_are_no_news),
        cmocka_unit_test(more_than_ids_tell_are_no_news),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_poll_mend", tests, NULL, NULL);
}
