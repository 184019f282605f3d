/* Whom a write answers (policy/reply.h): who has written what its run has read, through the same connection
 * and as that is now. The journal tells it, from the records in which a connector has answered a read or an
 * item that was polled was given; so a restart changes nothing, and no word of an agent's, a person's or of
 * another run's can pass for one. It is read when a write wants to know, from where the last look ended, and
 * what was found is kept while the run is awake. */
#include "reply.h"

#include <stdlib.h>
#include <string.h>

#include "parts.h"

/* One item, by one sender; another sender of the same name is another entry. */
typedef struct heard {
    struct heard *next; /* with the same key */
    digest item, sender;
    int64_t seq; /* of the last record that has it */
} heard;

struct senders {
    map by_item;
    int64_t upto;   /* what was looked at */
    int64_t erased; /* the last record whose words are gone; 0: none */
};

typedef struct looking {
    kernel *k;
    struct senders *s;
} looking;

void replies_free(run *r) {
    heard *h;
    for (size_t at = 0; r->senders && (h = map_next(&r->senders->by_item, &at, NULL)) != NULL;) {
        while (h) {
            heard *next = h->next;
            free(h);
            h = next;
        }
    }
    if (r->senders) {
        map_free(&r->senders->by_item);
        free(r->senders);
        r->senders = NULL;
    }
}

/* ---- what was read ---- */

static digest item_digest(const char *use, const char *resource, const keel_buf *id) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_append(&text, use, strlen(use) + 1);
    keel_buf_append(&text, resource, strlen(resource) + 1);
    keel_buf_append(&text, id->data, id->len);
    digest d = digest_of(text.data, text.len);
    keel_buf_free(&text);
    return d;
}

static void remember(struct senders *s, const digest *item, const digest *sender, int64_t seq) {
    uint64_t key = digest_word(item);
    heard *first = map_get(&s->by_item, key);
    for (heard *h = first; h; h = h->next) {
        if (digest_equal(&h->item, item) && digest_equal(&h->sender, sender)) {
            h->seq = seq;
            return;
        }
    }
    heard *h = keel_alloc(sizeof *h);
    *h = (heard){.next = first, .item = *item, .sender = *sender, .seq = seq};
    map_put(&s->by_item, key, h);
}

static void take_item(looking *l, const char *use, const manifest_resource *r, keel_json item,
                      int64_t seq) {
    keel_buf id = KEEL_BUF_INIT, sender = KEEL_BUF_INIT;
    if (reply_item(r, item, &id, &sender)) {
        digest what = item_digest(use, r->name, &id);
        digest who = digest_of(sender.data, sender.len);
        remember(l->s, &what, &who, seq);
    }
    keel_buf_free(&id);
    keel_buf_free(&sender);
}

/* "inbox.message" and what may stand behind it: the resource, if it says who has written its items. */
static const manifest_resource *resource_of(kernel *k, char *target, const char *verb) {
    char *rest = target;
    const char *use = strsep(&rest, "."), *resource = strsep(&rest, ".");
    const connection *cn = connection_find(k, use);
    bool same = verb ? rest && !strcmp(rest, verb) : !rest;
    const manifest_resource *r =
        cn && resource && same ? manifest_find(cn->plugin->manifest, resource) : NULL;
    return r && r->item_id ? r : NULL;
}

static int on_record(void *ctx, const journal_row *row) {
    looking *l = ctx;
    char target[128];
    bool read = row->kind == RECORD_EFFECT_DONE;
    l->s->upto = row->seq;
    if (!read && row->kind != RECORD_WOKEN) {
        return 0;
    }
    if (!row->body.len) {
        l->s->erased = row->seq;
        return 0;
    }
    if (!body_text(row->body, read ? "target" : "from", target, sizeof target)) {
        return 0; /* an event that somebody has sent is none of a connection's */
    }
    const manifest_resource *r = resource_of(l->k, target, read ? "read" : NULL);
    if (!r) {
        return 0;
    }
    if (!read) {
        take_item(l, target, r, keel_json_path(row->body, "outcome.ok.body"), row->seq);
    } else if (!keel_json_get(row->body, "by").len) { /* not what a person says of it */
        keel_json items = keel_json_path(row->body, "result.items");
        bool list = keel_json_typeof(items) == KEEL_JSON_ARRAY;
        for (keel_json_iter it = keel_json_each(items); list && keel_json_next(&it);) {
            take_item(l, target, r, it.value, row->seq);
        }
    }
    return 0;
}

/* ---- the answer ---- */

static int look(kernel *k, run *r) {
    uint64_t id = r->id;
    diag d = {0};
    if (!r->senders) {
        r->senders = keel_alloc(sizeof *r->senders);
        *r->senders = (struct senders){.upto = r->begin_seq > 0 ? r->begin_seq - 1 : 0};
    }
    looking l = {.k = k, .s = r->senders};
    int rc = reader_runs_after(k->env.reads, r->senders->upto, &id, 1, on_record, &l, &d);
    if (rc) {
        kernel_log(k, "error", r->id, "cannot read what run %llu has read: %s",
                   (unsigned long long)r->id, d.what);
    }
    return rc;
}

/* All who have written something of that name must be the same. */
static policy_reply answer(const struct senders *s, const connection *cn, const digest *item,
                           const digest *to) {
    bool found = false;
    for (const heard *h = map_get(&s->by_item, digest_word(item)); h; h = h->next) {
        if (!digest_equal(&h->item, item) || h->seq <= cn->seq) {
            continue; /* it came through another connection of that name */
        }
        if (!digest_equal(&h->sender, to)) {
            return REPLY_NO;
        }
        found = true;
    }
    return found ? REPLY_YES : s->erased > cn->seq ? REPLY_UNTOLD : REPLY_NO;
}

policy_reply reply_of(kernel *k, const call *c) {
    const manifest_attr *a = c->verb && c->connection ? manifest_origin(c->resource) : NULL;
    keel_buf to = KEEL_BUF_INIT, id = KEEL_BUF_INIT;
    policy_reply is = REPLY_NO;
    if (!a || c->verb == &c->resource->verbs[VERB_READ]) {
        return REPLY_NONE;
    }
    if (reply_asked(a, c->args, &to, &id)) {
        digest who = digest_of(to.data, to.len);
        digest what =
            item_digest(c->connection->name, a->among ? a->among : c->resource->name, &id);
        is = look(k, c->run) ? REPLY_UNTOLD : answer(c->run->senders, c->connection, &what, &who);
        if (c->run->asleep || !c->run->tree) {
            replies_free(c->run);
        }
    }
    keel_buf_free(&to);
    keel_buf_free(&id);
    return is;
}
