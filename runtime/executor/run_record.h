/* What a run's calls and records are made of, the same in every language that an agent may be
 * written in: so the journal does not tell them apart, and replay compares alike. */
#ifndef RUN_RECORD_H
#define RUN_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "keel/buf.h"
#include "keel/json.h"

/* Levels of what an author hands over: records wrap it in some more, up to KEEL_JSON_DEPTH. */
#define RUN_VALUE_DEPTH  60
#define RUN_VALUE_LIMIT  (4u << 20) /* bytes of one value as JSON; some of them share a frame */
#define RUN_TEXT_LIMIT   16384      /* bytes of a log line, a reason; more is cut */
#define RUN_NAME_LIMIT   200 /* bytes of a step's name, of a connection, a resource, an agent */
#define RUN_TARGET_LIMIT 120 /* bytes of USE.RESOURCE.VERB */
#define RUN_KEY_LIMIT    1000

/* A call as it is made now. protocol.h has the kinds. */
typedef struct run_call {
    const char *kind;
    const char *name;
    size_t name_len;
    const char *args; /* canonical; NULL for step and log */
    size_t args_len;
    char digest[17];
} run_call;

/* What X_RECORD says of one: plain bytes but for the outcome. */
typedef struct run_recorded {
    keel_json path, kind, name, call, outcome;
} run_recorded;

void run_call_digest(run_call *c);
/* Appends the body of X_CALL. */
void run_call_put(keel_buf *to, const char *path, size_t path_len, const run_call *c);

run_recorded run_recorded_read(const char *body, size_t len);
bool run_recorded_equals(keel_json field, const char *text, size_t len);
bool run_recorded_is_one_way(const run_recorded *was);
/* Whether now is the call that was recorded; its digest must be there if it has arguments. */
bool run_recorded_is(const run_recorded *was, const run_call *now);
/* Appends the body of X_MISMATCH; now NULL: the run did not get there. */
void run_mismatch_put(keel_buf *body, const run_recorded *was, run_call *now);

/* "ok" value of an outcome, or none. */
keel_json run_outcome_ok(const char *outcome, size_t len);

#endif
