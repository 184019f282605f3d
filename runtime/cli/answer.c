/* keel answer: what a person answers to an agent's question. It informs and allows nothing, so no
 * passphrase is asked: what the agent then does is decided as if nobody had been asked. */
#include "answer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ask.h"
#include "commands.h"
#include "fsio.h"
#include "question.h"
#include "text.h"

size_t answer_choices(keel_json args) {
    return question_kind_of(args) == QUESTION_IS_YES_NO
               ? 2
               : keel_json_count(keel_json_get(args, "choices"));
}

/* ---- the value ---- */

static void put_choice(keel_json args, size_t choice, keel_buf *out) {
    size_t n = 0;
    if (question_kind_of(args) == QUESTION_IS_YES_NO) {
        keel_buf_puts(out, choice == 1 ? "true" : "false");
        return;
    }
    for (keel_json_iter it = keel_json_each(keel_json_get(args, "choices")); keel_json_next(&it);) {
        if (++n == choice) {
            keel_buf_append(out, it.value.data, it.value.len);
        }
    }
}

/* Which of them the words are: a choice as it stands there, its number, or yes and no. 0: none. */
static size_t chosen(keel_json args, const char *text) {
    static const char *const words[][3] = {{"yes", "y", "true"}, {"no", "n", "false"}};
    int64_t number;
    size_t n = 0;
    for (keel_json_iter it = keel_json_each(keel_json_get(args, "choices")); keel_json_next(&it);) {
        n++;
        if (keel_json_is(it.value, text)) {
            return n;
        }
    }
    for (size_t i = 0; question_kind_of(args) == QUESTION_IS_YES_NO && i < 2; i++) {
        for (size_t w = 0; w < 3; w++) {
            if (strcasecmp(text, words[i][w]) == 0) {
                return i + 1;
            }
        }
    }
    bool counts =
        text_number(text, &number) && number >= 1 && number <= (int64_t)answer_choices(args);
    return counts ? (size_t)number : 0;
}

static int no_answer(int64_t number, const char *what, diag *d) {
    diag_set(d, DIAG_USAGE, "That does not answer question %" PRId64 ": %s.", number, what);
    return diag_next(d, "Read it with `keel inbox %" PRId64 "`.", number);
}

static int put_text(keel_json args, int64_t number, const char *text, keel_buf *out, diag *d) {
    if (question_kind_of(args) == QUESTION_IS_NUMBER) {
        return keel_json_canonical(out, text, strlen(text), NULL)
                   ? no_answer(number, "the answer is a number", d)
                   : 0;
    }
    return keel_json_quote(out, text, strlen(text)) ? no_answer(number, "the text is not UTF-8", d)
                                                    : 0;
}

int answer_value(keel_json args, int64_t number, size_t choice, const char *text, keel_buf *out,
                 diag *d) {
    size_t choices = answer_choices(args);
    if (choices && !choice && text) {
        choice = chosen(args, text);
    }
    if (choices ? choice < 1 || choice > choices : choice > 0) {
        return no_answer(number,
                         choices ? "it is none of the choices" : "it has no choices: write it", d);
    }
    int rc = 0;
    if (choices) {
        put_choice(args, choice, out);
    } else {
        rc = put_text(args, number, text ? text : "", out, d);
    }
    const char *wrong = rc ? NULL : answer_wrong(args, keel_json_view(out->data, out->len));
    return wrong ? no_answer(number, wrong, d) : rc;
}

void answer_args(int64_t number, keel_json value, keel_buf *out) {
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_set_int(&w, "number", number);
    keel_json_set_raw(&w, "value", value);
    keel_json_object_end(&w);
}

/* ---- what the person gives ---- */

static int is_open(const card *k, diag *d) {
    const render_card *s = card_shown(k);
    if (!render_is_question(s)) {
        diag_set(d, DIAG_USAGE, "Item %" PRId64 " is no question.", s->number);
        return diag_next(d, "See what it needs: keel inbox %" PRId64, s->number);
    }
    if (strcmp(s->state, "open") != 0) {
        diag_set(d, DIAG_CONFLICT, "Question %" PRId64 " is %s: it can no longer be answered.",
                 s->number, s->state);
        return diag_next(d, "See `keel inbox %" PRId64 "`.", s->number);
    }
    return 0;
}

static int read_file(const char *word, keel_buf *out, diag *d) {
    if (word[0] != '@') {
        keel_buf_puts(out, word);
        return 0;
    }
    int rc = fsio_read(word + 1, QUESTION_ANSWER, out, d);
    while (rc == 0 && out->len && out->data[out->len - 1] == '\n') {
        out->data[--out->len] = 0; /* an editor's last line break is no part of it */
    }
    return rc;
}

static int read_choice(const char *word, size_t *choice, diag *d) {
    int64_t n;
    if (!text_number(word, &n) || n < 1 || n > QUESTION_CHOICES) {
        diag_set(d, DIAG_USAGE, "\"%s\" is no number of a choice.", word);
        return diag_next(d, "Write --choice 1 for the first one that the card shows.");
    }
    *choice = (size_t)n;
    return 0;
}

static int nothing_given(int64_t number, diag *d) {
    diag_set(d, DIAG_USAGE, "There is no answer in this command.");
    return diag_next(d, "For example: keel answer %" PRId64 " \"...\", or --choice 1.", number);
}

/* Asks on the terminal, below the card. */
static int ask_here(cli *c, const card *k, keel_buf *text, diag *d) {
    int64_t number = card_shown(k)->number;
    if (!ask_possible(c)) {
        return nothing_given(number, d);
    }
    card_print(c, k);
    bool choices = answer_choices(card_shown(k)->args) > 0;
    char *line = ask_text(c, "", choices ? "Your answer (its number)" : "Your answer", "");
    keel_buf_puts(text, line ? line : "");
    free(line);
    return text->len ? 0 : nothing_given(number, d);
}

static int value_of(cli *c, const card *k, const options *o, keel_buf *value, diag *d) {
    const render_card *s = card_shown(k);
    const char *word = o->arg_count > 1 ? o->args[1] : NULL;
    keel_buf text = KEEL_BUF_INIT;
    size_t choice = 0;
    int rc = 0;
    if (options_has(o, "choice") && word) {
        diag_set(d, DIAG_USAGE, "An answer is a value or a choice, not both.");
        rc = diag_next(d, "Leave one of them out.");
    } else if (options_has(o, "choice")) {
        rc = read_choice(options_value(o, "choice"), &choice, d);
    } else {
        rc = word ? read_file(word, &text, d) : ask_here(c, k, &text, d);
    }
    if (rc == 0 && text.len && memchr(text.data, 0, text.len)) {
        rc = no_answer(s->number, "it has a byte that is no text", d);
    }
    rc = rc ? rc : answer_value(s->args, s->number, choice, text.data, value, d);
    keel_buf_free(&text);
    return rc;
}

static void say(const cli *c, int64_t number, const keel_buf *value, const keel_buf *result) {
    keel_json run = keel_json_get(keel_json_view(result->data, result->len), "run");
    keel_json given = keel_json_view(value->data, value->len);
    keel_buf line = KEEL_BUF_INIT;
    if (c->json) {
        keel_json_writer w;
        keel_json_write(&w, &line);
        keel_json_object(&w);
        keel_json_set_int(&w, "number", number);
        keel_json_set_raw(&w, "run", run);
        if (value->len) {
            keel_json_set_raw(&w, "value", given);
        }
        keel_json_object_end(&w);
    } else {
        keel_buf_printf(&line, "%" PRId64 "  ", number);
        term_put(&c->out, &line, TINT_GOOD, value->len ? "answered" : "declined");
        keel_buf_puts(&line, value->len ? "  " : "");
        if (value->len) {
            render_answer(given, &line);
        }
        keel_buf_printf(&line, "; run %.*s goes on", (int)run.len, run.data);
    }
    keel_buf_putc(&line, '\n');
    cli_out(&line);
    keel_buf_free(&line);
}

static int send_it(cli *c, int64_t number, const keel_buf *value, const char *why, diag *d) {
    keel_buf args = KEEL_BUF_INIT, result = KEEL_BUF_INIT;
    keel_json_writer w;
    if (value->len) {
        answer_args(number, keel_json_view(value->data, value->len), &args);
    } else {
        keel_json_write(&w, &args);
        keel_json_object(&w);
        keel_json_set_int(&w, "number", number);
        keel_json_set_text(&w, "why", why);
        keel_json_object_end(&w);
    }
    int rc = cli_call(c, "answer", &args, &result, d);
    if (rc == 0) {
        say(c, number, value, &result);
    }
    keel_buf_free(&args);
    keel_buf_free(&result);
    return rc;
}

static int decline_wrong(const options *o, diag *d) {
    bool declines = options_has(o, "decline");
    const char *why = options_value(o, "why");
    if (declines && (!why || !*why)) {
        diag_set(d, DIAG_USAGE, "It takes a reason: the agent is told, and it is recorded.");
        return diag_next(d, "Add --why \"...\".");
    }
    if (declines ? o->arg_count > 1 || options_has(o, "choice") : why != NULL) {
        diag_set(d, DIAG_USAGE, "--why goes with --decline, and --decline with no answer.");
        return diag_next(d, "Leave one of them out.");
    }
    return 0;
}

static int answer_run(cli *c, const options *o, diag *d) {
    int64_t number;
    card *k = NULL;
    keel_buf value = KEEL_BUF_INIT;
    if (!text_number(o->args[0], &number)) {
        diag_set(d, DIAG_USAGE, "\"%s\" is no number of a question.", o->args[0]);
        return diag_next(d, "Write a number of `keel inbox`, such as 3.");
    }
    int rc = decline_wrong(o, d);
    rc = rc ? rc : card_load(c, number, &k, d);
    rc = rc ? rc : is_open(k, d);
    if (rc == 0 && !options_has(o, "decline")) {
        rc = value_of(c, k, o, &value, d);
    }
    if (rc == 0 && c->dry_run) {
        cli_say(c, "Nothing was answered (--dry-run).");
    } else if (rc == 0) {
        rc = send_it(c, number, &value, options_value(o, "why"), d);
    }
    card_free(k);
    keel_buf_free(&value);
    return rc;
}

static const option answer_options[] = {
    {"choice", 0, "K", "the choice of that number, as the card shows them"},
    {"decline", 0, NULL, "there is no answer: the agent is told so, and why"},
    {"why", 0, "TEXT", "with --decline: the reason, in a sentence"},
    {NULL, 0, NULL, NULL},
};

const command answer_command = {
    .name = "answer",
    .words = "N [VALUE]",
    .summary = "answer a question that an agent asks",
    .more =
        "Without VALUE it shows the question and asks for the answer. VALUE is a text (@FILE reads "
        "one), a\n"
        "number, yes or no, or one of the choices. An answer informs the agent and allows it "
        "nothing:\n"
        "what it then does is decided by policy as if it had not asked.",
    .examples = "keel answer 5\nkeel answer 5 \"Take the second one, but not before May\"\n"
                "keel answer 5 --choice 2\nkeel answer 5 yes\nkeel answer 5 @reply.txt\n"
                "keel answer 5 --decline --why \"Ask the client\"",
    .options = answer_options,
    .least = 1,
    .most = 2,
    .run = answer_run,
};
