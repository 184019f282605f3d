/* An older file that a person goes on with, though its anchor has seen a newer one: what the lost life
 * may have done counts as after a restore. So that is written as a boot of its own, before anything is
 * recovered, and all is halted. */
#include "accepted.h"

#include <stdio.h>

static void rollback_body(const store_identity *i, keel_buf *out) {
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_set_int(&w, "anchor_seq", i->rollback_from);
    keel_json_set_text(&w, "incarnation", i->incarnation);
    keel_json_set_int(&w, "seq", i->next_seq - 1);
    keel_json_set_int(&w, "shared", i->shared_seq);
    keel_json_object_end(&w);
}

static void halt_body(int64_t last, keel_buf *out) {
    char why[200];
    keel_json_writer w;
    snprintf(why, sizeof why,
             "an older database was accepted, which ends at record %lld; what happened since is "
             "not in it: look at `keel inbox`, then `keel resume`",
             (long long)last);
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_set_text(&w, "why", why);
    keel_json_object_end(&w);
}

static void add(turn *t, record_kind kind, keel_buf *body) {
    turn_add(t, kind, 0, "", body->data, body->len);
    keel_buf_clear(body);
}

static int write_boot(store *s, int64_t at_us, diag *d) {
    const store_identity *i = store_identify(s);
    turn *t = turn_create();
    keel_buf body = KEEL_BUF_INIT;
    turn_begin(t, i->next_seq, store_time(s, at_us));
    store_boot_body(s, &body);
    add(t, RECORD_BOOT, &body);
    rollback_body(i, &body);
    add(t, RECORD_ROLLBACK, &body);
    store_restored_body(s, &body);
    add(t, RECORD_RESTORED, &body);
    halt_body(i->next_seq - 1, &body);
    add(t, RECORD_HALT, &body);
    turn_add(t, RECORD_STOP, 0, "", "{}", 2);
    int rc = store_commit(s, t, d);
    rc = rc ? rc : store_anchor(s, at_us, d);
    keel_buf_free(&body);
    turn_destroy(t);
    return rc;
}

int accepted_open(store **out, store_options *o, int64_t at_us, diag *d) {
    int rc = store_open(out, o, d);
    if (rc || !store_identify(*out)->rollback_from || store_identify(*out)->next_seq == 1) {
        return rc; /* a workspace that was lost is begun with nothing, and nothing is open in it */
    }
    rc = write_boot(*out, at_us, d);
    if (rc) {
        diag_next(d, "see to it, then say it again: keel up --accept-rollback");
    }
    store_close(*out);
    *out = NULL;
    o->accept_rollback = false;
    return rc ? rc : store_open(out, o, d);
}
