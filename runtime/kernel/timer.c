#include "timer.h"

#include <stdlib.h>

#include "keel/buf.h"

static void put(timers *ts, size_t i, timer *t) {
    ts->heap[i] = t;
    t->at = i + 1;
}

static void up(timers *ts, size_t i) {
    timer *t = ts->heap[i];
    while (i && ts->heap[(i - 1) / 2]->due > t->due) {
        put(ts, i, ts->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    put(ts, i, t);
}

static void down(timers *ts, size_t i) {
    timer *t = ts->heap[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= ts->count) {
            break;
        }
        if (child + 1 < ts->count && ts->heap[child + 1]->due < ts->heap[child]->due) {
            child++;
        }
        if (ts->heap[child]->due >= t->due) {
            break;
        }
        put(ts, i, ts->heap[child]);
        i = child;
    }
    put(ts, i, t);
}

void timer_clear(timers *ts, timer *t) {
    if (t->at) {
        size_t i = t->at - 1;
        timer *last = ts->heap[--ts->count];
        if (last != t) {
            put(ts, i, last);
            up(ts, i);
            down(ts, last->at - 1);
        }
        t->at = 0;
    }
    t->due = 0;
}

void timer_set(timers *ts, timer *t, int64_t due, timer_fire *fire, void *owner) {
    timer_clear(ts, t);
    t->due = due > 0 ? due : 1;
    t->fire = fire;
    t->owner = owner;
    if (ts->count == ts->cap) {
        ts->cap = ts->cap ? ts->cap * 2 : 32;
        ts->heap = keel_realloc(ts->heap, ts->cap * sizeof(timer *));
    }
    put(ts, ts->count++, t);
    up(ts, t->at - 1);
}

timer *timers_due(timers *ts, int64_t now) {
    if (!ts->count || ts->heap[0]->due > now) {
        return NULL;
    }
    timer *t = ts->heap[0];
    timer_clear(ts, t);
    return t;
}

void timers_earlier(timers *ts, timer_fire *fire, int64_t by) {
    for (size_t i = 0; i < ts->count; i++) {
        if (ts->heap[i]->fire == fire) {
            ts->heap[i]->due = ts->heap[i]->due > by ? ts->heap[i]->due - by : 1;
        }
    }
    for (size_t i = ts->count; i-- > 0;) {
        down(ts, i);
    }
}

int64_t timers_next(const timers *ts) {
    return ts->count ? ts->heap[0]->due : INT64_MAX;
}

void timers_free(timers *ts) {
    free(ts->heap);
    *ts = (timers){0};
}
