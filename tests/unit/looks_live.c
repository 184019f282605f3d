/* The inbox view while items come, go, change and fail; keys that are none; and the whole of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "looks_world.h"

static const struct {
    size_t rows, columns;
} sizes[] = {{5, 20},  {8, 20},   {10, 40},  {12, 40},  {24, 80},  {20, 200},
             {40, 12}, {40, 120}, {16, 110}, {60, 200}, {50, 100}, {4, 80}};
#define SIZES (sizeof sizes / sizeof *sizes)

static void later(world *w) {
    w->now_ms += LOOKS_DWELL_MS;
}

static void unlocked(world *w) {
    looks_no_passphrase(w->l);
}

/* ---- what comes and goes ---- */

static void what_comes_in_moves_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        world *w = keel_alloc(sizeof *w);
        world_begin(w, sizes[i].rows, sizes[i].columns);
        unlocked(w);
        for (int64_t n = 1; n <= 12; n++) {
            world_add(w, n, "approval", n < 7 ? "a" : "b", "x.y.write", 4);
        }
        world_update(w);
        world_draw(w);
        char *before[64];
        for (size_t r = 0; r < w->screen_rows; r++) {
            before[r] = keel_strdup(w->screen[r].data);
        }
        for (int64_t n = 13; n <= 20; n++) {
            world_add(w, n, "approval", n < 16 ? "a" : "c", "x.y.write", 4);
        }
        world_update(w);
        world_draw(w);
        for (size_t r = 0; r < w->screen_rows; r++) {
            const char *a = strchr(before[r], '<'), *b = strchr(w->screen[r].data, '<');
            assert_int_equal(a != NULL, b != NULL);
            if (a && b) {
                assert_int_equal(a - before[r], b - w->screen[r].data);
                assert_string_equal(a, b);
            }
            free(before[r]);
        }
        world_end(w);
        free(w);
    }
}

static void what_comes_in_joins_no_batch(void **state) {
    (void)state;
    world *w = keel_alloc(sizeof *w);
    size_t count;
    world_begin(w, 50, 100);
    unlocked(w);
    for (int64_t n = 1; n <= 3; n++) {
        world_add(w, n, "approval", "a", "x.y.write", 3);
    }
    world_update(w);
    world_draw(w);
    later(w);
    world_add(w, 4, "approval", "a", "x.y.write", 3);
    world_update(w);
    world_draw(w);
    assert_true(world_shows(w, "1 came in meanwhile"));
    assert_int_equal(world_key(w, KEY_TEXT, "A"), LOOKS_APPROVE);
    looks_numbers(w->l, &count);
    assert_int_equal(count, 3);
    world_tell(w, "approved");
    world_draw(w); /* its turn comes after */
    assert_true(world_shows(w, "<0080"));
    world_end(w);
    free(w);
}

static void what_goes_is_marked_and_not_approved(void **state) {
    (void)state;
    world *w = keel_alloc(sizeof *w);
    size_t count;
    world_begin(w, 40, 80);
    unlocked(w);
    for (int64_t n = 1; n <= 3; n++) {
        world_add(w, n, "approval", "a", "x.y.write", 3);
    }
    world_update(w);
    world_draw(w);
    later(w);
    w->items[2].open = false;
    world_update(w);
    world_draw(w);
    assert_true(world_shows(w, " - <0040"));
    assert_true(world_shows(w, "1 went meanwhile"));
    assert_int_equal(world_key(w, KEY_TEXT, "A"), LOOKS_APPROVE);
    looks_numbers(w->l, &count);
    assert_int_equal(count, 2);
    world_end(w);
    free(w);
}

static void a_changed_body_has_to_be_seen_again(void **state) {
    (void)state;
    world *w = keel_alloc(sizeof *w);
    world_begin(w, 12, 80);
    unlocked(w);
    world_add(w, 1, "approval", "a", "x.y.write", 10);
    world_update(w);
    world_draw(w);
    world_key(w, KEY_TEXT, " ");
    later(w);
    assert_true(world_shows(w, "approve it"));
    world_changed(w, 1); /* edited here */
    looks_changed(w->l, 1, w->items[1].digest);
    world_update(w);
    world_draw(w);
    later(w);
    assert_int_equal(world_key(w, KEY_TEXT, "a"), LOOKS_NOTHING);
    world_key(w, KEY_HOME, "");
    world_key(w, KEY_TEXT, " ");
    later(w);
    assert_int_equal(world_key(w, KEY_TEXT, "a"), LOOKS_APPROVE);
    world_check_batch(w);
    world_end(w);
    free(w);
}

static void what_went_badly_is_told_at_the_end(void **state) {
    (void)state;
    world *w = keel_alloc(sizeof *w);
    keel_buf summary = KEEL_BUF_INIT;
    world_begin(w, 24, 100);
    unlocked(w);
    for (int64_t n = 1; n <= 3; n++) {
        world_add(w, n, "approval", "a", "x.y.write", 2);
    }
    world_update(w);
    world_draw(w);
    later(w);
    assert_int_equal(world_key(w, KEY_TEXT, "a"), LOOKS_APPROVE);
    looks_outcome(w->l, 1, "approved", "", 0);
    looks_outcome(w->l, 2, "denied", "the budget day is used up", 0);
    looks_outcome(w->l, 3, "stale", "", 0);
    looks_settled(w->l);
    world_draw(w);
    assert_true(world_shows(w, "1 approved, 1 denied by policy or budget, 1 stale: why"));
    assert_true(world_shows(w, "the budget day is used up"));
    looks_summary(w->l, &summary);
    assert_non_null(strstr(summary.data,
                           "1 approved, 1 denied by policy or budget, 1 stale, 0 left.\n"
                           "2  denied by policy or budget"));
    keel_buf_free(&summary);
    world_end(w);
    free(w);
}

static void when_nothing_is_known_all_stays(void **state) {
    (void)state;
    world *w = keel_alloc(sizeof *w);
    world_begin(w, 24, 80);
    unlocked(w);
    world_add(w, 1, "approval", "a", "x.y.write", 2);
    world_update(w);
    world_draw(w);
    later(w);
    assert_int_equal(world_key(w, KEY_TEXT, "a"), LOOKS_APPROVE);
    looks_failed(w->l, "Keel ended\033[31m before it answered.", "Start it.", 0);
    looks_warn(w->l, "Keel is not running.");
    world_draw(w);
    assert_true(world_shows(w, "Keel ended\\u{1b}[31m before it answered. Start it."));
    assert_int_equal(looks_left(w->l), 1);
    looks_failed(w->l, "number 1 is closed", "look again", 0); /* as the kernel writes */
    world_draw(w);
    assert_true(world_shows(w, "number 1 is closed. look again"));
    world_key(w, KEY_DOWN, "");
    assert_true(world_shows(w, "Keel is not running."));
    world_end(w);
    free(w);
}

/* ---- keys that are none ---- */

static void a_paste_decides_nothing(void **state) {
    (void)state;
    world *w = keel_alloc(sizeof *w);
    world_begin(w, 24, 80);
    unlocked(w);
    world_add(w, 1, "approval", "a", "x.y.write", 2);
    world_update(w);
    world_draw(w);
    later(w);
    for (const char *p = "aAdexwnq ?"; *p; p++) {
        char one[2] = {*p, 0};
        assert_int_equal(world_key(w, KEY_PASTE, one), LOOKS_NOTHING);
        assert_true(world_shows(w, "What is pasted is no key"));
    }
    world_end(w);
    free(w);
}

static void help_lies_over_the_screen(void **state) {
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        world *w = keel_alloc(sizeof *w);
        world_begin(w, sizes[i].rows, sizes[i].columns);
        unlocked(w);
        world_add(w, 1, "approval", "a", "x.y.write", 1);
        world_update(w);
        world_key(w, KEY_TEXT, "?");
        later(w);
        assert_int_equal(world_key(w, KEY_TEXT, "a"), LOOKS_NOTHING);
        for (int page = 0; page < 60; page++) {
            world_key(w, KEY_TEXT, " ");
        }
        assert_int_equal(world_key(w, KEY_TEXT, "q"), LOOKS_NOTHING);
        assert_int_equal(world_key(w, KEY_TEXT, "q"), LOOKS_QUIT);
        world_end(w);
        free(w);
    }
}

/* ---- the whole, at a pace that a person can keep ---- */

static void a_hundred_in_twelve_groups_take_sixty_keys(void **state) {
    (void)state;
    world *w = keel_alloc(sizeof *w);
    size_t approved = 0, count;
    world_begin(w, 50, 100);
    unlocked(w);
    for (int64_t n = 1; n <= 100; n++) {
        char agent[16];
        snprintf(agent, sizeof agent, "agent-%d", (int)(n % 12));
        world_add(w, n, "approval", agent, "inbox.message.write", 9);
    }
    world_update(w);
    world_draw(w);
    while (looks_left(w->l) && w->keys < 100) {
        later(w);
        if (!world_shows(w, "A approve")) {
            world_key(w, KEY_TEXT, " ");
            continue;
        }
        assert_int_equal(world_key(w, KEY_TEXT, "A"), LOOKS_APPROVE);
        world_check_batch(w);
        looks_numbers(w->l, &count);
        approved += count;
        world_tell(w, "approved");
        world_draw(w);
    }
    assert_int_equal(approved, 100);
    assert_true(w->keys <= 60);
    assert_true(world_shows(w, "nothing needs you"));
    world_end(w);
    free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_in_moves_nothing),
        cmocka_unit_test(what_comes_in_joins_no_batch),
        cmocka_unit_test(what_goes_is_marked_and_not_approved),
        cmocka_unit_test(a_changed_body_has_to_be_seen_again),
        cmocka_unit_test(what_went_badly_is_told_at_the_end),
        cmocka_unit_test(when_nothing_is_known_all_stays),
        cmocka_unit_test(a_paste_decides_nothing),
        cmocka_unit_test(help_lies_over_the_screen),
        cmocka_unit_test(a_hundred_in_twelve_groups_take_sixty_keys),
    };
    return cmocka_run_group_tests_name("looks_live", tests, NULL, NULL);
}
