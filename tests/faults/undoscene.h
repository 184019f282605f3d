/* What the scenes of taking back share. */
#ifndef UNDOSCENE_H
#define UNDOSCENE_H

#include "scene.h"

#define ALLOW    "  - { id: lets, on: \"out.*.write\", allow: {} }\n"
#define ASK      ALLOW "  - { id: asks, on: \"*.*.compensate\", ask: {} }\n"
#define DENY     ALLOW "  - { id: never, on: \"out.*.compensate\", deny: {} }\n"
#define SOME     ALLOW "  - { id: few, on: \"out.*.compensate\", allow: { n: { lt: 1 } } }\n"
#define CALLS(n) "budgets:\n  - { id: few, each: run_tree, limit: " n " calls }\n"

#define LOOKED_DONE "{\"result\":{\"ref\":{},\"state\":\"applied\"}}"
#define RETRY       "{\"code\":\"retry\",\"message\":\"busy\"}"

#define STATE(path, state)                                                                         \
    "SELECT count(*) FROM effect WHERE path = '" path "' AND state = '" state "'"
#define is(w, path, state)  number_is(w, STATE(path, state), 1)
#define rollback_is(w, as)  number_is(w, "SELECT count(*) FROM rollback WHERE state = '" as "'", 1)
#define applied_steps(w, n) number_is(w, "SELECT count(*) FROM journal WHERE kind = 45", n)

extern const sim_op undo_three[3], undo_two[2], undo_keyed[1];

/* Answers the one verb that a connector was told. */
void undo_answer(sim_world *w, const char *body);
/* That is this verb of this resource. */
void undo_told(const sim_world *w, const char *verb, const char *resource);
/* Orders the rollback by the plan as it stands. */
void undo_roll(sim_world *w, const char *request, uint64_t run);
/* A run of boss with all of its writes done, with the results {"id":1} and so on. */
sim_world *undo_done(const char *rules, const sim_op *ops, size_t count);

#endif
