/* The globals that scripts see: tables of what is let in, wrapped so that nobody can change them.
 */
#include <string.h>

#include <lualib.h>

#include "lua_host.h"

typedef struct advice {
    const char *name;
    const char *text;
} advice;

static const char *const base_names[] = {"assert", "error",    "ipairs", "pcall",    "rawequal",
                                         "rawget", "rawlen",   "select", "tonumber", "type",
                                         "xpcall", "_VERSION", NULL};
static const char *const string_names[] = {"byte",    "char",  "find",   "gmatch",   "len",
                                           "lower",   "match", "pack",   "packsize", "rep",
                                           "reverse", "sub",   "unpack", "upper",    NULL};
static const char *const table_names[] = {"concat", "insert", "move", "pack",
                                          "remove", "unpack", NULL};
static const char *const math_names[] = {
    "abs",  "acos", "asin", "atan", "ceil",       "cos",  "deg",        "exp",  "floor",
    "fmod", "huge", "log",  "max",  "maxinteger", "min",  "mininteger", "modf", "pi",
    "rad",  "sin",  "sqrt", "tan",  "tointeger",  "type", "ult",        NULL};
static const char *const utf8_names[] = {"char", "charpattern", "codepoint", "codes",
                                         "len",  "offset",      NULL};

static const advice base_refused[] = {
    {"collectgarbage", "the host looks after memory"},
    {"dofile", "use require for a file of this plugin"},
    {"load", "code is what the plugin was installed with"},
    {"loadfile", "use require for a file of this plugin"},
    {"loadstring", "code is what the plugin was installed with"},
    {"print", "use ctx.log(text), or c.log(text) in a connector"},
    {"warn", "use ctx.log(\"warn\", text)"},
    {NULL, NULL},
};
static const advice string_refused[] = {
    {"string.dump", "scripts are text only"},
    {NULL, NULL},
};
static const advice math_refused[] = {
    {"math.random", "use ctx.random, which replays"},
    {"math.randomseed", "use ctx.random, which replays"},
    {NULL, NULL},
};
static const advice missing_tables[] = {
    {"debug", "it could change the host"},
    {"io", "files are reached through a connector"},
    {"os", "time is ctx.now(), files are reached through a connector"},
    {"package", "use require for a file of this plugin"},
    {NULL, NULL},
};

/* Copies the named fields of the table at `from` to the one on the top. */
static void let_in(lua_State *L, int from, const char *const *names) {
    for (; *names; names++) {
        lua_getfield(L, from, *names);
        lua_setfield(L, -2, *names);
    }
}

static void refuse(lua_State *L, const advice *list) {
    for (; list->name; list++) {
        const char *dot = strchr(list->name, '.');
        lua_push_refused(L, list->name, list->text);
        lua_setfield(L, -2, dot ? dot + 1 : list->name);
    }
}

static int missing_index(lua_State *L) {
    return luaL_error(L, "%s is not available: %s", lua_tostring(L, lua_upvalueindex(1)),
                      lua_tostring(L, lua_upvalueindex(2)));
}

/* io, os and the like answer each use with what to do instead. */
static void put_missing_tables(lua_State *L) {
    for (const advice *a = missing_tables; a->name; a++) {
        lua_newtable(L);
        lua_createtable(L, 0, 1);
        lua_pushstring(L, a->name);
        lua_pushstring(L, a->text);
        lua_pushcclosure(L, missing_index, 2);
        lua_setfield(L, -2, "__index");
        lua_setmetatable(L, -2);
        lua_freeze(L, a->name, a->text);
        lua_setfield(L, -2, a->name);
    }
}

/* Opens a library of Lua and leaves its table on the stack. */
static int open_library(lua_State *L, lua_CFunction open) {
    lua_pushcfunction(L, open);
    lua_call(L, 0, 1);
    return lua_gettop(L);
}

static void put_library(lua_State *L, int globals, const char *name, const char *const *names,
                        lua_CFunction open, const advice *refused) {
    int from = open_library(L, open);
    lua_newtable(L);
    let_in(L, from, names);
    if (refused) {
        refuse(L, refused);
    }
    if (!strcmp(name, "string")) {
        lua_getfield(L, from, "format");
        lua_pushcclosure(L, lua_string_format, 1);
        lua_setfield(L, -2, "format");
        lua_getfield(L, from, "gsub");
        lua_setfield(L, -2, "gsub");
    }
    lua_setfield(L, globals, name);
    lua_settop(L, from - 1);
}

static void put_coroutine(lua_State *L, int globals) {
    lua_newtable(L);
    luaL_setfuncs(L, lua_coroutine_functions, 0);
    lua_setfield(L, globals, "coroutine");
}

/* ("x"):upper() finds the script's string table; nobody can reach the metatable itself. */
static void lock_strings(lua_State *L, int globals) {
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1); /* of luaopen_string: "10" + 1 is 11 by it */
    lua_getfield(L, globals, "string");
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, "string");
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
}

static const char fresh_source[] = "return function(e) return function() return e end end";

static void make_fresh(lua_host *h) {
    luaL_loadbufferx(h->L, fresh_source, sizeof fresh_source - 1, "=keel", "t");
    lua_call(h->L, 0, 1);
    h->fresh = luaL_ref(h->L, LUA_REGISTRYINDEX);
}

/* The globals stay open for lua_sandbox_library, which closes them. */
void lua_sandbox_open(lua_host *h) {
    lua_State *L = h->L;
    lua_marks_create(h);
    make_fresh(h);
    open_library(L, luaopen_base);
    lua_newtable(L);
    int globals = lua_gettop(L);
    let_in(L, globals - 1, base_names);
    luaL_setfuncs(L, lua_base_functions, 0);
    refuse(L, base_refused);
    put_missing_tables(L);
    put_library(L, globals, "string", string_names, luaopen_string, string_refused);
    put_library(L, globals, "table", table_names, luaopen_table, NULL);
    put_library(L, globals, "math", math_names, luaopen_math, math_refused);
    put_library(L, globals, "utf8", utf8_names, luaopen_utf8, NULL);
    put_coroutine(L, globals);
    lock_strings(L, globals);
    h->env = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_newtable(L);
    h->compiled = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_newtable(L);
    h->modules = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_settop(L, 0);
}

int lua_sandbox_compile(lua_State *L, const executor_file *file) {
    lua_host *h = lua_host_of(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, h->compiled);
    if (lua_getfield(L, -1, file->name) == LUA_TFUNCTION) {
        lua_remove(L, -2);
        return 0;
    }
    lua_pop(L, 1);
    lua_pushfstring(L, "@%s", file->name);
    if (luaL_loadbufferx(L, file->data, file->len, lua_tostring(L, -1), "t")) {
        lua_replace(L, -3);
        lua_settop(L, -2);
        return -1;
    }
    lua_remove(L, -2);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, file->name);
    lua_remove(L, -2);
    return 0;
}

void lua_sandbox_renew(lua_State *L, int index) {
    lua_host *h = lua_host_of(L);
    index = lua_absindex(L, index);
    lua_rawgeti(L, LUA_REGISTRYINDEX, h->fresh);
    lua_rawgeti(L, LUA_REGISTRYINDEX, h->env);
    lua_call(L, 1, 1);
    lua_upvaluejoin(L, index, 1, -1, 1);
    lua_pop(L, 1);
}

/* Wraps the libraries and the globals themselves. `_G` is the wrapped table. */
static void close_globals(lua_host *h) {
    static const char *const libraries[] = {"coroutine", "math", "string", "table", "utf8", NULL};
    lua_State *L = h->L;
    lua_rawgeti(L, LUA_REGISTRYINDEX, h->env);
    int globals = lua_gettop(L);
    for (int i = 0; libraries[i]; i++) {
        lua_getfield(L, globals, libraries[i]);
        lua_freeze(L, libraries[i], "libraries cannot be changed");
        lua_setfield(L, globals, libraries[i]);
    }
    lua_pushvalue(L, globals);
    lua_freeze(L, "the globals", "declare it local; runs share no variables");
    lua_pushvalue(L, -1);
    lua_setfield(L, globals, "_G");
    lua_rawseti(L, LUA_REGISTRYINDEX, h->env);
    lua_settop(L, globals - 1);
}

static int base_file(lua_State *L) {
    const char *name = luaL_checkstring(L, 1);
    const executor_file *f = executor_find_file(lua_host_of(L)->x, name);
    if (!f) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushlstring(L, f->data, f->len);
    return 1;
}

/* What keel.lua gets as its argument. */
static void push_lent(lua_State *L) {
    lua_createtable(L, 0, 8);
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
    lua_pushcfunction(L, lua_mark_named);
    lua_setfield(L, -2, "mark");
    lua_pushcfunction(L, base_file);
    lua_setfield(L, -2, "file");
    lua_json_push(L);
    lua_setfield(L, -2, "json");
    lua_base64_push(L);
    lua_setfield(L, -2, "base64");
    lua_url_push(L);
    lua_setfield(L, -2, "url");
    lua_pushcfunction(L, lua_digest);
    lua_setfield(L, -2, "digest");
}

/* keel.lua returns the library and the functions that replace those of Lua: {"table.sort" = f}. */
static void put_replacements(lua_State *L, int globals, int replacements) {
    lua_pushnil(L);
    while (lua_next(L, replacements)) {
        const char *name = lua_tostring(L, -2), *dot = name ? strchr(name, '.') : NULL;
        if (dot) {
            lua_pushlstring(L, name, (size_t)(dot - name));
            if (lua_rawget(L, globals) == LUA_TTABLE) {
                lua_pushvalue(L, -2);
                lua_setfield(L, -2, dot + 1);
            }
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
}

int lua_sandbox_library(lua_host *h) {
    lua_State *L = h->L;
    const executor_file *file = executor_find_file(h->x, "keel.lua");
    if (!file) {
        lua_pushliteral(L, "the library keel.lua did not come with the plugin");
        return -1;
    }
    if (luaL_loadbufferx(L, file->data, file->len, "@keel.lua", "t")) {
        return -1;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, h->env);
    lua_setupvalue(L, -2, 1);
    push_lent(L);
    if (lua_pcall(L, 1, 2, 0)) {
        return -1;
    }
    if (!lua_istable(L, -2) || !lua_istable(L, -1)) {
        lua_pushliteral(L, "keel.lua is not the library of this host");
        return -1;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, h->env);
    put_replacements(L, lua_gettop(L), lua_gettop(L) - 1);
    lua_pop(L, 2);
    lua_freeze(L, "keel", "libraries cannot be changed");
    h->keel = luaL_ref(L, LUA_REGISTRYINDEX);
    close_globals(h);
    return 0;
}
