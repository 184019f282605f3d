/* What the scenes of stuck work share: boss with one effect, how it ends, and its executor. */
#ifndef STUCKSCENE_H
#define STUCKSCENE_H

#include "protocol.h"
#include "scene.h"

#define ASK   "  - { id: asks, on: \"out.*.write\", ask: {}, approval: { expires: 2h } }\n"
#define ALLOW "  - { id: lets, on: \"out.*.write\", allow: {} }\n"
#define RECEIVE                                                                                    \
    { "receive", "", "{\"name\":\"go\"}" }
#define STEP                                                                                       \
    { "step", "look", NULL }
#define FAILED                                                                                     \
    "{\"error\":{\"code\":\"error\",\"message\":\"boss.lua:3: it is down\"},\"state\":\"failed\"}"
#define RETRY_1 "{\"number\":1}"
#define stuck_is(w, n)                                                                             \
    number_is(w, "SELECT count(*) FROM item WHERE kind = 'stuck' AND state = 'open'", n)

static const sim_op once[] = {WRITE("once")};

/* How boss ends from now on; NULL: well. */
static inline void ends(sim_world *w, const char *end) {
    sim_program *p = (sim_program *)(uintptr_t)w->programs;
    p[0].end = end;
}

static inline uint32_t agent_of(const sim_world *w) {
    for (size_t i = 0; i < sizeof w->executors / sizeof *w->executors; i++) {
        if (w->executors[i].number && !w->executors[i].connector) {
            return w->executors[i].number;
        }
    }
    fail_msg("no agent runs");
    return 0;
}

#endif
