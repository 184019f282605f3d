#ifndef KERNEL_RESTORE_POINT_H
#define KERNEL_RESTORE_POINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOST_LIVES = 16 };

/* The last time that a backup took the place of a newer file. */
typedef struct restore_point {
    int64_t seq;       /* of its record; 0: never */
    int64_t last_us;   /* when the backup's last record was written */
    int64_t at_us;     /* when it was restored */
    uint64_t last_run; /* that the backup knows */
    struct {
        char incarnation[17];
        uint64_t last_run; /* up to this one its runs are ours */
    } lives[LOST_LIVES];   /* lost ones, that may have sent something in between */
    size_t life_count;
    bool untold; /* there are more, of which nobody knows what they did */
} restore_point;

#endif
