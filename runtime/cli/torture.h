/* keel torture: what the command line asks for. In `keel` it is handed on to the separate program
 * keel-torture, which has failpoints (torture_away.c); in that one it is done (runtime/torture). */
#ifndef CLI_TORTURE_H
#define CLI_TORTURE_H

#include "cli.h"

typedef struct torture_options {
    const char *folder; /* a workspace; NULL: the set that ships */
    const char *only;   /* POINT or POINT@HIT, or NULL */
    long jobs;          /* 0: as many as suit the machine */
    long seed;
    bool list;  /* the points, and nothing is struck */
    bool quick; /* a part of them */
    bool tap;
} torture_options;

/* 0, 1 when something was violated or not visited, or a DIAG_ code. words: as they were typed, for a
 * program that they are handed on to. */
int torture_run(cli *c, const torture_options *o, diag *d);

#endif
