/* Acts that only an agent in C has: wrong arguments, wrong statuses, misdeeds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"

/* The calls of tests/unit/lua/calls.lua. */
static keel_status act_calls(const agent *a, keel_call *call, const keel_run_request *r) {
    int64_t now = 0;
    uint64_t bits[4];
    char *text = scratch(a, call, 200);
    const keel_effect *e = a->e;
    (void)r;
    keel_status s = e->now(e->ctx, call, &now);
    for (int i = 0; i < 4 && s == KEEL_OK; i++) {
        s = e->random(e->ctx, call, &bits[i]);
    }
    s = s < 0 ? s : e->sleep(e->ctx, call, INT64_C(259200000000));
    s = s < 0 ? s : e->sleep(e->ctx, call, 1500000);
    if (s < 0) {
        return s;
    }
    snprintf(text, 200, "[%lld,\"%016llx\",\"%016llx\",\"%016llx\"]", (long long)now,
             (unsigned long long)bits[0], (unsigned long long)bits[2], (unsigned long long)bits[3]);
    s = say(a, call, text);
    return s < 0 ? s : e->sleep(e->ctx, call, 0);
}

/* A number that is none, and a sleep that was cut off: the run fails with the kernel's words. */
static keel_status act_odd_answer(const agent *a, keel_call *call, const keel_run_request *r) {
    int64_t now = 0;
    keel_outcome o = {.size = sizeof o};
    keel_status s = a->e->read(a->e->ctx, call, "mail", "message", span("{}"), NULL, &o);
    (void)r;
    if (s == KEEL_OK && (strcmp(o.code.data, "unknown") != 0 || o.why.data || o.ok.data)) {
        return KEEL_E_CONFLICT;
    }
    return s < 0 ? s : a->e->now(a->e->ctx, call, &now);
}

static keel_status act_cut_sleep(const agent *a, keel_call *call, const keel_run_request *r) {
    (void)r;
    return a->e->sleep(a->e->ctx, call, 5);
}

/* ---- arguments ---- */

static char *nested(const agent *a, keel_call *call, int levels) {
    char *text = scratch(a, call, (size_t)levels * 2 + 1);
    memset(text, '[', (size_t)levels);
    memset(text + levels, ']', (size_t)levels);
    return text;
}

static char *large(const agent *a, keel_call *call) {
    size_t size = (4u << 20) + 1;
    char *text = scratch(a, call, size + 1);
    memset(text, 'x', size);
    text[0] = text[size - 1] = '"';
    return text;
}

/* KEEL_E_INVALID: all of these were that. */
static keel_status quarantine_refused(const agent *a, keel_call *call) {
    const keel_spawn *q = a->host->get_service(a->host->ctx, KEEL_SPAWN_SERVICE);
    const keel_span closed = span("{\"urgent\":\"bool\"}");
    const keel_spawn_options none = {.size = sizeof none, .quarantine = 1},
                             loose = {.size = sizeof loose, .returns = closed},
                             two = {.size = sizeof two, .quarantine = 2, .returns = closed},
                             odd = {.size = sizeof odd,
                                    .quarantine = 1,
                                    .returns = span("{urgent}")},
                             cut = {.size = offsetof(keel_spawn_options, returns),
                                    .quarantine = 1,
                                    .returns = closed},
                             key = {.size = sizeof key, .key = large(a, call)};
    const keel_status refused[] = {
        q->spawn(q->ctx, call, NULL, span("{}"), NULL, NULL),
        q->spawn(q->ctx, call, "helper", span("{"), NULL, NULL),
        q->spawn(q->ctx, call, "helper", span("{}"), &none, NULL),
        q->spawn(q->ctx, call, "helper", span("{}"), &loose, NULL),
        q->spawn(q->ctx, call, "helper", span("{}"), &two, NULL),
        q->spawn(q->ctx, call, "helper", span("{}"), &odd, NULL),
        q->spawn(q->ctx, call, "helper", span("{}"), &cut, NULL),
        q->spawn(q->ctx, call, "helper", span("{}"), &key, NULL),
        q->spawn(q->ctx, NULL, "helper", span("{}"), NULL, NULL),
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (refused[i] != KEEL_E_INVALID) {
            return refused[i];
        }
    }
    return KEEL_E_INVALID;
}

/* None of these uses a path, or is asked: the first that is right has path 1. */
static keel_status act_arguments(const agent *a, keel_call *call, const keel_run_request *r) {
    const keel_effect *e = a->e;
    char name[202];
    keel_span v, w;
    int64_t now;
    (void)r;
    memset(name, 'n', 201);
    name[201] = '\0';
    const keel_effect_options bad = {.size = sizeof bad, .evidence = span("{")};
    const keel_status refused[] = {
        e->read(e->ctx, call, NULL, "message", span("{}"), NULL, NULL),
        e->read(e->ctx, call, "mail", "", span("{}"), NULL, NULL),
        e->read(e->ctx, call, "mail", "m\xff", span("{}"), NULL, NULL),
        e->read(e->ctx, call, name, "message", span("{}"), NULL, NULL),
        e->read(e->ctx, call, name + 100, "a.long.name.of.a.resource", span("{}"), NULL, NULL),
        e->write(e->ctx, call, "mail", "message", span("{to}"), NULL, NULL),
        e->write(e->ctx, call, "mail", "message", span(nested(a, call, 61)), NULL, NULL),
        e->write(e->ctx, call, "mail", "message", span(large(a, call)), NULL, NULL),
        e->write(e->ctx, call, "mail", "message", span("{}"), &bad, NULL),
        e->spawn(e->ctx, call, NULL, span("{}"), NULL, NULL),
        e->spawn(e->ctx, call, "helper", span("{\"a\":1,\"a\":2}"), NULL, NULL),
        e->spawn(e->ctx, call, "helper", span("{}"), large(a, call), NULL),
        quarantine_refused(a, call),
        e->wait(e->ctx, call, 0, NULL),
        e->receive(e->ctx, call, name, -1, &v, &w),
        e->receive(e->ctx, call, NULL, INT64_MAX, &v, &w),
        e->sleep(e->ctx, call, -1),
        e->sleep(e->ctx, call, INT64_MAX),
        e->step(e->ctx, call, NULL, &v),
        e->step_done(e->ctx, call, span("1"), &v),
        e->log(e->ctx, call, 4, "x"),
        e->log(e->ctx, call, -1, "x"),
        e->log(e->ctx, call, KEEL_LOG_INFO, NULL),
        e->continue_with(e->ctx, call, span("{")),
        e->now(e->ctx, NULL, &now),
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (refused[i] != KEEL_E_INVALID) {
            snprintf(name, sizeof name, "%zu was %d", i, refused[i]);
            return a->host->fail(a->host->ctx, call, KEEL_E_CONFLICT, name);
        }
    }
    keel_status s = e->now(e->ctx, call, &now);
    return s < 0 ? s : e->read(e->ctx, call, "mail", "message", span("{to}"), NULL, NULL);
}

/* ---- steps ---- */

static keel_status act_in_step(const agent *a, keel_call *call, const keel_run_request *r) {
    const keel_effect *e = a->e;
    keel_span v;
    int64_t now;
    (void)r;
    keel_status s = e->step(e->ctx, call, "one", &v);
    if (s == KEEL_OK && !v.data) {
        if (e->now(e->ctx, call, &now) != KEEL_E_INVALID ||
            e->step(e->ctx, call, "two", &v) != KEEL_E_INVALID ||
            e->step_done(e->ctx, call, span("{"), &v) != KEEL_E_INVALID) {
            return KEEL_E_CONFLICT;
        }
        s = e->step_done(e->ctx, call, span(" 7 "), NULL);
    }
    s = s < 0 ? s : e->step(e->ctx, call, "two", &v);
    return s < 0 || v.data ? s : e->now(e->ctx, call, &now);
}

/* ---- how it returns ---- */

static keel_status act_replies(const agent *a, keel_call *call, const keel_run_request *r) {
    (void)r;
    a->e->continue_with(a->e->ctx, call, span("1"));
    say(a, call, "{oops}");
    return say(a, call, " { \"b\": 1, \"a\": 2 } ");
}

static keel_status act_bad_reply(const agent *a, keel_call *call, const keel_run_request *r) {
    (void)r;
    say(a, call, "{oops}");
    return KEEL_OK;
}

static keel_status act_deep_reply(const agent *a, keel_call *call, const keel_run_request *r) {
    (void)r;
    return say(a, call, nested(a, call, 61));
}

static keel_status act_fails(const agent *a, keel_call *call, const keel_run_request *r) {
    (void)r;
    return a->host->fail(a->host->ctx, call, KEEL_E_NOT_FOUND, "no client\x01 of that name");
}

static keel_status act_fails_silently(const agent *a, keel_call *call, const keel_run_request *r) {
    (void)a;
    (void)call;
    (void)r;
    return -77;
}

static keel_status act_suspended(const agent *a, keel_call *call, const keel_run_request *r) {
    (void)r;
    say(a, call, "1");
    return KEEL_SUSPENDED;
}

/* Does not look at what calls return. */
static keel_status act_careless(const agent *a, keel_call *call, const keel_run_request *r) {
    int64_t now = 0;
    char text[40];
    (void)r;
    a->e->now(a->e->ctx, call, &now);
    snprintf(text, sizeof text, "%d", (int)now);
    return say(a, call, text);
}

/* Takes another way each time it is entered, as one does that keeps state. */
static keel_status act_fickle(const agent *a, keel_call *call, const keel_run_request *r) {
    int64_t now = 0;
    (void)r;
    keel_status s = a->entries == 1 ? a->e->now(a->e->ctx, call, &now)
                                    : a->e->sleep(a->e->ctx, call, a->entries);
    return s;
}

/* ---- several runs ---- */

/* {"calls":N,"wait":bool} */
static keel_status act_many(const agent *a, keel_call *call, const keel_run_request *r) {
    int64_t calls = 0, us = 0, sum = 0;
    char text[40];
    keel_span name, body;
    keel_json input = view(r->input);
    keel_json_int(keel_json_get(input, "calls"), &calls);
    for (int64_t i = 0; i < calls; i++) {
        keel_status s = a->e->now(a->e->ctx, call, &us);
        if (s < 0) {
            return s;
        }
        sum += us;
    }
    if (keel_json_true(keel_json_get(input, "wait"))) {
        keel_status s = a->e->receive(a->e->ctx, call, "go", -1, &name, &body);
        if (s < 0) {
            return s;
        }
    }
    snprintf(text, sizeof text, "%lld", (long long)sum);
    return say(a, call, text);
}

/* ---- misdeeds ---- */

static volatile int *volatile nowhere;

static keel_status act_crash(const agent *a, keel_call *call, const keel_run_request *r) {
    int64_t us = 0;
    (void)r;
    keel_status s = a->e->now(a->e->ctx, call, &us);
    if (s == KEEL_OK) {
        *nowhere = 1;
    }
    return s;
}

static keel_status act_hang(const agent *a, keel_call *call, const keel_run_request *r) {
    (void)a;
    (void)call;
    (void)r;
    for (volatile int i = 0;; i++) {
    }
    return KEEL_OK;
}

static keel_status act_services(const agent *a, keel_call *call, const keel_run_request *r) {
    static const char *const none[] = {"keel.fs/1",   "keel.http/1",  "keel.stream/1",
                                       "keel.kv/1",   "keel.clock/1", "keel.effect/2",
                                       "keel.spawn/2"};
    const keel_host *h = a->host;
    bool closed = !h->get_service(h->ctx, NULL) && h->get_service(h->ctx, KEEL_SPAWN_SERVICE);
    (void)r;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        closed = closed && !h->get_service(h->ctx, none[i]);
    }
    return say(a, call, closed && h->abi_minor == 2 ? "true" : "false");
}

const agent_act agent_own_acts[] = {
    {"arguments", act_arguments},
    {"bad_reply", act_bad_reply},
    {"calls", act_calls},
    {"careless", act_careless},
    {"crash", act_crash},
    {"cut_sleep", act_cut_sleep},
    {"deep_reply", act_deep_reply},
    {"fails", act_fails},
    {"fails_silently", act_fails_silently},
    {"fickle", act_fickle},
    {"hang", act_hang},
    {"in_step", act_in_step},
    {"many", act_many},
    {"odd_answer", act_odd_answer},
    {"program", agent_program},
    {"replies", act_replies},
    {"services", act_services},
    {"suspended", act_suspended},
    {NULL, NULL},
};
