/* Commands over the socket: found in a table, answered once per request id. */
#include "command.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "yamltree.h"

static const struct {
    const char *name;
    bool mutating;
    command_function *run;
    void (*answered)(kernel *k, const command *c, keel_json result); /* NULL: nothing follows */
} commands[] = {
    {"approve", true, command_approve, NULL},
    {"approver.set", true, command_approver_set, NULL},
    {"batch", true, command_batch, NULL},
    {"deny", true, command_deny, NULL},
    {"do", true, command_do, do_answered},
    {"down", false, command_down, NULL},
    {"edit", true, command_edit, NULL},
    {"events", false, command_events, NULL},
    {"halt", true, command_halt, NULL},
    {"reload", true, command_reload, NULL},
    {"resume", true, command_resume, NULL},
    {"run.cancel", true, command_run_cancel, NULL},
    {"run.resume", true, command_run_resume, NULL},
    {"run.send", true, command_run_send, NULL},
    {"status", false, command_status, NULL},
    {"verdict", true, command_verdict, NULL},
};

/* ---- answers ---- */

static void answer(kernel *k, const command *c, keel_json result) {
    keel_buf out = KEEL_BUF_INIT;
    keel_buf_printf(&out, "{\"result\":%.*s}", result.len ? (int)result.len : 2,
                    result.len ? result.data : "{}");
    turn_reply(k, c->client, C_ANSWER, c->ref, out.data, out.len);
    keel_buf_free(&out);
}

static void answer_and_go_on(kernel *k, const command *c, size_t i, keel_json result) {
    answer(k, c, result);
    if (commands[i].answered) {
        commands[i].answered(k, c, result);
    }
}

static void answer_fault(kernel *k, const command *c, const diag *d) {
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_buf_puts(&out, "{\"error\":");
    keel_json_write(&w, &out);
    keel_json_object(&w);
    keel_json_set_int(&w, "code", d->code);
    keel_json_set_int(&w, "column", d->column);
    keel_json_set_int(&w, "exit", diag_exit_code(d->code));
    keel_json_set_text(&w, "file", d->file);
    keel_json_set_int(&w, "line", d->line);
    keel_json_set_text(&w, "next", d->next);
    keel_json_set_text(&w, "what", d->what);
    keel_json_object_end(&w);
    keel_buf_putc(&out, '}');
    turn_reply(k, c->client, C_ANSWER, c->ref, out.data, out.len);
    keel_buf_free(&out);
}

/* ---- once per request id ---- */

static void command_record(kernel *k, const char *request, const char *name, const digest *d,
                           keel_json result) {
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_raw(&w, "answer", result);
    keel_json_key(&w, "digest");
    keel_json_hex(&w, d->bytes, DIGEST_SIZE);
    keel_json_set_text(&w, "name", name);
    keel_json_set_text(&w, "request", request);
    keel_json_object_end(&w);
    int64_t seq = journal_add(k, RECORD_COMMAND, 0, "", &k->scratch);
    request_remember(k, request, d, result, seq);
}

/* 1: answered from the record; 0: new; or a DIAG_ code. */
static int repeated(kernel *k, const command *c, size_t i, const char *request, const digest *now,
                    diag *d) {
    digest before;
    keel_buf result = KEEL_BUF_INIT;
    if (request_find(k, request, &before, &result)) {
        keel_buf_free(&result);
        return 0;
    }
    int rc = 1;
    if (digest_equal(&before, now)) {
        answer_and_go_on(k, c, i, keel_json_view(result.data, result.len));
    } else {
        rc = diag_set(d, DIAG_CONFLICT, "request id %s was used before, for another command (422)",
                      request);
        diag_next(d, "give every new command an id of its own; nothing was done");
    }
    keel_buf_free(&result);
    return rc;
}

static int run_once(kernel *k, command *c, size_t i, keel_json body, diag *d) {
    char request[CONTROL_REQUEST_MAX + 1];
    if (!body_text(body, "request", request, sizeof request) ||
        strlen(request) < CONTROL_REQUEST_MIN) {
        diag_set(d, DIAG_USAGE, "the command has no request id");
        return diag_next(d, "give 8 to 64 characters in \"request\"");
    }
    digest now =
        digest_of2(commands[i].name, strlen(commands[i].name) + 1, c->args.data, c->args.len);
    int rc = repeated(k, c, i, request, &now, d);
    if (!rc && k->stopping) {
        diag_set(d, DIAG_FAILED, "Keel is stopping, and takes no new commands");
        rc = diag_next(d, "Nothing was done: say it again after `keel up`.");
    }
    rc = rc ? rc : commands[i].run(k, c, d);
    if (rc) {
        return rc;
    }
    keel_json result =
        c->result.len ? keel_json_view(c->result.data, c->result.len) : keel_json_view("{}", 2);
    command_record(k, request, commands[i].name, &now, result);
    answer_and_go_on(k, c, i, result);
    return 0;
}

static int run_command(kernel *k, command *c, keel_json body, diag *d) {
    char name[32] = "";
    const char *names[sizeof commands / sizeof *commands + 1] = {NULL};
    body_text(body, "command", name, sizeof name);
    c->args = keel_json_get(body, "args");
    if (keel_json_typeof(c->args) != KEEL_JSON_OBJECT) {
        c->args = keel_json_view("{}", 2);
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        names[i] = commands[i].name;
        if (strcmp(commands[i].name, name) != 0) {
            continue;
        }
        if (commands[i].mutating) {
            return run_once(k, c, i, body, d);
        }
        int rc = commands[i].run(k, c, d);
        if (!rc) {
            answer(k, c, keel_json_view(c->result.data, c->result.len));
        }
        return rc;
    }
    const char *near = did_you_mean(name, names);
    diag_set(d, DIAG_USAGE, "there is no command %s", name);
    return near ? diag_next(d, "did you mean %s?", near) : d->code;
}

void kernel_command(kernel *k, uint64_t client, uint64_t ref, keel_json body) {
    command c = {.client = client, .ref = ref};
    diag d = {0};
    int rc = keel_json_check(body.data, body.len, NULL)
                 ? diag_set(&d, DIAG_USAGE, "the command is not canonical JSON")
                 : run_command(k, &c, body, &d);
    if (rc < 0) {
        answer_fault(k, &c, &d);
    }
    keel_buf_free(&c.result);
}

/* ---- the host ---- */

int command_status(kernel *k, command *c, diag *d) {
    (void)d;
    keel_json_writer w;
    keel_json_write(&w, &c->result);
    keel_json_object(&w);
    keel_json_set_int(&w, "boot", k->identity.boot);
    keel_json_key(&w, "connections");
    trouble_connections(k, &w);
    keel_json_set_bool(&w, "halted", k->halted);
    keel_json_set_text(&w, "incarnation", k->identity.incarnation);
    keel_json_key(&w, "network");
    trouble_network(k, &w);
    keel_json_set_int(&w, "open_runs", (int64_t)k->runs.count);
    keel_json_set_int(&w, "pid", (int64_t)getpid());
    keel_json_set_int(&w, "seq", k->durable_seq);
    keel_json_set_text(&w, "version", KEEL_VERSION);
    keel_json_set_text(&w, "workspace", k->world.workspace->name);
    keel_json_object_end(&w);
    return 0;
}

int command_down(kernel *k, command *c, diag *d) {
    (void)c;
    (void)d;
    kernel_stop(k);
    return 0;
}

int command_halt(kernel *k, command *c, diag *d) {
    char why[256] = "";
    keel_json_copy(keel_json_get(c->args, "why"), why, sizeof why);
    if (k->halted && !k->halted_by_space) {
        diag_set(d, DIAG_CONFLICT, "the workspace is halted already");
        return diag_next(d, "lift it with: keel resume");
    }
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_text(&w, "why", why);
    keel_json_object_end(&w);
    journal_add(k, RECORD_HALT, 0, "", &k->scratch);
    k->halted = true;
    k->halted_by_space = false;
    effect_park(k, "halted before it was sent");
    for (worker *x = k->workers; x; x = x->next) {
        if (!x->connection) {
            worker_stop(k, x); /* no step goes on; resume replays the runs */
        }
    }
    kernel_log(k, "warn", 0, "halted: %s", why[0] ? why : "no reason given");
    return 0;
}

static size_t decide_run(kernel *k, run *r) {
    size_t count = 0;
    call *next;
    for (call *e = r->calls; e; e = next) {
        next = e->next;
        if (e->state == EFFECT_WAITING && e->reason != WAIT_APPROVAL) {
            count++;
            effect_decide(k, e);
        } else if (e->state == EFFECT_RETRY || (e->state == EFFECT_UNKNOWN && !e->number)) {
            call_due(k, e, kernel_now(k));
        }
    }
    return count;
}

static size_t decide_parked(kernel *k) {
    size_t count = 0, at = 0;
    run *r;
    run **all = keel_alloc((k->runs.count + 1) * sizeof *all);
    size_t runs = 0;
    while ((r = map_next(&k->runs, &at, NULL)) != NULL) {
        all[runs++] = r; /* a spawn adds to the map */
    }
    for (size_t i = 0; i < runs; i++) {
        count += decide_run(k, all[i]);
    }
    free(all);
    for (r = k->over; r; r = r->worker_next) {
        decide_run(k, r);
    }
    return count;
}

int command_resume(kernel *k, command *c, diag *d) {
    if (!k->halted) {
        return diag_set(d, DIAG_CONFLICT, "the workspace is not halted");
    }
    if (k->space_low) {
        diag_set(d, DIAG_CONFLICT, "the disk is nearly full, and nothing new is begun on it");
        return diag_next(d, "Free some space: a halt for that reason is lifted by itself.");
    }
    k->scratch.len = 0;
    keel_buf_puts(&k->scratch, "{}");
    journal_add(k, RECORD_RESUME, 0, "", &k->scratch);
    k->halted = k->halted_by_space = false;
    kernel_log(k, "info", 0, "resumed");
    keel_buf_printf(&c->result, "{\"waiting\":%zu}", decide_parked(k));
    for (worker *w = k->workers; w; w = w->next) {
        if (w->connection ? w->connection->queue != NULL : w->runs != NULL) {
            worker_need(k, w);
        }
    }
    return 0;
}

int command_reload(kernel *k, command *c, diag *d) {
    kernel_world w = {0};
    keel_buf warnings = KEEL_BUF_INIT;
    int rc = k->load_world(k->load_ctx, &w, &warnings, d);
    if (rc) {
        keel_buf_free(&warnings);
        world_refused(k, d);
        return rc;
    }
    world_take(k, &w);
    decide_parked(k);
    keel_json_writer jw;
    keel_json_write(&jw, &c->result);
    keel_json_object(&jw);
    keel_json_set_int(&jw, "connections", (int64_t)k->world.workspace->connection_count);
    keel_json_set_int(&jw, "plugins", (int64_t)library_count(k->world.library));
    keel_json_key(&jw, "policy");
    keel_json_hex(&jw, policy_digest(k->world.policy)->bytes, DIGEST_SIZE);
    keel_json_set_raw(&jw, "warnings", keel_json_view(warnings.data, warnings.len));
    keel_json_object_end(&jw);
    keel_buf_free(&warnings);
    return 0;
}

int command_events(kernel *k, command *c, diag *d) {
    (void)d;
    follow_add(k, c->client, c->ref, NULL);
    return 0;
}
