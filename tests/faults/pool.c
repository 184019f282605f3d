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

#define AT_ONCE 2
#define ALARM_S 60

typedef struct entry {
    char *name;
    pool_test *test;
    const void *arg;
    pid_t pid; /* 0: not yet */
} entry;

static struct {
    entry *entries;
    size_t count, begun, running;
    int number, failed;
    char folder[64];
    const char *only;
} pool;

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
    mkdir(folder, 0700);
    pool.entries[i].test(pool.entries[i].arg, folder, &problem, &detail);
    if (problem.len) {
        keel_buf_printf(&text, "%s\n%s", problem.data, detail.data ? detail.data : "");
        fsio_write_atomic(said, text.data, text.len, 0600, NULL);
    }
    fflush(NULL);
    _exit(problem.len ? 1 : 0);
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

static void tell(size_t i, int status) {
    char folder[128], said[128];
    keel_buf text = KEEL_BUF_INIT;
    path_of(i, "", folder, sizeof folder);
    path_of(i, ".said", said, sizeof said);
    bool passed = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    printf("%s %d - %s\n", passed ? "ok" : "not ok", ++pool.number, pool.entries[i].name);
    if (!passed) {
        pool.failed++;
        if (WIFSIGNALED(status)) {
            printf("# the test itself ended by signal %d (%s)\n", WTERMSIG(status),
                   strsignal(WTERMSIG(status)));
        }
        if (!fsio_read(said, 1 << 20, &text, NULL) && text.data) {
            print_lines(text.data);
        }
    }
    fflush(stdout);
    keel_buf_free(&text);
    if (passed || !getenv("KEEL_KEEP")) {
        fsio_remove_tree(AT_FDCWD, folder, NULL);
    }
}

static void wait_one(void) {
    int status = 0;
    pid_t pid = waitpid(-1, &status, 0);
    for (size_t i = 0; i < pool.count; i++) {
        if (pid > 0 && pool.entries[i].pid == pid) {
            pool.running--;
            tell(i, status);
        }
    }
}

int pool_run(void) {
    int before = pool.failed;
    while (pool.begun < pool.count || pool.running) {
        if (pool.running < AT_ONCE && pool.begun < pool.count) {
            begin(pool.begun++);
        } else {
            wait_one();
        }
    }
    return pool.failed == before;
}

int pool_end(void) {
    printf("1..%d\n", pool.number);
    if (!pool.failed || !getenv("KEEL_KEEP")) {
        fsio_remove_tree(AT_FDCWD, pool_folder(), NULL);
    } else {
        printf("# what failed is kept in %s\n", pool_folder());
    }
    for (size_t i = 0; i < pool.count; i++) {
        free(pool.entries[i].name);
    }
    free(pool.entries);
    return pool.failed ? 1 : 0;
}
