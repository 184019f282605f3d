/* ctx.step and ctx.log: recorded, and not waited for unless RUN_WINDOW of them are on their way. */
#include <string.h>

#include "lua_host.h"

static bool window_is_full(const lua_run *r) {
    return r->sent - r->acked >= RUN_WINDOW;
}

/* The whole run stands still: which task goes on may not depend on the speed of a disk. */
static int wait_for_window(lua_State *L, lua_task *t, lua_KFunction k) {
    t->run->stalled = t;
    return lua_task_wait(L, t, TASK_WINDOW, k);
}

/* The value that the record holds, live as in replay. What canonical JSON gives back as it was need
 * not be read again. */
static void push_canonical(lua_State *L, int value, const char *data, size_t len) {
    switch (lua_type(L, value)) {
    case LUA_TNIL:
    case LUA_TBOOLEAN:
        lua_pushvalue(L, value);
        return;
    case LUA_TSTRING:
        if (*data == '"') {
            lua_pushvalue(L, value);
            return;
        }
        break;
    default:
        break;
    }
    lua_decode(L, data, len);
}

/* Takes the record of a step or log; false when there is none. Does not return on a mismatch. */
static bool take_record(lua_State *L, lua_task *t, run_call *c, run_recorded *out,
                        lua_KFunction k) {
    lua_run *r = t->run;
    lua_record *rec = r->replaying ? lua_replay_find(r, t->path, t->path_len) : NULL;
    if (!rec) {
        return false;
    }
    if (!lua_replay_matches(t, rec, c)) {
        lua_task_wait(L, t, TASK_JOIN, k);
    }
    *out = lua_replay_read(r, rec);
    return true;
}

static int step_live(lua_State *L, lua_task *t) {
    lua_run *r = t->run;
    lua_host *h = r->host;
    size_t len;
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    lua_call(L, 0, 1);
    const char *name = lua_tolstring(L, 1, &len);
    keel_buf *b = &h->body;
    keel_buf_clear(b);
    frame_put(b, t->path, t->path_len);
    frame_put(b, name, len);
    size_t begin = b->len;
    if (lua_encode(L, 3, "its result", b)) {
        return luaL_error(L, "ctx.step \"%s\": %s", name, h->problem.data);
    }
    executor_send(h->x, X_STEP, r->id, 0, b->data, b->len);
    r->sent++;
    push_canonical(L, 3, b->data + begin, b->len - begin);
    return 1;
}

static int step_window(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    (void)ctx;
    return step_live(L, lua_host_of(L)->current);
}

int lua_ctx_step(lua_State *L) {
    static const char *const no_options[] = {NULL};
    run_call c = {.kind = "step"};
    c.name = lua_check_name(L, 1, "ctx.step", &c.name_len);
    if (lua_type(L, 2) != LUA_TFUNCTION) {
        return luaL_error(L, "ctx.step \"%s\": its second argument must be a function, and is %s",
                          c.name, lua_what(L, 2));
    }
    lua_check_options(L, 3, "ctx.step", no_options);
    lua_task *t = lua_task_enter(L, "step");
    run_recorded was;
    if (take_record(L, t, &c, &was, step_window)) {
        keel_json ok = run_outcome_ok(was.outcome.data, was.outcome.len);
        lua_decode_view(L, ok);
        return 1;
    }
    if (window_is_full(t->run)) {
        return wait_for_window(L, t, step_window);
    }
    return step_live(L, t);
}

static const char *check_level(lua_State *L) {
    static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
    const char *level = lua_isstring(L, 1) ? lua_tostring(L, 1) : "";
    for (int i = 0; levels[i]; i++) {
        if (!strcmp(levels[i], level)) {
            return levels[i];
        }
    }
    luaL_error(L, "ctx.log: the level is debug, info, warn or error");
    return NULL;
}

/* Stack: level, text. */
static int log_live(lua_State *L, lua_task *t) {
    lua_run *r = t->run;
    lua_host *h = r->host;
    size_t level_len, len;
    const char *level = lua_tolstring(L, 1, &level_len), *text = lua_tolstring(L, 2, &len);
    keel_buf *b = &h->body;
    keel_buf_clear(b);
    frame_put(b, t->path, t->path_len);
    frame_put(b, level, level_len);
    lua_quote(b, text, len);
    executor_send(h->x, X_LOG, r->id, 0, b->data, b->len);
    r->sent++;
    return 0;
}

static int log_window(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    (void)ctx;
    return log_live(L, lua_host_of(L)->current);
}

int lua_ctx_log(lua_State *L) {
    luaL_checkany(L, 1);
    if (lua_gettop(L) == 1) {
        lua_pushliteral(L, "info");
        lua_insert(L, 1);
    }
    lua_settop(L, 2);
    check_level(L);
    lua_push_text(L, 2);
    lua_replace(L, 2);
    lua_task *t = lua_task_enter(L, "log");
    run_call c = {.kind = "log", .name = ""};
    run_recorded was;
    if (take_record(L, t, &c, &was, log_window)) {
        return 0;
    }
    if (window_is_full(t->run)) {
        return wait_for_window(L, t, log_window);
    }
    return log_live(L, t);
}
