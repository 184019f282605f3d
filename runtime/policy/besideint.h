/* What stands beside the rules, compiled: where connections may go, when they are tried again, left alone,
 * slowed down and silent. */
#ifndef BESIDEINT_H
#define BESIDEINT_H

#include "policy.h"
#include "zone.h"

/* For whom things are counted apart. */
typedef enum tally_each { EACH_NONE, EACH_AGENT, EACH_ATTR } tally_each;

/* One entry of `egress`. */
typedef struct egress_rule {
    const char *file;
    int line, column;
    const char **on; /* globs over names of connections */
    size_t on_count;
    const char **to; /* patterns of origin.h */
    size_t to_count;
} egress_rule;

/* One entry of `retries`. Times 0: not said. */
typedef struct retry_rule {
    const char *file;
    int line, column;
    const char **on; /* globs over targets */
    size_t on_count;
    policy_retrying says;
} retry_rule;

/* One entry of `breakers`. */
typedef struct breaker_rule {
    const char *file;
    int line, column;
    const char **on; /* globs over names of connections */
    size_t on_count;
    policy_breaking says;
} breaker_rule;

/* One entry of `rates`: at most `limit` in per_us, and at most `burst` in burst_us. */
typedef struct rate_rule {
    const char *file;
    int line, column;
    const char **on; /* globs over targets; run.spawn is never paced */
    size_t on_count;
    const char **agents; /* none: all */
    size_t agent_count;
    tally_each each;
    uint16_t each_attr;
    uint32_t limit, burst;
    int64_t per_us, burst_us;
} rate_rule;

/* One entry of `quiet`. */
typedef enum quiet_sink { SINK_ANY, SINK_EXTERNAL, SINK_INTERNAL } quiet_sink;
typedef struct quiet_rule {
    const char *file;
    int line, column;
    const char **on; /* none: all; run.spawn is never held up */
    size_t on_count;
    const char **agents; /* none: all */
    size_t agent_count;
    quiet_sink sink;
    bool approvals;    /* it holds nothing up: the time of approvals stands still */
    uint8_t days;      /* bit 0: Sunday; on which it begins */
    int32_t from_s;    /* of the local day */
    int32_t until_s;   /* not later than from_s: of the day after */
    const zone *zone;  /* NULL: UTC */
    const char *tz;    /* "": UTC */
    const char *hours; /* as written; "": whole days */
} quiet_rule;

#endif
