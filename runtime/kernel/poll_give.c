/* Who receives what was polled: `ctx.receive("inbox.message")`. To receive it is to read it, so policy
 * decides that read. */
#include <stdlib.h>
#include <string.h>

#include "polls.h"

/* Items of a record that is not durable yet, and so cannot be read. */
struct news {
    struct news *next; /* a later one */
    int64_t seq;
    char *name;
    item_label label;
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

item_label poll_label(const poller *p) {
    const manifest_resource *m = manifest_find(p->cn->plugin->manifest, p->resource);
    item_label own = m ? (item_label){m->verbs[VERB_READ].untrusted, m->verbs[VERB_READ].level}
                       : (item_label){true, SENSITIVITY_RESTRICTED};
    return label_join(own, (item_label){false, p->cn->level});
}

typedef struct next_item {
    kernel *k;
    int64_t seq, item; /* the last that was received; then the one that comes */
    bool found;
    item_label
        label; /* as the record says; or where it does not, as it was before that was asked */
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
    next_item *x = ctx;
    keel_json untrusted = keel_json_get(row->body, "untrusted");
    if (keel_json_typeof(untrusted) == KEEL_JSON_BOOL) {
        x->label.untrusted = keel_json_true(untrusted);
    }
    if (keel_json_get(row->body, "sensitivity").len) {
        x->label.level = label_of_record(row->body).level;
    }
    take_body(x, keel_json_get(row->body, "items"));
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
            x->label = n->label;
            take_body(x, items);
        }
    }
}

static bool find_next(kernel *k, run *r, const poller *p, next_item *x) {
    const received *last = received_of(r, p->name);
    *x = (next_item){.k = k, .seq = r->since, .item = -1, .label = poll_label(p)};
    if (last) {
        x->seq = last->seq;
        x->item = last->item;
    }
    if (x->seq < p->since) {
        x->seq = p->since;
        x->item = -1;
    }
    find_durable(x, p->name);
    if (!x->found) {
        find_in_memory(x, p->name);
    }
    return x->found;
}

/* ---- receiving ---- */

static void give(kernel *k, call *c, const next_item *x, keel_json decision) {
    char what[160], why[500];
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    woken_by by = {.event = x->seq, .from = c->name, .item = x->item, .decision = decision};
    keel_buf_puts(&out, "{\"ok\":");
    keel_json_write(&w, &out);
    keel_json_object(&w);
    keel_json_set_raw(&w, "body", keel_json_view(x->body.data, x->body.len));
    keel_json_set_text(&w, "name", c->name);
    keel_json_object_end(&w);
    keel_buf_putc(&out, '}');
    received_set(c->run, c->name, x->seq, x->item);
    if (!plugin_takes(c->run->plugin, x->label)) { /* it came when it was declared otherwise */
        snprintf(what, sizeof what, "an item of %s", c->name);
        plugin_refuses(c->run->plugin, what, x->label, why, sizeof why);
        keel_buf_clear(&out);
        outcome_error(&out, "denied", "max_taint", why);
        call_woken(k, c, &by, keel_json_view(out.data, out.len), LABEL_NONE);
        keel_buf_free(&out);
        return;
    }
    call_woken(k, c, &by, keel_json_view(out.data, out.len), x->label);
    keel_buf_free(&out);
}

bool poll_give(kernel *k, call *c) {
    next_item x;
    const poller *p = c->name ? poll_find(k, c->name) : NULL;
    if (!p || !p->cn || k->halted || (p->known && strcmp(p->owner, p->account) != 0) ||
        !find_next(k, c->run, p, &x)) {
        return false;
    }
    keel_buf decided = KEEL_BUF_INIT, refused = KEEL_BUF_INIT;
    poll_decide(k, c, p, &decided, &refused); /* policy and taint are not what they were */
    keel_json decision = keel_json_view(decided.data, decided.len);
    if (poll_digest(decision) == poll_decided(k, c)) {
        decision = (keel_json){0}; /* it stands in the record of the call */
    }
    if (refused.len) {
        call_woken(k, c, &(woken_by){.decision = decision},
                   keel_json_view(refused.data, refused.len), LABEL_NONE);
    } else {
        give(k, c, &x, decision);
    }
    keel_buf_free(&refused);
    keel_buf_free(&decided);
    keel_buf_free(&x.body);
    return true;
}

/* Its oldest call that waits for this name; NULL: for any. */
static call *oldest_waiting(const run *r, const char *name) {
    call *oldest = NULL; /* the list is newest first */
    for (call *c = r->calls; c; c = c->next) {
        if (c->kind == CALL_RECEIVE && c->name && (!name || !strcmp(c->name, name))) {
            oldest = c;
        }
    }
    return oldest;
}

/* Its number, for each run that has asked for that name; the map changes while they go on. */
static size_t who_wait(kernel *k, const char *name, uint64_t **ids) {
    size_t at = 0, count = 0;
    const run *r;
    *ids = keel_alloc((k->runs.count + 1) * sizeof **ids);
    while ((r = map_next(&k->runs, &at, NULL)) != NULL) {
        if (oldest_waiting(r, name)) {
            (*ids)[count++] = r->id;
        }
    }
    return count;
}

static void give_to_all(kernel *k, const char *name) {
    uint64_t *ids;
    size_t count = who_wait(k, name, &ids);
    for (size_t i = 0; i < count; i++) {
        const run *r;
        call *c;
        while ((r = map_get(&k->runs, ids[i])) != NULL && (c = oldest_waiting(r, name)) != NULL &&
               poll_give(k, c)) {
        }
    }
    free(ids);
}

/* The next of its calls for which nothing comes any more. */
static call *next_over(kernel *k, const run *r, keel_buf *refused) {
    call *c = r ? r->calls : NULL;
    keel_buf_clear(refused);
    while (c && !(c->kind == CALL_RECEIVE && poll_is_over(k, c, refused))) {
        c = c->next;
    }
    return c;
}

static void tell_what_is_over(kernel *k) {
    uint64_t *ids;
    keel_buf refused = KEEL_BUF_INIT;
    size_t count = who_wait(k, NULL, &ids);
    for (size_t i = 0; i < count; i++) {
        call *c;
        while ((c = next_over(k, map_get(&k->runs, ids[i]), &refused)) != NULL) {
            call_woken(k, c, NULL, keel_json_view(refused.data, refused.len), LABEL_NONE);
        }
    }
    keel_buf_free(&refused);
    free(ids);
}

void poll_give_all(kernel *k) {
    tell_what_is_over(k);
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
    *n = (struct news){.seq = seq, .name = keel_strdup(p->name), .label = poll_label(p)};
    keel_buf_append(&n->items, items->data, items->len);
    forget_durable(k, false);
    struct news **at = &k->news;
    while (*at) {
        at = &(*at)->next;
    }
    *at = n;
    give_to_all(k, p->name);
}
