/* The least that a request over loopback costs: a server that answers each with the same page, and
 * libcurl on a connection that is kept. */
#ifndef BENCH_LOOPBACK_H
#define BENCH_LOOPBACK_H

/* Serves from a thread of its own until the process ends. Returns the port. */
int loopback_serve(void);
/* Median of `count` requests, in microseconds. */
double loopback_curl_us(int port, int count);

#endif
