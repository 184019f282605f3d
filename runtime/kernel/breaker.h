/* What is sent to a connection that fails, and when. */
#ifndef KERNEL_BREAKER_H
#define KERNEL_BREAKER_H

#include "parts.h"

bool breaker_lets(const connection *cn, const call *c); /* c may be sent now */
void breaker_takes(call *c);             /* c is about to be sent: it may be the one to see */
void breaker_unsent(kernel *k, call *c); /* it is not sent after all, or is gone */
/* The outcome of a verb; probe: it was the one to see. */
void breaker_heard(kernel *k, connection *cn, bool probe, bool good, const char *why);
/* What egress saw under an order; retry_after_s 0: not said. */
void breaker_answered(kernel *k, connection *cn, uint64_t ref, int64_t status,
                      int64_t retry_after_s);
bool breaker_close(kernel *k, connection *cn, const char *why); /* false: it does not rest */
/* Sends one to see, if its time is over; now: even if it is not. */
void breaker_look(kernel *k, connection *cn, bool now);
/* At the start; same: the connection is what it was. */
void breaker_restore(kernel *k, connection *cn, bool same);
void breaker_retire(kernel *k, connection *cn);
bool breaker_rests(const connection *cn);
void breaker_write(const connection *cn, keel_json_writer *w);

#endif
