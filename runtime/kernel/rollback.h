/* All that a run did is taken back: the rollbacks that are open. */
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

/* ---- what others ask ---- */
void rollbacks_go_on(kernel *k); /* begins the steps whose time has come */
/* c has just taken a record, with this body and seq: what it says of open rollbacks. To look once
 * more for what is done says nothing: the step may be further than the copy that is looked for. */
void rollback_heard(kernel *k, call *c, keel_json body, int64_t seq);
/* Says of a compensation that is restored what it takes back. false: no rollback knows it. */
bool rollback_adopt(kernel *k, call *c);
/* A person has closed what was stuck of it. how: resolve (he has undone the step himself: older
 * steps go on) | drop (it ends). */
void rollback_closed(kernel *k, uint64_t run_id, const char *how);
int rollback_recover(kernel *k, diag *d); /* before the effects */
void rollbacks_free(kernel *k);

/* ---- what rollback.c, rollback_open.c and undo.c share ---- */
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
