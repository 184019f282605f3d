#include "ramp_tell.h"

#include <inttypes.h>
#include <string.h>

#include "backtest_json.h"
#include "diff.h"
#include "text.h"

#define SHOWN 3 /* approvals */

static void put_line(keel_buf *out, const char *text) {
    text_line(out, text, strlen(text));
}

static int64_t waited(const ramp_scene *v, const ramp_finding *f) {
    int64_t us = 0;
    for (size_t i = 0; i < f->used_count; i++) {
        us += v->past.asked[f->used[i]].waited_us;
    }
    return us;
}

static int64_t time_of(const ramp_scene *v, const ramp_finding *f, size_t i) {
    return v->past.effects[f->used[i]].at_us;
}

static void put_effect(const ramp_asked *a, keel_buf *out) {
    keel_buf_printf(out, "%" PRIu64 ":", a->run);
    put_line(out, a->path);
}

/* ---- for people ---- */

static void put_head(const ramp_scene *v, const proposal *x, keel_buf *out) {
    keel_buf name = KEEL_BUF_INIT;
    keel_buf_puts(&name, "rule ");
    put_line(&name, x->found->rule);
    term_put(&v->c->out, out, TINT_BOLD, name.data);
    if (x->file) {
        keel_buf_puts(out, ", ");
        put_line(out, x->file);
        keel_buf_printf(out, ":%d", x->line);
    }
    keel_buf_puts(out, ": ");
    put_line(out, x->found->target);
    keel_buf_puts(out, " by ");
    put_line(out, x->found->agent);
    keel_buf_free(&name);
}

static void put_evidence(const ramp_scene *v, const proposal *x, bool all, keel_buf *out) {
    const ramp_finding *f = x->found;
    keel_buf_puts(out, "\n  ");
    text_count(out, (int64_t)f->used_count);
    keel_buf_puts(out, " clean approvals, from ");
    text_time(out, time_of(v, f, 0));
    keel_buf_puts(out, " to ");
    text_time(out, time_of(v, f, f->used_count - 1));
    keel_buf_puts(out, "; they waited ");
    text_span(out, waited(v, f));
    keel_buf_puts(out, " for you in all\n");
    for (size_t i = f->used_count; i-- > 0 && (all || f->used_count - i <= SHOWN);) {
        keel_buf_puts(out, "    keel why ");
        put_effect(&v->past.asked[f->used[i]], out);
        keel_buf_putc(out, '\n');
    }
    if (!all && f->used_count > SHOWN) {
        keel_buf_puts(out, "    and ");
        text_count(out, (int64_t)(f->used_count - SHOWN));
        keel_buf_puts(out, " before them: --all lists them\n");
    }
    if (f->since != SIZE_MAX) {
        keel_buf_puts(out, "  counted since keel why ");
        put_effect(&v->past.asked[f->since], out);
        keel_buf_printf(out, ", which was %s\n", v->past.asked[f->since].how);
    }
    if (f->band && f->free[0]) {
        keel_buf_puts(out, "  not looked at, so anything may stand there: ");
        put_line(out, f->free);
        keel_buf_putc(out, '\n');
    }
}

static void put_diff(const ramp_scene *v, const proposal *x, keel_buf *out) {
    keel_buf_puts(out, "\n");
    put_line(out, x->file);
    keel_buf_printf(out, ":%d\n", x->line);
    diff_lines(out, x->before->data, x->before->len, x->after.data, x->after.len, &v->c->out);
}

void ramp_tell(const ramp_scene *v, proposal *x, bool all) {
    keel_buf out = KEEL_BUF_INIT;
    put_head(v, x, &out);
    put_evidence(v, x, all, &out);
    put_diff(v, x, &out);
    keel_buf_puts(&out, "\nBacktest, against the policy as it stands:\n\n");
    cli_out(&out);
    telling_end(x->told, &x->report);
    keel_buf_clear(&out);
    keel_buf_puts(&out, "\nTo make the change: keel policy propose ");
    put_line(&out, x->found->rule);
    keel_buf_puts(&out, " --write ");
    put_line(&out, x->file);
    keel_buf_puts(&out, "\n\n");
    cli_out(&out);
    keel_buf_free(&out);
}

void ramp_tell_held(const ramp_scene *v, const proposal *x) {
    keel_buf out = KEEL_BUF_INIT;
    keel_buf_puts(&out, "Not proposed: ");
    put_head(v, x, &out);
    keel_buf_puts(&out, ", ");
    text_plural(&out, (int64_t)x->found->clean, "clean approval", "clean approvals");
    keel_buf_puts(&out, ": ");
    put_line(&out, x->why);
    if (x->found->since != SIZE_MAX) {
        keel_buf_puts(&out, " (keel why ");
        put_effect(&v->past.asked[x->found->since], &out);
        keel_buf_printf(&out, ", %s)", v->past.asked[x->found->since].how);
    }
    keel_buf_putc(&out, '\n');
    cli_out(&out);
    keel_buf_free(&out);
}

/* ---- for programs ---- */

static void approvals_json(const ramp_scene *v, const ramp_finding *f, keel_json_writer *w) {
    keel_json_key(w, "approvals");
    keel_json_array(w);
    for (size_t i = 0; i < f->used_count; i++) {
        const ramp_asked *a = &v->past.asked[f->used[i]];
        keel_json_object(w);
        keel_json_set_int(w, "number", (int64_t)a->number);
        keel_json_set_text(w, "path", a->path);
        keel_json_set_int(w, "run", (int64_t)a->run);
        keel_json_object_end(w);
    }
    keel_json_array_end(w);
}

static void conditions_json(const ramp_finding *f, keel_json_writer *w) {
    keel_json_key(w, "conditions");
    keel_json_array(w);
    for (size_t i = 0; i < f->condition_count; i++) {
        const ramp_condition *c = &f->conditions[i];
        keel_json_object(w);
        keel_json_set_text(w, "attribute", c->attr);
        if (c->op) {
            keel_json_set_text(w, "now", c->op);
        }
        keel_json_set_text(w, "value", c->value);
        if (c->was) {
            keel_json_set_text(w, "was", c->was);
        }
        keel_json_object_end(w);
    }
    keel_json_array_end(w);
}

static void proposed_json(const ramp_scene *v, const proposal *x, size_t after,
                          keel_json_writer *w) {
    const ramp_finding *f = x->found;
    keel_buf summary = KEEL_BUF_INIT;
    backtest_summary_json(&x->report, &x->sums, &summary);
    keel_json_set_int(w, "after", (int64_t)after);
    keel_json_set_text(w, "agent", f->agent);
    approvals_json(v, f, w);
    keel_json_set_raw(w, "backtest", keel_json_view(summary.data, summary.len - 1));
    keel_json_set_int(w, "clean", (int64_t)f->clean);
    conditions_json(f, w);
    keel_json_set_text(w, "file", x->file);
    keel_json_set_int(w, "first_us", time_of(v, f, 0));
    if (f->band) {
        keel_json_set_text(w, "free", f->free);
    }
    keel_json_set_text(w, "kind", "proposal");
    keel_json_set_int(w, "last_us", time_of(v, f, f->used_count - 1));
    keel_json_set_int(w, "line", x->line);
    keel_buf_free(&summary);
}

static void held_json(const proposal *x, size_t after, keel_json_writer *w) {
    keel_json_set_int(w, "after", (int64_t)after);
    keel_json_set_text(w, "agent", x->found->agent);
    keel_json_set_int(w, "clean", (int64_t)x->found->clean);
    keel_json_set_text(w, "kind", "held");
    keel_json_set_text(w, "reason", x->code);
}

void ramp_tell_json(const ramp_scene *v, const proposal *x, size_t after) {
    const ramp_finding *f = x->found;
    keel_buf out = KEEL_BUF_INIT, since = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    keel_json_object(&w);
    if (x->code) {
        held_json(x, after, &w);
    } else {
        proposed_json(v, x, after, &w);
    }
    keel_json_set_text(&w, "rule", f->rule);
    if (f->since != SIZE_MAX) {
        const ramp_asked *a = &v->past.asked[f->since];
        keel_buf_printf(&since, "%" PRIu64 ":%s", a->run, a->path);
        keel_json_set_text(&w, "since", since.data);
    }
    keel_json_set_text(&w, "target", f->target);
    if (x->code) {
        keel_json_set_text(&w, "why", x->why);
    } else {
        keel_json_key(&w, "text");
        keel_json_textn(&w, x->after.data, x->after.len);
        keel_json_set_int(&w, "waited_us", waited(v, f));
    }
    keel_json_object_end(&w);
    keel_buf_putc(&out, '\n');
    cli_out(&out);
    keel_buf_free(&out);
    keel_buf_free(&since);
}
