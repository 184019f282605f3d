/* A run that goes on after a restart: what is recorded answers its calls, in the order of the
 * journal. Steps and logs are answered where the run meets them; what had waited for the kernel is
 * delivered one by one, each when all tasks wait again, as it was when it first happened. */
#include <stdlib.h>
#include <string.h>

#include "lua_host.h"

run_recorded lua_replay_read(const lua_run *r, const lua_record *rec) {
    return run_recorded_read(r->record_bytes.data + rec->at, rec->len);
}

static bool has_path(const lua_run *r, size_t i, const char *path, size_t len) {
    keel_json p = lua_replay_read(r, &r->records[i]).path;
    return p.len == len && !memcmp(p.data, path, len);
}

static uint32_t hash_path(const char *path, size_t len) {
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < len; i++) {
        h = (h ^ (unsigned char)path[i]) * 16777619u;
    }
    return h;
}

static void index_paths(lua_run *r) {
    r->by_path_cap = 16;
    while (r->by_path_cap < r->record_count * 2) {
        r->by_path_cap *= 2;
    }
    r->by_path = keel_alloc(r->by_path_cap * sizeof *r->by_path);
    memset(r->by_path, 0, r->by_path_cap * sizeof *r->by_path);
    for (size_t i = 0; i < r->record_count; i++) {
        keel_json p = lua_replay_read(r, &r->records[i]).path;
        size_t at = hash_path(p.data, p.len) & (r->by_path_cap - 1);
        while (r->by_path[at]) {
            at = (at + 1) & (r->by_path_cap - 1);
        }
        r->by_path[at] = (uint32_t)i + 1;
    }
}

/* Almost always it is the record behind the last one that was asked for. */
lua_record *lua_replay_find(lua_run *r, const char *path, size_t len) {
    size_t i = r->guess;
    if (i < r->record_count && has_path(r, i, path, len)) {
        r->guess = i + 1;
        return &r->records[i];
    }
    if (!r->by_path) {
        index_paths(r);
    }
    size_t at = hash_path(path, len) & (r->by_path_cap - 1);
    for (; r->by_path[at]; at = (at + 1) & (r->by_path_cap - 1)) {
        i = r->by_path[at] - 1;
        if (has_path(r, i, path, len)) {
            r->guess = i + 1;
            return &r->records[i];
        }
    }
    return NULL;
}

/* now NULL: the run did not get there. */
static void send_mismatch(lua_run *r, const lua_record *rec, run_call *now) {
    run_recorded was = lua_replay_read(r, rec);
    keel_buf *body = &r->host->body;
    keel_buf_clear(body);
    run_mismatch_put(body, &was, now);
    executor_send(r->host->x, X_MISMATCH, r->id, 0, body->data, body->len);
    r->over = true;
}

bool lua_replay_matches(lua_task *t, lua_record *rec, run_call *now) {
    run_recorded was = lua_replay_read(t->run, rec);
    if (!rec->used && run_recorded_is(&was, now)) {
        rec->used = true;
        return true;
    }
    send_mismatch(t->run, rec, now);
    return false;
}

static bool was_dropped(const lua_run *r, keel_json path) {
    for (size_t i = 0; i < r->dropped_count; i++) {
        size_t n = strlen(r->dropped[i]);
        if (path.len > n && !memcmp(path.data, r->dropped[i], n)) {
            return true;
        }
    }
    return false;
}

bool lua_replay_deliver(lua_run *r) {
    for (; r->deliver < r->record_count; r->deliver++) {
        const lua_record *rec = &r->records[r->deliver];
        run_recorded was = lua_replay_read(r, rec);
        if (run_recorded_is_one_way(&was)) {
            continue;
        }
        lua_task *t = lua_task_waiting(r, was.path.data, was.path.len);
        if (!t) {
            if (was_dropped(r, was.path)) {
                continue;
            }
            send_mismatch(r, rec, NULL);
            return true;
        }
        t->outcome = was.outcome.data;
        t->outcome_len = was.outcome.len;
        r->deliver++;
        lua_task_ready(t);
        return true;
    }
    return false;
}

void lua_replay_begin(lua_run *r) {
    r->replaying = r->record_count > 0;
}

static void free_records(lua_run *r) {
    free(r->records);
    free(r->by_path);
    keel_buf_free(&r->record_bytes);
    r->records = NULL;
    r->by_path = NULL;
    r->record_count = 0;
}

bool lua_replay_left_over(lua_run *r) {
    for (size_t i = 0; r->replaying && i < r->record_count; i++) {
        run_recorded was = lua_replay_read(r, &r->records[i]);
        if (!r->records[i].used && !was_dropped(r, was.path)) {
            send_mismatch(r, &r->records[i], NULL);
            return true;
        }
    }
    return false;
}

/* All was delivered and all tasks wait: what is left are steps of tasks that were dropped, or a run
 * that took another way. Then the calls that had no record are made again. */
void lua_replay_finish(lua_run *r) {
    if (lua_replay_left_over(r)) {
        return;
    }
    r->replaying = false;
    free_records(r);
    for (lua_task *t = r->tasks; t; t = t->next) {
        if (t->held.len) {
            executor_send(r->host->x, X_CALL, r->id, 0, t->held.data, t->held.len);
            keel_buf_free(&t->held);
        }
    }
}
