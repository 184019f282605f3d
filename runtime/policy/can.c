/* What a role may do: the rules of each target, without a query. */
#include <string.h>

#include "policyint.h"

typedef struct outlook {
    const policy *p;
    const char *agent;
    bool writes; /* the resource at hand: there is something to take back */
    keel_json_writer w;
} outlook;

typedef struct summary {
    const char *verdict; /* NULL: the agent has nothing to do with this target */
    const policy_rule *rule;
    const char *rule_id;
    keel_buf when;
} summary;

static const char *const band_words[] = {"deny", "allow", "ask"};

/* "outbound-mail: allow when to_domain in own_domains, else ask" */
static void describe(const policy *p, const policy_rule *r, keel_buf *out) {
    keel_buf_printf(out, "%s%s: ", out->len ? "; " : "", r->id);
    bool any = false;
    for (band_kind k = BAND_DENY; k < BAND_COUNT; k++) {
        const band *b = &r->bands[k];
        if (!b->present) {
            continue;
        }
        keel_buf_printf(out, "%s%s", any ? ", else " : "", band_words[k]);
        if (b->count) {
            keel_buf_puts(out, " when ");
            phrase_band(p, b, out);
        }
        any = true;
    }
    if (r->when.count) {
        keel_buf_puts(out, ", if ");
        phrase_band(p, &r->when, out);
    }
}

/* What the rule says whatever the effect is, or BAND_COUNT: it depends. */
static band_kind certain(const policy_rule *r) {
    for (band_kind k = BAND_DENY; k < BAND_COUNT; k++) {
        if (r->bands[k].present) {
            return r->when.count == 0 && r->bands[k].count == 0 ? k : BAND_COUNT;
        }
    }
    return BAND_COUNT;
}

static void weigh(summary *s, const policy_rule *r, bool *depends, band_kind *best) {
    static const int weight[] = {[BAND_DENY] = 3, [BAND_ALLOW] = 1, [BAND_ASK] = 2};
    band_kind k = certain(r);
    if (k == BAND_COUNT) {
        *depends = true;
    } else if (*best == BAND_COUNT || weight[k] > weight[*best]) {
        *best = k;
        s->rule = r;
    }
    if (!s->rule) {
        s->rule = r;
    }
}

static void built_in(const outlook *o, const char *target, manifest_verb_id verb, summary *s) {
    if (verb == VERB_READ && o->p->base_reads) {
        s->rule_id = "base.reads";
        s->verdict = "allow";
    } else if (verb == VERB_COMPENSATE && o->writes && o->p->base_undo &&
               !policy_names_undo(o->p, o->agent, target)) {
        s->rule_id = "base.undo";
        s->verdict = "allow";
        keel_buf_puts(&s->when, "when you order it: keel rollback");
    }
}

static void summarize(const outlook *o, const char *target, manifest_verb_id verb, summary *s) {
    const policy_rule *const *rules;
    size_t count = policy_candidates(o->p, o->agent, target, &rules);
    bool depends = false;
    band_kind best = BAND_COUNT;
    for (size_t i = 0; i < count; i++) {
        if (rule_covers(rules[i], o->agent, target)) {
            weigh(s, rules[i], &depends, &best);
            describe(o->p, rules[i], &s->when);
        }
    }
    if (best == BAND_DENY) {
        depends = false;
    }
    if (s->rule) {
        s->rule_id = s->rule->id;
        s->verdict = depends ? "depends" : band_words[best];
    } else {
        built_in(o, target, verb, s);
    }
}

static void write_line(outlook *o, const char *target, const summary *s) {
    keel_json_object(&o->w);
    keel_json_key(&o->w, "budgets");
    keel_json_array(&o->w);
    for (size_t i = 0; i < o->p->budget_count; i++) {
        keel_json_text(&o->w, o->p->budgets[i].id);
    }
    keel_json_array_end(&o->w);
    keel_json_set_text(&o->w, "file", s->rule ? s->rule->file : "");
    keel_json_set_int(&o->w, "line", s->rule ? s->rule->line : 0);
    keel_json_set_text(&o->w, "rule", s->rule_id);
    keel_json_set_text(&o->w, "target", target);
    keel_json_set_text(&o->w, "verdict", s->verdict);
    keel_json_key(&o->w, "when");
    keel_json_textn(&o->w, s->when.data ? s->when.data : "", s->when.len);
    keel_json_object_end(&o->w);
}

static void tell(outlook *o, const char *target, manifest_verb_id verb) {
    summary s = {0};
    summarize(o, target, verb, &s);
    if (s.verdict) {
        write_line(o, target, &s);
    }
    o->writes = verb == VERB_WRITE ? s.verdict && strcmp(s.verdict, "deny") != 0 : o->writes;
    keel_buf_free(&s.when);
}

static void tell_connection(outlook *o, const policy_connection *con) {
    keel_buf target = KEEL_BUF_INIT;
    for (size_t r = 0; r < con->plugin->resource_count; r++) {
        const manifest_resource *res = &con->plugin->resources[r];
        o->writes = false;
        for (manifest_verb_id v = VERB_READ; v < VERB_COUNT; v++) {
            if (res->verbs[v].present) {
                keel_buf_clear(&target);
                keel_buf_printf(&target, "%s.%s.%s", con->name, res->name, manifest_verb_name(v));
                tell(o, target.data, v);
            }
        }
    }
    keel_buf_free(&target);
}

void policy_can(const policy *p, const policy_world *world, const char *agent, keel_buf *out) {
    outlook o = {.p = p, .agent = agent};
    keel_json_write(&o.w, out);
    keel_json_array(&o.w);
    for (size_t i = 0; world && i < world->connection_count; i++) {
        tell_connection(&o, &world->connections[i]);
    }
    tell(&o, "run.spawn", VERB_COUNT);
    keel_json_array_end(&o.w);
}
