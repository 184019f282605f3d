#include "report.h"

#include <stdlib.h>

#include "keel/buf.h"

typedef struct line {
    const char *name, *unit, *wanted;
    double value, limit;
    bool holds;
} line;

struct report {
    line *lines;
    size_t count;
};

report *report_create(void) {
    report *r = keel_alloc(sizeof *r);
    *r = (report){NULL, 0};
    return r;
}

void report_destroy(report *r) {
    free(r->lines);
    free(r);
}

void report_add(report *r, const char *name, double value, const char *unit, double limit,
                const char *wanted, bool holds) {
    r->lines = keel_realloc(r->lines, (r->count + 1) * sizeof *r->lines);
    r->lines[r->count++] = (line){name, unit, wanted, value, limit, holds};
}

static double ratio_of(const line *l) {
    return l->limit > 0 ? l->value / l->limit : 0;
}

static int decimals(double v) {
    return v >= 1000 ? 0 : v >= 10 ? 1 : 3;
}

void report_print(const report *r, FILE *to) {
    fprintf(to, "%-24s %12s %-6s %15s %8s  %s\n", "what", "value", "unit", "machine's limit",
            "ratio", "wanted");
    for (size_t i = 0; i < r->count; i++) {
        const line *l = &r->lines[i];
        fprintf(to, "%-24s %12.*f %-6s %15.*f %8.2f  %s%s\n", l->name, decimals(l->value), l->value,
                l->unit, decimals(l->limit), l->limit, ratio_of(l), l->wanted,
                l->holds ? "" : "  <- not reached");
    }
}

int report_json(const report *r, const char *path) {
    FILE *f = fopen(path, "w");
    if (!f) {
        return -1;
    }
    for (size_t i = 0; i < r->count; i++) {
        const line *l = &r->lines[i];
        fprintf(f,
                "%s\"%s\": {\"value\": %.6g, \"unit\": \"%s\", \"limit\": %.6g, \"ratio\": %.6g}",
                i ? ",\n " : "{", l->name, l->value, l->unit, l->limit, ratio_of(l));
    }
    fputs("}\n", f);
    return fclose(f);
}
