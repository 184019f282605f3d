#include "mismatch.h"

#include <inttypes.h>
#include <string.h>

#include "diff.h"
#include "text.h"

static void put_word(keel_buf *out, keel_json v) {
    keel_buf text = KEEL_BUF_INIT;
    if (keel_json_string(v, &text) && text.len) {
        keel_buf_puts(out, out->len && out->data[out->len - 1] != '\n' ? " " : "");
        text_line(out, text.data, text.len);
    }
    keel_buf_free(&text);
}

static void put_lines(keel_buf *out, const char *place, keel_json v);

/* A text of several lines is compared line by line. */
static void put_text(keel_buf *out, const char *place, const keel_buf *text) {
    if (!text->len || !memchr(text->data, '\n', text->len)) {
        keel_buf_printf(out, "%s: \"", place);
        keel_buf_append(out, text->data, text->len);
        keel_buf_puts(out, "\"\n");
        return;
    }
    keel_buf_printf(out, "%s:\n", place);
    for (size_t at = 0; at < text->len;) {
        const char *end = memchr(text->data + at, '\n', text->len - at);
        size_t n = end ? (size_t)(end - text->data) - at : text->len - at;
        keel_buf_puts(out, "  | ");
        keel_buf_append(out, text->data + at, n);
        keel_buf_putc(out, '\n');
        at += n + 1;
    }
}

static void put_members(keel_buf *out, const char *place, keel_json v) {
    bool object = keel_json_typeof(v) == KEEL_JSON_OBJECT;
    size_t i = 0;
    for (keel_json_iter it = keel_json_each(v); keel_json_next(&it);) {
        keel_buf below = KEEL_BUF_INIT, name = KEEL_BUF_INIT;
        if (object) {
            keel_json_string(it.key, &name);
            keel_buf_printf(&below, "%s%s%s", place, *place ? "." : "", name.len ? name.data : "");
        } else {
            keel_buf_printf(&below, "%s[%zu]", place, ++i);
        }
        put_lines(out, below.data, it.value);
        keel_buf_free(&below);
        keel_buf_free(&name);
    }
}

/* One line for each value, under its place: args.to[1]: "ada@studio.example". */
static void put_lines(keel_buf *out, const char *place, keel_json v) {
    keel_buf text = KEEL_BUF_INIT;
    if (keel_json_string(v, &text)) {
        put_text(out, place, &text);
    } else if (keel_json_count(v) > 0) {
        put_members(out, place, v);
    } else {
        keel_buf_printf(out, "%s: %.*s\n", place, (int)v.len, v.data);
    }
    keel_buf_free(&text);
}

static void put_arguments(keel_buf *out, keel_json call, keel_json args) {
    static const char *const of_effects[] = {"args", "evidence", "why"};
    if (!keel_json_is(keel_json_get(call, "kind"), "effect")) {
        put_lines(out, keel_json_is(keel_json_get(call, "kind"), "end") ? "result" : "", args);
        return;
    }
    for (size_t i = 0; i < sizeof of_effects / sizeof *of_effects; i++) { /* the rest is its name */
        keel_json v = keel_json_get(args, of_effects[i]);
        if (v.data) {
            put_lines(out, of_effects[i], v);
        }
    }
}

/* A call as lines that can be compared: what it is, and its arguments one by one. */
static void put_call(keel_json call, keel_buf *out) {
    if (keel_json_typeof(call) != KEEL_JSON_OBJECT) {
        keel_buf_puts(out, "no call\n");
        return;
    }
    keel_json args = keel_json_get(call, "args"), hash = keel_json_get(call, "call");
    put_word(out, keel_json_get(call, "kind"));
    put_word(out, keel_json_get(call, "name"));
    keel_buf_putc(out, '\n');
    if (args.data && args.len) {
        put_arguments(out, call, args);
    } else if (keel_json_typeof(hash) == KEEL_JSON_STRING) {
        keel_buf_puts(out, "its arguments are kept as a digest only:");
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
