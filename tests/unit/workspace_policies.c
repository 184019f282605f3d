/* Which files of policies/ count, and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "workspace.h"
#include "workspace_place.h"

#define V "version: 1\n"

static void reads_policies_in_order(void **state) {
    place *p = *state;
    place_put(p, "keel.yaml", V);
    workspace *w;
    assert_int_equal(workspace_load(&w, p->root, NULL), 0);
    workspace_policy *list = NULL;
    size_t count = 9;
    assert_int_equal(workspace_policies(w, &list, &count, NULL), 0);
    assert_int_equal(count, 0);
    workspace_policies_free(list, count);
    place_put(p, "policies/b.yaml", "b: 1\n");
    place_put(p, "policies/a.yaml", "");
    place_put(p, "policies/README.md", "words");
    place_put(p, "policies/.hidden.yaml", "x");
    place_put(p, "policies/b.yaml~", "x");
    assert_int_equal(workspace_policies(w, &list, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_string_equal(list[0].file, "policies/a.yaml");
    assert_int_equal(list[0].text.len, 0);
    assert_string_equal(list[1].file, "policies/b.yaml");
    assert_string_equal(list[1].text.data, "b: 1\n");
    workspace_policies_free(list, count);
    workspace_destroy(w);
}

static void refuses_policies_that_would_not_count(void **state) {
    place *p = *state;
    place_put(p, "keel.yaml", V);
    place_put(p, "policies/a.yaml", "a: 1\n");
    place_put(p, "policies/limits.yml", "b: 1\n");
    workspace *w;
    assert_int_equal(workspace_load(&w, p->root, NULL), 0);
    workspace_policy *list = NULL;
    size_t count = 9;
    diag d = {0};
    assert_int_equal(workspace_policies(w, &list, &count, &d), DIAG_USAGE);
    assert_null(list);
    assert_int_equal(count, 9);
    assert_non_null(strstr(d.what, "policies/limits.yml would not be read"));
    assert_non_null(strstr(d.next, "policies/limits.yaml"));
    unlink(place_at(p, "policies/limits.yml"));
    static const char *const unread[] = {"policies/b.YAML", "policies/c.Yml",
                                         "policies/mail/d.yaml", "policies/mail/e.yml"};
    for (size_t i = 0; i < sizeof unread / sizeof *unread; i++) {
        place_put(p, unread[i], "b: 1\n");
        assert_int_equal(workspace_policies(w, &list, &count, &d), DIAG_USAGE);
        assert_non_null(strstr(d.what, unread[i]));
        assert_non_null(strstr(d.what, "would not be read"));
        unlink(place_at(p, unread[i]));
    }
    place_put(p, "policies/tests/cases.yaml", "b: 1\n");
    place_put(p, "policies/mail/notes.md", "words");
    place_put(p, "policies/mail/.d.yaml", "x");
    assert_int_equal(workspace_policies(w, &list, &count, &d), 0);
    assert_int_equal(count, 1);
    workspace_policies_free(list, count);
    assert_int_equal(mkdir(place_at(p, "policies/folder.yaml"), 0755), 0);
    assert_int_equal(workspace_policies(w, &list, &count, &d), DIAG_USAGE);
    assert_non_null(strstr(d.what, "folder.yaml"));
    workspace_destroy(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, place_set_up, place_tear_down)
        CASE(reads_policies_in_order),
        CASE(refuses_policies_that_would_not_count),
    };
    return cmocka_run_group_tests_name("workspace_policies", tests, NULL, NULL);
}
