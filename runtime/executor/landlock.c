/* Which files can be reached at all. Rules only ever narrow: the second stage drops the libraries
 * of the first. */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox.h"

/* Newer than Debian 12's header. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define CHANGE                                                                                     \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                               \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |  \
     LANDLOCK_ACCESS_FS_REFER | LANDLOCK_ACCESS_FS_TRUNCATE)
/* Everything up to REFER: what version 2 can take away. */
#define VERSION_2 ((LANDLOCK_ACCESS_FS_REFER << 1) - 1)

/* What loading a library, a character set or the local time reads. Mapping code for execution needs
 * the right to read only. */
static const char *const loading[] = {
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/usr/share/zoneinfo",
    "/usr/share/locale",
    "/dev/urandom",
    "/dev/null",
};

int landlock_version(void) {
    long v = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return v < 2 ? 0 : (int)v; /* version 1 cannot rename between folders */
}

static uint64_t handled(int version) {
    uint64_t rights = VERSION_2;
    rights |= version >= 3 ? LANDLOCK_ACCESS_FS_TRUNCATE : 0;
    rights |= version >= 5 ? LANDLOCK_ACCESS_FS_IOCTL_DEV : 0;
    return rights;
}

static int allow(int ruleset, int fd, uint64_t rights) {
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = fd};
    return (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

static int allow_loading(int ruleset) {
    for (size_t i = 0; i < sizeof loading / sizeof *loading; i++) {
        int fd = open(loading[i], O_PATH | O_CLOEXEC);
        if (fd < 0) {
            continue; /* not on this machine */
        }
        /* A rule for a file may not name rights of folders. */
        int failed = allow(ruleset, fd, READ);
        if (failed < 0 && errno == EINVAL) {
            failed = allow(ruleset, fd, LANDLOCK_ACCESS_FS_READ_FILE);
        }
        close(fd);
        if (failed < 0) {
            return -1;
        }
    }
    return 0;
}

static int allow_grants(int ruleset, const executor_config *c, uint64_t rights) {
    for (size_t i = 0; i < c->grant_count; i++) {
        uint64_t wanted = c->grants[i].writable ? READ | CHANGE : READ;
        if (allow(ruleset, c->grants[i].fd, wanted & rights) < 0) {
            return -1;
        }
    }
    return 0;
}

int landlock_enforce(const executor_config *c, sandbox_stage stage, diag *d) {
    int version = landlock_version();
    if (version == 0 && c->grant_count > 0) {
        return diag_set(d, DIAG_FAILED,
                        "%s is granted a folder, and this kernel has no Landlock (version 2 or "
                        "newer) to hold it there.",
                        c->id);
    }
    if (version == 0) {
        return 0; /* the filter refuses all file calls of a plugin without a grant */
    }
    struct landlock_ruleset_attr attr = {.handled_access_fs = handled(version)};
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (ruleset < 0 || (stage == SANDBOX_LOADING && allow_loading(ruleset) < 0) ||
        allow_grants(ruleset, c, attr.handled_access_fs) < 0 ||
        syscall(SYS_landlock_restrict_self, ruleset, 0) < 0) {
        int error = errno;
        if (ruleset >= 0) {
            close(ruleset);
        }
        return diag_set(d, DIAG_FAILED, "The file wall (Landlock) of %s cannot be raised: %s.",
                        c->id, strerror(error));
    }
    close(ruleset);
    return 0;
}
