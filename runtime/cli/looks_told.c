/* What became of what was decided: the log, the counts, the last words. */
#include <inttypes.h>
#include <string.h>

#include "looks_int.h"
#include "text.h"
#include "words.h"

static const struct {
    const char *word;
    tint tint;
} outcomes[LOOKS_OUTCOMES] = {
    [OUTCOME_APPROVED] = {"approved", TINT_GOOD},
    [OUTCOME_ANSWERED] = {"answered", TINT_GOOD},
    [OUTCOME_DENIED] = {"denied", TINT_NONE},
    [OUTCOME_REFUSED] = {"denied by policy or budget", TINT_BAD},
    [OUTCOME_STALE] = {"stale", TINT_WAIT},
    [OUTCOME_GONE] = {"gone", TINT_WAIT},
};

static size_t outcome_of(const looks *l, const char *outcome) {
    if (strcmp(outcome, "denied") == 0) {
        return l->denying ? OUTCOME_DENIED : OUTCOME_REFUSED;
    }
    for (size_t i = 0; i < LOOKS_OUTCOMES; i++) {
        if (strcmp(outcomes[i].word, outcome) == 0) {
            return i;
        }
    }
    return OUTCOME_GONE;
}

static bool is_good(size_t outcome) {
    return outcome == OUTCOME_APPROVED || outcome == OUTCOME_ANSWERED || outcome == OUTCOME_DENIED;
}

void looks_outcome(looks *l, int64_t number, const char *outcome, const char *reason,
                   int64_t now_us) {
    keel_buf line = KEEL_BUF_INIT;
    size_t o = outcome_of(l, outcome);
    entry *e = looks_find(l, number);
    keel_buf_printf(&line, "%" PRId64 "  ", number);
    term_put(&l->on, &line, outcomes[o].tint, outcomes[o].word);
    if (e && o == OUTCOME_APPROVED) {
        keel_buf_puts(&line, "  ");
        words_from_hex(&line, e->is.version);
    }
    if (e) {
        keel_buf_puts(&line, "  ");
        text_line(&line, e->is.target, strlen(e->is.target));
        e->gone = true;
    }
    if (reason[0]) {
        keel_buf_puts(&line, "  ");
        text_line(&line, reason, strlen(reason));
    }
    keel_buf_putc(&line, '\n');
    text_time(&l->log, now_us);
    keel_buf_puts(&l->log, "  ");
    keel_buf_append(&l->log, line.data, line.len);
    if (!is_good(o)) {
        keel_buf_append(&l->bad, line.data, line.len);
    }
    l->log_count++;
    l->counts[o]++;
    l->told[o]++;
    keel_buf_free(&line);
}

void looks_counts(const size_t counts[LOOKS_OUTCOMES], keel_buf *out) {
    bool any = false;
    for (size_t i = 0; i < LOOKS_OUTCOMES; i++) {
        if (counts[i]) {
            keel_buf_printf(out, "%s%zu %s", any ? ", " : "", counts[i], outcomes[i].word);
            any = true;
        }
    }
    keel_buf_puts(out, any ? "" : "nothing decided");
}

/* Where to go on: in the same group what was not seen yet, else the next group that is left. */
static void go_on(looks *l, size_t before) {
    group *g = looks_group(l);
    if (!g && l->group_count && before > l->group_count) {
        l->at = 0; /* it was the last one, and earlier ones are left */
        return;
    }
    for (size_t i = 0; g && i < g->count; i++) {
        if (!g->list[i].seen && !g->list[i].gone) {
            g->cursor = i;
            return;
        }
    }
}

void looks_settled(looks *l) {
    keel_buf text = KEEL_BUF_INIT;
    size_t before = l->group_count;
    bool good = l->told[OUTCOME_REFUSED] + l->told[OUTCOME_STALE] + l->told[OUTCOME_GONE] == 0;
    looks_counts(l->told, &text);
    looks_say(l, good ? TINT_GOOD : TINT_WAIT, "%s%s", text.data,
              good ? "." : ": why stands in the log, at the end.");
    memset(l->told, 0, sizeof l->told);
    l->batch_count = 0;
    if (looks_group(l)) {
        looks_purge(l, looks_group(l));
    }
    go_on(l, before);
    l->entries = looks_entries(l);
    keel_buf_free(&text);
}

void looks_failed(looks *l, const char *what, const char *next, int64_t now_us) {
    keel_buf line = KEEL_BUF_INIT;
    size_t len = strlen(what);
    const char *between = !next[0] ? "" : len && !strchr(".?!", what[len - 1]) ? ". " : " ";
    text_line(&line, what, len);
    keel_buf_puts(&line, between);
    text_line(&line, next, strlen(next));
    looks_say(l, TINT_BAD, "%s%s%s", what, between, next);
    text_time(&l->log, now_us);
    keel_buf_printf(&l->log, "  %s\n", line.data);
    keel_buf_printf(&l->bad, "%s\n", line.data);
    l->log_count++;
    l->batch_count = 0;
    memset(l->told, 0, sizeof l->told);
    keel_buf_free(&line);
}

void looks_summary(const looks *l, keel_buf *out) {
    looks_counts(l->counts, out);
    keel_buf_printf(out, ", %zu left.\n", looks_left(l));
    keel_buf_append(out, l->bad.data ? l->bad.data : "", l->bad.len);
}
