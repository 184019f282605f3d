#include "tiers.h"

#include <stdio.h>
#include <string.h>

#include "policyint.h"

size_t policy_tier_count(const policy *p) {
    return p->keeping.tier_count;
}

const policy_tier *policy_tier_at(const policy *p, size_t i) {
    return i < p->keeping.tier_count ? &p->keeping.tiers[i] : NULL;
}

const policy_tier *policy_tier_get(const policy *p, const char *name, size_t len) {
    for (size_t i = 0; i < p->keeping.tier_count; i++) {
        if (strlen(p->keeping.tiers[i].name) == len &&
            memcmp(p->keeping.tiers[i].name, name, len) == 0) {
            return &p->keeping.tiers[i];
        }
    }
    return NULL;
}

const manifest_attr *tier_declared(const manifest_resource *r) {
    for (size_t i = 0; r && i < r->attr_count; i++) {
        if (strcmp(r->attrs[i].name, "tier") == 0) {
            return &r->attrs[i];
        }
    }
    return NULL;
}

/* ---- what a run may ask for ---- */

static bool takes(const policy_tier *t, sensitivity level, const char *named, char *why,
                  size_t size) {
    if (t->most >= level) {
        return true;
    }
    snprintf(why, size,
             "%stier %s (%s:%d) takes what is %s at most, and this run has read what is %s", named,
             t->name, t->file, t->line, sensitivity_name(t->most), sensitivity_name(level));
    return false;
}

static bool takes_named(const policy *p, const attr_value *v, sensitivity level, char *why,
                        size_t size) {
    bool text = v->type == ATTR_TEXT;
    const policy_tier *t = text ? policy_tier_get(p, v->text, v->len) : NULL;
    if (t) {
        return takes(t, level, "", why, size);
    }
    int len = text ? (int)(v->len < 60 ? v->len : 60) : 0;
    snprintf(why, size, text ? "no tier of the policy is named \"%.*s\"" : "its tier is no name",
             len, text ? v->text : "");
    return false;
}

bool tier_lets(const policy *p, const attr *attrs, size_t count, sensitivity level, char *why,
               size_t size) {
    size_t at = 0;
    while (at < count && strcmp(attrs[at].name, "tier") != 0) {
        at++;
    }
    for (size_t n = 0; at < count && n < attrs[at].count; n++) {
        if (!takes_named(p, &attrs[at].values[n], level, why, size)) {
            return false;
        }
    }
    for (size_t i = 0; (at == count || !attrs[at].count) && i < policy_tier_count(p); i++) {
        if (!takes(policy_tier_at(p, i), level, "it names no tier, and ", why, size)) {
            return false;
        }
    }
    return true;
}
