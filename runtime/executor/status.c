#include "status.h"

#include <string.h>

static const char *const names[] = {
    "ok",      "invalid",  "denied",    "not_found", "conflict",  "retry",
    "unknown", "deadline", "cancelled", "internal",  "no_memory", "not_implemented",
};

#define NAME_COUNT ((keel_status)(sizeof names / sizeof *names))

const char *status_name(keel_status status) {
    if (status > 0 || status <= -NAME_COUNT) {
        return "internal";
    }
    return names[-status];
}

keel_status status_code(const char *name) {
    for (keel_status i = 0; i < NAME_COUNT; i++) {
        if (strcmp(names[i], name) == 0) {
            return -i;
        }
    }
    return KEEL_E_INTERNAL;
}
