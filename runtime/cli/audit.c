/* keel audit: proving that the record is whole. */
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "keep.h"
#include "text.h"

typedef struct progress {
    const cli *c;
    int64_t started_us, shown_us;
} progress;

static void show_progress(void *ctx, int64_t done, int64_t total) {
    progress *p = ctx;
    int64_t now = cli_now_us();
    if (!p->c->err.terminal || p->c->quiet || now - p->started_us < 1000000 ||
        now - p->shown_us < 100000 || total <= 0 || done <= 0) {
        return;
    }
    p->shown_us = now;
    keel_buf line = KEEL_BUF_INIT;
    keel_buf_printf(&line, "\r\033[K%3d %%  ", (int)(done * 100 / total));
    text_count(&line, done);
    keel_buf_puts(&line, " of ");
    text_count(&line, total);
    keel_buf_puts(&line, ", about ");
    text_span(&line, (now - p->started_us) / done * (total - done));
    keel_buf_puts(&line, " left");
    fputs(line.data, stderr);
    keel_buf_free(&line);
}

static void end_progress(const progress *p) {
    if (p->shown_us) {
        fputs("\r\033[K", stderr);
    }
}

static void print_report(const cli *c, const char *what, const audit_report *r) {
    if (c->json) {
        cli_print("{\"anchors\":%" PRId64 ",\"boots\":%" PRId64 ",\"erased\":%" PRId64
                  ",\"records\":%" PRId64 ",\"unanchored\":%" PRId64 "}\n",
                  r->anchors, r->boots, r->erased, r->records, r->unanchored);
        return;
    }
    cli_print("audit: %" PRId64 " records %s\n", r->records, what);
}

static void print_details(const cli *c, const audit_report *r) {
    keel_buf line = KEEL_BUF_INIT;
    text_plural(&line, r->boots, "start", "starts");
    keel_buf_puts(&line, ", ");
    text_plural(&line, r->anchors, "signed head holds", "signed heads hold");
    keel_buf_puts(&line, ", ");
    text_plural(&line, r->unanchored, "record", "records");
    keel_buf_puts(&line, " behind the last one");
    if (r->erased) {
        keel_buf_puts(&line, ", ");
        text_plural(&line, r->erased, "body", "bodies");
        keel_buf_puts(&line, " erased on request");
    }
    cli_say(c, "%s", line.data);
    keel_buf_free(&line);
}

static int verify_run(cli *c, const options *o, diag *d) {
    (void)o;
    audit_report r = {0};
    progress p = {c, cli_now_us(), 0};
    int rc = cli_reader(c, d);
    rc = rc ? rc : audit_verify(c->ws->db, c->ws->anchor, NULL, &r, show_progress, &p, d);
    end_progress(&p);
    if (rc == 0) {
        print_report(c, "verified", &r);
        if (!c->json) {
            print_details(c, &r);
        }
    }
    return rc;
}

static const command verify_verb = {
    .name = "verify",
    .words = "",
    .summary = "prove that no record was changed, added or cut off",
    .more = "Computes every chain and every body's digest anew and compares with the signed heads "
            "in the\n"
            "anchor file, which lies outside the workspace.",
    .examples = "keel audit verify",
    .run = verify_run,
};

static int rebuild_run(cli *c, const options *o, diag *d) {
    audit_report r = {0};
    if (!options_has(o, "check")) {
        diag_set(d, DIAG_USAGE, "Only the check exists: the tables are never rebuilt in place.");
        return diag_next(d, "Use `keel audit rebuild --check`.");
    }
    int rc = cli_reader(c, d);
    rc = rc ? rc : audit_rebuild_check(c->ws->db, NULL, &r, d);
    if (rc == 0) {
        print_report(c, "rebuilt: the tables follow from the journal", &r);
    }
    return rc;
}

static const option rebuild_options[] = {
    {"check", 0, NULL, "compare, and change nothing"},
    {NULL, 0, NULL, NULL},
};

static const command rebuild_verb = {
    .name = "rebuild",
    .words = "--check",
    .summary = "prove that all tables follow from the journal",
    .examples = "keel audit rebuild --check",
    .options = rebuild_options,
    .run = rebuild_run,
};

static const option erase_options[] = {
    {"run", 0, "RUN", "all records of this run"},
    {"path", 0, "PATH", "of them, those of one call, such as an effect"},
    {"record", 0, "SEQ", "this record alone"},
    {"why", 0, "TEXT", "the reason, for the record; it is not erased"},
    {"yes", 'y', NULL, "do not ask"},
    {NULL, 0, NULL, NULL},
};

static const command erase_verb = {
    .name = "erase",
    .words = "--run RUN [--path PATH] --why TEXT",
    .summary = "forget what was said, and keep that it was",
    .more =
        "Drops the words of records for ever: arguments, results, texts, reasons. States, numbers, "
        "digests and\n"
        "keys stay, so the chain holds and the tables still follow. Keel must be down; the "
        "database is written\n"
        "anew, so that no trace is left in it. Only runs that are over can be erased.",
    .examples = "keel audit erase --run 12 --why \"a client asked for it\"\n"
                "keel audit erase --run 12 --path 3 --why \"a client asked for it\"",
    .options = erase_options,
    .run = erase_run,
};

static const option archive_options[] = {
    {"before", 0, "DATE|RECORD", "move what is older than this day, or stands before this record"},
    {NULL, 0, NULL, NULL},
};

static const command archive_verb = {
    .name = "archive",
    .words = "--before DATE|RECORD",
    .summary = "move the oldest records into a file of their own",
    .more =
        "The file goes into .keel/archive, stays part of the chain, and is read wherever records "
        "are read.\n"
        "What open runs, items or the commands of the last 30 days need is not moved. Keel must "
        "be down.",
    .examples = "keel audit archive --before 2026-01-01",
    .options = archive_options,
    .run = archive_run,
};

static const command *const verbs[] = {&verify_verb, &rebuild_verb, &erase_verb, &archive_verb,
                                       NULL};

const command audit_command = {
    .name = "audit",
    .words = "verify | rebuild --check | erase | archive",
    .summary = "prove that the record is whole",
    .verbs = verbs,
};
