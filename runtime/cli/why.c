/* keel why: what was decided about one effect, by which rule, from what; and what became of it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "effect.h"
#include "render.h"
#include "rests.h"
#include "suggest.h"
#include "text.h"
#include "why.h"
#include "why_cost.h"
#include "why_story.h"

static keel_json view(const keel_buf *b) {
    return keel_json_view(b->len ? b->data : NULL, b->len);
}

/* ---- for people ---- */

void why_label(const why_story *s, keel_buf *out, const char *name) {
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

static void head(const why_story *s, keel_buf *out) {
    const effect *e = s->e;
    keel_buf name = KEEL_BUF_INIT;
    text_line(&name, effect_text(e, EFFECT_TARGET), strlen(effect_text(e, EFFECT_TARGET)));
    term_put(&s->c->out, out, TINT_BOLD, name.data);
    keel_buf_puts(out, " by ");
    text_line(out, effect_text(e, EFFECT_AGENT), strlen(effect_text(e, EFFECT_AGENT)));
    keel_buf_printf(out, " (run %" PRIu64 ", path %s)\n", e->run, e->path);
    why_label(s, out, "state");
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

/* What rules in shadow would have said, each in a line. */
static void shadows(const why_story *s, keel_json decision, keel_buf *out) {
    const char *name = "in shadow";
    for (keel_json_iter it = keel_json_each(keel_json_get(decision, "shadow"));
         keel_json_next(&it);) {
        char verdict[16] = "";
        keel_json_copy(keel_json_get(it.value, "verdict"), verdict, sizeof verdict);
        why_label(s, out, name);
        term_put(&s->c->out, out, term_outcome(verdict), verdict);
        keel_buf_puts(out, ": ");
        member(out, keel_json_get(it.value, "why"));
        keel_buf_putc(out, '\n');
        name = "";
    }
}

static void decision(const why_story *s, keel_buf *out) {
    keel_json v = view(&s->decision);
    char file[256] = "", verdict[16] = "";
    int64_t line = 0;
    if (!v.data) {
        return;
    }
    keel_json_copy(keel_json_get(v, "verdict"), verdict, sizeof verdict);
    keel_json_copy(keel_json_get(v, "file"), file, sizeof file);
    keel_json_int(keel_json_get(v, "line"), &line);
    why_label(s, out, "decision");
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
    why_label(s, out, "because");
    member(out, keel_json_get(v, "why"));
    keel_buf_putc(out, '\n');
    const char *name = "inputs";
    for (keel_json_iter it = keel_json_each(keel_json_get(v, "inputs")); keel_json_next(&it);) {
        why_label(s, out, name);
        member(out, it.key);
        keel_buf_puts(out, " = ");
        member(out, it.value);
        keel_buf_putc(out, '\n');
        name = "";
    }
    shadows(s, v, out);
    why_label(s, out, "policy");
    member(out, keel_json_get(v, "policy"));
    keel_buf_putc(out, '\n');
}

/* Who may let it go on, and by what: of what was stopped, and of what waits. */
static void lift(const why_story *s, keel_buf *out) {
    const effect *e = s->e;
    const char *state = effect_text(e, EFFECT_STATE), *reason = effect_text(e, EFFECT_REASON);
    const char *number = effect_text(e, EFFECT_NUMBER);
    bool denied = strcmp(state, "denied") == 0;
    keel_json code = keel_json_get(view(&s->result), "code");
    if (denied && keel_json_is(code, "denied") && !strchr(e->path, '~')) {
        why_label(s, out, "lifted by");
        keel_buf_printf(out, "the approver, once: keel override %" PRIu64 ":%s --why ...\n", e->run,
                        e->path);
        why_label(s, out, "");
        keel_buf_puts(out, "or whoever keeps policies/, from now on: a rule that allows it\n");
    } else if (denied && keel_json_is(code, "rejected")) {
        why_label(s, out, "lifted by");
        keel_buf_printf(out, "the approver, once: keel override %" PRIu64 ":%s --why ...\n", e->run,
                        e->path);
        why_label(s, out, "");
        keel_buf_puts(out,
                      "or you, and it is asked for again: keel denial list, keel denial lift N\n");
    } else if (denied && keel_json_is(keel_json_get(view(&s->result), "rule"), "unpriced")) {
        why_label(s, out, "lifted by");
        keel_buf_puts(out, "whoever keeps policies/: a row of prices for the model, keel policy "
                           "reload\n");
    } else if (denied && keel_json_is(code, "budget")) {
        why_label(s, out, "lifted by");
        keel_buf_puts(out, "whoever keeps policies/: a higher limit, keel policy reload\n");
    } else if (*number && !s->stale &&
               (strcmp(reason, "approval") == 0 || strcmp(reason, "budget") == 0)) {
        why_label(s, out, "lifted by");
        keel_buf_printf(out, "the approver: keel approve %s, or keel deny %s --why ...\n", number,
                        number);
    } else if (strcmp(state, "waiting") == 0 && strcmp(reason, "halted") == 0) {
        why_label(s, out, "lifted by");
        keel_buf_printf(out, "the end of the halt: %s\n", cli_halt_ends(s->c));
    }
}

static void held(const why_story *s, keel_buf *out) {
    const char *holds = effect_text(s->e, EFFECT_HOLDS);
    const char *name = "held";
    for (keel_json_iter it = keel_json_each(keel_json_view(holds, strlen(holds)));
         *holds && keel_json_next(&it);) {
        why_label(s, out, name);
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
static void undo(const why_story *s, keel_buf *out) {
    const effect *e = s->e;
    const char *mark = strchr(e->path, '~'), *by = effect_text(e, EFFECT_UNDONE_BY);
    bool done = strcmp(effect_text(e, EFFECT_STATE), "done") == 0;
    if (mark) {
        why_label(s, out, "takes back");
        keel_buf_printf(out, "what was done at %" PRIu64 ":%.*s\n", e->run, (int)(mark - e->path),
                        e->path);
    } else if (*by) {
        why_label(s, out, "taken back");
        keel_buf_printf(out, "by %" PRIu64 ":%s; see keel why %" PRIu64 ":%s\n", e->run, by, e->run,
                        by);
    } else if (done && strcmp(effect_text(e, EFFECT_CLASS), "read") != 0) {
        why_label(s, out, "way back");
        keel_buf_puts(out, *effect_text(e, EFFECT_UNDO) ? "keel rollback " : "none");
        if (*effect_text(e, EFFECT_UNDO)) {
            keel_buf_printf(out, "%" PRIu64, e->run);
        }
        keel_buf_putc(out, '\n');
    }
}

static void result(const why_story *s, keel_buf *out) {
    keel_json v = view(&s->result);
    if (!v.data) {
        return;
    }
    keel_buf_puts(out, "\nResult\n");
    render_fields(v, &s->c->out, out);
}

/* Its pace, or the end of quiet hours. */
static void paced(const why_story *s, keel_buf *out) {
    const char *state = effect_text(s->e, EFFECT_STATE), *reason = effect_text(s->e, EFFECT_REASON);
    bool waits = !strcmp(state, "waiting") && (!strcmp(reason, "rate") || !strcmp(reason, "quiet"));
    if ((!waits && strcmp(state, "retry") != 0) || !s->held.len ||
        !*effect_text(s->e, EFFECT_DUE)) {
        return;
    }
    why_label(s, out, "waits");
    keel_buf_puts(out, !strcmp(reason, "quiet") ? "until " : "until about ");
    text_time(out, strtoll(effect_text(s->e, EFFECT_DUE), NULL, 10));
    keel_buf_puts(out, ": ");
    member(out, view(&s->held));
    keel_buf_putc(out, '\n');
}

/* What it waits for beside a person and a budget. */
static void resting(const why_story *s, keel_buf *out) {
    static const char *const waits[] = {"waiting", "retry", "unknown", "reconciling"};
    const char *state = effect_text(s->e, EFFECT_STATE);
    keel_buf rest = KEEL_BUF_INIT;
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        if (!strcmp(state, waits[i]) && rests_of(s->c, effect_text(s->e, EFFECT_TARGET), &rest)) {
            why_label(s, out, "waits");
            keel_buf_printf(out, "its connection %s\n", rest.data);
        }
    }
    keel_buf_free(&rest);
}

static void lowered(const why_story *s, keel_buf *out) {
    if (s->tier.len) {
        why_label(s, out, "tier");
        render_tier(view(&s->tier), out);
    }
}

static void tell(const why_story *s, keel_buf *out) {
    head(s, out);
    resting(s, out);
    paced(s, out);
    decision(s, out);
    if (s->shortage.len && !strcmp(effect_text(s->e, EFFECT_STATE), "waiting")) {
        why_label(s, out, "short");
        member(out, view(&s->shortage));
        keel_buf_putc(out, '\n');
    }
    lowered(s, out);
    if (s->approved.len) {
        why_label(s, out, "approved");
        keel_buf_printf(out, "%s\n", s->approved.data);
    }
    if (s->lifted.len) {
        why_label(s, out, "overridden");
        keel_buf_printf(out, "once, %s\n", s->lifted.data);
    }
    lift(s, out);
    undo(s, out);
    held(s, out);
    suggest_budgets(s->c, s->e, out);
    why_cost(s, out);
    if (s->args.len) {
        keel_buf_puts(out, "\nArguments\n");
        render_fields(view(&s->args), &s->c->out, out);
    }
    result(s, out);
    keel_buf_puts(out, "\nRecord\n");
    keel_buf_append(out, s->lines.data, s->lines.len);
}

static void tell_json(const why_story *s, keel_buf *out) {
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
    if (s->tier.len) {
        keel_json_set_raw(&w, "tier", view(&s->tier));
    }
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

static int tell_all(cli *c, const effect *e, diag *d) {
    why_story s = {.c = c, .e = e};
    keel_buf out = KEEL_BUF_INIT;
    int rc = why_read(&s, d);
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
    why_finish(&s);
    return rc;
}

int why_text(cli *c, const char *word, keel_buf *out, diag *d) {
    effect e;
    int rc = effect_find(c, word, &e, d);
    if (rc == 0) {
        why_story s = {.c = c, .e = &e};
        rc = why_read(&s, d);
        if (rc == 0) {
            tell(&s, out);
        }
        why_finish(&s);
        effect_finish(&e);
    }
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
