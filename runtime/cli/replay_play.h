/* Executes a run once more against its record, in an executor of its own: every call is answered from
 * the journal, nothing is written, and there is no way out. Works on the database alone. */
#ifndef CLI_REPLAY_PLAY_H
#define CLI_REPLAY_PLAY_H

#include "cli.h"
#include "library.h"

typedef struct replay_result {
    bool same;
    size_t answered; /* from the record */
    size_t again;    /* calls that were open, and were made again as they were */
    bool ends;       /* it came to its recorded end, and that was compared */
    bool erased;     /* nothing is there any more from here on: */
    char erased_path[128];
    keel_buf detail; /* the first difference, as mismatch.h has it; or empty */
    char what[600];  /* why it could not be played to the end, or "" */
    char state[16];  /* of the run */
    char agent[64], version[160], played[160]; /* its own version, and the one that was played */
    char plugin[DIGEST_HEX];
    int64_t checked_seq; /* all records up to here were there to be seen */
} replay_result;

/* with: the version to play, or NULL: the run's own. 0, or a DIAG_ code when nothing was played. */
int replay_play(cli *c, uint64_t run, const plugin *with, replay_result *out, diag *d);
void replay_result_free(replay_result *r);

#endif
