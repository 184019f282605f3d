#include "unknown.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "effect.h"
#include "render.h"
#include "rests.h"
#include "text.h"

typedef struct story {
    const cli *c;
    effect e;
    keel_buf args, why; /* canonical; empty: there are none */
    keel_buf lines;     /* for people, or records as JSON, with commas */
    int64_t sent_us, lost_us;
    uint32_t looks;
} story;

static bool is_unknown(const story *s) {
    return strcmp(effect_text(&s->e, EFFECT_STATE), "unknown") == 0 ||
           strcmp(effect_text(&s->e, EFFECT_STATE), "reconciling") == 0;
}

/* Keel itself still looks. */
static bool is_ours(const story *s) {
    return strcmp(effect_text(&s->e, EFFECT_STATE), "reconciling") == 0 ||
           strcmp(effect_text(&s->e, EFFECT_REASON), "operator") != 0;
}

static int64_t number_of(const story *s, int which) {
    return strtoll(effect_text(&s->e, which), NULL, 10);
}

static void keep(keel_buf *to, keel_json v) {
    if (v.data) {
        keel_buf_clear(to);
        keel_buf_append(to, v.data, v.len);
    }
}

static void add_line(story *s, const journal_row *row) {
    if (s->c->json) {
        keel_buf_puts(&s->lines, s->lines.len ? "," : "");
        describe_json(row, &s->lines);
        s->lines.len--; /* its line break */
        return;
    }
    keel_buf_puts(&s->lines, "  ");
    text_time(&s->lines, row->at);
    keel_buf_puts(&s->lines, "  ");
    describe_record(row, &s->c->out, &s->lines);
    keel_buf_putc(&s->lines, '\n');
}

static int visit(void *ctx, const journal_row *row) {
    story *s = ctx;
    if (strcmp(row->path, s->e.path) != 0) {
        return 0;
    }
    keep(&s->args, keel_json_get(row->body, "args"));
    if (row->kind == RECORD_EFFECT_INTENDED) {
        s->sent_us = row->at;
    } else if (row->kind == RECORD_EFFECT_UNKNOWN) {
        s->lost_us = s->lost_us ? s->lost_us : row->at;
        keep(&s->why, keel_json_get(row->body, "why"));
    } else if (row->kind == RECORD_EFFECT_RECONCILING) {
        s->looks++;
    }
    add_line(s, row);
    return 0;
}

static void finish(story *s) {
    effect_finish(&s->e);
    keel_buf_free(&s->args);
    keel_buf_free(&s->why);
    keel_buf_free(&s->lines);
}

static keel_json view(const keel_buf *b) {
    return keel_json_view(b->len ? b->data : NULL, b->len);
}

/* ---- what depends on it ---- */

static const char waiters_sql[] =
    "SELECT group_concat(p.run, ', ') FROM pending p WHERE p.kind = 'wait' AND p.target_run ="
    " CAST(? AS INTEGER)";
static const char blocked_sql[] =
    "SELECT 1 FROM rollback WHERE state = 'open' AND run = CAST(? AS INTEGER)";

static void dependents(cli *c, const story *s, keel_buf *out) {
    char run[24];
    snprintf(run, sizeof run, "%" PRIu64, s->e.run);
    char *state = cli_value(c, "SELECT state FROM run WHERE id = CAST(? AS INTEGER)", run);
    char *waiters = cli_value(c, waiters_sql, run);
    char *blocked = cli_value(c, blocked_sql, run);
    bool open = state && (strcmp(state, "open") == 0 || strcmp(state, "paused") == 0);
    keel_buf_printf(out, "run %s %s", run,
                    open ? "sleeps until the outcome is known" : "is over, and does not wait");
    if (waiters) {
        keel_buf_printf(out, "; run %s waits for it", waiters);
    }
    if (blocked) {
        keel_buf_puts(out, "; its rollback is blocked");
    }
    free(state);
    free(waiters);
    free(blocked);
}

/* ---- the card ---- */

static void title(const story *s, const term *on, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    const effect *e = &s->e;
    keel_buf_printf(&text, "%" PRIu64 "/%s  ", e->run, e->path);
    text_line(&text, effect_text(e, EFFECT_AGENT), strlen(effect_text(e, EFFECT_AGENT)));
    keel_buf_puts(&text, " did ");
    text_line(&text, effect_text(e, EFFECT_TARGET), strlen(effect_text(e, EFFECT_TARGET)));
    if (is_unknown(s)) {
        keel_buf_puts(&text, ", or not: the answer was lost");
    }
    term_put(on, out, TINT_BOLD, text.data);
    if (!is_unknown(s)) {
        const char *state = effect_text(e, EFFECT_STATE);
        keel_buf_puts(out, "  [");
        term_put(on, out, term_outcome(state), state);
        keel_buf_puts(out, "]");
    }
    keel_buf_putc(out, '\n');
    keel_buf_free(&text);
}

/* When Keel itself looks, and what makes it sooner. */
static void next_look(cli *c, const story *s, keel_buf *out) {
    const char *due = effect_text(&s->e, EFFECT_DUE), *target = effect_text(&s->e, EFFECT_TARGET);
    int len = (int)strcspn(target, ".");
    keel_buf rests = KEEL_BUF_INIT;
    keel_buf_puts(out, "keel: ");
    if (cli_halted(c)) {
        keel_buf_printf(out, "does not look until %s: the workspace is halted", cli_halt_ends(c));
    } else if (rests_of(c, target, &rests)) {
        keel_buf_printf(out, "looks when it may: %.*s %s; sooner by keel connection retry %.*s",
                        len, target, rests.data, len, target);
    } else if (due[0]) {
        keel_buf_puts(out, "looks at ");
        text_time(out, strtoll(due, NULL, 10));
        keel_buf_printf(out, "; sooner by keel unknown check %" PRIu64 "/%s", s->e.run, s->e.path);
    } else {
        keel_buf_puts(out, "is looking at this moment");
    }
    keel_buf_free(&rests);
}

static void owner(cli *c, const story *s, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    if (is_ours(s)) {
        next_look(c, s, &text);
    } else {
        keel_buf_printf(&text,
                        "operator: look on the other side, then keel unknown verdict %s "
                        "done|not_done --why ...",
                        effect_text(&s->e, EFFECT_NUMBER));
    }
    render_row(&c->out, out, "owner", text.data);
    keel_buf_free(&text);
}

static void evidence(const story *s, const term *on, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    if (s->sent_us) {
        keel_buf_printf(&text, "attempt %s at ", effect_text(&s->e, EFFECT_ATTEMPTS));
        text_time(&text, s->sent_us);
        keel_buf_puts(&text, "; looked for ");
        text_plural(&text, s->looks, "time", "times");
        render_row(on, out, "sent", text.data);
    }
    render_row(on, out, "digest", effect_text(&s->e, EFFECT_DIGEST));
    render_row(on, out, "key", effect_text(&s->e, EFFECT_KEY));
    keel_buf_free(&text);
}

static void print_card(cli *c, const story *s) {
    keel_buf out = KEEL_BUF_INIT, text = KEEL_BUF_INIT;
    const term *on = &c->out;
    title(s, on, &out);
    render_row(on, &out, "class", render_class(effect_text(&s->e, EFFECT_CLASS)));
    if (keel_json_string(view(&s->why), &text) && text.len) {
        render_row(on, &out, "why", text.data);
    }
    if (is_unknown(s)) {
        keel_buf_clear(&text);
        owner(c, s, &out);
        dependents(c, s, &text);
        render_row(on, &out, "depends", text.data);
    }
    evidence(s, on, &out);
    keel_buf_puts(&out, "\n  ");
    term_put(on, &out, TINT_DIM, "Its story:");
    keel_buf_putc(&out, '\n');
    keel_buf_append(&out, s->lines.data ? s->lines.data : "", s->lines.len);
    keel_buf_puts(&out, "\n  ");
    term_put(on, &out, TINT_DIM, "It was exactly this:");
    keel_buf_putc(&out, '\n');
    render_fields(view(&s->args), on, &out);
    keel_buf_putc(&out, '\n');
    cli_out(&out);
    keel_buf_free(&text);
    keel_buf_free(&out);
}

static void print_json(cli *c, const story *s) {
    keel_buf out = KEEL_BUF_INIT, text = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    keel_json_object(&w);
    keel_json_set_text(&w, "agent", effect_text(&s->e, EFFECT_AGENT));
    keel_json_set_raw(&w, "args", view(&s->args));
    keel_json_set_int(&w, "attempts", number_of(s, EFFECT_ATTEMPTS));
    keel_json_set_text(&w, "class", effect_text(&s->e, EFFECT_CLASS));
    if (is_unknown(s)) {
        dependents(c, s, &text);
        keel_json_set_text(&w, "dependents", text.data);
    }
    keel_json_set_text(&w, "digest", effect_text(&s->e, EFFECT_DIGEST));
    if (effect_text(&s->e, EFFECT_DUE)[0]) {
        keel_json_set_int(&w, "due_us", number_of(s, EFFECT_DUE));
    }
    keel_json_set_text(&w, "key", effect_text(&s->e, EFFECT_KEY));
    keel_json_set_int(&w, "looks", s->looks);
    if (number_of(s, EFFECT_NUMBER)) {
        keel_json_set_int(&w, "number", number_of(s, EFFECT_NUMBER));
    }
    if (is_unknown(s)) {
        keel_json_set_text(&w, "owner", is_ours(s) ? "keel" : "operator");
    }
    keel_json_set_text(&w, "path", s->e.path);
    keel_json_key(&w, "records");
    keel_json_array(&w);
    keel_buf_append(&out, s->lines.data ? s->lines.data : "", s->lines.len);
    keel_json_array_end(&w);
    keel_json_set_int(&w, "run", (int64_t)s->e.run);
    keel_json_set_int(&w, "sent_us", s->sent_us);
    keel_json_set_text(&w, "state", effect_text(&s->e, EFFECT_STATE));
    keel_json_set_text(&w, "target", effect_text(&s->e, EFFECT_TARGET));
    if (s->why.len) {
        keel_json_set_raw(&w, "why", view(&s->why));
    }
    keel_json_object_end(&w);
    keel_buf_putc(&out, '\n');
    cli_out(&out);
    keel_buf_free(&text);
    keel_buf_free(&out);
}

static int never_unknown(const story *s, const char *word, diag *d) {
    diag_set(d, DIAG_NOT_FOUND, "The outcome of %s is %s, and was never unknown.", word,
             effect_text(&s->e, EFFECT_STATE));
    return diag_next(d, "See `keel unknown list`; the effect itself: `keel why %s`.", word);
}

int unknown_show(cli *c, const char *word, diag *d) {
    story s = {.c = c};
    int rc = effect_find(c, word, &s.e, d);
    if (rc) {
        return rc;
    }
    uint64_t run = s.e.run;
    rc = reader_runs(c->db, &run, 1, visit, &s, d);
    if (rc == 0 && !s.lost_us && !is_unknown(&s)) {
        rc = never_unknown(&s, word, d);
    } else if (rc == 0 && c->json) {
        print_json(c, &s);
    } else if (rc == 0) {
        print_card(c, &s);
    }
    finish(&s);
    return rc;
}
