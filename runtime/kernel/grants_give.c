/* Grants are given, revoked, and end when what they stand on is no longer there. */
#include <stdlib.h>
#include <string.h>

#include "grants.h"

static keel_json scope_of(const grant *g) {
    return keel_json_view(g->scope.data, g->scope.len);
}

/* ---- what it stands on ---- */

static bool has_hex(keel_json scope, const char *key, const digest *is) {
    char hex[DIGEST_HEX];
    digest_hex(is, hex);
    return keel_json_is(keel_json_get(scope, key), hex);
}

static bool same_way(kernel *k, keel_json scope) {
    char target[128] = "", goes_to[DIGEST_HEX], connector[DIGEST_HEX];
    if (!body_text(scope, "target", target, sizeof target)) {
        return false;
    }
    target[strcspn(target, ".")] = 0;
    const connection *cn = connection_find(k, target);
    approval_goes_to(cn, goes_to, connector); /* none of a spawn */
    return keel_json_is(keel_json_get(scope, "connection"), goes_to) &&
           keel_json_is(keel_json_get(scope, "connector"), connector);
}

/* NULL: all of it is as it was signed. */
static const char *fallen(kernel *k, keel_json scope) {
    char rule[256] = "", agent[64] = "";
    body_text(scope, "rule", rule, sizeof rule);
    body_text(scope, "agent", agent, sizeof agent);
    const policy_rule *r = policy_rule_named(k->world.policy, rule);
    digest words = policy_rule_digest(r);
    const plugin *p = library_agent(k->world.library, agent);
    if (!r || !has_hex(scope, "rule_digest", &words)) {
        return "its rule, or a list of it, has changed";
    }
    if (!same_way(k, scope)) {
        return "its connection or connector has changed";
    }
    return p && has_hex(scope, "plugin", &p->digest) ? NULL : "its agent has another version";
}

/* ---- ends ---- */

static void ended(kernel *k, uint64_t number, const char *by, const char *why) {
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_text(&w, "by", by);
    keel_json_set_int(&w, "grant", (int64_t)number);
    keel_json_set_text(&w, "why", why);
    keel_json_object_end(&w);
    journal_add(k, RECORD_GRANT_ENDED, 0, "", &k->scratch);
}

static void drop(grant **at) {
    grant *g = *at;
    *at = g->next;
    keel_buf_free(&g->scope);
    free(g);
}

int grant_revoke(kernel *k, uint64_t number, const char *why, diag *d) {
    for (grant **at = &k->grants; *at; at = &(*at)->next) {
        if ((*at)->number == number && kernel_now(k) < (*at)->expires_us) {
            ended(k, number, "operator", why);
            drop(at);
            return 0;
        }
    }
    diag_set(d, DIAG_NOT_FOUND, "grant %llu is not in force", (unsigned long long)number);
    return diag_next(d, "see what is: keel grant list");
}

void grants_renew(kernel *k) {
    for (grant **at = &k->grants; *at;) {
        bool lived = strcmp((*at)->incarnation, k->identity.incarnation) == 0;
        const char *why = lived ? fallen(k, scope_of(*at)) : "the workspace was restored since";
        if (kernel_now(k) >= (*at)->expires_us) {
            drop(at); /* everybody can see that it is over */
        } else if (why) {
            kernel_log(k, "info", 0, "grant %llu ends: %s", (unsigned long long)(*at)->number, why);
            ended(k, (*at)->number, "keel", why);
            drop(at);
        } else {
            at = &(*at)->next;
        }
    }
}

/* ---- begins ---- */

static void given_record(kernel *k, const grant *g, uint64_t of_run, const char *path,
                         const grant_signed *as) {
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_text(&w, "approval", as->approval);
    keel_json_set_text(&w, "by", as->by);
    keel_json_set_int(&w, "expires_us", g->expires_us);
    keel_json_set_int(&w, "grant", (int64_t)g->number);
    keel_json_set_text(&w, "incarnation", g->incarnation);
    keel_json_set_text(&w, "nonce", as->nonce);
    keel_json_key(&w, "of");
    keel_json_object(&w);
    keel_json_set_text(&w, "path", path);
    keel_json_set_int(&w, "run", (int64_t)of_run);
    keel_json_object_end(&w);
    keel_json_key(&w, "remember");
    keel_json_hex(&w, g->remember.bytes, DIGEST_SIZE);
    keel_json_set_raw(&w, "scope", scope_of(g));
    keel_json_set_text(&w, "signature", as->signature);
    keel_json_object_end(&w);
    journal_add(k, RECORD_GRANT_GIVEN, 0, "", &k->scratch);
}

static void take_scope(grant *g, const char *text, size_t len) {
    int64_t uses = 0;
    keel_buf_append(&g->scope, text, len);
    g->remember = digest_of(text, len);
    keel_json_int(keel_json_get(scope_of(g), "max_uses"), &uses);
    g->max_uses = uses > 0 ? (uint32_t)uses : 0;
}

void grant_give(kernel *k, uint64_t number, uint64_t of_run, const char *path,
                const keel_buf *scope, const grant_signed *as) {
    int64_t span = 0;
    if (fallen(k, keel_json_view(scope->data, scope->len))) {
        return;
    }
    grant *g = grant_add(k, number);
    take_scope(g, scope->data, scope->len);
    keel_json_int(keel_json_get(scope_of(g), "for_us"), &span);
    g->expires_us = kernel_now(k) + span;
    snprintf(g->incarnation, sizeof g->incarnation, "%s", k->identity.incarnation);
    given_record(k, g, of_run, path, as);
}

/* ---- at the start ---- */

static int on_grant(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    kernel *k = ctx;
    grant *g = grant_add(k, strtoull(v[0], NULL, 10));
    take_scope(g, v[1], strlen(v[1]));
    snprintf(g->incarnation, sizeof g->incarnation, "%s", v[2]);
    g->expires_us = strtoll(v[3], NULL, 10);
    g->used = (uint32_t)strtoul(v[4], NULL, 10);
    return 0;
}

/* Those that were used up too: an effect that has used one may be tried again under it. */
int grants_load(kernel *k, diag *d) {
    return reader_query(k->env.reads,
                        "SELECT number, scope, incarnation, expires_us, used FROM grant"
                        " WHERE ended_us IS NULL ORDER BY number",
                        NULL, 0, on_grant, k, d);
}
