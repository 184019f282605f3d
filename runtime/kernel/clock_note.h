/* What a kernel leaves behind about time, so that the next one on the same start of the machine knows how
 * much has gone by: .keel/clock, "BOOT_ID WALL BOOTTIME", in microseconds. Lost, nothing is: the wall
 * clock is believed then, as after a restart of the machine. */
#ifndef KERNEL_CLOCK_NOTE_H
#define KERNEL_CLOCK_NOTE_H

#include <stdint.h>

/* What the wall clock would say at this BOOTTIME if nobody had set it; 0: nobody knows. */
int64_t clock_note_read(const char *folder, int64_t boot_us);
/* Writes it, if it tells another time than the last one that this process wrote. */
void clock_note_write(const char *folder, int64_t wall_us, int64_t boot_us);

#endif
