#include "span.h"

#include <string.h>

#include "cli.h"
#include "yamltree.h"

int span_since(const char *text, int64_t *since_us, diag *d) {
    int64_t span;
    *since_us = 0;
    if (!text) {
        return 0;
    }
    yaml_node n = {.kind = YAML_SCALAR, .text = text, .len = strlen(text)};
    if (!yaml_duration_us(&n, &span) || span <= 0) {
        diag_set(d, DIAG_USAGE, "\"%s\" is no span of time.", text);
        return diag_next(d, "Write a number with m, h or d, such as --since 30d.");
    }
    *since_us = cli_now_us() - span;
    *since_us = *since_us > 0 ? *since_us : 1;
    return 0;
}
