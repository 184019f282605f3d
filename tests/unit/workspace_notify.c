/* keel.yaml: `notify`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "notify_check.h"
#include "workspace.h"
#include "workspace_place.h"

#define TOLD "version: 1\nnotify:\n"
#define ONE  TOLD "  phone: "

static void reads_the_ways(void **state) {
    place *p = *state;
    workspace *w;
    setenv("HOME", "/home/ada", 1);
    place_put(p, "keel.yaml",
              TOLD
              "  phone: { command: [/bin/push, --title, Keel 1, 7], input: json, timeout: 5s }\n"
              "  desk: { desktop: true }\n"
              "  me: { mail: { to: me+keel@studio.example } }\n"
              "  Other.1: { mail: { to: a@b, from: c@d, program: [~/bin/msmtp, -a, x] } }\n");
    assert_int_equal(workspace_load(&w, p->root, NULL), 0);
    assert_int_equal(w->notifier_count, 4);
    const workspace_notifier *t = workspace_notifier_named(w, "phone");
    assert_int_equal(t->way, NOTIFY_COMMAND);
    assert_int_equal(t->argc, 4);
    assert_string_equal(t->argv[2], "Keel 1");
    assert_string_equal(t->argv[3], "7");
    assert_null(t->argv[4]);
    assert_true(t->json);
    assert_int_equal(t->timeout_us, 5000000);
    assert_int_equal(t->line, 3);
    assert_int_equal(t->column, 3);
    t = workspace_notifier_named(w, "desk");
    assert_int_equal(t->way, NOTIFY_DESKTOP);
    assert_int_equal(t->timeout_us, 30000000);
    t = workspace_notifier_named(w, "me");
    assert_int_equal(t->way, NOTIFY_MAIL);
    assert_string_equal(t->to, "me+keel@studio.example");
    assert_null(t->from);
    assert_string_equal(t->argv[0], "/usr/sbin/sendmail");
    t = workspace_notifier_named(w, "Other.1");
    assert_string_equal(t->from, "c@d");
    assert_string_equal(t->argv[0], "/home/ada/bin/msmtp");
    assert_int_equal(t->argc, 3);
    assert_null(workspace_notifier_named(w, "nobody"));
    workspace_destroy(w);
}

static const struct {
    const char *text;
    int line, column;
    const char *what, *next;
} refusals[] = {
    {"version: 1\nnotify: []\n", 2, 9, "`notify` is a map from 1 to 16 names", "desktop: true"},
    {"version: 1\nnotify: {}\n", 2, 9, "`notify` is a map from 1 to 16 names", "desktop: true"},
    {"version: 1\nnotify: phone\n", 2, 9, "`notify` is a map from 1 to 16 names", "desktop: true"},
    {TOLD "  -phone: { desktop: true }\n", 3, 3, "cannot be the name of a notifier", "`phone`"},
    {TOLD "  my phone: { desktop: true }\n", 3, 3, "cannot be the name of a notifier", "`phone`"},
    {ONE "/bin/push\n", 3, 10, "a notifier is a map with one way", "command: [/usr"},
    {ONE "{}\n", 3, 3, "`phone` has no one way to tell", "command: [/usr"},
    {ONE "{ command: [/a], desktop: true }\n", 3, 3, "`phone` has no one way", "command: [/usr"},
    {ONE "{ timeout: 5s }\n", 3, 3, "`phone` has no one way to tell", "command: [/usr"},
    {ONE "{ comand: [/a] }\n", 3, 12, "comand", "command"},
    {ONE "{ command: /a }\n", 3, 21, "`command` is a list", "no shell"},
    {ONE "{ command: [] }\n", 3, 21, "`command` is a list", "no shell"},
    {ONE "{ command: [push] }\n", 3, 22, "has no whole path", "no shell"},
    {ONE "{ command: [./push] }\n", 3, 22, "has no whole path", "no shell"},
    {ONE "{ command: [/a, [b]] }\n", 3, 26, "an argument is one text", "no shell"},
    {ONE "{ command: [/a, \"b\\0c\"] }\n", 3, 26, "", ""},
    {ONE "{ command: [/a], input: xml }\n", 3, 34, "`input` is text or json", "json"},
    {ONE "{ desktop: true, input: json }\n", 3, 34, "`input` is for a command", "Remove"},
    {ONE "{ command: [/a], timeout: 61s }\n", 3, 36, "from 1s to 60s", "30s"},
    {ONE "{ command: [/a], timeout: 0s }\n", 3, 36, "from 1s to 60s", "30s"},
    {ONE "{ desktop: false }\n", 3, 21, "`desktop` is true", "desktop: true"},
    {ONE "{ desktop: DISPLAY }\n", 3, 21, "`desktop` is true", "desktop: true"},
    {ONE "{ mail: me@studio.example }\n", 3, 18, "`mail` is a map with `to`", "me@studio.example"},
    {ONE "{ mail: { from: a@b } }\n", 3, 18, "`to` is one address", "me@studio.example"},
    {ONE "{ mail: { to: me } }\n", 3, 24, "`to` is one address", "me@studio.example"},
    {ONE "{ mail: { to: \"a@b, c@d\" } }\n", 3, 24, "`to` is one address", "me@studio"},
    {ONE "{ mail: { to: \"-oQ/tmp@b\" } }\n", 3, 24, "`to` is one address", "me@studio"},
    {ONE "{ mail: { to: \"a@b\\nBcc: c@d\" } }\n", 3, 24, "`to` is one address", "me@studio"},
    {ONE "{ mail: { to: a@b, from: \"x y@b\" } }\n", 3, 35, "`from` is one address", "me@studio"},
    {ONE "{ mail: { to: a@b, program: [sendmail] } }\n", 3, 39, "has no whole path", "no shell"},
    {ONE "{ mail: { to: a@b, cc: c@d } }\n", 3, 29, "cc", ""},
};

static void refuses_with_the_place(void **state) {
    place *p = *state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        workspace *w = NULL;
        diag d = {0};
        place_put(p, "keel.yaml", refusals[i].text);
        int rc = workspace_load(&w, p->root, &d);
        assert_null(w);
        if (rc != DIAG_USAGE || d.line != refusals[i].line || d.column != refusals[i].column ||
            !strstr(d.what, refusals[i].what) || !strstr(d.next, refusals[i].next)) {
            fail_msg("%s => %d %s:%d:%d: %s | %s", refusals[i].text, rc, d.file, d.line, d.column,
                     d.what, d.next);
        }
    }
}

/* ---- what can be said of it without using it ---- */

static const struct {
    mode_t mode; /* 0: it is not there */
    const char *why;
} programs[] = {
    {0755, NULL},
    {0700, NULL},
    {0775, NULL},
    {0757, "everybody may write to it (chmod o-w)"},
    {0644, "it may not be run (chmod +x)"},
    {0, "No such file or directory"},
};

static void says_what_would_not_start(void **state) {
    place *p = *state;
    char *argv[] = {keel_strdup(place_at(p, "push")), NULL};
    workspace_notifier t = {.name = argv[0], .argv = argv, .argc = 1};
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        keel_buf why = KEEL_BUF_INIT;
        remove(argv[0]);
        if (programs[i].mode) {
            place_put(p, "push", "#!/bin/sh\n");
            assert_int_equal(chmod(argv[0], programs[i].mode), 0);
        }
        assert_int_equal(notify_wrong(&t, &why), programs[i].why != NULL);
        if (programs[i].why && (!strstr(why.data, programs[i].why) || !strstr(why.data, argv[0]))) {
            fail_msg("%s", why.data);
        }
        keel_buf_free(&why);
    }
    free(argv[0]);
}

static void finds_the_desktops_program(void **state) {
    place *p = *state;
    workspace_notifier t = {.name = "desk", .way = NOTIFY_DESKTOP};
    keel_buf path = KEEL_BUF_INIT, why = KEEL_BUF_INIT;
    keel_buf_printf(&path, "relative::%s", p->root);
    setenv("PATH", path.data, 1);
    assert_true(notify_wrong(&t, &why));
    assert_non_null(strstr(why.data, "no notify-send in PATH"));
    place_put(p, "notify-send", "#!/bin/sh\n");
    assert_int_equal(chmod(place_at(p, "notify-send"), 0755), 0);
    assert_false(notify_wrong(&t, &why));
    assert_true(notify_find("notify-send", &path));
    assert_string_equal(path.data, place_at(p, "notify-send"));
    keel_buf_free(&path);
    keel_buf_free(&why);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, place_set_up, place_tear_down)
        CASE(reads_the_ways),
        CASE(refuses_with_the_place),
        CASE(says_what_would_not_start),
        CASE(finds_the_desktops_program),
    };
    return cmocka_run_group_tests_name("workspace_notify", tests, NULL, NULL);
}
