/* keel torture: the command. */
#include "torture.h"

#include <errno.h>
#include <stdlib.h>

#include "commands.h"

static int number(const options *o, const char *name, long least, long *out, diag *d) {
    const char *text = options_value(o, name);
    if (!text) {
        return 0;
    }
    char *end;
    errno = 0;
    *out = strtol(text, &end, 10);
    if (errno || *end || end == text || *out < least) {
        diag_set(d, DIAG_USAGE, "--%s takes a number from %ld on, not \"%s\".", name, least, text);
        return diag_next(d, "For example: keel torture --%s 4", name);
    }
    return 0;
}

static int run(cli *c, const options *o, diag *d) {
    torture_options t = {.folder = o->arg_count ? o->args[0] : c->folder,
                         .only = options_value(o, "only"),
                         .seed = 1,
                         .list = options_has(o, "list"),
                         .quick = options_has(o, "quick"),
                         .tap = options_has(o, "tap")};
    int rc = number(o, "jobs", 1, &t.jobs, d);
    rc = rc ? rc : number(o, "seed", 0, &t.seed, d);
    return rc ? rc : torture_run(c, &t, d);
}

static const option torture_words[] = {
    {"only", 0, "POINT[@HIT]",
     "visit this point alone, or all of an area: journal, power, answers"},
    {"list", 0, NULL, "the points and how often each is hit; nothing is struck"},
    {"quick", 0, NULL, "the first and last hit of each point, and every 40th loss of power"},
    {"jobs", 'j', "N", "so many visits at a time"},
    {"seed", 0, "S", "other torn writes, other pairs of deaths"},
    {"tap", 0, NULL, "a line of TAP for each visit"},
    {NULL, 0, NULL, NULL},
};

const command torture_command = {
    .name = "torture",
    .words = "[DIR]",
    .summary = "kill Keel at every point of a workspace's work, and count what the outside saw",
    .more = "DIR is a workspace of yours. It is copied into a temporary folder; nothing of it is "
            "changed, no\n"
            "account is used, and its record and secrets stay where they are. Each connection "
            "leads to a\n"
            "simulated outside that keeps a log of its own; agents run on the inputs of their "
            "scenes and are\n"
            "answered from them. Then Keel is killed at every failpoint and at every hit of it, "
            "the power fails\n"
            "at every operation of the store, and every answer is lost once. After each, Keel is "
            "started again,\n"
            "and the record must agree with what the outside has seen. Without DIR the set that "
            "ships is\n"
            "visited. The last line says how many points of all were visited, and the exit code is "
            "1 when\n"
            "something was violated or left out.\n"
            "\n"
            "The points are: each hit of each failpoint of the program, in each script of the "
            "set; each\n"
            "operation of the store in a script's own work, and those at the start and end of a "
            "kernel in\n"
            "one script for each workspace, since they are the same in all; each call of the "
            "outside, times\n"
            "four ways to lose its answer; deaths at other times; and pairs of deaths. Of losses "
            "of power\n"
            "that would leave the same disk one is counted.",
    .examples = "keel torture\n"
                "keel torture .\n"
                "keel torture . --only journal.effect.done.after_commit@2\n"
                "keel torture . --list",
    .options = torture_words,
    .most = 1,
    .run = run,
};
