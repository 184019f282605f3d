/* Planted bugs: places at which a test build does the wrong thing, so that the simulation's checks can
 * be seen to catch it (tests/sim). They stand in test builds only: without KEEL_FAILPOINTS the macro
 * is false, whatever the environment says.
 *
 *     if (KEEL_PLANTED("resend_once")) { ... break one promise ... }
 *
 * KEEL_BUG=NAME plants one bug. planted_set does the same for a driver within a process. One thread. */
#ifndef PLANTED_H
#define PLANTED_H

#include <stdbool.h>

#ifdef KEEL_FAILPOINTS
#define KEEL_PLANTED(name) planted_is(name)
#else
#define KEEL_PLANTED(name) false
#endif

bool planted_is(const char *name);
void planted_set(const char *name); /* NULL: none; borrowed */

#endif
