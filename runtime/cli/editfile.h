/* Fields of canonical arguments as text that a person edits, and back. */
#ifndef CLI_EDITFILE_H
#define CLI_EDITFILE_H

#include <stddef.h>

#include "diag.h"
#include "keel/buf.h"
#include "keel/json.h"

/* A text as it is, anything else as its JSON. */
void edit_plain(keel_json v, keel_buf *out);
/* Reads the new value of a field: text stays text, anything else is read as JSON. Appends
 * `"name":value,` to members unless it is what it was. */
int edit_value(keel_json args, const char *name, const char *text, size_t len, keel_buf *members,
               diag *d);
/* Makes a canonical object of such members, which are then spent. */
int edit_close(keel_buf *members, keel_buf *set, diag *d);

/* The file that an editor gets: each field below a line `--- keel: NAME`. Refused when a text holds
 * such a line itself. */
int edit_text(keel_json args, const char *const *fields, size_t count, keel_buf *out, diag *d);
/* The fields that differ in what the editor left, as a canonical object. */
int edit_parse(keel_json args, const char *text, size_t len, keel_buf *set, diag *d);

#endif
