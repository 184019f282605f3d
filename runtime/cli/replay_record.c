/* The record of a run, as a replay is held to it: what is answered, what is open, how it ended. */
#include <stdlib.h>
#include <string.h>

#include "replay_int.h"

static void forget_open(playing *p, const char *path) {
    for (size_t i = 0; i < p->open_count; i++) {
        if (strcmp(p->open[i].path, path) == 0) {
            p->open[i] = p->open[--p->open_count];
            return;
        }
    }
}

static void add_open(playing *p, const journal_row *row, const char *kind) {
    forget_open(p, row->path); /* an effect has a record at each of its steps */
    p->open = keel_realloc(p->open, (p->open_count + 1) * sizeof *p->open);
    opened *o = &p->open[p->open_count++];
    *o = (opened){.seen = false};
    snprintf(o->path, sizeof o->path, "%s", row->path);
    keel_json_copy(keel_json_get(row->body, "call"), o->call, sizeof o->call);
    keel_json_copy(keel_json_get(row->body, "target"), o->name, sizeof o->name);
    snprintf(o->kind, sizeof o->kind, "%s", strcmp(o->name, "run.spawn") ? kind : "spawn");
}

/* Its code ends with a result, or with an error that has a trace; all else was done to it. */
static void take_end(playing *p, const journal_row *row) {
    keel_json error = keel_json_get(row->body, "error"), state = keel_json_get(row->body, "state");
    p->own_end =
        error.data ? keel_json_get(error, "trace").data != NULL : !keel_json_is(state, "cancelled");
    keel_json_writer w;
    keel_buf_clear(&p->end);
    keel_json_write(&w, &p->end);
    keel_json_object(&w);
    if (error.data) {
        keel_json_set_raw(&w, "error", error);
    } else {
        keel_json_set_raw(&w, "result", keel_json_get(row->body, "result"));
    }
    keel_json_set_raw(&w, "state", state);
    keel_json_object_end(&w);
}

static void reopened(playing *p, const journal_row *row) {
    (void)row;
    p->own_end = false;
    p->open_count = 0; /* what is proposed once more is proposed at the paths that are free again */
}

static int on_record(void *ctx, const journal_row *row) {
    playing *p = ctx;
    p->begun |= row->kind == RECORD_RUN_BEGIN;
    history_add(&p->record, row);
    if (p->record.erased || !row->body.data || strchr(row->path, '~')) {
        return 0; /* behind a ~ somebody took it back: its code knows nothing of it */
    }
    switch (row->kind) {
    case RECORD_SLEEP:
    case RECORD_RECEIVE:
    case RECORD_WAIT:
        add_open(p, row, record_kind_name(row->kind));
        break;
    case RECORD_QUESTION:
        add_open(p, row, "ask");
        break;
    case RECORD_EFFECT_WAITING:
    case RECORD_EFFECT_INTENDED:
        add_open(p, row, "effect");
        break;
    case RECORD_WOKEN:
    case RECORD_SPAWN:
    case RECORD_EFFECT_DENIED:
    case RECORD_EFFECT_DONE:
    case RECORD_EFFECT_NOT_DONE:
    case RECORD_EFFECT_REJECTED:
    case RECORD_EFFECT_EXPIRED:
        forget_open(p, row->path);
        break;
    case RECORD_RUN_END:
        take_end(p, row);
        break;
    case RECORD_RUN_REOPENED:
        reopened(p, row);
        break;
    default:
        break;
    }
    return 0;
}

int replay_load(playing *p, diag *d) {
    uint64_t run = p->run;
    p->out->checked_seq = cli_number(p->c, "SELECT max(seq) FROM journal", NULL);
    int rc = reader_runs(p->c->db, &run, 1, on_record, p, d);
    if (rc == 0 && p->record.previous) {
        rc = reader_member(p->c->db, p->record.previous, "result", &p->previous, d);
    }
    if (p->record.erased) {
        p->own_end = false;
        p->open_count = 0;
        p->out->erased = true;
        snprintf(p->out->erased_path, sizeof p->out->erased_path, "%s",
                 p->record.erased_path[0] ? p->record.erased_path : "its input");
    }
    return rc;
}
