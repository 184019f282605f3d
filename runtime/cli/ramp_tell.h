/* What the trust ramp proposes and what it holds back, for people and for programs. */
#ifndef CLI_RAMP_TELL_H
#define CLI_RAMP_TELL_H

#include "ramp_prove.h"

/* All of one proposal; all: every approval is listed. */
void ramp_tell(const ramp_scene *v, proposal *x, bool all);
void ramp_tell_held(const ramp_scene *v, const proposal *x);               /* one line */
void ramp_tell_json(const ramp_scene *v, const proposal *x, size_t after); /* one line, of either */

#endif
