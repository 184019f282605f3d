/* What the crash tests do with a workspace: scripts that can be begun again after any crash. What was
 * answered is not said twice; what was not is said again under its old request id. */
#ifndef SCRIPTS_H
#define SCRIPTS_H

#include "site.h"

typedef struct script {
    const char *name;
    /* Before the kernel under test: lives without faults. NULL: none. */
    bool (*prepare)(site *s);
    /* true: all came to rest. false: the kernel has gone meanwhile, or s->problem says what is wrong. */
    bool (*live)(site *s);
    const char *plan;    /* failpoints that belong to the script itself */
    const char *option;  /* of `keel up` */
    const char *runs;    /* how they end, sorted: agent=state */
    const char *effects; /* how many of each target there are, sorted */
} script;

extern const script scripts[];
extern const size_t script_count;

bool script_people(site *s); /* scriptpeople.c */
bool script_cancel(site *s);

/* Makes the site of the crash tests, with the folders that its connections need. */
void script_site(site *s, const char *folder);
/* After the last life: the invariants, and that nothing is missing. */
void script_check(site *s, const script *sc);

#endif
