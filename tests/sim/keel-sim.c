/* keel-sim: one seed, many, or planted bugs. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "campaign.h"
#include "planted.h"
#include "sim.h"

static const char help[] =
    "Whole workspaces under a virtual clock with all that can go wrong, from a seed.\n\n"
    "  keel-sim --seed N            one workspace; prints the digest of its journal\n"
    "  keel-sim --seed N --trace    the same, told step by step\n"
    "  keel-sim --seeds N           seeds 1 to N\n"
    "  keel-sim --minutes M         as many seeds as fit\n"
    "  keel-sim --from N            where --seeds and --minutes begin\n"
    "  keel-sim --bugs              does a check catch each planted bug?\n"
    "  keel-sim --bug NAME          with this bug planted (KEEL_BUG does the same)\n"
    "  keel-sim --workers N         processes at a time, 2 if it is not said\n";

static int one(uint64_t seed, bool trace) {
    simulation *s = keel_alloc(sizeof *s);
    char hex[DIGEST_HEX] = "";
    memset(s, 0, sizeof *s);
    s->seed = seed;
    s->trace = trace;
    bool good = sim_simulate(s);
    digest_hex(&s->journal, hex);
    if (good) {
        printf("seed %llu: %llu records in %d lives, journal %s\n", (unsigned long long)seed,
               (unsigned long long)s->records, s->lives, hex);
    } else {
        printf("seed %llu: %s does not hold: %s\n", (unsigned long long)seed, s->invariant,
               s->words);
    }
    sim_finish(s);
    free(s);
    return good ? 0 : 1;
}

static uint64_t number(const char *text) {
    char *end;
    unsigned long long n = strtoull(text, &end, 10);
    if (!*text || *end || *text == '-') {
        fprintf(stderr, "keel-sim: %s is no number\n", text);
        exit(2);
    }
    return n;
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"seed", required_argument, NULL, 's'}, {"seeds", required_argument, NULL, 'n'},
        {"from", required_argument, NULL, 'f'}, {"minutes", required_argument, NULL, 'm'},
        {"trace", no_argument, NULL, 't'},      {"bugs", no_argument, NULL, 'b'},
        {"bug", required_argument, NULL, 'p'},  {"workers", required_argument, NULL, 'w'},
        {"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0},
    };
    campaign c = {.from = 1, .workers = 2, .program = argv[0]};
    uint64_t seed = 0;
    bool trace = false, bugs = false;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (o) {
        case 's':
            seed = number(optarg);
            break;
        case 'n':
            c.seeds = number(optarg);
            break;
        case 'f':
            c.from = number(optarg);
            break;
        case 'm':
            c.seconds = 60 * (int64_t)number(optarg);
            break;
        case 't':
            trace = true;
            break;
        case 'b':
            bugs = true;
            break;
        case 'p':
            planted_set(optarg);
            break;
        case 'w':
            c.workers = (int)number(optarg);
            break;
        default:
            fputs(help, o == 'h' ? stdout : stderr);
            return o == 'h' ? 0 : 2;
        }
    }
    if (bugs) {
        return campaign_bugs(&c);
    }
    if (seed) {
        return one(seed, trace);
    }
    if (!c.seeds && !c.seconds) {
        fputs(help, stderr);
        return 2;
    }
    return campaign_run(&c);
}
