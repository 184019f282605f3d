#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "client.h"
#include "keel/buf.h"

struct world {
    char *keel, *folder, *db, *socket;
    pid_t kernel; /* 0: none */
    client *client;
    int64_t *run_ids; /* of world_open_runs */
};

static char *path_of(const char *folder, const char *name) {
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_printf(&b, "%s/%s", folder, name);
    return b.data;
}

/* ---- processes ---- */

static pid_t spawn(char *const argv[], const char *folder, const char *log) {
    pid_t pid = fork();
    if (pid < 0) {
        bench_die("fork: %s", strerror(errno));
    }
    if (pid == 0) {
        if (log) {
            int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
            dup2(fd, 1);
            dup2(fd, 2);
        }
        if (folder && chdir(folder) == 0) {
            char *state = path_of(folder, "state");
            setenv("XDG_STATE_HOME", state, 1);
        }
        execvp(argv[0], argv);
        fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
        _exit(127);
    }
    return pid;
}

static void command(char *const argv[]) {
    int status = 0;
    pid_t pid = spawn(argv, NULL, NULL);
    if (waitpid(pid, &status, 0) != pid || status != 0) {
        bench_die("this failed: %s", argv[0]);
    }
}

world *world_create(const char *keel, const char *from, const char *folder) {
    char *rm[] = {"rm", "-rf", "--", (char *)folder, NULL};
    char *cp[] = {"cp", "-R", "--", (char *)from, (char *)folder, NULL};
    command(rm);
    command(cp);
    world *w = keel_alloc(sizeof *w);
    *w = (world){.keel = keel_strdup(keel),
                 .folder = keel_strdup(folder),
                 .db = path_of(folder, ".keel/keel.db"),
                 .socket = path_of(folder, ".keel/keel.sock")};
    return w;
}

void world_destroy(world *w) {
    if (w->kernel) {
        world_down(w);
    }
    free(w->run_ids);
    free(w->keel);
    free(w->folder);
    free(w->db);
    free(w->socket);
    free(w);
}

const char *world_db(const world *w) {
    return w->db;
}

static void nap_us(long us) {
    struct timespec t = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&t, NULL);
}

static void died(const world *w) {
    char *log = path_of(w->folder, "up.log");
    bench_die("keel up ended; its words are in %s", log);
}

void world_up(world *w) {
    char *log = path_of(w->folder, "up.log");
    char *argv[] = {w->keel, "up", NULL};
    w->kernel = spawn(argv, w->folder, log);
    double from = bench_now();
    while (!(w->client = client_connect(w->socket))) {
        if (waitpid(w->kernel, NULL, WNOHANG) == w->kernel || bench_now() - from > 30) {
            died(w);
        }
        nap_us(100);
    }
    free(log);
}

static void reap(world *w) {
    client_close(w->client);
    waitpid(w->kernel, NULL, 0);
    w->kernel = 0;
    w->client = NULL;
}

void world_down(world *w) {
    keel_buf result = KEEL_BUF_INIT;
    client_call(w->client, "down", "{}", &result);
    keel_buf_free(&result);
    reap(w);
}

void world_kill(world *w) {
    kill(w->kernel, SIGKILL);
    reap(w);
}

/* ---- memory ---- */

static double pss_mb(pid_t pid) {
    char path[64], line[256];
    double kb = 0;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, "Pss:", 4) == 0) {
            kb = strtod(line + 4, NULL);
        }
    }
    if (!f || kb <= 0) {
        bench_die("%s does not tell the memory of a process", path);
    }
    fclose(f);
    return kb / 1024;
}

double world_pss_kernel(const world *w) {
    return pss_mb(w->kernel);
}

double world_pss_executor(const world *w) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)w->kernel, (int)w->kernel);
    FILE *f = fopen(path, "r");
    long pid;
    int count = 0;
    double sum = 0;
    while (f && fscanf(f, "%ld", &pid) == 1) {
        sum += pss_mb((pid_t)pid);
        count++;
    }
    if (f) {
        fclose(f);
    }
    if (count == 0) {
        bench_die("the kernel has no executor to weigh");
    }
    return sum / count;
}

double world_pss_nothing(const char *nothing) {
    char *argv[] = {(char *)nothing, NULL};
    pid_t pid = spawn(argv, NULL, NULL);
    nap_us(100000);
    double mb = pss_mb(pid);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return mb;
}

double world_cpu_s(const world *w) {
    char path[64];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)w->kernel);
    FILE *f = fopen(path, "r");
    if (!f || fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                     &system) != 2) {
        bench_die("%s does not tell the time of a process", path);
    }
    fclose(f);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

int world_executors(const world *w) {
    char path[64];
    int count = 0;
    long pid;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)w->kernel, (int)w->kernel);
    FILE *f = fopen(path, "r");
    while (f && fscanf(f, "%ld", &pid) == 1) {
        count++;
    }
    if (f) {
        fclose(f);
    }
    return count;
}

/* ---- load ---- */

static void send_do(world *w, const load *l, int64_t number) {
    keel_buf args = KEEL_BUF_INIT;
    keel_buf_printf(&args, "{\"agent\":\"%s\",\"follow\":\"end\",\"input\":%s", l->agent, l->input);
    if (l->keys) {
        keel_buf_printf(&args, ",\"key\":\"%s-%lld\"", l->keys, (long long)number);
    }
    keel_buf_putc(&args, '}');
    client_send(w->client, "do", args.data, true);
    keel_buf_free(&args);
}

static bool more(const load *l, int64_t begun, double from) {
    return l->runs ? begun < l->runs : bench_now() - from < l->seconds;
}

double world_load(world *w, const load *l, int64_t *runs) {
    int64_t begun = 0, ended = 0;
    double from = bench_now();
    while (begun < l->in_flight && more(l, begun, from)) {
        send_do(w, l, begun++);
    }
    while (ended < begun) {
        int64_t done = client_done(w->client);
        for (ended += done; done && more(l, begun, from); done--) {
            send_do(w, l, begun++);
        }
    }
    *runs = ended;
    return bench_now() - from;
}

double world_reload_ms(world *w, const load *beside) {
    int64_t open = beside ? beside->runs : 0;
    keel_buf result = KEEL_BUF_INIT;
    for (int64_t i = 0; i < open; i++) {
        send_do(w, beside, i);
    }
    double from = bench_now();
    client_call(w->client, "reload", "{}", &result);
    double ms = (bench_now() - from) * 1000;
    keel_buf_free(&result);
    while (open > 0) {
        open -= client_done(w->client);
    }
    return ms;
}

void world_open_runs(world *w, const load *l, int64_t steps) {
    w->run_ids = keel_realloc(w->run_ids, (size_t)l->runs * sizeof *w->run_ids);
    for (int64_t i = 0; i < l->runs; i++) {
        keel_buf args = KEEL_BUF_INIT, result = KEEL_BUF_INIT;
        keel_buf_printf(&args, "{\"agent\":\"%s\",\"input\":%s,\"key\":\"%s-%lld\"}", l->agent,
                        l->input, l->keys, (long long)i);
        if (l->runs > 1000 && (i + 1) % 100) { /* too many to wait for each */
            client_send(w->client, "do", args.data, true);
            w->run_ids[i] = 0;
        } else {
            client_call(w->client, "do", args.data, &result);
            w->run_ids[i] = client_number(&result, "run");
        }
        keel_buf_free(&args);
        keel_buf_free(&result);
    }
    /* Nothing tells of steps; the sequence of the journal does. */
    double from = bench_now();
    for (int64_t seq = 0; seq < l->runs * steps;) {
        keel_buf result = KEEL_BUF_INIT;
        nap_us(20000);
        client_call(w->client, "status", "{}", &result);
        seq = client_number(&result, "seq");
        keel_buf_free(&result);
        if (bench_now() - from > 120) {
            bench_die("the open runs did not get through their steps in two minutes");
        }
    }
    nap_us(300000);
}

static int64_t seq_now(world *w) {
    keel_buf result = KEEL_BUF_INIT;
    client_call(w->client, "status", "{}", &result);
    int64_t seq = client_number(&result, "seq");
    keel_buf_free(&result);
    return seq;
}

void world_nudge_run(world *w) {
    keel_buf args = KEEL_BUF_INIT;
    int64_t seq = seq_now(w) + 5; /* the event, that it woke, the command; a step, a receive */
    keel_buf_printf(&args, "{\"body\":null,\"name\":\"tick\",\"run\":%lld}",
                    (long long)w->run_ids[0]);
    client_send(w->client, "run.send", args.data, true);
    for (double from = bench_now(); seq_now(w) < seq;) {
        nap_us(200);
        if (bench_now() - from > 60) {
            bench_die("the run did not go on within a minute");
        }
    }
    keel_buf_free(&args);
}

void world_finish_runs(world *w, const load *l) {
    for (int64_t i = 0; i < l->runs; i++) {
        keel_buf args = KEEL_BUF_INIT;
        keel_buf_printf(&args, "{\"body\":null,\"name\":\"go\",\"run\":%lld}",
                        (long long)w->run_ids[i]);
        client_send(w->client, "run.send", args.data, true);
        keel_buf_free(&args);
        send_do(w, l, i);
    }
    for (int64_t ended = 0; ended < l->runs;) {
        ended += client_done(w->client);
    }
}
