#include "site.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "digest.h"
#include "fsio.h"
#include "siteint.h"

bool site_fault(site *s, const char *format, ...) {
    if (!s->problem[0]) {
        va_list ap;
        va_start(ap, format);
        vsnprintf(s->problem, sizeof s->problem, format, ap);
        va_end(ap);
    }
    return false;
}

static const char *program(const char *variable) {
    const char *value = getenv(variable);
    if (!value || !*value) {
        fprintf(stderr, "%s is not set: run this by `./dev test`\n", variable);
        exit(2);
    }
    return value;
}

void site_sleep_us(long us) {
    struct timespec t = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&t, NULL);
}

/* ---- the folder ---- */

void site_put(const site *s, const char *name, const char *text) {
    char path[400];
    snprintf(path, sizeof path, "%s/%s", s->root, name);
    char *slash = strrchr(path, '/');
    *slash = 0;
    fsio_mkdirs(path, 0700, NULL);
    *slash = '/';
    if (fsio_write_atomic(path, text, strlen(text), 0600, NULL)) {
        fprintf(stderr, "%s cannot be written\n", path);
        exit(2);
    }
}

void site_keys(uint8_t public_key[32], uint8_t secret_key[64]) {
    uint8_t seed[32];
    memset(seed, 7, sizeof seed);
    crypto_sign_seed_keypair(public_key, secret_key, seed);
}

static void put_approver(site *s) {
    uint8_t pk[32], sk[64];
    char hex[65], text[256];
    site_keys(pk, sk);
    hex_encode(hex, pk, sizeof pk);
    snprintf(text, sizeof text,
             "{\"name\":\"operator\",\"public_key\":\"%s\","
             "\"salt\":\"00000000000000000000000000000000\"}",
             hex);
    site_put(s, ".keel/approver.json", text);
}

void site_tell_places(const site *s) {
    char folder[200];
    snprintf(folder, sizeof folder, "%s/share", s->folder);
    setenv("KEEL_SHARE", folder, 1);
    snprintf(folder, sizeof folder, "%s/state", s->folder);
    setenv("XDG_STATE_HOME", folder, 1);
}

static void make_share(const site *s) {
    char folder[200], link[220];
    snprintf(folder, sizeof folder, "%s/share/plugins", s->folder);
    snprintf(link, sizeof link, "%s/share/lua", s->folder);
    fsio_mkdirs(folder, 0700, NULL);
    if (symlink(program("KEEL_LUA"), link)) {
        fprintf(stderr, "%s: %s\n", link, strerror(errno));
        exit(2);
    }
    site_tell_places(s);
}

void site_begin(site *s, const char *folder) {
    *s = (site){.kernel = 0};
    snprintf(s->folder, sizeof s->folder, "%s", folder);
    snprintf(s->root, sizeof s->root, "%s/ws", folder);
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* what outlives its kernel comes to us */
}

bool site_take(site *s, const char *from) {
    char path[240];
    snprintf(path, sizeof path, "%s/ws", from);
    site_copy(path, s->root);
    snprintf(path, sizeof path, "%s/share", from);
    site_copy(path, s->folder);
    put_approver(s);
    make_share(s);
    return true;
}

void site_make(site *s, const char *folder, const char *from) {
    site_begin(s, folder);
    site_copy(from, s->root);
    put_approver(s);
    make_share(s);
}

void site_ship(const site *s, const char *name) {
    char from[240], to[240];
    snprintf(from, sizeof from, "%s/connectors/%s", s->root, name);
    snprintf(to, sizeof to, "%s/share/plugins/%s", s->folder, name);
    site_copy(from, to);
}

void site_finish(site *s) {
    site_kill(s);
    if (s->beside) {
        kill(s->beside, SIGKILL);
        waitpid(s->beside, NULL, 0);
    }
    for (size_t i = 0; i < s->answer_count; i++) {
        free(s->answers[i].args);
        free(s->answers[i].result);
    }
}

void site_log(const site *s, keel_buf *out) {
    char path[200];
    snprintf(path, sizeof path, "%s/up.log", s->folder);
    fsio_read(path, 4 << 20, out, NULL);
}

/* ---- kernels ---- */

/* What a process is told of how it ends. */
static const char *const variables[] = {"KEEL_FAILPOINT", "KEEL_FAILPOINT_TRACE", "KEEL_POWER",
                                        "KEEL_POWER_COUNT"};
#define VARIABLES (sizeof variables / sizeof *variables)

/* The environment of a process: that of the test, but for `variables`. */
typedef struct environment {
    char *own[VARIABLES];
    char **all;
} environment;

static bool is_own(const char *entry) {
    size_t name = strcspn(entry, "=");
    for (size_t i = 0; i < VARIABLES; i++) {
        if (strlen(variables[i]) == name && !strncmp(entry, variables[i], name)) {
            return true;
        }
    }
    return false;
}

static environment environment_make(const site_start *how) {
    char count[240] = "";
    environment e = {.own = {NULL}};
    size_t entries = 0, kept = 0;
    if (how->power && how->trace) {
        snprintf(count, sizeof count, "%s.power", how->trace);
    }
    const char *const values[] = {how->failpoint, how->trace, how->power, *count ? count : NULL};
    while (environ[entries]) {
        entries++;
    }
    e.all = keel_alloc((entries + VARIABLES + 1) * sizeof *e.all);
    for (size_t i = 0; i < entries; i++) {
        if (!is_own(environ[i])) {
            e.all[kept++] = environ[i];
        }
    }
    for (size_t i = 0; i < VARIABLES; i++) {
        keel_buf text = KEEL_BUF_INIT;
        if (values[i]) {
            keel_buf_printf(&text, "%s=%s", variables[i], values[i]);
            e.all[kept++] = e.own[i] = text.data;
        }
    }
    e.all[kept] = NULL;
    return e;
}

static void environment_free(environment *e) {
    for (size_t i = 0; i < VARIABLES; i++) {
        free(e->own[i]);
    }
    free(e->all);
}

typedef struct process {
    const char *program, *log; /* log: "": it has no stdout and no stderr */
    const char *folder;        /* NULL: where the test is */
    char *const *argv, *const *env;
} process;

/* Between vfork and exec: it has the memory of the test, and changes nothing there. */
static _Noreturn void become(const process *p) {
    if (!*p->log) {
        close(1);
        close(2);
    } else {
        int fd = open(p->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        dup2(fd, 1);
        dup2(fd, 2);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* the test itself may be killed */
    if (!p->folder || chdir(p->folder) == 0) {
        execve(p->program, p->argv, p->env);
    }
    _exit(127);
}

/* The test's memory is not copied for it: the test would pay for that at each page that it writes next. */
static pid_t begin(const process *p) {
    pid_t pid = vfork();
    if (pid == 0) {
        become(p);
    }
    return pid;
}

static pid_t start(const site *s, const site_start *how, const char *const *argv,
                   const char *folder) {
    char log[200];
    const char *other = getenv("SITE_LOG"); /* where the log goes instead; "": nowhere, closed */
    environment e = environment_make(how);
    snprintf(log, sizeof log, "%s/up.log", s->folder);
    process p = {program("KEEL_TORTURE"), other ? other : log, folder,
                 (char *const *)(uintptr_t)argv, e.all};
    fflush(NULL);
    pid_t pid = begin(&p);
    environment_free(&e);
    return pid;
}

static void forget_kernel(site *s) {
    client_close(s->client);
    s->client = NULL;
    reader_close(s->db);
    s->db = NULL;
    s->kernel = 0;
}

/* Is the service beside the kernel all that is left of its children? */
static bool only_beside(const site *s) {
    char path[64];
    int first = 0, second = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *f = s->beside ? fopen(path, "r") : NULL;
    int n = f ? fscanf(f, "%d %d", &first, &second) : 0;
    if (f) {
        fclose(f);
    }
    return n == 1 && first == s->beside;
}

void site_reap(site *s) {
    int status;
    pid_t pid;
    if (s->kernel) {
        waitpid(s->kernel, &s->status, 0);
        forget_kernel(s);
    }
    for (int waited = 0; !only_beside(s) && (pid = waitpid(-1, &status, WNOHANG)) >= 0; waited++) {
        if (pid == 0 && waited > 20000) {
            site_fault(s, "I12: a child of the kernel lives on after it");
            return;
        }
        if (pid == 0) {
            site_sleep_us(1000);
        }
    }
}

void site_kill(site *s) {
    if (s->kernel) {
        kill(s->kernel, SIGKILL);
        site_reap(s);
    }
}

bool site_killed(const site *s) {
    return WIFSIGNALED(s->status) && WTERMSIG(s->status) == SIGKILL;
}

int site_exit(const site *s) {
    return WIFEXITED(s->status) ? WEXITSTATUS(s->status) : -1;
}

static bool has_ended(site *s) {
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)s->kernel, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid;
}

/* A clock that stands later is one of a machine that was off: or the kernel knows by its note how much
 * time has really gone by, and does not believe it. */
static void forget_clock(const site *s, const site_start *how) {
    char path[200];
    if (how->failpoint && strstr(how->failpoint, "clock.wall=")) {
        snprintf(path, sizeof path, "%s/.keel/clock", s->root);
        unlink(path);
    }
}

void site_launch(site *s, const site_start *how) {
    const char *const argv[] = {"keel", "up", "--workspace", s->root, how->option, NULL};
    forget_clock(s, how);
    s->kernel = start(s, how, argv, NULL);
}

/* The words of a command that name a folder begin in the site's. */
pid_t site_cli_start(site *s, const site_start *how, const char *const *words) {
    static const site_start plain = {.failpoint = NULL};
    const char *argv[24] = {"keel", "--no-input", "--workspace", s->root};
    size_t count = 4;
    while (*words && count < 23) {
        argv[count++] = *words++;
    }
    return start(s, how ? how : &plain, argv, s->folder);
}

void site_cli(site *s, const site_start *how, const char *const *words) {
    waitpid(site_cli_start(s, how, words), &s->status, 0);
}

bool site_up(site *s, const site_start *how) {
    char socket[200], db[200];
    diag d;
    snprintf(socket, sizeof socket, "%s/.keel/keel.sock", s->root);
    snprintf(db, sizeof db, "%s/.keel/keel.db", s->root);
    site_launch(s, how);
    while (client_open(&s->client, socket, &d)) {
        s->client = NULL;
        if (has_ended(s)) {
            site_reap(s);
            return false;
        }
        site_sleep_us(2000);
    }
    if (site_ask(s, "status", NULL) != SITE_ANSWERED) {
        site_reap(s);
        return false;
    }
    if (reader_open(&s->db, db, NULL, &d)) {
        s->db = NULL;
        site_fault(s, "the database cannot be read beside the kernel: %s", d.what);
    }
    return true;
}

bool site_up_plain(site *s) {
    site_start how = {.failpoint = NULL};
    return site_up(s, &how) ||
           site_fault(s, "the kernel does not start again: exit code %d", site_exit(s));
}

bool site_down(site *s) {
    reader_close(s->db); /* or the kernel is not the last to close the database */
    s->db = NULL;
    if (s->kernel && site_ask(s, "down", NULL) == SITE_REFUSED) {
        site_fault(s, "`down` was refused: %s", site_refusal);
    }
    site_reap(s);
    return site_exit(s) == 0;
}
