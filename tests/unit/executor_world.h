/* A real keel-executor process at the other end of a socket pair, spoken to as the kernel does. */
#ifndef EXECUTOR_WORLD_H
#define EXECUTOR_WORLD_H

#include <stdbool.h>
#include <sys/types.h>

#include "frame.h"
#include "keel/json.h"
#include "protocol.h"

typedef struct child_spec {
    const char *plugin;    /* NAME of tests/abi: a .so; NULL: none, descriptor 5 is /dev/null */
    const char *manifest;  /* members of X_CONFIG instead of the usual ones, or NULL */
    const char *config;    /* the connection's, or NULL for {} */
    const char *libraries; /* JSON list, or NULL for [] */
    const char *folder;    /* granted as "data", or NULL */
    int egress;            /* the executor's end of a channel to egress, taken over; 0: none */
    bool read_only;
    bool unsafe;
    bool unsealed;
    const char *without; /* a system call that the machine does not have, or NULL */
} child_spec;

typedef struct child {
    pid_t pid;
    int socket;
    frame_channel *channel;
    executor_page *page;
    int page_fd;
    bool broken; /* it sent what is no frame */
    struct {
        uint16_t type;
        uint64_t run;
        uint64_t ref;
        keel_buf body;
    } inbox[256];
    size_t inbox_first, inbox_count;
    int status; /* wait status, once closed */
    bool closed;
} child;

/* Sends X_CONFIG and X_LOAD. */
child *child_start(const child_spec *spec);
/* The same without a word. */
child *child_start_silent(const child_spec *spec);
void child_send(child *c, uint16_t type, uint64_t ref, const char *body);
void child_send_bytes(child *c, uint16_t type, uint64_t ref, const char *body, size_t len);
/* Of a run of an agent. */
void child_send_run(child *c, uint16_t type, uint64_t run, uint64_t ref, const keel_buf *body);
/* Sends X_VERB for a resource. body: JSON. */
void child_verb(child *c, const char *verb, const char *resource, uint64_t ref, const char *body);

/* The next frame's type, 0 when the process has ended (then status is set), -1 after timeout_ms
 * without one. body is valid until the next call. */
int child_next(child *c, int timeout_ms, keel_json *body);
int child_next_frame(child *c, int timeout_ms, frame *f);
/* Kills it if it lives, waits, and frees all. */
void child_end(child *c);

/* Starts and expects X_READY. */
child *child_ready(const child_spec *spec);
/* Expects this type; fails with what came instead. */
keel_json child_expect(child *c, int type);
/* Expects the end; died by this signal, or, signal 0, by exit with this status. Under a sanitizer any
 * unclean end will do for a signal. */
void child_expect_end(child *c, int signal, int status);
bool child_sanitized(void);
/* Waits until the page names this run or call; fails when it does not. */
void child_await_run(child *c, uint64_t run);

/* A new folder below the system's temporary one; removed with all in it by world_remove. */
char *world_folder(void);
void world_remove(char *folder);

#endif
