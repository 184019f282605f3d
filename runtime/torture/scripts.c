#include "scripts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fsio.h"
#include "operator.h"
#include "pool.h"
#include "siteint.h"

/* ---- start: the first one ever, and nothing to do ---- */

static bool live_start(site *s) {
    return operator_alive(s);
}

/* ---- work: every class of effect, children, events ---- */

static bool live_work(site *s) {
    char args[128];
    long run =
        operator_begin(s, "do-boss-1", "{\"agent\":\"boss\",\"input\":{},\"key\":\"first\"}");
    if (!run) {
        return false;
    }
    snprintf(args, sizeof args, "{\"body\":{\"n\":7},\"name\":\"go\",\"run\":%ld}", run);
    return operator_tell(s, "send-go-1", "run.send", args) && operator_settle(s, true);
}

/* ---- lost: connectors that die and hang, before and after ---- */

static bool live_lost(site *s) {
    return operator_begin(s, "do-boss-2", "{\"agent\":\"boss\",\"input\":{\"lost\":true}}") &&
           operator_settle(s, true);
}

/* ---- stuck: a run that failed is told of again, and goes on when its cause is mended ---- */

#define STUCK "SELECT count(*) FROM item WHERE kind = 'stuck' AND state = 'open'"

static bool prepare_stuck(site *s) {
    if (!site_up_plain(s) ||
        !operator_begin(s, "do-stubborn-1", "{\"agent\":\"stubborn\",\"input\":{}}") ||
        !operator_await(s, STUCK, 1, OPERATOR_PATIENCE_MS)) {
        return site_fault(s, "the run that fails is not stuck");
    }
    site_kill(s);
    return true;
}

static bool retry(site *s, long number) {
    char args[40], request[40];
    snprintf(args, sizeof args, "{\"number\":%ld}", number);
    snprintf(request, sizeof request, "retry-stuck-%ld", number);
    return operator_tell(s, request, "stuck.retry", args);
}

static bool live_stuck(site *s) {
    site_put(s, "plain/mended", "yes\n");
    if (!operator_await(s, "SELECT count(*) FROM journal WHERE kind = 52", 1,
                        OPERATOR_PATIENCE_MS)) {
        return operator_alive(s) && site_fault(s, "nobody is told again of what is stuck");
    }
    return operator_persist(s, retry);
}

/* ---- recovery: killed in the middle of its work, when much is open ---- */

static bool prepare_recovery(site *s) {
    site_start first = {.failpoint = "journal.effect.done.before_commit=kill@4"};
    if (site_up(s, &first)) {
        live_work(s);
    }
    site_reap(s);
    return site_killed(s) || site_fault(s, "the first life does not end at its failpoint");
}

/* ---- all of them ---- */

static void compare(site *s, const char *what, const char *sql, const char *expected) {
    const char *found = site_query(s, sql, NULL);
    if (strcmp(found, expected) != 0) {
        site_fault(s, "%s: %s, not %s", what, found, expected);
    }
}

static void check(site *s, const script *sc) {
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
    compare(
        s, "effects",
        "SELECT group_concat(t, ' ') FROM (SELECT target || '=' || count(*) AS t FROM effect"
        " WHERE target <> 'run.spawn' AND NOT (target LIKE '%.compensate' AND state = 'not_done'"
        " AND EXISTS (SELECT 1 FROM effect again WHERE again.target = effect.target AND"
        " again.args_seq > effect.args_seq)) GROUP BY target ORDER BY target)",
        sc->effects);
    reader_close(s->db);
    s->db = NULL;
}

void script_workspace(char *out, size_t size, const char *name) {
    const char *from = getenv("KEEL_WORKSPACES");
    snprintf(out, size, "%s/%s", from ? from : ".", name);
}

static bool make_network(site *s, const script *sc, const char *folder) {
    char from[400];
    (void)sc;
    script_workspace(from, sizeof from, "network");
    site_make(s, folder, from);
    site_ship(s, "board");
    return true;
}

static void check_network(site *s, const script *sc) {
    script_network_oracle(s);
    check(s, sc);
}

static bool make_polled(site *s, const script *sc, const char *folder) {
    char from[400], path[240];
    (void)sc;
    script_workspace(from, sizeof from, "polled");
    site_make(s, folder, from);
    site_ship(s, "shelf");
    snprintf(path, sizeof path, "%s/shelf", s->root);
    mkdir(path, 0700);
    return true;
}

static bool make(site *s, const script *sc, const char *folder) {
    static const char *const folders[] = {"plain",  "after_keyed", "after_checkable", "after_once",
                                          "before", "hanging",     "flaky",           "after_undo"};
    char from[400];
    (void)sc;
    script_workspace(from, sizeof from, "own");
    site_make(s, folder, from);
    site_ship(s, "sink"); /* its classes are what is tested here */
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[240];
        snprintf(path, sizeof path, "%s/%s", s->root, folders[i]);
        mkdir(path, 0700);
    }
    return true;
}

/* Nobody signs: erasing asks for the approver's passphrase where there is one. */
static bool make_open(site *s, const script *sc, const char *folder) {
    char path[240];
    bool made = make(s, sc, folder);
    snprintf(path, sizeof path, "%s/.keel/approver.json", s->root);
    unlink(path);
    return made;
}

#define WORK_EFFECTS                                                                               \
    "plain.checkable.write=2"                                                                      \
    " plain.forbidden.write=1 plain.keyed.read=1 plain.keyed.write=2"                              \
    " plain.once.write=1 plain.repeatable.write=1 plain.signed.write=1"

const script scripts[] = {
    {.name = "start",
     .place = "own",
     .make = make,
     .live = live_start,
     .check = check,
     .fresh = true,
     .runs = "",
     .effects = ""},
    {.name = "work",
     .granted = "plain",
     .place = "own",
     .make = make,
     .live = live_work,
     .check = check,
     .runs = "boss=ended helper=ended",
     .effects = WORK_EFFECTS},
    {.name = "lost",
     .granted = "after_keyed",
     .place = "own",
     .make = make,
     .live = live_lost,
     .check = check,
     .runs = "boss=ended",
     .effects = "after_checkable.checkable.write=1 after_keyed.keyed.write=1"
                " after_once.once.write=1 before.checkable.write=1 hanging.slow.write=1"},
    {.name = "network",
     .place = "network",
     .make = make_network,
     .equip = script_network_equip,
     .live = script_network,
     .check = check_network,
     .runs = "poster=ended",
     .effects = "board.card.read=1 board.card.write=2"},
    {.name = "people",
     .place = "own",
     .make = make,
     .live = script_people,
     .check = check,
     .runs = "asker=ended asker=ended asker=ended bomb=failed sleeper=cancelled",
     .effects = "plain.edited.write=1 plain.rejected.write=1 plain.remembered.write=2"
                " plain.repeatable.write=1 plain.signed.write=1 plain.stale.write=1"},
    {.name = "expiry",
     .place = "own",
     .make = make,
     .prepare = script_prepare_expiry,
     .live = script_expiry,
     .check = check,
     .plan = "clock.wall=clock(120000)@1",
     .runs = "asker=ended",
     .effects = "plain.expiring.write=1"},
    {.name = "stuck",
     .place = "own",
     .make = make,
     .prepare = prepare_stuck,
     .live = live_stuck,
     .check = check,
     .plan = "clock.wall=clock(3700000)@1",
     .runs = "stubborn=ended",
     .effects = "plain.keyed.write=1 plain.once.write=1"},
    {.name = "override",
     .place = "own",
     .make = make,
     .prepare = script_prepare_override,
     .live = script_override,
     .check = check,
     .runs = "bold=ended",
     .effects = "plain.forbidden.write=1"},
    {.name = "breaker",
     .place = "own",
     .make = make,
     .live = script_breaker,
     .check = check,
     .runs = "flicker=ended",
     .effects = "flaky.checkable.write=1"},
    {.name = "polled",
     .place = "polled",
     .make = make_polled,
     .prepare = script_polled_prepare,
     .live = script_polled,
     .check = check,
     .runs = "reader=ended",
     .effects = "shelf.copy.write=2"},
    {.name = "erase",
     .place = "open",
     .make = make_open,
     .prepare = script_helped_prepare,
     .live = script_helped,
     .check = check,
     .needs = "audit erase",
     .words = script_erase_words,
     .runs = "helper=ended helper=ended",
     .effects = "plain.keyed.write=2"},
    {.name = "archive",
     .place = "own",
     .make = make,
     .prepare = script_helped_prepare,
     .live = script_helped,
     .check = check,
     .needs = "audit archive",
     .words = script_archive_words,
     .runs = "helper=ended helper=ended",
     .effects = "plain.keyed.write=2"},
    {.name = "restore",
     .place = "own",
     .make = make,
     .prepare = script_restore_prepare,
     .live = script_restored,
     .check = check,
     .needs = "restore",
     .words = script_restore_words,
     .runs = "helper=ended helper=ended",
     .effects = "plain.keyed.write=2"},
    {.name = "restored",
     .place = "own",
     .make = make,
     .prepare = script_restored_prepare,
     .live = script_restored,
     .check = check,
     .needs = "restore",
     .runs = "helper=ended helper=ended",
     .effects = "plain.keyed.write=2"},
    {.name = "undo",
     .place = "own",
     .make = make,
     .live = script_rollback_run,
     .check = check,
     .needs = "rollback",
     .runs = "doer=ended",
     .effects = "after_undo.undoable.compensate=1 after_undo.undoable.write=1"
                " plain.fixed.compensate=1 plain.fixed.write=1 plain.undoable.compensate=1"
                " plain.undoable.write=1"},
    {.name = "migrate",
     .place = "own",
     .make = make,
     .prepare = script_migrate_prepare,
     .live = script_migrate,
     .check = check,
     .needs = "run migrate",
     .runs = "sleeper=cancelled",
     .effects = ""},
    {.name = "rollback",
     .place = "own",
     .make = make,
     .prepare = script_prepare_rollback,
     .live = script_live_rollback,
     .check = check,
     .option = "--accept-rollback",
     .runs = "helper=ended helper=ended",
     .effects = "plain.keyed.write=2"},
    {.name = "paused",
     .place = "own",
     .make = make,
     .prepare = script_prepare_paused,
     .equip = script_equip_paused,
     .live = script_live_paused,
     .check = check,
     .runs = "sleeper=ended",
     .effects = ""},
    {.name = "recovery",
     .place = "own",
     .make = make,
     .prepare = prepare_recovery,
     .live = live_work,
     .check = check,
     .runs = "boss=ended helper=ended",
     .effects = WORK_EFFECTS},
};
const size_t script_count = sizeof scripts / sizeof *scripts;

static void place(const char *what, const char *name, char *out, size_t size) {
    snprintf(out, size, "%s/%s-%s", pool_folder(), what, name);
}

static bool copy_site(site *s, const script *sc, const char *folder, bool prepared) {
    char from[160];
    place(prepared ? "ready" : "born", prepared ? sc->name : sc->place, from, sizeof from);
    bool made = sc->fresh ? sc->make(s, sc, folder) : site_copy_of(s, folder, from);
    s->of = sc->of;
    return made && (!sc->equip || sc->equip(s));
}

bool script_site(site *s, const script *sc, const char *folder) {
    return copy_site(s, sc, folder, sc->prepare != NULL);
}

static void finish(site *s, keel_buf *problem, keel_buf *detail) {
    site_finish(s);
    keel_buf_puts(problem, s->problem);
    site_log(s, detail);
}

void script_born(const void *arg, const char *folder, keel_buf *problem, keel_buf *detail) {
    const script *sc = arg;
    char into[160];
    site s;
    (void)folder;
    place("born", sc->place, into, sizeof into);
    fsio_mkdirs(into, 0700, NULL);
    if (sc->make(&s, sc, into) && site_up_plain(&s) && !site_down(&s)) {
        site_fault(&s, "it does not end in good order: status %d", s.status);
    }
    finish(&s, problem, detail);
}

void script_prepared(const void *arg, const char *folder, keel_buf *problem, keel_buf *detail) {
    const script *sc = arg;
    char into[160];
    site s;
    (void)folder;
    place("ready", sc->name, into, sizeof into);
    if (copy_site(&s, sc, into, false) && sc->prepare(&s)) {
        site_keep(&s);
    }
    finish(&s, problem, detail);
}
