/* Sums and counts of policy's rules (tally.h), and its rates (pace.h): what was sent is counted in the moment
 * in which its record is written, and anew from the tables at a start and for each new policy. What the tables cannot know
 * yet is in memory: what is open, as calls, and what is done but not durable, here. */
#include <stdlib.h>
#include <string.h>

#include "pace.h"
#include "sums.h"
#include "tally.h"

/* What was sent and is over, by a record that is not durable. */
struct sent {
    struct sent *next;
    uint64_t run;
    int64_t seq, at;
    bool sum;          /* else it is not done, and counts for rates alone */
    const char *agent; /* of a manifest */
    char target[128], path[PATH_LIMIT];
    keel_buf request, edited; /* the call's; args points into one of them */
    keel_json args;
};

void sums_see(kernel *k, policy_query *q) {
    k->past = (policy_past){k->tallies, kernel_now(k), !k->tallies};
    q->past = &k->past;
}

/* ---- counting ---- */

static const manifest_resource *resource_of(kernel *k, const char *target) {
    char parts[128];
    snprintf(parts, sizeof parts, "%s", target);
    char *rest = parts;
    const char *use = strsep(&rest, ".");
    const char *resource = strsep(&rest, ".");
    const connection *cn = rest ? connection_find(k, use) : NULL;
    return cn ? manifest_find(cn->plugin->manifest, resource) : NULL;
}

typedef struct marks {
    bool sum, pace; /* which are wanted */
    tally_mark *counted;
    pace_mark *paced;
} marks;

/* known false: nobody can read any more what it said. */
static void count(kernel *k, const char *agent, const char *target, keel_json args, bool known,
                  int64_t at, marks *m) {
    policy_query q = {.agent = agent, .target = target};
    attr_set_fill(k->attrs, resource_of(k, target), args);
    q.attrs = attr_set_list(k->attrs, &q.attr_count);
    m->counted = m->sum ? tally_add(k->tallies, &q, known, at) : NULL;
    m->paced = m->pace ? pace_add(k->paces, &q, known, at) : NULL;
}

/* The marks of what is over are not needed: nothing is taken back any more. */
static void count_past(kernel *k, const char *agent, const char *target, keel_json args, bool known,
                       int64_t at, marks m) {
    count(k, agent, target, args, known, at, &m);
    free(m.counted);
    free(m.paced);
}

static bool sums_are_about(kernel *k, const char *target) {
    return k->tallies && tally_counts(tallies_policy(k->tallies), target);
}

static bool rates_are_about(kernel *k, const char *target) {
    return k->paces && pace_counts(paces_policy(k->paces), target);
}

static void count_call(kernel *k, call *c) {
    marks m = {.sum = c->sent_us && sums_are_about(k, c->target),
               .pace = c->paced_us && rates_are_about(k, c->target)};
    if (m.sum || m.pace) {
        count(k, c->run->plugin->manifest->name, c->target, c->args, true,
              c->sent_us ? c->sent_us : c->paced_us, &m);
        c->counted = m.counted;
        c->paced = m.paced;
    }
}

static void take_back(kernel *k, call *c) {
    tally_take(k->tallies, c->counted);
    free(c->counted);
    c->counted = NULL;
    c->sent_us = 0;
}

static void take_pace_back(kernel *k, call *c) {
    pace_take(k->paces, c->paced);
    free(c->paced);
    c->paced = NULL;
    c->paced_us = 0;
}

void sums_sent(kernel *k, call *c) {
    take_back(k, c); /* an earlier attempt: it is one effect */
    take_pace_back(k, c);
    c->sent_us = c->paced_us = kernel_now(k);
    count_call(k, c);
}

void sums_heard(kernel *k, call *c, record_kind kind) {
    bool lost = kind == RECORD_EFFECT_UNKNOWN && !c->sent_us; /* a life before a restore sent it */
    bool not_applied =
        kind == RECORD_EFFECT_NOT_DONE || (kind == RECORD_EFFECT_RETRY && !c->maybe_applied);
    if (kind == RECORD_EFFECT_INTENDED || lost) {
        sums_sent(k, c);
    } else if (not_applied) {
        take_back(k, c);
    }
    if (not_applied && !c->dispatched) {
        take_pace_back(k, c); /* the other side has seen nothing of it */
    }
}

/* While it is decided whether it goes again it is this effect, and none of the past. */
void sums_leave_out(kernel *k, const call *c) {
    tally_take(k->tallies, c->counted);
}

void sums_put_back(kernel *k, const call *c) {
    tally_put(k->tallies, c->counted);
}

/* ---- what is not durable ---- */

void sums_over(kernel *k, call *c) {
    bool done = c->state == EFFECT_DONE, over = done || c->state == EFFECT_NOT_DONE;
    free(c->counted);
    free(c->paced);
    c->counted = NULL;
    c->paced = NULL;
    if (!over || !(done ? c->sent_us : c->paced_us)) {
        return;
    }
    struct sent *s = keel_alloc(sizeof *s);
    *s = (struct sent){.next = k->sent,
                       .run = c->run->id,
                       .seq = c->run->last_seq,
                       .at = done ? c->sent_us : c->paced_us,
                       .sum = done,
                       .agent = c->run->plugin->manifest->name,
                       .request = c->request,
                       .edited = c->edited,
                       .args = c->args};
    memcpy(s->target, c->target, sizeof s->target);
    memcpy(s->path, c->path, sizeof s->path);
    c->request = (keel_buf)KEEL_BUF_INIT;
    c->edited = (keel_buf)KEEL_BUF_INIT;
    k->sent = s;
}

void sums_durable(kernel *k) {
    struct sent **at = &k->sent;
    while (*at) {
        struct sent *s = *at;
        if (s->seq > k->durable_seq) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        keel_buf_free(&s->request);
        keel_buf_free(&s->edited);
        free(s);
    }
}

void sums_free(kernel *k) {
    k->durable_seq = INT64_MAX;
    sums_durable(k);
    tallies_destroy(k->tallies);
    paces_destroy(k->paces);
}

/* ---- counting anew ---- */

typedef struct arguments {
    keel_buf text;
    bool known;
} arguments;

static int on_arguments(void *ctx, const journal_row *row) {
    arguments *a = ctx;
    keel_json args = keel_json_get(row->body, "args");
    keel_buf_append(&a->text, args.data, args.len);
    a->known = args.len != 0;
    return 0;
}

/* In the order of the queries below. */
enum {
    COL_AGENT,
    COL_SENT,
    COL_ARGS_SEQ,
    COL_TARGET,
    COL_RUN,
    COL_PATH,
    COL_STATE,
    COL_LAST_SEQ,
    COL_ATTEMPTS,
    COL_PARKED
};
enum { COL_CHILD = COL_TARGET, COL_KEY };

static int64_t number_of(const char *text) {
    return text ? strtoll(text, NULL, 10) : 0;
}

/* It has a call, which knows better than the tables, or is over since. */
static bool in_memory(kernel *k, uint64_t run_id, const char *path, bool open) {
    for (const struct sent *s = k->sent; s; s = s->next) {
        if (s->run == run_id && !strcmp(s->path, path)) {
            return true;
        }
    }
    return open && (map_get(&k->runs, run_id) || run_find_over(k, run_id));
}

static int on_maybe(void *ctx, const journal_row *row) {
    *(bool *)ctx = !row->body.data || keel_json_true(keel_json_get(row->body, "maybe"));
    return 0;
}

/* For sums what was proved not applied does not count, for rates what was never sent. */
static marks wanted(kernel *k, const char *const *v, effect_state state) {
    bool went = state != EFFECT_NOT_DONE;
    if (state == EFFECT_RETRY) {
        reader_record(k->env.reads, number_of(v[COL_LAST_SEQ]), on_maybe, &went, NULL);
    }
    bool sent = number_of(v[COL_ATTEMPTS]) > number_of(v[COL_PARKED]);
    return (marks){.sum = went && sums_are_about(k, v[COL_TARGET]),
                   .pace = sent && rates_are_about(k, v[COL_TARGET])};
}

static int on_effect(void *ctx, int n, const char *const *v, const char *const *names) {
    kernel *k = ctx;
    const policy *p = k->world.policy;
    (void)n;
    (void)names;
    effect_state state = effect_state_named(v[COL_STATE]);
    bool open = !effect_is_over(state) && state < EFFECT_COMPENSATING;
    if (in_memory(k, (uint64_t)number_of(v[COL_RUN]), v[COL_PATH], open)) {
        return 0;
    }
    marks m = wanted(k, v, state);
    arguments a = {.known = !(m.sum && tally_reads(p, v[COL_TARGET])) &&
                            !(m.pace && pace_reads(p, v[COL_TARGET]))};
    if ((m.sum || m.pace) && !a.known) {
        reader_record(k->env.reads, number_of(v[COL_ARGS_SEQ]), on_arguments, &a, NULL);
    }
    if (m.sum || m.pace) {
        count_past(k, v[COL_AGENT], v[COL_TARGET], keel_json_view(a.text.data, a.text.len), a.known,
                   number_of(v[COL_SENT]), m);
    }
    keel_buf_free(&a.text);
    return 0;
}

static int on_spawn(void *ctx, int n, const char *const *v, const char *const *names) {
    kernel *k = ctx;
    keel_buf args = KEEL_BUF_INIT;
    keel_buf input = KEEL_BUF_INIT;
    keel_json_writer w;
    (void)n;
    (void)names;
    keel_json_write(&w, &args);
    keel_json_object(&w);
    keel_json_set_text(&w, "agent", v[COL_CHILD]);
    if (!reader_member(k->env.reads, number_of(v[COL_ARGS_SEQ]), "input", &input, NULL) &&
        input.len) {
        keel_json_set_raw(&w, "input", keel_json_view(input.data, input.len));
    }
    if (v[COL_KEY]) {
        keel_json_set_text(&w, "key", v[COL_KEY]);
    }
    keel_json_object_end(&w);
    count_past(k, v[COL_AGENT], "run.spawn", keel_json_view(args.data, args.len), true,
               number_of(v[COL_SENT]), (marks){.sum = true});
    keel_buf_free(&args);
    keel_buf_free(&input);
    return 0;
}

/* Moved into the archive, its record does not say any more when it was sent; it was not later than its
 * last change. */
static const char effects[] =
    "SELECT r.agent, coalesce((SELECT at FROM journal WHERE seq = e.sent_seq), e.changed_us),"
    " e.args_seq, e.target, e.run, e.path, e.state, e.last_seq, e.attempts, e.parked"
    " FROM effect e JOIN run r ON r.id = e.run"
    " WHERE e.changed_us >= CAST(? AS INTEGER) AND e.sent_seq IS NOT NULL AND e.state NOT IN"
    " ('denied', 'waiting', 'rejected', 'expired', 'stale', 'proposed')";
static const char spawns[] =
    "SELECT p.agent, c.started_us, c.begin_seq, c.agent, c.key"
    " FROM run c JOIN run p ON p.id = c.parent"
    " WHERE c.started_us >= CAST(? AS INTEGER) AND c.begin_seq <= CAST(? AS INTEGER)"
    " AND c.continued_from IS NULL";

static int count_tables(kernel *k, int64_t since, diag *d) {
    char from[24], durable[24];
    const char *params[] = {from, durable};
    snprintf(from, sizeof from, "%lld", (long long)since);
    snprintf(durable, sizeof durable, "%lld", (long long)k->durable_seq);
    int rc = reader_query(k->env.reads, effects, params, 1, on_effect, k, d);
    if (!rc && tally_counts(k->world.policy, "run.spawn")) {
        rc = reader_query(k->env.reads, spawns, params, 2, on_spawn, k, d);
    }
    return rc;
}

static void count_run(kernel *k, run *r) {
    for (call *c = r->calls; c; c = c->next) {
        free(c->counted);
        free(c->paced);
        c->counted = NULL;
        c->paced = NULL;
        count_call(k, c);
    }
}

static void count_memory(kernel *k) {
    size_t at = 0;
    run *r;
    while ((r = map_next(&k->runs, &at, NULL)) != NULL) {
        count_run(k, r);
    }
    for (r = k->over; r; r = r->worker_next) {
        count_run(k, r);
    }
    for (const struct sent *s = k->sent; s; s = s->next) {
        marks m = {.sum = s->sum && sums_are_about(k, s->target),
                   .pace = rates_are_about(k, s->target)};
        if (m.sum || m.pace) {
            count_past(k, s->agent, s->target, s->args, true, s->at, m);
        }
    }
}

int sums_load(kernel *k, diag *d) {
    const policy *p = k->world.policy;
    int64_t now = kernel_now(k), sums = tally_since_us(p, now), rates = pace_since_us(p, now);
    int64_t since = sums < rates ? sums : rates;
    tallies_destroy(k->tallies);
    paces_destroy(k->paces);
    k->tallies = tallies_create(p);
    k->paces = paces_create(p);
    int rc = since == INT64_MAX ? 0 : count_tables(k, since, d);
    if (rc) { /* half of the past would be told as the whole */
        tallies_destroy(k->tallies);
        paces_destroy(k->paces);
        k->tallies = NULL;
        k->paces = NULL;
    }
    count_memory(k);
    return rc;
}
