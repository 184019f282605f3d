/* What a rollback of a run would do: the steps of the run and of all runs that came from it, newest
 * first. Made from the tables alone, so the command line shows exactly what the kernel will do, and
 * its digest tells when that has changed. */
#ifndef KERNEL_UNDO_PLAN_H
#define KERNEL_UNDO_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digest.h"
#include "effect_table.h"
#include "store.h"

typedef enum undo_act {
    UNDO_BACK,  /* it is taken back */
    UNDO_STAYS, /* it cannot be, and is left standing */
    UNDO_WAITS, /* its outcome is open: older steps wait for it */
    UNDO_GONE   /* it was taken back before, or settled by hand */
} undo_act;

typedef struct undo_step {
    uint64_t run;
    char *path;
    char *target;
    effect_state state;
    bool way_back;      /* compensate was promised before the act */
    bool ours;          /* unknown: Keel itself looks; else a person has to */
    bool by_hand;       /* it could not be taken back, and a person has settled that */
    uint32_t tries;     /* compensations of it so far */
    bool failed;        /* of a rollback that runs: it tried in vain, */
    bool passed;        /* and a person has seen to it himself */
    int64_t reached_by; /* the record of its connection, as it is now */
    int64_t args_seq;   /* the record with what was written */
    int64_t sent_seq;   /* the record by which it was last sent */
    int64_t last_seq;   /* its last record */
    int64_t done_seq;   /* its effect.done; while its outcome is open, its last record */
} undo_step;

typedef struct undo_plan {
    uint64_t run;
    uint64_t *runs; /* all that it covers */
    uint64_t *roots;
    size_t run_count;
    uint64_t *open; /* of them: they are cancelled first; in order of beginning */
    size_t open_count;
    undo_step *steps;
    size_t count, cap;
} undo_plan;

/* 0; DIAG_NOT_FOUND: there is no such run. */
int undo_plan_make(reader *r, uint64_t run, undo_plan *out, diag *d);
void undo_plan_free(undo_plan *p);
undo_act undo_plan_act(const undo_step *s);
bool undo_plan_moved(const undo_step *s); /* its connection has changed since */
size_t undo_plan_count(const undo_plan *p, undo_act act);
digest undo_plan_digest(const undo_plan *p);
bool undo_plan_covers(const undo_plan *p, uint64_t run);

/* The path of the n-th try of taking back the effect at `path`: "3.1~1". false: it is too long. */
bool undo_path(char *out, size_t size, const char *path, uint32_t n);
/* The length of the path of the effect that the one at `path` takes back; 0: it takes back none. */
size_t undo_path_of(const char *path);

#endif
