/* One effect by the words that people use for it, with what the tables know of it. */
#ifndef CLI_EFFECT_H
#define CLI_EFFECT_H

#include "cli.h"
#include "label.h"

typedef struct effect {
    uint64_t run;
    char *path;
    cli_row row;
} effect;

/* Columns of row. */
enum {
    EFFECT_AGENT,
    EFFECT_TARGET,
    EFFECT_CLASS,
    EFFECT_STATE,
    EFFECT_REASON,
    EFFECT_ATTEMPTS,
    EFFECT_NUMBER,
    EFFECT_RULE,
    EFFECT_KEY,
    EFFECT_COST,
    EFFECT_CURRENCY,
    EFFECT_OPENED,
    EFFECT_CHANGED,
    EFFECT_DUE,
    EFFECT_HOLDS,
    EFFECT_DIGEST,
    EFFECT_TAINTED,
    EFFECT_ROOT,
    EFFECT_UNDO,
    EFFECT_UNDONE_BY,
    EFFECT_SENSITIVITY
};

/* "3" (a number of `keel inbox`) or "7:3.1", "7/3.1" (run and path). DIAG_USAGE, DIAG_NOT_FOUND. */
int effect_find(cli *c, const char *word, effect *out, diag *d);
void effect_finish(effect *e);
const char *effect_text(const effect *e, int which); /* "" where NULL */
sensitivity effect_level(const effect *e);           /* of what its run has read */

#endif
