/* What the program that makes the system call filters and the one that sets them agree on. */
#ifndef FILTER_H
#define FILTER_H

/* Stands in a filter where the executor's own pid belongs, once: it is above any pid of Linux. */
#define FILTER_OWN_PID 0x5eed5eedu

#endif
