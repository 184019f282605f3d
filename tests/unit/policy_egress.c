/* `egress`: which addresses a policy leaves to a connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy.h"

static const policy_source files[] = {
    {"policies/a.yaml",
     "version: 1\n"
     "egress:\n"
     "  - { on: billing, to: [\"https://api.example/v1\", \"https://*.example.org\"] }\n"
     "  - { on: [\"mail_*\", desk], to: imaps://mail.example }\n"
     "  - { on: cut_off, to: [] }\n",
     0},
    {"policies/b.yaml",
     "version: 1\n"
     "egress:\n"
     "  - { on: \"b*\", to: [\"https://files.example:8443\"] }\n"
     "  - { on: \"mail_?\", to: [\"smtps://mail.example\"] }\n",
     0},
    {"policies/c.yaml", "version: 1\negress: []\n", 0},
};
#define FILES (sizeof files / sizeof *files)

static policy *compile(void) {
    policy_source all[FILES];
    policy *p = NULL;
    diag d = {0};
    for (size_t i = 0; i < FILES; i++) {
        all[i] = files[i];
        all[i].len = strlen(files[i].text);
    }
    if (policy_compile(&p, all, FILES, NULL, NULL, NULL, &d) != 0) {
        fail_msg("%s:%d: %s", d.file, d.line, d.what);
    }
    return p;
}

static void gather(void *ctx, const char *pattern, const char *file, int line) {
    keel_buf_printf(ctx, "%s %s:%d;", pattern, file, line);
}

static const struct {
    const char *connection;
    bool spoken;
    const char *patterns;
} cases[] = {
    {"billing", true,
     "https://api.example/v1 policies/a.yaml:3;https://*.example.org policies/a.yaml:3;"
     "https://files.example:8443 policies/b.yaml:3;"},
    {"b", true, "https://files.example:8443 policies/b.yaml:3;"},
    {"mail_1", true,
     "imaps://mail.example policies/a.yaml:4;smtps://mail.example policies/b.yaml:4;"},
    {"mail_12", true, "imaps://mail.example policies/a.yaml:4;"},
    {"desk", true, "imaps://mail.example policies/a.yaml:4;"},
    {"cut_off", true, ""},
    {"inbox", false, ""},
    {"mail", false, ""},
    {"", false, ""},
};

static void entries_add_up(void **state) {
    (void)state;
    policy *p = compile();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        keel_buf out = KEEL_BUF_INIT;
        keel_buf_puts(&out, "");
        bool spoken = policy_egress(p, cases[i].connection, gather, &out);
        if (spoken != cases[i].spoken || strcmp(out.data ? out.data : "", cases[i].patterns) != 0) {
            fail_msg("%s: %d %s", cases[i].connection, spoken, out.data);
        }
        assert_int_equal(policy_egress(p, cases[i].connection, NULL, NULL), cases[i].spoken);
        keel_buf_free(&out);
    }
    policy_destroy(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_add_up),
    };
    digest_init();
    return cmocka_run_group_tests_name("policy_egress", tests, NULL, NULL);
}
