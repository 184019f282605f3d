/* What was done to files and is not durable, with what stood there before. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keel/buf.h"
#include "power.h"

enum { SECTOR = 512 };

static struct {
    power_op *ops;
    size_t count, cap;
    uint64_t random;
} pending;

static uint64_t below(uint64_t limit) {
    pending.random += 0x9e3779b97f4a7c15u; /* splitmix64 */
    uint64_t z = pending.random;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return limit ? (z ^ z >> 31) % limit : 0;
}

static void free_op(power_op *op) {
    free((void *)(uintptr_t)op->path);
    free(op->bytes);
    free(op->before);
}

/* ---- files ---- */

/* size: of the file afterwards, SIZE_MAX: as it comes. */
static void put(const char *path, size_t at, const char *bytes, size_t len, size_t size) {
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    bool good = fd >= 0 && pwrite(fd, bytes, len, (off_t)at) == (ssize_t)len &&
                (size == SIZE_MAX || ftruncate(fd, (off_t)size) == 0);
    if (!good) {
        fprintf(stderr, "keel-torture: the power cannot be cut: %s\n", path);
        _exit(3); /* neither killed nor well: the driver says so */
    }
    close(fd);
}

/* ---- remembering ---- */

void power_note(const power_op *op) {
    if (pending.count == pending.cap) {
        pending.cap = pending.cap ? pending.cap * 2 : 64;
        pending.ops = keel_realloc(pending.ops, pending.cap * sizeof *pending.ops);
    }
    pending.ops[pending.count] = *op;
    pending.ops[pending.count++].path = keel_strdup(op->path);
}

void power_synced(const char *path) {
    size_t kept = 0;
    for (size_t i = 0; i < pending.count; i++) {
        if (strcmp(pending.ops[i].path, path) != 0) {
            pending.ops[kept++] = pending.ops[i];
        } else {
            free_op(&pending.ops[i]);
        }
    }
    pending.count = kept;
}

/* ---- the cut ---- */

static void take_back(const power_op *op) {
    switch (op->kind) {
    case POWER_CREATE:
        unlink(op->path);
        break;
    case POWER_REMOVE:
    case POWER_TRUNCATE:
    case POWER_WRITE:
        put(op->path, op->kind == POWER_REMOVE ? 0 : op->at, op->before ? op->before : "", op->had,
            op->size);
        break;
    }
}

static void do_again(const power_op *op) {
    switch (op->kind) {
    case POWER_CREATE:
        put(op->path, 0, "", 0, SIZE_MAX);
        break;
    case POWER_REMOVE:
        unlink(op->path);
        break;
    case POWER_TRUNCATE:
        put(op->path, 0, "", 0, op->at);
        break;
    case POWER_WRITE:
        put(op->path, op->at, op->bytes, op->len, SIZE_MAX);
        break;
    }
}

/* Some sectors of a write: from its beginning, or any. */
static void do_part(const power_op *op, bool first) {
    size_t sectors = (op->len + SECTOR - 1) / SECTOR, keep = (size_t)below(sectors + 1);
    for (size_t i = 0; i < sectors; i++) {
        size_t at = i * SECTOR, len = op->len - at < SECTOR ? op->len - at : SECTOR;
        if (first ? i < keep : below(2)) {
            put(op->path, op->at + at, op->bytes + at, len, SIZE_MAX);
        }
    }
}

static bool is_there(const char *path) {
    return access(path, F_OK) == 0;
}

static void survive_prefix(void) {
    size_t keep = (size_t)below(pending.count + 1);
    for (size_t i = 0; i < keep; i++) {
        const power_op *op = &pending.ops[i];
        if (i + 1 == keep && op->kind == POWER_WRITE) {
            do_part(op, true);
        } else {
            do_again(op);
        }
    }
}

/* Names and sizes keep their order, as in a journaling file system; data does not. */
static void survive_torn(void) {
    size_t named = (size_t)below(pending.count + 1);
    for (size_t i = 0; i < pending.count; i++) {
        const power_op *op = &pending.ops[i];
        if (op->kind != POWER_WRITE) {
            if (i < named) {
                do_again(op);
            }
        } else if (is_there(op->path) && below(2)) {
            if (below(4) == 0) {
                do_part(op, false);
            } else {
                do_again(op);
            }
        }
    }
}

void power_cut(power_mode mode, uint64_t seed) {
    pending.random = seed;
    for (size_t i = pending.count; i-- > 0;) {
        take_back(&pending.ops[i]);
    }
    if (mode == POWER_PREFIX) {
        survive_prefix();
    } else if (mode == POWER_TORN) {
        survive_torn();
    }
}
