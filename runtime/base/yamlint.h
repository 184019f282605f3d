/* The inner pieces of yamltree: what may stand in a file before libyaml sees it, and what libyaml's
 * complaints mean to a person. */
#ifndef YAMLINT_H
#define YAMLINT_H

#include <stddef.h>

#include <yaml.h>

#include "diag.h"

#define YAML_MAX_BYTES (256 * 1024)

/* Refuses what is too large, bytes that are not UTF-8, NUL, control characters, and the marks that
 * make text read otherwise than it is shown. 0 or DIAG_USAGE with line and column (in characters).
 */
int yaml_text_check(const char *file, const char *text, size_t len, diag *d);

/* The bytes of a byte order mark in front of the text: 3 or 0. */
size_t yaml_text_mark(const char *text, size_t len);

/* Fills d from the error at which the parser stopped. Returns DIAG_USAGE. */
int yaml_problem(const yaml_parser_t *parser, const char *file, diag *d);

#endif
