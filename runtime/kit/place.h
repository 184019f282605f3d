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
/* Whether every line of `part` is in `whole`; both as place_list writes them. With names_only the
 * digests may differ. */
bool place_contains(const char *whole, const char *part, bool names_only);

#endif
