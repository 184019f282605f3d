/* Backups, restores and erasures of a scene's workspace. */
#ifndef SCENE_RESTORE_H
#define SCENE_RESTORE_H

#include "scene.h"

void scene_backup(void);
/* Another life, from the backup: a minute later, and halted. Nothing may have left. */
void scene_restore(sim_world *w);
void scene_resume(sim_world *w);
void scene_go(sim_world *w, const char *request); /* sends "go" to run 1 */
/* Behind the kernel's back, as the command refuses to while the run is open. */
void scene_erase(sim_world *w, int64_t seq);

#endif
