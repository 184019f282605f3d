#ifndef KERNEL_ACCEPTED_H
#define KERNEL_ACCEPTED_H

#include "store.h"

/* store_open; a file that was accepted then has a boot that says so, is restored and halted. */
int accepted_open(store **out, store_options *o, int64_t at_us, diag *d);

#endif
