#include "runtree.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "mismatch.h"
#include "render.h"
#include "text.h"

#define RUNS_MAX 10000

static const char below_sql[] =
    "WITH RECURSIVE t(id, root) AS (SELECT id, root FROM run WHERE id = CAST(?1 AS INTEGER)"
    " UNION SELECT r.id, r.root FROM t JOIN run r ON r.root = t.root AND r.root <> r.id"
    " AND r.parent = t.id) SELECT id FROM t LIMIT 10000";

static const char head_sql[] =
    "SELECT agent, version, state, reason, started_us, ended_us, parent, key, tainted,"
    " continued_from, (SELECT n.id FROM run n WHERE n.continued_from = run.id),"
    " sensitivity"
    " FROM run WHERE id = CAST(? AS INTEGER)";

typedef struct entry {
    uint64_t run;
    uint64_t child; /* of a spawn, 0: none */
    int64_t seq;
    bool own;        /* of its script, and not a mark of the host's */
    bool superseded; /* the run was reopened from before it: it does not count any more */
    char *line;
} entry;

typedef struct tree {
    cli *c;
    uint64_t *runs;
    size_t run_count;
    entry *entries;
    size_t count, room;
    keel_buf input, result; /* of the run asked for */
    keel_buf mismatch;      /* why it was paused last, if a replay differed */
    uint64_t run;
    keel_buf out;
} tree;

static int add_run(void *ctx, int columns, const char *const *values, const char *const *names) {
    (void)columns;
    (void)names;
    tree *t = ctx;
    if (t->run_count < RUNS_MAX) {
        t->runs[t->run_count++] = strtoull(values[0], NULL, 10);
    }
    return 0;
}

static uint64_t child_of(const journal_row *row) {
    int64_t run = 0;
    if (row->kind == RECORD_SPAWN && !keel_json_true(keel_json_get(row->body, "existing"))) {
        keel_json_int(keel_json_get(row->body, "run"), &run);
    }
    return (uint64_t)run;
}

static void take_pause(tree *t, const journal_row *row) {
    keel_json detail = keel_json_get(row->body, "detail");
    keel_buf_clear(&t->mismatch);
    if (keel_json_is(keel_json_get(row->body, "reason"), "replay_mismatch") && detail.data) {
        keel_buf_append(&t->mismatch, detail.data, detail.len);
    }
}

static void take_ends(tree *t, const journal_row *row) {
    static const char erased[] = "\"erased\"";
    bool ends = row->kind == RECORD_RUN_BEGIN || row->kind == RECORD_RUN_END;
    keel_json v =
        ends && !row->body.data ? keel_json_view(erased, sizeof erased - 1) : (keel_json){NULL, 0};
    keel_buf *to = &t->result;
    if (v.data) {
        to = row->kind == RECORD_RUN_BEGIN ? &t->input : to;
    } else if (row->kind == RECORD_RUN_BEGIN) {
        v = keel_json_get(row->body, "input");
        to = &t->input;
    } else if (row->kind == RECORD_RUN_PAUSED) {
        take_pause(t, row);
    } else if (row->kind == RECORD_RUN_END) {
        v = keel_json_get(row->body, "result");
        v = v.data ? v : keel_json_get(row->body, "error");
    }
    if (v.data) {
        keel_buf_clear(to);
        keel_buf_append(to, v.data, v.len);
    }
}

static bool is_kept(keel_json keep, int64_t seq) {
    int64_t n;
    for (keel_json_iter it = keel_json_each(keep); keep.len && keel_json_next(&it);) {
        if (keel_json_int(it.value, &n) && n == seq) {
            return true;
        }
    }
    return false;
}

static void supersede(tree *t, const journal_row *row) {
    int64_t from = row->seq;
    keel_json_int(keel_json_get(row->body, "from"), &from);
    keel_json keep = keel_json_get(row->body, "keep");
    for (size_t i = t->count; i-- > 0 && t->entries[i].seq >= from;) {
        entry *e = &t->entries[i];
        e->superseded |= e->run == row->run && e->own && !is_kept(keep, e->seq);
    }
}

static bool is_mark(record_kind kind) {
    return kind == RECORD_STUCK || kind == RECORD_STUCK_CLOSED || kind == RECORD_ESCALATED ||
           kind == RECORD_EFFECT_REOPENED || kind == RECORD_RUN_REOPENED;
}

static void line_of(const tree *t, const journal_row *row, keel_buf *line) {
    if (t->c->json) {
        describe_json(row, line);
        return;
    }
    text_time(line, row->at);
    keel_buf_consume(line, strlen("2026-11-22 "));
    keel_buf_printf(line, "  %-8s  ", row->path);
    describe_record(row, &t->c->out, line);
}

static int add_record(void *ctx, const journal_row *row) {
    tree *t = ctx;
    keel_buf line = KEEL_BUF_INIT;
    if (row->run == t->run) {
        take_ends(t, row);
    }
    if (row->kind == RECORD_RUN_REOPENED) {
        supersede(t, row);
    }
    if (t->count == t->room) {
        t->room = t->room ? t->room * 2 : 64;
        t->entries = keel_realloc(t->entries, t->room * sizeof *t->entries);
    }
    line_of(t, row, &line);
    t->entries[t->count++] =
        (entry){row->run, child_of(row), row->seq, !is_mark(row->kind), false, line.data};
    return 0;
}

static bool known(const tree *t, uint64_t run) {
    for (size_t i = 0; i < t->run_count; i++) {
        if (t->runs[i] == run) {
            return true;
        }
    }
    return false;
}

/* A run is spawned once, so it is drawn once: the marks also end a damaged journal's circles. */
static void draw(tree *t, uint64_t run, int depth) {
    for (size_t i = 0; i < t->count; i++) {
        entry *e = &t->entries[i];
        if (e->run != run || !e->line) {
            continue;
        }
        keel_buf_printf(&t->out, "%*s%s%s\n", depth * 4, "", e->line,
                        e->superseded ? "  (superseded)" : "");
        free(e->line);
        e->line = NULL;
        if (e->child && known(t, e->child) && depth < 32) {
            keel_buf_printf(&t->out, "%*s", depth * 4 + 2, "");
            keel_buf_printf(&t->out, "└ run %" PRIu64 "\n", e->child);
            draw(t, e->child, depth + 1);
        }
    }
}

/* All of them in the order of the journal. */
static void put_json(tree *t) {
    for (size_t i = 0; i < t->count; i++) {
        const entry *e = &t->entries[i];
        size_t len = strlen(e->line) - strlen("}\n");
        keel_buf_append(&t->out, e->line, len);
        keel_buf_puts(&t->out, e->superseded ? ",\"superseded\":true}\n" : "}\n");
    }
}

static void head(tree *t, const cli_row *row) {
    keel_buf title = KEEL_BUF_INIT;
    keel_buf_printf(&title, "run %" PRIu64, t->run);
    term_put(&t->c->out, &t->out, TINT_BOLD, title.data);
    keel_buf_puts(&t->out, " of ");
    text_line(&t->out, row->values[0], strlen(row->values[0]));
    keel_buf_printf(&t->out, " %s: ", row->values[1]);
    term_put(&t->c->out, &t->out, term_outcome(row->values[2]), row->values[2]);
    if (row->values[3]) {
        keel_buf_puts(&t->out, ", ");
        text_line(&t->out, row->values[3], strlen(row->values[3]));
    }
    keel_buf_puts(&t->out, "\nstarted ");
    text_time(&t->out, strtoll(row->values[4], NULL, 10));
    if (row->values[5]) {
        keel_buf_puts(&t->out, ", took ");
        text_span(&t->out, strtoll(row->values[5], NULL, 10) - strtoll(row->values[4], NULL, 10));
    }
    if (row->values[6]) {
        keel_buf_printf(&t->out, ", child of run %s", row->values[6]);
    }
    if (row->values[9]) {
        keel_buf_printf(&t->out, ", goes on from run %s", row->values[9]);
    }
    if (row->values[10]) {
        keel_buf_printf(&t->out, ", went on as run %s", row->values[10]);
    }
    if (row->values[7]) {
        keel_buf_puts(&t->out, ", key ");
        text_line(&t->out, row->values[7], strlen(row->values[7]));
    }
    bool untrusted = strcmp(row->values[8], "1") == 0;
    bool high =
        strcmp(row->values[11], "confidential") == 0 || strcmp(row->values[11], "restricted") == 0;
    if (untrusted || high) {
        keel_buf_printf(&t->out, ", has read %s%s%s text", untrusted ? "untrusted" : "",
                        untrusted && high ? ", " : "", high ? row->values[11] : "");
    }
    keel_buf_putc(&t->out, '\n');
    keel_buf_free(&title);
}

static void section(tree *t, const char *name, const keel_buf *value) {
    if (value->len) {
        keel_buf_printf(&t->out, "\n%s\n", name);
        render_fields(keel_json_view(value->data, value->len), &t->c->out, &t->out);
    }
}

static int load(tree *t, const char *run, diag *d) {
    int rc = reader_query(t->c->db, below_sql, &run, 1, add_run, t, d);
    return rc ? rc : reader_runs(t->c->db, t->runs, t->run_count, add_record, t, d);
}

static void finish(tree *t) {
    for (size_t i = 0; i < t->count; i++) {
        free(t->entries[i].line);
    }
    free(t->entries);
    free(t->runs);
    keel_buf_free(&t->input);
    keel_buf_free(&t->result);
    keel_buf_free(&t->mismatch);
    keel_buf_free(&t->out);
}

int runtree_print(cli *c, uint64_t run, diag *d) {
    char text[24];
    const char *param = text;
    cli_row row = {0};
    snprintf(text, sizeof text, "%" PRIu64, run);
    int rc = cli_one(c, head_sql, &param, 1, &row, d);
    if (rc == DIAG_NOT_FOUND && c->db) {
        diag_set(d, rc, "There is no run %s.", text);
        return diag_next(d, "See `keel run list`.");
    }
    if (rc) {
        return rc;
    }
    tree t = {.c = c, .run = run, .runs = keel_alloc(RUNS_MAX * sizeof(uint64_t))};
    rc = load(&t, text, d);
    if (rc == 0 && !c->json) {
        head(&t, &row);
        section(&t, "Input", &t.input);
        keel_buf_puts(&t.out, "\nRecord\n");
        draw(&t, run, 0);
        section(&t, "Result", &t.result);
        if (strcmp(row.values[2], "paused") == 0 && t.mismatch.len) {
            keel_buf_puts(&t.out, "\nDiffers from its record\n");
            mismatch_show(keel_json_view(t.mismatch.data, t.mismatch.len), &c->out, &t.out);
            mismatch_next(run, &t.out);
        }
    } else if (rc == 0) {
        put_json(&t);
    }
    if (rc == 0) {
        cli_out(&t.out);
    }
    cli_row_free(&row);
    finish(&t);
    return rc;
}
