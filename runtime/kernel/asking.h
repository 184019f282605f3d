/* Questions that wait for a person, as calls of their runs. */
#ifndef KERNEL_ASKING_H
#define KERNEL_ASKING_H

#include "parts.h"

void call_ask(kernel *k, run *r, const char *path, const char *call_digest, keel_json args);
void question_expired(kernel *k, call *c); /* its time has come */

#endif
