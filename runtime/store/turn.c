#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

/* Records and their bytes stand in blocks that are kept from turn to turn, so that a turn costs no
 * allocation once the first few have passed. What a large turn took beyond KEEP is given back. */
enum { BLOCK_FIRST = 8192, BLOCK_GROWN = 131072, KEEP = 192 << 10, SALTS = 128 };

typedef struct block block;
struct block {
    block *next;
    size_t size;
    char bytes[];
};

struct turn {
    block *blocks; /* in order of use */
    block *now;
    size_t used; /* of now */
    int64_t first_seq;
    int64_t at_us;
    record *records;
    turn_seal *seals; /* of each record */
    size_t count;
    size_t cap;
    uint8_t salts[SALTS * STORE_SALT]; /* random bytes, used once each */
    size_t salts_used;
    turn_blob *artifacts;
    size_t artifact_count;
    size_t artifact_cap;
};

turn *turn_create(void) {
    turn *t = keel_alloc(sizeof *t);
    memset(t, 0, sizeof *t);
    t->salts_used = SALTS;
    return t;
}

static void free_blocks(block *b) {
    while (b != NULL) {
        block *next = b->next;
        free(b);
        b = next;
    }
}

void turn_stored(turn *t) {
    if (t->artifact_count == 0) {
        return;
    }
    while (t->artifact_count > 0) {
        free(t->artifacts[--t->artifact_count].bytes);
    }
    malloc_trim(0); /* small things lie above them, and would keep their room */
}

void turn_destroy(turn *t) {
    if (t == NULL) {
        return;
    }
    turn_stored(t);
    free_blocks(t->blocks);
    free(t->records);
    free(t->seals);
    free(t->artifacts);
    free(t);
}

/* Keeps the first blocks up to KEEP bytes. */
static void trim(turn *t) {
    size_t kept = 0;
    for (block **at = &t->blocks; *at != NULL; at = &(*at)->next) {
        kept += (*at)->size;
        if (kept > KEEP) {
            free_blocks(*at);
            *at = NULL;
            break;
        }
    }
    t->now = t->blocks;
    t->used = 0;
}

void turn_begin(turn *t, int64_t first_seq, int64_t at_us) {
    trim(t);
    t->first_seq = first_seq;
    t->at_us = at_us;
    t->count = 0;
    turn_stored(t);
}

static block *add_block(turn *t, size_t least) {
    size_t size = t->blocks == NULL ? BLOCK_FIRST : BLOCK_GROWN;
    if (size < least) {
        size = least;
    }
    block *b = keel_alloc(sizeof *b + size);
    b->size = size;
    b->next = NULL;
    if (t->now == NULL) {
        t->blocks = b;
    } else {
        b->next = t->now->next;
        t->now->next = b;
    }
    return b;
}

static char *take(turn *t, size_t size) {
    if (t->now == NULL || t->now->size - t->used < size) {
        block *next = t->now != NULL ? t->now->next : NULL;
        t->now = next != NULL && next->size >= size ? next : add_block(t, size);
        t->used = 0;
    }
    char *p = t->now->bytes + t->used;
    t->used += size;
    return p;
}

static char *copy(turn *t, const void *data, size_t len) {
    char *p = take(t, len + 1);
    if (len > 0) {
        memcpy(p, data, len);
    }
    p[len] = 0;
    return p;
}

/* Random bytes come in pools: a call of the system for each record would cost more than its hash. */
static const uint8_t *take_salt(turn *t) {
    if (t->salts_used == SALTS) {
        randombytes_buf(t->salts, sizeof t->salts);
        t->salts_used = 0;
    }
    return t->salts + STORE_SALT * t->salts_used++;
}

/* Bodies of these kinds hold an id or a key that no other has, so storing them once per distinct
 * bytes would save nothing and cost two more trees in the transaction. */
static size_t inline_limit(record_kind kind) {
    switch (kind) {
    case RECORD_COMMAND:
    case RECORD_RUN_BEGIN:
    case RECORD_SPAWN:
    case RECORD_EFFECT_INTENDED:
    case RECORD_EFFECT_WAITING:
    case RECORD_APPROVAL_GIVEN:
        return STORE_INLINE_UNIQUE;
    default:
        return STORE_INLINE;
    }
}

/* Here and not in the commit, so that it is done while the turn before is being synced. */
static void seal(turn *t, turn_seal *s, const record *r, size_t path_len) {
    memcpy(s->salt, take_salt(t), STORE_SALT);
    s->path_len = path_len;
    s->stands = r->len <= inline_limit(r->kind);
    if (s->stands) {
        s->body = digest_of2(s->salt, STORE_SALT, r->body, r->len);
    }
}

int64_t turn_add(turn *t, record_kind kind, uint64_t run, const char *path, const void *body,
                 size_t len) {
    size_t path_len = strlen(path);
    if (record_kind_name(kind) == NULL || path_len > STORE_PATH_LIMIT || run > INT64_MAX) {
        abort();
    }
    if (t->count == t->cap) {
        t->cap = t->cap > 0 ? t->cap * 2 : 64;
        t->records = keel_realloc(t->records, t->cap * sizeof *t->records);
        t->seals = keel_realloc(t->seals, t->cap * sizeof *t->seals);
    }
    record *r = &t->records[t->count];
    r->kind = kind;
    r->run = run;
    r->path = copy(t, path, path_len);
    r->body = copy(t, body, len);
    r->len = len;
    r->seq = t->first_seq + (int64_t)t->count;
    seal(t, &t->seals[t->count], r, path_len);
    t->count++;
    return r->seq;
}

void turn_artifact(turn *t, const digest *d, const void *bytes, size_t len) {
    if (t->artifact_count == t->artifact_cap) {
        t->artifact_cap = t->artifact_cap > 0 ? t->artifact_cap * 2 : 8;
        t->artifacts = keel_realloc(t->artifacts, t->artifact_cap * sizeof *t->artifacts);
    }
    turn_blob *b = &t->artifacts[t->artifact_count++];
    *b = (turn_blob){.digest = *d, .bytes = keel_alloc(len + 1), .len = len};
    if (len > 0) {
        memcpy(b->bytes, bytes, len);
    }
}

size_t turn_count(const turn *t) {
    return t->count;
}

const record *turn_get(const turn *t, size_t i) {
    return i < t->count ? &t->records[i] : NULL;
}

const turn_seal *turn_sealed(const turn *t, size_t i) {
    return i < t->count ? &t->seals[i] : NULL;
}

int64_t turn_at(const turn *t) {
    return t->at_us;
}

size_t turn_artifacts(const turn *t, const turn_blob **out) {
    *out = t->artifacts;
    return t->artifact_count;
}
