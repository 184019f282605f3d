/* Open calls: what a run waits for, and how it is woken. Sleep, receive and wait are here; effects
 * have files of their own. */
#include <stdlib.h>
#include <string.h>

#include "asking.h"
#include "breaker.h"
#include "polls.h"
#include "short.h"
#include "sums.h"
#include "waits.h"

call *call_new(run *r, call_kind kind, const char *path, const char *call_digest_hex) {
    call *c = keel_alloc(sizeof *c);
    *c = (call){.run = r, .kind = kind};
    snprintf(c->path, sizeof c->path, "%s", path);
    snprintf(c->call_digest, sizeof c->call_digest, "%s", call_digest_hex);
    c->next = r->calls;
    r->calls = c;
    return c;
}

void call_free(kernel *k, call *c) {
    run *r = c->run;
    call **at = &r->calls;
    while (*at != c) {
        at = &(*at)->next;
    }
    *at = c->next;
    timer_clear(&k->timers, &c->timer);
    breaker_unsent(k, c);
    waits_leave(k, c);
    order_forget(k, c);
    if (c->number) {
        item_close(k, c);
    }
    short_forget(k, c);
    budget_holds_drop(c->holds, c->hold_count);
    sums_over(k, c);
    free(c->name);
    free(c->holds);
    free(c->beyond);
    free(c->shapes);
    keel_buf_free(&c->request);
    keel_buf_free(&c->edited);
    free(c->tier);
    free(c);
    if (!r->tree && !r->calls) {
        run_over(k, r);
    }
}

static int on_call_digest(void *ctx, const journal_row *row) {
    call *c = ctx;
    body_text(row->body, "call", c->call_digest, sizeof c->call_digest);
    return 0;
}

const char *call_hash(kernel *k, call *c) {
    if (!c->call_digest[0] && c->seq) {
        reader_record(k->env.reads, c->seq, on_call_digest, c, NULL);
    }
    return c->call_digest;
}

budget_hold *call_holds(call *c) {
    if (!c->holds) {
        c->holds = keel_alloc(BUDGET_HOLDS * sizeof *c->holds);
    }
    return c->holds;
}

void call_answer(kernel *k, call *c, const char *outcome, size_t len) {
    run *r = c->run;
    if (!r->tree || !r->live) {
        run_wake(k, r);
        return; /* it ended, or will be replayed */
    }
    keel_buf out = KEEL_BUF_INIT;
    frame_put(&out, c->path, strlen(c->path));
    keel_buf_append(&out, outcome, len);
    turn_send(k, r->worker->id, X_ANSWER, r->id, 0, out.data, out.len);
    keel_buf_free(&out);
}

void call_due(kernel *k, call *c, int64_t due_wall_us) {
    int64_t wait = due_wall_us - kernel_now(k);
    int64_t boot = k->env.boot_us(k->env.ctx) + (wait > 0 ? wait : 0);
    bool effect = c->kind == CALL_EFFECT || c->kind == CALL_SPAWN;
    timer_set(&k->timers, &c->timer, boot, effect ? effect_timer : call_elapsed, c);
}

const char *call_kind_name(const call *c) {
    static const char *const names[] = {"sleep", "receive", "wait", "effect", "spawn", "ask"};
    return names[c->kind];
}

void call_woken(kernel *k, call *c, const woken_by *by, keel_json outcome, item_label of) {
    keel_json_writer w;
    label_told read = run_reads(c->run, of);
    const char *hash = call_hash(k, c);
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    if (by && by->who) {
        keel_json_set_text(&w, "by", by->who);
    }
    keel_json_set_text(&w, "call", hash);
    if (by && by->decision.len) {
        keel_json_set_raw(&w, "decision", by->decision);
    }
    if (by && by->endorsed) {
        keel_json_set_text(&w, "endorsed", by->endorsed);
    }
    if (by && by->event) {
        keel_json_set_int(&w, "event", by->event);
    }
    if (by && by->from) {
        keel_json_set_text(&w, "from", by->from);
        keel_json_set_int(&w, "item", by->item);
    }
    if (by && by->how) {
        keel_json_set_text(&w, "how", by->how);
    }
    keel_json_set_text(&w, "kind", call_kind_name(c));
    if (by && by->number) {
        keel_json_set_int(&w, "number", by->number);
    }
    keel_json_set_raw(&w, "outcome", outcome);
    label_put_level(&read, &w);
    label_put_taint(&read, &w);
    if (by && by->why && by->why[0]) {
        keel_json_set_text(&w, "why", by->why);
    }
    keel_json_object_end(&w);
    journal_run(k, RECORD_WOKEN, c->run, c->path, &k->scratch);
    call_answer(k, c, outcome.data, outcome.len);
    call_free(k, c);
}

void call_refused(kernel *k, call *c, const char *code, const char *why) {
    keel_buf out = KEEL_BUF_INIT;
    outcome_error(&out, code, NULL, why);
    call_woken(k, c, NULL, keel_json_view(out.data, out.len), LABEL_NONE);
    keel_buf_free(&out);
}

/* ---- sleep ---- */

static void open_body(kernel *k, const call *c, keel_json decision, int64_t run_id, int64_t until) {
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_text(&w, "call", c->call_digest);
    if (decision.len) {
        keel_json_set_raw(&w, "decision", decision);
    }
    if (c->name) {
        keel_json_set_text(&w, "name", c->name);
    }
    if (c->kind == CALL_WAIT) {
        keel_json_set_int(&w, "run", run_id);
    }
    if (until) {
        keel_json_set_int(&w, "until_us", until);
    }
    keel_json_object_end(&w);
}

void call_sleep(kernel *k, run *r, const char *path, const char *hash, keel_json args) {
    int64_t us = 0;
    call *c = call_new(r, CALL_SLEEP, path, hash);
    bool good = keel_json_int(keel_json_get(args, "us"), &us) && us >= 0 && us < INT64_MAX / 4;
    int64_t until = kernel_now(k) + (good ? us : 0);
    open_body(k, c, (keel_json){0}, 0, until);
    journal_run(k, RECORD_SLEEP, r, path, &k->scratch);
    if (!good) {
        call_refused(k, c, "invalid", "sleep takes a time from now on");
        return;
    }
    call_due(k, c, until);
}

void call_elapsed(kernel *k, timer *t) {
    call *c = t->owner;
    if (c->kind == CALL_ASK) {
        question_expired(k, c);
        return;
    }
    static const char nothing[] = "{\"ok\":null}";
    call_woken(k, c, NULL, keel_json_view(nothing, sizeof nothing - 1), LABEL_NONE);
}

/* ---- receive ---- */

static void give_event(kernel *k, call *c, const event *e) {
    keel_buf out = KEEL_BUF_INIT;
    keel_buf_puts(&out, "{\"ok\":");
    keel_json_writer w;
    keel_json_write(&w, &out);
    keel_json_object(&w);
    keel_json_set_raw(&w, "body", keel_json_view(e->body.data, e->body.len));
    keel_json_set_text(&w, "name", e->name);
    keel_json_object_end(&w);
    keel_buf_putc(&out, '}');
    call_woken(k, c, &(woken_by){.event = e->seq}, keel_json_view(out.data, out.len), e->label);
    keel_buf_free(&out);
}

/* It was sent already. */
static bool receive_sent(kernel *k, call *c) {
    for (event **at = &c->run->events; *at; at = &(*at)->next) {
        event *e = *at;
        if (!c->name || !strcmp(c->name, e->name)) {
            *at = e->next;
            give_event(k, c, e);
            event_free(e);
            return true;
        }
    }
    return false;
}

void call_receive(kernel *k, run *r, const char *path, const char *hash, keel_json args) {
    call *c = call_new(r, CALL_RECEIVE, path, hash);
    keel_buf name = KEEL_BUF_INIT, decision = KEEL_BUF_INIT, refused = KEEL_BUF_INIT;
    int64_t timeout = 0;
    if (keel_json_string(keel_json_get(args, "name"), &name)) {
        c->name = keel_memdup(name.data, name.len);
    }
    keel_json_int(keel_json_get(args, "timeout_us"), &timeout);
    int64_t until = timeout > 0 && timeout < INT64_MAX / 4 ? kernel_now(k) + timeout : 0;
    bool polled = poll_asked(k, c, &decision, &refused);
    c->decided = poll_digest(keel_json_view(decision.data, decision.len));
    open_body(k, c, keel_json_view(decision.data, decision.len), 0, until);
    journal_run(k, RECORD_RECEIVE, r, path, &k->scratch);
    bool over = receive_sent(k, c);
    if (!over && refused.len) {
        call_woken(k, c, NULL, keel_json_view(refused.data, refused.len), LABEL_NONE);
    } else if (!over && !(polled && poll_give(k, c)) && until) {
        call_due(k, c, until);
    }
    keel_buf_free(&refused);
    keel_buf_free(&decision);
    keel_buf_free(&name);
}

void event_arrived(kernel *k, run *r, event *e) {
    call *oldest = NULL; /* the list is newest first */
    for (call *c = r->calls; c; c = c->next) {
        if (c->kind == CALL_RECEIVE && (!c->name || !strcmp(c->name, e->name))) {
            oldest = c;
        }
    }
    if (oldest) {
        give_event(k, oldest, e);
        event_free(e);
        return;
    }
    event **at = &r->events;
    while (*at) {
        at = &(*at)->next;
    }
    *at = e;
}

/* ---- wait ---- */

static void wait_over(kernel *k, call *c, const ending *end) {
    woken_by by = {0};
    char what[64], why[400];
    item_label of = ending_label(k, c->run, end, &by.endorsed);
    if (plugin_takes(c->run->plugin, of)) {
        call_woken(k, c, &by, keel_json_view(end->outcome.data, end->outcome.len), of);
        return;
    }
    snprintf(what, sizeof what, "what run %llu ended with", (unsigned long long)c->target_run);
    plugin_refuses(c->run->plugin, what, of, why, sizeof why);
    call_refused(k, c, "denied", why);
}

void call_wait(kernel *k, run *r, const char *path, const char *hash, keel_json args) {
    int64_t id = 0;
    call *c = call_new(r, CALL_WAIT, path, hash);
    keel_json_int(keel_json_get(args, "run"), &id);
    c->target_run = (uint64_t)id;
    open_body(k, c, (keel_json){0}, id, 0);
    journal_run(k, RECORD_WAIT, r, path, &k->scratch);
    ending end = {0};
    run *target = id > 0 ? run_of_chain(k, &c->target_run, &end) : NULL;
    uint64_t last = c->target_run;
    if (target == r) {
        call_refused(k, c, "invalid", "a run cannot wait for itself");
    } else if (target) {
        wait_on(c, target);
    } else if (end.outcome.len) {
        wait_over(k, c, &end);
        stuck_received(k, last, r);
    } else {
        call_refused(k, c, "not_found", "there is no run of that number");
    }
    ending_free(&end);
}

void wait_on(call *c, run *target) {
    c->target_run = target->id;
    target->waiters = keel_realloc(target->waiters, (target->waiter_count + 1) * sizeof(uint64_t));
    target->waiters[target->waiter_count++] = c->run->id;
}

static void move_waiter(kernel *k, run *waiter, uint64_t from, uint64_t to) {
    call *next;
    ending end = {0};
    run *target = run_of_chain(k, &to, &end); /* it may be over already */
    for (call *c = waiter->calls; c; c = next) {
        next = c->next;
        if (c->kind == CALL_WAIT && c->target_run == from && target) {
            wait_on(c, target);
        } else if (c->kind == CALL_WAIT && c->target_run == from) {
            wait_over(k, c, &end);
            stuck_received(k, to, waiter);
        }
    }
    ending_free(&end);
}

void wait_move(kernel *k, run *from, uint64_t to) {
    for (size_t i = 0; i < from->waiter_count; i++) {
        run *waiter = map_get(&k->runs, from->waiters[i]);
        if (waiter) {
            move_waiter(k, waiter, from->id, to);
        }
    }
}

bool wait_wake(kernel *k, run *waiter, uint64_t target, const ending *end) {
    call *next;
    bool any = false;
    for (call *c = waiter->calls; c; c = next) {
        next = c->next;
        if (c->kind == CALL_WAIT && c->target_run == target) {
            wait_over(k, c, end);
            any = true;
        }
    }
    return any;
}
