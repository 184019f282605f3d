/* What a machine does to a real kernel: no descriptors, no memory, a sync that fails once, a disk that
 * fills, signals at any time, a log that nobody reads. The scripts of the crash tests run on it; then
 * all must be well, and nothing missing. Rows 8 to 10, 44 and 45 of the faults. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "digest.h"
#include "fsio.h"
#include "operator.h"
#include "pool.h"
#include "scripts.h"
#include "siteint.h"

#define MEBI          (INT64_C(1) << 20)
#define DRAIN_LIMIT_S 8 /* what `hanging` may take, and the loop of a loaded machine */

static const site_start plain = {NULL, NULL, NULL, NULL};

static void give_log(const site *s, keel_buf *detail) {
    keel_buf log = KEEL_BUF_INIT;
    site_log(s, &log);
    size_t from = log.len > 3000 ? log.len - 3000 : 0;
    keel_buf_puts(detail, log.data ? log.data + from : "");
    keel_buf_free(&log);
}

static void finish(site *s, keel_buf *problem, keel_buf *detail) {
    site_finish(s);
    if (s->problem[0]) {
        keel_buf_puts(problem, s->problem);
        give_log(s, detail);
    }
}

static bool log_has(const site *s, const char *text) {
    keel_buf log = KEEL_BUF_INIT;
    site_log(s, &log);
    bool found = log.data && strstr(log.data, text);
    keel_buf_free(&log);
    return found;
}

/* A life that nothing disturbs, and the check of the invariants. */
static void rest(site *s, const script *sc) {
    static const char *const faults[] = {"LD_PRELOAD", "SHIM_MALLOC", "SHIM_SYNC",
                                         "SHIM_DISK",  "SHIM_COUNT",  "SITE_LOG"};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        unsetenv(faults[i]);
    }
    if (s->problem[0] || (!s->kernel && !site_up_plain(s))) {
        return;
    }
    if (!site_repeat(s) || !sc->live(s) || !site_down(s)) {
        site_fault(s, "it ended, and was not told to: status %d", s->status);
    }
    site_check(s);
}

/* The same, and what the script is for has come out. */
static void last_life(site *s, const script *sc) {
    rest(s, sc);
    if (!s->problem[0]) {
        sc->check(s, sc);
    }
}

static void set_number(const char *name, long n) {
    char text[32];
    snprintf(text, sizeof text, "%ld", n);
    setenv(name, text, 1);
}

static void with_shim(void) {
    const char *shim = getenv("KEEL_SHIM");
    setenv("LD_PRELOAD", shim ? shim : "", 1);
}

/* ---- memory, and a sync that fails once ---- */

static long counted[2]; /* allocations and syncs of one life without faults */

static void count_file(char *out, size_t size) {
    snprintf(out, size, "%s/counted", pool_folder());
}

static void count_life(const void *arg, const char *folder, keel_buf *problem, keel_buf *detail) {
    site s;
    char file[200];
    (void)arg;
    scripts[0].make(&s, &scripts[0], folder);
    with_shim();
    count_file(file, sizeof file);
    setenv("SHIM_COUNT", file, 1);
    if (!site_up(&s, &plain) || !scripts[0].live(&s) || !site_down(&s)) {
        site_fault(&s, "the script does not run: status %d", s.status);
    }
    finish(&s, problem, detail);
}

typedef struct strike {
    const char *name; /* SHIM_MALLOC or SHIM_SYNC */
    long at;
} strike;

/* It may go on, where what failed is nobody's business but a library's; if it ends, then by itself,
 * with the exit code of a failure and words that say what to do. */
static void struck(const void *arg, const char *folder, keel_buf *problem, keel_buf *detail) {
    const strike *f = arg;
    const script *sc = &scripts[0];
    bool sync = !strcmp(f->name, "SHIM_SYNC");
    site s;
    scripts[0].make(&s, &scripts[0], folder);
    with_shim();
    set_number(f->name, f->at);
    if (site_up(&s, &plain) && sc->live(&s)) {
        site_down(&s);
    }
    site_reap(&s);
    if (site_exit(&s) == 0 && sync) {
        site_fault(&s, "a sync failed, and the kernel went on");
    } else if (site_exit(&s) < 0 || site_exit(&s) > (sync ? 1 : 2)) {
        site_fault(&s, "it ended with status %d instead of an exit code of its own", s.status);
    } else if (site_exit(&s) == 1 && !log_has(&s, "memory") && !log_has(&s, "keel up") &&
               !log_has(&s, "start keel again")) {
        site_fault(&s, "the message does not say what failed and what to do");
    }
    if (sync) {
        last_life(&s, sc);
    } else {
        rest(&s, sc);
    }
    finish(&s, problem, detail);
}

static void add_strikes(const char *name, const char *words, long count, long points) {
    static strike strikes[128];
    static size_t used;
    for (long i = 0; i < points && count > 0; i++) {
        char title[100];
        strike *f = &strikes[used++];
        /* close together where it starts, and to the end */
        *f = (strike){name, 1 + (long)((double)count * (double)i * (double)(i + 1) /
                                       (double)(points * (points + 1)))};
        snprintf(title, sizeof title, "%s number %ld", words, f->at);
        pool_add(title, struck, f);
    }
}

/* ---- the disk fills ---- */

static _Atomic int64_t *make_disk(const char *folder) {
    char path[240];
    int64_t much = 1024 * MEBI;
    snprintf(path, sizeof path, "%s/disk", folder);
    fsio_write_atomic(path, &much, sizeof much, 0600, NULL);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *at = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (at == MAP_FAILED) {
        exit(2);
    }
    with_shim();
    setenv("SHIM_DISK", path, 1);
    return at;
}

static bool is_halted(site *s, bool halted) {
    const char *sql = halted ? "SELECT count(*) FROM control WHERE halted = 1 AND halted_why = "
                               "'the disk is nearly full'"
                             : "SELECT count(*) FROM control WHERE halted = 0";
    return operator_await(s, sql, 1, 6000) ||
           site_fault(s, halted ? "the full disk does not halt it" : "the halt is not lifted");
}

static bool has_reserve(const site *s) {
    char path[240];
    struct stat there;
    snprintf(path, sizeof path, "%s/.keel/reserve", s->root);
    return stat(path, &there) == 0 && there.st_size == MEBI;
}

/* A run that waits for a person, so that there is something to cancel. */
static long begin_asker(site *s) {
    return operator_begin(s, "do-asker-9",
                          "{\"agent\":\"asker\",\"input\":{\"questions\":[\"expiring\"]}}");
}

static void cancel_and_read(site *s, long run) {
    char args[80];
    snprintf(args, sizeof args, "{\"run\":%ld,\"why\":\"the disk is full\"}", run);
    if (site_ask(s, "status", NULL) != SITE_ANSWERED) {
        site_fault(s, "status is not answered");
    } else if (site_say(s, "cancel-9", "run.cancel", args) != SITE_ANSWERED) {
        site_fault(s, "a run cannot be cancelled: %s", site_refusal);
    } else if (site_say(s, "resume-9", "resume", "{}") != SITE_REFUSED) {
        site_fault(s, "a person can lift a halt while the disk is full");
    }
}

/* Little is left: nothing new is begun, people can look and cancel; then there is room again, and it
 * goes on by itself. */
static void disk_is_nearly_full(const void *arg, const char *folder, keel_buf *problem,
                                keel_buf *detail) {
    site s;
    (void)arg;
    scripts[0].make(&s, &scripts[0], folder);
    _Atomic int64_t *left = make_disk(folder);
    if (site_up(&s, &plain)) {
        long asker = begin_asker(&s);
        if (!has_reserve(&s)) {
            site_fault(&s, "there is no reserve");
        }
        *left = 4 * MEBI;
        if (is_halted(&s, true)) {
            cancel_and_read(&s, asker);
            long run =
                operator_begin(&s, "do-helper-9", "{\"agent\":\"helper\",\"input\":{\"luck\":2}}");
            site_sleep_us(300000);
            if (run && site_count(&s, "SELECT count(*) FROM effect WHERE state <> 'waiting' AND "
                                      "target LIKE '%.write' AND run > 1") > 0) {
                site_fault(&s, "an effect was begun on a full disk");
            }
        }
        *left = 1024 * MEBI;
        if (!s.problem[0] && is_halted(&s, false) && !operator_settle(&s, true)) {
            site_fault(&s, "it does not go on when there is room");
        }
        site_down(&s);
    }
    if (!s.problem[0]) {
        site_check(&s);
    }
    finish(&s, problem, detail);
}

/* Nothing is left from one moment to the next: it says so and ends; with the reserve it comes up again
 * to be looked at and to cancel; and goes on when there is room. */
static void disk_is_full(const void *arg, const char *folder, keel_buf *problem, keel_buf *detail) {
    site s;
    (void)arg;
    scripts[0].make(&s, &scripts[0], folder);
    _Atomic int64_t *left = make_disk(folder);
    long asker = site_up(&s, &plain) ? begin_asker(&s) : 0;
    operator_await(&s, "SELECT count(*) FROM item", 1, OPERATOR_PATIENCE_MS);
    *left = 0;
    for (int i = 0; i < 40 && operator_alive(&s); i++) {
        char request[40];
        snprintf(request, sizeof request, "do-fill-%06d", i);
        site_say(&s, request, "do", "{\"agent\":\"helper\",\"input\":{\"luck\":2}}");
    }
    site_reap(&s);
    if (site_exit(&s) != 1 || !log_has(&s, "is full") || !log_has(&s, "free some space")) {
        site_fault(&s, "the full disk is not told: status %d", s.status);
    } else if (has_reserve(&s) || *left < MEBI) {
        site_fault(&s, "the reserve was not given up: %ld bytes are left", (long)*left);
    } else if (!site_up(&s, &plain)) {
        site_fault(&s, "it does not come up with what the reserve held: exit code %d",
                   site_exit(&s));
    } else if (is_halted(&s, true)) {
        cancel_and_read(&s, asker);
        *left = 1024 * MEBI;
        is_halted(&s, false);
        operator_settle(&s, true);
        site_down(&s);
        if (!has_reserve(&s)) {
            site_fault(&s, "the reserve was not made anew");
        }
    }
    if (!s.problem[0]) {
        site_check(&s);
    }
    finish(&s, problem, detail);
}

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

/* Clients come until there is no descriptor for more. One is told why; the kernel does not spin; and
 * when they go, it serves again. */
static void no_descriptors(const void *arg, const char *folder, keel_buf *problem,
                           keel_buf *detail) {
    enum { CROWD = 40 };
    struct rlimit own, few;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char said[4096] = "";
    int crowd[CROWD], told = 0;
    site s;
    (void)arg;
    scripts[0].make(&s, &scripts[0], folder);
    snprintf(at.sun_path, sizeof at.sun_path, "%.80s/.keel/keel.sock", s.root);
    if (site_up(&s, &plain)) {
        getrlimit(RLIMIT_NOFILE, &own);
        few = (struct rlimit){32, own.rlim_max};
        prlimit(s.kernel, RLIMIT_NOFILE, &few, NULL);
        for (int i = 0; i < CROWD; i++) {
            crowd[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
            connect(crowd[i], (struct sockaddr *)&at, sizeof at);
        }
        site_sleep_us(100000);
        long before = cpu_ms(s.kernel);
        site_sleep_us(1000000);
        long used = cpu_ms(s.kernel) - before;
        for (int i = 0; i < CROWD; i++) {
            ssize_t n = recv(crowd[i], said, sizeof said - 1, MSG_DONTWAIT);
            said[n > 0 ? n : 0] = 0;
            told += n > 24 && strstr(said + 24, "no file descriptor left") != NULL;
            close(crowd[i]);
        }
        if (used > 300) {
            site_fault(&s, "it spins: %ld ms of CPU in a second", used);
        } else if (told == 0) {
            site_fault(&s, "nobody was told that there is no descriptor");
        }
        site_sleep_us(600000);
        if (site_ask(&s, "status", NULL) != SITE_ANSWERED) {
            site_fault(&s, "it does not answer any more");
        }
        prlimit(s.kernel, RLIMIT_NOFILE, &own, NULL);
    }
    last_life(&s, &scripts[0]);
    finish(&s, problem, detail);
}

/* ---- signals ---- */

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
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
        if (s.kernel) {
            kill(s.kernel, SIGTERM);
        }
        double from = seconds();
        site_reap(&s);
        /* A second SIGTERM may come when its handler is gone already: then it is as a kill. */
        if (site_exit(&s) != 0 && !(WIFSIGNALED(s.status) && WTERMSIG(s.status) == SIGTERM)) {
            site_fault(&s, "SIGTERM ended it with status %d", s.status);
        } else if (seconds() - from > DRAIN_LIMIT_S) {
            site_fault(&s, "it drained for %.1f s", seconds() - from);
        }
    }
    last_life(&s, sc);
    finish(&s, problem, detail);
}

/* SIGTERM twice: the second does not wait for what hangs. */
static void terminated_twice(const void *arg, const char *folder, keel_buf *problem,
                             keel_buf *detail) {
    const script *sc = &scripts[0];
    site s;
    (void)arg;
    scripts[0].make(&s, &scripts[0], folder);
    if (site_up_plain(&s)) {
        operator_begin(&s, "do-boss-1", "{\"agent\":\"boss\",\"input\":{},\"key\":\"first\"}");
        site_sleep_us(30000);
        kill(s.kernel, SIGTERM);
        site_sleep_us(1000);
        kill(s.kernel, SIGTERM);
        double from = seconds();
        site_reap(&s);
        if (seconds() - from > 2) {
            site_fault(&s, "the second SIGTERM waited for %.1f s", seconds() - from);
        }
    }
    last_life(&s, sc);
    finish(&s, problem, detail);
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
    if (site_up(&s, &plain)) {
        if (how == LOG_GONE) {
            close(reader_fd);
        }
        if (!sc->live(&s) || !site_down(&s)) {
            site_fault(&s, "the work stood still, or ended: status %d", s.status);
        }
    } else {
        site_fault(&s, "it does not start without a log: status %d", s.status);
    }
    last_life(&s, sc);
    finish(&s, problem, detail);
}

/* ---- all ---- */

static void read_counts(void) {
    char file[200];
    count_file(file, sizeof file);
    FILE *f = fopen(file, "r");
    if (!f || fscanf(f, "%ld %ld", &counted[0], &counted[1]) != 2) {
        counted[0] = counted[1] = 0;
    }
    if (f) {
        fclose(f);
    }
}

static void add_others(void) {
    static const long delays[] = {0, 2000, 8000, 20000, 45000, 90000, 160000, 300000};
    pool_add("the disk is nearly full, and then it is not", disk_is_nearly_full, NULL);
    pool_add("the disk is full from one moment to the next", disk_is_full, NULL);
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

/* machine [TEXT]: only tests with TEXT in their name. */
int main(int argc, char **argv) {
    if (digest_init()) {
        return 2;
    }
    pool_add("the script without faults, counted", count_life, NULL);
    if (pool_run()) {
        read_counts();
        pool_only(argc > 1 ? argv[1] : NULL);
        add_strikes("SHIM_MALLOC", "no memory for allocation", counted[0], 60);
        /* the last are of the checkpoint at its end, which nothing depends on */
        add_strikes("SHIM_SYNC", "EIO of sync", counted[1] - 3, 16);
        add_others();
        pool_run();
    }
    return pool_end();
}
