/* How the compared run ends, beside how its scene says it does. */
#include <string.h>

#include "scene_int.h"

#define DIFFERENCES 6

static keel_json view(const keel_buf *b) {
    return keel_json_view(b->data, b->len);
}

static void unexpected_end(stage *g, const char *state, keel_json body) {
    char message[400] = "";
    keel_buf trace = KEEL_BUF_INIT;
    keel_json error = keel_json_get(body, "error");
    if (error.data) {
        keel_json_copy(keel_json_get(error, "message"), message, sizeof message);
        stage_place(g, message);
        keel_json_string(keel_json_get(error, "trace"), &trace);
        keel_buf_append(&g->report->detail, trace.data, trace.len);
        keel_buf_puts(&g->report->detail, trace.len ? "\n" : "");
        stage_fail(g, 0, "the run failed: %s", message);
    } else {
        scene_differ((keel_json){0}, keel_json_get(body, "result"), "result", 1,
                     &g->report->detail);
        stage_fail(g, g->s->end_line, "the run has %s, and the scene says %s", state, g->s->end);
    }
    keel_buf_free(&trace);
}

static bool compare_failure(stage *g, keel_json error) {
    size_t before = g->report->detail.len;
    for (keel_json_iter it = keel_json_each(view(&g->s->result)); keel_json_next(&it);) {
        char key[24];
        keel_json_copy(it.key, key, sizeof key);
        scene_differ(it.value, keel_json_get(error, key), key, DIFFERENCES, &g->report->detail);
    }
    return g->report->detail.len == before;
}

static void compare_end(stage *g, const char *state, keel_json body) {
    keel_json result = keel_json_get(body, "result");
    for (size_t i = 0; i < g->s->count; i++) {
        if (!g->used[i] && !(strcmp(state, "failed") == 0 && strcmp(g->s->end, "failed") != 0)) {
            keel_buf_puts(&g->report->detail, "expected  ");
            live_call_title(&g->s->calls[i], &g->report->detail);
            keel_buf_printf(&g->report->detail, "\ngot       the end, %s ", state);
            scene_short(result, 100, &g->report->detail);
            keel_buf_putc(&g->report->detail, '\n');
            stage_fail(g, g->s->calls[i].line, "the run ended before it came to this");
            return;
        }
    }
    if (!g->s->end[0]) {
        keel_buf_puts(&g->report->detail, "got      ");
        scene_short(result, 200, &g->report->detail);
        keel_buf_putc(&g->report->detail, '\n');
        stage_fail(g, 0, "the scene does not say how the run ends (end:, failed: or continued:)");
    } else if (strcmp(g->s->end, state) != 0) {
        unexpected_end(g, state, body);
    } else if (strcmp(state, "failed") == 0) {
        if (!compare_failure(g, keel_json_get(body, "error"))) {
            stage_fail(g, g->s->end_line, "the run fails in another way");
        }
    } else if (!live_same(view(&g->s->result), result)) {
        scene_differ(view(&g->s->result), result, "", DIFFERENCES, &g->report->detail);
        stage_fail(g, g->s->end_line, "the run ends with another result");
    }
}

static void see_end(stage *g, const char *state, keel_json body) {
    keel_json error = keel_json_get(body, "error");
    snprintf(g->seen->end, sizeof g->seen->end, "%s", state);
    if (!error.data) {
        keel_json result = keel_json_get(body, "result");
        keel_buf_append(&g->seen->result, result.data, result.len);
        return;
    }
    keel_json_writer w;
    keel_json_write(&w, &g->seen->result);
    keel_json_object(&w);
    keel_json_set_raw(&w, "code", keel_json_get(error, "code"));
    keel_json_set_raw(&w, "message", keel_json_get(error, "message"));
    keel_json_object_end(&w);
}

void live_end_frame(stage *g, const frame *f) {
    keel_json body = keel_json_view(f->body, f->len);
    char state[16] = "";
    if (keel_json_check(f->body, f->len, NULL)) {
        stage_fail(g, 0, "its executor sent an end that cannot be read");
        return;
    }
    keel_json_copy(keel_json_get(body, "state"), state, sizeof state);
    keel_buf_append(&g->end, f->body, f->len);
    if (g->seen) {
        see_end(g, state, body);
    } else {
        compare_end(g, state, body);
    }
    if (!g->failed) {
        replay_begin(g);
    }
}
