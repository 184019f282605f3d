/* The layout of the ABI, against the offsets that were frozen with each minor: while a minor
 * stands, no member of it moves. And the header alone: no other include is needed (this one is
 * first). */
#include "keel/plugin.h"

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
};

#define COUNT (sizeof now / sizeof *now)

static void frozen_offsets(void **state) {
    char line[120];
    size_t seen = 0;
    (void)state;
    FILE *f = fopen(KEEL_FROZEN "/offsets.txt", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        char *end = strrchr(line, ' ');
        assert_non_null(end);
        *end = '\0';
        assert_true(seen < COUNT);
        assert_string_equal(line, now[seen].name);
        assert_int_equal(strtoul(end + 1, NULL, 10), now[seen].value);
        seen++;
    }
    fclose(f);
    assert_int_equal(seen, COUNT);
}

static void numbers(void **state) {
    (void)state;
    assert_int_equal(KEEL_ABI_MAJOR, 0);
    assert_int_equal(KEEL_ABI_MINOR, 1);
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
        cmocka_unit_test(numbers),
        cmocka_unit_test(has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
