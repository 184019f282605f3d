/* An agent that does what its config's "act" says. Most acts are those of tests/unit/lua/ACT.lua,
 * ported line by line; the others are in tests/abi/agents/ACT.txt. Each must make the frames that the
 * script says. */
#include "agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

keel_span span(const char *text) {
    return (keel_span){text, strlen(text)};
}

keel_status say(const agent *a, keel_call *call, const char *text) {
    return a->host->reply(a->host->ctx, call, span(text));
}

char *scratch(const agent *a, keel_call *call, size_t size) {
    return a->host->scratch(a->host->ctx, call, size);
}

keel_json view(keel_span s) {
    return keel_json_view(s.data, s.len);
}

static keel_status step(const agent *a, keel_call *call, const char *name, const char *value,
                        keel_span *v) {
    keel_status s = a->e->step(a->e->ctx, call, name, v);
    return s == KEEL_OK && !v->data ? a->e->step_done(a->e->ctx, call, span(value), v) : s;
}

/* ---- steps and logs ---- */

static keel_status act_step(const agent *a, keel_call *call, const keel_run_request *r) {
    int64_t n = 0;
    keel_span v[3];
    char text[40], *end = scratch(a, call, 200);
    keel_json_int(keel_json_get(view(r->input), "n"), &n);
    snprintf(text, sizeof text, "%d", (int)n * 2);
    keel_status s = step(a, call, "double", text, &v[0]);
    s = s < 0 ? s : step(a, call, "table", "{\"b\":{}, \"a\":[1.0,2.5,\"x\"]}", &v[1]);
    s = s < 0 ? s : step(a, call, "nothing", "", &v[2]);
    if (s < 0) {
        return s;
    }
    keel_json list = keel_json_get(view(v[1]), "a");
    snprintf(end, 200, "{\"a\":%.*s,\"b\":\"2.5 x %zu\",\"c\":%s}", (int)v[0].len, v[0].data,
             keel_json_count(list), v[2].len == 4 ? "true" : "false");
    return say(a, call, end);
}

static keel_status act_log(const agent *a, keel_call *call, const keel_run_request *r) {
    static const struct {
        int32_t level;
        const char *text;
    } lines[] = {{KEEL_LOG_INFO, "plain"},
                 {KEEL_LOG_WARN, "table"},
                 {KEEL_LOG_ERROR, "a \xff\xfe b"},
                 {KEEL_LOG_DEBUG, "nil"}};
    keel_status s = KEEL_OK;
    (void)r;
    for (size_t i = 0; i < 4 && s == KEEL_OK; i++) {
        s = a->e->log(a->e->ctx, call, lines[i].level, lines[i].text);
    }
    return s;
}

static keel_status act_window(const agent *a, keel_call *call, const keel_run_request *r) {
    int64_t sum = 0, v = 0;
    char text[40];
    keel_span got;
    (void)r;
    for (int i = 1; i <= 20; i++) {
        snprintf(text, sizeof text, "%d", i);
        keel_status s = i == 18 ? a->e->log(a->e->ctx, call, KEEL_LOG_INFO, text)
                                : step(a, call, "n", text, &got);
        if (s < 0) {
            return s;
        }
        if (i != 18 && keel_json_int(view(got), &v)) {
            sum += v;
        }
    }
    snprintf(text, sizeof text, "%d", (int)sum + 17);
    return say(a, call, text);
}

static keel_status act_continue(const agent *a, keel_call *call, const keel_run_request *r) {
    keel_span n;
    (void)r;
    keel_status s = step(a, call, "count", "1", &n);
    return s < 0 ? s : a->e->continue_with(a->e->ctx, call, span("{ \"seen\": [\"a\"] }"));
}

/* ---- effects ---- */

static keel_status act_effect(const agent *a, keel_call *call, const keel_run_request *r) {
    keel_outcome page = {.size = sizeof page}, sent = {.size = sizeof sent};
    keel_effect_options o = {.size = sizeof o, .why = "they asked"};
    char to[100], *text = scratch(a, call, 400);
    keel_status s = a->e->read(a->e->ctx, call, "inbox", "mail", span(""), NULL, &page);
    if (s < 0) {
        return s;
    }
    keel_json items = keel_json_get(view(page.ok), "items");
    o.evidence = (keel_span){items.data, items.len};
    keel_json_copy(keel_json_get(view(r->input), "to"), to, sizeof to);
    snprintf(text, 400, "{\"to\":[\"%s\"],\"body\":\"hello\"}", to);
    s = a->e->write(a->e->ctx, call, "inbox", "mail", span(text), &o, &sent);
    if (s < 0 || sent.ok.data) {
        return s;
    }
    keel_json count = keel_json_get(view(r->previous), "count");
    snprintf(text, 400, "{\"err\":\"%s: %s\",\"n\":%.*s,\"rule\":\"%s\",\"run\":%d}",
             sent.code.data, sent.why.data, (int)count.len, count.data, sent.rule.data,
             (int)r->run);
    return say(a, call, text);
}

static keel_status act_spawn(const agent *a, keel_call *call, const keel_run_request *r) {
    keel_outcome o[5];
    keel_status s[5];
    int64_t sum = 0;
    char *text = scratch(a, call, 400);
    const keel_effect *e = a->e;
    (void)r;
    for (int i = 0; i < 5; i++) {
        o[i] = (keel_outcome){.size = sizeof o[i]};
    }
    s[0] = e->spawn(e->ctx, call, "helper", span("{\"id\":1}"), "m1", &o[0]);
    s[1] = e->spawn(e->ctx, call, "helper", span(""), NULL, &o[1]);
    s[2] = e->wait(e->ctx, call, o[0].run ? o[0].run : 1, &o[2]);
    s[3] = e->wait(e->ctx, call, 13, &o[3]);
    s[4] = e->wait(e->ctx, call, 14, &o[4]);
    for (int i = 0; i < 5; i++) {
        if (s[i] < 0) {
            return s[i]; /* once one is suspended, all later ones are */
        }
    }
    keel_json_int(keel_json_get(view(o[2].ok), "sum"), &sum);
    bool existing = keel_json_true(keel_json_get(view(o[0].ok), "existing"));
    snprintf(text, 400, "[%d,%s,\"%s\",%d,\"%s: %s\",\"%s\",\"%s\"]", (int)o[0].run,
             existing ? "true" : "false", o[1].code.data, (int)sum, o[3].code.data, o[3].why.data,
             o[3].state.data, o[4].code.data);
    return say(a, call, text);
}

static keel_status act_quarantine(const agent *a, keel_call *call, const keel_run_request *r) {
    const keel_spawn *q = a->host->get_service(a->host->ctx, KEEL_SPAWN_SERVICE);
    const keel_effect *e = a->e;
    keel_outcome o[4];
    keel_status s[4];
    char kind[20] = "", *text = scratch(a, call, 400);
    (void)r;
    for (int i = 0; i < 4; i++) {
        o[i] = (keel_outcome){.size = sizeof o[i]};
    }
    keel_spawn_options closed = {
        .size = sizeof closed,
        .quarantine = 1,
        .returns = span("{\"urgent\": \"bool\", \"kind\": {\"enum\": [\"lead\", \"invoice\"]},"
                        " \"sum\": {\"number\": [0, 1000], \"decimals\": 2},"
                        " \"due\": {\"type\": \"date\", \"optional\": true}}")};
    keel_spawn_options open = {.size = sizeof open,
                               .quarantine = 1,
                               .key = "m1",
                               .returns = span("{\"name\":\"string\"}")};
    s[0] = q->spawn(q->ctx, call, "sorter", span("{\"mail\":7}"), &closed, &o[0]);
    s[1] = e->wait(e->ctx, call, o[0].run ? o[0].run : 1, &o[1]);
    s[2] = q->spawn(q->ctx, call, "sorter", span(""), &open, &o[2]);
    s[3] = e->wait(e->ctx, call, 13, &o[3]);
    for (int i = 0; i < 4; i++) {
        if (s[i] < 0) {
            return s[i];
        }
    }
    keel_json_copy(keel_json_get(view(o[1].ok), "kind"), kind, sizeof kind);
    snprintf(text, 400, "[\"%s\",\"%s\",\"%s: %s\"]", kind, o[2].why.data, o[3].code.data,
             o[3].why.data);
    return say(a, call, text);
}

static keel_status act_receive(const agent *a, keel_call *call, const keel_run_request *r) {
    keel_span name[3], body[3];
    int64_t n = 0;
    char *text = scratch(a, call, 200);
    const keel_effect *e = a->e;
    (void)r;
    keel_status s = e->receive(e->ctx, call, NULL, -1, &name[0], &body[0]);
    s = s < 0 ? s : e->receive(e->ctx, call, "reply", INT64_C(604800000000), &name[1], &body[1]);
    s = s < 0 ? s : e->receive(e->ctx, call, NULL, 2000000, &name[2], &body[2]);
    if (s < 0) {
        return s;
    }
    keel_json_int(keel_json_get(view(body[0]), "n"), &n);
    snprintf(text, 200, "[\"%s\",%d,%s,\"%s\"]", name[0].data, (int)n,
             name[1].data || body[1].data ? "false" : "true", name[2].data);
    return say(a, call, text);
}

/* ---- the record ---- */

static keel_status act_recorded(const agent *a, keel_call *call, const keel_run_request *r) {
    keel_outcome o = {.size = sizeof o};
    keel_span list, fresh;
    int64_t us = 0;
    char text[100];
    const keel_effect *e = a->e;
    (void)r;
    keel_status s = e->read(e->ctx, call, "mail", "message", span("{}"), NULL, &o);
    s = s < 0 ? s : e->step(e->ctx, call, "s", &list);
    s = s < 0 ? s : e->log(e->ctx, call, KEEL_LOG_INFO, "not sent");
    if (s < 0 || !list.data) {
        return s;
    }
    snprintf(text, sizeof text, "[%zu,\"%s\"]", keel_json_count(view(list)), o.code.data);
    s = step(a, call, "new", text, &fresh);
    s = s < 0 ? s : e->now(e->ctx, call, &us);
    snprintf(text, sizeof text, "%d", (int)us);
    return s < 0 ? s : say(a, call, text);
}

static keel_status act_cancel(const agent *a, keel_call *call, const keel_run_request *r) {
    keel_span v;
    int64_t us;
    (void)r;
    keel_status s = step(a, call, "a", "1", &v);
    s = s < 0 ? s : a->e->now(a->e->ctx, call, &us);
    a->e->log(a->e->ctx, call, KEEL_LOG_INFO, "never");
    return s < 0 ? s : say(a, call, "1");
}

static keel_status act_mismatch_args(const agent *a, keel_call *call, const keel_run_request *r) {
    keel_outcome o = {.size = sizeof o};
    (void)r;
    keel_status s =
        a->e->write(a->e->ctx, call, "mail", "message", span("{\"to\":\"b\"}"), NULL, &o);
    a->e->log(a->e->ctx, call, KEEL_LOG_INFO, "never");
    return s;
}

static keel_status act_mismatch_end(const agent *a, keel_call *call, const keel_run_request *r) {
    keel_span v;
    (void)r;
    return step(a, call, "first", "1", &v);
}

static keel_status act_mismatch_error(const agent *a, keel_call *call, const keel_run_request *r) {
    keel_span v;
    (void)r;
    keel_status s = step(a, call, "first", "1", &v);
    return s < 0 ? s : a->host->fail(a->host->ctx, call, KEEL_E_CONFLICT, "other way");
}

static keel_status act_mismatch_kind(const agent *a, keel_call *call, const keel_run_request *r) {
    int64_t us;
    (void)r;
    return a->e->now(a->e->ctx, call, &us);
}

static keel_status act_mismatch_name(const agent *a, keel_call *call, const keel_run_request *r) {
    keel_span v;
    (void)r;
    keel_status s = step(a, call, "first", "1", &v);
    return s < 0 ? s : step(a, call, "other", "2", &v);
}

/* ---- the table ---- */

static const agent_act ported[] = {
    {"cancel", act_cancel},
    {"continue", act_continue},
    {"effect", act_effect},
    {"log", act_log},
    {"mismatch_args", act_mismatch_args},
    {"mismatch_end", act_mismatch_end},
    {"mismatch_error", act_mismatch_error},
    {"mismatch_kind", act_mismatch_kind},
    {"mismatch_name", act_mismatch_name},
    {"quarantine", act_quarantine},
    {"receive", act_receive},
    {"recorded", act_recorded},
    {"spawn", act_spawn},
    {"step", act_step},
    {"window", act_window},
    {NULL, NULL},
};

static const agent_act *find(const agent_act *list, const char *name) {
    while (list->name && strcmp(list->name, name) != 0) {
        list++;
    }
    return list->name ? list : NULL;
}

static keel_status create(const keel_host *host, keel_span config, void **self) {
    char name[40] = "";
    agent *a = *self = host->alloc(host->ctx, sizeof *a);
    a->host = host;
    a->e = host->get_service(host->ctx, KEEL_EFFECT_SERVICE);
    keel_json_copy(keel_json_get(view(config), "act"), name, sizeof name);
    a->act = find(ported, name);
    a->act = a->act ? a->act : find(agent_own_acts, name);
    return a->e && a->act ? KEEL_OK
                          : host->fail(host->ctx, NULL, KEEL_E_INVALID, "there is no such act");
}

static keel_status run(void *self, keel_call *call, const keel_run_request *r) {
    agent *a = self;
    a->entries++;
    return a->act->f(a, call, r);
}

static void destroy(void *self) {
    agent *a = self;
    char text[40];
    snprintf(text, sizeof text, "entered %d times", a->entries);
    a->host->log(a->host->ctx, KEEL_LOG_INFO, text);
}

KEEL_AGENT("com.example.abi", "1.0.0", .create = create, .destroy = destroy, .run = run)
