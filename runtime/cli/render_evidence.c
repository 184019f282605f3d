/* What an agent gives as evidence, each quotation with what was found of it. */
#include <inttypes.h>
#include <string.h>

#include "render.h"
#include "text.h"

static void json_text(keel_json v, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    keel_json_string(v, &text);
    text_line(out, text.data ? text.data : "", text.len);
    keel_buf_free(&text);
}

static size_t columns(const term *on) {
    return on->width ? on->width : 100;
}

static void put_name(keel_buf *out, const char *before, const render_source *s) {
    keel_buf_puts(out, before);
    text_line(out, s->name, strlen(s->name));
}

/* Found, and where it can be looked at. */
static void found_in(const render_card *card, const term *on, const quote_place *q, keel_buf *out) {
    const render_source *s = &card->sources[q->where];
    bool weak = s->kind == SOURCE_HANDED || s->kind == SOURCE_CAME;
    keel_buf text = KEEL_BUF_INIT;
    if (q->own != SIZE_MAX) {
        put_name(&text, "*not in source*: it is in ", s);
        put_name(&text, ", but before that in ", &card->sources[q->own]);
    } else {
        keel_buf_puts(&text, q->elsewhere ? "*not in the source that it names*: " : "");
        put_name(&text, weak ? "found only in " : "found word for word in ", s);
        keel_buf_puts(&text, s->kind == SOURCE_HANDED ? ", which nobody has checked" : "");
        keel_buf_puts(&text, s->kind == SOURCE_CAME ? ", an event or another run's words" : "");
        keel_buf_puts(&text, q->brief ? ", and too short to prove much" : "");
    }
    bool bad = q->own != SIZE_MAX;
    term_put(on, out,
             bad                                ? TINT_BAD
             : weak || q->elsewhere || q->brief ? TINT_WAIT
                                                : TINT_GOOD,
             text.data);
    if (s->path) {
        keel_buf_printf(out, " (keel why %" PRIu64 ":", card->run);
        text_line(out, s->path, strlen(s->path));
        keel_buf_puts(out, ")");
    }
    keel_buf_free(&text);
}

static void verdict(const render_card *card, const term *on, keel_json entry, keel_buf *out) {
    quote_place q = evidence_find(entry, card->sources, card->source_count);
    keel_buf text = KEEL_BUF_INIT;
    switch (q.found) {
    case QUOTE_IN_SOURCE:
        found_in(card, on, &q, out);
        break;
    case QUOTE_IN_COPY:
        term_put(on, out, TINT_WAIT, "found only in the text that the agent itself attached");
        break;
    case QUOTE_NOWHERE:
        keel_buf_puts(&text, "*not in source*");
        if (q.own != SIZE_MAX) {
            put_name(&text, ": only in ", &card->sources[q.own]);
        } else if (card->erased) {
            keel_buf_puts(&text, ", as far as can be seen: the words of ");
            text_plural(&text, (int64_t)card->erased, "source", "sources");
            keel_buf_puts(&text, " were erased");
        }
        term_put(on, out, TINT_BAD, text.data);
        break;
    }
    keel_buf_free(&text);
}

static void quotation(const render_card *card, const term *on, keel_json entry, size_t n,
                      keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    keel_json_string(keel_json_get(entry, "quote"), &text);
    keel_buf_printf(out, "    %zu. ", n);
    verdict(card, on, entry, out);
    keel_json source = keel_json_get(entry, "source");
    if (source.data) {
        keel_buf_puts(out, "; the agent names ");
        if (keel_json_typeof(source) == KEEL_JSON_STRING) {
            json_text(source, out);
        } else {
            text_line(out, source.data, source.len);
        }
    }
    keel_buf_putc(out, '\n');
    gutter_text(out, text.data ? text.data : "", text.len, 7, columns(on));
    keel_buf_free(&text);
}

void render_evidence(const render_card *card, const term *on, keel_buf *out) {
    if (!card->evidence.data) {
        return;
    }
    term_put(on, out, TINT_DIM, "  Evidence that the agent gives:");
    keel_buf_putc(out, '\n');
    bool list = keel_json_typeof(card->evidence) == KEEL_JSON_ARRAY;
    keel_json_iter it = keel_json_each(card->evidence);
    for (size_t n = 1; list && keel_json_next(&it); n++) {
        if (keel_json_get(it.value, "quote").data) {
            quotation(card, on, it.value, n, out);
        } else {
            keel_buf_printf(out, "    %zu. not a quotation:\n", n);
            gutter_text(out, it.value.data, it.value.len, 7, columns(on));
        }
    }
    if (!list && keel_json_get(card->evidence, "quote").data) {
        quotation(card, on, card->evidence, 1, out);
    } else if (!list) {
        gutter_text(out, card->evidence.data, card->evidence.len, 4, columns(on));
    }
}
