/* What needs a person now, as the inbox lists it. */
#ifndef CLI_INBOXLIST_H
#define CLI_INBOXLIST_H

#include "cli.h"

enum {
    Q_NUMBER,
    Q_KIND,
    Q_AGENT,
    Q_TARGET,
    Q_ARGS_SEQ,
    Q_RULE,
    Q_RUN,
    Q_PATH,
    Q_OPENED,
    Q_EXPIRES,
    Q_DIGEST,
    Q_REASON,
    Q_ESCALATED,
    Q_RAISE,
    Q_BATCH,
    Q_BATCH_MAX,
    Q_COUNT
};

typedef struct waiting {
    char *values[Q_COUNT]; /* NULL where there is none */
    keel_buf args;         /* after inbox_args */
} waiting;

typedef struct inbox {
    waiting *list;
    size_t count;
} inbox;

/* What nobody decided for long stands first, then by number. all: also what a later digest is to show.
 * Free it also after a failure. */
int inbox_load(cli *c, bool all, inbox *b, diag *d);
/* How many a later digest is to show, and when the next one does. */
size_t inbox_later(cli *c, int64_t *next_us);
void inbox_free(inbox *b);
void inbox_args(cli *c, waiting *w);               /* reads the arguments, once */
int64_t inbox_number(const waiting *w, int which); /* 0 where there is none */

/* How many like this one its rule lets be approved at one look, at least 1. */
size_t inbox_most(const waiting *w);
bool inbox_alike(const waiting *a, const waiting *b); /* its rule lets them be of one batch */

#endif
