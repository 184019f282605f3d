/* A replayed call that differs from its record: the run is paused, and its record has both sides with
 * their arguments, so that a person sees what has changed. */
#include "history.h"
#include "parts.h"

/* {"now","path","recorded"} as it came, with the recorded arguments where they can be told. */
static void with_arguments(keel_json body, const keel_buf *args, keel_buf *out) {
    static const char *const members[] = {"call", "kind", "name"};
    keel_json was = keel_json_get(body, "recorded");
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_set_raw(&w, "now", keel_json_get(body, "now"));
    keel_json_set_raw(&w, "path", keel_json_get(body, "path"));
    keel_json_key(&w, "recorded");
    keel_json_object(&w);
    if (args->len) {
        keel_json_set_raw(&w, "args", keel_json_view(args->data, args->len));
    }
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        keel_json v = keel_json_get(was, members[i]);
        if (v.data) {
            keel_json_set_raw(&w, members[i], v);
        }
    }
    keel_json_object_end(&w);
    keel_json_object_end(&w);
}

void run_mismatch(kernel *k, run *r, keel_json body) {
    char path[PATH_LIMIT] = "";
    keel_buf args = KEEL_BUF_INIT, detail = KEEL_BUF_INIT;
    body_text(body, "path", path, sizeof path);
    history_args(k->env.reads, r->id, path, &args, NULL); /* what cannot be told is left out */
    with_arguments(body, &args, &detail);
    run_pause(k, r, "replay_mismatch", keel_json_view(detail.data, detail.len));
    keel_buf_free(&args);
    keel_buf_free(&detail);
}
