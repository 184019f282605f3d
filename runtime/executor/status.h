/* Status codes by the words that frames, journal and policy use. No state. */
#ifndef STATUS_H
#define STATUS_H

#include "keel/plugin.h"

/* "invalid", ...; "ok" for KEEL_OK; "internal" for a code that plugin.h does not list. */
const char *status_name(keel_status status);
/* The code of a word; KEEL_E_INTERNAL for a word that is none. */
keel_status status_code(const char *name);

#endif
