/* keel torture, in the `keel` that ships: it has no failpoints, and starts the program that has. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "paths.h"
#include "torture.h"

#define WORDS 20

typedef struct words {
    char *list[WORDS];
    size_t count;
} words;

static void add(words *w, const char *text) {
    w->list[w->count++] = keel_strdup(text);
}

static void add_value(words *w, const char *name, const char *value) {
    if (value) {
        add(w, name);
        add(w, value);
    }
}

static void add_number(words *w, const char *name, long value) {
    char text[32];
    snprintf(text, sizeof text, "%ld", value);
    add_value(w, name, value ? text : NULL);
}

static void add_flag(words *w, const char *name, bool given) {
    if (given) {
        add(w, name);
    }
}

/* The program's own place is not that of `keel`, from which the others are found. */
static void tell_places(char *program) {
    char *share = path_share("");
    char *slash = strrchr(program, '/');
    *slash = 0;
    setenv("KEEL_LIBEXEC", program, 1);
    *slash = '/';
    share[strlen(share) - 1] = 0;
    setenv("KEEL_SHARE", share, 1);
    free(share);
}

int torture_run(cli *c, const torture_options *o, diag *d) {
    words w = {.count = 0};
    char *program = path_program("keel-torture");
    add(&w, "keel");
    add_flag(&w, "--json", c->json);
    add_flag(&w, "--quiet", c->quiet);
    add(&w, "torture");
    add_value(&w, "--only", o->only);
    add_number(&w, "--jobs", o->jobs);
    add_number(&w, "--seed", o->seed);
    add_flag(&w, "--list", o->list);
    add_flag(&w, "--quick", o->quick);
    add_flag(&w, "--tap", o->tap);
    if (o->folder) {
        add(&w, "--");
        add(&w, o->folder);
    }
    w.list[w.count] = NULL;
    tell_places(program);
    execv(program, w.list);
    diag_set(d, DIAG_NOT_FOUND, "The program %s cannot be started: %s.", program, strerror(errno));
    diag_next(d, "It is installed with Keel, and is Keel with failpoints: install Keel whole, or "
                 "build it with `./dev build`.");
    for (size_t i = 0; i < w.count; i++) {
        free(w.list[i]);
    }
    free(program);
    return DIAG_NOT_FOUND;
}
