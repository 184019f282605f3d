/* A message that SMTP has taken, or is about to, and its way into the mailboxes. */
#ifndef FAKEWORLD_ENVELOPE_H
#define FAKEWORLD_ENVELOPE_H

#include "mail.h"

#define ENVELOPE_RECIPIENTS 100

typedef struct envelope {
    char user[128]; /* who has logged in to send it */
    char *from;     /* NULL: none yet; "" is the empty one */
    char *to[ENVELOPE_RECIPIENTS];
    size_t count;
    keel_buf bytes;
    const char *fault; /* of one that is late, or NULL */
} envelope;

void envelope_free(envelope *e); /* what it holds */
envelope *envelope_copy(const envelope *e);
void envelope_drop(void *e); /* a copy */
/* Takes it for all of its recipients: the word of that is on the disk before anything is in a
 * mailbox. `late_by`: the fault that held it up, or NULL. */
void envelope_accept(world *w, const envelope *e, const fault *by, const char *late_by);
void envelope_accept_kept(world *w, void *copy);

#endif
