/* One visit: a script in a site of its own is struck at one point, started again, says its acknowledged
 * commands again, comes to rest, and is compared with what the outside has really seen. */
#ifndef VISIT_H
#define VISIT_H

#include "scripts.h"

typedef enum visit_kind {
    VISIT_KILL,   /* SIGKILL at the hit-th hit of a failpoint */
    VISIT_ERROR,  /* the disk says no there: the kernel ends by itself, and says so */
    VISIT_POWER,  /* the power fails at the hit-th operation of the store */
    VISIT_ANSWER, /* the outside loses an answer: the hit-th call of a verb */
    VISIT_PAIR,   /* killed at one point, and in the life after at another */
    VISIT_DEATH   /* deaths that no point names (deaths.h) */
} visit_kind;

typedef struct visit {
    const script *script;
    visit_kind kind;
    char point[120]; /* "journal.step.append", "power.torn", "answers.inbox.message.write.dies" */
    long hit;
    char plan[160]; /* KEEL_FAILPOINT, KEEL_POWER, or the fault of the outside */
    char then[160]; /* of the next life; "": none */
    long arg;       /* deaths: which */
} visit;

/* Tests for the pool: `arg` is a visit, or a script that is run without faults. */
void visit_run(const void *arg, const char *folder, keel_buf *problem, keel_buf *detail);
void visit_trace(const void *arg, const char *folder, keel_buf *problem, keel_buf *detail);
/* What visit_trace leaves of a script, by what it is: "" failpoints, ".power" operations of the store,
 * ".calls" calls of the outside. */
void visit_trace_file(const script *sc, const char *what, char *out, size_t size);

/* ---- deaths.c ---- */
extern const char *const death_names[]; /* NULL behind the last */
void death_run(site *s, const visit *v);

/* ---- what both need ---- */
void visit_last_life(site *s, const script *sc); /* nothing disturbs it, to the end */

#endif
