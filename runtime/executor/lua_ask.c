/* ctx.ask: a question to a person, who answers when he comes to it. */
#include <string.h>

#include "lua_host.h"

static int ask_done(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    (void)ctx;
    return lua_task_outcome(L, lua_host_of(L)->current) ? 1 : 2;
}

/* Pushes the option; its member in canonical bytes, if it is given. */
static bool put_value(lua_State *L, const char *name, const char *member, keel_buf *out) {
    bool given = lua_getfield(L, 2, name) != LUA_TNIL;
    if (given) {
        keel_buf_printf(out, "%s\"%s\":", out->len > 1 ? "," : "", member);
        lua_encode_check(L, -1, "ctx.ask", name, out);
    }
    lua_pop(L, 1);
    return given;
}

static void put_text(lua_State *L, const char *name, keel_buf *out) {
    int type = lua_getfield(L, 2, name);
    if (type != LUA_TNIL && type != LUA_TSTRING) {
        luaL_error(L, "ctx.ask: %s must be a text, and is %s", name, lua_what(L, -1));
    }
    lua_pop(L, 1);
    put_value(L, name, name, out);
}

static void put_expiry(lua_State *L, keel_buf *out) {
    if (lua_getfield(L, 2, "expires") != LUA_TNIL) {
        long long us = lua_check_duration(L, -1, "ctx.ask");
        keel_buf_printf(out, "%s\"expires_us\":%lld", out->len > 1 ? "," : "", us);
    }
    lua_pop(L, 1);
}

/* ctx.ask(question, options), or ctx.ask{ question = ... }: the options at 2 either way. */
static void take_arguments(lua_State *L) {
    static const char *const known[] = {"choices", "default",  "evidence", "expires",
                                        "kind",    "question", "why",      NULL};
    lua_settop(L, 2);
    if (lua_istable(L, 1) && lua_isnil(L, 2)) {
        lua_pushnil(L);
        lua_insert(L, 1);
        lua_settop(L, 2);
        lua_check_options(L, 2, "ctx.ask", known);
        return;
    }
    if (lua_istable(L, 1)) {
        luaL_error(L, "ctx.ask: call it with a dot, not with a colon");
    }
    if (lua_type(L, 1) != LUA_TSTRING) {
        luaL_error(L, "ctx.ask: the question must be a text, and is %s", lua_what(L, 1));
    }
    lua_check_options(L, 2, "ctx.ask", known);
    lua_newtable(L);
    for (int i = 0; lua_istable(L, 2) && known[i]; i++) {
        lua_getfield(L, 2, known[i]);
        lua_setfield(L, 3, known[i]);
    }
    lua_pushvalue(L, 1);
    lua_setfield(L, 3, "question");
    lua_replace(L, 2);
}

int lua_ctx_ask(lua_State *L) {
    take_arguments(L);
    keel_buf *args = &lua_host_of(L)->args;
    keel_buf_clear(args);
    keel_buf_putc(args, '{'); /* keys in canonical order */
    put_value(L, "choices", "choices", args);
    put_value(L, "default", "default", args);
    put_value(L, "evidence", "evidence", args);
    put_expiry(L, args);
    put_text(L, "kind", args);
    if (lua_getfield(L, 2, "question") == LUA_TNIL) {
        return luaL_error(L, "ctx.ask: there is no question");
    }
    lua_pop(L, 1);
    put_text(L, "question", args);
    put_text(L, "why", args);
    keel_buf_putc(args, '}');
    lua_settop(L, 2);
    lua_task *t = lua_task_enter(L, "ask");
    return lua_task_call(L, t, "ask", "", 0, ask_done);
}
