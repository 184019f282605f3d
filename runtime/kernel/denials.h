/* What a person has denied is not raised again. Who denies an approval says no to exact bytes; when the
 * same role asks for the same once more, it is denied at once, by that word, and nobody is interrupted.
 *
 * The same is: agent, target, arguments, class, connection, connector, rule, the words of that rule (and of
 * its lists), and the limits that it would go beyond; all that an approval covers but the run and the place
 * in it, and whose it is. Of what was edited before it was denied, both are remembered: what was asked for,
 * and what it had become.
 *
 * It stands for 30 days, the newest 1,000 of them, and ends before that when a person lifts it (`keel denial
 * lift`), approves the same after all, or has the run that was denied go on (`keel stuck retry`). An override
 * lets one through and leaves it standing. What expired, and what policy denied, was no person's word, and
 * what takes something back is ordered by one: neither is remembered. */
#ifndef KERNEL_DENIALS_H
#define KERNEL_DENIALS_H

#include "parts.h"

#define DENIAL_LASTS_US (30LL * 86400 * 1000000)
#define DENIALS_MOST    1000

typedef struct standing_denial {
    struct standing_denial *next; /* older */
    uint64_t number, run;         /* the item that was denied */
    char path[PATH_LIMIT];
    digest shapes[ASKED_SHAPES]; /* the second all 0: it was not edited */
    int64_t at_us, until_us;
    char by[64];
    char why[200];
} standing_denial;

/* c is about to be asked for, as d says: its shape is what would be remembered. */
void denial_asked(kernel *k, call *c, const policy_decision *d);
void denial_edited(kernel *k, call *c, const policy_decision *d);
void denial_put(const call *c,
                keel_json_writer *w); /* the member "shapes" of the record that asks */
void denial_restore(call *c, keel_json body);

/* A person has denied c. Until when that stands; 0: it is not remembered. */
int64_t denial_add(kernel *k, const call *c, const char *by, const char *why);
/* That which stands against asking for c, or NULL. */
const standing_denial *denial_of(kernel *k, const call *c, const policy_decision *d);
/* The same in words, appended; false: none does. */
bool denial_words(kernel *k, const call *c, const policy_decision *d, keel_buf *out);
/* Instead of asking: c is denied by what stands, and gone. */
bool denial_stops(kernel *k, call *c, const policy_decision *d, keel_json decision);
/* c is approved: what stood against the same does no more. Its number, or 0. */
uint64_t denial_overtaken(kernel *k, const call *c);
void denials_retried(kernel *k, uint64_t run_id, const char *why); /* all of that run */
int denials_load(kernel *k, diag *d);
void denials_free(kernel *k);

#endif
