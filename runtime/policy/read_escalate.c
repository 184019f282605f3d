/* `escalate` of an approval: whom to tell, and after how long without a decision. */
#include <stdio.h>

#include "compileint.h"

#define MINUTE 60000000LL
#define YEAR   (366 * 24 * 60 * MINUTE)

static int read_after(compiler *c, const yaml_node *step, int64_t earliest, int64_t *out) {
    const yaml_node *n = yaml_get(step, "after");
    if (!n || !yaml_duration_us(n, out) || *out < MINUTE || *out > YEAR) {
        return compile_fault(c, n ? n : step, "after is a time from 1m to 366d",
                             "Write `{ after: 4h, notify: phone }`.");
    }
    if (*out <= earliest) {
        return compile_fault(c, n, "each step comes later than the one before it",
                             "Sort the steps by their `after`, each time once.");
    }
    return 0;
}

static int read_step(compiler *c, const yaml_node *n, int64_t earliest, policy_step *out) {
    static const char *const known[] = {"after", "notify", NULL};
    int rc = compile_map(c, n, "a step of escalate");
    if (rc == 0) {
        rc = yaml_known_keys(c->tree, n, known, c->d);
    }
    if (rc == 0) {
        rc = read_after(c, n, earliest, &out->after_us);
    }
    const yaml_node *to = yaml_get(n, "notify");
    rc = rc || !to ? rc : compile_name(c, to, "notify", &out->to);
    return rc || !to ? rc : check_notifier(c, to, out->to);
}

int compile_escalate(compiler *c, const yaml_node *n, policy_approval *a) {
    int rc = compile_list(c, n, "escalate");
    if (rc == 0 && (n->count < 1 || n->count > POLICY_STEPS)) {
        rc = compile_fault(c, n, "escalate has 1 to 8 steps",
                           "Write `escalate: [ { after: 4h, notify: phone } ]`.");
    }
    if (rc) {
        return rc;
    }
    policy_step *steps = policy_alloc(c->p, n->count * sizeof *steps);
    int64_t earliest = 0;
    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        rc = read_step(c, n->items[i], earliest, &steps[i]);
        earliest = steps[i].after_us;
    }
    if (rc == 0 && policy_digest_gap_us(a) + earliest >= a->expires_us) {
        rc =
            compile_fault(c, n,
                          a->digest_count ? "the last step, counted from the digest, may come when "
                                            "the question has expired already"
                                          : "the last step comes when the question has expired "
                                            "already",
                          "Let it stand longer (`expires: 7d`), or tell earlier.");
    }
    a->escalate = rc ? NULL : steps;
    a->escalate_count = rc ? 0 : n->count;
    return rc;
}
