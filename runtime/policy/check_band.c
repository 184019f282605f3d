/* Conditions that can never hold: warned about. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compileint.h"

/* ---- bounds ---- */

/* Below one bound and above another that is no smaller: no value is both. */
static bool contradict(const op *low, const op *high) {
    bool bounds = (low->kind == OP_GT || low->kind == OP_GTE) &&
                  (high->kind == OP_LT || high->kind == OP_LTE) &&
                  low->value.type == high->value.type;
    if (!bounds) {
        return false;
    }
    bool money = low->value.type == ATTR_MONEY;
    bool above =
        money ? low->value.micros > high->value.micros : low->value.number > high->value.number;
    bool equal = money ? low->value.micros == high->value.micros
                       : !above && !(low->value.number < high->value.number);
    return above || (equal && (low->kind == OP_GT || high->kind == OP_LT));
}

static bool never_holds(const check *ch) {
    for (size_t i = 0; i < ch->count; i++) {
        const op *o = &ch->ops[i];
        if (o->kind == OP_IN && o->set.count == 0 && !o->set.list) {
            return true;
        }
        for (size_t k = 0; k < ch->count; k++) {
            if (contradict(o, &ch->ops[k])) {
                return true;
            }
        }
    }
    return false;
}

/* Of the other bands a missing attribute would hold. */
static void check_allow(compiler *c, const policy_rule *r) {
    const band *b = &r->bands[BAND_ALLOW];
    for (size_t i = 0; i < b->count; i++) {
        if (!check_tally(c->p, &b->checks[i]) && never_holds(&b->checks[i])) {
            char text[256];
            snprintf(text, sizeof text, "rule %s: its allow never holds, no %s is like this", r->id,
                     c->p->attrs[b->checks[i].attr].name);
            compile_warn(c, r->file, b->checks[i].line, b->checks[i].column, text,
                         "Correct the comparators, or remove the allow.");
        }
    }
}

/* ---- domains ---- */

/* What Keel takes from an address has no @ and no dot at its end. */
static bool no_domain(const attr_value *v) {
    return v->type == ATTR_TEXT && v->len &&
           (memchr(v->text, '@', v->len) || v->text[v->len - 1] == '.');
}

static const attr_value *odd_domain(const check *ch) {
    for (size_t i = 0; i < ch->count; i++) {
        const op *o = &ch->ops[i];
        bool set = o->kind == OP_IN || o->kind == OP_NOT_IN;
        if ((o->kind == OP_EQ || o->kind == OP_MATCHES) && no_domain(&o->value)) {
            return &o->value;
        }
        for (size_t k = 0; set && k < o->set.count; k++) {
            if (no_domain(&o->set.items[k])) {
                return &o->set.items[k];
            }
        }
    }
    return NULL;
}

static void check_domains(compiler *c, const policy_rule *r, const band *b) {
    for (size_t i = 0; i < b->count; i++) {
        const check *ch = &b->checks[i];
        bool domain = !check_tally(c->p, ch) && c->p->attrs[ch->attr].fold;
        const attr_value *odd = domain ? odd_domain(ch) : NULL;
        if (odd) {
            char text[256];
            snprintf(text, sizeof text, "rule %s: %.60s is never \"%.60s\": that is no domain",
                     r->id, c->p->attrs[ch->attr].name, odd->text);
            compile_warn(c, r->file, ch->line, ch->column, text,
                         "Write only what stands behind the @, without a dot at the end, such as "
                         "client.example.");
        }
    }
}

/* ---- agents to start ---- */

static bool spawns_only(const policy_rule *r) {
    for (size_t i = 0; i < r->on_count; i++) {
        if (strncmp(r->on[i], "run.", 4) != 0) {
            return false;
        }
    }
    return true;
}

static void check_agent_value(compiler *c, const policy_rule *r, const check *ch,
                              const attr_value *v) {
    const policy_world *w = c->world;
    const char **known = keel_alloc((w->agent_count + 1) * sizeof *known);
    bool found = v->type != ATTR_TEXT;
    for (size_t i = 0; i < w->agent_count; i++) {
        known[i] = w->agents[i];
        found |= v->type == ATTR_TEXT && strcmp(known[i], v->text) == 0;
    }
    known[w->agent_count] = NULL;
    if (!found) {
        const char *near = did_you_mean(v->text, known);
        char text[256];
        char next[128] = "`keel agent list` shows what there is.";
        snprintf(text, sizeof text, "rule %s: there is no agent \"%.60s\" to start", r->id,
                 v->text);
        if (near) {
            snprintf(next, sizeof next, "Did you mean \"%.60s\"?", near);
        }
        compile_warn(c, r->file, ch->line, ch->column, text, next);
    }
    free(known);
}

static void check_agents_of(compiler *c, const policy_rule *r, const band *b) {
    for (size_t i = 0; i < b->count; i++) {
        const check *ch = &b->checks[i];
        bool agent = !check_tally(c->p, ch) && strcmp(c->p->attrs[ch->attr].name, "agent") == 0;
        for (size_t k = 0; agent && k < ch->count; k++) {
            const op *o = &ch->ops[k];
            if (o->kind == OP_EQ) {
                check_agent_value(c, r, ch, &o->value);
            }
            bool set = o->kind == OP_IN || o->kind == OP_NOT_IN;
            for (size_t n = 0; set && n < o->set.count; n++) {
                check_agent_value(c, r, ch, &o->set.items[n]);
            }
        }
    }
}

/* ---- answers ---- */

static const check *looks_at_origin(const compiler *c, const policy_rule *r) {
    for (band_kind k = BAND_DENY; k <= BAND_COUNT; k++) {
        const band *b = k == BAND_COUNT ? &r->when : &r->bands[k];
        for (size_t i = 0; i < b->count; i++) {
            bool own = !check_tally(c->p, &b->checks[i]);
            if (own && c->p->attrs[b->checks[i].attr].builtin == BUILTIN_ORIGIN) {
                return &b->checks[i];
            }
        }
    }
    return NULL;
}

static bool covers_write(const policy_rule *r, const char *connection,
                         const manifest_resource *res) {
    char target[208];
    snprintf(target, sizeof target, "%s.%s.write", connection, res->name);
    for (size_t i = 0; i < r->on_count; i++) {
        if (target_matches(r->on[i], target)) {
            return true;
        }
    }
    return false;
}

static void check_origin(compiler *c, const policy_rule *r) {
    const check *ch = looks_at_origin(c, r);
    bool known = !ch;
    for (size_t i = 0; i < c->world->connection_count && !known; i++) {
        const policy_connection *con = &c->world->connections[i];
        for (size_t k = 0; k < con->plugin->resource_count && !known; k++) {
            const manifest_resource *res = &con->plugin->resources[k];
            known = manifest_origin(res) && covers_write(r, con->name, res);
        }
    }
    if (!known) {
        char text[256];
        snprintf(
            text, sizeof text,
            "rule %s looks at to_origin, and no connector that it covers says what an answer is",
            r->id);
        compile_warn(c, r->file, ch->line, ch->column, text,
                     "It never lets anything then. `keel connection show NAME` lists what a "
                     "connector declares.");
    }
}

void check_conditions(compiler *c, const policy_rule *r) {
    check_allow(c, r);
    check_domains(c, r, &r->when);
    for (band_kind k = BAND_DENY; k < BAND_COUNT; k++) {
        check_domains(c, r, &r->bands[k]);
    }
    if (c->world) {
        check_origin(c, r);
    }
    if (c->world && spawns_only(r)) {
        check_agents_of(c, r, &r->when);
        for (band_kind k = BAND_DENY; k < BAND_COUNT; k++) {
            check_agents_of(c, r, &r->bands[k]);
        }
    }
}
