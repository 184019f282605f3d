/* The coroutine library. A ctx call inside of a script's coroutine waits: the yield is passed
 * outward through every resume up to the host, and the answer comes back the same way. */
#include <string.h>

#include "lua_host.h"

/* A thread's extra space: NULL, or who alone may resume it. The host, for the first coroutine of a
 * task or a verb; this mark, while a ctx call inside of it waits. */
static const char waits_in_call;

static const void *owner_of(lua_State *co) {
    const void *owner;
    memcpy(&owner, lua_getextraspace(co), sizeof owner);
    return owner;
}

static void set_owner(lua_State *co, const void *owner) {
    memcpy(lua_getextraspace(co), &owner, sizeof owner);
}

lua_State *lua_host_thread(lua_host *h) {
    lua_State *co = lua_newthread(h->L);
    set_owner(co, h);
    return co;
}

static lua_State *check_thread(lua_State *L, int index) {
    lua_State *co = lua_tothread(L, index);
    luaL_argexpected(L, co, index, "coroutine");
    return co;
}

static const char *status_of(lua_State *L, lua_State *co) {
    lua_Debug ar;
    if (L == co) {
        return "running";
    }
    if (owner_of(co)) {
        return "normal";
    }
    switch (lua_status(co)) {
    case LUA_YIELD:
        return "suspended";
    case LUA_OK:
        if (lua_getstack(co, 0, &ar)) {
            return "normal";
        }
        return lua_gettop(co) == 0 ? "dead" : "suspended";
    default:
        return "dead";
    }
}

/* Results on L's stack and their count; or -1 with the error on it. */
static int run(lua_State *L, lua_State *co, int args, lua_KFunction again) {
    lua_host *h = lua_host_of(L);
    int results;
    bool walled = h->walled;
    h->walled = walled || !lua_isyieldable(L);
    int status = lua_resume(co, L, args, &results);
    h->walled = walled;
    if (status == LUA_YIELD && h->suspended) {
        set_owner(co, &waits_in_call);
        return lua_yieldk(L, 0, 0, again);
    }
    if (status != LUA_OK && status != LUA_YIELD) {
        lua_xmove(co, L, 1);
        return -1;
    }
    if (!lua_checkstack(L, results + 1)) {
        lua_pop(co, results);
        lua_pushliteral(L, "too many results to resume");
        return -1;
    }
    lua_xmove(co, L, results);
    return results;
}

/* Moves the arguments above `first` and begins; refuses a coroutine that is not suspended. */
static int start(lua_State *L, lua_State *co, int args, lua_KFunction again) {
    const char *status = status_of(L, co);
    if (strcmp(status, "suspended")) {
        lua_pushfstring(L, "cannot resume %s coroutine",
                        strcmp(status, "dead") ? "non-suspended" : "dead");
        return -1;
    }
    if (!lua_checkstack(co, args)) {
        lua_pushliteral(L, "too many arguments to resume");
        return -1;
    }
    lua_xmove(L, co, args);
    return run(L, co, args, again);
}

static int resume_done(lua_State *L, int results) {
    lua_pushboolean(L, results >= 0);
    lua_insert(L, results < 0 ? -2 : -(results + 1));
    return results < 0 ? 2 : results + 1;
}

static int resume_again(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    (void)ctx;
    lua_State *co = lua_tothread(L, 1);
    set_owner(co, NULL);
    return resume_done(L, run(L, co, 0, resume_again));
}

static int co_resume(lua_State *L) {
    lua_State *co = check_thread(L, 1);
    return resume_done(L, start(L, co, lua_gettop(L) - 1, resume_again));
}

static int wrap_done(lua_State *L, lua_State *co, int results) {
    if (results >= 0) {
        return results;
    }
    if (lua_status(co) != LUA_OK && lua_status(co) != LUA_YIELD) {
        lua_resetthread(co);
    }
    if (lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int wrap_again(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    (void)ctx;
    lua_State *co = lua_tothread(L, lua_upvalueindex(1));
    set_owner(co, NULL);
    return wrap_done(L, co, run(L, co, 0, wrap_again));
}

static int wrap_call(lua_State *L) {
    lua_State *co = lua_tothread(L, lua_upvalueindex(1));
    return wrap_done(L, co, start(L, co, lua_gettop(L), wrap_again));
}

static int co_create(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *co = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    return 1;
}

static int co_wrap(lua_State *L) {
    co_create(L);
    lua_pushcclosure(L, wrap_call, 1);
    return 1;
}

static int co_yield (lua_State *L) {
    if (owner_of(L)) {
        return luaL_error(L, "attempt to yield from outside a coroutine");
    }
    return lua_yield(L, lua_gettop(L));
}

static int co_status(lua_State *L) {
    lua_pushstring(L, status_of(L, check_thread(L, 1)));
    return 1;
}

static int co_running(lua_State *L) {
    lua_pushthread(L);
    lua_pushboolean(L, owner_of(L) != NULL);
    return 2;
}

static int co_isyieldable(lua_State *L) {
    lua_State *co = lua_isthread(L, 1) ? lua_tothread(L, 1) : L;
    lua_pushboolean(L, !owner_of(co) && lua_isyieldable(co));
    return 1;
}

static int co_close(lua_State *L) {
    lua_State *co = check_thread(L, 1);
    const char *status = status_of(L, co);
    if (strcmp(status, "dead") && strcmp(status, "suspended")) {
        return luaL_error(L, "cannot close a %s coroutine", status);
    }
    if (lua_resetthread(co) == LUA_OK) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushboolean(L, 0);
    lua_xmove(co, L, 1);
    return 2;
}

const luaL_Reg lua_coroutine_functions[] = {
    {"close", co_close},   {"create", co_create},   {"isyieldable", co_isyieldable},
    {"resume", co_resume}, {"running", co_running}, {"status", co_status},
    {"wrap", co_wrap},     {"yield", co_yield },    {NULL, NULL},
};
