/* keel logs: the journal as lines. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "commands.h"
#include "describe.h"
#include "text.h"

#define POLL_MS     200
#define LINES_SHOWN 100

typedef struct lines {
    cli *c;
    int64_t run;  /* 0: all */
    int64_t last; /* sequence of the last record seen */
} lines;

static int print_row(void *ctx, const journal_row *row) {
    lines *l = ctx;
    l->last = row->seq;
    if (l->run && row->run != (uint64_t)l->run) {
        return 0;
    }
    keel_buf out = KEEL_BUF_INIT;
    if (l->c->json) {
        describe_json(row, &out);
    } else {
        describe_line(row, &l->c->out, &out);
    }
    cli_out(&out);
    keel_buf_free(&out);
    return 0;
}

static int follow(lines *l, diag *d) {
    struct timespec pause = {0, POLL_MS * 1000000L};
    int rc = 0;
    while (rc == 0) {
        nanosleep(&pause, NULL);
        rc = reader_scan(l->c->db, l->last + 1, print_row, l, d);
    }
    return rc;
}

static int64_t first_seq(cli *c, const options *o) {
    const char *from = options_value(o, "from");
    int64_t seq = 0;
    if (from && text_number(from, &seq)) {
        return seq;
    }
    if (from || options_has(o, "all") || options_has(o, "run")) {
        return 1;
    }
    int64_t last = cli_number(c, "SELECT max(seq) FROM journal", NULL);
    return last > LINES_SHOWN ? last - LINES_SHOWN + 1 : 1;
}

static int logs_run(cli *c, const options *o, diag *d) {
    lines l = {.c = c};
    const char *run = options_value(o, "run");
    if (run && !text_number(run, &l.run)) {
        diag_set(d, DIAG_USAGE, "\"%s\" is no number of a run.", run);
        return diag_next(d, "See `keel run list`.");
    }
    int rc = cli_reader(c, d);
    if (rc) {
        return rc;
    }
    if (run && !cli_number(c, "SELECT count(*) FROM run WHERE id = CAST(? AS INTEGER)", run)) {
        diag_set(d, DIAG_NOT_FOUND, "There is no run %s.", run);
        return diag_next(d, "See `keel run list`.");
    }
    uint64_t one = (uint64_t)l.run;
    if (l.run && !options_has(o, "from")) {
        l.last = cli_number(c, "SELECT max(seq) FROM journal", NULL);
        int64_t end = l.last;
        rc = reader_runs(c->db, &one, 1, print_row, &l, d);
        l.last = l.last > end ? l.last : end;
    } else {
        rc = reader_scan(c->db, first_seq(c, o), print_row, &l, d);
    }
    return rc || !options_has(o, "follow") ? rc : follow(&l, d);
}

static const option logs_options[] = {
    {"follow", 'f', NULL, "go on with what comes"},
    {"run", 0, "N", "only this run"},
    {"all", 0, NULL, "from the beginning, not only the last 100"},
    {"from", 0, "SEQ", "from this record on"},
    {NULL, 0, NULL, NULL},
};

const command logs_command = {
    .name = "logs",
    .words = "[-f] [--run N]",
    .summary = "the record, line by line",
    .examples = "keel logs\nkeel logs -f\nkeel logs --run 7\nkeel logs --all --json",
    .options = logs_options,
    .run = logs_run,
};
