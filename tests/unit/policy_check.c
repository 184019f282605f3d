/* What `keel policy check` is told: all faults of all files, each once and where it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy.h"
#include "policy_world.h"

#define V "version: 1\n"
#define R V "rules:\n"

/* Every place and the beginning of what is said there, one a line. */
typedef struct heard {
    keel_buf faults;
    int count, warnings;
} heard;

static void fault(void *ctx, const diag *d) {
    heard *h = ctx;
    assert_true(d->what[0] && d->next[0]);
    keel_buf_printf(&h->faults, "%s%s:%d:%d", h->count++ ? " " : "", d->file, d->line, d->column);
}

static void warned(void *ctx, const diag *d) {
    (void)d;
    ((heard *)ctx)->warnings++;
}

static const struct {
    const char *a, *b; /* the files; b may be NULL */
    const char *faults;
} cases[] = {
    {V, NULL, ""},
    /* each entry stands for itself */
    {R "  - {id: a, no: x}\n  - {id: b, on: c1.*, ask: {}}\n  - {on: c1.*}\n", NULL,
     "a:3:13 a:5:5"},
    {R "  - x\n  - y\nbudgets:\n  - z\negress: [1]\nretries: [2]\nbreakers: [3]\n", NULL,
     "a:3:5 a:4:5 a:6:5 a:7:10 a:8:11 a:9:12"},
    {V "rules: {}\nbudgets: {}\n", NULL, "a:2:8 a:3:10"},
    /* keys of the file, its version, its defaults */
    {"rulse: []\ngrants: []\nbudget: []\nrules: [x]\n", NULL, "a:1:1 a:2:1 a:3:1 a:1:1 a:4:9"},
    {V "defaults: {effect: allow}\nrules: [x]\n", NULL, "a:2:20 a:3:9"},
    /* names */
    {R "  - {id: a, on: c9.*, ask: {}}\n  - {id: b, on: c1.*, agents: [x], ask: {}}\n", NULL,
     "a:3:17 a:4:32"},
    /* a list is used in the other file, and a rule that failed does not take a name */
    {V "lists: {own: [x]}\n", R "  - {id: a, on: c1.*, allow: {x: {in: $own}}}\n", ""},
    {R "  - {id: a, on: x, ask: {}}\n", R "  - {id: a, on: c1.*, ask: {}}\n", "a:3:17"},
    {R "  - {id: a, on: c1.*, ask: {}}\n", R "  - {id: a, on: c1.*, ask: {}}\n", "b:3:10"},
    /* a faulty list is told once, however many rules name it */
    {V "lists: {l: [1, x], m: 5}\n",
     R "  - {id: a, on: c1.*, allow: {x: {in: $l}}}\n  - {id: b, on: c1.*, deny: {x: {in: $l}}}\n",
     "a:2:16 a:2:23"},
    /* what a file that is no YAML would have named is not missed, and what it has not is */
    {"version: 1\nlists: {own: [x\n", R "  - {id: a, on: c1.*, allow: {x: {in: $own}}}\n",
     "a:2:14"},
    {"version: 1\nlists: {own: [x\n", R "  - {id: a, on: c1, ask: {}}\n", "a:2:14 b:3:17"},
    {V "rules: &x []\n", V "rules: *x\n", "a:2:8 b:2:8"},
};

static void tells_all_faults(void **state) {
    (void)state;
    policy_world world = test_world();
    int failed = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        policy_source files[] = {{"a", cases[i].a, strlen(cases[i].a)}, {"b", cases[i].b, 0}};
        files[1].len = cases[i].b ? strlen(cases[i].b) : 0;
        heard h = {KEEL_BUF_INIT, 0, 0};
        keel_buf_puts(&h.faults, "");
        policy_listener to = {fault, warned, &h};
        policy *p = NULL;
        diag d = {0};
        int rc = policy_check(&p, files, cases[i].b ? 2 : 1, &world, &to, &d);
        bool first = h.count == 0 || (d.line > 0 && rc == DIAG_USAGE && !p);
        if (strcmp(h.faults.data, cases[i].faults) != 0 || !first || (h.count == 0) != (rc == 0)) {
            print_error("%d: \"%s\", wanted \"%s\"\n%s%s", rc, h.faults.data, cases[i].faults,
                        cases[i].a, cases[i].b ? cases[i].b : "");
            failed++;
        }
        policy_destroy(p);
        keel_buf_free(&h.faults);
    }
    test_world_free(&world);
    assert_int_equal(failed, 0);
}

/* d has the first, whatever comes after it. */
static void the_first_fault_is_kept(void **state) {
    (void)state;
    static const char text[] = R "  - {id: a, no: x}\n  - {id: b, neither: y}\n";
    policy_source source = {"p", text, sizeof text - 1};
    heard h = {KEEL_BUF_INIT, 0, 0};
    policy_listener to = {fault, warned, &h};
    policy *p = NULL;
    diag d = {0};
    assert_int_equal(policy_check(&p, &source, 1, NULL, &to, &d), DIAG_USAGE);
    assert_int_equal(h.count, 2);
    assert_int_equal(d.line, 3);
    assert_non_null(strstr(d.what, "\"no\""));
    keel_buf_free(&h.faults);
}

/* A file of nothing but faults ends, and does not bury whoever reads. */
static void there_is_an_end(void **state) {
    (void)state;
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_puts(&text, R);
    for (int i = 0; i < 3 * POLICY_FAULTS; i++) {
        keel_buf_puts(&text, "  - x\n");
    }
    policy_source source = {"p", text.data, text.len};
    heard h = {KEEL_BUF_INIT, 0, 0};
    policy_listener to = {fault, warned, &h};
    policy *p = NULL;
    assert_int_equal(policy_check(&p, &source, 1, NULL, &to, NULL), DIAG_USAGE);
    assert_int_equal(h.count, POLICY_FAULTS);
    keel_buf_free(&h.faults);
    keel_buf_free(&text);
}

/* Where something is wrong, what would be said of rules that were not read is not said. */
static void warnings_wait_for_the_faults(void **state) {
    (void)state;
    static const char good[] =
        R "  - {id: a, on: \"*.*.write\", deny: {}}\n  - {id: b, on: c1.r1.write, ask: {}}\n";
    static const char bad[] = R
        "  - {id: a, on: \"*.*.write\", deny: {}}\n  - {id: b, on: c1.r1.write, ask: {}}\n  - x\n";
    policy_world world = test_world();
    for (int i = 0; i < 2; i++) {
        policy_source source = {"p", i ? bad : good, i ? sizeof bad - 1 : sizeof good - 1};
        heard h = {KEEL_BUF_INIT, 0, 0};
        policy_listener to = {fault, warned, &h};
        policy *p = NULL;
        assert_int_equal(policy_check(&p, &source, 1, &world, &to, NULL), i ? DIAG_USAGE : 0);
        assert_int_equal(h.warnings, i ? 0 : 1);
        policy_destroy(p);
        keel_buf_free(&h.faults);
    }
    test_world_free(&world);
}

/* ---- whom a step tells ---- */

#define STEP(to)                                                                                   \
    R "  - {id: a, on: c1.*, ask: {}, approval: {escalate: [{after: 1h, notify: " to "}]}}\n"

static const struct {
    const char *to;
    bool named; /* keel.yaml has `notify` */
    int warnings;
    const char *fault, *next; /* "": none */
} told[] = {
    {STEP("phone"), true, 0, "", ""},
    {STEP("operator"), true, 0, "", ""},
    {STEP("phon"), true, 0, "escalate: there is no notifier \"phon\"", "Did you mean \"phone\"?"},
    {STEP("operater"), true, 0, "escalate: there is no notifier", "Did you mean \"operator\"?"},
    {STEP("zzz"), true, 0, "escalate: there is no notifier \"zzz\"", "keel notify list"},
    {STEP("phone"), false, 1, "", ""}, /* the log and the inbox tell it all the same */
    {STEP("operator"), false, 0, "", ""},
    {R "  - {id: a, on: c1.*, ask: {}, approval: {escalate: [{after: 1h}]}}\n", false, 0, "", ""},
};

static void knows_who_can_be_told(void **state) {
    static const char *const names[] = {"desk", "phone"};
    (void)state;
    policy_world world = test_world();
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        policy_source source = {"p", told[i].to, strlen(told[i].to)};
        heard h = {KEEL_BUF_INIT, 0, 0};
        policy_listener to = {fault, warned, &h};
        policy *p = NULL;
        diag d = {0};
        world.notifiers = told[i].named ? names : NULL;
        world.notifier_count = told[i].named ? 2 : 0;
        int rc = policy_check(&p, &source, 1, &world, &to, &d);
        bool refused = *told[i].fault != 0;
        if ((rc == DIAG_USAGE) != refused || h.warnings != told[i].warnings ||
            (refused && (!strstr(d.what, told[i].fault) || !strstr(d.next, told[i].next) ||
                         d.line != 3 || d.column != 74))) {
            fail_msg("%s => %d, %d warnings, %d:%d %s | %s", told[i].to, rc, h.warnings, d.line,
                     d.column, d.what, d.next);
        }
        policy_destroy(p);
        keel_buf_free(&h.faults);
    }
    test_world_free(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_all_faults),      cmocka_unit_test(the_first_fault_is_kept),
        cmocka_unit_test(there_is_an_end),       cmocka_unit_test(warnings_wait_for_the_faults),
        cmocka_unit_test(knows_who_can_be_told),
    };
    digest_init();
    return cmocka_run_group_tests_name("policy_check", tests, NULL, NULL);
}
