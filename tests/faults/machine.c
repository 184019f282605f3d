/* What a machine does to a real kernel: no memory, a sync that fails once, a disk that fills; and, in
 * machineother.c, no descriptors, signals at any time, a log that nobody reads. The scripts of the crash
 * tests run on it; then all must be well, and nothing missing. Rows 8 to 10, 44 and 45 of the faults. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest.h"
#include "fsio.h"
#include "machine.h"
#include "operator.h"
#include "pool.h"
#include "siteint.h"

#define MEBI (INT64_C(1) << 20)

const site_start machine_plain = {NULL, NULL, NULL, NULL};

static void give_log(const site *s, keel_buf *detail) {
    keel_buf log = KEEL_BUF_INIT;
    site_log(s, &log);
    size_t from = log.len > 3000 ? log.len - 3000 : 0;
    keel_buf_puts(detail, log.data ? log.data + from : "");
    keel_buf_free(&log);
}

void machine_finish(site *s, keel_buf *problem, keel_buf *detail) {
    site_finish(s);
    if (s->problem[0]) {
        keel_buf_puts(problem, s->problem);
        give_log(s, detail);
    }
}

bool machine_log_has(const site *s, const char *text) {
    keel_buf log = KEEL_BUF_INIT;
    site_log(s, &log);
    bool found = log.data && strstr(log.data, text);
    keel_buf_free(&log);
    return found;
}

/* A life that nothing disturbs, and the check of the invariants. */
void machine_rest(site *s, const script *sc) {
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
void machine_last_life(site *s, const script *sc) {
    machine_rest(s, sc);
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
    if (!site_up(&s, &machine_plain) || !scripts[0].live(&s) || !site_down(&s)) {
        site_fault(&s, "the script does not run: status %d", s.status);
    }
    machine_finish(&s, problem, detail);
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
    if (site_up(&s, &machine_plain) && sc->live(&s)) {
        site_down(&s);
    }
    site_reap(&s);
    if (site_exit(&s) == 0 && sync && !machine_log_has(&s, "the journal is not anchored")) {
        site_fault(&s, "a sync failed, and the kernel went on");
    } else if (site_exit(&s) < 0 || site_exit(&s) > (sync ? 1 : 2)) {
        site_fault(&s, "it ended with status %d instead of an exit code of its own", s.status);
    } else if (site_exit(&s) == 1 && !machine_log_has(&s, "memory") &&
               !machine_log_has(&s, "keel up") && !machine_log_has(&s, "start keel again")) {
        site_fault(&s, "the message does not say what failed and what to do");
    }
    if (sync) {
        machine_last_life(&s, sc);
    } else {
        machine_rest(&s, sc);
    }
    machine_finish(&s, problem, detail);
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
    return operator_await(s, sql, 1, OPERATOR_PATIENCE_MS) ||
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
    if (site_up(&s, &machine_plain)) {
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
    machine_finish(&s, problem, detail);
}

/* Nothing is left from one moment to the next: it says so and ends; with the reserve it comes up again
 * to be looked at and to cancel; and goes on when there is room. */
static void disk_is_full(const void *arg, const char *folder, keel_buf *problem, keel_buf *detail) {
    site s;
    (void)arg;
    scripts[0].make(&s, &scripts[0], folder);
    _Atomic int64_t *left = make_disk(folder);
    long asker = site_up(&s, &machine_plain) ? begin_asker(&s) : 0;
    operator_await(&s, "SELECT count(*) FROM item", 1, OPERATOR_PATIENCE_MS);
    *left = 0;
    for (int i = 0; i < 40 && operator_alive(&s); i++) {
        char request[40];
        snprintf(request, sizeof request, "do-fill-%06d", i);
        site_say(&s, request, "do", "{\"agent\":\"helper\",\"input\":{\"luck\":2}}");
    }
    site_reap(&s);
    if (site_exit(&s) != 1 || !machine_log_has(&s, "is full") ||
        !machine_log_has(&s, "free some space")) {
        site_fault(&s, "the full disk is not told: status %d", s.status);
    } else if (has_reserve(&s) || *left < MEBI) {
        site_fault(&s, "the reserve was not given up: %ld bytes are left", (long)*left);
    } else if (!site_up(&s, &machine_plain)) {
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
    machine_finish(&s, problem, detail);
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
        pool_add("the disk is nearly full, and then it is not", disk_is_nearly_full, NULL);
        pool_add("the disk is full from one moment to the next", disk_is_full, NULL);
        machine_add_others();
        machine_add_crowd();
        pool_run();
    }
    return pool_end();
}
