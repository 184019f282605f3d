/* A hash map from 64-bit keys to pointers. One owner; grows by itself; order of a walk is not
 * defined. The values are the caller's. */
#ifndef MAP_H
#define MAP_H

#include <stddef.h>
#include <stdint.h>

typedef struct map {
    uint64_t *keys; /* 0 marks a free place: key 0 is not allowed */
    void **values;
    size_t count;
    size_t cap;
} map;

void *map_get(const map *m, uint64_t key);       /* NULL: not there */
void map_put(map *m, uint64_t key, void *value); /* key and value non-zero; replaces */
void *map_take(map *m, uint64_t key);            /* removes and returns, or NULL */
/* for (size_t i = 0; (v = map_next(m, &i, &key));) ; the map must not change during a walk */
void *map_next(const map *m, size_t *at, uint64_t *key);
void map_free(map *m);

#endif
