/* A run of the workspace's journal as a scene. */
#ifndef CLI_SCENE_RECORD_H
#define CLI_SCENE_RECORD_H

#include "scene.h"
#include "store.h"

/* agent gets the agent's name; the caller frees it. 0; DIAG_NOT_FOUND when there is no such run;
 * DIAG_USAGE when it has not ended yet, was cancelled or is not whole any more. */
int scene_record(reader *db, uint64_t run, scene **out, char **agent, diag *d);

/* ---- scene_span.c: what the record does not hold in full, taken where it is certain ---- */

/* Whether a call with these arguments has that digest. */
bool scene_certain(const char *kind, const char *name, const keel_buf *args, const char *call);
/* The arguments of a sleep or a receive; {} when they cannot be told. */
void scene_span(const char *kind, const journal_row *row, keel_buf *args);

#endif
