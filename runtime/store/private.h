/* What the files of the store share. Not for other folders (tests of the store may include it). */
#ifndef STORE_PRIVATE_H
#define STORE_PRIVATE_H

#include <pthread.h>
#include <sodium.h>
#include <sqlite3.h>

#include "store.h"

enum {
    STORE_APPLICATION_ID = 0x4b65656c,   /* "Keel" */
    ARCHIVE_APPLICATION_ID = 0x4b656561, /* "Keea": a file of the archive */
    ARCHIVE_VERSION = 1,
    STORE_VERSION = 5,          /* user_version of a new file, and after all migrations */
    STORE_INLINE = 256,         /* the largest body that stands in its record */
    STORE_INLINE_UNIQUE = 1024, /* the same for kinds whose bodies never repeat */
    STORE_SALT = 16,
    STORE_PATH_LIMIT = 255,
    STORE_TAIL = 256,          /* records whose chain is checked when the store is opened */
    STORE_INDEX_EVERY = 16384, /* records between two watermarks */
    STORE_INDEX_ROW = 256      /* the most seqs in one row of run_index */
};

extern const char store_schema[]; /* schema.sql, embedded by the build */
extern const char store_schema_2[];
extern const char store_schema_3[];
extern const char store_schema_4[];
extern const char store_schema_5[];

/* ---- db.c: connections and their errors ---- */

enum { DB_READ, DB_WRITE, DB_CREATE };
/* ---- walcheck.c ---- */

/* Before the file is opened: DIAG_STORAGE when its log is damaged and acknowledged records would be
 * dropped with it. */
int wal_check(const char *path, const char *vfs_name, diag *d);

int db_open(sqlite3 **out, const char *path, const char *vfs, int mode, diag *d);
/* Is this a workspace of this version? version: where to put the user_version. */
int db_recognize(sqlite3 *db, const char *path, int *version, bool *empty, diag *d);
int db_exec(sqlite3 *db, const char *sql, diag *d);
int db_prepare(sqlite3 *db, sqlite3_stmt **out, const char *sql, diag *d);
/* Words for the connection's last error, by its kind. Returns DIAG_STORAGE. */
int db_fault(sqlite3 *db, diag *d);
/* The first column of the first row as an integer; `none` when there is no row or it is NULL. */
int db_int(sqlite3 *db, const char *sql, int64_t none, int64_t *out, diag *d);
/* Every page of the file, as SQLite sees it: about 0.2 s of work for each 100 MB. next: what to do when
 * one is damaged; NULL: as of a workspace's own file. */
int db_quick_check(sqlite3 *db, const char *path, const char *next, diag *d);

typedef struct migration {
    int version; /* after it */
    const char *sql;
} migration;
extern const migration migrations[];
extern const size_t migration_count;
/* The tables of a new file, in the open transaction of the caller if there is one. */
int create_tables(sqlite3 *db, diag *d);
/* Brings the file from `version` to the last of the table, each step in one transaction. */
int migrate(sqlite3 *db, const migration *table, size_t count, int version, diag *d);

/* ---- chain.c ---- */

typedef struct chain_header {
    int64_t seq;
    int64_t at;
    int64_t boot;
    uint64_t run;
    int kind;
    const char *path;
    size_t path_len;
} chain_header;
digest chain_next(const digest *previous, const chain_header *h, const digest *body);
extern const digest chain_zero; /* before the first record of a boot */

/* ---- verify.c ---- */

#define CHAIN_COLUMNS "SELECT seq, at, boot, run, path, kind, digest, hash, salt, body FROM journal"

/* What is known of the chain after a record. All zero: before the first one. */
typedef struct chain_state {
    int64_t seq;
    int64_t at;
    int64_t boot;
    digest hash;
    bool first; /* that record began its boot */
} chain_state;
/* Checks the row that st, a SELECT of CHAIN_COLUMNS, stands on, with its body when it is inline. */
int chain_check(chain_state *c, sqlite3_stmt *st, diag *d);
/* Takes the row for granted. */
void chain_prime(chain_state *c, sqlite3_stmt *st);
/* Checks the last STORE_TAIL records; c is the head of the journal. */
int chain_tail(sqlite3 *db, chain_state *c, diag *d);

/* ---- anchor.c ---- */

typedef struct anchor_head {
    int64_t boot;
    int64_t seq;
    int64_t at;
    digest hash;
} anchor_head;

typedef struct anchor_key {
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
} anchor_key;

/* Reads the seed; with `create` makes it first if it is not there. */
int anchor_key_load(anchor_key *key, const char *path, bool create, diag *d);
int anchor_append(const char *path, const anchor_key *key, const char *workspace,
                  const anchor_head *head, diag *d);
/* lives.c: that this incarnation took up a file of another life; and, as the member "lives" of the
 * record "restored", which others may have sent something behind the file's last record. */
int anchor_append_life(const char *path, const char *workspace, const char *incarnation,
                       const char *from, int64_t seq, diag *d);
void lives_write(const store *s, keel_json_writer *w);
/* The last record that the file has in common with all of them; -1: it cannot be told. */
int64_t lives_shared(const store *s);
/* The keys that have signed heads, each from a boot on: a restore where the key is lost begins with
 * a new one. */
typedef struct anchor_keys {
    size_t count;
    struct {
        int64_t boot;
        uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
    } * list;
} anchor_keys;

typedef int anchor_visit(void *ctx, const anchor_head *head, int line);
/* Visits each head of this workspace whose signature holds, by a key that was there at its boot (no
 * keys: all are visited). A line of this workspace whose
 * signature does not hold is a fault; other lines are skipped. DIAG_NOT_FOUND: no file, or no such
 * line. */
int anchor_read(const char *path, const anchor_keys *keys, const char *workspace,
                anchor_visit *visit, void *ctx, diag *d);
/* The last line of this workspace alone, however long the file. */
int anchor_last(const char *path, const anchor_key *key, const char *workspace, anchor_head *out,
                diag *d);

/* ---- open.c ---- */

/* The seq of the last boot's first record, which names the key of its heads. */
int store_last_boot(sqlite3 *db, int64_t *seq, diag *d);

/* ---- create.c ---- */

/* What a new workspace is born with: key, identity, first line of the anchor file, tables. */
int store_create(store *s, const store_options *o, diag *d);
int meta_set(sqlite3 *db, const char *key, const char *value, diag *d);
/* A value of exactly size - 1 bytes. */
int meta_get(sqlite3 *db, const char *key, char *out, size_t size, diag *d);
void random_hex(char *out, size_t bytes); /* up to 32; 2 * bytes + 1 characters */

/* ---- project.c: the only writer of the projection tables ---- */

typedef struct projector projector;
projector *projector_create(sqlite3 *db);
void projector_destroy(projector *p);
int projector_apply(projector *p, const journal_row *row, diag *d);

/* ---- reader.c ---- */

enum reader_statement {
    READER_RECORD,
    READER_SCAN,
    READER_INDEX,
    READER_WATERMARK,
    READER_PAYLOAD,
    READER_RUN_BY_KEY,
    READER_REQUEST,
    READER_ARCHIVED,
    READER_STATEMENTS
};

/* A file of the archive: records `first` to `last`, read like the journal itself. */
typedef struct archive_file {
    int64_t first;
    int64_t last;
    digest file; /* of all its bytes */
    digest head; /* hash of its last record */
    char *path;
    reader *reader; /* NULL: not open yet */
} archive_file;

struct reader {
    sqlite3 *db;
    sqlite3_stmt *st[READER_STATEMENTS];
    archive_file *archives; /* those known so far, in order */
    size_t archive_count;
};
void reader_init(reader *r, sqlite3 *db);
void reader_finish(reader *r);
sqlite3_stmt *reader_statement(reader *r, enum reader_statement which, diag *d);
/* One transaction over several statements; nested ones and the store's own do nothing. */
int reader_begin(reader *r, bool *began, diag *d);
void reader_end(reader *r, bool began);
/* A walk over rows of the journal: those of the runs in `filter` (sorted), or all; of these kinds,
 * or of all. */
typedef struct reader_walk {
    journal_visit *visit;
    void *ctx;
    const uint64_t *filter;
    size_t filter_count;
    uint64_t kinds; /* bits; 0: all */
    int64_t rows;   /* passed */
    int stopped;    /* what visit returned last */
} reader_walk;
int reader_walk_from(reader *r, enum reader_statement which, int64_t seq, reader_walk *w, diag *d);
int reader_walked(int rc, const reader_walk *w);
/* Rows of one statement of this file alone, which has been bound. */
int reader_walk_rows(reader *r, sqlite3_stmt *st, reader_walk *w, diag *d);

/* ---- reader_archive.c: records that moved into files ---- */

/* FOLDER OF DB/archive/FILE; to be freed. */
char *archive_path(sqlite3 *db, const char *file);
const char *archive_vfs(sqlite3 *db); /* the name of the one that db lives on */
/* Reads the table: r->archives holds all that there are. */
int reader_archives(reader *r, diag *d);
int reader_archive_open(archive_file *a, const char *vfs, diag *d);
void reader_archives_close(reader *r);
/* The walk over what is in the archive of the records from seq on, or of this one alone. */
int reader_walk_archives(reader *r, bool one, int64_t seq, reader_walk *w, diag *d);
/* Of the bytes of an open file, by its VFS. */
int archive_digest(sqlite3 *db, digest *out, int64_t *bytes, diag *d);

/* ---- payload.c ---- */

typedef struct payload_store {
    sqlite3_stmt *find;
    sqlite3_stmt *add;
    uint8_t key[32];
} payload_store;
int payload_init(payload_store *p, sqlite3 *db, diag *d);
void payload_finish(payload_store *p);
/* Stores the bytes once; their digest. */
int payload_put(payload_store *p, sqlite3 *db, const uint8_t salt[STORE_SALT], const void *bytes,
                size_t len, digest *out, diag *d);

/* Drops what no record of this file needs any more: those that it has, and whose bodies were not
 * erased, are asked. */
int payload_sweep(sqlite3 *db, diag *d);

/* ---- run_index.c ---- */

typedef struct run_index {
    int64_t first;  /* seq of runs[0] */
    uint64_t *runs; /* the run of each record from first on */
    size_t count;
    size_t cap;
} run_index;
void run_index_init(run_index *ri, int64_t next_seq);
void run_index_finish(run_index *ri);
void run_index_add(run_index *ri, uint64_t run);
/* Inside a transaction: writes rows for all records behind the watermark and moves it. */
int run_index_flush(run_index *ri, sqlite3 *db, diag *d);
/* After the transaction of a flush is durable. */
void run_index_flushed(run_index *ri);
/* Decodes one row: calls add for each seq. -1: damaged. */
int run_index_decode(const uint8_t *bytes, size_t len, int64_t first,
                     void (*add)(void *ctx, int64_t seq), void *ctx);

/* ---- turn.c ---- */

typedef struct turn_blob {
    digest digest;
    char *bytes;
    size_t len;
} turn_blob;
size_t turn_artifacts(const turn *t, const turn_blob **out);
/* Its artifacts are in the store: they come seldom and are larger than records, so that their room
 * is given back at once. */
void turn_stored(turn *t);
/* What stands beside a record: made when it is added. */
typedef struct turn_seal {
    uint8_t salt[STORE_SALT];
    digest body; /* only of a body that stands inline */
    size_t path_len;
    bool stands; /* inline: `body` is made; else it is put into payload */
} turn_seal;
const turn_seal *turn_sealed(const turn *t, size_t i);

/* ---- the store ---- */

enum store_statement {
    STORE_BEGIN,
    STORE_COMMIT,
    STORE_ARTIFACT,
    STORE_INSERT, /* append.c */
    STORE_INSERT_4,
    STORE_INSERT_16,
    STORE_STATEMENTS
};

struct store {
    sqlite3 *db;
    sqlite3_stmt *st[STORE_STATEMENTS];
    char *anchor;
    store_identity identity;
    anchor_key key;
    digest head;      /* of this boot's chain; zero before its first record */
    chain_state last; /* the last record when the store was opened */
    int64_t at_us;    /* the time of the last record now */
    bool failed;
    bool restored;   /* opened with `restore`; */
    char before[17]; /* the incarnation until then */
    bool cut; /* acknowledged records stand behind a damaged frame of the log, and are given up */
    projector *projector;
    payload_store payload;
    run_index index;
    reader reader;
};

/* commit.c: the same as store_commit, with more to be done in the same transaction, behind the
 * turn's records. */
typedef struct store_work {
    int (*run)(store *s, void *ctx, diag *d);
    void *ctx;
} store_work;
int commit_with(store *s, turn *t, const store_work *work, diag *d);

/* approvers.c: the member of a boot's record; and whether the tables have who the journal has. */
void store_approvers(const store *s, keel_json_writer *w);
int store_prove_approvers(store *s, diag *d);

/* append.c, inside a transaction: all records of a turn with their projection; moves *head. */
int append_records(store *s, const turn *t, digest *head, diag *d);

/* records.c: "journal.NAME.append" and its two sisters; NULL for a kind that is not there. */
enum record_point { RECORD_APPEND, RECORD_BEFORE_COMMIT, RECORD_AFTER_COMMIT };
int append_points(const turn *t, enum record_point point,
                  diag *d); /* append.c: once for each kind */
const char *record_failpoint(record_kind kind, enum record_point point);

#endif
