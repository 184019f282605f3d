/* Work on a workspace whose kernel is down: the lock is held meanwhile, so that none starts, and the
 * journal gets a boot of its own. */
#ifndef CLI_OFFLINE_H
#define CLI_OFFLINE_H

#include "host_generation.h"
#include "store.h"
#include "workspace.h"

typedef struct offline {
    host_generation *generation;
    store *store;
    turn *turn; /* open, for the next records */
} offline;

/* Takes the lock. DIAG_CONFLICT when Keel is running. */
int offline_lock(offline *o, const workspace *ws, diag *d);
/* Opens the database at db, which is ws->db or a copy that will take its place (restore), and adds
 * the boot's first record to the turn. */
int offline_open(offline *o, const workspace *ws, const char *db, bool restore, diag *d);
/* Makes the turn durable and begins the next. */
int offline_commit(offline *o, diag *d);
/* After a commit that was made by other means. */
void offline_next(offline *o);
/* The last record and the signed head. */
int offline_stop(offline *o, diag *d);
/* Closes what is open; the lock goes last. Safe at any point. */
void offline_end(offline *o);

#endif
