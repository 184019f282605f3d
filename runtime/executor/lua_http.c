/* c.http: requests by egress. Each function gives an answer (lua_answer.c), or nil and a keel.fail.
 * What a request is made of stays on the stack, and is Lua's, until it has been sent: an error on the
 * way leaves nothing behind. */
#include <string.h>
#include <strings.h>

#include "lua_host.h"

typedef struct request {
    lua_State *L;
    const char *what; /* "c.http.get" */
    int options;      /* the table's index, or 0 */
    keel_http_request r;
    keel_http_header *headers;
    bool typed; /* a Content-Type is among them */
} request;

/* Pushes an option; its type. */
static int option(const request *q, const char *name) {
    if (!q->options) {
        lua_pushnil(q->L);
        return LUA_TNIL;
    }
    return lua_getfield(q->L, q->options, name);
}

static void need(const request *q, const char *name, int type, const char *wanted) {
    if (lua_type(q->L, -1) != type) {
        luaL_error(q->L, "%s: %s must be %s, and is %s", q->what, name, wanted, lua_what(q->L, -1));
    }
}

/* ---- the URL ---- */

static void put_base(const request *q, const char *path, keel_buf *out) {
    lua_State *L = q->L;
    size_t len = 0;
    lua_rawgeti(L, LUA_REGISTRYINDEX, lua_host_of(L)->verb_ctx);
    lua_getfield(L, -1, "config");
    const char *base = NULL;
    if (lua_istable(L, -1) && lua_getfield(L, -1, "base") == LUA_TSTRING) {
        base = lua_tolstring(L, -1, &len);
    }
    if (!base || len == 0) {
        luaL_error(L,
                   "%s: the path %s is joined to c.config.base, which is not there: give the "
                   "connection `config: { base: \"https://...\" }` in keel.yaml",
                   q->what, path);
    }
    while (len > 0 && base[len - 1] == '/') {
        len--;
    }
    keel_buf_append(out, base, len);
}

/* The table's names and values go behind what the URL asks already, and before a fragment. */
static void put_query(const request *q, keel_buf *url) {
    lua_host *h = lua_host_of(q->L);
    char *hash = url->data ? memchr(url->data, '#', url->len) : NULL;
    if (hash) {
        url->len = (size_t)(hash - url->data); /* a fragment is never sent */
    }
    keel_buf_clear(&h->body);
    lua_url_query(q->L, -1, q->what, &h->body);
    if (h->body.len > 0) {
        keel_buf_putc(url, url->data && memchr(url->data, '?', url->len) ? '&' : '?');
        keel_buf_append(url, h->body.data, h->body.len);
    }
}

static void read_url(request *q, int index) {
    lua_State *L = q->L;
    keel_buf *b = &lua_host_of(L)->args;
    int top = lua_gettop(L);
    const char *url = lua_check_text(L, index, "a URL");
    keel_buf_clear(b);
    if (*url == '/') {
        put_base(q, url, b);
        url += strspn(url, "/") - 1;
    }
    keel_buf_puts(b, url);
    if (option(q, "query") != LUA_TNIL) {
        put_query(q, b);
    }
    lua_settop(L, top);
    q->r.url = lua_pushlstring(L, b->len ? b->data : "", b->len);
}

/* ---- headers ---- */

static void add_header(request *q, const char *name, size_t name_len, const char *value,
                       size_t len) {
    if (q->r.header_count == EGRESS_HEADERS) {
        luaL_error(q->L, "%s: a request has at most %d headers", q->what, (int)EGRESS_HEADERS);
    }
    q->typed = q->typed || (name_len == 12 && strncasecmp(name, "Content-Type", 12) == 0);
    q->headers[q->r.header_count++] = (keel_http_header){{name, name_len}, {value, len}};
}

/* The value is on the top, and stays below what is pushed for it. */
static void add_values(request *q, const lua_name *name) {
    lua_State *L = q->L;
    size_t len;
    int at = lua_gettop(L);
    luaL_checkstack(L, 2 * EGRESS_HEADERS + 8, "headers"); /* each value, and as a text */
    if (!lua_istable(L, at)) {
        const char *text = lua_push_plain(L, at, q->what, &len);
        add_header(q, name->text, name->len, text, len);
        return;
    }
    for (lua_Integer i = 1; lua_rawgeti(L, at, i) != LUA_TNIL; i++) {
        const char *text = lua_push_plain(L, lua_gettop(L), q->what, &len);
        add_header(q, name->text, name->len, text, len);
    }
}

static void read_headers(request *q) {
    lua_State *L = q->L;
    size_t count = 0;
    q->headers = lua_newuserdatauv(L, EGRESS_HEADERS * sizeof *q->headers, 0);
    if (option(q, "headers") == LUA_TNIL) {
        return;
    }
    int table = lua_gettop(L);
    const lua_name *names = lua_sorted_names(L, table, q->what, &count);
    for (size_t i = 0; i < count; i++) {
        luaL_checkstack(L, 4, "headers");
        lua_pushlstring(L, names[i].text, names[i].len);
        lua_rawget(L, table);
        add_values(q, &names[i]);
    }
}

/* ---- the rest ---- */

static void read_body(request *q) {
    lua_State *L = q->L;
    bool json = option(q, "json") != LUA_TNIL;
    if (option(q, "body") != LUA_TNIL) {
        need(q, "body", LUA_TSTRING, "a text");
        if (json) {
            luaL_error(L, "%s: give json or body, not both", q->what);
        }
        q->r.body.data = lua_tolstring(L, -1, &q->r.body.len);
    } else if (json) {
        keel_buf *b = &lua_host_of(L)->args;
        keel_buf_clear(b);
        lua_encode_check(L, -2, q->what, "json", b);
        q->r.body.data = lua_pushlstring(L, b->data, b->len);
        q->r.body.len = b->len;
        if (!q->typed) {
            add_header(q, "Content-Type", 12, "application/json", 16);
        }
    }
}

static void read_options(request *q) {
    lua_State *L = q->L;
    if (option(q, "key") != LUA_TNIL) {
        size_t len;
        need(q, "key", LUA_TSTRING, "a text");
        const char *key = lua_tolstring(L, -1, &len);
        add_header(q, "Idempotency-Key", 15, key, len);
    }
    if (option(q, "timeout") != LUA_TNIL) {
        q->r.timeout_ns = (uint64_t)lua_check_duration(L, -1, q->what) * 1000u;
        q->r.timeout_ns += q->r.timeout_ns == 0;
    }
    if (option(q, "limit") != LUA_TNIL) {
        lua_Integer limit = lua_tointeger(L, -1);
        if (limit <= 0) {
            luaL_error(L, "%s: limit is a number of bytes, 1 or more", q->what);
        }
        q->r.body_limit = (uint64_t)limit;
    }
    if (option(q, "follow") != LUA_TNIL) {
        need(q, "follow", LUA_TBOOLEAN, "true or false");
        q->r.flags |= lua_toboolean(L, -1) ? KEEL_HTTP_FOLLOW : 0;
    }
}

static int send_request(request *q, int url_index) {
    lua_State *L = q->L;
    lua_host *h = lua_host_of(L);
    egress_answer answer;
    luaL_checkstack(L, 32, q->what);
    read_url(q, url_index);
    read_headers(q);
    read_body(q);
    read_options(q);
    q->r.headers = q->headers;
    h->doubt = true;
    keel_status status = egress_http(h->egress, &q->r, &answer);
    if (status < 0) {
        return lua_give_egress_failure(L, status);
    }
    keel_buf_clear(&h->failure);
    h->doubt = !((answer.status >= 200 && answer.status < 300) || answer.status == 404 ||
                 answer.status == 410);
    /* Lua's memory never runs out by an error, so that the answer is freed. */
    lua_answer_push(L, &answer);
    egress_answer_free(&answer);
    return 1;
}

/* ---- the functions ---- */

/* c.http.get(url, opts) and the like; upvalues: GET, c.http.get */
static int c_http_method(lua_State *L) {
    static const char *const known[] = {"body",  "follow", "headers", "json", "key",
                                        "limit", "query",  "timeout", NULL};
    request q = {.L = L, .what = lua_tostring(L, lua_upvalueindex(2))};
    lua_settop(L, 2);
    lua_check_options(L, 2, q.what, known);
    q.options = lua_istable(L, 2) ? 2 : 0;
    q.r.method = lua_tostring(L, lua_upvalueindex(1));
    return send_request(&q, 1);
}

static int c_http_request(lua_State *L) {
    static const char *const known[] = {"body",   "follow", "headers", "json", "key", "limit",
                                        "method", "query",  "timeout", "url",  NULL};
    request q = {.L = L, .what = "c.http.request", .options = 1};
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_check_options(L, 1, q.what, known);
    q.r.method = "GET";
    if (option(&q, "method") != LUA_TNIL) {
        need(&q, "method", LUA_TSTRING, "a text such as \"GET\"");
        q.r.method = lua_check_text(L, -1, "a method");
    }
    option(&q, "url");
    need(&q, "url", LUA_TSTRING, "a text");
    return send_request(&q, lua_gettop(L));
}

void lua_http_push(lua_host *h) {
    static const struct {
        const char *name, *method;
    } methods[] = {{"delete", "DELETE"}, {"get", "GET"},   {"head", "HEAD"},
                   {"patch", "PATCH"},   {"post", "POST"}, {"put", "PUT"}};
    lua_State *L = h->L;
    lua_createtable(L, 0, 7);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        lua_pushstring(L, methods[i].method);
        lua_pushfstring(L, "c.http.%s", methods[i].name);
        lua_pushcclosure(L, c_http_method, 2);
        lua_setfield(L, -2, methods[i].name);
    }
    lua_pushcfunction(L, c_http_request);
    lua_setfield(L, -2, "request");
}
