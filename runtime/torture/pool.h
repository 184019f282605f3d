/* Tests in processes of their own, some at a time, told as TAP or to a listener: a test that crashes,
 * hangs or leaves processes behind hurts nobody else. */
#ifndef POOL_H
#define POOL_H

#include <signal.h>
#include <stdbool.h>

#include "keel/buf.h"

/* Runs in its own process with an empty folder of its own. What it writes to `problem` is why it
 * failed; nothing: it passed. Lines of `detail` go with it. */
typedef void pool_test(const void *arg, const char *folder, keel_buf *problem, keel_buf *detail);

typedef enum pool_verdict { POOL_PASSED, POOL_FAILED, POOL_MISSED } pool_verdict;
/* Said by a test: what it was to happen at did not come to be. Neither passed nor failed; TAP calls it
 * skipped. */
void pool_missed(void);

typedef struct pool_result {
    const char *name;
    const void *arg;
    pool_verdict verdict;
    const char *text; /* of one that failed: the problem, a newline, the detail */
} pool_result;
/* Instead of TAP on stdout. */
void pool_listen(void (*told)(void *ctx, const pool_result *r), void *ctx);

void pool_jobs(int at_once); /* 2 */
/* From now on only tests whose name has this text in it are added: for somebody who looks for a fault.
 * NULL: all. */
void pool_only(const char *text);
void pool_add(const char *name, pool_test *test, const void *arg);
/* Runs what was added since the last call; false when something failed. */
int pool_run(void);
/* Once it is not 0, which a signal's handler may do, no further test starts; those that run go on to
 * their end. */
void pool_until(const volatile sig_atomic_t *stopped);
/* The plan, and the exit code of the program. */
int pool_end(void);
/* A folder that lasts as long as the pool; in memory where there is such a place. */
const char *pool_folder(void);

#endif
