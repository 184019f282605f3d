/* Policies that are refused, each with its place and a remedy. */
#ifndef POLICY_BAD_H
#define POLICY_BAD_H

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

typedef struct bad_policy {
    const char *text;
    int line, column;
    const char *says, *next; /* parts of what is wrong, and of what to do */
} bad_policy;

static inline void all_are_refused(const bad_policy *bad, size_t count) {
    policy_world world = test_world();
    int failed = 0;
    for (size_t i = 0; i < count; i++) {
        policy_source source = {"p.yaml", bad[i].text, strlen(bad[i].text)};
        policy *p = NULL;
        diag d = {0};
        int rc = policy_compile(&p, &source, 1, &world, NULL, NULL, &d);
        if (rc != DIAG_USAGE || p || d.line != bad[i].line || d.column != bad[i].column ||
            !strstr(d.what, bad[i].says) || !strstr(d.next, bad[i].next) || !d.next[0] ||
            strcmp(d.file, "p.yaml") != 0) {
            print_error("%d at %d:%d: %s | %s\n%s\n", rc, d.line, d.column, d.what, d.next,
                        bad[i].text);
            failed++;
        }
        policy_destroy(p);
    }
    test_world_free(&world);
    assert_int_equal(failed, 0);
}

#endif
