#include "scripts.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "digest.h"
#include "fsio.h"
#include "siteint.h"

#define PATIENCE_MS 20000

/* ---- pieces ---- */

static bool is_up(site *s) {
    siginfo_t info = {0};
    return s->kernel && !s->problem[0] &&
           (waitid(P_PID, (id_t)s->kernel, &info, WEXITED | WNOHANG | WNOWAIT) || !info.si_pid);
}

static bool tell(site *s, const char *request, const char *name, const char *args) {
    site_said said = site_say(s, request, name, args);
    if (said == SITE_REFUSED) {
        site_fault(s, "%s (%s) was refused: %s", name, request, site_refusal);
    }
    return said == SITE_ANSWERED;
}

static long number_in(const char *answer, const char *key) {
    int64_t n = 0;
    keel_json_int(keel_json_get(keel_json_view(answer, strlen(answer)), key), &n);
    return (long)n;
}

/* The run that `do` began under this request id; 0: the kernel has gone. */
static long begin(site *s, const char *request, const char *args) {
    return tell(s, request, "do", args) ? number_in(site_answer_to(s, request), "run") : 0;
}

/* Waits until the query gives at least n; false when the kernel has gone or time is up. */
static bool await(site *s, const char *sql, long n, int ms) {
    for (int waited = 0; is_up(s) && waited < ms; waited++) {
        if (site_count(s, sql) >= n) {
            return true;
        }
        site_sleep_us(1000);
    }
    return false;
}

/* The first number under which a target was asked, open or not. */
static long item_of(site *s, const char *target) {
    return strtol(site_query(s,
                             "SELECT min(i.number) FROM item i JOIN effect e ON e.run = i.run AND"
                             " e.path = i.path WHERE e.target = ?",
                             target),
                  NULL, 10);
}

/* ---- the operator ---- */

static bool judge(site *s, const char *number, const char *key) {
    char args[160], request[64];
    snprintf(args, sizeof args, "{\"number\":%s,\"verdict\":\"%s\",\"why\":\"looked\"}", number,
             site_applied(s, key) ? "done" : "not_done");
    snprintf(request, sizeof request, "verdict-%s", number);
    return tell(s, request, "verdict", args);
}

/* Decides the first open item. false: there was none, or the kernel has gone. */
static bool decide_one(site *s) {
    char number[24] = "", kind[16] = "", key[40] = "";
    const char *row = site_query(s,
                                 "SELECT i.number || ' ' || i.kind || ' ' || ifnull(e.key, '-')"
                                 " FROM item i JOIN effect e ON e.run = i.run AND e.path = i.path"
                                 " WHERE i.state = 'open' LIMIT 1",
                                 NULL);
    if (sscanf(row, "%23s %15s %39s", number, kind, key) != 3) {
        return false;
    }
    if (!strcmp(kind, "unknown")) {
        return judge(s, number, key);
    }
    site_said said = site_approve(s, number);
    if (said == SITE_REFUSED) {
        site_fault(s, "an approval was refused: %s", site_refusal);
    }
    return said == SITE_ANSWERED;
}

static bool is_at_rest(site *s) {
    return !site_count(s, "SELECT (SELECT count(*) FROM run WHERE state IN ('open', 'paused')) +"
                          " (SELECT count(*) FROM effect WHERE state IN ('waiting', 'intended',"
                          " 'unknown', 'reconciling', 'retry', 'stale'))");
}

static bool settle(site *s, bool people) {
    for (int waited = 0; is_up(s) && waited < PATIENCE_MS; waited += 2) {
        if (is_at_rest(s)) {
            return true;
        }
        if (!people || !decide_one(s)) {
            site_sleep_us(2000);
        }
    }
    if (is_up(s)) {
        char runs[300], effects[300];
        snprintf(runs, sizeof runs, "%s",
                 site_query(s,
                            "SELECT group_concat(agent || ' ' || id) FROM run"
                            " WHERE state IN ('open', 'paused')",
                            NULL));
        snprintf(effects, sizeof effects, "%s",
                 site_query(s,
                            "SELECT group_concat(target || ' ' || state) FROM effect WHERE state"
                            " NOT IN ('done', 'not_done', 'denied', 'rejected', 'expired')",
                            NULL));
        site_fault(s, "it does not come to rest: runs %s; effects %s", runs, effects);
    }
    return false;
}

/* ---- work: every class of effect, children, events, connectors that die ---- */

static bool live_work(site *s) {
    char args[128];
    long run = begin(s, "do-boss-1", "{\"agent\":\"boss\",\"input\":{},\"key\":\"first\"}");
    if (!run) {
        return false;
    }
    snprintf(args, sizeof args, "{\"body\":{\"n\":7},\"name\":\"go\",\"run\":%ld}", run);
    return tell(s, "send-go-1", "run.send", args) && settle(s, true);
}

/* ---- people: batch, halt, deny, edit, reload, cancel ---- */

static bool batch(site *s) {
    char args[200];
    if (site_answer_to(s, "batch-01")) {
        return true;
    }
    if (!await(s, "SELECT count(*) FROM item", 4, PATIENCE_MS)) {
        return is_up(s) && site_fault(s, "the questions do not come");
    }
    snprintf(args, sizeof args, "{\"numbers\":[%ld,%ld,%ld]}", item_of(s, "plain.signed.write"),
             item_of(s, "plain.rejected.write"), item_of(s, "plain.edited.write"));
    return tell(s, "batch-01", "batch", args);
}

static bool halt(site *s, long run) {
    char args[128];
    snprintf(args, sizeof args, "{\"body\":null,\"name\":\"go\",\"run\":%ld}", run);
    if (!tell(s, "halt-001", "halt", "{\"why\":\"a test\"}") ||
        !tell(s, "send-go-2", "run.send", args)) {
        return false;
    }
    if (!site_answer_to(s, "resume-1")) { /* no executor starts while halted: it may never come */
        await(s, "SELECT count(*) FROM effect WHERE reason = 'halted'", 1, 300);
    }
    return tell(s, "resume-1", "resume", "{}");
}

static bool decide(site *s) {
    char args[200];
    snprintf(args, sizeof args, "{\"items\":[%ld],\"why\":\"not this one\"}",
             item_of(s, "plain.rejected.write"));
    if (!tell(s, "deny-001", "deny", args)) {
        return false;
    }
    snprintf(args, sizeof args, "{\"number\":%ld,\"set\":{\"text\":\"as edited\"}}",
             item_of(s, "plain.edited.write"));
    return tell(s, "edit-001", "edit", args);
}

static void put_policy(site *s, const char *more) {
    char path[240];
    keel_buf text = KEEL_BUF_INIT;
    snprintf(path, sizeof path, "%s/policies/faults.yaml", s->root);
    if (!fsio_read(path, 65536, &text, NULL)) {
        char *at = strstr(text.data, "expires: 2h }");
        if (at) {
            memcpy(at, "expires: 3h }", 13);
        }
        site_put(s, "policies/faults.yaml", text.data);
    }
    keel_buf_free(&text);
    site_put(s, "policies/more.yaml", more);
}

/* A rule changes: what was asked under it is stale. Then a policy that cannot be read. */
static bool reload(site *s) {
    put_policy(s, "version: 1\n");
    if (!tell(s, "reload-1", "reload", "{}")) {
        return false;
    }
    put_policy(s, "version: 1\nrules:\n  - { id: broken\n");
    site_said said = site_say(s, "reload-2", "reload", "{}");
    put_policy(s, "version: 1\n");
    if (said == SITE_ANSWERED) {
        site_fault(s, "a broken policy took force");
    }
    return said == SITE_REFUSED;
}

static bool set_approver(site *s) {
    uint8_t pk[32], sk[64], signature[64];
    char incarnation[17], key[65], proof[129], text[300], args[500];
    site_keys(pk, sk);
    hex_encode(key, pk, sizeof pk);
    snprintf(incarnation, sizeof incarnation, "%.16s",
             site_query(s, "SELECT value FROM meta WHERE key = 'incarnation'", NULL));
    int n = snprintf(text, sizeof text,
                     "{\"approver\":\"operator\",\"incarnation\":\"%s\",\"public_key\":\"%s\"}",
                     incarnation, key);
    crypto_sign_detached(signature, NULL, (uint8_t *)text, (unsigned long long)n, sk);
    hex_encode(proof, signature, sizeof signature);
    snprintf(args, sizeof args,
             "{\"name\":\"operator\",\"proof\":\"%s\",\"public_key\":\"%s\","
             "\"salt\":\"11111111111111111111111111111111\"}",
             proof, key);
    return tell(s, "approver-1", "approver.set", args);
}

static bool cancel(site *s) {
    char args[128];
    long run = begin(s, "do-sleeper-1", "{\"agent\":\"sleeper\",\"input\":{}}");
    snprintf(args, sizeof args, "{\"run\":%ld,\"why\":\"not needed\"}", run);
    return run && tell(s, "cancel-1", "run.cancel", args);
}

static bool live_people(site *s) {
    long run = begin(s, "do-asker-1",
                     "{\"agent\":\"asker\",\"input\":{\"questions\":[\"signed\",\"rejected\","
                     "\"edited\",\"stale\"],\"word\":true}}");
    return run && batch(s) && halt(s, run) && decide(s) && reload(s) && set_approver(s) &&
           cancel(s) && begin(s, "do-bomb-1", "{\"agent\":\"bomb\",\"input\":{}}") &&
           settle(s, true);
}

/* ---- expiry: the clock stands two minutes later when the kernel starts again ---- */

static bool prepare_expiry(site *s) {
    if (!site_up_plain(s) ||
        !begin(s, "do-asker-2", "{\"agent\":\"asker\",\"input\":{\"questions\":[\"expiring\"]}}") ||
        !await(s, "SELECT count(*) FROM item", 1, PATIENCE_MS)) {
        return site_fault(s, "the question does not come");
    }
    site_kill(s);
    return true;
}

static bool live_expiry(site *s) {
    return settle(s, false);
}

/* ---- rollback: an older copy of the database, accepted ---- */

static bool live_rollback(site *s) {
    return begin(s, "do-helper-2", "{\"agent\":\"helper\",\"input\":{\"luck\":2}}") &&
           settle(s, true);
}

static bool copy(site *s, const char *from, const char *to) {
    char a[240], b[240];
    keel_buf bytes = KEEL_BUF_INIT;
    snprintf(a, sizeof a, "%s/%s", s->folder, from);
    snprintf(b, sizeof b, "%s/%s", s->folder, to);
    bool copied = !fsio_read(a, 64 << 20, &bytes, NULL) &&
                  !fsio_write_atomic(b, bytes.data, bytes.len, 0600, NULL);
    keel_buf_free(&bytes);
    return copied || site_fault(s, "%s cannot be copied", from);
}

static bool prepare_rollback(site *s) {
    if (!site_up_plain(s) ||
        !begin(s, "do-helper-1", "{\"agent\":\"helper\",\"input\":{\"luck\":1}}") ||
        !settle(s, true) || !site_down(s) || !copy(s, "ws/.keel/keel.db", "older.db")) {
        return site_fault(s, "the first life fails");
    }
    size_t known = s->answer_count;
    if (!site_up_plain(s) || !cancel(s) || !site_down(s) ||
        !copy(s, "older.db", "ws/.keel/keel.db")) {
        return site_fault(s, "the second life fails");
    }
    while (s->answer_count > known) { /* what an older database cannot know */
        site_answer *a = &s->answers[--s->answer_count];
        free(a->args);
        free(a->result);
    }
    return true;
}

/* ---- all of them ---- */

const script scripts[] = {
    {.name = "work",
     .live = live_work,
     .runs = "boss=ended helper=ended",
     .effects = "after_checkable.checkable.write=1 after_keyed.keyed.write=1"
                " after_once.once.write=1 before.checkable.write=1 hanging.slow.write=1"
                " plain.checkable.write=2"
                " plain.forbidden.write=1 plain.keyed.read=1 plain.keyed.write=2"
                " plain.once.write=1 plain.repeatable.write=1 plain.signed.write=1"},
    {.name = "people",
     .live = live_people,
     .runs = "asker=ended bomb=failed sleeper=cancelled",
     .effects = "plain.edited.write=1 plain.rejected.write=1 plain.repeatable.write=1"
                " plain.signed.write=1 plain.stale.write=1"},
    {.name = "expiry",
     .prepare = prepare_expiry,
     .live = live_expiry,
     .plan = "clock.wall=clock(120000)@1",
     .runs = "asker=ended",
     .effects = "plain.expiring.write=1"},
    {.name = "rollback",
     .prepare = prepare_rollback,
     .live = live_rollback,
     .option = "--accept-rollback",
     .runs = "helper=ended helper=ended",
     .effects = "plain.keyed.write=2"},
};
const size_t script_count = sizeof scripts / sizeof *scripts;

void script_site(site *s, const char *folder) {
    static const char *const folders[] = {"plain",      "after_keyed", "after_checkable",
                                          "after_once", "before",      "hanging"};
    const char *from = getenv("KEEL_WORKSPACE");
    site_make(s, folder, from ? from : "workspace");
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[240];
        snprintf(path, sizeof path, "%s/%s", s->root, folders[i]);
        mkdir(path, 0700);
    }
}

static void compare(site *s, const char *what, const char *sql, const char *expected) {
    const char *found = site_query(s, sql, NULL);
    if (strcmp(found, expected) != 0) {
        site_fault(s, "%s: %s, not %s", what, found, expected);
    }
}

void script_check(site *s, const script *sc) {
    char db[240];
    diag d = {0};
    site_check(s);
    snprintf(db, sizeof db, "%s/.keel/keel.db", s->root);
    if (reader_open(&s->db, db, NULL, &d)) {
        s->db = NULL;
        return;
    }
    compare(s, "runs",
            "SELECT group_concat(t, ' ') FROM (SELECT agent || '=' || state AS t FROM run"
            " ORDER BY t)",
            sc->runs);
    compare(s, "effects",
            "SELECT group_concat(t, ' ') FROM (SELECT target || '=' || count(*) AS t FROM effect"
            " WHERE target <> 'run.spawn' GROUP BY target ORDER BY target)",
            sc->effects);
    reader_close(s->db);
    s->db = NULL;
}
