/* Those who look on: `keel do` follows one tree of runs until all that is left waits for a person;
 * `keel logs -f` sees everything. Events leave after the commit that made them true. */
#include <stdlib.h>
#include <string.h>

#include "parts.h"

void follow_add(kernel *k, uint64_t client, uint64_t ref, tree *t) {
    follower *f = keel_alloc(sizeof *f);
    *f = (follower){.client = client, .ref = ref, .tree = t, .all_next = k->followers};
    k->followers = f;
    if (t) {
        f->next = t->followers;
        t->followers = f;
    }
}

static void done(kernel *k, uint64_t client, uint64_t ref, int exit, const keel_buf *waiting) {
    keel_buf out = KEEL_BUF_INIT;
    keel_buf_printf(&out, "{\"exit\":%d,\"waiting\":[%s]}", exit,
                    waiting && waiting->len ? waiting->data : "");
    turn_reply(k, client, C_DONE, ref, out.data, out.len);
    keel_buf_free(&out);
}

void follow_run(kernel *k, uint64_t client, uint64_t ref, uint64_t run_id, tree *t, bool quiet) {
    if (t) {
        follow_add(k, client, ref, t);
        k->followers->quiet = quiet;
        return;
    }
    ending end = {0};
    bool ended = false;
    if (!run_of_chain(k, &run_id, &end) && end.outcome.len) {
        keel_json outcome = keel_json_view(end.outcome.data, end.outcome.len);
        ended = keel_json_is(keel_json_path(outcome, "ok.state"), "ended");
    }
    done(k, client, ref, ended ? 0 : 1, NULL);
    ending_free(&end);
}

void follow_move(tree *from, tree *to) {
    for (follower *f = from->followers; f; f = f->next) {
        f->tree = to;
        if (!f->next) {
            f->next = to->followers;
            to->followers = from->followers;
            from->followers = NULL;
            return;
        }
    }
}

static void unlink_follower(kernel *k, follower *f) {
    follower **at = &k->followers;
    while (*at != f) {
        at = &(*at)->all_next;
    }
    *at = f->all_next;
    if (f->tree) {
        for (at = &f->tree->followers; *at != f;) {
            at = &(*at)->next;
        }
        *at = f->next;
        tree_release(k, f->tree);
    }
    free(f);
}

void follow_drop(kernel *k, uint64_t client) {
    follower *next;
    for (follower *f = k->followers; f; f = next) {
        next = f->all_next;
        if (f->client == client) {
            unlink_follower(k, f);
        }
    }
}

/* ---- events ---- */

/* One line for people about a record; false: not worth one. */
static bool describe(const record *r, keel_buf *out) {
    static const char *const members[] = {"target", "agent", "state", "why", "reason", "number"};
    keel_json body = keel_json_view(r->body, r->len);
    if (r->kind == RECORD_LOG) {
        return keel_json_string(keel_json_get(body, "text"), out);
    }
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        keel_json v = keel_json_get(body, members[i]);
        if (v.len) {
            if (out->len) {
                keel_buf_puts(out, ", ");
            }
            keel_buf_printf(out, "%s ", members[i]);
            if (!keel_json_string(v, out)) {
                keel_buf_append(out, v.data, v.len);
            }
        }
    }
    keel_json error = keel_json_path(body, "error.why");
    if (error.len) {
        keel_buf_puts(out, ": ");
        keel_json_string(error, out);
    }
    return true;
}

static bool interesting(record_kind kind) {
    switch (kind) {
    case RECORD_STEP:
    case RECORD_NOW:
    case RECORD_RANDOM:
    case RECORD_COMMAND:
    case RECORD_WAIT:
        return false;
    default:
        return true;
    }
}

static void event_body(const record *r, int64_t at, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    keel_json_writer w;
    out->len = 0;
    if (describe(r, &text)) {
        keel_json_write(&w, out);
        keel_json_object(&w);
        keel_json_set_int(&w, "at", at);
        keel_json_set_text(&w, "kind", record_kind_name(r->kind));
        if (r->path[0]) {
            keel_json_set_text(&w, "path", r->path);
        }
        keel_json_set_int(&w, "run", (int64_t)r->run);
        keel_json_set_int(&w, "seq", r->seq);
        keel_json_key(&w, "text");
        keel_json_textn(&w, text.data ? text.data : "", text.len);
        keel_json_object_end(&w);
    }
    keel_buf_free(&text);
}

/* ---- has it come to rest? ---- */

static bool needs_person(const call *c) {
    return c->state == EFFECT_WAITING || (c->state == EFFECT_UNKNOWN && c->number);
}

/* Nothing moves in this run until a person acts, or a run that it waits for. */
static bool rests(const run *r) {
    if (r->state == RUN_PAUSED) {
        return true;
    }
    bool any = false;
    for (const call *c = r->calls; c; c = c->next) {
        bool effect = c->kind == CALL_EFFECT || c->kind == CALL_SPAWN;
        if (c->recheck) {
            continue;
        }
        if (c->kind != CALL_WAIT && c->kind != CALL_ASK && !(effect && needs_person(c))) {
            return false;
        }
        any = true;
    }
    return any;
}

static void add_number(keel_buf *waiting, uint64_t number) {
    if (number) {
        keel_buf_printf(waiting, "%s%llu", waiting->len ? "," : "", (unsigned long long)number);
    }
}

static bool settled(kernel *k, const tree *t, keel_buf *waiting) {
    for (const run *r = t->runs; r; r = r->tree_next) {
        if (!rests(r)) {
            return false;
        }
        add_number(waiting, stuck_of_run(k, r->id)); /* it is paused */
        for (const call *c = r->calls; c; c = c->next) {
            add_number(waiting, c->number);
        }
    }
    return true;
}

static void finish(kernel *k, follower *f) {
    keel_buf waiting = KEEL_BUF_INIT;
    if (settled(k, f->tree, &waiting)) {
        const tree *t = f->tree;
        int exit = t->open ? 3 : t->failed ? 1 : t->denied ? 5 : 0;
        done(k, f->client, f->ref, exit, &waiting);
        unlink_follower(k, f);
    }
    keel_buf_free(&waiting);
}

void follow_records(kernel *k, const open_turn *t) {
    keel_buf body = KEEL_BUF_INIT;
    size_t count = turn_count(t->records);
    int64_t at = turn_at(t->records);
    for (size_t i = 0; i < count; i++) {
        const record *r = turn_get(t->records, i);
        if (!interesting(r->kind)) {
            continue;
        }
        body.len = 0;
        for (const follower *f = k->followers; f; f = f->all_next) {
            if (f->quiet || (f->tree && f->tree->root != t->roots[i])) {
                continue;
            }
            if (!body.len) {
                event_body(r, at, &body);
            }
            k->env.reply(k->env.ctx, f->client, C_EVENT, f->ref, body.data, body.len);
        }
    }
    keel_buf_free(&body);
    follower *next;
    for (follower *f = k->followers; f; f = next) {
        next = f->all_next;
        if (f->tree) {
            finish(k, f);
        }
    }
}
