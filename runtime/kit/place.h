/* Folders that the kit makes, copies and compares. */
#ifndef KIT_PLACE_H
#define KIT_PLACE_H

#include <stdbool.h>

#include "diag.h"
#include "keel/buf.h"

/* Copies regular files and folders; all else is left out. */
int place_copy(const char *from, const char *to, diag *d);
/* Appends a line "PATH KIND DIGEST" for all below a folder, sorted. Left out: temporary files of
 * keel.fs, which no reader sees. */
void place_list(const char *folder, keel_buf *out);
/* The path of the first line of `part` that is not in `whole`, both as place_list writes them, or NULL.
 * With names_only the digests may differ. Folders do not count. */
const char *place_missing(const char *whole, const char *part, bool names_only, size_t *len);
/* How many lines `now` has that `before` has not; of equal ones, how many more. */
size_t place_added(const char *before, const char *now);

#endif
