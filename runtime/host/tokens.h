/* Tokens of a model, by class, as connectors report them. */
#ifndef TOKENS_H
#define TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keel/json.h"

/* The classes are disjoint: what is read from a cache, or written to one, is not in `input`. */
typedef enum token_class {
    TOKENS_INPUT,
    TOKENS_OUTPUT,
    TOKENS_CACHE_READ,
    TOKENS_CACHE_WRITE,
    TOKEN_CLASSES
} token_class;
const char *token_class_name(token_class c); /* "input", ... */

#define TOKENS_MOST  1000000000LL /* of one class in one attempt */
#define TOKENS_MODEL 101          /* bytes of a model's name, with its NUL */

typedef struct token_usage {
    int64_t of[TOKEN_CLASSES]; /* each 0 to TOKENS_MOST */
} token_usage;
int64_t tokens_sum(const token_usage *u);

/* {"cache_read":N,"cache_write":N,"input":N,"model":TEXT,"output":N}: all of them, and nothing else.
 * false: it is not to be believed. */
bool tokens_read(keel_json v, token_usage *out, char model[TOKENS_MODEL]);

#endif
