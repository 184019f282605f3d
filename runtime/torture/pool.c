#include "pool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fsio.h"

#define ALARM_S 120
#define MISSED  77

typedef struct entry {
    char *name;
    pool_test *test;
    const void *arg;
    pid_t pid; /* 0: not yet */
} entry;

static struct {
    entry *entries;
    size_t count, begun, running;
    int number, failed, at_once;
    char folder[64];
    const char *only;
    void (*told)(void *ctx, const pool_result *r);
    void *ctx;
    bool missed;
    const volatile sig_atomic_t *stopped;
} pool = {.at_once = 2};

/* A kernel that is killed loses nothing that it wrote, on whatever kind of disk: memory is faster. */
const char *pool_folder(void) {
    if (!pool.folder[0]) {
        const char *given = getenv("TMPDIR");
        const char *place = access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm"
                            : given && strlen(given) < 32        ? given
                                                                 : "/tmp";
        snprintf(pool.folder, sizeof pool.folder, "%s/keel-XXXXXX", place);
        if (!mkdtemp(pool.folder)) {
            fprintf(stderr, "%s: %s\n", pool.folder, strerror(errno));
            exit(2);
        }
    }
    return pool.folder;
}

void pool_missed(void) {
    pool.missed = true;
}

void pool_listen(void (*told)(void *ctx, const pool_result *r), void *ctx) {
    pool.told = told;
    pool.ctx = ctx;
}

void pool_jobs(int at_once) {
    pool.at_once = at_once;
}

static bool may_start(void) {
    return pool.begun < pool.count && !(pool.stopped && *pool.stopped);
}

void pool_until(const volatile sig_atomic_t *stopped) {
    pool.stopped = stopped;
}

void pool_only(const char *text) {
    pool.only = text;
}

void pool_add(const char *name, pool_test *test, const void *arg) {
    if (pool.only && !strstr(name, pool.only)) {
        return;
    }
    pool.entries = keel_realloc(pool.entries, (pool.count + 1) * sizeof(entry));
    pool.entries[pool.count++] = (entry){keel_strdup(name), test, arg, 0};
}

static void path_of(size_t i, const char *what, char *out, size_t size) {
    snprintf(out, size, "%s/%zu%s", pool_folder(), i, what);
}

static _Noreturn void child(size_t i) {
    char folder[128], said[128];
    keel_buf problem = KEEL_BUF_INIT, detail = KEEL_BUF_INIT, text = KEEL_BUF_INIT;
    path_of(i, "", folder, sizeof folder);
    path_of(i, ".said", said, sizeof said);
    alarm(ALARM_S);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    mkdir(folder, 0700);
    pool.entries[i].test(pool.entries[i].arg, folder, &problem, &detail);
    if (problem.len) {
        keel_buf_printf(&text, "%s\n%s", problem.data, detail.data ? detail.data : "");
        fsio_write_atomic(said, text.data, text.len, 0600, NULL);
    }
    fflush(NULL);
    _exit(problem.len ? 1 : pool.missed ? MISSED : 0);
}

static void begin(size_t i) {
    pool_folder(); /* one for all */
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        child(i);
    }
    pool.entries[i].pid = pid;
    pool.running++;
}

static void print_lines(char *text) {
    char *save = NULL;
    for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        printf("# %s\n", l);
    }
}

/* In TAP. */
static void print_result(const pool_result *r, int status) {
    printf("%s %d - %s%s\n", r->verdict == POOL_FAILED ? "not ok" : "ok", pool.number, r->name,
           r->verdict == POOL_MISSED ? " # SKIP it did not come to be" : "");
    if (WIFSIGNALED(status)) {
        printf("# the test itself ended by signal %d (%s)\n", WTERMSIG(status),
               strsignal(WTERMSIG(status)));
    }
    char *lines = keel_strdup(r->text);
    print_lines(lines);
    free(lines);
    fflush(stdout);
}

static void tell(size_t i, int status) {
    char folder[128], said[128];
    keel_buf text = KEEL_BUF_INIT;
    path_of(i, "", folder, sizeof folder);
    path_of(i, ".said", said, sizeof said);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    pool_result r = {pool.entries[i].name, pool.entries[i].arg,
                     code == 0        ? POOL_PASSED
                     : code == MISSED ? POOL_MISSED
                                      : POOL_FAILED,
                     ""};
    pool.number++;
    if (r.verdict == POOL_FAILED) {
        pool.failed++;
        if (fsio_read(said, 1 << 20, &text, NULL) || !text.data) {
            keel_buf_printf(&text, "the test itself ended with status %d", status);
        }
        r.text = text.data;
    }
    if (pool.told) {
        pool.told(pool.ctx, &r);
    } else {
        print_result(&r, status);
    }
    unlink(said);
    keel_buf_free(&text);
    if (r.verdict != POOL_FAILED || !getenv("KEEL_KEEP")) {
        fsio_remove_tree(AT_FDCWD, folder, NULL);
    }
}

static void wait_one(void) {
    int status = 0;
    pid_t pid = waitpid(-1, &status, 0);
    for (size_t i = 0; i < pool.count; i++) {
        if (pid > 0 && pool.entries[i].pid == pid) {
            pool.running--;
            pool.entries[i].pid = 0;
            tell(i, status);
            return;
        }
    }
}

int pool_run(void) {
    int before = pool.failed;
    while (may_start() || pool.running) {
        if (pool.running < (size_t)pool.at_once && may_start()) {
            begin(pool.begun++);
        } else {
            wait_one();
        }
    }
    return pool.failed == before;
}

int pool_end(void) {
    if (!pool.told) {
        printf("1..%d\n", pool.number);
    }
    if (!pool.failed || !getenv("KEEL_KEEP")) {
        fsio_remove_tree(AT_FDCWD, pool_folder(), NULL);
    } else {
        fprintf(pool.told ? stderr : stdout, "# what failed is kept in %s\n", pool_folder());
    }
    for (size_t i = 0; i < pool.count; i++) {
        free(pool.entries[i].name);
    }
    free(pool.entries);
    return pool.failed ? 1 : 0;
}
