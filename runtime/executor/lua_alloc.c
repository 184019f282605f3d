/* Lua's memory, with a quota. The allocator never answers NULL: Debian's Lua 5.4.4 has faults that
 * only a failing allocation reaches, and half a run is worth nothing. Over the quota the process
 * ends at once, having sent nothing; the kernel tells the person which run it was. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lua_host.h"

static _Noreturn void end_over_quota(const lua_host *h, size_t wanted) {
    const executor_config *c = h->config;
    dprintf(STDERR_FILENO,
            "keel-executor: %s %s: Lua needs %zu KiB more than the %zu KiB it holds, and may hold "
            "%zu KiB (memory, in its manifest)\n",
            c->name ? c->name : "?", c->version ? c->version : "?", (wanted + 1023) / 1024,
            h->used / 1024, h->quota / 1024);
    _exit(LUA_OVER_MEMORY);
}

/* ---- small blocks: free lists by size over one region that is touched as it is used ---- */

#define REGION (8u << 20) /* beyond it small blocks come from malloc */
#define STEP   16u
#define SMALL  256u

#if defined(__SANITIZE_ADDRESS__)
#define NO_REGION 1 /* the sanitizer shall see each block */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NO_REGION 1
#endif
#endif

void lua_region_create(lua_host *h) {
#ifndef NO_REGION
    void *p = mmap(NULL, REGION, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    h->region = p == MAP_FAILED ? NULL : p;
#endif
    h->region_left = h->region ? REGION : 0;
}

void lua_region_destroy(lua_host *h) {
    if (h->region) {
        munmap(h->region, REGION);
    }
}

static bool in_region(const lua_host *h, const void *p) {
    return h->region && (uintptr_t)p - (uintptr_t)h->region < REGION;
}

/* NULL: take it from malloc. */
static void *take_small(lua_host *h, size_t size) {
    size_t class = (size - 1) / STEP, block = (class + 1) * STEP;
    void *p = h->free_small[class];
    if (p) {
        void *next;
        memcpy(&next, p, sizeof next);
        h->free_small[class] = next;
        return p;
    }
    if (h->region_left < block) {
        return NULL;
    }
    p = h->region + (REGION - h->region_left);
    h->region_left -= block;
    return p;
}

static void give_back(lua_host *h, void *p, size_t size) {
    if (!in_region(h, p)) {
        free(p);
        return;
    }
    size_t class = (size - 1) / STEP;
    void *next = h->free_small[class];
    memcpy(p, &next, sizeof next);
    h->free_small[class] = p;
}

static void *take(lua_host *h, size_t size) {
    void *p = size <= SMALL ? take_small(h, size) : NULL;
    return p ? p : malloc(size);
}

static void *change(lua_host *h, void *p, size_t old_size, size_t new_size) {
    if (!in_region(h, p) && new_size > SMALL) {
        return realloc(p, new_size);
    }
    if (in_region(h, p) && (old_size - 1) / STEP == (new_size - 1) / STEP) {
        return p;
    }
    void *q = take(h, new_size);
    if (q) {
        memcpy(q, p, old_size < new_size ? old_size : new_size);
        give_back(h, p, old_size);
    }
    return q;
}

void *lua_quota_alloc(void *ud, void *p, size_t old_size, size_t new_size) {
    lua_host *h = ud;
    size_t held = p ? old_size : 0; /* for a new block old_size is a type */
    if (new_size == 0) {
        if (p) {
            h->used -= held;
            give_back(h, p, held);
        }
        return NULL;
    }
    if (new_size > held && new_size - held > h->quota - h->used) {
        end_over_quota(h, new_size - held);
    }
    void *q = p ? change(h, p, held, new_size) : take(h, new_size);
    if (!q) {
        end_over_quota(h, new_size);
    }
    h->used = h->used - held + new_size;
    return q;
}

/* Lua lets garbage grow to the size of what lives; near the quota that would count against it. */
void lua_host_collect(lua_host *h) {
    if (h->used < h->collect_at) {
        return;
    }
    lua_gc(h->L, LUA_GCCOLLECT);
    size_t room = h->quota - h->used;
    h->collect_at = h->used + (room < h->quota / 2 ? room / 2 : h->quota / 4);
}
