#include "plan.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim.h"

static const struct {
    const char *name;
    effect_class class;
} kinds[PLAN_RESOURCES] = {
    {"keyed", CLASS_KEYED},      {"checkable", CLASS_CHECKABLE}, {"once", CLASS_ONCE},
    {"often", CLASS_REPEATABLE}, {"late", CLASS_CHECKABLE},
};

const plan_connection *plan_connection_named(const plan *p, const char *name) {
    for (size_t i = 0; i < p->count; i++) {
        if (!strcmp(p->connections[i].name, name)) {
            return &p->connections[i];
        }
    }
    return NULL;
}

const plan_verb *plan_target(const plan *p, const char *target) {
    char name[64];
    snprintf(name, sizeof name, "%s", target);
    char *rest = name;
    const plan_connection *c = plan_connection_named(p, strsep(&rest, "."));
    const char *resource = strsep(&rest, ".");
    for (size_t i = 0; c && resource && i < c->count; i++) {
        if (!strcmp(c->resources[i].name, resource)) {
            const plan_resource *r = &c->resources[i];
            return rest && !strcmp(rest, "compensate") ? &r->undo : &r->write;
        }
    }
    return NULL;
}

/* ---- connectors ---- */

static plan_verb make_verb(simulation *s, effect_class class, bool settles) {
    static const int64_t windows[] = {20 * SECOND, 2 * MINUTE, 10 * MINUTE, 2 * HOUR, 24 * HOUR};
    static const int64_t settles_in[] = {2 * SECOND, 5 * SECOND, MINUTE, HOUR};
    plan_verb v = {.class = class};
    v.window_us = class == CLASS_KEYED ? windows[roll(s, 5)] : 0;
    if (settles || (class == CLASS_KEYED && chance(s, 40))) {
        v.settle_us = settles_in[roll(s, 4)];
    }
    v.cost_micros = chance(s, 30) ? (int64_t)(1 + roll(s, 20)) * 10000 : 0;
    return v;
}

/* Half of what is written can be taken back, in a way of its own. */
static plan_verb make_undo(simulation *s) {
    static const effect_class classes[] = {CLASS_KEYED, CLASS_CHECKABLE, CLASS_ONCE,
                                           CLASS_REPEATABLE};
    effect_class class = classes[roll(s, 4)];
    return chance(s, 50) ? make_verb(s, class, class == CLASS_CHECKABLE && chance(s, 50))
                         : (plan_verb){.class = CLASS_NONE};
}

static void make_connection(simulation *s, plan_connection *c, size_t i) {
    snprintf(c->name, sizeof c->name, "c%zu", i);
    c->network = chance(s, 60);
    c->concurrency = 1 + (int)roll(s, 2);
    c->count = PLAN_RESOURCES;
    for (size_t r = 0; r < PLAN_RESOURCES; r++) {
        plan_resource *x = &c->resources[r];
        snprintf(x->name, sizeof x->name, "%s", kinds[r].name);
        x->write = make_verb(s, kinds[r].class, !strcmp(x->name, "late"));
        x->undo = make_undo(s);
    }
}

static void put_verb(simulation *s, const char *name, const plan_verb *v, keel_buf *out) {
    static const int timeouts[] = {5, 30, 60};
    keel_buf_printf(out, ", %s: { class: %s, timeout: %ds", name, effect_class_name(v->class),
                    timeouts[roll(s, 3)]);
    if (v->window_us) {
        keel_buf_printf(out, ", window: %llds", (long long)(v->window_us / SECOND));
    }
    if (v->settle_us) {
        keel_buf_printf(out, ", settle: %llds", (long long)(v->settle_us / SECOND));
    }
    if (v->cost_micros) {
        keel_buf_printf(out, ", cost: { estimate: 0.%02lld EUR }",
                        (long long)(v->cost_micros / 10000));
    }
}

static void put_resource(simulation *s, const plan_resource *r, keel_buf *out) {
    keel_buf_printf(out, "  %s: { read: {}", r->name);
    put_verb(s, "write", &r->write, out);
    if (r->undo.class) {
        keel_buf_puts(out, ", undo: compensate }");
        put_verb(s, "compensate", &r->undo, out);
    }
    keel_buf_puts(out, " } }\n");
}

static void write_connection(simulation *s, const plan_connection *c) {
    char file[64];
    keel_buf out = KEEL_BUF_INIT;
    keel_buf_printf(&out,
                    "id: org.example.%s\nkind: connector\nversion: 1.0.%d\nentry: out.lua\n"
                    "concurrency: %d\n",
                    c->name, c->version, c->concurrency);
    if (c->network) {
        keel_buf_printf(&out, "needs: [ \"http:https://%s.example/\" ]\n", c->name);
    } else {
        keel_buf_puts(&out, "needs: [ \"file:rw:{config.folder}\" ]\n");
    }
    keel_buf_puts(&out, "resources:\n");
    for (size_t r = 0; r < c->count; r++) {
        put_resource(s, &c->resources[r], &out);
    }
    snprintf(file, sizeof file, "connectors/%s/manifest.yaml", c->name);
    sim_put(s->w.root, file, out.data);
    snprintf(file, sizeof file, "connectors/%s/out.lua", c->name);
    sim_put(s->w.root, file, "return nil\n");
    keel_buf_free(&out);
}

static void write_workspace(simulation *s) {
    keel_buf out = KEEL_BUF_INIT;
    keel_buf_puts(&out, "version: 1\nname: sim\nconnections:\n");
    for (size_t i = 0; i < s->plan.count; i++) {
        const plan_connection *c = &s->plan.connections[i];
        if (c->network) {
            keel_buf_printf(&out,
                            "  %s: { use: \"org.example.%s@1\","
                            " auth: { kind: bearer, token: { secret: canary } } }\n",
                            c->name, c->name);
        } else {
            keel_buf_printf(&out,
                            "  %s: { use: \"org.example.%s@1\", config: { folder: out%s } }\n",
                            c->name, c->name, c->name);
        }
    }
    sim_put(s->w.root, "keel.yaml", out.data);
    sim_put(s->w.root, ".keel/secrets/canary", PLAN_CANARY "\n");
    keel_buf_free(&out);
}

/* ---- policy ---- */

/* Some approvals may be remembered: for the very same again. */
static void put_remember(simulation *s, keel_buf *out) {
    static const char *const spans[] = {"1m", "1h", "7d"};
    if (chance(s, 60)) {
        keel_buf_printf(out, ", remember: { for: %s, max_uses: %d }", spans[roll(s, 3)],
                        1 + (int)roll(s, 3));
    }
    keel_buf_puts(out, " } }\n");
}

static void put_rule(simulation *s, const char *on, const char *id, keel_buf *out) {
    static const char *const expiries[] = {"1m", "10m", "2h", "24h", "30d"};
    uint64_t what = roll(s, 10);
    keel_buf_printf(out, "  - { id: %s, on: \"%s\"", id, on);
    if (what < 5) {
        keel_buf_puts(out, ", allow: {} }\n");
    } else if (what < 7) {
        keel_buf_printf(out, ", ask: {}, approval: { expires: %s, edit: [n]", expiries[roll(s, 5)]);
        put_remember(s, out);
    } else if (what < 9) {
        keel_buf_printf(out,
                        ", allow: { n: { lt: %d } }, ask: { n: { lt: 9 } },"
                        " approval: { expires: %s, edit: [n]",
                        (int)roll(s, 9), expiries[roll(s, 5)]);
        put_remember(s, out);
    } else {
        keel_buf_puts(out, ", deny: {} }\n");
    }
}

static void put_budget(simulation *s, plan_policy *p, const char *id, const char *who, bool money,
                       keel_buf *out) {
    static const char *const windows[] = {"none", "hour", "day", "calendar_month"};
    plan_budget *b = &p->budgets[p->count++];
    const char *hard = chance(s, 40) ? ", at_hard: ask" : "";
    snprintf(b->id, sizeof b->id, "%s", id);
    snprintf(b->unit, sizeof b->unit, "%s", money ? "EUR" : "calls");
    keel_buf_printf(out, "  - { id: %s, %s, limit: ", id, who);
    if (money) {
        int64_t cents = 5 + (int64_t)roll(s, 400);
        b->limit = cents * 10000;
        keel_buf_printf(out, "%lld.%02lld EUR", (long long)(cents / 100), (long long)(cents % 100));
    } else {
        b->limit = 2 + (int64_t)roll(s, 60);
        keel_buf_printf(out, "%lld calls", (long long)b->limit);
    }
    keel_buf_printf(out, ", window: %s%s }\n", strstr(who, "tree") ? "none" : windows[roll(s, 4)],
                    hard);
}

static void put_pace(simulation *s, plan_policy *p, keel_buf *out) {
    plan_rate *r = &p->rate;
    r->limit = 2 + (size_t)roll(s, 12);
    r->burst = 1 + (size_t)roll(s, r->limit);
    r->per_us = (1 + (int64_t)roll(s, 15)) * 60 * SECOND;
    r->burst_us = r->per_us * (int64_t)r->burst / (int64_t)r->limit;
    keel_buf_printf(out, "rates:\n  - { on: \"*.*.write\", limit: %zu, per: %llds, burst: %zu }\n",
                    r->limit, (long long)(r->per_us / SECOND), r->burst);
}

/* Some minutes from now on, by the world's clock. */
static void put_quiet(simulation *s, keel_buf *out) {
    int64_t minute = (s->w.clock / (60 * SECOND)) % 1440,
            from = (minute + (int64_t)roll(s, 20)) % 1440;
    int64_t until = (from + 1 + (int64_t)roll(s, 25)) % 1440;
    keel_buf_printf(out, "quiet:\n  - { on: \"*.*.write\", hours: \"%02d:%02d-%02d:%02d\" }\n",
                    (int)(from / 60), (int)(from % 60), (int)(until / 60), (int)(until % 60));
}

static void write_policy(simulation *s) {
    keel_buf out = KEEL_BUF_INIT;
    plan *p = &s->plan;
    p->policies = keel_realloc(p->policies, (p->policy_count + 1) * sizeof *p->policies);
    plan_policy *now = &p->policies[p->policy_count++];
    *now = (plan_policy){.count = 0};
    keel_buf_puts(&out, "version: 1\nrules:\n");
    for (size_t i = 0; i < p->count; i++) {
        for (size_t r = 0; r < p->connections[i].count; r++) {
            char on[64], id[64];
            snprintf(on, sizeof on, "%s.%s.write", p->connections[i].name,
                     p->connections[i].resources[r].name);
            snprintf(id, sizeof id, "r%zu-%zu", i, r);
            put_rule(s, on, id, &out);
            if (p->connections[i].resources[r].undo.class && chance(s, 20)) {
                snprintf(on, sizeof on, "%s.%s.compensate", p->connections[i].name,
                         p->connections[i].resources[r].name);
                snprintf(id, sizeof id, "u%zu-%zu", i, r);
                put_rule(s, on, id, &out);
            }
        }
    }
    keel_buf_puts(&out, chance(s, 80) ? "  - { id: child, on: run.spawn, allow: {} }\n"
                                      : "  - { id: child, on: run.spawn, ask: {} }\n");
    if (p->policy_count % 3) { /* counts.c */
        keel_buf_puts(&out,
                      "  - { id: counted, on: \"*\", deny: { count: ["
                      "{ per: 366d, gt: 100000 }, { per: 366d, each: agent, gt: 100000 }] } }\n");
    }
    if (chance(s, 40)) {
        keel_buf_printf(&out, "retries:\n  - { on: \"*\", max: %d, first: %ds, cap: %dm }\n",
                        1 + (int)roll(s, 8), 1 + (int)roll(s, 5), 1 + (int)roll(s, 30));
    }
    if (chance(s, 40)) {
        keel_buf_printf(&out, "breakers:\n  - { on: \"c*\", open_at: %d%%, of: %d, for: %dm }\n",
                        30 + 10 * (int)roll(s, 7), 2 + (int)roll(s, 6), 1 + (int)roll(s, 40));
    }
    if (chance(s, 40)) {
        put_pace(s, now, &out);
    }
    if (chance(s, 20)) {
        put_quiet(s, &out);
    }
    keel_buf_puts(&out, "budgets:\n");
    put_budget(s, now, "all", "scope: workspace", false, &out);
    put_budget(s, now, "tree", "each: run_tree", false, &out);
    put_budget(s, now, "money", chance(s, 50) ? "each: agent" : "scope: workspace", true, &out);
    now->text = digest_of(out.data, out.len);
    sim_put(s->w.root, "policies/p.yaml", out.data);
    keel_buf_free(&out);
}

/* ---- the whole ---- */

/* Its versions do the same: runs of one can go on at another. */
static void write_agent(simulation *s, size_t i) {
    char file[64], text[200];
    snprintf(text, sizeof text,
             "id: org.example.a%zu\nkind: agent\nname: a%zu\nversion: 1.0.%d\nentry: a.lua\n", i, i,
             s->plan.versions[i]);
    snprintf(file, sizeof file, "agents/a%zu/manifest.yaml", i);
    sim_put(s->w.root, file, text);
    snprintf(file, sizeof file, "agents/a%zu/a.lua", i);
    sim_put(s->w.root, file, "return nil\n");
}

static void make_folder(char root[128]) {
    snprintf(root, 128, "%s/keel-sim-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(root)) {
        abort();
    }
    sim_put(root, "lua/keel.lua", "return {}\n");
    sim_put(root, "state/none", "");
    sim_put(root, "shipped/none", "");
}

void plan_make(simulation *s) {
    plan *p = &s->plan;
    make_folder(s->w.root);
    p->count = 1 + roll(s, PLAN_CONNECTIONS);
    p->agents = 1 + roll(s, PLAN_AGENTS);
    for (size_t i = 0; i < p->count; i++) {
        make_connection(s, &p->connections[i], i);
        write_connection(s, &p->connections[i]);
    }
    programs_make(s);
    for (size_t i = 0; i < p->agents; i++) {
        write_agent(s, i);
    }
    write_workspace(s);
    write_policy(s);
}

void plan_spoil(simulation *s) {
    sim_put(s->w.root, "policies/p.yaml", "version: 1\nrules: nothing\n");
}

void plan_renew(simulation *s) {
    write_policy(s);
    if (chance(s, 40)) {
        plan_connection *c = &s->plan.connections[roll(s, s->plan.count)];
        c->version++;
        write_connection(s, c);
    }
    if (chance(s, 60)) {
        size_t agent = roll(s, s->plan.agents);
        s->plan.versions[agent]++;
        write_agent(s, agent);
    }
}

void plan_free(simulation *s) {
    programs_free(s);
    free(s->plan.policies);
    if (s->w.root[0]) {
        sim_folder_remove(s->w.root);
    }
}
