/* c.stream: connections of bytes by egress, read by lines or counts. A stream may be kept in a local
 * variable of the script; what nobody keeps any more is closed. */
#include <string.h>

#include "lua_host.h"

#define STREAM     "keel.stream"
#define LINE_LIMIT (1u << 20)
#define READ_LIMIT (16u << 20)

typedef struct stream {
    uint64_t id; /* 0: closed */
    keel_buf in; /* from `at` on: received, and not yet given */
    size_t at;
    bool ended;
} stream;

static stream *check_stream(lua_State *L) {
    return luaL_checkudata(L, 1, STREAM);
}

static size_t held(const stream *s) {
    return s->in.len - s->at;
}

static int give_bytes(lua_State *L, stream *s, size_t n, size_t drop) {
    lua_pushlstring(L, n ? s->in.data + s->at : "", n);
    s->at += n + drop;
    if (s->at == s->in.len) {
        s->at = 0;
        if (s->in.cap > LINE_LIMIT) {
            keel_buf_free(&s->in);
        }
        keel_buf_clear(&s->in);
    }
    return 1;
}

/* Waits for more; at the end of the stream nothing is added, and ended is set. */
static keel_status fill(lua_State *L, stream *s) {
    keel_span got;
    keel_status status = egress_receive(lua_host_of(L)->egress, s->id, &got);
    if (status < 0) {
        return status;
    }
    if (s->at > 0) {
        keel_buf_consume(&s->in, s->at);
        s->at = 0;
    }
    keel_buf_append(&s->in, got.data, got.len);
    s->ended = got.len == 0;
    lua_host_of(L)->doubt = s->ended;
    return KEEL_OK;
}

/* ---- methods ---- */

static int stream_send(lua_State *L) {
    size_t len;
    stream *s = check_stream(L);
    const char *bytes = luaL_checklstring(L, 2, &len);
    keel_status status = egress_send(lua_host_of(L)->egress, s->id, bytes, len);
    if (status < 0) {
        return lua_give_egress_failure(L, status);
    }
    lua_pushboolean(L, 1);
    return 1;
}

static int stream_receive(lua_State *L) {
    stream *s = check_stream(L);
    if (held(s) == 0 && !s->ended) {
        keel_status status = fill(L, s);
        if (status < 0) {
            return lua_give_egress_failure(L, status);
        }
    }
    return give_bytes(L, s, held(s), 0);
}

static int stream_line(lua_State *L) {
    stream *s = check_stream(L);
    size_t seen = 0;
    for (;;) {
        const char *from = s->in.len ? s->in.data + s->at : "";
        const char *lf = held(s) > seen ? memchr(from + seen, '\n', held(s) - seen) : NULL;
        if (lf) {
            size_t len = (size_t)(lf - from);
            bool cr = len > 0 && from[len - 1] == '\r';
            return give_bytes(L, s, len - cr, 1u + cr);
        }
        seen = held(s);
        if (s->ended) {
            return lua_give_failure(L, KEEL_E_UNKNOWN,
                                    seen ? "the stream ended in the middle of a line"
                                         : "the other side ended the stream");
        }
        if (seen > LINE_LIMIT) {
            return lua_give_failure(L, KEEL_E_UNKNOWN, "a line is longer than 1 MiB");
        }
        keel_status status = fill(L, s);
        if (status < 0) {
            return lua_give_egress_failure(L, status);
        }
    }
}

static int stream_read(lua_State *L) {
    stream *s = check_stream(L);
    lua_Integer n = luaL_checkinteger(L, 2);
    luaL_argcheck(L, n >= 0 && n <= READ_LIMIT, 2, "a length is 0 to 16 MiB");
    while (held(s) < (size_t)n && !s->ended) {
        keel_status status = fill(L, s);
        if (status < 0) {
            return lua_give_egress_failure(L, status);
        }
    }
    return give_bytes(L, s, held(s) < (size_t)n ? held(s) : (size_t)n, 0);
}

static int stream_close(lua_State *L) {
    stream *s = check_stream(L);
    if (s->id) {
        egress_close(lua_host_of(L)->egress, s->id);
    }
    keel_buf_free(&s->in);
    *s = (stream){0};
    return 0;
}

/* ---- opening ---- */

static int c_stream_open(lua_State *L) {
    lua_host *h = lua_host_of(L);
    const char *address = lua_check_text(L, 1, "an address");
    stream *s = lua_newuserdatauv(L, sizeof *s, 0);
    *s = (stream){0};
    luaL_setmetatable(L, STREAM);
    keel_status status = egress_open(h->egress, address, &s->id);
    if (status == KEEL_E_INVALID) {
        lua_gc(L, LUA_GCCOLLECT); /* streams that nobody keeps give their places back */
        status = egress_open(h->egress, address, &s->id);
    }
    if (status < 0) {
        return lua_give_egress_failure(L, status);
    }
    keel_buf_clear(&h->failure);
    return 1;
}

void lua_stream_push(lua_host *h) {
    static const luaL_Reg methods[] = {{"close", stream_close}, {"line", stream_line},
                                       {"read", stream_read},   {"receive", stream_receive},
                                       {"send", stream_send},   {NULL, NULL}};
    static const luaL_Reg functions[] = {{"open", c_stream_open}, {NULL, NULL}};
    lua_State *L = h->L;
    luaL_newmetatable(L, STREAM);
    luaL_newlib(L, methods);
    lua_freeze(L, "a stream", "its methods cannot be changed");
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, stream_close);
    lua_setfield(L, -2, "__gc");
    lua_pushliteral(L, STREAM);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    luaL_newlib(L, functions);
}
