/* `tiers`, `retention`, `compact` and `snapshots`, compiled. */
#ifndef KEEPINGINT_H
#define KEEPINGINT_H

#include "keeping.h"

/* file NULL: not said. */
typedef struct retention_rule {
    int64_t ttl_us;
    const char *file;
    int line, column;
} retention_rule;

typedef struct snapshot_rule {
    policy_snapshotting says;
    const char *file;
    int line, column;
} snapshot_rule;

typedef struct policy_keeping {
    policy_tier tiers[POLICY_TIERS]; /* cheapest first */
    size_t tier_count;
    retention_rule retention[KEPT_KINDS];
    policy_compaction compact[KEPT_KINDS][COMPACT_UNITS];
    snapshot_rule snapshots;
} policy_keeping;

#endif
