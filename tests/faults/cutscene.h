/* One script whose power fails at each operation of its disk: the workspace starts again, the script is
 * lived once more under the same request ids, and all has to come to the same rest. */
#ifndef CUTSCENE_H
#define CUTSCENE_H

#include "scene.h"

/* What the database has to say at rest, and what is wrong if it does not. */
typedef struct cut_number {
    const char *sql, *problem;
    int64_t number;
} cut_number;

typedef struct cut_scene {
    const char *name;
    void (*make)(const char *folder);
    void (*live)(sim_world *w); /* ends early where the power fails */
    const sim_program *programs;
    size_t program_count;
    const cut_number *rest;
    size_t rest_count;
    uint64_t seed;
} cut_scene;

/* As a program: the exit code. */
int cut_scene_main(const cut_scene *s);

#endif
