#include "erase_polled.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void add(polled_copies *p, int64_t event, int64_t item) {
    for (size_t i = 0; i < p->count; i++) {
        if (p->all[i].event == event && p->all[i].item == item) {
            return;
        }
    }
    p->all = keel_realloc(p->all, (p->count + 1) * sizeof *p->all);
    p->all[p->count++] = (polled_copy){event, item};
}

void polled_copies_note(polled_copies *p, const journal_row *row) {
    int64_t event, item;
    if (row->kind == RECORD_POLLED) {
        add(p, row->seq, -1);
    } else if (row->kind == RECORD_WOKEN &&
               keel_json_int(keel_json_get(row->body, "event"), &event) &&
               keel_json_int(keel_json_get(row->body, "item"), &item)) {
        add(p, event, item);
    }
}

typedef struct found {
    const int64_t *seqs; /* these go */
    size_t count;
    int64_t *met; /* and these were named */
    size_t met_count;
    keel_buf *out;
} found;

static bool among(int64_t seq, const int64_t *seqs, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (seqs[i] == seq) {
            return true;
        }
    }
    return false;
}

static int on_copy(void *ctx, int columns, const char *const *v, const char *const *names) {
    found *f = ctx;
    int64_t seq = strtoll(v[0], NULL, 10);
    (void)columns;
    (void)names;
    if (among(seq, f->seqs, f->count) || among(seq, f->met, f->met_count)) {
        return 0;
    }
    keel_buf_puts(f->out,
                  f->met_count ? ", " : "\nNot erased with it, and the same words: record ");
    f->met = keel_realloc(f->met, (f->met_count + 1) * sizeof *f->met);
    f->met[f->met_count++] = seq;
    keel_buf_puts(f->out, v[0]);
    if (v[1]) {
        keel_buf_printf(f->out, " of run %s", v[1]);
    } else {
        keel_buf_puts(f->out, " (what was polled)");
    }
    return 0;
}

/* One that was erased already has no body. */
int polled_copies_write(cli *c, const polled_copies *p, const int64_t *seqs, size_t count,
                        keel_buf *out, diag *d) {
    static const char sql[] =
        "SELECT seq, nullif(run, 0) FROM journal WHERE seq = CAST(?1 AS INTEGER)"
        " AND seq NOT IN (SELECT seq FROM erased)"
        " UNION ALL"
        " SELECT j.seq, j.run FROM journal j LEFT JOIN payload p ON p.digest = j.digest"
        " WHERE j.kind = CAST(?3 AS INTEGER) AND j.seq > CAST(?1 AS INTEGER) AND j.seq NOT IN "
        "(SELECT seq FROM erased)"
        " AND CAST(coalesce(j.body, p.bytes) AS TEXT) ->> '$.from' IS NOT NULL"
        " AND CAST(coalesce(j.body, p.bytes) AS TEXT) ->> '$.event' = CAST(?1 AS INTEGER)"
        " AND (CAST(?2 AS INTEGER) < 0"
        " OR CAST(coalesce(j.body, p.bytes) AS TEXT) ->> '$.item' = CAST(?2 AS INTEGER))";
    found f = {.seqs = seqs, .count = count, .out = out};
    int rc = 0;
    for (size_t i = 0; i < p->count && !rc; i++) {
        char event[24], item[24], kind[8];
        const char *params[] = {event, item, kind};
        snprintf(event, sizeof event, "%" PRId64, p->all[i].event);
        snprintf(item, sizeof item, "%" PRId64, p->all[i].item);
        snprintf(kind, sizeof kind, "%d", RECORD_WOKEN);
        rc = reader_query(c->db, sql, params, 3, on_copy, &f, d);
    }
    if (f.met_count) {
        keel_buf_puts(out, ". `keel audit erase --record SEQ` erases one.");
    }
    free(f.met);
    return rc;
}

void polled_copies_free(polled_copies *p) {
    free(p->all);
    *p = (polled_copies){.count = 0};
}
