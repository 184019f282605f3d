/* A workspace of an earlier version, as its own kernel left it (old/): what was open then goes on, and
 * nothing of it is done twice.
 *
 *   run  agent    at                                              then
 *   1    boss     keyed, once                                     both done, ended
 *   2    boss     keyed done, once unknown                        item 1
 *   3    asker    checkable waits for its approval                item 2
 *   4    asker    checkable, approved, looked for                 a look was out
 *   5    sleeper  asleep for ten days
 *   6    again    repeatable, its second attempt                  it was out
 *   7    boss     keyed                                           it was out
 */
#include <sqlite3.h>

#include "fsio.h"
#include "scene.h"
#include "undo_plan.h"

#define RULES                                                                                      \
    "  - { id: lets, on: \"out.keyed.write\", allow: {} }\n"                                       \
    "  - { id: once, on: \"out.once.write\", allow: {} }\n"                                        \
    "  - { id: often, on: \"out.repeatable.write\", allow: {} }\n"                                 \
    "  - { id: asks, on: \"out.checkable.write\", ask: {} }\n"                                     \
    "  - { id: children, on: run.spawn, allow: {} }\n"                                             \
    "  - { id: back, on: \"*.*.compensate\", allow: {} }\n"                                        \
    "budgets:\n  - { id: all, scope: workspace, limit: 60 calls, window: none }\n"
#define PRESENT "{\"result\":{\"ref\":{},\"state\":\"applied\"}}"
#define OPEN    "SELECT count(*) FROM run WHERE state IN ('open', 'paused')"

/* Its manifest then: nothing could be taken back. */
static const char old_connector[] =
    "id: org.example.out\nkind: connector\nversion: 1.0.0\nentry: out.lua\n"
    "needs: [ \"file:rw:{config.folder}\" ]\nresources:\n"
    "  keyed: { read: {}, write: { class: keyed, window: 24h } }\n"
    "  checkable: { write: { class: checkable, settle: 5s } }\n"
    "  once: { write: { class: once } }\n"
    "  repeatable: { write: { class: repeatable } }\n"
    "  denied: { write: { class: once } }\n";

static const sim_op boss[] = {WRITE("keyed"), WRITE("once")};
static const sim_op asker[] = {WRITE("checkable"), WRITE("repeatable")};
static const sim_op sleeper[] = {{"sleep", "", "{\"us\":864000000000}"}, WRITE("repeatable")};
static const sim_op again[] = {WRITE("repeatable"), SPAWN_HELPER};
static const sim_op helper[] = {{"step", "done", NULL}};
static const sim_program programs[] = {
    {"boss", boss, COUNT(boss), NULL, 0},          {"helper", helper, COUNT(helper), NULL, 0},
    {"asker", asker, COUNT(asker), NULL, 0},       {"again", again, COUNT(again), NULL, 0},
    {"sleeper", sleeper, COUNT(sleeper), NULL, 0},
};

/* ---- the workspace ---- */

static void read_old(const char *name, keel_buf *out) {
    char path[512];
    diag d = {0};
    snprintf(path, sizeof path, OLD_FOLDER "/%s", name);
    if (fsio_read(path, 1 << 20, out, &d)) {
        fail_msg("%s", d.what);
    }
}

static void put_old(const char *root, const char *name) {
    char path[40];
    keel_buf text = KEEL_BUF_INIT;
    read_old(name, &text);
    keel_buf_putc(&text, 0);
    snprintf(path, sizeof path, "state/%s", name);
    sim_put(root, path, text.data);
    keel_buf_free(&text);
}

static void put_agent(const char *root, const char *name) {
    char path[80], text[200];
    snprintf(path, sizeof path, "agents/%s/manifest.yaml", name);
    snprintf(text, sizeof text,
             "id: org.example.%s\nkind: agent\nname: %s\nversion: 1.0.0\nentry: %s.lua\n", name,
             name, name);
    sim_put(root, path, text);
    snprintf(path, sizeof path, "agents/%s/%s.lua", name, name);
    sim_put(root, path, "return nil\n");
}

static void put_database(void) {
    sqlite3 *db;
    keel_buf sql = KEEL_BUF_INIT;
    char *error = NULL;
    read_old("schema_2.dump", &sql);
    keel_buf_putc(&sql, 0);
    assert_int_equal(
        sqlite3_open_v2("sim.db", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "sim"),
        SQLITE_OK);
    if (sqlite3_exec(db, sql.data, NULL, NULL, &error)) {
        fail_msg("%s", error);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    keel_buf_free(&sql);
}

/* later: seconds since it was stopped. */
static sim_world *opened(bool same_connector, int64_t later) {
    sim_world *w = calloc(1, sizeof *w);
    sim_program *own = calloc(COUNT(programs), sizeof *own);
    assert_non_null(w);
    assert_non_null(own);
    memcpy(own, programs, sizeof programs);
    sim_folder(w->root);
    if (same_connector) {
        sim_put(w->root, "connectors/out/manifest.yaml", old_connector);
    }
    put_agent(w->root, "asker");
    put_agent(w->root, "again");
    put_agent(w->root, "sleeper");
    put_old(w->root, "key");
    put_old(w->root, "anchor");
    scene_policy(w, RULES);
    w->programs = own;
    w->program_count = COUNT(programs);
    w->hold = true;
    w->horizon = 20000000;
    w->seed = 5;
    w->clock = 1700000009461715 + later * 1000000;
    w->disk = crash_disk_create("sim", 1);
    crash_disk_arm(w->disk, 0, CRASH_LOSE);
    put_database();
    if (!sim_start(w)) {
        fail_msg("it does not start: %s", w->fault);
    }
    return w;
}

/* ---- what is seen ---- */

static void follows(void) {
    audit_report report;
    diag d = {0};
    if (audit_rebuild_check("sim.db", "sim", &report, &d)) {
        fail_msg("%s", d.what);
    }
}

/* What the connector was told and has not answered, with this key. */
static const sim_verb *held(const sim_world *w, const char *key) {
    for (size_t i = 0; i < w->held_count; i++) {
        if (!strcmp(w->held[i].key, key)) {
            return &w->held[i];
        }
    }
    return NULL;
}

static void the_tables_follow(void **state) {
    (void)state;
    sim_world *w = opened(true, 0);
    number_is(w, "PRAGMA user_version", 5);
    follows(); /* before anything is decided over it, and behind that */
    number_is(w,
              "SELECT count(*) FROM effect e WHERE sent_seq IS NOT (SELECT max(seq) FROM journal j"
              " WHERE j.run = e.run AND j.path = e.path AND j.kind = 33)",
              0);
    number_is(w, "SELECT count(*) FROM effect WHERE sent_seq IS NULL", 1); /* it was never sent */
    number_is(w, "SELECT count(*) FROM effect WHERE sent_seq <> args_seq", 2);
    number_is(w, "SELECT sum(parked) FROM effect", 0);
    number_is(w,
              "SELECT count(*) FROM effect WHERE undo IS NOT NULL OR undone_by IS NOT NULL"
              " OR rechecked_seq IS NOT NULL",
              0);
    sim_run_out(w);
    follows();
    scene_end(w);
}

/* ---- the steps, and the tables of a new workspace ---- */

extern const char store_schema[]; /* the build embeds schema.sql */

#define TABLES                                                                                     \
    "SELECT group_concat(line, char(10)) FROM (SELECT m.name || ' ' || c.cid || ' ' || c.name ||"  \
    " ' ' || c.type || ' ' || c.\"notnull\" || ' ' || ifnull(c.dflt_value, '') || ' ' || c.pk AS"  \
    " line FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'"               \
    " UNION ALL SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY "  \
    "1)"

static int on_text(void *ctx, int columns, const char *const *values, const char *const *names) {
    (void)columns;
    (void)names;
    keel_buf_puts(ctx, values[0]);
    return 0;
}

static void the_steps_end_in_the_tables_of_a_new_one(void **state) {
    (void)state;
    sqlite3 *fresh;
    sqlite3_stmt *st;
    diag d = {0};
    keel_buf old = KEEL_BUF_INIT;
    sim_world *w = opened(true, 0);
    assert_int_equal(reader_query(store_reader(w->store), TABLES, NULL, 0, on_text, &old, &d), 0);
    scene_end(w);
    keel_buf_putc(&old, 0);
    assert_int_equal(sqlite3_open(":memory:", &fresh), SQLITE_OK);
    assert_int_equal(sqlite3_exec(fresh, store_schema, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(fresh, TABLES, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    assert_string_equal(old.data, (const char *)sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
    sqlite3_close(fresh);
    keel_buf_free(&old);
}

/* Answers what the connector is told, until that is nothing more. */
static void answer_all(sim_world *w) {
    for (int i = 0; i < 50; i++) {
        while (w->held_count) {
            scene_answer(w, !strcmp(w->held[0].verb, "reconcile") ? PRESENT : APPLIED);
        }
        scene_pass(w, 5);
    }
}

static void what_was_out(sim_world *w) {
    const sim_verb *v;
    for (int i = 0; i < 3 && !held(w, "0079c5a7be90e7a24429dcc68888e53d"); i++) {
        scene_answer(w, !strcmp(w->held[0].verb, "reconcile") ? PRESENT : APPLIED);
    }
    v = held(w, "0079c5a7be90e7a24429dcc68888e53d"); /* keyed: again, with the same key */
    assert_non_null(v);
    assert_string_equal(v->verb, "write");
}

static void all_of_it_goes_on(void **state) {
    for (int restarted = 0; restarted < 2; restarted++) {
        (void)state;
        sim_world *w = opened(true, 0);
        sim_run_out(w);
        if (restarted) {
            scene_restart(w);
        }
        assert_null(held(w, "505cfd667e4c11b4b40909e212efcb26")); /* once, unknown: a person says */
        number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 2);
        what_was_out(w);
        scene_tell(w, "verdict-1", "verdict",
                   "{\"number\":1,\"verdict\":\"done\",\"why\":\"seen\"}");
        sim_approve(w, "approve-2", 2);
        sim_run_out(w);
        /* What was signed then does not say where it goes: asked anew. */
        assert_non_null(strstr(sim_answered(w, "approve-2")->result, "stale"));
        assert_null(strstr(w->held[0].resource, "checkable"));
        sim_approve(w, "approve-5", sim_number(w, "SELECT max(number) FROM item"));
        sim_run_out(w);
        assert_non_null(strstr(sim_answered(w, "approve-5")->result, "approved"));
        answer_all(w);
        number_is(w, OPEN, 1); /* the one that sleeps */
        number_is(w, "SELECT count(*) FROM effect WHERE state <> 'done'", 0);
        scene_pass(w, 864000);
        answer_all(w);
        number_is(w, OPEN, 0);
        number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 8); /* a helper, too */
        number_is(w, "SELECT count(*) FROM effect WHERE attempts > 1",
                  2); /* what may be repeated */
        number_is(w, "SELECT attempts FROM effect WHERE run = 6 AND path = '1'", 3 + restarted);
        number_is(w, "SELECT attempts FROM effect WHERE run = 7 AND path = '1'", 2 + restarted);
        scene_end(w);
    }
}

static const char *refusal(const sim_world *w, const char *request) {
    for (size_t i = 0; i < SIM_ANSWERS; i++) {
        if (!strcmp(w->answers[i].request, request) && !w->answers[i].ok) {
            return w->answers[i].result;
        }
    }
    return "";
}

/* It was not promised that it can be taken back: that is said, and nothing is sent; also by a connector
 * that can by now. */
static void what_was_done_then_stays(void **state) {
    for (int same = 0; same < 2; same++) {
        (void)state;
        undo_plan p;
        diag d = {0};
        sim_world *w = opened(same, 0);
        sim_run_out(w);
        assert_int_equal(undo_plan_make(store_reader(w->store), 1, &p, &d), 0);
        assert_int_equal(undo_plan_count(&p, UNDO_STAYS), 2);
        assert_int_equal(p.count, 2);
        undo_plan_free(&p);
        sim_rollback(w, "rollback1", 1);
        sim_run_out(w);
        assert_null(sim_answered(w, "rollback1"));
        assert_non_null(strstr(refusal(w, "rollback1"), "nothing of run 1 that can be taken back"));
        number_is(w, "SELECT count(*) FROM rollback", 0);
        scene_end(w);
    }
}

/* An open run of then is cancelled by its rollback; what stands stays, and what is out settles. */
static void an_open_run_is_rolled_back(void **state) {
    (void)state;
    sim_world *w = opened(true, 0);
    sim_run_out(w);
    sim_rollback(w, "rollback1", 2);
    sim_run_out(w);
    assert_non_null(sim_answered(w, "rollback1"));
    number_is(w, "SELECT count(*) FROM run WHERE id = 2 AND state = 'cancelled'", 1);
    number_is(w, "SELECT count(*) FROM rollback WHERE run = 2 AND state = 'open'", 1);
    scene_tell(w, "verdict-1", "verdict", "{\"number\":1,\"verdict\":\"done\",\"why\":\"seen\"}");
    number_is(w, "SELECT count(*) FROM rollback WHERE run = 2 AND state = 'ended'", 1);
    number_is(w, "SELECT count(*) FROM effect WHERE path LIKE '%~%'", 0);
    answer_all(w);
    scene_end(w);
}

/* What is asked for since is promised, and can be taken back. */
static void what_is_done_since_can_be_taken_back(void **state) {
    (void)state;
    sim_world *w = opened(false, 0);
    sim_run_out(w);
    scene_do(w, "do-000008");
    answer_all(w);
    uint64_t run = (uint64_t)sim_number(w, "SELECT max(id) FROM run WHERE agent = 'boss'");
    number_is(w, "SELECT count(*) FROM effect WHERE run = 8 AND undo = 'compensate'", 2);
    sim_rollback(w, "rollback1", run);
    sim_run_out(w);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(w->held_count, 1);
        assert_string_equal(w->held[0].verb, "compensate");
        scene_answer(w, APPLIED);
    }
    number_is(w, "SELECT count(*) FROM rollback WHERE state = 'ended'", 1);
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tables_follow),
        cmocka_unit_test(the_steps_end_in_the_tables_of_a_new_one),
        cmocka_unit_test(all_of_it_goes_on),
        cmocka_unit_test(what_was_done_then_stays),
        cmocka_unit_test(an_open_run_is_rolled_back),
        cmocka_unit_test(what_is_done_since_can_be_taken_back),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_old", tests, NULL, NULL);
}
