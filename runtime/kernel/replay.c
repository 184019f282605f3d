/* Starting runs at an executor: fresh ones with their input, others with all that is recorded,
 * pushed in one go (asking per effect takes more than twice as long). */
#include <stdlib.h>
#include <string.h>

#include "parts.h"
#include "planted.h"

typedef struct replayed {
    run *run;
    keel_buf input;
    int64_t previous; /* seq of a run.end, 0: none */
    keel_buf records; /* i64 seq + u32 length + X_RECORD body, each */
    uint32_t count;
    bool erased; /* some of it */
} replayed;

typedef struct replay {
    map runs; /* id -> replayed */
    keel_buf outcome;
    char kind[16], name[256], hash[17]; /* plain_digest's last */
} replay;

#define HEAD (sizeof(int64_t) + sizeof(uint32_t))

static void put_record(replayed *e, const journal_row *row, const char *kind, const char *name,
                       const char *hash, const char *outcome, size_t len) {
    size_t at = e->records.len + sizeof row->seq;
    uint32_t size = 0;
    keel_buf_append(&e->records, &row->seq, sizeof row->seq);
    keel_buf_append(&e->records, &size, sizeof size);
    frame_put(&e->records, row->path, strlen(row->path));
    frame_put(&e->records, kind, strlen(kind));
    frame_put(&e->records, name, strlen(name));
    frame_put(&e->records, hash, strlen(hash));
    keel_buf_append(&e->records, outcome, len);
    size = (uint32_t)(e->records.len - at - sizeof size);
    memcpy(e->records.data + at, &size, sizeof size);
    e->count++;
}

/* The digest of a call without arguments that matter. Steps of one name follow each other by the
 * thousand, so the last one is kept. */
static const char *plain_digest(replay *rp, const char *kind, const char *name, bool bare) {
    if (strcmp(rp->kind, kind) != 0 || strcmp(rp->name, name) != 0) {
        snprintf(rp->kind, sizeof rp->kind, "%s", kind);
        snprintf(rp->name, sizeof rp->name, "%s", name);
        call_digest(rp->hash, kind, name, bare ? (keel_json){0} : keel_json_view("{}", 2));
    }
    return rp->hash;
}

static void put_plain(replay *rp, replayed *e, const journal_row *row, const char *kind,
                      const char *name, keel_json value) {
    bool bare = row->kind == RECORD_STEP || row->kind == RECORD_LOG;
    const char *hash = plain_digest(rp, kind, name, bare);
    rp->outcome.len = 0;
    outcome_ok(&rp->outcome, value);
    put_record(e, row, kind, name, hash, rp->outcome.data, rp->outcome.len);
}

static void put_spawn(replay *rp, replayed *e, const journal_row *row) {
    char hash[20];
    keel_json_copy(keel_json_get(row->body, "call"), hash, sizeof hash);
    rp->outcome.len = 0;
    keel_buf_puts(&rp->outcome, "{\"ok\":");
    keel_json_writer w;
    keel_json_write(&w, &rp->outcome);
    keel_json_object(&w);
    keel_json_set_raw(&w, "existing", keel_json_get(row->body, "existing"));
    keel_json_set_raw(&w, "run", keel_json_get(row->body, "run"));
    keel_json_object_end(&w);
    keel_buf_putc(&rp->outcome, '}');
    put_record(e, row, "spawn", "run.spawn", hash, rp->outcome.data, rp->outcome.len);
}

static void put_woken(replayed *e, const journal_row *row) {
    char hash[20], kind[16];
    keel_json_copy(keel_json_get(row->body, "call"), hash, sizeof hash);
    keel_json_copy(keel_json_get(row->body, "kind"), kind, sizeof kind);
    keel_json outcome = keel_json_get(row->body, "outcome");
    if (KEEL_PLANTED("replay_other_answer")) {
        outcome = keel_json_view("{\"ok\":0}", 8);
    }
    put_record(e, row, kind, "", hash, outcome.data, outcome.len);
}

/* An effect that is over: done gives its result, all else an error. */
static void put_effect(replay *rp, replayed *e, const journal_row *row) {
    char hash[20], target[128];
    keel_json_copy(keel_json_get(row->body, "call"), hash, sizeof hash);
    keel_json_copy(keel_json_get(row->body, "target"), target, sizeof target);
    bool done = row->kind == RECORD_EFFECT_DONE;
    keel_json value = keel_json_get(row->body, done ? "result" : "error");
    rp->outcome.len = 0;
    keel_buf_puts(&rp->outcome, done ? "{\"ok\":" : "{\"err\":");
    keel_buf_append(&rp->outcome, value.data, value.len);
    keel_buf_putc(&rp->outcome, '}');
    put_record(e, row, strcmp(target, "run.spawn") ? "effect" : "spawn", target, hash,
               rp->outcome.data, rp->outcome.len);
}

/* The path of a record that was put, at `body`. */
static void take_path(run *r, const char *body, size_t len) {
    char path[PATH_LIMIT];
    const char *text;
    size_t n;
    frame_reader fr = {.p = body, .end = body + len};
    if (!frame_get(&fr, &text, &n) && n < sizeof path) {
        memcpy(path, text, n);
        path[n] = 0;
        run_path_order(r, path);
    }
}

/* The run was reopened: what it recorded from there on answers nothing any more, but for what is to be
 * kept, and the ordinals that it took are free. What is still out keeps its own. */
static void supersede(replayed *e, int64_t from, keel_json keep) {
    size_t left = 0;
    int64_t kept = 0;
    keel_json_iter it = keel_json_each(keep);
    run_forget_paths(e->run);
    e->count = 0;
    for (size_t at = 0; at < e->records.len;) {
        char *head = e->records.data + at;
        int64_t seq;
        uint32_t size;
        memcpy(&seq, head, sizeof seq);
        memcpy(&size, head + sizeof seq, sizeof size);
        while (seq >= from && kept < seq && keep.len && keel_json_next(&it)) {
            keel_json_int(it.value, &kept);
        }
        if (seq < from || kept == seq) {
            take_path(e->run, head + HEAD, size);
            memmove(e->records.data + left, head, HEAD + size);
            left += HEAD + size;
            e->count++;
        }
        at += HEAD + size;
    }
    e->records.len = left;
    for (const call *c = e->run->calls; c; c = c->next) {
        run_path_order(e->run, c->path);
    }
}

static int on_record(void *ctx, const journal_row *row) {
    replay *rp = ctx;
    replayed *e = map_get(&rp->runs, row->run);
    char name[256];
    if (strchr(row->path, '~')) {
        return 0; /* taken back by a person: its script knows nothing of it */
    }
    if (row->path[0]) {
        run_path_order(e->run, row->path); /* what stands in the journal is taken */
    }
    if (!row->body.data) {
        e->erased = true;
        return 0;
    }
    switch (row->kind) {
    case RECORD_RUN_BEGIN: {
        keel_json input = keel_json_get(row->body, "input");
        keel_buf_append(&e->input, input.data, input.len);
        keel_json_int(keel_json_get(row->body, "previous"), &e->previous);
        break;
    }
    case RECORD_RUN_REOPENED: {
        int64_t from = row->seq;
        keel_json_int(keel_json_get(row->body, "from"), &from);
        supersede(e, from, keel_json_get(row->body, "keep"));
        break;
    }
    case RECORD_STEP:
        keel_json_copy(keel_json_get(row->body, "name"), name, sizeof name);
        put_plain(rp, e, row, "step", name, keel_json_get(row->body, "result"));
        break;
    case RECORD_LOG:
        put_plain(rp, e, row, "log", "", (keel_json){0});
        break;
    case RECORD_NOW:
        put_plain(rp, e, row, "now", "", keel_json_get(row->body, "us"));
        break;
    case RECORD_RANDOM:
        put_plain(rp, e, row, "random", "", keel_json_get(row->body, "hex"));
        break;
    case RECORD_SPAWN:
        put_spawn(rp, e, row);
        break;
    case RECORD_WOKEN:
        put_woken(e, row);
        break;
    case RECORD_EFFECT_DONE:
    case RECORD_EFFECT_NOT_DONE:
    case RECORD_EFFECT_DENIED:
    case RECORD_EFFECT_REJECTED:
    case RECORD_EFFECT_EXPIRED:
        put_effect(rp, e, row);
        break;
    default:
        break; /* openings and host marks: nothing to answer */
    }
    return 0;
}

static int on_previous(void *ctx, const journal_row *row) {
    keel_json result = keel_json_get(row->body, "result");
    keel_buf_append(ctx, result.data, result.len);
    return 0;
}

static void mark_live(run *r) {
    r->live = true;
    r->ahead = 0;
    r->acked = 0;
    r->ack_turn = 0;
}

static void push(kernel *k, worker *w, replayed *e) {
    keel_buf previous = KEEL_BUF_INIT;
    keel_buf start = KEEL_BUF_INIT;
    if (e->previous) {
        reader_record(k->env.reads, e->previous, on_previous, &previous, NULL);
    }
    run_start_body(&start, keel_json_view(e->input.data, e->input.len),
                   keel_json_view(previous.data, previous.len));
    k->env.send(k->env.ctx, w->id, X_START, e->run->id, e->count, start.data, start.len);
    for (size_t at = 0; at < e->records.len;) {
        uint32_t size;
        memcpy(&size, e->records.data + at + sizeof(int64_t), sizeof size);
        at += HEAD;
        k->env.send(k->env.ctx, w->id, X_RECORD, e->run->id, 0, e->records.data + at, size);
        at += size;
    }
    mark_live(e->run);
    keel_buf_free(&start);
    keel_buf_free(&previous);
}

static void push_all(kernel *k, worker *w, replay *rp) {
    uint64_t *ids = keel_alloc(rp->runs.count * sizeof *ids);
    size_t count = 0;
    uint64_t id;
    replayed *e;
    for (size_t at = 0; map_next(&rp->runs, &at, &id);) {
        ids[count++] = id;
    }
    diag d = {0};
    int rc = reader_runs(k->env.reads, ids, count, on_record, rp, &d);
    for (size_t i = 0; i < count; i++) {
        e = map_get(&rp->runs, ids[i]);
        if (!rc && e->erased) {
            run_erased(k, e->run);
        } else if (!rc) {
            push(k, w, e);
        }
        keel_buf_free(&e->input);
        keel_buf_free(&e->records);
        free(e);
    }
    if (rc) {
        kernel_log(k, "error", 0, "cannot read the records of %zu runs: %s", count, d.what);
    }
    free(ids);
}

void run_start_fresh(kernel *k, run *r) {
    r->fresh = false;
    k->env.send(k->env.ctx, r->worker->id, X_START, r->id, 0, r->start.data, r->start.len);
    keel_buf_free(&r->start);
    mark_live(r);
    worker_busy(k);
}

void run_start_all(kernel *k, worker *w) {
    replay rp = {0};
    w->replay_waits = false;
    if (w->state != WORKER_READY || k->halted) {
        return;
    }
    for (run *r = w->runs; r; r = r->worker_next) {
        if (r->live || r->state != RUN_OPEN) {
            continue;
        }
        if (r->fresh) {
            run_start_fresh(k, r);
        } else if (r->last_seq > k->durable_seq) {
            w->replay_waits = true;
        } else {
            replayed *e = keel_alloc(sizeof *e);
            *e = (replayed){.run = r};
            map_put(&rp.runs, r->id, e);
        }
    }
    if (rp.runs.count) {
        push_all(k, w, &rp);
    }
    map_free(&rp.runs);
    keel_buf_free(&rp.outcome);
    worker_busy(k);
}
