/* Any arguments, claim and evidence make a card in which nothing hidden is left, no line of data
 * stands outside of the gutter's reach, and nothing crashes. The input is JSON; what is none is taken
 * as text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

static void check(const keel_buf *card) {
    for (size_t at = 0, used = 0; at < card->len; at += used) {
        int32_t cp = text_next(card->data + at, card->len - at, &used);
        if (cp != '\n' && cp != 0xfe0f && (cp < 0 || text_is_hidden(cp))) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const term narrow = {.terminal = true, .width = 60};
    keel_buf json = KEEL_BUF_INIT, out = KEEL_BUF_INIT;
    keel_json v = value_of((const char *)data, size, &json);
    render_source source = {"what was read", v, SOURCE_READ, "1"};
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
                        .sources = &source,
                        .source_count = 1};
    render(&card, &narrow, 1, &out);
    render_brief(&card, &out);
    render_outline(v, &narrow, &out);
    check(&out);
    keel_buf_free(&json);
    keel_buf_free(&out);
    return 0;
}
