/* The chain, so that any language with BLAKE2b can verify it.
 *
 *   digest = BLAKE2b-256(salt || body)                     salt: 16 random bytes; no key, no person
 *   hash   = BLAKE2b-256(0x00 || previous || header || digest)
 *
 * `previous` is the hash of the record before in the same boot, or 32 zero bytes for the first one.
 * The header is, little-endian and without gaps:
 *
 *   i64 seq | i64 at | i64 boot | u64 run | u16 kind | u16 length of path | path
 *
 * A body of up to 256 bytes stands in journal.body with journal.salt; of a larger one both are NULL
 * and payload has the salt and bytes under the same digest. Where neither has them the body was
 * erased, which leaves the chain whole. The first record of a boot is of kind "boot", and its body
 * names the heads of the chains before it, so that the boots form one chain too. */
#include <string.h>

#include "private.h"

enum { FIXED = 36, ROOM = 1 + DIGEST_SIZE + FIXED + STORE_PATH_LIMIT + DIGEST_SIZE };

const digest chain_zero = {{0}};

static uint8_t *put(uint8_t *p, uint64_t v, int bytes) {
    for (int i = 0; i < bytes; i++) {
        p[i] = (uint8_t)(v >> (8 * i));
    }
    return p + bytes;
}

static uint8_t *put_bytes(uint8_t *p, const void *from, size_t len) {
    memcpy(p, from, len);
    return p + len;
}

digest chain_next(const digest *previous, const chain_header *h, const digest *body) {
    uint8_t bytes[ROOM];
    uint8_t *p = bytes;
    size_t path_len = h->path_len < STORE_PATH_LIMIT ? h->path_len : STORE_PATH_LIMIT;
    *p++ = 0;
    p = put_bytes(p, previous->bytes, DIGEST_SIZE);
    p = put(p, (uint64_t)h->seq, 8);
    p = put(p, (uint64_t)h->at, 8);
    p = put(p, (uint64_t)h->boot, 8);
    p = put(p, h->run, 8);
    p = put(p, (uint64_t)h->kind, 2);
    p = put(p, path_len, 2);
    p = put_bytes(p, h->path, path_len);
    p = put_bytes(p, body->bytes, DIGEST_SIZE);
    return digest_of(bytes, (size_t)(p - bytes));
}
