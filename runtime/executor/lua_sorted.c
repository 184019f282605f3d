/* pairs and next in an order that is the same in a run and in its replay: numbers, then strings. */
#include <stdlib.h>
#include <string.h>

#include "lua_host.h"

static int compare_text(const lua_sort_key *a, const lua_sort_key *b) {
    size_t n = a->len < b->len ? a->len : b->len;
    int c = memcmp(a->as.text, b->as.text, n);
    return c ? c : (a->len > b->len) - (a->len < b->len);
}

static int compare_numbers(const lua_sort_key *a, const lua_sort_key *b) {
    if (a->kind == KEY_INTEGER && b->kind == KEY_INTEGER) {
        return (a->as.integer > b->as.integer) - (a->as.integer < b->as.integer);
    }
    /* A long double holds each integer and each float exactly; no two keys are equal. */
    long double x = a->kind == KEY_INTEGER ? (long double)a->as.integer : (long double)a->as.number;
    long double y = b->kind == KEY_INTEGER ? (long double)b->as.integer : (long double)b->as.number;
    return (x > y) - (x < y);
}

static int compare_keys(const void *va, const void *vb) {
    const lua_sort_key *a = va, *b = vb;
    if ((a->kind == KEY_TEXT) != (b->kind == KEY_TEXT)) {
        return a->kind == KEY_TEXT ? 1 : -1;
    }
    return a->kind == KEY_TEXT ? compare_text(a, b) : compare_numbers(a, b);
}

/* The key at `index`, which stays in its table while the result is used. */
static lua_sort_key read_key(lua_State *L, int index, const char *what) {
    lua_sort_key k = {0};
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        k.kind = KEY_TEXT;
        k.as.text = lua_tolstring(L, index, &k.len);
        break;
    case LUA_TNUMBER:
        if (lua_isinteger(L, index)) {
            k.kind = KEY_INTEGER;
            k.as.integer = lua_tointeger(L, index);
        } else {
            k.kind = KEY_FLOAT;
            k.as.number = lua_tonumber(L, index);
        }
        break;
    default:
        luaL_error(L, "%s: a key is a %s; only numbers and strings have an order", what,
                   luaL_typename(L, index));
    }
    return k;
}

static void push_key(lua_State *L, const lua_sort_key *k) {
    switch (k->kind) {
    case KEY_INTEGER:
        lua_pushinteger(L, k->as.integer);
        break;
    case KEY_FLOAT:
        lua_pushnumber(L, k->as.number);
        break;
    default:
        lua_pushlstring(L, k->as.text, k->len);
    }
}

/* Fills h->keys from the table at `index`, in Lua's order. */
static size_t collect_keys(lua_State *L, lua_host *h, int index, bool *sorted) {
    size_t n = 0;
    *sorted = true;
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        if (n == h->key_cap) {
            h->key_cap = h->key_cap ? h->key_cap * 2 : 64;
            h->keys = keel_realloc(h->keys, h->key_cap * sizeof *h->keys);
        }
        h->keys[n] = read_key(L, -1, "pairs");
        *sorted = *sorted && (n == 0 || compare_keys(&h->keys[n - 1], &h->keys[n]) < 0);
        n++;
    }
    return n;
}

enum { UP_TABLE = 1, UP_KEYS, UP_COUNT, UP_AT };

/* The next pair whose value is still there. */
static int pairs_step(lua_State *L) {
    lua_Integer at = lua_tointeger(L, lua_upvalueindex(UP_AT));
    lua_Integer count = lua_tointeger(L, lua_upvalueindex(UP_COUNT));
    bool plain = !lua_istable(L, lua_upvalueindex(UP_KEYS));
    lua_settop(L, 0);
    while (at < count) {
        at++;
        if (plain) {
            lua_pushinteger(L, at);
            lua_rawgeti(L, lua_upvalueindex(UP_TABLE), at);
        } else {
            lua_rawgeti(L, lua_upvalueindex(UP_KEYS), at);
            lua_pushvalue(L, -1);
            lua_rawget(L, lua_upvalueindex(UP_TABLE));
        }
        if (!lua_isnil(L, -1)) {
            lua_pushinteger(L, at);
            lua_replace(L, lua_upvalueindex(UP_AT));
            return 2;
        }
        lua_settop(L, 0);
    }
    lua_pushinteger(L, at);
    lua_replace(L, lua_upvalueindex(UP_AT));
    lua_pushnil(L);
    return 1;
}

static int pairs_meta_done(lua_State *L, int status, lua_KContext ctx) {
    (void)L;
    (void)status;
    (void)ctx;
    return 3;
}

int lua_sorted_pairs(lua_State *L) {
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
        lua_pushvalue(L, 1);
        lua_callk(L, 1, 3, 0, pairs_meta_done);
        return 3;
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_host *h = lua_host_of(L);
    bool sorted;
    size_t n = collect_keys(L, h, 1, &sorted);
    if (!sorted) {
        qsort(h->keys, n, sizeof *h->keys, compare_keys);
    }
    lua_pushvalue(L, 1);
    if (n == 0 ||
        (h->keys[0].kind == KEY_INTEGER && h->keys[0].as.integer == 1 &&
         h->keys[n - 1].kind == KEY_INTEGER && h->keys[n - 1].as.integer == (lua_Integer)n)) {
        lua_pushnil(L); /* 1 to n without a gap: the positions say it all */
    } else {
        lua_createtable(L, (int)n, 0);
        for (size_t i = 0; i < n; i++) {
            push_key(L, &h->keys[i]);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
    }
    lua_pushinteger(L, (lua_Integer)n);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, pairs_step, 4);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

/* The least key above the given one: linear, so that it needs no memory of earlier calls. */
int lua_sorted_next(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    bool first = lua_isnil(L, 2);
    lua_sort_key after = {0}, best = {0};
    bool found = false;
    if (!first) {
        after = read_key(L, 2, "next");
    }
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        lua_pop(L, 1);
        lua_sort_key k = read_key(L, -1, "next");
        if ((first || compare_keys(&k, &after) > 0) && (!found || compare_keys(&k, &best) < 0)) {
            best = k;
            found = true;
        }
    }
    if (!found) {
        lua_pushnil(L);
        return 1;
    }
    push_key(L, &best);
    lua_pushvalue(L, -1);
    lua_rawget(L, 1);
    return 2;
}
