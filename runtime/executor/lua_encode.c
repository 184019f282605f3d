/* Lua values as canonical JSON, in one pass over the value: keys are sorted as they are met. */
#include <stdlib.h>
#include <string.h>

#include "lua_host.h"

#define EXACT_INTEGER ((lua_Integer)1 << 53)
#define STACKED       32 /* fields of an object whose values are kept on the stack */

typedef struct encoder {
    lua_host *h;
    lua_State *L;
    keel_buf *out;
    size_t limit; /* of out->len */
} encoder;

typedef struct field {
    const char *key; /* lives in its table */
    size_t len;
    int slot; /* of the value on the stack */
} field;

static int encode_value(encoder *e, int index, int depth);

/* One byte; lua_encode puts the NUL behind the last. */
static inline void put(encoder *e, char c) {
    if (e->out->len + 1 < e->out->cap) {
        e->out->data[e->out->len++] = c;
    } else {
        keel_buf_putc(e->out, c);
    }
}

/* h->problem is filled backwards: the reason first, then each level puts its part of the path in
 * front of it. */
static int refuse(encoder *e, const char *what, const char *which) {
    keel_buf_clear(&e->h->problem);
    keel_buf_printf(&e->h->problem, ": %s%s", what, which);
    return -1;
}

static int in_front(encoder *e, const char *part, size_t len) {
    keel_buf *p = &e->h->problem;
    keel_buf_reserve(p, len + 1);
    memmove(p->data + len, p->data, p->len);
    memcpy(p->data, part, len);
    p->len += len;
    return -1;
}

static int at_position(encoder *e, lua_Integer i) {
    char part[40];
    int n = snprintf(part, sizeof part, "[%lld]", (long long)i);
    return in_front(e, part, (size_t)n);
}

static int at_key(encoder *e, const char *key, size_t len) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    size_t shown = len > 60 ? 60 : len;
    if (len && strspn(key, plain) == len) {
        in_front(e, key, shown);
        return in_front(e, ".", 1);
    }
    in_front(e, "\"]", 2);
    in_front(e, key, shown);
    return in_front(e, "[\"", 2);
}

static void put_integer(encoder *e, lua_Integer v) {
    if (v >= 0 && v <= 9) {
        put(e, (char)('0' + v));
        return;
    }
    char digits[24];
    size_t at = sizeof digits;
    unsigned long long u = v < 0 ? 0 - (unsigned long long)v : (unsigned long long)v;
    do {
        digits[--at] = (char)('0' + u % 10);
        u /= 10;
    } while (u);
    if (v < 0) {
        digits[--at] = '-';
    }
    keel_buf_append(e->out, digits + at, sizeof digits - at);
}

static int encode_number(encoder *e, int index) {
    if (lua_isinteger(e->L, index)) {
        lua_Integer v = lua_tointeger(e->L, index);
        bool exact = v >= -EXACT_INTEGER && v <= EXACT_INTEGER;
        if (!exact) {
            put(e, '"');
        }
        put_integer(e, v);
        if (!exact) {
            put(e, '"');
        }
        return 0;
    }
    if (keel_json_format_double(e->out, lua_tonumber(e->L, index))) {
        lua_Number v = lua_tonumber(e->L, index);
        return refuse(e, v == v ? "an infinite number" : "not a number (0/0)", "");
    }
    return 0;
}

static void encode_string(encoder *e, int index) {
    size_t len;
    const char *s = lua_tolstring(e->L, index, &len);
    if (keel_json_quote(e->out, s, len)) {
        keel_json_writer w;
        keel_json_write(&w, e->out);
        keel_json_textn(&w, s, len);
    }
}

static int compare_fields(const field *a, const field *b) {
    if (a->len && b->len) {
        unsigned char x = (unsigned char)a->key[0], y = (unsigned char)b->key[0];
        if (x != y && x < 0x80 && y < 0x80) {
            return x - y;
        }
    }
    return keel_json_compare_keys(a->key, a->len, b->key, b->len);
}

static int compare_fields_v(const void *a, const void *b) {
    return compare_fields(a, b);
}

/* The value is at `slot`. */
static int encode_field(encoder *e, const field *f, bool first, int slot, int depth) {
    if (!first) {
        put(e, ',');
    }
    if (keel_json_quote(e->out, f->key, f->len)) {
        return refuse(e, "a key that is not UTF-8", "");
    }
    put(e, ':');
    return encode_value(e, slot, depth) ? at_key(e, f->key, f->len) : 0;
}

static int refuse_key(encoder *e, int index) {
    if (lua_type(e->L, index) == LUA_TNUMBER || lua_type(e->L, index) == LUA_TSTRING) {
        return refuse(e, "names and positions as keys of one table", "");
    }
    return refuse(e, "a key that is a ", luaL_typename(e->L, index));
}

/* An object with more fields than the stack shall hold: keys first, then each value by its key. */
static int encode_wide(encoder *e, int t, int depth) {
    lua_State *L = e->L;
    size_t n = 0, cap = 4 * STACKED;
    field *fields = keel_alloc(cap * sizeof *fields);
    int rc = 0;
    lua_pushnil(L);
    while (lua_next(L, t)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING) {
            rc = refuse_key(e, -1);
            break;
        }
        if (n == cap) {
            cap *= 2;
            fields = keel_realloc(fields, cap * sizeof *fields);
        }
        fields[n].key = lua_tolstring(L, -1, &fields[n].len);
        n++;
    }
    qsort(fields, n, sizeof *fields, compare_fields_v);
    put(e, '{');
    for (size_t i = 0; i < n && !rc; i++) {
        lua_pushlstring(L, fields[i].key, fields[i].len);
        lua_rawget(L, t);
        rc = encode_field(e, &fields[i], i == 0, lua_gettop(L), depth);
        lua_pop(L, 1);
    }
    put(e, '}');
    free(fields);
    return rc;
}

/* The first key and value are on the stack. */
static int encode_object(encoder *e, int t, int depth) {
    lua_State *L = e->L;
    field fields[STACKED];
    int n = 0, base = lua_gettop(L) - 2;
    do {
        if (lua_type(L, -2) != LUA_TSTRING) {
            return refuse_key(e, -2);
        }
        if (n == STACKED) {
            lua_settop(L, base);
            return encode_wide(e, t, depth);
        }
        luaL_checkstack(L, 4, "value");
        field f;
        f.key = lua_tolstring(L, -2, &f.len);
        lua_insert(L, -2);
        f.slot = base + 1 + n;
        int at = n++;
        for (; at > 0 && compare_fields(&fields[at - 1], &f) > 0; at--) {
            fields[at] = fields[at - 1];
        }
        fields[at] = f;
    } while (lua_next(L, t));
    put(e, '{');
    for (int i = 0; i < n; i++) {
        if (encode_field(e, &fields[i], i == 0, fields[i].slot, depth)) {
            return -1;
        }
    }
    put(e, '}');
    lua_settop(L, base);
    return 0;
}

/* Integer keys that Lua does not keep in order: still an array if they are 1 to n. */
static int encode_scattered(encoder *e, int t, int depth) {
    lua_State *L = e->L;
    lua_Integer n = 0, count = 0;
    lua_pushnil(L);
    while (lua_next(L, t)) {
        lua_pop(L, 1);
        if (!lua_isinteger(L, -1)) {
            return refuse_key(e, -1);
        }
        lua_Integer k = lua_tointeger(L, -1);
        if (k < 1) {
            refuse(e, "a position below 1", "");
            return at_position(e, k);
        }
        n = k > n ? k : n;
        count++;
    }
    put(e, '[');
    for (lua_Integer i = 1; i <= n; i++) {
        if (lua_rawgeti(L, t, i) == LUA_TNIL) {
            refuse(e, "a hole", "");
            return at_position(e, i);
        }
        if (i > 1) {
            put(e, ',');
        }
        if (encode_value(e, lua_gettop(L), depth)) {
            return at_position(e, i);
        }
        lua_pop(L, 1);
    }
    put(e, ']');
    return 0;
}

/* The first key, an integer, and its value are on the stack. */
static int encode_array(encoder *e, int t, int depth) {
    lua_State *L = e->L;
    size_t begin = e->out->len;
    int top = lua_gettop(L);
    lua_Integer n = 0;
    put(e, '[');
    do {
        if (!lua_isinteger(L, -2) || lua_tointeger(L, -2) != n + 1) {
            lua_settop(L, top - 2);
            e->out->len = begin;
            return encode_scattered(e, t, depth);
        }
        if (n++) {
            put(e, ',');
        }
        if (encode_value(e, top, depth)) {
            return at_position(e, n);
        }
        lua_pop(L, 1);
    } while (lua_next(L, t));
    put(e, ']');
    return 0;
}

static int encode_table(encoder *e, int t, int depth) {
    lua_State *L = e->L;
    if (depth >= LUA_VALUE_DEPTH) {
        return refuse(e, "nested deeper than 60 levels, or containing itself", "");
    }
    luaL_checkstack(L, 8, "value");
    lua_pushnil(L);
    if (!lua_next(L, t)) {
        keel_buf_puts(e->out, lua_mark_of(L, t) == MARK_LIST ? "[]" : "{}");
        return 0;
    }
    switch (lua_type(L, -2)) {
    case LUA_TSTRING:
        return encode_object(e, t, depth + 1);
    case LUA_TNUMBER:
        if (lua_isinteger(L, -2)) {
            return encode_array(e, t, depth + 1);
        }
        return refuse(e, "a key that is a fraction", "");
    default:
        return refuse_key(e, -2);
    }
}

static int encode_value(encoder *e, int index, int depth) {
    if (e->out->len > e->limit) {
        return refuse(e, "larger than 4 MiB", "");
    }
    switch (lua_type(e->L, index)) {
    case LUA_TNIL:
        keel_buf_append(e->out, "null", 4);
        return 0;
    case LUA_TBOOLEAN:
        keel_buf_puts(e->out, lua_toboolean(e->L, index) ? "true" : "false");
        return 0;
    case LUA_TNUMBER:
        return encode_number(e, index);
    case LUA_TSTRING:
        encode_string(e, index);
        return 0;
    case LUA_TTABLE:
        return encode_table(e, index, depth);
    case LUA_TLIGHTUSERDATA:
        keel_buf_append(e->out, "null", 4);
        return 0;
    default:
        return refuse(e, "a value that is a ", luaL_typename(e->L, index));
    }
}

int lua_encode(lua_State *L, int index, const char *root, keel_buf *out) {
    encoder e = {lua_host_of(L), L, out, out->len + LUA_VALUE_LIMIT};
    size_t begin = out->len;
    int top = lua_gettop(L);
    int rc = encode_value(&e, lua_absindex(L, index), 0);
    if (!rc && out->len > e.limit) {
        rc = refuse(&e, "larger than 4 MiB", "");
    }
    lua_settop(L, top);
    if (rc) {
        in_front(&e, root, strlen(root));
        e.h->problem.data[e.h->problem.len] = 0;
        out->len = begin;
    } else {
        out->data[out->len] = 0;
    }
    return rc;
}

void lua_encode_check(lua_State *L, int index, const char *where, const char *root, keel_buf *out) {
    if (lua_encode(L, index, root, out)) {
        luaL_error(L, "%s: %s", where, lua_host_of(L)->problem.data);
    }
}
