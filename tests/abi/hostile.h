/* What abi_hostile.so does, in two files. */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <string.h>

#include "keel/plugin.h"

#define KERNEL 3 /* EXECUTOR_FD_FRAMES */
#define PAGE   4 /* EXECUTOR_FD_PAGE */
#define EGRESS 7 /* EXECUTOR_FD_EGRESS */
#define GRANT  8 /* EXECUTOR_FD_GRANTS */

typedef struct asked {
    keel_call *call;
    const keel_request *r;
} asked;

extern const keel_host *hostile_host;

static inline keel_status say(const asked *a, const char *text) {
    return hostile_host->reply(hostile_host->ctx, a->call, (keel_span){text, strlen(text)});
}

/* Does what the name says, if it is one of leaving, outliving and hurting. 0: it is not. */
int hostile_leave(const asked *a, const char *name, keel_status *status);

#endif
