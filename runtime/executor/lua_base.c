/* The base functions that a script gets instead of Lua's own. */
#include <string.h>

#include "lua_host.h"

void lua_push_text(lua_State *L, int index) {
    index = lua_absindex(L, index);
    if (luaL_callmeta(L, index, "__tostring")) {
        if (!lua_isstring(L, -1)) {
            luaL_error(L, "'__tostring' must return a string");
        }
        return;
    }
    switch (lua_type(L, index)) {
    case LUA_TNIL:
    case LUA_TBOOLEAN:
    case LUA_TNUMBER:
    case LUA_TSTRING:
        luaL_tolstring(L, index, NULL);
        return;
    case LUA_TLIGHTUSERDATA:
        lua_pushliteral(L, "null");
        return;
    default:
        break;
    }
    /* An address differs between a run and its replay. */
    int named = luaL_getmetafield(L, index, "__name");
    if (named == LUA_TSTRING) {
        return;
    }
    if (named != LUA_TNIL) {
        lua_pop(L, 1);
    }
    lua_pushstring(L, luaL_typename(L, index));
}

static int base_tostring(lua_State *L) {
    luaL_checkany(L, 1);
    lua_push_text(L, 1);
    return 1;
}

static const char *const refused_fields[] = {"__gc", "__mode", "__close", NULL};

static bool is_refused_field(const char *name) {
    for (int i = 0; refused_fields[i]; i++) {
        if (!strcmp(name, refused_fields[i])) {
            return true;
        }
    }
    return false;
}

static int refuse_field(lua_State *L, const char *name) {
    return luaL_error(L,
                      "%s is not available: when memory is collected differs between a run and its "
                      "replay",
                      name);
}

/* A metatable without one of its own gets this as __newindex: fields added later are checked too.
 */
static int guard_newindex(lua_State *L) {
    if (lua_type(L, 2) == LUA_TSTRING && is_refused_field(lua_tostring(L, 2))) {
        return refuse_field(L, lua_tostring(L, 2));
    }
    lua_settop(L, 3);
    lua_rawset(L, 1);
    return 0;
}

static void check_metatable(lua_State *L, int index) {
    for (int i = 0; refused_fields[i]; i++) {
        lua_pushstring(L, refused_fields[i]);
        if (lua_rawget(L, index) != LUA_TNIL) {
            refuse_field(L, refused_fields[i]);
        }
        lua_pop(L, 1);
    }
}

static void guard_metatable(lua_State *L, int index) {
    if (lua_getmetatable(L, index)) {
        lua_pop(L, 1);
        return;
    }
    lua_mark_set(L, index, MARK_GUARD);
    lua_getmetatable(L, index);
    lua_pushliteral(L, "__newindex");
    if (lua_rawget(L, -2) == LUA_TNIL) {
        lua_pushcfunction(L, guard_newindex);
        lua_setfield(L, -3, "__newindex");
    }
    lua_pop(L, 2);
}

static int base_setmetatable(lua_State *L) {
    int type = lua_type(L, 2);
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
    lua_mark mark = lua_mark_of(L, 1);
    if (mark != MARK_GUARD && mark != MARK_LIST &&
        luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL) {
        return luaL_error(L, "cannot change a protected metatable");
    }
    lua_settop(L, 2);
    if (type == LUA_TNIL && mark == MARK_GUARD) {
        lua_settop(L, 1); /* for the script it has none; the guard stays */
        return 1;
    }
    if (type == LUA_TTABLE) {
        check_metatable(L, 2);
        if (!lua_rawequal(L, 1, 2)) {
            guard_metatable(L, 2);
        }
    }
    lua_setmetatable(L, 1);
    return 1;
}

static int base_getmetatable(lua_State *L) {
    luaL_checkany(L, 1);
    if (lua_mark_of(L, 1) == MARK_GUARD || !lua_getmetatable(L, 1)) {
        lua_pushnil(L);
        return 1;
    }
    if (luaL_getmetafield(L, 1, "__metatable") == LUA_TNIL) {
        lua_settop(L, 2);
    }
    return 1;
}

static int base_rawset(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 2);
    luaL_checkany(L, 3);
    lua_settop(L, 3);
    if (lua_is_frozen(L, 1)) {
        return luaL_error(L, "rawset: this table cannot be changed");
    }
    if (lua_type(L, 2) == LUA_TSTRING && is_refused_field(lua_tostring(L, 2))) {
        return refuse_field(L, lua_tostring(L, 2));
    }
    lua_rawset(L, 1);
    return 1;
}

/* Functions of Lua that a script may miss: the name and what to do instead. */
static int refused_function(lua_State *L) {
    return luaL_error(L, "%s is not available: %s", lua_tostring(L, lua_upvalueindex(1)),
                      lua_tostring(L, lua_upvalueindex(2)));
}

const luaL_Reg lua_base_functions[] = {
    {"getmetatable", base_getmetatable}, {"next", lua_sorted_next},
    {"pairs", lua_sorted_pairs},         {"rawset", base_rawset},
    {"require", lua_sandbox_require},    {"setmetatable", base_setmetatable},
    {"tostring", base_tostring},         {NULL, NULL},
};

void lua_push_refused(lua_State *L, const char *name, const char *advice) {
    lua_pushstring(L, name);
    lua_pushstring(L, advice);
    lua_pushcclosure(L, refused_function, 2);
}
