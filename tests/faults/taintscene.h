/* What the scenes of labels share: a connection `in` whose resources are read with every kind of label,
 * and written to within the house and out of it. */
#ifndef TAINTSCENE_H
#define TAINTSCENE_H

#include "scene.h"

#define FREE "  - { id: lets, on: \"*\", allow: {} }\n"
/* Untrusted text, private data and a way out together. */
#define THIRD                                                                                      \
    "  - { id: two-of-three, on: \"*.*.write\", when: { tainted: true,"                            \
    " sensitivity: { gte: confidential }, sink: external }, ask: {} }\n"

#define IN(resource, verb)                                                                         \
    {                                                                                              \
        "effect", "in." resource "." verb,                                                         \
            "{\"args\":{\"n\":1},\"resource\":\"" resource "\",\"use\":\"in\",\"verb\":\"" verb    \
            "\"}"                                                                                  \
    }
#define READ(resource) IN(resource, "read")
#define WAIT                                                                                       \
    { "wait", "", "{\"run\":$r}" }
#define SLEEP                                                                                      \
    { "sleep", "", "{\"us\":40000000}" }
#define RECEIVE                                                                                    \
    { "receive", "", "{\"name\":\"word\"}" }
#define SPAWN(rest)                                                                                \
    { "spawn", "run.spawn", "{\"agent\":\"helper\",\"input\":{}" rest "}" }
#define FOUND "{\"result\":{\"id\":7}}"

/* boss's program over those, with rules of its own. */
sim_world *taint_scene(const char *rules, const sim_op *ops, size_t count);
/* keel.yaml with these lines of the connection `in`, beside its `use`. */
void taint_keel_yaml(const sim_world *w, const char *lines);
void taint_agent(const sim_world *w, const char *name,
                 const char *more); /* lines of its manifest */
void label_is(sim_world *w, int run, bool tainted, const char *level);
/* So many records of the run with this in their bodies. */
void told(sim_world *w, const char *text, int count);
void run_told(sim_world *w, int run, const char *text, int count); /* of that run */

#endif
