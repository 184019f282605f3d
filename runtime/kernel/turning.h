/* Where a run that failed goes on from. What failed, and what its script did since because of it, does
 * not count any more; what other branches of `ctx.all` did meanwhile does. Pure but for reading the
 * journal. */
#ifndef KERNEL_TURNING_H
#define KERNEL_TURNING_H

#include "parts.h"

/* What one reopening takes out: all records from `from` to its own, but for those in keep. */
typedef struct cut {
    int64_t from, until;
    int64_t *keep; /* sorted */
    size_t keep_count;
} cut;

/* A step that was not applied, with nothing behind it that has to stand: it is asked again. */
typedef struct failed_step {
    int64_t first, last; /* its records */
    effect_state state;  /* how it ended */
    bool dropped;        /* with the end of its run, and not by what was asked */
    char path[PATH_LIMIT];
} failed_step;

typedef struct turning {
    cut *cuts; /* those before, then the one to be made */
    size_t cut_count;
    failed_step *steps;
    size_t step_count;
    const char *path; /* of the last step that is asked again, or "" */
    int64_t erased;   /* a record whose body is gone; 0: none */
    bool undone;      /* a rollback has begun */
    bool received;    /* from what is polled */

    struct begun *open; /* effects without an end so far */
    size_t open_count;
    int64_t chain; /* since when all records belong to an end; 0: they do not */
    int64_t tail;  /* where the last end began: calls that were dropped, then run.end */
    int64_t last;
} turning;

/* 0, or what reading says. */
int turning_find(turning *t, reader *reads, uint64_t run_id, diag *d);
const cut *turning_cut(const turning *t);              /* the one to be made */
bool turning_asks(const turning *t, const char *path); /* the step at this path is asked again */
void turning_finish(turning *t);

#endif
