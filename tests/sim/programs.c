/* Random programs: every kind of call, and children only of agents that come later, so that it ends. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

static char *text_of(const char *format, ...) __attribute__((format(printf, 1, 2)));

static char *text_of(const char *format, ...) {
    keel_buf b = KEEL_BUF_INIT;
    va_list ap;
    va_start(ap, format);
    keel_buf_vprintf(&b, format, ap);
    va_end(ap);
    return b.data;
}

static sim_op effect_op(simulation *s) {
    const plan_connection *c = &s->plan.connections[roll(s, s->plan.count)];
    const plan_resource *r = &c->resources[roll(s, c->count)];
    const char *verb = chance(s, 85) ? "write" : "read";
    if (chance(s, 3)) { /* it asks for what is not there */
        return (sim_op){"effect", text_of("%s.nothing.write", c->name),
                        text_of("{\"args\":{\"n\":1},\"resource\":\"nothing\",\"use\":\"%s\","
                                "\"verb\":\"write\"}",
                                c->name)};
    }
    return (sim_op){"effect", text_of("%s.%s.%s", c->name, r->name, verb),
                    text_of("{\"args\":{\"m\":\"$m\",\"n\":%d},\"resource\":\"%s\",\"use\":\"%s\","
                            "\"verb\":\"%s\"%s}",
                            (int)roll(s, 10), r->name, c->name, verb,
                            chance(s, 20) ? ",\"why\":\"since $m\"" : "")};
}

static sim_op spawn_op(simulation *s, size_t agent) {
    size_t child = agent + 1 + roll(s, s->plan.agents - agent - 1);
    if (chance(s, 30)) {
        return (sim_op){
            "spawn", text_of("run.spawn"),
            text_of("{\"agent\":\"a%zu\",\"input\":{},\"key\":\"k%d\"}", child, (int)roll(s, 3))};
    }
    return (sim_op){"spawn", text_of("run.spawn"),
                    text_of("{\"agent\":\"a%zu\",\"input\":{\"by\":\"$m\"}}", child)};
}

static sim_op sleep_op(simulation *s) {
    static const int64_t times[] = {1, SECOND, 20 * SECOND, 10 * MINUTE, 3 * HOUR, 40 * DAY};
    return (sim_op){"sleep", text_of("%s", ""),
                    text_of("{\"us\":%lld}", (long long)times[roll(s, 6)])};
}

static sim_op receive_op(simulation *s) {
    static const int64_t times[] = {SECOND, 5 * MINUTE, 7 * DAY};
    char *args = chance(s, 25)   ? text_of("{}")
                 : chance(s, 50) ? text_of("{\"name\":\"e%d\",\"timeout_us\":%lld}",
                                           (int)roll(s, 2), (long long)times[roll(s, 3)])
                                 : text_of("{\"timeout_us\":%lld}", (long long)times[roll(s, 3)]);
    return (sim_op){"receive", text_of("%s", ""), args};
}

static sim_op ask_op(simulation *s) {
    static const int64_t times[] = {0, 5 * MINUTE, 7 * DAY};
    static const char choices[] = "\"choices\":[\"this\",\"that\"]";
    char *args = chance(s, 40)   ? text_of("{%s,\"question\":\"which, $m?\"}", choices)
                 : chance(s, 50) ? text_of("{%s,\"default\":\"that\",\"expires_us\":%lld,"
                                           "\"question\":\"which?\"}",
                                           choices, (long long)times[roll(s, 3)])
                                 : text_of("{%s,\"expires_us\":%lld,\"question\":\"which?\"}",
                                           choices, (long long)times[roll(s, 3)]);
    return (sim_op){"ask", text_of("%s", ""), args};
}

static sim_op one_op(simulation *s, size_t agent) {
    bool has_children = agent + 1 < s->plan.agents;
    uint64_t what = roll(s, 20);
    if (what < 9) {
        return effect_op(s);
    }
    switch (what) {
    case 9:
        return (sim_op){"step", text_of("s%d", (int)roll(s, 3)), NULL};
    case 10:
        return (sim_op){"log", text_of("%s", ""), NULL};
    case 11:
        return (sim_op){"now", text_of("%s", ""), text_of("{}")};
    case 12:
        return (sim_op){"random", text_of("%s", ""), text_of("{}")};
    case 13:
    case 14:
        return sleep_op(s);
    case 15:
        return chance(s, 50) ? ask_op(s) : receive_op(s);
    case 16:
        return (sim_op){"wait", text_of("%s", ""), text_of("{\"run\":$r}")};
    default:
        return has_children ? spawn_op(s, agent) : effect_op(s);
    }
}

void programs_make(simulation *s) {
    for (size_t i = 0; i < s->plan.agents; i++) {
        sim_program *p = &s->plan.programs[i];
        *p = (sim_program){
            .agent = text_of("a%zu", i), .ops = s->plan.ops[i], .count = 2 + roll(s, PLAN_OPS - 2)};
        for (size_t o = 0; o < p->count; o++) {
            s->plan.ops[i][o] = one_op(s, i);
        }
        if (chance(s, 15)) {
            p->end = "{\"error\":{\"code\":\"error\",\"message\":\"it fails\"},"
                     "\"state\":\"failed\"}";
        }
        p->segments = chance(s, 20) ? 1 + (int)roll(s, 3) : 0;
    }
    s->w.programs = s->plan.programs;
    s->w.program_count = s->plan.agents;
}

void programs_free(simulation *s) {
    for (size_t i = 0; i < s->plan.agents; i++) {
        for (size_t o = 0; o < s->plan.programs[i].count; o++) {
            free((char *)(uintptr_t)s->plan.ops[i][o].name);
            free((char *)(uintptr_t)s->plan.ops[i][o].args);
        }
        free((char *)(uintptr_t)s->plan.programs[i].agent);
    }
}
