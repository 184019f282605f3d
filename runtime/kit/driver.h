/* One executor without a kernel: asked verbs, killed, started again. The kit gives it a fresh outside,
 * probe.h what keel.yaml says. */
#ifndef KIT_DRIVER_H
#define KIT_DRIVER_H

#include <uv.h>

#include "executor.h"
#include "kit.h"
#include "library.h"
#include "net.h"
#include "outside.h"
#include "plan.h"

typedef struct kit {
    const kit_settings *set;
    uv_loop_t loop;
    plugin *plugin;
    plan *plan;       /* or NULL */
    char *temp;       /* or NULL */
    const char *root; /* the workspace below which a config's folders are, or NULL */
    outside *outside; /* or NULL */
    net *net;         /* or NULL */
    uint64_t next;    /* numbers of folders, executors and dispatches */
    uint64_t salt;    /* of the effects' keys; 0 where the outside is scripted and begins anew */
} kit;

typedef enum said_how {
    SAID_REPLY,
    SAID_FAIL,   /* code and message */
    SAID_DIED,   /* message: how */
    SAID_OVERDUE /* no answer a second after its deadline; it was killed */
} said_how;

typedef struct said {
    said_how how;
    keel_buf result; /* canonical JSON */
    keel_buf usage;  /* the same of the tokens that it reports, or empty */
    char code[24];
    char message[600];
    int64_t took_us;
} said;

typedef struct ask {
    const char *verb, *resource, *key;
    keel_json body, outcome;
    bool dry_run;
    int64_t deadline_us;         /* 0: the manifest's, at most 10 s */
    int64_t cancel_us;           /* 0, or: what goes on outside is stopped then */
    bool (*kill_now)(void *ctx); /* asked every few ms; or NULL */
    void *ctx;
} ask;

typedef struct site {
    kit *k;
    char *folder;    /* what {folder} is, or NULL */
    keel_buf config; /* filled */
    keel_buf kv;     /* canonical object: what keel.kv/1 has in force */
    host_process *process;
    bool refused; /* its config names no address that can be used: why says so */
    bool ready, over;
    uint64_t executor, connection, ref;
    said *said; /* of the verb under way */
    char why[600];
    int step; /* the executor is killed at this step of a verb; 0: no */
} site;

/* With this config and kv as they stand. reach: what egress is told of the connection (the body of
 * G_CONNECTION), or NULL. */
void kit_site_begin(site *s, kit *k, keel_json config, const keel_buf *reach);
/* The same in a fresh folder (with the seed in it), an empty outside without faults. config: instead of the
 * plan's, not filled, or none. */
int site_open(site *s, kit *k, keel_json config, diag *d);
void site_close(site *s);
/* Starts the executor. false: why says what it said, or how it died. */
bool kit_site_up(site *s);
void kit_site_down(site *s); /* SIGKILL, and waits */
/* Starts the executor if it does not run. `out` is emptied first; free it with said_free. */
void kit_site_ask(site *s, const ask *a, said *out);
void said_free(said *s);
/* All that the outside has, as text: equal texts, equal outsides. */
void site_state(site *s, keel_buf *out);
bool site_same(site *s, const keel_buf *before);
/* Resident KiB and open descriptors of the executor, -1 where not known. */
void site_size(const site *s, long *resident_kib, long *descriptors);

bool said_maybe(const said *s); /* it may have been applied, by what it said */
bool said_not(const said *s);   /* it says that nothing was applied */
/* A sentence for a person: "answered {...}", "failed with retry (...)", "died: ...". */
const char *said_text(const said *s, char *out, size_t size);

#endif
