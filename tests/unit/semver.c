/* Order and matching of versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "library.h"

/* In their order, each below the next. */
static const char *const ordered[] = {
    "0.0.1-0",       "0.0.1",          "0.1.0",         "0.9.9",        "0.10.0",
    "1.0.0-1",       "1.0.0-2",        "1.0.0-10",      "1.0.0-alpha",  "1.0.0-alpha.1",
    "1.0.0-alpha.2", "1.0.0-alpha.10", "1.0.0-alpha.a", "1.0.0-alphab", "1.0.0-beta",
    "1.0.0-rc-1",    "1.0.0",          "1.0.0+a",       "1.0.0+b",      "1.0.1",
    "1.2.0",         "1.10.0",         "2.0.0",         "10.0.0",       "100000000.0.0",
};

static void orders_versions(void **state) {
    (void)state;
    size_t n = sizeof ordered / sizeof *ordered;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < n; k++) {
            int order = semver_compare(ordered[i], ordered[k]);
            if ((order > 0) - (order < 0) != (i > k) - (i < k)) {
                fail_msg("%s and %s: %d", ordered[i], ordered[k], order);
            }
        }
    }
}

static void knows_a_prerelease(void **state) {
    (void)state;
    assert_true(semver_prerelease("1.0.0-rc.1"));
    assert_true(semver_prerelease("1.0.0-rc.1+b"));
    assert_false(semver_prerelease("1.0.0"));
    assert_false(semver_prerelease("1.0.0+a-b"));
}

static void matches_what_is_wanted(void **state) {
    (void)state;
    static const struct {
        const char *version, *wanted;
        bool yes;
    } cases[] = {
        {"1.4.2", "1", true},
        {"1.4.2", "1.4", true},
        {"1.4.2", "1.4.2", true},
        {"1.4.2", "1.4.20", false},
        {"1.4.20", "1.4.2", false},
        {"14.0.0", "1", false},
        {"1.40.0", "1.4", false},
        {"2.0.0", "1", false},
        {"1.4.2+x", "1.4.2", true},
        {"1.4.2-rc.1", "1.4.2", false},
        {"1.4.2-rc.1", "1.4", true},
        {"1.4.2-rc.1", "1", true},
        {"1.4.2-rc.1", "1.4.2-rc", false},
        {"1.4.2-rc.1", "1.4.2-rc.1", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (semver_matches(cases[i].version, cases[i].wanted) != cases[i].yes) {
            fail_msg("%s for %s", cases[i].version, cases[i].wanted);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_versions),
        cmocka_unit_test(knows_a_prerelease),
        cmocka_unit_test(matches_what_is_wanted),
    };
    return cmocka_run_group_tests_name("semver", tests, NULL, NULL);
}
