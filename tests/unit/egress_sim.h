/* A simulator of egress: the other end of an executor's channel, in a thread of the test. What it does
 * with a request or an open is written in its URL or address:
 *
 *   /status/NNN           E_DONE with that status and {"message":"said NNN"}
 *   /body/TEXT            E_DONE 200 with that text, percent-decoded
 *   /echo /v1/echo /v1/notes   E_DONE 200 with {"body":TEXT,"headers":[...],"method","url",...}
 *   /large/N              E_DONE 200 with N bytes of sim_pattern
 *   /length               E_DONE 200 with "LENGTH SUM" of the request's body
 *   /slowly/N             E_DONE 200 with N bytes, written one at a time
 *   /failed/CODE          E_FAILED
 *   /late/CODE            nothing until E_CANCEL, then E_FAILED; /late/done: E_DONE then
 *   /never                nothing at all
 *   /deaf                 E_DONE; and from then on nothing is read
 *   /random/SEED          frames of egress's types with random numbers and bodies
 *   /close /cut           the connection ends: at once; in the middle of the answer
 *   /stale                the answer to an older request, then the right one
 *   /wrong/NAME           what breaks the protocol, see egress_sim_http.c
 *   tls://echo:1          opened; each E_DATA comes back
 *   tls://sink:1          opened; when bytes end with ".", their "LENGTH SUM"
 *   tls://flow:N          opened; N MiB of sim_pattern by the window, then E_CLOSED ok
 *   tls://lines:1         opened; some lines in odd pieces, then E_CLOSED ok
 *   tls://silent:1 tls://ends:1 tls://breaks:1 tls://dies:1     when bytes come
 *   tls://close:1 tls://over:1 tls://after:1 tls://denied:1 tls://never:1 tls://late:1 */
#ifndef EGRESS_SIM_H
#define EGRESS_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM "http://sim.example"

typedef struct egress_sim egress_sim;

/* *executor_fd: the end that the executor inherits. */
egress_sim *sim_start(int *executor_fd);
/* Waits for the executor to have gone, or ends the connection. */
void sim_end(egress_sim *s);
/* What the executor said since the last call, one frame a line: "http REF GET URL", "open REF
 * ADDRESS", "data REF", "taken N", "close", "cancel". Freed by the caller. */
char *sim_log(egress_sim *s);
/* Waits, at most 20 s, until the log holds a line that begins so. */
bool sim_saw(egress_sim *s, const char *line);

void sim_pattern(char *to, size_t from, size_t len);
uint32_t sim_sum(uint32_t sum, const char *data, size_t len);

#endif
