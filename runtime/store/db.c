#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "private.h"

enum { BUSY_MS = 2000, LARGEST = 64 << 20 };

/* Nobody reads SQLite's memory statistics, and counting them costs a lock in every allocation. */
static void configure(void) {
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static int disk_full(sqlite3 *db, const char *path, diag *d) {
    (void)db;
    diag_set(d, DIAG_STORAGE, "the disk that holds %s is full; what was acknowledged is safe",
             path);
    diag_next(d, "free some space, then start keel again");
    return DIAG_STORAGE;
}

static int disk_fault(sqlite3 *db, const char *path, diag *d) {
    int error = sqlite3_system_errno(db);
    if (error == ENOSPC || error == EDQUOT) {
        return disk_full(db, path, d);
    }
    diag_set(d, DIAG_STORAGE, "the disk failed on %s (%s, code %d); what was acknowledged is safe",
             path, error != 0 ? strerror(error) : sqlite3_errmsg(db), sqlite3_extended_errcode(db));
    diag_next(d, "look at the disk and its log (dmesg), then start keel again: it checks the file");
    return DIAG_STORAGE;
}

static const char restore_it[] = "keep a copy of the file and restore the last backup; `keel audit "
                                 "verify` names the first record "
                                 "at fault. Keel repairs nothing by itself";

static int damaged(sqlite3 *db, const char *path, diag *d) {
    diag_set(d, DIAG_STORAGE, "%s is damaged (%s)", path, sqlite3_errmsg(db));
    diag_next(d, "%s", restore_it);
    return DIAG_STORAGE;
}

static int no_database(sqlite3 *db, const char *path, diag *d) {
    diag_set(d, DIAG_STORAGE, "%s is no database of Keel (%s)", path, sqlite3_errmsg(db));
    diag_next(d, "point keel at a workspace, or restore the file from a backup");
    return DIAG_STORAGE;
}

static int cannot_open(sqlite3 *db, const char *path, diag *d) {
    int error = sqlite3_system_errno(db);
    if (error == ENOENT && access(path, F_OK) == 0) {
        /* The file is there; what could not be made beside it are the log and its index. */
        diag_set(d, DIAG_STORAGE, "cannot open %s: its folder cannot be written", path);
        diag_next(d, "mount the disk writable, or copy the workspace to one that is");
        return DIAG_STORAGE;
    }
    diag_set(d, DIAG_STORAGE, "cannot open %s (%s)", path,
             error != 0 ? strerror(error) : sqlite3_errmsg(db));
    diag_next(d, error == ENOENT ? "`keel init` makes a workspace; `keel -C DIR` names another"
                                 : "check that the file and its folder belong to you");
    return DIAG_STORAGE;
}

static int in_use(sqlite3 *db, const char *path, diag *d) {
    (void)db;
    diag_set(d, DIAG_STORAGE, "%s is being written by another program", path);
    diag_next(d, "close what has it open (`fuser -v %.200s` names it) and try again", path);
    return DIAG_STORAGE;
}

static int no_memory(sqlite3 *db, const char *path, diag *d) {
    (void)db;
    diag_set(d, DIAG_STORAGE, "the memory ran out over %s; what was acknowledged is safe", path);
    diag_next(d, "free some memory, then start keel again");
    return DIAG_STORAGE;
}

static const struct {
    int code;
    int (*words)(sqlite3 *db, const char *path, diag *d);
} faults[] = {
    {SQLITE_FULL, disk_full},       {SQLITE_IOERR, disk_fault},     {SQLITE_CORRUPT, damaged},
    {SQLITE_NOTADB, no_database},   {SQLITE_CANTOPEN, cannot_open}, {SQLITE_PERM, cannot_open},
    {SQLITE_READONLY, cannot_open}, {SQLITE_BUSY, in_use},          {SQLITE_LOCKED, in_use},
    {SQLITE_NOMEM, no_memory},
};

static const char *path_of(sqlite3 *db) {
    const char *path = db != NULL ? sqlite3_db_filename(db, "main") : NULL;
    return path != NULL && path[0] != 0 ? path : "the database";
}

int db_fault(sqlite3 *db, diag *d) {
    int code = sqlite3_errcode(db) & 0xff;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        if (faults[i].code == code) {
            return faults[i].words(db, path_of(db), d);
        }
    }
    diag_set(d, DIAG_STORAGE, "%s: %s (code %d)", path_of(db), sqlite3_errmsg(db),
             sqlite3_extended_errcode(db));
    diag_next(d, "this is a fault of Keel; `keel audit rebuild --check` may tell more");
    return DIAG_STORAGE;
}

int db_exec(sqlite3 *db, const char *sql, diag *d) {
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : db_fault(db, d);
}

int db_prepare(sqlite3 *db, sqlite3_stmt **out, const char *sql, diag *d) {
    int rc = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    return rc == SQLITE_OK ? 0 : db_fault(db, d);
}

int db_quick_check(sqlite3 *db, const char *path, const char *next, diag *d) {
    sqlite3_stmt *st;
    if (db_prepare(db, &st, "PRAGMA quick_check(1)", d) < 0) {
        return DIAG_STORAGE;
    }
    int rc = sqlite3_step(st);
    if (rc != SQLITE_ROW) {
        db_fault(db, d);
        sqlite3_finalize(st);
        return DIAG_STORAGE;
    }
    const char *said = (const char *)sqlite3_column_text(st, 0);
    bool good = strcmp(said, "ok") == 0;
    if (!good) {
        diag_set(d, DIAG_STORAGE, "%s is damaged (%.200s)", path, said);
        diag_next(d, "%s", next ? next : restore_it);
    }
    sqlite3_finalize(st);
    return good ? 0 : DIAG_STORAGE;
}

int db_int(sqlite3 *db, const char *sql, int64_t none, int64_t *out, diag *d) {
    sqlite3_stmt *st;
    if (db_prepare(db, &st, sql, d) < 0) {
        return DIAG_STORAGE;
    }
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL) {
        *out = sqlite3_column_int64(st, 0);
    } else if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
        *out = none;
    } else {
        db_fault(db, d);
        sqlite3_finalize(st);
        return DIAG_STORAGE;
    }
    sqlite3_finalize(st);
    return 0;
}

int db_open(sqlite3 **out, const char *path, const char *vfs, int mode, diag *d) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static const int flags[] = {
        [DB_READ] = SQLITE_OPEN_READONLY,
        [DB_WRITE] = SQLITE_OPEN_READWRITE,
        [DB_CREATE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
    };
    pthread_once(&once, configure);
    sqlite3 *db = NULL;
    int rc =
        sqlite3_open_v2(path, &db, flags[mode] | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
    if (rc != SQLITE_OK) {
        cannot_open(db, path, d);
        sqlite3_close(db);
        return DIAG_STORAGE;
    }
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    /* One process does every checkpoint, and it is the one that writes. */
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, mode == DB_READ, NULL);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, LARGEST);
    sqlite3_busy_timeout(db, BUSY_MS);
    /* A reader forgets its pages whenever another connection has written; more of them than a scan
     * has use for are memory that is mapped once and read once. */
    if (db_exec(db, "PRAGMA cell_size_check = ON", d) < 0 ||
        (mode == DB_READ && db_exec(db, "PRAGMA cache_size = 64", d) < 0)) {
        sqlite3_close(db);
        return DIAG_STORAGE;
    }
    *out = db;
    return 0;
}

static int foreign(const char *path, diag *d) {
    diag_set(d, DIAG_STORAGE, "%s is a database of another program", path);
    diag_next(d, "move it away, or point keel at a workspace of its own");
    return DIAG_STORAGE;
}

int db_recognize(sqlite3 *db, const char *path, int *version, bool *empty, diag *d) {
    int64_t objects, programs, application, user;
    if (db_int(db, "SELECT count(*) FROM sqlite_schema", 0, &objects, d) < 0 ||
        db_int(db,
               "SELECT count(*) FROM sqlite_schema WHERE type IN ('trigger', 'view')"
               " OR sql LIKE 'create virtual%'",
               0, &programs, d) < 0 ||
        db_int(db, "PRAGMA application_id", 0, &application, d) < 0 ||
        db_int(db, "PRAGMA user_version", 0, &user, d) < 0) {
        return DIAG_STORAGE;
    }
    if (objects == 0 && (application == 0 || application == STORE_APPLICATION_ID)) {
        *empty = true;
        *version = 0;
        return 0;
    }
    if (application != STORE_APPLICATION_ID) {
        return foreign(path, d);
    }
    if (user > STORE_VERSION) {
        diag_set(d, DIAG_STORAGE,
                 "%s was written by a newer Keel: its tables are version %lld, this program knows "
                 "up to %d",
                 path, (long long)user, STORE_VERSION);
        diag_next(d, "install that version of Keel again; older ones do not open newer files");
        return DIAG_STORAGE;
    }
    if (programs > 0) {
        diag_set(d, DIAG_STORAGE,
                 "%s holds a trigger, view or virtual table that Keel did not make", path);
        diag_next(d, "find out who changed the file, then restore the last backup");
        return DIAG_STORAGE;
    }
    *empty = false;
    *version = (int)user;
    return 0;
}

int create_tables(sqlite3 *db, diag *d) {
    return db_exec(db, store_schema, d);
}

/* From version 1 on. */
const migration migrations[] = {
    {2, store_schema_2}, {3, store_schema_3}, {4, store_schema_4}, {5, store_schema_5}};
const size_t migration_count = sizeof migrations / sizeof migrations[0];

int migrate(sqlite3 *db, const migration *table, size_t count, int version, diag *d) {
    for (size_t i = 0; i < count; i++) {
        if (table[i].version <= version) {
            continue;
        }
        int64_t reached;
        if (db_exec(db, table[i].sql, d) < 0 ||
            db_int(db, "PRAGMA user_version", 0, &reached, d) < 0) {
            return DIAG_STORAGE;
        }
        if (reached != table[i].version) {
            return diag_set(d, DIAG_STORAGE,
                            "the step to version %d of the tables left version %lld",
                            table[i].version, (long long)reached);
        }
    }
    return 0;
}
