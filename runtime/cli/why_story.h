/* What the records say of one effect, gathered for keel why. */
#ifndef CLI_WHY_STORY_H
#define CLI_WHY_STORY_H

#include "cli.h"
#include "effect.h"

typedef struct why_story {
    cli *c;
    const effect *e;
    keel_buf decision; /* the last one */
    keel_buf shortage; /* the budget that it waits for */
    keel_buf args;
    keel_buf result;   /* or error */
    keel_buf lines;    /* the records, described */
    keel_buf json;     /* the records */
    keel_buf approved; /* six words, by whom; or the grant */
    bool stale;        /* what was asked, and maybe approved, is not asked any more */
    keel_buf lifted;   /* the same of an override */
    keel_buf held;     /* by which rate or hour it waits */
    keel_buf tier;     /* which was put in place of another, and why */
    keel_buf usage;    /* tokens, as they stand in the record, */
    keel_buf price;    /* and the row by which they cost */
    bool unpriced;     /* nobody wrote one */
} why_story;

/* s has c and e; the rest is empty. 0, or a DIAG_ code; why_finish in either case. */
int why_read(why_story *s, diag *d);
void why_finish(why_story *s);

#endif
