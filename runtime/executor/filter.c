/* Sets the system call filters that filter_make.c has made. */
#include "filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "filter_programs.h"
#include "sandbox.h"

#define MOST 1024 /* instructions */

typedef struct filter {
    const struct sock_filter *instructions;
    size_t count;
} filter;

#define FILTER(a)                                                                                  \
    { a, sizeof(a) / sizeof *(a) }
_Static_assert(sizeof loading_granted <= MOST * sizeof *loading_granted, "the longest filter");

/* By stage, and by whether folders are granted. */
static const filter filters[2][2] = {
    [SANDBOX_LOADING] = {FILTER(loading), FILTER(loading_granted)},
    [SANDBOX_FINAL] = {FILTER(final), FILTER(final_granted)},
};

int filter_enforce(const executor_config *c, sandbox_stage stage, diag *d) {
    const filter *f = &filters[stage][c->grant_count > 0];
    struct sock_filter own[MOST];
    struct sock_fprog program = {(unsigned short)f->count, own};
    memcpy(own, f->instructions, f->count * sizeof *own);
    for (size_t i = 0; i < f->count; i++) {
        if (own[i].k == FILTER_OWN_PID) {
            own[i].k = (uint32_t)getpid();
        }
    }
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
        return diag_set(d, DIAG_FAILED, "The system call filter (seccomp) of %s cannot be set: %s.",
                        c->id, strerror(errno));
    }
    return 0;
}
