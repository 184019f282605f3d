/* Connectors: one verb per X_VERB, answered at once. */
#include <string.h>

#include "clock.h"
#include "lua_host.h"
#include "status.h"

static const char *const verb_names[] = {"read", "write", "reconcile", "compensate", NULL};

static int problem(lua_host *h, const char *what, const char *which) {
    keel_buf_clear(&h->problem);
    keel_buf_printf(&h->problem, what, h->config->entry, which);
    return -1;
}

/* ---- create ---- */

static int c_log(lua_State *L) {
    luaL_checkany(L, 1);
    if (lua_gettop(L) == 1) {
        lua_pushliteral(L, "info");
        lua_insert(L, 1);
    }
    const char *level = luaL_checkstring(L, 1);
    if (strcmp(level, "debug") && strcmp(level, "info") && strcmp(level, "warn") &&
        strcmp(level, "error")) {
        return luaL_error(L, "c.log: the level is debug, info, warn or error");
    }
    lua_push_text(L, 2);
    size_t len;
    const char *text = lua_tolstring(L, -1, &len);
    if (len > LUA_TEXT_LIMIT) {
        text = lua_pushlstring(L, text, LUA_TEXT_LIMIT);
    }
    executor_note(lua_host_of(L)->x, level, text);
    return 0;
}

/* What c does not have. A need that the manifest does not name is said by its line. */
static int c_index(lua_State *L) {
    static const struct {
        const char *name, *line;
    } needs[] = {
        {"http", "\"http:{config.base}\" (or an address such as \"http:https://api.example/v1\")"},
        {"stream", "\"stream:{config.imap}\" (or an address such as \"stream:tls://host:993\")"},
    };
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
        if (strcmp(name, needs[i].name) == 0) {
            return luaL_error(L,
                              "c.%s is not open to this connector: add %s to `needs` in its "
                              "manifest.yaml",
                              name, needs[i].line);
        }
    }
    return 0;
}

/* Puts the table on the top into c, closed. */
static void put_service(lua_State *L, const char *name) {
    lua_pushfstring(L, "c.%s", name);
    const char *full = lua_tostring(L, -1);
    lua_insert(L, -2);
    lua_freeze(L, full, "libraries cannot be changed");
    lua_setfield(L, -3, name);
    lua_pop(L, 1);
}

static void put_services(lua_host *h) {
    const struct {
        const char *name;
        bool open;
        void (*push)(lua_host *h);
    } services[] = {
        {"clock", true, lua_clock_push},
        {"fs", true, lua_fs_push},
        {"http", h->config->http, lua_http_push},
        {"kv", true, lua_kv_push},
        {"stream", h->config->stream, lua_stream_push},
    };
    if (h->config->http || h->config->stream) {
        h->egress = egress_client_create(EXECUTOR_FD_EGRESS, EXECUTOR_FD_FRAMES);
    }
    lua_answer_open(h);
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        if (services[i].open) {
            services[i].push(h);
            put_service(h->L, services[i].name);
        }
    }
}

int lua_connector_create(lua_host *h, int index) {
    lua_State *L = h->L;
    if (lua_mark_of(L, index) != MARK_CONNECTOR) {
        return problem(h,
                       "%s does not return a connector: end it with `return keel.connector { "
                       "RESOURCE = { read = function(c, q) ... end } }`%s",
                       "");
    }
    lua_pushvalue(L, index);
    h->verbs = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_createtable(L, 0, 8);
    lua_decode_view(L, h->config->config);
    if (lua_isnil(L, -1)) {
        lua_newtable(L);
        lua_replace(L, -2);
    }
    lua_setfield(L, -2, "config");
    put_services(h);
    lua_pushcfunction(L, c_log);
    lua_setfield(L, -2, "log");
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, c_index);
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, "c");
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    h->verb_ctx = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

/* ---- answers ---- */

static void send_fail(lua_host *h, uint64_t ref, const char *code, const keel_buf *message,
                      keel_json cost) {
    keel_buf *b = &h->body;
    keel_buf_clear(b);
    keel_buf_puts(b, "{\"code\":");
    lua_quote(b, code, strlen(code));
    if (cost.data) {
        keel_buf_puts(b, ",\"cost\":");
        keel_buf_append(b, cost.data, cost.len);
    }
    keel_buf_puts(b, ",\"message\":");
    lua_quote(b, message->data ? message->data : "", message->len);
    keel_buf_putc(b, '}');
    executor_send(h->x, X_FAIL, 0, ref, b->data, b->len);
}

static void send_fail_text(lua_host *h, uint64_t ref, const char *code, const char *what,
                           const char *which) {
    keel_buf message = KEEL_BUF_INIT;
    keel_buf_printf(&message, what, which);
    send_fail(h, ref, code, &message, (keel_json){NULL, 0});
    keel_buf_free(&message);
}

/* A keel.cost or keel.usage among the results, as JSON in `to`; none otherwise. */
static keel_json find_mark(lua_State *co, int first, int last, lua_mark mark, keel_buf *to) {
    for (int i = first; i <= last; i++) {
        keel_buf_clear(to);
        if (lua_mark_of(co, i) == mark && !lua_encode(co, i, "cost", to)) {
            return (keel_json){to->data, to->len};
        }
    }
    return (keel_json){NULL, 0};
}

/* The keel.fail at index. */
static void answer_failure(lua_host *h, uint64_t ref, lua_State *co, int index, keel_json cost) {
    keel_buf message = KEEL_BUF_INIT;
    lua_getfield(co, index, "code");
    const char *code = lua_tostring(co, -1);
    keel_status status = status_code(code ? code : "");
    lua_getfield(co, index, "message");
    size_t len = 0;
    const char *text = lua_tolstring(co, -1, &len);
    if (text) {
        keel_buf_append(&message, text, len);
    } else {
        keel_buf_puts(&message, "it failed, and its reason is no text");
    }
    send_fail(h, ref, status_name(status), &message, cost);
    keel_buf_free(&message);
    lua_pop(co, 2);
}

static void answer_value(lua_host *h, uint64_t ref, lua_State *co, int index, keel_json cost,
                         keel_json usage) {
    keel_buf *b = &h->body;
    keel_buf_clear(b);
    keel_buf_putc(b, '{');
    if (cost.data) {
        keel_buf_puts(b, "\"cost\":");
        keel_buf_append(b, cost.data, cost.len);
        keel_buf_putc(b, ',');
    }
    size_t before = b->len;
    keel_buf_puts(b, "\"kv\":");
    if (kv_write(&h->kv, b)) {
        keel_buf_putc(b, ',');
    } else {
        b->len = before;
    }
    keel_buf_puts(b, "\"result\":");
    if (lua_encode(co, index, "result", b)) {
        send_fail_text(h, ref, "internal", "what the verb returned cannot be recorded: %s",
                       h->problem.data);
        return;
    }
    if (usage.data) {
        keel_buf_puts(b, ",\"usage\":");
        keel_buf_append(b, usage.data, usage.len);
    }
    keel_buf_putc(b, '}');
    executor_send(h->x, X_REPLY, 0, ref, b->data, b->len);
}

/* "absent" is a proof. A verb whose last question was not answered has none, whatever it says: a
 * script that reads an error page as an empty list must not have a mail sent again. */
static void doubt_verdict(lua_host *h, lua_State *co, int index) {
    lua_getfield(co, index, "state");
    bool absent =
        h->doubt && lua_type(co, -1) == LUA_TSTRING && strcmp(lua_tostring(co, -1), "absent") == 0;
    lua_pop(co, 1);
    if (absent) {
        lua_pushliteral(co, "cannot_tell");
        lua_setfield(co, index, "state");
        lua_pushliteral(
            co, "the connector said absent, but its last question was not answered (by 2xx, "
                "404 or 410, or by bytes of a stream)");
        lua_setfield(co, index, "why");
    }
}

/* Results: value, cost?, usage? | nil, fail, cost? | fail | verdict. Nothing at all is no answer: the verb
 * may have done it or not. */
static void answer(lua_host *h, uint64_t ref, const char *verb, lua_State *co, int results) {
    int last = lua_gettop(co), first = last - results + 1;
    keel_json cost = find_mark(co, first, last, MARK_COST, &h->args);
    for (int i = first; i <= last && i <= first + 1; i++) {
        if (lua_mark_of(co, i) == MARK_FAIL) {
            answer_failure(h, ref, co, i, cost);
            return;
        }
    }
    bool reconcile = !strcmp(verb, "reconcile");
    if (results == 0 || lua_isnil(co, first) || lua_mark_of(co, first) == MARK_COST ||
        lua_mark_of(co, first) == MARK_USAGE ||
        (lua_isboolean(co, first) && !lua_toboolean(co, first))) {
        send_fail_text(h, ref, "internal",
                       "%s returned neither a value nor a reason: return a value, or nil and "
                       "keel.fail(code, message)",
                       verb);
        return;
    }
    if (reconcile && lua_mark_of(co, first) != MARK_VERDICT) {
        send_fail_text(h, ref, "internal",
                       "%s returned no verdict: return keel.applied(ref), keel.absent(), "
                       "keel.pending() or keel.cannot_tell()",
                       verb);
        return;
    }
    if (reconcile) {
        doubt_verdict(h, co, first);
    }
    keel_buf used = KEEL_BUF_INIT;
    keel_json usage =
        reconcile ? (keel_json){NULL, 0} : find_mark(co, first, last, MARK_USAGE, &used);
    answer_value(h, ref, co, first, cost, usage);
    keel_buf_free(&used);
}

/* ---- the request ---- */

static void set_view(lua_State *co, const char *name, keel_json v) {
    lua_decode_view(co, v);
    lua_setfield(co, -2, name);
}

static bool has_flag(keel_json flags, const char *name) {
    for (keel_json_iter it = keel_json_each(flags); keel_json_next(&it);) {
        if (keel_json_is(it.value, name)) {
            return true;
        }
    }
    return false;
}

/* q: the request's own fields; a name that is none of them is looked up in the body. */
static void push_request(lua_State *co, keel_json request) {
    static const char *const fields[] = {"attempt", "body",     "key", "mode",
                                         "outcome", "resource", NULL};
    lua_createtable(co, 0, 8);
    for (int i = 0; fields[i]; i++) {
        set_view(co, fields[i], keel_json_get(request, fields[i]));
    }
    lua_pushboolean(co, has_flag(keel_json_get(request, "flags"), "dry_run"));
    lua_setfield(co, -2, "dry_run");
    if (lua_getfield(co, -1, "body") == LUA_TTABLE) {
        lua_createtable(co, 0, 1);
        lua_insert(co, -2);
        lua_setfield(co, -2, "__index");
        lua_setmetatable(co, -2);
    } else {
        lua_pop(co, 1);
    }
}

/* Leaves the function for a resource's verb alone on co's stack; false: it is not there. */
static bool push_function(lua_host *h, lua_State *co, const char *resource, const char *verb) {
    lua_rawgeti(co, LUA_REGISTRYINDEX, h->verbs);
    lua_pushstring(co, resource);
    if (lua_rawget(co, -2) != LUA_TTABLE) {
        return false;
    }
    lua_pushstring(co, verb);
    if (lua_rawget(co, -2) != LUA_TFUNCTION) {
        return false;
    }
    lua_replace(co, 1); /* alone: what lies below it would count as results */
    lua_settop(co, 1);
    return true;
}

static void begin(lua_host *h, uint64_t ref, keel_json request) {
    int64_t us;
    bool limited = keel_json_int(keel_json_get(request, "deadline_us"), &us) && us > 0;
    h->deadline_ns = limited ? clock_monotonic_ns() + (uint64_t)us * 1000u : 0;
    h->doubt = false;
    keel_buf_clear(&h->failure);
    kv_begin(&h->kv, keel_json_get(request, "kv"));
    if (h->egress) {
        egress_client_verb(h->egress, ref, h->deadline_ns);
    }
}

static void end(lua_host *h) {
    kv_end(&h->kv);
    if (h->egress) {
        egress_client_verb(h->egress, 0, 0);
    }
}

/* What was thrown, and the failed call that the script did not look at, if there is one. */
static void answer_thrown(lua_host *h, uint64_t ref, lua_State *co) {
    keel_buf message = KEEL_BUF_INIT;
    lua_error_text(co, -1, &message);
    if (h->failure.len > 0) {
        keel_buf_printf(&message, " (before that, a call to the network gave %s)", h->failure.data);
    }
    send_fail(h, ref, "internal", &message, (keel_json){NULL, 0});
    keel_buf_clear(&message);
    lua_trace_text(h->L, co, &message);
    executor_note(h->x, "error", message.data);
    keel_buf_free(&message);
}

static void run_verb(lua_host *h, uint64_t ref, const char *verb, lua_State *co,
                     keel_json request) {
    int results;
    begin(h, ref, request);
    lua_rawgeti(co, LUA_REGISTRYINDEX, h->verb_ctx);
    push_request(co, request);
    h->current = NULL;
    h->suspended = h->walled = false;
    executor_running(h->x, ref);
    int status = lua_resume(co, h->L, 2, &results);
    executor_running(h->x, 0);
    if (status == LUA_OK) {
        answer(h, ref, verb, co, results);
    } else {
        answer_thrown(h, ref, co);
    }
    end(h);
}

void lua_verb_handle(lua_host *h, const frame *f) {
    keel_json request = keel_json_view(f->body, f->len);
    char verb[16] = "", resource[LUA_NAME_LIMIT + 1] = "";
    keel_json_copy(keel_json_get(request, "verb"), verb, sizeof verb);
    keel_json_copy(keel_json_get(request, "resource"), resource, sizeof resource);
    bool known = false;
    for (int i = 0; verb_names[i]; i++) {
        known = known || !strcmp(verb, verb_names[i]);
    }
    if (!h->config->connector || !known) {
        send_fail_text(h, f->ref, "not_implemented", "there is no verb '%s' here", verb);
        return;
    }
    lua_State *L = h->L;
    int top = lua_gettop(L);
    lua_State *co = lua_host_thread(h);
    if (push_function(h, co, resource, verb)) {
        run_verb(h, f->ref, verb, co, request);
    } else {
        keel_buf message = KEEL_BUF_INIT;
        keel_buf_printf(&message, "%s has no %s of '%s'", h->config->entry, verb, resource);
        send_fail(h, f->ref, "not_implemented", &message, (keel_json){NULL, 0});
        keel_buf_free(&message);
    }
    lua_settop(L, top);
    lua_host_collect(h);
}
