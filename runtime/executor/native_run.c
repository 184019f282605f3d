/* Runs of an agent in a shared object: their frames, the queue of those that can go on, and what
 * becomes of them when they have returned. */
#include <stdlib.h>
#include <string.h>

#include "native_agent.h"
#include "status.h"
#include "text.h"

/* ---- records ---- */

native_record *native_run_add(native_run *r, const char *head, size_t len) {
    if (r->count == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 16;
        r->records = keel_realloc(r->records, r->cap * sizeof *r->records);
    }
    native_record *rec = &r->records[r->count++];
    *rec = (native_record){.head = keel_memdup(head, len)};
    rec->was = run_recorded_read(rec->head, len);
    return rec;
}

void native_run_set_answer(native_record *rec, const char *outcome, size_t len) {
    rec->answer = keel_memdup(outcome, len);
    rec->was.outcome = (keel_json){rec->answer, len};
    rec->answered = true;
}

static void run_destroy(native_run *r) {
    for (size_t i = 0; i < r->count; i++) {
        free(r->records[i].head);
        free(r->records[i].answer);
    }
    free(r->records);
    keel_buf_free(&r->start);
    keel_buf_free(&r->step_name);
    keel_buf_free(&r->args);
    keel_buf_free(&r->body);
    free(r);
}

/* ---- the queue ---- */

static void make_ready(native_run *r) {
    native *n = r->n;
    r->ready = true;
    r->ready_next = NULL;
    if (n->ready_last) {
        n->ready_last->ready_next = r;
    } else {
        n->ready_first = r;
    }
    n->ready_last = r;
}

static void unqueue(native_run *r) {
    native *n = r->n;
    native_run *last = NULL;
    for (native_run **at = &n->ready_first; *at;) {
        if (*at == r) {
            *at = r->ready_next;
        } else {
            last = *at;
            at = &(*at)->ready_next;
        }
    }
    n->ready_last = last;
    r->ready = false;
}

/* ---- how a run ends ---- */

static void send_end(native_run *r) {
    executor_send(r->n->x, X_END, r->id, 0, r->body.data, r->body.len);
    r->over = true;
}

static void end_failed(native_run *r, const char *code, const char *message) {
    keel_json_writer w;
    keel_buf_clear(&r->body);
    keel_json_write(&w, &r->body);
    keel_json_object(&w);
    keel_json_key(&w, "error");
    keel_json_object(&w);
    keel_json_set_text(&w, "code", code);
    keel_json_set_text(&w, "message", message);
    keel_json_set_text(&w, "trace", "");
    keel_json_object_end(&w);
    keel_json_set_text(&w, "state", "failed");
    keel_json_object_end(&w);
    send_end(r);
}

static void end_replied(native_run *r, const keel_call *call) {
    char why[sizeof call->bad + 60];
    const char *limit = call->replied ? native_call_limit(call->reply.data, call->reply.len) : NULL;
    if (*call->bad || limit) {
        snprintf(why, sizeof why, "what the agent replied cannot be recorded: %s",
                 limit ? limit : call->bad);
        end_failed(r, status_name(KEEL_E_INTERNAL), why);
        return;
    }
    keel_buf_clear(&r->body);
    keel_buf_puts(&r->body, "{\"result\":");
    keel_buf_append(&r->body, call->replied ? call->reply.data : "null",
                    call->replied ? call->reply.len : 4);
    keel_buf_printf(&r->body, ",\"state\":\"%s\"}", call->continues ? "continued" : "ended");
    send_end(r);
}

/* A suspended entry counts for nothing, whatever it returned; but its author should know. */
static void tell_unsuspended(native *n) {
    if (!n->told) {
        n->told = true;
        executor_note(n->x, "warn",
                      "a call returned KEEL_SUSPENDED and `run` another status: it was taken as "
                      "suspended; return KEEL_SUSPENDED at once (keel/plugin.h)");
    }
}

static void returned(native_run *r, const keel_call *call, keel_status status) {
    if (r->over) {
        return;
    }
    if (r->suspended) {
        if (status != KEEL_SUSPENDED) {
            tell_unsuspended(r->n);
        }
    } else if (r->calls < r->count) {
        native_call_mismatch(r, &r->records[r->calls], NULL);
    } else if (status == KEEL_SUSPENDED) {
        end_failed(r, status_name(KEEL_E_INTERNAL),
                   "`run` returned KEEL_SUSPENDED, and no call of it was suspended: it would never "
                   "be entered again");
    } else if (status == KEEL_OK) {
        end_replied(r, call);
    } else {
        end_failed(r, status_name(status),
                   *call->message ? call->message
                   : *call->bad   ? call->bad
                                  : "the agent gave no reason");
    }
}

/* ---- an entry ---- */

static keel_span json_span(keel_json v) {
    return v.data ? (keel_span){v.data, v.len} : (keel_span){NULL, 0};
}

static void enter(native_run *r) {
    native *n = r->n;
    keel_call call = {.run = r};
    keel_json start = keel_json_view(r->start.data, r->start.len);
    keel_json input = keel_json_get(start, "input"), previous = keel_json_get(start, "previous");
    bool first = keel_json_typeof(previous) == KEEL_JSON_NULL;
    keel_run_request request = {.size = sizeof request,
                                .run = r->id,
                                .input = input.data ? json_span(input) : (keel_span){"null", 4},
                                .previous = first ? (keel_span){NULL, 0} : json_span(previous)};
    r->calls = 0;
    r->suspended = r->windowed = r->stepping = false;
    r->running = true;
    executor_running(n->x, r->id);
    n->call = &call;
    keel_status status = n->agent.run(n->instance, &call, &request);
    n->call = NULL;
    executor_running(n->x, 0);
    r->running = false;
    returned(r, &call, status);
    native_take_back(&call.scratch);
    keel_buf_free(&call.reply);
    if (r->over) {
        if (map_get(&n->runs, r->id) == r) {
            map_take(&n->runs, r->id);
        }
        run_destroy(r);
    }
}

void native_run_work(native *n) {
    while (n->ready_first && executor_pump(n->x, 0)) {
        native_run *r = n->ready_first; /* a frame may have dropped the last one */
        if (r) {
            unqueue(r);
            enter(r);
        }
    }
}

/* ---- frames ---- */

static void on_start(native *n, const frame *f) {
    if (f->run == 0 || map_get(&n->runs, f->run)) {
        executor_note(n->x, "error", "a start that does not fit this executor was ignored");
        return;
    }
    native_run *r = keel_alloc(sizeof *r);
    *r = (native_run){.n = n, .id = f->run, .want = f->ref};
    keel_buf_append(&r->start, f->body, f->len);
    map_put(&n->runs, r->id, r);
    if (r->want == 0) {
        make_ready(r);
    }
}

static void on_record(native_run *r, const frame *f) {
    if (r->count < r->want) {
        native_run_add(r, f->body, f->len)->answered = true;
        if (r->count == r->want) {
            make_ready(r);
        }
    }
}

/* Only the last call of a run can be open. */
static void on_answer(native_run *r, const frame *f) {
    frame_reader in = frame_read(f);
    const char *path;
    size_t len;
    native_record *rec = r->count ? &r->records[r->count - 1] : NULL;
    if (frame_get(&in, &path, &len) || !rec || rec->answered ||
        !run_recorded_equals(rec->was.path, path, len)) {
        return;
    }
    native_run_set_answer(rec, in.p, (size_t)(in.end - in.p));
    if (!r->running && r->suspended) {
        make_ready(r);
    }
}

static void on_ack(native_run *r, const frame *f) {
    r->acked = f->ref > r->acked ? f->ref : r->acked;
    if (!r->running && r->windowed && !r->ready && r->sent - r->acked < RUN_WINDOW) {
        make_ready(r);
    }
}

static void on_cancel(native_run *r) {
    map_take(&r->n->runs, r->id);
    if (r->ready) {
        unqueue(r);
    }
    r->over = true;
    if (!r->running) {
        run_destroy(r);
    }
}

void native_run_handle(native *n, const frame *f) {
    native_run *r = f->type == X_START ? NULL : map_get(&n->runs, f->run);
    if (f->type == X_START) {
        on_start(n, f);
    } else if (r && f->type == X_RECORD) {
        on_record(r, f);
    } else if (r && f->type == X_ANSWER) {
        on_answer(r, f);
    } else if (r && f->type == X_ACK) {
        on_ack(r, f);
    } else if (r && f->type == X_CANCEL) {
        on_cancel(r);
    }
}

void native_run_destroy_all(native *n) {
    uint64_t id;
    native_run *r;
    for (size_t at = 0; (r = map_next(&n->runs, &at, &id));) {
        run_destroy(r);
    }
    map_free(&n->runs);
}
