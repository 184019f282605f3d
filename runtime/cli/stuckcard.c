#include "stuck.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "render.h"
#include "text.h"

#define DONE_MOST 20

enum {
    S_RUN,
    S_PATH,
    S_STATE,
    S_SEQ,
    S_OPENED,
    S_OWNER,
    S_REASON,
    S_NEXT,
    S_ESCALATED,
    S_ESCALATED_US,
    S_CLOSED_BY,
    S_CLOSED_WHY,
    S_AGENT,
    S_VERSION,
    S_RUN_STATE,
    S_TARGET,
    S_CLASS,
    S_STARTED
};

static const char item_sql[] =
    "SELECT i.run, i.path, i.state, i.args_seq, i.opened_us, i.owner, i.reason, i.next,"
    " i.escalated, i.escalated_us, i.closed_by, i.closed_why, r.agent, r.version, r.state,"
    " e.target, e.class, r.started_us FROM item i JOIN run r ON r.id = i.run"
    " LEFT JOIN effect e ON e.run = i.run AND e.path = i.path"
    " WHERE i.number = CAST(? AS INTEGER) AND i.kind = 'stuck'";

typedef struct done_step {
    char *path, *target;
    int64_t at;
} done_step;

typedef struct context {
    int64_t number, seq;
    cli_row row;
    keel_buf input, args, error, end, detail; /* of the run and of the step that failed */
    done_step *done;
    size_t done_count;
} context;

static const char *text_of(const context *x, int which) {
    return x->row.values[which] ? x->row.values[which] : "";
}

static int64_t number_of(const context *x, int which) {
    return strtoll(text_of(x, which), NULL, 10);
}

bool stuck_is(cli *c, int64_t number) {
    char text[24];
    diag d;
    snprintf(text, sizeof text, "%" PRId64, number);
    return cli_reader(c, &d) == 0 &&
           cli_number(c,
                      "SELECT count(*) FROM item WHERE number = CAST(? AS INTEGER)"
                      " AND kind = 'stuck'",
                      text) > 0;
}

/* ---- what the record says ---- */

static void keep(keel_buf *to, keel_json v) {
    if (v.data) {
        keel_buf_clear(to);
        keel_buf_append(to, v.data, v.len);
    }
}

static void add_done(context *x, const journal_row *row) {
    char target[128] = "";
    keel_json_copy(keel_json_get(row->body, "target"), target, sizeof target);
    x->done = keel_realloc(x->done, (x->done_count + 1) * sizeof *x->done);
    x->done[x->done_count++] = (done_step){keel_strdup(row->path), keel_strdup(target), row->at};
}

static int visit(void *ctx, const journal_row *row) {
    context *x = ctx;
    if (row->seq > x->seq) {
        return 1; /* it is shown as it was when it got stuck */
    }
    switch (row->kind) {
    case RECORD_RUN_BEGIN:
        keep(&x->input, keel_json_get(row->body, "input"));
        break;
    case RECORD_RUN_END:
        keep(&x->end, keel_json_get(row->body, "error"));
        break;
    case RECORD_RUN_PAUSED:
        keep(&x->detail, keel_json_get(row->body, "detail"));
        break;
    case RECORD_EFFECT_DONE:
        add_done(x, row);
        break;
    default:
        break;
    }
    if (row->path[0] && strcmp(row->path, text_of(x, S_PATH)) == 0) {
        keep(&x->args, keel_json_get(row->body, "args"));
        keep(&x->error, keel_json_get(row->body, "error"));
    }
    return 0;
}

static void finish(context *x) {
    for (size_t i = 0; i < x->done_count; i++) {
        free(x->done[i].path);
        free(x->done[i].target);
    }
    free(x->done);
    keel_buf_free(&x->input);
    keel_buf_free(&x->args);
    keel_buf_free(&x->error);
    keel_buf_free(&x->end);
    keel_buf_free(&x->detail);
    cli_row_free(&x->row);
}

static int load(cli *c, int64_t number, context *x, diag *d) {
    char text[24];
    const char *param = text;
    snprintf(text, sizeof text, "%" PRId64, number);
    *x = (context){.number = number};
    int rc = cli_one(c, item_sql, &param, 1, &x->row, d);
    if (rc == DIAG_NOT_FOUND && c->db) {
        diag_set(d, rc, "Item %s is nothing that is stuck.", text);
        return diag_next(d, "See `keel stuck list`.");
    }
    if (rc) {
        return rc;
    }
    uint64_t run = (uint64_t)number_of(x, S_RUN);
    x->seq = number_of(x, S_SEQ);
    rc = reader_runs(c->db, &run, 1, visit, x, d);
    return rc < 0 ? rc : 0;
}

static keel_json view(const keel_buf *b) {
    return keel_json_view(b->len ? b->data : NULL, b->len);
}

/* ---- the card ---- */

static void title(const context *x, const term *on, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_printf(&text, "%" PRId64 "  ", x->number);
    text_line(&text, text_of(x, S_AGENT), strlen(text_of(x, S_AGENT)));
    keel_buf_puts(&text, " is stuck");
    if (text_of(x, S_TARGET)[0]) {
        keel_buf_puts(&text, " at ");
        text_line(&text, text_of(x, S_TARGET), strlen(text_of(x, S_TARGET)));
    }
    term_put(on, out, TINT_BOLD, text.data);
    if (strcmp(text_of(x, S_STATE), "open") != 0) {
        keel_buf_puts(out, "  [");
        term_put(on, out, term_outcome(text_of(x, S_STATE)), text_of(x, S_STATE));
        keel_buf_puts(out, "]");
    }
    keel_buf_putc(out, '\n');
    keel_buf_free(&text);
}

static void times(const context *x, const term *on, int64_t now_us, keel_buf *out) {
    render_label(on, out, "since");
    text_time(out, number_of(x, S_OPENED));
    keel_buf_puts(out, ", for ");
    text_span(out, now_us - number_of(x, S_OPENED));
    keel_buf_putc(out, '\n');
    if (number_of(x, S_ESCALATED)) {
        render_label(on, out, "escalated");
        text_plural(out, number_of(x, S_ESCALATED), "time", "times");
        keel_buf_puts(out, ", last ");
        text_time(out, number_of(x, S_ESCALATED_US));
        keel_buf_putc(out, '\n');
    }
    if (text_of(x, S_CLOSED_WHY)[0]) {
        render_label(on, out, "closed");
        keel_buf_puts(out, "by ");
        text_line(out, text_of(x, S_CLOSED_BY), strlen(text_of(x, S_CLOSED_BY)));
        keel_buf_puts(out, ": ");
        text_line(out, text_of(x, S_CLOSED_WHY), strlen(text_of(x, S_CLOSED_WHY)));
        keel_buf_putc(out, '\n');
    }
}

static void heading(const term *on, keel_buf *out, const char *words) {
    keel_buf_putc(out, '\n');
    keel_buf_puts(out, "  ");
    term_put(on, out, TINT_DIM, words);
    keel_buf_putc(out, '\n');
}

static void error_of(const context *x, const term *on, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    keel_json error = view(&x->error);
    keel_json_string(keel_json_get(error, "code"), &text);
    keel_buf_puts(&text, ": ");
    keel_json_string(keel_json_get(error, "why"), &text);
    render_row(on, out, "error", text.data);
    keel_buf_free(&text);
}

static void step(const context *x, const term *on, keel_buf *out) {
    if (x->args.len) {
        heading(on, out, "The step that failed:");
        render_row(on, out, "target", text_of(x, S_TARGET));
        render_row(on, out, "class", render_class(text_of(x, S_CLASS)));
        if (x->error.len) {
            error_of(x, on, out);
        }
        render_fields(view(&x->args), on, out);
    }
}

static void done_before(const context *x, const term *on, keel_buf *out) {
    size_t from = x->done_count > DONE_MOST ? x->done_count - DONE_MOST : 0;
    heading(on, out, x->done_count ? "Done before it:" : "Nothing was done before it.");
    if (from) {
        keel_buf_printf(out, "  %zu earlier ones: keel run show %s\n", from, text_of(x, S_RUN));
    }
    for (size_t i = from; i < x->done_count; i++) {
        keel_buf_puts(out, "  ");
        text_time(out, x->done[i].at);
        keel_buf_printf(out, "  %-8s  ", x->done[i].path);
        text_line(out, x->done[i].target, strlen(x->done[i].target));
        keel_buf_putc(out, '\n');
    }
}

static void trace(const context *x, const term *on, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    keel_json end = view(&x->end);
    if (keel_json_string(keel_json_get(end, "trace"), &text) && text.len) {
        heading(on, out, "Where its script was:");
        gutter_text(out, text.data, text.len, 4, on->width ? on->width : 100);
    }
    keel_buf_free(&text);
    if (x->detail.len && !x->end.len) {
        heading(on, out, "What differs:");
        render_outline(view(&x->detail), on, out);
    }
}

static void card_text(const context *x, const term *on, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    title(x, on, out);
    keel_buf_printf(&text, "%s of %s %s, %s; started ", text_of(x, S_RUN), text_of(x, S_AGENT),
                    text_of(x, S_VERSION), text_of(x, S_RUN_STATE));
    text_time(&text, number_of(x, S_STARTED));
    render_row(on, out, "run", text.data);
    render_row(on, out, "what", text_of(x, S_REASON));
    render_row(on, out, "owner", text_of(x, S_OWNER));
    render_row(on, out, "to do", text_of(x, S_NEXT));
    times(x, on, cli_now_us(), out);
    step(x, on, out);
    done_before(x, on, out);
    if (x->input.len) {
        heading(on, out, "The run's input:");
        render_fields(view(&x->input), on, out);
    }
    trace(x, on, out);
    keel_buf_free(&text);
}

static void print_card(const cli *c, const context *x) {
    keel_buf out = KEEL_BUF_INIT;
    card_text(x, &c->out, &out);
    keel_buf_putc(&out, '\n');
    cli_out(&out);
    keel_buf_free(&out);
}

int stuck_text(cli *c, int64_t number, const term *on, keel_buf *out, diag *d) {
    context x;
    int rc = load(c, number, &x, d);
    if (rc == 0) {
        card_text(&x, on, out);
    }
    finish(&x);
    return rc;
}

/* ---- as JSON ---- */

static void set_raw(keel_json_writer *w, const char *key, const keel_buf *value) {
    if (value->len) {
        keel_json_set_raw(w, key, view(value));
    }
}

static void set_text(keel_json_writer *w, const char *key, const char *value) {
    if (value[0]) {
        keel_json_set_text(w, key, value);
    }
}

static void print_json(const context *x) {
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    keel_json_object(&w);
    keel_json_set_text(&w, "agent", text_of(x, S_AGENT));
    set_raw(&w, "args", &x->args);
    set_text(&w, "class", text_of(x, S_CLASS));
    set_text(&w, "closed_by", text_of(x, S_CLOSED_BY));
    set_text(&w, "closed_why", text_of(x, S_CLOSED_WHY));
    set_raw(&w, "detail", &x->detail);
    keel_json_key(&w, "done");
    keel_json_array(&w);
    for (size_t i = 0; i < x->done_count; i++) {
        keel_json_object(&w);
        keel_json_set_int(&w, "at", x->done[i].at);
        keel_json_set_text(&w, "path", x->done[i].path);
        keel_json_set_text(&w, "target", x->done[i].target);
        keel_json_object_end(&w);
    }
    keel_json_array_end(&w);
    set_raw(&w, "end", &x->end);
    set_raw(&w, "error", &x->error);
    keel_json_set_int(&w, "escalated", number_of(x, S_ESCALATED));
    set_raw(&w, "input", &x->input);
    keel_json_set_text(&w, "kind", "stuck");
    keel_json_set_text(&w, "next", text_of(x, S_NEXT));
    keel_json_set_int(&w, "number", x->number);
    keel_json_set_int(&w, "opened_us", number_of(x, S_OPENED));
    keel_json_set_text(&w, "owner", text_of(x, S_OWNER));
    keel_json_set_text(&w, "path", text_of(x, S_PATH));
    keel_json_set_text(&w, "reason", text_of(x, S_REASON));
    keel_json_set_int(&w, "run", number_of(x, S_RUN));
    keel_json_set_text(&w, "run_state", text_of(x, S_RUN_STATE));
    keel_json_set_text(&w, "state", text_of(x, S_STATE));
    set_text(&w, "target", text_of(x, S_TARGET));
    keel_json_set_text(&w, "version", text_of(x, S_VERSION));
    keel_json_object_end(&w);
    keel_buf_putc(&out, '\n');
    cli_out(&out);
    keel_buf_free(&out);
}

int stuck_show(cli *c, int64_t number, diag *d) {
    context x;
    int rc = load(c, number, &x, d);
    if (rc == 0 && c->json) {
        print_json(&x);
    } else if (rc == 0) {
        print_card(c, &x);
    }
    finish(&x);
    return rc;
}
