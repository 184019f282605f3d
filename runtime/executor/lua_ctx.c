/* ctx: what an agent's run has, and the calls that wait for the kernel alone. */
#include <string.h>

#include "lua_host.h"

/* ---- now, random ---- */

/* All results as they came: the value, or nil and err. */
static int give_outcome(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    (void)ctx;
    return lua_task_outcome(L, lua_host_of(L)->current) ? 1 : 2;
}

static void no_args(lua_host *h) {
    keel_buf_clear(&h->args);
    keel_buf_puts(&h->args, "{}");
}

static int ctx_now(lua_State *L) {
    lua_task *t = lua_task_enter(L, "now");
    no_args(t->run->host);
    return lua_task_call(L, t, "now", "", 0, give_outcome);
}

/* high 64 bits of a * b */
static uint64_t multiply_high(uint64_t a, uint64_t b) {
    uint64_t ah = a >> 32, al = a & 0xffffffffu, bh = b >> 32, bl = b & 0xffffffffu;
    uint64_t low = al * bl, m1 = ah * bl + (low >> 32), m2 = al * bh + (m1 & 0xffffffffu);
    return ah * bh + (m1 >> 32) + (m2 >> 32);
}

static uint64_t parse_bits(const char *hex) {
    uint64_t v = 0;
    for (; *hex; hex++) {
        v = v << 4 | (uint64_t)(*hex <= '9' ? *hex - '0' : *hex - 'a' + 10);
    }
    return v;
}

/* From 64 random bits B: without arguments (B >> 11) * 2^-53; from m to n: m + floor(B * (n - m +
 * 1) / 2^64). */
static int random_done(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    (void)ctx;
    int given = lua_gettop(L);
    if (!lua_task_outcome(L, lua_host_of(L)->current)) {
        return 2;
    }
    if (lua_type(L, -1) != LUA_TSTRING) {
        return luaL_error(L, "ctx.random: the kernel answered no random bits");
    }
    uint64_t bits = parse_bits(lua_tostring(L, -1));
    if (given == 0) {
        lua_pushnumber(L, (lua_Number)(bits >> 11) * (1.0 / 9007199254740992.0));
        return 1;
    }
    lua_Integer low = given == 1 ? 1 : lua_tointeger(L, 1), high = lua_tointeger(L, given);
    uint64_t range = (uint64_t)high - (uint64_t)low + 1; /* 0: all 2^64 */
    uint64_t value = (uint64_t)low + (range == 0 ? bits : multiply_high(bits, range));
    lua_pushinteger(L, (lua_Integer)value);
    return 1;
}

static int ctx_random(lua_State *L) {
    int given = lua_gettop(L);
    luaL_argcheck(L, given <= 2, 3, "ctx.random takes none, one or two numbers");
    lua_Integer low = given == 2 ? luaL_checkinteger(L, 1) : 1;
    luaL_argcheck(L, given == 0 || luaL_checkinteger(L, given) >= low, given,
                  "the interval is empty");
    lua_task *t = lua_task_enter(L, "random");
    no_args(t->run->host);
    return lua_task_call(L, t, "random", "", 0, random_done);
}

/* ---- sleep, receive ---- */

static int sleep_done(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    (void)ctx;
    if (!lua_task_outcome(L, lua_host_of(L)->current)) {
        return 2;
    }
    lua_pushboolean(L, 1);
    return 1;
}

static int ctx_sleep(lua_State *L) {
    int64_t us = lua_check_duration(L, 1, "ctx.sleep");
    lua_task *t = lua_task_enter(L, "sleep");
    keel_buf *args = &t->run->host->args;
    keel_buf_clear(args);
    keel_buf_printf(args, "{\"us\":%lld}", (long long)us);
    return lua_task_call(L, t, "sleep", "", 0, sleep_done);
}

static int ctx_receive(lua_State *L) {
    static const char *const options[] = {"timeout", NULL};
    size_t len = 0;
    if (lua_gettop(L) == 1 && lua_istable(L, 1)) {
        lua_pushnil(L);
        lua_insert(L, 1);
    }
    lua_settop(L, 2);
    const char *name = lua_isnil(L, 1) ? NULL : lua_check_name(L, 1, "ctx.receive", &len);
    lua_check_options(L, 2, "ctx.receive", options);
    int64_t us = -1;
    if (lua_istable(L, 2) && lua_getfield(L, 2, "timeout") != LUA_TNIL) {
        us = lua_check_duration(L, -1, "ctx.receive");
    }
    lua_task *t = lua_task_enter(L, "receive");
    keel_json_writer w;
    keel_buf_clear(&t->run->host->args);
    keel_json_write(&w, &t->run->host->args);
    keel_json_object(&w);
    if (name) {
        keel_json_set_text(&w, "name", name);
    }
    if (us >= 0) {
        keel_json_set_int(&w, "timeout_us", us);
    }
    keel_json_object_end(&w);
    return lua_task_call(L, t, "receive", "", 0, give_outcome);
}

/* ---- continue ---- */

static int ctx_continue(lua_State *L) {
    lua_settop(L, 1);
    lua_createtable(L, 1, 0);
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, 1);
    lua_mark_set(L, -1, MARK_CONTINUE);
    return 1;
}

/* ---- the table ---- */

static const luaL_Reg methods[] = {
    {"all", lua_ctx_all},   {"any", lua_ctx_any},
    {"ask", lua_ctx_ask},   {"continue", ctx_continue},
    {"log", lua_ctx_log},   {"now", ctx_now},
    {"random", ctx_random}, {"receive", ctx_receive},
    {"sleep", ctx_sleep},   {"spawn", lua_ctx_spawn},
    {"step", lua_ctx_step}, {"use", lua_ctx_use},
    {"wait", lua_ctx_wait}, {NULL, NULL},
};

/* What ctx does not have. `previous` is nil for a role's first run. */
static int ctx_index(lua_State *L) {
    lua_push_text(L, 2);
    const char *name = lua_tostring(L, -1);
    if (!strcmp(name, "previous")) {
        return 0;
    }
    return luaL_error(L, "there is no ctx.%s (see the ctx table in sdk/README.md)", name);
}

void lua_ctx_open(lua_host *h) {
    lua_State *L = h->L;
    lua_createtable(L, 0, 3);
    luaL_newlib(L, methods);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, ctx_index);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, "ctx");
    lua_setfield(L, -2, "__metatable");
    lua_pushliteral(L, "ctx");
    lua_setfield(L, -2, "__name");
    h->methods = luaL_ref(L, LUA_REGISTRYINDEX);
}

void lua_ctx_push(lua_run *r, keel_json previous) {
    lua_State *L = r->host->L;
    lua_createtable(L, 0, 2);
    lua_pushinteger(L, (lua_Integer)r->id);
    lua_setfield(L, -2, "run");
    lua_decode_view(L, previous);
    lua_setfield(L, -2, "previous");
    lua_rawgeti(L, LUA_REGISTRYINDEX, r->host->methods);
    lua_setmetatable(L, -2);
}
