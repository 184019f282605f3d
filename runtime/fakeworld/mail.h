/* What the faces of mail share: one command, and the fault that befalls it. */
#ifndef FAKEWORLD_MAIL_H
#define FAKEWORLD_MAIL_H

#include "oracle.h"
#include "world.h"

/* A command that was read whole, and how its face does it. */
typedef struct deed {
    world *w;
    conn *c;
    void *ctx;
    occasion now;
    mail_line line; /* of the log: who and what */
    /* Does it, writes the answer, says what it applied in the log by mail_applied. `by`: or NULL. */
    void (*act)(void *ctx, const fault *by, keel_buf *out);
    /* The answer that it was not done, or (error_after) that claims so. */
    void (*refuse)(void *ctx, const fault *f, keel_buf *out);
    /* A copy that outlives the session, for late_do; NULL: this command changes nothing. */
    void *(*keep)(void *ctx, const fault *f);
    late_fn *late;
    void (*drop)(void *kept);
    /* The word of an answer that the log tells. */
    void (*status)(const keel_buf *said, char out[16]);
    const char *nonsense; /* what is no answer in this protocol */
    bool ends;            /* the connection closes behind the answer */
} deed;

void mail_do(const deed *d);
void mail_applied(world *w, const mail_line *l);

#endif
