/* Takes known secrets out of bytes: as they are, in base64 (both alphabets, at the three offsets),
 * hex (both cases), percent-encoded, JSON-escaped. Each byte found is replaced
 * by "*". The second line of defence: the first is that nobody else holds them. Secrets of fewer than
 * 6 bytes are not looked for. */
#ifndef EGRESS_SCRUB_H
#define EGRESS_SCRUB_H

#include <stddef.h>

typedef struct scrub scrub;

scrub *scrub_create(void);
void scrub_destroy(scrub *s);                           /* wiped */
void scrub_add(scrub *s, const char *data, size_t len); /* the same twice is once */
/* A whole text. Returns how many places were replaced. */
size_t scrub_bytes(const scrub *s, char *data, size_t len);
/* A stream: replaces in data[0..len), and returns how many bytes of it may be passed on: those at the
 * end that may be the beginning of a secret are to be given again, with what follows. `end`: nothing
 * follows, all may be passed on. */
size_t scrub_stream(const scrub *s, char *data, size_t len, int end);

#endif
