/* Dead letters ("stuck" for people): what automation could not finish. Each names an owner, what
 * happened and what to do next, and stays open until it went on or a person has closed it. */
#include <stdlib.h>
#include <string.h>

#include "parts.h"

#define REASON_LIMIT 400

/* ---- open and close ---- */

open_item *stuck_find(kernel *k, uint64_t number) {
    open_item *x = map_get(&k->watches, number);
    return x && x->stuck ? x : NULL;
}

uint64_t stuck_of_run(kernel *k, uint64_t run_id) {
    const open_item *x = map_get(&k->stuck, run_id);
    return x ? x->number : 0;
}

static open_item *enter(kernel *k, uint64_t number, uint64_t run_id, const char *path,
                        const char *kind, int64_t opened_us) {
    open_item *x = watch_open(k, number, run_id, opened_us);
    x->stuck = keel_strdup(kind);
    x->path = keel_strdup(path);
    x->next = map_get(&k->stuck, run_id);
    map_put(&k->stuck, run_id, x);
    return x;
}

static void leave(kernel *k, open_item *x) {
    open_item *first = map_get(&k->stuck, x->run);
    if (first == x && !x->next) {
        map_take(&k->stuck, x->run);
    } else if (first == x) {
        map_put(&k->stuck, x->run, x->next);
    } else {
        while (first->next != x) {
            first = first->next;
        }
        first->next = x->next;
    }
    watch_close(k, x);
}

static void stuck_body(uint64_t number, const char *kind, const char *owner, const char *reason,
                       const char *next, keel_buf *out) {
    keel_json_writer w;
    out->len = 0;
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_set_text(&w, "kind", kind);
    keel_json_set_text(&w, "next", next);
    keel_json_set_int(&w, "number", (int64_t)number);
    keel_json_set_text(&w, "owner", owner);
    keel_json_set_text(&w, "reason", reason);
    keel_json_object_end(&w);
}

uint64_t stuck_open(kernel *k, run *r, const char *path, const char *kind, const char *owner,
                    const char *reason, const char *next) {
    if (!owner[0] || !reason[0] || !next[0]) { /* nobody could act on it */
        kernel_log(k, "error", r->id, "a dead letter without owner, reason or next action");
        abort();
    }
    uint64_t number = k->next_number++;
    stuck_body(number, kind, owner, reason, next, &k->scratch);
    int64_t seq = journal_run(k, RECORD_STUCK, r, path, &k->scratch);
    open_item *x = enter(k, number, r->id, path, kind, kernel_now(k));
    x->last_seq = seq;
    x->child = r->tree && r->tree->root != r->id;
    watch_set(k, x);
    kernel_log(k, "error", r->id, "stuck: %s; `keel stuck show %llu`", reason,
               (unsigned long long)number);
    return number;
}

void stuck_close(kernel *k, open_item *x, const char *by, const char *how, const char *why,
                 keel_json result) {
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_text(&w, "by", by);
    keel_json_set_text(&w, "how", how);
    keel_json_set_int(&w, "number", (int64_t)x->number);
    if (result.len) {
        keel_json_set_raw(&w, "result", result);
    }
    keel_json_set_text(&w, "why", why);
    keel_json_object_end(&w);
    run *r = map_get(&k->runs, x->run);
    if (r) {
        journal_run(k, RECORD_STUCK_CLOSED, r, x->path, &k->scratch);
    } else {
        journal_add(k, RECORD_STUCK_CLOSED, x->run, x->path, &k->scratch);
    }
    leave(k, x);
}

/* ---- what becomes one ---- */

/* The step that a run failed at: its last effect, where that was not applied. */
typedef struct failed_step {
    char path[PATH_LIMIT], target[128];
    effect_state state; /* EFFECT_NONE: there is no such step */
} failed_step;

static int on_step(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    failed_step *s = ctx;
    effect_state state = effect_state_named(v[2]);
    if (state == EFFECT_NOT_DONE || state == EFFECT_DENIED || state == EFFECT_REJECTED ||
        state == EFFECT_EXPIRED) {
        s->state = state;
        snprintf(s->path, sizeof s->path, "%s", v[0]);
        snprintf(s->target, sizeof s->target, "%s", v[1]);
    }
    return 1;
}

/* Of committed records: its script has heard of no others, and what was dropped with its end is not
 * what it failed at. */
static void find_step(kernel *k, uint64_t run_id, failed_step *s) {
    char id[24];
    const char *params[] = {id};
    snprintf(id, sizeof id, "%llu", (unsigned long long)run_id);
    *s = (failed_step){.state = EFFECT_NONE};
    reader_query(k->env.reads,
                 "SELECT path, target, state FROM effect WHERE run = CAST(? AS INTEGER)"
                 " ORDER BY last_seq DESC LIMIT 1",
                 params, 1, on_step, s, NULL);
}

/* What a person does first; then it is tried again from there. */
static void remedy(const failed_step *s, const char *code, unsigned long long run_id, char *out,
                   size_t size) {
    char use[128];
    snprintf(use, sizeof use, "%.*s", (int)strcspn(s->target, "."), s->target);
    switch (s->state) {
    case EFFECT_DENIED:
        snprintf(out, size, "allow it by a rule (keel why %llu:%s), then keel policy reload",
                 run_id, s->path);
        break;
    case EFFECT_REJECTED:
    case EFFECT_EXPIRED:
        snprintf(out, size, "see whether it is wanted after all: the retry asks you once more");
        break;
    case EFFECT_NOT_DONE:
        snprintf(out, size, "mend %s (keel connection test %s)", s->target, use);
        break;
    default:
        snprintf(out, size,
                 !strcmp(code, "refused") ? "mend the agent, so that it loads (keel run show %llu)"
                                          : "mend what it failed at (keel run show %llu)",
                 run_id);
        break;
    }
}

void stuck_failed(kernel *k, run *r, keel_json error) {
    failed_step s;
    char code[40] = "failed", text[REASON_LIMIT] = "it gave no reason";
    char reason[REASON_LIMIT + 200], first[300], next[600];
    body_text(error, "code", code, sizeof code);
    keel_json_copy(keel_json_get(error, "message"), text, sizeof text);
    find_step(k, r->id, &s);
    if (s.state != EFFECT_NONE) {
        snprintf(reason, sizeof reason, "%s at %s %s %s; then: %s", s.target, s.path,
                 s.state == EFFECT_EXPIRED ? "has" : "was",
                 s.state == EFFECT_NOT_DONE ? "not done" : effect_state_name(s.state), text);
    } else {
        snprintf(reason, sizeof reason, "%s: %s", code, text);
    }
    remedy(&s, code, (unsigned long long)r->id, first, sizeof first);
    char once[PATH_LIMIT + 60] = "";
    if (s.state == EFFECT_DENIED) {
        snprintf(once, sizeof once, "Once, without a rule: keel override %llu:%s. ",
                 (unsigned long long)r->id, s.path);
    }
    snprintf(next, sizeof next,
             "%s; then keel stuck retry %llu. %sOr keel stuck resolve or drop it, with --why",
             first, (unsigned long long)k->next_number, once);
    stuck_open(k, r, s.path, "run", "operator", reason, next);
}

void stuck_paused(kernel *k, run *r, keel_json detail) {
    char path[PATH_LIMIT] = "", reason[200], next[200];
    unsigned long long id = r->id;
    body_text(detail, "path", path, sizeof path);
    snprintf(reason, sizeof reason,
             "replay_mismatch: its script asks for something else%s%s than its record says",
             path[0] ? " at " : "", path);
    snprintf(next, sizeof next,
             "keel run show %llu; then keel run migrate %llu, keel run resume %llu or keel run "
             "cancel %llu",
             id, id, id, id);
    stuck_open(k, r, path, "run", "operator", reason, next);
}

/* Its connector's word of how long an absence proves nothing (settle) did not hold, and a write that was
 * not in its own way would have been made twice: for a person. */
void stuck_late(kernel *k, const call *c) {
    char reason[240];
    snprintf(reason, sizeof reason,
             "%s was proved absent, sent again, and is there from before: it was applied after its "
             "settle time",
             c->target);
    stuck_open(
        k, c->run, c->path, "effect", "operator", reason,
        "see on the other side that it is there once; give its verb a longer settle; then drop "
        "this");
}

/* ---- what closes one by itself ---- */

/* effects: also what is stuck outside, whatever its run does. */
static void close_of_run(kernel *k, uint64_t run_id, bool effects, const char *by, const char *how,
                         const char *why) {
    open_item *next;
    for (open_item *x = map_get(&k->stuck, run_id); x; x = next) {
        next = x->next;
        if (!strcmp(x->stuck, "run") || (effects && !strcmp(x->stuck, "effect"))) {
            stuck_close(k, x, by, how, why, (keel_json){0});
        }
    }
}

void stuck_went_on(kernel *k, uint64_t run_id, const char *why) {
    close_of_run(k, run_id, false, "keel", "went_on", why);
}

void stuck_taken_back(kernel *k, bool (*covers)(const void *ctx, uint64_t run_id),
                      const void *ctx) {
    size_t at = 0, count = 0;
    uint64_t id, *runs = keel_alloc((k->stuck.count + 1) * sizeof *runs);
    while (map_next(&k->stuck, &at, &id)) { /* closing changes the map */
        if (covers(ctx, id)) {
            runs[count++] = id;
        }
    }
    for (size_t i = 0; i < count; i++) {
        close_of_run(k, runs[i], true, "operator", "compensate", "what its run did is taken back");
    }
    free(runs);
}

void stuck_received(kernel *k, uint64_t run_id, const run *by) {
    const open_item *x = map_get(&k->stuck, run_id);
    char why[80];
    if (x && x->child) {
        snprintf(why, sizeof why, "run %llu waited for it, and was told",
                 (unsigned long long)by->id);
        stuck_went_on(k, run_id, why);
    }
}

void stuck_settled(kernel *k, uint64_t run_id, int64_t seq) {
    for (open_item *x = map_get(&k->stuck, run_id); x; x = x->next) {
        x->last_seq = seq > x->last_seq ? seq : x->last_seq;
    }
}

/* ---- recovery ---- */

static int on_kind(void *ctx, const journal_row *row) {
    body_text(row->body, "kind", ctx, 16);
    return 0;
}

static int on_stuck(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    kernel *k = ctx;
    char kind[16] = "run";
    uint64_t run_id = strtoull(v[1], NULL, 10);
    reader_record(k->env.reads, strtoll(v[3], NULL, 10), on_kind, kind, NULL);
    open_item *x = enter(k, strtoull(v[0], NULL, 10), run_id, v[2], kind, strtoll(v[4], NULL, 10));
    x->escalated = v[5] ? (uint32_t)strtoul(v[5], NULL, 10) : 0;
    x->child = v[6][0] == '0';
    watch_set(k, x);
    return 0;
}

int stuck_recover(kernel *k, diag *d) {
    return reader_query(k->env.reads,
                        "SELECT i.number, i.run, i.path, i.args_seq, i.opened_us, i.escalated,"
                        " r.root = r.id FROM item i JOIN run r ON r.id = i.run"
                        " WHERE i.state = 'open' AND i.kind = 'stuck' ORDER BY i.number",
                        NULL, 0, on_stuck, k, d);
}
