/* A backup, and some time later its restore: what the file was at an earlier moment takes its place, and
 * what was done since is known to the outside alone. Once a life of a workspace. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* first: 1 keeps the file itself. */
static void forget(const char *name, size_t first) {
    static const char *const ends[] = {"", "-wal", "-journal"};
    sqlite3_vfs *vfs = sqlite3_vfs_find("sim");
    for (size_t i = first; i < sizeof ends / sizeof *ends; i++) {
        char path[40];
        snprintf(path, sizeof path, "%s%s", name, ends[i]);
        vfs->xDelete(vfs, path, 1);
    }
}

static bool copy(simulation *s, const char *from, const char *to) {
    backup_report report;
    diag d = {0};
    forget(to, 0);
    bool good = store_backup(from, "sim", to, &report, NULL, NULL, &d) == 0;
    if (!good && !crash_disk_struck(s->w.disk)) {
        violate(s, "I7", "%s cannot be copied: %s", from, d.what);
    }
    return good && !crash_disk_struck(s->w.disk);
}

static void back_up(simulation *s) {
    s->backed_up = copy(s, "sim.db", "copy.db");
    s->backup_seq = (int64_t)s->model->count;
    s->backup_runs = s->model->run_count;
    tell(s, "people: a backup up to record %zu%s", s->model->count,
         s->backed_up ? "" : ", which the disk did not take");
}

/* What `keel restore` writes into it. */
static void renew(simulation *s) {
    char anchor[160], key[160];
    diag d = {0};
    keel_buf body = KEEL_BUF_INIT;
    store *db;
    turn *t = turn_create();
    snprintf(anchor, sizeof anchor, "%s/state/anchor", s->w.root);
    snprintf(key, sizeof key, "%s/state/key", s->w.root);
    store_options o = {
        .path = "sim.db", .anchor = anchor, .key = key, .vfs = "sim", .restore = true};
    int rc = store_open(&db, &o, &d);
    if (rc == 0) {
        turn_begin(t, store_identify(db)->next_seq, store_time(db, s->w.clock + s->w.wall_ahead));
        store_boot_body(db, &body);
        turn_add(t, RECORD_BOOT, 0, "", body.data, body.len);
        keel_buf_clear(&body);
        store_restored_body(db, &body);
        turn_add(t, RECORD_RESTORED, 0, "", body.data, body.len);
        turn_add(t, RECORD_HALT, 0, "", "{\"why\":\"restored\"}", 18);
        turn_add(t, RECORD_STOP, 0, "", "{}", 2);
        rc = store_commit(db, t, &d);
        rc = rc ? rc : store_anchor(db, s->w.clock + s->w.wall_ahead, &d);
        store_close(db);
    }
    if (rc) {
        violate(s, "I7", "the backup cannot be restored: %s", d.what);
    }
    keel_buf_free(&body);
    turn_destroy(t);
}

/* ---- what the backup does not know ---- */

static bool begun(const model *m, uint64_t run) {
    bool any = false;
    for (size_t i = 0; i < m->run_count; i++) {
        any |= m->runs[i].id == run;
    }
    return any;
}

/* The keys of the life that is lost: the outside knows them. */
static void remember(simulation *s, const model *old) {
    s->wild.lost = s->wild.applications;
    s->lost = keel_realloc(s->lost, (old->effect_count + 1) * sizeof *s->lost);
    for (size_t i = 0; i < old->effect_count; i++) {
        const model_effect *e = &old->effects[i];
        sim_lost lost = {.class = e->class, .run = begun(s->model, e->run) ? e->run : 0};
        memcpy(lost.path, e->path, sizeof lost.path);
        memcpy(lost.key, e->key, sizeof lost.key);
        if (e->key[0]) {
            s->lost[s->lost_count++] = lost;
        }
    }
}

/* Commands that were carried out behind the backup were not, as far as it knows. */
static void forget_commands(simulation *s) {
    for (size_t i = 0; i < s->asked_count; i++) {
        bool there = false;
        for (size_t r = 0; r < s->model->request_count; r++) {
            there |= !strcmp(s->model->requests[r], s->asked[i].request);
        }
        if (!there) {
            keel_buf_clear(&s->asked[i].answer);
        }
    }
}

static void go_back(simulation *s) {
    model *old = s->model;
    tell(s, "people: the backup is restored");
    weather_fall(s);
    crash_disk_arm(s->w.disk, 0, CRASH_LOSE);
    forget("copy.db", 1); /* `keel backup` has seen to it that these were gone for good */
    if (copy(s, "copy.db", "sim.db")) {
        renew(s);
    }
    s->model = NULL; /* it goes on from an earlier moment */
    s->shown_run = 0;
    s->restored = true;
    if (well(s) && weather_up(s) && s->model) {
        remember(s, old);
        forget_commands(s);
    }
    model_destroy(old);
    s->model = s->model ? s->model : model_create(s);
}

/* Runs that the backup knows have done something behind it. */
static bool something_is_lost(const simulation *s) {
    bool any = false;
    for (size_t i = 0; i < s->model->effect_count; i++) {
        const model_effect *e = &s->model->effects[i];
        any |= e->run <= s->backup_runs && e->sent_seq > s->backup_seq && e->key[0] &&
               wild_applied(&s->wild, e->key);
    }
    return any;
}

void restore_act(simulation *s) {
    if (s->restored || !s->model->count) {
        return;
    }
    bool lost = s->backed_up && something_is_lost(s);
    if (s->backed_up && chance(s, lost ? 60 : 5)) {
        go_back(s);
    } else if (!lost && chance(s, 50)) {
        back_up(s);
    }
}

/* ---- the lives together ---- */

bool restore_lost(const simulation *s, const char *key) {
    bool any = false;
    for (size_t i = 0; i < s->lost_count; i++) {
        any |= !strcmp(s->lost[i].key, key);
    }
    return any;
}

/* Both are tries to take back the same: "3~1" and "3~2". */
static bool is_same_step(const char *a, const char *b) {
    size_t len = strcspn(a, "~");
    return a[len] && !strncmp(a, b, len + 1);
}

bool restore_tried(const simulation *s, const model_effect *e) {
    bool any = false;
    for (size_t i = 0; i < s->lost_count; i++) {
        const sim_lost *l = &s->lost[i];
        any |= l->run == e->run && is_same_step(e->path, l->path) && wild_applied(&s->wild, l->key);
    }
    return any;
}

bool restore_unsent(const simulation *s, const model_effect *e) {
    bool then =
        e->state == EFFECT_NOT_DONE && e->seq <= s->backup_seq; /* and was tried again since */
    return (e->state == EFFECT_DENIED || e->state == EFFECT_REJECTED ||
            e->state == EFFECT_EXPIRED || e->untold || then) &&
           restore_lost(s, e->key);
}

/* In that life its run had come another way, and it took back another thing than it does now. */
static bool takes_back_another(const simulation *s, const sim_lost *l) {
    char of[sizeof l->path];
    snprintf(of, sizeof of, "%.*s", (int)strcspn(l->path, "~"), l->path);
    const model_effect *e = strchr(l->path, '~') ? model_effect_at(s->model, l->run, of) : NULL;
    return e && !restore_lost(s, e->key);
}

/* I2: what a run did behind the backup it does not do again; a run that the backup knows does the same. */
void restore_at_rest(simulation *s) {
    for (size_t i = 0; i < s->lost_count; i++) {
        const sim_lost *l = &s->lost[i];
        const model_effect *e = l->run ? model_effect_at(s->model, l->run, l->path) : NULL;
        bool counts =
            (l->class == CLASS_KEYED || l->class == CLASS_CHECKABLE || l->class == CLASS_ONCE) &&
            !takes_back_another(s, l);
        if (e && counts && strcmp(e->key, l->key) != 0 && wild_applied(&s->wild, l->key) &&
            wild_applied(&s->wild, e->key)) {
            violate(s, "I2",
                    "%s at %s of run %llu was applied before the restore as %.8s, and as "
                    "%.8s since",
                    e->target, e->path, (unsigned long long)e->run, l->key, e->key);
        }
    }
}
