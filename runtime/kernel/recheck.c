/* What was done shortly before a backup was taken is looked for once more after its restore: the other
 * side may have lost it, too. Nothing is sent again for it; what is not there any more is stuck. */
#include <stdlib.h>
#include <string.h>

#include "parts.h"

#define YOUNG_US   (3600LL * 1000000)      /* done within this before the backup's last record */
#define RECHECK_US (7LL * 86400 * 1000000) /* since the restore: later nobody looks any more */

static int64_t number_of(const char *text) {
    return text ? strtoll(text, NULL, 10) : 0;
}

typedef struct rechecks {
    kernel *k;
    size_t count;
} rechecks;

static int on_args(void *ctx, const journal_row *row) {
    call *c = ctx;
    keel_buf_append(&c->request, row->body.data, row->body.len);
    c->args = keel_json_get(keel_json_view(c->request.data, c->request.len), "args");
    return 0;
}

static void rechecked(kernel *k, call *c, const char *found, const char *why) {
    keel_json_writer w;
    uint64_t id = c->run->id;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_text(&w, "found", found);
    keel_json_set_text(&w, "why", why);
    keel_json_object_end(&w);
    journal_effect(k, RECORD_EFFECT_RECHECKED, c, &k->scratch);
    if (!strcmp(found, "absent")) {
        kernel_log(k, "error", id, "%s at %s was done before the backup, and is not there any more",
                   c->target, c->path);
        stuck_open(k, c->run, c->path, "effect", "operator",
                   "it was done shortly before the backup was taken, and the other side does not "
                   "have it any more",
                   "look at the other side: do it again by hand, or drop this");
    }
    call_free(k, c);
}

static int on_young(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    rechecks *all = ctx;
    kernel *k = all->k;
    digest d;
    const plugin *p = digest_from_hex(&d, v[7], strlen(v[7])) ? NULL : plugin_find(k, &d);
    if (!p) {
        return 0;
    }
    run *r = map_get(&k->runs, (uint64_t)number_of(v[0]));
    r = r ? r : run_restore_over(k, (uint64_t)number_of(v[0]), p);
    call *c = call_new(r, CALL_EFFECT, v[1], "");
    snprintf(c->target, sizeof c->target, "%s", v[2]);
    c->state = EFFECT_DONE;
    c->recheck = true;
    c->recorded = true;
    c->attempt = (uint32_t)number_of(v[3]);
    reader_record(k->env.reads, number_of(v[4]), on_args, c, NULL);
    effect_restore(k, c, !strcmp(v[6], "keyed") ? CLASS_KEYED : CLASS_CHECKABLE, number_of(v[8]));
    snprintf(c->key, sizeof c->key, "%s", v[5]);
    if (!c->connection || !c->verb || !c->args.len) {
        rechecked(k, c, "cannot_tell", "its connection or its arguments are gone");
        return 0;
    }
    c->reconcile = true;
    c->dispatched = true;
    c->looks = 1;
    dispatch(k, c);
    all->count++;
    return 0;
}

int restored_recheck(kernel *k, diag *d) {
    static const char sql[] =
        "SELECT e.run, e.path, e.target, e.attempts, e.args_seq, e.key, e.class, r.plugin,"
        " e.sent_seq FROM effect e JOIN run r ON r.id = e.run WHERE e.state = 'done' AND e.key IS "
        "NOT NULL"
        " AND (e.class = 'keyed' OR e.class = 'checkable')"
        " AND e.changed_us BETWEEN CAST(?1 AS INTEGER) AND CAST(?2 AS INTEGER)"
        " AND coalesce(e.rechecked_seq, 0) < CAST(?3 AS INTEGER) ORDER BY e.changed_us";
    char from[24], to[24], seq[24];
    const char *params[] = {from, to, seq};
    rechecks all = {.k = k};
    if (!k->restored.seq || kernel_now(k) > k->restored.at_us + RECHECK_US) {
        return 0;
    }
    snprintf(from, sizeof from, "%lld", (long long)(k->restored.last_us - YOUNG_US));
    snprintf(to, sizeof to, "%lld", (long long)k->restored.last_us);
    snprintf(seq, sizeof seq, "%lld", (long long)k->restored.seq);
    int rc = reader_query(k->env.reads, sql, params, 3, on_young, &all, d);
    if (rc == 0 && all.count) {
        kernel_log(k, "info", 0,
                   "%zu effect%s done shortly before the backup %s looked for once more", all.count,
                   all.count == 1 ? "" : "s",
                   k->halted ? "will, after `keel resume`, be" : "will be");
    }
    return rc;
}

void restored_heard(kernel *k, call *c, call_heard heard, keel_json body) {
    char state[16] = "";
    if (heard == HEARD_REPLY) {
        body_text(keel_json_get(body, "result"), "state", state, sizeof state);
    }
    if (!strcmp(state, "applied") || !strcmp(state, "absent")) {
        rechecked(k, c, state, "looked for after the restore");
    } else {
        rechecked(k, c, "cannot_tell",
                  heard == HEARD_REPLY ? "the other side cannot tell" : "nobody could look");
    }
}
