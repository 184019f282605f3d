#include "campaign.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "planted.h"
#include "sim.h"

#define BUG_SEEDS 100

/* What a worker says of one seed, in one write. */
typedef struct verdict {
    uint64_t seed;
    bool begun; /* it begins with it; else: it is over */
    char invariant[8];
    char words[500];
} verdict;

typedef struct worker_end {
    pid_t pid;
    int fd;
    uint64_t seed; /* under way, 0: none */
    uint64_t next; /* the first that it begins with, counted from campaign.from */
} worker_end;

static int64_t seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

/* ---- in a worker ---- */

static void report(int fd, const verdict *v) {
    if (write(fd, v, sizeof *v) != (ssize_t)sizeof *v) {
        _exit(0); /* nobody listens any more */
    }
}

static bool run_seed(int fd, uint64_t seed) {
    simulation *s = keel_alloc(sizeof *s);
    verdict v = {.seed = seed, .begun = true};
    report(fd, &v);
    memset(s, 0, sizeof *s);
    s->seed = seed;
    bool good = sim_simulate(s);
    v.begun = false;
    memcpy(v.invariant, s->invariant, sizeof v.invariant);
    snprintf(v.words, sizeof v.words, "%.490s", s->words);
    sim_finish(s);
    free(s);
    report(fd, &v);
    return good;
}

static void work(const campaign *c, int fd, uint64_t first, bool until_found) {
    int64_t began = seconds_now();
    for (uint64_t i = first; !c->seeds || i < c->seeds; i += (uint64_t)c->workers) {
        if (c->seconds && seconds_now() - began >= c->seconds) {
            break;
        }
        if (!run_seed(fd, c->from + i) && until_found) {
            break;
        }
    }
    _exit(0);
}

/* ---- around them ---- */

typedef struct tally {
    uint64_t seeds, violations;
    verdict first; /* the violation of the smallest seed */
    bool loud;     /* tells of each */
    const campaign *c;
    const char *bug;
} tally;

static void note(tally *t, const verdict *v) {
    t->seeds++;
    if (!v->invariant[0]) {
        return;
    }
    if (!t->violations++ || v->seed < t->first.seed) {
        t->first = *v;
    }
    if (t->loud) {
        const char *shell = getenv("KEEL_SIM_COMMAND");
        printf("%sseed %llu: %s does not hold: %s\n  see it: %s --seed %llu%s\n",
               isatty(STDOUT_FILENO) ? "\r\033[K" : "", (unsigned long long)v->seed, v->invariant,
               v->words, shell ? shell : t->c->program, (unsigned long long)v->seed,
               shell ? "" : " --trace");
        fflush(stdout);
    }
}

/* Its seed killed it, or it has done its part. true: another takes over. */
static bool died(tally *t, worker_end *w) {
    int status = 0;
    close(w->fd);
    w->fd = -1;
    waitpid(w->pid, &status, 0);
    if (w->seed) {
        verdict v = {.seed = w->seed, .invariant = "crash"};
        snprintf(v.words, sizeof v.words, "the simulation ended by signal %d, status %d",
                 WIFSIGNALED(status) ? WTERMSIG(status) : 0,
                 WIFEXITED(status) ? WEXITSTATUS(status) : 0);
        note(t, &v);
        w->next = w->seed - t->c->from + (uint64_t)t->c->workers;
        return true;
    }
    return false;
}

static void start(const campaign *c, worker_end *w, bool until_found) {
    int ends[2];
    if (pipe(ends)) {
        perror("keel-sim");
        exit(2);
    }
    fflush(NULL);
    w->seed = 0;
    w->pid = fork();
    if (!w->pid) {
        close(ends[0]);
        if (until_found && !freopen("/dev/null", "w", stderr)) {
            _exit(2);
        }
        work(c, ends[1], w->next, until_found);
    }
    close(ends[1]);
    w->fd = ends[0];
}

static void progress(const tally *t) {
    if (t->loud && isatty(STDOUT_FILENO)) {
        printf("\r%llu seeds, %llu violations", (unsigned long long)t->seeds,
               (unsigned long long)t->violations);
        fflush(stdout);
    }
}

/* Reads what the workers say until all have ended. */
static void listen(tally *t, worker_end *all, int count) {
    struct pollfd fds[16];
    for (int open = count; open > 0;) {
        for (int i = 0; i < count; i++) {
            fds[i] = (struct pollfd){.fd = all[i].fd, .events = POLLIN};
        }
        poll(fds, (nfds_t)count, 1000);
        for (int i = 0; i < count; i++) {
            verdict v;
            if (all[i].fd < 0 || !fds[i].revents) {
                continue;
            }
            if (read(all[i].fd, &v, sizeof v) != (ssize_t)sizeof v) {
                if (died(t, &all[i]) && !t->bug) {
                    start(t->c, &all[i], false);
                } else {
                    open--;
                }
            } else if (v.begun) {
                all[i].seed = v.seed;
            } else {
                all[i].seed = 0;
                note(t, &v);
                progress(t);
            }
        }
    }
}

static void run_all(const campaign *c, tally *t, bool until_found) {
    worker_end all[16] = {{0}};
    int count = c->workers < 1 ? 1 : c->workers > 16 ? 16 : c->workers;
    t->c = c;
    for (int i = 0; i < count; i++) {
        all[i].next = (uint64_t)i;
        start(c, &all[i], until_found);
    }
    listen(t, all, count);
}

int campaign_run(const campaign *c) {
    tally t = {.loud = true};
    run_all(c, &t, false);
    if (isatty(STDOUT_FILENO)) {
        printf("\r\033[K");
    }
    printf("%llu seeds, %llu violations\n", (unsigned long long)t.seeds,
           (unsigned long long)t.violations);
    return t.violations != 0;
}

static const struct {
    const char *name, *breaks;
} bugs[] = {
    {"done_without_answer", "a lost answer counts as done"},
    {"resend_once", "what may be sent once is sent again"},
    {"keyed_new_key", "a retry gets another key"},
    {"window_ignored", "keys are sent after their window"},
    {"settle_ignored", "absence counts before it has settled"},
    {"not_done_after_sending", "a lost answer counts as not done"},
    {"send_before_commit", "a verb leaves before its record is durable"},
    {"sent_other_bytes", "other bytes are sent than were intended"},
    {"approval_twice", "a retry uses up its approval again"},
    {"approval_expired", "an approval counts after it expired"},
    {"approval_for_anything", "an approval counts for bytes that were edited since"},
    {"grant_endless", "a grant covers more than was signed"},
    {"budget_no_hold", "what is reserved is not held"},
    {"chain_skips_record", "a record is left out of the chain"},
    {"table_not_written", "the tables miss a step"},
    {"secret_in_log", "a secret is logged"},
    {"intended_forgotten_at_rest", "what was intended is forgotten by a restart"},
    {"replay_other_answer", "a replay gets another answer"},
    {"request_forgotten", "request ids are not kept"},
    {"answered_before_commit", "a command is acknowledged before it is durable"},
    {"halt_lets_through", "halt does not park retries"},
    {"executor_leak", "an executor outlives the stop"},
    {"order_leak", "an order is not ended at egress"},
    {"undo_handed_over_twice", "what takes back is sent twice"},
    {"undo_by_two", "two rollbacks go on at the same run at a time"},
    {"undo_lost_is_failed", "a lost answer of what takes back counts as failed: it is tried anew"},
    {"undo_refused_counts", "what takes back was refused, and counts as done"},
    {"undo_unknown", "what is unknown is taken back"},
    {"undo_oldest_first", "the oldest is taken back first"},
    {"undo_does_not_wait", "older ones do not wait for what is still being taken back"},
    {"undo_without_outcome", "what takes back is not given what was recorded"},
    {"undo_forgotten_at_rest", "rollbacks are forgotten by a restart"},
    {"restore_undoubted", "what may have been sent behind a backup is sent once more"},
};

int campaign_bugs(const campaign *c) {
    size_t count = sizeof bugs / sizeof *bugs, found = 0;
    printf("%-28s %-6s %5s  %s\n", "PLANTED BUG", "CAUGHT", "SEEDS", "AS");
    for (size_t i = 0; i < count; i++) {
        campaign one = {.from = c->from, .seeds = BUG_SEEDS, .workers = c->workers};
        tally t = {.bug = bugs[i].name};
        planted_set(bugs[i].name);
        run_all(&one, &t, true);
        found += t.violations > 0;
        printf("%-28s %-6s %5llu  %.100s\n", bugs[i].name, t.violations ? t.first.invariant : "no",
               (unsigned long long)t.seeds, t.violations ? t.first.words : bugs[i].breaks);
        fflush(stdout);
    }
    printf("%zu of %zu planted bugs found\n", found, count);
    return found != count;
}
