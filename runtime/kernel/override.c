#include "override.h"

#include <stdlib.h>
#include <string.h>

#include "denials.h"

static override *add(kernel *k, uint64_t number, uint64_t run_id, const char *path,
                     int64_t expires_us) {
    override *o = keel_alloc(sizeof *o);
    *o = (override){.next = k->overrides, .number = number, .run = run_id};
    snprintf(o->path, sizeof o->path, "%s", path);
    o->expires_us = expires_us;
    k->overrides = o;
    return o;
}

override *override_add(kernel *k, uint64_t number, uint64_t run_id, const char *path,
                       const digest *approval, int64_t expires_us) {
    override *o = add(k, number, run_id, path, expires_us);
    o->approval = *approval;
    return o;
}

/* What has expired covers nothing any more. */
static void forget_old(kernel *k) {
    for (override **at = &k->overrides; *at;) {
        override *o = *at;
        if (kernel_now(k) > o->expires_us) {
            *at = o->next;
            free(o);
        } else {
            at = &o->next;
        }
    }
}

/* What an approver lets it go beyond is another word than this one. */
static void digest_alone(kernel *k, call *c, const policy_decision *d, digest *out) {
    size_t beyond = c->beyond_count;
    c->beyond_count = 0;
    approval_digest(k, c, d, out);
    c->beyond_count = beyond;
}

bool override_lets(kernel *k, call *c, const policy_decision *d) {
    digest now;
    uint64_t before = c->overridden;
    c->overridden = 0;
    if (d->verdict == POLICY_ALLOW) {
        return true;
    }
    if (k->overrides) {
        forget_old(k);
    }
    bool by_person = k->overrides && d->verdict == POLICY_ASK && denial_of(k, c, d);
    for (override *o = k->overrides; o; o = o->next) {
        bool free_for_it = !o->used || o->number == before; /* used by an attempt before */
        bool lifts = d->verdict == POLICY_DENY || by_person || o->number == before;
        if (o->run != c->run->id || strcmp(o->path, c->path) != 0 || !free_for_it || !lifts) {
            continue;
        }
        digest_alone(k, c, d, &now);
        if (digest_equal(&now, &o->approval)) {
            c->overridden = o->number;
            return true;
        }
    }
    return d->verdict == POLICY_ASK; /* it is asked for, or a person has denied it before */
}

void override_put(kernel *k, const call *c, keel_json_writer *w) {
    if (c->overridden) {
        keel_json_set_int(w, "override", (int64_t)c->overridden);
    }
    for (override *o = k->overrides; o; o = o->next) {
        o->used |= o->number == c->overridden;
    }
}

void overrides_free(kernel *k) {
    while (k->overrides) {
        override *o = k->overrides;
        k->overrides = o->next;
        free(o);
    }
}

/* ---- recovery ---- */

static int on_item(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    kernel *k = ctx;
    override *o =
        add(k, strtoull(v[0], NULL, 10), strtoull(v[1], NULL, 10), v[2], strtoll(v[4], NULL, 10));
    digest_from_hex(&o->approval, v[3], strlen(v[3]));
    o->used = strcmp(v[5], "open") != 0;
    return 0;
}

int override_recover(kernel *k, diag *d) {
    int rc = reader_query(k->env.reads,
                          "SELECT number, run, path, digest, expires_us, state FROM item"
                          " WHERE state = 'open' AND kind = 'override'",
                          NULL, 0, on_item, k, d);
    forget_old(k);
    return rc;
}

static int on_intended(void *ctx, const journal_row *row) {
    int64_t number = 0;
    if (row->kind == RECORD_EFFECT_INTENDED) {
        keel_json_int(keel_json_get(row->body, "override"), &number);
    }
    *(uint64_t *)ctx = (uint64_t)number;
    return 0;
}

void override_restore(kernel *k, call *c, int64_t sent_seq) {
    char number[24];
    const char *params[] = {number};
    if (!c->attempt || reader_record(k->env.reads, sent_seq, on_intended, &c->overridden, NULL) ||
        !c->overridden) {
        return;
    }
    snprintf(number, sizeof number, "%llu", (unsigned long long)c->overridden);
    reader_query(k->env.reads,
                 "SELECT number, run, path, digest, expires_us, state FROM item"
                 " WHERE number = CAST(? AS INTEGER)",
                 params, 1, on_item, k, NULL);
}
