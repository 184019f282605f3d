/* Tests in processes of their own, two at a time, told as TAP: a test that crashes, hangs or leaves
 * processes behind hurts nobody else. */
#ifndef POOL_H
#define POOL_H

#include "keel/buf.h"

/* Runs in its own process with an empty folder of its own. What it writes to `problem` is why it
 * failed; nothing: it passed. Lines of `detail` go with it. */
typedef void pool_test(const void *arg, const char *folder, keel_buf *problem, keel_buf *detail);

/* From now on only tests whose name has this text in it are added: for somebody who looks for a fault.
 * NULL: all. */
void pool_only(const char *text);
void pool_add(const char *name, pool_test *test, const void *arg);
/* Runs what was added since the last call; false when something failed. */
int pool_run(void);
/* The plan, and the exit code of the program. */
int pool_end(void);
/* A folder that lasts as long as the pool. */
const char *pool_folder(void);

#endif
