/* Two folders granted for writing and one for reading, with what a hostile neighbour puts there.
 * The calls are made in the test's own process, without the executor's walls, so that the resolving
 * itself is what holds. */
#ifndef FS_WORLD_H
#define FS_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fs.h"

typedef struct world {
    char *root; /* root/grant is "data" (rw), root/other "other" (rw), root/ro "ro" */
    executor_grant grants[3];
    fs *f;
} world;

int fs_world_up(void **state);
int fs_world_down(void **state);

/* A path below the root; the last two stay valid. */
char *in(const world *w, const char *path);
void put(const world *w, const char *path, const char *text);
bool there(const world *w, const char *path);
void expect_content(const world *w, const char *path, const char *text);
size_t count_in(world *w, const char *path);

#define EACH(f) cmocka_unit_test_setup_teardown(f, fs_world_up, fs_world_down)

#endif
