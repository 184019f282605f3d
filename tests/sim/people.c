#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* ---- commands, and what was answered ---- */

static void give(simulation *s, size_t i) {
    sim_asked *a = &s->asked[i];
    keel_buf b = KEEL_BUF_INIT;
    tell(s, "people: %s %s %.*s", a->request, a->name, a->args.len < 90 ? (int)a->args.len : 90,
         a->args.data);
    keel_buf_printf(&b, "{\"args\":%s,\"command\":\"%s\",\"request\":\"%s\"}", a->args.data,
                    a->name, a->request);
    kernel_command(s->w.kernel, s->w.client, i, keel_json_view(b.data, b.len));
    keel_buf_free(&b);
}

void people_command(simulation *s, const char *name, const char *format, ...) {
    if (s->asked_count == SIM_ASKED) {
        return;
    }
    sim_asked *a = &s->asked[s->asked_count++];
    *a = (sim_asked){.refused = false};
    snprintf(a->request, sizeof a->request, "request-%06llu", (unsigned long long)++s->requests);
    snprintf(a->name, sizeof a->name, "%s", name);
    va_list ap;
    va_start(ap, format);
    keel_buf_vprintf(&a->args, format, ap);
    va_end(ap);
    give(s, s->asked_count - 1);
}

static bool durable(const simulation *s, const char *request) {
    for (size_t i = 0; i < s->model->request_count; i++) {
        if (!strcmp(s->model->requests[i], request)) {
            return true;
        }
    }
    return false;
}

/* I11: what is acknowledged is durable, and a repeat says the same. */
void people_answered(simulation *s, uint64_t ref, const char *body, size_t len) {
    sim_asked *a = &s->asked[ref % SIM_ASKED];
    keel_json result = keel_json_get(keel_json_view(body, len), "result");
    tell(s, "keel: %s %s is answered %.*s", a->request, a->name, len < 110 ? (int)len : 110, body);
    if (!result.len) {
        if (a->answer.len && !memmem(body, len, "is stopping", 11) &&
            !crash_disk_struck(s->w.disk)) {
            violate(s, "I11", "%s %s was acknowledged, and a repeat is refused: %.*s", a->request,
                    a->name, len < 200 ? (int)len : 200, body);
        }
        a->refused = true;
        return;
    }
    if (!durable(s, a->request)) {
        violate(s, "I11", "%s %s is acknowledged and not durable", a->request, a->name);
    }
    if (a->answer.len &&
        (a->answer.len != result.len || memcmp(a->answer.data, result.data, result.len) != 0)) {
        violate(s, "I11", "%s %s: the repeat is answered %.*s instead of %s", a->request, a->name,
                result.len < 90 ? (int)result.len : 90, result.data, a->answer.data);
    }
    if (!a->answer.len) {
        keel_buf_append(&a->answer, result.data, result.len);
    }
}

void people_free(simulation *s) {
    for (size_t i = 0; i < s->asked_count; i++) {
        keel_buf_free(&s->asked[i].args);
        keel_buf_free(&s->asked[i].answer);
    }
}

/* ---- what they see ---- */

typedef struct seen_item {
    char number[16], kind[12], digest[DIGEST_HEX], key[40], run[16];
} seen_item;

typedef struct seen {
    seen_item items[64];
    size_t count;
} seen;

static int on_item(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    seen *all = ctx;
    if (all->count < sizeof all->items / sizeof *all->items) {
        seen_item *i = &all->items[all->count++];
        snprintf(i->number, sizeof i->number, "%s", v[0]);
        snprintf(i->kind, sizeof i->kind, "%s", v[1]);
        snprintf(i->digest, sizeof i->digest, "%s", v[2] ? v[2] : "");
        snprintf(i->key, sizeof i->key, "%s", v[3] ? v[3] : "");
        snprintf(i->run, sizeof i->run, "%s", v[4] ? v[4] : "");
    }
    return 0;
}

static void look(simulation *s, const char *sql, seen *out) {
    diag d = {0};
    out->count = 0;
    if (reader_query(store_reader(s->w.store), sql, NULL, 0, on_item, out, &d) && !s->w.dead &&
        !crash_disk_struck(s->w.disk)) {
        violate(s, "I7", "what is open cannot be read: %s", d.what);
    }
}

static void look_at_items(simulation *s, seen *out) {
    look(s,
         "SELECT i.number, i.kind, lower(hex(i.digest)), e.key, i.run FROM item i"
         " LEFT JOIN effect e ON e.run = i.run AND e.path = i.path WHERE i.state = 'open'"
         " ORDER BY i.number",
         out);
}

/* ---- the operator ---- */

/* He looks at the outside itself, and not before what is on its way has come. */
static bool decide_unknown(simulation *s, const seen_item *i) {
    if (wild_coming(&s->wild, i->key)) {
        return false;
    }
    people_command(s, "verdict", "{\"number\":%s,\"verdict\":\"%s\",\"why\":\"looked\"}", i->number,
                   wild_applied(&s->wild, i->key) ? "done" : "not_done");
    return true;
}

static bool see_to_stuck(simulation *s, const seen_item *i) {
    uint64_t what = s->calm ? 2 + roll(s, 3) : roll(s, 8);
    if (what == 4 || what == 5) { /* keel stuck compensate; what stopped half-way goes on by it */
        bool ordered = people_take_back(s, strtoull(i->run, NULL, 10));
        if (ordered || !s->calm) {
            return ordered;
        }
        what = 2; /* there is nothing left that has a way back */
    }
    if (what < 2) {
        people_command(s, "stuck.retry", "{\"number\":%s}", i->number);
    } else if (what == 2) {
        people_command(s, "stuck.resolve", "{\"number\":%s,\"why\":\"seen to\"}", i->number);
    } else if (what == 3) {
        people_command(s, "stuck.drop", "{\"number\":%s,\"why\":\"never mind\"}", i->number);
    }
    return what < 4;
}

static bool see_to(simulation *s, const seen_item *i) {
    char args[800];
    if (!strcmp(i->kind, "unknown") && !s->calm && chance(s, 30)) {
        people_command(s, "unknown.check", "{\"number\":%s}", i->number);
        return true;
    }
    if (!strcmp(i->kind, "unknown")) {
        return decide_unknown(s, i);
    }
    if (!strcmp(i->kind, "approval")) {
        if (!chance(s, 40) || !sim_remember(&s->w, strtoll(i->number, NULL, 10), args)) {
            sim_consent(&s->w, i->digest, i->number, args);
        }
        if (chance(s, 70)) {
            if (chance(s, 10)) { /* somebody edits what he is about to sign */
                people_command(s, "edit", "{\"number\":%s,\"set\":{\"n\":%d}}", i->number,
                               (int)roll(s, 10));
            }
            people_command(s, "approve", "%s", args);
        } else if (chance(s, 60)) {
            people_command(s, "deny", "{\"items\":[%s],\"why\":\"no\"}", i->number);
        } else {
            people_command(s, "edit", "{\"number\":%s,\"set\":{\"n\":%d}}", i->number,
                           (int)roll(s, 10));
        }
        return true;
    }
    if (!strcmp(i->kind, "question")) {
        static const char *const values[] = {"\"value\":\"this\"", "\"value\":\"that\"",
                                             "\"why\":\"no idea\"", "\"value\":7"};
        people_command(s, "answer", "{\"number\":%s,%s}", i->number,
                       values[roll(s, s->calm ? 3 : 4)]);
        return true;
    }
    if (!strcmp(i->kind, "stuck")) {
        return see_to_stuck(s, i);
    }
    return false;
}

bool people_see_to(simulation *s) {
    seen all;
    bool any = false;
    look_at_items(s, &all);
    for (size_t i = 0; i < all.count && alive(s); i++) {
        any |= see_to(s, &all.items[i]);
    }
    return any;
}

static void send_event(simulation *s) {
    people_command(s, "run.send", "{\"body\":{\"k\":%d},\"name\":\"e%d\",\"run\":%d}",
                   (int)roll(s, 9), (int)roll(s, 3), 1 + (int)roll(s, 6));
}

static void repeat_one(simulation *s) {
    if (s->asked_count) {
        give(s, roll(s, s->asked_count));
    }
}

static void revoke_one(simulation *s) {
    people_command(s, "grant.revoke", "{\"number\":%d,\"why\":\"enough\"}", 1 + (int)roll(s, 12));
}

static void begin_run(simulation *s) {
    if (chance(s, 25)) {
        people_command(s, "do", "{\"agent\":\"a%d\",\"input\":{},\"key\":\"k%d\"}",
                       (int)roll(s, s->plan.agents), (int)roll(s, 3));
    } else {
        people_command(s, "do", "{\"agent\":\"a%d\",\"input\":{}}", (int)roll(s, s->plan.agents));
    }
}

/* To another version of its agent, as far as its record was replayed there. */
static void migrate(simulation *s) {
    seen all;
    look(s,
         "SELECT r.id, 'run', lower(hex(p.digest)), '', '' FROM run r JOIN plugin p"
         " ON p.name = r.agent AND p.kind = 'agent' WHERE r.state IN ('open', 'paused')"
         " AND p.digest <> r.plugin ORDER BY r.id, p.seq",
         &all);
    if (all.count) {
        const seen_item *i = &all.items[roll(s, all.count)];
        size_t checked = s->model->count - (chance(s, 20) ? roll(s, s->model->count) : 0);
        people_command(s, "run.migrate", "{\"checked_seq\":%zu,\"plugin\":\"%s\",\"run\":%s}",
                       checked, i->digest, i->number);
    }
}

static void reload(simulation *s) {
    if (chance(s, 10)) {
        plan_spoil(s);
        people_command(s, "reload", "{}");
    }
    plan_renew(s);
    people_command(s, "reload", "{}");
    if (chance(s, 50)) {
        steps(s, 4 + roll(s, 20));
        if (alive(s)) {
            migrate(s);
        }
    }
}

void people_act(simulation *s) {
    switch (roll(s, 24)) {
    case 22:
    case 23:
        migrate(s);
        break;
    case 20:
    case 21:
        people_take_back_any(s);
        break;
    case 0:
        people_command(s, "halt", "{\"why\":\"a look\"}");
        break;
    case 1:
    case 2:
        people_command(s, "resume", "{}");
        break;
    case 3:
        people_command(s, "run.cancel", "{\"run\":%d}", 1 + (int)roll(s, 8));
        break;
    case 4:
    case 5:
        send_event(s);
        break;
    case 6:
        reload(s);
        break;
    case 7:
    case 8:
        repeat_one(s);
        break;
    case 9:
        people_command(s, "connection.retry", "{\"connection\":\"c%d\"}",
                       (int)roll(s, s->plan.count));
        people_command(s, "batch", "{\"numbers\":[%d]}", 1 + (int)roll(s, 6));
        break;
    case 10:
        if (chance(s, 50)) {
            revoke_one(s);
            break;
        }
        people_command(s, "run.resume", "{\"run\":%d}", 1 + (int)roll(s, 6));
        break;
    case 11:
    case 12:
    case 13:
    case 14:
        people_see_to(s);
        break;
    default:
        begin_run(s);
        break;
    }
}

/* ---- until nothing waits for anybody ---- */

static bool command_for_each(simulation *s, const char *sql, const char *name, const char *before,
                             const char *behind) {
    seen all;
    look(s, sql, &all);
    for (size_t i = 0; i < all.count && alive(s); i++) {
        people_command(s, name, "%s%s%s", before, all.items[i].number, behind);
    }
    return all.count > 0;
}

bool people_settle(simulation *s) {
    bool any = false;
    if (sim_number(&s->w, "SELECT halted FROM control") == 1) {
        people_command(s, "resume", "{}");
        any = true;
    }
    any |= people_see_to(s);
    if (!any) {
        any |= command_for_each(
            s, "SELECT DISTINCT run, 'run', '', '', '' FROM pending WHERE kind = 'receive'",
            "run.send", "{\"body\":1,\"name\":\"e0\",\"run\":", "}");
    }
    if (!any || s->asked_count > SIM_ASKED - 80) {
        any |= command_for_each(
            s, "SELECT id, 'run', '', '', '' FROM run WHERE state IN ('open', 'paused')",
            "run.cancel", "{\"run\":", "}");
    }
    return any;
}
