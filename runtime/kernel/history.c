#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "parts.h"
#include "planted.h"

#define HEAD (sizeof(int64_t) + sizeof(uint32_t))
/* A record that is long gets room that is mapped as it is used, and grows without being copied. */
#define LONG (4u << 10)
#define ROOM (512u << 10)

void history_free(history *h) {
    keel_buf_free(&h->input);
    keel_buf_free(&h->records);
    keel_buf_free(&h->outcome);
}

bool history_next(const history *h, size_t *at, keel_json *body) {
    uint32_t size;
    if (*at >= h->records.len) {
        return false;
    }
    memcpy(&size, h->records.data + *at + HEAD - sizeof size, sizeof size);
    *body = (keel_json){h->records.data + *at + HEAD, size};
    *at += HEAD + size;
    return true;
}

void history_path(keel_json body, char path[PATH_LIMIT]) {
    frame_reader fr = {body.data, body.data + body.len};
    const char *text = "";
    size_t len = 0;
    frame_get(&fr, &text, &len);
    snprintf(path, PATH_LIMIT, "%.*s", (int)len, text);
}

/* What was recorded from there on does not count any more, but for what is to be kept: ascending. */
static void reopen(history *h, int64_t from, keel_json keep) {
    keel_json body;
    size_t at = 0, left = 0;
    int64_t kept = 0;
    keel_json_iter it = keel_json_each(keep);
    h->count = 0;
    for (size_t begin = 0; history_next(h, &at, &body); begin = at) {
        int64_t seq;
        memcpy(&seq, h->records.data + begin, sizeof seq);
        while (seq >= from && kept < seq && keep.len && keel_json_next(&it)) {
            keel_json_int(it.value, &kept);
        }
        if (seq < from || kept == seq) {
            memmove(h->records.data + left, h->records.data + begin, at - begin);
            left += at - begin;
            h->count++;
        }
    }
    h->records.len = left;
}

/* ---- one record each ---- */

static size_t begin_record(history *h, const journal_row *row, const char *kind, const char *name,
                           const char *hash) {
    size_t at = h->records.len;
    char head[HEAD] = {0};
    if (h->records.len >= LONG && h->records.cap < ROOM) {
        keel_buf_reserve(&h->records, ROOM);
    }
    memcpy(head, &row->seq, sizeof row->seq);
    keel_buf_append(&h->records, head, sizeof head);
    frame_put(&h->records, row->path, strlen(row->path));
    frame_put(&h->records, kind, strlen(kind));
    frame_put(&h->records, name, strlen(name));
    frame_put(&h->records, hash, strlen(hash));
    return at;
}

static void end_record(history *h, size_t at) {
    uint32_t size = (uint32_t)(h->records.len - at - HEAD);
    memcpy(h->records.data + at + HEAD - sizeof size, &size, sizeof size);
    h->count++;
}

static void put_wrapped(history *h, const char *open, keel_json value) {
    keel_buf_puts(&h->records, open);
    if (value.len) {
        keel_buf_append(&h->records, value.data, value.len);
    } else {
        keel_buf_append(&h->records, "null", 4);
    }
    keel_buf_putc(&h->records, '}');
}

/* The digest of a call without arguments that matter. Steps of one name follow each other by the
 * thousand, so the last one is kept. */
static const char *plain_digest(history *h, const char *kind, const char *name, bool bare) {
    if (strcmp(h->kind, kind) != 0 || strcmp(h->name, name) != 0) {
        snprintf(h->kind, sizeof h->kind, "%s", kind);
        snprintf(h->name, sizeof h->name, "%s", name);
        call_digest(h->hash, kind, name, bare ? (keel_json){0} : keel_json_view("{}", 2));
    }
    return h->hash;
}

static void put_plain(history *h, const journal_row *row, const char *kind, const char *name,
                      keel_json value) {
    bool bare = row->kind == RECORD_STEP || row->kind == RECORD_LOG;
    size_t at = begin_record(h, row, kind, name, plain_digest(h, kind, name, bare));
    put_wrapped(h, "{\"ok\":", value);
    end_record(h, at);
}

static void put_step(history *h, const journal_row *row) {
    char name[256];
    keel_json_copy(keel_json_get(row->body, "name"), name, sizeof name);
    put_plain(h, row, "step", name, keel_json_get(row->body, "result"));
}

static void put_spawn(history *h, const journal_row *row) {
    char hash[20];
    keel_json_copy(keel_json_get(row->body, "call"), hash, sizeof hash);
    h->outcome.len = 0;
    keel_json_writer w;
    keel_json_write(&w, &h->outcome);
    keel_json_object(&w);
    keel_json_set_raw(&w, "existing", keel_json_get(row->body, "existing"));
    keel_json_set_raw(&w, "run", keel_json_get(row->body, "run"));
    keel_json_object_end(&w);
    size_t at = begin_record(h, row, "spawn", "run.spawn", hash);
    put_wrapped(h, "{\"ok\":", keel_json_view(h->outcome.data, h->outcome.len));
    end_record(h, at);
}

static void put_woken(history *h, const journal_row *row) {
    char hash[20], kind[16];
    keel_json_copy(keel_json_get(row->body, "call"), hash, sizeof hash);
    keel_json_copy(keel_json_get(row->body, "kind"), kind, sizeof kind);
    keel_json outcome = keel_json_get(row->body, "outcome");
    if (KEEL_PLANTED("replay_other_answer")) {
        outcome = keel_json_view("{\"ok\":0}", 8);
    }
    size_t at = begin_record(h, row, kind, "", hash);
    keel_buf_append(&h->records, outcome.data, outcome.len);
    end_record(h, at);
}

/* An effect that is over: done gives its result, all else an error. */
static void put_effect(history *h, const journal_row *row) {
    char hash[20], target[128];
    keel_json_copy(keel_json_get(row->body, "call"), hash, sizeof hash);
    keel_json_copy(keel_json_get(row->body, "target"), target, sizeof target);
    bool done = row->kind == RECORD_EFFECT_DONE;
    size_t at =
        begin_record(h, row, strcmp(target, "run.spawn") ? "effect" : "spawn", target, hash);
    put_wrapped(
        h, done ? "{\"ok\":" : "{\"err\":", keel_json_get(row->body, done ? "result" : "error"));
    end_record(h, at);
}

static void put_begin(history *h, const journal_row *row) {
    keel_json input = keel_json_get(row->body, "input");
    keel_buf_append(&h->input, input.data, input.len);
    keel_json_int(keel_json_get(row->body, "previous"), &h->previous);
}

static void put_log(history *h, const journal_row *row) {
    put_plain(h, row, "log", "", (keel_json){0});
}

static void put_now(history *h, const journal_row *row) {
    put_plain(h, row, "now", "", keel_json_get(row->body, "us"));
}

static void put_random(history *h, const journal_row *row) {
    put_plain(h, row, "random", "", keel_json_get(row->body, "hex"));
}

static void take_reopened(history *h, const journal_row *row) {
    int64_t from = row->seq;
    keel_json_int(keel_json_get(row->body, "from"), &from);
    reopen(h, from, keel_json_get(row->body, "keep"));
}

typedef void put_record(history *h, const journal_row *row);

/* Openings and host marks are not here: there is nothing to answer. */
static put_record *const puts_of[RECORD_KIND_MAX] = {
    [RECORD_RUN_BEGIN] = put_begin,
    [RECORD_STEP] = put_step,
    [RECORD_LOG] = put_log,
    [RECORD_NOW] = put_now,
    [RECORD_RANDOM] = put_random,
    [RECORD_SPAWN] = put_spawn,
    [RECORD_WOKEN] = put_woken,
    [RECORD_EFFECT_DONE] = put_effect,
    [RECORD_EFFECT_NOT_DONE] = put_effect,
    [RECORD_EFFECT_DENIED] = put_effect,
    [RECORD_EFFECT_REJECTED] = put_effect,
    [RECORD_EFFECT_EXPIRED] = put_effect,
    [RECORD_RUN_REOPENED] = take_reopened,
};

void history_add(history *h, const journal_row *row) {
    put_record *put = row->kind < RECORD_KIND_MAX ? puts_of[row->kind] : NULL;
    if (!put || h->erased || strchr(row->path, '~')) {
        return; /* behind a ~ somebody took it back: its script knows nothing of it */
    }
    if (!row->body.data) {
        h->erased = true;
        snprintf(h->erased_path, sizeof h->erased_path, "%s", row->path);
        return;
    }
    put(h, row);
}

/* ---- the arguments of a call that was recorded ---- */

#define LATE_US 50000 /* between a call and the time of its record */

bool history_certain(const char *kind, const char *name, const keel_buf *args, const char *hash) {
    char hex[17];
    call_digest(hex, kind, name, keel_json_view(args->data, args->len));
    return strcmp(hex, hash) == 0;
}

static void span_args(const char *key, keel_json name, int64_t us, keel_buf *out) {
    keel_json_writer w;
    keel_buf_clear(out);
    keel_json_write(&w, out);
    keel_json_object(&w);
    if (name.data) {
        keel_json_set_raw(&w, "name", name);
    }
    if (us >= 0) {
        keel_json_set_int(&w, key, us);
    }
    keel_json_object_end(&w);
}

/* The record says until when, and its own time is a little later than the call's: the span that was
 * asked for is the first above the difference that has the call's digest. */
void history_span(const char *kind, const journal_row *row, keel_buf *args) {
    char hash[20] = "";
    int64_t until = 0;
    bool found = false, timed = keel_json_int(keel_json_get(row->body, "until_us"), &until);
    const char *key = strcmp(kind, "sleep") == 0 ? "us" : "timeout_us";
    keel_json_copy(keel_json_get(row->body, "call"), hash, sizeof hash);
    for (int64_t late = 0; !found && late <= (timed ? LATE_US : 0); late++) {
        span_args(key, keel_json_get(row->body, "name"), timed ? until - row->at + late : -1, args);
        found = history_certain(kind, "", args, hash);
    }
    if (!found) {
        keel_buf_clear(args);
        keel_buf_puts(args, "{}");
    }
}

typedef struct finding {
    const char *path;
    const char *kind;
    char name[128], call[20];
    uint64_t child; /* whose own record has the input of a spawn */
    keel_buf args;
} finding;

static void set_if(keel_json_writer *w, const char *key, keel_json v) {
    if (v.data) {
        keel_json_set_raw(w, key, v);
    }
}

/* The target is CONNECTION.RESOURCE.VERB, and the call's arguments name the three. */
static void effect_args(finding *f, const journal_row *row) {
    const char *first = strchr(f->name, '.'), *last = strrchr(f->name, '.');
    keel_json args = keel_json_get(row->body, "args");
    if (!args.data || !first || first == last) {
        return;
    }
    keel_json_writer w;
    keel_json_write(&w, &f->args);
    keel_json_object(&w);
    keel_json_set_raw(&w, "args", args);
    set_if(&w, "evidence", keel_json_get(row->body, "evidence"));
    keel_json_key(&w, "resource");
    keel_json_textn(&w, first + 1, (size_t)(last - first - 1));
    keel_json_key(&w, "use");
    keel_json_textn(&w, f->name, (size_t)(first - f->name));
    keel_json_set_text(&w, "verb", last + 1);
    set_if(&w, "why", keel_json_get(row->body, "why"));
    keel_json_object_end(&w);
}

static void find_effect(finding *f, const journal_row *row) {
    f->kind = "effect";
    keel_json_copy(keel_json_get(row->body, "target"), f->name, sizeof f->name);
    if (strcmp(f->name, "run.spawn") == 0) {
        keel_json args = keel_json_get(row->body, "args");
        f->kind = "spawn";
        keel_buf_append(&f->args, args.data, args.len);
    } else {
        effect_args(f, row);
    }
}

static void find_spawn(finding *f, const journal_row *row) {
    int64_t child = 0;
    f->kind = "spawn";
    snprintf(f->name, sizeof f->name, "run.spawn");
    keel_json_int(keel_json_get(row->body, "run"), &child);
    f->child = (uint64_t)child;
}

static void find_wait(finding *f, const journal_row *row) {
    f->kind = "wait";
    keel_json target = keel_json_get(row->body, "run");
    keel_buf_printf(&f->args, "{\"run\":%.*s}", (int)target.len, target.data);
}

static void find_asked(finding *f, const journal_row *row) {
    keel_json args = keel_json_get(row->body, "args");
    f->kind = "ask";
    keel_buf_append(&f->args, args.data, args.len);
}

static int on_call_record(void *ctx, const journal_row *row) {
    finding *f = ctx;
    if (strcmp(row->path, f->path) != 0 || !row->body.data) {
        return 0;
    }
    keel_json_copy(keel_json_get(row->body, "call"), f->call, sizeof f->call);
    switch (row->kind) {
    case RECORD_EFFECT_DENIED:
    case RECORD_EFFECT_WAITING:
    case RECORD_EFFECT_INTENDED:
        find_effect(f, row);
        return 1;
    case RECORD_SPAWN:
        find_spawn(f, row);
        return 1;
    case RECORD_WAIT:
        find_wait(f, row);
        return 1;
    case RECORD_QUESTION:
        find_asked(f, row);
        return 1;
    case RECORD_SLEEP:
    case RECORD_RECEIVE:
        f->kind = row->kind == RECORD_SLEEP ? "sleep" : "receive";
        history_span(f->kind, row, &f->args);
        return 1;
    default:
        return 0;
    }
}

static int on_child_begin(void *ctx, const journal_row *row) {
    finding *f = ctx;
    if (row->kind != RECORD_RUN_BEGIN || !row->body.data) {
        return 0;
    }
    keel_json_writer w;
    keel_json_write(&w, &f->args);
    keel_json_object(&w);
    keel_json_set_raw(&w, "agent", keel_json_get(row->body, "agent"));
    keel_json_set_raw(&w, "input", keel_json_get(row->body, "input"));
    set_if(&w, "key", keel_json_get(row->body, "key"));
    keel_json returns = keel_json_path(row->body, "quarantine.returns");
    if (returns.len) {
        keel_json_set_bool(&w, "quarantine", true);
        keel_json_set_raw(&w, "returns", returns);
    }
    keel_json_object_end(&w);
    return 1; /* the first record is enough */
}

int history_args(reader *r, uint64_t run_id, const char *path, keel_buf *out, diag *d) {
    finding f = {.path = path};
    int rc = reader_runs(r, &run_id, 1, on_call_record, &f, d);
    if (!rc && f.child) {
        rc = reader_runs(r, &f.child, 1, on_child_begin, &f, d);
    }
    if (!rc && f.kind && f.args.len && history_certain(f.kind, f.name, &f.args, f.call)) {
        keel_buf_append(out, f.args.data, f.args.len);
    }
    keel_buf_free(&f.args);
    return rc;
}
