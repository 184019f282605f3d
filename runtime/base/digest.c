#include "digest.h"

#include <sodium.h>
#include <string.h>

int digest_init(void) {
    return sodium_init() < 0 ? -1 : 0;
}

digest digest_of(const void *data, size_t len) {
    digest d;
    crypto_generichash(d.bytes, sizeof d.bytes, data, len, NULL, 0);
    return d;
}

digest digest_of2(const void *a, size_t alen, const void *b, size_t blen) {
    digest d;
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof d.bytes);
    crypto_generichash_update(&state, a, alen);
    crypto_generichash_update(&state, b, blen);
    crypto_generichash_final(&state, d.bytes, sizeof d.bytes);
    return d;
}

digest digest_keyed(const uint8_t key[32], const void *data, size_t len) {
    digest d;
    crypto_generichash(d.bytes, sizeof d.bytes, data, len, key, 32);
    return d;
}

int digest_equal(const digest *a, const digest *b) {
    return sodium_memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

void digest_hex(const digest *d, char out[DIGEST_HEX]) {
    hex_encode(out, d->bytes, sizeof d->bytes);
}

int digest_from_hex(digest *d, const char *hex, size_t len) {
    digest read = {{0}};
    if (len != 2 * DIGEST_SIZE || hex_decode(read.bytes, sizeof read.bytes, hex, len) < 0) {
        return -1;
    }
    *d = read;
    return 0;
}

void hex_encode(char *out, const void *data, size_t len) {
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * len] = 0;
}

static int nibble(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int hex_decode(void *out, size_t size, const char *hex, size_t len) {
    uint8_t *to = out;
    if (len % 2 || len / 2 > size || len / 2 > INT32_MAX) {
        return -1;
    }
    for (size_t i = 0; i < len; i++) {
        if (nibble(hex[i]) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < len / 2; i++) {
        to[i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
    }
    return (int)(len / 2);
}
