/* A write-ahead log that was damaged behind what it was synced with. SQLite ends at the first frame that
 * does not hold, as after a loss of power, and would drop all behind it without a word. But every
 * commit is synced before the next begins: so power leaves at most one commit behind a bad frame, and
 * where there are more, records are lost that were acknowledged. */
#include <string.h>

#include "private.h"

enum { LOG_HEAD = 32, FRAME_HEAD = 24, PAGE_LARGEST = 65536, COMMITS_BY_POWER = 1, FLIPPED = 3 };

typedef struct wal_sum {
    uint32_t a, b;
} wal_sum;

static uint32_t big(const unsigned char *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t little(const unsigned char *p) {
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* SQLite's own checksum, over words in the order that the log's head names. */
static void sum(wal_sum *s, bool is_big, const unsigned char *p, size_t len) {
    for (size_t i = 0; i + 8 <= len; i += 8) {
        s->a += (is_big ? big(p + i) : little(p + i)) + s->b;
        s->b += (is_big ? big(p + i + 4) : little(p + i + 4)) + s->a;
    }
}

typedef struct wal_log {
    sqlite3_file *file;
    int64_t size;
    uint32_t page;
    bool is_big;
    unsigned char head[LOG_HEAD];
    unsigned char frame[FRAME_HEAD + PAGE_LARGEST];
} wal_log;

static bool read_head(wal_log *w, wal_sum *s) {
    const sqlite3_io_methods *m = w->file->pMethods;
    sqlite3_int64 size = 0;
    if (m->xFileSize(w->file, &size) != SQLITE_OK || size <= LOG_HEAD ||
        m->xRead(w->file, w->head, LOG_HEAD, 0) != SQLITE_OK) {
        return false;
    }
    w->size = size;
    w->page = big(w->head + 8);
    w->is_big = (big(w->head) & 1) != 0;
    *s = (wal_sum){0, 0};
    sum(s, w->is_big, w->head, 24);
    return w->page >= 512 && w->page <= PAGE_LARGEST && s->a == big(w->head + 24) &&
           s->b == big(w->head + 28);
}

/* How many bits of a frame's salts are not those of the log. A log of before has others altogether. */
static int other_bits(const wal_log *w) {
    int n = 0;
    for (int i = 0; i < 8; i++) {
        n += __builtin_popcount((unsigned)(w->frame[8 + i] ^ w->head[16 + i]));
    }
    return n;
}

/* The frame that does not hold, counted from 1, and how many commits are behind it. */
static int64_t first_bad(wal_log *w, int64_t *commits) {
    wal_sum s;
    int64_t bad = 0, number = 1;
    *commits = 0;
    if (!read_head(w, &s)) {
        return 0;
    }
    int64_t each = FRAME_HEAD + (int64_t)w->page;
    for (int64_t at = LOG_HEAD; at + each <= w->size; at += each, number++) {
        if (w->file->pMethods->xRead(w->file, w->frame, (int)each, at) != SQLITE_OK) {
            return 0; /* opening it will tell */
        }
        int other = other_bits(w);
        if (!bad) {
            sum(&s, w->is_big, w->frame, 8);
            sum(&s, w->is_big, w->frame + FRAME_HEAD, w->page);
            bad = other == 0 && s.a == big(w->frame + 16) && s.b == big(w->frame + 20) ? 0 : number;
        }
        *commits += bad && other <= FLIPPED && big(w->frame + 4) != 0;
    }
    return bad;
}

static int tell(const char *path, int64_t bad, int64_t commits, diag *d) {
    diag_set(d, DIAG_STORAGE,
             "the write-ahead log of %s is damaged at frame %lld: up to %lld commits that were "
             "acknowledged stand behind it and would be lost",
             path, (long long)bad, (long long)commits);
    return diag_next(
        d, "keep a copy of the file and its -wal, and restore the last backup. If there is "
           "none, `keel up --accept-rollback` goes on from what holds, and the journal "
           "will say so");
}

int wal_check(const char *path, const char *vfs_name, diag *d) {
    sqlite3_vfs *vfs = sqlite3_vfs_find(vfs_name);
    keel_buf name = KEEL_BUF_INIT;
    int there = 0, rc = 0;
    int64_t commits = 0;
    keel_buf_printf(&name, "%s-wal", path);
    if (vfs && vfs->xAccess(vfs, name.data, SQLITE_ACCESS_EXISTS, &there) == SQLITE_OK && there) {
        wal_log *w = keel_alloc(sizeof *w);
        memset(w, 0, sizeof *w);
        w->file = keel_alloc((size_t)vfs->szOsFile);
        memset(w->file, 0, (size_t)vfs->szOsFile);
        int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_WAL;
        if (vfs->xOpen(vfs, name.data, w->file, flags, &flags) == SQLITE_OK) {
            int64_t bad = first_bad(w, &commits);
            rc = bad && commits > COMMITS_BY_POWER ? tell(path, bad, commits, d) : 0;
        }
        if (w->file->pMethods) {
            w->file->pMethods->xClose(w->file);
        }
        free(w->file);
        free(w);
    }
    keel_buf_free(&name);
    return rc;
}
