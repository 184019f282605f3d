#include "backtest.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backtest_past.h"
#include "backtest_shadow.h"
#include "decided.h"
#include "effectset.h"
#include "map.h"

#define KINDS                                                                                      \
    (RECORD_BIT(RECORD_CONNECTION) | RECORD_BIT(RECORD_RUN_BEGIN) | RECORD_BIT(RECORD_SPAWN) |     \
     RECORD_BIT(RECORD_EFFECT_DENIED) | RECORD_BIT(RECORD_EFFECT_WAITING) |                        \
     RECORD_BIT(RECORD_EFFECT_INTENDED))

typedef struct walk {
    const policy *policy;
    const backtest_hooks *hooks;
    backtest_report *out;
    past *past;
    int64_t since_us;
    effectset seen, before; /* decided already; first decided before since_us */
    attr_set *attrs;
    keel_buf child; /* the run that began last, as the arguments of a spawn */
    uint64_t child_run;
    map held; /* arguments of effects that wait for a decision */
    char rule[128], file[256];
    shadow_text shadow;
} walk;

/* Members of a record's body, found in one pass: arguments may be long. */
typedef struct members {
    keel_json agent, args, call, decision, number, run, target;
} members;

/* ---- reading ---- */

static bool key_is(keel_json key, const char *text, size_t len) {
    return key.len == len + 2 && memcmp(key.data + 1, text, len) == 0;
}
#define KEY_IS(key, text) key_is(key, text, sizeof text - 1)

static members read_members(keel_json body) {
    members m = {0};
    for (keel_json_iter it = keel_json_each(body); keel_json_next(&it);) {
        keel_json *to = KEY_IS(it.key, "args")       ? &m.args
                        : KEY_IS(it.key, "agent")    ? &m.agent
                        : KEY_IS(it.key, "call")     ? &m.call
                        : KEY_IS(it.key, "decision") ? &m.decision
                        : KEY_IS(it.key, "number")   ? &m.number
                        : KEY_IS(it.key, "run")      ? &m.run
                        : KEY_IS(it.key, "target")   ? &m.target
                                                     : NULL;
        if (to) {
            *to = it.value;
        }
    }
    return m;
}

/* ---- arguments ---- */

/* A spawn's record follows the begin of its child, which has what was given to it. */
static void keep_child(walk *w, const journal_row *row) {
    keel_json parent = keel_json_get(row->body, "parent");
    keel_json agent = keel_json_get(row->body, "agent");
    w->child_run = parent.data ? row->run : 0;
    past_run(w->past, row->run, agent);
    if (!parent.data) {
        return;
    }
    keel_json key = keel_json_get(row->body, "key"), input = keel_json_get(row->body, "input");
    keel_buf_clear(&w->child);
    keel_buf_puts(&w->child, "{\"agent\":");
    keel_buf_append(&w->child, agent.data, agent.len);
    keel_buf_puts(&w->child, ",\"input\":");
    keel_buf_append(&w->child, input.data, input.len);
    if (key.data) {
        keel_buf_puts(&w->child, ",\"key\":");
        keel_buf_append(&w->child, key.data, key.len);
    }
    keel_json returns = keel_json_path(row->body, "quarantine.returns");
    if (returns.data) {
        keel_buf_puts(&w->child, ",\"quarantine\":true,\"returns\":");
        keel_buf_append(&w->child, returns.data, returns.len);
    }
    keel_buf_putc(&w->child, '}');
}

/* A child that was there already: what was said to it this time stands nowhere but its name. */
static keel_json spawn_args(walk *w, const members *m, bool *whole) {
    int64_t run = 0;
    keel_json_int(m->run, &run);
    *whole = run > 0 && (uint64_t)run == w->child_run;
    if (!*whole) {
        keel_buf_clear(&w->child);
        w->child_run = 0;
        keel_buf_puts(&w->child, "{\"agent\":");
        keel_buf_append(&w->child, m->agent.data, m->agent.len);
        keel_buf_putc(&w->child, '}');
    }
    return keel_json_view(w->child.data, w->child.len);
}

static void hold_args(walk *w, const journal_row *row, const members *m) {
    uint64_t key = effectset_hash(row->run, row->path, m->call);
    if (row->kind == RECORD_EFFECT_WAITING && m->args.data && !map_get(&w->held, key)) {
        map_put(&w->held, key, keel_memdup(m->args.data, m->args.len));
    }
}

static keel_json held_args(walk *w, const journal_row *row, const members *m) {
    const char *text = map_get(&w->held, effectset_hash(row->run, row->path, m->call));
    return text ? keel_json_view(text, strlen(text)) : (keel_json){NULL, 0};
}

static void free_held(walk *w) {
    uint64_t key;
    void *text;
    for (size_t i = 0; (text = map_next(&w->held, &i, &key));) {
        free(text);
    }
    map_free(&w->held);
}

/* ---- one effect ---- */

static void lose(walk *w, const journal_row *row, const char *target, backtest_loss why) {
    w->out->lost[why]++;
    if (w->hooks->lost) {
        w->hooks->lost(w->hooks->ctx, row->run, row->path, target, why);
    }
}

static void put_amount(const past_target *t, const policy_query *q, backtest_effect *e) {
    const char *name = t->verb ? t->verb->amount : NULL;
    for (size_t i = 0; name && i < q->attr_count; i++) {
        const attr *a = &q->attrs[i];
        if (strcmp(a->name, name) == 0 && a->count == 1 && a->values[0].type == ATTR_MONEY) {
            e->micros = a->values[0].micros;
            memcpy(e->currency, a->values[0].currency, sizeof e->currency);
        }
    }
}

static void report_change(walk *w, const journal_row *row, const members *m, const decided *was,
                          const past_target *t, const policy_query *q, const policy_decision *now) {
    backtest_effect e = {.run = row->run,
                         .path = row->path,
                         .was = was->verdict,
                         .was_rule = w->rule,
                         .was_file = w->file,
                         .query = q,
                         .now = *now,
                         .why = w->policy ? NULL : w->shadow.why.data};
    e.change = now->verdict == POLICY_ALLOW  ? BACKTEST_ALLOWED
               : now->verdict == POLICY_DENY ? BACKTEST_DENIED
                                             : BACKTEST_ASKED;
    w->out->changed[e.change]++;
    if (w->hooks->changed) {
        w->file[0] = 0;
        keel_json_copy(was->file, w->file, sizeof w->file);
        keel_json_int(was->line, &e.was_line);
        keel_json_int(m->number, &e.number);
        put_amount(t, q, &e);
        w->hooks->changed(w->hooks->ctx, &e);
    }
}

static void weigh(walk *w, const journal_row *row, const members *m, const decided *was,
                  const past_target *t, const policy_query *q) {
    policy_decision now;
    if (w->policy) {
        policy_decide(w->policy, q, &now);
    } else if (!shadow_read(m->decision, &w->shadow, &now)) {
        return;
    }
    w->out->decided++;
    w->out->asked_then += was->verdict == POLICY_ASK;
    w->out->asked_now += now.verdict == POLICY_ASK;
    if (now.verdict == was->verdict && keel_json_is(was->rule, now.rule_id)) {
        return;
    }
    w->rule[0] = 0;
    keel_json_copy(was->rule, w->rule, sizeof w->rule);
    if (now.verdict == was->verdict) {
        w->out->other_rule += w->policy != NULL;
    } else {
        report_change(w, row, m, was, t, q, &now);
    }
}

static void decide_again(walk *w, const journal_row *row, const members *m, const decided *was) {
    static const char spawn[] = "\"run.spawn\"";
    bool whole = true;
    keel_json name =
        row->kind == RECORD_SPAWN ? keel_json_view(spawn, sizeof spawn - 1) : m->target;
    const past_target *t = past_find(w->past, name);
    const char *agent = past_agent(w->past, row->run);
    keel_json args = m->args.data ? m->args : held_args(w, row, m);
    if (!args.data && row->kind == RECORD_SPAWN) {
        args = spawn_args(w, m, &whole);
    }
    bool known = !w->policy || (args.data && (t->spawn || t->resource));
    if (!args.data && !w->policy) {
        args = keel_json_view("{}", 2);
    }
    if (!agent || !known) {
        lose(w, row, t->name, !agent ? LOSS_RUN : !args.data ? LOSS_ARGS : LOSS_MANIFEST);
        return;
    }
    attr_set_fill(w->attrs, t->resource, args);
    policy_query q = {.agent = agent,
                      .target = t->name,
                      .class = was->class,
                      .tainted = was->tainted,
                      .level = was->level,
                      .sink_external = was->external,
                      .reply = was->reply,
                      .ordered = strchr(row->path, '~') != NULL};
    q.attrs = attr_set_list(w->attrs, &q.attr_count);
    if (!w->policy) {
        weigh(w, row, m, was, t, &q);
    } else if (!whole && policy_looks_beyond(w->policy, &q)) {
        lose(w, row, t->name, LOSS_ARGS);
    } else if (policy_looks_back(w->policy, &q)) {
        lose(w, row, t->name, LOSS_PAST);
    } else {
        weigh(w, row, m, was, t, &q);
    }
}

static void effect(walk *w, const journal_row *row) {
    members m = read_members(row->body);
    decided was = {0};
    if (row->body.data && !decided_read(m.decision, &was)) {
        hold_args(w, row, &m);
        return;
    }
    bool earlier =
        w->before.count && effectset_has(&w->before, row->run,
                                         effectset_hash(row->run, row->path, (keel_json){NULL, 0}));
    if (earlier ||
        !effectset_add(&w->seen, row->run, effectset_hash(row->run, row->path, m.call)) ||
        row->at < w->since_us) {
        return;
    }
    if (row->body.data) {
        decide_again(w, row, &m, &was);
    } else {
        lose(w, row, NULL, LOSS_ERASED);
    }
}

static int visit(void *ctx, const journal_row *row) {
    walk *w = ctx;
    if (row->kind == RECORD_CONNECTION) {
        past_connection(w->past, row->body);
    } else if (row->kind == RECORD_RUN_BEGIN) {
        keep_child(w, row);
    } else {
        effect(w, row);
    }
    return 0;
}

/* ---- since ---- */

typedef struct beginning {
    walk *w;
    int64_t seq;
} beginning;

static int take_seq(void *ctx, int columns, const char *const *v, const char *const *names) {
    (void)columns;
    (void)names;
    ((beginning *)ctx)->seq = v[0] ? strtoll(v[0], NULL, 10) : INT64_MAX;
    return 0;
}

static int take_before(void *ctx, int columns, const char *const *v, const char *const *names) {
    walk *w = ctx;
    (void)columns;
    (void)names;
    uint64_t run = strtoull(v[0], NULL, 10);
    effectset_add(&w->before, run, effectset_hash(run, v[1], (keel_json){NULL, 0}));
    return 0;
}

static int connection_before(void *ctx, const journal_row *row) {
    const beginning *b = ctx;
    if (row->seq >= b->seq) {
        return 1;
    }
    past_connection(b->w->past, row->body);
    return 0;
}

/* The first record that counts, with what has to be known of those before it. Where the database
 * itself begins later, the archive may hold some, and all is read. */
static int begin_at(walk *w, reader *r, int64_t *from, diag *d) {
    char since[24];
    const char *params[] = {since};
    beginning b = {w, 1}, first = {w, 1};
    snprintf(since, sizeof since, "%" PRId64, w->since_us);
    int rc = reader_query(r, "SELECT min(seq) FROM journal", NULL, 0, take_seq, &first, d);
    rc = rc ? rc
            : reader_query(r, "SELECT min(seq) FROM journal WHERE at >= CAST(? AS INTEGER)", params,
                           1, take_seq, &b, d);
    rc = rc ? rc
            : reader_query(r,
                           "SELECT run, path FROM effect WHERE opened_us < CAST(?1 AS INTEGER)"
                           " AND changed_us >= CAST(?1 AS INTEGER)",
                           params, 1, take_before, w, d);
    if (rc || b.seq <= first.seq) {
        return rc;
    }
    *from = b.seq;
    return reader_scan_kinds(r, 1, RECORD_BIT(RECORD_CONNECTION), connection_before, &b, d);
}

int backtest_run(reader *r, const policy *p, int64_t since_us, const backtest_hooks *hooks,
                 backtest_report *out, diag *d) {
    walk w = {.policy = p, .hooks = hooks, .out = out, .since_us = since_us};
    int64_t from = 1;
    *out = (backtest_report){0};
    int rc = past_open(&w.past, r, d);
    if (rc) {
        return rc;
    }
    w.attrs = attr_set_create();
    rc = since_us > 0 ? begin_at(&w, r, &from, d) : 0;
    rc = rc ? rc : reader_scan_kinds(r, from, KINDS, visit, &w, d);
    attr_set_destroy(w.attrs);
    effectset_free(&w.seen);
    effectset_free(&w.before);
    keel_buf_free(&w.child);
    keel_buf_free(&w.shadow.why);
    free_held(&w);
    past_close(w.past);
    return rc;
}
