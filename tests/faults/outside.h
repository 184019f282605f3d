/* The scripted outside of the kernel's crash tests: it applies what connectors are told, keeps a
 * log of its own (the oracle), and can lose answers. A simulator, in memory, that no crash touches.
 */
#ifndef OUTSIDE_H
#define OUTSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum outside_act {
    ACT_APPLY,       /* applies and answers */
    ACT_LOSE_AFTER,  /* applies; the connector dies before it answers */
    ACT_LOSE_BEFORE, /* the connector dies before it applies */
    ACT_UNKNOWN,     /* applies; the connector says that it does not know */
    ACT_RETRY,       /* does not apply, and says so */
    /* only over a network: */
    ACT_LIE,          /* applies, is not answered, and the connector says "retry" */
    ACT_EGRESS_AFTER, /* applies; egress dies before it hears of it */
    ACT_EGRESS_BEFORE /* egress dies before a byte is sent */
} outside_act;

typedef struct outside_entry {
    char key[40];
    char target[64];
    int applied; /* how often */
    int undone;  /* by how many compensations; what is undone twice is two things gone */
} outside_entry;

typedef struct outside {
    outside_entry entries[256];
    size_t count;
    uint64_t seed;
    bool network;    /* the last three acts too */
    int faults_left; /* acts other than ACT_APPLY still to come */
} outside;

outside_act outside_next(outside *o);
/* keyed: a repeat of a key is not applied again. */
void outside_apply(outside *o, const char *target, const char *key, bool keyed);
int outside_applied(const outside *o, const char *key);
/* A compensation, under a key of its own, of what was written under `of`. */
void outside_undo(outside *o, const char *target, const char *key, const char *of);
int outside_undone(const outside *o, const char *key);

#endif
