#include "effectset.h"

#include <stdlib.h>
#include <string.h>

#define PRIME UINT64_C(0x100000001b3)

static uint64_t mixed(uint64_t h) {
    h ^= h >> 32;
    h *= UINT64_C(0xd6e8feb86659fd93);
    h ^= h >> 32;
    h *= UINT64_C(0xd6e8feb86659fd93);
    return h ^ (h >> 32);
}

uint64_t effectset_hash(uint64_t run, const char *path, keel_json call) {
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ mixed(run);
    for (; *path; path++) {
        h = (h ^ (unsigned char)*path) * PRIME;
    }
    for (size_t i = 0; i < call.len; i++) {
        h = (h ^ (unsigned char)call.data[i]) * PRIME;
    }
    h = mixed(h);
    return h ? h : 1;
}

/* Where it is, or would be. */
static size_t place_of(const effectset *s, uint64_t run, uint64_t hash) {
    size_t at = (size_t)hash & (s->cap - 1);
    while (s->keys[at].hash && (s->keys[at].hash != hash || s->keys[at].run != run)) {
        at = (at + 1) & (s->cap - 1);
    }
    return at;
}

bool effectset_has(const effectset *s, uint64_t run, uint64_t hash) {
    return s->cap && s->keys[place_of(s, run, hash)].hash;
}

static void grow(effectset *s) {
    effectset larger = {.cap = s->cap ? s->cap * 2 : 1024, .count = s->count};
    larger.keys = keel_alloc(larger.cap * sizeof *larger.keys);
    memset(larger.keys, 0, larger.cap * sizeof *larger.keys);
    for (size_t i = 0; i < s->cap; i++) {
        if (s->keys[i].hash) {
            larger.keys[place_of(&larger, s->keys[i].run, s->keys[i].hash)] = s->keys[i];
        }
    }
    free(s->keys);
    *s = larger;
}

bool effectset_add(effectset *s, uint64_t run, uint64_t hash) {
    if (s->count * 2 >= s->cap) {
        grow(s);
    }
    size_t at = place_of(s, run, hash);
    if (s->keys[at].hash) {
        return false;
    }
    s->keys[at] = (effectset_key){run, hash};
    s->count++;
    return true;
}

void effectset_free(effectset *s) {
    free(s->keys);
    *s = (effectset){NULL, 0, 0};
}
