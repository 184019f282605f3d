/* A run as it happens: a line for what matters, one moving line for the rest; on stderr, since it
 * is talk. With --json every event is a line on stdout. */
#ifndef CLI_LIVE_H
#define CLI_LIVE_H

#include "cli.h"

typedef struct live {
    cli *c;
    int64_t run;
    int64_t small; /* steps and the like so far */
    bool moving;   /* the moving line is on the screen */
    keel_buf text; /* of the line at hand */
} live;

void live_begin(live *v, cli *c, int64_t run);
int live_event(void *ctx, keel_json event); /* a client_event */
void live_idle(void *ctx, int seconds);     /* a client_idle */
void live_end(live *v);
/* The run's result on stdout; with --json {"exit","result","run","waiting"}. */
void live_result(cli *c, int64_t run, int exit_code, keel_json waiting);

#endif
