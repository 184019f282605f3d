/* Digests and ids: BLAKE2b-256 (libsodium). Call digest_init once per process. No state. */
#ifndef DIGEST_H
#define DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_SIZE 32
#define DIGEST_HEX  65 /* with NUL */

typedef struct digest {
    uint8_t bytes[DIGEST_SIZE];
} digest;

int digest_init(void); /* 0, or -1 when libsodium will not start */
digest digest_of(const void *data, size_t len);
/* H(a || b): the body under its salt. */
digest digest_of2(const void *a, size_t alen, const void *b, size_t blen);
digest digest_keyed(const uint8_t key[32], const void *data, size_t len);
int digest_equal(const digest *a, const digest *b); /* constant time */
void digest_hex(const digest *d, char out[DIGEST_HEX]);
int digest_from_hex(digest *d, const char *hex, size_t len); /* -1: not 64 hex digits */

void hex_encode(char *out, const void *data, size_t len);            /* 2 * len + 1 bytes */
int hex_decode(void *out, size_t size, const char *hex, size_t len); /* bytes written, or -1 */

#endif
