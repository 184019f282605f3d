/* The windows of sums and counts. */
#include <time.h>

#include "policyint.h"

#define SECOND     1000000LL
#define HOUR_S     3600
#define DAY_S      86400
#define MONTH_DAYS 31
#define SLICES     64 /* of a rolling window: what leaves it does so at most 1/64 of it late */

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

static int64_t slice_us(const tally_rule *t) {
    return (t->per_us + SLICES - 1) / SLICES;
}

static int64_t month_of(int64_t local_s) {
    time_t at = (time_t)local_s;
    struct tm tm = {0};
    return gmtime_r(&at, &tm) ? (int64_t)tm.tm_year * 12 + tm.tm_mon : 0;
}

int64_t tally_slice(const tally_rule *t, int64_t us) {
    if (t->window == WINDOW_NONE) {
        return floor_div(us, slice_us(t));
    }
    int64_t utc_s = floor_div(us, SECOND);
    int64_t local_s = utc_s + (t->zone ? zone_offset(t->zone, utc_s) : 0);
    return t->window == WINDOW_MONTH ? month_of(local_s)
                                     : floor_div(local_s, t->window == WINDOW_DAY ? DAY_S : HOUR_S);
}

int64_t tally_first(const tally_rule *t, int64_t now_us) {
    return t->window == WINDOW_NONE ? floor_div(now_us - t->per_us, slice_us(t))
                                    : tally_slice(t, now_us);
}

/* A local day or month with its clock set back is longer by what it is set back by: an hour here, and
 * never as much as a day. */
int64_t tally_reach_us(const tally_rule *t) {
    switch (t->window) {
    case WINDOW_HOUR:
        return 3 * HOUR_S * SECOND;
    case WINDOW_DAY:
        return 2 * DAY_S * SECOND;
    case WINDOW_MONTH:
        return (MONTH_DAYS + 1) * DAY_S * SECOND;
    default:
        return t->per_us + slice_us(t);
    }
}
