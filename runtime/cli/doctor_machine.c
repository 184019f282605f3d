/* What does not depend on the workspace. */
#include <errno.h>
#include <lua.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>
#include <yaml.h>

#include "doctor.h"
#include "paths.h"

bool check_version(cli *c, finding *f) {
    struct utsname u;
    (void)c;
    uname(&u);
    found(f, HEALTH_OK, "%s on %s %s %s", KEEL_VERSION, u.sysname, u.release, u.machine);
    return true;
}

/* Versions with faults that matter here. */
static const struct {
    int from, below;
    health health;
    const char *what, *next;
} sqlite_faults[] = {
    {0, 3040000, HEALTH_FAIL, "is older than what Keel was tested with",
     "Install SQLite 3.40 or newer."},
    {3040000, 3051003, HEALTH_OK,
     "(two processes that checkpoint one file can damage it; Keel has only one)", ""},
};

bool check_sqlite(cli *c, finding *f) {
    (void)c;
    int version = sqlite3_libversion_number();
    found(f, HEALTH_OK, "SQLite %s", sqlite3_libversion());
    for (size_t i = 0; i < sizeof sqlite_faults / sizeof *sqlite_faults; i++) {
        if (version >= sqlite_faults[i].from && version < sqlite_faults[i].below) {
            found(f, sqlite_faults[i].health, "SQLite %s %s", sqlite3_libversion(),
                  sqlite_faults[i].what);
            remedy(f, "%s", sqlite_faults[i].next);
        }
    }
    return true;
}

bool check_libraries(cli *c, finding *f) {
    (void)c;
    bool lua_fault = LUA_VERSION_RELEASE_NUM <= 50404;
    found(f, HEALTH_OK, "%s%s, libuv %s, libyaml %s, libsodium %s", LUA_RELEASE,
          lua_fault
              ? " (its fault after a failed allocation cannot be reached: executors exit instead)"
              : "",
          uv_version_string(), yaml_get_version_string(), sodium_version_string());
    return true;
}

static bool readable(const char *path, int mode, finding *f) {
    if (access(path, mode) == 0) {
        return true;
    }
    found(f, HEALTH_FAIL, "%s cannot be used: %s", path, strerror(errno));
    remedy(f, "Install Keel again; or, in a build tree, set KEEL_LIBEXEC and KEEL_SHARE.");
    return false;
}

bool check_programs(cli *c, finding *f) {
    (void)c;
    char *executor = path_program("keel-executor"), *egress = path_program("keel-egress");
    char *lua = path_share("lua/keel.lua"), *plugins = path_share("plugins");
    if (readable(executor, X_OK, f) && readable(egress, X_OK, f) && readable(plugins, R_OK, f) &&
        readable(lua, R_OK, f)) {
        found(f, HEALTH_OK, "%s, plugins in %s", executor, plugins);
    }
    free(executor);
    free(egress);
    free(plugins);
    free(lua);
    return true;
}

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif
#define LANDLOCK_ASK_VERSION 1u

bool check_landlock(cli *c, finding *f) {
    (void)c;
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_ASK_VERSION);
    if (version < 1) {
        found(f, HEALTH_FAIL, "Landlock is not there (%s): plugins with folders are refused",
              strerror(errno));
        remedy(f, "Use Linux 5.19 or newer with `landlock` in lsm=; see /sys/kernel/security/lsm.");
    } else if (version < 2) {
        found(f, HEALTH_FAIL, "Landlock 1 cannot guard moves between folders");
        remedy(f, "Use Linux 5.19 or newer.");
    } else {
        found(f, HEALTH_OK, "version %ld", version);
    }
    return true;
}

bool check_seccomp(cli *c, finding *f) {
    (void)c;
    if (prctl(PR_GET_SECCOMP) < 0) {
        found(f, HEALTH_FAIL, "the system has no seccomp: plugins cannot be kept from the network");
        remedy(f, "Use a Linux with CONFIG_SECCOMP_FILTER.");
    } else if (access("/proc/sys/kernel/seccomp/actions_avail", R_OK) != 0) {
        found(f, HEALTH_WARN, "seccomp is there; which actions it has cannot be seen");
    } else {
        found(f, HEALTH_OK, "filters are there");
    }
    return true;
}

bool check_clock(cli *c, finding *f) {
    struct timespec boot;
    struct timex t = {.modes = 0};
    (void)c;
    time_t now = time(NULL);
    if (clock_gettime(CLOCK_BOOTTIME, &boot) != 0) {
        found(f, HEALTH_FAIL, "there is no clock that goes on during sleep: %s", strerror(errno));
        remedy(f, "Use a Linux with CLOCK_BOOTTIME.");
    } else if (now < 1735689600) {
        found(f, HEALTH_FAIL, "the clock says a time before 2025");
        remedy(f, "Set the clock: expiries and budgets' days depend on it.");
    } else if (adjtimex(&t) == TIME_ERROR || (t.status & STA_UNSYNC)) {
        found(f, HEALTH_WARN, "the system does not say that its clock is synchronised");
        remedy(f, "Switch time synchronisation on, such as systemd-timesyncd or chrony.");
    } else {
        found(f, HEALTH_OK, "synchronised");
    }
    return true;
}
