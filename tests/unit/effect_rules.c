/* The machine of effects as its users were promised it: the diagram of the design, walked; and what
 * each class makes of a lost answer, as a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "effect_table.h"
#include "rules.h"

/* Every walk of the diagram: record names in order, the state they lead to; "!": the last one is
 * refused. */
static const struct {
    const char *walk[8];
    const char *state;
} walks[] = {
    {{"effect.denied"}, "denied"},
    {{"effect.waiting", "effect.rejected"}, "rejected"},
    {{"effect.waiting", "effect.expired"}, "expired"},
    {{"effect.waiting", "approval.edited", "approval.given", "effect.intended"}, "intended"},
    {{"effect.waiting", "effect.stale", "effect.waiting"}, "waiting"},
    {{"effect.intended", "effect.done"}, "done"},
    {{"effect.intended", "effect.not_done"}, "not_done"},
    {{"effect.intended", "effect.retry", "effect.intended"}, "intended"},
    {{"effect.intended", "effect.unknown", "effect.reconciling", "effect.done"}, "done"},
    {{"effect.intended", "effect.unknown", "effect.reconciling", "effect.unknown"}, "unknown"},
    {{"effect.intended", "effect.unknown", "effect.done"}, "done"},
    {{"effect.intended", "effect.retry", "effect.waiting"}, "waiting"},
    {{"spawn", "effect.compensating", "effect.compensated"}, "compensated"},
    {{"effect.intended", "effect.done", "effect.compensating", "compensation.unknown",
      "effect.compensated"},
     "compensated"},
    {{"effect.intended", "effect.done", "effect.compensating", "compensation.failed",
      "effect.compensating"},
     "compensating"},
    {{"effect.intended", "effect.not_done", "effect.reopened", "effect.intended"}, "intended"},
    {{"effect.intended", "effect.done", "effect.rechecked"}, "done"},
    /* what must never happen */
    {{"effect.intended", "effect.intended"}, "!"},
    {{"effect.intended", "effect.unknown", "effect.intended"}, "!"},
    {{"effect.intended", "effect.unknown", "effect.retry"}, "!"},
    {{"effect.intended", "effect.reconciling"}, "!"},
    {{"effect.intended", "effect.done", "effect.intended"}, "!"},
    {{"effect.intended", "effect.done", "effect.not_done"}, "!"},
    {{"effect.intended", "effect.done", "effect.reopened"}, "!"},
    {{"effect.intended", "effect.unknown", "effect.reopened"}, "!"},
    {{"effect.intended", "effect.unknown", "effect.compensating"}, "!"},
    {{"effect.intended", "effect.not_done", "effect.compensating"}, "!"},
    {{"effect.intended", "effect.not_done", "effect.intended"}, "!"},
    {{"effect.denied", "effect.intended"}, "!"},
    {{"effect.waiting", "effect.rejected", "effect.intended"}, "!"},
    {{"effect.waiting", "effect.expired", "approval.given"}, "!"},
    {{"effect.waiting", "effect.stale", "approval.given"}, "!"},
    {{"effect.intended", "effect.done", "effect.compensating", "effect.compensated",
      "effect.compensating"},
     "!"},
    {{"effect.intended", "effect.done", "effect.compensating", "effect.compensating"}, "!"},
    {{"effect.done"}, "!"},
    {{"effect.retry"}, "!"},
    {{"effect.unknown"}, "!"},
};

static record_kind kind_named(const char *name) {
    for (int k = 1; k < RECORD_KIND_MAX; k++) {
        const char *n = record_kind_name((record_kind)k);
        if (n && !strcmp(n, name)) {
            return (record_kind)k;
        }
    }
    fail_msg("there is no record %s", name);
    return (record_kind)0;
}

static void the_diagram_holds(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof walks / sizeof *walks; i++) {
        effect_state s = EFFECT_NONE;
        size_t at = 0;
        for (; at < 8 && walks[i].walk[at] && s != EFFECT_STATES; at++) {
            s = effect_next(s, kind_named(walks[i].walk[at]));
        }
        const char *last = walks[i].walk[at - 1];
        const char *got = s == EFFECT_STATES ? "!" : effect_state_name(s);
        bool whole = at == 8 || !walks[i].walk[at];
        if (strcmp(got, walks[i].state) || !whole) {
            fail_msg("walk %zu at %s: %s instead of %s", i, last, got, walks[i].state);
        }
    }
}

/* What is over stays so, except that a person takes it back, reopens it or has it looked at. */
static void what_is_over_stays(void **state) {
    (void)state;
    for (int s = 0; s < EFFECT_STATES; s++) {
        assert_int_equal(effect_state_named(effect_state_name((effect_state)s)), s);
        for (int k = 1; k < RECORD_KIND_MAX && effect_is_over((effect_state)s); k++) {
            effect_state next = effect_next((effect_state)s, (record_kind)k);
            assert_true(next == EFFECT_STATES || k == RECORD_EFFECT_COMPENSATING ||
                        k == RECORD_EFFECT_REOPENED || k == RECORD_EFFECT_RECHECKED);
            assert_true(next == EFFECT_STATES || effect_moves((record_kind)k));
        }
    }
    assert_int_equal(effect_state_named("finished"), EFFECT_STATES);
    assert_int_equal(effect_next(EFFECT_STATES, RECORD_EFFECT_DONE), EFFECT_STATES);
    assert_false(effect_moves(RECORD_STEP));
}

#define H (3600 * INT64_C(1000000))

typedef effect_step rule(const effect_facts *f);

static const struct {
    const char *name;
    rule *rule;
    effect_facts facts;
    effect_step step;
} cases[] = {
    {"a read is tried again", rules_lost, {.class = CLASS_READ, .attempt = 4}, STEP_RETRY},
    {"and five times at most", rules_lost, {.class = CLASS_READ, .attempt = 5}, STEP_NOT_DONE},
    {"policy says otherwise",
     rules_lost,
     {.class = CLASS_READ, .attempt = 5, .limit = 9},
     STEP_RETRY},
    {"or less", rules_lost, {.class = CLASS_READ, .attempt = 2, .limit = 2}, STEP_NOT_DONE},
    {"harmless, twenty times", rules_lost, {.class = CLASS_REPEATABLE, .attempt = 19}, STEP_RETRY},
    {"then nobody knows", rules_lost, {.class = CLASS_REPEATABLE, .attempt = 20}, STEP_ASK},
    {"once is once", rules_lost, {.class = CLASS_ONCE, .attempt = 1, .limit = 9}, STEP_ASK},
    {"our own is never lost", rules_lost, {.class = CLASS_LOCAL, .attempt = 1}, STEP_ASK},
    {"a key, young",
     rules_lost,
     {.class = CLASS_KEYED,
      .attempt = 99,
      .now_us = 9 * H,
      .opened_us = 2 * H,
      .window_us = 10 * H},
     STEP_RETRY},
    {"a key at 0.8 of its window",
     rules_lost,
     {.class = CLASS_KEYED,
      .attempt = 1,
      .now_us = 10 * H,
      .opened_us = 2 * H,
      .window_us = 10 * H},
     STEP_LOOK},
    {"a key that policy lets be tried thrice",
     rules_lost,
     {.class = CLASS_KEYED, .attempt = 3, .limit = 3, .window_us = 10 * H},
     STEP_LOOK},
    {"look at once", rules_lost, {.class = CLASS_CHECKABLE, .attempt = 1}, STEP_LOOK},
    {"look when it has settled",
     rules_lost,
     {.class = CLASS_CHECKABLE, .settle_us = 1},
     STEP_LOOK_LATER},
    {"refused", rules_refused, {.class = CLASS_ONCE, .attempt = 4}, STEP_RETRY},
    {"refused for good", rules_refused, {.class = CLASS_ONCE, .attempt = 5}, STEP_NOT_DONE},
    {"refused, but an earlier one may have been applied",
     rules_refused,
     {.class = CLASS_ONCE, .attempt = 5, .maybe_applied = true},
     STEP_ASK},
    {"the same with a key",
     rules_refused,
     {.class = CLASS_KEYED, .attempt = 5, .maybe_applied = true},
     STEP_LOOK},
    {"given up before it was sent", rules_give_up, {.class = CLASS_CHECKABLE}, STEP_NOT_DONE},
    {"given up when it may be there",
     rules_give_up,
     {.class = CLASS_CHECKABLE, .maybe_applied = true},
     STEP_LOOK},
    {"harmless, given up",
     rules_give_up,
     {.class = CLASS_REPEATABLE, .maybe_applied = true},
     STEP_ASK},
    {"a read is never unknown",
     rules_give_up,
     {.class = CLASS_READ, .maybe_applied = true},
     STEP_NOT_DONE},
};

static void each_class_keeps_its_promise(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        effect_step got = cases[i].rule(&cases[i].facts);
        if (got != cases[i].step) {
            fail_msg("%s: step %d instead of %d", cases[i].name, (int)got, (int)cases[i].step);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_diagram_holds),
        cmocka_unit_test(what_is_over_stays),
        cmocka_unit_test(each_class_keeps_its_promise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
