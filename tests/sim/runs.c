/* I10: what each run was answered, and its program read again with that. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

static model_run *run_of(model *m, uint64_t id) {
    for (size_t i = m->run_count; i-- > 0;) {
        if (m->runs[i].id == id) {
            return &m->runs[i];
        }
    }
    return NULL;
}

static void begin(model *m, const journal_row *row) {
    m->runs = keel_realloc(m->runs, (m->run_count + 1) * sizeof *m->runs);
    model_run *r = &m->runs[m->run_count++];
    *r = (model_run){.id = row->run};
    keel_json input = keel_json_get(row->body, "input");
    keel_json_copy(keel_json_get(row->body, "agent"), r->agent, sizeof r->agent);
    keel_buf_append(&r->input, input.data, input.len);
}

static model_answer *answer_new(model_run *r, const journal_row *row) {
    for (size_t i = 0; i < r->count; i++) {
        if (!strcmp(r->answers[i].path, row->path)) { /* a run that was reopened */
            keel_buf_free(&r->answers[i].outcome);
            r->answers[i] = r->answers[--r->count];
            break;
        }
    }
    r->answers = keel_realloc(r->answers, (r->count + 1) * sizeof *r->answers);
    model_answer *a = &r->answers[r->count++];
    *a = (model_answer){.seq = row->seq, .kind = row->kind};
    snprintf(a->path, sizeof a->path, "%s", row->path);
    keel_json_copy(keel_json_get(row->body, "call"), a->call, sizeof a->call);
    keel_json_copy(keel_json_get(row->body, "name"), a->name, sizeof a->name);
    return a;
}

static void put(model_answer *a, const char *before, keel_json value) {
    keel_buf_puts(&a->outcome, before);
    keel_buf_append(&a->outcome, value.len ? value.data : "null", value.len ? value.len : 4);
    keel_buf_putc(&a->outcome, '}');
}

static void answered(model_run *r, const journal_row *row) {
    model_answer *a = answer_new(r, row);
    keel_json outcome = keel_json_get(row->body, "outcome");
    switch (row->kind) {
    case RECORD_NOW:
        put(a, "{\"ok\":", keel_json_get(row->body, "us"));
        break;
    case RECORD_RANDOM:
        put(a, "{\"ok\":", keel_json_get(row->body, "hex"));
        break;
    case RECORD_WOKEN:
        keel_buf_append(&a->outcome, outcome.data, outcome.len);
        break;
    case RECORD_SPAWN: {
        keel_json existing = keel_json_get(row->body, "existing"),
                  run = keel_json_get(row->body, "run");
        keel_buf_printf(&a->outcome, "{\"ok\":{\"existing\":%.*s,\"run\":%.*s}}", (int)existing.len,
                        existing.data, (int)run.len, run.data);
        break;
    }
    case RECORD_EFFECT_DONE:
        put(a, "{\"ok\":", keel_json_get(row->body, "result"));
        break;
    case RECORD_EFFECT_NOT_DONE:
    case RECORD_EFFECT_DENIED:
    case RECORD_EFFECT_REJECTED:
    case RECORD_EFFECT_EXPIRED:
        put(a, "{\"err\":", keel_json_get(row->body, "error"));
        break;
    default: /* a step, a line of the log */
        break;
    }
}

static bool kept(const journal_row *row, int64_t seq) {
    int64_t n = 0;
    for (keel_json_iter it = keel_json_each(keel_json_get(row->body, "keep"));
         keel_json_next(&it);) {
        if (keel_json_int(it.value, &n) && n == seq) {
            return true;
        }
    }
    return false;
}

/* What it recorded from there on does not count any more, but for what is kept. */
static void reopened(model_run *r, const journal_row *row) {
    int64_t from = INT64_MAX;
    keel_json_int(keel_json_get(row->body, "from"), &from);
    r->state[0] = 0;
    for (size_t i = r->count; i-- > 0;) {
        if (r->answers[i].seq >= from && !kept(row, r->answers[i].seq)) {
            keel_buf_free(&r->answers[i].outcome);
            r->answers[i] = r->answers[--r->count];
        }
    }
}

static bool answers(record_kind k) {
    static const record_kind kinds[] = {
        RECORD_STEP,
        RECORD_LOG,
        RECORD_NOW,
        RECORD_RANDOM,
        RECORD_WOKEN,
        RECORD_SPAWN,
        RECORD_EFFECT_DONE,
        RECORD_EFFECT_NOT_DONE,
        RECORD_EFFECT_DENIED,
        RECORD_EFFECT_REJECTED,
        RECORD_EFFECT_EXPIRED,
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i] == k) {
            return true;
        }
    }
    return false;
}

void runs_record(model *m, const journal_row *row) {
    model_run *r = row->run ? run_of(m, row->run) : NULL;
    if (row->kind == RECORD_RUN_BEGIN) {
        begin(m, row);
    } else if (r && row->kind == RECORD_RUN_END) {
        keel_json_copy(keel_json_get(row->body, "state"), r->state, sizeof r->state);
        keel_buf_clear(&r->end);
        keel_buf_append(&r->end, row->body.data, row->body.len);
    } else if (r && row->kind == RECORD_RUN_REOPENED) {
        reopened(r, row);
    } else if (r && row->path[0] && answers(row->kind)) {
        answered(r, row);
    }
}

static const model_answer *answer_at(const model_run *r, size_t n) {
    char path[24];
    snprintf(path, sizeof path, "%zu", n);
    for (size_t i = 0; i < r->count; i++) {
        if (!strcmp(r->answers[i].path, path)) {
            return &r->answers[i];
        }
    }
    return NULL;
}

/* One call: was it asked as the program, with these answers, would ask now? */
static bool read_one(const model *m, const model_run *r, sim_reading *at) {
    const sim_op *o = &at->program->ops[at->pc];
    const model_answer *a = answer_at(r, at->pc + 1);
    char call[17];
    sim_read_digest(at, call);
    if (a && a->call[0] && strcmp(a->call, call) != 0) {
        violate(m->s, "I10", "run %llu, path %zu: its record says call %s, a replay makes %s",
                (unsigned long long)r->id, at->pc + 1, a->call, call);
    }
    if (a && !o->args && strcmp(a->name, o->name) != 0) {
        violate(m->s, "I10", "run %llu, path %zu: a step %s was %s", (unsigned long long)r->id,
                at->pc + 1, o->name, a->name);
    }
    if (a) {
        sim_read_answer(at, o->args ? a->outcome.data : NULL, a->outcome.len);
    }
    return a != NULL;
}

static void replay(const model *m, const model_run *r) {
    sim_reading at = sim_read_begin(sim_program_of(&m->s->w, r->agent),
                                    keel_json_view(r->input.data, r->input.len));
    keel_buf end = KEEL_BUF_INIT;
    char state[16] = "";
    while (at.pc < at.program->count && read_one(m, r, &at)) {
    }
    if (at.pc < at.program->count) {
        if (!strcmp(r->state, "ended") || !strcmp(r->state, "continued")) {
            violate(m->s, "I10", "run %llu is %s without an answer to path %zu",
                    (unsigned long long)r->id, r->state, at.pc + 1);
        }
        return;
    }
    sim_read_end(&at, &end);
    keel_json_copy(keel_json_get(keel_json_view(end.data, end.len), "state"), state, sizeof state);
    if (strcmp(r->state, "cancelled") && strcmp(r->state, state)) {
        keel_json code = keel_json_path(keel_json_view(r->end.data, r->end.len), "error.code");
        if (!keel_json_is(code, "crashed") && !keel_json_is(code, "refused")) {
            violate(m->s, "I10", "run %llu is %s, a replay says %s", (unsigned long long)r->id,
                    r->state, state);
        }
    }
    keel_buf_free(&end);
}

void runs_replay(const model *m) {
    for (size_t i = 0; i < m->run_count; i++) {
        if (m->runs[i].state[0]) {
            replay(m, &m->runs[i]);
        }
    }
}

void runs_free(model *m) {
    for (size_t i = 0; i < m->run_count; i++) {
        model_run *r = &m->runs[i];
        for (size_t a = 0; a < r->count; a++) {
            keel_buf_free(&r->answers[a].outcome);
        }
        free(r->answers);
        keel_buf_free(&r->input);
        keel_buf_free(&r->end);
    }
    free(m->runs);
}
