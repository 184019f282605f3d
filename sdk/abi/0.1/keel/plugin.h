/* The Keel plugin ABI, version 0.1. This header is the manual.
 *
 * PURPOSE. A connector translates between Keel and one external system: a mailbox, a folder, a
 * service. It is a shared object that runs in a process of its own, sandboxed: no socket, no new
 * process, no file but through the services that its manifest asks for. It holds no secret, decides
 * nothing and remembers nothing that matters: what is durable is Keel's journal.
 *
 * SHAPE. The file exports exactly one symbol, keel_plugin_entry, which returns a constant
 * description. The host checks it, then calls in this order:
 *
 *   keel_plugin_entry -> prepare -> (the last filter closes) -> create -> verbs -> destroy
 *
 * A manifest.yaml beside the file says id, version, kind, abi, resources and needs; whatever it
 * says must agree with the description, or the plugin is refused with both values named.
 *
 * THREADS. One instance, one thread: the host never enters it twice at once, and the plugin starts
 * no thread. A verb may block and compute until its deadline; then the process is killed.
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
 *
 * EXAMPLE. sdk/README.md has a whole connector of about 50 lines. */
#ifndef KEEL_PLUGIN_H
#define KEEL_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KEEL_ABI_MAGIC 0x4c45454bu /* "KEEL", little-endian */
#define KEEL_ABI_MAJOR 0u
#define KEEL_ABI_MINOR 1u

#if defined(__GNUC__)
#define KEEL_EXPORT __attribute__((visibility("default")))
#else
#define KEEL_EXPORT
#endif

/* Whether the struct that p points to is long enough to hold member m of type T, and m is set. */
#define KEEL_HAS(p, T, m) ((p)->size >= offsetof(T, m) + sizeof((p)->m) && (p)->m)

/* ---- status ---- */

/* 0, or negative. Never an enum across the boundary. The word in the comment is how journal, policy
 * and people spell it. */
typedef int32_t keel_status;

#define KEEL_OK 0
/* Not applied: */
#define KEEL_E_INVALID                                                                             \
    (-1) /* "invalid": the input is wrong; the same again would be wrong again                     \
          */
#define KEEL_E_DENIED    (-2) /* "denied": the other side, or a grant, said no */
#define KEEL_E_NOT_FOUND (-3) /* "not_found" */
#define KEEL_E_CONFLICT  (-4) /* "conflict": the world is not as the input supposed */
#define KEEL_E_RETRY     (-5) /* "retry": not now; nothing was applied; trying again is safe */
/* May have been applied: */
#define KEEL_E_UNKNOWN  (-6) /* "unknown": sent, and the answer is lost or unclear */
#define KEEL_E_DEADLINE (-7) /* "deadline": gave up because of the deadline, after sending */
#define KEEL_E_CANCELLED                                                                           \
    (-8)                       /* "cancelled": gave up because cancelled() said so, after sending  \
                                */
#define KEEL_E_INTERNAL  (-9)  /* "internal": a fault in the plugin */
#define KEEL_E_NO_MEMORY (-10) /* "no_memory" */
/* Not applied: */
#define KEEL_E_NOT_IMPLEMENTED                                                                     \
    (-11) /* "not_implemented": the verb or the resource is not there                              \
           */

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

/* Pass `ctx` of this table as the first argument of each function. The table lives until destroy
 * has returned. In prepare and create there is no call: alloc, log, get_service and fail (with a
 * NULL call, to say why the plugin cannot start) work there. */
typedef struct keel_host {
    uint32_t size; /* sizeof the host's struct */
    uint16_t abi_major;
    uint16_t abi_minor;
    void *ctx;
    /* One line for a person, UTF-8, no newline at the end. Never put mail bodies or tokens there.
     */
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
    /* write, reconcile, compensate: the effect's own id, minted and stored before the first
     * attempt: letters, digits, "-" and ".", at most 120 bytes. Same key, same body, same effect.
     */
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

#define KEEL_KIND_AGENT     1u /* comes with ABI 0.2; refused before */
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
    const void *agent; /* for ABI 0.2; NULL */
} keel_plugin;

/* Called once, first. Returns a constant; does nothing else. */
KEEL_EXPORT const keel_plugin *keel_plugin_entry(void);

/* The description and the entry of a C connector, at file scope, once:
 * KEEL_CONNECTOR("com.example.notes", "1.0.0", .create = create, .write = write_note) */
#define KEEL_CONNECTOR(id_, version_, ...)                                                         \
    static const keel_connector keel_connector_ = {.size = sizeof(keel_connector), __VA_ARGS__};   \
    static const keel_plugin keel_plugin_ = {.magic = KEEL_ABI_MAGIC,                              \
                                             .size = sizeof(keel_plugin),                          \
                                             .abi_major = KEEL_ABI_MAJOR,                          \
                                             .abi_minor = KEEL_ABI_MINOR,                          \
                                             .kind = KEEL_KIND_CONNECTOR,                          \
                                             .id = (id_),                                          \
                                             .version = (version_),                                \
                                             .connector = &keel_connector_};                       \
    const keel_plugin *keel_plugin_entry(void) {                                                   \
        return &keel_plugin_;                                                                      \
    }

#ifdef __cplusplus
}
#endif

#endif
