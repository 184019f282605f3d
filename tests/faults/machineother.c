/* No descriptors, signals at any time, a log that nobody reads: rows 44 and 45 of the faults. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"
#include "operator.h"
#include "pool.h"
#include "siteint.h"

#define DRAIN_LIMIT_S 8 /* what `hanging` may take, and the loop of a loaded machine */

/* ---- descriptors ---- */

static long cpu_ms(pid_t pid) {
    char path[64], text[1024] = "";
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    text[n] = 0;
    const char *after = strrchr(text, ')');
    if (f) {
        fclose(f);
    }
    if (!after || sscanf(after, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                         &system) != 2) {
        return -1;
    }
    return (long)(user + system) * 1000 / sysconf(_SC_CLK_TCK);
}

static bool was_told(int fd) {
    char said[4096] = "";
    ssize_t n = recv(fd, said, sizeof said - 1, MSG_DONTWAIT);
    said[n > 0 ? n : 0] = 0;
    return n > 24 && strstr(said + 24, "no file descriptor left") != NULL;
}

/* Whether one of the crowd is told why, within what a loaded machine takes. */
static bool one_is_told(const int *crowd, int count) {
    for (int i = 0; i < 2000; i++) {
        for (int k = 0; k < count; k++) {
            if (was_told(crowd[k])) {
                return true;
            }
        }
        site_sleep_us(10000);
    }
    return false;
}

/* Clients come until there is no descriptor for more. One is told why; the kernel does not spin; and
 * when they go, it serves again. */
static void no_descriptors(const void *arg, const char *folder, keel_buf *problem,
                           keel_buf *detail) {
    enum { CROWD = 40 };
    struct rlimit own, few;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int crowd[CROWD];
    site s;
    (void)arg;
    scripts[0].make(&s, &scripts[0], folder);
    snprintf(at.sun_path, sizeof at.sun_path, "%.80s/.keel/keel.sock", s.root);
    if (site_up(&s, &machine_plain)) {
        getrlimit(RLIMIT_NOFILE, &own);
        few = (struct rlimit){32, own.rlim_max};
        prlimit(s.kernel, RLIMIT_NOFILE, &few, NULL);
        for (int i = 0; i < CROWD; i++) {
            crowd[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
            connect(crowd[i], (struct sockaddr *)&at, sizeof at);
        }
        bool told = one_is_told(crowd, CROWD);
        long before = cpu_ms(s.kernel);
        site_sleep_us(1000000);
        long used = cpu_ms(s.kernel) - before;
        for (int i = 0; i < CROWD; i++) {
            close(crowd[i]);
        }
        if (used > 300) {
            site_fault(&s, "it spins: %ld ms of CPU in a second", used);
        } else if (!told) {
            site_fault(&s, "nobody was told that there is no descriptor");
        }
        site_sleep_us(600000);
        if (site_ask(&s, "status", NULL) != SITE_ANSWERED) {
            site_fault(&s, "it does not answer any more");
        }
        prlimit(s.kernel, RLIMIT_NOFILE, &own, NULL);
    }
    machine_last_life(&s, &scripts[0]);
    machine_finish(&s, problem, detail);
}

/* ---- signals ---- */

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Its last record says that it was stopped, not killed. */
static bool was_stopped(site *s) {
    char db[240];
    diag d = {0};
    snprintf(db, sizeof db, "%s/.keel/keel.db", s->root);
    if (reader_open(&s->db, db, NULL, &d)) {
        s->db = NULL;
        return false;
    }
    bool is = site_count(s, "SELECT stopped_us IS NOT NULL FROM boot ORDER BY boot DESC") == 1;
    reader_close(s->db);
    s->db = NULL;
    return is;
}

/* SIGTERM at some time of the work, four lives in a row: each drains and ends in good order. */
static void terminated(const void *arg, const char *folder, keel_buf *problem, keel_buf *detail) {
    long delay = (long)(intptr_t)arg;
    const script *sc = &scripts[0];
    site s;
    scripts[0].make(&s, &scripts[0], folder);
    for (int life = 0; life < 4 && !s.problem[0]; life++) {
        pid_t killer = -1;
        if (site_up_plain(&s) && (killer = fork()) == 0) {
            site_sleep_us(delay + life * 11000);
            kill(s.kernel, SIGTERM);
            _exit(0);
        }
        if (site_repeat(&s)) {
            sc->live(&s);
        }
        if (strstr(s.problem, "Keel is stopping")) {
            s.problem[0] = 0; /* what it does not take any more is said again */
        }
        if (killer > 0) {
            waitpid(killer, NULL, 0); /* one signal: a second would end it at once */
        } else if (s.kernel) {
            kill(s.kernel, SIGTERM);
        }
        double from = seconds();
        site_reap(&s);
        if (site_exit(&s) != 0) {
            site_fault(&s, "SIGTERM ended it with status %d", s.status);
        } else if (seconds() - from > DRAIN_LIMIT_S) {
            site_fault(&s, "it drained for %.1f s", seconds() - from);
        } else if (!was_stopped(&s)) {
            site_fault(&s, "it ended without the record that it was stopped");
        }
    }
    machine_last_life(&s, sc);
    machine_finish(&s, problem, detail);
}

/* A second one that comes before the first is seen is none: so they come until the kernel has ended. */
static _Noreturn void terminate_again(pid_t kernel) {
    struct pollfd end = {.fd = pidfd_open(kernel, 0), .events = POLLIN};
    site_sleep_us(30000);
    kill(kernel, SIGTERM);
    site_sleep_us(1000);
    do {
        kill(kernel, SIGTERM);
    } while (end.fd >= 0 && poll(&end, 1, 20) == 0);
    _exit(0);
}

/* SIGTERM twice: the second does not wait for what hangs. */
static void terminated_twice(const void *arg, const char *folder, keel_buf *problem,
                             keel_buf *detail) {
    const script *sc = &scripts[0];
    site s;
    (void)arg;
    scripts[0].make(&s, &scripts[0], folder);
    pid_t killer = -1;
    if (site_up_plain(&s) && (killer = fork()) == 0) {
        terminate_again(s.kernel);
    }
    sc->live(&s);
    if (strstr(s.problem, "Keel is stopping")) {
        s.problem[0] = 0;
    }
    double from = seconds();
    site_reap(&s);
    if (seconds() - from > 2) {
        site_fault(&s, "the second SIGTERM waited for %.1f s", seconds() - from);
    }
    machine_last_life(&s, sc);
    machine_finish(&s, problem, detail);
}

/* ---- the log ---- */

typedef enum log_end { LOG_CLOSED, LOG_GONE, LOG_UNREAD, LOG_FULL } log_end;

/* The script runs to its end whatever becomes of its log. */
static void log_fails(const void *arg, const char *folder, keel_buf *problem, keel_buf *detail) {
    log_end how = (log_end)(intptr_t)arg;
    const script *sc = &scripts[0];
    char fifo[240];
    int reader_fd = -1;
    site s;
    scripts[0].make(&s, &scripts[0], folder);
    snprintf(fifo, sizeof fifo, "%s/fifo", folder);
    if (how == LOG_GONE || how == LOG_UNREAD) {
        mkfifo(fifo, 0600);
        reader_fd = open(fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        char fill[4096];
        memset(fill, '.', sizeof fill);
        while (how == LOG_UNREAD && write(reader_fd, fill, sizeof fill) > 0) {
        }
    }
    setenv("SITE_LOG", how == LOG_CLOSED ? "" : how == LOG_FULL ? "/dev/full" : fifo, 1);
    if (site_up(&s, &machine_plain)) {
        if (how == LOG_GONE) {
            close(reader_fd);
        }
        if (!sc->live(&s) || !site_down(&s)) {
            site_fault(&s, "the work stood still, or ended: status %d", s.status);
        }
    } else {
        site_fault(&s, "it does not start without a log: status %d", s.status);
    }
    machine_last_life(&s, sc);
    machine_finish(&s, problem, detail);
}

/* ---- all ---- */

void machine_add_others(void) {
    static const long delays[] = {0, 2000, 8000, 20000, 45000, 90000, 160000, 300000};
    pool_add("no descriptor is left for another client", no_descriptors, NULL);
    for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
        char name[64];
        snprintf(name, sizeof name, "SIGTERM after %ld ms", delays[i] / 1000);
        pool_add(name, terminated, (const void *)(intptr_t)delays[i]);
    }
    pool_add("SIGTERM twice", terminated_twice, NULL);
    pool_add("stderr is closed", log_fails, (const void *)LOG_CLOSED);
    pool_add("whoever read the log has gone", log_fails, (const void *)LOG_GONE);
    pool_add("nobody reads the log, and its pipe is full", log_fails, (const void *)LOG_UNREAD);
    pool_add("the log's disk is full", log_fails, (const void *)LOG_FULL);
}
