/* keel.kv/1 of one verb, for both engines: what was in force when it was handed over, and what the
 * verb has put since. */
#ifndef KV_H
#define KV_H

#include <stdbool.h>

#include "keel/json.h"
#include "keel/kv.h"

typedef struct kv_put {
    char *key;
    char *value; /* canonical; NULL: removed */
    size_t len;
} kv_put;

typedef struct kv {
    keel_json before; /* the "kv" of X_VERB; outlives the verb */
    kv_put *puts;     /* sorted as canonical JSON sorts them */
    size_t count;
    char error[300];
} kv;

void kv_begin(kv *k, keel_json before);
void kv_end(kv *k);
/* *value: canonical bytes, valid until the next put of that key. */
keel_status kv_get(kv *k, const char *key, keel_json *value);
/* value: JSON in any form; len 0 removes. On failure k->error says why. */
keel_status kv_set(kv *k, const char *key, const char *value, size_t len);
/* The puts as an object, for X_REPLY; nothing when there are none: false. */
bool kv_write(const kv *k, keel_buf *out);

#endif
