#include <string.h>

#include "digest.h"
#include "scene_record.h"

#define LATE_US 50000 /* between a call and the time of its record */

bool scene_certain(const char *kind, const char *name, const keel_buf *args, const char *call) {
    keel_buf whole = KEEL_BUF_INIT;
    char hex[17];
    keel_buf_append(&whole, kind, strlen(kind) + 1);
    keel_buf_append(&whole, name, strlen(name) + 1);
    keel_buf_append(&whole, args->data, args->len);
    digest d = digest_of(whole.data, whole.len);
    hex_encode(hex, d.bytes, 8);
    keel_buf_free(&whole);
    return strcmp(hex, call) == 0;
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
void scene_span(const char *kind, const journal_row *row, keel_buf *args) {
    char call[20] = "";
    int64_t until = 0;
    bool found = false, timed = keel_json_int(keel_json_get(row->body, "until_us"), &until);
    const char *key = strcmp(kind, "sleep") == 0 ? "us" : "timeout_us";
    keel_json_copy(keel_json_get(row->body, "call"), call, sizeof call);
    for (int64_t late = 0; !found && late <= (timed ? LATE_US : 0); late++) {
        span_args(key, keel_json_get(row->body, "name"), timed ? until - row->at + late : -1, args);
        found = scene_certain(kind, "", args, call);
    }
    if (!found) {
        keel_buf_clear(args);
        keel_buf_puts(args, "{}");
    }
}
