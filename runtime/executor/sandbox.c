#include "sandbox.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#if SANDBOX_SANITIZED
/* Leak detection traces its own process, which the filter takes for an attack. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "detect_leaks=0";
}
#endif

int sandbox_begin(void) {
    tzset(); /* local time works in plugins; the environment that could redirect it goes next */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) {
        return -1;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a write beyond the limit fails instead */
    return clearenv() == 0 ? 0 : -1;
}

static rlim_t memory_limit(const executor_config *c) {
    /* Address space, not memory: libraries, thread-free arenas and one large answer besides the
     * plugin's own quota. */
    return SANDBOX_SANITIZED ? RLIM_INFINITY : (rlim_t)c->memory_bytes + (1u << 30);
}

static int limit(unsigned resource, rlim_t value) {
    struct rlimit now;
    if (getrlimit(resource, &now) < 0) {
        return -1;
    }
    if (value > now.rlim_max) {
        value = now.rlim_max;
    }
    return setrlimit(resource, &(struct rlimit){value, value});
}

int sandbox_limits(const executor_config *c, diag *d) {
    const struct {
        const char *name;
        unsigned resource;
        rlim_t value;
    } limits[] = {
        {"AS", RLIMIT_AS, memory_limit(c)},
        {"NPROC", RLIMIT_NPROC, 0},
        {"NOFILE", RLIMIT_NOFILE, 64 + EXECUTOR_FD_GRANTS + c->grant_count},
        {"FSIZE", RLIMIT_FSIZE, 256u << 20},
        {"CORE", RLIMIT_CORE, 0},
        {"MEMLOCK", RLIMIT_MEMLOCK, 0},
        {"MSGQUEUE", RLIMIT_MSGQUEUE, 0},
    };
    if (close_range(EXECUTOR_FD_GRANTS + (unsigned)c->grant_count, ~0u, 0) < 0) {
        return diag_set(d, DIAG_FAILED, "Descriptors cannot be closed: %s.", strerror(errno));
    }
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (limit(limits[i].resource, limits[i].value) < 0) {
            return diag_set(d, DIAG_FAILED, "The limit %s of the executor cannot be set: %s.",
                            limits[i].name, strerror(errno));
        }
    }
    return 0;
}

int sandbox_close(const executor_config *c, sandbox_stage stage, diag *d) {
    if (landlock_enforce(c, stage, d) < 0 || filter_enforce(c, stage, d) < 0) {
        return diag_next(d, "Use Linux 5.19 or newer with seccomp and Landlock switched on (`keel "
                            "doctor` shows both), or start with `keel up --unsafe`, which is "
                            "recorded and shown.");
    }
    return 0;
}
