/* An agent that is right but for what the build defines: see meson.build. Its result is its input. */
#include "keel/effect.h"
#include "keel/plugin.h"

/* Each build uses some of the functions below. */
#pragma GCC diagnostic ignored "-Wunused-function"

#ifndef MINOR
#define MINOR KEEL_ABI_MINOR
#endif
#ifndef SIZE
#define SIZE sizeof(keel_plugin)
#endif
#ifndef AGENT_SIZE
#define AGENT_SIZE sizeof(keel_agent)
#endif
#ifndef PREPARE
#define PREPARE NULL
#endif
#ifndef CREATE
#define CREATE create
#endif
#ifndef RUN
#define RUN run
#endif
#ifdef NO_AGENT
#define HAS_AGENT 0
#else
#define HAS_AGENT 1
#endif

static const keel_host *host;

static inline keel_status prepare_fails(const keel_host *h) {
    return h->fail(h->ctx, NULL, KEEL_E_NOT_FOUND, "no table");
}

static inline keel_status create(const keel_host *h, keel_span config, void **self) {
    (void)config;
    host = h;
    *self = NULL;
    return h->get_service(h->ctx, KEEL_EFFECT_SERVICE) ? KEEL_OK : KEEL_E_NOT_FOUND;
}

static inline keel_status run(void *self, keel_call *call, const keel_run_request *r) {
    (void)self;
    return host->reply(host->ctx, call, r->input);
}

/* Longer than the host's struct, as a later minor's would be: the tail is garbage to this host. */
static const struct {
    keel_agent known;
    void *tail[4];
} agent = {{AGENT_SIZE, 0, PREPARE, CREATE, NULL, RUN},
           {(void *)1, (void *)2, (void *)3, (void *)4}};

static const struct {
    keel_plugin known;
    void *tail[4];
} plugin = {{KEEL_ABI_MAGIC, SIZE, KEEL_ABI_MAJOR, MINOR, KEEL_KIND_AGENT, "com.example.abi",
             "1.0.0", NULL, HAS_AGENT ? &agent.known : NULL},
            {(void *)1, (void *)2, (void *)3, (void *)4}};

const keel_plugin *keel_plugin_entry(void) {
    return &plugin.known;
}
