#include "report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"
#include "text.h"

#define EVERY_US  10000000 /* where nobody watches a line change */
#define LOG_LINES 12

/* ---- while it goes on ---- */

static void say_left(report *r, char *out, size_t size) {
    int64_t passed = cli_now_us() - r->began_us;
    int64_t left_s = r->done ? passed / r->done * (r->planned - r->done) / 1000000 : 0;
    if (left_s >= 90) {
        snprintf(out, size, "about %" PRId64 " min left", (left_s + 30) / 60);
    } else {
        snprintf(out, size, "about %" PRId64 " s left", left_s);
    }
}

static void clear_line(const report *r) {
    if (r->c->err.terminal && !r->c->quiet) {
        fputs("\r\033[K", stderr);
    }
}

static void show_progress(report *r) {
    char left[60];
    int64_t now = cli_now_us();
    bool live = r->c->err.terminal;
    if (r->c->quiet || r->o->tap || now - r->told_us < (live ? 100000 : EVERY_US)) {
        return;
    }
    r->told_us = now;
    say_left(r, left, sizeof left);
    fprintf(stderr, "%s%ld of %ld visits, %ld violations, %s%s", live ? "\r\033[K" : "", r->done,
            r->planned, r->violations, left, live ? "" : "\n");
    fflush(stderr);
}

void report_begin(report *r, cli *c, const torture_options *o, long planned) {
    *r = (report){.c = c, .o = o, .planned = planned, .began_us = cli_now_us()};
}

/* ---- violations ---- */

static void put_command(const report *r, const char *title, keel_buf *out) {
    keel_buf_puts(out, "keel torture ");
    if (r->o->folder) {
        keel_buf_printf(out, "%s ", r->o->folder);
    }
    if (r->o->seed != 1) {
        keel_buf_printf(out, "--seed %ld ", r->o->seed);
    }
    keel_buf_printf(out, "%s--only %s", r->o->quick ? "--quick " : "", title);
}

/* The last lines of what the kernels said, indented. */
static void put_log(const char *log, keel_buf *out) {
    size_t len = strlen(log), lines = 0, from = len;
    while (from > 0 && lines <= LOG_LINES) {
        from--;
        lines += log[from] == '\n' && from + 1 < len;
    }
    for (const char *at = log + from + (log[from] == '\n'); *at;) {
        size_t n = strcspn(at, "\n");
        keel_buf_puts(out, "      ");
        text_escape(out, at, n);
        keel_buf_putc(out, '\n');
        at += n + (at[n] == '\n');
    }
}

static void add_json(report *r, const char *title, const char *what, size_t len,
                     const keel_buf *again) {
    keel_json_writer w;
    if (r->json.len) {
        keel_buf_putc(&r->json, ',');
    }
    keel_json_write(&w, &r->json);
    keel_json_object(&w);
    keel_json_set_text(&w, "again", again->data);
    keel_json_set_text(&w, "point", title);
    keel_json_key(&w, "what");
    keel_json_textn(&w, what, len);
    keel_json_object_end(&w);
}

static void show_violation(report *r, const pool_result *result) {
    keel_buf out = KEEL_BUF_INIT, again = KEEL_BUF_INIT;
    size_t len = strcspn(result->text, "\n");
    put_command(r, result->name, &again);
    add_json(r, result->name, result->text, len, &again);
    keel_buf_printf(&out, "VIOLATION  %s\n  what   ", result->name);
    text_escape(&out, result->text, len);
    keel_buf_printf(&out, "\n  again  %s\n", again.data);
    if (result->text[len] && result->text[len + 1]) {
        keel_buf_puts(&out, "  log\n");
        put_log(result->text + len + 1, &out);
    }
    clear_line(r);
    if (!r->c->json) {
        cli_out(&out);
    }
    fflush(stdout);
    keel_buf_free(&out);
    keel_buf_free(&again);
}

static void print_tap(const report *r, const pool_result *result) {
    cli_print("%s %ld - %s%s\n", result->verdict == POOL_FAILED ? "not ok" : "ok", r->done,
              result->name, result->verdict == POOL_MISSED ? " # SKIP it did not come again" : "");
    for (const char *at = result->text; *at;) {
        size_t n = strcspn(at, "\n");
        cli_print("# %.*s\n", (int)n, at);
        at += n + (at[n] == '\n');
    }
    fflush(stdout);
}

void report_result(report *r, const pool_result *result) {
    r->done++;
    r->violations += result->verdict == POOL_FAILED;
    if (r->o->tap) {
        print_tap(r, result);
    } else if (result->verdict == POOL_FAILED) {
        show_violation(r, result);
    }
    show_progress(r);
}

void report_broken(report *r, const pool_result *result) {
    if (result->verdict == POOL_FAILED) {
        r->violations++;
        show_violation(r, result);
    }
}

/* ---- the table ---- */

void report_list(const cli *c) {
    static const column columns[] = {
        {"point", "point", COLUMN_TEXT}, {"hits", "hits", COLUMN_INT}, {"", "note", COLUMN_TEXT}};
    table *t = table_create(columns, 3);
    for (size_t i = 0; i < points_count(); i++) {
        const point *p = points_get(i);
        char hits[24];
        snprintf(hits, sizeof hits, "%ld", p->hits);
        const char *values[] = {p->name, hits, p->hits ? NULL : "not reached"};
        table_row(t, values);
    }
    cli_table(c, t, "There is no point.");
    table_destroy(t);
    points_sum s = points_add_up();
    cli_say(c,
            "%ld points: hits of failpoints, operations of the store, calls of the outside, other "
            "deaths. %ld failpoints are not reached. `keel torture --help` says what is counted.",
            s.all, s.unreached);
}

typedef struct area {
    char name[40];
    long points, hits, visited, missed, violations;
} area;

static void add_to_area(area *areas, size_t *count, const point *p) {
    char name[40];
    points_area(p->name, name, sizeof name);
    size_t i = 0;
    while (i < *count && strcmp(areas[i].name, name) != 0) {
        i++;
    }
    if (i == *count) {
        areas[*count] = (area){.points = 0};
        memcpy(areas[(*count)++].name, name, sizeof name);
    }
    areas[i].points++;
    areas[i].hits += p->hits - p->missed;
    areas[i].visited += p->visited;
    areas[i].violations += p->violations;
}

static void show_areas(const report *r) {
    static const column columns[] = {{"area", "area", COLUMN_TEXT},
                                     {"points", "points", COLUMN_INT},
                                     {"hits", "hits", COLUMN_INT},
                                     {"visited", "visited", COLUMN_INT},
                                     {"violations", "violations", COLUMN_INT}};
    area areas[64];
    size_t count = 0;
    for (size_t i = 0; i < points_count() && count < 64; i++) {
        add_to_area(areas, &count, points_get(i));
    }
    table *t = table_create(columns, 5);
    for (size_t i = 0; i < count; i++) {
        char numbers[4][24];
        const long from[] = {areas[i].points, areas[i].hits, areas[i].visited, areas[i].violations};
        for (int k = 0; k < 4; k++) {
            snprintf(numbers[k], sizeof numbers[k], "%ld", from[k]);
        }
        const char *values[] = {areas[i].name, numbers[0], numbers[1], numbers[2], numbers[3]};
        table_row(t, values);
    }
    cli_table(r->c, t, "There was nothing to visit.");
    table_destroy(t);
}

static void name_unreached(const report *r, const points_sum *s) {
    keel_buf names = KEEL_BUF_INIT;
    long shown = 0;
    for (size_t i = 0; i < points_count(); i++) {
        const point *p = points_get(i);
        if (p->registered && !p->hits && shown++ < 8) {
            keel_buf_printf(&names, "%s%s", names.len ? ", " : "", p->name);
        }
    }
    if (s->unreached) {
        cli_say(r->c, "%ld failpoints are not reached: %s%s. `--list` names them all.",
                s->unreached, names.data, s->unreached > 8 ? " …" : "");
    }
    keel_buf_free(&names);
}

static void print_json(const report *r, const points_sum *s) {
    keel_buf out = KEEL_BUF_INIT;
    keel_buf_printf(&out,
                    "{\"missed\":%ld,\"of\":%ld,\"planned\":%ld,\"seconds\":%" PRId64
                    ",\"unreached\":%ld,\"violations\":[%s],\"visited\":%ld}\n",
                    s->missed, s->all, s->planned, (cli_now_us() - r->began_us) / 1000000,
                    s->unreached, r->json.data ? r->json.data : "", s->visited);
    cli_out(&out);
    keel_buf_free(&out);
}

/* In the set that ships each point of the program must be hit by some script. */
static void print_tap_end(report *r, const points_sum *s) {
    if (!r->o->folder && !r->o->only) {
        cli_print("%s %ld - every failpoint of the program is hit by a script\n",
                  s->unreached ? "not ok" : "ok", ++r->done);
    }
    for (size_t i = 0; s->unreached && i < points_count(); i++) {
        const point *p = points_get(i);
        if (p->registered && !p->hits) {
            cli_print("# %s\n", p->name);
        }
    }
    cli_print("1..%ld\n", r->done);
}

int report_end(report *r) {
    points_sum s = points_add_up();
    bool part = r->o->quick || r->o->only;
    long wanted = part ? s.planned - s.missed : s.all;
    clear_line(r);
    if (r->o->tap) {
        print_tap_end(r, &s);
    } else if (r->c->json) {
        print_json(r, &s);
    } else {
        show_areas(r);
        name_unreached(r, &s);
        if (s.missed) {
            cli_say(r->c,
                    "%ld hits of the first pass did not come again in 8 lives and are not counted.",
                    s.missed);
        }
        cli_say(r->c, "%" PRId64 " s", (cli_now_us() - r->began_us) / 1000000);
        cli_print("%ld of %ld points, %ld violations\n", s.visited, s.all, s.violations);
    }
    keel_buf_free(&r->json);
    return s.violations || s.visited < wanted ? 1 : 0;
}
