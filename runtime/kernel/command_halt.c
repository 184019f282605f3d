/* Commands to the whole: halt and resume, reload, and trying a connection again. */
#include <stdlib.h>
#include <string.h>

#include "breaker.h"
#include "command.h"
#include "polls.h"
#include "waits.h"
#include "yamltree.h"

void halt(kernel *k, const char *why, bool by_space) {
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    if (by_space) {
        keel_json_set_text(&w, "by", "space");
    }
    keel_json_set_text(&w, "why", why);
    keel_json_object_end(&w);
    journal_add(k, RECORD_HALT, 0, "", &k->scratch);
    k->halted = true;
    k->halted_by_space = by_space;
    effect_park(k, NULL, "halted before it was sent");
    for (worker *x = k->workers; x; x = x->next) {
        for (run *r = x->runs; r; r = r->worker_next) {
            r->live = false; /* what it has computed and we have not heard is computed again */
        }
        if (!x->connection) {
            worker_stop(k, x); /* no step goes on; resume replays the runs */
        }
    }
    kernel_log(k, "warn", 0, "halted: %s", why[0] ? why : "no reason given");
}

int command_halt(kernel *k, command *c, diag *d) {
    char why[4000] = "";
    keel_json_copy(keel_json_get(c->args, "why"), why, sizeof why);
    if (k->halted && !k->halted_by_space) {
        diag_set(d, DIAG_CONFLICT, "the workspace is halted already");
        return diag_next(d, "lift it with: keel resume");
    }
    halt(k, why, false);
    return 0;
}

/* It would go elsewhere now: a person who was asked is asked anew. */
static bool goes_elsewhere(kernel *k, const call *e) {
    return e->connection && e->connection->gone && connection_find(k, e->connection->name);
}

static size_t decide_run(kernel *k, run *r, bool asked) {
    size_t count = 0;
    call *next;
    for (call *e = r->calls; e; e = next) {
        next = e->next;
        if (e->line) {
            count++; /* in its turn: waits_renew */
        } else if (e->state == EFFECT_WAITING &&
                   (asked || e->reason != WAIT_APPROVAL || goes_elsewhere(k, e))) {
            count++;
            effect_decide(k, e);
        } else if (e->state == EFFECT_RETRY || (e->state == EFFECT_UNKNOWN && e->ours)) {
            call_due(k, e, kernel_now(k));
        }
    }
    return count;
}

/* asked: also what waits for a person, who may not be needed any more, or not be asked. */
static size_t decide_parked(kernel *k, bool asked) {
    size_t count = 0, at = 0;
    run *r;
    waits_renew(k);
    run **all = keel_alloc((k->runs.count + 1) * sizeof *all);
    size_t runs = 0;
    while ((r = map_next(&k->runs, &at, NULL)) != NULL) {
        all[runs++] = r; /* a spawn adds to the map */
    }
    for (size_t i = 0; i < runs; i++) {
        count += decide_run(k, all[i], asked);
    }
    free(all);
    run *next;
    for (r = k->over; r; r = next) {
        next = r->worker_next; /* with its last call it goes */
        decide_run(k, r, asked);
    }
    return count;
}

/* What is in queues, and what connections that rest are asked with. */
static void go_on(kernel *k, bool reloaded) {
    for (connection *cn = k->connections; cn; cn = cn->next) {
        connection_go(k, cn);
        breaker_look(k, cn, reloaded);
    }
    polls_go_on(k, NULL);
}

int command_resume(kernel *k, command *c, diag *d) {
    if (keel_json_true(keel_json_get(c->args, "clock"))) {
        int rc = clock_accept(k, d);
        keel_buf_puts(&c->result, rc ? "" : "{\"waiting\":0}");
        return rc;
    }
    if (!k->halted) {
        diag_set(d, DIAG_CONFLICT, "the workspace is not halted");
        return diag_next(d, "see how it is: keel");
    }
    if (k->space_low) {
        diag_set(d, DIAG_CONFLICT, "the disk is nearly full, and nothing new is begun on it");
        return diag_next(d, "Free some space: a halt for that reason is lifted by itself.");
    }
    k->scratch.len = 0;
    keel_buf_puts(&k->scratch, "{}");
    journal_add(k, RECORD_RESUME, 0, "", &k->scratch);
    k->halted = k->halted_by_space = false;
    kernel_log(k, "info", 0, "resumed");
    keel_buf_printf(&c->result, "{\"waiting\":%zu}", decide_parked(k, true));
    for (worker *w = k->workers; w; w = w->next) {
        if (!w->connection && w->runs) {
            worker_need(k, w);
        }
    }
    go_on(k, false);
    poll_give_all(k);
    return 0;
}

/* With the last file its budgets would go too, and reading, which is allowed without a rule, would
 * have no limit. At a start there is nothing that could be lost. */
static int keeps_a_policy(const kernel *k, const kernel_world *w, diag *d) {
    if (w->policy_file_count || !k->world.policy_file_count) {
        return 0;
    }
    diag_set(d, DIAG_NOT_FOUND, "policies/ has no .yaml file any more: the policy stays as it is");
    return diag_next(d, "Put the files back. To deny all that is no reading, keep one that says "
                        "`version: 1`.");
}

int command_reload(kernel *k, command *c, diag *d) {
    kernel_world w = {0};
    keel_buf warnings = KEEL_BUF_INIT;
    int rc = k->load_world(k->load_ctx, &w, &warnings, d);
    if (rc == 0) {
        rc = keeps_a_policy(k, &w, d);
        if (rc) {
            kernel_world_free(&w);
        }
    }
    if (rc) {
        keel_buf_free(&warnings);
        world_refused(k, d);
        return rc;
    }
    world_take(k, &w);
    decide_parked(k, false);
    go_on(k, true);
    poll_give_all(k);
    keel_json_writer jw;
    keel_json_write(&jw, &c->result);
    keel_json_object(&jw);
    keel_json_set_int(&jw, "connections", (int64_t)k->world.workspace->connection_count);
    keel_json_set_int(&jw, "plugins", (int64_t)library_count(k->world.library));
    keel_json_key(&jw, "policy");
    keel_json_hex(&jw, policy_digest(k->world.policy)->bytes, DIGEST_SIZE);
    keel_json_set_raw(&jw, "warnings", keel_json_view(warnings.data, warnings.len));
    keel_json_object_end(&jw);
    keel_buf_free(&warnings);
    return 0;
}

int command_connection_retry(kernel *k, command *c, diag *d) {
    char name[80] = "";
    body_text(c->args, "connection", name, sizeof name);
    connection *cn = connection_find(k, name);
    if (!cn) {
        diag_set(d, DIAG_NOT_FOUND, "there is no connection %s in this workspace", name);
        return diag_next(d, "see: keel connection list");
    }
    if (!breaker_close(k, cn, "the operator wants it tried again")) {
        diag_set(d, DIAG_CONFLICT, "%s does not rest: whatever there is to send is sent", name);
        return diag_next(d, "see how it is: keel connection list");
    }
    return 0;
}
