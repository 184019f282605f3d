/* Canonical JSON as Lua values. The bytes were checked by whoever let them in; the members of a
 * container wait on the stack so that its table is made in one go, at its size. */
#include <stdlib.h>
#include <string.h>

#include "lua_host.h"

#define WAITING 32 /* members that wait on the stack */

typedef struct decoder {
    lua_State *L;
    lua_host *h;
    const char *end;
} decoder;

static const char *decode_value(decoder *d, const char *p, bool top);

static unsigned hex_digit(char c) {
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* p is behind the opening quote, q at the first backslash. */
static const char *decode_escaped(decoder *d, const char *p, const char *q) {
    keel_buf *b = &d->h->text;
    keel_buf_clear(b);
    while (q < d->end && *q != '"') {
        if (*q != '\\') {
            q++;
            continue;
        }
        keel_buf_append(b, p, (size_t)(q - p));
        if (q[1] == 'u') {
            keel_buf_putc(b, (char)(hex_digit(q[4]) * 16 + hex_digit(q[5])));
        } else {
            static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
            const char *at = strchr(from, q[1]);
            keel_buf_putc(b, at ? to[at - from] : q[1]);
        }
        q += q[1] == 'u' ? 6 : 2;
        p = q;
    }
    keel_buf_append(b, p, (size_t)(q - p));
    lua_pushlstring(d->L, b->data, b->len);
    return q + 1;
}

static const char *decode_string(decoder *d, const char *p) {
    const char *q = p;
    while (q < d->end && *q != '"' && *q != '\\') {
        q++;
    }
    if (q < d->end && *q == '\\') {
        return decode_escaped(d, p, q);
    }
    lua_pushlstring(d->L, p, (size_t)(q - p));
    return q + 1;
}

static const char *decode_number(decoder *d, const char *p) {
    const char *q = p;
    bool whole = true;
    for (; q < d->end && *q != ',' && *q != ']' && *q != '}'; q++) {
        whole = whole && *q != '.' && *q != 'e';
    }
    if (whole && q - p <= 17) {
        bool negative = *p == '-';
        lua_Integer v = 0;
        for (const char *s = p + negative; s < q; s++) {
            v = v * 10 + (*s - '0');
        }
        if (v <= (lua_Integer)1 << 53) {
            lua_pushinteger(d->L, negative ? -v : v);
        } else {
            lua_pushnumber(d->L, (lua_Number)(negative ? -v : v));
        }
    } else {
        char digits[64];
        size_t n = (size_t)(q - p) < sizeof digits - 1 ? (size_t)(q - p) : sizeof digits - 1;
        memcpy(digits, p, n);
        digits[n] = 0;
        lua_pushnumber(d->L, strtod(digits, NULL));
    }
    return q;
}

static int base64_value(char c) {
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

/* Replaces the text on the top by the bytes that it stands for; false if it is no base64. */
static bool decode_base64(decoder *d) {
    size_t len;
    const char *s = lua_tolstring(d->L, -1, &len);
    keel_buf *b = &d->h->text;
    keel_buf_clear(b);
    unsigned bits = 0;
    int held = 0;
    for (size_t i = 0; i < len && !(s[i] == '=' && i + 2 >= len); i++) {
        int v = base64_value(s[i]);
        if (v < 0) {
            return false;
        }
        bits = bits << 6 | (unsigned)v;
        held += 6;
        if (held >= 8) {
            held -= 8;
            keel_buf_putc(b, (char)(bits >> held & 0xff));
        }
    }
    if (len % 4) {
        return false;
    }
    lua_pop(d->L, 1);
    lua_pushlstring(d->L, b->len ? b->data : "", b->len);
    return true;
}

/* Moves `waiting` members from the stack into the table at base + 1. */
static void fill_object(decoder *d, int base, int waiting) {
    while (waiting-- > 0) {
        lua_rawset(d->L, base + 1);
    }
}

static const char *decode_object(decoder *d, const char *p) {
    lua_State *L = d->L;
    int base = lua_gettop(L), waiting = 0;
    bool made = false;
    while (p < d->end && *p != '}') {
        luaL_checkstack(L, 6, "value");
        p = decode_string(d, p + 1 + (*p == ','));
        p = decode_value(d, p + 1, false);
        if (++waiting == WAITING) {
            if (!made) {
                lua_createtable(L, 0, 2 * WAITING);
                lua_insert(L, base + 1);
                made = true;
            }
            fill_object(d, base, waiting);
            waiting = 0;
        }
    }
    if (!made && waiting == 1 && lua_type(L, -1) == LUA_TSTRING &&
        !strcmp(lua_tostring(L, -2), "$b64") && decode_base64(d)) {
        lua_remove(L, -2);
        return p + 1;
    }
    if (!made) {
        lua_createtable(L, 0, waiting);
        lua_insert(L, base + 1);
    }
    fill_object(d, base, waiting);
    return p + 1;
}

static const char *decode_array(decoder *d, const char *p) {
    lua_State *L = d->L;
    int base = lua_gettop(L), waiting = 0;
    lua_Integer n = 0;
    bool made = false;
    while (p < d->end && *p != ']') {
        luaL_checkstack(L, 6, "value");
        p = decode_value(d, p + (*p == ','), false);
        waiting++;
        n++;
        if (made) {
            lua_rawseti(L, base + 1, n);
            waiting = 0;
        } else if (waiting == WAITING) {
            lua_createtable(L, 2 * WAITING, 0);
            lua_insert(L, base + 1);
            made = true;
            for (; waiting > 0; waiting--) {
                lua_rawseti(L, base + 1, waiting);
            }
        }
    }
    if (!made) {
        lua_createtable(L, waiting, 0);
        lua_insert(L, base + 1);
        for (; waiting > 0; waiting--) {
            lua_rawseti(L, base + 1, waiting);
        }
    }
    lua_mark_set(L, -1, MARK_LIST);
    return p + 1;
}

/* Pushes one value; returns the place behind it. */
static const char *decode_value(decoder *d, const char *p, bool top) {
    if (p >= d->end) {
        lua_pushnil(d->L);
        return p;
    }
    switch (*p) {
    case '{':
        return decode_object(d, p + 1);
    case '[':
        return decode_array(d, p + 1);
    case '"':
        return decode_string(d, p + 1);
    case 't':
        lua_pushboolean(d->L, 1);
        return p + 4;
    case 'f':
        lua_pushboolean(d->L, 0);
        return p + 5;
    case 'n':
        if (top) {
            lua_pushnil(d->L);
        } else {
            lua_pushlightuserdata(d->L, NULL);
        }
        return p + 4;
    default:
        return decode_number(d, p);
    }
}

void lua_decode(lua_State *L, const char *data, size_t len) {
    decoder d = {L, lua_host_of(L), data + len};
    luaL_checkstack(L, 8, "value");
    decode_value(&d, data, true);
}

void lua_decode_view(lua_State *L, keel_json v) {
    lua_decode(L, v.data ? v.data : "null", v.data ? v.len : 4);
}
