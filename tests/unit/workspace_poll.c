/* keel.yaml: `poll` of a connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "workspace.h"
#include "workspace_place.h"

#define INBOX                                                                                      \
    "version: 1\nconnections:\n"                                                                   \
    "  inbox: { use: com.x@1, poll: "

static void reads_what_is_polled(void **state) {
    place *p = *state;
    workspace *w;
    place_put(p, "keel.yaml", INBOX "{ message: 1s, note: 1d } }\n  out: { use: com.y@1 }\n");
    assert_int_equal(workspace_load(&w, p->root, NULL), 0);
    const workspace_connection *c = w->connections;
    assert_int_equal(c[0].poll_count, 2);
    assert_string_equal(c[0].polls[0].resource, "message");
    assert_int_equal(c[0].polls[0].every_us, 1000000);
    assert_int_equal(c[0].polls[0].line, 3);
    assert_int_equal(c[0].polls[0].column, 34);
    assert_string_equal(c[0].polls[1].resource, "note");
    assert_int_equal(c[0].polls[1].every_us, 86400000000);
    assert_int_equal(c[1].poll_count, 0);
    workspace_destroy(w);
}

static const struct {
    const char *text;
    int column;
    const char *what, *next;
} refusals[] = {
    {INBOX "60s }\n", 32, "`poll` is a map", "poll: { message: 60s }"},
    {INBOX "{} }\n", 32, "`poll` is a map", "poll: { message: 60s }"},
    {INBOX "[message] }\n", 32, "`poll` is a map", "poll: { message: 60s }"},
    {INBOX "{ Mail: 60s } }\n", 34, "\"Mail\" cannot be the name", "connector show"},
    {INBOX "{ m: 0s } }\n", 37, "how often `m` is polled", "poll: { m: 60s }"},
    {INBOX "{ m: 999ms } }\n", 37, "between 1s and 1d", "poll: { m: 60s }"},
    {INBOX "{ m: 25h } }\n", 37, "between 1s and 1d", "poll: { m: 60s }"},
    {INBOX "{ m: often } }\n", 37, "between 1s and 1d", "poll: { m: 60s }"},
    {INBOX "{ m: { every: 1s } } }\n", 37, "between 1s and 1d", "poll: { m: 60s }"},
};

static void refuses_with_the_place(void **state) {
    place *p = *state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        workspace *w = NULL;
        diag d = {0};
        place_put(p, "keel.yaml", refusals[i].text);
        int rc = workspace_load(&w, p->root, &d);
        assert_null(w);
        if (rc != DIAG_USAGE || d.line != 3 || d.column != refusals[i].column ||
            !strstr(d.what, refusals[i].what) || !strstr(d.next, refusals[i].next) ||
            strcmp(d.file, place_at(p, "keel.yaml")) != 0) {
            fail_msg("%s => %d %s:%d:%d: %s | %s", refusals[i].text, rc, d.file, d.line, d.column,
                     d.what, d.next);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, place_set_up, place_tear_down)
        CASE(reads_what_is_polled),
        CASE(refuses_with_the_place),
    };
    return cmocka_run_group_tests_name("workspace_poll", tests, NULL, NULL);
}
