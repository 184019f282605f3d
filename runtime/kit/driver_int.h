/* The inner pieces of driver.h. */
#ifndef KIT_DRIVER_INT_H
#define KIT_DRIVER_INT_H

#include "driver.h"

const host_events *site_events(site *s, host_events *out);
/* Turns the loop until s->over. The executor is killed after kill_us (0: never), or when `a` says so. */
void site_wait(site *s, const ask *a, int64_t kill_us);

#endif
