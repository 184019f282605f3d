#include "backtest.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backtest_args.h"
#include "backtest_past.h"
#include "backtest_shadow.h"
#include "backtest_tally.h"
#include "decided.h"
#include "effectset.h"
#include "tally.h"

#define OVER    (RECORD_BIT(RECORD_EFFECT_DONE) | RECORD_BIT(RECORD_EFFECT_NOT_DONE))
#define COUNTED (OVER | RECORD_BIT(RECORD_EFFECT_RETRY) | RECORD_BIT(RECORD_APPROVAL_EDITED))
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
    effectset seen, before; /* decided already; first decided before what is read */
    backtest_tally *tally;  /* NULL: nothing is summed or counted */
    attr_set *attrs;
    backtest_args args;
    char rule[128], file[256];
    shadow_text shadow;
} walk;

/* Members of a record's body, found in one pass: arguments may be long. */
typedef struct members {
    keel_json agent, args, call, decision, existing, number, override, run, target;
} members;

typedef struct asking {
    const past_target *target;
    keel_json args;
    bool whole; /* nothing of them is missing */
    policy_query q;
} asking;

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
                        : KEY_IS(it.key, "existing") ? &m.existing
                        : KEY_IS(it.key, "number")   ? &m.number
                        : KEY_IS(it.key, "override") ? &m.override
                        : KEY_IS(it.key, "run")      ? &m.run
                        : KEY_IS(it.key, "target")   ? &m.target
                                                     : NULL;
        if (to) {
            *to = it.value;
        }
    }
    return m;
}

/* ---- one effect ---- */

static uint64_t key_of(const journal_row *row) {
    return effectset_hash(row->run, row->path, (keel_json){NULL, 0});
}

static bool was_sent(const journal_row *row) {
    return row->kind == RECORD_EFFECT_INTENDED || row->kind == RECORD_SPAWN;
}

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

/* whole: it is known all that was asked. */
static void weigh(walk *w, const journal_row *row, const members *m, const decided *was,
                  const past_target *t, const policy_query *q, bool whole) {
    policy_decision now;
    if (w->policy) {
        policy_decide(w->policy, q, &now);
    } else if (!shadow_read(m->decision, &w->shadow, &now)) {
        return;
    }
    w->out->decided++;
    w->out->asked_then += was->verdict == POLICY_ASK;
    w->out->asked_now += now.verdict == POLICY_ASK;
    if (now.verdict != was->verdict || !keel_json_is(was->rule, now.rule_id)) {
        w->rule[0] = 0;
        keel_json_copy(was->rule, w->rule, sizeof w->rule);
        if (now.verdict == was->verdict) {
            w->out->other_rule += w->policy != NULL;
        } else {
            report_change(w, row, m, was, t, q, &now);
        }
    }
    bool stopped = row->kind == RECORD_EFFECT_DENIED && was->verdict == POLICY_ALLOW;
    if (keel_json_true(m->existing) || (stopped && now.verdict != POLICY_DENY)) {
        return; /* nothing began, or something else than a rule refused it, and still would */
    }
    backtest_tally_decided(w->tally, key_of(row), q, whole, now.verdict, was_sent(row), row->at);
}

static const past_target *target_of(walk *w, const journal_row *row, const members *m) {
    static const char spawn[] = "\"run.spawn\"";
    return past_find(w->past, row->kind == RECORD_SPAWN ? keel_json_view(spawn, sizeof spawn - 1)
                                                        : m->target);
}

/* What was asked: false when it is not known. */
static bool asked(walk *w, const journal_row *row, const members *m, const decided *was,
                  asking *out) {
    out->target = target_of(w, row, m);
    out->args = m->args.data ? m->args : backtest_args_kept(&w->args, key_of(row));
    out->whole = true;
    if (!out->args.data && row->kind == RECORD_SPAWN) {
        out->args = backtest_args_spawn(&w->args, m->run, m->agent, keel_json_true(m->existing),
                                        &out->whole);
    }
    const past_target *t = out->target;
    out->q = (policy_query){.agent = past_agent(w->past, row->run),
                            .target = t->name,
                            .class = was->class,
                            .tainted = was->tainted,
                            .level = was->level,
                            .sink_external = was->external,
                            .reply = was->reply,
                            .ordered = strchr(row->path, '~') != NULL};
    bool known = !w->policy || (out->args.data && (t->spawn || t->resource));
    attr_set_fill(w->attrs, t->resource, out->args.data ? out->args : keel_json_view("{}", 2));
    out->q.attrs = attr_set_list(w->attrs, &out->q.attr_count);
    return known && out->q.agent;
}

static void decide_again(walk *w, const journal_row *row, const members *m, const decided *was) {
    asking a;
    if (!asked(w, row, m, was, &a)) {
        lose(w, row, a.target->name,
             !a.q.agent     ? LOSS_RUN
             : !a.args.data ? LOSS_ARGS
                            : LOSS_MANIFEST);
    } else if (w->policy && !a.whole && policy_looks_beyond(w->policy, &a.q)) {
        lose(w, row, a.target->name, LOSS_ARGS);
    } else if (!backtest_tally_see(w->tally, &a.q, row->at)) {
        lose(w, row, a.target->name, LOSS_PAST);
    } else {
        weigh(w, row, m, was, a.target, &a.q, a.whole);
    }
}

static void count_sent(walk *w, const journal_row *row, const members *m) {
    static const decided nothing;
    asking a;
    bool known = asked(w, row, m, &nothing, &a);
    if (a.q.agent) {
        backtest_tally_sent(w->tally, key_of(row), &a.q, known && a.whole, row->at);
    }
}

/* What the other policy has not settled by itself counts when it was sent. */
static void follow(walk *w, const journal_row *row, const members *m) {
    uint64_t key = key_of(row);
    bool existing = keel_json_true(m->existing);
    if (!row->body.data) {
        backtest_tally_erased(w->tally, row);
        return;
    }
    if (m->override.data) {
        backtest_tally_lifted(w->tally, key);
    }
    if (!existing && was_sent(row) &&
        backtest_tally_wants(w->tally, key, target_of(w, row, m)->name)) {
        count_sent(w, row, m);
    }
    if (row->kind == RECORD_SPAWN) {
        backtest_tally_over(w->tally, key, !existing);
        backtest_args_drop(&w->args, key);
    } else if (row->kind != RECORD_EFFECT_DENIED &&
               backtest_tally_follows(w->tally, key, target_of(w, row, m)->name)) {
        backtest_args_keep(&w->args, key, m->args);
    }
}

static void effect(walk *w, const journal_row *row) {
    members m = read_members(row->body);
    decided was = {0};
    if (row->body.data && !decided_read(m.decision, &was)) {
        if (row->kind == RECORD_EFFECT_WAITING) {
            backtest_args_keep(&w->args, key_of(row), m.args);
        } else if (w->tally && was_sent(row)) {
            follow(w, row, &m);
        }
        return;
    }
    bool first = !(w->before.count && effectset_has(&w->before, row->run, key_of(row))) &&
                 effectset_add(&w->seen, row->run, effectset_hash(row->run, row->path, m.call));
    if (first && row->at >= w->since_us) {
        if (row->body.data) {
            decide_again(w, row, &m, &was);
        } else {
            lose(w, row, NULL, LOSS_ERASED);
        }
    }
    if (w->tally) {
        follow(w, row, &m);
    }
}

static int visit(void *ctx, const journal_row *row) {
    walk *w = ctx;
    if (row->kind == RECORD_CONNECTION) {
        past_connection(w->past, row->body);
    } else if (row->kind == RECORD_RUN_BEGIN) {
        past_run(w->past, row->run, keel_json_get(row->body, "agent"));
        backtest_args_child(&w->args, row);
    } else if (row->kind == RECORD_APPROVAL_EDITED) {
        backtest_args_keep(&w->args, key_of(row), keel_json_get(row->body, "args"));
    } else if (row->kind == RECORD_EFFECT_RETRY) {
        if (!keel_json_true(keel_json_get(row->body, "maybe"))) {
            backtest_tally_unsent(w->tally, key_of(row));
        }
    } else if (OVER & RECORD_BIT(row->kind)) {
        backtest_tally_over(w->tally, key_of(row), row->kind == RECORD_EFFECT_DONE);
        backtest_args_drop(&w->args, key_of(row));
    } else {
        effect(w, row);
    }
    return 0;
}

/* ---- since ---- */

typedef struct beginning {
    walk *w;
    int64_t seq;
    struct sent_later { /* what was asked for before what is read, and may have been sent since */
        uint64_t effect;
        int64_t args_seq;
    } * later;
    size_t count;
} beginning;

static int take_seq(void *ctx, int columns, const char *const *v, const char *const *names) {
    (void)columns;
    (void)names;
    ((beginning *)ctx)->seq = v[0] ? strtoll(v[0], NULL, 10) : INT64_MAX;
    return 0;
}

static int take_before(void *ctx, int columns, const char *const *v, const char *const *names) {
    beginning *b = ctx;
    (void)columns;
    (void)names;
    uint64_t run = strtoull(v[0], NULL, 10), key = effectset_hash(run, v[1], (keel_json){NULL, 0});
    effectset_add(&b->w->before, run, key);
    if (backtest_tally_wants(b->w->tally, key, v[2])) {
        b->later = keel_realloc(b->later, (b->count + 1) * sizeof *b->later);
        b->later[b->count++] = (struct sent_later){key, strtoll(v[3], NULL, 10)};
    }
    return 0;
}

static void read_later(beginning *b, reader *r) {
    keel_buf args = KEEL_BUF_INIT;
    for (size_t i = 0; i < b->count; i++) {
        keel_buf_clear(&args);
        if (reader_member(r, b->later[i].args_seq, "args", &args, NULL) == 0 && args.len) {
            backtest_args_keep(&b->w->args, b->later[i].effect,
                               keel_json_view(args.data, args.len));
        }
    }
    keel_buf_free(&args);
    free(b->later);
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
static int begin_at(walk *w, reader *r, int64_t since_us, int64_t *from, diag *d) {
    char since[24];
    const char *params[] = {since};
    beginning b = {.w = w, .seq = 1}, first = {.w = w, .seq = 1};
    snprintf(since, sizeof since, "%" PRId64, since_us);
    int rc = reader_query(r, "SELECT min(seq) FROM journal", NULL, 0, take_seq, &first, d);
    rc = rc ? rc
            : reader_query(r, "SELECT min(seq) FROM journal WHERE at >= CAST(? AS INTEGER)", params,
                           1, take_seq, &b, d);
    rc = rc ? rc
            : reader_query(r,
                           "SELECT run, path, target, args_seq FROM effect WHERE opened_us <"
                           " CAST(?1 AS INTEGER) AND changed_us >= CAST(?1 AS INTEGER)",
                           params, 1, take_before, &b, d);
    read_later(&b, r);
    if (rc || b.seq <= first.seq) {
        return rc;
    }
    *from = b.seq;
    return reader_scan_kinds(r, 1, RECORD_BIT(RECORD_CONNECTION), connection_before, &b, d);
}

int backtest_run(reader *r, const policy *p, int64_t since_us, const backtest_hooks *hooks,
                 backtest_report *out, diag *d) {
    walk w = {.policy = p, .hooks = hooks, .out = out, .since_us = since_us};
    int64_t from = 1, windows = p ? tally_since_us(p, since_us) : INT64_MAX;
    uint64_t kinds = KINDS;
    *out = (backtest_report){0};
    int rc = past_open(&w.past, r, d);
    if (rc) {
        return rc;
    }
    w.attrs = attr_set_create();
    rc = p ? backtest_tally_create(&w.tally, p, r, d) : 0;
    kinds |= w.tally ? COUNTED : 0;
    if (rc == 0 && since_us > 0) {
        rc = begin_at(&w, r, windows < since_us ? windows : since_us, &from, d);
    }
    rc = rc ? rc : reader_scan_kinds(r, from, kinds, visit, &w, d);
    attr_set_destroy(w.attrs);
    effectset_free(&w.seen);
    effectset_free(&w.before);
    backtest_args_free(&w.args);
    backtest_tally_destroy(w.tally);
    keel_buf_free(&w.shadow.why);
    past_close(w.past);
    return rc;
}
