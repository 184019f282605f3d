#include "render.h"

#include <inttypes.h>
#include <string.h>

#include "text.h"
#include "words.h"

#define LABEL 11

static const struct {
    const char *class, *words;
} classes[] = {
    {"read", "read: may be repeated; changes nothing"},
    {"local", "local: part of our own record, exactly once"},
    {"keyed", "keyed: the other side ignores a repeat of its key, so it happens once"},
    {"checkable",
     "checkable: if the answer is lost we look; only what is proved absent is sent again"},
    {"once",
     "once: sent at most one time; if the answer is lost, you are told that we do not know"},
    {"repeatable", "repeatable: may happen more than once; harmless"},
};

const char *render_class(const char *class) {
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (strcmp(classes[i].class, class) == 0) {
            return classes[i].words;
        }
    }
    return class;
}

void render_label(const term *on, keel_buf *out, const char *name) {
    keel_buf padded = KEEL_BUF_INIT;
    keel_buf_printf(&padded, "%-*s", LABEL, name);
    keel_buf_puts(out, "  ");
    term_put(on, out, TINT_DIM, padded.data);
    keel_buf_free(&padded);
}

void render_row(const term *on, keel_buf *out, const char *name, const char *text) {
    render_label(on, out, name);
    text_line(out, text, strlen(text));
    keel_buf_putc(out, '\n');
}

static void json_text(keel_json v, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    keel_json_string(v, &text);
    text_line(out, text.data ? text.data : "", text.len);
    keel_buf_free(&text);
}

static bool is_unknown(const render_card *card) {
    return strcmp(card->kind, "unknown") == 0;
}

static void title(const render_card *card, const term *on, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_printf(&text, "%" PRId64 "  ", card->number);
    text_line(&text, card->agent, strlen(card->agent));
    keel_buf_puts(&text, is_unknown(card) ? " did " : " asks to do ");
    text_line(&text, card->target, strlen(card->target));
    keel_buf_puts(&text, is_unknown(card) ? ", or not: the answer was lost" : "");
    term_put(on, out, TINT_BOLD, text.data);
    if (strcmp(card->state, "open") != 0) {
        keel_buf_puts(out, "  [");
        term_put(on, out, term_outcome(card->state), card->state);
        keel_buf_puts(out, "]");
    }
    keel_buf_putc(out, '\n');
    keel_buf_free(&text);
}

static void rule_row(const render_card *card, const term *on, keel_buf *out) {
    render_label(on, out, "rule");
    json_text(keel_json_get(card->decision, "rule"), out);
    char file[256] = "";
    int64_t line = 0;
    keel_json_copy(keel_json_get(card->decision, "file"), file, sizeof file);
    keel_json_int(keel_json_get(card->decision, "line"), &line);
    if (file[0]) {
        keel_buf_puts(out, " (");
        text_line(out, file, strlen(file));
        keel_buf_printf(out, ":%" PRId64 ")", line);
    }
    keel_buf_putc(out, '\n');
    if (keel_json_get(card->decision, "why").data) {
        render_label(on, out, "");
        json_text(keel_json_get(card->decision, "why"), out);
        keel_buf_putc(out, '\n');
    }
}

static void run_row(const render_card *card, const term *on, keel_buf *out) {
    render_label(on, out, "run");
    keel_buf_printf(out, "%" PRIu64 ", path ", card->run);
    text_line(out, card->path, strlen(card->path));
    keel_buf_puts(out, "; so far ");
    text_plural(out, card->calls, "call", "calls");
    if (card->cost_micros) {
        keel_buf_puts(out, " and ");
        text_money(out, card->cost_micros, card->currency);
    }
    keel_buf_puts(out, " in its tree\n");
}

static void time_row(const render_card *card, const term *on, int64_t now_us, keel_buf *out) {
    render_label(on, out, "asked");
    text_time(out, card->opened_us);
    if (card->expires_us > now_us) {
        keel_buf_puts(out, "; expires in ");
        text_span(out, card->expires_us - now_us);
    } else if (card->expires_us) {
        keel_buf_puts(out, "; expired ");
        text_span(out, now_us - card->expires_us);
        keel_buf_puts(out, " ago");
    }
    keel_buf_putc(out, '\n');
}

static void digest_row(const render_card *card, const term *on, keel_buf *out) {
    keel_buf words = KEEL_BUF_INIT;
    if (card->approval && words_from_hex(&words, card->approval)) {
        render_label(on, out, "signs");
        term_put(on, out, TINT_BOLD, words.data);
        keel_buf_putc(out, '\n');
    }
    keel_buf_free(&words);
}

static bool leaves_us(const char *class) {
    return strcmp(class, "read") != 0 && strcmp(class, "local") != 0;
}

static size_t columns(const term *on) {
    return on->width ? on->width : 100;
}

static void claim(const render_card *card, const term *on, keel_buf *out) {
    if (!card->why.data) {
        return;
    }
    keel_buf text = KEEL_BUF_INIT;
    if (!keel_json_string(card->why, &text)) {
        keel_buf_append(&text, card->why.data, card->why.len);
    }
    keel_buf_putc(out, '\n');
    term_put(on, out, TINT_DIM, "  The agent's claim, which nobody has checked:");
    keel_buf_putc(out, '\n');
    gutter_text(out, text.data ? text.data : "", text.len, 4, columns(on));
    keel_buf_free(&text);
}

/* ---- evidence ---- */

static void verdict(const render_card *card, const term *on, keel_json entry, keel_buf *out) {
    size_t where = 0;
    switch (evidence_find(keel_json_get(entry, "quote"), card->sources, card->source_count,
                          keel_json_get(entry, "text"), &where)) {
    case QUOTE_IN_SOURCE:
        term_put(on, out, TINT_GOOD, "found word for word in ");
        text_line(out, card->sources[where].name, strlen(card->sources[where].name));
        break;
    case QUOTE_IN_COPY:
        term_put(on, out, TINT_WAIT, "found only in the text that the agent itself attached");
        break;
    case QUOTE_NOWHERE:
        term_put(on, out, TINT_BAD, "*not in source*");
        break;
    }
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

static void evidence(const render_card *card, const term *on, keel_buf *out) {
    if (!card->evidence.data) {
        return;
    }
    keel_buf_putc(out, '\n');
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

static void way_back_row(const render_card *card, const term *on, keel_buf *out) {
    keel_buf words = KEEL_BUF_INIT;
    const char *mark = strchr(card->path, '~');
    if (mark) {
        keel_buf_printf(&words, "what run %" PRIu64 " wrote at %.*s; that cannot be done anew",
                        card->run, (int)(mark - card->path), card->path);
        render_row(on, out, "takes back", words.data);
    } else if (card->way_back) {
        keel_buf_printf(&words, "keel rollback %" PRIu64, card->run);
        render_row(on, out, "way back", words.data);
    } else {
        render_row(on, out, "way back", "none: once it is done, Keel cannot take it back");
    }
    keel_buf_free(&words);
}

void render(const render_card *card, const term *on, int64_t now_us, keel_buf *out) {
    title(card, on, out);
    render_row(on, out, "target", card->target);
    render_row(on, out, "class", render_class(card->class));
    if (is_unknown(card)) {
        keel_buf command = KEEL_BUF_INIT;
        keel_buf_printf(&command,
                        "look on the other side, then: keel unknown verdict %" PRId64
                        " done|not_done --why ...",
                        card->number);
        render_row(on, out, "to do", command.data);
        keel_buf_free(&command);
    } else if (leaves_us(card->class)) {
        way_back_row(card, on, out);
    }
    rule_row(card, on, out);
    run_row(card, on, out);
    time_row(card, on, now_us, out);
    digest_row(card, on, out);
    keel_buf_putc(out, '\n');
    term_put(on, out, TINT_DIM, is_unknown(card) ? "  It was exactly this:" : "  Exactly this:");
    keel_buf_putc(out, '\n');
    render_fields(card->args, on, out);
    claim(card, on, out);
    evidence(card, on, out);
}

void render_brief(const render_card *card, keel_buf *out) {
    keel_buf_printf(out, "%" PRId64 "  ", card->number);
    text_line(out, card->agent, strlen(card->agent));
    keel_buf_puts(out, "  ");
    text_line(out, card->target, strlen(card->target));
    keel_buf_puts(out, "  ");
    render_summary(card->args, out);
}
