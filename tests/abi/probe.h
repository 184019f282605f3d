/* System calls that a plugin has no business making, by name, for the sandbox's tests. */
#ifndef PROBE_H
#define PROBE_H

/* Makes the call. What it returned, or -errno; -100000 for a name that is not known. */
long probe_try(const char *name);

#endif
