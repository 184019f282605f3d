/* keel.ask/1: a question to a person. Only agents have it, only while `run` runs; a host before it gives
 * NULL for its name, and everything else goes on as it was.
 *
 * It is a call of the run like those of keel/effect.h, whose head says what that means: RECORD, STATUS
 * and VALUES hold here too. The question is shown as the agent's words; the answer is a person's, and
 * the run waits for it, for months if need be. An answer allows nothing: what the agent then does is
 * decided by policy as if nobody had been asked. */
#ifndef KEEL_ASK_H
#define KEEL_ASK_H

#include <stddef.h>
#include <stdint.h>

#include "keel/effect.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KEEL_ASK_SERVICE "keel.ask/1"

/* Set size, and what is not used to zero. At most 20 questions of a run wait at a time, and 100 are asked
 * in all. */
typedef struct keel_question {
    uint32_t size; /* sizeof the caller's struct */
    uint32_t reserved;
    const char *text;   /* 1 to 4,000 bytes of UTF-8 */
    const char *kind;   /* "text", "yes_no" or "number"; NULL: text, or one of the choices */
    keel_span choices;  /* a list of 2 to 20 texts of one line, or none */
    int64_t expires_us; /* from now on; -1: it waits without end. 0 expires at once */
    keel_span fallback; /* what counts as the answer when it has expired, or none */
    const char *why;    /* a sentence, or NULL */
    keel_span evidence; /* any value, or none */
} keel_question;

typedef struct keel_ask {
    uint32_t size; /* sizeof the host's struct */
    uint32_t reserved;
    void *ctx;

    /* ok is the answer: a text, one of the choices, true or false, or a number. code is "expired" when
     * nobody answered in time and there is no fallback, "declined" when a person will not answer (why
     * says so), "invalid" for what is no question, "denied" when it asks too many. */
    keel_status (*ask)(void *ctx, keel_call *call, const keel_question *question,
                       keel_outcome *out);
} keel_ask;

#ifdef __cplusplus
}
#endif

#endif
