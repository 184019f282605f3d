/* keel-egress: the one process with sockets and secrets, started by the kernel. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "digest.h"
#include "egress.h"

/* Leak detection traces its own process, which must be dumpable for that. */
#if defined(__SANITIZE_ADDRESS__)
#define MAIN_DUMPABLE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MAIN_DUMPABLE 1
#endif
#endif
#ifndef MAIN_DUMPABLE
#define MAIN_DUMPABLE 0
#endif

/* What the commands that give secrets need (`pass`, for one). Everything else goes: proxies, key
 * logs, other resolvers and other configurations of OpenSSL must not come in this way. */
static const char *const kept[] = {
    "HOME",
    "PATH",
    "LANG",
    "LC_ALL",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "GNUPGHOME",
    "GPG_TTY",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "DBUS_SESSION_BUS_ADDRESS",
    "SSH_AUTH_SOCK",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "PASSWORD_STORE_DIR",
    "KEEL_FAILPOINT",
    "KEEL_FAILPOINT_TRACE",
};

static int keep_environment(void) {
    enum { COUNT = sizeof kept / sizeof *kept };
    char *values[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        const char *value = getenv(kept[i]);
        values[i] = value ? keel_strdup(value) : NULL;
    }
    int failed = clearenv();
    for (size_t i = 0; i < COUNT; i++) {
        failed |= values[i] ? setenv(kept[i], values[i], 1) : 0;
        free(values[i]);
    }
    return failed ? -1 : 0;
}

static int harden(void) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
        prctl(PR_SET_DUMPABLE, MAIN_DUMPABLE) < 0 ||
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) < 0) {
        return -1;
    }
    for (int fd = EGRESS_FD_FRAMES; fd <= EGRESS_FD_LOCK; fd++) {
        fcntl(fd, F_SETFD, FD_CLOEXEC); /* not for the commands that give secrets */
    }
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < 8192) {
        files.rlim_cur = files.rlim_max < 8192 ? files.rlim_max : 8192;
        setrlimit(RLIMIT_NOFILE, &files); /* without it fewer connections fit */
    }
    signal(SIGPIPE, SIG_IGN);
    return keep_environment();
}

int main(int argc, char **argv) {
    (void)argv;
    if (argc > 1) {
        fputs("keel-egress: started by keel, not by hand; it takes no arguments\n", stderr);
        return 2;
    }
    if (harden() < 0 || digest_init() < 0) {
        perror("keel-egress: cannot start");
        return 1;
    }
    return egress_main();
}
