/* What a role may do: the rules of each target, without a query. */
#include <string.h>

#include "pace.h"
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
    keel_buf_printf(out, "%s%s: %s", out->len ? "; " : "", r->id, r->guard ? "a guard, " : "");
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
        keel_buf_printf(&s->when, "%swhen you order it: keel rollback", s->when.len ? "; " : "");
    }
}

/* Where rules only deny, what they let pass is let by what is built in, or by nothing. */
static void denied_or_built_in(const outlook *o, const char *target, manifest_verb_id verb,
                               summary *s) {
    built_in(o, target, verb, s);
    if (s->rule && s->verdict) {
        s->verdict = "depends";
        s->rule_id = s->rule->id;
    } else if (s->rule) {
        s->rule = NULL;
        s->rule_id = "none";
        s->verdict = "deny";
        keel_buf_clear(&s->when);
        keel_buf_puts(&s->when, "no rule lets it");
    }
}

/* What else is let, a guard asks of; of what is denied it says nothing. */
static void guarded(const outlook *o, const policy_rule *r, summary *s) {
    band_kind k = certain(r);
    bool allows = strcmp(s->verdict, "allow") == 0;
    describe(o->p, r, &s->when);
    if (k == BAND_DENY || (k == BAND_ASK && allows)) {
        s->verdict = band_words[k];
        s->rule = r;
        s->rule_id = r->id;
    } else if (k == BAND_COUNT && (allows || r->bands[BAND_DENY].present)) {
        s->verdict = "depends";
    }
}

static void summarize(const outlook *o, const char *target, manifest_verb_id verb, summary *s) {
    const policy_rule *const *rules;
    size_t count = policy_candidates(o->p, o->agent, target, &rules);
    bool depends = false, opens = false;
    band_kind best = BAND_COUNT;
    for (size_t i = 0; i < count; i++) {
        if (!rules[i]->guard && rule_covers(rules[i], o->agent, target)) {
            weigh(s, rules[i], &depends, &best);
            opens |= rules[i]->bands[BAND_ALLOW].present || rules[i]->bands[BAND_ASK].present;
            describe(o->p, rules[i], &s->when);
        }
    }
    if (best == BAND_DENY) {
        depends = false;
    }
    if (opens || best == BAND_DENY) {
        s->rule_id = s->rule->id;
        s->verdict = depends ? "depends" : band_words[best];
    } else {
        denied_or_built_in(o, target, verb, s);
    }
    for (size_t i = 0; i < count && s->verdict && strcmp(s->verdict, "deny") != 0; i++) {
        if (rules[i]->guard && rule_covers(rules[i], o->agent, target)) {
            guarded(o, rules[i], s);
        }
    }
}

static void write_words(keel_json_writer *w, keel_buf *words) {
    keel_json_textn(w, words->data, words->len);
    keel_buf_free(words);
}

/* How often, and when not. */
static void write_pace(outlook *o, const char *target, bool external) {
    policy_query q = {.agent = o->agent, .target = target, .sink_external = external};
    for (size_t i = 0; i < o->p->rate_count; i++) {
        keel_buf words = KEEL_BUF_INIT;
        if (rate_is_about(&o->p->rates[i], &q)) {
            rate_words(o->p, &o->p->rates[i], &words);
            write_words(&o->w, &words);
        }
    }
    for (size_t i = 0; i < o->p->quiet_count; i++) {
        const quiet_rule *r = &o->p->quiet[i];
        keel_buf words = KEEL_BUF_INIT;
        if (!r->approvals && quiet_is_about(r, &q)) {
            quiet_words(r, &words);
            write_words(&o->w, &words);
        }
    }
}

static void write_line(outlook *o, const char *target, const summary *s, bool external) {
    keel_json_object(&o->w);
    keel_json_key(&o->w, "budgets");
    keel_json_array(&o->w);
    for (size_t i = 0; i < o->p->budget_count; i++) {
        const budget_rule *b = &o->p->budgets[i];
        bool away = b->scope == SCOPE_CONNECTION && strcmp(target, "run.spawn") == 0;
        if (!away && budget_rule_counts(b, o->agent, target)) {
            keel_json_text(&o->w, b->id);
        }
    }
    keel_json_array_end(&o->w);
    keel_json_set_text(&o->w, "file", s->rule ? s->rule->file : "");
    keel_json_set_int(&o->w, "line", s->rule ? s->rule->line : 0);
    keel_json_key(&o->w, "pace");
    keel_json_array(&o->w);
    write_pace(o, target, external);
    keel_json_array_end(&o->w);
    keel_json_set_text(&o->w, "rule", s->rule_id);
    keel_json_set_text(&o->w, "target", target);
    keel_json_set_text(&o->w, "verdict", s->verdict);
    keel_json_key(&o->w, "when");
    keel_json_textn(&o->w, s->when.data ? s->when.data : "", s->when.len);
    keel_json_object_end(&o->w);
}

static void tell(outlook *o, const char *target, manifest_verb_id verb, bool external) {
    summary s = {0};
    summarize(o, target, verb, &s);
    if (s.verdict) {
        write_line(o, target, &s, external);
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
                tell(o, target.data, v, res->verbs[v].sink_external);
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
    tell(&o, "run.spawn", VERB_COUNT, false);
    keel_json_array_end(&o.w);
}

static bool is_of(const quiet_rule *r, const char *agent) {
    bool named = r->agent_count == 0;
    for (size_t i = 0; !named && i < r->agent_count; i++) {
        named = strcmp(r->agents[i], agent) == 0;
    }
    return named;
}

void policy_pauses(const policy *p, const char *agent, keel_buf *out) {
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_array(&w);
    for (size_t i = 0; i < p->quiet_count; i++) {
        keel_buf words = KEEL_BUF_INIT;
        if (p->quiet[i].approvals && is_of(&p->quiet[i], agent)) {
            quiet_words(&p->quiet[i], &words);
            write_words(&w, &words);
        }
    }
    keel_json_array_end(&w);
}
