/* Every prefix of the record, given to a run of its own, as a restart would give it: the run must
 * say what the first one said, to the byte, and end as it did. */
#include <stdlib.h>
#include <string.h>

#include "scene_int.h"

#define FIRST_RUN 2

static bool one_way(const played *r) {
    return strcmp(r->kind, "step") == 0 || strcmp(r->kind, "log") == 0;
}

static void pump(stage *g, replaying *p, uint64_t run) {
    for (; p->next < g->record_count && p->said[p->next]; p->next++) {
        const played *r = &g->records[p->next];
        if (!one_way(r)) {
            rehearsal_answer(g->process, run, r->path, &r->outcome);
        }
    }
}

void replay_begin(stage *g) {
    size_t all = g->record_count + 1, count = all < PREFIXES ? all : PREFIXES;
    g->replays = keel_alloc(count * sizeof *g->replays);
    g->replay_count = count;
    for (size_t i = 0; i < count; i++) {
        size_t prefix = count == all ? i : i * g->record_count / (count - 1);
        g->replays[i] = (replaying){.prefix = prefix, .next = prefix};
        g->replays[i].said = keel_alloc((all) * sizeof(bool));
        memset(g->replays[i].said, 0, all * sizeof(bool));
        stage_start(g, FIRST_RUN + i, prefix);
    }
}

static void differs(stage *g, const replaying *p, const char *what) {
    stage_fail(g, 0,
               "replayed after %zu of %zu records, as after a restart, it %s: its code "
               "depends on something that is not recorded",
               p->prefix, g->record_count, what);
}

/* The record that a frame's path names; the calls that were never answered are none. */
static size_t find(const stage *g, const replaying *p, const char *path, size_t len) {
    for (size_t k = 0; k < g->record_count; k++) {
        size_t i = (p->next + k) % g->record_count;
        if (strlen(g->records[i].path) == len && memcmp(g->records[i].path, path, len) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

static bool was_open(const stage *g, const frame *f) {
    for (size_t i = 0; i < g->wait_count; i++) {
        const keel_buf *out = &g->waits[i].record.out;
        if (out->len == f->len && memcmp(out->data, f->body, f->len) == 0) {
            return true;
        }
    }
    return false;
}

static void on_said(stage *g, replaying *p, const frame *f) {
    frame_reader r = frame_read(f);
    const char *path = "";
    size_t len = 0;
    if (f->type == X_CALL && was_open(g, f)) {
        return;
    }
    size_t i = frame_get(&r, &path, &len) ? SIZE_MAX : find(g, p, path, len);
    const keel_buf *was = i == SIZE_MAX ? NULL : &g->records[i].out;
    if (!was || was->len != f->len || memcmp(was->data, f->body, f->len) != 0) {
        keel_buf_printf(&g->report->detail, "path      %.*s\n", (int)len, path);
        differs(g, p, "goes another way");
        return;
    }
    p->said[i] = true;
    if (f->type != X_CALL) {
        rehearsal_send(g->process, X_ACK, f->run, (uint64_t)++p->one_way, "", 0);
    }
    pump(g, p, f->run);
}

static void on_end(stage *g, replaying *p, const frame *f) {
    if (f->len != g->end.len || memcmp(f->body, g->end.data, f->len) != 0) {
        scene_differ(keel_json_view(g->end.data, g->end.len), keel_json_view(f->body, f->len), "",
                     6, &g->report->detail);
        differs(g, p, "ends otherwise");
        return;
    }
    p->over = true;
    if (++g->replays_over == g->replay_count) {
        stage_over(g);
    }
}

static void on_mismatch(stage *g, const replaying *p, const frame *f) {
    keel_json body = keel_json_view(f->body, f->len);
    char path[PATH_LIMIT] = "";
    keel_json_copy(keel_json_get(body, "path"), path, sizeof path);
    keel_buf_printf(&g->report->detail, "path      %s\nrecorded  ", path);
    scene_short(keel_json_get(body, "recorded"), 100, &g->report->detail);
    keel_buf_puts(&g->report->detail, "\nnow       ");
    scene_short(keel_json_get(body, "now"), 100, &g->report->detail);
    keel_buf_putc(&g->report->detail, '\n');
    differs(g, p, "goes another way");
}

void replay_frame(stage *g, const frame *f) {
    size_t i = (size_t)f->run - FIRST_RUN;
    if (f->run < FIRST_RUN || i >= g->replay_count || g->replays[i].over) {
        return;
    }
    replaying *p = &g->replays[i];
    if (f->type == X_MISMATCH) {
        on_mismatch(g, p, f);
    } else if (f->type == X_END) {
        on_end(g, p, f);
    } else {
        on_said(g, p, f);
    }
}

void replay_stuck(stage *g) {
    for (size_t i = 0; i < g->replay_count; i++) {
        if (!g->replays[i].over) {
            differs(g, &g->replays[i], "stops and waits");
            return;
        }
    }
}
