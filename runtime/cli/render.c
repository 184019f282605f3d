#include "render.h"

#include <inttypes.h>
#include <string.h>

#include "grantwords.h"
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

static void budget_row(const render_card *card, const term *on, keel_buf *out) {
    if (keel_json_get(card->budget, "why").data) {
        render_label(on, out, "budget");
        json_text(keel_json_get(card->budget, "why"), out);
        keel_buf_putc(out, '\n');
    }
}

void render_tier(keel_json tier, keel_buf *out) {
    json_text(keel_json_get(tier, "from"), out);
    keel_buf_puts(out, " -> ");
    json_text(keel_json_get(tier, "to"), out);
    keel_buf_puts(out, ": ");
    json_text(keel_json_get(tier, "why"), out);
    keel_buf_putc(out, '\n');
}

static void tier_row(const render_card *card, const term *on, keel_buf *out) {
    if (card->tier.data) {
        render_label(on, out, "tier");
        render_tier(card->tier, out);
    }
}

static void put_beyond(keel_json one, keel_buf *out) {
    char budget[64] = "", unit[8] = "";
    int64_t amount = 0;
    keel_json_copy(keel_json_get(one, "budget"), budget, sizeof budget);
    keel_json_copy(keel_json_get(one, "unit"), unit, sizeof unit);
    keel_json_int(keel_json_get(one, "amount"), &amount);
    if (strcmp(unit, "calls") == 0) {
        text_plural(out, amount, "call", "calls");
    } else if (strcmp(unit, "tokens") == 0) {
        text_plural(out, amount, "token", "tokens");
    } else if (strcmp(unit, "depth") == 0) {
        text_plural(out, amount, "level", "levels");
    } else {
        text_money(out, amount, unit);
    }
    keel_buf_puts(out, " beyond the limit of ");
    text_line(out, budget, strlen(budget));
}

/* What is signed besides the effect itself. */
static void beyond_row(const render_card *card, const term *on, keel_buf *out) {
    const char *between = "";
    if (!keel_json_count(card->beyond)) {
        return;
    }
    render_label(on, out, "borrows");
    for (keel_json_iter it = keel_json_each(card->beyond); keel_json_next(&it);) {
        keel_buf_puts(out, between);
        put_beyond(it.value, out);
        between = "; ";
    }
    keel_buf_putc(out, '\n');
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

void render_asked(const render_card *card, const term *on, int64_t now_us, keel_buf *out) {
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
}

static void time_row(const render_card *card, const term *on, int64_t now_us, keel_buf *out) {
    render_asked(card, on, now_us, out);
    if (card->raise_us > now_us) {
        keel_buf_puts(out, "; for the digest in ");
        text_span(out, card->raise_us - now_us);
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

static void remember_row(const render_card *card, const term *on, keel_buf *out) {
    if (card->remember.data && strcmp(card->state, "open") == 0) {
        grant_rows(card->number, card->remember, on, out);
    }
}

static size_t columns(const term *on) {
    return on->width ? on->width : 100;
}

static void unsendable(const render_card *card, const term *on, keel_buf *out) {
    if (!card->unsendable) {
        return;
    }
    term_put(on, out, TINT_BAD,
             "  It cannot be sent as it is: edit or deny it. What its connector does not send:");
    keel_buf_putc(out, '\n');
    for (const char *at = card->unsendable, *end; *at && (end = strchr(at, '\n')); at = end + 1) {
        keel_buf_printf(out, "    ! %.*s\n", (int)(end - at), at);
    }
}

void render_claim(const render_card *card, const term *on, const char *words, keel_buf *out) {
    if (!card->why.data) {
        return;
    }
    keel_buf text = KEEL_BUF_INIT;
    if (!keel_json_string(card->why, &text)) {
        keel_buf_append(&text, card->why.data, card->why.len);
    }
    term_put(on, out, TINT_DIM, words);
    keel_buf_putc(out, '\n');
    gutter_text(out, text.data ? text.data : "", text.len, 4, columns(on));
    keel_buf_free(&text);
}

static void claim(const render_card *card, const term *on, keel_buf *out) {
    render_claim(card, on, "  The agent's claim, which nobody has checked:", out);
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

static void to_do_row(const render_card *card, const term *on, keel_buf *out) {
    keel_buf command = KEEL_BUF_INIT;
    keel_buf_printf(&command,
                    "look on the other side, then: keel unknown verdict %" PRId64
                    " done|not_done --why ...",
                    card->number);
    render_row(on, out, "to do", command.data);
    keel_buf_free(&command);
}

void render(const render_card *card, const term *on, int64_t now_us, keel_buf *out) {
    if (render_is_question(card)) {
        render_question(card, on, now_us, out);
        return;
    }
    title(card, on, out);
    render_row(on, out, "target", card->target);
    render_row(on, out, "class", render_class(card->class));
    if (is_unknown(card)) {
        to_do_row(card, on, out);
    } else if (leaves_us(card->class)) {
        way_back_row(card, on, out);
    }
    rule_row(card, on, out);
    budget_row(card, on, out);
    beyond_row(card, on, out);
    tier_row(card, on, out);
    run_row(card, on, out);
    time_row(card, on, now_us, out);
    remember_row(card, on, out);
    digest_row(card, on, out);
    keel_buf_putc(out, '\n');
    term_put(on, out, TINT_DIM, is_unknown(card) ? "  It was exactly this:" : "  Exactly this:");
    keel_buf_putc(out, '\n');
    render_fields_beside(card->args, card->known, on, out);
    unsendable(card, on, out);
    keel_buf_puts(out, card->why.data ? "\n" : "");
    claim(card, on, out);
    keel_buf_puts(out, card->evidence.data ? "\n" : "");
    render_evidence(card, on, out);
}

/* ---- several cards of one kind ---- */

static bool has_way_back(const render_card *card) {
    return card->way_back || strchr(card->path, '~');
}

void render_shared(const render_card *card, const term *on, keel_buf *out) {
    if (render_is_question(card)) {
        render_question_shared(card, on, out);
        return;
    }
    keel_buf text = KEEL_BUF_INIT;
    text_line(&text, card->agent, strlen(card->agent));
    keel_buf_puts(&text, is_unknown(card) ? " did " : " asks to do ");
    text_line(&text, card->target, strlen(card->target));
    keel_buf_puts(&text, is_unknown(card) ? ", or not: the answer was lost" : "");
    term_put(on, out, TINT_BOLD, text.data);
    keel_buf_putc(out, '\n');
    render_row(on, out, "class", render_class(card->class));
    if (!is_unknown(card) && leaves_us(card->class) && !has_way_back(card)) {
        way_back_row(card, on, out);
    }
    rule_row(card, on, out);
    keel_buf_free(&text);
}

static void own_title(const render_card *card, const term *on, int64_t now_us, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_printf(&text, "%" PRId64 "  ", card->number);
    if (!card->approval || !words_from_hex(&text, card->approval)) {
        text_line(&text, card->target, strlen(card->target));
    }
    term_put(on, out, TINT_BOLD, text.data);
    if (card->expires_us) {
        keel_buf_puts(out, card->expires_us > now_us ? "   expires in " : "   expired");
    }
    if (card->expires_us > now_us) {
        text_span(out, card->expires_us - now_us);
    }
    keel_buf_putc(out, '\n');
    keel_buf_free(&text);
}

void render_own(const render_card *card, const term *on, int64_t now_us, keel_buf *out) {
    if (render_is_question(card)) {
        render_question_own(card, on, now_us, out);
        return;
    }
    keel_buf text = KEEL_BUF_INIT;
    own_title(card, on, now_us, out);
    keel_buf_printf(&text, "  run %" PRIu64 ", path ", card->run);
    text_line(&text, card->path, strlen(card->path));
    keel_buf_puts(&text, "; ");
    text_plural(&text, card->calls, "call", "calls");
    if (card->cost_micros) {
        keel_buf_puts(&text, " and ");
        text_money(&text, card->cost_micros, card->currency);
    }
    keel_buf_puts(&text, " so far; asked ");
    text_time(&text, card->opened_us);
    term_put(on, out, TINT_DIM, text.data);
    keel_buf_putc(out, '\n');
    if (is_unknown(card)) {
        to_do_row(card, on, out);
    } else if (leaves_us(card->class) && has_way_back(card)) {
        way_back_row(card, on, out);
    }
    remember_row(card, on, out);
    render_fields_beside(card->args, card->known, on, out);
    unsendable(card, on, out);
    claim(card, on, out);
    render_evidence(card, on, out);
    keel_buf_free(&text);
}

void render_brief(const render_card *card, keel_buf *out) {
    keel_buf_printf(out, "%" PRId64 "  ", card->number);
    text_line(out, card->agent, strlen(card->agent));
    keel_buf_puts(out, "  ");
    text_line(out, card->target, strlen(card->target));
    keel_buf_puts(out, "  ");
    size_t shown = render_summary_beside(card->args, card->known, out);
    size_t all = keel_json_typeof(card->args) == KEEL_JSON_OBJECT ? keel_json_count(card->args) : 1;
    if (shown < all) {
        keel_buf_printf(out, "  [%zu of %zu fields; all ", shown, all);
        text_plural(out, (int64_t)card->args.len, "byte", "bytes");
        keel_buf_printf(out, " of it: keel inbox %" PRId64 "]", card->number);
    }
}
