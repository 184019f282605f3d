/* Power loss in a real process, on real files: a VFS of SQLite over the system's own that remembers
 * what was written and not yet synced. At the operation that KEEL_POWER names it takes back from the
 * files all that was not synced, lets a part of it survive, and kills the process: the next life reads
 * what a disk would have kept.
 *
 * KEEL_POWER="N:MODE:SEED": N counts from 1, 0 never strikes; MODE is lose (nothing unsynced
 * survives), prefix (what was written first) or torn (any of it). KEEL_POWER_COUNT=FILE: at a regular
 * end a line with a letter for each operation is appended to the file: s until a kernel gives its first answer, w in its
 * work, e when it ends, and a capital for a sync; all of a command that is no kernel are s. An operation is a write, a truncation, a sync,
 * a deletion, or the making of a file. The VFS is registered, as the default, when the program begins
 * and KEEL_POWER is set. Any thread. */
#ifndef POWER_H
#define POWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum power_mode { POWER_LOSE, POWER_PREFIX, POWER_TORN, POWER_MODES } power_mode;
const char *power_mode_name(power_mode m);

/* ---- powercut.c: what is not durable yet. Not for several threads at a time. ---- */

typedef enum power_kind { POWER_CREATE, POWER_REMOVE, POWER_TRUNCATE, POWER_WRITE } power_kind;

typedef struct power_op {
    power_kind kind;
    const char *path;
    size_t at, len; /* write: where and how much; truncate: the new size */
    char *bytes;    /* write: what was written */
    char *before;   /* write, truncate, remove: what stood there, from `at` on */
    size_t had;     /* bytes of `before` */
    size_t size;    /* of the file, before */
} power_op;

/* Takes the op with all that it points to, except `path`. Say it before the operation is done. */
void power_note(const power_op *op);
void power_synced(const char *path);
/* Takes back what is not durable, and lets a part of it survive. */
void power_cut(power_mode mode, uint64_t seed);

#endif
