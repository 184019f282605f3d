/* What c.http gives: a table of status, ok, headers, body and url, with two methods. */
#include <string.h>

#include "lua_host.h"

/* r:json(): an empty body and null are keel.null, so that a 204 is a value too. */
static int answer_json(lua_State *L) {
    size_t len;
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_getfield(L, 1, "body");
    const char *body = luaL_checklstring(L, -1, &len);
    if (len == 0) {
        lua_pushlightuserdata(L, NULL);
        return 1;
    }
    return lua_give_json(L, body, len, "the answer");
}

static void push_lower(lua_State *L, const char *text, size_t len) {
    luaL_Buffer b;
    char *to = luaL_buffinitsize(L, &b, len);
    for (size_t i = 0; i < len; i++) {
        to[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];
    }
    luaL_pushresultsize(&b, len);
}

static int answer_header(lua_State *L) {
    size_t len;
    luaL_checktype(L, 1, LUA_TTABLE);
    const char *name = luaL_checklstring(L, 2, &len);
    lua_getfield(L, 1, "headers");
    luaL_checktype(L, -1, LUA_TTABLE);
    push_lower(L, name, len);
    lua_rawget(L, -2);
    return 1;
}

void lua_answer_open(lua_host *h) {
    static const luaL_Reg methods[] = {
        {"header", answer_header}, {"json", answer_json}, {NULL, NULL}};
    lua_State *L = h->L;
    lua_createtable(L, 0, 3);
    luaL_newlib(L, methods);
    lua_freeze(L, "an answer", "its methods cannot be changed");
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, "keel.answer");
    lua_setfield(L, -2, "__metatable");
    lua_pushliteral(L, "keel.answer");
    lua_setfield(L, -2, "__name");
    h->response = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* ---- headers ---- */

static void push_json_text(lua_State *L, keel_json v) {
    keel_buf *b = &lua_host_of(L)->text;
    keel_buf_clear(b);
    keel_json_string(v, b);
    lua_pushlstring(L, b->len ? b->data : "", b->len);
}

/* Name and value are on the top, the table below them. Values of one name are joined, but those of
 * set-cookie, which hold commas, are a list. */
static void add_header(lua_State *L) {
    int table = lua_gettop(L) - 2;
    bool cookie = strcmp(lua_tostring(L, -2), "set-cookie") == 0;
    lua_pushvalue(L, -2);
    int before = lua_rawget(L, table);
    if (cookie && before == LUA_TNIL) {
        lua_pop(L, 1);
        lua_createtable(L, 1, 0);
        lua_mark_set(L, -1, MARK_LIST);
    }
    if (cookie) {
        lua_insert(L, -2);
        lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    } else if (before == LUA_TNIL) {
        lua_pop(L, 1);
    } else {
        lua_insert(L, -2);
        lua_pushliteral(L, ", ");
        lua_insert(L, -2);
        lua_concat(L, 3);
    }
    lua_rawset(L, table);
}

static void push_headers(lua_State *L, keel_json list) {
    lua_createtable(L, 0, (int)keel_json_count(list));
    for (keel_json_iter it = keel_json_each(list); keel_json_next(&it);) {
        size_t len;
        keel_json_iter pair = keel_json_each(it.value);
        keel_json_next(&pair);
        push_json_text(L, pair.value);
        const char *name = lua_tolstring(L, -1, &len);
        push_lower(L, name, len);
        lua_remove(L, -2);
        keel_json_next(&pair);
        push_json_text(L, pair.value);
        add_header(L);
    }
}

void lua_answer_push(lua_State *L, const egress_answer *a) {
    lua_createtable(L, 0, 5);
    lua_pushlstring(L, a->body.len ? a->body.data : "", a->body.len);
    lua_setfield(L, -2, "body");
    push_headers(L, a->headers);
    lua_setfield(L, -2, "headers");
    lua_pushboolean(L, a->status >= 200 && a->status < 300);
    lua_setfield(L, -2, "ok");
    lua_pushinteger(L, a->status);
    lua_setfield(L, -2, "status");
    push_json_text(L, a->url);
    lua_setfield(L, -2, "url");
    lua_rawgeti(L, LUA_REGISTRYINDEX, lua_host_of(L)->response);
    lua_setmetatable(L, -2);
}
