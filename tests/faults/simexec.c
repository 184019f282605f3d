/* Executors of the simulation: agents are lists of calls, interpreted with replay; connectors tell
 * the outside. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol.h"
#include "simworld.h"

typedef struct sim_run {
    struct sim_run *next;
    uint64_t id;
    sim_reading at;
    size_t expect; /* records still to come before it starts */
} sim_run;

static sim_executor *executor_of(sim_world *w, uint32_t number) {
    for (size_t i = 0; i < sizeof w->executors / sizeof *w->executors; i++) {
        if (w->executors[i].number == number) {
            return &w->executors[i];
        }
    }
    return NULL;
}

void sim_spawn(sim_world *w, uint32_t number, const kernel_spawn *s) {
    sim_executor *x = executor_of(w, 0);
    if (!x) {
        abort();
    }
    if (!s->plugin) {
        w->egress = number;
        return;
    }
    *x = (sim_executor){.number = number,
                        .connector = s->plugin->manifest->kind != PLUGIN_AGENT,
                        .egress = s->egress};
    snprintf(x->agent, sizeof x->agent, "%s", s->plugin->manifest->name);
    snprintf(x->config, sizeof x->config, "%.*s", (int)s->config.len, s->config.data);
    if (!w->hooks || w->hooks->comes_up(w, number)) {
        sim_to_kernel(w, number, X_READY, 0, 0, NULL);
    }
}

static void runs_free(sim_executor *x) {
    while (x->runs) {
        sim_run *r = x->runs;
        x->runs = r->next;
        free(r);
    }
}

void sim_kill(sim_world *w, uint32_t number, const char *why) {
    sim_executor *x = executor_of(w, number);
    if (number == w->egress) {
        sim_egress_kill(w);
    } else if (x) {
        runs_free(x);
        x->number = 0;
        for (size_t i = w->held_count; i-- > 0;) {
            if (w->held[i].executor == number) {
                memmove(&w->held[i], &w->held[i + 1], (--w->held_count - i) * sizeof w->held[0]);
            }
        }
        sim_gone(w, number, why);
    }
}

void sim_executors_free(sim_world *w) {
    for (size_t i = 0; i < sizeof w->executors / sizeof *w->executors; i++) {
        runs_free(&w->executors[i]);
        w->executors[i].number = 0;
    }
    w->egress = 0;
    memset(w->orders, 0, sizeof w->orders);
}

/* ---- agents ---- */

/* ---- its frames ---- */

static void emit(sim_world *w, uint32_t number, const sim_run *r) {
    const sim_op *o = &r->at.program->ops[r->at.pc];
    char path[24], hash[17];
    keel_buf b = KEEL_BUF_INIT;
    snprintf(path, sizeof path, "%zu", r->at.pc + 1);
    frame_put(&b, path, strlen(path));
    if (!strcmp(o->kind, "step")) {
        frame_put(&b, o->name, strlen(o->name));
        keel_buf_puts(&b, "{\"ok\":true}");
        sim_to_kernel(w, number, X_STEP, r->id, 0, &b);
    } else if (!strcmp(o->kind, "log")) {
        frame_put(&b, "info", 4);
        keel_buf_puts(&b, "\"on it\"");
        sim_to_kernel(w, number, X_LOG, r->id, 0, &b);
    } else {
        sim_read_digest(&r->at, hash);
        frame_put(&b, o->kind, strlen(o->kind));
        frame_put(&b, hash, strlen(hash));
        sim_read_args(&r->at, &b);
        sim_to_kernel(w, number, X_CALL, r->id, 0, &b);
    }
    keel_buf_free(&b);
}

static void go(sim_world *w, uint32_t number, sim_run *r) {
    while (r->at.pc < r->at.program->count) {
        const sim_op *o = &r->at.program->ops[r->at.pc];
        emit(w, number, r);
        if (o->args) {
            return; /* until its answer */
        }
        sim_read_answer(&r->at, NULL, 0);
    }
    keel_buf b = KEEL_BUF_INIT;
    sim_read_end(&r->at, &b);
    sim_to_kernel(w, number, X_END, r->id, 0, &b);
    keel_buf_free(&b);
}

static bool get(frame_reader *fr, char *to, size_t size) {
    const char *p;
    size_t len;
    if (frame_get(fr, &p, &len) || len >= size) {
        return false;
    }
    memcpy(to, p, len);
    to[len] = 0;
    return true;
}

static void on_start(sim_world *w, sim_executor *x, const frame *f) {
    sim_run *r = calloc(1, sizeof *r);
    const sim_program *p = sim_program_of(w, x->agent);
    if (!r || !p) {
        abort();
    }
    r->id = f->run;
    r->expect = (size_t)f->ref;
    r->at = sim_read_begin(p, keel_json_get(keel_json_view(f->body, f->len), "input"));
    r->next = x->runs;
    x->runs = r;
    if (!r->expect) {
        go(w, x->number, r);
    }
}

/* What is replayed must be what was asked: kind, name and digest of the call. One that has no record
 * waits still, and is the last. */
static void on_record(sim_world *w, sim_executor *x, sim_run *r, const frame *f) {
    frame_reader fr = frame_read(f);
    char path[16], kind[16], name[64], hash[20], want[17];
    size_t at = 0, count = r->at.program->count;
    if (get(&fr, path, sizeof path) && get(&fr, kind, sizeof kind) && get(&fr, name, sizeof name) &&
        get(&fr, hash, sizeof hash)) {
        at = (size_t)atoi(path);
    }
    if (at < 1 || at > count || at != r->at.pc + 1) {
        snprintf(w->fault, sizeof w->fault, "run %llu at %zu got a record of path %s",
                 (unsigned long long)r->id, r->at.pc + 1, path);
        return;
    }
    const sim_op *o = &r->at.program->ops[at - 1];
    sim_read_digest(&r->at, want);
    if (strcmp(o->kind, kind) || strcmp(o->name, name) || strcmp(want, hash)) {
        snprintf(w->fault, sizeof w->fault,
                 "run %llu, path %s was %s %s %s, its record says %s %s %s",
                 (unsigned long long)r->id, path, o->kind, o->name, want, kind, name, hash);
    }
    sim_read_answer(&r->at, o->args ? fr.p : NULL, (size_t)(fr.end - fr.p));
    if (!--r->expect) {
        go(w, x->number, r);
    }
}

static void on_answer(sim_world *w, sim_executor *x, sim_run *r, const frame *f) {
    frame_reader fr = frame_read(f);
    char path[16] = "";
    get(&fr, path, sizeof path);
    if (r->expect || (size_t)atoi(path) != r->at.pc + 1) {
        snprintf(w->fault, sizeof w->fault, "an answer to path %s while at %zu", path,
                 r->at.pc + 1);
        return;
    }
    sim_read_answer(&r->at, fr.p, (size_t)(fr.end - fr.p));
    go(w, x->number, r);
}

static void agent_frame(sim_world *w, sim_executor *x, const frame *f) {
    sim_run **at = &x->runs;
    while (*at && (*at)->id != f->run) {
        at = &(*at)->next;
    }
    sim_run *r = *at;
    if (f->type == X_START) {
        on_start(w, x, f);
    } else if (r && f->type == X_RECORD) {
        on_record(w, x, r, f);
    } else if (r && f->type == X_ANSWER) {
        on_answer(w, x, r, f);
    } else if (r && f->type == X_CANCEL) {
        *at = r->next;
        free(r);
    }
}

/* ---- connectors ---- */

void sim_reply(sim_world *w, uint32_t number, uint64_t ref, bool ok, const char *body) {
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_puts(&b, body);
    sim_to_kernel(w, number, ok ? X_REPLY : X_FAIL, 0, ref, &b);
    keel_buf_free(&b);
}

static void hold(sim_world *w, const sim_executor *x, const frame *f) {
    keel_json body = keel_json_view(f->body, f->len);
    if (w->held_count == SIM_HELD) {
        abort();
    }
    sim_verb *v = &w->held[w->held_count++];
    v->executor = x->number;
    v->ref = f->ref;
    memcpy(v->config, x->config, sizeof v->config);
    keel_json_copy(keel_json_get(body, "verb"), v->verb, sizeof v->verb);
    keel_json_copy(keel_json_get(body, "key"), v->key, sizeof v->key);
    keel_json_copy(keel_json_get(body, "resource"), v->resource, sizeof v->resource);
    keel_json outcome = keel_json_get(body, "outcome"), written = keel_json_get(body, "body");
    snprintf(v->outcome, sizeof v->outcome, "%.*s", (int)outcome.len, outcome.data);
    snprintf(v->body, sizeof v->body, "%.*s", (int)written.len, written.data);
}

void sim_answer_held(sim_world *w, const char *body) {
    sim_verb v = w->held[0];
    if (!w->held_count) {
        snprintf(w->fault, sizeof w->fault, "no connector was told anything");
        return;
    }
    memmove(w->held, w->held + 1, --w->held_count * sizeof v);
    sim_reply(w, v.executor, v.ref, strstr(body, "\"result\"") != NULL, body);
}

/* Over a network: what egress sees of it, and what the outside then does. true: the verb goes on as
 * without one. */
static bool over_network(sim_world *w, uint32_t number, uint64_t ref, outside_act act) {
    bool leaves = act != ACT_LOSE_BEFORE && act != ACT_RETRY && act != ACT_EGRESS_BEFORE;
    if (act == ACT_EGRESS_BEFORE) {
        sim_egress_kill(w);
        return false;
    }
    if (leaves && !sim_egress_request(w, ref, act == ACT_APPLY)) {
        sim_reply(w, number, ref, false, "{\"code\":\"retry\",\"message\":\"nobody there\"}");
        return false;
    }
    return true;
}

static void on_verb(sim_world *w, uint32_t number, const frame *f) {
    char verb[16], key[40], resource[32], done[100], of[40];
    keel_json body = keel_json_view(f->body, f->len);
    keel_json_copy(keel_json_get(body, "verb"), verb, sizeof verb);
    keel_json_copy(keel_json_get(body, "key"), key, sizeof key);
    keel_json_copy(keel_json_get(body, "resource"), resource, sizeof resource);
    if (!strcmp(verb, "reconcile")) {
        snprintf(done, sizeof done, "{\"result\":{\"ref\":{\"id\":\"%s\"},\"state\":\"applied\"}}",
                 key);
        sim_reply(w, number, f->ref, true,
                  outside_applied(&w->outside, key) ? done : "{\"result\":{\"state\":\"absent\"}}");
        return;
    }
    snprintf(done, sizeof done, "{\"result\":{\"id\":\"%s\"}}",
             key); /* what undoes it needs that */
    outside_act act = outside_next(&w->outside);
    bool undo = !strcmp(verb, "compensate"), write = undo || !strcmp(verb, "write");
    if (undo && keel_json_copy(keel_json_path(body, "outcome.id"), of, sizeof of) <= 0) {
        sim_reply(w, number, f->ref, false, "{\"code\":\"invalid\",\"message\":\"of what?\"}");
        return;
    }
    if (write && w->outside.network && !over_network(w, number, f->ref, act)) {
        return;
    }
    if (write && act != ACT_LOSE_BEFORE && act != ACT_RETRY) {
        if (undo) {
            outside_undo(&w->outside, resource, key, of);
        } else {
            outside_apply(&w->outside, resource, key, !strcmp(resource, "keyed"));
        }
    }
    switch (act) {
    case ACT_APPLY:
        sim_reply(w, number, f->ref, true, done);
        break;
    case ACT_UNKNOWN:
        sim_reply(w, number, f->ref, false, "{\"code\":\"unknown\",\"message\":\"no answer\"}");
        break;
    case ACT_EGRESS_AFTER:
        if (write) {
            sim_egress_kill(w);
        } else {
            sim_kill(w, number, "killed by signal 9 (Killed)");
        }
        break;
    case ACT_LIE:
    case ACT_RETRY:
        sim_reply(w, number, f->ref, false, "{\"code\":\"retry\",\"message\":\"busy\"}");
        break;
    default:
        sim_kill(w, number, "killed by signal 9 (Killed)");
        break;
    }
}

void sim_frame(sim_world *w, uint32_t number, uint16_t type, uint64_t run, uint64_t ref,
               const void *body, size_t len) {
    sim_executor *x = number ? executor_of(w, number) : NULL;
    frame f = {.type = type, .run = run, .ref = ref, .body = body, .len = len};
    if (number && number == w->egress) {
        sim_egress_frame(w, &f);
        return;
    }
    if (!x) {
        return;
    }
    if (type == X_STOP) {
        sim_kill(w, number, "exited with 0");
    } else if (x->connector && type == X_VERB && w->hooks) {
        w->hooks->verb(w, number, x->agent, &f);
    } else if (x->connector && type == X_VERB && w->hold) {
        hold(w, x, &f);
    } else if (x->connector && type == X_VERB) {
        on_verb(w, number, &f);
    } else if (!x->connector) {
        agent_frame(w, x, &f);
    }
}
