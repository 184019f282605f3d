/* What the two files of the tests' agent share. */
#ifndef AGENT_H
#define AGENT_H

#include "keel/ask.h"
#include "keel/effect.h"
#include "keel/json.h"
#include "keel/spawn.h"

typedef struct agent agent;

typedef struct agent_act {
    const char *name;
    keel_status (*f)(const agent *a, keel_call *call, const keel_run_request *r);
} agent_act;

struct agent {
    const keel_host *host;
    const keel_effect *e;
    const agent_act *act;
    int entries;
};

keel_status agent_program(const agent *a, keel_call *call, const keel_run_request *r);
extern const agent_act agent_own_acts[]; /* of agent_own.c; ends with a NULL name */

keel_span span(const char *text);
keel_json view(keel_span s);
keel_status say(const agent *a, keel_call *call, const char *text);
char *scratch(const agent *a, keel_call *call, size_t size);

#endif
