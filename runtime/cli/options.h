/* The words of a command line, by a table of options. Both --name VALUE and --name=VALUE; short
 * flags may be bundled (-qf); "--" ends the options. A wrong one is refused with the nearest right
 * one. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "diag.h"

typedef struct option {
    const char *name;  /* without the dashes; NULL ends a table */
    char letter;       /* 0: none */
    const char *value; /* what stands for its value in help; NULL: a flag */
    const char *help;
} option;

#define OPTIONS_TABLES 2
#define OPTIONS_MAX    64 /* options given in one command line */

typedef struct options {
    const option *tables[OPTIONS_TABLES]; /* may be NULL */
    const option *given[OPTIONS_MAX];
    const char *values[OPTIONS_MAX];
    size_t given_count;
    const char **args; /* what is no option, in order; in the caller's array */
    size_t arg_count;
} options;

/* Reads argv[0..argc). `args` has room for argc words. With stop_early the first word that is no
 * option ends the reading, and *used says how many words were read. Adds to what *o holds. */
int options_read(options *o, const char **args, int argc, char **argv, bool stop_early, int *used,
                 diag *d);
bool options_has(const options *o, const char *name);
const char *options_value(const options *o, const char *name); /* the last one, or NULL */
/* The i-th value of an option that may be repeated, or NULL. */
const char *options_nth(const options *o, const char *name, size_t i);

#endif
