/* What stands between the kernel and the outside: its executors, the connections that they serve, and
 * egress. Part of the kernel's state (state.h). */
#ifndef KERNEL_WORKERS_H
#define KERNEL_WORKERS_H

#include <stdbool.h>

#include "kernel.h"
#include "map.h"
#include "policy.h"
#include "timer.h"

typedef struct run run;
typedef struct call call;
typedef struct worker worker;
typedef struct connection connection;

typedef enum worker_state {
    WORKER_DOWN,     /* not running; starts when there is work */
    WORKER_BACKOFF,  /* crashed; timer runs */
    WORKER_STARTING, /* spawned, not yet X_READY */
    WORKER_READY,
    WORKER_REFUSED /* its plugin will not load; said why */
} worker_state;

struct worker {
    worker *next; /* all workers */
    uint32_t id;  /* executor number; a new one at each spawn */
    worker_state state;
    const plugin *plugin;
    connection *connection; /* connectors */
    run *runs;              /* agents: in the order in which they came, and are started */
    run *last_run;
    call *current;        /* connectors: one dispatch at a time */
    uint64_t current_ref; /* the last one's, also when it is over; with its target */
    char current_target[128];
    timer timer;   /* back-off, or the deadline of `current` */
    int bad_loads; /* in a row: died before it was ready */
    int crashes;   /* in a row */
    int64_t started_boot;
    uint64_t watch_run, watch_ticks; /* watchdog: last seen, */
    int64_t watch_boot, watch_cpu;   /* since when, with how much CPU then */
    bool told_to_stop;
    bool overdue;        /* `current` passed its deadline: killed for it */
    int64_t notes_since; /* when the first of `notes` came */
    unsigned notes;      /* what it had logged since then */
    bool replay_waits;   /* runs whose records are not yet durable */
    map early;           /* what was read of runs while it started, up to early_seq (replay.c) */
    int64_t early_seq;
    timer early_timer;
    int idle_sweeps; /* agents: looks in a row that saw no run */
    char refusal[512];
};

#define TROUBLE_TEXT 400

typedef enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN } breaker_state;

/* Whether anything is sent through a connection (breaker.c). */
typedef struct breaker {
    breaker_state state;
    int64_t until_us; /* open: wall clock, as recorded */
    timer timer;      /* open: its end; half-open: to look again for what may be sent */
    call *probe;      /* half-open: what was sent to see */
    char why[240];
    size_t count; /* outcomes since it was closed, the last of which are in */
    bool failed[POLICY_BREAKER_OF];
} breaker;

struct connection {
    connection *next;
    uint64_t id; /* what egress knows it by; of this process */
    char *name;
    const plugin *plugin;
    keel_buf config;
    keel_buf body;  /* of its record: what it is, without what policy adds */
    keel_buf reach; /* what egress is told; empty: it has no way out */
    keel_buf kv;    /* canonical JSON object */
    int worker_count;
    int64_t seq;       /* its record, of it as it is */
    sensitivity level; /* keel.yaml: what is read through it is at least that */
    bool gone;         /* no longer in keel.yaml; stays while calls name it */
    call *queue;
    char trouble[TROUBLE_TEXT]; /* the last failure, until something succeeds; or "" */
    int64_t trouble_us;
    breaker breaker;
};

typedef enum egress_state { EGRESS_DOWN, EGRESS_BACKOFF, EGRESS_UP } egress_state;

/* The one process with sockets and secrets. */
typedef struct egress_link {
    egress_state state;
    uint32_t id; /* its number among executors; a new one at each start */
    int crashes; /* in a row */
    int64_t started_boot;
    uint32_t unanswered;        /* ends of orders */
    timer timer;                /* back-off, or the time that it has to answer */
    char trouble[TROUBLE_TEXT]; /* as of a connection */
    int64_t trouble_us;
} egress_link;

#endif
