/* What the tests of a failing machine share: lives of a real kernel under the scripts of the crash tests. */
#ifndef MACHINE_H
#define MACHINE_H

#include "scripts.h"

extern const site_start machine_plain; /* without anything */

/* Ends the site and tells its problem, with the end of its log. */
void machine_finish(site *s, keel_buf *problem, keel_buf *detail);
bool machine_log_has(const site *s, const char *text);
/* A life that nothing disturbs, and the check of the invariants. */
void machine_rest(site *s, const script *sc);
/* The same, and what the script is for has come out. */
void machine_last_life(site *s, const script *sc);

void machine_add_others(void); /* machineother.c: descriptors, signals, the log */
void machine_add_crowd(void);  /* machinecrowd.c: the control socket */

#endif
