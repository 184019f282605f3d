#include "raw.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "keel/buf.h"

struct raw {
    sqlite3 *db;
    sqlite3_stmt *begin, *insert, *commit;
};

static void check(sqlite3 *db, int rc, const char *what) {
    if (rc != SQLITE_OK && rc != SQLITE_ROW && rc != SQLITE_DONE) {
        bench_die("raw SQLite: %s: %s", what, sqlite3_errmsg(db));
    }
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql) {
    sqlite3_stmt *st = NULL;
    check(db, sqlite3_prepare_v2(db, sql, -1, &st, NULL), sql);
    return st;
}

raw *raw_create(const char *folder) {
    raw *r = keel_alloc(sizeof *r);
    keel_buf path = KEEL_BUF_INIT;
    keel_buf_printf(&path, "%s/raw.db", folder);
    unlink(path.data);
    check(NULL, sqlite3_open(path.data, &r->db), path.data);
    check(r->db,
          sqlite3_exec(r->db,
                       "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                       "CREATE TABLE row(id INTEGER PRIMARY KEY, body BLOB)",
                       NULL, NULL, NULL),
          path.data);
    r->begin = prepare(r->db, "BEGIN IMMEDIATE");
    r->insert = prepare(r->db, "INSERT INTO row(body) VALUES(zeroblob(100))");
    r->commit = prepare(r->db, "COMMIT");
    keel_buf_free(&path);
    return r;
}

void raw_destroy(raw *r) {
    sqlite3_finalize(r->begin);
    sqlite3_finalize(r->insert);
    sqlite3_finalize(r->commit);
    sqlite3_close(r->db);
    free(r);
}

static void run(raw *r, sqlite3_stmt *st) {
    check(r->db, sqlite3_step(st), "a commit");
    sqlite3_reset(st);
}

double raw_rate(raw *r, int rows, double seconds) {
    double from = bench_now();
    double done = 0;
    do {
        run(r, r->begin);
        for (int i = 0; i < rows; i++) {
            run(r, r->insert);
        }
        run(r, r->commit);
        done += rows;
    } while (bench_now() - from < seconds);
    return done / (bench_now() - from);
}

double raw_scan_ms(const char *db_path) {
    sqlite3 *db = NULL;
    double from = bench_now();
    check(NULL, sqlite3_open_v2(db_path, &db, SQLITE_OPEN_READONLY, NULL), db_path);
    sqlite3_stmt *st = prepare(db, "SELECT seq, run, path, kind, body FROM journal");
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        (void)sqlite3_column_blob(st, 4);
    }
    check(db, rc, "reading the journal");
    sqlite3_finalize(st);
    sqlite3_close(db);
    return (bench_now() - from) * 1000;
}
