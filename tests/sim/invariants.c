/* I1 to I12, each a function, over a world that has come to rest; what must hold always is checked by
 * the model at each record (model.c) and where it happens (people.c, weather.c). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* How often what this effect sent was applied, under all keys that it ever had. */
static int applied(const simulation *s, const model_effect *e) {
    return e->key[0] ? wild_applied(&s->wild, e->key) : 0;
}

static bool is_write(const model_effect *e) {
    return e->class != CLASS_READ && e->class != CLASS_LOCAL;
}

static bool was_done(effect_state s) {
    return s == EFFECT_DONE || s == EFFECT_COMPENSATED || s == EFFECT_COMPENSATION_FAILED;
}

static void done_means_applied(simulation *s) {
    for (size_t i = 0; i < s->model->effect_count; i++) {
        const model_effect *e = &s->model->effects[i];
        if (was_done(e->state) && is_write(e) && applied(s, e) < 1 && !restore_tried(s, e)) {
            violate(s, "I1", "%s at %s of run %llu is %s and was never applied", e->target, e->path,
                    (unsigned long long)e->run, effect_state_name(e->state));
        }
    }
}

static void nothing_twice(simulation *s) {
    for (size_t i = 0; i < s->wild.count; i++) {
        const wild_entry *e = &s->wild.entries[i];
        if (plan_target(&s->plan, e->target)->class != CLASS_REPEATABLE && e->applied > 1) {
            violate(s, "I2", "%s under key %.8s was applied %d times", e->target, e->key,
                    e->applied);
        }
    }
}

static void nothing_again(simulation *s) {
    restore_at_rest(s);
}

static void not_done_means_never(simulation *s) {
    for (size_t i = 0; i < s->model->effect_count; i++) {
        const model_effect *e = &s->model->effects[i];
        if (effect_is_over(e->state) && !was_done(e->state) && is_write(e) && applied(s, e) &&
            !restore_unsent(s, e)) {
            violate(s, "I3", "%s at %s of run %llu is %s and was applied", e->target, e->path,
                    (unsigned long long)e->run, effect_state_name(e->state));
        }
    }
}

static void nothing_without_a_record(simulation *s) {
    for (size_t i = 0; i < s->wild.count; i++) {
        size_t at = 0;
        while (at < s->model->effect_count &&
               strcmp(s->model->effects[at].key, s->wild.entries[i].key) != 0) {
            at++;
        }
        if (at == s->model->effect_count && !restore_lost(s, s->wild.entries[i].key)) {
            violate(s, "I4", "the outside has %s under key %.8s, the journal has not",
                    s->wild.entries[i].target, s->wild.entries[i].key);
        }
    }
}

static void consents_are_used_once(simulation *s) {
    for (size_t i = 0; i < s->model->item_count; i++) {
        const model_item *x = &s->model->items[i];
        if (x->consumed > 1 || (x->consumed && !x->given_at)) {
            violate(s, "I5", "approval %llu was used %d times", (unsigned long long)x->number,
                    x->consumed);
        }
    }
}

static void budgets_hold(simulation *s) {
    ledger_at_rest(s->model);
}

static void chain_holds(simulation *s) {
    char anchor[160];
    audit_report report;
    diag d = {0};
    snprintf(anchor, sizeof anchor, "%s/state/anchor", s->w.root);
    if (audit_verify("sim.db", anchor, "sim", &report, NULL, NULL, &d) ||
        audit_rebuild_check("sim.db", "sim", &report, &d)) {
        violate(s, "I7", "%s", d.what);
    }
}

static void no_secret_got_away(simulation *s) {
    static const char secret[] = PLAN_CANARY;
    char hex[2 * sizeof secret];
    hex_encode(hex, secret, sizeof secret - 1);
    if (crash_disk_holds(s->w.disk, secret, sizeof secret - 1) ||
        crash_disk_holds(s->w.disk, hex, strlen(hex))) {
        violate(s, "I8", "the secret is in the database or its log");
    }
}

static void everything_has_an_end(simulation *s) {
    for (size_t i = 0; i < s->model->effect_count; i++) {
        const model_effect *e = &s->model->effects[i];
        if (e->state != EFFECT_NONE && e->state != EFFECT_COMPENSATION_FAILED &&
            !effect_is_over(e->state)) { /* that one stands, and a person has seen to it */
            violate(s, "I9", "%s at %s of run %llu rests as %s", e->target, e->path,
                    (unsigned long long)e->run, effect_state_name(e->state));
        }
    }
}

static int on_effect(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    simulation *s = ctx;
    const model_effect *e = model_effect_at(s->model, (uint64_t)atoll(v[0]), v[1]);
    if (!e || strcmp(effect_state_name(e->state), v[2]) != 0) {
        violate(s, "I9", "the table says that %s of run %s is %s, its records say %s", v[1], v[0],
                v[2], e ? effect_state_name(e->state) : "nothing");
    }
    return 0;
}

static void tables_say_the_same(simulation *s) {
    diag d = {0};
    if (reader_query(store_reader(s->w.store), "SELECT run, path, state FROM effect", NULL, 0,
                     on_effect, s, &d)) {
        violate(s, "I9", "%s", d.what);
    }
}

static void taken_back_once(simulation *s) {
    undoing_at_rest(s->model);
}

static void replays_are_exact(simulation *s) {
    runs_replay(s->model);
}

static void commands_are_kept(simulation *s) {
    for (size_t i = 0; i < s->asked_count; i++) {
        const sim_asked *a = &s->asked[i];
        bool there = false;
        for (size_t r = 0; r < s->model->request_count; r++) {
            there |= !strcmp(s->model->requests[r], a->request);
        }
        if (a->answer.len && !there) {
            violate(s, "I11", "%s %s was acknowledged, and the journal has not got it", a->request,
                    a->name);
        }
    }
}

static void nothing_is_left(simulation *s) {
    int64_t timer = kernel_next_timer(s->w.kernel);
    if (timer != INT64_MAX) {
        violate(s, "I12", "a timer is left at rest, due in %lld s",
                (long long)((timer - s->w.clock) / SECOND));
    }
    for (size_t i = 0; i < SIM_EXECUTORS; i++) {
        if (s->w.orders[i].ref) {
            violate(s, "I12", "order %llu is left at egress",
                    (unsigned long long)s->w.orders[i].ref);
        }
    }
    int64_t open = sim_number(&s->w, "SELECT count(*) FROM run WHERE state IN ('open', 'paused')");
    int64_t calls = sim_number(&s->w, "SELECT count(*) FROM pending");
    int64_t rollbacks = sim_number(&s->w, "SELECT count(*) FROM rollback WHERE state = 'open'");
    if (open || calls) {
        violate(s, "I12", "%lld runs and %lld calls are left at rest", (long long)open,
                (long long)calls);
    }
    if (rollbacks) {
        violate(s, "I9", "%lld rollbacks are left at rest", (long long)rollbacks);
    }
}

typedef void invariant(simulation *s);

static void check(simulation *s, invariant *const *all, size_t count) {
    for (size_t i = 0; i < count && well(s); i++) {
        all[i](s);
    }
}

void invariants_at_rest(simulation *s) {
    static invariant *const all[] = {
        done_means_applied,
        nothing_twice,
        nothing_again,
        not_done_means_never,
        nothing_without_a_record,
        consents_are_used_once,
        everything_has_an_end,
        taken_back_once,
        budgets_hold,
        tables_say_the_same,
        replays_are_exact,
        commands_are_kept,
        nothing_is_left,
    };
    check(s, all, sizeof all / sizeof *all);
}

void invariants_at_end(simulation *s) {
    static invariant *const all[] = {chain_holds, no_secret_got_away};
    check(s, all, sizeof all / sizeof *all);
}
