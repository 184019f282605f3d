/* What a grant covers, and its use. */
#include "grants.h"

#include <stdlib.h>
#include <string.h>

#include "planted.h"

/* ---- the scope ---- */

static bool may_vary(const policy_approval *a, keel_json field) {
    for (size_t i = 0; i < a->vary_count; i++) {
        if (keel_json_is(field, a->vary[i])) {
            return true;
        }
    }
    return false;
}

/* All arguments but those that may vary: a member that is missing is not one that is there. */
static void put_pinned(keel_json args, const policy_approval *a, keel_buf *out) {
    const char *comma = "";
    keel_buf_putc(out, '{');
    for (keel_json_iter it = keel_json_each(args); keel_json_next(&it);) {
        if (!may_vary(a, it.key)) {
            keel_buf_printf(out, "%s%.*s:%.*s", comma, (int)it.key.len, it.key.data,
                            (int)it.value.len, it.value.data);
            comma = ",";
        }
    }
    keel_buf_putc(out, '}');
}

static void put_scope(kernel *k, const call *c, const policy_decision *d, item_label label,
                      const digest *pinned, keel_json looks, keel_buf *out) {
    policy_approval a = policy_rule_approval(d->rule);
    char goes_to[DIGEST_HEX], connector[DIGEST_HEX];
    digest rule = policy_rule_digest(d->rule);
    keel_json_writer w;
    approval_goes_to(c->connection, goes_to, connector);
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_set_text(&w, "agent", c->run->plugin->manifest->name);
    keel_json_set_text(&w, "class", effect_class_name(c->class));
    keel_json_set_text(&w, "connection", goes_to);
    keel_json_set_text(&w, "connector", connector);
    keel_json_set_int(&w, "for_us", a.remember_us);
    keel_json_set_raw(&w, "looks", looks);
    keel_json_set_int(&w, "max_uses", a.remember_uses);
    keel_json_key(&w, "pinned");
    keel_json_hex(&w, pinned->bytes, DIGEST_SIZE);
    keel_json_key(&w, "plugin");
    keel_json_hex(&w, c->run->plugin->digest.bytes, DIGEST_SIZE);
    keel_json_set_text(&w, "rule", d->rule_id);
    keel_json_key(&w, "rule_digest");
    keel_json_hex(&w, rule.bytes, DIGEST_SIZE);
    bool declared = label.level > SENSITIVITY_DEFAULT;
    keel_json_set_text(&w, "sensitivity",
                       sensitivity_name(declared ? label.level : SENSITIVITY_DEFAULT));
    keel_json_set_bool(&w, "tainted", label.untrusted);
    keel_json_set_text(&w, "target", c->target);
    keel_json_key(&w, "vary");
    keel_json_array(&w);
    for (size_t i = 0; i < a.vary_count; i++) {
        keel_json_text(&w, a.vary[i]);
    }
    keel_json_array_end(&w);
    keel_json_set_text(&w, "workspace", k->identity.workspace);
    keel_json_object_end(&w);
}

bool grant_scope(kernel *k, call *c, const policy_decision *d, item_label label, keel_buf *out) {
    policy_approval a = policy_rule_approval(d->rule);
    if (d->verdict != POLICY_ASK || !a.remember_us || c->undoes || c->edited.len) {
        return false;
    }
    policy_query q;
    effect_query(k, c, &q);
    if (!policy_asks_alone(k->world.policy, &q, d->rule)) {
        return false; /* the consent to one question is none to another */
    }
    keel_buf pinned = KEEL_BUF_INIT, looks = KEEL_BUF_INIT;
    keel_json_writer names, values;
    put_pinned(c->args, &a, &pinned);
    keel_json_write(&names, &looks);
    keel_json_write(&values, &pinned);
    bool readable = policy_looked_at(k->world.policy, &q, d->rule, &names, &values);
    digest all = digest_of(pinned.data, pinned.len);
    out->len = 0;
    if (readable) {
        put_scope(k, c, d, label, &all, keel_json_view(looks.data, looks.len), out);
    }
    keel_buf_free(&pinned);
    keel_buf_free(&looks);
    return readable;
}

/* All that there are; one above another comes behind it. */
#define LABELS (2 * (SENSITIVITY_RESTRICTED + 1))
static item_label label_at(int i) {
    return (item_label){.untrusted = i % 2 != 0, .level = (sensitivity)(i / 2)};
}

static bool has_digest(const keel_buf *scope, const char *hex) {
    char is[DIGEST_HEX];
    digest d = digest_of(scope->data, scope->len);
    digest_hex(&d, is);
    return strcmp(is, hex) == 0;
}

/* The run may have another label since it was asked: what was signed says that of then. */
bool grant_find_scope(kernel *k, call *c, const char *remember, keel_buf *out) {
    policy_query q;
    policy_decision d;
    effect_query(k, c, &q);
    policy_decide(k->world.policy, &q, &d);
    for (int i = 0; i < LABELS; i++) {
        if (grant_scope(k, c, &d, label_at(i), out) && has_digest(out, remember)) {
            return true;
        }
    }
    keel_buf_clear(out);
    return false;
}

/* ---- which covers ---- */

grant *grant_add(kernel *k, uint64_t number) {
    grant **at = &k->grants;
    while (*at) {
        at = &(*at)->next;
    }
    grant *g = keel_alloc(sizeof *g);
    *g = (grant){.number = number};
    *at = g;
    return g;
}

static bool stands(kernel *k, const call *c, const grant *g) {
    bool left = g->used < g->max_uses || g->number == c->granted || KEEL_PLANTED("grant_endless");
    return left && kernel_now(k) < g->expires_us &&
           strcmp(g->incarnation, k->identity.incarnation) == 0;
}

static uint64_t covering(kernel *k, const call *c, const keel_buf *scope) {
    digest now = digest_of(scope->data, scope->len);
    uint64_t found = 0;
    for (const grant *g = k->grants; g && (!found || found != c->granted); g = g->next) {
        if (digest_equal(&g->remember, &now) && stands(k, c, g) &&
            (!found || g->number == c->granted)) {
            found = g->number;
        }
    }
    return found;
}

bool grant_covers(kernel *k, call *c, const policy_decision *d) {
    keel_buf scope = KEEL_BUF_INIT;
    c->grant = 0;
    if (!k->grants || c->number || d->verdict != POLICY_ASK) {
        return false;
    }
    for (int i = 0; i < LABELS && !c->grant; i++) {
        if (!label_within(c->run->label, label_at(i))) {
            continue;
        }
        if (!grant_scope(k, c, d, label_at(i), &scope)) {
            break;
        }
        c->grant = covering(k, c, &scope);
    }
    keel_buf_free(&scope);
    return c->grant != 0;
}

void grant_use(kernel *k, call *c) {
    for (grant *g = k->grants; g && c->grant != c->granted; g = g->next) {
        if (g->number == c->grant) {
            g->used++;
            c->granted = c->grant;
        }
    }
    c->grant = 0;
}

bool grant_is_open(kernel *k, uint64_t number) {
    for (const grant *g = k->grants; g; g = g->next) {
        if (g->number == number) {
            return true;
        }
    }
    return false;
}

void grants_free(kernel *k) {
    while (k->grants) {
        grant *g = k->grants;
        k->grants = g->next;
        keel_buf_free(&g->scope);
        free(g);
    }
}
