/* ctx.use(...).read|write, ctx.spawn, ctx.wait: what policy decides, and child runs. */
#include <string.h>

#include "lua_host.h"

static int effect_done(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    (void)ctx;
    return lua_task_outcome(L, lua_host_of(L)->current) ? 1 : 2;
}

/* Fills h->args; keys in canonical order. Stack: resource, args, options. */
static void effect_args(lua_State *L, keel_buf *out, const char *what, const char *use,
                        const char *verb) {
    size_t len;
    const char *resource = lua_tolstring(L, 1, &len);
    keel_buf_clear(out);
    keel_buf_puts(out, "{\"args\":");
    lua_encode_check(L, 2, what, "args", out);
    if (lua_istable(L, 3) && lua_getfield(L, 3, "evidence") != LUA_TNIL) {
        keel_buf_puts(out, ",\"evidence\":");
        lua_encode_check(L, -1, what, "evidence", out);
    }
    keel_buf_puts(out, ",\"resource\":");
    lua_quote(out, resource, len);
    keel_buf_puts(out, ",\"use\":");
    lua_quote(out, use, strlen(use));
    keel_buf_puts(out, ",\"verb\":");
    lua_quote(out, verb, strlen(verb));
    if (lua_istable(L, 3) && lua_getfield(L, 3, "why") != LUA_TNIL) {
        if (lua_type(L, -1) != LUA_TSTRING) {
            luaL_error(L, "%s: why must be a text, and is %s", what, lua_what(L, -1));
        }
        const char *why = lua_tolstring(L, -1, &len);
        keel_buf_puts(out, ",\"why\":");
        lua_quote(out, why, len);
    }
    keel_buf_putc(out, '}');
    lua_settop(L, 3);
}

/* Upvalues: the connection's name, the verb. */
static int effect(lua_State *L) {
    static const char *const options[] = {"evidence", "why", NULL};
    const char *use = lua_tostring(L, lua_upvalueindex(1));
    const char *verb = lua_tostring(L, lua_upvalueindex(2));
    char what[LUA_NAME_LIMIT + 40], target[3 * LUA_NAME_LIMIT];
    size_t len;
    lua_settop(L, 3);
    snprintf(what, sizeof what, "ctx.use(\"%s\").%s", use, verb);
    const char *resource = lua_check_name(L, 1, what, &len);
    if (lua_isnil(L, 2)) {
        lua_newtable(L);
        lua_replace(L, 2);
    }
    lua_check_options(L, 3, what, options);
    int n = snprintf(target, sizeof target, "%s.%s.%s", use, resource, verb);
    if (n > RUN_TARGET_LIMIT) {
        return luaL_error(L, "%s: the names of connection and resource are too long together",
                          what);
    }
    lua_host *h = lua_host_of(L);
    effect_args(L, &h->args, what, use, verb);
    lua_task *t = lua_task_enter(L, "use");
    return lua_task_call(L, t, "effect", target, (size_t)n, effect_done);
}

int lua_ctx_use(lua_State *L) {
    static const char *const verbs[] = {"read", "write", NULL};
    size_t len;
    lua_check_name(L, 1, "ctx.use", &len);
    lua_createtable(L, 0, 2);
    for (int i = 0; verbs[i]; i++) {
        lua_pushvalue(L, 1);
        lua_pushstring(L, verbs[i]);
        lua_pushcclosure(L, effect, 2);
        lua_setfield(L, -2, verbs[i]);
    }
    return 1;
}

/* What may come out of it: the kernel looks whether that is closed, and policy whether it is trusted. */
static void spawn_quarantine(lua_State *L, keel_buf *args) {
    bool quarantine = false;
    if (lua_istable(L, 3) && lua_getfield(L, 3, "quarantine") != LUA_TNIL) {
        if (!lua_isboolean(L, -1)) {
            luaL_error(L, "ctx.spawn: quarantine must be true or false, and is %s",
                       lua_what(L, -1));
        }
        quarantine = lua_toboolean(L, -1);
    }
    if (quarantine) {
        keel_buf_puts(args, ",\"quarantine\":true");
    }
    if (lua_istable(L, 3) && lua_getfield(L, 3, "returns") != LUA_TNIL) {
        if (!quarantine) {
            luaL_error(L, "ctx.spawn: returns belongs to quarantine = true");
        }
        keel_buf_puts(args, ",\"returns\":");
        lua_encode_check(L, -1, "ctx.spawn", "returns", args);
    } else if (quarantine) {
        luaL_error(L, "ctx.spawn: quarantine = true needs returns, such as { urgent = \"bool\" }");
    }
}

int lua_ctx_spawn(lua_State *L) {
    static const char *const options[] = {"key", "quarantine", "returns", NULL};
    size_t agent_len, key_len = 0;
    lua_settop(L, 3);
    const char *agent = lua_check_name(L, 1, "ctx.spawn", &agent_len), *key = NULL;
    lua_check_options(L, 3, "ctx.spawn", options);
    lua_host *h = lua_host_of(L);
    keel_buf *args = &h->args;
    keel_buf_clear(args);
    keel_buf_puts(args, "{\"agent\":");
    lua_quote(args, agent, agent_len);
    keel_buf_puts(args, ",\"input\":");
    lua_encode_check(L, 2, "ctx.spawn", "input", args);
    if (lua_istable(L, 3) && lua_getfield(L, 3, "key") != LUA_TNIL) {
        key = lua_tolstring(L, -1, &key_len);
        if (!key || key_len > RUN_KEY_LIMIT) {
            return luaL_error(L, "ctx.spawn: key must be a text of at most %d bytes, and is %s",
                              RUN_KEY_LIMIT, key ? "longer" : lua_what(L, -1));
        }
        keel_buf_puts(args, ",\"key\":");
        lua_quote(args, key, key_len);
    }
    spawn_quarantine(L, args);
    keel_buf_putc(args, '}');
    lua_settop(L, 3);
    lua_task *t = lua_task_enter(L, "spawn");
    return lua_task_call(L, t, "spawn", "run.spawn", 9, effect_done);
}

/* {"result"} is the result; {"error":{"code","message"}} is nil, err, and so is a run that was
 * stopped without either. */
static int wait_done(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    (void)ctx;
    lua_task *t = lua_host_of(L)->current;
    keel_json ok = run_outcome_ok(t->outcome, t->outcome_len);
    if (!ok.data) {
        lua_task_outcome(L, t);
        return 2;
    }
    keel_json error = keel_json_get(ok, "error"), result = keel_json_get(ok, "result");
    keel_json state = keel_json_get(ok, "state");
    if (!error.data) {
        lua_decode_view(L, result);
        return 1;
    }
    lua_pushnil(L);
    lua_createtable(L, 0, 3);
    lua_decode_view(L, keel_json_get(error, "code"));
    lua_setfield(L, -2, "code");
    keel_json message = keel_json_get(error, "message");
    lua_decode_view(L, message.data ? message : keel_json_get(error, "why"));
    lua_setfield(L, -2, "why");
    lua_decode_view(L, state);
    lua_setfield(L, -2, "state");
    lua_mark_set(L, -1, MARK_ERROR);
    return 2;
}

int lua_ctx_wait(lua_State *L) {
    lua_settop(L, 1);
    if (lua_istable(L, 1)) {
        lua_getfield(L, 1, "run");
    } else {
        lua_pushvalue(L, 1);
    }
    if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 1) {
        return luaL_error(L,
                          "ctx.wait: its argument is what ctx.spawn returned, or a run's number");
    }
    long long run = lua_tointeger(L, -1);
    lua_task *t = lua_task_enter(L, "wait");
    keel_buf *args = &t->run->host->args;
    keel_buf_clear(args);
    keel_buf_printf(args, "{\"run\":%lld}", run);
    return lua_task_call(L, t, "wait", "", 0, wait_done);
}
