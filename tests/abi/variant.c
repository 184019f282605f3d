/* A connector that is right but for what the build defines: see meson.build. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keel/plugin.h"
#include "probe.h"

/* Each build uses some of the functions below. */
#pragma GCC diagnostic ignored "-Wunused-function"

#ifndef MAGIC
#define MAGIC KEEL_ABI_MAGIC
#endif
#ifndef MAJOR
#define MAJOR KEEL_ABI_MAJOR
#endif
#ifndef MINOR
#define MINOR KEEL_ABI_MINOR
#endif
#ifndef SIZE
#define SIZE sizeof(keel_plugin)
#endif
#ifndef CONNECTOR_SIZE
#define CONNECTOR_SIZE sizeof(keel_connector)
#endif
#ifndef KIND
#define KIND KEEL_KIND_CONNECTOR
#endif
#ifndef ID
#define ID "com.example.abi"
#endif
#ifndef VERSION
#define VERSION "1.0.0"
#endif
#ifndef CREATE
#define CREATE create
#endif
#ifndef READ
#define READ read_null
#endif
#ifndef PREPARE
#define PREPARE NULL
#endif
#ifdef NO_CONNECTOR
#define HAS_CONNECTOR 0
#else
#define HAS_CONNECTOR 1
#endif
#ifdef NULL_ENTRY
#define HAS_ENTRY 0
#else
#define HAS_ENTRY 1
#endif

static const keel_host *host;

/* What a fault does that no compiler may see through. */
static volatile int *volatile nowhere;

static inline void crash(void) {
    *nowhere = 1;
}

static inline void hang(void) {
    for (volatile int i = 0;; i++) {
    }
}

static inline void leave(void) {
    _exit(0);
}

/* Goes on only if the call was refused. */
#ifdef PROBE
static inline void probe(void) {
    if (probe_try(PROBE) >= 0) {
        _exit(42);
    }
}
#endif

#ifdef CONSTRUCTOR
__attribute__((constructor)) static void constructed(void) {
    CONSTRUCTOR();
}
#endif

static inline keel_status create(const keel_host *h, keel_span config, void **self) {
    (void)config;
    host = h;
    *self = NULL;
    return KEEL_OK;
}

static inline keel_status create_segv(const keel_host *h, keel_span config, void **self) {
    crash();
    return create(h, config, self);
}

static inline keel_status create_exits(const keel_host *h, keel_span config, void **self) {
    leave();
    return create(h, config, self);
}

static inline keel_status prepare_exits(const keel_host *h) {
    leave();
    return h ? KEEL_OK : KEEL_E_INTERNAL;
}

static inline keel_status prepare_segv(const keel_host *h) {
    crash();
    return h ? KEEL_OK : KEEL_E_INTERNAL;
}

static inline keel_status prepare_hangs(const keel_host *h) {
    hang();
    return h ? KEEL_OK : KEEL_E_INTERNAL;
}

static inline keel_status create_fails(const keel_host *h, keel_span config, void **self) {
    (void)config;
    (void)self;
    return h->fail(h->ctx, NULL, KEEL_E_INVALID, "config.folder is missing");
}

static inline keel_status prepare_fails(const keel_host *h) {
    return h->fail(h->ctx, NULL, KEEL_E_NOT_FOUND, "no table of characters");
}

static void destroy(void *self) {
    (void)self;
}

static inline keel_status read_null(void *self, keel_call *call, const keel_request *r) {
    (void)self;
    (void)r;
    return host->reply(host->ctx, call, (keel_span){NULL, 0});
}

static inline keel_status read_hangs(void *self, keel_call *call, const keel_request *r) {
    hang();
    return read_null(self, call, r);
}

/* Longer than the host's struct, as a later minor's would be: the tail is garbage to this host. */
static const struct {
    keel_connector known;
    void *tail[4];
} connector = {{CONNECTOR_SIZE, 0, PREPARE, CREATE, destroy, READ, NULL, NULL, NULL},
               {(void *)1, (void *)2, (void *)3, (void *)4}};

static const struct {
    keel_plugin known;
    void *tail[4];
} plugin = {
    {MAGIC, SIZE, MAJOR, MINOR, KIND, ID, VERSION, HAS_CONNECTOR ? &connector.known : NULL, NULL},
    {(void *)1, (void *)2, (void *)3, (void *)4}};

#ifdef NO_ENTRY
const void *const *keel_hidden(void);
const void *const *keel_hidden(void) {
    static const void *const p[] = {&plugin};
    return p;
}
#else
const keel_plugin *keel_plugin_entry(void) {
    return HAS_ENTRY ? &plugin.known : NULL;
}
#endif

#ifdef SECOND_EXPORT
KEEL_EXPORT int com_example_other(void);
int com_example_other(void) {
    return 1;
}
#endif
