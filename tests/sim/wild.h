/* The outside: what connectors are told reaches it or not, is applied now, later, once or again, and
 * is answered or not. It keeps to what its resources promise (plan.h) and to nothing else. Its log is
 * the oracle: no crash touches it. */
#ifndef WILD_H
#define WILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WILD_PENDING 64

/* All that came under one key. */
typedef struct wild_entry {
    char key[40];
    char target[64];
    int applied;
    int64_t refused_us;
    int64_t first_us;       /* BOOTTIME: when the key was first seen to be applied */
    int coming;             /* applications on their way */
    size_t takes_back;      /* the entry that it takes back, from 1; 0: none */
    int taken_back;         /* how often it was, under whatever keys */
    uint64_t taken_back_at; /* the last time: its place among all applications of that kind */
} wild_entry;

/* What will happen of itself. */
typedef struct wild_pending {
    int64_t due_us;
    bool applies; /* an application on its way */
    size_t entry;
    uint32_t executor; /* an answer that comes late; 0: none */
    uint64_t ref;
    bool write;
} wild_pending;

typedef struct wild {
    wild_entry *entries;
    size_t count;
    wild_pending pending[WILD_PENDING];
    size_t pending_count;
    uint64_t applications; /* of what takes back */
    uint64_t lost;         /* of them, before the restore */
} wild;

struct simulation;
struct sim_world;
struct frame;
void wild_verb(struct sim_world *w, uint32_t number, const char *connector, const struct frame *f);
bool wild_comes_up(struct sim_world *w, uint32_t number);
int64_t wild_next(struct sim_world *w);
void wild_due(struct sim_world *w);
void wild_forget_executors(struct simulation *s); /* the machine or the kernel died */
int wild_applied(const wild *o, const char *key);
/* BOOTTIME at which an attempt under that key was last answered as not applied; 0: none. */
int64_t wild_refused(const wild *o, const char *key);
bool wild_coming(const wild *o, const char *key); /* it may still be applied */
void wild_free(wild *o);

/* ---- wildlog.c ---- */
wild_entry *wild_find(const wild *o, const char *key); /* NULL: it never heard of it */
size_t wild_entry_of(wild *o, const char *key, const char *target);
void wild_apply(struct simulation *s, size_t entry, int64_t now);
void wild_pend(struct simulation *s, wild_pending p);
void wild_result(const wild_entry *e, char out[100]); /* what is answered when it was applied */

#endif
