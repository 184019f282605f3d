/* The conformance kit for connectors: starts the plugin's executor as the kernel does, asks it verbs,
 * lets the outside and the process fail in every way that it knows of, and compares what the
 * connector says with what the outside has. It needs no workspace and no kernel.
 *
 * The outside is a fresh folder, the scripted service of keel-fakeworld, and what a command of the
 * author's prints: whatever the plugin's check.yaml names. One thread; blocks until it is done. */
#ifndef KIT_H
#define KIT_H

#include <stdbool.h>

#include "diag.h"
#include "digest.h"

#define KIT_VERSION 1

typedef enum kit_verdict { KIT_PASSED, KIT_FAILED, KIT_SKIPPED } kit_verdict;

typedef struct kit_line {
    const char *check;    /* "kill.files" */
    const char *resource; /* or "" */
    const char *what;     /* what holds when it passes */
    kit_verdict verdict;
    const char
        *why; /* failed: what was seen; skipped: why, and how to have it run; passed: what was
                        done, mostly "" */
} kit_line;

typedef struct kit_settings {
    const char *folder; /* the plugin's */
    const char *executor, *step, *fakeworld, *egress, *sdk_lua;
    const char *so_folder; /* where else a .so may be, or NULL */
    const char *only;      /* one check, or NULL: all */
    bool unsafe;           /* no sandbox around the plugin */
    void (*line)(void *ctx, const kit_line *line);
    void *ctx;
} kit_settings;

typedef struct kit_untried {
    char
        resource[64]; /* the first whose writes claim to survive a lost answer, untried; "": none */
    char check[32], why[300]; /* what was left out, and why */
    bool world;               /* a scripted service would have it run */
} kit_untried;

typedef struct kit_totals {
    int passed, failed, skipped;
    bool known; /* the plugin could be read: digest holds */
    digest plugin;
    kit_untried untried;
} kit_totals;

/* 0 when the checks were made, whatever they found; a DIAG_ code when check.yaml is at fault or the
 * kit's own parts are not there. */
int kit_run(const kit_settings *s, kit_totals *totals, diag *d);

#endif
