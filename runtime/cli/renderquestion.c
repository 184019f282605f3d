/* A question that an agent puts to a person: its words behind the gutter, the choices with the numbers
 * by which they are chosen, and what happens when nobody answers. */
#include <inttypes.h>
#include <string.h>

#include "question.h"
#include "render.h"
#include "text.h"

bool render_is_question(const render_card *card) {
    return strcmp(card->kind, "question") == 0;
}

static size_t columns(const term *on) {
    return on->width ? on->width : 100;
}

static void heading(const term *on, keel_buf *out, const char *words) {
    keel_buf_puts(out, "  ");
    term_put(on, out, TINT_DIM, words);
    keel_buf_putc(out, '\n');
}

void render_answer(keel_json value, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    if (keel_json_typeof(value) == KEEL_JSON_BOOL) {
        keel_buf_puts(out, keel_json_true(value) ? "yes" : "no");
    } else if (keel_json_string(value, &text)) {
        text_line(out, text.data ? text.data : "", text.len);
    } else {
        text_line(out, value.data ? value.data : "", value.len);
    }
    keel_buf_free(&text);
}

static void choice(keel_buf *out, size_t n, keel_json text) {
    keel_buf_printf(out, "    %2zu. ", n);
    render_answer(text, out);
    keel_buf_putc(out, '\n');
}

static void how_to_answer(const render_card *card, const term *on, keel_buf *out) {
    static const char *const ways[] = {
        [QUESTION_IS_TEXT] = "\"...\"",
        [QUESTION_IS_CHOICE] = "--choice K",
        [QUESTION_IS_YES_NO] = "yes|no",
        [QUESTION_IS_NUMBER] = "NUMBER",
    };
    keel_buf words = KEEL_BUF_INIT;
    keel_buf_printf(&words, "keel answer %" PRId64 " ", card->number);
    keel_buf_printf(&words, "%s, or keel answer %" PRId64 " --decline --why ...",
                    ways[question_kind_of(card->args)], card->number);
    render_row(on, out, "to do", words.data);
    keel_buf_free(&words);
}

/* The agent's words, and nothing else. */
static void words_of(const render_card *card, const term *on, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    size_t n = 0;
    keel_json_string(keel_json_get(card->args, "question"), &text);
    gutter_text(out, text.data ? text.data : "(erased)", text.data ? text.len : 8, 4, columns(on));
    keel_buf_free(&text);
    keel_json choices = keel_json_get(card->args, "choices");
    if (choices.data) {
        keel_buf_putc(out, '\n');
        heading(on, out, "One of these, in the agent's words:");
    }
    for (keel_json_iter it = keel_json_each(choices); keel_json_next(&it);) {
        choice(out, ++n, it.value);
    }
    if (question_kind_of(card->args) == QUESTION_IS_YES_NO) {
        keel_buf_puts(out, "     1. yes\n     2. no\n");
    }
}

static void without_answer(const render_card *card, const term *on, keel_buf *out) {
    keel_json other = keel_json_get(card->args, "default");
    if (!card->expires_us) {
        render_row(on, out, "unanswered", "it waits without end");
    } else if (other.data) {
        render_label(on, out, "unanswered");
        keel_buf_puts(out, "it goes on with: ");
        render_answer(other, out);
        keel_buf_putc(out, '\n');
    } else {
        render_row(on, out, "unanswered", "it is told that nobody answered");
    }
}

static void told(const render_card *card, const term *on, keel_buf *out) {
    keel_json ok = keel_json_get(card->answer, "ok");
    if (ok.data) {
        render_label(on, out, "answer");
        render_answer(ok, out);
        keel_buf_putc(out, '\n');
    } else if (card->answer.data) {
        render_label(on, out, "no answer");
        render_answer(keel_json_path(card->answer, "err.why"), out);
        keel_buf_putc(out, '\n');
    }
}

static void taint(const render_card *card, const term *on, keel_buf *out) {
    if (card->tainted) {
        keel_buf_puts(out, "  ");
        term_put(on, out, TINT_BAD,
                 "Its run had read what others wrote: they may have put these words in its mouth.");
        keel_buf_putc(out, '\n');
    }
}

/* What stands below the title in both forms. */
static void body(const render_card *card, const term *on, int64_t now_us, keel_buf *out) {
    render_asked(card, on, now_us, out);
    keel_buf_putc(out, '\n');
    if (strcmp(card->state, "open") == 0) {
        without_answer(card, on, out);
        how_to_answer(card, on, out);
    }
    told(card, on, out);
    taint(card, on, out);
    keel_buf_putc(out, '\n');
    heading(on, out, "It asks, in its own words:");
    words_of(card, on, out);
    keel_buf_puts(out, card->why.data ? "\n" : "");
    render_claim(card, on, "  Why it asks, which nobody has checked:", out);
    keel_buf_puts(out, card->evidence.data ? "\n" : "");
    render_evidence(card, on, out);
}

static void run_row(const render_card *card, const term *on, keel_buf *out) {
    render_label(on, out, "run");
    keel_buf_printf(out, "%" PRIu64 ", path ", card->run);
    text_line(out, card->path, strlen(card->path));
    keel_buf_putc(out, '\n');
}

void render_question(const render_card *card, const term *on, int64_t now_us, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_printf(&text, "%" PRId64 "  ", card->number);
    text_line(&text, card->agent, strlen(card->agent));
    keel_buf_puts(&text, " asks you a question");
    term_put(on, out, TINT_BOLD, text.data);
    if (strcmp(card->state, "open") != 0) {
        keel_buf_puts(out, "  [");
        term_put(on, out, term_outcome(card->state), card->state);
        keel_buf_puts(out, "]");
    }
    keel_buf_putc(out, '\n');
    run_row(card, on, out);
    body(card, on, now_us, out);
    keel_buf_free(&text);
}

void render_question_shared(const render_card *card, const term *on, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    text_line(&text, card->agent, strlen(card->agent));
    keel_buf_puts(&text, " asks you");
    term_put(on, out, TINT_BOLD, text.data);
    keel_buf_putc(out, '\n');
    keel_buf_free(&text);
}

void render_question_own(const render_card *card, const term *on, int64_t now_us, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_printf(&text, "%" PRId64 "  a question", card->number);
    term_put(on, out, TINT_BOLD, text.data);
    keel_buf_putc(out, '\n');
    run_row(card, on, out);
    body(card, on, now_us, out);
    keel_buf_free(&text);
}
