/* The store: one SQLite file that holds all state of a workspace, written by one thread of one
 * process.
 *
 * A turn is what one turn of the kernel decided: records in order, and the artifacts that they
 * name. store_commit makes it durable in one transaction: chain, payloads, run index and the
 * projection of every record (records.h, schema.sql). Acknowledged means that store_commit returned
 * 0.
 *
 * Threads: a store is used by one thread at a time, the store's thread. A turn has one owner, who may
 * fill it while the store commits another: turn_add copies, salts and digests, so that this is done
 * by the time the commit before is durable. A reader is a second, read-only connection; it sees
 * committed turns only and may live in any one thread. Call digest_init once before all else. */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "digest.h"
#include "keel/json.h"
#include "records.h"

/* ---- turns ---- */

typedef struct record {
    record_kind kind;
    uint64_t run;
    const char *path; /* in the turn's memory */
    const char *body;
    size_t len;
    int64_t seq;
} record;

typedef struct turn turn;

turn *turn_create(void);
void turn_destroy(turn *t);
/* Forgets all records, keeps the memory. first_seq is the seq of the first record to come. */
void turn_begin(turn *t, int64_t first_seq, int64_t at_us);
/* Copies body and path in; returns the record's seq. A kind that records.h does not name aborts. */
int64_t turn_add(turn *t, record_kind kind, uint64_t run, const char *path, const void *body,
                 size_t len);
void turn_artifact(turn *t, const digest *d, const void *bytes, size_t len);
size_t turn_count(const turn *t);
const record *turn_get(const turn *t, size_t i);
int64_t turn_at(const turn *t);

/* ---- the store ---- */

typedef struct store store;

typedef struct store_options {
    const char *path;   /* .keel/keel.db */
    const char *anchor; /* the anchor file; its folder must exist (0700) */
    const char *key;    /* the file with the signing key's seed, 0600, beside the anchor */
    const char *vfs;    /* NULL: SQLite's default */
    bool create;        /* make an empty workspace if there is none */
    bool own_anchor;    /* no other workspace writes there: a lost database is noticed */
    bool restore;       /* the file is a backup that takes the place of a newer one: a new
                             incarnation, and a key and an anchor of its own if none are there */
    bool same_start;    /* a kernel had it since the machine was started: no loss of power between,
                             so only a small file's pages are all looked at */
    bool accept_rollback; /* go on with a file that is older than its anchor: new incarnation */
} store_options;

/* Opens, migrates, checks the file against its anchor. Refusals say what, why and what next:
 * newer schema, another application's file, corrupt page, no anchor, older than the anchor. */
int store_open(store **out, const store_options *o, diag *d);
void store_close(store *s); /* checkpoints; NULL is fine */

typedef struct store_identity {
    char workspace[33];   /* 128 random bits, hex */
    char incarnation[17]; /* 64 random bits, hex */
    char public_key[65];  /* of the signed heads */
    int64_t boot;         /* the number of this boot: one more than the last */
    int64_t next_seq;
    int64_t rollback_from; /* accept_rollback, restore: the anchor's seq, else 0 */
    int64_t shared_seq;    /* and the last record that no other life of the workspace wrote anew */
} store_identity;
const store_identity *store_identify(const store *s);
/* When a turn begins by this reading of the wall clock: not before the last record, since the windows of
 * budgets and rates are counted from the times of records. (A kernel holds its own clock to that.) */
int64_t store_time(const store *s, int64_t wall_us);
/* Body of this boot's first record. Its `chains` has the heads that no earlier boot record has: on
 * one host, the last boot's. */
void store_boot_body(const store *s, keel_buf *out);

/* One transaction, one fsync. 0, or DIAG_STORAGE: nothing of the turn is acknowledged, and every
 * commit fails until the store is opened again. (When it was the sync that failed, the next opening
 * may find the turn after all: look, never assume.) The first record of a boot is its boot record.
 */
int store_commit(store *s, turn *t, diag *d);
/* Signs the head of this boot's chain into the anchor file (fsync). */
int store_anchor(store *s, int64_t at_us, diag *d);
/* Writes run_index rows for all records behind the watermark and moves it; store_commit does so by
 * itself every 16,384 records, and store_close. */
int store_index(store *s, diag *d);

/* ---- reading: also on the store itself, when no turn is under way ---- */

typedef struct reader reader;
int reader_open(reader **out, const char *db_path, const char *vfs, diag *d);
void reader_close(reader *r);
reader *store_reader(store *s); /* over the store's own connection; not to be closed */

/* One record of the journal with its body fetched from wherever it is. */
typedef struct journal_row {
    int64_t seq;
    int64_t at;
    int64_t boot;
    uint64_t run;
    const char *path;
    record_kind kind;
    keel_json body; /* none when erased */
} journal_row;
/* Non-zero ends the walk; below 0 it is what the call returns. The row lives for the visit, which
 * must not use the same reader. Every body was checked against its digest: a record that does not
 * match is named in d. */
typedef int journal_visit(void *ctx, const journal_row *row);

int reader_record(reader *r, int64_t seq, journal_visit *visit, void *ctx, diag *d);
/* Appends one member of a record's body, as JSON. Nothing: it has none, or its words were erased. */
int reader_member(reader *r, int64_t seq, const char *member, keel_buf *out, diag *d);
/* All records of these runs, in seq order: one scan where the runs are dense, else by run_index and
 * a scan behind the watermark. runs is sorted by the call. */
int reader_runs(reader *r, uint64_t *runs, size_t count, journal_visit *visit, void *ctx, diag *d);
/* The same of those with a larger seq than `after`. */
int reader_runs_after(reader *r, int64_t after, uint64_t *runs, size_t count, journal_visit *visit,
                      void *ctx, diag *d);
int reader_scan(reader *r, int64_t from_seq, journal_visit *visit, void *ctx, diag *d);
/* The same of these kinds alone: a bit for each, RECORD_BIT(kind). The bodies of others are neither
 * fetched nor checked. */
#define RECORD_BIT(kind) (UINT64_C(1) << (kind))
int reader_scan_kinds(reader *r, int64_t from_seq, uint64_t kinds, journal_visit *visit, void *ctx,
                      diag *d);
/* 0 and *run, or DIAG_NOT_FOUND. */
int reader_run_by_key(reader *r, const char *agent, const char *key, uint64_t *run, diag *d);
/* 0 and the record's body (canonical {"answer",...}) and its digest, or DIAG_NOT_FOUND. */
int reader_request(reader *r, const char *id, digest *d_out, keel_buf *body, diag *d);
int reader_artifact(reader *r, const digest *a, keel_buf *out, diag *d);

/* Rows of a fixed query: `sql` is a literal with ? parameters given as text (NULL: SQL NULL).
 * Values come as text, NULL where NULL; blobs as lower-case hex. Used for lists and recovery. */
typedef int reader_row(void *ctx, int columns, const char *const *values, const char *const *names);
int reader_query(reader *r, const char *sql, const char *const *params, size_t count,
                 reader_row *row, void *ctx, diag *d);

/* ---- work on the whole file: turns of their own, for whoever has opened the store alone ---- */

typedef struct erase_report {
    int64_t records; /* erased now */
    int64_t before;  /* were erased already */
    int64_t shared;  /* of `records`: their bytes stand on, since others have the same */
} erase_report;
/* Drops the bodies of these records (sorted by the call) and keeps what the tables need of them:
 * records of kind "erased" are added to t, which is committed. DIAG_USAGE: a record of the host;
 * DIAG_CONFLICT: one that stands in the archive. store_compact makes sure that nothing of them is
 * left in the file. */
int store_erase(store *s, turn *t, int64_t *seqs, size_t count, const char *by, const char *why,
                erase_report *out, diag *d);
/* What is left of a body. */
void erase_rest(const journal_row *row, keel_buf *out);
/* Writes the whole file anew, without a trace of what was deleted, and empties its log. */
int store_compact(store *s, diag *d);

typedef struct archive_report {
    int64_t first, last; /* first > last: nothing can move */
    int64_t bytes;
    char file[32];
    const char *keeps; /* what needs the records behind `last`, or NULL */
} archive_report;
/* How far the archive could go: at most up to the record `last`, but to nothing that is needed. */
int store_archivable(store *s, int64_t last, int64_t now_us, archive_report *out, diag *d);
/* Moves the records out->first to out->last into out->file, in the folder `archive` beside the
 * database, which must be there; adds the record "archived" to t, which is committed. Whatever
 * happens, each record is in one of the two. */
int store_archive(store *s, turn *t, archive_report *out, diag *d);

typedef struct backup_report {
    int64_t records;       /* of them, some may be in the archive */
    int64_t seq;           /* the last one, */
    int64_t at_us;         /* its time */
    char head[DIGEST_HEX]; /* and hash */
    char workspace[33];
    char incarnation[17];
    char public_key[65]; /* that signed the last heads */
} backup_report;
/* Copies the database into a new file `to`, as it was at one moment, while others read and write
 * it. No log belongs to the copy. */
int store_backup(const char *db_path, const char *vfs, const char *to, backup_report *out,
                 void (*progress)(void *ctx, int64_t done, int64_t total), void *ctx, diag *d);
/* The same of a file that is a copy already; also whether SQLite finds it whole. */
int backup_look(const char *path, const char *vfs, backup_report *out, diag *d);
/* The body of the record "restored", for a store that was opened with `restore`. */
void store_restored_body(const store *s, keel_buf *out);
/* A signature over a digest, by the key of signed heads: 128 hex digits and 0. */
int store_sign(const char *key_path, const char *public_key, const digest *of, char out[129],
               diag *d);
bool store_signed(const char *public_key, const digest *of, const char *signature);

/* ---- audit ---- */

typedef struct audit_report {
    int64_t records;
    int64_t boots;
    int64_t anchors;    /* signed heads that hold */
    int64_t unanchored; /* records behind the last anchor */
    int64_t erased;
} audit_report;
/* Proves every chain, every body against its digest, and the heads in the anchor file. 0, or
 * DIAG_STORAGE with the first record at fault named. progress may be NULL. */
int audit_verify(const char *db_path, const char *anchor, const char *vfs, audit_report *out,
                 void (*progress)(void *ctx, int64_t done, int64_t total), void *ctx, diag *d);
/* Proves that the mutable tables follow from the journal: rebuilds them in memory and compares. */
int audit_rebuild_check(const char *db_path, const char *vfs, audit_report *out, diag *d);

#endif
