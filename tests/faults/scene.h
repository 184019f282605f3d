/* One small world per test of what people do to a running kernel: a folder of its own, runs that are
 * lists of calls, a connector that answers when the test says so. */
#ifndef SCENE_H
#define SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "simworld.h"

#define WRITE(resource)                                                                            \
    {                                                                                              \
        "effect", "out." resource ".write",                                                        \
            "{\"args\":{\"n\":1},\"resource\":\"" resource                                         \
            "\",\"use\":\"out\",\"verb\":\"write\"}"                                               \
    }
#define SPAWN_HELPER                                                                               \
    { "spawn", "run.spawn", "{\"agent\":\"helper\",\"input\":{}}" }
#define APPLIED "{\"result\":{\"id\":1}}"
#define UNKNOWN "{\"code\":\"unknown\",\"message\":\"no answer\"}"
#define REFUSED "{\"code\":\"invalid\",\"message\":\"it will not have it\"}"
#define ABSENT  "{\"result\":{\"state\":\"absent\"}}"

/* rules: the policy's entries of `rules`, and what stands behind them. boss is the agent. */
sim_world *scene(const char *rules, const sim_op *ops, size_t count);
/* The same, but the connector reaches the outside through egress, and answers at once. */
sim_world *scene_network(const char *rules, const sim_op *ops, size_t count);
/* Two programs: boss and helper. */
void scene_helper(sim_world *w, const sim_op *ops, size_t count, const char *end);
void scene_policy(sim_world *w, const char *rules);
void scene_restart(sim_world *w); /* kill -9 and start */
void scene_do(sim_world *w, const char *request);
void scene_tell(sim_world *w, const char *request, const char *name, const char *args);
/* Runs of boss: request ids PREFIX-000001 and so on, each let come to rest. */
void scene_do_many(sim_world *w, const char *prefix, int count);
void scene_answer(sim_world *w, const char *body); /* the oldest held verb, and to rest */
void scene_pass(sim_world *w, int64_t seconds);    /* time passes, and to rest */
/* Checks that the tables follow from the journal, and ends it. */
void scene_end(sim_world *w);
#define number_is(w, sql, n) assert_int_equal(sim_number(w, sql), n)
/* The state of boss's first effect, as a number of the database. */
#define state_is(w, state)                                                                         \
    number_is(w, "SELECT count(*) FROM effect WHERE path = '1' AND state = '" state "'", 1)
#define COUNT(ops) (sizeof(ops) / sizeof *(ops))

#endif
