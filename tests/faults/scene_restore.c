#include "scene_restore.h"

#include <sqlite3.h>

static void forget(const char *name) {
    sqlite3_vfs *vfs = sqlite3_vfs_find("sim");
    char path[40];
    static const char *const ends[] = {"", "-wal", "-journal"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(path, sizeof path, "%s%s", name, ends[i]);
        vfs->xDelete(vfs, path, 0);
    }
}

static void copy(const char *from, const char *to) {
    backup_report report;
    diag d = {0};
    forget(to);
    if (store_backup(from, "sim", to, &report, NULL, NULL, &d)) {
        fail_msg("%s", d.what);
    }
}

void scene_backup(void) {
    copy("sim.db", "copy.db");
}

/* What `keel restore` writes. */
static void put_restore(sim_world *w) {
    char anchor[160], key[160];
    diag d = {0};
    keel_buf body = KEEL_BUF_INIT;
    store *s;
    turn *t = turn_create();
    snprintf(anchor, sizeof anchor, "%s/state/anchor", w->root);
    snprintf(key, sizeof key, "%s/state/key", w->root);
    store_options o = {
        .path = "sim.db", .anchor = anchor, .key = key, .vfs = "sim", .restore = true};
    if (store_open(&s, &o, &d)) {
        fail_msg("%s", d.what);
    }
    turn_begin(t, store_identify(s)->next_seq, store_time(s, w->clock));
    store_boot_body(s, &body);
    turn_add(t, RECORD_BOOT, 0, "", body.data, body.len);
    keel_buf_clear(&body);
    store_restored_body(s, &body);
    turn_add(t, RECORD_RESTORED, 0, "", body.data, body.len);
    turn_add(t, RECORD_HALT, 0, "", "{\"why\":\"restored\"}", 18);
    turn_add(t, RECORD_STOP, 0, "", "{}", 2);
    assert_int_equal(store_commit(s, t, &d), 0);
    assert_int_equal(store_anchor(s, w->clock, &d), 0);
    keel_buf_free(&body);
    store_close(s);
    turn_destroy(t);
}

void scene_restore(sim_world *w) {
    sim_end(w);
    w->clock += 60000000;
    copy("copy.db", "sim.db");
    put_restore(w);
    if (!sim_start(w)) {
        fail_msg("it does not start: %s", w->fault);
    }
    sim_run_out(w);
    assert_string_equal(w->fault, "");
    number_is(w, "SELECT halted FROM control", 1);
    assert_int_equal(w->held_count, 0); /* nothing leaves until a person says so */
}

void scene_resume(sim_world *w) {
    scene_tell(w, "resume-01", "resume", "{}");
}

void scene_go(sim_world *w, const char *request) {
    scene_tell(w, request, "run.send", "{\"body\":1,\"name\":\"go\",\"run\":1}");
}

void scene_erase(sim_world *w, int64_t seq) {
    char anchor[160], key[160];
    diag d = {0};
    keel_buf body = KEEL_BUF_INIT;
    erase_report report;
    store *s;
    turn *t = turn_create();
    snprintf(anchor, sizeof anchor, "%s/state/anchor", w->root);
    snprintf(key, sizeof key, "%s/state/key", w->root);
    store_options o = {.path = "sim.db", .anchor = anchor, .key = key, .vfs = "sim"};
    assert_int_equal(store_open(&s, &o, &d), 0);
    turn_begin(t, store_identify(s)->next_seq, store_time(s, w->clock));
    store_boot_body(s, &body);
    turn_add(t, RECORD_BOOT, 0, "", body.data, body.len);
    assert_int_equal(store_erase(s, t, &seq, 1, "me", "asked for", &report, &d), 0);
    assert_int_equal(report.records, 1);
    keel_buf_free(&body);
    store_close(s);
    turn_destroy(t);
}
