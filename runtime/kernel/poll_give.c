/* Who receives what was polled: `ctx.receive("inbox.message")`. To receive it is to read it, so policy
 * decides that read. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "polls.h"

/* Items of a record that is not durable yet, and so cannot be read. */
struct news {
    struct news *next; /* a later one */
    int64_t seq;
    char *name;
    keel_buf items;
};

/* ---- how far each run has come ---- */

static received *received_of(run *r, const char *name) {
    received *x = r->received;
    while (x && strcmp(x->name, name) != 0) {
        x = x->next;
    }
    return x;
}

void received_set(run *r, const char *name, int64_t seq, int64_t item) {
    received *x = received_of(r, name);
    if (!x) {
        size_t len = strlen(name) + 1;
        x = keel_alloc(sizeof *x + len);
        x->next = r->received;
        memcpy(x->name, name, len);
        r->received = x;
    }
    x->seq = seq;
    x->item = item;
}

void received_free(run *r) {
    while (r->received) {
        received *x = r->received;
        r->received = x->next;
        free(x);
    }
}

static int on_received(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    kernel *k = ctx;
    run *r = map_get(&k->runs, strtoull(v[0], NULL, 10));
    if (r) {
        received_set(r, v[1], strtoll(v[2], NULL, 10), strtoll(v[3], NULL, 10));
    }
    return 0;
}

int received_load(kernel *k, run *only, diag *d) {
    char id[24] = "";
    const char *params[] = {only ? id : NULL};
    if (only) {
        snprintf(id, sizeof id, "%llu", (unsigned long long)only->id);
    }
    return reader_query(k->env.reads,
                        "SELECT run, name, seq, item FROM received"
                        " WHERE ?1 IS NULL OR run = CAST(?1 AS INTEGER)",
                        params, 1, on_received, k, d);
}

/* ---- what comes next for a run ---- */

typedef struct next_item {
    kernel *k;
    int64_t seq, item; /* the last that was received; then the one that comes */
    bool found;
    keel_buf body;
} next_item;

static void take_body(next_item *x, keel_json items) {
    int64_t at = 0;
    for (keel_json_iter it = keel_json_each(items); items.len && keel_json_next(&it); at++) {
        if (at == x->item) {
            keel_json body = keel_json_get(it.value, "body");
            keel_buf_append(&x->body, body.data, body.len);
        }
    }
    if (!x->body.len) {
        keel_buf_puts(&x->body, "null"); /* erased meanwhile */
    }
}

static int on_record(void *ctx, const journal_row *row) {
    take_body(ctx, keel_json_get(row->body, "items"));
    return 0;
}

static int on_arrival(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    next_item *x = ctx;
    x->seq = strtoll(v[0], NULL, 10);
    x->item = strtoll(v[1], NULL, 10);
    x->found = true;
    return 0;
}

static void find_durable(next_item *x, const char *name) {
    static const char sql[] = "SELECT seq, item FROM arrival WHERE name = ?1"
                              " AND (seq, item) > (CAST(?2 AS INTEGER), CAST(?3 AS INTEGER))"
                              " AND seq <= CAST(?4 AS INTEGER) ORDER BY seq, item LIMIT 1";
    char seq[24], item[24], durable[24];
    const char *params[] = {name, seq, item, durable};
    snprintf(seq, sizeof seq, "%lld", (long long)x->seq);
    snprintf(item, sizeof item, "%lld", (long long)x->item);
    snprintf(durable, sizeof durable, "%lld", (long long)x->k->durable_seq);
    reader_query(x->k->env.reads, sql, params, 4, on_arrival, x, NULL);
    if (x->found) {
        reader_record(x->k->env.reads, x->seq, on_record, x, NULL);
        if (!x->body.len) {
            take_body(x, (keel_json){0});
        }
    }
}

static void find_in_memory(next_item *x, const char *name) {
    for (const struct news *n = x->k->news; n && !x->found; n = n->next) {
        keel_json items = keel_json_view(n->items.data, n->items.len);
        int64_t at = n->seq > x->seq ? 0 : x->item + 1;
        if (n->seq > x->k->durable_seq && n->seq >= x->seq && !strcmp(n->name, name) &&
            (size_t)at < keel_json_count(items)) {
            x->seq = n->seq;
            x->item = at;
            x->found = true;
            take_body(x, items);
        }
    }
}

static bool find_next(kernel *k, run *r, const char *name, next_item *x) {
    const received *last = received_of(r, name);
    *x = (next_item){.k = k, .seq = r->since, .item = -1};
    if (last) {
        x->seq = last->seq;
        x->item = last->item;
    }
    find_durable(x, name);
    if (!x->found) {
        find_in_memory(x, name);
    }
    return x->found;
}

/* ---- receiving ---- */

static bool is_untrusted(const poller *p) {
    const manifest_resource *m = manifest_find(p->cn->plugin->manifest, p->resource);
    return m && m->verbs[VERB_READ].untrusted;
}

bool poll_give(kernel *k, call *c) {
    next_item x;
    const poller *p = c->name ? poll_find(k, c->name) : NULL;
    if (!p || !p->cn || k->halted || !find_next(k, c->run, c->name, &x)) {
        return false;
    }
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_buf_puts(&out, "{\"ok\":");
    keel_json_write(&w, &out);
    keel_json_object(&w);
    keel_json_set_raw(&w, "body", keel_json_view(x.body.data, x.body.len));
    keel_json_set_text(&w, "name", c->name);
    keel_json_object_end(&w);
    keel_buf_putc(&out, '}');
    received_set(c->run, c->name, x.seq, x.item);
    call_woken(k, c, &(woken_by){.event = x.seq, .from = p->name, .item = x.item},
               keel_json_view(out.data, out.len), is_untrusted(p));
    keel_buf_free(&out);
    keel_buf_free(&x.body);
    return true;
}

/* Its oldest call that waits for this name, or for any that is polled. */
static call *oldest_waiting(kernel *k, const run *r, const char *name) {
    call *oldest = NULL; /* the list is newest first */
    for (call *c = r->calls; c; c = c->next) {
        if (c->kind == CALL_RECEIVE && c->name &&
            (name ? !strcmp(c->name, name) : poll_find(k, c->name) != NULL)) {
            oldest = c;
        }
    }
    return oldest;
}

static void give_to_all(kernel *k, const char *name) {
    size_t at = 0, count = 0;
    const run *r;
    uint64_t *ids = keel_alloc((k->runs.count + 1) * sizeof *ids);
    while ((r = map_next(&k->runs, &at, NULL)) != NULL) {
        if (oldest_waiting(k, r, name)) {
            ids[count++] = r->id;
        }
    }
    for (size_t i = 0; i < count; i++) {
        call *c;
        while ((r = map_get(&k->runs, ids[i])) != NULL &&
               (c = oldest_waiting(k, r, name)) != NULL && poll_give(k, c)) {
        }
    }
    free(ids);
}

void poll_give_all(kernel *k) {
    for (const poller *p = k->polls; p; p = p->next) {
        give_to_all(k, p->name);
    }
}

/* ---- what was found ---- */

static void forget_durable(kernel *k, bool all) {
    while (k->news && (all || k->news->seq <= k->durable_seq)) {
        struct news *n = k->news;
        k->news = n->next;
        free(n->name);
        keel_buf_free(&n->items);
        free(n);
    }
}

void news_free(kernel *k) {
    forget_durable(k, true);
}

void poll_found(kernel *k, poller *p, int64_t seq, const keel_buf *items) {
    struct news *n = keel_alloc(sizeof *n);
    *n = (struct news){.seq = seq, .name = keel_strdup(p->name)};
    keel_buf_append(&n->items, items->data, items->len);
    forget_durable(k, false);
    struct news **at = &k->news;
    while (*at) {
        at = &(*at)->next;
    }
    *at = n;
    give_to_all(k, p->name);
}

/* ---- whether it may ---- */

__attribute__((format(printf, 4, 5))) static void
refuse(keel_buf *refused, const char *code, const char *rule, const char *format, ...) {
    char why[700];
    va_list ap;
    va_start(ap, format);
    vsnprintf(why, sizeof why, format, ap);
    va_end(ap);
    outcome_error(refused, code, rule, why);
}

static void decide(kernel *k, const call *c, const poller *p, keel_buf *decision,
                   keel_buf *refused) {
    char target[128], why[512] = "";
    const plugin *of = p->cn->plugin;
    const manifest_resource *m = manifest_find(of->manifest, p->resource);
    snprintf(target, sizeof target, "%s.read", p->name);
    attr_set_fill(k->attrs, m, keel_json_view("{}", 2));
    policy_query q = {.agent = c->run->plugin->manifest->name,
                      .target = target,
                      .class = plugin_verb_class(of, m, VERB_READ),
                      .tainted = c->run->tainted};
    policy_decision d;
    q.attrs = attr_set_list(k->attrs, &q.attr_count);
    policy_decide(k->world.policy, &q, &d);
    policy_explain(k->world.policy, &q, &d, decision);
    body_text(keel_json_view(decision->data, decision->len), "why", why, sizeof why);
    if (d.verdict == POLICY_DENY) {
        refuse(refused, "denied", d.rule_id, "%s", why);
    } else if (d.verdict == POLICY_ASK) {
        refuse(refused, "denied", d.rule_id,
               "policy has each %s asked for, which cannot be done for what is received: read it "
               "with ctx.use instead",
               target);
    }
}

bool poll_asked(kernel *k, call *c, keel_buf *decision, keel_buf *refused) {
    char name[80];
    size_t len = c->name ? strcspn(c->name, ".") : 0;
    const poller *p = c->name ? poll_find(k, c->name) : NULL;
    if (p && p->cn) {
        decide(k, c, p, decision, refused);
        return true;
    }
    if (!c->name || !c->name[len] || len >= sizeof name) {
        return false;
    }
    snprintf(name, sizeof name, "%.*s", (int)len, c->name);
    const connection *cn = connection_find(k, name);
    if (!cn) {
        return false; /* a name of an event that somebody sends */
    }
    const char *resource = c->name + len + 1;
    const manifest_resource *m = manifest_find(cn->plugin->manifest, resource);
    if (m && m->verbs[VERB_READ].present) {
        refuse(refused, "invalid", NULL,
               "%s is not polled: add `poll: { %s: 60s }` to its connection in keel.yaml", c->name,
               resource);
    } else {
        refuse(refused, "invalid", NULL,
               "%s cannot be received: the connection %s reads nothing of that name", c->name,
               name);
    }
    return true;
}
