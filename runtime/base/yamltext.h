/* What may stand in a YAML file before any parser sees it. Private to yamltree.c. */
#ifndef YAMLTEXT_H
#define YAMLTEXT_H

#include <stddef.h>

#include "diag.h"

#define YAML_MAX_BYTES (256 * 1024)

/* Refuses what is too large, bytes that are not UTF-8, NUL, control characters, and the marks that
 * make text read otherwise than it is shown. 0 or DIAG_USAGE with line and column (in characters). */
int yaml_text_check(const char *file, const char *text, size_t len, diag *d);

#endif
