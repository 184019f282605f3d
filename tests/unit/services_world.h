/* A real executor with a connector in C or Lua, a simulator of egress at its other side, and the test
 * as its kernel. */
#ifndef SERVICES_WORLD_H
#define SERVICES_WORLD_H

#include "egress_sim.h"
#include "executor_world.h"

typedef struct services_world {
    child *c;
    egress_sim *sim; /* NULL: descriptor 7 is /dev/null */
    uint64_t ref;    /* of the last verb */
} services_world;

#define NEEDS_HTTP   1u
#define NEEDS_STREAM 2u

/* script: a file of tests/unit/services, or NULL for abi_services.so. */
services_world *world_of(const char *script, const char *config, unsigned needs, bool with_sim);
void world_end(services_world *w);
/* Asks and waits: the type that came, X_REPLY or X_FAIL. kv: JSON or NULL. deadline_us 0: none. */
int world_ask(services_world *w, const char *verb, const char *resource, const char *body,
              uint64_t deadline_us, const char *kv, keel_json *answer);
void world_verb(services_world *w, const char *verb, const char *resource, const char *body,
                uint64_t deadline_us, const char *kv);

/* "ok RESULT [kv PUTS]" or "CODE: MESSAGE", freed by the caller. */
char *world_say(services_world *w, const char *verb, const char *resource, const char *body,
                uint64_t deadline_us, const char *kv);

/* Rows end where the rest is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* One row of a table: what is asked, and parts of what must come, "|" between them. */
typedef struct services_row {
    const char *resource, *body, *expected;
    uint64_t deadline_us;
    const char *kv;
    const char *log;  /* parts of what the simulator saw, or NULL */
    const char *verb; /* NULL: write */
} services_row;
void world_row(services_world *w, const services_row *row);
/* All rows of a table, asked of one executor. */
void world_rows(const char *script, const char *config, unsigned needs, const services_row *table,
                size_t count);
#define WORLD_ROWS(script, config, needs, table)                                                   \
    world_rows(script, config, needs, table, sizeof(table) / sizeof *(table))

uint64_t world_now_ms(void);

#endif
