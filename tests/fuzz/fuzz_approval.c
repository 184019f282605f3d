/* An approval as a person meets it, made of any arguments: every surface is clean, the editor's file read
 * back unchanged changes nothing, what is printed as JSON has the digest of what is signed, and any text that
 * an editor leaves is read without a fault. The input is JSON, then a byte of 0 and what the editor left;
 * what is no JSON is taken as text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"
#include "digest.h"
#include "editfile.h"
#include "looks.h"
#include "punycode.h"
#include "render.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static keel_json value_of(const char *data, size_t size, keel_buf *out) {
    keel_json_error e;
    keel_json_writer w;
    if (keel_json_canonical(out, data, size, &e) != 0) {
        keel_json_write(&w, out);
        keel_json_textn(&w, data, size);
    }
    return keel_json_view(out->data, out->len);
}

static void must(bool holds) {
    if (!holds) {
        abort();
    }
}

static void check_clean(const keel_buf *out) {
    for (size_t at = 0, used = 0; at < out->len; at += used) {
        int32_t cp = text_next(out->data + at, out->len - at, &used);
        must(cp == '\n' || cp == 0xfe0f || (cp >= 0 && !text_is_hidden(cp)));
    }
}

/* ---- what is shown ---- */

static bool body_of(void *ctx, const looks_item *item, const term *on, keel_buf *shared,
                    keel_buf *own) {
    (void)item;
    render_shared(ctx, on, shared);
    render_own(ctx, on, 1, own);
    return true;
}

static void check_screen(render_card *card) {
    static const key page = {.code = KEY_PAGE_DOWN};
    const looks_item item = {.number = 1, .version = "v", .kind = "approval", .most = 1};
    looks *l = looks_create(body_of, card, false);
    looks_size(l, 12, 50);
    looks_update(l, &item, 1);
    for (int i = 0; i < 20; i++) {
        size_t rows;
        const keel_buf *screen = looks_draw(l, i * 1000, 1, &rows);
        for (size_t r = 0; r < rows; r++) {
            check_clean(&screen[r]);
            must(text_width(screen[r].data, screen[r].len) <= 50);
        }
        looks_key(l, &page, i * 1000);
    }
    looks_destroy(l);
}

static void check_shown(keel_json v) {
    const term narrow = {.terminal = true, .width = 60};
    keel_buf out = KEEL_BUF_INIT;
    alike_known *known = alike_create();
    alike_add(known, "studio.example", 14, "one of your own domains", true);
    alike_add_from(known, v, "who stands in what the run read");
    render_source sources[] = {{"what was read", v, SOURCE_READ, "1"},
                               {"what the run itself wrote", v, SOURCE_OWN, "2"}};
    render_card card = {.number = 1,
                        .run = 1,
                        .path = "1",
                        .agent = "agent",
                        .target = "inbox.message.write",
                        .class = "once",
                        .kind = "approval",
                        .state = "open",
                        .args = v,
                        .decision = v,
                        .why = v,
                        .evidence = v,
                        .sources = sources,
                        .source_count = 2,
                        .known = known};
    render(&card, &narrow, 1, &out);
    render_brief(&card, &out);
    check_clean(&out);
    check_screen(&card);
    alike_destroy(known);
    keel_buf_free(&out);
}

/* ---- what is signed ---- */

static void check_printed(keel_json v) {
    keel_buf out = KEEL_BUF_INIT, back = KEEL_BUF_INIT;
    text_json(&out, v.data, v.len);
    check_clean(&out);
    must(keel_json_canonical(&back, out.data, out.len, NULL) == 0);
    digest a = digest_of(v.data, v.len), b = digest_of(back.data, back.len);
    must(digest_equal(&a, &b));
    keel_buf_free(&out);
    keel_buf_free(&back);
}

/* ---- what is edited ---- */

static size_t names_of(keel_json v, char names[][64], const char **list, size_t most) {
    size_t n = 0;
    if (keel_json_typeof(v) != KEEL_JSON_OBJECT) {
        return 0;
    }
    for (keel_json_iter it = keel_json_each(v); n < most && keel_json_next(&it);) {
        long len = keel_json_copy(it.key, names[n], 64);
        bool plain = len > 0 && len < 64 && strlen(names[n]) == (size_t)len;
        if (plain && strcspn(names[n], "\r\n") == (size_t)len) {
            list[n] = names[n];
            n++;
        }
    }
    return n;
}

static void check_edit(keel_json v, const char *left, size_t left_len) {
    static char names[16][64];
    const char *list[16];
    const term plain = {.terminal = false};
    size_t n = names_of(v, names, list, 16);
    keel_buf text = KEEL_BUF_INIT, set = KEEL_BUF_INIT, out = KEEL_BUF_INIT;
    diag d = {0};
    if (n && edit_text(v, list, n, &text, &d) == 0) {
        must(edit_parse(v, text.data, text.len, &set, &d) == 0 && strcmp(set.data, "{}") == 0);
        keel_buf_clear(&set);
    }
    if (edit_parse(v, left, left_len, &set, &d) == 0) {
        keel_json changed = keel_json_view(set.data, set.len);
        keel_buf again = KEEL_BUF_INIT;
        must(keel_json_canonical(&again, changed.data, changed.len, NULL) == 0);
        keel_buf_free(&again);
    }
    diff_lines(&out, text.data ? text.data : "", text.len, left, left_len, &plain);
    check_clean(&out);
    keel_buf_free(&text);
    keel_buf_free(&set);
    keel_buf_free(&out);
}

/* ---- names ---- */

static void check_names(const char *text, size_t len) {
    keel_buf ascii = KEEL_BUF_INIT, back = KEEL_BUF_INIT, again = KEEL_BUF_INIT;
    if (punycode_encode(&ascii, text, len) && ascii.len > 4 &&
        strncmp(ascii.data, "xn--", 4) == 0 &&
        punycode_decode(&back, ascii.data + 4, ascii.len - 4)) {
        must(punycode_encode(&again, back.data, back.len) && strcmp(again.data, ascii.data) == 0);
    }
    keel_buf_clear(&back);
    (void)punycode_decode(&back, text, len);
    keel_buf_free(&ascii);
    keel_buf_free(&back);
    keel_buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    const char *cut = size ? memchr(text, 0, size) : NULL;
    size_t len = cut ? (size_t)(cut - text) : size;
    keel_buf json = KEEL_BUF_INIT;
    keel_json v = value_of(text, len, &json);
    keel_buf left = KEEL_BUF_INIT; /* NUL-terminated, as what is read from a file */
    keel_buf_append(&left, cut ? cut + 1 : "", cut ? size - len - 1 : 0);
    check_shown(v);
    check_printed(v);
    check_edit(v, left.data, left.len);
    check_names(text, len < 64 ? len : 64);
    keel_buf_free(&left);
    keel_buf_free(&json);
    return 0;
}
