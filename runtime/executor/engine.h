/* What runs plugin code inside an executor: Lua or a .so, behind one table. The process around it
 * (executor.c: frames, sandbox, page) is the same for both. One thread; nothing here is reentrant.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "frame.h"
#include "keel/json.h"
#include "protocol.h"

/* X_CONFIG, parsed. */
typedef struct executor_grant {
    int fd; /* O_PATH or readable descriptor of the folder */
    bool writable;
    char *path; /* as the connection's config spells it; how the plugin names the folder */
} executor_grant;

typedef struct executor_config {
    char *id;
    char *name;
    char *version;
    char *entry;
    bool connector;
    bool native;
    bool http, stream; /* the services that the manifest's needs open; else get_service is NULL */
    int abi_major, abi_minor;
    char **libraries; /* native: what the manifest lists beyond libc and libm */
    size_t library_count;
    int64_t memory_bytes;
    keel_json config; /* the connection's config, or none */
    executor_grant *grants;
    size_t grant_count;
    char *owned_; /* the bytes that config views */
} executor_config;

typedef struct executor_file {
    char *name;
    char *data;
    size_t len;
} executor_file;

typedef struct executor executor;

const executor_config *executor_get_config(const executor *x);
const executor_file *executor_find_file(const executor *x, const char *name); /* NULL: none */
/* Queues a frame; written when the engine returns, or earlier when much is queued. */
void executor_send(executor *x, uint16_t type, uint64_t run, uint64_t ref, const void *body,
                   size_t len);
/* Names in the shared page what runs now: run id or dispatch ref; 0: nothing. */
void executor_running(executor *x, uint64_t run);
/* Queues an X_NOTE for the kernel's log. level: "debug", "info", "warn" or "error". Bytes of text
 * that are no UTF-8 become "?". */
void executor_note(executor *x, const char *level, const char *text);
/* Whether the kernel has gone: a long verb stops then. */
bool executor_orphaned(const executor *x);
/* Writes what is queued and reads frames for up to timeout_ms, or until some have come; the engine's
 * handle gets them. Only within `work`. false: the executor ends, return soon. */
bool executor_pump(executor *x, int timeout_ms);

typedef struct engine_ops {
    const char *name; /* "lua", "native" */
    /* Before the last filter closes: may open what the loader needs. 0, or refused with d. Once it
     * has set *self, destroy follows, whatever else fails. */
    int (*load)(executor *x, void **self, diag *d);
    /* After it: create with the config. 0, or refused with d. */
    int (*create)(void *self, diag *d);
    /* X_START X_RECORD X_ANSWER X_ACK X_CANCEL X_VERB. Never blocks on the kernel. */
    void (*handle)(void *self, const frame *f);
    /* After the frames that came together: does what they asked for, if that has to wait now and
     * then, in executor_pump. May be NULL. */
    void (*work)(void *self);
    void (*destroy)(void *self);
} engine_ops;

extern const engine_ops engine_lua;
extern const engine_ops engine_native;

#endif
