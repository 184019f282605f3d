#include "card.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

struct card {
    render_card shown;
    cli_row item;
    cli_row sums;
    keel_buf base;    /* the record with arguments, decision, evidence, why */
    keel_buf edited;  /* approval.edited, if there is one */
    keel_buf *bodies; /* records that are sources */
    render_source *sources;
    char **names;
    size_t count;
};

enum {
    I_NUMBER,
    I_KIND,
    I_RUN,
    I_PATH,
    I_STATE,
    I_DIGEST,
    I_OPENED,
    I_EXPIRES,
    I_AGENT,
    I_ROOT,
    I_TARGET,
    I_CLASS
};

static const char item_sql[] =
    "SELECT i.number, i.kind, i.run, i.path, i.state, i.digest, i.opened_us, i.expires_us, r.agent,"
    " r.root, e.target, e.class"
    " FROM item i JOIN run r ON r.id = i.run"
    " LEFT JOIN effect e ON e.run = i.run AND e.path = i.path"
    " WHERE i.number = CAST(? AS INTEGER)";

static const char sums_sql[] =
    "SELECT coalesce(sum(e.attempts - e.parked), 0), coalesce(sum(e.cost_micros), 0), "
    "max(e.currency)"
    " FROM effect e JOIN run r ON r.id = e.run WHERE r.root = CAST(? AS INTEGER)";

static const char *or_empty(const char *text) {
    return text ? text : "";
}

static int64_t number_of(const char *text) {
    return text ? strtoll(text, NULL, 10) : 0;
}

static void keep(keel_buf *to, const journal_row *row) {
    keel_buf_clear(to);
    keel_buf_append(to, row->body.data, row->body.len);
}

/* A view is taken when all bodies are in: the buffers move while they grow in number. */
static void add_source(card *k, const journal_row *row, const char *format) {
    keel_buf name = KEEL_BUF_INIT;
    keel_buf_printf(&name, format, row->path);
    k->bodies = keel_realloc(k->bodies, (k->count + 1) * sizeof *k->bodies);
    k->names = keel_realloc(k->names, (k->count + 1) * sizeof *k->names);
    k->bodies[k->count] = (keel_buf)KEEL_BUF_INIT;
    keep(&k->bodies[k->count], row);
    k->names[k->count++] = name.data;
}

static bool is_read(keel_json target) {
    char text[256];
    long len = keel_json_copy(target, text, sizeof text);
    return len > 5 && len < (long)sizeof text && strcmp(text + len - 5, ".read") == 0;
}

static int visit(void *ctx, const journal_row *row) {
    card *k = ctx;
    bool here = strcmp(row->path, or_empty(k->item.values[I_PATH])) == 0;
    if (!row->body.data) {
        return 0;
    }
    if (row->kind == RECORD_RUN_BEGIN) {
        add_source(k, row, "the run's input%s");
    } else if (row->kind == RECORD_EFFECT_DONE && is_read(keel_json_get(row->body, "target"))) {
        add_source(k, row, "what the read at %s returned");
    } else if (row->kind == RECORD_WOKEN) {
        add_source(k, row, "what came at %s");
    } else if (here && row->kind == RECORD_APPROVAL_EDITED) {
        keep(&k->edited, row);
    } else if (here && keel_json_get(row->body, "args").data) {
        keep(&k->base, row);
        keel_buf_clear(&k->edited);
    }
    return 0;
}

static keel_json part(const card *k, const char *key) {
    keel_json v = {NULL, 0};
    if (k->edited.len) {
        v = keel_json_get(keel_json_view(k->edited.data, k->edited.len), key);
    }
    if (!v.data && k->base.len) {
        v = keel_json_get(keel_json_view(k->base.data, k->base.len), key);
    }
    return v;
}

static void take_sources(card *k) {
    static const char *const members[] = {"input", "result", "outcome"};
    k->sources = keel_alloc((k->count + 1) * sizeof *k->sources);
    for (size_t i = 0; i < k->count; i++) {
        keel_json body = keel_json_view(k->bodies[i].data, k->bodies[i].len);
        keel_json value = {NULL, 0};
        for (size_t m = 0; m < 3 && !value.data; m++) {
            value = keel_json_get(body, members[m]);
        }
        /* The input comes first in the record and counts least: another agent may have written it.
         */
        k->sources[k->count - 1 - i] = (render_source){k->names[i], value};
    }
}

static void fill(card *k) {
    char **v = k->item.values;
    take_sources(k);
    k->shown = (render_card){
        .number = number_of(v[I_NUMBER]),
        .run = (uint64_t)number_of(v[I_RUN]),
        .path = or_empty(v[I_PATH]),
        .agent = or_empty(v[I_AGENT]),
        .target = or_empty(v[I_TARGET]),
        .class = or_empty(v[I_CLASS]),
        .kind = or_empty(v[I_KIND]),
        .state = or_empty(v[I_STATE]),
        .approval = v[I_DIGEST],
        .way_back = part(k, "undo").data != NULL,
        .args = part(k, "args"),
        .decision = part(k, "decision"),
        .why = part(k, "why"),
        .evidence = part(k, "evidence"),
        .sources = k->sources,
        .source_count = k->count,
        .opened_us = number_of(v[I_OPENED]),
        .expires_us = number_of(v[I_EXPIRES]),
        .calls = k->sums.count ? number_of(k->sums.values[0]) : 0,
        .cost_micros = k->sums.count ? number_of(k->sums.values[1]) : 0,
        .currency = k->sums.count ? k->sums.values[2] : NULL,
    };
}

static int no_item(const char *number, diag *d) {
    diag_set(d, DIAG_NOT_FOUND, "There is no item %s.", number);
    return diag_next(d, "See `keel inbox` for the numbers that wait.");
}

int card_load(cli *c, int64_t number, card **out, diag *d) {
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, number);
    const char *param = text;
    card *k = keel_alloc(sizeof *k);
    *k = (card){.bodies = NULL};
    int rc = cli_one(c, item_sql, &param, 1, &k->item, d);
    if (rc == DIAG_NOT_FOUND && c->db) {
        rc = no_item(text, d);
    }
    if (rc == 0) {
        param = or_empty(k->item.values[I_ROOT]);
        rc = cli_one(c, sums_sql, &param, 1, &k->sums, d);
    }
    if (rc == 0) {
        uint64_t run = (uint64_t)number_of(k->item.values[I_RUN]);
        rc = reader_runs(c->db, &run, 1, visit, k, d);
    }
    if (rc) {
        card_free(k);
        return rc;
    }
    fill(k);
    *out = k;
    return 0;
}

void card_free(card *k) {
    if (!k) {
        return;
    }
    for (size_t i = 0; i < k->count; i++) {
        keel_buf_free(&k->bodies[i]);
        free(k->names[i]);
    }
    free(k->bodies);
    free(k->names);
    free(k->sources);
    keel_buf_free(&k->base);
    keel_buf_free(&k->edited);
    cli_row_free(&k->item);
    cli_row_free(&k->sums);
    free(k);
}

const render_card *card_shown(const card *k) {
    return &k->shown;
}

const char *card_kind(const card *k) {
    return or_empty(k->item.values[I_KIND]);
}

bool card_is_open(const card *k) {
    return strcmp(card_kind(k), "approval") == 0 && strcmp(k->shown.state, "open") == 0;
}

void card_print(const cli *c, const card *k) {
    keel_buf out = KEEL_BUF_INIT;
    render(&k->shown, &c->out, cli_now_us(), &out);
    keel_buf_putc(&out, '\n');
    cli_out(&out);
    keel_buf_free(&out);
}

void card_json(const card *k) {
    const render_card *s = card_shown(k);
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    keel_json_object(&w);
    keel_json_set_text(&w, "agent", s->agent);
    if (s->approval) {
        keel_json_set_text(&w, "approval", s->approval);
    }
    keel_json_set_raw(&w, "args", s->args);
    keel_json_set_text(&w, "class", s->class);
    keel_json_set_raw(&w, "decision", s->decision);
    keel_json_set_raw(&w, "evidence", s->evidence);
    keel_json_set_int(&w, "expires_us", s->expires_us);
    keel_json_set_text(&w, "kind", card_kind(k));
    keel_json_set_int(&w, "number", s->number);
    keel_json_set_int(&w, "opened_us", s->opened_us);
    keel_json_set_text(&w, "path", s->path);
    keel_json_set_int(&w, "run", (int64_t)s->run);
    keel_json_set_text(&w, "state", s->state);
    keel_json_set_text(&w, "target", s->target);
    keel_json_set_raw(&w, "why", s->why);
    keel_json_object_end(&w);
    keel_buf_putc(&out, '\n');
    cli_out(&out);
    keel_buf_free(&out);
}

/* ---- numbers ---- */

static int add_number(numbers *n, int64_t number, diag *d) {
    for (size_t i = 0; i < n->count; i++) {
        if (n->list[i] == number) {
            return 0;
        }
    }
    if (n->count == NUMBERS_MAX) {
        return diag_set(d, DIAG_USAGE, "More than %d items at once.", NUMBERS_MAX);
    }
    n->list[n->count++] = number;
    return 0;
}

static int add_batch(cli *c, const char *batch, numbers *out, diag *d) {
    cli_row row = {0};
    int rc = cli_one(c, "SELECT numbers FROM batch WHERE batch = CAST(? AS INTEGER)", &batch, 1,
                     &row, d);
    if (rc == DIAG_NOT_FOUND && c->db) {
        diag_set(d, rc, "There is no batch B%s.", batch);
        return diag_next(d, "`keel inbox` shows what waits and fixes batches.");
    }
    if (rc) {
        return rc;
    }
    keel_json list = keel_json_view(row.values[0], strlen(row.values[0]));
    int64_t number;
    for (keel_json_iter it = keel_json_each(list); rc == 0 && keel_json_next(&it);) {
        rc = keel_json_int(it.value, &number) ? add_number(out, number, d) : 0;
    }
    out->from_batch = true;
    cli_row_free(&row);
    return rc;
}

static const char there_sql[] = "SELECT count(*) FROM item WHERE number = CAST(? AS INTEGER)";

int numbers_read(cli *c, const options *o, numbers *out, diag *d) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < o->arg_count; i++) {
        const char *word = o->args[i];
        int64_t number;
        bool batch = (word[0] == 'B' || word[0] == 'b') && text_number(word + 1, &number);
        if (batch) {
            rc = add_batch(c, word + 1, out, d);
        } else if (text_number(word, &number)) {
            diag unread; /* without a database the kernel is asked, and says what there is */
            rc = add_number(out, number, d);
            if (rc == 0 && cli_reader(c, &unread) == 0 && !cli_number(c, there_sql, word)) {
                rc = no_item(word, d);
            }
        } else {
            diag_set(d, DIAG_USAGE, "\"%s\" is no number of an item and no batch.", word);
            rc = diag_next(d, "Write numbers of `keel inbox`, such as 3 or B2.");
        }
    }
    return rc;
}

void numbers_json(const numbers *n, keel_buf *out) {
    keel_buf_putc(out, '[');
    for (size_t i = 0; i < n->count; i++) {
        keel_buf_printf(out, "%s%" PRId64, i ? "," : "", n->list[i]);
    }
    keel_buf_putc(out, ']');
}
