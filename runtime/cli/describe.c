#include "describe.h"

#include <inttypes.h>
#include <string.h>

#include "text.h"

#define MEMBERS 4
#define LONGEST 160 /* columns of one member in a line; the rest is in `keel run show` */
#define SHORT   40  /* bytes of a list or map that still is a word, not noise */
#define HEAD    50  /* columns for time, run, path and the other words, on a terminal */

/* How each kind reads: its word, the word's tint, and the members that matter, in order. */
static const struct {
    record_kind kind;
    tint tint;
    const char *word;
    const char *members[MEMBERS];
} words[] = {
    {RECORD_BOOT, TINT_DIM, "up", {"version"}},
    {RECORD_STOP, TINT_DIM, "down", {NULL}},
    {RECORD_COMMAND, TINT_DIM, "command", {"name", "request"}},
    {RECORD_POLICY, TINT_DIM, "policy", {"digest"}},
    {RECORD_PLUGIN, TINT_DIM, "plugin", {"kind", "id", "version"}},
    {RECORD_CONNECTION, TINT_DIM, "connection", {"name", "plugin", "version"}},
    {RECORD_HALT, TINT_BAD, "halted", {"why"}},
    {RECORD_RESUME, TINT_GOOD, "resumed", {NULL}},
    {RECORD_BATCH, TINT_DIM, "batch", {"batch", "numbers"}},
    {RECORD_ROLLBACK, TINT_BAD, "rollback accepted", {"seq", "anchor_seq"}},
    {RECORD_POLICY_REFUSED, TINT_BAD, "policy refused", {"file", "line", "what"}},
    {RECORD_GRANT_GIVEN, TINT_GOOD, "grant", {"grant", "by", "scope.agent", "scope.target"}},
    {RECORD_GRANT_ENDED, TINT_WAIT, "grant ended", {"grant", "by", "why"}},
    {RECORD_APPROVER, TINT_DIM, "approver", {"name"}},
    {RECORD_BREAKER, TINT_WAIT, "connection", {"connection", "state", "why"}},
    {RECORD_ERASED, TINT_ODD, "erased", {"by", "why"}},
    {RECORD_ARCHIVED, TINT_DIM, "archived", {"first", "last", "file"}},
    {RECORD_RESTORED, TINT_BAD, "restored from a backup", {"seq"}},
    {RECORD_POLLED, TINT_NONE, "polled", {"connection", "resource", "baseline", "items"}},
    {RECORD_RUN_BEGIN, TINT_BOLD, "begins", {"agent", "version", "input"}},
    {RECORD_RUN_END, TINT_NONE, "", {"state", "error.code", "error.message", "result"}},
    {RECORD_RUN_PAUSED, TINT_WAIT, "paused", {"reason", "detail.why"}},
    {RECORD_RUN_RESUMED, TINT_GOOD, "goes on", {NULL}},
    {RECORD_RUN_STRIKE, TINT_BAD, "strike", {"why"}},
    {RECORD_RUN_LABEL, TINT_BOLD, "counts as less than it has read", {"by", "why"}},
    {RECORD_RUN_MIGRATED, TINT_GOOD, "goes on under another version", {"version"}},
    {RECORD_STEP, TINT_NONE, "step", {"name", "result"}},
    {RECORD_LOG, TINT_DIM, "log", {"level", "text"}},
    {RECORD_NOW, TINT_DIM, "now", {NULL}},
    {RECORD_RANDOM, TINT_DIM, "random", {NULL}},
    {RECORD_SLEEP, TINT_DIM, "sleeps", {NULL}},
    {RECORD_RECEIVE, TINT_DIM, "waits for an event", {"name"}},
    {RECORD_SPAWN, TINT_NONE, "spawns", {"agent", "run", "grant"}},
    {RECORD_WAIT, TINT_DIM, "waits for run", {"run"}},
    {RECORD_QUESTION, TINT_WAIT, "asks you", {"number", "args.question"}},
    {RECORD_WOKEN, TINT_DIM, "woken", {"kind", "from", "event", "how"}},
    {RECORD_EVENT, TINT_NONE, "event", {"name"}},
    {RECORD_EFFECT_DENIED, TINT_BAD, "denied", {"target", "error.rule", "error.why"}},
    {RECORD_EFFECT_WAITING, TINT_WAIT, "waiting", {"target", "reason", "number", "held"}},
    {RECORD_EFFECT_INTENDED, TINT_NONE, "intended", {"target", "attempt", "grant"}},
    {RECORD_EFFECT_DONE, TINT_GOOD, "done", {"target", "attempt", "by"}},
    {RECORD_EFFECT_NOT_DONE, TINT_BAD, "not done", {"target", "error.code", "error.why"}},
    {RECORD_EFFECT_UNKNOWN, TINT_ODD, "unknown", {"owner", "why"}},
    {RECORD_EFFECT_RECONCILING, TINT_ODD, "looks whether it was done", {"attempt"}},
    {RECORD_EFFECT_RETRY, TINT_WAIT, "not applied, will be tried again", {"attempt", "why"}},
    {RECORD_EFFECT_REJECTED, TINT_BAD, "rejected", {"target", "by", "why"}},
    {RECORD_EFFECT_EXPIRED, TINT_BAD, "expired", {"target", "number"}},
    {RECORD_EFFECT_STALE, TINT_WAIT, "stale", {"why"}},
    {RECORD_APPROVAL_GIVEN, TINT_GOOD, "approved", {"number", "by"}},
    {RECORD_APPROVAL_EDITED, TINT_NONE, "edited", {"number", "by"}},
    {RECORD_OVERRIDE, TINT_WAIT, "denial lifted", {"number", "lifted", "by", "why"}},
    {RECORD_EFFECT_RECHECKED, TINT_ODD, "was looked for after the restore", {"found", "why"}},
    {RECORD_EFFECT_REOPENED, TINT_GOOD, "is asked once more", {NULL}},
    {RECORD_STUCK, TINT_BAD, "stuck", {"number", "owner", "reason"}},
    {RECORD_STUCK_CLOSED, TINT_GOOD, "not stuck any more", {"how", "by", "why"}},
    {RECORD_ESCALATED, TINT_WAIT, "waits for a decision", {"number", "to", "told", "why"}},
    {RECORD_RUN_REOPENED, TINT_GOOD, "goes on", {"from"}},
    {RECORD_EFFECT_COMPENSATING, TINT_WAIT, "is taken back", {"undo"}},
    {RECORD_EFFECT_COMPENSATED, TINT_GOOD, "was taken back", {"undo"}},
    {RECORD_COMPENSATION_UNKNOWN, TINT_ODD, "unknown whether it was taken back", {"undo", "why"}},
    {RECORD_COMPENSATION_FAILED, TINT_BAD, "not taken back", {"undo", "why"}},
    {RECORD_ROLLBACK_BEGUN, TINT_WAIT, "rollback", {"why", "by"}},
    {RECORD_ROLLBACK_ENDED, TINT_NONE, "rollback", {"state", "compensated", "left"}},
};

static void add_text(keel_buf *out, const term *on, const char *text, size_t len) {
    keel_buf shown = KEEL_BUF_INIT;
    size_t most = !on->width ? LONGEST : on->width > 2 * HEAD ? on->width - HEAD : HEAD;
    text_line(&shown, text, len);
    size_t fits = text_fit(shown.data ? shown.data : "", shown.len, most);
    keel_buf_append(out, shown.data, fits);
    if (fits < shown.len) {
        keel_buf_puts(out, "…");
    }
    keel_buf_free(&shown);
}

/* What nobody needs to read: a first attempt, and that a log line is a usual one. */
static bool goes_without_saying(const char *path, keel_json v) {
    int64_t attempt;
    return (strcmp(path, "attempt") == 0 && keel_json_int(v, &attempt) && attempt == 1) ||
           (strcmp(path, "level") == 0 && keel_json_is(v, "info"));
}

static bool is_container(keel_json v) {
    return keel_json_typeof(v) == KEEL_JSON_OBJECT || keel_json_typeof(v) == KEEL_JSON_ARRAY;
}

static void add_member(keel_buf *out, const term *on, const char *path, keel_json v) {
    if (!v.data || keel_json_typeof(v) == KEEL_JSON_NULL || goes_without_saying(path, v)) {
        return;
    }
    keel_buf text = KEEL_BUF_INIT;
    const char *name = strrchr(path, '.');
    keel_buf_puts(out, "  ");
    if (keel_json_string(v, &text)) {
        add_text(out, on, text.data ? text.data : "", text.len);
    } else if (is_container(v) && v.len > SHORT) {
        keel_buf_printf(out, "%s of ", name ? name + 1 : path);
        text_count(out, (int64_t)v.len);
        keel_buf_puts(out, " bytes");
    } else {
        keel_buf_printf(out, "%s ", name ? name + 1 : path);
        add_text(out, on, v.data, v.len);
    }
    keel_buf_free(&text);
}

void describe_record(const journal_row *row, const term *on, keel_buf *out) {
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (words[i].kind != row->kind) {
            continue;
        }
        term_put(on, out, words[i].tint, words[i].word);
        if (!row->body.data) {
            keel_buf_puts(out, "  (erased)");
        }
        for (size_t m = 0; m < MEMBERS && words[i].members[m]; m++) {
            add_member(out, on, words[i].members[m],
                       keel_json_path(row->body, words[i].members[m]));
        }
        return;
    }
    const char *name = record_kind_name(row->kind);
    keel_buf_puts(out, name ? name : "a record of a kind that this version does not know");
}

void describe_line(const journal_row *row, const term *on, keel_buf *out) {
    keel_buf head = KEEL_BUF_INIT;
    text_time(&head, row->at);
    if (row->run) {
        keel_buf_printf(&head, "  run %" PRIu64, row->run);
    }
    if (row->path[0]) {
        keel_buf_puts(&head, "  ");
        text_line(&head, row->path, strlen(row->path));
    }
    term_put(on, out, TINT_DIM, head.data);
    keel_buf_puts(out, "  ");
    describe_record(row, on, out);
    keel_buf_putc(out, '\n');
    keel_buf_free(&head);
}

void describe_json(const journal_row *row, keel_buf *out) {
    const char *name = record_kind_name(row->kind);
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_set_int(&w, "at", row->at);
    keel_json_set_raw(&w, "body", row->body);
    keel_json_set_int(&w, "boot", row->boot);
    keel_json_set_text(&w, "kind", name ? name : "");
    keel_json_set_text(&w, "path", row->path);
    keel_json_set_int(&w, "run", (int64_t)row->run);
    keel_json_set_int(&w, "seq", row->seq);
    keel_json_object_end(&w);
    keel_buf_putc(out, '\n');
}
