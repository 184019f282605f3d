/* The inbox view under keys at random, while items come, go and change and the window takes any size:
 * whatever is approved stood on the screen, line by line, as it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "looks_world.h"

#define STEPS 2000

static uint32_t seed;

static uint32_t any(uint32_t below) {
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

static const struct {
    key_code code;
    const char *text;
} pool[] = {
    {KEY_TEXT, " "},   {KEY_TEXT, " "},    {KEY_TEXT, " "}, {KEY_TEXT, " "},  {KEY_TEXT, "a"},
    {KEY_TEXT, "a"},   {KEY_TEXT, "A"},    {KEY_TEXT, "A"}, {KEY_TEXT, "j"},  {KEY_TEXT, "k"},
    {KEY_DOWN, ""},    {KEY_UP, ""},       {KEY_TAB, ""},   {KEY_TEXT, "n"},  {KEY_TEXT, "p"},
    {KEY_PAGE_UP, ""}, {KEY_TEXT, "x"},    {KEY_TEXT, "u"}, {KEY_TEXT, "d"},  {KEY_TEXT, "e"},
    {KEY_TEXT, "w"},   {KEY_TEXT, "?"},    {KEY_END, ""},   {KEY_HOME, ""},   {KEY_ENTER, ""},
    {KEY_ESCAPE, ""},  {KEY_PASTE, "A"},   {KEY_TEXT, "q"}, {KEY_REDRAW, ""}, {KEY_BACKSPACE, ""},
    {KEY_CLEAR, ""},   {KEY_BACK_TAB, ""},
};

static const struct {
    size_t rows, columns;
} sizes[] = {{5, 20}, {8, 20}, {10, 40}, {12, 40}, {24, 80}, {40, 120}, {60, 200}, {3, 10}};

static void come_and_go(world *w) {
    int64_t n = 1 + any(WORLD_ITEMS);
    static const char *const kinds[] = {"approval", "approval", "approval", "unknown", "stuck"};
    static const char *const agents[] = {"correspondent", "bookkeeper", "a"};
    if (!w->items[n].open && any(3)) {
        world_item *i = world_add(w, n, kinds[any(5)], agents[any(3)], "inbox.message.write",
                                  any(20) ? 1 + any(any(4) ? 6 : WORLD_LINES) : 0);
        i->wide = any(3) == 0;
        i->most = any(12);
        w->shared_ms[n] = 0;
    } else if (w->items[n].open && any(2)) {
        world_changed(w, n);
    } else {
        w->items[n].open = false;
    }
    world_update(w);
}

static void decide(world *w) {
    static const char *const outcomes[] = {"approved", "approved", "stale", "denied", "gone"};
    world_check_batch(w);
    if (any(8) == 0) {
        looks_failed(w->l, "Keel ended.", "", 0);
        return;
    }
    world_tell(w, outcomes[any(5)]);
}

static void change_here(world *w) {
    size_t count;
    int64_t n = looks_numbers(w->l, &count)[0];
    if (w->items[n].open) {
        world_changed(w, n);
        looks_changed(w->l, n, w->items[n].digest);
    }
}

static size_t act(world *w, looks_action a) {
    size_t count;
    switch (a) {
    case LOOKS_UNLOCK:
        if (looks_unlocked(w->l, any(3) != 0, any(3) == 0) == LOOKS_APPROVE) {
            decide(w);
            return 1;
        }
        return 0;
    case LOOKS_APPROVE:
        decide(w);
        return 1;
    case LOOKS_DENY:
        looks_numbers(w->l, &count);
        assert_int_equal(count, 1);
        assert_true(looks_typed(w->l)[0] != 0);
        world_tell(w, "denied");
        return 0;
    case LOOKS_EDIT:
        change_here(w);
        return 0;
    default:
        return 0;
    }
}

static size_t live(uint32_t life, size_t steps) {
    world *w = keel_alloc(sizeof *w);
    size_t approvals = 0;
    seed = life;
    world_begin(w, sizes[life % 7].rows, sizes[life % 7].columns);
    for (int i = 0; i < 40; i++) {
        come_and_go(w);
    }
    world_draw(w);
    for (size_t i = 0; i < steps; i++) {
        size_t k = any(sizeof pool / sizeof *pool);
        w->now_ms += any(2 * LOOKS_DWELL_MS);
        if (any(12) == 0) {
            come_and_go(w);
            if (any(2)) {
                world_draw(w);
            }
        }
        if (any(60) == 0) {
            size_t s = any(sizeof sizes / sizeof *sizes);
            world_resize(w, sizes[s].rows, sizes[s].columns);
            world_draw(w);
        }
        if (world_shows(w, "give up") && any(3) == 0) {
            approvals += act(w, world_key(w, KEY_ENTER, ""));
        }
        if (world_shows(w, " close") && any(3) == 0) {
            world_key(w, KEY_ESCAPE, "");
        }
        approvals += act(w, world_key(w, pool[k].code, pool[k].text));
        world_draw(w);
    }
    world_end(w);
    free(w);
    return approvals;
}

static void nothing_is_approved_that_was_not_on_the_screen(void **state) {
    (void)state;
    size_t approvals = 0;
    for (uint32_t life = 0; life < 21; life++) {
        approvals += live(life, STEPS);
    }
    print_message("%zu approvals\n", approvals);
    assert_true(approvals > 200); /* else this has shown little */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_approved_that_was_not_on_the_screen),
    };
    return cmocka_run_group_tests_name("looks_random", tests, NULL, NULL);
}
