/* keel-sim: whole workspaces under a virtual clock, with all that can go wrong, from one seed. It is
 * built on the kernel in memory of tests/faults/simworld.h. One simulation at a time in a process,
 * since the random numbers of libsodium are taken over: the same seed gives the same journal.
 *
 *     plan.c       what the workspace is: connections, policies, budgets, agents
 *     programs.c   what the agents do
 *     wild.c       what connectors of the outside say
 *     wildlog.c    the outside's own log
 *     people.c     commands, given in good and bad moments, and repeated
 *     takeback.c   rollbacks that they order
 *     restore.c    a backup, and its restore
 *     weather.c    deaths, power failures, jumping clocks
 *     model.c      what each effect may be, from the journal's records alone
 *     undoing.c    what may be taken back, from the same
 *     ledger.c     what each budget may hold, from the same
 *     invariants.c I1 to I12
 *     life.c       one seed from beginning to end */
#ifndef SIM_H
#define SIM_H

#include "model.h"
#include "plan.h"
#include "simworld.h"
#include "wild.h"

#define SECOND 1000000LL
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define SIM_ASKED 2048

/* A mutating command that was given, in every life the same. */
typedef struct sim_asked {
    char request[24];
    char name[24];
    keel_buf args;
    keel_buf answer; /* the first that was acknowledged; empty: none yet */
    bool refused;    /* it was answered with an error */
} sim_asked;

/* An effect of a life that a restore has put an end to. */
typedef struct sim_lost {
    uint64_t run; /* 0: the backup does not know it */
    char path[24], key[40];
    effect_class class;
} sim_lost;

typedef struct simulation {
    sim_world w;
    uint64_t seed, dice;
    plan plan;
    wild wild;
    model *model;
    sim_asked asked[SIM_ASKED];
    size_t asked_count;
    uint64_t requests;      /* request ids given out */
    uint64_t shown_run;     /* a plan of its rollback was shown; 0: none */
    char shown[DIGEST_HEX]; /* the digest of that plan */
    bool calm;              /* nothing goes wrong any more */
    bool disk_may_fail;
    bool restores, backed_up, restored;
    int64_t backup_seq; /* what the backup knows */
    uint64_t backup_runs;
    sim_lost *lost;
    size_t lost_count;
    int regret; /* in how many of a hundred moments something is taken back */
    bool trace;
    int64_t began; /* the clock at the beginning */
    int lives;
    uint64_t records;  /* durable, over all lives */
    char invariant[8]; /* what was violated first; "" : none */
    char words[512];
    digest journal; /* at the end: of all records without their salts */
} simulation;

/* Runs the seed to its end. false: an invariant does not hold. */
bool sim_simulate(simulation *s);
void sim_finish(simulation *s);

/* ---- for its files ---- */
uint64_t roll(simulation *s, uint64_t below);
bool chance(simulation *s, int percent);
void violate(simulation *s, const char *invariant, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void tell(simulation *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool alive(const simulation *s); /* the kernel runs, and nothing is violated */
bool well(const simulation *s);  /* nothing is violated */

/* people.c */
void people_act(simulation *s);
void people_answered(simulation *s, uint64_t ref, const char *body, size_t len);
void people_command(simulation *s, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool people_see_to(simulation *s); /* items: false when there was none */
bool people_settle(simulation *s); /* and all else that waits for somebody; false: nothing did */
void people_free(simulation *s);

/* takeback.c */
bool people_take_back(simulation *s, uint64_t run); /* false: there is nothing to take back */
void people_take_back_any(simulation *s);

/* weather.c */
void weather_act(simulation *s);
bool weather_up(simulation *s); /* starts the kernel, on a disk that may fail, until it runs */
bool weather_stop(simulation *s);
void weather_fall(simulation *s); /* the kernel is gone, by whatever */
void steps(simulation *s, uint64_t count);
void run_out(simulation *s, int64_t horizon);

/* restore.c */
void restore_act(simulation *s);
bool restore_lost(const simulation *s, const char *key); /* a life before the restore knew it */
/* What takes back was applied there, in this try or another, whose key is not this one's. */
bool restore_tried(const simulation *s, const model_effect *e);
/* It is not sent from here any more: that says nothing of what a life before the restore has sent. */
bool restore_unsent(const simulation *s, const model_effect *e);
void restore_at_rest(simulation *s);

/* invariants.c */
void invariants_at_rest(simulation *s);
void invariants_at_end(simulation *s); /* the kernel has been stopped */

#endif
