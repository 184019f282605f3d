#include "deciding.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

/* The dearest part of a decision that cannot be left out: its target hashed once. */
static double hash_ns(void) {
    static const char target[] = "author inbox.message.write";
    uint64_t sum = 0;
    double from = bench_now();
    for (int i = 0; i < 1000000; i++) {
        uint64_t h = 1469598103934665603u + (uint64_t)i;
        for (const char *p = target; *p; p++) {
            h = (h ^ (unsigned char)*p) * 1099511628211u;
        }
        sum += h;
    }
    double took = bench_now() - from;
    return sum == 0 ? 0 : took * 1e3; /* a million hashes; the sum keeps them from being left out */
}

void deciding_decisions(deciding s) {
    static const struct {
        const char *name, *wanted;
        double most;
    } wanted[] = {{"decision_20_ns", "<= 200", 200},
                  {"decision_1000_ns", "<= 1000", 1000},
                  {"decision_recorded_ns", "<= 2000", 2000},
                  {"reserve_settle_ns", "<= 100", 100}};
    double limit = hash_ns(), value;
    char name[64];
    FILE *f = popen(s.decision, "r");
    size_t found = 0;
    while (f && fscanf(f, "%63s %lf", name, &value) == 2) {
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
            if (strcmp(name, wanted[i].name) == 0) {
                report_add(s.report, wanted[i].name, value, "ns", limit, wanted[i].wanted,
                           value <= wanted[i].most);
                found++;
            }
        }
    }
    if (!f || pclose(f) != 0 || found != sizeof wanted / sizeof *wanted) {
        bench_die("%s did not say what a decision costs", s.decision);
    }
}

/* All effects of a journal, decided again; the limit is the same journal read and checked, and nothing
 * decided. */
void deciding_backtest(deciding s) {
    char command[8300], name[64];
    double value, per_s = 0, limit = 0, mail = 0, mail_limit = 0;
    snprintf(command, sizeof command, "exec '%s' '%s/backtest'", s.backtest, s.folder);
    FILE *f = popen(command, "r");
    while (f && fscanf(f, "%63s %lf", name, &value) == 2) {
        per_s = strcmp(name, "backtest_per_s") == 0 ? value : per_s;
        limit = strcmp(name, "reading_per_s") == 0 ? value : limit;
        mail = strcmp(name, "backtest_mail_per_s") == 0 ? value : mail;
        mail_limit = strcmp(name, "reading_mail_per_s") == 0 ? value : mail_limit;
    }
    if (!f || pclose(f) != 0 || per_s <= 0 || mail <= 0) {
        bench_die("%s did not say how fast it decides again", s.backtest);
    }
    report_add(s.report, "backtest_per_s", per_s, "1/s", limit, ">= 100000", per_s >= 100000);
    report_add(s.report, "backtest_mail_per_s", mail, "1/s", mail_limit, "(long arguments)", true);
}
