/* What it costs to reserve and to settle one effect that four budgets count, in nanoseconds: the whole
 * workspace by the month, an agent by the day, its run tree, and the workspace over a window that
 * rolls, with some thousand other accounts beside them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "budget.h"

#define RUNS   25
#define ROUNDS 20000
#define TREES  2000
#define NOON   1795435200000000LL /* 2026-11-23 12:00 UTC */

static const char text[] =
    "version: 1\nbudgets:\n"
    "  - { id: month, scope: workspace, limit: 9000000 USD, window: calendar_month,\n"
    "      tz: Europe/Madrid }\n"
    "  - { id: agent, each: agent, limit: 9000000 USD, window: day, soft: 80%, at_soft: ask }\n"
    "  - { id: run, each: run_tree, limit: 9000000 USD }\n"
    "  - { id: rolling, scope: workspace, limit: 9000000 USD, window: 24h }\n";

static double now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Effects of as many trees and agents as there are, one after the other. */
static void spend(budgets *b, const policy *p, int64_t now_us, int i) {
    static const char *const agents[] = {"author", "outreach", "finance", "triage"};
    budget_request q = {.agent = agents[i % 4],
                        .root_run = (uint64_t)(i % TREES + 1),
                        .calls = 1,
                        .micros = 20000,
                        .currency = "USD",
                        .target = "inbox.message.write",
                        .connection = "inbox"};
    budget_hold holds[BUDGET_HOLDS];
    budget_refusal why;
    size_t count = 0;
    if (budget_reserve(b, p, &q, now_us, holds, &count, &why) || count != 4) {
        fputs("the effect does not fit, or is not counted four times\n", stderr);
        exit(1);
    }
    for (size_t k = 0; k < count; k++) {
        if (budget_settle(b, p, &holds[k], 15000)) {
            fputs("a budget is overrun\n", stderr);
            exit(1);
        }
    }
}

/* The median of all runs; in each the clock goes on, and windows turn. */
static double measure(const policy *p) {
    budgets *b = budgets_create();
    double runs[RUNS];
    for (int i = 0; i < TREES; i++) {
        spend(b, p, NOON, i);
    }
    for (int r = 0; r < RUNS; r++) {
        double from = now_ns();
        for (int i = 0; i < ROUNDS; i++) {
            spend(b, p, NOON + r * 3600000000LL + i * 100000LL, i);
        }
        runs[r] = (now_ns() - from) / ROUNDS;
    }
    budgets_destroy(b);
    qsort(runs, RUNS, sizeof *runs, by_value);
    return runs[RUNS / 2];
}

int main(void) {
    policy_source source = {"bench.yaml", text, strlen(text)};
    policy *p = NULL;
    diag d = {0};
    if (digest_init()) {
        return 1;
    }
    if (policy_compile(&p, &source, 1, NULL, NULL, NULL, &d)) {
        diag_print(stderr, &d);
        return 1;
    }
    printf("reserve_settle_ns %.0f\n", measure(p));
    policy_destroy(p);
    return 0;
}
