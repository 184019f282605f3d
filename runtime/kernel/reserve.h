/* Room on the disk of a workspace: how much there is, and a file that keeps some of it for the last
 * words. While the reserve is there, a full disk stops new work first; what is freed with it is for
 * the records of a stop, of refusals and of cancelling. No state but the file; one thread. */
#ifndef KERNEL_RESERVE_H
#define KERNEL_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

#define RESERVE_BYTES (1 << 20)
#define RESERVE_LOW   (8LL << 20)  /* below, the disk is nearly full */
#define RESERVE_ROOM  (16LL << 20) /* from here on it is not any more */

/* Bytes that an unprivileged user may still write where the folder is; INT64_MAX: not known. */
int64_t reserve_left(const char *folder);
/* Whether the disk is nearly full, which it stays until there is clearly room again. */
bool reserve_is_low(const char *folder, bool was_low);
/* Makes FOLDER/reserve where it is not there and there is room for it. */
void reserve_keep(const char *folder);
/* Gives it up, if so little is left that a few records may not fit. */
void reserve_free(const char *folder);

#endif
