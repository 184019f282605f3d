/* keel.clock/1 for both engines: a wait that ends as soon as the verb should. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

#include "keel/plugin.h"

int64_t clock_wall_us(void);
uint64_t clock_monotonic_ns(void);
/* deadline_ns: of the verb; 0: none. kernel_fd: hung up when the kernel has gone. */
keel_status clock_sleep(uint64_t ns, uint64_t deadline_ns, int kernel_fd);

#endif
