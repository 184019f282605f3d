#include "inboxlist.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char open_sql[] =
    "SELECT i.number, i.kind, r.agent, e.target, i.args_seq, e.rule, i.run, i.path, i.opened_us,"
    " i.expires_us, i.digest, i.reason, nullif(i.escalated, 0), i.raise_us, i.batch_key, "
    "i.batch_max"
    " FROM item i JOIN run r ON r.id = i.run"
    " LEFT JOIN effect e ON e.run = i.run AND e.path = i.path"
    " WHERE i.state = 'open' AND i.kind <> 'override'"
    " AND coalesce(i.raise_us, 0) <= CAST(? AS INTEGER)"
    " ORDER BY coalesce(i.escalated, 0) DESC, i.number";

static int add_waiting(void *ctx, int columns, const char *const *values,
                       const char *const *names) {
    (void)names;
    inbox *b = ctx;
    b->list = keel_realloc(b->list, (b->count + 1) * sizeof *b->list);
    waiting *w = &b->list[b->count++];
    *w = (waiting){.args = KEEL_BUF_INIT};
    for (int i = 0; i < columns && i < Q_COUNT; i++) {
        w->values[i] = values[i] ? keel_strdup(values[i]) : NULL;
    }
    return 0;
}

int inbox_load(cli *c, bool all, inbox *b, diag *d) {
    char until[24];
    const char *params[] = {until};
    int rc = cli_reader(c, d);
    snprintf(until, sizeof until, "%" PRId64, all ? INT64_MAX : cli_now_us());
    return rc ? rc : reader_query(c->db, open_sql, params, 1, add_waiting, b, d);
}

static const char later_sql[] = "SELECT count(*), min(raise_us) FROM item"
                                " WHERE state = 'open' AND raise_us > CAST(? AS INTEGER)";

size_t inbox_later(cli *c, int64_t *next_us) {
    char now[24];
    const char *param = now;
    cli_row row = {0};
    diag d;
    size_t count = 0;
    *next_us = 0;
    snprintf(now, sizeof now, "%" PRId64, cli_now_us());
    if (cli_reader(c, &d) == 0 && cli_one(c, later_sql, &param, 1, &row, &d) == 0) {
        count = strtoull(row.values[0], NULL, 10);
        *next_us = row.values[1] ? strtoll(row.values[1], NULL, 10) : 0;
    }
    cli_row_free(&row);
    return count;
}

void inbox_free(inbox *b) {
    for (size_t i = 0; i < b->count; i++) {
        for (size_t v = 0; v < Q_COUNT; v++) {
            free(b->list[i].values[v]);
        }
        keel_buf_free(&b->list[i].args);
    }
    free(b->list);
    *b = (inbox){.list = NULL};
}

int64_t inbox_number(const waiting *w, int which) {
    return w->values[which] ? strtoll(w->values[which], NULL, 10) : 0;
}

void inbox_args(cli *c, waiting *w) {
    if (!w->args.len) {
        reader_member(c->db, inbox_number(w, Q_ARGS_SEQ), "args", &w->args, NULL);
    }
}

size_t inbox_most(const waiting *w) {
    int64_t most = inbox_number(w, Q_BATCH_MAX);
    return most > 0 ? (size_t)most : 1;
}

static bool same(const waiting *a, const waiting *b, int which) {
    const char *x = a->values[which], *y = b->values[which];
    return strcmp(x ? x : "", y ? y : "") == 0;
}

bool inbox_alike(const waiting *a, const waiting *b) {
    if (a->values[Q_BATCH] && b->values[Q_BATCH]) {
        return same(a, b, Q_BATCH);
    }
    return !a->values[Q_BATCH] && !b->values[Q_BATCH] && same(a, b, Q_AGENT) &&
           same(a, b, Q_TARGET) && same(a, b, Q_RULE);
}
