/* What a turn costs: 64 step records a commit through the store, beside 64 plain rows a commit of
 * raw SQLite, and what projecting records cost. Rounds of the two are interleaved, so that both see
 * the same disk; the medians are printed. In the folder named by the first argument, or here. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fsio.h"
#include "store.h"

enum { ROUNDS = 15, COMMITS = 150, ROWS = 64 };

static double clock_s(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double now_s(void) {
    return clock_s(CLOCK_MONOTONIC);
}

static void need(int ok, const char *what) {
    if (!ok) {
        fprintf(stderr, "bench commit: %s\n", what);
        exit(1);
    }
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *v, size_t n) {
    qsort(v, n, sizeof *v, compare);
    return v[n / 2];
}

/* ---- time: of the commits alone, not of making up what is committed ---- */

typedef struct cost {
    double wall_us; /* of one row */
    double cpu_us;
} cost;

static struct { double wall, cpu; } spent, since;

static void resume(void) {
    since.wall = now_s();
    since.cpu = clock_s(CLOCK_THREAD_CPUTIME_ID);
}

static void pause_watch(void) {
    spent.wall += now_s() - since.wall;
    spent.cpu += clock_s(CLOCK_THREAD_CPUTIME_ID) - since.cpu;
}

static cost take_spent(int rows) {
    cost c = {spent.wall * 1e6 / rows, spent.cpu * 1e6 / rows};
    spent.wall = spent.cpu = 0;
    return c;
}

/* ---- raw ---- */

typedef struct raw {
    sqlite3 *db;
    sqlite3_stmt *begin, *insert, *commit;
    int64_t id;
} raw;

static void raw_open(raw *r, const char *path) {
    need(sqlite3_open(path, &r->db) == SQLITE_OK, "raw open");
    need(sqlite3_exec(r->db,
                      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                      "CREATE TABLE t(id INTEGER PRIMARY KEY, body TEXT)",
                      NULL, NULL, NULL) == SQLITE_OK,
         "raw schema");
    sqlite3_prepare_v2(r->db, "BEGIN IMMEDIATE", -1, &r->begin, NULL);
    sqlite3_prepare_v2(r->db, "INSERT INTO t(id, body) VALUES(?, ?)", -1, &r->insert, NULL);
    sqlite3_prepare_v2(r->db, "COMMIT", -1, &r->commit, NULL);
    r->id = 0;
}

static void raw_step(sqlite3_stmt *st) {
    need(sqlite3_step(st) == SQLITE_DONE, "raw step");
    sqlite3_reset(st);
}

static void raw_turn(raw *r, int rows) {
    char body[ROWS][101];
    for (int i = 0; i < rows; i++) {
        snprintf(body[i], sizeof body[i], "%0100lld", (long long)r->id + i + 1);
    }
    resume();
    raw_step(r->begin);
    for (int i = 0; i < rows; i++) {
        sqlite3_bind_int64(r->insert, 1, ++r->id);
        sqlite3_bind_text(r->insert, 2, body[i], 100, SQLITE_STATIC);
        raw_step(r->insert);
    }
    raw_step(r->commit);
    pause_watch();
}

static void raw_close(raw *r) {
    sqlite3_finalize(r->begin);
    sqlite3_finalize(r->insert);
    sqlite3_finalize(r->commit);
    sqlite3_close(r->db);
}

/* ---- ours ---- */

typedef struct ours {
    store *s;
    turn *t;
    int64_t at;
    uint64_t run;
} ours;

static void add(ours *o, record_kind kind, uint64_t run, const char *path, const char *body) {
    turn_add(o->t, kind, run, path, body, strlen(body));
}

static void commit(ours *o) {
    diag d;
    resume();
    int rc = store_commit(o->s, o->t, &d);
    pause_watch();
    if (rc < 0) {
        diag_print(stderr, &d);
        exit(1);
    }
    turn_begin(o->t, store_identify(o->s)->next_seq, ++o->at);
}

static void ours_open(ours *o, const store_options *options) {
    diag d;
    keel_buf body = KEEL_BUF_INIT;
    if (store_open(&o->s, options, &d) < 0) {
        diag_print(stderr, &d);
        exit(1);
    }
    o->t = turn_create();
    turn_begin(o->t, store_identify(o->s)->next_seq, o->at = 1);
    store_boot_body(o->s, &body);
    turn_add(o->t, RECORD_BOOT, 0, "", body.data, body.len);
    commit(o);
    keel_buf_free(&body);
}

/* 64 runs that are open, a step of each. */
static void steps_turn(ours *o, int rows) {
    char body[160], path[16];
    static int64_t n;
    for (int i = 0; i < rows; i++) {
        snprintf(body, sizeof body, "{\"name\":\"fetch\",\"result\":\"%0100lld\"}", (long long)++n);
        snprintf(path, sizeof path, "%lld", (long long)(n / ROWS % 10 + 1));
        add(o, RECORD_STEP, (uint64_t)i + 1, path, body);
    }
    commit(o);
}

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HOLD                                                                                       \
    "\"budget\":\"month\",\"scope\":\"workspace\",\"unit\":\"calls\",\"window\":\"2026-11\"}"

static void runs_turn(ours *o, int rows) {
    for (int i = 0; i < rows / 2; i++) {
        uint64_t run = ++o->run;
        add(o, RECORD_RUN_BEGIN, run, "",
            "{\"agent\":\"a\",\"depth\":0,\"input\":null,\"plugin\":\"" HEX
            "\",\"root\":1,\"version\":\"1\"}");
        add(o, RECORD_RUN_END, run, "", "{\"result\":1,\"state\":\"ended\"}");
    }
    commit(o);
}

static void effects_turn(ours *o, int rows) {
    for (int i = 0; i < rows / 2; i++) {
        uint64_t run = ++o->run;
        add(o, RECORD_EFFECT_INTENDED, run, "1",
            "{\"args\":{\"a\":1},\"attempt\":1,\"call\":\"0011223344556677\",\"class\":\"once\","
            "\"connector\":\"x\",\"decision\":{\"rule\":\"r\"},\"digest\":\"" HEX
            "\",\"holds\":[{\"amount\":1," HOLD "],\"key\":\"k\",\"target\":\"i.m.write\"}");
        add(o, RECORD_EFFECT_DONE, run, "1",
            "{\"attempt\":1,\"call\":\"0011223344556677\",\"result\":1,\"settled\":[{\"actual\":1,"
            "\"amount\":1,"
            "\"budget\":\"month\",\"overrun\":0,\"scope\":\"workspace\","
            "\"unit\":\"calls\",\"window\":\"2026-11\"}],\"target\":\"i.m.write\"}");
    }
    commit(o);
}

static cost timed(ours *o, void (*do_turn)(ours *o, int rows), int rows) {
    take_spent(1);
    for (int i = 0; i < COMMITS; i++) {
        do_turn(o, rows);
    }
    return take_spent(rows * COMMITS);
}

static cost timed_raw(raw *r, int rows) {
    take_spent(1);
    for (int i = 0; i < COMMITS; i++) {
        raw_turn(r, rows);
    }
    return take_spent(rows * COMMITS);
}

static const char *only; /* the one measurement that was asked for, or NULL */

static void measure(raw *r, ours *o, const char *name, void (*do_turn)(ours *o, int rows),
                    int rows) {
    if (only != NULL && strcmp(only, name) != 0) {
        return;
    }
    double plain[ROUNDS], mine[ROUNDS], ratio[ROUNDS], plain_cpu[ROUNDS], mine_cpu[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        cost before = timed_raw(r, rows);
        cost here = timed(o, do_turn, rows);
        cost after = timed_raw(r, rows);
        mine[i] = here.wall_us;
        plain[i] = (before.wall_us + after.wall_us) / 2;
        ratio[i] = plain[i] / mine[i];
        mine_cpu[i] = here.cpu_us;
        plain_cpu[i] = (before.cpu_us + after.cpu_us) / 2;
    }
    printf("%s_raw_rows_s %.0f\n%s_records_s %.0f\n%s_ratio %.3f\n", name,
           1e6 / median(plain, ROUNDS), name, 1e6 / median(mine, ROUNDS), name,
           median(ratio, ROUNDS));
    printf("%s_raw_cpu_us %.2f\n%s_cpu_us %.2f\n", name, median(plain_cpu, ROUNDS), name,
           median(mine_cpu, ROUNDS));
}

static int count_row(void *ctx, const journal_row *row) {
    *(int64_t *)ctx += row->body.data != NULL;
    return 0;
}

/* The files as kill -9 would leave them: copied before the store closes. */
static void measure_recovery(ours *o, const char *dir, const store_options *options) {
    char command[2048];
    uint64_t runs[ROWS];
    int64_t rows = 0;
    diag d;
    if (only != NULL && strcmp(only, "recover") != 0) {
        return;
    }
    for (int i = 0; i < 1000; i++) {
        steps_turn(o, ROWS);
    }
    for (uint64_t i = 0; i < ROWS; i++) {
        runs[i] = i + 1;
    }
    snprintf(command, sizeof command,
             "cp '%s/keel.db' '%s/copy.db' && cp '%s/keel.db-wal' "
             "'%s/copy.db-wal'",
             dir, dir, dir, dir);
    need(system(command) == 0, "copy");
    store_options copy = *options;
    char path[512];
    snprintf(path, sizeof path, "%s/copy.db", dir);
    copy.path = path;
    store *s;
    double start = now_s();
    need(store_open(&s, &copy, &d) == 0, d.what);
    double opened = now_s();
    need(reader_runs(store_reader(s), runs, ROWS, count_row, &rows, &d) == 0, d.what);
    double read = now_s();
    printf("recover_open_ms %.2f\nrecover_read_ms %.2f\nrecover_rows %lld\n",
           (opened - start) * 1e3, (read - opened) * 1e3, (long long)rows);
    store_close(s);
}

int main(int argc, char **argv) {
    char dir[256], raw_path[300], db[300], anchor[300], key[300];
    snprintf(dir, sizeof dir, "%.200s/bench-commit-XXXXXX", argc > 1 ? argv[1] : ".");
    need(mkdtemp(dir) != NULL, "no folder to work in");
    snprintf(raw_path, sizeof raw_path, "%s/raw.db", dir);
    snprintf(db, sizeof db, "%s/keel.db", dir);
    snprintf(anchor, sizeof anchor, "%s/anchor", dir);
    snprintf(key, sizeof key, "%s/key", dir);
    store_options options = {.path = db, .anchor = anchor, .key = key, .create = true};
    only = argc > 2 ? argv[2] : NULL;
    raw r;
    ours o = {.run = 1000};
    ours_open(&o, &options); /* first, so that SQLite is configured as we run it, for both */
    raw_open(&r, raw_path);
    measure_recovery(&o, dir, &options);
    measure(&r, &o, "commit_64", steps_turn, ROWS);
    measure(&r, &o, "commit_1", steps_turn, 1);
    measure(&r, &o, "runs_64", runs_turn, ROWS);
    measure(&r, &o, "effects_64", effects_turn, ROWS);
    turn_destroy(o.t);
    store_close(o.s);
    raw_close(&r);
    fsio_remove_tree(AT_FDCWD, dir, NULL);
    return 0;
}
