/* How a run ends, and the check of what an agent's script returned. */
#include <string.h>

#include "lua_host.h"

static void send_end(lua_run *r, const keel_buf *body) {
    executor_send(r->host->x, X_END, r->id, 0, body->data, body->len);
    r->over = true;
}

static void send_failed(lua_run *r, const keel_buf *message, const keel_buf *trace) {
    keel_buf *body = &r->host->body;
    keel_buf_clear(body);
    keel_buf_puts(body, "{\"error\":{\"code\":\"error\",\"message\":");
    lua_quote(body, message->data, message->len);
    keel_buf_puts(body, ",\"trace\":");
    lua_quote(body, trace->data ? trace->data : "", trace->len);
    keel_buf_puts(body, "},\"state\":\"failed\"}");
    send_end(r, body);
}

void lua_end_error(lua_run *r, lua_State *co) {
    if (lua_replay_left_over(r)) {
        return;
    }
    keel_buf message = KEEL_BUF_INIT, trace = KEEL_BUF_INIT;
    lua_error_text(co, -1, &message);
    if (r->child_error.len && r->child_error.len == message.len &&
        !memcmp(r->child_error.data, message.data, message.len)) {
        keel_buf_append(&trace, r->child_trace.data, r->child_trace.len);
        keel_buf_puts(&trace, "\nin a function of ctx.all or ctx.any, called from\n");
    }
    lua_trace_text(r->host->L, co, &trace);
    send_failed(r, &message, &trace);
    keel_buf_free(&message);
    keel_buf_free(&trace);
}

void lua_end_result(lua_run *r, lua_State *co, int results) {
    if (lua_replay_left_over(r)) {
        return;
    }
    lua_host *h = r->host;
    keel_buf *body = &h->body;
    if (results == 0) {
        lua_pushnil(co);
        results = 1;
    }
    bool continued = lua_mark_of(co, -results) == MARK_CONTINUE;
    if (continued) {
        lua_rawgeti(co, -results, 1);
    } else {
        lua_pushvalue(co, -results);
    }
    keel_buf_clear(body);
    keel_buf_puts(body, "{\"result\":");
    if (lua_encode(co, -1, continued ? "state" : "result", body)) {
        keel_buf message = KEEL_BUF_INIT, none = KEEL_BUF_INIT;
        keel_buf_printf(&message, "what the agent returned cannot be recorded: %s",
                        h->problem.data);
        send_failed(r, &message, &none);
        keel_buf_free(&message);
        return;
    }
    keel_buf_puts(body, continued ? ",\"state\":\"continued\"}" : ",\"state\":\"ended\"}");
    send_end(r, body);
}

static int differs(lua_host *h, int index, const char *field, const char *wanted) {
    lua_State *L = h->L;
    bool other =
        lua_getfield(L, index, field) == LUA_TSTRING && strcmp(lua_tostring(L, -1), wanted) != 0;
    if (other) {
        keel_buf_clear(&h->problem);
        keel_buf_printf(&h->problem, "%s says %s \"%s\" and the manifest \"%s\"", h->config->entry,
                        field, lua_tostring(L, -1), wanted);
    }
    lua_pop(L, 1);
    return other;
}

/* The library has checked the fields' types. */
int lua_agent_check(lua_host *h, lua_State *L, int index) {
    index = lua_absindex(L, index);
    if (lua_mark_of(L, index) != MARK_AGENT) {
        keel_buf_clear(&h->problem);
        keel_buf_printf(&h->problem,
                        "%s does not return an agent: end it with `return keel.agent { "
                        "run = function(ctx, input) ... end }`",
                        h->config->entry);
        return -1;
    }
    if (L != h->L) {
        return 0; /* each run gets another table, which the load has not seen */
    }
    return differs(h, index, "name", h->config->name) ||
                   differs(h, index, "version", h->config->version)
               ? -1
               : 0;
}
