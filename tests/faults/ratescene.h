/* What the tests of rates share: policies, and what they look at. */
#ifndef RATESCENE_H
#define RATESCENE_H

#include "scene.h"

#define TO(resource, domain)                                                                       \
    {                                                                                              \
        "effect", "out." resource ".write",                                                        \
            "{\"args\":{\"to\":\"" domain "\"},\"resource\":\"" resource                           \
            "\",\"use\":\"out\",\"verb\":\"write\"}"                                               \
    }
#define LETS  "  - { id: lets, on: \"out.*.*\", allow: {} }\n"
#define ASKS  "  - { id: asks, on: \"out.*.write\", ask: {}, approval: { expires: 2m } }\n"
#define TWO   "rates:\n  - { on: \"out.*.write\", limit: 2, per: 10m }\n"
#define FOUR  "rates:\n  - { on: \"out.*.write\", limit: 4, per: 10m }\n"
#define ONE   "rates:\n  - { on: \"out.*.write\", limit: 1, per: 10m }\n"
#define EACH  "rates:\n  - { on: \"out.*.write\", each: to, limit: 1, per: 10m }\n"
#define CALLS "budgets:\n  - { id: few, scope: workspace, limit: 99 calls, window: none }\n"
#define rated(w, n)                                                                                \
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'waiting' AND reason = 'rate'", n)
#define states(w, state_, n)                                                                       \
    number_is(w, "SELECT count(*) FROM effect WHERE state = '" state_ "'", n)
#define RECORDED(kind, text)                                                                       \
    "SELECT count(*) FROM journal j LEFT JOIN payload p ON p.digest = j.digest WHERE j.kind "      \
    "= " kind " AND instr(CAST(coalesce(j.body, p.bytes) AS TEXT), '" text "') > 0"
#define run_is_out(w, n)                                                                           \
    number_is(w, "SELECT group_concat(run) FROM effect WHERE state = 'intended'", n)

/* So many that are sent and answered, and others that wait. */
static inline sim_world *flooded(const char *rules, const sim_op *ops, int sent, int waiting) {
    sim_world *w = scene(rules, ops, 1);
    scene_do_many(w, "do", sent + waiting);
    rated(w, waiting);
    for (int i = 0; i < sent; i++) {
        scene_answer(w, APPLIED);
    }
    assert_int_equal(w->held_count, 0);
    return w;
}

#endif
