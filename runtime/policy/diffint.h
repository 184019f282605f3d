/* A policy as a list of things with parts in words, so that two of them can be compared. */
#ifndef POLICY_DIFFINT_H
#define POLICY_DIFFINT_H

#include "policyint.h"

typedef enum thing_kind {
    THING_LIST,
    THING_RULE,
    THING_BUDGET,
    THING_EGRESS,
    THING_RETRY,
    THING_BREAKER,
    THING_RATE,
    THING_QUIET,
    THING_TIER,
    THING_RETENTION,
    THING_COMPACT,
    THING_SNAPSHOTS,
    THING_PRICE,
    THING_UNPRICED
} thing_kind;

typedef struct thing_part {
    char *name, *text;
} thing_part;

typedef struct thing {
    thing_kind kind;
    char *id;
    const char *file; /* the policy's; "" for a list */
    int line;
    digest words; /* of a rule as it is written; else zero */
    thing_part *parts;
    size_t count;
} thing;

typedef struct things {
    thing *list; /* by kind and id */
    size_t count;
} things;

void things_read(const policy *p, things *out);
void things_read_beside(const policy *p,
                        things *out); /* things_beside.c: all but lists and rules */
void things_read_keeping(const policy *p, things *out); /* things_keeping.c: called by that */
void things_free(things *t);
const char *thing_get(const thing *t, const char *part); /* NULL: it has none */

/* Texts are copied. */
thing *thing_add(things *t, thing_kind kind, const char *id, const char *file, int line);
void thing_part_add(thing *x, const char *name, const char *text);
void thing_text_add(thing *x, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
char *thing_words(const char *const *list, size_t count); /* sorted; the caller frees it */
void thing_words_add(thing *x, const char *name, const char *const *list, size_t count,
                     const char *none);
void thing_span_add(thing *x, const char *name, int64_t us);

#endif
