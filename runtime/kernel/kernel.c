/* The kernel as a whole: made, told what comes in, stopped. */
#include <stdlib.h>
#include <string.h>

#include "denials.h"
#include "grants.h"
#include "notices.h"
#include "override.h"
#include "polls.h"
#include "rollback.h"
#include "sums.h"
#include "waits.h"

static void open_turns(kernel *k) {
    for (int i = 0; i < 2; i++) {
        k->turns[i].records = turn_create();
        k->turns[i].id = (uint64_t)i + 1;
    }
    k->turn = &k->turns[0];
    k->turn_id = 2;
}

static void journal_start(kernel *k, const kernel_options *o) {
    k->scratch.len = 0;
    keel_buf_append(&k->scratch, o->boot_body.data, o->boot_body.len);
    journal_add(k, RECORD_BOOT, 0, "", &k->scratch);
    if (k->identity.rollback_from) {
        k->scratch.len = 0;
        keel_json_writer w;
        keel_json_write(&w, &k->scratch);
        keel_json_object(&w);
        keel_json_set_int(&w, "anchor_seq", k->identity.rollback_from);
        keel_json_set_text(&w, "incarnation", k->identity.incarnation);
        keel_json_set_int(&w, "seq", k->identity.next_seq - 1);
        keel_json_set_int(&w, "shared", k->identity.shared_seq);
        keel_json_object_end(&w);
        journal_add(k, RECORD_ROLLBACK, 0, "", &k->scratch);
    }
    if (o->approver.len && !k->approver_count) {
        approver_set(k, o->approver, true, NULL);
    }
}

int kernel_create(kernel **out, const kernel_env *env, const kernel_options *o, diag *d) {
    kernel *k = keel_alloc(sizeof *k);
    *k = (kernel){.env = *env,
                  .identity = *o->identity,
                  .load_world = o->load_world,
                  .load_ctx = o->load_ctx,
                  .credentials = o->credentials,
                  .next_seq = o->identity->next_seq,
                  .durable_seq = o->identity->next_seq - 1,
                  .next_run = 1,
                  .next_number = 1,
                  .next_batch = 1};
    open_turns(k);
    k->budgets = budgets_create();
    k->attrs = attr_set_create();
    keel_buf_reserve(&k->scratch, 1024);
    int rc = recover(k, d);
    if (rc) {
        kernel_destroy(k);
        return rc;
    }
    k->clock_behind = env->wall_us(env->ctx) < k->at;
    clock_expect(k, o->expected_us);
    journal_start(k, o);
    kernel_world w = o->world;
    world_take(k, &w);
    rc = recover_runs(k, d);
    if (rc) {
        kernel_destroy(k);
        return rc;
    }
    poll_give_all(k);
    *out = k;
    return 0;
}

static void runs_free(kernel *k) {
    size_t at = 0;
    run *r;
    while (k->over) {
        call_free(k, k->over->calls); /* with the last one goes the run */
    }
    while ((r = map_next(&k->runs, &at, NULL)) != NULL) {
        while (r->calls && r->calls->next) {
            call_free(k, r->calls);
        }
        if (r->calls) {
            call_free(k, r->calls);
        }
        run_free(r);
    }
    map_free(&k->runs);
    map_free(&k->standing);
}

void kernel_destroy(kernel *k) {
    if (!k) {
        return;
    }
    while (k->followers) {
        follow_drop(k, k->followers->client);
    }
    polls_free(k);
    waits_free(k);
    runs_free(k);
    workers_free(k);
    rollbacks_free(k);
    size_t at = 0;
    tree *t;
    while ((t = map_next(&k->trees, &at, NULL)) != NULL) {
        free(t);
    }
    map_free(&k->trees);
    map_free(&k->executors);
    map_free(&k->items);
    map_free(&k->short_of);
    timer_clear(&k->timers, &k->short_timer);
    watches_free(k);
    notices_free(k);
    overrides_free(k);
    map_free(&k->orders);
    timer_clear(&k->timers, &k->egress.timer);
    timer_clear(&k->timers, &k->sweep);
    recent_free(k);
    sums_free(k);
    grants_free(k);
    denials_free(k);
    world_free(k);
    budgets_destroy(k->budgets);
    attr_set_destroy(k->attrs);
    for (int i = 0; i < 2; i++) {
        turn_destroy(k->turns[i].records);
        free(k->turns[i].messages);
        free(k->turns[i].roots);
        keel_buf_free(&k->turns[i].bytes);
    }
    timers_free(&k->timers);
    free(k->approvers);
    keel_buf_free(&k->scratch);
    keel_buf_free(&k->attended);
    free(k);
}

void kernel_client_gone(kernel *k, uint64_t client) {
    follow_drop(k, client);
}

void kernel_tick(kernel *k) {
    timer *t;
    int64_t now = k->env.boot_us(k->env.ctx);
    while ((t = timers_due(&k->timers, now)) != NULL) {
        if (!k->stopping || worker_deadline(t) || egress_silence(t)) {
            t->fire(k, t);
        }
    }
}

int64_t kernel_next_timer(const kernel *k) {
    return timers_next(&k->timers);
}

/* ---- the end ---- */

void kernel_stop(kernel *k) {
    if (k->stopping) {
        return;
    }
    k->stopping = true;
    kernel_log(k, "info", 0, "stopping; what is open goes on at the next start");
    for (worker *w = k->workers; w; w = w->next) {
        worker_stop(k, w);
    }
}

/* Dispatches under way are waited for, each up to its own deadline; then the last record. */
bool kernel_stopped(kernel *k) {
    if (!k->stopping) {
        return false;
    }
    if (!k->stop_written) {
        for (const worker *w = k->workers; w; w = w->next) {
            if (w->current) {
                return false;
            }
        }
        if (k->orders.count) {
            return false;
        }
        effect_park(k, NULL, "Keel was stopped before it was sent");
        k->scratch.len = 0;
        keel_buf_puts(&k->scratch, "{}");
        journal_add(k, RECORD_STOP, 0, "", &k->scratch);
        k->stop_written = true;
        kernel_turn(k);
    }
    return kernel_idle(k);
}

bool kernel_idle(const kernel *k) {
    return !k->committing && !k->turn->news && !k->turn->count;
}
