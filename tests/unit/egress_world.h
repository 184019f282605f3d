/* A real keel-egress process, with the kernel's side of it and those of executors played by the test.
 * Whoever tests what needs a way out can start one here and hand a door to a real executor. */
#ifndef EGRESS_WORLD_H
#define EGRESS_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "egress_protocol.h"
#include "frame.h"
#include "keel/json.h"

/* One end of a conversation in frames, with what has come. */
typedef struct egress_side {
    int fd;
    frame_channel *channel;
    struct egress_heard {
        uint16_t type;
        uint64_t run;
        uint64_t ref;
        keel_buf body;
    } heard[256]; /* oldest first */
    size_t count;
    bool closed; /* the other side did */
} egress_side;

typedef struct egress_world {
    pid_t pid;
    egress_side kernel;
    int doors;
    char *folder; /* temporary; secrets are in FOLDER/secrets */
    int status;   /* wait status, once it has ended */
} egress_world;

/* Needs KEEL_EGRESS in the environment. Sends G_START, expects G_READY. */
egress_world *egress_start(void);
/* Lets it end by closing the kernel's channel; it must end with 0. Frees all. */
void egress_end(egress_world *w);
/* Waits for its end after the test has brought it about; egress_end may follow. */
int egress_wait(egress_world *w);
void egress_secret(egress_world *w, const char *name, const char *value);
/* G_START again, with these as keel.yaml's `secrets`. */
void egress_secrets(egress_world *w, const char *json);
/* JSON in any form, canonicalised here. */
void egress_connection(egress_world *w, uint64_t number, const char *json);
void egress_order(egress_world *w, uint64_t ref, uint64_t executor, uint64_t connection,
                  bool unsafe);
void egress_order_within(egress_world *w, uint64_t ref, uint64_t executor, uint64_t connection,
                         bool unsafe, uint64_t bytes, int64_t us);
/* Ends the order; returns the body of G_ENDED, valid until the next call. */
keel_json egress_over(egress_world *w, uint64_t ref);

/* The executor's end of a new door: for a side of the test's, or for a real executor. */
int egress_door_fd(egress_world *w, uint64_t executor, uint64_t connection);
egress_side *egress_executor(egress_world *w, uint64_t executor, uint64_t connection);
void egress_side_free(egress_side *s);

void egress_say(egress_side *s, uint16_t type, uint64_t run, uint64_t ref, const void *body,
                size_t len);
/* E_HTTP. `more`: members besides method and url, such as "\"follow\":true", or NULL. */
void egress_http(egress_side *s, uint64_t order, uint64_t run, const char *method, const char *url,
                 const char *more, const char *body);
/* E_OPEN. */
void egress_stream(egress_side *s, uint64_t order, uint64_t run, const char *address);

/* Takes the oldest frame out; type 0 when none came within timeout_ms or the other side closed.
 * The body is valid until the next call for this side. */
frame egress_next(egress_side *s, int timeout_ms);
/* The same, and fails unless it has this type. Waits 20 s. */
frame egress_expect(egress_side *s, uint16_t type);
/* Of an E_DONE: its JSON, and the body that follows. */
keel_json egress_answer(const frame *f, const char **body, size_t *len);
/* Expects E_FAILED or E_CLOSED with this code, and this text in its message (or NULL). */
void egress_expect_code(egress_side *s, uint16_t type, const char *code, const char *text);

#endif
