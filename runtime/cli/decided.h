/* What a recorded decision says, and what policy saw then. */
#ifndef CLI_DECIDED_H
#define CLI_DECIDED_H

#include "policy.h"

typedef struct decided {
    keel_json rule, file, line;
    policy_verdict verdict;
    effect_class class;
    bool external, tainted;
    policy_reply reply; /* none also in those of before its connector told */
    sensitivity level;  /* decisions of before there were levels say none */
} decided;

/* false: nothing was decided, such as of an effect that came while everything was halted. */
bool decided_read(keel_json decision, decided *d);
void decided_inputs(keel_json inputs, decided *d); /* these members of it alone */

#endif
