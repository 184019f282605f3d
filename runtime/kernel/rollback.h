/* Rollbacks that are open, as rollback.c, rollback_open.c and undo.c share them. */
#ifndef KERNEL_ROLLBACK_H
#define KERNEL_ROLLBACK_H

#include "parts.h"
#include "undo_plan.h"

typedef struct rollback rollback;

struct rollback {
    rollback *next;
    undo_plan plan; /* steps: as they are now; of a run's other effects it knows nothing */
    int64_t begun_seq;
    size_t at;      /* the step that it is at */
    uint64_t stuck; /* its open item: that step failed; 0: it goes on */
};

/* Takes the plan, holds the trees that it covers. Before their runs are cancelled. */
rollback *rollback_open(kernel *k, undo_plan *plan, int64_t begun_seq);
void rollback_end(kernel *k, rollback *rb, const char *state); /* ended | dropped; frees it */
/* The step failed for good: it is stuck there until a person acts. */
void rollback_failed(kernel *k, rollback *rb, undo_step *s, run *r, const char *undo,
                     const char *why);
/* The body of a record of taking back; why NULL: none. */
void undo_body(const undo_step *s, const char *undo, const char *why, keel_buf *out);
/* Proposes the effect that takes the step back; all that it says must be durable. */
void undo_begin(kernel *k, rollback *rb, undo_step *s);
/* The step of the effect at the path, or of the one that the effect at the path takes back. */
undo_step *rollback_find(kernel *k, uint64_t run_id, const char *path, rollback **of);

#endif
