#include "map.h"

#include <stdlib.h>
#include <string.h>

#include "keel/buf.h"

static size_t place(const map *m, uint64_t key) {
    uint64_t h = key * 0x9e3779b97f4a7c15u;
    return (size_t)(h >> 32) & (m->cap - 1);
}

static size_t find(const map *m, uint64_t key) {
    size_t i = place(m, key);
    while (m->keys[i] && m->keys[i] != key) {
        i = (i + 1) & (m->cap - 1);
    }
    return i;
}

static void grow(map *m) {
    map bigger = {.cap = m->cap ? m->cap * 2 : 16};
    bigger.keys = keel_alloc(bigger.cap * sizeof *bigger.keys);
    bigger.values = keel_alloc(bigger.cap * sizeof *bigger.values);
    memset(bigger.keys, 0, bigger.cap * sizeof *bigger.keys);
    for (size_t i = 0; i < m->cap; i++) {
        if (m->keys[i]) {
            size_t to = find(&bigger, m->keys[i]);
            bigger.keys[to] = m->keys[i];
            bigger.values[to] = m->values[i];
        }
    }
    bigger.count = m->count;
    map_free(m);
    *m = bigger;
}

void *map_get(const map *m, uint64_t key) {
    if (!m->count || !key) {
        return NULL;
    }
    size_t i = find(m, key);
    return m->keys[i] ? m->values[i] : NULL;
}

void map_put(map *m, uint64_t key, void *value) {
    if (m->count * 4 >= m->cap * 3) {
        grow(m);
    }
    size_t i = find(m, key);
    if (!m->keys[i]) {
        m->count++;
    }
    m->keys[i] = key;
    m->values[i] = value;
}

void *map_take(map *m, uint64_t key) {
    if (!m->count || !key) {
        return NULL;
    }
    size_t hole = find(m, key);
    if (!m->keys[hole]) {
        return NULL;
    }
    void *taken = m->values[hole];
    m->count--;
    /* Close the gap, so that no probe sequence is cut. */
    for (size_t i = (hole + 1) & (m->cap - 1); m->keys[i]; i = (i + 1) & (m->cap - 1)) {
        size_t home = place(m, m->keys[i]);
        if (((i - home) & (m->cap - 1)) >= ((i - hole) & (m->cap - 1))) {
            m->keys[hole] = m->keys[i];
            m->values[hole] = m->values[i];
            hole = i;
        }
    }
    m->keys[hole] = 0;
    return taken;
}

void *map_next(const map *m, size_t *at, uint64_t *key) {
    while (*at < m->cap) {
        size_t i = (*at)++;
        if (m->keys[i]) {
            if (key) {
                *key = m->keys[i];
            }
            return m->values[i];
        }
    }
    return NULL;
}

void map_free(map *m) {
    free(m->keys);
    free(m->values);
    *m = (map){0};
}
