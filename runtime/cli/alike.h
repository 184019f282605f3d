/* Names in a text that are not what they look like: domains and addresses with letters of other scripts,
 * punycode, names that look like one that is known, addresses that lead elsewhere than they say.
 *
 * What is known (own domains, who wrote, who was written to) can only add to what is said of a name,
 * never take away from it; but for the operator's own names. Pure; one thread. */
#ifndef CLI_ALIKE_H
#define CLI_ALIKE_H

#include <stdbool.h>
#include <stddef.h>

#include "keel/buf.h"
#include "keel/json.h"

typedef struct alike_known alike_known;

alike_known *alike_create(void);
void alike_destroy(alike_known *k);
/* A domain or an address; `what` ("one of your own domains") is the caller's and stays. `own`: as it is
 * it needs no remark. What is surest comes first: of several that
 * a name looks like the first is told. */
void alike_add(alike_known *k, const char *name, size_t len, const char *what, bool own);
/* The addresses in all texts of a value. */
void alike_add_from(alike_known *k, keel_json value, const char *what);

/* Appends a line for each thing that is to be said of the names in a text, after `indent` spaces and a
 * mark; known may be NULL. `line`: the text is one line of its own, so a word with a dot is a name. */
void alike_notes(keel_buf *out, const char *text, size_t len, bool line, const alike_known *known,
                 size_t indent);
/* The same of a field's name, beside those of its object. */
void alike_key_notes(keel_buf *out, keel_json key, keel_json object, size_t indent);
/* Whether there is something to say of it. */
bool alike_any(const char *text, size_t len, const alike_known *known);

#endif
