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
    beginning begun;
} keyed;

typedef struct ended {
    struct ended *next;
    uint64_t run;
    uint64_t next_run; /* that goes on from it, 0: none */
    int64_t seq;
    ending end;
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

void ending_free(ending *e) {
    keel_buf_free(&e->outcome);
}

void key_begun(kernel *k, const char *agent, const char *key, const run *r) {
    struct recent *m = recent_of(k);
    keyed *e = keel_alloc(sizeof *e);
    *e = (keyed){.next = m->keys,
                 .agent = keel_strdup(agent),
                 .key = keel_strdup(key),
                 .run = r->id,
                 .seq = r->begin_seq,
                 .begun = {.label = r->label}};
    keel_buf_append(&e->begun.quarantine, r->quarantine.data, r->quarantine.len);
    m->keys = e;
}

static int on_begin_seq(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    *(int64_t *)ctx = strtoll(v[0], NULL, 10);
    return 0;
}

static int on_begin_record(void *ctx, const journal_row *row) {
    beginning *b = ctx;
    keel_json quarantine = keel_json_get(row->body, "quarantine");
    keel_buf_append(&b->quarantine, quarantine.data, quarantine.len);
    b->label = label_of_record(row->body);
    return 0;
}

/* Of what cannot be read any more the worst is taken. */
static void read_beginning(kernel *k, uint64_t run_id, beginning *begun) {
    char id[24];
    const char *params[] = {id};
    int64_t seq = 0;
    begun->label = (item_label){true, SENSITIVITY_RESTRICTED};
    snprintf(id, sizeof id, "%llu", (unsigned long long)run_id);
    reader_query(k->env.reads, "SELECT begin_seq FROM run WHERE id = CAST(? AS INTEGER)", params, 1,
                 on_begin_seq, &seq, NULL);
    reader_record(k->env.reads, seq, on_begin_record, begun, NULL);
}

uint64_t run_by_key(kernel *k, const char *agent, const char *key, beginning *begun) {
    for (const keyed *e = recent_of(k)->keys; e; e = e->next) {
        if (!strcmp(e->key, key) && !strcmp(e->agent, agent)) {
            begun->label = e->begun.label;
            keel_buf_append(&begun->quarantine, e->begun.quarantine.data, e->begun.quarantine.len);
            return e->run;
        }
    }
    uint64_t found = 0;
    if (reader_run_by_key(k->env.reads, agent, key, &found, NULL)) {
        return 0;
    }
    read_beginning(k, found, begun);
    return found;
}

static void ending_copy(ending *to, const ending *from) {
    keel_buf_append(&to->outcome, from->outcome.data, from->outcome.len);
    to->label = from->label;
    memcpy(to->endorsed, from->endorsed, sizeof to->endorsed);
    to->endorser = from->endorser;
}

void ended_remember(kernel *k, const run *r, int64_t seq, uint64_t next_run, const ending *end) {
    struct recent *m = recent_of(k);
    ended *e = keel_alloc(sizeof *e);
    *e = (ended){.next = m->ended, .run = r->id, .next_run = next_run, .seq = seq};
    ending_copy(&e->end, end);
    m->ended = e;
}

typedef struct ended_row {
    int64_t end_seq, next_run;
    bool found;
    uint64_t run;
    keel_buf quarantine;
    ending *end;
} ended_row;

static int on_run_row(void *ctx, int columns, const char *const *values, const char *const *names) {
    (void)columns;
    (void)names;
    ended_row *row = ctx;
    row->found = true;
    row->end_seq = values[0] ? strtoll(values[0], NULL, 10) : 0;
    row->end->label = label_of_columns(values[1], values[2]);
    keel_buf_puts(&row->quarantine, values[3] ? values[3] : "");
    return 0;
}

static int on_end_record(void *ctx, const journal_row *row) {
    ended_row *e = ctx;
    keel_buf *out = &e->end->outcome;
    if (!row->body.data) {
        outcome_error(out, "erased", NULL, "what it ended with was erased");
        return 0;
    }
    keel_json_int(keel_json_get(row->body, "next_run"), &e->next_run);
    ending_write(keel_json_view(e->quarantine.data, e->quarantine.len), e->run,
                 keel_json_get(row->body, "state"), keel_json_get(row->body, "result"),
                 keel_json_get(row->body, "error"), e->end);
    return 0;
}

static int ended_find(kernel *k, uint64_t run_id, ending *out, uint64_t *next_run) {
    for (const ended *e = recent_of(k)->ended; e; e = e->next) {
        if (e->run == run_id) {
            ending_copy(out, &e->end);
            *next_run = e->next_run;
            return 0;
        }
    }
    char id[24];
    snprintf(id, sizeof id, "%llu", (unsigned long long)run_id);
    const char *params[] = {id};
    ended_row row = {.run = run_id, .end = out};
    int rc = reader_query(k->env.reads,
                          "SELECT end_seq, tainted, sensitivity, quarantine FROM run WHERE id = ?",
                          params, 1, on_run_row, &row, NULL);
    rc = rc || !row.end_seq ? -1
                            : reader_record(k->env.reads, row.end_seq, on_end_record, &row, NULL);
    keel_buf_free(&row.quarantine);
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

run *run_of_chain(kernel *k, uint64_t *run_id, ending *out) {
    for (;;) {
        run *r = map_get(&k->runs, *run_id);
        uint64_t next_run = 0;
        keel_buf_clear(&out->outcome);
        out->endorsed[0] = 0;
        if (r || ended_find(k, *run_id, out, &next_run) || next_run <= *run_id) {
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

int request_find(kernel *k, const char *id, digest *digest_out, keel_buf *result, diag *d) {
    for (const asked *e = recent_of(k)->requests; e; e = e->next) {
        if (!strcmp(e->id, id)) {
            *digest_out = e->digest;
            keel_buf_append(result, e->result.data, e->result.len);
            return 0;
        }
    }
    keel_buf body = KEEL_BUF_INIT;
    int rc = reader_request(k->env.reads, id, digest_out, &body, d);
    if (!rc) {
        keel_json answer = keel_json_get(keel_json_view(body.data, body.len), "answer");
        keel_buf_append(result, answer.data, answer.len);
    }
    keel_buf_free(&body);
    return rc;
}

static void asked_free(asked *e) {
    free(e->id);
    keel_buf_free(&e->result);
    free(e);
}

static void keyed_free(keyed *e) {
    free(e->agent);
    free(e->key);
    keel_buf_free(&e->begun.quarantine);
    free(e);
}

static void ended_free(ended *e) {
    ending_free(&e->end);
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

void role_ended(kernel *k, const char *agent, int64_t seq, keel_json result, item_label of) {
    role *r = k->roles;
    while (r && strcmp(r->agent, agent) != 0) {
        r = r->next;
    }
    if (!r) {
        r = keel_alloc(sizeof *r);
        *r = (role){.next = k->roles, .agent = keel_strdup(agent)};
        k->roles = r;
    }
    r->seq = seq;
    r->label = of;
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
