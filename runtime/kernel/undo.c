/* Compensations: the effect that takes another one back. It has a path, key, class, decision, budget
 * and approval of its own and goes the way of every effect; what is its own is here: it is given
 * what was written and what was recorded of it, and only through the connection that it was
 * written through. */
#include <stdlib.h>
#include <string.h>

#include "planted.h"
#include "rollback.h"

void undo_body(const undo_step *s, const char *undo, const char *why, keel_buf *out) {
    keel_json_writer w;
    out->len = 0;
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_set_int(&w, "done", s->done_seq);
    keel_json_set_text(&w, "undo", undo);
    if (why) {
        keel_json_set_text(&w, "why", why);
    }
    keel_json_object_end(&w);
}

bool undo_may_go(kernel *k, call *c) {
    rollback *rb;
    const undo_step *s = rollback_find(k, c->run->id, c->path, &rb);
    if (s && c->verb && c->connection && !c->connection->gone &&
        c->connection->seq <= s->sent_seq) {
        return true;
    }
    effect_denied(k, c, keel_json_view("{}", 2), "unavailable", NULL,
                  "its connection was changed or removed since it was written");
    return false;
}

/* A member that every such record has: it is not there when its words were erased. */
static bool read_member(kernel *k, int64_t seq, const char *member, keel_buf *out) {
    return reader_member(k->env.reads, seq, member, out, NULL) == 0 && out->len > 0;
}

bool undo_outcome(kernel *k, const call *c, keel_buf *out) {
    if (c->undoes > 0 && KEEL_PLANTED("undo_without_outcome")) {
        keel_buf_puts(out, "{}");
        return true;
    }
    return c->undoes <= 0 || read_member(k, c->undoes, "result", out);
}

/* ---- the run that it belongs to, which has ended ---- */

typedef struct ended_run {
    kernel *k;
    uint64_t id;
    run *run;
} ended_run;

static int on_run(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    ended_run *e = ctx;
    digest d;
    const plugin *p = digest_from_hex(&d, v[0], strlen(v[0])) ? NULL : plugin_find(e->k, &d);
    if (p) {
        e->run = run_restore_over(e->k, e->id, p);
        e->run->root = strtoull(v[1], NULL, 10);
        e->run->depth = (int)strtol(v[2], NULL, 10);
        e->run->label = label_of_columns(v[3], v[4]);
    }
    return 0;
}

static run *run_of(kernel *k, uint64_t id) {
    char text[24];
    const char *params[] = {text};
    ended_run e = {.k = k, .id = id};
    snprintf(text, sizeof text, "%llu", (unsigned long long)id);
    reader_query(k->env.reads,
                 "SELECT plugin, root, depth, tainted, sensitivity FROM run"
                 " WHERE id = CAST(? AS INTEGER)",
                 params, 1, on_run, &e, NULL);
    return e.run;
}

/* ---- proposing it ---- */

/* false: what was written is no longer in the record. */
static bool request_of(kernel *k, const undo_step *s, keel_buf *out) {
    char target[128];
    keel_buf args = KEEL_BUF_INIT;
    keel_json_writer w;
    snprintf(target, sizeof target, "%s", s->target);
    char *rest = target;
    const char *use = strsep(&rest, "."), *resource = strsep(&rest, ".");
    bool good = read_member(k, s->args_seq, "args", &args) && resource;
    if (good) {
        keel_json_write(&w, out);
        keel_json_object(&w);
        keel_json_set_raw(&w, "args", keel_json_view(args.data, args.len));
        keel_json_set_text(&w, "resource", resource);
        keel_json_set_text(&w, "use", use);
        keel_json_set_text(&w, "verb", "compensate");
        keel_json_object_end(&w);
    }
    keel_buf_free(&args);
    return good;
}

static bool has_outcome(kernel *k, const undo_step *s) {
    keel_buf outcome = KEEL_BUF_INIT;
    bool has = read_member(k, s->done_seq, "result", &outcome);
    keel_buf_free(&outcome);
    return has || (s->state == EFFECT_UNKNOWN && KEEL_PLANTED("undo_unknown"));
}

static void propose(kernel *k, run *r, const undo_step *s, const char *path, keel_json request) {
    char hash[17], why[256];
    call_digest(hash, "effect", s->target, keel_json_get(request, "args"));
    call *c = call_new(r, CALL_EFFECT, path, hash);
    c->undoes = s->done_seq;
    if (effect_resolve(k, c, request, why, sizeof why)) {
        effect_denied(k, c, keel_json_view("{}", 2), "not_found", NULL, why);
    } else {
        effect_decide(k, c);
    }
}

void undo_begin(kernel *k, rollback *rb, undo_step *s) {
    char undo[PATH_LIMIT + 16];
    keel_buf request = KEEL_BUF_INIT;
    run gone = {.id = s->run};
    run *r = run_of(k, s->run);
    bool fits = undo_path(undo, sizeof undo, s->path, ++s->tries) && strlen(undo) < PATH_LIMIT;
    const char *why = !r      ? "the version of its agent is no longer in .keel/plugins"
                      : !fits ? "its path is too long"
                      : !request_of(k, s, &request) ? "what was written was erased"
                      : !has_outcome(k, s)          ? "what was recorded of it was erased"
                                                    : NULL;
    undo_body(s, undo, NULL, &k->scratch);
    if (s->state != EFFECT_UNKNOWN || !KEEL_PLANTED("undo_unknown")) {
        s->last_seq = journal_past(k, RECORD_EFFECT_COMPENSATING, r ? r : &gone, s->path, &s->state,
                                   &k->scratch);
    }
    if (why) {
        rollback_failed(k, rb, s, r ? r : &gone, undo, why);
    } else {
        propose(k, r, s, undo, keel_json_view(request.data, request.len));
    }
    if (why && r && !r->calls) {
        run_over(k, r);
    }
    keel_buf_free(&request);
}
