/* A simulator of what the mail connector sees: a host, keel.stream/1 with scripted servers behind it,
 * and a clock that only sleeping moves.
 *
 * A script is lines of what must happen next:
 *   O ADDRESS          the connector opens a stream to it
 *   O! CODE ADDRESS    the same, refused with a code of plugin.h such as -2
 *   > LINE             the connector sends this line
 *   ~ TEXT             the connector sends bytes that hold this, all that it sends before it
 *                      listens; "|" is a line end
 *   < LINE             the server sends this line
 *   <{ FILE            the server sends the bytes of sim.text as they are
 *   X                  the server ends the stream
 *   X! CODE            the stream breaks: receive says CODE
 *   S! CODE            the next send says CODE
 *   C                  the connector closes the stream
 * A verb that does otherwise, or ends before its script does, fails the test. */
#ifndef MAIL_SIM_H
#define MAIL_SIM_H

#include <stdbool.h>

#include "keel/buf.h"
#include "keel/clock.h"
#include "keel/json.h"
#include "keel/plugin.h"
#include "keel/stream.h"

typedef struct mail_sim {
    keel_host host;
    keel_stream stream;
    keel_clock clock;
    bool no_stream;
    const char *at;   /* of the script */
    const char *text; /* what "<{" sends */
    keel_buf sent;    /* by the connector, not yet compared */
    keel_buf said;    /* by the server, borrowed by the connector */
    uint64_t open;    /* the stream that is open, or 0 */
    uint64_t others;  /* streams opened so far */
    int streams;      /* open now */
    uint64_t now_ns;
    bool cancelled;
    void *kept[16];
    size_t kept_count;
    keel_buf reply;
    keel_buf failure;
    void *self;
    const keel_connector *plugin;
} mail_sim;

void sim_begin(mail_sim *s);
void sim_end(mail_sim *s);
keel_status sim_create(mail_sim *s, const char *config);

typedef enum sim_verb { SIM_READ, SIM_WRITE, SIM_RECONCILE, SIM_COMPENSATE } sim_verb;
typedef struct sim_call {
    const char *resource; /* NULL: message */
    const char *key;
    const char *body;
    const char *outcome;
    uint32_t flags;
    uint32_t attempt; /* 0: 1 */
    uint64_t for_ns;  /* deadline from now; 0: none */
} sim_call;
/* The verb with its script; the reply is in s->reply, or the failure in s->failure. */
keel_status sim_run(mail_sim *s, sim_verb verb, const sim_call *call, const char *script);

#endif
