#include "effect.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

static const char effect_sql[] =
    "SELECT r.agent, e.target, e.class, e.state, e.reason, e.attempts, e.number, e.rule, e.key,"
    " e.cost_micros, e.currency, e.opened_us, e.changed_us, e.due_us, e.holds, e.digest, r.tainted,"
    " r.root, e.undo, e.undone_by, r.sensitivity FROM effect e JOIN run r ON r.id = e.run"
    " WHERE e.run = CAST(? AS INTEGER) AND e.path = ?";

static const char near_sql[] =
    "SELECT group_concat(path, ' ') FROM (SELECT path FROM effect WHERE run = CAST(? AS INTEGER)"
    " LIMIT 12)";

static int no_effect(cli *c, const char *word, const char *run, diag *d) {
    char *paths = cli_value(c, near_sql, run);
    diag_set(d, DIAG_NOT_FOUND, "There is no effect %s.", word);
    if (paths && *paths) {
        diag_next(d, "Run %s has effects at: %s.", run, paths);
    } else {
        diag_next(d, "See `keel run list`, and `keel run show %s`.", run);
    }
    free(paths);
    return DIAG_NOT_FOUND;
}

static int by_path(cli *c, const char *word, const char *run, const char *path, effect *out,
                   diag *d) {
    const char *params[] = {run, path};
    effect e = {.run = strtoull(run, NULL, 10)};
    int rc = cli_one(c, effect_sql, params, 2, &e.row, d);
    if (rc == DIAG_NOT_FOUND && c->db) {
        return no_effect(c, word, run, d);
    }
    if (rc == 0) {
        e.path = keel_strdup(path);
        *out = e;
    }
    return rc;
}

static int by_number(cli *c, const char *word, effect *out, diag *d) {
    cli_row item = {0};
    int rc = cli_one(c, "SELECT run, path, kind FROM item WHERE number = CAST(? AS INTEGER)", &word,
                     1, &item, d);
    if (rc == DIAG_NOT_FOUND && c->db) {
        diag_set(d, rc, "There is no item %s.", word);
        return diag_next(d,
                         "Write a number of `keel inbox`, or RUN:PATH as `keel run show` has it.");
    }
    if (rc == 0 && strcmp(item.values[2], "question") == 0) {
        diag_set(d, DIAG_USAGE, "Item %s is a question, and no effect.", word);
        rc = diag_next(d, "Read it with `keel inbox %s`.", word);
        cli_row_free(&item);
    } else if (rc == 0) {
        rc = by_path(c, word, item.values[0], item.values[1], out, d);
        cli_row_free(&item);
    }
    return rc;
}

int effect_find(cli *c, const char *word, effect *out, diag *d) {
    int64_t number;
    const char *colon = strpbrk(word, ":/");
    if (!colon && text_number(word, &number)) {
        return by_number(c, word, out, d);
    }
    char *run = keel_memdup(word, colon ? (size_t)(colon - word) : 0);
    int rc;
    if (colon && text_number(run, &number)) {
        rc = by_path(c, word, run, colon + 1, out, d);
    } else {
        diag_set(d, DIAG_USAGE, "\"%s\" names no effect.", word);
        rc = diag_next(d, "Write a number of `keel inbox` such as 3, or RUN:PATH such as 7:3.1.");
    }
    free(run);
    return rc;
}

void effect_finish(effect *e) {
    cli_row_free(&e->row);
    free(e->path);
    e->path = NULL;
}

const char *effect_text(const effect *e, int which) {
    return e->row.values[which] ? e->row.values[which] : "";
}

sensitivity effect_level(const effect *e) {
    sensitivity level = SENSITIVITY_DEFAULT;
    const char *text = effect_text(e, EFFECT_SENSITIVITY);
    sensitivity_named(text, strlen(text), &level);
    return level;
}
