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

typedef enum agent_test_mode {
    AGENT_TEST_ALL,
    AGENT_TEST_UPDATE, /* what the agent does now is written into the scenes that pass */
    AGENT_TEST_BRIEF   /* only what fails is printed, and a last line */
} agent_test_mode;

/* Plays them all and prints TAP, or with --json one object. *failed: how many did not pass. 0, or a
 * DIAG_ code when the agent's own files are at fault. */
int agent_test_folder(cli *c, const char *folder, agent_test_mode mode, int *failed, diag *d);
/* Whether a plugin's code loads: an agent's, or a connector's with a connection's config, whose
 * folders are below root. */
int agent_test_load(const char *folder, const char *root, keel_json config, diag *d);

#endif
