/* The engine for shared objects, in parts: native_load.c checks and opens, native_host.c is the
 * table that a plugin calls, native_NAME.c the service keel.NAME/1, native.c the verbs of connectors,
 * native_agent.h the runs of agents. One instance, one thread, one call at a time. */
#ifndef NATIVE_H
#define NATIVE_H

#include "egress_client.h"
#include "engine.h"
#include "fs.h"
#include "keel/ask.h"
#include "keel/clock.h"
#include "keel/effect.h"
#include "keel/http.h"
#include "keel/json_service.h"
#include "keel/kv.h"
#include "keel/plugin.h"
#include "keel/spawn.h"
#include "keel/stream.h"
#include "keel/usage.h"
#include "kv.h"
#include "map.h"

#define NATIVE_SIZE_LIMIT (256u << 20) /* bytes of a .so */

typedef struct native native;
typedef struct native_run native_run;

/* Memory lent to the plugin: a list of blocks, freed together. */
typedef struct native_block {
    struct native_block *next;
    _Alignas(max_align_t) unsigned char bytes[];
} native_block;

void *native_lend(native_block **list, size_t size);
void native_take_back(native_block **list);
/* A copy with a NUL behind it, until the call returns. */
keel_span native_lend_copy(keel_call *call, const char *data, size_t len);

struct keel_call {
    uint64_t deadline_ns; /* CLOCK_MONOTONIC; 0: none */
    native_block *scratch;
    kv kv;
    keel_buf reply; /* canonical, once replied */
    bool replied;
    char bad[200];     /* why the last reply was refused; "" */
    char message[512]; /* of fail */
    bool has_cost;
    int64_t cost_micros;
    char currency[4];
    char model[KEEL_USAGE_MODEL + 1]; /* of what is reported as used; "": nothing is */
    keel_tokens used;
    native_run *run; /* of an agent's entry, else NULL */
    bool continues;  /* the reply is the next run's input */
};

struct native {
    executor *x;
    keel_plugin plugin;       /* what both sides know of the description; the rest is zero */
    keel_connector connector; /* the same of its functions; of an agent: what all plugins have */
    keel_agent agent;         /* run is NULL in a connector */
    keel_host host;
    keel_fs fs_table;
    keel_http http_table;
    keel_stream stream_table;
    keel_kv kv_table;
    keel_clock clock_table;
    keel_json_service json_table;
    keel_effect effect_table;
    keel_ask ask_table;
    keel_spawn spawn_table;
    keel_usage usage_table;
    fs *fs;                /* NULL without a grant */
    egress_client *egress; /* NULL without a network need */
    keel_call *call;       /* the verb or the entry of a run that runs, or NULL */
    map runs;              /* of an agent: id -> native_run */
    native_run *ready_first, *ready_last;
    bool told; /* the agent's author was told about a status */
    void *instance;
    bool created;
    native_block *lent;
    char why[512]; /* what prepare or create said through fail */
};

/* Whether this is the call that runs: not one that has returned, not NULL, not an invented one. */
bool native_is_current(const native *n, const keel_call *call);

void native_host_init(native *n);
void native_fs_init(native *n);
void native_http_init(native *n);
void native_stream_init(native *n);
void native_kv_init(native *n);
void native_clock_init(native *n);
void native_json_init(native *n);
void native_usage_init(native *n);
void native_usage_put(const keel_call *call, keel_json_writer *w); /* the member "usage", if any */
void native_effect_init(native *n);
void native_ask_init(native *n);
void native_spawn_init(native *n);
/* The text of a JSON string, with a NUL behind it, as long as the call lives; else none. */
keel_span native_text_span(keel_call *call, keel_json v);

/* Checks the bytes behind fd, opens them and checks the description; fills plugin, connector and agent. */
int native_open(native *n, int fd, diag *d);
/* The description against this host and the manifest, apart from where it came from. */
int native_check(native *n, const keel_plugin *p, diag *d);

#endif
