/* Time zones, read from the system's zone files. Neither TZ nor tzset is touched, so any thread may
 * ask at any time. */
#ifndef ZONE_H
#define ZONE_H

#include <stdint.h>

typedef struct zone zone;

/* `name` as in "Europe/Madrid". 0, or -1 when there is no such zone on this machine. */
int zone_load(zone **out, const char *name);
void zone_destroy(zone *z);
/* Seconds to add to UTC at that time. */
int32_t zone_offset(const zone *z, int64_t utc_s);

#endif
