/* The layout of the ABI, against the offsets that were frozen with each minor: while a minor
 * stands, no member of it moves. And the header alone: no other include is needed (this one is
 * first). */
#include "keel/plugin.h"

#include "keel/ask.h"
#include "keel/effect.h"
#include "keel/spawn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MEMBER(type, member)                                                                       \
    { #type "." #member, offsetof(type, member) }
#define WHOLE(type)                                                                                \
    { "sizeof " #type, sizeof(type) }

static const struct {
    const char *name;
    size_t value;
} now[] = {
    MEMBER(keel_span, data),
    MEMBER(keel_span, len),
    WHOLE(keel_span),
    MEMBER(keel_host, size),
    MEMBER(keel_host, abi_major),
    MEMBER(keel_host, abi_minor),
    MEMBER(keel_host, ctx),
    MEMBER(keel_host, log),
    MEMBER(keel_host, alloc),
    MEMBER(keel_host, scratch),
    MEMBER(keel_host, reply),
    MEMBER(keel_host, cost),
    MEMBER(keel_host, fail),
    MEMBER(keel_host, cancelled),
    MEMBER(keel_host, get_service),
    WHOLE(keel_host),
    MEMBER(keel_request, size),
    MEMBER(keel_request, flags),
    MEMBER(keel_request, resource),
    MEMBER(keel_request, body),
    MEMBER(keel_request, key),
    MEMBER(keel_request, outcome),
    MEMBER(keel_request, deadline_ns),
    MEMBER(keel_request, attempt),
    MEMBER(keel_request, mode),
    WHOLE(keel_request),
    MEMBER(keel_connector, size),
    MEMBER(keel_connector, reserved),
    MEMBER(keel_connector, prepare),
    MEMBER(keel_connector, create),
    MEMBER(keel_connector, destroy),
    MEMBER(keel_connector, read),
    MEMBER(keel_connector, write),
    MEMBER(keel_connector, reconcile),
    MEMBER(keel_connector, compensate),
    WHOLE(keel_connector),
    MEMBER(keel_plugin, magic),
    MEMBER(keel_plugin, size),
    MEMBER(keel_plugin, abi_major),
    MEMBER(keel_plugin, abi_minor),
    MEMBER(keel_plugin, kind),
    MEMBER(keel_plugin, id),
    MEMBER(keel_plugin, version),
    MEMBER(keel_plugin, connector),
    MEMBER(keel_plugin, agent),
    WHOLE(keel_plugin),
    MEMBER(keel_run_request, size),
    MEMBER(keel_run_request, reserved),
    MEMBER(keel_run_request, run),
    MEMBER(keel_run_request, input),
    MEMBER(keel_run_request, previous),
    WHOLE(keel_run_request),
    MEMBER(keel_agent, size),
    MEMBER(keel_agent, reserved),
    MEMBER(keel_agent, prepare),
    MEMBER(keel_agent, create),
    MEMBER(keel_agent, destroy),
    MEMBER(keel_agent, run),
    WHOLE(keel_agent),
    MEMBER(keel_outcome, size),
    MEMBER(keel_outcome, reserved),
    MEMBER(keel_outcome, ok),
    MEMBER(keel_outcome, code),
    MEMBER(keel_outcome, rule),
    MEMBER(keel_outcome, why),
    MEMBER(keel_outcome, state),
    MEMBER(keel_outcome, run),
    WHOLE(keel_outcome),
    MEMBER(keel_effect_options, size),
    MEMBER(keel_effect_options, reserved),
    MEMBER(keel_effect_options, why),
    MEMBER(keel_effect_options, evidence),
    WHOLE(keel_effect_options),
    MEMBER(keel_effect, size),
    MEMBER(keel_effect, reserved),
    MEMBER(keel_effect, ctx),
    MEMBER(keel_effect, read),
    MEMBER(keel_effect, write),
    MEMBER(keel_effect, spawn),
    MEMBER(keel_effect, wait),
    MEMBER(keel_effect, receive),
    MEMBER(keel_effect, sleep),
    MEMBER(keel_effect, now),
    MEMBER(keel_effect, random),
    MEMBER(keel_effect, step),
    MEMBER(keel_effect, step_done),
    MEMBER(keel_effect, log),
    MEMBER(keel_effect, continue_with),
    WHOLE(keel_effect),
};

#define COUNT (sizeof now / sizeof *now)

static size_t place_of(const char *name) {
    size_t i = 0;
    while (i < COUNT && strcmp(now[i].name, name) != 0) {
        i++;
    }
    return i;
}

/* Each member that a minor had stands where it stood then. How many it had. */
static size_t compare_with(const char *path) {
    char line[120];
    size_t seen = 0;
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        char *end = strrchr(line, ' ');
        assert_non_null(end);
        *end = '\0';
        size_t i = place_of(line);
        if (i == COUNT || strtoul(end + 1, NULL, 10) != now[i].value) {
            fail_msg("%s: %s was %s", path, line, end + 1);
        }
        seen++;
    }
    fclose(f);
    return seen;
}

static void frozen_offsets(void **state) {
    (void)state;
    assert_int_equal(compare_with(KEEL_FROZEN "/0.1/offsets.txt"), 46);
    assert_int_equal(compare_with(KEEL_FROZEN "/0.2/offsets.txt"), COUNT); /* all that there is */
}

/* keel.ask/1 came after the minor was frozen, under a name of its own: it is held to its revision. */
static void layout_of_ask(void **state) {
    (void)state;
    assert_string_equal(KEEL_ASK_SERVICE, "keel.ask/1");
    assert_int_equal(offsetof(keel_question, size), 0);
    assert_int_equal(offsetof(keel_question, text), 8);
    assert_int_equal(offsetof(keel_question, kind), 16);
    assert_int_equal(offsetof(keel_question, choices), 24);
    assert_int_equal(offsetof(keel_question, expires_us), 40);
    assert_int_equal(offsetof(keel_question, fallback), 48);
    assert_int_equal(offsetof(keel_question, why), 64);
    assert_int_equal(offsetof(keel_question, evidence), 72);
    assert_int_equal(sizeof(keel_question), 88);
    assert_int_equal(offsetof(keel_ask, size), 0);
    assert_int_equal(offsetof(keel_ask, ctx), 8);
    assert_int_equal(offsetof(keel_ask, ask), 16);
    assert_int_equal(sizeof(keel_ask), 24);
}

/* So did keel.spawn/1. */
static void layout_of_spawn(void **state) {
    (void)state;
    assert_string_equal(KEEL_SPAWN_SERVICE, "keel.spawn/1");
    assert_int_equal(offsetof(keel_spawn_options, size), 0);
    assert_int_equal(offsetof(keel_spawn_options, quarantine), 4);
    assert_int_equal(offsetof(keel_spawn_options, key), 8);
    assert_int_equal(offsetof(keel_spawn_options, returns), 16);
    assert_int_equal(sizeof(keel_spawn_options), 32);
    assert_int_equal(offsetof(keel_spawn, size), 0);
    assert_int_equal(offsetof(keel_spawn, ctx), 8);
    assert_int_equal(offsetof(keel_spawn, spawn), 16);
    assert_int_equal(sizeof(keel_spawn), 24);
}

static void numbers(void **state) {
    (void)state;
    assert_int_equal(KEEL_ABI_MAJOR, 0);
    assert_int_equal(KEEL_ABI_MINOR, 2);
    assert_memory_equal(&(uint32_t){KEEL_ABI_MAGIC}, "KEEL", 4);
}

static void has(void **state) {
    (void)state;
    keel_connector c = {.size = sizeof c, .create = NULL};
    assert_false(KEEL_HAS(&c, keel_connector, read));
    c.read = (keel_status(*)(void *, keel_call *, const keel_request *))(void (*)(void))numbers;
    assert_true(KEEL_HAS(&c, keel_connector, read));
    c.size =
        offsetof(keel_connector, read); /* an older struct: what lies behind it is not its own */
    assert_false(KEEL_HAS(&c, keel_connector, read));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frozen_offsets),
        cmocka_unit_test(layout_of_ask),
        cmocka_unit_test(layout_of_spawn),
        cmocka_unit_test(numbers),
        cmocka_unit_test(has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
