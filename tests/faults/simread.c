/* Programs of the simulation, and reading them with the answers that they got: live, in a replay, and
 * when a record is gone over again. */
#include <string.h>

#include "simworld.h"

static const sim_op boss_ops[] = {
    {"step", "plan", NULL},
    {"now", "", "{}"},
    {"effect", "out.keyed.write",
     "{\"args\":{\"n\":1},\"resource\":\"keyed\",\"use\":\"out\",\"verb\":\"write\"}"},
    {"effect", "out.checkable.write",
     "{\"args\":{\"n\":2},\"resource\":\"checkable\",\"use\":\"out\",\"verb\":\"write\"}"},
    {"log", "", NULL},
    {"spawn", "run.spawn", "{\"agent\":\"helper\",\"input\":{},\"key\":\"once\"}"},
    {"spawn", "run.spawn", "{\"agent\":\"helper\",\"input\":{},\"key\":\"once\"}"},
    {"effect", "out.once.write",
     "{\"args\":{\"n\":3},\"resource\":\"once\",\"use\":\"out\",\"verb\":\"write\"}"},
    {"random", "", "{}"},
    {"sleep", "", "{\"us\":2000000}"},
    {"wait", "", "{\"run\":2}"},
    {"effect", "out.denied.write",
     "{\"args\":{\"n\":4},\"resource\":\"denied\",\"use\":\"out\",\"verb\":\"write\"}"},
    {"ask", "", "{\"choices\":[\"this\",\"that\"],\"question\":\"which, $m?\"}"},
    {"step", "done", NULL},
};
static const sim_op helper_ops[] = {
    {"step", "look", NULL},
    {"effect", "out.repeatable.write",
     "{\"args\":{\"n\":5},\"resource\":\"repeatable\",\"use\":\"out\",\"verb\":\"write\"}"},
    {"effect", "out.keyed.read",
     "{\"args\":{},\"resource\":\"keyed\",\"use\":\"out\",\"verb\":\"read\"}"},
};
static const sim_program programs[] = {
    {"boss", boss_ops, sizeof boss_ops / sizeof *boss_ops, NULL, 0},
    {"helper", helper_ops, sizeof helper_ops / sizeof *helper_ops, NULL, 0},
};

/* ---- a reading: the program with the answers that it got ---- */

const sim_program *sim_program_of(const sim_world *w, const char *agent) {
    const sim_program *all = w->programs ? w->programs : programs;
    size_t count = w->programs ? w->program_count : sizeof programs / sizeof *programs;
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(all[i].agent, agent)) {
            return &all[i];
        }
    }
    return NULL;
}

sim_reading sim_read_begin(const sim_program *p, keel_json input) {
    int64_t n = 0;
    keel_json_int(keel_json_get(input, "n"), &n);
    return (sim_reading){.program = p, .memory = 5381, .segment = (int)n};
}

void sim_read_args(const sim_reading *r, keel_buf *out) {
    const char *args = r->program->ops[r->pc].args;
    for (const char *p = args ? args : ""; *p; p++) {
        if (p[0] == '$' && p[1] == 'm') {
            keel_buf_printf(out, "%08x", (unsigned)(r->memory & 0xffffffffu));
            p++;
        } else if (p[0] == '$' && p[1] == 'r') {
            keel_buf_printf(out, "%llu", (unsigned long long)r->child);
            p++;
        } else {
            keel_buf_putc(out, *p);
        }
    }
}

void sim_read_digest(const sim_reading *r, char out[17]) {
    const sim_op *o = &r->program->ops[r->pc];
    keel_buf whole = KEEL_BUF_INIT;
    keel_buf_append(&whole, o->kind, strlen(o->kind) + 1);
    keel_buf_append(&whole, o->name, strlen(o->name) + 1);
    keel_buf_puts(&whole, "");
    sim_read_args(r, &whole);
    digest d = digest_of(whole.data, whole.len);
    hex_encode(out, d.bytes, 8);
    keel_buf_free(&whole);
}

void sim_read_answer(sim_reading *r, const char *outcome, size_t len) {
    const sim_op *o = &r->program->ops[r->pc++];
    int64_t run = 0;
    if (!outcome) {
        return;
    }
    for (size_t i = 0; i < len; i++) {
        r->memory = r->memory * 33 + (uint8_t)outcome[i];
    }
    if (!strcmp(o->kind, "spawn")) {
        keel_json_int(keel_json_get(keel_json_get(keel_json_view(outcome, len), "ok"), "run"),
                      &run);
        r->child = (uint64_t)run;
    }
}

void sim_read_end(const sim_reading *r, keel_buf *out) {
    if (r->segment < r->program->segments) {
        keel_buf_printf(out, "{\"result\":{\"n\":%d},\"state\":\"continued\"}", r->segment + 1);
    } else {
        keel_buf_puts(out, r->program->end ? r->program->end
                                           : "{\"result\":{\"done\":true},\"state\":\"ended\"}");
    }
}
