/* keel audit archive: the oldest records, moved out of the database into a file of their own. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backup.h"
#include "fsio.h"
#include "keep.h"
#include "offline.h"
#include "text.h"

static int bad_before(const char *text, diag *d) {
    diag_set(d, DIAG_USAGE, "\"%s\" is neither a date nor the number of a record.", text);
    return diag_next(d, "Write --before 2026-01-31, or --before 12345.");
}

/* The last record before the day, or before the record. */
static int last_before(cli *c, const char *text, int64_t *last, diag *d) {
    struct tm t = {.tm_isdst = -1};
    char us[24];
    if (text_number(text, last)) {
        *last -= 1;
        return *last >= 0 ? 0 : bad_before(text, d);
    }
    const char *end = strptime(text, "%Y-%m-%d", &t);
    if (!end || *end) {
        return bad_before(text, d);
    }
    snprintf(us, sizeof us, "%" PRId64, (int64_t)mktime(&t) * 1000000);
    *last = cli_number(c, "SELECT max(seq) FROM journal WHERE at < CAST(? AS INTEGER)", us);
    return 0;
}

static int nothing(const archive_report *r, const char *before, diag *d) {
    if (r->keeps) {
        diag_set(d, DIAG_CONFLICT, "Nothing can be archived: %s needs record %" PRId64 ".",
                 r->keeps, r->last + 1);
        return diag_next(d, "Records move in order, up to the first one that is needed. `keel "
                            "inbox` and `keel run list` show what is open.");
    }
    diag_set(d, DIAG_NOT_FOUND, "There are no records before %s that are not archived yet.",
             before);
    return diag_next(d, "`keel audit verify` counts them.");
}

static void tell(const cli *c, const archive_report *r, const char *verb) {
    if (c->json) {
        cli_print("{\"bytes\":%" PRId64 ",\"file\":\"%s\",\"first\":%" PRId64 ",\"last\":%" PRId64
                  "}\n",
                  r->bytes, r->file, r->first, r->last);
        return;
    }
    keel_buf line = KEEL_BUF_INIT;
    keel_buf_printf(&line, "archive: records %" PRId64 " to %" PRId64 " %s .keel/archive/%s",
                    r->first, r->last, verb, r->file);
    if (r->bytes) {
        keel_buf_puts(&line, ", ");
        backup_put_size(&line, r->bytes);
    }
    cli_print("%s\n", line.data);
    keel_buf_free(&line);
    if (r->keeps) {
        cli_say(c, "Not further: %s needs record %" PRId64 ".", r->keeps, r->last + 1);
    }
}

static int move(cli *c, const char *before, int64_t last, offline *o, archive_report *r, diag *d) {
    int rc = offline_open(o, c->ws, c->ws->db, false, d);
    rc = rc ? rc : store_archivable(o->store, last, cli_now_us(), r, d);
    if (rc == 0 && r->first > r->last) {
        return nothing(r, before, d); /* and nothing was written */
    }
    if (rc || c->dry_run) {
        return rc;
    }
    keel_buf folder = KEEL_BUF_INIT;
    keel_buf_printf(&folder, "%s/archive", c->ws->keel);
    rc = fsio_mkdirs(folder.data, 0700, d);
    keel_buf_free(&folder);
    rc = rc ? rc : offline_commit(o, d);
    rc = rc ? rc : store_archive(o->store, o->turn, r, d);
    if (rc == 0) {
        offline_next(o);
        rc = offline_stop(o, d);
    }
    return rc ? rc : store_compact(o->store, d);
}

int archive_run(cli *c, const options *o, diag *d) {
    const char *before = options_value(o, "before");
    int64_t last = 0;
    archive_report r;
    offline work = {0};
    int rc = cli_reader(c, d);
    if (rc == 0 && !before) {
        diag_set(d, DIAG_USAGE, "Say up to where: --before DATE or --before RECORD.");
        rc = diag_next(d, "`keel audit archive --before 2026-01-01` moves all that is older.");
    }
    rc = rc ? rc : last_before(c, before, &last, d);
    if (rc == 0) {
        reader_close(c->db);
        c->db = NULL;
        rc = offline_lock(&work, c->ws, d);
    }
    rc = rc ? rc : move(c, before, last, &work, &r, d);
    offline_end(&work);
    if (rc == 0) {
        tell(c, &r, c->dry_run ? "would move into" : "moved into");
    }
    return rc;
}
