/* A run under another version of its agent. The CLI has replayed it under that version and seen
 * nothing differ, up to a record; the kernel sees that the run still stands there. */
#include <string.h>

#include "command.h"

/* 0, or why the run cannot go to that version. */
static int check_version(const kernel *k, const run *r, const plugin *p, diag *d) {
    const manifest *now = r->plugin->manifest;
    if (!p || p->manifest->kind != PLUGIN_AGENT || strcmp(p->manifest->id, now->id) != 0 ||
        !library_by_digest(k->world.library, &p->digest)) {
        diag_set(d, DIAG_NOT_FOUND, "that is no installed version of %s", now->id);
        return diag_next(d, "see which there are: keel plugin list");
    }
    if (digest_equal(&p->digest, &r->plugin->digest)) {
        diag_set(d, DIAG_CONFLICT, "run %llu is at %s %s already", (unsigned long long)r->id,
                 now->id, now->version);
        return diag_next(d, "to replay it there once more: keel run resume %llu",
                         (unsigned long long)r->id);
    }
    return 0;
}

/* A run that has recorded nothing since the start has no last record here: what was checked must then
 * be all that was there at the start. */
static int check_still(const kernel *k, const run *r, int64_t checked, diag *d) {
    int64_t last = r->last_seq ? r->last_seq : k->identity.next_seq - 1;
    if (checked < last) {
        diag_set(d, DIAG_CONFLICT, "run %llu has gone on since it was replayed",
                 (unsigned long long)r->id);
        return diag_next(d, "try again; a run that only waits stands still");
    }
    return 0;
}

static void move(kernel *k, run *r, const plugin *p) {
    if (r->live) {
        k->env.send(k->env.ctx, r->worker->id, X_CANCEL, r->id, 0, NULL, 0);
    }
    run_rest(r);
    r->plugin = p;
    r->worker = worker_for_agent(k, p);
    r->state = RUN_OPEN;
    stuck_went_on(k, r->id, "it goes on at another version");
    run_wake(k, r); /* also one that only waits: it is replayed there now, and then rests again */
}

int command_run_migrate(kernel *k, command *c, diag *d) {
    run *r;
    digest to;
    char hex[DIGEST_HEX] = "";
    int64_t checked = -1;
    int rc = command_find_run(k, c, &r, d);
    if (rc) {
        return rc;
    }
    keel_json_int(keel_json_get(c->args, "checked_seq"), &checked);
    body_text(c->args, "plugin", hex, sizeof hex);
    const plugin *p = digest_from_hex(&to, hex, strlen(hex)) ? NULL : plugin_find(k, &to);
    rc = check_version(k, r, p, d);
    rc = rc ? rc : check_still(k, r, checked, d);
    if (rc) {
        return rc;
    }
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_int(&w, "checked_seq", checked);
    keel_json_key(&w, "from");
    keel_json_hex(&w, r->plugin->digest.bytes, DIGEST_SIZE);
    keel_json_key(&w, "plugin");
    keel_json_hex(&w, p->digest.bytes, DIGEST_SIZE);
    keel_json_set_text(&w, "version", p->manifest->version);
    keel_json_object_end(&w);
    journal_run(k, RECORD_RUN_MIGRATED, r, "", &k->scratch);
    kernel_log(k, "info", r->id, "%s goes on at version %s", p->manifest->name,
               p->manifest->version);
    move(k, r, p);
    return 0;
}
