/* Memory for secrets. Each request reads secrets anew, and a sodium_malloc is a dozen system calls: so
 * small pieces come from one such region that is kept; what is large, or too much, has its own. */
#include <sodium.h>
#include <stdlib.h>

#include "secret_int.h"

#define SMALL  1024
#define SMALLS 64
#define LARGE  (SECRET_ROOM + 30) /* keeps the pieces aligned */
#define LARGES 4

static char *pool;
static bool used[SMALLS + LARGES];

static void *lock(size_t size) {
    void *p = sodium_init() < 0 ? NULL : sodium_malloc(size);
    if (!p) {
        abort(); /* as with all memory that cannot be had */
    }
    return p;
}

static char *piece_at(size_t i) {
    return i < SMALLS ? pool + i * SMALL : pool + SMALLS * SMALL + (i - SMALLS) * LARGE;
}

char *secret_memory(size_t size) {
    if (!pool) {
        pool = lock(SMALLS * SMALL + LARGES * LARGE);
    }
    for (size_t i = size <= SMALL ? 0 : SMALLS; size <= LARGE && i < SMALLS + LARGES; i++) {
        if (!used[i]) {
            used[i] = true;
            return piece_at(i);
        }
    }
    return lock(size);
}

void secret_memory_free(char *p) {
    for (size_t i = 0; p && pool && i < SMALLS + LARGES; i++) {
        if (p == piece_at(i)) {
            sodium_memzero(p, i < SMALLS ? SMALL : LARGE);
            used[i] = false;
            return;
        }
    }
    sodium_free(p);
}

void secret_alloc(secret *out, size_t len) {
    *out = (secret){secret_memory(len + 1), len};
    out->data[len] = 0;
}

void secret_free(secret *s) {
    secret_memory_free(s->data);
    *s = (secret){NULL, 0};
}
