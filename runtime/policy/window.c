/* The scope and the window to which an amount belongs, as they stand in records. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policyint.h"

#define SECOND  1000000LL
#define MINUTE  (60 * SECOND)
#define HOUR    (60 * MINUTE)
#define DAY     (24 * HOUR)
#define QUARTER (15 * MINUTE) /* clocks are set, and zones differ, by multiples of it */

static int64_t floor_to(int64_t us, int64_t step) {
    int64_t rest = us % step;
    return us - (rest < 0 ? rest + step : rest);
}

/* ---- slices ---- */

static const struct {
    int64_t us;
    const char *name;
} slices[] = {
    {2 * MINUTE, "2m"},   {5 * MINUTE, "5m"}, {10 * MINUTE, "10m"}, {15 * MINUTE, "15m"},
    {30 * MINUTE, "30m"}, {HOUR, "1h"},       {2 * HOUR, "2h"},     {3 * HOUR, "3h"},
    {6 * HOUR, "6h"},     {12 * HOUR, "12h"}, {DAY, "1d"},          {2 * DAY, "2d"},
    {3 * DAY, "3d"},      {7 * DAY, "7d"},    {14 * DAY, "14d"},
};
#define SLICES     (sizeof slices / sizeof *slices)
#define SLICES_MAX 30 /* in a window */

int64_t budget_slice_us(int64_t window_us) {
    size_t i = 0;
    while (i + 1 < SLICES && window_us / slices[i].us > SLICES_MAX) {
        i++;
    }
    return slices[i].us;
}

static const char *slice_name(int64_t us) {
    size_t i = 0;
    while (i + 1 < SLICES && slices[i].us != us) {
        i++;
    }
    return slices[i].name;
}

bool budget_slice_span(const char *window, int64_t *from_us, int64_t *to_us) {
    struct tm tm = {0};
    const char *slash = strchr(window, '/');
    int used = 0;
    if (!slash ||
        sscanf(window, "%4d-%2d-%2dT%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &used) != 5 ||
        window + used != slash) {
        return false;
    }
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    for (size_t i = 0; i < SLICES; i++) {
        if (strcmp(slices[i].name, slash + 1) == 0) {
            *from_us = (int64_t)timegm(&tm) * SECOND;
            *to_us = *from_us + slices[i].us;
            return true;
        }
    }
    return false;
}

/* ---- windows ---- */

static int64_t local_seconds(const budget_rule *r, int64_t now_us) {
    int64_t s = floor_to(now_us, SECOND) / SECOND;
    return s + (r->zone ? zone_offset(r->zone, s) : 0);
}

void budget_window(const budget_rule *r, int64_t now_us, char out[24]) {
    static const char *const formats[] = {
        [WINDOW_NONE] = "-",      [WINDOW_HOUR] = "%Y-%m-%dT%H",        [WINDOW_DAY] = "%Y-%m-%d",
        [WINDOW_MONTH] = "%Y-%m", [WINDOW_ROLLING] = "%Y-%m-%dT%H:%M/",
    };
    bool rolls = r->window == WINDOW_ROLLING;
    time_t local = (time_t)local_seconds(r, rolls ? floor_to(now_us, r->slice_us) : now_us);
    struct tm tm = {0};
    size_t len = gmtime_r(&local, &tm) ? strftime(out, 24, formats[r->window], &tm) : 0;
    if (len == 0) {
        snprintf(out, 24, "-");
    } else if (rolls) {
        snprintf(out + len, 24 - len, "%s", slice_name(r->slice_us));
    }
}

void budget_window_name(const budget_rule *r, int64_t now_us, char out[24]) {
    if (r->window == WINDOW_ROLLING) {
        snprintf(out, 24, "%.23s", r->window_text);
    } else {
        budget_window(r, now_us, out);
    }
}

void budget_window_span(const budget_rule *r, int64_t now_us, int64_t *from_us, int64_t *until_us) {
    if (r->window == WINDOW_NONE) {
        *from_us = INT64_MIN;
        *until_us = INT64_MAX;
        return;
    }
    int64_t step = r->window == WINDOW_ROLLING ? r->slice_us : QUARTER;
    *from_us = floor_to(now_us, step);
    *until_us = *from_us + step;
}

/* The first second of the local window, or of the next one, as if it were UTC. */
static int64_t local_bound(const budget_rule *r, int64_t local, int next) {
    time_t at = (time_t)local;
    struct tm tm = {0};
    gmtime_r(&at, &tm);
    tm.tm_sec = tm.tm_min = 0;
    if (r->window == WINDOW_HOUR) {
        tm.tm_hour += next;
    } else {
        tm.tm_hour = 0;
        tm.tm_mday = r->window == WINDOW_MONTH ? 1 : tm.tm_mday + next;
        tm.tm_mon += r->window == WINDOW_MONTH ? next : 0;
    }
    return (int64_t)timegm(&tm);
}

static bool within(const budget_rule *r, const char *window, int64_t us) {
    char other[24];
    budget_window(r, us, other);
    return strcmp(window, other) == 0;
}

/* The bound is at a quarter near the guess: summer time moves it. */
void budget_window_ends(const budget_rule *r, int64_t now_us, int64_t *from_us, int64_t *ends_us) {
    char window[24];
    if (r->window == WINDOW_NONE || r->window == WINDOW_ROLLING) {
        budget_window_span(r, now_us, from_us, ends_us);
        return;
    }
    int64_t local = local_seconds(r, now_us), shift = local - floor_to(now_us, SECOND) / SECOND;
    budget_window(r, now_us, window);
    int64_t end = floor_to((local_bound(r, local, 1) - shift) * SECOND, QUARTER);
    int64_t from = floor_to((local_bound(r, local, 0) - shift) * SECOND, QUARTER);
    while (within(r, window, end)) {
        end += QUARTER;
    }
    while (end - QUARTER > now_us && !within(r, window, end - QUARTER)) {
        end -= QUARTER;
    }
    while (from <= now_us && !within(r, window, from)) {
        from += QUARTER;
    }
    while (within(r, window, from - QUARTER)) {
        from -= QUARTER;
    }
    *from_us = from;
    *ends_us = end;
}

/* ---- scopes ---- */

void budget_scope(scope_kind kind, const budget_request *req, char out[64]) {
    switch (kind) {
    case SCOPE_AGENT:
        snprintf(out, 64, "agent:%.57s", req->agent);
        break;
    case SCOPE_CONNECTION:
        snprintf(out, 64, "connection:%.52s", req->connection);
        break;
    case SCOPE_RUN_TREE:
        snprintf(out, 64, "run:%llu", (unsigned long long)req->root_run);
        break;
    default:
        snprintf(out, 64, "workspace");
    }
}

bool budget_rule_counts(const budget_rule *r, const char *agent, const char *target) {
    bool ours = r->agent_count == 0, there = r->on_count == 0;
    for (size_t i = 0; !ours && i < r->agent_count; i++) {
        ours = agent && strcmp(r->agents[i], agent) == 0;
    }
    for (size_t i = 0; ours && !there && i < r->on_count; i++) {
        there = target && target_matches(r->on[i], target);
    }
    return ours && there;
}
