/* The bodies of the items that the view shows: loaded once, and kept as they were shown, since what
 * is signed is what was shown. */
#ifndef CLI_INBOXBODY_H
#define CLI_INBOXBODY_H

#include "card.h"
#include "looks.h"

typedef struct bodies {
    cli *c;
    struct body *list;
    size_t count;
} bodies;

looks_body bodies_show; /* ctx: a bodies */
/* The card of an approval that was shown in this version, or NULL. It stays ours. */
card *bodies_card(const bodies *b, int64_t number);
void bodies_forget(bodies *b, int64_t number);
void bodies_prune(bodies *b, const looks *l); /* what is no longer there */
void bodies_free(bodies *b);

#endif
