/* The inbox view without a terminal: keys go in, screens come out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "looks_world.h"

static void later(world *w) {
    w->now_ms += LOOKS_DWELL_MS;
}

static void unlocked(world *w) {
    looks_no_passphrase(w->l);
}

/* ---- what was seen ---- */

static void only_what_was_on_the_screen_is_approved(void **state) {
    (void)state;
    world *w = keel_alloc(sizeof *w);
    size_t count;
    world_begin(w, 24, 80);
    unlocked(w);
    for (int64_t n = 1; n <= 8; n++) {
        world_add(w, n, "approval", "correspondent", "inbox.message.write", 6);
    }
    world_update(w);
    world_draw(w);
    later(w);
    assert_int_equal(world_key(w, KEY_TEXT, "A"), LOOKS_NOTHING);
    assert_true(world_shows(w, "Only 2 of 8 were on the screen"));
    assert_true(world_shows(w, "approve 2 of 8"));
    assert_int_equal(world_key(w, KEY_TEXT, "a"), LOOKS_APPROVE);
    assert_int_equal(looks_numbers(w->l, &count)[0], 1);
    assert_int_equal(count, 2);
    world_check_batch(w);
    world_tell(w, "approved");
    world_draw(w);
    assert_true(world_shows(w, "2 approved."));
    assert_int_equal(looks_left(w->l), 6);
    world_end(w);
    free(w);
}

static void what_only_just_came_on_the_screen_is_not_approved(void **state) {
    (void)state;
    world *w = keel_alloc(sizeof *w);
    world_begin(w, 24, 80);
    unlocked(w);
    world_add(w, 1, "approval", "a", "x.y.write", 4);
    world_add(w, 2, "approval", "b", "x.y.write", 4);
    world_update(w);
    world_draw(w);
    assert_int_equal(world_key(w, KEY_TEXT, "A"), LOOKS_NOTHING);
    assert_true(world_shows(w, "only just come"));
    later(w);
    assert_int_equal(world_key(w, KEY_TEXT, "A"), LOOKS_APPROVE);
    world_tell(w, "approved");
    world_draw(w); /* the next group is there: a key that is held down does not take it along */
    assert_true(world_shows(w, "<0040"));
    assert_int_equal(world_key(w, KEY_TEXT, "A"), LOOKS_NOTHING);
    later(w);
    assert_int_equal(world_key(w, KEY_TEXT, "A"), LOOKS_APPROVE);
    world_end(w);
    free(w);
}

static void a_long_body_needs_all_its_pages(void **state) {
    (void)state;
    world *w = keel_alloc(sizeof *w);
    world_begin(w, 10, 40);
    unlocked(w);
    world_add(w, 1, "approval", "a", "x.y.write", 30)->wide = true;
    world_update(w);
    world_draw(w);
    size_t pages = 0;
    for (; !world_shows(w, "approve it"); pages++) {
        later(w);
        assert_int_equal(world_key(w, KEY_TEXT, "a"), LOOKS_NOTHING);
        assert_true(world_shows(w, "None of it"));
        world_key(w, KEY_TEXT, " ");
        assert_in_range(pages, 0, 100);
    }
    assert_in_range(pages, 25, 60);
    later(w);
    assert_int_equal(world_key(w, KEY_TEXT, "A"), LOOKS_APPROVE);
    world_check_batch(w);
    world_end(w);
    free(w);
}

static void the_last_page_alone_is_not_enough(void **state) {
    (void)state;
    world *w = keel_alloc(sizeof *w);
    world_begin(w, 12, 80);
    unlocked(w);
    world_add(w, 1, "approval", "a", "x.y.write", 30);
    world_update(w);
    world_draw(w);
    world_key(w, KEY_END, "");
    later(w);
    assert_int_equal(world_key(w, KEY_TEXT, "A"), LOOKS_NOTHING);
    world_resize(w, 24, 90); /* what was seen in another width does not add up */
    world_draw(w);
    later(w);
    assert_int_equal(world_key(w, KEY_TEXT, "a"), LOOKS_NOTHING);
    world_key(w, KEY_HOME, "");
    later(w);
    assert_int_equal(world_key(w, KEY_TEXT, "a"), LOOKS_APPROVE);
    world_end(w);
    free(w);
}

/* ---- who decides ---- */

static void the_passphrase_is_asked_once_and_never_shown(void **state) {
    (void)state;
    world *w = keel_alloc(sizeof *w);
    world_begin(w, 24, 80);
    looks_prompt(w->l, "Passphrase of operator: ");
    world_add(w, 1, "approval", "a", "x.y.write", 3);
    world_add(w, 2, "approval", "b", "x.y.write", 3);
    world_update(w);
    world_draw(w);
    later(w);
    world_key(w, KEY_TEXT, "A");
    assert_true(world_shows(w, "Passphrase of operator: "));
    world_add(w, 3, "approval", "a", "x.y.write", 3); /* while it is typed, more comes in */
    world_update(w);
    assert_int_equal(world_type(w, "qaA wrong\n"), LOOKS_UNLOCK);
    assert_string_equal(looks_typed(w->l), "qaA wrong");
    assert_false(world_shows(w, "wrong"));
    assert_int_equal(looks_unlocked(w->l, false, false), LOOKS_NOTHING);
    assert_string_equal(looks_typed(w->l), "");
    world_draw(w);
    assert_true(world_shows(w, "That is not the passphrase."));
    assert_int_equal(world_type(w, "right\n"), LOOKS_UNLOCK);
    assert_int_equal(looks_unlocked(w->l, true, false), LOOKS_APPROVE);
    size_t count;
    looks_numbers(w->l, &count);
    assert_int_equal(count, 1);
    world_tell(w, "approved");
    world_draw(w);
    later(w);
    assert_int_equal(world_key(w, KEY_TEXT, "A"), LOOKS_APPROVE);
    assert_int_equal(looks_numbers(w->l, &count)[0], 2);
    world_end(w);
    free(w);
}

static void giving_up_at_the_prompt_approves_nothing(void **state) {
    (void)state;
    static const struct { key_code code; } ways[] = {{KEY_ESCAPE}, {KEY_ENTER}};
    for (size_t i = 0; i < 2; i++) {
        world *w = keel_alloc(sizeof *w);
        world_begin(w, 24, 80);
        world_add(w, 1, "approval", "a", "x.y.write", 3);
        world_update(w);
        world_draw(w);
        later(w);
        world_key(w, KEY_TEXT, "a");
        assert_int_equal(world_key(w, ways[i].code, ""), LOOKS_NOTHING);
        assert_true(world_shows(w, "Nothing was approved."));
        assert_int_equal(looks_left(w->l), 1);
        world_end(w);
        free(w);
    }
}

/* What changes or goes while the passphrase is typed is not approved with the rest. */
static void what_changes_at_the_prompt_is_left_out(void **state) {
    (void)state;
    world *w = keel_alloc(sizeof *w);
    size_t count;
    world_begin(w, 24, 80);
    for (int64_t n = 1; n <= 3; n++) {
        world_add(w, n, "approval", "a", "x.y.write", 3);
    }
    world_update(w);
    world_draw(w);
    later(w);
    world_key(w, KEY_TEXT, "A");
    world_changed(w, 2);
    w->items[3].open = false;
    world_update(w);
    assert_int_equal(world_type(w, "secret\n"), LOOKS_UNLOCK);
    assert_int_equal(looks_unlocked(w->l, true, false), LOOKS_APPROVE);
    assert_int_equal(looks_numbers(w->l, &count)[0], 1);
    assert_int_equal(count, 1);
    world_check_batch(w);
    world_end(w);
    free(w);
}

static void a_denial_takes_a_reason(void **state) {
    (void)state;
    world *w = keel_alloc(sizeof *w);
    size_t count;
    world_begin(w, 24, 80);
    world_add(w, 1, "approval", "a", "x.y.write", 3);
    world_add(w, 2, "approval", "a", "x.y.write", 3);
    world_update(w);
    world_draw(w);
    world_key(w, KEY_TEXT, "j");
    world_key(w, KEY_TEXT, "d");
    assert_true(world_shows(w, "Why not 2?"));
    assert_int_equal(world_key(w, KEY_PASTE, "n"), LOOKS_NOTHING);
    assert_int_equal(world_type(w, "ox"), LOOKS_NOTHING);
    world_key(w, KEY_BACKSPACE, "");
    assert_int_equal(world_type(w, "t now\n"), LOOKS_DENY);
    assert_string_equal(looks_typed(w->l), "not now");
    assert_int_equal(looks_numbers(w->l, &count)[0], 2);
    assert_int_equal(count, 1);
    world_tell(w, "denied");
    world_draw(w);
    assert_true(world_shows(w, "1 denied."));
    world_end(w);
    free(w);
}

static void what_is_left_out_stays_out(void **state) {
    (void)state;
    world *w = keel_alloc(sizeof *w);
    size_t count;
    world_begin(w, 40, 80);
    unlocked(w);
    for (int64_t n = 1; n <= 4; n++) {
        world_add(w, n, "approval", "a", "x.y.write", 3);
    }
    world_update(w);
    world_draw(w);
    later(w);
    world_key(w, KEY_DOWN, "");
    world_key(w, KEY_TEXT, "x");
    assert_true(world_shows(w, ">x <0040"));
    assert_int_equal(world_key(w, KEY_TEXT, "A"), LOOKS_NOTHING);
    assert_true(world_shows(w, "u takes them back in"));
    assert_int_equal(world_key(w, KEY_TEXT, "a"), LOOKS_APPROVE);
    looks_numbers(w->l, &count);
    assert_int_equal(count, 3);
    world_tell(w, "approved");
    world_draw(w);
    world_key(w, KEY_TEXT, "u");
    later(w);
    assert_int_equal(world_key(w, KEY_TEXT, "A"), LOOKS_APPROVE);
    assert_int_equal(looks_numbers(w->l, &count)[0], 2);
    world_end(w);
    free(w);
}

static void what_asks_for_no_approval_gets_none(void **state) {
    (void)state;
    world *w = keel_alloc(sizeof *w);
    world_begin(w, 24, 80);
    unlocked(w);
    world_add(w, 1, "unknown", "a", "x.y.write", 3);
    world_add(w, 2, "stuck", "a", "x.y.write", 3);
    world_add(w, 3, "question", "a", "", 3);
    world_update(w);
    world_draw(w);
    later(w);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(world_key(w, KEY_TEXT, "a"), LOOKS_NOTHING);
        assert_int_equal(world_key(w, KEY_TEXT, "A"), LOOKS_NOTHING);
        assert_int_equal(world_key(w, KEY_TEXT, "d"), LOOKS_NOTHING);
        assert_int_equal(world_key(w, KEY_TEXT, "e"), LOOKS_NOTHING);
        assert_false(world_shows(w, "A approve"));
        assert_int_equal(world_key(w, KEY_TEXT, "w"), LOOKS_WHY);
        world_key(w, KEY_TEXT, "n");
        later(w);
    }
    world_end(w);
    free(w);
}

/* ---- questions ---- */

static world *asking(size_t choices, size_t lines) {
    world *w = keel_alloc(sizeof *w);
    world_begin(w, 24, 80);
    world_item *i = world_add(w, 1, "question", "buyer", "", lines);
    i->choices = choices;
    world_update(w);
    world_draw(w);
    return w;
}

static void a_question_is_answered_by_the_key_of_a_choice(void **state) {
    (void)state;
    world *w = asking(3, 4);
    size_t count;
    assert_true(world_shows(w, "question: buyer") || world_shows(w, "1-3 answer"));
    assert_int_equal(world_key(w, KEY_TEXT, "2"), LOOKS_NOTHING);
    assert_true(world_shows(w, "only just come"));
    later(w);
    assert_int_equal(world_key(w, KEY_TEXT, "4"), LOOKS_NOTHING);
    assert_true(world_shows(w, "no choice of that number"));
    assert_int_equal(world_key(w, KEY_TEXT, "0"), LOOKS_NOTHING);
    assert_int_equal(world_key(w, KEY_TEXT, "2"), LOOKS_ANSWER); /* and no passphrase is asked */
    assert_int_equal(looks_numbers(w->l, &count)[0], 1);
    assert_int_equal(count, 1);
    assert_int_equal(looks_choice(w->l), 2);
    world_tell(w, "answered");
    world_draw(w);
    assert_true(world_shows(w, "1 answered."));
    assert_int_equal(looks_left(w->l), 0);
    world_end(w);
    free(w);
}

static void a_question_is_answered_by_what_is_typed(void **state) {
    (void)state;
    world *w = asking(0, 4);
    later(w);
    assert_int_equal(world_key(w, KEY_TEXT, "1"), LOOKS_NOTHING);
    assert_true(world_shows(w, "It has no choices"));
    assert_int_equal(world_key(w, KEY_ENTER, ""), LOOKS_NOTHING);
    assert_true(world_shows(w, "Your answer to 1: "));
    assert_int_equal(world_type(w, "aqA1 "), LOOKS_NOTHING); /* letters here, and no keys */
    assert_int_equal(world_key(w, KEY_ESCAPE, ""), LOOKS_NOTHING);
    assert_true(world_shows(w, "Nothing was answered."));
    world_key(w, KEY_ENTER, "");
    assert_int_equal(world_key(w, KEY_ENTER, ""), LOOKS_NOTHING); /* nothing is no answer */
    world_key(w, KEY_ENTER, "");
    world_type(w, "the second");
    assert_true(world_shows(w, "the second"));
    assert_int_equal(world_key(w, KEY_ENTER, ""), LOOKS_ANSWER);
    assert_string_equal(looks_typed(w->l), "the second");
    assert_int_equal(looks_choice(w->l), 0);
    world_end(w);
    free(w);
}

static void a_question_is_read_before_it_is_answered(void **state) {
    (void)state;
    world *w = asking(2, 30);
    later(w);
    assert_int_equal(world_key(w, KEY_TEXT, "1"), LOOKS_NOTHING);
    assert_true(world_shows(w, "read on"));
    assert_int_equal(world_key(w, KEY_ENTER, ""), LOOKS_NOTHING);
    assert_false(world_shows(w, "Your answer"));
    world_key(w, KEY_TEXT, " ");
    later(w);
    assert_int_equal(world_key(w, KEY_TEXT, "1"), LOOKS_ANSWER);
    w->items[1].open = false; /* it has expired meanwhile */
    world_update(w);
    world_draw(w);
    assert_int_equal(world_key(w, KEY_TEXT, "1"), LOOKS_NOTHING);
    assert_true(world_shows(w, "gone meanwhile"));
    world_end(w);
    free(w);
}

static void only_questions_are_answered(void **state) {
    static const char *const kinds[] = {"approval", "unknown", "stuck"};
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        world *w = keel_alloc(sizeof *w);
        world_begin(w, 24, 80);
        unlocked(w);
        world_add(w, 1, kinds[i], "a", "x.y.write", 3);
        world_update(w);
        world_draw(w);
        later(w);
        assert_int_equal(world_key(w, KEY_TEXT, "1"), LOOKS_NOTHING);
        assert_true(world_shows(w, "asks no question"));
        assert_int_equal(world_key(w, KEY_ENTER, ""), LOOKS_NOTHING);
        world_end(w);
        free(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_was_on_the_screen_is_approved),
        cmocka_unit_test(what_only_just_came_on_the_screen_is_not_approved),
        cmocka_unit_test(a_long_body_needs_all_its_pages),
        cmocka_unit_test(the_last_page_alone_is_not_enough),
        cmocka_unit_test(the_passphrase_is_asked_once_and_never_shown),
        cmocka_unit_test(giving_up_at_the_prompt_approves_nothing),
        cmocka_unit_test(what_changes_at_the_prompt_is_left_out),
        cmocka_unit_test(a_denial_takes_a_reason),
        cmocka_unit_test(what_is_left_out_stays_out),
        cmocka_unit_test(what_asks_for_no_approval_gets_none),
        cmocka_unit_test(a_question_is_answered_by_the_key_of_a_choice),
        cmocka_unit_test(a_question_is_answered_by_what_is_typed),
        cmocka_unit_test(a_question_is_read_before_it_is_answered),
        cmocka_unit_test(only_questions_are_answered),
    };
    return cmocka_run_group_tests_name("looks", tests, NULL, NULL);
}
