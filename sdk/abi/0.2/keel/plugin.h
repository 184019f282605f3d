/* The Keel plugin ABI, version 0.2. This header is the manual.
 *
 * PURPOSE. A connector translates between Keel and one external system: a mailbox, a folder, a
 * service. An agent decides what to do and asks for it (keel/effect.h). Either is a shared object
 * in a sandboxed process of its own: no socket, no new process, no file but through the services
 * that its manifest asks for. It holds no secret and remembers nothing that matters: what is durable
 * is Keel's journal. sdk/README.md has a whole connector of about 50 lines, and an agent.
 *
 * SHAPE. The file exports exactly one symbol, keel_plugin_entry, which returns a constant
 * description and does nothing else. The host checks it, then calls in this order:
 *
 *   keel_plugin_entry -> prepare -> (the last filter closes) -> create -> verbs, runs -> destroy
 *
 * A manifest.yaml beside the file says id, version, kind, abi, resources and needs; whatever it
 * says must agree with the description, or the plugin is refused with both values named.
 *
 * THREADS. One instance, one thread: the host never enters it twice at once, and it starts none. A
 * verb may block and compute until its deadline; then the process is killed. An agent's instance
 * serves all its runs in turn: what a run needs lives on its stack.
 *
 * MEMORY. Inputs are borrowed until the call returns. What is given to reply, fail, cost and log is
 * copied. Nobody frees what the other side made. alloc and scratch never return NULL: where there
 * is no memory left the process ends, which Keel handles like any crash.
 *
 * TEXT. Bodies are canonical JSON (RFC 8785, UTF-8); read it with keel/json.h. Names such as a
 * resource are UTF-8 without NUL. Spans are not NUL-terminated, but resource and key have a NUL
 * behind them. Sizes are size_t on 64-bit machines, the only ones that this ABI is defined for.
 *
 * STATUS RULE. Each status says whether something may have been applied. On write and compensate,
 *
 *   invalid denied not_found conflict retry not_implemented    mean: NOT applied, with certainty
 *   unknown deadline cancelled internal no_memory              mean: MAY have been applied
 *
 * When in doubt answer unknown: Keel then reconciles before anything is sent again. A wrong "not
 * applied" is the one fault that sends a mail twice. Dying counts as unknown too.
 *
 * COMPATIBILITY. The magic never changes; majors must be equal; the plugin's minor is the least
 * that it needs and must not be above the host's. Structs begin with their size: the reader copies
 * what both know and sees the rest as zero. While the major is 0 a minor may still move members;
 * from 1.0 on members are only added at the tail, each marked "since 1.N". Check KEEL_HAS before
 * using a member that is newer than the minor you declare.
 */
#ifndef KEEL_PLUGIN_H
#define KEEL_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KEEL_ABI_MAGIC 0x4c45454bu /* "KEEL", little-endian */
#define KEEL_ABI_MAJOR 0u
#define KEEL_ABI_MINOR 2u

#if defined(__GNUC__)
#define KEEL_EXPORT __attribute__((visibility("default")))
#else
#define KEEL_EXPORT
#endif

/* Whether the struct behind p is long enough to hold member m of type T, and m is set. */
#define KEEL_HAS(p, T, m) ((p)->size >= offsetof(T, m) + sizeof((p)->m) && (p)->m)

/* ---- status ---- */

/* 0, or negative; never an enum. The word in quotes is how journal, policy and people spell it. */
typedef int32_t keel_status;

#define KEEL_OK 0
/* Not applied: */
#define KEEL_E_INVALID   (-1) /* "invalid": the input is wrong, and would be the next time too */
#define KEEL_E_DENIED    (-2) /* "denied": the other side, or a grant, said no */
#define KEEL_E_NOT_FOUND (-3) /* "not_found" */
#define KEEL_E_CONFLICT  (-4) /* "conflict": the world is not as the input supposed */
#define KEEL_E_RETRY     (-5) /* "retry": not now; nothing was applied; trying again is safe */
/* May have been applied: */
#define KEEL_E_UNKNOWN   (-6)  /* "unknown": sent, and the answer is lost or unclear */
#define KEEL_E_DEADLINE  (-7)  /* "deadline": gave up because of the deadline, after sending */
#define KEEL_E_CANCELLED (-8)  /* "cancelled": gave up as cancelled() said so, after sending */
#define KEEL_E_INTERNAL  (-9)  /* "internal": a fault in the plugin */
#define KEEL_E_NO_MEMORY (-10) /* "no_memory" */
/* Not applied: */
#define KEEL_E_NOT_IMPLEMENTED (-11) /* "not_implemented": there is no such verb or resource */
/* A run waits, see keel_agent. Negative, so that `if (s < 0) { return s; }` is right. Since 0.2. */
#define KEEL_SUSPENDED (-100)

/* Bytes: borrowed, not NUL-terminated. {NULL, 0} is "none". */
typedef struct keel_span {
    const char *data;
    size_t len;
} keel_span;

/* ---- what the host lends ---- */

/* One verb being answered: the host's, valid until the verb returns. */
typedef struct keel_call keel_call;

#define KEEL_LOG_DEBUG 0
#define KEEL_LOG_INFO  1
#define KEEL_LOG_WARN  2
#define KEEL_LOG_ERROR 3

/* Pass `ctx` as each function's first argument. The table lives until destroy has returned. In
 * prepare and create there is no call: alloc, log, get_service and fail (with a NULL call) work. */
typedef struct keel_host {
    uint32_t size; /* sizeof the host's struct */
    uint16_t abi_major;
    uint16_t abi_minor;
    void *ctx;
    /* One line for a person, UTF-8, no newline at its end. Never mail bodies or tokens. */
    void (*log)(void *ctx, int32_t level, const char *text);
    /* Zeroed memory that the host frees after destroy has returned. */
    void *(*alloc)(void *ctx, size_t size);
    /* Zeroed memory that the host frees when the call has returned. */
    void *(*scratch)(void *ctx, keel_call *call, size_t size);
    /* The answer, JSON in any form; an empty span is null. A second reply replaces the first. It
     * counts only if the verb then returns KEEL_OK. KEEL_E_INVALID when it is no JSON. */
    keel_status (*reply)(void *ctx, keel_call *call, keel_span body);
    /* What this attempt really cost, instead of the manifest's estimate: millionths of `currency`
     * (three capitals, "EUR"). Counts on success and on failure. */
    keel_status (*cost)(void *ctx, keel_call *call, int64_t micros, const char *currency);
    /* Says in a sentence why, for the person who will read it. Returns `status`, so that
     * `return host->fail(host->ctx, call, KEEL_E_CONFLICT, "...")` reads well. */
    keel_status (*fail)(void *ctx, keel_call *call, keel_status status, const char *text);
    /* 1 once the deadline has passed or the kernel has gone: stop soon. Cheap. */
    int32_t (*cancelled)(void *ctx, const keel_call *call);
    /* A service by name and revision, such as "keel.fs/1" (keel/fs.h), or NULL: the host does not
     * know it, or the manifest's needs do not cover it. */
    const void *(*get_service)(void *ctx, const char *name);
} keel_host;

/* ---- what a verb is asked ---- */

#define KEEL_REQUEST_DRY_RUN 1u /* check everything, change nothing, reply what would be done */

#define KEEL_MODE_NONE     0u /* all verbs but reconcile */
#define KEEL_MODE_EFFECT   1u /* reconcile: what became of the write with this key? */
#define KEEL_MODE_RESOURCE 2u /* reconcile: the external state as records */

typedef struct keel_request {
    uint32_t size; /* sizeof the host's struct */
    uint32_t flags;
    keel_span resource; /* "note" */
    keel_span body;     /* canonical JSON; of reconcile and compensate: what was written */
    /* write, reconcile, compensate: the effect's own id, stored before the first attempt: letters,
     * digits, "-" and ".", at most 120 bytes. Same key, same body, same effect. */
    keel_span key;
    /* compensate: the recorded result of the write. Reconcile: of the attempt, or none. */
    keel_span outcome;
    uint64_t deadline_ns; /* CLOCK_MONOTONIC; 0: none */
    uint32_t attempt;     /* 1 at the first */
    uint32_t mode;
} keel_request;

/* ---- what a plugin gives ---- */

/* create is required, and so is read or write. A verb that is NULL answers not_implemented.
 *
 * read        body: the query. Reply {"items":[{"id",...}],"next":CURSOR}; the cursor comes back as
 *             the query's "cursor". Changes nothing.
 * write       body: what to write. Reply what a later compensate will need: ids, versions.
 * reconcile   mode effect: reply {"state":S}, S one of "applied" (with "ref": the result that the
 *             write would have replied), "absent" (proof that it was not applied), "pending" (the
 *             other side has it and has not decided), "cannot_tell". Changes nothing.
 *             mode resource: reply {"records":[...]}.
 * compensate  undoes a write, given its body and its outcome. A new act that can itself fail. */
typedef struct keel_connector {
    uint32_t size; /* sizeof(keel_connector) as the plugin was compiled */
    uint32_t reserved;
    /* Reads what can only be read now: character sets, tables, time zones. After it the host closes
     * files, executable memory and new libraries for good. No config, no instance. May be NULL. */
    keel_status (*prepare)(const keel_host *host);
    /* config: the connection's config, canonical JSON. *self is passed to the verbs. */
    keel_status (*create)(const keel_host *host, keel_span config, void **self);
    void (*destroy)(void *self); /* what was not from alloc; may be NULL */
    keel_status (*read)(void *self, keel_call *call, const keel_request *request);
    keel_status (*write)(void *self, keel_call *call, const keel_request *request);
    keel_status (*reconcile)(void *self, keel_call *call, const keel_request *request);
    keel_status (*compensate)(void *self, keel_call *call, const keel_request *request);
} keel_connector;

typedef struct keel_run_request {
    uint32_t size; /* sizeof the host's struct */
    uint32_t reserved;
    uint64_t run;       /* its number */
    keel_span input;    /* canonical JSON */
    keel_span previous; /* the result of this role's last run that ended, or none */
} keel_run_request;

/* Since 0.2. create and run are required; all but run is as a connector has it.
 *
 * run   All that it does must follow from the request and from keel/effect.h, for it is entered
 *       again from its start: after a restart, and whenever it was suspended. Its calls are then
 *       answered from the record; one that differs from the record stops the run as a mismatch.
 *       A call whose answer is not there within 100 ms may return KEEL_SUSPENDED, and then so does
 *       each later one: free what is yours and return KEEL_SUSPENDED at once. Nothing of such an
 *       entry counts but the calls that it made. KEEL_OK ends the run with the reply, or null, as
 *       its result; another status as failed, with fail's text. */
typedef struct keel_agent {
    uint32_t size; /* sizeof(keel_agent) as the plugin was compiled */
    uint32_t reserved;
    keel_status (*prepare)(const keel_host *host);
    keel_status (*create)(const keel_host *host, keel_span config, void **self); /* config: {} */
    void (*destroy)(void *self);
    keel_status (*run)(void *self, keel_call *call, const keel_run_request *request);
} keel_agent;

#define KEEL_KIND_AGENT     1u /* since 0.2 */
#define KEEL_KIND_CONNECTOR 2u

typedef struct keel_plugin {
    uint32_t magic; /* KEEL_ABI_MAGIC */
    uint32_t size;  /* sizeof(keel_plugin) as the plugin was compiled */
    uint16_t abi_major;
    uint16_t abi_minor; /* the least that it needs */
    uint32_t kind;
    const char *id;      /* reverse-DNS, "com.example.notes" */
    const char *version; /* semver of the plugin, not of the ABI */
    const keel_connector *connector;
    const keel_agent *agent; /* one of the two, by kind */
} keel_plugin;

KEEL_EXPORT const keel_plugin *keel_plugin_entry(void);

/* The description and the entry of a C plugin, at file scope, once:
 * KEEL_CONNECTOR("com.example.notes", "1.0.0", .create = create, .write = write_note)
 * KEEL_AGENT("com.example.hello", "1.0.0", .create = create, .run = run)
 * The manifest's abi is the minor below: 0.1 is all that a connector needs. */
#define KEEL_CONNECTOR(id_, version_, ...)                                                         \
    static const keel_connector keel_connector_ = {.size = sizeof(keel_connector), __VA_ARGS__};   \
    KEEL_PLUGIN_(1u, KEEL_KIND_CONNECTOR, id_, version_, &keel_connector_, NULL)
#define KEEL_AGENT(id_, version_, ...)                                                             \
    static const keel_agent keel_agent_ = {.size = sizeof(keel_agent), __VA_ARGS__};               \
    KEEL_PLUGIN_(2u, KEEL_KIND_AGENT, id_, version_, NULL, &keel_agent_)
#define KEEL_PLUGIN_(minor_, kind_, id_, version_, connector_, agent_)                             \
    static const keel_plugin keel_plugin_ = {                                                      \
        KEEL_ABI_MAGIC, sizeof(keel_plugin), KEEL_ABI_MAJOR, (minor_), (kind_),                    \
        (id_),          (version_),          (connector_),   (agent_)};                            \
    const keel_plugin *keel_plugin_entry(void) {                                                   \
        return &keel_plugin_;                                                                      \
    }

#ifdef __cplusplus
}
#endif

#endif
