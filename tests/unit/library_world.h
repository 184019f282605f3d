/* A workspace, shipped plugins and the SDK's library in a folder of their own, for the tables of
 * library.c and library_refuse.c. */
#ifndef LIBRARY_WORLD_H
#define LIBRARY_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fsio.h"
#include "library.h"

typedef struct place {
    char root[64]; /* ROOT/ws is the workspace, ROOT/shipped, ROOT/keel.lua */
    char ws[80];
    char shipped[80];
    char sdk[80];
    char text[512];
    int faults;
    diag last;
    library *library;
} place;

int library_set_up(void **state);
int library_tear_down(void **state);
const char *library_at(place *p, const char *name); /* its path, until the next call */
void library_put(place *p, const char *name, const char *text);
void library_put_agent(place *p, const char *folder, const char *id, const char *name,
                       const char *version);
void library_put_connector(place *p, const char *folder, const char *entry, const char *version);
/* Closes and opens again; returns how many plugins there are. */
size_t library_reopen(place *p);
/* Exactly one fault came, with these words. */
void library_expect_fault(const place *p, int code, const char *what, const char *next);

#endif
