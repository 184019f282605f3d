/* `quiet`: hours in which nothing leaves, or in which approvals do not age. All by what a clock on the
 * wall reads: an hour that is skipped is over at once, one that comes twice is quiet twice. */
#include <string.h>

#include "pace.h"
#include "policyint.h"

#define SECOND     1000000LL
#define DAY_S      86400
#define TOO_MANY   100000 /* steps; a year of nights is some thousand */
#define ENTRY_ENDS 64     /* entries that go over into each other */

/* ---- what a clock reads ---- */

static int32_t offset(const quiet_rule *r, int64_t utc_s) {
    return r->zone ? zone_offset(r->zone, utc_s) : 0;
}

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

static bool on_day(const quiet_rule *r, int64_t day) {
    int64_t weekday = ((day + 4) % 7 + 7) % 7; /* day 0 was a Thursday */
    return r->days >> weekday & 1;
}

static bool is_quiet(const quiet_rule *r, int64_t utc_s) {
    int64_t local = utc_s + offset(r, utc_s);
    int64_t day = floor_div(local, DAY_S), s = local - day * DAY_S;
    if (r->from_s < r->until_s) {
        return s >= r->from_s && s < r->until_s && on_day(r, day);
    }
    return (s >= r->from_s && on_day(r, day)) || (s < r->until_s && on_day(r, day - 1));
}

/* The first second in (from, to] whose offset is another, or `to`. Zones do not change twice a day. */
static int64_t transition(const quiet_rule *r, int64_t from, int64_t to) {
    int32_t before = offset(r, from);
    if (offset(r, to) == before) {
        return to;
    }
    while (to - from > 1) {
        int64_t middle = from + (to - from) / 2;
        if (offset(r, middle) == before) {
            from = middle;
        } else {
            to = middle;
        }
    }
    return to;
}

/* The next moment in which it may be otherwise. */
static int64_t next_turn(const quiet_rule *r, int64_t utc_s) {
    int64_t local = utc_s + offset(r, utc_s);
    int64_t s = local - floor_div(local, DAY_S) * DAY_S;
    int64_t next = DAY_S;
    if (r->from_s > s && r->from_s < next) {
        next = r->from_s;
    }
    if (r->until_s > s && r->until_s < next) {
        next = r->until_s;
    }
    return transition(r, utc_s, utc_s + next - s);
}

/* When it is first as wanted, from then on. */
static int64_t when_is(const quiet_rule *r, int64_t utc_s, bool wanted) {
    for (int i = 0; i < 64 && is_quiet(r, utc_s) != wanted; i++) {
        utc_s = next_turn(r, utc_s);
    }
    return utc_s;
}

/* ---- what holds an effect up ---- */

bool quiet_is_about(const quiet_rule *r, const policy_query *q) {
    if (!q) {
        return r->on_count == 0 && r->agent_count == 0 && r->sink == SINK_ANY;
    }
    static const char *const all[] = {"*"};
    const char *const *on = r->on_count ? (const char *const *)r->on : all;
    return (r->approvals || strncmp(q->target, "run.", 4) != 0) &&
           (r->sink == SINK_ANY || (r->sink == SINK_EXTERNAL) == q->sink_external) &&
           entry_covers(on, r->on_count ? r->on_count : 1, r->agents, r->agent_count, q->agent,
                        q->target);
}

bool quiet_any(const policy *p) {
    for (size_t i = 0; i < p->quiet_count; i++) {
        if (!p->quiet[i].approvals) {
            return true;
        }
    }
    return false;
}

int64_t quiet_until_us(const policy *p, const policy_query *q, int64_t now_us,
                       const quiet_rule **rule) {
    int64_t at = floor_div(now_us, SECOND);
    bool moved = true;
    *rule = NULL;
    for (int round = 0; moved && round < ENTRY_ENDS; round++) {
        moved = false;
        for (size_t i = 0; i < p->quiet_count; i++) {
            const quiet_rule *r = &p->quiet[i];
            if (!r->approvals && quiet_is_about(r, q) && is_quiet(r, at)) {
                at = when_is(r, at, false);
                *rule = r;
                moved = true;
            }
        }
    }
    return *rule ? at * SECOND : now_us;
}

/* ---- hours that do not count ---- */

/* When no entry pauses any more: `at` itself if none does. */
static int64_t pause_ends(const policy *p, const policy_query *q, int64_t at) {
    bool moved = true;
    for (int round = 0; moved && round < ENTRY_ENDS; round++) {
        moved = false;
        for (size_t i = 0; i < p->quiet_count; i++) {
            const quiet_rule *r = &p->quiet[i];
            if (r->approvals && quiet_is_about(r, q) && is_quiet(r, at)) {
                at = when_is(r, at, false);
                moved = true;
            }
        }
    }
    return at;
}

static int64_t pause_begins(const policy *p, const policy_query *q, int64_t at) {
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < p->quiet_count; i++) {
        const quiet_rule *r = &p->quiet[i];
        if (r->approvals && quiet_is_about(r, q)) {
            int64_t begins = when_is(r, at, true);
            first = begins < first ? begins : first;
        }
    }
    return first;
}

int64_t quiet_after_us(const policy *p, const policy_query *q, int64_t from_us, int64_t span_us) {
    int64_t now_us = from_us;
    for (int i = 0; i < TOO_MANY; i++) {
        int64_t at = floor_div(now_us, SECOND), ends = pause_ends(p, q, at);
        now_us = ends > at ? ends * SECOND : now_us;
        int64_t begins = pause_begins(p, q, ends);
        if (begins == INT64_MAX || begins == ends || begins * SECOND - now_us >= span_us) {
            break;
        }
        span_us -= begins * SECOND - now_us;
        now_us = begins * SECOND;
    }
    return now_us + span_us;
}

/* ---- words ---- */

static const char *const day_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

void quiet_days(const quiet_rule *r, keel_buf *out) {
    const char *before = "";
    if (r->days == 0x7f) {
        keel_buf_puts(out, "all");
        return;
    }
    for (size_t i = 1; i <= 7; i++) { /* a week begins on Monday */
        if (r->days >> i % 7 & 1) {
            keel_buf_printf(out, "%s%s", before, day_names[i % 7]);
            before = ", ";
        }
    }
}

void quiet_words(const quiet_rule *r, keel_buf *out) {
    keel_buf_puts(out, "quiet");
    if (r->hours[0]) {
        keel_buf_printf(out, " from %.5s to %s", r->hours, r->hours + 6);
    }
    if (r->days != 0x7f) {
        keel_buf_puts(out, " on ");
        quiet_days(r, out);
    }
    keel_buf_printf(out, "%s%s (%s:%d)", r->tz[0] ? " " : "", r->tz, r->file, r->line);
}
