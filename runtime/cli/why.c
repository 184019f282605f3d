/* keel why: what was decided about one effect, by which rule, from what; and what became of it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "describe.h"
#include "effect.h"
#include "render.h"
#include "rests.h"
#include "suggest.h"
#include "text.h"
#include "words.h"

typedef struct story {
    cli *c;
    const effect *e;
    keel_buf decision; /* the last one */
    keel_buf args;
    keel_buf result;   /* or error */
    keel_buf lines;    /* the records, described */
    keel_buf json;     /* the records */
    keel_buf approved; /* six words, by whom */
} story;

static void keep(keel_buf *to, keel_json v) {
    if (v.data) {
        keel_buf_clear(to);
        keel_buf_append(to, v.data, v.len);
    }
}

static keel_json view(const keel_buf *b) {
    return keel_json_view(b->len ? b->data : NULL, b->len);
}

static void approved_by(story *s, const journal_row *row) {
    char hex[80] = "", by[80] = "";
    keel_json_copy(keel_json_get(row->body, "approval"), hex, sizeof hex);
    keel_json_copy(keel_json_get(row->body, "by"), by, sizeof by);
    keel_buf_clear(&s->approved);
    words_from_hex(&s->approved, hex);
    keel_buf_puts(&s->approved, ", by ");
    text_line(&s->approved, by, strlen(by));
    keel_buf_puts(&s->approved, " at ");
    text_time(&s->approved, row->at);
}

static int visit(void *ctx, const journal_row *row) {
    story *s = ctx;
    if (strcmp(row->path, s->e->path) != 0) {
        return 0;
    }
    keep(&s->decision, keel_json_get(row->body, "decision"));
    keep(&s->args, keel_json_get(row->body, "args"));
    keep(&s->result, keel_json_get(row->body, "result"));
    keep(&s->result, keel_json_get(row->body, "error"));
    if (row->kind == RECORD_APPROVAL_GIVEN) {
        approved_by(s, row);
    }
    if (s->c->json) {
        describe_json(row, &s->json);
        s->json.data[s->json.len - 1] = ',';
    } else {
        keel_buf_puts(&s->lines, "  ");
        describe_line(row, &s->c->out, &s->lines);
    }
    return 0;
}

/* ---- for people ---- */

static void label(const story *s, keel_buf *out, const char *name) {
    keel_buf padded = KEEL_BUF_INIT;
    keel_buf_printf(&padded, "%-10s", name);
    term_put(&s->c->out, out, TINT_DIM, padded.data);
    keel_buf_puts(out, "  ");
    keel_buf_free(&padded);
}

static void member(keel_buf *out, keel_json v) {
    keel_buf text = KEEL_BUF_INIT;
    if (!keel_json_string(v, &text)) {
        keel_buf_append(&text, v.data, v.len);
    }
    text_line(out, text.data ? text.data : "", text.len);
    keel_buf_free(&text);
}

static void head(const story *s, keel_buf *out) {
    const effect *e = s->e;
    keel_buf name = KEEL_BUF_INIT;
    text_line(&name, effect_text(e, EFFECT_TARGET), strlen(effect_text(e, EFFECT_TARGET)));
    term_put(&s->c->out, out, TINT_BOLD, name.data);
    keel_buf_puts(out, " by ");
    text_line(out, effect_text(e, EFFECT_AGENT), strlen(effect_text(e, EFFECT_AGENT)));
    keel_buf_printf(out, " (run %" PRIu64 ", path %s)\n", e->run, e->path);
    label(s, out, "state");
    const char *state = effect_text(e, EFFECT_STATE);
    term_put(&s->c->out, out, term_outcome(state), state);
    if (*effect_text(e, EFFECT_REASON)) {
        keel_buf_printf(out, " (%s)", effect_text(e, EFFECT_REASON));
    }
    keel_buf_puts(out, ", since ");
    text_time(out, strtoll(effect_text(e, EFFECT_CHANGED), NULL, 10));
    keel_buf_printf(out, "; %s dispatched\n", effect_text(e, EFFECT_ATTEMPTS));
    keel_buf_free(&name);
}

static void decision(const story *s, keel_buf *out) {
    keel_json v = view(&s->decision);
    char file[256] = "", verdict[16] = "";
    int64_t line = 0;
    if (!v.data) {
        return;
    }
    keel_json_copy(keel_json_get(v, "verdict"), verdict, sizeof verdict);
    keel_json_copy(keel_json_get(v, "file"), file, sizeof file);
    keel_json_int(keel_json_get(v, "line"), &line);
    label(s, out, "decision");
    term_put(&s->c->out, out, term_outcome(verdict), verdict);
    keel_buf_puts(out, " by rule ");
    member(out, keel_json_get(v, "rule"));
    if (file[0]) {
        keel_buf_puts(out, ", ");
        text_line(out, file, strlen(file));
        keel_buf_printf(out, ":%" PRId64, line);
    }
    keel_buf_puts(out, ", band ");
    member(out, keel_json_get(v, "band"));
    keel_buf_putc(out, '\n');
    label(s, out, "because");
    member(out, keel_json_get(v, "why"));
    keel_buf_putc(out, '\n');
    const char *name = "inputs";
    for (keel_json_iter it = keel_json_each(keel_json_get(v, "inputs")); keel_json_next(&it);) {
        label(s, out, name);
        member(out, it.key);
        keel_buf_puts(out, " = ");
        member(out, it.value);
        keel_buf_putc(out, '\n');
        name = "";
    }
    label(s, out, "policy");
    member(out, keel_json_get(v, "policy"));
    keel_buf_putc(out, '\n');
}

static void held(const story *s, keel_buf *out) {
    const char *holds = effect_text(s->e, EFFECT_HOLDS);
    const char *name = "held";
    for (keel_json_iter it = keel_json_each(keel_json_view(holds, strlen(holds)));
         *holds && keel_json_next(&it);) {
        label(s, out, name);
        member(out, keel_json_get(it.value, "amount"));
        keel_buf_putc(out, ' ');
        member(out, keel_json_get(it.value, "unit"));
        keel_buf_puts(out, " of budget ");
        member(out, keel_json_get(it.value, "budget"));
        keel_buf_puts(out, ", ");
        member(out, keel_json_get(it.value, "scope"));
        keel_buf_putc(out, '\n');
        name = "";
    }
}

/* What takes it back, or what it takes back. */
static void undo(const story *s, keel_buf *out) {
    const effect *e = s->e;
    const char *mark = strchr(e->path, '~'), *by = effect_text(e, EFFECT_UNDONE_BY);
    bool done = strcmp(effect_text(e, EFFECT_STATE), "done") == 0;
    if (mark) {
        label(s, out, "takes back");
        keel_buf_printf(out, "what was done at %" PRIu64 ":%.*s\n", e->run, (int)(mark - e->path),
                        e->path);
    } else if (*by) {
        label(s, out, "taken back");
        keel_buf_printf(out, "by %" PRIu64 ":%s; see keel why %" PRIu64 ":%s\n", e->run, by, e->run,
                        by);
    } else if (done && strcmp(effect_text(e, EFFECT_CLASS), "read") != 0) {
        label(s, out, "way back");
        keel_buf_puts(out, *effect_text(e, EFFECT_UNDO) ? "keel rollback " : "none");
        if (*effect_text(e, EFFECT_UNDO)) {
            keel_buf_printf(out, "%" PRIu64, e->run);
        }
        keel_buf_putc(out, '\n');
    }
}

static void result(const story *s, keel_buf *out) {
    keel_json v = view(&s->result);
    if (!v.data) {
        return;
    }
    keel_buf_puts(out, "\nResult\n");
    render_fields(v, &s->c->out, out);
}

/* What it waits for beside a person and a budget. */
static void resting(const story *s, keel_buf *out) {
    static const char *const waits[] = {"waiting", "retry", "unknown", "reconciling"};
    const char *state = effect_text(s->e, EFFECT_STATE);
    keel_buf rest = KEEL_BUF_INIT;
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        if (!strcmp(state, waits[i]) && rests_of(s->c, effect_text(s->e, EFFECT_TARGET), &rest)) {
            label(s, out, "waits");
            keel_buf_printf(out, "its connection %s\n", rest.data);
        }
    }
    keel_buf_free(&rest);
}

static void tell(const story *s, keel_buf *out) {
    head(s, out);
    resting(s, out);
    decision(s, out);
    if (s->approved.len) {
        label(s, out, "approved");
        keel_buf_printf(out, "%s\n", s->approved.data);
    }
    undo(s, out);
    held(s, out);
    suggest_budgets(s->c, s->e, out);
    if (strtoll(effect_text(s->e, EFFECT_COST), NULL, 10)) {
        label(s, out, "cost");
        text_money(out, strtoll(effect_text(s->e, EFFECT_COST), NULL, 10),
                   effect_text(s->e, EFFECT_CURRENCY));
        keel_buf_putc(out, '\n');
    }
    if (s->args.len) {
        keel_buf_puts(out, "\nArguments\n");
        render_fields(view(&s->args), &s->c->out, out);
    }
    result(s, out);
    keel_buf_puts(out, "\nRecord\n");
    keel_buf_append(out, s->lines.data, s->lines.len);
}

static void tell_json(const story *s, keel_buf *out) {
    keel_json_writer w;
    keel_buf records = KEEL_BUF_INIT;
    keel_buf_printf(&records, "[%.*s]", s->json.len ? (int)s->json.len - 1 : 0,
                    s->json.len ? s->json.data : "");
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_set_text(&w, "agent", effect_text(s->e, EFFECT_AGENT));
    keel_json_set_raw(&w, "args", view(&s->args));
    keel_json_set_int(&w, "attempts", strtoll(effect_text(s->e, EFFECT_ATTEMPTS), NULL, 10));
    keel_json_set_text(&w, "class", effect_text(s->e, EFFECT_CLASS));
    keel_json_set_raw(&w, "decision", view(&s->decision));
    keel_json_set_text(&w, "path", s->e->path);
    keel_json_set_raw(&w, "records", keel_json_view(records.data, records.len));
    keel_json_set_int(&w, "run", (int64_t)s->e->run);
    keel_json_set_text(&w, "state", effect_text(s->e, EFFECT_STATE));
    keel_json_set_text(&w, "target", effect_text(s->e, EFFECT_TARGET));
    if (*effect_text(s->e, EFFECT_UNDONE_BY)) {
        keel_json_set_text(&w, "undone_by", effect_text(s->e, EFFECT_UNDONE_BY));
    }
    keel_json_object_end(&w);
    keel_buf_putc(out, '\n');
    keel_buf_free(&records);
}

static bool was_stopped(const effect *e) {
    return strcmp(effect_text(e, EFFECT_STATE), "denied") == 0;
}

static void finish(story *s) {
    keel_buf *all[] = {&s->decision, &s->args, &s->result, &s->lines, &s->json, &s->approved};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        keel_buf_free(all[i]);
    }
}

static int tell_all(cli *c, const effect *e, diag *d) {
    story s = {.c = c, .e = e};
    uint64_t run = e->run;
    keel_buf out = KEEL_BUF_INIT;
    int rc = reader_runs(c->db, &run, 1, visit, &s, d);
    if (rc == 0 && c->json) {
        tell_json(&s, &out);
    } else if (rc == 0) {
        tell(&s, &out);
    }
    cli_out(&out);
    if (rc == 0 && !c->json && was_stopped(e)) {
        suggest_rule(c, e, view(&s.args));
    }
    keel_buf_free(&out);
    finish(&s);
    return rc;
}

static int why_run(cli *c, const options *o, diag *d) {
    effect e;
    int rc = effect_find(c, o->args[0], &e, d);
    if (rc == 0) {
        rc = tell_all(c, &e, d);
        effect_finish(&e);
    }
    return rc;
}

const command why_command = {
    .name = "why",
    .words = "N | RUN:PATH",
    .summary = "why an effect was allowed, asked for, denied or not done",
    .more = "Prints the rule with its file and line, what policy saw, the budget, who approved and "
            "when,\n"
            "each attempt and the result; also for what did not run.",
    .examples = "keel why 3\nkeel why 7:3.1\nkeel why 3 --json",
    .least = 1,
    .most = 1,
    .run = why_run,
};
