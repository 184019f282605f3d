#include "reloading.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "bench.h"
#include "keel/buf.h"
#include "world.h"

#define FILES   4
#define RULES   250 /* in each */
#define RELOADS 8   /* in a round */

/* change: what makes it another policy. */
static void rules_of(keel_buf *out, int file, int change) {
    keel_buf_printf(out, "# %d\nversion: 1\nrules:\n", change);
    for (int i = file * RULES; i < (file + 1) * RULES; i++) {
        keel_buf_printf(out,
                        "  - id: rule-%d\n"
                        "    on: nothing.note.write\n"
                        "    agents: [effects, segments]\n"
                        "    allow: { to_domain: { in: [a%d.example, b.example] }, amount: { lt: "
                        "%d EUR } }\n"
                        "    ask: { amount: { lt: 5000 EUR } }\n"
                        "    approval: { expires: 24h, edit: [subject, body] }\n",
                        i, i, i + 1);
    }
}

static void write_rules(const char *folder, int file, const keel_buf *text) {
    char path[4200];
    snprintf(path, sizeof path, "%s/policies/rules-%d.yaml", folder, file);
    FILE *f = fopen(path, "w");
    if (!f || fwrite(text->data, 1, text->len, f) != text->len || fclose(f) != 0) {
        bench_die("%s cannot be written", path);
    }
}

static void read_events(const keel_buf *text) {
    yaml_parser_t parser;
    bool end = false;
    if (!yaml_parser_initialize(&parser)) {
        bench_die("libyaml has no memory");
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text->data, text->len);
    while (!end) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            bench_die("the rules of the benchmark are no YAML: %s", parser.problem);
        }
        end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
}

static double events_ms(keel_buf text[FILES]) {
    double from = bench_now();
    for (int i = 0; i < FILES; i++) {
        read_events(&text[i]);
    }
    return (bench_now() - from) * 1000;
}

/* One round: its median reload, and the limit. */
static double round_ms(world *w, const char *folder, keel_buf text[FILES], int round,
                       double *limit) {
    static const load beside = {.agent = "steps", .input = "{}", .runs = 64};
    double ms[RELOADS], least[RELOADS];
    for (int i = 0; i < RELOADS; i++) {
        keel_buf_clear(&text[0]);
        rules_of(&text[0], 0, round * RELOADS + i + 1);
        write_rules(folder, 0, &text[0]);
        ms[i] = world_reload_ms(w, NULL);
        least[i] = events_ms(text);
        world_reload_ms(w, &beside);
    }
    *limit = bench_median(least, RELOADS);
    return bench_median(ms, RELOADS);
}

void reloading_rules(reloading o) {
    char folder[4096];
    keel_buf text[FILES] = {KEEL_BUF_INIT, KEEL_BUF_INIT, KEEL_BUF_INIT, KEEL_BUF_INIT};
    double ms[16], limit[16];
    snprintf(folder, sizeof folder, "%s/reload", o.folder);
    world *w = world_create(o.keel, o.workspace, folder);
    for (int i = 0; i < FILES; i++) {
        rules_of(&text[i], i, 0);
        write_rules(folder, i, &text[i]);
    }
    world_up(w);
    for (int i = 0; i < o.rounds; i++) {
        ms[i] = round_ms(w, folder, text, i, &limit[i]);
    }
    world_destroy(w);
    double median = bench_median(ms, (size_t)o.rounds);
    report_add(o.report, "reload_1000_ms", median, "ms", bench_median(limit, (size_t)o.rounds),
               "<= 20", median <= 20);
    for (int i = 0; i < FILES; i++) {
        keel_buf_free(&text[i]);
    }
}
