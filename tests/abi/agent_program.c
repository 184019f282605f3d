/* The act "program": does what its input lists, {"ops":["now","step",...]}, and replies what came of
 * each. tests/unit/lua/with/program.lua does the same in Lua. */
#include <stdio.h>
#include <string.h>

#include "agent.h"

typedef struct op {
    const agent *a;
    keel_call *call;
    int number;
    keel_buf *out; /* the list of results */
} op;

static void put(op *o, keel_span value) {
    keel_buf_puts(o->out, o->out->len > 1 ? "," : "");
    keel_buf_append(o->out, value.data, value.len);
}

static keel_status put_outcome(op *o, keel_status s, const keel_outcome *outcome) {
    if (s == KEEL_OK && outcome->ok.data) {
        put(o, outcome->ok);
    } else if (s == KEEL_OK) {
        keel_buf_printf(o->out, "%s\"%s\"", o->out->len > 1 ? "," : "", outcome->code.data);
    }
    return s;
}

static keel_status op_now(op *o) {
    int64_t us;
    char text[40];
    keel_status s = o->a->e->now(o->a->e->ctx, o->call, &us);
    if (s == KEEL_OK) {
        snprintf(text, sizeof text, "%lld", (long long)us);
        put(o, span(text));
    }
    return s;
}

static keel_status op_random(op *o) {
    uint64_t bits;
    keel_status s = o->a->e->random(o->a->e->ctx, o->call, &bits);
    if (s == KEEL_OK) {
        put(o, span(bits >> 63 ? "true" : "false"));
    }
    return s;
}

static keel_status op_sleep(op *o) {
    keel_status s = o->a->e->sleep(o->a->e->ctx, o->call, o->number * INT64_C(1000000));
    if (s == KEEL_OK) {
        put(o, span("true"));
    }
    return s;
}

static keel_status op_receive(op *o) {
    keel_span name, body;
    keel_status s = o->a->e->receive(o->a->e->ctx, o->call, "tick", 5000000, &name, &body);
    if (s == KEEL_OK) {
        put(o, name.data ? body : span("\"timeout\""));
    }
    return s;
}

static keel_status op_ask(op *o) {
    const keel_ask *a = o->a->host->get_service(o->a->host->ctx, KEEL_ASK_SERVICE);
    char text[60];
    keel_outcome out = {.size = sizeof out};
    keel_question q = {.size = sizeof q,
                       .text = text,
                       .choices = span("[\"Acme\", \"Zenith\"]"),
                       .expires_us = INT64_C(3600000000),
                       .fallback = span("\"Acme\""),
                       .why = "both have it",
                       .evidence = span("[1, 2]")};
    snprintf(text, sizeof text, "Which,\n%d?", o->number);
    keel_status s = a->ask(a->ctx, o->call, &q, &out);
    return put_outcome(o, s, &out);
}

static keel_status op_effect(op *o, bool write) {
    const keel_effect *e = o->a->e;
    char text[60];
    keel_outcome out = {.size = sizeof out};
    keel_effect_options options = {
        .size = sizeof options, .why = "it is listed", .evidence = span("[1, 2]")};
    snprintf(text, sizeof text, "{\"to\":\"x\",\"n\":%d}", o->number);
    keel_status s = write ? e->write(e->ctx, o->call, "box", "note", span(text), &options, &out)
                          : e->read(e->ctx, o->call, "box", "note", span(""), NULL, &out);
    return put_outcome(o, s, &out);
}

static keel_status op_read(op *o) {
    return op_effect(o, false);
}

static keel_status op_write(op *o) {
    return op_effect(o, true);
}

static keel_status op_spawn(op *o) {
    keel_outcome out = {.size = sizeof out};
    char key[20];
    snprintf(key, sizeof key, "k%d", o->number);
    keel_status s = o->a->e->spawn(o->a->e->ctx, o->call, "helper", span("[]"), key, &out);
    return put_outcome(o, s, &out);
}

static keel_status op_seal(op *o) {
    const keel_spawn *s = o->a->host->get_service(o->a->host->ctx, KEEL_SPAWN_SERVICE);
    keel_outcome out = {.size = sizeof out};
    char key[20], input[40], returns[80];
    snprintf(key, sizeof key, "q%d", o->number);
    snprintf(input, sizeof input, "{\"n\": %d}", o->number);
    snprintf(returns, sizeof returns, "{\"ok\": \"bool\", \"n\": {\"number\": [0, %d]}}",
             o->number);
    keel_spawn_options options = {.size = sizeof options,
                                  .quarantine = 1,
                                  .key = o->number % 2 ? NULL : key,
                                  .returns = span(returns)};
    return put_outcome(o, s->spawn(s->ctx, o->call, "helper", span(input), &options, &out), &out);
}

static keel_status op_wait(op *o) {
    keel_outcome out = {.size = sizeof out};
    keel_status s = o->a->e->wait(o->a->e->ctx, o->call, (uint64_t)o->number, &out);
    return put_outcome(o, s, &out);
}

static keel_status op_step(op *o) {
    const keel_effect *e = o->a->e;
    char text[60];
    keel_span v;
    keel_status s = e->step(e->ctx, o->call, "made", &v);
    if (s == KEEL_OK && !v.data) {
        snprintf(text, sizeof text, "{\"n\":%d, \"half\":%d.5}", o->number, o->number);
        s = e->step_done(e->ctx, o->call, span(text), &v);
    }
    if (s == KEEL_OK) {
        put(o, v);
    }
    return s;
}

static keel_status op_log(op *o) {
    char text[40];
    snprintf(text, sizeof text, "line %d", o->number);
    keel_status s = o->a->e->log(o->a->e->ctx, o->call, KEEL_LOG_WARN, text);
    if (s == KEEL_OK) {
        put(o, span("\"logged\""));
    }
    return s;
}

static keel_status op_one(op *o, keel_json name) {
    static const struct {
        const char *name;
        keel_status (*f)(op *o);
    } ops[] = {{"ask", op_ask},       {"log", op_log},   {"now", op_now},
               {"random", op_random}, {"read", op_read}, {"receive", op_receive},
               {"sleep", op_sleep},   {"seal", op_seal}, {"spawn", op_spawn},
               {"step", op_step},     {"wait", op_wait}, {"write", op_write}};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (keel_json_is(name, ops[i].name)) {
            return ops[i].f(o);
        }
    }
    return KEEL_E_INVALID;
}

keel_status agent_program(const agent *a, keel_call *call, const keel_run_request *r) {
    keel_buf out = KEEL_BUF_INIT;
    op o = {a, call, 0, &out};
    keel_status s = KEEL_OK;
    keel_buf_putc(&out, '[');
    keel_json ops = keel_json_get(view(r->input), "ops");
    for (keel_json_iter it = keel_json_each(ops); s == KEEL_OK && keel_json_next(&it);) {
        o.number++;
        s = op_one(&o, it.value);
    }
    keel_buf_putc(&out, ']');
    s = s < 0 ? s : a->host->reply(a->host->ctx, call, (keel_span){out.data, out.len});
    keel_buf_free(&out);
    return s;
}
