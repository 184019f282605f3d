#include "turning.h"

#include <stdlib.h>
#include <string.h>

typedef struct begun {
    int64_t seq;
    char path[PATH_LIMIT];
} begun;

/* ---- what reopenings before this one took out ---- */

static void add_keep(cut *c, int64_t seq) {
    if ((c->keep_count & (c->keep_count - 1)) == 0) {
        size_t cap = c->keep_count ? c->keep_count * 2 : 1;
        c->keep = keel_realloc(c->keep, cap * sizeof(int64_t));
    }
    c->keep[c->keep_count++] = seq;
}

static cut *add_cut(turning *t, int64_t from, int64_t until) {
    t->cuts = keel_realloc(t->cuts, (t->cut_count + 1) * sizeof(cut));
    cut *c = &t->cuts[t->cut_count++];
    *c = (cut){.from = from, .until = until};
    return c;
}

static int on_cut(void *ctx, const journal_row *row) {
    int64_t seq = row->seq;
    if (row->kind == RECORD_RUN_REOPENED) {
        keel_json_int(keel_json_get(row->body, "from"), &seq);
        cut *c = add_cut(ctx, seq, row->seq);
        keel_json keep = keel_json_get(row->body, "keep");
        for (keel_json_iter it = keel_json_each(keep); keep.len && keel_json_next(&it);) {
            if (keel_json_int(it.value, &seq)) {
                add_keep(c, seq);
            }
        }
    }
    return 0;
}

static int by_seq(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static bool is_cut(const turning *t, int64_t seq) {
    for (size_t i = 0; i < t->cut_count; i++) {
        const cut *c = &t->cuts[i];
        if (seq >= c->from && seq <= c->until &&
            !(c->keep_count && bsearch(&seq, c->keep, c->keep_count, sizeof seq, by_seq))) {
            return true;
        }
    }
    return false;
}

/* ---- which steps are asked again ---- */

/* What stands at path r came with the step at f or after it, in its own branch or in one that waited
 * for it. Ordinals and branches take turns in a path: 3.2.1 is the first call of the second branch of
 * call 3. */
static bool follows(const char *r, const char *f) {
    for (bool ordinal = true;; ordinal = !ordinal) {
        char *r_end, *f_end;
        unsigned long a = strtoul(r, &r_end, 10), b = strtoul(f, &f_end, 10);
        if (a != b) {
            return ordinal && a > b;
        }
        if (!*f_end || !*r_end) {
            return !*f_end;
        }
        r = r_end + 1;
        f = f_end + 1;
    }
}

/* Something stands at this path that is not asked again: nor then is what it followed. */
static void stands(turning *t, const char *path) {
    size_t left = 0;
    for (size_t i = 0; i < t->step_count; i++) {
        if (!strcmp(t->steps[i].path, path) || !follows(path, t->steps[i].path)) {
            t->steps[left++] = t->steps[i];
        }
    }
    t->step_count = left;
}

static size_t find_open(const turning *t, const char *path) {
    size_t i = 0;
    while (i < t->open_count && strcmp(t->open[i].path, path) != 0) {
        i++;
    }
    return i;
}

static void begin(turning *t, const journal_row *row) {
    stands(t, row->path);
    if (find_open(t, row->path) == t->open_count) {
        t->open = keel_realloc(t->open, (t->open_count + 1) * sizeof(begun));
        begun *b = &t->open[t->open_count++];
        b->seq = row->seq;
        snprintf(b->path, sizeof b->path, "%s", row->path);
    }
}

/* Its first record. */
static int64_t end(turning *t, const journal_row *row) {
    size_t i = find_open(t, row->path);
    int64_t first = row->seq;
    if (i < t->open_count) {
        first = t->open[i].seq;
        t->open[i] = t->open[--t->open_count];
    }
    return first;
}

static bool was_dropped(const journal_row *row) {
    return row->kind == RECORD_EFFECT_NOT_DONE &&
           keel_json_is(keel_json_get(row->body, "by"), "keel") &&
           keel_json_is(keel_json_path(row->body, "error.code"), "cancelled");
}

static void fail(turning *t, const journal_row *row) {
    stands(t, row->path);
    t->steps = keel_realloc(t->steps, (t->step_count + 1) * sizeof(failed_step));
    failed_step *f = &t->steps[t->step_count++];
    f->first = end(t, row);
    f->last = row->seq;
    f->state = effect_next(EFFECT_WAITING, row->kind);
    f->dropped = was_dropped(row);
    snprintf(f->path, sizeof f->path, "%s", row->path);
}

static void take_effect(turning *t, const journal_row *row) {
    switch (row->kind) {
    case RECORD_EFFECT_WAITING:
    case RECORD_EFFECT_INTENDED:
        begin(t, row);
        break;
    case RECORD_EFFECT_DONE:
    case RECORD_SPAWN:
        end(t, row);
        stands(t, row->path);
        break;
    case RECORD_EFFECT_DENIED:
    case RECORD_EFFECT_NOT_DONE:
    case RECORD_EFFECT_REJECTED:
    case RECORD_EFFECT_EXPIRED:
        fail(t, row);
        break;
    case RECORD_WOKEN:
        if (keel_json_get(row->body, "event").len) {
            stands(t, row->path); /* what was received does not come again */
        }
        break;
    default:
        break;
    }
}

static bool is_of_the_end(const journal_row *row) {
    return row->kind == RECORD_RUN_STRIKE || row->kind == RECORD_STUCK ||
           row->kind == RECORD_STUCK_CLOSED || row->kind == RECORD_ESCALATED ||
           row->kind == RECORD_RUN_PAUSED || was_dropped(row);
}

static int on_record(void *ctx, const journal_row *row) {
    turning *t = ctx;
    t->last = row->seq;
    if (is_cut(t, row->seq)) {
        return 0;
    }
    if (!row->body.data && !t->erased) {
        t->erased = row->seq;
    }
    t->undone |= row->kind == RECORD_ROLLBACK_BEGUN;
    t->received |= row->kind == RECORD_WOKEN && keel_json_get(row->body, "from").len;
    take_effect(t, row);
    if (row->kind == RECORD_RUN_END) {
        t->tail = t->chain ? t->chain : row->seq;
    }
    t->chain = !is_of_the_end(row) ? 0 : t->chain ? t->chain : row->seq;
    return 0;
}

/* ---- what stays beside them ---- */

static bool answers(record_kind kind) {
    switch (kind) {
    case RECORD_STEP:
    case RECORD_LOG:
    case RECORD_NOW:
    case RECORD_RANDOM:
    case RECORD_SPAWN:
    case RECORD_WOKEN:
    case RECORD_EFFECT_DONE:
    case RECORD_EFFECT_NOT_DONE:
    case RECORD_EFFECT_DENIED:
    case RECORD_EFFECT_REJECTED:
    case RECORD_EFFECT_EXPIRED:
        return true;
    default:
        return false;
    }
}

static int on_kept(void *ctx, const journal_row *row) {
    turning *t = ctx;
    cut *c = &t->cuts[t->cut_count - 1];
    if (row->seq < c->from || !answers(row->kind)) {
        return 0;
    }
    t->cut_count--; /* the one that is being made takes out nothing yet */
    bool gone = is_cut(t, row->seq);
    t->cut_count++;
    for (size_t i = 0; i < t->step_count && !gone; i++) {
        gone = follows(row->path, t->steps[i].path);
    }
    if (!gone) {
        add_keep(c, row->seq);
    }
    return 0;
}

/* From the first record of what is asked again; or, where others went on meanwhile, from the first
 * answer that does not count. */
static int64_t begins(const turning *t, bool beside) {
    int64_t from = t->tail;
    for (size_t i = 0; i < t->step_count; i++) {
        int64_t seq = beside ? t->steps[i].last : t->steps[i].first;
        from = seq < from ? seq : from;
    }
    return from;
}

int turning_find(turning *t, reader *reads, uint64_t run_id, diag *d) {
    uint64_t ids[] = {run_id};
    *t = (turning){.path = ""};
    int rc = reader_runs(reads, ids, 1, on_cut, t, d);
    rc = rc ? rc : reader_runs(reads, ids, 1, on_record, t, d);
    if (rc) {
        return rc;
    }
    int64_t last = 0;
    for (size_t i = 0; i < t->step_count; i++) {
        if (!t->steps[i].dropped && t->steps[i].last > last) {
            last = t->steps[i].last;
            t->path = t->steps[i].path;
        }
    }
    add_cut(t, begins(t, false), t->last);
    rc = reader_runs(reads, ids, 1, on_kept, t, d);
    if (rc == 0 && turning_cut(t)->keep_count) {
        cut *c = &t->cuts[t->cut_count - 1];
        c->from = begins(t, true);
        c->keep_count = 0;
        rc = reader_runs(reads, ids, 1, on_kept, t, d);
    }
    return rc;
}

const cut *turning_cut(const turning *t) {
    return &t->cuts[t->cut_count - 1];
}

bool turning_asks(const turning *t, const char *path) {
    for (size_t i = 0; i < t->step_count; i++) {
        if (!strcmp(t->steps[i].path, path)) {
            return true;
        }
    }
    return false;
}

void turning_finish(turning *t) {
    for (size_t i = 0; i < t->cut_count; i++) {
        free(t->cuts[i].keep);
    }
    free(t->cuts);
    free(t->steps);
    free(t->open);
}
