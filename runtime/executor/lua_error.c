/* Errors of scripts in words: values that were thrown, traces, messages of the compiler. */
#include <stdlib.h>
#include <string.h>

#include "lua_host.h"
#include "text.h"

#define MESSAGE_LIMIT 4000

/* A text field of the table at `index`, without calling its metamethods. */
static bool put_field(lua_State *L, int index, const char *name, keel_buf *out) {
    lua_pushstring(L, name);
    bool found = lua_rawget(L, lua_absindex(L, index < 0 ? index - 1 : index)) == LUA_TSTRING;
    if (found) {
        size_t len;
        const char *s = lua_tolstring(L, -1, &len);
        keel_buf_append(out, s, len);
    }
    lua_pop(L, 1);
    return found;
}

static void put_table(lua_State *L, int index, keel_buf *out) {
    size_t begin = out->len;
    if (put_field(L, index, "code", out)) {
        keel_buf_puts(out, ": ");
    }
    if (put_field(L, index, "why", out) || put_field(L, index, "message", out)) {
        return;
    }
    out->len = begin;
    keel_buf_puts(out, "a table was thrown: ");
    begin = out->len;
    if (lua_encode(L, index, "it", out)) {
        out->len = begin;
        keel_buf_puts(out, lua_host_of(L)->problem.data);
    }
}

/* No metamethod is called: a script could do anything in it, here outside of its run. */
void lua_error_text(lua_State *L, int index, keel_buf *out) {
    index = lua_absindex(L, index);
    size_t begin = out->len;
    switch (lua_type(L, index)) {
    case LUA_TSTRING: {
        size_t len;
        const char *s = lua_tolstring(L, index, &len);
        keel_buf_append(out, s, len);
        break;
    }
    case LUA_TNUMBER:
        lua_pushvalue(L, index);
        keel_buf_puts(out, lua_tostring(L, -1));
        lua_pop(L, 1);
        break;
    case LUA_TTABLE:
        put_table(L, index, out);
        break;
    default:
        keel_buf_printf(out, "a %s was thrown", luaL_typename(L, index));
    }
    if (out->len - begin > MESSAGE_LIMIT) {
        out->len = begin + text_cut(out->data + begin, out->len - begin, MESSAGE_LIMIT);
        keel_buf_puts(out, "...");
    }
}

void lua_trace_text(lua_State *L, lua_State *co, keel_buf *out) {
    luaL_traceback(L, co, NULL, 0);
    size_t len;
    const char *s = lua_tolstring(L, -1, &len);
    keel_buf_append(out, s, text_cut(s, len, LUA_TEXT_LIMIT / 2));
    lua_pop(L, 1);
}

int lua_error_diag(const char *message, diag *d, const char *next) {
    const char *colon = strchr(message, ':');
    char *end = NULL;
    long line = colon ? strtol(colon + 1, &end, 10) : 0;
    if (line > 0 && end && end[0] == ':' && colon - message < 200) {
        char file[256];
        snprintf(file, sizeof file, "%.*s", (int)(colon - message), message);
        diag_at(d, DIAG_USAGE, file, (int)line, 1, "%s", end + 1 + (end[1] == ' '));
    } else {
        diag_set(d, DIAG_USAGE, "%s", message);
    }
    return diag_next(d, "%s", next);
}

void lua_quote(keel_buf *out, const char *text, size_t len) {
    text_quote(out, text, len, LUA_TEXT_LIMIT);
}
