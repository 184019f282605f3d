/* Connections that rest: they failed, or said when to come again, and nothing is sent through them. Read
 * from the database, so also while Keel is down. */
#ifndef CLI_RESTS_H
#define CLI_RESTS_H

#include "cli.h"

/* "out rests until TIME: WHY; ..." for each, or for one connection. Nothing without a database. */
void rests_print(cli *c, const char *only);
/* How many effects wait for their pace or for quiet hours to end, and when the next goes; or nothing. */
void paced_print(cli *c);
/* The same of the connection of a target, without its name; false: it does not rest. */
bool rests_of(cli *c, const char *target, keel_buf *out);

typedef struct connection_rest {
    const char *until_us, *why; /* NULL: it does not rest; until_us also when one is sent to see */
    cli_row row;
} connection_rest;

/* For one connection; free out->row. */
void rests_values(cli *c, const char *name, connection_rest *out);

#endif
