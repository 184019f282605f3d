#include "can_gather.h"

#include <stdlib.h>
#include <string.h>

#include "budget.h"
#include "commands.h"
#include "reaches.h"
#include "rests.h"
#include "suggest.h"

typedef struct gathering {
    cli *c;
    const survey *w;
    const manifest *m;
    keel_json may;
    keel_json_writer *out;
} gathering;

static bool is_denied(keel_json line) {
    return keel_json_is(keel_json_get(line, "verdict"), "deny");
}

/* Is anything of that connection let or asked for? */
static bool uses(const gathering *g, const char *connection) {
    size_t len = strlen(connection);
    for (keel_json_iter it = keel_json_each(g->may); keel_json_next(&it);) {
        char target[160] = "";
        keel_json_copy(keel_json_get(it.value, "target"), target, sizeof target);
        if (!is_denied(it.value) && strncmp(target, connection, len) == 0 && target[len] == '.') {
            return true;
        }
    }
    return false;
}

/* ---- what it may see ---- */

static void put_at_most(const gathering *g) {
    if (g->m->bounded) {
        keel_json_key(g->out, "at_most");
        keel_json_object(g->out);
        keel_json_set_text(g->out, "sensitivity", sensitivity_name(g->m->max_taint.level));
        keel_json_set_bool(g->out, "untrusted", g->m->max_taint.untrusted);
        keel_json_object_end(g->out);
    }
}

static const workspace_connection *configured(const gathering *g, const char *name) {
    for (size_t i = 0; i < g->c->ws->connection_count; i++) {
        if (strcmp(g->c->ws->connections[i].name, name) == 0) {
            return &g->c->ws->connections[i];
        }
    }
    return NULL;
}

static const manifest *plugin_of(const gathering *g, const char *name) {
    for (size_t i = 0; i < g->w->view.connection_count; i++) {
        if (strcmp(g->w->view.connections[i].name, name) == 0) {
            return g->w->view.connections[i].plugin;
        }
    }
    return NULL;
}

static int64_t polled_every(const workspace_connection *k, const char *resource) {
    for (size_t i = 0; k && i < k->poll_count; i++) {
        if (strcmp(k->polls[i].resource, resource) == 0) {
            return k->polls[i].every_us;
        }
    }
    return 0;
}

static void put_read(const gathering *g, keel_json line, char *target) {
    char *rest = target;
    const char *connection = strsep(&rest, "."), *resource = strsep(&rest, ".");
    const manifest *m = plugin_of(g, connection);
    const manifest_resource *r = m && resource ? manifest_find(m, resource) : NULL;
    const workspace_connection *k = configured(g, connection);
    if (!r || !rest || strcmp(rest, "read") != 0) {
        return;
    }
    item_label of =
        label_join((item_label){r->verbs[VERB_READ].untrusted, r->verbs[VERB_READ].level},
                   (item_label){false, k ? k->level : SENSITIVITY_PUBLIC});
    int64_t every = polled_every(k, resource);
    keel_json_object(g->out);
    keel_json_set_text(g->out, "connection", connection);
    if (every) {
        keel_json_set_int(g->out, "every_us", every);
    }
    keel_json_set_text(g->out, "level", sensitivity_name(of.level));
    keel_json_set_text(g->out, "resource", resource);
    keel_json_set_bool(g->out, "untrusted", of.untrusted);
    keel_json_set_raw(g->out, "verdict", keel_json_get(line, "verdict"));
    keel_json_set_bool(g->out, "within", !g->m->bounded || label_within(of, g->m->max_taint));
    keel_json_object_end(g->out);
}

static void put_sees(const gathering *g) {
    keel_json_key(g->out, "sees");
    keel_json_array(g->out);
    for (keel_json_iter it = keel_json_each(g->may); keel_json_next(&it);) {
        char target[160] = "";
        keel_json_copy(keel_json_get(it.value, "target"), target, sizeof target);
        if (!is_denied(it.value)) {
            put_read(g, it.value, target);
        }
    }
    keel_json_array_end(g->out);
}

/* ---- whom it may start ---- */

static void put_start(const gathering *g, attr_set *set, const char *agent) {
    static const char *const words[] = {"deny", "ask", "allow"};
    keel_buf args = KEEL_BUF_INIT;
    keel_json_writer w;
    policy_decision d;
    keel_json_write(&w, &args);
    keel_json_object(&w);
    keel_json_set_text(&w, "agent", agent);
    keel_json_object_end(&w);
    attr_set_fill(set, NULL, keel_json_view(args.data, args.len));
    policy_query q = {.agent = g->m->name, .target = "run.spawn", .class = CLASS_LOCAL};
    q.attrs = attr_set_list(set, &q.attr_count);
    policy_decide(g->w->policy, &q, &d);
    if (d.verdict != POLICY_DENY) {
        keel_json_object(g->out);
        keel_json_set_text(g->out, "agent", agent);
        keel_json_set_text(g->out, "verdict", words[d.verdict]);
        keel_json_object_end(g->out);
    }
    keel_buf_free(&args);
}

static void put_starts(const gathering *g) {
    attr_set *set = attr_set_create();
    keel_json_key(g->out, "starts");
    keel_json_array(g->out);
    for (size_t i = 0; i < g->w->view.agent_count; i++) {
        put_start(g, set, g->w->view.agents[i]);
    }
    keel_json_array_end(g->out);
    attr_set_destroy(set);
}

/* ---- where it may reach ---- */

static void put_lines(const char *text, keel_json_writer *w) {
    while (*text) {
        size_t len = strcspn(text, "\n"), skip = strspn(text, " ");
        if (len > skip) {
            keel_json_textn(w, text + skip, len - skip);
        }
        text += len + (text[len] == '\n');
    }
}

static void put_connection(const gathering *g, const workspace_connection *k) {
    keel_buf reaches = KEEL_BUF_INIT, rests = KEEL_BUF_INIT;
    const manifest *m = plugin_of(g, k->name);
    policy_breaking b = policy_breaker(g->w->policy, k->name);
    if (m) {
        reaches_lines(g->w->policy, m, k, &reaches);
    }
    keel_json_object(g->out);
    keel_json_key(g->out, "breaker");
    keel_json_object(g->out);
    keel_json_set_int(g->out, "for_us", b.for_us);
    keel_json_set_int(g->out, "of", b.of);
    keel_json_set_int(g->out, "open_at", b.open_at);
    keel_json_object_end(g->out);
    keel_json_set_text(g->out, "name", k->name);
    keel_json_key(g->out, "reaches");
    keel_json_array(g->out);
    put_lines(reaches.data ? reaches.data : "", g->out);
    keel_json_array_end(g->out);
    if (g->c->db && rests_of(g->c, k->name, &rests)) {
        keel_json_set_text(g->out, "rests", rests.data);
    }
    keel_json_object_end(g->out);
    keel_buf_free(&reaches);
    keel_buf_free(&rests);
}

static void put_connections(const gathering *g) {
    keel_json_key(g->out, "connections");
    keel_json_array(g->out);
    for (size_t i = 0; i < g->c->ws->connection_count; i++) {
        if (uses(g, g->c->ws->connections[i].name)) {
            put_connection(g, &g->c->ws->connections[i]);
        }
    }
    keel_json_array_end(g->out);
}

/* ---- what it may spend ---- */

typedef struct account {
    const gathering *g;
    size_t rule;
    const char *unit;
    int64_t limit;
    size_t count; /* written so far */
} account;

static bool is_named(const gathering *g, const char *id) {
    for (keel_json_iter it = keel_json_each(g->may); keel_json_next(&it);) {
        keel_json list = keel_json_get(it.value, "budgets");
        for (keel_json_iter b = keel_json_each(list); !is_denied(it.value) && keel_json_next(&b);) {
            if (keel_json_is(b.value, id)) {
                return true;
            }
        }
    }
    return false;
}

static void put_account(account *a, const budget_line *l) {
    keel_json_writer *w = a->g->out;
    budget_info b = budget_describe(a->g->w->policy, a->rule);
    char place[320];
    snprintf(place, sizeof place, "%s:%d", b.file, b.line);
    keel_json_object(w);
    keel_json_set_text(w, "at_hard", b.at_hard);
    if (l && l->ends_us > 0) {
        keel_json_set_int(w, "ends_us", l->ends_us);
    }
    if (l) {
        keel_json_set_int(w, "held", l->held);
    }
    keel_json_set_text(w, "id", b.id);
    keel_json_set_int(w, "limit", a->limit);
    keel_json_set_text(w, "of", b.of);
    keel_json_set_text(w, "place", place);
    if (l) {
        keel_json_set_text(w, "scope", l->scope);
        keel_json_set_int(w, "spent", l->spent);
    }
    keel_json_set_text(w, "unit", a->unit);
    keel_json_set_text(w, "window", b.window);
    keel_json_object_end(w);
    a->count++;
}

/* Its own, everybody's, or of a connection that it may use; no single run's. */
static bool concerns(const gathering *g, const char *scope) {
    const char *name = strchr(scope, ':');
    if (!name) {
        return true;
    }
    return strncmp(scope, "agent:", 6) == 0         ? strcmp(name + 1, g->m->name) == 0
           : strncmp(scope, "connection:", 11) == 0 ? uses(g, name + 1)
                                                    : false;
}

static void on_account(void *ctx, const budget_line *l) {
    account *a = ctx;
    if (l->rule == a->rule && l->now && strcmp(l->unit, a->unit) == 0 && concerns(a->g, l->scope)) {
        put_account(a, l);
    }
}

static void put_limit(const gathering *g, size_t rule, const char *unit, int64_t limit) {
    account a = {g, rule, unit, limit, 0};
    diag ignored = {0};
    if (g->c->db) {
        (void)suggest_sums(g->c, g->w->policy, on_account, &a, &ignored);
    }
    if (!a.count) {
        put_account(&a, NULL);
    }
}

static void put_budgets(const gathering *g) {
    keel_json_key(g->out, "budgets");
    keel_json_array(g->out);
    for (size_t i = 0; i < budget_count(g->w->policy); i++) {
        budget_info b = budget_describe(g->w->policy, i);
        if (!is_named(g, b.id)) {
            continue;
        }
        budget_limit limits[BUDGET_LIMITS];
        size_t count = budget_limits(&b, limits);
        for (size_t k = 0; k < count; k++) {
            put_limit(g, i, limits[k].unit, limits[k].amount);
        }
    }
    keel_json_array_end(g->out);
}

/* ---- what waits now ---- */

static int64_t waiting(const gathering *g, const char *reason) {
    const char *params[] = {g->m->name, reason};
    cli_row row = {0};
    diag ignored = {0};
    int64_t n = 0;
    if (cli_one(g->c,
                "SELECT count(*) FROM effect e JOIN run r ON r.id = e.run WHERE e.state = 'waiting'"
                " AND r.agent = ? AND e.reason = ?",
                params, 2, &row, &ignored) == 0) {
        n = strtoll(row.values[0], NULL, 10);
    }
    cli_row_free(&row);
    return n;
}

static void put_waiting(const gathering *g) {
    static const char *const reasons[] = {"quiet", "rate"};
    keel_json_key(g->out, "waiting");
    keel_json_object(g->out);
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        int64_t n = g->c->db ? waiting(g, reasons[i]) : 0;
        if (n) {
            keel_json_set_int(g->out, reasons[i], n);
        }
    }
    keel_json_object_end(g->out);
}

/* ---- the whole ---- */

void can_gather(cli *c, const survey *w, const char *agent, keel_buf *out) {
    keel_buf may = KEEL_BUF_INIT, pauses = KEEL_BUF_INIT;
    keel_json_writer writer;
    diag ignored = {0};
    (void)cli_reader(c, &ignored); /* without a database nothing is spent and nothing waits */
    policy_can(w->policy, &w->view, agent, &may);
    policy_pauses(w->policy, agent, &pauses);
    gathering g = {c, w, survey_agent(w, agent)->manifest, keel_json_view(may.data, may.len),
                   &writer};
    keel_json_write(&writer, out);
    keel_json_object(&writer);
    keel_json_set_text(&writer, "agent", agent);
    put_at_most(&g);
    put_budgets(&g);
    put_connections(&g);
    keel_json_set_raw(&writer, "may", g.may);
    if (g.m->outcome) {
        keel_json_set_text(&writer, "outcome", g.m->outcome);
    }
    keel_json_set_raw(&writer, "pauses", keel_json_view(pauses.data, pauses.len));
    put_sees(&g);
    put_starts(&g);
    keel_json_set_text(&writer, "version", g.m->version);
    put_waiting(&g);
    keel_json_object_end(&writer);
    keel_buf_free(&may);
    keel_buf_free(&pauses);
}
