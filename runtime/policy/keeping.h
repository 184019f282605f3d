/* What a policy says of memory: how long each kind is kept (`retention`), when it is condensed and by
 * whom (`compact`), and how often a state of it is kept by name (`snapshots`). Nothing in this version
 * reads them yet. All texts live as long as the policy. */
#ifndef KEEPING_H
#define KEEPING_H

#include "tiers.h"

typedef enum kept_kind { KEPT_WORKING, KEPT_SEMANTIC, KEPT_CACHE, KEPT_KINDS } kept_kind;
extern const char *const kept_names[]; /* "working", "semantic", "cache", NULL */

/* In microseconds; 0: for ever. */
int64_t policy_retention(const policy *p, kept_kind of);

typedef enum compact_unit { COMPACT_ITEMS, COMPACT_TOKENS, COMPACT_UNITS } compact_unit;
typedef struct policy_compaction {
    bool said;
    int64_t from;     /* condensed when there are so many, or more */
    const char *by;   /* the agent that does it */
    const char *tier; /* at which it is asked; NULL: its own */
    const char *file;
    int line, column;
} policy_compaction;
/* NULL: that many of it condense nothing. */
const policy_compaction *policy_compact(const policy *p, kept_kind of, compact_unit unit);

typedef enum snapshot_every {
    SNAPSHOT_NEVER,
    SNAPSHOT_HOUR,
    SNAPSHOT_DAY,
    SNAPSHOT_WEEK
} snapshot_every;
typedef struct policy_snapshotting {
    snapshot_every every;
    int keep; /* the newest so many; older ones go */
} policy_snapshotting;
policy_snapshotting policy_snapshots(const policy *p);

#endif
