/* What the tests of connections that rest share: policies, programs, and what they look at. */
#ifndef RESTING_H
#define RESTING_H

#include "scene.h"

#define ALLOW   "  - { id: lets, on: \"out.*.*\", allow: {} }\n"
#define ASK     "  - { id: asks, on: \"out.*.write\", ask: {}, approval: { expires: 2m } }\n"
#define FOUR    "breakers:\n  - { on: out, open_at: 50%, of: 4, for: 30s }\n"
#define ONE     "breakers:\n  - { on: out, open_at: 1%, of: 4, for: 30s }\n"
#define DAY     "breakers:\n  - { on: out, open_at: 1%, of: 4, for: 24h }\n"
#define SLOWLY  "retries:\n  - { on: \"out.*\", first: 10ms, cap: 10ms }\n"
#define CALLS   "budgets:\n  - { id: few, scope: workspace, limit: 99 calls, window: none }\n"
#define BUSY    "{\"code\":\"retry\",\"message\":\"busy\"}"
#define PRESENT "{\"result\":{\"ref\":{},\"state\":\"applied\"}}"

#define resting(w, state_)                                                                         \
    number_is(w, "SELECT count(*) FROM breaker WHERE state = '" state_ "'", 1)
#define waiting(w, n)                                                                              \
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'waiting' AND reason = 'breaker'", n)
#define states(w, state_, n)                                                                       \
    number_is(w, "SELECT count(*) FROM effect WHERE state = '" state_ "'", n)

/* One effect whose answer is lost, and the connection rests. */
static inline sim_world *opened(const char *rules, const sim_op *ops) {
    sim_world *w = scene(rules, ops, 1);
    scene_do(w, "do-000000");
    scene_answer(w, UNKNOWN);
    resting(w, "open");
    return w;
}

#endif
