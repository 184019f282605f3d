#include "why_cost.h"

#include <stdlib.h>

#include "text.h"

/* In the order of a bill; what is 0 is left out, but for what went in and came out. */
static const struct {
    const char *member, *words;
    bool always;
} classes[] = {{"input", " in", true},
               {"output", " out", true},
               {"cache_read", " read from a cache", false},
               {"cache_write", " written to one", false}};

static void put_text(keel_json v, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    keel_json_string(v, &text);
    text_line(out, text.data ? text.data : "", text.len);
    keel_buf_free(&text);
}

static void put_tokens(const why_story *s, keel_buf *out) {
    keel_json usage = keel_json_view(s->usage.data, s->usage.len);
    const char *between = "";
    why_label(s, out, "tokens");
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        int64_t count = 0;
        keel_json_int(keel_json_get(usage, classes[i].member), &count);
        if (count || classes[i].always) {
            keel_buf_puts(out, between);
            text_count(out, count);
            keel_buf_puts(out, classes[i].words);
            between = ", ";
        }
    }
    keel_buf_puts(out, ", of ");
    put_text(keel_json_get(usage, "model"), out);
    keel_buf_putc(out, '\n');
}

static void put_price(const why_story *s, keel_buf *out) {
    keel_json price = keel_json_view(s->price.data, s->price.len);
    char currency[8] = "";
    const char *between = ": a million ";
    keel_json_copy(keel_json_get(price, "currency"), currency, sizeof currency);
    why_label(s, out, "price");
    keel_buf_puts(out, keel_json_get(price, "assumed").len ? "assumed, as it has none: " : "");
    put_text(keel_json_get(price, "at"), out);
    keel_buf_puts(out, ", ");
    put_text(keel_json_get(price, "model"), out);
    keel_buf_puts(out, " from ");
    put_text(keel_json_get(price, "from"), out);
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        int64_t micros = 0;
        keel_json_int(keel_json_get(price, classes[i].member), &micros);
        keel_buf_puts(out, between);
        text_money(out, micros, currency);
        keel_buf_puts(out, classes[i].words);
        between = ", ";
    }
    keel_buf_putc(out, '\n');
}

void why_cost(const why_story *s, keel_buf *out) {
    int64_t micros = strtoll(effect_text(s->e, EFFECT_COST), NULL, 10);
    if (micros) {
        why_label(s, out, "cost");
        text_money(out, micros, effect_text(s->e, EFFECT_CURRENCY));
        keel_buf_putc(out, '\n');
    }
    if (s->usage.len) {
        put_tokens(s, out);
    }
    if (s->price.len) {
        put_price(s, out);
    } else if (s->unpriced) {
        why_label(s, out, "price");
        keel_buf_puts(out, "none is written for this model: all that was held is spent. Add a row "
                           "to prices:\n");
    }
}
