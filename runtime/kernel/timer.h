/* Timers of the kernel: a binary heap on BOOTTIME. A timer lives in its owner; due 0 means idle. */
#ifndef KERNEL_TIMER_H
#define KERNEL_TIMER_H

#include <stddef.h>
#include <stdint.h>

struct kernel;
typedef struct timer timer;
typedef void timer_fire(struct kernel *k, timer *t);

struct timer {
    int64_t due; /* BOOTTIME, us; 0: not set */
    size_t at;   /* place in the heap + 1; 0: not in it */
    timer_fire *fire;
    void *owner;
};

typedef struct timers {
    timer **heap;
    size_t count, cap;
} timers;

void timer_set(timers *ts, timer *t, int64_t due, timer_fire *fire, void *owner); /* or moves it */
void timer_clear(timers *ts, timer *t);
timer *timers_due(timers *ts, int64_t now); /* removes and returns the earliest that is due */
/* Those that fire this one come so much earlier. */
void timers_earlier(timers *ts, timer_fire *fire, int64_t by);
int64_t timers_next(const timers *ts); /* INT64_MAX: none */
void timers_free(timers *ts);

#endif
