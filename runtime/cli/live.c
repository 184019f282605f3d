#include "live.h"

#include <inttypes.h>
#include <string.h>

#include "describe.h"
#include "render.h"
#include "text.h"

void live_begin(live *v, cli *c, int64_t run) {
    *v = (live){.c = c, .run = run};
}

static void wipe(live *v) {
    if (v->moving) {
        fputs("\r\033[K", stderr);
        v->moving = false;
    }
}

/* Inward and plenty: worth a count, not a line. */
static bool is_small(const char *kind) {
    static const char *const small[] = {"step", "now", "random", "woken"};
    for (size_t i = 0; i < sizeof small / sizeof *small; i++) {
        if (strcmp(kind, small[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void moving_line(live *v) {
    v->small++;
    if (v->c->err.terminal) {
        fprintf(stderr, "\r\033[K  %" PRId64 " steps", v->small);
        v->moving = true;
    }
}

/* A run that computes, or an answer that is long in coming, says nothing by itself. */
void live_idle(void *ctx, int seconds) {
    live *v = ctx;
    if (v->c->quiet || v->c->json) {
        return;
    }
    diag ignored;
    char how[80] = "at work";
    if (cli_reader(v->c, &ignored) == 0 && cli_halted(v->c)) {
        snprintf(how, sizeof how, "halted until %s", cli_halt_ends(v->c));
    }
    if (v->c->err.terminal) {
        fprintf(stderr, "\r\033[K  %s, nothing new for %d s; Ctrl-C leaves the run alone", how,
                seconds);
        v->moving = true;
    } else if (seconds % 30 == 3) {
        fprintf(stderr, "  %s, nothing new for %d s\n", how, seconds);
    }
}

static int describe(void *ctx, const journal_row *row) {
    live *v = ctx;
    describe_record(row, &v->c->err, &v->text);
    return 0;
}

/* What the record says, or the kernel's own words where the database cannot be read. */
static void words_of(live *v, keel_json event) {
    int64_t seq = 0;
    diag d;
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_clear(&v->text);
    keel_json_int(keel_json_get(event, "seq"), &seq);
    if (cli_reader(v->c, &d) == 0) {
        reader_record(v->c->db, seq, describe, v, &d);
    }
    if (v->text.len == 0 && keel_json_string(keel_json_get(event, "text"), &text)) {
        text_line(&v->text, text.data ? text.data : "", text.len);
    }
    keel_buf_free(&text);
}

static void line(live *v, keel_json event) {
    keel_buf out = KEEL_BUF_INIT, head = KEEL_BUF_INIT;
    int64_t at = 0, run = 0;
    char agent[64] = "", path[128] = "";
    keel_json_int(keel_json_get(event, "at"), &at);
    keel_json_int(keel_json_get(event, "run"), &run);
    keel_json_copy(keel_json_get(event, "agent"), agent, sizeof agent);
    keel_json_copy(keel_json_get(event, "path"), path, sizeof path);
    text_time(&head, at);
    keel_buf_consume(&head, strlen("2026-11-22 "));
    keel_buf_printf(&head, "  run %-4" PRId64 " %-6s  ", run, path);
    if (agent[0]) {
        text_line(&head, agent, strlen(agent));
        keel_buf_puts(&head, "  ");
    }
    term_put(&v->c->err, &out, TINT_DIM, head.data);
    words_of(v, event);
    fprintf(stderr, "%s%s\n", out.data, v->text.len ? v->text.data : "");
    keel_buf_free(&out);
    keel_buf_free(&head);
}

int live_event(void *ctx, keel_json event) {
    live *v = ctx;
    char kind[48] = "";
    if (v->c->json) {
        cli_print("%.*s\n", (int)event.len, event.data);
        return 0;
    }
    if (v->c->quiet) {
        return 0;
    }
    keel_json_copy(keel_json_get(event, "kind"), kind, sizeof kind);
    if (is_small(kind)) {
        moving_line(v);
    } else {
        wipe(v);
        line(v, event);
    }
    return 0;
}

void live_end(live *v) {
    wipe(v);
    keel_buf_free(&v->text);
}

/* ---- the result ---- */

typedef struct ending {
    keel_buf *result;
    int64_t next_run; /* that goes on from it, 0: none */
} ending;

static int take_result(void *ctx, const journal_row *row) {
    ending *e = ctx;
    keel_json v = keel_json_get(row->body, "result");
    v = v.data ? v : keel_json_get(row->body, "error");
    keel_buf_clear(e->result);
    keel_buf_append(e->result, v.data, v.len);
    keel_json_int(keel_json_get(row->body, "next_run"), &e->next_run);
    return 0;
}

static void load_result(cli *c, int64_t run, keel_buf *out) {
    char number[24];
    diag d;
    ending e = {.result = out, .next_run = run};
    while (e.next_run && cli_reader(c, &d) == 0) {
        snprintf(number, sizeof number, "%" PRId64, e.next_run);
        int64_t seq =
            cli_number(c, "SELECT end_seq FROM run WHERE id = CAST(? AS INTEGER)", number);
        e.next_run = 0;
        keel_buf_clear(out); /* while it goes on there is no result */
        if (seq) {
            reader_record(c->db, seq, take_result, &e, &d);
        }
    }
}

void live_result(cli *c, int64_t run, int exit_code, keel_json waiting) {
    keel_buf result = KEEL_BUF_INIT, out = KEEL_BUF_INIT;
    load_result(c, run, &result);
    keel_json value = keel_json_view(result.len ? result.data : NULL, result.len);
    if (c->json) {
        keel_json_writer w;
        keel_json_write(&w, &out);
        keel_json_object(&w);
        keel_json_set_int(&w, "exit", exit_code);
        keel_json_set_raw(&w, "result", value);
        keel_json_set_int(&w, "run", run);
        keel_json_set_raw(&w, "waiting", waiting);
        keel_json_object_end(&w);
        keel_buf_putc(&out, '\n');
    } else if (value.data && keel_json_typeof(value) != KEEL_JSON_NULL) {
        render_outline(value, &c->out, &out);
    }
    cli_out(&out);
    keel_buf_free(&result);
    keel_buf_free(&out);
}
