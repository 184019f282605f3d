/* The inner pieces of replay_play.h. */
#ifndef CLI_REPLAY_INT_H
#define CLI_REPLAY_INT_H

#include "history.h"
#include "rehearsal.h"
#include "replay_play.h"

/* A call that the record has without an answer. */
typedef struct opened {
    char path[PATH_LIMIT], kind[12], name[128], call[20];
    bool seen;
} opened;

typedef struct playing {
    cli *c;
    uint64_t run;
    history record;
    keel_buf previous;
    opened *open;
    size_t open_count, open_seen;
    bool begun;
    bool own_end; /* its end is one that its code came to */
    keel_buf end; /* {"error"|"result","state"} of it */
    bool other;   /* another version than its own is played */
    rehearsal *stage;
    replay_result *out;
} playing;

/* ---- replay_record.c ---- */
int replay_load(playing *p, diag *d); /* p->run's record from the journal */

#endif
