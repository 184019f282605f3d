/* Failpoints: named places at which a test makes the world fail. They stand in test builds only:
 * without KEEL_FAILPOINTS the macro is nothing, whatever the environment says.
 *
 * Each place puts its name into a section of the program when it is compiled, so a program knows all
 * points that it has, also those that nothing has ever reached (failpoint_registered).
 *
 *     int fault = KEEL_FP("journal.commit.before");
 *     if (failpoint_errno(fault)) { return -failpoint_errno(fault); }
 *
 * KEEL_FAILPOINT="name=action@N;name=action;seed=S" says what happens: at the N-th hit of that name
 * (from 1), or at each hit without @N. Actions: kill (SIGKILL to this process), delay(MS), both
 * done here; eio, enospc, enomem, torn, dup, drop, clock, returned for the caller to act on. Each
 * may have an argument in parentheses, an integer. A plan that cannot be read ends the process with
 * status 2.
 *
 * KEEL_FAILPOINT_TRACE=FILE: at exit, and before a kill, one line "name hits" for each point that
 * was hit is appended to the file, so that a driver knows which points there are to visit.
 *
 * All functions may be called from any thread. */
#ifndef FAILPOINT_H
#define FAILPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "diag.h"

typedef enum failpoint_action {
    FAILPOINT_NONE,
    FAILPOINT_KILL,
    FAILPOINT_EIO,
    FAILPOINT_ENOSPC,
    FAILPOINT_ENOMEM,
    FAILPOINT_DELAY,
    FAILPOINT_TORN, /* a random part of it is done: see failpoint_random */
    FAILPOINT_DUP,  /* it is done twice */
    FAILPOINT_DROP, /* it is not done, and nobody is told */
    FAILPOINT_CLOCK /* the wall clock jumps by failpoint_argument milliseconds */
} failpoint_action;

#define FAILPOINT_NAME 64

/* A place as the program keeps it. steers: it bends the world (a clock) instead of breaking off the
 * process, so a crash there is a crash like any other. */
typedef struct failpoint_place {
    char name[FAILPOINT_NAME - 1];
    char steers;
} failpoint_place;

/* Of one size, so that the section is an array. */
#define FAILPOINT_PLACE __attribute__((section("keel_failpoints"), used, aligned(FAILPOINT_NAME)))

#ifdef KEEL_FAILPOINTS
#define FAILPOINT_AT(text, bends)                                                                  \
    (__extension__({                                                                               \
        static const failpoint_place place_ FAILPOINT_PLACE = {text, bends};                       \
        failpoint_hit(place_.name);                                                                \
    }))
#define KEEL_FP(name)       FAILPOINT_AT(name, 0)
#define KEEL_FP_STEER(name) FAILPOINT_AT(name, 1)
/* A name that was made elsewhere, and registered there with FAILPOINT_PLACE. */
#define KEEL_FP_NAMED(name) failpoint_hit(name)
#else
#define KEEL_FP(name)       failpoint_nothing()
#define KEEL_FP_STEER(name) failpoint_nothing()
#define KEEL_FP_NAMED(name) failpoint_nothing()
#endif

static inline int failpoint_nothing(void) {
    return FAILPOINT_NONE;
}

/* Counts a hit. The action that the plan has for it, FAILPOINT_NONE if none. */
int failpoint_hit(const char *name);
/* The argument of the last action that this thread was given, 0 if it had none. */
int64_t failpoint_argument(void);
/* EIO, ENOSPC or ENOMEM for those actions, else 0. */
int failpoint_errno(int action);
/* A number in [0, below) that follows from the plan's seed alone; 0 when below is 0. */
uint64_t failpoint_random(uint64_t below);

/* The i-th place of this program, in no order, and a name as often as it stands in the source; NULL
 * behind the last one. A program that ships has none. */
const failpoint_place *failpoint_registered(size_t i);

/* Replaces the plan and forgets the hits, for drivers within a process. NULL: no plan.
 * 0, or DIAG_USAGE with the old plan kept. */
int failpoint_plan(const char *plan, diag *d);
/* How often a point was hit since the plan was set. */
uint64_t failpoint_hits(const char *name);
/* Appends the trace now, for a process that ends by _exit. Hits are told once. */
void failpoint_trace(void);

#endif
