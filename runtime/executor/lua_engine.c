/* engine_lua: the table that executor.c drives. */
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "lua_host.h"

static const char next_entry[] = "correct the script, raise version in manifest.yaml, and install "
                                 "it again";

static int panic(lua_State *L) {
    const char *text = lua_tostring(L, -1);
    fprintf(stderr, "keel-executor: Lua error outside of a run: %s\n", text ? text : "?");
    abort();
}

static void destroy(void *self) {
    lua_host *h = self;
    if (!h) {
        return;
    }
    lua_run *r;
    uint64_t id;
    for (size_t at = 0; (r = map_next(&h->runs, &at, &id));) {
        lua_run_destroy(r);
    }
    map_free(&h->runs);
    if (h->L) {
        lua_close(h->L);
    }
    lua_region_destroy(h);
    fs_destroy(h->files);
    egress_client_destroy(h->egress);
    kv_end(&h->kv);
    keel_buf_free(&h->failure);
    keel_buf_free(&h->args);
    keel_buf_free(&h->body);
    keel_buf_free(&h->text);
    keel_buf_free(&h->problem);
    free(h->keys);
    free(h);
}

static lua_host *host_create(executor *x) {
    lua_host *h = keel_alloc(sizeof *h);
    memset(h, 0, sizeof *h);
    h->x = x;
    h->config = executor_get_config(x);
    h->quota = (size_t)h->config->memory_bytes;
    h->collect_at = h->quota / 4;
    lua_region_create(h);
    h->L = lua_newstate(lua_quota_alloc, h);
    memset(lua_getextraspace(h->L), 0, LUA_EXTRASPACE); /* what new coroutines inherit */
    lua_atpanic(h->L, panic);
    return h;
}

/* The message on the top of the stack, refused. */
static int refuse(lua_host *h, void **self, diag *d) {
    keel_buf text = KEEL_BUF_INIT;
    lua_error_text(h->L, -1, &text);
    int rc = lua_error_diag(text.data, d, next_entry);
    keel_buf_free(&text);
    destroy(h);
    *self = NULL;
    return rc;
}

static int load(executor *x, void **self, diag *d) {
    if (digest_init()) {
        return diag_set(d, DIAG_FAILED, "libsodium does not start, so nothing can be digested");
    }
    lua_host *h = host_create(x);
    lua_sandbox_open(h);
    lua_ctx_open(h);
    if (lua_sandbox_library(h)) {
        return refuse(h, self, d);
    }
    const executor_file *entry = executor_find_file(x, h->config->entry);
    if (!entry) {
        diag_set(d, DIAG_USAGE, "the entry %s did not come with the plugin", h->config->entry);
        destroy(h);
        return diag_next(d, "%s", "check `entry` in manifest.yaml");
    }
    if (lua_sandbox_compile(h->L, entry)) {
        return refuse(h, self, d);
    }
    h->entry = luaL_ref(h->L, LUA_REGISTRYINDEX);
    *self = h;
    return 0;
}

/* Runs the main chunk once: for a connector that is its instance, for an agent a check. */
static int create(void *self, diag *d) {
    lua_host *h = self;
    lua_State *L = h->L;
    lua_State *co = lua_host_thread(h);
    int results;
    lua_rawgeti(co, LUA_REGISTRYINDEX, h->entry);
    lua_sandbox_renew(co, -1);
    if (lua_resume(co, L, 0, &results) != LUA_OK) {
        keel_buf text = KEEL_BUF_INIT;
        lua_error_text(co, -1, &text);
        int rc = lua_error_diag(text.data, d, next_entry);
        keel_buf_free(&text);
        lua_settop(L, 0);
        return rc;
    }
    if (results == 0) {
        lua_pushnil(co);
        results = 1;
    }
    lua_pushvalue(co, -results);
    lua_xmove(co, L, 1);
    int rc = h->config->connector ? lua_connector_create(h, -1) : lua_agent_check(h, L, -1);
    lua_settop(L, 0);
    if (rc) {
        diag_set(d, DIAG_USAGE, "%s", h->problem.data);
        return diag_next(d, "%s", next_entry);
    }
    lua_gc(L, LUA_GCCOLLECT);
    return 0;
}

static void handle(void *self, const frame *f) {
    lua_host *h = self;
    switch (f->type) {
    case X_START:
        lua_run_start(h, f);
        break;
    case X_RECORD:
        lua_run_record(h, f);
        break;
    case X_ANSWER:
        lua_run_answer(h, f);
        break;
    case X_ACK:
        lua_run_ack(h, f);
        break;
    case X_CANCEL:
        lua_run_cancel(h, f->run);
        break;
    case X_VERB:
        lua_verb_handle(h, f);
        break;
    default:
        break; /* the process answers the other words itself */
    }
}

const engine_ops engine_lua = {
    .name = "lua", .load = load, .create = create, .handle = handle, .destroy = destroy};
