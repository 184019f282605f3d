/* Runs of an agent: their frames, their tasks, and the pump that gives each its turn. */
#include <stdlib.h>
#include <string.h>

#include "lua_host.h"

struct lua_answer {
    lua_answer *next;
    size_t path_len;
    size_t outcome_len;
    char bytes[]; /* path, then outcome */
};

/* ---- tasks ---- */

lua_task *lua_task_create(lua_run *r, lua_task *parent, int branch) {
    lua_host *h = r->host;
    lua_task *t = keel_alloc(sizeof *t);
    memset(t, 0, sizeof *t);
    t->run = r;
    t->parent = parent;
    t->branch = branch;
    t->join.results = t->join.errors = t->join.failed = LUA_NOREF;
    if (parent) {
        t->depth = parent->depth + 2;
        t->prefix_len =
            (size_t)snprintf(t->prefix, sizeof t->prefix, "%s.%d.", parent->path, branch);
    }
    t->co = lua_host_thread(h);
    t->co_ref = luaL_ref(h->L, LUA_REGISTRYINDEX);
    if (r->tasks_last) {
        r->tasks_last->next = t;
    } else {
        r->tasks = t;
    }
    r->tasks_last = t;
    return t;
}

static void task_destroy(lua_task *t) {
    lua_State *L = t->run->host->L;
    luaL_unref(L, LUA_REGISTRYINDEX, t->co_ref);
    luaL_unref(L, LUA_REGISTRYINDEX, t->join.results);
    luaL_unref(L, LUA_REGISTRYINDEX, t->join.errors);
    luaL_unref(L, LUA_REGISTRYINDEX, t->join.failed);
    keel_buf_free(&t->held);
    free(t);
}

void lua_task_ready(lua_task *t) {
    lua_run *r = t->run;
    t->state = TASK_READY;
    t->ready_next = NULL;
    if (r->ready_last) {
        r->ready_last->ready_next = t;
    } else {
        r->ready_first = t;
    }
    r->ready_last = t;
}

static void unqueue(lua_run *r, const lua_task *t) {
    lua_task *last = NULL;
    for (lua_task **at = &r->ready_first; *at;) {
        if (*at == t) {
            *at = t->ready_next;
        } else {
            last = *at;
            at = &(*at)->ready_next;
        }
    }
    r->ready_last = last;
}

lua_task *lua_task_waiting(const lua_run *r, const char *path, size_t len) {
    for (lua_task *t = r->tasks; t; t = t->next) {
        if (t->state == TASK_CALL && t->path_len == len && !memcmp(t->path, path, len)) {
            return t;
        }
    }
    return NULL;
}

static bool is_below(const lua_task *t, const lua_task *ancestor) {
    for (t = t->parent; t; t = t->parent) {
        if (t == ancestor) {
            return true;
        }
    }
    return false;
}

static void remember_dropped(lua_run *r, const char *path) {
    keel_buf prefix = KEEL_BUF_INIT;
    keel_buf_printf(&prefix, "%s.", path);
    r->dropped = keel_realloc(r->dropped, (r->dropped_count + 1) * sizeof *r->dropped);
    r->dropped[r->dropped_count++] = prefix.data;
}

void lua_task_drop_children(lua_task *t) {
    lua_run *r = t->run;
    if (r->replaying) {
        remember_dropped(r, t->path);
    }
    lua_task **at = &r->tasks;
    lua_task *gone = NULL;
    r->tasks_last = NULL;
    while (*at) {
        lua_task *c = *at;
        if (is_below(c, t)) {
            *at = c->next;
            if (c->state == TASK_READY) {
                unqueue(r, c);
            }
            c->next = gone;
            gone = c;
        } else {
            r->tasks_last = c;
            at = &c->next;
        }
    }
    while (gone) {
        lua_task *next = gone->next;
        task_destroy(gone);
        gone = next;
    }
}

/* ---- the pump ---- */

static void task_ended(lua_task *t, int status, int results) {
    lua_run *r = t->run;
    lua_task *parent = t->parent;
    if (parent && status == LUA_OK) {
        lua_join_finished(t, results);
    } else if (parent) {
        lua_join_failed(t);
    } else if (status == LUA_OK) {
        lua_end_result(r, t->co, results);
    } else {
        lua_end_error(r, t->co);
    }
}

static void task_resume(lua_task *t) {
    lua_host *h = t->run->host;
    int results, args = t->args;
    t->args = 0;
    h->current = t;
    h->suspended = h->walled = false;
    executor_running(h->x, t->run->id);
    int status = lua_resume(t->co, h->L, args, &results);
    h->current = NULL;
    if (status != LUA_YIELD && !t->run->over) {
        task_ended(t, status, results);
    }
}

static bool deliver_answer(lua_run *r) {
    lua_answer *a = r->answers_first;
    if (!a) {
        return false;
    }
    lua_task *t = lua_task_waiting(r, a->bytes, a->path_len);
    if (t) {
        t->outcome = a->bytes + a->path_len;
        t->outcome_len = a->outcome_len;
        t->state = TASK_READY;
        task_resume(t);
    }
    r->answers_first = a->next;
    if (!r->answers_first) {
        r->answers_last = NULL;
    }
    free(a);
    return true;
}

/* Until all wait: tasks that are ready first, in their order; then one more outcome. */
static void pump(lua_run *r) {
    lua_host *h = r->host;
    while (!r->over && !r->stalled) {
        lua_task *t = r->ready_first;
        if (t) {
            r->ready_first = t->ready_next;
            r->ready_last = r->ready_first ? r->ready_last : NULL;
            task_resume(t);
        } else if (r->replaying) {
            if (!lua_replay_deliver(r)) {
                lua_replay_finish(r);
            }
        } else if (!deliver_answer(r)) {
            break;
        }
    }
    executor_running(h->x, 0);
    if (r->over) {
        map_take(&h->runs, r->id);
        lua_run_destroy(r);
    }
    lua_host_collect(h);
}

void lua_run_destroy(lua_run *r) {
    lua_State *L = r->host->L;
    for (lua_task *t = r->tasks; t;) {
        lua_task *next = t->next;
        task_destroy(t);
        t = next;
    }
    for (lua_answer *a = r->answers_first; a;) {
        lua_answer *next = a->next;
        free(a);
        a = next;
    }
    for (size_t i = 0; i < r->dropped_count; i++) {
        free(r->dropped[i]);
    }
    free(r->dropped);
    free(r->records);
    free(r->by_path);
    luaL_unref(L, LUA_REGISTRYINDEX, r->ctx);
    luaL_unref(L, LUA_REGISTRYINDEX, r->modules);
    keel_buf_free(&r->start);
    keel_buf_free(&r->record_bytes);
    keel_buf_free(&r->child_error);
    keel_buf_free(&r->child_trace);
    free(r);
}

/* ---- frames ---- */

static int body_done(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    (void)ctx;
    return lua_gettop(L) > 0 ? 1 : 0;
}

/* The first task's function: chunk, ctx, input. */
static int body(lua_State *L) {
    lua_host *h = lua_host_of(L);
    lua_pushvalue(L, 1);
    lua_call(L, 0, 1);
    if (lua_agent_check(h, L, -1)) {
        return luaL_error(L, "%s", h->problem.data);
    }
    lua_getfield(L, -1, "run");
    lua_replace(L, 1);
    lua_settop(L, 3);
    lua_callk(L, 2, 1, 0, body_done);
    return body_done(L, LUA_OK, 0);
}

static void begin(lua_run *r) {
    lua_host *h = r->host;
    lua_State *L = h->L;
    keel_json start = keel_json_view(r->start.data, r->start.len);
    lua_ctx_push(r, keel_json_get(start, "previous"));
    r->ctx = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_task *t = lua_task_create(r, NULL, 0);
    lua_rawgeti(L, LUA_REGISTRYINDEX, h->entry);
    lua_sandbox_renew(L, -1);
    lua_pushcfunction(t->co, body);
    lua_xmove(L, t->co, 1);
    lua_rawgeti(t->co, LUA_REGISTRYINDEX, r->ctx);
    lua_decode_view(t->co, keel_json_get(start, "input"));
    keel_buf_free(&r->start);
    t->args = 3;
    lua_task_ready(t);
    lua_replay_begin(r);
    pump(r);
}

void lua_run_start(lua_host *h, const frame *f) {
    if (f->run == 0 || h->config->connector || map_get(&h->runs, f->run)) {
        executor_note(h->x, "error", "a start that does not fit this executor was ignored");
        return;
    }
    lua_run *r = keel_alloc(sizeof *r);
    memset(r, 0, sizeof *r);
    r->host = h;
    r->id = f->run;
    r->ctx = r->modules = LUA_NOREF;
    keel_buf_append(&r->start, f->body, f->len);
    map_put(&h->runs, r->id, r);
    r->record_want = f->ref;
    if (!f->ref) {
        begin(r);
        return;
    }
    r->records = keel_alloc(r->record_want * sizeof *r->records);
}

void lua_run_record(lua_host *h, const frame *f) {
    lua_run *r = map_get(&h->runs, f->run);
    if (!r || r->record_count >= r->record_want) {
        return;
    }
    r->records[r->record_count++] = (lua_record){r->record_bytes.len, (uint32_t)f->len, false};
    keel_buf_append(&r->record_bytes, f->body, f->len);
    if (r->record_count == r->record_want) {
        begin(r);
    }
}

void lua_run_answer(lua_host *h, const frame *f) {
    lua_run *r = map_get(&h->runs, f->run);
    frame_reader in = frame_read(f);
    const char *path;
    size_t len;
    if (!r || frame_get(&in, &path, &len)) {
        return;
    }
    size_t outcome_len = (size_t)(in.end - in.p);
    lua_answer *a = keel_alloc(sizeof *a + len + outcome_len);
    *a = (lua_answer){NULL, len, outcome_len};
    memcpy(a->bytes, path, len);
    memcpy(a->bytes + len, in.p, outcome_len);
    if (r->answers_last) {
        r->answers_last->next = a;
    } else {
        r->answers_first = a;
    }
    r->answers_last = a;
    pump(r);
}

void lua_run_ack(lua_host *h, const frame *f) {
    lua_run *r = map_get(&h->runs, f->run);
    if (!r || f->ref <= r->acked) {
        return;
    }
    r->acked = f->ref;
    lua_task *t = r->stalled;
    if (t && r->sent - r->acked < RUN_WINDOW) {
        r->stalled = NULL;
        t->state = TASK_READY;
        task_resume(t);
        pump(r);
    }
}

void lua_run_cancel(lua_host *h, uint64_t id) {
    lua_run *r = map_take(&h->runs, id);
    if (r) {
        lua_run_destroy(r);
    }
}
