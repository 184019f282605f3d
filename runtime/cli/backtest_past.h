/* What the journal knows of the workspace as it was: which agent a run is of, which connector's
 * manifest a connection had when. */
#ifndef CLI_BACKTEST_PAST_H
#define CLI_BACKTEST_PAST_H

#include "manifest.h"
#include "store.h"

typedef struct past past;

/* Reads the tables: all runs, and the manifests of all connectors that ever were here. */
int past_open(past **out, reader *r, diag *d);
void past_close(past *p);

/* A record of kind connection: from here on its connection is this. */
void past_connection(past *p, keel_json body);
/* A record of kind run.begin, of a run that may be younger than the tables that were read. */
void past_run(past *p, uint64_t run, keel_json agent);
const char *past_agent(const past *p, uint64_t run); /* NULL: no such run */

typedef struct past_target {
    const char *name; /* "inbox.message.write" */
    bool spawn;
    const manifest_resource *resource; /* NULL: a spawn, or its manifest cannot be had */
    const manifest_verb *verb;
} past_target;
/* By the JSON text in a record; what is returned lives until the next record of a connection. */
const past_target *past_find(past *p, keel_json target);

#endif
