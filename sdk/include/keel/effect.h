/* keel.effect/1: what an agent can ask for. Only agents have it (ABI 0.2), only while `run` runs.
 *
 * RECORD. Each call has the next path of its run, "1", "2", ..., and is recorded: a run that is
 * entered again gets from its record what it got before, without anything being done twice. So the
 * calls of a run must follow from its input and from what calls have returned, and from nothing
 * else. A call that is not the recorded one ends the run as a mismatch.
 *
 * STATUS. Every function returns one:
 *   KEEL_OK          there is an answer. Of what policy decides it may be a no: see keel_outcome.
 *   KEEL_SUSPENDED   the answer takes longer. Return KEEL_SUSPENDED from `run` at once; it is entered
 *                    again when the answer is there. keel/plugin.h, keel_agent.
 *   KEEL_E_INVALID   an argument is wrong. Nothing was asked and no path was used; the call's
 *                    message says what is wrong, so that `return s;` ends the run with it.
 *   KEEL_E_INTERNAL  the host answered what it never should; its words are the message.
 * So `if (s < 0) { return s; }` after each call is right.
 *
 * VALUES. What goes in is JSON in any form, at most 4 MiB and 60 levels; {NULL, 0} is an empty object
 * as args, and null elsewhere. What comes out is canonical JSON, or text where it says so, which has
 * a NUL behind it. It is borrowed until `run` returns. Names are UTF-8 of 1 to 200 bytes. */
#ifndef KEEL_EFFECT_H
#define KEEL_EFFECT_H

#include <stddef.h>
#include <stdint.h>

#include "keel/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KEEL_EFFECT_SERVICE "keel.effect/1"

/* Either ok.data is set, or code.data is. Set size before the call. */
typedef struct keel_outcome {
    uint32_t size; /* sizeof the caller's struct */
    uint32_t reserved;
    keel_span ok;    /* the result */
    keel_span code;  /* text: "denied", "rejected", "expired", "not_found", "conflict", ... */
    keel_span rule;  /* text: the rule that decided, or none */
    keel_span why;   /* text: a sentence, or none */
    keel_span state; /* text, of wait: how the other run stands ("failed", ...), or none */
    uint64_t run;    /* of spawn: the other run's number */
} keel_outcome;

/* Both are shown to whoever approves the effect. */
typedef struct keel_effect_options {
    uint32_t size; /* sizeof the caller's struct */
    uint32_t reserved;
    const char *why;    /* a sentence, or NULL */
    keel_span evidence; /* any value, or none */
} keel_effect_options;

typedef struct keel_effect {
    uint32_t size; /* sizeof the host's struct */
    uint32_t reserved;
    void *ctx;

    /* Asks a connection of keel.yaml, by its name, to read or to write. options may be NULL. While the
     * outcome of a write is unknown the run waits: there is no code for it. */
    keel_status (*read)(void *ctx, keel_call *call, const char *use, const char *resource,
                        keel_span args, const keel_effect_options *options, keel_outcome *out);
    keel_status (*write)(void *ctx, keel_call *call, const char *use, const char *resource,
                         keel_span args, const keel_effect_options *options, keel_outcome *out);
    /* Starts another agent; with a key, once for that key. ok is {"existing":bool,"run":N}. */
    keel_status (*spawn)(void *ctx, keel_call *call, const char *agent, keel_span input,
                         const char *key, keel_outcome *out);
    /* Waits for the end of a run. ok is its result; code and why are its error. */
    keel_status (*wait)(void *ctx, keel_call *call, uint64_t run, keel_outcome *out);
    /* Waits for an event: of that name, or of any if it is NULL. timeout_us: how long, -1 without
     * end. name_out is text, body JSON; both are none after the timeout. */
    keel_status (*receive)(void *ctx, keel_call *call, const char *name, int64_t timeout_us,
                           keel_span *name_out, keel_span *body);
    keel_status (*sleep)(void *ctx, keel_call *call, int64_t us); /* 0 to 100 years */
    keel_status (*now)(void *ctx, keel_call *call, int64_t *us);  /* since 1970 */
    keel_status (*random)(void *ctx, keel_call *call, uint64_t *bits);

    /* A computation whose result is recorded once. If *recorded has data, that is it. Else compute,
     * make no call meanwhile, and hand the result to step_done, which gives it back as the record
     * has it (recorded may be NULL there):
     *
     *   keel_span v;
     *   keel_status s = e->step(e->ctx, call, "total", &v);
     *   if (s == KEEL_OK && !v.data) {
     *       s = e->step_done(e->ctx, call, compute(), &v);
     *   }
     *   if (s < 0) { return s; }
     */
    keel_status (*step)(void *ctx, keel_call *call, const char *name, keel_span *recorded);
    keel_status (*step_done)(void *ctx, keel_call *call, keel_span value, keel_span *recorded);
    /* A line in the run's record (host->log is Keel's own log). level: KEEL_LOG_*. */
    keel_status (*log)(void *ctx, keel_call *call, int32_t level, const char *text);
    /* Once `run` then returns KEEL_OK, this run ends and the next begins with `state` as its input
     * and an empty record. It takes the place of a reply, and a later reply its. No path is used. */
    keel_status (*continue_with)(void *ctx, keel_call *call, keel_span state);
} keel_effect;

#ifdef __cplusplus
}
#endif

#endif
