#include "mismatch.h"

#include <inttypes.h>
#include <string.h>

#include "diff.h"
#include "scene.h"
#include "text.h"

static void put_word(keel_buf *out, keel_json v) {
    keel_buf text = KEEL_BUF_INIT;
    if (keel_json_string(v, &text) && text.len) {
        keel_buf_putc(out, ' ');
        text_line(out, text.data, text.len);
    }
    keel_buf_free(&text);
}

/* A call as lines that can be compared: what it is, and its arguments one by one. */
static void put_call(keel_json call, keel_buf *out) {
    if (keel_json_typeof(call) != KEEL_JSON_OBJECT) {
        keel_buf_puts(out, "no call\n");
        return;
    }
    keel_json args = keel_json_get(call, "args"), hash = keel_json_get(call, "call");
    keel_buf_puts(out, "call:");
    put_word(out, keel_json_get(call, "kind"));
    put_word(out, keel_json_get(call, "name"));
    keel_buf_putc(out, '\n');
    if (args.data && args.len) {
        keel_buf_puts(out, "arguments:");
        scene_write_value(args, 2, out);
        keel_buf_puts(out, out->data[out->len - 1] == '\n' ? "" : "\n");
    } else if (keel_json_typeof(hash) == KEEL_JSON_STRING) {
        keel_buf_puts(out, "arguments: not kept in words; digest");
        put_word(out, hash);
        keel_buf_putc(out, '\n');
    }
}

void mismatch_show(keel_json detail, const term *on, keel_buf *out) {
    keel_buf was = KEEL_BUF_INIT, now = KEEL_BUF_INIT, path = KEEL_BUF_INIT;
    put_call(keel_json_get(detail, "recorded"), &was);
    put_call(keel_json_get(detail, "now"), &now);
    keel_json_string(keel_json_get(detail, "path"), &path);
    keel_buf_puts(out, "  At ");
    text_line(out, path.len ? path.data : "its end", path.len ? path.len : 7);
    keel_buf_puts(out, " the record has (-), and its code now does (+):\n");
    if (!diff_lines(out, was.data, was.len, now.data, now.len, on)) {
        keel_buf_puts(out, "    the same words with another digest\n");
    }
    keel_buf_free(&was);
    keel_buf_free(&now);
    keel_buf_free(&path);
}

static int on_paused(void *ctx, const journal_row *row) {
    keel_buf *detail = ctx;
    if (row->kind != RECORD_RUN_PAUSED) {
        return 0;
    }
    keel_buf_clear(detail);
    if (keel_json_is(keel_json_get(row->body, "reason"), "replay_mismatch")) {
        keel_json v = keel_json_get(row->body, "detail");
        keel_buf_append(detail, v.data, v.len);
    }
    return 0;
}

int mismatch_find(cli *c, uint64_t run, keel_buf *detail, diag *d) {
    return reader_runs(c->db, &run, 1, on_paused, detail, d);
}

void mismatch_next(uint64_t run, keel_buf *out) {
    keel_buf_printf(out,
                    "  Nothing of it was sent. Look closer with `keel replay %" PRIu64 "`. Then\n"
                    "    keel run migrate %" PRIu64 "   go on with a version whose replay is the "
                    "same\n"
                    "    keel run resume %" PRIu64 "    once the cause is mended\n"
                    "    keel run cancel %" PRIu64 "    end it\n",
                    run, run, run, run);
}
