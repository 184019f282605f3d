#include "planted.h"

#include <stdlib.h>
#include <string.h>

static const char *planted;
static bool asked;

void planted_set(const char *name) {
    planted = name;
    asked = true;
}

bool planted_is(const char *name) {
    if (!asked) {
        planted_set(getenv("KEEL_BUG"));
    }
    return planted && !strcmp(planted, name);
}
