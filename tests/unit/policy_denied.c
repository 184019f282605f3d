/* What is said of what nothing lets through: why it was denied, and that a role can not do it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy.h"
#include "policy_world.h"

static policy *make(const char *text, const policy_world *world) {
    policy *p = NULL;
    diag d = {0};
    policy_source file = {"policies/p.yaml", text, strlen(text)};
    if (policy_compile(&p, &file, 1, world, NULL, NULL, &d)) {
        diag_print(stderr, &d);
        fail();
    }
    return p;
}

/* Three that deny and a guard stand before it, and yet the rule that could have allowed is told. */
static void what_could_have_let_it_through_is_told(void **state) {
    (void)state;
    policy_world world = test_world();
    policy *p = make("version: 1\nrules:\n"
                     "  - { id: d1, on: \"c1.r1.*\", deny: { x: 1 } }\n"
                     "  - { id: d2, on: \"c1.r1.*\", deny: { x: 2 } }\n"
                     "  - { id: d3, on: \"c1.r1.*\", deny: { x: 3 } }\n"
                     "  - { id: g, on: \"*\", when: { tainted: true }, ask: {}, guard: true }\n"
                     "  - { id: small, on: \"c1.r1.write\", allow: { x: { lt: 9 } } }\n",
                     &world);
    attr_set *set = attr_set_create();
    keel_buf args = KEEL_BUF_INIT, out = KEEL_BUF_INIT;
    keel_buf_puts(&args, "{\"x\":10}");
    attr_set_fill(set, manifest_find(world.connections[0].plugin, "r1"),
                  keel_json_view(args.data, args.len));
    policy_query q = {.agent = "a", .target = "c1.r1.write", .class = CLASS_ONCE};
    q.attrs = attr_set_list(set, &q.attr_count);
    policy_decision d;
    policy_decide(p, &q, &d);
    policy_explain(p, &q, &d, &out);
    assert_int_equal(d.verdict, POLICY_DENY);
    assert_non_null(strstr(out.data, "is silent: x is 10, not below 9; rule d1"));
    keel_buf_free(&args);
    keel_buf_free(&out);
    attr_set_destroy(set);
    policy_destroy(p);
    test_world_free(&world);
}

/* What rules only deny nobody lets through, and it is nothing that a role can do; a read is let by what is
 * built in. */
static void what_is_only_denied_can_not_be_done(void **state) {
    (void)state;
    policy_world world = test_world();
    policy *p =
        make("version: 1\nrules:\n"
             "  - { id: few, on: \"inbox.message.write\", deny: { recipients: { gt: 3 } } }\n"
             "  - { id: no-x, on: \"c1.r1.*\", deny: { x: 1 } }\n"
             "  - { id: g, on: \"*\", when: { tainted: true }, ask: {}, guard: true }\n",
             &world);
    keel_buf out = KEEL_BUF_INIT;
    policy_can(p, &world, "b", &out);
    assert_non_null(strstr(out.data, "\"rule\":\"none\",\"target\":\"inbox.message.write\","
                                     "\"verdict\":\"deny\",\"when\":\"no rule lets it\""));
    assert_non_null(strstr(out.data, "\"rule\":\"none\",\"target\":\"c1.r1.write\","
                                     "\"verdict\":\"deny\",\"when\":\"no rule lets it\""));
    assert_non_null(strstr(out.data, "\"rule\":\"no-x\",\"target\":\"c1.r1.read\","
                                     "\"verdict\":\"depends\",\"when\":\"no-x: deny when x is 1;"));
    keel_buf_free(&out);
    policy_destroy(p);
    test_world_free(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_could_have_let_it_through_is_told),
        cmocka_unit_test(what_is_only_denied_can_not_be_done),
    };
    digest_init();
    return cmocka_run_group_tests_name("policy_denied", tests, NULL, NULL);
}
