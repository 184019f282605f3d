/* A plugin's code in a real keel-executor, in its sandbox, with nobody behind it: no kernel, no egress,
 * no file of a workspace. Whoever holds it answers what the code asks. For scenes and for replays. */
#ifndef CLI_REHEARSAL_H
#define CLI_REHEARSAL_H

#include "launch.h"
#include "protocol.h"

typedef struct rehearsal rehearsal;

typedef struct rehearsal_events {
    void *ctx;
    void (*ready)(void *ctx); /* it has loaded */
    void (*refused)(void *ctx, const char *message, const char *next);
    void (*frame)(void *ctx, const frame *f); /* of a run */
    void (*still)(void *ctx); /* for a while it has computed nothing and said nothing */
    void (*fault)(void *ctx, const char *what); /* "its executor exited with 1": it is over */
} rehearsal_events;

/* Starts it, and returns when it is over: after rehearsal_end, or a fault. *out is set before the first
 * event, and is not to be used after the return. DIAG_ code: it could not be started. */
int rehearsal_play(rehearsal **out, const launch_spec *spec, const rehearsal_events *ev, diag *d);
void rehearsal_send(rehearsal *r, uint16_t type, uint64_t run, uint64_t ref, const void *body,
                    size_t len);
void rehearsal_answer(rehearsal *r, uint64_t run, const char *path, const keel_buf *outcome);
void rehearsal_end(rehearsal *r); /* no event comes any more */

#endif
