#include "card.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "known.h"
#include "sendable.h"
#include "text.h"

struct card {
    render_card shown;
    cli_row item;
    cli_row sums;
    keel_buf base;    /* the record with arguments, decision, evidence, why */
    keel_buf edited;  /* approval.edited, if there is one */
    keel_buf answer;  /* of a question: the record that ended it */
    keel_buf *bodies; /* records that are sources */
    render_source *sources;
    struct source {
        char *name, *path;
        source_kind kind;
    } * of;
    size_t count;
    size_t erased;
    alike_known *known;
    keel_buf unsendable; /* a line for each part that its connector would not send */
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
    I_CLASS,
    I_RAISE
};

static const char item_sql[] =
    "SELECT i.number, i.kind, i.run, i.path, i.state, i.digest, i.opened_us, i.expires_us, r.agent,"
    " r.root, e.target, e.class, i.raise_us"
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
static void add_source(card *k, const journal_row *row, source_kind kind, const char *format) {
    keel_buf name = KEEL_BUF_INIT;
    keel_buf_printf(&name, format, row->path);
    k->bodies = keel_realloc(k->bodies, (k->count + 1) * sizeof *k->bodies);
    k->of = keel_realloc(k->of, (k->count + 1) * sizeof *k->of);
    k->bodies[k->count] = (keel_buf)KEEL_BUF_INIT;
    keep(&k->bodies[k->count], row);
    k->of[k->count++] =
        (struct source){name.data, row->path[0] ? keel_strdup(row->path) : NULL, kind};
}

static bool ends_in(keel_json target, const char *verb) {
    char text[256];
    long len = keel_json_copy(target, text, sizeof text), n = (long)strlen(verb);
    return len > n && len < (long)sizeof text && strcmp(text + len - n, verb) == 0;
}

static bool ends_in_write(const char *target) {
    size_t len = strlen(target);
    return len > 6 && strcmp(target + len - 6, ".write") == 0;
}

static void add_begin(card *k, const journal_row *row) {
    int64_t parent = 0;
    char format[64];
    keel_json_int(keel_json_get(row->body, "parent"), &parent);
    snprintf(format, sizeof format, "what run %" PRId64 " handed over%%s", parent);
    add_source(k, row, parent ? SOURCE_HANDED : SOURCE_INPUT,
               parent ? format : "the run's input%s");
}

static void add_elsewhere(card *k, const journal_row *row) {
    keel_json target = keel_json_get(row->body, "target");
    if (row->kind == RECORD_RUN_BEGIN) {
        add_begin(k, row);
    } else if (row->kind == RECORD_EFFECT_DONE && ends_in(target, ".read")) {
        add_source(k, row, SOURCE_READ, "what the read at %s returned");
    } else if (row->kind == RECORD_WOKEN) {
        bool polled = keel_json_get(row->body, "from").data != NULL;
        add_source(k, row, polled ? SOURCE_READ : SOURCE_CAME, "what came at %s");
    } else if (keel_json_get(row->body, "args").data && ends_in(target, ".write")) {
        add_source(k, row, SOURCE_OWN, "what the run itself wrote at %s");
    }
}

static int visit(void *ctx, const journal_row *row) {
    card *k = ctx;
    bool here = strcmp(row->path, or_empty(k->item.values[I_PATH])) == 0;
    if (!row->body.data) {
        k->erased += row->kind == RECORD_RUN_BEGIN || row->kind == RECORD_EFFECT_DONE ||
                     row->kind == RECORD_WOKEN;
        return 0;
    }
    if (here && row->kind == RECORD_WOKEN) {
        keep(&k->answer, row);
    } else if (here && row->kind == RECORD_APPROVAL_EDITED) {
        keep(&k->edited, row);
    } else if (here && keel_json_get(row->body, "args").data) {
        keep(&k->base, row);
        keel_buf_clear(&k->edited);
        keel_buf_clear(&k->answer);
    } else if (!here) {
        add_elsewhere(k, row);
    }
    return 0;
}

static keel_json view(const keel_buf *b) {
    return keel_json_view(b->len ? b->data : NULL, b->len);
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
    static const char *const members[] = {"args", "input", "result", "outcome"};
    k->sources = keel_alloc((k->count + 1) * sizeof *k->sources);
    for (size_t i = 0; i < k->count; i++) {
        keel_json body = keel_json_view(k->bodies[i].data, k->bodies[i].len);
        keel_json value = {NULL, 0};
        for (size_t m = 0; m < 4 && !value.data; m++) {
            value = keel_json_get(body, members[m]);
        }
        /* The input comes first in the record and counts least: another agent may have written it.
         */
        k->sources[k->count - 1 - i] =
            (render_source){k->of[i].name, value, k->of[i].kind, k->of[i].path};
    }
}

static void take_names(cli *c, card *k) {
    k->known = alike_create();
    known_add(c, k->known);
    for (size_t i = 0; i < k->count; i++) {
        if (k->sources[i].kind ==
            SOURCE_READ) { /* what it was given may be another agent's words */
            alike_add_from(k->known, k->sources[i].value, "who stands in what the run read");
        }
    }
}

static void unsendable(void *ctx, const char *field, const char *why) {
    card *k = ctx;
    text_line(&k->unsendable, field, strlen(field));
    keel_buf_printf(&k->unsendable, " %s\n", why);
}

static void fill(cli *c, card *k) {
    char **v = k->item.values;
    take_sources(k);
    take_names(c, k);
    if (ends_in_write(or_empty(v[I_TARGET]))) {
        sendable_check(known_resource(c, v[I_TARGET]), part(k, "args"), unsendable, k);
    }
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
        .budget = part(k, "budget"),
        .beyond = part(k, "beyond"),
        .tier = keel_json_get(k->edited.len ? view(&k->edited) : view(&k->base), "tier"),
        .why = part(k, "why"),
        .evidence = part(k, "evidence"),
        .remember = k->edited.len ? (keel_json){NULL, 0} : part(k, "remember"),
        .raise_us = number_of(v[I_RAISE]),
        .sources = k->sources,
        .source_count = k->count,
        .erased = k->erased,
        .known = k->known,
        .unsendable = k->unsendable.len ? k->unsendable.data : NULL,
        .opened_us = number_of(v[I_OPENED]),
        .expires_us = number_of(v[I_EXPIRES]),
        .calls = k->sums.count ? number_of(k->sums.values[0]) : 0,
        .cost_micros = k->sums.count ? number_of(k->sums.values[1]) : 0,
        .currency = k->sums.count ? k->sums.values[2] : NULL,
    };
    if (render_is_question(&k->shown)) { /* its words are arguments */
        keel_json answer = keel_json_view(k->answer.data, k->answer.len);
        k->shown.why = keel_json_get(k->shown.args, "why");
        k->shown.evidence = keel_json_get(k->shown.args, "evidence");
        k->shown.answer = keel_json_get(answer, "outcome");
        k->shown.tainted = keel_json_true(part(k, "tainted"));
    }
}

int card_none(const char *number, diag *d) {
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
        rc = card_none(text, d);
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
    fill(c, k);
    *out = k;
    return 0;
}

void card_free(card *k) {
    if (!k) {
        return;
    }
    for (size_t i = 0; i < k->count; i++) {
        keel_buf_free(&k->bodies[i]);
        free(k->of[i].name);
        free(k->of[i].path);
    }
    free(k->bodies);
    free(k->of);
    free(k->sources);
    alike_destroy(k->known);
    keel_buf_free(&k->unsendable);
    keel_buf_free(&k->base);
    keel_buf_free(&k->edited);
    keel_buf_free(&k->answer);
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

void card_seen(cli *c, const card *k) {
    keel_buf args = KEEL_BUF_INIT;
    diag ignored;
    if (card_is_open(k) && cli_running(c)) {
        cli as_is = *c; /* it is none of the calls that a request id names */
        c->request = NULL;
        keel_buf_printf(&args, "{\"numbers\":[%" PRId64 "]}", k->shown.number);
        (void)cli_call(c, "shown", &args, NULL, &ignored); /* without it, no minute is counted */
        c->request = as_is.request;
        c->calls = as_is.calls;
    }
    keel_buf_free(&args);
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
    if (s->answer.data) {
        keel_json_set_raw(&w, "answer", s->answer);
    }
    if (s->approval) {
        keel_json_set_text(&w, "approval", s->approval);
    }
    keel_json_set_raw(&w, "args", s->args);
    if (s->beyond.data) {
        keel_json_set_raw(&w, "beyond", s->beyond);
    }
    if (s->budget.data) {
        keel_json_set_raw(&w, "budget", s->budget);
    }
    keel_json_set_text(&w, "class", s->class);
    keel_json_set_raw(&w, "decision", s->decision);
    keel_json_set_raw(&w, "evidence", s->evidence);
    keel_json_set_int(&w, "expires_us", s->expires_us);
    keel_json_set_text(&w, "kind", card_kind(k));
    keel_json_set_int(&w, "number", s->number);
    keel_json_set_int(&w, "opened_us", s->opened_us);
    keel_json_set_text(&w, "path", s->path);
    if (s->raise_us) {
        keel_json_set_int(&w, "raise_us", s->raise_us);
    }
    if (s->remember.data) {
        keel_json_set_raw(&w, "remember", s->remember);
    }
    keel_json_set_int(&w, "run", (int64_t)s->run);
    keel_json_set_text(&w, "state", s->state);
    keel_json_set_text(&w, "target", s->target);
    if (s->tier.data) {
        keel_json_set_raw(&w, "tier", s->tier);
    }
    if (s->unsendable) {
        keel_json_set_text(&w, "unsendable", s->unsendable);
    }
    keel_json_set_raw(&w, "why", s->why);
    keel_json_object_end(&w);
    keel_buf_putc(&out, '\n');
    cli_out(&out);
    keel_buf_free(&out);
}
