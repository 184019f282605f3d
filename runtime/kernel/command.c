/* Commands over the socket: found in a table, answered once per request id. */
#include "command.h"
#include "attention.h"
#include "planted.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "notices.h"
#include "short.h"
#include "trouble.h"
#include "yamltree.h"

static const struct {
    const char *name;
    bool mutating;
    command_function *run;
    void (*answered)(kernel *k, const command *c, keel_json result); /* NULL: nothing follows */
} commands[] = {
    {"answer", true, command_answer, NULL},
    {"approve", true, command_approve, NULL},
    {"approver.set", true, command_approver_set, NULL},
    {"batch", true, command_batch, NULL},
    {"connection.retry", true, command_connection_retry, NULL},
    {"denial.lift", true, command_denial_lift, NULL},
    {"deny", true, command_deny, NULL},
    {"do", true, command_do, do_answered},
    {"down", false, command_down, NULL},
    {"edit", true, command_edit, NULL},
    {"events", false, command_events, NULL},
    {"grant.revoke", true, command_grant_revoke, NULL},
    {"gathered", true, command_gathered, NULL},
    {"halt", true, command_halt, NULL},
    {"notify.test", false, command_notify_test, NULL},
    {"override", true, command_override, do_answered},
    {"override.plan", false, command_override_plan, NULL},
    {"reload", true, command_reload, NULL},
    {"resume", true, command_resume, NULL},
    {"rollback", true, command_rollback, NULL},
    {"run.cancel", true, command_run_cancel, NULL},
    {"run.label", true, command_run_label, NULL},
    {"run.migrate", true, command_run_migrate, NULL},
    {"run.resume", true, command_run_resume, NULL},
    {"run.send", true, command_run_send, NULL},
    {"shown", false, command_shown, NULL},
    {"status", false, command_status, NULL},
    {"stuck.drop", true, command_stuck_drop, NULL},
    {"stuck.resolve", true, command_stuck_resolve, NULL},
    {"stuck.retry", true, command_stuck_retry, do_answered},
    {"unknown.check", true, command_unknown_check, NULL},
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
    diag found = {0};
    int rc = request_find(k, request, &before, &result, &found);
    if (rc) {
        keel_buf_free(&result);
        if (rc == DIAG_NOT_FOUND) {
            return 0;
        }
        *d =
            found; /* it may have been carried out: not once more on the mere hope that it was not */
        return rc;
    }
    rc = 1;
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
    if (!KEEL_PLANTED("request_forgotten")) {
        command_record(k, request, commands[i].name, &now, result);
    }
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
        if (!rc && !c->later) {
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
    kernel_now(k); /* how the clock stands */
    keel_json_write(&w, &c->result);
    keel_json_object(&w);
    keel_json_key(&w, "anchor");
    trouble_anchor(k, &w);
    keel_json_set_int(&w, "boot", k->identity.boot);
    keel_json_key(&w, "budgets");
    budgets_write(k, &w);
    keel_json_set_int(&w, "clock_ahead_us", k->clock_ahead_us);
    keel_json_key(&w, "connections");
    trouble_connections(k, &w);
    attention_write(k, &w);
    keel_json_set_bool(&w, "halted", k->halted);
    keel_json_set_text(&w, "incarnation", k->identity.incarnation);
    keel_json_key(&w, "network");
    trouble_network(k, &w);
    keel_json_key(&w, "notify");
    notices_write(k, &w);
    keel_json_set_int(&w, "open_runs", (int64_t)k->runs.count);
    keel_json_set_int(&w, "pid", (int64_t)getpid());
    keel_json_set_int(&w, "seq", k->durable_seq);
    if (k->standing.count) {
        keel_json_set_int(&w, "standing", (int64_t)k->standing.count);
    }
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

int command_events(kernel *k, command *c, diag *d) {
    (void)d;
    follow_add(k, c->client, c->ref, NULL);
    return 0;
}
