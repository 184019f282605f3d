/* Lua's memory, with a quota. The allocator never answers NULL: Debian's Lua 5.4.4 has faults that
 * only a failing allocation reaches, and half a run is worth nothing. Over the quota the process ends
 * at once, having sent nothing; the kernel tells the person which run it was. */
#include <stdio.h>
#include <stdlib.h>
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

void *lua_quota_alloc(void *ud, void *p, size_t old_size, size_t new_size) {
    lua_host *h = ud;
    size_t held = p ? old_size : 0; /* for a new block old_size is a type */
    if (new_size == 0) {
        h->used -= held;
        free(p);
        return NULL;
    }
    if (new_size > held && new_size - held > h->quota - h->used) {
        end_over_quota(h, new_size - held);
    }
    void *q = realloc(p, new_size);
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
