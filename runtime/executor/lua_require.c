/* require: the library, and other .lua files of the plugin. Each run loads its own, so that modules
 * share no variables between runs either. */
#include <string.h>

#include "lua_host.h"

static const char loading_mark; /* the module is being loaded */

/* The table of the run that asks, made when it is first needed; or that of the load. */
static void push_modules(lua_State *L, const lua_host *h) {
    lua_run *r = h->current ? h->current->run : NULL;
    if (r && r->modules == LUA_NOREF) {
        lua_newtable(L);
        r->modules = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, r ? r->modules : h->modules);
}

static const executor_file *find_module(lua_State *L, lua_host *h, const char *name) {
    keel_buf_clear(&h->text);
    keel_buf_printf(&h->text, "%s.lua", name);
    for (size_t i = 0; i < strlen(name); i++) {
        if (h->text.data[i] == '.') {
            h->text.data[i] = '/';
        }
    }
    const executor_file *f = executor_find_file(h->x, h->text.data);
    if (!f || !strcmp(f->name, h->config->entry)) {
        luaL_error(L, "require \"%s\": this plugin has no file %s beside its entry", name,
                   h->text.data);
    }
    return f;
}

int lua_sandbox_require(lua_State *L) {
    const char *name = luaL_checkstring(L, 1);
    lua_host *h = lua_host_of(L);
    lua_settop(L, 1);
    if (!strcmp(name, "keel")) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, h->keel);
        return 1;
    }
    push_modules(L, h);
    if (lua_getfield(L, 2, name) != LUA_TNIL) {
        if (lua_touserdata(L, -1) == &loading_mark) {
            return luaL_error(L, "require \"%s\": it requires itself, maybe through others", name);
        }
        return 1;
    }
    const executor_file *f = find_module(L, h, name);
    lua_settop(L, 2);
    if (lua_sandbox_compile(L, f)) {
        return lua_error(L);
    }
    lua_sandbox_renew(L, 3);
    lua_pushlightuserdata(L, (void *)(uintptr_t)&loading_mark);
    lua_setfield(L, 2, name);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    if (lua_isnil(L, 3)) {
        lua_pushboolean(L, 1);
        lua_replace(L, 3);
    }
    lua_pushvalue(L, 3);
    lua_setfield(L, 2, name);
    return 1;
}
