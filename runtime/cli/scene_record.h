/* A run of the workspace's journal as a scene. */
#ifndef CLI_SCENE_RECORD_H
#define CLI_SCENE_RECORD_H

#include "scene.h"
#include "store.h"

/* agent gets the agent's name; the caller frees it. 0; DIAG_NOT_FOUND when there is no such run;
 * DIAG_USAGE when it has not ended yet, was cancelled or is not whole any more. */
int scene_record(reader *db, uint64_t run, scene **out, char **agent, diag *d);

#endif
