/* The allow of a rule changed in the text of its file, with every other byte left as it is. */
#ifndef RAMP_AMEND_H
#define RAMP_AMEND_H

#include "ramp.h"

/* f's rule is one of the file's. It gets the allow that f found, above its ask, or its own is widened
 * where it stands. *line: of the rule. 0, or DIAG_USAGE where the text is written in a way that is not
 * changed safely; what came out is to be compiled before it is believed. */
int ramp_amend(const char *file, const keel_buf *text, const ramp_finding *f, keel_buf *out,
               int *line, diag *d);

#endif
