#include <stdlib.h>
#include <string.h>

#include "render.h"

/* White space counts as one space: mail is wrapped anew by every program that it passes. */
static void collapse(keel_buf *b) {
    size_t to = 0;
    bool gap = false;
    for (size_t i = 0; i < b->len; i++) {
        if (strchr(" \t\r\n", b->data[i]) && b->data[i]) {
            gap = to > 0;
            continue;
        }
        if (gap) {
            b->data[to++] = ' ';
        }
        gap = false;
        b->data[to++] = b->data[i];
    }
    b->len = to;
}

static bool in_value(keel_json v, const keel_buf *quote) {
    keel_json_type type = keel_json_typeof(v);
    if (type == KEEL_JSON_STRING) {
        keel_buf text = KEEL_BUF_INIT;
        keel_json_string(v, &text);
        collapse(&text);
        bool found = text.len >= quote->len && memmem(text.data, text.len, quote->data, quote->len);
        keel_buf_free(&text);
        return found;
    }
    bool found = false;
    if (type == KEEL_JSON_ARRAY || type == KEEL_JSON_OBJECT) {
        for (keel_json_iter it = keel_json_each(v); !found && keel_json_next(&it);) {
            found = in_value(it.value, quote);
        }
    }
    return found;
}

quote_found evidence_find(keel_json quote, const render_source *sources, size_t count,
                          keel_json copy, size_t *where) {
    keel_buf text = KEEL_BUF_INIT;
    quote_found found = QUOTE_NOWHERE;
    bool is_text = keel_json_string(quote, &text);
    collapse(&text);
    if (is_text && text.len > 0) {
        for (size_t i = 0; found == QUOTE_NOWHERE && i < count; i++) {
            if (in_value(sources[i].value, &text)) {
                *where = i;
                found = QUOTE_IN_SOURCE;
            }
        }
        if (found == QUOTE_NOWHERE && copy.data && in_value(copy, &text)) {
            found = QUOTE_IN_COPY;
        }
    }
    keel_buf_free(&text);
    return found;
}
