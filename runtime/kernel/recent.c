/* What the kernel knows and committed reads cannot see yet: runs begun under a key, runs that
 * ended. And each role's last result, which every new run of the role is given. */
#include <stdlib.h>
#include <string.h>

#include "parts.h"

typedef struct keyed {
    struct keyed *next;
    char *agent, *key;
    uint64_t run;
    int64_t seq;
} keyed;

typedef struct ended {
    struct ended *next;
    uint64_t run;
    uint64_t next_run; /* that goes on from it, 0: none */
    int64_t seq;
    bool tainted;
    keel_buf outcome;
} ended;

typedef struct asked {
    struct asked *next;
    char *id;
    digest digest;
    keel_buf result;
    int64_t seq;
} asked;

struct recent {
    keyed *keys;
    ended *ended;
    asked *requests;
};

static struct recent *recent_of(kernel *k) {
    if (!k->recent) {
        k->recent = keel_alloc(sizeof *k->recent);
        *k->recent = (struct recent){NULL, NULL, NULL};
    }
    return k->recent;
}

void key_begun(kernel *k, const char *agent, const char *key, uint64_t run_id, int64_t seq) {
    struct recent *m = recent_of(k);
    keyed *e = keel_alloc(sizeof *e);
    *e = (keyed){m->keys, keel_strdup(agent), keel_strdup(key), run_id, seq};
    m->keys = e;
}

uint64_t run_by_key(kernel *k, const char *agent, const char *key) {
    for (const keyed *e = recent_of(k)->keys; e; e = e->next) {
        if (!strcmp(e->key, key) && !strcmp(e->agent, agent)) {
            return e->run;
        }
    }
    uint64_t found = 0;
    return reader_run_by_key(k->env.reads, agent, key, &found, NULL) ? 0 : found;
}

void ended_remember(kernel *k, const run *r, int64_t seq, uint64_t next_run,
                    const keel_buf *outcome) {
    struct recent *m = recent_of(k);
    ended *e = keel_alloc(sizeof *e);
    *e = (ended){m->ended, r->id, next_run, seq, r->tainted, KEEL_BUF_INIT};
    keel_buf_append(&e->outcome, outcome->data, outcome->len);
    m->ended = e;
}

typedef struct ended_row {
    int64_t end_seq, next_run;
    bool found, tainted;
    keel_buf *outcome;
} ended_row;

static int on_run_row(void *ctx, int columns, const char *const *values, const char *const *names) {
    (void)columns;
    (void)names;
    ended_row *row = ctx;
    row->found = true;
    row->end_seq = values[0] ? strtoll(values[0], NULL, 10) : 0;
    row->tainted = values[1] && values[1][0] == '1';
    return 0;
}

static int on_end_record(void *ctx, const journal_row *row) {
    ended_row *e = ctx;
    keel_buf *out = e->outcome;
    if (!row->body.data) {
        outcome_error(out, "erased", NULL, "what it ended with was erased");
        return 0;
    }
    keel_json_int(keel_json_get(row->body, "next_run"), &e->next_run);
    keel_buf_puts(out, "{\"ok\":");
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json error = keel_json_get(row->body, "error");
    if (error.len) {
        keel_json_set_raw(&w, "error", error);
    } else {
        keel_json_set_raw(&w, "result", keel_json_get(row->body, "result"));
    }
    keel_json_set_raw(&w, "state", keel_json_get(row->body, "state"));
    keel_json_object_end(&w);
    keel_buf_putc(out, '}');
    return 0;
}

static int ended_find(kernel *k, uint64_t run_id, keel_buf *outcome, bool *tainted,
                      uint64_t *next_run) {
    for (const ended *e = recent_of(k)->ended; e; e = e->next) {
        if (e->run == run_id) {
            keel_buf_append(outcome, e->outcome.data, e->outcome.len);
            *tainted = e->tainted;
            *next_run = e->next_run;
            return 0;
        }
    }
    char id[24];
    snprintf(id, sizeof id, "%llu", (unsigned long long)run_id);
    const char *params[] = {id};
    ended_row row = {.outcome = outcome};
    if (reader_query(k->env.reads, "SELECT end_seq, tainted FROM run WHERE id = ?", params, 1,
                     on_run_row, &row, NULL) ||
        !row.end_seq) {
        return -1;
    }
    *tainted = row.tainted;
    int rc = reader_record(k->env.reads, row.end_seq, on_end_record, &row, NULL);
    *next_run = (uint64_t)row.next_run;
    return rc ? -1 : 0;
}

static int on_last(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    *(uint64_t *)ctx = strtoull(v[0], NULL, 10);
    return 0;
}

/* The last of the runs that go on from that one, as far as committed reads see: all at once, since a
 * long life has many of them. */
static uint64_t last_of_chain(kernel *k, uint64_t run_id) {
    static const char sql[] =
        "WITH RECURSIVE chain(id) AS (VALUES(CAST(? AS INTEGER)) UNION ALL"
        " SELECT r.id FROM chain c JOIN run r ON r.continued_from = c.id AND r.id > c.id)"
        " SELECT max(id) FROM chain";
    char id[24];
    const char *params[] = {id};
    uint64_t last = run_id;
    snprintf(id, sizeof id, "%llu", (unsigned long long)run_id);
    return reader_query(k->env.reads, sql, params, 1, on_last, &last, NULL) ? run_id : last;
}

run *run_of_chain(kernel *k, uint64_t *run_id, keel_buf *outcome, bool *tainted) {
    for (;;) {
        run *r = map_get(&k->runs, *run_id);
        uint64_t next_run = 0;
        keel_buf_clear(outcome);
        if (r || ended_find(k, *run_id, outcome, tainted, &next_run) || next_run <= *run_id) {
            return r;
        }
        *run_id = map_get(&k->runs, next_run) ? next_run : last_of_chain(k, next_run);
    }
}

void request_remember(kernel *k, const char *id, const digest *d, keel_json result, int64_t seq) {
    struct recent *m = recent_of(k);
    asked *e = keel_alloc(sizeof *e);
    *e = (asked){m->requests, keel_strdup(id), *d, KEEL_BUF_INIT, seq};
    keel_buf_append(&e->result, result.data, result.len);
    m->requests = e;
}

int request_find(kernel *k, const char *id, digest *d, keel_buf *result) {
    for (const asked *e = recent_of(k)->requests; e; e = e->next) {
        if (!strcmp(e->id, id)) {
            *d = e->digest;
            keel_buf_append(result, e->result.data, e->result.len);
            return 0;
        }
    }
    keel_buf body = KEEL_BUF_INIT;
    int rc = reader_request(k->env.reads, id, d, &body, NULL);
    if (!rc) {
        keel_json answer = keel_json_get(keel_json_view(body.data, body.len), "answer");
        keel_buf_append(result, answer.data, answer.len);
    }
    keel_buf_free(&body);
    return rc ? -1 : 0;
}

static void asked_free(asked *e) {
    free(e->id);
    keel_buf_free(&e->result);
    free(e);
}

static void keyed_free(keyed *e) {
    free(e->agent);
    free(e->key);
    free(e);
}

static void ended_free(ended *e) {
    keel_buf_free(&e->outcome);
    free(e);
}

void recent_durable(kernel *k) {
    struct recent *m = recent_of(k);
    for (keyed **at = &m->keys; *at;) {
        keyed *e = *at;
        if (e->seq <= k->durable_seq) {
            *at = e->next;
            keyed_free(e);
        } else {
            at = &e->next;
        }
    }
    for (ended **at = &m->ended; *at;) {
        ended *e = *at;
        if (e->seq <= k->durable_seq) {
            *at = e->next;
            ended_free(e);
        } else {
            at = &e->next;
        }
    }
    for (asked **at = &m->requests; *at;) {
        asked *e = *at;
        if (e->seq <= k->durable_seq) {
            *at = e->next;
            asked_free(e);
        } else {
            at = &e->next;
        }
    }
}

const role *role_find(kernel *k, const char *agent) {
    for (const role *r = k->roles; r; r = r->next) {
        if (!strcmp(r->agent, agent)) {
            return r;
        }
    }
    return NULL;
}

void role_ended(kernel *k, const char *agent, int64_t seq, keel_json result) {
    role *r = k->roles;
    while (r && strcmp(r->agent, agent) != 0) {
        r = r->next;
    }
    if (!r) {
        r = keel_alloc(sizeof *r);
        *r = (role){k->roles, keel_strdup(agent), 0, KEEL_BUF_INIT};
        k->roles = r;
    }
    r->seq = seq;
    keel_buf_clear(&r->result);
    keel_buf_append(&r->result, result.data, result.len);
}

void recent_free(kernel *k) {
    while (k->roles) {
        role *r = k->roles;
        k->roles = r->next;
        free(r->agent);
        keel_buf_free(&r->result);
        free(r);
    }
    if (!k->recent) {
        return;
    }
    k->durable_seq = INT64_MAX;
    recent_durable(k);
    free(k->recent);
}
