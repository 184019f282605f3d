/* A life of somebody's workspace: each scene of one agent is begun, answered, and waited for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "operator.h"
#include "siteint.h"
#include "standin.h"
#include "userint.h"

#define JUMPS 12 /* over times in which everything sleeps, in one life */

/* ---- the outside's answers ---- */

/* "inbox.message.read": the connection, and what is behind it. */
static bool is_of(const scene_call *c, const char *connection) {
    size_t len = strlen(connection);
    return !strcmp(c->kind, "effect") && !c->open && !strncmp(c->name, connection, len) &&
           c->name[len] == '.';
}

static void put_answers(const scene *sc, const char *connection, bool own, keel_buf *out) {
    for (size_t i = 0; i < sc->count; i++) {
        const scene_call *c = &sc->calls[i];
        if (!is_of(c, connection)) {
            continue;
        }
        keel_json args =
            keel_json_get(keel_json_view(c->args.data ? c->args.data : "{}", c->args.len), "args");
        keel_json answer = keel_json_view(c->outcome.data, c->outcome.len);
        keel_json ok = keel_json_get(answer, "ok"), err = keel_json_get(answer, "err");
        if (!own && !args.len) {
            continue; /* another agent's scene speaks only for exactly its own calls */
        }
        keel_buf_printf(out, "%s{", out->data[out->len - 1] == '[' ? "" : ",");
        if (args.len) {
            keel_buf_printf(out, "\"args\":%.*s,", (int)args.len, args.data);
        }
        if (err.len) {
            keel_buf_printf(out, "\"err\":%.*s,", (int)err.len, err.data);
        }
        keel_buf_printf(out, "\"loose\":%s,", own ? "true" : "false");
        if (ok.len) {
            keel_buf_printf(out, "\"ok\":%.*s,", (int)ok.len, ok.data);
        }
        keel_buf_printf(out, "\"use\":\"%s\"}", c->name + strlen(connection) + 1);
    }
}

static void give_answers(site *s, const user_agent *a, size_t scene_number) {
    const user *u = a->user;
    for (size_t i = 0; i < u->connection_count; i++) {
        keel_buf text = KEEL_BUF_INIT;
        keel_buf_puts(&text, "{\"answers\":[");
        put_answers(a->scenes[scene_number], u->connections[i], true, &text);
        for (size_t k = 0; k < u->agent_count; k++) {
            bool other = strcmp(u->agents[k].name, a->name) != 0;
            for (size_t j = 0; other && j < u->agents[k].count; j++) {
                put_answers(u->agents[k].scenes[j], u->connections[i], false, &text);
            }
        }
        keel_buf_printf(&text, "],\"scene\":%zu}", scene_number);
        standin_answers(s, u->connections[i], &text);
        keel_buf_free(&text);
    }
}

/* ---- what it waits for ---- */

/* The next event that the scene answers with and that was not sent: {} when it has none. */
static bool send_event(site *s, const user_agent *a, size_t scene_number, const char *row) {
    char run[24] = "", path[120] = "", name[100] = "", request[64];
    keel_buf args = KEEL_BUF_INIT;
    sscanf(row, "%23s %119s %99s", run, path, name);
    snprintf(request, sizeof request, "event-%s-%.40s", run, path);
    const scene *sc = a->scenes[scene_number];
    keel_json body = {0};
    for (size_t i = 0; i < sc->count && !body.len; i++) {
        const scene_call *c = &sc->calls[i];
        keel_json ok = keel_json_get(
            keel_json_view(c->outcome.data ? c->outcome.data : "{}", c->outcome.len), "ok");
        if (!strcmp(c->kind, "receive") && keel_json_get(ok, "name").len &&
            (!name[0] || keel_json_is(keel_json_get(ok, "name"), name))) {
            body = keel_json_get(ok, "body");
            keel_json_copy(keel_json_get(ok, "name"), name, sizeof name);
        }
    }
    keel_buf_printf(&args, "{\"body\":%.*s,\"name\":\"%s\",\"run\":%s}",
                    body.len ? (int)body.len : 4, body.len ? body.data : "null",
                    name[0] ? name : "event", run);
    bool sent = operator_tell(s, request, "run.send", args.data);
    keel_buf_free(&args);
    return sent;
}

/* All that is open sleeps: the machine is off until the first of it is due. */
static bool jump(site *s) {
    char plan[80];
    long us = site_count(s, "SELECT min(due_us) - (SELECT max(at) FROM journal) FROM pending"
                            " WHERE due_us IS NOT NULL");
    snprintf(plan, sizeof plan, "clock.wall=clock(%ld)@1", us / 1000 + 1000);
    site_start how = {.failpoint = plan};
    return site_down(s) && (site_up(s, &how) || site_fault(s, "it does not start after a sleep"));
}

static bool give_up(site *s) {
    char args[80], request[40];
    long run = site_count(s, "SELECT min(id) FROM run WHERE state = 'open' AND id = root");
    snprintf(args, sizeof args, "{\"run\":%ld,\"why\":\"it sleeps again and again\"}", run);
    snprintf(request, sizeof request, "give-up-run-%ld", run);
    return run && operator_tell(s, request, "run.cancel", args);
}

/* The runs that are open all wait for a time, an event or each other. */
static bool all_wait(site *s) {
    return site_count(s, "SELECT (SELECT count(*) FROM run WHERE state = 'open') > 0"
                         " AND NOT EXISTS (SELECT 1 FROM effect WHERE state IN ('waiting',"
                         " 'intended', 'unknown', 'reconciling', 'retry', 'stale'))"
                         " AND NOT EXISTS (SELECT 1 FROM run r WHERE r.state = 'open' AND NOT"
                         " EXISTS (SELECT 1 FROM pending p WHERE p.run = r.id))");
}

static bool go_on(site *s, const user_agent *a, size_t scene_number, int *jumps) {
    static const char events[] =
        "SELECT run || ' ' || path || ' ' || ifnull(name, '') FROM pending p WHERE kind = 'receive'"
        " AND due_us IS NULL AND NOT EXISTS (SELECT 1 FROM request WHERE id = 'event-' || p.run ||"
        " '-' || p.path) LIMIT 1";
    if (!all_wait(s)) {
        return true;
    }
    const char *row = site_query(s, events, NULL);
    if (*row) {
        char copy[300];
        snprintf(copy, sizeof copy, "%s", row);
        return send_event(s, a, scene_number, copy);
    }
    if (!site_count(s, "SELECT count(*) FROM pending WHERE due_us IS NOT NULL") ||
        ++*jumps > JUMPS) {
        return give_up(s);
    }
    return jump(s);
}

static bool paused(site *s) {
    char row[300];
    site_read(s,
              "SELECT agent || ' (run ' || id || '): ' || ifnull(reason, '') FROM run"
              " WHERE state = 'paused' LIMIT 1",
              NULL, row, sizeof row);
    return row[0] && !site_fault(s, "I10: paused: %s", row);
}

static bool settle(site *s, const user_agent *a, size_t scene_number) {
    int jumps = 0, waited = 0;
    long items = 0;
    while (operator_alive(s) && waited < OPERATOR_PATIENCE_MS) {
        if (operator_at_rest(s, &items)) {
            return true;
        }
        if (items && operator_decide(s)) {
            continue;
        }
        if (paused(s) || !go_on(s, a, scene_number, &jumps)) {
            return false;
        }
        site_sleep_us(OPERATOR_LOOK_MS * 1000);
        waited += OPERATOR_LOOK_MS;
    }
    return operator_alive(s) && operator_restless(s);
}

/* ---- the life ---- */

static bool has_begun(const site *s, size_t i) {
    char request[40];
    snprintf(request, sizeof request, "begin-scene-%zu", i);
    return site_answer_to(s, request) != NULL;
}

static bool begin(site *s, const user_agent *a, size_t i) {
    char request[40];
    keel_buf args = KEEL_BUF_INIT;
    keel_buf_printf(&args, "{\"agent\":\"%s\",\"input\":%s}", a->name, a->scenes[i]->input.data);
    snprintf(request, sizeof request, "begin-scene-%zu", i);
    bool begun = operator_begin(s, request, args.data) != 0;
    keel_buf_free(&args);
    return begun;
}

bool user_live(site *s) {
    const user_agent *a = s->of;
    for (size_t i = 0; i < a->count; i++) {
        if (i + 1 < a->count && has_begun(s, i + 1)) {
            continue; /* it had come to rest */
        }
        if (!has_begun(s, i)) {
            give_answers(s, a, i);
        }
        if (!begin(s, a, i) || !settle(s, a, i)) {
            return false;
        }
    }
    return operator_alive(s);
}

void user_check(site *s, const script *sc) {
    const user_agent *a = sc->of;
    site_check(s);
    for (size_t i = 0; i < a->count; i++) {
        if (!has_begun(s, i)) {
            site_fault(s, "I11: scene %zu of %s was not begun", i + 1, a->name);
        }
    }
}
