/* Commands about what needs a person's hand: stuck.retry, stuck.resolve, stuck.drop, unknown.check. */
#include <string.h>

#include "breaker.h"
#include "command.h"
#include "rollback.h"

static int find_stuck(kernel *k, command *c, open_item **out, diag *d) {
    int64_t n = 0;
    keel_json_int(keel_json_get(c->args, "number"), &n);
    *out = n > 0 ? stuck_find(k, (uint64_t)n) : NULL;
    if (!*out) {
        diag_set(d, DIAG_NOT_FOUND, "number %lld is nothing that is stuck now", (long long)n);
        return diag_next(d, "see: keel stuck list");
    }
    return 0;
}

static int is_rollback(const open_item *x, diag *d) {
    if (strcmp(x->stuck, "rollback") != 0) {
        return 0;
    }
    diag_set(d, DIAG_CONFLICT, "item %llu is a rollback of run %llu that stopped",
             (unsigned long long)x->number, (unsigned long long)x->run);
    return diag_next(d, "go on with it: keel rollback %llu", (unsigned long long)x->run);
}

int command_stuck_retry(kernel *k, command *c, diag *d) {
    open_item *x;
    char why[512] = "tried again by the operator";
    int rc = find_stuck(k, c, &x, d);
    rc = rc ? rc : is_rollback(x, d);
    if (rc) {
        return rc;
    }
    body_text(c->args, "why", why, sizeof why);
    run *r = map_get(&k->runs, x->run);
    if (r && r->state == RUN_PAUSED) {
        keel_buf_printf(&c->result, "{\"run\":%llu}", (unsigned long long)r->id);
        run_resume(k, r);
        return 0;
    }
    if (r) {
        diag_set(d, DIAG_CONFLICT, "run %llu is at work already", (unsigned long long)r->id);
        return diag_next(d, "see how it goes: keel run show %llu", (unsigned long long)r->id);
    }
    keel_json_writer w;
    keel_json_write(&w, &c->result);
    return run_reopen(k, x, why, &w, d);
}

/* A person says that nothing is left to do here. */
static int settle(kernel *k, command *c, const char *how, keel_json result, diag *d) {
    open_item *x;
    char why[512] = "";
    int rc = find_stuck(k, c, &x, d);
    if (rc) {
        return rc;
    }
    keel_json_copy(keel_json_get(c->args, "why"), why, sizeof why);
    if (!why[0]) {
        diag_set(d, DIAG_USAGE, "it takes a reason, for the record");
        return diag_next(d, "say it with --why");
    }
    const run *r = map_get(&k->runs, x->run);
    if (r && r->state == RUN_PAUSED) {
        diag_set(d, DIAG_CONFLICT, "run %llu is paused, and would stay so without being seen",
                 (unsigned long long)r->id);
        return diag_next(d, "end it: keel run cancel %llu; or let it go on: keel run resume %llu",
                         (unsigned long long)r->id, (unsigned long long)r->id);
    }
    uint64_t rolled_back = strcmp(x->stuck, "rollback") ? 0 : x->run;
    stuck_close(k, x, "operator", how, why, result);
    rollback_closed(k, rolled_back, how);
    return 0;
}

int command_stuck_resolve(kernel *k, command *c, diag *d) {
    return settle(k, c, "resolve", keel_json_get(c->args, "result"), d);
}

int command_stuck_drop(kernel *k, command *c, diag *d) {
    return settle(k, c, "drop", (keel_json){0}, d);
}

/* ---- unknown outcomes: by their number, or by run and path while Keel itself looks ---- */

static call *effect_at(kernel *k, uint64_t run_id, const char *path) {
    run *r = map_get(&k->runs, run_id);
    r = r ? r : run_find_over(k, run_id);
    call *c = r ? r->calls : NULL;
    while (c && strcmp(c->path, path) != 0) {
        c = c->next;
    }
    return c;
}

int command_unknown_check(kernel *k, command *c, diag *d) {
    int64_t n = 0, id = 0;
    char path[PATH_LIMIT] = "";
    keel_json_int(keel_json_get(c->args, "number"), &n);
    keel_json_int(keel_json_get(c->args, "run"), &id);
    body_text(c->args, "path", path, sizeof path);
    call *e = n > 0 ? map_get(&k->items, (uint64_t)n) : effect_at(k, (uint64_t)id, path);
    if (!e || (e->state != EFFECT_UNKNOWN && e->state != EFFECT_RECONCILING)) {
        diag_set(d, DIAG_NOT_FOUND, "there is no unknown outcome of that number or place");
        return diag_next(d, "see: keel unknown list");
    }
    if (k->halted) {
        diag_set(d, DIAG_CONFLICT, "the workspace is halted, and nothing is looked at");
        return diag_next(d, "lift the halt with: keel resume");
    }
    if (e->state == EFFECT_RECONCILING && e->queued && breaker_rests(e->connection)) {
        diag_set(d, DIAG_CONFLICT, "Keel looks as soon as it may: its connection rests");
        return diag_next(d, "sooner: keel connection retry %s", e->connection->name);
    }
    if (e->state == EFFECT_RECONCILING) {
        diag_set(d, DIAG_CONFLICT, "Keel is looking at this moment");
        return diag_next(d, "wait for what it finds: keel unknown list");
    }
    return effect_check(k, e, d);
}
