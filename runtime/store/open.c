#include <stdlib.h>
#include <string.h>

#include "failpoint.h"
#include "private.h"

/* The change to a write-ahead log is itself a transaction with a rollback journal. Only EXTRA syncs
 * the folder when that journal goes: under FULL it can come back with the power, and would roll
 * back a file whose log holds acknowledged records. In a write-ahead log the two are the same. */
/* When a sync fails in the middle of the change, SQLite tells the new mode and keeps the old one: the
 * versions in the file's head are what holds. */
static bool keeps_log(sqlite3 *db) {
    enum { VERSIONS_AT = 18, WITH_LOG = 2 };
    sqlite3_file *file = NULL;
    unsigned char versions[2] = {0, 0};
    return sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK &&
           file && file->pMethods &&
           file->pMethods->xRead(file, versions, sizeof versions, VERSIONS_AT) == SQLITE_OK &&
           versions[0] == WITH_LOG && versions[1] == WITH_LOG;
}

static int write_ahead(sqlite3 *db, diag *d) {
    sqlite3_stmt *st;
    const char *path = sqlite3_db_filename(db, "main");
    if (db_exec(db, "PRAGMA synchronous = EXTRA", d) < 0 ||
        db_prepare(db, &st, "PRAGMA journal_mode = WAL", d) < 0) {
        return DIAG_STORAGE;
    }
    int rc = sqlite3_step(st);
    bool wal = rc == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(st, 0), "wal") == 0;
    sqlite3_finalize(st);
    if (rc != SQLITE_ROW) {
        return db_fault(db, d);
    }
    if (!wal) {
        diag_set(d, DIAG_STORAGE, "the file system of %s cannot keep a write-ahead log", path);
        diag_next(d, "put the workspace on a local disk; network file systems will not do");
        return DIAG_STORAGE;
    }
    if (!keeps_log(db)) {
        diag_set(d, DIAG_STORAGE, "the disk failed when %s was to get its write-ahead log", path);
        diag_next(d, "look at the disk and its log (dmesg), then start keel again");
        return DIAG_STORAGE;
    }
    return db_exec(db, "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 33554432", d);
}

static int no_workspace(const char *path, diag *d) {
    diag_set(d, DIAG_STORAGE, "%s holds no workspace yet", path);
    diag_next(d, "`keel up` begins it, or says why it must not");
    return DIAG_STORAGE;
}

static int bring_up_to_date(store *s, int version, diag *d) {
    if (version == STORE_VERSION) {
        return 0;
    }
    if (db_exec(s->db, "BEGIN IMMEDIATE", d) < 0) {
        return DIAG_STORAGE;
    }
    if (migrate(s->db, migrations, migration_count, version, d) < 0 ||
        db_exec(s->db, "COMMIT", d) < 0) {
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
        return DIAG_STORAGE;
    }
    return 0;
}

static int compare_workspace(void *ctx, const journal_row *row) {
    const store *s = ctx;
    return keel_json_is(keel_json_get(row->body, "workspace"), s->identity.workspace)
               ? 0
               : DIAG_CONFLICT;
}

static int compare_key(void *ctx, const journal_row *row) {
    const store *s = ctx;
    char hex[65];
    hex_encode(hex, s->key.public_key, sizeof s->key.public_key);
    return keel_json_is(keel_json_get(row->body, "public_key"), hex) ? 0 : DIAG_AUTH;
}

int store_last_boot(sqlite3 *db, int64_t *seq, diag *d) {
    return db_int(db, "SELECT first_seq FROM boot ORDER BY boot DESC LIMIT 1", 1, seq, d);
}

/* The first record names the workspace, and each boot's first one the key: neither can be
 * exchanged. A restore where the key is lost begins with a new one. */
static int check_identity(store *s, const store_options *o, diag *d) {
    int64_t boot;
    if (s->last.seq == 0) {
        return 0;
    }
    int rc = reader_record(&s->reader, 1, compare_workspace, s, d);
    if (rc == 0 && !o->restore) {
        rc = store_last_boot(s->db, &boot, d);
        rc = rc ? rc : reader_record(&s->reader, boot, compare_key, s, d);
    }
    if (rc == DIAG_CONFLICT) {
        diag_set(d, DIAG_STORAGE, "the first record of %s is of another workspace",
                 sqlite3_db_filename(s->db, "main"));
        diag_next(d, "the file was put together from two: restore the last backup");
    } else if (rc == DIAG_AUTH) {
        diag_set(d, DIAG_STORAGE, "the signing key %s is not the one that the first record names",
                 o->key);
        diag_next(d, "put this workspace's own key back, or restore key and database from one "
                     "backup");
    }
    return rc < 0 ? DIAG_STORAGE : 0;
}

/* Does the journal hold the record that the anchor names? */
static int holds(store *s, const anchor_head *head, bool *out, diag *d) {
    sqlite3_stmt *st;
    if (db_prepare(s->db, &st, "SELECT hash FROM journal WHERE seq = ?", d) < 0) {
        return DIAG_STORAGE;
    }
    sqlite3_bind_int64(st, 1, head->seq);
    int rc = sqlite3_step(st);
    *out =
        head->seq == 0 || (rc == SQLITE_ROW && sqlite3_column_bytes(st, 0) == DIGEST_SIZE &&
                           memcmp(sqlite3_column_blob(st, 0), head->hash.bytes, DIGEST_SIZE) == 0);
    sqlite3_finalize(st);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : db_fault(s->db, d);
}

static int rolled_back(store *s, const anchor_head *head, diag *d) {
    const char *path = sqlite3_db_filename(s->db, "main");
    if (head->seq > s->last.seq) {
        diag_set(
            d, DIAG_STORAGE,
            "%s ends at record %lld, but its anchor has seen record %lld: the file is an older "
            "copy, or its last records were cut off",
            path, (long long)s->last.seq, (long long)head->seq);
    } else {
        diag_set(d, DIAG_STORAGE,
                 "record %lld of %s is not the one that the anchor has seen: the history behind an "
                 "older copy was written anew",
                 (long long)head->seq, path);
    }
    diag_next(d, "put the newest file (with its -wal) back. If it is lost, `keel up "
                 "--accept-rollback` goes on from here, and the journal will say so");
    return DIAG_STORAGE;
}

static int accept(store *s, const anchor_head *head, diag *d) {
    (void)KEEL_FP("store.rollback");
    memcpy(s->before, s->identity.incarnation, sizeof s->before);
    random_hex(s->identity.incarnation, 8);
    s->identity.rollback_from = head->seq;
    if (anchor_append_life(s->anchor, s->identity.workspace, s->identity.incarnation, s->before,
                           s->last.seq, d) < 0) {
        return DIAG_STORAGE;
    }
    s->identity.shared_seq = lives_shared(s);
    return meta_set(s->db, "incarnation", s->identity.incarnation, d);
}

static int keep_highest(void *ctx, const anchor_head *head, int line) {
    int64_t *highest = ctx;
    (void)line;
    *highest = head->seq > *highest ? head->seq : *highest;
    return 0;
}

/* Whatever the anchor has seen of this workspace, the file in hand is what counts from now on. */
static int accept_all(store *s, const store_options *o, diag *d) {
    anchor_head head = {0};
    diag none; /* an anchor that is not there yet has seen nothing */
    anchor_read(o->anchor, NULL, s->identity.workspace, keep_highest, &head.seq, &none);
    return accept(s, &head, d);
}

static int check_anchor(store *s, const store_options *o, diag *d) {
    anchor_head head;
    bool held;
    if (o->restore) {
        s->restored = true;
        return accept_all(s, o, d);
    }
    if (anchor_last(o->anchor, &s->key, s->identity.workspace, &head, d) < 0 ||
        holds(s, &head, &held, d) < 0) {
        return DIAG_STORAGE;
    }
    if (held && !s->cut) {
        return 0;
    }
    return o->accept_rollback ? accept_all(s, o, d) : rolled_back(s, &head, d);
}

static int load(store *s, const store_options *o, diag *d) {
    if (meta_get(s->db, "workspace", s->identity.workspace, sizeof s->identity.workspace, d) < 0 ||
        meta_get(s->db, "incarnation", s->identity.incarnation, sizeof s->identity.incarnation, d) <
            0 ||
        anchor_key_load(&s->key, o->key, o->restore, d) < 0 || chain_tail(s->db, &s->last, d) < 0 ||
        check_identity(s, o, d) < 0 || check_anchor(s, o, d) < 0 ||
        store_prove_approvers(s, d) < 0) {
        return DIAG_STORAGE;
    }
    return 0;
}

/* Damage is found before anything is built on it, as long as that takes no longer than a start may: 2 ms a
 * MiB. Of larger files a backup and `keel audit verify` look at every page. */
static int check_pages(store *s, const store_options *o, diag *d) {
    const int64_t largest = o->same_start ? 2 << 20 : 256 << 20;
    int64_t count, size;
    if (db_int(s->db, "PRAGMA page_count", 0, &count, d) < 0 ||
        db_int(s->db, "PRAGMA page_size", 0, &size, d) < 0) {
        return DIAG_STORAGE;
    }
    int rc = count * size > largest ? 0 : db_quick_check(s->db, o->path, NULL, d);
    sqlite3_db_release_memory(s->db); /* of all pages: few of them are read again */
    return rc;
}

/* Looks at the file before it changes a byte of it. */
static int open_file(store *s, const store_options *o, diag *d) {
    int version;
    bool empty;
    s->cut = wal_check(o->path, o->vfs, d) != 0;
    if (s->cut && !o->accept_rollback) {
        return DIAG_STORAGE;
    }
    if (db_open(&s->db, o->path, o->vfs, o->create ? DB_CREATE : DB_WRITE, d) < 0 ||
        db_recognize(s->db, o->path, &version, &empty, d) < 0) {
        return DIAG_STORAGE;
    }
    if (empty && !o->create) {
        return no_workspace(o->path, d);
    }
    if ((!empty && check_pages(s, o, d) < 0) || write_ahead(s->db, d) < 0) {
        return DIAG_STORAGE;
    }
    reader_init(&s->reader, s->db);
    if (empty) {
        (void)KEEL_FP("store.empty");
        int rc = store_create(s, o, d);
        (void)KEEL_FP("store.created");
        return rc;
    }
    return bring_up_to_date(s, version, d) < 0 ? DIAG_STORAGE : load(s, o, d);
}

int store_open(store **out, const store_options *o, diag *d) {
    store *s = keel_alloc(sizeof *s);
    memset(s, 0, sizeof *s);
    s->anchor = keel_strdup(o->anchor);
    if (digest_init() < 0) {
        diag_set(d, DIAG_FAILED, "libsodium does not start");
        store_close(s);
        return DIAG_FAILED;
    }
    if (open_file(s, o, d) < 0 || payload_init(&s->payload, s->db, d) < 0) {
        s->failed = true; /* writes nothing at its end */
        store_close(s);
        return DIAG_STORAGE;
    }
    hex_encode(s->identity.public_key, s->key.public_key, sizeof s->key.public_key);
    s->identity.boot = s->last.boot + 1;
    s->identity.next_seq = s->last.seq + 1;
    s->at_us = s->last.at;
    s->head = chain_zero;
    s->projector = projector_create(s->db);
    run_index_init(&s->index, s->identity.next_seq);
    *out = s;
    return 0;
}

void store_close(store *s) {
    if (s == NULL) {
        return;
    }
    if (s->db != NULL && !s->failed) {
        (void)KEEL_FP("store.closing");
        store_index(s, NULL);
        (void)KEEL_FP("store.indexed");
    }
    projector_destroy(s->projector);
    payload_finish(&s->payload);
    run_index_finish(&s->index);
    reader_finish(&s->reader);
    for (int i = 0; i < STORE_STATEMENTS; i++) {
        sqlite3_finalize(s->st[i]);
    }
    sqlite3_close(s->db);
    free(s->anchor);
    sodium_memzero(s, sizeof *s);
    free(s);
}

const store_identity *store_identify(const store *s) {
    return &s->identity;
}

reader *store_reader(store *s) {
    return &s->reader;
}

int64_t store_time(const store *s, int64_t wall_us) {
    return wall_us > s->at_us ? wall_us : s->at_us;
}

void store_boot_body(const store *s, keel_buf *out) {
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    store_approvers(s, &w); /* the next start looks whether it is still so */
    keel_json_set_int(&w, "boot", s->identity.boot);
    keel_json_key(&w, "chains");
    keel_json_array(&w);
    if (s->last.seq > 0) {
        keel_json_object(&w);
        keel_json_set_int(&w, "boot", s->last.boot);
        keel_json_key(&w, "head");
        keel_json_hex(&w, s->last.hash.bytes, DIGEST_SIZE);
        keel_json_set_int(&w, "seq", s->last.seq);
        keel_json_object_end(&w);
    }
    keel_json_array_end(&w);
    keel_json_set_text(&w, "incarnation", s->identity.incarnation);
    keel_json_set_text(&w, "public_key", s->identity.public_key);
    keel_json_set_text(&w, "version", KEEL_VERSION);
    keel_json_set_text(&w, "workspace", s->identity.workspace);
    keel_json_object_end(&w);
}

void store_restored_body(const store *s, keel_buf *out) {
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_set_int(&w, "anchor_seq", s->identity.rollback_from);
    keel_json_set_text(&w, "from", s->before);
    keel_json_set_text(&w, "incarnation", s->identity.incarnation);
    keel_json_set_int(&w, "last_us", s->last.at);
    lives_write(s, &w);
    keel_json_set_int(&w, "seq", s->last.seq);
    keel_json_object_end(&w);
}
