/* `retries` and `breakers`: which entry decides, and what holds without any. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy.h"

#define MS  1000LL
#define SEC (1000 * MS)

static const char first_file[] = "version: 1\n"
                                 "retries:\n"
                                 "  - { on: \"*.*.read\", max: 7, first: 1s, cap: 2m }\n"
                                 "  - { on: \"desk.*\", max: 4 }\n"
                                 "  - { on: desk.note.write, max: 9, first: 20s }\n"
                                 "  - { on: [\"a*.*\", \"bank.*\"], cap: 100ms }\n"
                                 "breakers:\n"
                                 "  - { on: \"inbox.*\", open_at: 50%, of: 20, for: 5m }\n"
                                 "  - { on: \"*\", open_at: 34%, of: 3, for: 10s }\n"
                                 "  - { on: [bank, \"mail_*\"], open_at: 100% }\n";
static const char second_file[] = "version: 1\n"
                                  "retries:\n"
                                  "  - { on: \"desk.*\", max: 3, first: 500ms }\n"
                                  "  - { on: \"bank.*\", max: 3 }\n"
                                  "  - { on: \"chat.*\", max: 2, first: 2s }\n"
                                  "  - { on: \"chat.*\", max: 2, first: 1s }\n"
                                  "  - { on: \"shop.*\", first: 2s, cap: 4s }\n"
                                  "  - { on: \"shop.*\", first: 2s, cap: 5s }\n"
                                  "  - { on: \"late.*\", first: 5m }\n"
                                  "breakers:\n"
                                  "  - { on: bank, open_at: 50%, of: 2 }\n"
                                  "  - { on: chat, open_at: 1%, of: 50, for: 1s }\n"
                                  "  - { on: chat, open_at: 2%, of: 50, for: 1h }\n"
                                  "  - { on: shop, open_at: 50%, of: 4, for: 2s }\n"
                                  "  - { on: shop, open_at: 50%, of: 10, for: 4s }\n"
                                  "  - { on: shop, open_at: 50%, of: 4, for: 3s }\n";

/* in either order of files: nothing follows from it */
static policy *compile(bool turned) {
    policy_source files[] = {{"policies/a.yaml", first_file, sizeof first_file - 1},
                             {"policies/b.yaml", second_file, sizeof second_file - 1}};
    policy_source other[] = {files[1], files[0]};
    policy *p = NULL;
    diag d = {0};
    if (policy_compile(&p, turned ? other : files, 2, NULL, NULL, NULL, &d) != 0) {
        fail_msg("%s:%d: %s", d.file, d.line, d.what);
    }
    return p;
}

static const struct {
    const char *target;
    policy_retrying says;
} retried[] = {
    {"other.note.write", {0, 250 * MS, 120 * SEC}}, /* nothing speaks */
    {"other.note.read", {7, SEC, 120 * SEC}},
    {"desk.note.read", {3, 500 * MS, 120 * SEC}},   /* ties with "*.*.read": the stricter */
    {"desk.other.write", {3, 500 * MS, 120 * SEC}}, /* of two for desk, in two files */
    {"desk.note.write", {9, 20 * SEC, 120 * SEC}},  /* spells out most, and is laxer */
    {"archive.x.write", {0, 100 * MS, 100 * MS}},   /* a cap below the usual first */
    {"bank.x.write", {3, 250 * MS, 120 * SEC}},     /* as long as the other for bank */
    {"chat.x.write", {2, 2 * SEC, 120 * SEC}},
    {"shop.x.write", {0, 2 * SEC, 5 * SEC}},
    {"late.x.write", {0, 300 * SEC, 300 * SEC}}, /* a first beyond the usual cap */
    {"", {0, 250 * MS, 120 * SEC}},
};

static const struct {
    const char *connection;
    policy_breaking says;
} broken[] = {
    {"inbox", {10, 20, 300 * SEC}}, {"other", {2, 3, 10 * SEC}}, /* 34% of 3, rounded up */
    {"mail_1", {20, 20, 60 * SEC}}, {"bank", {1, 2, 60 * SEC}},  /* 50% is stricter than 100% */
    {"chat", {1, 50, 3600 * SEC}},                               /* 1% of 50 is one, as 2% is */
    {"shop", {2, 4, 3 * SEC}},                                   /* fewer, then longer */
};

static void one_entry_decides(void **state) {
    (void)state;
    for (int turned = 0; turned < 2; turned++) {
        policy *p = compile(turned);
        for (size_t i = 0; i < sizeof retried / sizeof *retried; i++) {
            policy_retrying r = policy_retry(p, retried[i].target);
            const policy_retrying *w = &retried[i].says;
            if (r.max != w->max || r.first_us != w->first_us || r.cap_us != w->cap_us) {
                fail_msg("%s: %u, %lld us, %lld us", retried[i].target, r.max,
                         (long long)r.first_us, (long long)r.cap_us);
            }
        }
        for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
            policy_breaking b = policy_breaker(p, broken[i].connection);
            const policy_breaking *w = &broken[i].says;
            if (b.open_at != w->open_at || b.of != w->of || b.for_us != w->for_us) {
                fail_msg("%s: %u of %u, %lld us", broken[i].connection, b.open_at, b.of,
                         (long long)b.for_us);
            }
        }
        policy_destroy(p);
    }
}

static void without_entries(void **state) {
    (void)state;
    static const char text[] = "version: 1\nretries: []\nbreakers: []\n";
    policy_source file = {"p.yaml", text, sizeof text - 1};
    policy *p = NULL;
    diag d = {0};
    assert_int_equal(policy_compile(&p, &file, 1, NULL, NULL, NULL, &d), 0);
    policy_retrying r = policy_retry(p, "inbox.message.write");
    policy_breaking b = policy_breaker(p, "inbox");
    assert_int_equal(r.max, 0);
    assert_int_equal(r.first_us, 250 * MS);
    assert_int_equal(r.cap_us, 120 * SEC);
    assert_int_equal(b.open_at, 10);
    assert_int_equal(b.of, 20);
    assert_int_equal(b.for_us, 60 * SEC);
    policy_destroy(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_entry_decides),
        cmocka_unit_test(without_entries),
    };
    digest_init();
    return cmocka_run_group_tests_name("policy_retry", tests, NULL, NULL);
}
