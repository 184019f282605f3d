#include "backtest_past.h"

#include <stdlib.h>
#include <string.h>

#include "map.h"

typedef struct known_manifest {
    digest of; /* the plugin */
    digest file;
    manifest *manifest; /* NULL: it cannot be read by this version */
} known_manifest;

typedef struct known_connection {
    char name[80];
    const manifest *manifest;
} known_connection;

typedef struct known_target known_target;
struct known_target {
    past_target is;
    known_target *next;
    keel_json key;   /* as it stands in records, in memory of its own */
    uint64_t looked; /* at which state of the connections */
};

#define BUCKETS 256

struct past {
    map runs; /* to names in `agents` */
    char **agents;
    size_t agent_count;
    known_manifest *manifests;
    size_t manifest_count;
    known_connection *connections;
    size_t connection_count;
    uint64_t state; /* grows with each record of a connection */
    known_target *targets[BUCKETS];
};

/* ---- runs ---- */

static char *agent_name(past *p, const char *name) {
    for (size_t i = p->agent_count; i-- > 0;) {
        if (strcmp(p->agents[i], name) == 0) {
            return p->agents[i];
        }
    }
    p->agents = keel_realloc(p->agents, (p->agent_count + 1) * sizeof *p->agents);
    p->agents[p->agent_count] = keel_strdup(name);
    return p->agents[p->agent_count++];
}

static int take_run(void *ctx, int columns, const char *const *v, const char *const *names) {
    past *p = ctx;
    (void)columns;
    (void)names;
    uint64_t run = strtoull(v[0], NULL, 10);
    if (run) {
        map_put(&p->runs, run, agent_name(p, v[1]));
    }
    return 0;
}

void past_run(past *p, uint64_t run, keel_json agent) {
    char name[80] = "";
    if (run && !map_get(&p->runs, run) && keel_json_copy(agent, name, sizeof name) > 0) {
        map_put(&p->runs, run, agent_name(p, name));
    }
}

const char *past_agent(const past *p, uint64_t run) {
    return map_get(&p->runs, run);
}

/* ---- manifests ---- */

static int take_manifest(void *ctx, int columns, const char *const *v, const char *const *names) {
    past *p = ctx;
    known_manifest k = {.manifest = NULL};
    (void)columns;
    (void)names;
    if (digest_from_hex(&k.of, v[0], strlen(v[0])) == 0 &&
        digest_from_hex(&k.file, v[1], strlen(v[1])) == 0) {
        p->manifests = keel_realloc(p->manifests, (p->manifest_count + 1) * sizeof k);
        p->manifests[p->manifest_count++] = k;
    }
    return 0;
}

/* One that is not there any more, or that this version does not read, is missed by its effects alone. */
static void read_manifests(past *p, reader *r) {
    keel_buf text = KEEL_BUF_INIT;
    diag d;
    for (size_t i = 0; i < p->manifest_count; i++) {
        known_manifest *k = &p->manifests[i];
        keel_buf_clear(&text);
        if (reader_artifact(r, &k->file, &text, &d) == 0 &&
            manifest_parse(&k->manifest, "manifest.yaml", text.data, text.len, &d) != 0) {
            k->manifest = NULL;
        }
    }
    keel_buf_free(&text);
}

int past_open(past **out, reader *r, diag *d) {
    past *p = keel_alloc(sizeof *p);
    memset(p, 0, sizeof *p);
    int rc = reader_query(r, "SELECT id, agent FROM run", NULL, 0, take_run, p, d);
    rc = rc ? rc
            : reader_query(r,
                           "SELECT f.plugin, f.artifact FROM plugin_file f JOIN plugin p"
                           " ON p.digest = f.plugin WHERE p.kind = 'connector' AND f.name ="
                           " 'manifest.yaml'",
                           NULL, 0, take_manifest, p, d);
    if (rc) {
        past_close(p);
        return rc;
    }
    read_manifests(p, r);
    *out = p;
    return 0;
}

void past_close(past *p) {
    if (!p) {
        return;
    }
    for (size_t i = 0; i < p->agent_count; i++) {
        free(p->agents[i]);
    }
    for (size_t i = 0; i < p->manifest_count; i++) {
        manifest_destroy(p->manifests[i].manifest);
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        while (p->targets[i]) {
            known_target *t = p->targets[i];
            p->targets[i] = t->next;
            free((char *)t->is.name);
            free((char *)t->key.data);
            free(t);
        }
    }
    map_free(&p->runs);
    free(p->agents);
    free(p->manifests);
    free(p->connections);
    free(p);
}

/* ---- connections ---- */

static known_connection *find_connection(past *p, const char *name, size_t len) {
    for (size_t i = 0; i < p->connection_count; i++) {
        const char *n = p->connections[i].name;
        if (strlen(n) == len && memcmp(n, name, len) == 0) {
            return &p->connections[i];
        }
    }
    return NULL;
}

void past_connection(past *p, keel_json body) {
    char name[80] = "", hex[DIGEST_HEX] = "";
    digest of;
    p->state++;
    keel_json_copy(keel_json_get(body, "name"), name, sizeof name);
    keel_json_copy(keel_json_get(body, "digest"), hex, sizeof hex);
    if (!name[0] || digest_from_hex(&of, hex, strlen(hex))) {
        return;
    }
    known_connection *c = find_connection(p, name, strlen(name));
    if (!c) {
        p->connections = keel_realloc(p->connections, (p->connection_count + 1) * sizeof *c);
        c = &p->connections[p->connection_count++];
        memcpy(c->name, name, sizeof c->name);
    }
    c->manifest = NULL;
    for (size_t i = 0; i < p->manifest_count; i++) {
        if (digest_equal(&p->manifests[i].of, &of)) {
            c->manifest = p->manifests[i].manifest;
        }
    }
}

/* ---- targets ---- */

static void look_up(past *p, known_target *t) {
    past_target *is = &t->is;
    const char *dot = strchr(is->name, '.'), *verb = strrchr(is->name, '.');
    t->looked = p->state;
    is->resource = NULL;
    is->verb = NULL;
    if (is->spawn || !dot || dot == verb) {
        return;
    }
    char resource[80];
    const known_connection *c = find_connection(p, is->name, (size_t)(dot - is->name));
    size_t len = (size_t)(verb - dot) - 1;
    if (!c || !c->manifest || len >= sizeof resource) {
        return;
    }
    memcpy(resource, dot + 1, len);
    resource[len] = 0;
    is->resource = manifest_find(c->manifest, resource);
    for (int v = VERB_READ; is->resource && v < VERB_COUNT; v++) {
        if (strcmp(manifest_verb_name((manifest_verb_id)v), verb + 1) == 0) {
            is->verb = &is->resource->verbs[v];
        }
    }
}

static known_target *new_target(keel_json text) {
    keel_buf name = KEEL_BUF_INIT;
    known_target *t = keel_alloc(sizeof *t);
    keel_buf_puts(&name, "");
    keel_json_string(text, &name);
    *t = (known_target){.is = {.name = name.data, .spawn = strcmp(name.data, "run.spawn") == 0},
                        .key = {keel_memdup(text.data, text.len), text.len},
                        .looked = UINT64_MAX};
    return t;
}

const past_target *past_find(past *p, keel_json target) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < target.len; i++) {
        hash = (hash ^ (unsigned char)target.data[i]) * 16777619u;
    }
    known_target **bucket = &p->targets[hash % BUCKETS], *t = *bucket;
    while (t && (t->key.len != target.len || memcmp(t->key.data, target.data, target.len) != 0)) {
        t = t->next;
    }
    if (!t) {
        t = new_target(target);
        t->next = *bucket;
        *bucket = t;
    }
    if (t->looked != p->state) {
        look_up(p, t);
    }
    return &t->is;
}
