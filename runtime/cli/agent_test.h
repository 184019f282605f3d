/* The scenes of an agent's folder, played one after the other (scene_play.h). */
#ifndef CLI_AGENT_TEST_H
#define CLI_AGENT_TEST_H

#include "cli.h"

typedef struct agent_scenes {
    char **files; /* FOLDER/NAME.scene, then FOLDER/scenes/NAME.scene, sorted */
    size_t count;
} agent_scenes;

void agent_scenes_find(agent_scenes *out, const char *folder);
void agent_scenes_free(agent_scenes *s);

/* Plays them all and prints TAP, or with --json one object. *failed: how many did not pass. 0, or a
 * DIAG_ code when the agent's own files are at fault. */
int agent_test_folder(cli *c, const char *folder, bool update, int *failed, diag *d);

#endif
