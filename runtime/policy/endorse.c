/* `endorse`: a schema whose results count as trusted, though a quarantined run has read what it read. */
#include <string.h>

#include "closed.h"
#include "compileint.h"

static const char *const spawn = "run.spawn";

static bool covers_spawn(const policy_rule *r) {
    for (size_t i = 0; i < r->on_count; i++) {
        if (target_matches(r->on[i], spawn)) {
            return true;
        }
    }
    return false;
}

static int refuse(compiler *c, const yaml_node *n, const closed_fault *f) {
    const yaml_node *at = f->field[0] ? yaml_get(n, f->field) : NULL;
    yaml_fault(c->tree, at ? at : n, c->d, "%s%s%s", f->field, f->field[0] ? ": " : "", f->why);
    return diag_next(c->d, "Write for example `endorse: { kind: { enum: [invoice, lead] }, urgent: "
                           "bool, due: date }`.");
}

int compile_endorse(compiler *c, const yaml_node *n, policy_rule *r) {
    closed_fault f;
    keel_buf json = KEEL_BUF_INIT, schema = KEEL_BUF_INIT;
    if (!covers_spawn(r) || r->guard ||
        (!r->bands[BAND_ALLOW].present && !r->bands[BAND_ASK].present)) {
        return compile_fault(c, n, "endorse belongs to a rule that lets or asks for run.spawn",
                             "Write it beside `on: run.spawn` and `allow`.");
    }
    int rc = compile_map(c, n, "endorse");
    rc = rc ? rc : yaml_to_json(c->tree, n, &json, c->d);
    if (rc == 0 && closed_read(keel_json_view(json.data, json.len), &schema, &f)) {
        rc = refuse(c, n, &f);
    }
    if (rc == 0) {
        r->endorse = policy_copy(c->p, schema.data, schema.len);
    }
    keel_buf_free(&json);
    keel_buf_free(&schema);
    return rc;
}

const policy_rule *policy_endorses(const policy *p, const policy_query *q, const char *schema) {
    const policy_rule *const *rules;
    size_t count = policy_candidates(p, q->agent, q->target, &rules);
    sight s;
    sight_init(&s, p, q);
    for (size_t i = 0; i < count; i++) {
        const policy_rule *r = rules[i];
        if (!r->endorse || strcmp(r->endorse, schema) != 0 ||
            !rule_covers(r, q->agent, q->target)) {
            continue;
        }
        band_kind k = rule_speaks(r, &s);
        if (k == BAND_ALLOW || k == BAND_ASK) {
            return r;
        }
    }
    return NULL;
}

bool policy_still_endorses(const policy *p, const char *id, const digest *d, const char *agent) {
    const policy_rule *r = policy_rule_named(p, id);
    return r && r->endorse && digest_equal(&r->digest, d) && rule_covers(r, agent, spawn);
}

const char *policy_rule_name(const policy_rule *r) {
    return r->id;
}
