/* What the scenes of runs that wait share. */
#ifndef SLEEPSCENE_H
#define SLEEPSCENE_H

#include "protocol.h"
#include "scene.h"

#define ALLOW  "  - { id: lets, on: \"*\", allow: {} }\n"
#define MINUTE 60000000LL

#define RECEIVE_GO                                                                                 \
    { "receive", "", "{\"name\":\"go\"}" }

static const sim_op letter[] = {
    {"step", "before", NULL}, RECEIVE_GO, WRITE("once"), {"step", "after", NULL}};

static inline int executors(const sim_world *w) {
    int count = 0;
    for (size_t i = 0; i < sizeof w->executors / sizeof *w->executors; i++) {
        count += w->executors[i].number && !w->executors[i].connector;
    }
    return count;
}

static inline void let_pass(sim_world *w, int64_t us) {
    w->horizon = us;
    sim_run_out(w);
    assert_string_equal(w->fault, "");
    w->horizon = MINUTE / 3; /* less than the deadline of a verb */
}

static inline void go(sim_world *w, const char *request, int run) {
    char args[64];
    snprintf(args, sizeof args, "{\"body\":null,\"name\":\"go\",\"run\":%d}", run);
    scene_tell(w, request, "run.send", args);
}

#define open_is(w, runs) number_is(w, "SELECT count(*) FROM run WHERE state = 'open'", runs)

#endif
