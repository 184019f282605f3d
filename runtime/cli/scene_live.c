/* The run that is compared with its scene, call by call. */
#include <stdlib.h>
#include <string.h>

#include "scene_int.h"
#include "text.h"

#define DIFFERENCES 6
#define NONE        SIZE_MAX

typedef struct said {
    char path[PATH_LIMIT], kind[16], call[20], name[256];
    keel_json value; /* step: result; log: a text; a call: its arguments */
} said;

static bool field(frame_reader *r, char *to, size_t size) {
    const char *text;
    size_t len;
    if (frame_get(r, &text, &len) || len >= size) {
        return false;
    }
    memcpy(to, text, len);
    to[len] = 0;
    return true;
}

static bool one_way(const char *kind) {
    return strcmp(kind, "step") == 0 || strcmp(kind, "log") == 0;
}

static keel_json view(const keel_buf *b) {
    return keel_json_view(b->data, b->len);
}

void live_title(const char *kind, const char *name, keel_buf *out) {
    keel_buf_puts(out, strcmp(kind, "effect") == 0 ? "use" : kind);
    if (*name) {
        keel_buf_putc(out, ' ');
        text_line(out, name, strlen(name));
    }
}

static void title_said(const said *w, keel_buf *out) {
    live_title(w->kind, strcmp(w->kind, "log") == 0 ? "" : w->name, out);
    keel_buf_putc(out, ' ');
    scene_short(w->value, 100, out);
}

void live_call_title(const scene_call *c, keel_buf *out) {
    live_title(c->kind, strcmp(c->kind, "log") == 0 ? "" : c->name, out);
    const keel_buf *value = one_way(c->kind) ? &c->outcome : &c->args;
    if (value->len > 2) {
        keel_buf_putc(out, ' ');
        scene_short(view(value), 100, out);
    }
}

/* Both sides, and what came just before that the scene does not speak of. */
static void two_sides(stage *g, const scene_call *c, const said *w) {
    keel_buf *out = &g->report->detail;
    keel_buf_puts(out, "expected  ");
    if (c) {
        live_call_title(c, out);
    } else {
        keel_buf_puts(out, "no further call");
    }
    keel_buf_puts(out, "\ngot       ");
    title_said(w, out);
    keel_buf_putc(out, '\n');
    if (g->skipped.len) {
        keel_buf_printf(out, "before it %s\n", g->skipped.data);
    }
}

/* ---- finding and comparing ---- */

/* The scene's call that this one is to be: that of its path, else the first that is not used. */
static size_t candidate(const stage *g, const said *w) {
    size_t first = NONE;
    for (size_t i = 0; i < g->s->count; i++) {
        const scene_call *c = &g->s->calls[i];
        if (g->used[i]) {
            continue;
        }
        if (c->path[0] && strcmp(c->path, w->path) == 0) {
            return i;
        }
        if (!c->path[0] && first == NONE) {
            first = i;
        }
    }
    return first;
}

/* To update: the first of the same kind and name, whatever its arguments were. */
static size_t namesake(const stage *g, const said *w) {
    for (size_t i = 0; i < g->s->count; i++) {
        const scene_call *c = &g->s->calls[i];
        if (!g->used[i] && strcmp(c->kind, w->kind) == 0 && strcmp(c->name, w->name) == 0) {
            return i;
        }
    }
    return NONE;
}

bool live_same(keel_json a, keel_json b) {
    return a.len == b.len && a.data && b.data && memcmp(a.data, b.data, a.len) == 0;
}

static bool same_args(const scene_call *c, const said *w) {
    for (keel_json_iter it = keel_json_each(view(&c->args)); keel_json_next(&it);) {
        char key[24];
        keel_json_copy(it.key, key, sizeof key);
        if (!live_same(it.value, keel_json_get(w->value, key))) {
            return false;
        }
    }
    return true;
}

static void differ_args(stage *g, const scene_call *c, const said *w) {
    for (keel_json_iter it = keel_json_each(view(&c->args)); keel_json_next(&it);) {
        char key[24];
        keel_json_copy(it.key, key, sizeof key);
        scene_differ(it.value, keel_json_get(w->value, key), key, DIFFERENCES, &g->report->detail);
    }
}

/* ---- what becomes of it ---- */

static played *record(stage *g, const played *r) {
    if (g->record_count == g->record_room) {
        g->record_room = g->record_room ? g->record_room * 2 : 32;
        g->records = keel_realloc(g->records, g->record_room * sizeof *g->records);
    }
    g->records[g->record_count] = *r;
    return &g->records[g->record_count++];
}

static played played_of(const said *w, const frame *f) {
    played r = {.name = keel_strdup(w->name)};
    snprintf(r.path, sizeof r.path, "%s", w->path);
    snprintf(r.kind, sizeof r.kind, "%s", w->kind);
    snprintf(r.call, sizeof r.call, "%s", w->call);
    keel_buf_append(&r.out, f->body, f->len);
    return r;
}

static scene_call *seen(stage *g, const played *r, const char *kind, const char *name) {
    scene_call *c = scene_add(g->seen, kind);
    free(c->name);
    c->name = keel_strdup(name);
    if (strchr(r->path, '.')) {
        free(c->path);
        c->path = keel_strdup(r->path);
    }
    return c;
}

/* Steps and log lines are written where the scene had some, or said nothing yet. */
static bool wants(const stage *g) {
    bool some = g->s->count == 0 || !g->s->end[0];
    for (size_t i = 0; !some && i < g->s->count; i++) {
        some = one_way(g->s->calls[i].kind);
    }
    return some;
}

static void see_one_way(stage *g, const said *w, const played *r) {
    if (g->seen && wants(g)) {
        scene_call *c = seen(g, r, w->kind, w->name);
        keel_buf_append(&c->outcome, w->value.data, w->value.len);
    }
}

static void compare_one_way(stage *g, const said *w) {
    size_t i = candidate(g, w);
    scene_call *c = i == NONE ? NULL : &g->s->calls[i];
    bool kind = c && strcmp(c->kind, w->kind) == 0;
    bool step = strcmp(w->kind, "step") == 0;
    bool name = kind && (strcmp(c->name, w->name) == 0 || (!step && !c->name[0]));
    bool value = name && (c->outcome.len == 0 || live_same(view(&c->outcome), w->value));
    if (value) {
        g->used[i] = true;
        keel_buf_clear(&g->skipped);
    } else if (name && step) {
        scene_differ(view(&c->outcome), w->value, "gives", DIFFERENCES, &g->report->detail);
        stage_fail(g, c->line, "the step %s at path %s gives something else", w->name, w->path);
    } else {
        keel_buf_clear(&g->skipped);
        title_said(w, &g->skipped);
    }
}

static void acknowledge(stage *g, uint64_t run, int64_t count) {
    rehearsal_send(g->process, X_ACK, run, (uint64_t)count, "", 0);
}

static void on_one_way(stage *g, const frame *f) {
    frame_reader r = frame_read(f);
    said w = {.call = "0000000000000000"};
    snprintf(w.kind, sizeof w.kind, "%s", f->type == X_STEP ? "step" : "log");
    if (!field(&r, w.path, sizeof w.path) || !field(&r, w.name, sizeof w.name)) {
        stage_fail(g, 0, "its executor sent a record that cannot be read");
        return;
    }
    w.value = keel_json_view(r.p, (size_t)(r.end - r.p));
    played p = played_of(&w, f);
    if (f->type == X_LOG) {
        free(p.name);
        p.name = keel_strdup("");
        keel_buf_puts(&p.outcome, "{\"ok\":null}");
    } else {
        keel_buf_printf(&p.outcome, "{\"ok\":%.*s}", (int)w.value.len, w.value.data);
    }
    record(g, &p);
    see_one_way(g, &w, &p);
    acknowledge(g, f->run, ++g->one_way);
    if (!g->seen) {
        compare_one_way(g, &w);
    }
}

/* ---- calls ---- */

static void name_of(said *w) {
    char use[64] = "", resource[64] = "", verb[16] = "";
    if (strcmp(w->kind, "effect") == 0) {
        keel_json_copy(keel_json_get(w->value, "use"), use, sizeof use);
        keel_json_copy(keel_json_get(w->value, "resource"), resource, sizeof resource);
        keel_json_copy(keel_json_get(w->value, "verb"), verb, sizeof verb);
        snprintf(w->name, sizeof w->name, "%s.%s.%s", use, resource, verb);
    } else if (strcmp(w->kind, "spawn") == 0) {
        keel_json_copy(keel_json_get(w->value, "agent"), w->name, sizeof w->name);
    } else if (strcmp(w->kind, "receive") == 0) {
        keel_json_copy(keel_json_get(w->value, "name"), w->name, sizeof w->name);
    }
}

/* X_RECORD's word for it. */
static const char *record_name(const said *w) {
    bool effect = strcmp(w->kind, "effect") == 0, spawn = strcmp(w->kind, "spawn") == 0;
    return effect ? w->name : spawn ? "run.spawn" : "";
}

static void copy_args(const said *w, scene_call *to) {
    static const char *const kept[] = {"args",       "choices", "default", "evidence", "expires_us",
                                       "input",      "key",     "kind",    "question", "run",
                                       "timeout_us", "us",      "why"};
    keel_json_writer j;
    keel_json_write(&j, &to->args);
    keel_json_object(&j);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        keel_json v = keel_json_get(w->value, kept[i]);
        if (v.data) {
            keel_json_set_raw(&j, kept[i], v);
        }
    }
    keel_json_object_end(&j);
}

static void give(stage *g, size_t at) {
    waiting *w = &g->waits[at];
    const scene_call *c = &g->s->calls[w->call];
    keel_buf_append(&w->record.outcome, c->outcome.data, c->outcome.len);
    rehearsal_answer(g->process, 1, w->record.path, &c->outcome);
    record(g, &w->record);
    memmove(w, w + 1, (g->wait_count - at - 1) * sizeof *w);
    g->wait_count--;
}

static size_t wait_of(const stage *g, size_t call) {
    for (size_t i = 0; i < g->wait_count; i++) {
        if (g->waits[i].call == call) {
            return i;
        }
    }
    return NONE;
}

/* Answers in the order of the scene, as far as its calls were made. */
static void pump(stage *g) {
    for (; g->next_answer < g->s->count; g->next_answer++) {
        const scene_call *c = &g->s->calls[g->next_answer];
        size_t at = wait_of(g, g->next_answer);
        if (one_way(c->kind) || c->open) {
            continue;
        }
        if (at == NONE) {
            return;
        }
        give(g, at);
    }
}

static void take(stage *g, const said *w, const frame *f, size_t i) {
    g->used[i] = true;
    keel_buf_clear(&g->skipped);
    g->waits = keel_realloc(g->waits, (g->wait_count + 1) * sizeof *g->waits);
    said as = *w;
    snprintf(as.name, sizeof as.name, "%s", record_name(w));
    g->waits[g->wait_count++] = (waiting){i, played_of(&as, f)};
    if (g->seen) {
        const scene_call *c = &g->s->calls[i];
        scene_call *now = seen(g, &g->waits[g->wait_count - 1].record, w->kind, w->name);
        copy_args(w, now);
        now->open = c->open;
        keel_buf_append(&now->outcome, c->outcome.data, c->outcome.len);
        if (!c->open) {
            give(g, g->wait_count - 1);
        }
    } else {
        pump(g);
    }
}

static void unknown_call(stage *g, const said *w) {
    if (strcmp(w->kind, "sleep") == 0 || strcmp(w->kind, "now") == 0) {
        keel_buf_printf(&g->report->detail, "add      - %s: %s\n", w->kind,
                        *w->kind == 's' ? "null" : "1700000000000000");
    } else {
        keel_buf_puts(&g->report->detail, "add      - ");
        live_title(w->kind, w->name, &g->report->detail);
        keel_buf_puts(&g->report->detail, ", with ok: or err:\n");
    }
    keel_buf_puts(&g->report->detail, "got      ");
    title_said(w, &g->report->detail);
    keel_buf_putc(&g->report->detail, '\n');
    stage_fail(g, 0, "the scene has no answer for the call at path %s", w->path);
}

static void compare_call(stage *g, const said *w, const frame *f) {
    size_t i = candidate(g, w);
    const scene_call *c = i == NONE ? NULL : &g->s->calls[i];
    bool named = c && strcmp(c->kind, w->kind) == 0 && strcmp(c->name, w->name) == 0;
    if (named && same_args(c, w)) {
        take(g, w, f, i);
    } else if (named) {
        keel_buf title = KEEL_BUF_INIT;
        live_title(w->kind, w->name, &title);
        differ_args(g, c, w);
        stage_fail(g, c->line, "path %s, %s, differs", w->path, title.data);
        keel_buf_free(&title);
    } else {
        two_sides(g, c, w);
        stage_fail(g, c ? c->line : g->s->end_line, "path %s is another call", w->path);
    }
}

static void on_call(stage *g, const frame *f) {
    frame_reader r = frame_read(f);
    said w = {.kind = ""};
    if (!field(&r, w.path, sizeof w.path) || !field(&r, w.kind, sizeof w.kind) ||
        !field(&r, w.call, sizeof w.call)) {
        stage_fail(g, 0, "its executor sent a call that cannot be read");
        return;
    }
    w.value = keel_json_view(r.p, (size_t)(r.end - r.p));
    name_of(&w);
    if (!g->seen) {
        compare_call(g, &w, f);
        return;
    }
    size_t i = namesake(g, &w);
    if (i == NONE) {
        unknown_call(g, &w);
    } else {
        take(g, &w, f, i);
    }
}

void live_frame(stage *g, const frame *f) {
    if (f->type == X_STEP || f->type == X_LOG) {
        on_one_way(g, f);
    } else if (f->type == X_CALL) {
        on_call(g, f);
    } else if (f->type == X_END) {
        live_end_frame(g, f);
    }
}

void live_stuck(stage *g) {
    const scene_call *next = g->next_answer < g->s->count ? &g->s->calls[g->next_answer] : NULL;
    for (size_t i = 0; i < g->wait_count; i++) {
        keel_buf_printf(&g->report->detail, "waits     path %s, ", g->waits[i].record.path);
        live_call_title(&g->s->calls[g->waits[i].call], &g->report->detail);
        keel_buf_putc(&g->report->detail, '\n');
    }
    if (next && !g->seen) {
        keel_buf_puts(&g->report->detail, "expected  ");
        live_call_title(next, &g->report->detail);
        keel_buf_putc(&g->report->detail, '\n');
        stage_fail(g, next->line, "the run waits, and this call does not come");
    } else {
        stage_fail(g, 0, "the run waits for answers that the scene does not have");
    }
}
