/* The scope and the window to which an amount belongs, as they stand in records. */
#include <stdio.h>
#include <time.h>

#include "policyint.h"

void budget_window(const budget_rule *r, int64_t now_us, char out[24]) {
    static const char *const formats[] = {
        [WINDOW_NONE] = "-",
        [WINDOW_HOUR] = "%Y-%m-%dT%H",
        [WINDOW_DAY] = "%Y-%m-%d",
        [WINDOW_MONTH] = "%Y-%m",
    };
    int64_t s = now_us / 1000000 - (now_us % 1000000 < 0);
    time_t local = (time_t)(s + (r->zone ? zone_offset(r->zone, s) : 0));
    struct tm tm = {0};
    if (!gmtime_r(&local, &tm) || strftime(out, 24, formats[r->window], &tm) == 0) {
        snprintf(out, 24, "-");
    }
}

void budget_scope(const budget_rule *r, const char *agent, uint64_t root_run, char out[64]) {
    if (r->scope == SCOPE_AGENT) {
        snprintf(out, 64, "agent:%.57s", agent);
    } else if (r->scope == SCOPE_RUN_TREE) {
        snprintf(out, 64, "run:%llu", (unsigned long long)root_run);
    } else {
        snprintf(out, 64, "workspace");
    }
}
