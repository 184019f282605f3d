/* manifest.yaml: what a plugin is, read before any of its code runs. Immutable once loaded. */
#ifndef MANIFEST_H
#define MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "label.h"
#include "origin.h"

typedef enum plugin_kind { PLUGIN_AGENT, PLUGIN_CONNECTOR } plugin_kind;

/* What may be done with one dispatched verb (kernel.md, "Effects and their classes"). */
typedef enum effect_class {
    CLASS_NONE,
    CLASS_READ,
    CLASS_LOCAL,
    CLASS_KEYED,
    CLASS_CHECKABLE,
    CLASS_ONCE,
    CLASS_REPEATABLE
} effect_class;

const char *effect_class_name(effect_class c); /* "read", ... */

/* tokens: { input: 4000, output: 1000, max: max_tokens, model: model } */
typedef struct manifest_tokens {
    bool present;
    int64_t input, output; /* what an attempt is expected to use */
    const char
        *max; /* field of the arguments that bounds the output, in place of `output`; or NULL */
    const char *model; /* field that names the model, or NULL */
} manifest_tokens;

typedef struct manifest_verb {
    bool present;
    effect_class class;
    bool untrusted;       /* returns: untrusted */
    sensitivity level;    /* sensitivity: of what comes back; its own, or its resource's */
    bool sink_external;   /* sink: external */
    bool undo_compensate; /* undo: compensate */
    int64_t settle_us;    /* how long after a lost answer "absent" is not yet proof; default 0 */
    int64_t window_us;    /* keyed: how long the other side remembers a key; required there */
    int64_t timeout_us;   /* wall time of one attempt; default 30 s */
    int64_t cost_micros;  /* cost: { estimate: 0.002 USD }; 0 with an empty currency: none */
    char currency[4];
    manifest_tokens tokens;
    const char *amount; /* amount: FIELD that moves money, or NULL */
} manifest_verb;

typedef enum manifest_verb_id {
    VERB_READ,
    VERB_WRITE,
    VERB_COMPENSATE,
    VERB_COUNT
} manifest_verb_id;
const char *manifest_verb_name(manifest_verb_id v);

/* attributes: { to_domain: { of: [to, cc, bcc], fn: domain } } */
typedef enum attr_fn {
    ATTR_VALUE,  /* fn left out: the field as it is */
    ATTR_DOMAIN, /* the part behind the last @ of each address, case-folded */
    ATTR_COUNT,  /* how many values the fields hold together */
    ATTR_LENGTH, /* bytes of text, summed */
    ATTR_ORIGIN  /* to_origin: whether all of them have written what is answered (reply.h) */
} attr_fn;

typedef struct manifest_attr {
    const char *name;
    attr_fn fn;
    const char **of; /* dotted field paths into the arguments */
    size_t of_count;
    const char *answers; /* ATTR_ORIGIN: such a path: what is answered, */
    const char *among;   /* an item of that resource; NULL: of its own */
} manifest_attr;
#define MANIFEST_ORIGIN "to_origin"

/* sends: { to: address, subject: line, body: text }: the fields of a write, and what may stand in each. */
typedef enum manifest_send {
    SEND_ANY,
    SEND_TEXT,   /* no control characters but tabs and line breaks */
    SEND_LINE,   /* none at all; or a list of such */
    SEND_ADDRESS /* of mail, plain; or a list of them */
} manifest_send;

typedef struct manifest_field {
    const char *name;
    manifest_send form;
} manifest_field;

typedef struct manifest_resource {
    const char *name;
    const char *schema; /* file name, or NULL */
    manifest_verb verbs[VERB_COUNT];
    const char
        *item_id; /* read: { items: { id: message_id, sender: from } }: paths into an item, */
    const char *item_sender; /* what names it and who has written it; NULL: it is not said */
    manifest_attr *attrs;
    size_t attr_count;
    manifest_field *sends; /* no other fields are sent; none: it is not said */
    size_t send_count;
} manifest_resource;

/* One of config, literal and any. */
typedef struct manifest_need {
    const char *service; /* "file" | "http" | "stream" */
    const char *mode;    /* file: "ro" | "rw"; else NULL */
    const char *config;  /* dotted path into the connection's config, when "{config.X}" */
    const char *literal; /* or the text itself: a folder, or an address that manifest_need_origin
                            takes */
    bool any;            /* or "http:*": what a policy's `egress` lists, and nothing without one */
} manifest_need;

typedef struct manifest {
    char *file; /* as given, for messages */
    plugin_kind kind;
    const char *id;      /* reverse-DNS, the plugin's identity */
    const char *name;    /* what policy and `keel do` call an agent; a connector's last id part */
    const char *version; /* semver */
    int abi_major, abi_minor; /* .so only: what the file was built for */
    const char *entry;        /* file name beside the manifest: NAME.lua, NAME.so or NAME.yaml */
    bool native;              /* entry ends in .so */
    bool service;             /* entry ends in .yaml: a REST service, run by Keel's engine */
    const char **libraries;
    size_t library_count;
    manifest_need *needs;
    size_t need_count;
    int concurrency;        /* default 1 */
    int64_t memory_bytes;   /* Lua quota; default 64 MiB */
    const char **templates; /* agents: file names under templates/ */
    size_t template_count;
    manifest_resource *resources;
    size_t resource_count;
    const char *outcome;  /* agents, may be NULL */
    bool bounded;         /* agents: max_taint, */
    item_label max_taint; /* the most that a run of it may read */
    void *tree_;          /* owns every string above */
} manifest;

/* What an installed service has besides: the engine that runs it, and the description as JSON, which
 * the engine reads. */
#define MANIFEST_SERVICE_ENGINE "rest.lua"
#define MANIFEST_SERVICE_JSON   "service.json"

/* Every refusal names file, line and column. 0 or a DIAG_ code. */
int manifest_parse(manifest **out, const char *file, const char *text, size_t len, diag *d);
int manifest_load(manifest **out, const char *path, diag *d);
void manifest_destroy(manifest *m);
/* The file that an executor loads: the entry, or the engine of a service. */
const char *manifest_program(const manifest *m);
const manifest_resource *manifest_find(const manifest *m, const char *resource);
const manifest_attr *manifest_origin(const manifest_resource *res); /* its to_origin, or NULL */
/* An address of a need of http or stream, whose scheme is one of that service. 0 or DIAG_USAGE,
 * without a place. */
int manifest_need_origin(const manifest_need *need, const char *url, size_t len, origin *out,
                         diag *d);

#endif
