/* keel audit erase: what a person may ask to be forgotten. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "approver.h"
#include "ask.h"
#include "erase_polled.h"
#include "keep.h"
#include "offline.h"
#include "text.h"
#include "undo_plan.h"

typedef struct chosen {
    int64_t *seqs;
    size_t count;
    const char *path; /* NULL: all of the run */
    bool met;         /* there is a record there, be it erased or not */
    int64_t per_kind[RECORD_KIND_MAX];
    polled_copies copies; /* of what was polled */
} chosen;

/* With what it began, and what takes it back, which says the same words. */
static bool under(const char *path, const char *at) {
    size_t len = strlen(at);
    return strncmp(path, at, len) == 0 && (path[len] == 0 || path[len] == '.' || path[len] == '~');
}

static int choose(void *ctx, const journal_row *row) {
    chosen *s = ctx;
    bool here = !s->path || under(row->path, s->path);
    s->met |= here;
    if (row->body.data && here) {
        s->seqs = keel_realloc(s->seqs, (s->count + 1) * sizeof *s->seqs);
        s->seqs[s->count++] = row->seq;
        s->per_kind[row->kind]++;
        polled_copies_note(&s->copies, row);
    }
    return 0;
}

/* Answers to edits of its items hold what was edited. */
static int choose_edit(void *ctx, int columns, const char *const *v, const char *const *names) {
    chosen *s = ctx;
    (void)columns;
    (void)names;
    s->seqs = keel_realloc(s->seqs, (s->count + 1) * sizeof *s->seqs);
    s->seqs[s->count++] = strtoll(v[0], NULL, 10);
    s->per_kind[RECORD_COMMAND]++;
    return 0;
}

static int choose_edits(cli *c, chosen *s, const char *run, diag *d) {
    static const char sql[] =
        "SELECT q.seq FROM request q JOIN journal j ON j.seq = q.seq"
        " LEFT JOIN payload p ON p.digest = j.digest WHERE q.name = 'edit'"
        " AND CAST(coalesce(j.body, p.bytes) AS TEXT) -> '$.answer.number' IN"
        " (SELECT CAST(number AS TEXT) FROM item WHERE run = ?1 AND (?2 IS NULL OR path = ?2))";
    const char *params[] = {run, s->path};
    return reader_query(c->db, sql, params, 2, choose_edit, s, d);
}

/* ---- what must not be erased now ---- */

typedef struct open_rollbacks {
    uint64_t runs[64];
    size_t count;
} open_rollbacks;

static int on_rollback(void *ctx, int columns, const char *const *v, const char *const *names) {
    open_rollbacks *all = ctx;
    (void)columns;
    (void)names;
    all->runs[all->count++] = strtoull(v[0], NULL, 10);
    return all->count == sizeof all->runs / sizeof *all->runs;
}

/* The rollback of another run covers those that came from it. */
static int taken_back_with(cli *c, const char *run, diag *d) {
    open_rollbacks all = {.count = 0};
    uint64_t id = strtoull(run, NULL, 10);
    int rc = reader_query(c->db, "SELECT run FROM rollback WHERE state = 'open'", NULL, 0,
                          on_rollback, &all, d);
    for (size_t i = 0; i < all.count && rc >= 0; i++) {
        undo_plan p;
        rc = undo_plan_make(c->db, all.runs[i], &p, d);
        if (rc) {
            return rc;
        }
        bool covered = undo_plan_covers(&p, id);
        undo_plan_free(&p);
        if (covered) {
            diag_set(d, DIAG_CONFLICT,
                     "Run %s is being taken back with run %" PRIu64 ", and needs its own words.",
                     run, all.runs[i]);
            return diag_next(d, "Wait until that has ended: keel run show %" PRIu64, all.runs[i]);
        }
    }
    return rc < 0 ? rc : 0;
}

static int still_open(cli *c, const char *run, diag *d) {
    static const struct {
        const char *sql, *what, *next;
    } checks[] = {
        {"SELECT 1 FROM run WHERE id = ? AND state IN ('open', 'paused')", "is still open",
         "Wait until it has ended, or cancel it: keel run cancel"},
        {"SELECT 1 FROM effect WHERE run = ? AND (state = 'waiting' OR state = 'intended'"
         " OR state = 'unknown' OR state = 'reconciling' OR state = 'retry' OR state = 'stale')",
         "has an effect whose outcome is open", "See to it first: keel run show"},
        {"SELECT 1 FROM item WHERE run = ? AND state = 'open' AND kind <> 'override'",
         "has an open item of `keel inbox`", "See to it first: keel run show"},
        {"SELECT 1 FROM rollback WHERE run = ? AND state = 'open'", "is being rolled back",
         "Wait until that has ended: keel run show"},
    };
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        if (cli_number(c, checks[i].sql, run)) {
            diag_set(d, DIAG_CONFLICT, "Run %s %s, and needs its own words.", run, checks[i].what);
            return diag_next(d, "%s %s", checks[i].next, run);
        }
    }
    return taken_back_with(c, run, d);
}

/* ---- the plan and the consent ---- */

static int put_plan(cli *c, const chosen *s, const char *run, keel_buf *out, diag *d) {
    bool first = true;
    keel_buf_puts(out, "What goes for ever: the words of ");
    text_plural(out, (int64_t)s->count, "record", "records");
    if (strcmp(run, "0") != 0) {
        keel_buf_printf(out, " of run %s", run);
    }
    if (s->path) {
        keel_buf_printf(out, ", at %s", s->path);
    }
    keel_buf_puts(out, s->count ? "\n  " : ": they are gone already");
    for (int k = 0; k < RECORD_KIND_MAX; k++) {
        if (s->per_kind[k]) {
            keel_buf_printf(out, "%s%lld %s", first ? "" : ", ", (long long)s->per_kind[k],
                            record_kind_name((record_kind)k));
            first = false;
        }
    }
    keel_buf_puts(out,
                  "\nWhat stays: that they were there, when, their states, numbers, digests and "
                  "keys; the chain is whole.");
    int64_t children = cli_number(c, "SELECT count(*) FROM run WHERE parent = ?", run);
    if (children) {
        keel_buf_puts(out, "\nNot erased with it: ");
        text_plural(out, children, "run", "runs");
        keel_buf_puts(out, " that it began (`keel run show` names them).");
    }
    int rc = polled_copies_write(c, &s->copies, s->seqs, s->count, out, d);
    keel_buf_puts(out, "\nBackups and logs that were made before still hold them.");
    return rc;
}

/* The approver's passphrase where there is one; else a yes. by: who consented. */
static int consent(cli *c, const options *o, const keel_buf *plan, char *by, size_t size, diag *d) {
    cli_row who = {0};
    approver_key key;
    if (options_has(o, "yes")) {
        snprintf(by, size, "operator");
        cli_say(c, "%s", plan->data);
        return 0;
    }
    if (!ask_possible(c)) {
        diag_set(d, DIAG_USAGE, "To erase is for ever, and has to be confirmed.");
        return diag_next(d, "Say it at a terminal, or with --yes; --dry-run shows what would go.");
    }
    int rc = cli_one(c, "SELECT name, public_key, salt FROM approver ORDER BY at_us DESC LIMIT 1",
                     NULL, 0, &who, d);
    if (rc == DIAG_NOT_FOUND) {
        char *answer = ask_text(c, plan->data, "Erase it? (yes or no)", "no");
        rc = answer && strcmp(answer, "yes") == 0 ? 0
                                                  : diag_set(d, DIAG_USAGE, "Nothing was erased.");
        snprintf(by, size, "operator");
        free(answer);
    } else if (rc == 0) {
        cli_say(c, "%s", plan->data);
        rc = approver_unlock(who.values[0], who.values[1], who.values[2], &key, d);
        snprintf(by, size, "%s", who.values[0]);
        if (rc == 0) {
            approver_key_wipe(&key);
        }
    }
    cli_row_free(&who);
    return rc;
}

/* ---- doing it ---- */

static int erase(cli *c, chosen *s, const char *by, const char *why, erase_report *report,
                 diag *d) {
    offline o = {0};
    int rc = offline_lock(&o, c->ws, d);
    rc = rc ? rc : offline_open(&o, c->ws, c->ws->db, false, d);
    rc = rc ? rc : offline_commit(&o, d);
    rc = rc ? rc : store_erase(o.store, o.turn, s->seqs, s->count, by, why, report, d);
    if (rc == 0) {
        offline_next(&o);
        rc = offline_stop(&o, d);
    }
    rc = rc ? rc : store_compact(o.store, d);
    offline_end(&o);
    return rc;
}

static void tell(const cli *c, const erase_report *r) {
    if (c->json) {
        cli_print("{\"before\":%" PRId64 ",\"records\":%" PRId64 ",\"shared\":%" PRId64 "}\n",
                  r->before, r->records, r->shared);
        return;
    }
    keel_buf line = KEEL_BUF_INIT;
    keel_buf_puts(&line, "erased: ");
    text_plural(&line, r->records, "record", "records");
    cli_print("%s\n", line.data);
    keel_buf_free(&line);
    if (r->records == 0) {
        cli_say(c, "There was nothing left to erase; the file was written anew all the same.");
    }
    if (r->shared) {
        cli_say(c,
                "%" PRId64 " of them have the same bytes as records that were not erased: those "
                "bytes stay until these are.",
                r->shared);
    }
}

static int find(cli *c, const options *o, chosen *s, char run[24], diag *d) {
    const char *seq = options_value(o, "record"), *named = options_value(o, "run");
    int64_t n = 0;
    s->path = options_value(o, "path");
    if (!seq == !named || (seq && s->path) || !text_number(seq ? seq : named, &n)) {
        diag_set(d, DIAG_USAGE,
                 "Say what: --run RUN, with --path PATH for one effect, or --record "
                 "SEQ.");
        return diag_next(d, "`keel run show RUN` names the paths; `keel logs --json` the records.");
    }
    int rc;
    if (seq) {
        rc = reader_record(c->db, n, choose, s, d);
        n = cli_number(c, "SELECT run FROM journal WHERE seq = ?", seq);
        snprintf(run, 24, "%" PRId64, n);
        return rc;
    }
    uint64_t id = (uint64_t)n;
    snprintf(run, 24, "%" PRId64, n);
    if (!cli_number(c, "SELECT 1 FROM run WHERE id = ?", run)) {
        diag_set(d, DIAG_NOT_FOUND, "There is no run %s.", run);
        return diag_next(d, "See `keel run list`.");
    }
    rc = reader_runs(c->db, &id, 1, choose, s, d);
    if (rc == 0 && !s->met) {
        diag_set(d, DIAG_NOT_FOUND, "Run %s has no call at %s, so nothing was erased.", run,
                 s->path);
        return diag_next(d, "`keel run show %s` names its paths.", run);
    }
    return rc ? rc : choose_edits(c, s, run, d);
}

int erase_run(cli *c, const options *o, diag *d) {
    chosen s = {0};
    char run[24] = "", by[64];
    keel_buf plan = KEEL_BUF_INIT;
    erase_report report = {0};
    const char *why = options_value(o, "why");
    int rc = cli_reader(c, d);
    if (rc == 0 && (!why || !*why)) {
        diag_set(d, DIAG_USAGE, "An erasure says why.");
        rc = diag_next(d, "Add --why TEXT; the text stays in the record, so it names nobody.");
    }
    rc = rc ? rc : find(c, o, &s, run, d);
    rc = rc ? rc : still_open(c, run, d);
    if (rc == 0) {
        rc = put_plan(c, &s, run, &plan, d);
        rc = rc || c->dry_run ? rc : consent(c, o, &plan, by, sizeof by, d);
    }
    if (rc == 0 && c->dry_run) {
        cli_say(c, "%s", plan.data);
    } else if (rc == 0) {
        reader_close(c->db);
        c->db = NULL;
        rc = erase(c, &s, by, why, &report, d);
        if (rc == 0) {
            tell(c, &report);
        }
    }
    free(s.seqs);
    polled_copies_free(&s.copies);
    keel_buf_free(&plan);
    return rc;
}
