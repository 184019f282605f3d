#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host_generation.h"
#include "keel/json.h"

#define FIRST_FD CHILD_FIRST_FD
_Static_assert(FIRST_FD == EXECUTOR_FD_FRAMES, "the frames come first");

static int refuse_errno(diag *d, const char *what) {
    int e = errno;
    diag_set(d, DIAG_FAILED, "an executor cannot be started: %s: %s", what, strerror(e));
    if (e == EMFILE || e == ENFILE) {
        return diag_next(d, "Raise the limit of open files (`ulimit -n 1024`) and start again.");
    }
    if (e == EAGAIN || e == ENOMEM) {
        return diag_next(d, "The machine is out of processes or memory: `ulimit -u`, `free -m`.");
    }
    return DIAG_FAILED;
}

/* Takes fd and puts it in its place, moved above the numbers that the child will use, so that no
 * dup2 in the child overwrites a descriptor that is still needed. */
int child_keep(child_plan *plan, size_t i, int fd, const char *what, diag *d) {
    if (fd < 0) {
        return refuse_errno(d, what);
    }
    int above = FIRST_FD + (int)plan->count;
    if (fd < above) {
        int low = fd;
        fd = fcntl(low, F_DUPFD_CLOEXEC, above);
        int e = errno;
        close(low);
        errno = e;
        if (fd < 0) {
            return refuse_errno(d, what);
        }
    }
    plan->fds[i] = fd;
    return 0;
}

static int open_frames(child_plan *plan, diag *d) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return refuse_errno(d, "no socket pair");
    }
    plan->frames = pair[0];
    return child_keep(plan, EXECUTOR_FD_FRAMES - FIRST_FD, pair[1], "no socket pair", d);
}

/* Sealed in its size: a child that could cut it would end us with SIGBUS. */
static int open_page(child_plan *plan, diag *d) {
    int fd = memfd_create("keel-page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0 && (ftruncate(fd, sizeof(executor_page)) != 0 ||
                    fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)) {
        close(fd);
        return refuse_errno(d, "no shared page");
    }
    int rc = child_keep(plan, EXECUTOR_FD_PAGE - FIRST_FD, fd, "no shared page", d);
    if (rc != 0) {
        return rc;
    }
    void *page = mmap(NULL, sizeof(executor_page), PROT_READ | PROT_WRITE, MAP_SHARED,
                      plan->fds[EXECUTOR_FD_PAGE - FIRST_FD], 0);
    if (page == MAP_FAILED) {
        return refuse_errno(d, "no shared page");
    }
    plan->page = page;
    return 0;
}

static int open_null(void) {
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int open_native(child_plan *plan, const host_spec *spec, diag *d) {
    int fd = -1;
    if (!spec->native) {
        fd = open_null();
    } else {
        int rc = native_open(spec->native, &spec->native_digest, &fd, d);
        if (rc != 0) {
            return rc;
        }
    }
    return child_keep(plan, EXECUTOR_FD_NATIVE - FIRST_FD, fd, "/dev/null", d);
}

/* A lock belongs to the open file, and whoever holds a copy of its descriptor can give it up for
 * all. So each child gets an open file, and a lock, of its own. */
int child_open_lock(child_plan *plan, size_t i, int lock_fd, diag *d) {
    int fd;
    if (lock_fd < 0) {
        fd = open_null();
    } else {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", lock_fd);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0 && host_generation_share(fd) != 0) {
            close(fd);
            return refuse_errno(d, "the generation's lock is not shared");
        }
    }
    return child_keep(plan, i, fd, "no lock of the generation", d);
}

/* The child's end of a channel to egress; the caller keeps the other. */
static int open_egress(child_plan *plan, const host_spec *spec, diag *d) {
    int fd = spec->egress_fd <= 0 ? open_null() : fcntl(spec->egress_fd, F_DUPFD_CLOEXEC, FIRST_FD);
    return child_keep(plan, EXECUTOR_FD_EGRESS - FIRST_FD, fd, "no channel to egress", d);
}

static int open_grants(child_plan *plan, const host_spec *spec, diag *d) {
    for (size_t i = 0; i < spec->grant_count; i++) {
        const char *path = spec->grants[i].path;
        int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES)) {
            const char *why = errno == ENOTDIR  ? "is not a folder"
                              : errno == EACCES ? "may not be entered"
                                                : "is not there";
            diag_set(d, DIAG_NOT_FOUND, "the folder %s that a connection names %s", path, why);
            return diag_next(d, "Make it with `mkdir -p`, or correct the connection's config in "
                                "keel.yaml.");
        }
        int rc = child_keep(plan, EXECUTOR_FD_GRANTS - FIRST_FD + i, fd, path, d);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

void child_plan_init(child_plan *plan, size_t count) {
    *plan = (child_plan){.frames = -1, .count = count};
    plan->fds = keel_alloc(count * sizeof *plan->fds);
    for (size_t i = 0; i < count; i++) {
        plan->fds[i] = -1;
    }
}

int child_prepare(child_plan *plan, const host_spec *spec, diag *d) {
    child_plan_init(plan, EXECUTOR_FD_GRANTS - FIRST_FD + spec->grant_count);
    int rc = open_grants(plan, spec, d);
    rc = rc ? rc : open_native(plan, spec, d);
    rc = rc ? rc : open_frames(plan, d);
    rc = rc ? rc : open_page(plan, d);
    rc = rc ? rc : child_open_lock(plan, EXECUTOR_FD_LOCK - FIRST_FD, spec->lock_fd, d);
    rc = rc ? rc : open_egress(plan, spec, d);
    if (rc != 0) {
        child_finish(plan);
    }
    return rc;
}

static int add_actions(posix_spawn_file_actions_t *fa, const child_plan *plan) {
    int rc = posix_spawn_file_actions_addopen(fa, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (rc == 0 && fcntl(STDERR_FILENO, F_GETFD) < 0) {
        rc = posix_spawn_file_actions_addopen(fa, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    }
    rc = rc ? rc : posix_spawn_file_actions_adddup2(fa, STDERR_FILENO, STDOUT_FILENO);
    for (size_t i = 0; i < plan->count && rc == 0; i++) {
        rc = posix_spawn_file_actions_adddup2(fa, plan->fds[i], FIRST_FD + (int)i);
    }
    rc = rc ? rc : posix_spawn_file_actions_addclosefrom_np(fa, FIRST_FD + (int)plan->count);
    return rc ? rc : posix_spawn_file_actions_addchdir_np(fa, "/");
}

/* A session of its own: no terminal to speak to, and one group to kill. */
static int set_attributes(posix_spawnattr_t *attr) {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    int rc = posix_spawnattr_setsigmask(attr, &none);
    rc = rc ? rc : posix_spawnattr_setsigdefault(attr, &all);
    return rc ? rc
              : posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                                   POSIX_SPAWN_SETSIGDEF);
}

static int exec_child(const child_plan *plan, const char *program, const child_way *way,
                      pid_t *pid) {
    char *const argv[] = {(char *)(uintptr_t)way->name,
                          way->unsafe ? (char *)(uintptr_t) "--unsafe" : NULL, NULL};
    char *const few[] = {(char *)(uintptr_t) "PATH=/usr/bin:/bin",
                         (char *)(uintptr_t) "LANG=C.UTF-8", NULL};
    posix_spawn_file_actions_t fa;
    posix_spawnattr_t attr;
    int rc = posix_spawn_file_actions_init(&fa);
    if (rc != 0) {
        return rc;
    }
    rc = posix_spawnattr_init(&attr);
    if (rc == 0) {
        rc = add_actions(&fa, plan);
        rc = rc ? rc : set_attributes(&attr);
        rc = rc ? rc : posix_spawn(pid, program, &fa, &attr, argv, way->env ? way->env : few);
        posix_spawnattr_destroy(&attr);
    }
    posix_spawn_file_actions_destroy(&fa);
    return rc;
}

int child_start(const child_plan *plan, const child_way *way, pid_t *pid, diag *d) {
    char program[PATH_MAX];
    if (!realpath(way->program, program) || access(program, X_OK) != 0) {
        diag_set(d, DIAG_NOT_FOUND, "the program %s cannot be started: %s", way->program,
                 strerror(errno));
        return diag_next(d, "Install Keel whole, or build it with `./dev build`.");
    }
    pid_t child;
    int rc = exec_child(plan, program, way, &child);
    if (rc != 0) {
        errno = rc;
        return refuse_errno(d, program);
    }
    *pid = child;
    return 0;
}

void child_close_ends(child_plan *plan) {
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->fds[i] >= 0) {
            close(plan->fds[i]);
        }
    }
    free(plan->fds);
    plan->fds = NULL;
    plan->count = 0;
}

void child_finish(child_plan *plan) {
    child_close_ends(plan);
    if (plan->frames >= 0) {
        close(plan->frames);
    }
    if (plan->page) {
        munmap(plan->page, sizeof *plan->page);
    }
    *plan = (child_plan){.frames = -1};
}

static void write_grants(keel_json_writer *w, const host_spec *spec) {
    keel_json_key(w, "grants");
    keel_json_array(w);
    for (size_t i = 0; i < spec->grant_count; i++) {
        keel_json_object(w);
        keel_json_set_int(w, "fd", EXECUTOR_FD_GRANTS + (int64_t)i);
        keel_json_set_text(w, "mode", spec->grants[i].writable ? "rw" : "ro");
        keel_json_set_text(w, "path", spec->grants[i].path);
        keel_json_object_end(w);
    }
    keel_json_array_end(w);
}

void child_config(keel_buf *out, const host_spec *spec) {
    enum { MEMBERS = 32, NAME = 32 };
    char names[MEMBERS][NAME];
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    bool granted = false;
    keel_json_iter it = keel_json_each(keel_json_view(spec->config, spec->config_len));
    for (size_t i = 0; i < MEMBERS && keel_json_next(&it); i++) {
        keel_json_copy(it.key, names[i], NAME);
        if (!granted && strcmp(names[i], "grants") > 0) {
            write_grants(&w, spec);
            granted = true;
        }
        keel_json_set_raw(&w, names[i], it.value);
    }
    if (!granted) {
        write_grants(&w, spec);
    }
    keel_json_object_end(&w);
}
