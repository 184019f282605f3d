/* What a test says to the scripted outside while it runs. */
#include <inttypes.h>
#include <string.h>

#include "world.h"

static void state(const world *w, answer *a) {
    char hex[DIGEST_HEX];
    keel_buf all = KEEL_BUF_INIT;
    keel_json_writer json;
    shelf_write(w->shelf, &all);
    digest of = digest_of(all.data, all.len);
    digest_hex(&of, hex);
    keel_json_write(&json, &a->body);
    keel_json_object(&json);
    keel_json_set_int(&json, "applied", w->applied);
    keel_json_set_int(&json, "late", (int64_t)late_count(w));
    keel_json_set_int(&json, "requests", w->requests);
    keel_json_set_text(&json, "store", hex);
    keel_json_object_end(&json);
    keel_buf_free(&all);
    a->status = 200;
}

static void set_faults(world *w, const request *q, answer *a) {
    diag d = {0};
    if (script_faults(&w->faults, q->body.data, q->body.len, &d)) {
        keel_json_writer json;
        keel_json_write(&json, &a->body);
        keel_json_object(&json);
        keel_json_set_text(&json, "error", d.what);
        keel_json_object_end(&json);
        a->status = 400;
    } else {
        state(w, a);
    }
}

bool control_serve(world *w, conn *c, const request *q) {
    static const char base[] = "/_fakeworld/";
    answer a = {0};
    keel_buf out = KEEL_BUF_INIT;
    if (strncmp(q->path, base, sizeof base - 1) != 0) {
        return false;
    }
    const char *what = q->path + sizeof base - 1;
    bool post = !strcmp(q->method, "POST");
    if (post && !strcmp(what, "faults")) {
        set_faults(w, q, &a);
    } else if (post && !strcmp(what, "late")) {
        late_apply_all(w);
        state(w, &a);
    } else if (post && !strcmp(what, "forget_keys")) {
        shelf_forget_keys(w->shelf);
        state(w, &a);
    } else if (post && !strcmp(what, "clear")) {
        shelf_clear(w->shelf);
        state(w, &a);
    } else if (!post && !strcmp(what, "state")) {
        state(w, &a);
    } else if (!post && !strcmp(what, "store")) {
        shelf_write(w->shelf, &a.body);
        a.status = 200;
    } else {
        answer_text(&a, 404, "{\"error\":\"POST faults late forget_keys clear, GET state store\"}");
    }
    serve_write(&out, &a, q->close, -1);
    conn_send(c, &out, q->close);
    keel_buf_free(&out);
    answer_free(&a);
    return true;
}
