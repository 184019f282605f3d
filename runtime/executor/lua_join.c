/* ctx.all and ctx.any: functions that run side by side, each a task with paths of its own. They
 * begin in their order and wake in the order of the journal. */
#include "lua_host.h"

static void drop_join(lua_State *L, lua_task *t) {
    int *refs[] = {&t->join.results, &t->join.errors, &t->join.failed};
    for (size_t i = 0; i < sizeof refs / sizeof *refs; i++) {
        luaL_unref(L, LUA_REGISTRYINDEX, *refs[i]);
        *refs[i] = LUA_NOREF;
    }
}

/* any: position, result, what the function returned second. all: the two lists. */
static int join_done(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    (void)ctx;
    lua_task *t = lua_host_of(L)->current;
    bool failed = t->join.failed != LUA_NOREF;
    bool any = t->join.any;
    if (failed) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, t->join.failed);
        drop_join(L, t);
        return lua_error(L);
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, t->join.results);
    lua_rawgeti(L, LUA_REGISTRYINDEX, t->join.errors);
    int winner = t->join.winner;
    drop_join(L, t);
    if (!any) {
        return 2;
    }
    lua_pushinteger(L, winner);
    lua_rawgeti(L, -3, winner);
    lua_rawgeti(L, -3, winner);
    return 3;
}

static lua_Integer check_functions(lua_State *L, const char *what) {
    if (!lua_istable(L, 1)) {
        return luaL_error(L, "%s: its argument must be a list of functions, and is %s", what,
                          lua_what(L, 1));
    }
    lua_Integer n = (lua_Integer)lua_rawlen(L, 1);
    for (lua_Integer i = 1; i <= n; i++) {
        if (lua_rawgeti(L, 1, i) != LUA_TFUNCTION) {
            return luaL_error(L, "%s: item %d must be a function, and is %s", what, (int)i,
                              lua_what(L, -1));
        }
        lua_pop(L, 1);
    }
    if (n > 10000) {
        return luaL_error(L, "%s: at most 10000 functions, and these are %d", what, (int)n);
    }
    return n;
}

static void create_child(lua_State *L, lua_task *t, int branch) {
    lua_task *c = lua_task_create(t->run, t, branch);
    lua_rawgeti(L, 1, branch);
    lua_rawgeti(L, LUA_REGISTRYINDEX, t->run->ctx);
    lua_xmove(L, c->co, 2);
    c->args = 1;
    lua_task_ready(c);
}

static int join(lua_State *L, const char *what, bool any) {
    lua_Integer n = check_functions(L, what);
    lua_task *t = lua_task_enter(L, any ? "any" : "all");
    if (n == 0 && any) {
        return luaL_error(L, "ctx.any: the list is empty, so nothing can come first");
    }
    if (n == 0) {
        lua_newtable(L);
        lua_newtable(L);
        return 2;
    }
    if (t->depth + 3 > PATH_DEPTH || t->path_len + 24 > PATH_LIMIT) {
        return luaL_error(L, "%s: nested too deep (%d levels)", what, (PATH_DEPTH - 1) / 2);
    }
    lua_createtable(L, (int)n, 0);
    t->join.results = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_newtable(L);
    t->join.errors = luaL_ref(L, LUA_REGISTRYINDEX);
    t->join.any = any;
    t->join.left = (int)n;
    for (int i = 1; i <= n; i++) {
        create_child(L, t, i);
    }
    return lua_task_wait(L, t, TASK_JOIN, join_done);
}

int lua_ctx_all(lua_State *L) {
    return join(L, "ctx.all", false);
}

int lua_ctx_any(lua_State *L) {
    return join(L, "ctx.any", true);
}

/* Moves the value at `at` of the child's coroutine into a list of its parent. */
static void put_value(lua_task *child, int list, int at) {
    lua_State *L = child->run->host->L;
    lua_rawgeti(L, LUA_REGISTRYINDEX, list);
    lua_pushvalue(child->co, at);
    lua_xmove(child->co, L, 1);
    lua_rawseti(L, -2, child->branch);
    lua_pop(L, 1);
}

void lua_join_finished(lua_task *child, int results) {
    lua_task *t = child->parent;
    int top = lua_gettop(child->co);
    if (results >= 1) {
        put_value(child, t->join.results, top - results + 1);
    }
    if (results >= 2) {
        put_value(child, t->join.errors, top - results + 2);
    }
    t->join.winner = child->branch;
    if (t->join.any || --t->join.left == 0) {
        lua_task_drop_children(t);
        lua_task_ready(t);
    }
}

void lua_join_failed(lua_task *child) {
    lua_task *t = child->parent;
    lua_run *r = child->run;
    lua_State *L = r->host->L;
    keel_buf_clear(&r->child_error);
    keel_buf_clear(&r->child_trace);
    lua_error_text(child->co, -1, &r->child_error);
    lua_trace_text(L, child->co, &r->child_trace);
    lua_xmove(child->co, L, 1);
    t->join.failed = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_task_drop_children(t);
    lua_task_ready(t);
}
