/* Agents in shared objects: native_run.c has the runs and their frames, native_call.c what a call of a
 * run does (the record answers, or the kernel); over it stands the service keel.effect/1, in
 * native_effect.c, native_inward.c and native_outcome.c.
 *
 * A run is entered from its start again and again, each time with more of its calls answered. What
 * was recorded and what was called since stands in one list, in program order: the record of path
 * "7" is number 6. Frames may come in the middle of an entry, while it waits; they change the state
 * of runs, and never enter one. */
#ifndef NATIVE_AGENT_H
#define NATIVE_AGENT_H

#include "native.h"
#include "run_record.h"

typedef struct native_record {
    char *head;       /* X_RECORD's body; of a call made here, without the outcome */
    char *answer;     /* of a call made here: its outcome, once it is there */
    run_recorded was; /* views of the two */
    bool answered;
} native_record;

struct native_run {
    native *n;
    uint64_t id;
    native_run *ready_next;
    bool ready;     /* in the queue of runs to be entered */
    bool running;   /* is being entered */
    bool over;      /* sent its end, or dropped: destroyed once it has returned */
    bool suspended; /* this entry, or the last one */
    bool windowed;  /* suspended for want of room in the window */
    bool stepping;  /* between step and step_done */
    keel_buf start; /* X_START's body */
    size_t want;    /* records that X_START announced */
    native_record *records;
    size_t count, cap;
    size_t calls;         /* of this entry: paths used */
    uint64_t sent, acked; /* one-way records since X_START */
    keel_buf step_name;
    keel_buf args; /* of the call being made */
    keel_buf body; /* of the frame being made */
};

/* native_run.c */
void native_run_handle(native *n, const frame *f);
void native_run_work(native *n);
void native_run_destroy_all(native *n);
native_record *native_run_add(native_run *r, const char *head, size_t len);
void native_run_set_answer(native_record *rec, const char *outcome, size_t len);

/* native_call.c. Each returns KEEL_OK, KEEL_SUSPENDED, or a failure that is said in the call. */

/* Refuses what cannot be called now: when no run goes on, inside of a step, once suspended. */
keel_status native_call_begin(const native *n, keel_call *call, const char *what);
/* Makes the call, its arguments being in r->args, or takes it from the record. patient: waits even if
 * other runs could go on meanwhile. */
keel_status native_call_make(keel_call *call, const char *kind, const char *name, bool patient,
                             keel_json *outcome);
/* A step or log: *recorded is its outcome, or none; then there is room for it in the window. */
keel_status native_call_one_way(keel_call *call, const char *kind, const char *name,
                                keel_json *recorded);
/* Records it; rest: the JSON behind path and field. Gives its outcome's value. */
keel_json native_call_send(native_run *r, uint16_t type, const char *field, const keel_buf *rest);
/* The run has taken another way than `rec`. now NULL: it did not get there. */
void native_call_mismatch(native_run *r, const native_record *rec, run_call *now);
keel_status native_call_bad(keel_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Appends the canonical form of a value: bytes of what the agent gave, or `none` if it gave none. */
keel_status native_call_value(keel_call *call, const char *what, keel_span value, const char *none,
                              keel_buf *out);
/* NULL, or why canonical bytes cannot stand in a record. */
const char *native_call_limit(const char *data, size_t len);

/* native_outcome.c */
keel_status native_check_name(keel_call *call, const char *what, const char *name);
keel_span native_outcome_text(keel_call *call, keel_json v); /* of a text, else none */
void native_outcome_read(keel_call *call, keel_json outcome, keel_outcome *full);
void native_outcome_error(keel_call *call, keel_json err, keel_outcome *full);
/* As much of it as the caller's struct holds; out may be NULL. */
void native_outcome_give(const keel_outcome *full, keel_outcome *out);

/* native_effect.c, and what of its table is in native_inward.c and native_spawn.c: keel/effect.h says what
 * they do */
keel_status native_service_spawn(void *ctx, keel_call *call, const char *agent, keel_span input,
                                 const char *key, keel_outcome *out);
keel_status native_service_wait(void *ctx, keel_call *call, uint64_t run, keel_outcome *out);
keel_status native_service_receive(void *ctx, keel_call *call, const char *name, int64_t timeout_us,
                                   keel_span *name_out, keel_span *body);
keel_status native_service_sleep(void *ctx, keel_call *call, int64_t us);
keel_status native_service_now(void *ctx, keel_call *call, int64_t *us);
keel_status native_service_random(void *ctx, keel_call *call, uint64_t *bits);
keel_status native_service_step(void *ctx, keel_call *call, const char *name, keel_span *recorded);
keel_status native_service_step_done(void *ctx, keel_call *call, keel_span value,
                                     keel_span *recorded);
keel_status native_service_log(void *ctx, keel_call *call, int32_t level, const char *text);
keel_status native_service_continue(void *ctx, keel_call *call, keel_span state);

#endif
