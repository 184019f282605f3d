/* c.kv and c.clock, and what all services of a connector share. */
#include <string.h>

#include "clock.h"
#include "lua_host.h"
#include "status.h"

int lua_give_failure(lua_State *L, keel_status status, const char *message) {
    lua_pushnil(L);
    lua_createtable(L, 0, 2);
    lua_pushstring(L, status_name(status));
    lua_setfield(L, -2, "code");
    lua_pushstring(L, message);
    lua_setfield(L, -2, "message");
    lua_mark_set(L, -1, MARK_FAIL);
    return 2;
}

int lua_give_egress_failure(lua_State *L, keel_status status) {
    lua_host *h = lua_host_of(L);
    const char *why = egress_client_error(h->egress);
    h->doubt = true;
    keel_buf_clear(&h->failure);
    keel_buf_printf(&h->failure, "%s: %s", status_name(status), why);
    return lua_give_failure(L, status, why);
}

const char *lua_check_text(lua_State *L, int index, const char *what) {
    size_t len;
    const char *s = luaL_checklstring(L, index, &len);
    if (strlen(s) != len) {
        luaL_argerror(L, index, lua_pushfstring(L, "%s cannot hold a NUL byte", what));
    }
    return s;
}

/* ---- kv ---- */

static int c_kv_get(lua_State *L) {
    lua_host *h = lua_host_of(L);
    keel_json v;
    keel_status status = kv_get(&h->kv, lua_check_text(L, 1, "a key"), &v);
    if (status == KEEL_E_NOT_FOUND) {
        lua_pushnil(L);
        return 1;
    }
    if (status < 0) {
        return lua_give_failure(L, status, h->kv.error);
    }
    lua_decode_view(L, v);
    return 1;
}

static int c_kv_put(lua_State *L) {
    lua_host *h = lua_host_of(L);
    const char *key = lua_check_text(L, 1, "a key");
    keel_buf_clear(&h->args);
    if (!lua_isnoneornil(L, 2)) {
        lua_encode_check(L, 2, "c.kv.put", "value", &h->args);
    }
    keel_status status = kv_set(&h->kv, key, h->args.data, h->args.len);
    if (status < 0) {
        return lua_give_failure(L, status, h->kv.error);
    }
    lua_pushboolean(L, 1);
    return 1;
}

void lua_kv_push(lua_host *h) {
    static const luaL_Reg functions[] = {{"get", c_kv_get}, {"put", c_kv_put}, {NULL, NULL}};
    luaL_newlib(h->L, functions);
}

/* ---- clock ---- */

static int c_clock_now(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)clock_wall_us());
    return 1;
}

static int c_clock_monotonic(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)clock_monotonic_ns());
    return 1;
}

static int c_clock_sleep(lua_State *L) {
    lua_host *h = lua_host_of(L);
    int64_t us = lua_check_duration(L, 1, "c.clock.sleep");
    keel_status status = clock_sleep((uint64_t)us * 1000u, h->deadline_ns, EXECUTOR_FD_FRAMES);
    if (status < 0) {
        return lua_give_failure(
            L, status, status == KEEL_E_DEADLINE ? "the verb's deadline came" : "Keel has ended");
    }
    lua_pushboolean(L, 1);
    return 1;
}

void lua_clock_push(lua_host *h) {
    static const luaL_Reg functions[] = {{"monotonic", c_clock_monotonic},
                                         {"now", c_clock_now},
                                         {"sleep", c_clock_sleep},
                                         {NULL, NULL}};
    luaL_newlib(h->L, functions);
}
