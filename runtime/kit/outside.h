/* keel-fakeworld as the kit uses it: one process for all checks, emptied before each. */
#ifndef KIT_OUTSIDE_H
#define KIT_OUTSIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "diag.h"
#include "keel/buf.h"

typedef struct outside outside;

typedef struct outside_state {
    int64_t applied, late, requests; /* since the start */
    char store[72];                  /* digest of all that it holds */
} outside_state;

int outside_start(outside **out, const char *program, const char *script, const char *log, diag *d);
void outside_stop(outside *o);              /* takes NULL */
const char *outside_base(const outside *o); /* "http://127.0.0.1:PORT" */
/* Each asks its control paths. -1: it does not answer. */
int outside_clear(outside *o);
int outside_faults(outside *o, const char *json);
int outside_late(outside *o); /* all that was to be applied later, now */
int outside_forget_keys(outside *o);
int outside_look(outside *o, outside_state *state);
int outside_store(outside *o, keel_buf *out);

#endif
