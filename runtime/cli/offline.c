#include "offline.h"

#include <string.h>

#include "cli.h"

int offline_lock(offline *o, const workspace *ws, diag *d) {
    int rc = workspace_prepare(ws, d);
    rc = rc ? rc
            : host_generation_take(&o->generation, ws->lock, ws->generation,
                                   HOST_GENERATION_WAIT_MS, d);
    if (rc == DIAG_CONFLICT) {
        diag_next(d, "This works on the database alone: stop Keel with `keel down`, say it again, "
                     "and start it with `keel up`.");
    }
    return rc;
}

int offline_open(offline *o, const workspace *ws, const char *db, bool restore, diag *d) {
    keel_buf body = KEEL_BUF_INIT;
    store_options open = {.path = db,
                          .anchor = ws->anchor,
                          .key = ws->anchor_key,
                          .own_anchor = ws->own_anchor,
                          .restore = restore};
    int rc = store_open(&o->store, &open, d);
    if (rc) {
        return rc;
    }
    o->turn = turn_create();
    offline_next(o);
    store_boot_body(o->store, &body);
    turn_add(o->turn, RECORD_BOOT, 0, "", body.data, body.len);
    keel_buf_free(&body);
    return 0;
}

void offline_next(offline *o) {
    turn_begin(o->turn, store_identify(o->store)->next_seq, store_time(o->store, cli_now_us()));
}

int offline_commit(offline *o, diag *d) {
    int rc = store_commit(o->store, o->turn, d);
    if (rc == 0) {
        offline_next(o);
    }
    return rc;
}

int offline_stop(offline *o, diag *d) {
    turn_add(o->turn, RECORD_STOP, 0, "", "{}", 2);
    int rc = offline_commit(o, d);
    return rc ? rc : store_anchor(o->store, cli_now_us(), d);
}

void offline_end(offline *o) {
    store_close(o->store);
    turn_destroy(o->turn);
    host_generation_release(o->generation);
    memset(o, 0, sizeof *o);
}
