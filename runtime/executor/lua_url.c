/* Texts for URLs and headers: percent-encoding, and tables in a fixed order. */
#include <stdlib.h>
#include <string.h>

#include "lua_host.h"

void lua_url_encode(keel_buf *out, const char *text, size_t len) {
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (size_t i = 0; i < len; i++) {
        if (text[i] && strchr(plain, text[i])) {
            keel_buf_putc(out, text[i]);
        } else {
            keel_buf_printf(out, "%%%02X", (unsigned)(unsigned char)text[i]);
        }
    }
}

static int compare_names(const void *a, const void *b) {
    const lua_name *x = a, *y = b;
    size_t len = x->len < y->len ? x->len : y->len;
    int order = memcmp(x->text, y->text, len);
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

const lua_name *lua_sorted_names(lua_State *L, int index, const char *what, size_t *count) {
    size_t n = 0;
    index = lua_absindex(L, index);
    if (!lua_istable(L, index)) {
        luaL_error(L, "%s is a table of names and values, and not %s", what, lua_what(L, index));
    }
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) {
            luaL_error(L, "%s is a table of names and values, and has a key that is no name", what);
        }
        n++;
    }
    lua_name *names = lua_newuserdatauv(L, (n + 1) * sizeof *names, 0);
    n = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        names[n].text = lua_tolstring(L, -2, &names[n].len);
        n++;
    }
    qsort(names, n, sizeof *names, compare_names);
    *count = n;
    return names;
}

const char *lua_push_plain(lua_State *L, int index, const char *what, size_t *len) {
    keel_buf *b = &lua_host_of(L)->text;
    switch (lua_type(L, index)) {
    case LUA_TBOOLEAN:
        lua_pushstring(L, lua_toboolean(L, index) ? "true" : "false");
        break;
    case LUA_TNUMBER:
        if (lua_isinteger(L, index)) {
            lua_pushfstring(L, "%I", (LUAI_UACINT)lua_tointeger(L, index));
            break;
        }
        keel_buf_clear(b);
        if (keel_json_format_double(b, lua_tonumber(L, index)) < 0) {
            luaL_error(L, "%s: an infinite number, or none", what);
        }
        lua_pushlstring(L, b->data, b->len);
        break;
    case LUA_TSTRING:
        lua_pushvalue(L, index);
        break;
    default:
        luaL_error(L, "%s: a text, a number or a boolean is needed, and not %s", what,
                   lua_what(L, index));
    }
    return lua_tolstring(L, -1, len);
}

static void put_pair(lua_State *L, const lua_name *name, const char *what, keel_buf *out) {
    size_t len;
    const char *text = lua_push_plain(L, lua_gettop(L), what, &len);
    if (out->len > 0) {
        keel_buf_putc(out, '&');
    }
    lua_url_encode(out, name->text, name->len);
    keel_buf_putc(out, '=');
    lua_url_encode(out, text, len);
    lua_pop(L, 1);
}

void lua_url_query(lua_State *L, int index, const char *what, keel_buf *out) {
    size_t count;
    index = lua_absindex(L, index);
    const lua_name *names = lua_sorted_names(L, index, what, &count);
    for (size_t i = 0; i < count; i++) {
        lua_pushlstring(L, names[i].text, names[i].len);
        if (lua_rawget(L, index) != LUA_TTABLE) {
            put_pair(L, &names[i], what, out);
        } else {
            for (lua_Integer k = 1; lua_rawgeti(L, -1, k) != LUA_TNIL; k++) {
                put_pair(L, &names[i], what, out);
                lua_pop(L, 1);
            }
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}
