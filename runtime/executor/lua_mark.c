/* Metatables by which the host knows its own tables, and frozen tables. */
#include <string.h>

#include "lua_host.h"

static const char *const mark_names[MARK_COUNT] = {
    [MARK_LIST] = "keel.list",           [MARK_AGENT] = "keel.agent",
    [MARK_CONNECTOR] = "keel.connector", [MARK_CONTINUE] = "keel.continue",
    [MARK_FAIL] = "keel.fail",           [MARK_VERDICT] = "keel.verdict",
    [MARK_COST] = "keel.cost",           [MARK_ERROR] = "keel.error",
    [MARK_USAGE] = "keel.usage",         [MARK_GUARD] = "keel.guard",
};

static const char frozen_key; /* its address marks the metatable of a frozen table */

/* The "err" of "nil, err", and what keel.fail makes, read as "code: why". */
static int error_tostring(lua_State *L) {
    lua_settop(L, 1);
    lua_getfield(L, 1, "code");
    lua_getfield(L, 1, "why");
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_getfield(L, 1, "message");
    }
    const char *code = lua_tostring(L, 2), *why = lua_tostring(L, 3);
    lua_pushfstring(L, "%s: %s", code ? code : "error", why ? why : "no reason was given");
    return 1;
}

void lua_marks_create(lua_host *h) {
    lua_State *L = h->L;
    for (int i = MARK_LIST; i < MARK_COUNT; i++) {
        lua_createtable(L, 0, 3);
        lua_pushstring(L, mark_names[i]);
        lua_setfield(L, -2, "__metatable");
        lua_pushstring(L, mark_names[i]);
        lua_setfield(L, -2, "__name");
        if (i == MARK_ERROR || i == MARK_FAIL) {
            lua_pushcfunction(L, error_tostring);
            lua_setfield(L, -2, "__tostring");
        }
        h->mark_at[i] = lua_topointer(L, -1);
        h->marks[i] = luaL_ref(L, LUA_REGISTRYINDEX);
    }
}

lua_mark lua_mark_of(lua_State *L, int index) {
    if (!lua_istable(L, index) || !lua_getmetatable(L, index)) {
        return MARK_NONE;
    }
    const void *at = lua_topointer(L, -1);
    lua_pop(L, 1);
    const lua_host *h = lua_host_of(L);
    for (int i = MARK_LIST; i < MARK_COUNT; i++) {
        if (h->mark_at[i] == at) {
            return (lua_mark)i;
        }
    }
    return MARK_NONE;
}

void lua_mark_set(lua_State *L, int index, lua_mark mark) {
    index = lua_absindex(L, index);
    lua_rawgeti(L, LUA_REGISTRYINDEX, lua_host_of(L)->marks[mark]);
    lua_setmetatable(L, index);
}

int lua_mark_named(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    const char *name = luaL_checkstring(L, 2);
    for (int i = MARK_LIST; i < MARK_GUARD; i++) {
        if (!strcmp(mark_names[i] + 5, name)) {
            lua_mark_set(L, 1, (lua_mark)i);
            lua_settop(L, 1);
            return 1;
        }
    }
    return luaL_error(L, "mark: '%s' is none", name);
}

static int frozen_newindex(lua_State *L) {
    lua_push_text(L, 2);
    return luaL_error(L, lua_tostring(L, lua_upvalueindex(1)), lua_tostring(L, -1));
}

/* Hands out the keys and values, never the table itself. */
static int frozen_pairs(lua_State *L) {
    lua_pushcfunction(L, lua_sorted_pairs);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_call(L, 1, 1);
    lua_pushvalue(L, 1);
    return 2;
}

void lua_freeze(lua_State *L, const char *name, const char *advice) {
    lua_newtable(L);
    lua_createtable(L, 0, 6);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushvalue(L, -3);
    lua_pushcclosure(L, frozen_pairs, 1);
    lua_setfield(L, -2, "__pairs");
    lua_pushfstring(L, "cannot set '%%s' in %s: %s", name, advice);
    lua_pushcclosure(L, frozen_newindex, 1);
    lua_setfield(L, -2, "__newindex");
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__name");
    lua_pushliteral(L, "frozen");
    lua_setfield(L, -2, "__metatable");
    lua_pushboolean(L, 1);
    lua_rawsetp(L, -2, &frozen_key);
    lua_setmetatable(L, -2);
    lua_replace(L, -2);
}

bool lua_is_frozen(lua_State *L, int index) {
    if (!lua_getmetatable(L, index)) {
        return false;
    }
    bool frozen = lua_rawgetp(L, -1, &frozen_key) != LUA_TNIL;
    lua_pop(L, 2);
    return frozen;
}
