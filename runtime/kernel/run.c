/* Runs: begin, end, pause. */
#include <stdlib.h>
#include <string.h>

#include "polls.h"
#include "short.h"

tree *tree_get(kernel *k, uint64_t root) {
    tree *t = map_get(&k->trees, root);
    if (!t) {
        t = keel_alloc(sizeof *t);
        *t = (tree){.root = root};
        map_put(&k->trees, root, t);
    }
    return t;
}

void tree_release(kernel *k, tree *t) {
    if (!t->open && !t->followers && !t->undoing) {
        map_take(&k->trees, t->root);
        budget_forget_run(k->budgets, t->root);
        free(t);
    }
}

static void join_tree(kernel *k, run *r, uint64_t root) {
    r->tree = tree_get(k, root);
    r->tree_prev = NULL;
    r->tree_next = r->tree->runs;
    if (r->tree_next) {
        r->tree_next->tree_prev = r;
    }
    r->tree->runs = r;
    r->tree->open++;
    map_put(&k->runs, r->id, r);
}

run *run_restore(kernel *k, uint64_t id, uint64_t root, const plugin *p) {
    run *r = keel_alloc(sizeof *r);
    *r = (run){.id = id, .plugin = p};
    join_tree(k, r, root);
    return r;
}

static void leave_tree(run *r) {
    if (r->tree_prev) {
        r->tree_prev->tree_next = r->tree_next;
    } else {
        r->tree->runs = r->tree_next;
    }
    if (r->tree_next) {
        r->tree_next->tree_prev = r->tree_prev;
    }
    r->tree->open--;
}

void event_free(event *e) {
    free(e->name);
    keel_buf_free(&e->body);
    free(e);
}

/* All that it holds but its calls. */
static void empty(run *r) {
    while (r->events) {
        event *e = r->events;
        r->events = e->next;
        event_free(e);
    }
    received_free(r);
    replies_free(r);
    run_forget_paths(r);
    free(r->waiters);
    free(r->key);
    keel_buf_free(&r->start);
    keel_buf_free(&r->quarantine);
}

void run_free(run *r) {
    empty(r);
    free(r);
}

/* An ended run that is named by what it sent: kept where resume finds it. */
static void keep_over(kernel *k, run *r) {
    r->worker_prev = NULL;
    r->worker_next = k->over;
    if (k->over) {
        k->over->worker_prev = r;
    }
    k->over = r;
}

run *run_find_over(kernel *k, uint64_t id) {
    run *r = k->over;
    while (r && r->id != id) {
        r = r->worker_next;
    }
    return r;
}

run *run_restore_over(kernel *k, uint64_t id, const plugin *p) {
    run *r = run_find_over(k, id);
    if (!r) {
        r = keel_alloc(sizeof *r);
        *r = (run){.id = id, .plugin = p};
        keep_over(k, r);
    }
    return r;
}

static void leave_over(kernel *k, run *r) {
    *(r->worker_prev ? &r->worker_prev->worker_next : &k->over) = r->worker_next;
    if (r->worker_next) {
        r->worker_next->worker_prev = r->worker_prev;
    }
}

void run_over(kernel *k, run *r) {
    leave_over(k, r);
    stuck_settled(k, r->id, r->last_seq);
    run_free(r);
}

/* What it had sent, and is still out, is its own again. */
run *run_restore_ended(kernel *k, uint64_t id, uint64_t root, const plugin *p) {
    run *r = run_find_over(k, id);
    if (!r) {
        return run_restore(k, id, root, p);
    }
    leave_over(k, r);
    empty(r);
    *r = (run){.id = id, .plugin = p, .calls = r->calls, .last_seq = r->last_seq};
    join_tree(k, r, root);
    return r;
}

/* ---- begin ---- */

static void begin_body(const run *r, const run_spec *s, int64_t previous, keel_buf *out) {
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_set_text(&w, "agent", s->plugin->manifest->name);
    if (s->continued_from) {
        keel_json_set_int(&w, "continued_from", (int64_t)s->continued_from);
    }
    keel_json_set_int(&w, "depth", r->depth);
    keel_json_set_raw(&w, "input", s->input);
    if (s->key) {
        keel_json_set_text(&w, "key", s->key);
    }
    if (s->parent) {
        keel_json_set_int(&w, "parent", (int64_t)s->parent);
        keel_json_set_text(&w, "parent_path", s->parent_path);
    }
    keel_json_key(&w, "plugin");
    keel_json_hex(&w, s->plugin->digest.bytes, DIGEST_SIZE);
    if (previous) {
        keel_json_set_int(&w, "previous", previous);
    }
    if (r->quarantine.len) {
        keel_json_set_raw(&w, "quarantine", keel_json_view(r->quarantine.data, r->quarantine.len));
    }
    keel_json_set_int(&w, "root", (int64_t)r->tree->root);
    label_put_level(&(label_told){r->label.level != SENSITIVITY_DEFAULT, r->label}, &w);
    if (s->since) {
        keel_json_set_int(&w, "since", s->since);
    }
    label_put_taint(&(label_told){false, r->label}, &w);
    keel_json_set_text(&w, "version", s->plugin->manifest->version);
    keel_json_object_end(&w);
}

static keel_json role_result(const role *last) {
    return keel_json_view(last->result.data, last->result.len);
}

void run_start_body(keel_buf *out, keel_json input, keel_json previous) {
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_set_raw(&w, "input", input);
    keel_json_set_raw(&w, "previous", previous);
    keel_json_object_end(&w);
}

run *run_begin(kernel *k, const run_spec *s) {
    uint64_t id = k->next_run++;
    run *r = run_restore(k, id, s->tree ? s->tree->root : id, s->plugin);
    r->parent = s->parent;
    r->depth = s->depth;
    r->label = s->label;
    keel_buf_append(&r->quarantine, s->quarantine.data, s->quarantine.len);
    r->fresh = true;
    restored_begin(k, r);
    const role *last = role_find(k, s->plugin->manifest->name);
    if (last && !plugin_takes(s->plugin, last->label)) {
        last = NULL;
    } else if (last && keel_json_typeof(role_result(last)) != KEEL_JSON_NULL) {
        run_reads(r, last->label); /* it is given what the last run of its role ended with */
    }
    k->scratch.len = 0;
    begin_body(r, s, last ? last->seq : 0, &k->scratch);
    r->begin_seq = journal_run(k, RECORD_RUN_BEGIN, r, "", &k->scratch);
    r->since = s->since ? s->since : r->begin_seq;
    run_start_body(&r->start, s->input, last ? role_result(last) : (keel_json){0});
    if (s->key) {
        r->key = keel_strdup(s->key);
        key_begun(k, s->plugin->manifest->name, s->key, r);
    }
    worker_add_run(k, worker_for_agent(k, s->plugin), r);
    return r;
}

/* ---- end ---- */

static void end_body(const char *state, bool dropped, keel_json result, keel_json error,
                     uint64_t next_run, keel_buf *out) {
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    if (dropped) {
        keel_json_set_bool(&w, "dropped", true);
    }
    if (error.len) {
        keel_json_set_raw(&w, "error", error);
    }
    if (next_run) {
        keel_json_set_int(&w, "next_run", (int64_t)next_run);
    }
    if (!error.len) {
        keel_json_set_raw(&w, "result", result);
    }
    keel_json_set_text(&w, "state", state);
    keel_json_object_end(&w);
}

/* Calls that nobody will answer: those that wait inward go; what was sent goes on until it settles.
 */
static bool drop_calls(kernel *k, run *r) {
    call *next;
    bool any = false;
    r->live = false; /* no answers any more */
    r->state = RUN_OVER;
    for (call *c = r->calls; c; c = next) {
        next = c->next;
        any = any || !c->recheck;
        if (c->kind != CALL_EFFECT && c->kind != CALL_SPAWN) {
            call_free(k, c);
        } else if (!effect_is_out(c)) {
            worker_drop(k, c);
            effect_not_done(
                k, c, "cancelled",
                restored_may_have(k, c)
                    ? "its run ended before it was sent; whether it was sent between the "
                      "backup and its restore is not known"
                    : "its run ended before it was sent",
                "keel");
        }
    }
    return any;
}

void run_failed(kernel *k, run *r, const char *code, const char *text) {
    keel_buf error = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &error);
    keel_json_object(&w);
    keel_json_set_text(&w, "code", code);
    keel_json_set_text(&w, "message", text);
    keel_json_object_end(&w);
    run_finished(k, r, strcmp(code, "cancelled") ? "failed" : "cancelled", (keel_json){0},
                 keel_json_view(error.data, error.len));
    keel_buf_free(&error);
}

/* Who waits for it, or looks on, does so at the run that goes on from it. */
static void go_on_as(kernel *k, run *r, uint64_t next_run) {
    const run *next = map_get(&k->runs, next_run);
    if (next && next->tree != r->tree) {
        follow_move(r->tree, next->tree);
    } else if (!next && r->id == r->tree->root) {
        r->tree->failed = true; /* its executor cannot be started any more */
    }
    wait_move(k, r, next_run);
}

void run_finished(kernel *k, run *r, const char *state, keel_json result, keel_json error) {
    bool continued = !strcmp(state, "continued");
    uint64_t next_run = continued ? k->next_run : 0;
    keel_buf body = KEEL_BUF_INIT;
    bool dropped = drop_calls(k, r);
    end_body(state, dropped, result, error, next_run, &body);
    int64_t seq = journal_run(k, RECORD_RUN_END, r, "", &body);
    if (!strcmp(state, "ended")) {
        role_ended(k, r->plugin->manifest->name, seq, result, r->label);
    }
    if (r->id == r->tree->root && !continued) {
        r->tree->failed = strcmp(state, "ended") != 0;
    }
    worker_remove_run(r);
    map_take(&k->runs, r->id);
    stuck_went_on(k, r->id, "its run has ended");
    ending end = {.label = r->label};
    ending_write(keel_json_view(r->quarantine.data, r->quarantine.len), r->id,
                 keel_json_get(keel_json_view(body.data, body.len), "state"), result, error, &end);
    ended_remember(k, r, seq, next_run, &end);
    bool told = false;
    for (size_t i = 0; i < r->waiter_count && !continued; i++) {
        run *waiter = map_get(&k->runs, r->waiters[i]);
        if (waiter) {
            told |= wait_wake(k, waiter, r->id, &end);
        }
    }
    if (!strcmp(state, "failed") && (r->id == r->tree->root || !told)) {
        stuck_failed(k, r, error);
    }
    if (continued) {
        run_spec s = {.plugin = r->plugin,
                      .input = result,
                      .parent = r->parent,
                      .parent_path = "",
                      .tree = r->tree->root == r->id ? NULL : r->tree,
                      .depth = r->depth,
                      .continued_from = r->id,
                      .since = r->since,
                      .label = r->label,
                      .quarantine = keel_json_view(r->quarantine.data, r->quarantine.len)};
        run *next = run_begin(k, &s);
        next->sure = r->sure;
        next->received = r->received;
        r->received = NULL;
        go_on_as(k, r, next_run);
    }
    ending_free(&end);
    keel_buf_free(&body);
    leave_tree(r);
    r->root = r->tree->root;
    tree_release(k, r->tree);
    r->tree = NULL;
    if (r->calls) {
        keep_over(k, r);
    } else {
        run_free(r);
    }
}

void run_cancel(kernel *k, run *r, const char *why) {
    if (r->live) {
        turn_send(k, r->worker->id, X_CANCEL, r->id, 0, NULL, 0);
    }
    run_failed(k, r, "cancelled", why);
}

void run_pause(kernel *k, run *r, const char *reason, keel_json detail) {
    k->scratch.len = 0;
    keel_json_writer w;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_raw(&w, "detail", detail);
    keel_json_set_text(&w, "reason", reason);
    keel_json_object_end(&w);
    journal_run(k, RECORD_RUN_PAUSED, r, "", &k->scratch);
    r->state = RUN_PAUSED;
    if (r->live) {
        turn_send(k, r->worker->id, X_CANCEL, r->id, 0, NULL, 0);
    }
    run_rest(r);
    kernel_log(k, "warn", r->id, "paused: %s; see `keel run show %llu`", reason,
               (unsigned long long)r->id);
    if (!strcmp(reason, "replay_mismatch")) {
        stuck_paused(k, r, detail);
    }
}

void run_resume(kernel *k, run *r) {
    k->scratch.len = 0;
    keel_buf_puts(&k->scratch, "{}");
    journal_run(k, RECORD_RUN_RESUMED, r, "", &k->scratch);
    r->state = RUN_OPEN;
    stuck_went_on(k, r->id, "it is replayed once more");
    short_resume(k, r);
    run_wake(k, r);
}
