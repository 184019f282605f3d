/* keel agent lessons: what people have said to a role, read from the record: why they denied, what they
 * changed before they signed, what they answered. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "diff.h"
#include "editfile.h"
#include "render.h"
#include "text.h"

enum { L_NUMBER, L_AT, L_HOW, L_RUN, L_PATH, L_SEQ, L_TARGET, L_RULE, L_BY, L_WHY, L_EDIT };

/* Said by a person: a denial, an edit that was then approved or not, an answer. */
static const char lessons_sql[] =
    "SELECT i.number, coalesce(i.closed_us, j.at), i.state, i.run, i.path, i.args_seq,"
    " coalesce(e.target, 'ctx.ask'), e.rule, coalesce(i.closed_by, 'operator'), i.closed_why,"
    " j.kind = 43 FROM item i JOIN run r ON r.id = i.run JOIN journal j ON j.seq = i.args_seq"
    " LEFT JOIN effect e ON e.run = i.run AND e.path = i.path WHERE r.agent = ?"
    " AND ((i.kind = 'approval' AND ((i.state = 'denied' AND i.closed_by IS NOT NULL)"
    " OR j.kind = 43)) OR (i.kind = 'question' AND i.state IN ('answered', 'declined')))"
    " ORDER BY 2, 1";

typedef struct lesson {
    cli *c;
    char *const *row;
    keel_buf before, after; /* arguments, around an edit */
    keel_buf question, answer;
} lesson;

typedef struct lessons {
    char *(*rows)[L_EDIT + 1];
    size_t count;
} lessons;

static int add_row(void *ctx, int columns, const char *const *v, const char *const *names) {
    lessons *all = ctx;
    (void)columns;
    (void)names;
    all->rows = keel_realloc(all->rows, (all->count + 1) * sizeof *all->rows);
    for (int i = 0; i <= L_EDIT; i++) {
        all->rows[all->count][i] = keel_strdup(v[i] ? v[i] : "");
    }
    all->count++;
    return 0;
}

static void lessons_free(lessons *all) {
    for (size_t i = 0; i < all->count; i++) {
        for (int k = 0; k <= L_EDIT; k++) {
            free(all->rows[i][k]);
        }
    }
    free(all->rows);
}

/* ---- one of them ---- */

static void keep(keel_buf *to, keel_json v) {
    if (v.data) {
        keel_buf_clear(to);
        keel_buf_append(to, v.data, v.len);
    }
}

static int visit(void *ctx, const journal_row *row) {
    lesson *l = ctx;
    int64_t seq = strtoll(l->row[L_SEQ], NULL, 10);
    if (strcmp(row->path, l->row[L_PATH]) != 0 || !row->body.data) {
        return 0;
    }
    keel_json args = keel_json_get(row->body, "args");
    if (row->kind == RECORD_QUESTION && row->seq == seq) {
        keep(&l->question, keel_json_get(args, "question"));
    } else if (row->kind == RECORD_WOKEN && row->seq > seq) {
        keep(&l->answer, keel_json_path(row->body, "outcome.ok"));
    } else if (row->seq < seq) {
        keep(&l->before, args);
    } else if (row->seq == seq) {
        keep(&l->after, args);
    }
    return 0;
}

static keel_json view(const keel_buf *b) {
    return keel_json_view(b->len ? b->data : NULL, b->len);
}

static void show_edit(const lesson *l, keel_buf *out) {
    for (keel_json_iter it = keel_json_each(view(&l->after)); keel_json_next(&it);) {
        char name[128];
        keel_buf old = KEEL_BUF_INIT, fresh = KEEL_BUF_INIT;
        keel_json_copy(it.key, name, sizeof name);
        keel_json was = keel_json_get(view(&l->before), name);
        if (was.len != it.value.len || !was.len || memcmp(was.data, it.value.data, was.len) != 0) {
            edit_plain(was, &old);
            edit_plain(it.value, &fresh);
            keel_buf_puts(out, "  changed ");
            text_line(out, name, strlen(name));
            keel_buf_putc(out, '\n');
            diff_lines(out, old.data ? old.data : "", old.len, fresh.data ? fresh.data : "",
                       fresh.len, &l->c->out);
        }
        keel_buf_free(&old);
        keel_buf_free(&fresh);
    }
}

static void show_text(const lesson *l, const char *name, keel_json v, keel_buf *out) {
    if (v.data) {
        render_label(&l->c->out, out, name);
        render_answer(v, out);
        keel_buf_putc(out, '\n');
    }
}

static void show(const lesson *l, keel_buf *out) {
    char *const *v = l->row;
    text_time(out, strtoll(v[L_AT], NULL, 10));
    keel_buf_printf(out, "  %s  ", v[L_NUMBER]);
    term_put(&l->c->out, out, term_outcome(v[L_HOW]), v[L_HOW]);
    keel_buf_puts(out, "  ");
    text_line(out, v[L_TARGET], strlen(v[L_TARGET]));
    if (v[L_RULE][0]) {
        keel_buf_puts(out, ", rule ");
        text_line(out, v[L_RULE], strlen(v[L_RULE]));
    }
    keel_buf_puts(out, ", by ");
    text_line(out, v[L_BY], strlen(v[L_BY]));
    keel_buf_putc(out, '\n');
    show_text(l, "asked", view(&l->question), out);
    show_text(l, "answer", view(&l->answer), out);
    if (v[L_WHY][0]) {
        render_row(&l->c->out, out, "said", v[L_WHY]);
    }
    if (v[L_EDIT][0] == '1') {
        show_edit(l, out);
    }
    keel_buf_putc(out, '\n');
}

static void set_text(keel_json_writer *w, const char *key, const char *text) {
    if (text[0]) {
        keel_json_set_text(w, key, text);
    }
}

static void set_raw(keel_json_writer *w, const char *key, const keel_buf *v) {
    if (v->len) {
        keel_json_set_raw(w, key, view(v));
    }
}

static void show_json(const lesson *l, keel_buf *out) {
    char *const *v = l->row;
    bool edit = v[L_EDIT][0] == '1';
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    set_raw(&w, "answer", &l->answer);
    keel_json_set_int(&w, "at", strtoll(v[L_AT], NULL, 10));
    set_text(&w, "by", v[L_BY]);
    if (edit) {
        set_raw(&w, "edited_from", &l->before);
        set_raw(&w, "edited_to", &l->after);
    }
    keel_json_set_text(&w, "how", v[L_HOW]);
    keel_json_set_int(&w, "number", strtoll(v[L_NUMBER], NULL, 10));
    keel_json_set_text(&w, "path", v[L_PATH]);
    set_raw(&w, "question", &l->question);
    set_text(&w, "rule", v[L_RULE]);
    keel_json_set_int(&w, "run", strtoll(v[L_RUN], NULL, 10));
    keel_json_set_text(&w, "target", v[L_TARGET]);
    set_text(&w, "why", v[L_WHY]);
    keel_json_object_end(&w);
    keel_buf_putc(out, '\n');
}

static int tell(cli *c, char *const *row, diag *d) {
    lesson l = {.c = c, .row = row};
    uint64_t run = strtoull(row[L_RUN], NULL, 10);
    keel_buf out = KEEL_BUF_INIT;
    int rc = reader_runs(c->db, &run, 1, visit, &l, d);
    if (rc == 0 && c->json) {
        show_json(&l, &out);
    } else if (rc == 0) {
        show(&l, &out);
    }
    cli_out(&out);
    keel_buf *all[] = {&l.before, &l.after, &l.question, &l.answer, &out};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        keel_buf_free(all[i]);
    }
    return rc;
}

static int lessons_run(cli *c, const options *o, diag *d) {
    lessons all = {.rows = NULL};
    const char *params[] = {o->args[0]};
    int rc = cli_reader(c, d);
    rc = rc ? rc : reader_query(c->db, lessons_sql, params, 1, add_row, &all, d);
    for (size_t i = 0; rc == 0 && i < all.count; i++) {
        rc = tell(c, all.rows[i], d);
    }
    if (rc == 0 && !all.count) {
        cli_say(c, "Nobody has denied, changed or answered anything of %s yet.", o->args[0]);
    }
    lessons_free(&all);
    return rc;
}

const command agent_lessons_verb = {
    .name = "lessons",
    .words = "AGENT",
    .summary = "what people have said to a role: reasons of denials, edits, answers",
    .more = "The oldest first, from the record: why a person denied what it asked for, what was "
            "changed\n"
            "before it was signed (as a difference), and what was answered to its questions.",
    .examples = "keel agent lessons correspondent\nkeel agent lessons correspondent --json",
    .least = 1,
    .most = 1,
    .run = lessons_run,
};
