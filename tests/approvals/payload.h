/* The corpus of hostile payloads: payloads/NAME.json, each with the arguments of an effect, what must be
 * seen of them and what must never be. */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include "render.h"

typedef struct payload {
    char name[80];
    keel_buf file; /* canonical */
    keel_json args, shown, never;
} payload;

/* All of them, by name; the test fails where one cannot be read, or where there are less than 40. */
payload *payloads_load(size_t *count);
void payloads_free(payload *list, size_t count);

/* The card of one, as a person would be asked: `known` has studio.example and client.example. */
render_card payload_card(const payload *p, const alike_known *known);
alike_known *payload_known(void);

/* Holds nothing hidden. */
void payload_is_clean(const payload *p, const char *surface, const keel_buf *out);
/* The same, and each text of `shown` stands in it, none of `never`. */
void payload_is_seen(const payload *p, const char *surface, const keel_buf *out);

#endif
