#include "host_generation.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "keel/buf.h"

#define PAUSE_MS     10
#define LOCK_WAIT_MS 1000 /* one that was killed holds its lock until the last of it is gone */

struct host_generation {
    int lock;
    int generation;
};

static int open_file(const char *path, int *out, diag *d) {
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        diag_set(d, DIAG_STORAGE, "%s cannot be opened: %s", path, strerror(errno));
        return diag_next(d, "Look at the owner and the mode of the workspace's .keel folder.");
    }
    *out = fd;
    return 0;
}

/* type: F_RDLCK or F_WRLCK, on the whole file. 0, EAGAIN when another holds it, or another errno.
 */
static int try_lock(int fd, short type) {
    struct flock l = {.l_type = type, .l_whence = SEEK_SET};
    while (fcntl(fd, F_OFD_SETLK, &l) != 0) {
        if (errno != EINTR) {
            return errno == EACCES ? EAGAIN : errno;
        }
    }
    return 0;
}

static int64_t now_ms(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* To write, for as long as another holds it, up to wait_ms. Returns as try_lock does. */
static int wait_lock(int fd, int wait_ms) {
    int64_t end = now_ms() + wait_ms;
    int e;
    while ((e = try_lock(fd, F_WRLCK)) == EAGAIN && now_ms() < end) {
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
    }
    return e;
}

int host_generation_share(int fd) {
    errno = try_lock(fd, F_RDLCK);
    return errno ? -1 : 0;
}

static int refuse_lock(const char *path, int e, diag *d) {
    diag_set(d, DIAG_STORAGE, "%s cannot be locked: %s", path, strerror(e));
    return diag_next(d, "Keel needs a local file system that has file locks.");
}

static pid_t written_pid(int fd) {
    char text[32];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    if (n <= 0) {
        return -1;
    }
    text[n] = 0;
    char *end;
    long pid = strtol(text, &end, 10);
    return pid > 0 && *end == '\n' ? (pid_t)pid : -1;
}

static int take_lock(int fd, const char *path, int wait_ms, diag *d) {
    int e = wait_lock(fd, wait_ms < LOCK_WAIT_MS ? wait_ms : LOCK_WAIT_MS);
    if (e == EAGAIN) {
        pid_t pid = written_pid(fd);
        if (pid > 0) {
            diag_set(d, DIAG_CONFLICT, "Keel is already running here (pid %d)", (int)pid);
        } else {
            diag_set(d, DIAG_CONFLICT, "Keel is already running here");
        }
        return diag_next(d, "Use it as it is, or stop it first with `keel down`.");
    }
    if (e != 0) {
        return refuse_lock(path, e, d);
    }
    char text[32];
    int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n) {
        diag_set(d, DIAG_STORAGE, "%s cannot be written: %s", path, strerror(errno));
        return diag_next(d, "Look whether the disk is full (`df`).");
    }
    return 0;
}

/* ---- who of an earlier kernel still lives ---- */

static bool holds(const char *pid, const struct stat *file) {
    char path[320];
    snprintf(path, sizeof path, "/proc/%s/fd", pid);
    DIR *dir = opendir(path);
    if (!dir) {
        return false;
    }
    bool found = false;
    for (struct dirent *e; !found && (e = readdir(dir));) {
        struct stat st;
        found = fstatat(dirfd(dir), e->d_name, &st, 0) == 0 && st.st_dev == file->st_dev &&
                st.st_ino == file->st_ino;
    }
    closedir(dir);
    return found;
}

static void list_holders(int fd, keel_buf *out) {
    struct stat file;
    DIR *proc = opendir("/proc");
    if (!proc || fstat(fd, &file) != 0) {
        if (proc) {
            closedir(proc);
        }
        return;
    }
    for (struct dirent *e; (e = readdir(proc)) && out->len < 200;) {
        long pid = strtol(e->d_name, NULL, 10);
        if (pid > 0 && pid != getpid() && holds(e->d_name, &file)) {
            keel_buf_printf(out, " %ld", pid);
        }
    }
    closedir(proc);
}

static int refuse_survivors(int fd, int wait_ms, diag *d) {
    keel_buf pids = KEEL_BUF_INIT;
    list_holders(fd, &pids);
    diag_set(
        d, DIAG_CONFLICT,
        "processes of an earlier Keel still run in this workspace after %d ms, and could still "
        "send%s%s",
        wait_ms, pids.len ? ": pid" : "", pids.len ? pids.data : "");
    if (pids.len) {
        diag_next(d, "End them with `kill -9%s`, then start again.", pids.data);
    } else {
        diag_next(d, "Wait a little and start again; if it stays so, look for keel-executor in "
                     "`ps aux`.");
    }
    keel_buf_free(&pids);
    return DIAG_CONFLICT;
}

static int take_generation(int fd, const char *path, int wait_ms, diag *d) {
    int e = wait_lock(fd, wait_ms);
    if (e == EAGAIN) {
        return refuse_survivors(fd, wait_ms, d);
    }
    e = e ? e : try_lock(fd, F_RDLCK);
    return e ? refuse_lock(path, e, d) : 0;
}

int host_generation_take(host_generation **out, const char *lock, const char *generation,
                         int wait_ms, diag *d) {
    host_generation g = {-1, -1};
    diag unheard = {0};
    d = d ? d : &unheard; /* the code stands in it */
    int rc = open_file(lock, &g.lock, d);
    rc = rc ? rc : take_lock(g.lock, lock, wait_ms, d);
    rc = rc ? rc : open_file(generation, &g.generation, d);
    rc = rc ? rc : take_generation(g.generation, generation, wait_ms, d);
    host_generation *taken = keel_alloc(sizeof *taken);
    *taken = g;
    if (rc != 0) {
        host_generation_release(taken);
        return rc;
    }
    *out = taken;
    return 0;
}

int host_generation_fd(const host_generation *g) {
    return g->generation;
}

void host_generation_release(host_generation *g) {
    if (!g) {
        return;
    }
    if (g->generation >= 0) {
        close(g->generation);
    }
    if (g->lock >= 0) {
        close(g->lock);
    }
    free(g);
}

pid_t host_generation_holder(const char *lock) {
    int fd = open(lock, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    struct flock l = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    bool held = fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK;
    pid_t pid = held ? written_pid(fd) : 0;
    close(fd);
    return pid;
}
