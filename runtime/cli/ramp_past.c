#include "ramp_past.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decided.h"
#include "effectset.h"

typedef struct reading {
    ramp_past *out;
    const survey *w;
    reader *r;
    effectset strange; /* effects that were unknown, or stuck */
    effectset edited;
    size_t at; /* the one that is read */
} reading;

static uint64_t place(uint64_t run, const char *path) {
    return effectset_hash(run, path, (keel_json){NULL, 0});
}

/* ---- the tables ---- */

static int take_strange(void *ctx, int columns, const char *const *v, const char *const *names) {
    reading *g = ctx;
    (void)columns;
    (void)names;
    uint64_t run = strtoull(v[0], NULL, 10);
    effectset_add(&g->strange, run, place(run, v[1]));
    return 0;
}

/* The columns of one item, with its effect. */
enum {
    C_NUMBER,
    C_RUN,
    C_PATH,
    C_STATE,
    C_OPENED,
    C_CLOSED,
    C_BY,
    C_EFFECT,
    C_CHANGED,
    C_AGENT,
    C_TARGET,
    C_RULE,
    C_SEQ
};

static const char items_sql[] =
    "SELECT i.number, i.run, i.path, i.state, i.opened_us, i.closed_us, i.closed_by, e.state,"
    " e.changed_us, r.agent, e.target, e.rule, i.args_seq FROM item i"
    " JOIN effect e ON e.run = i.run AND e.path = i.path JOIN run r ON r.id = i.run"
    " WHERE i.kind = 'approval' AND i.opened_us >= CAST(? AS INTEGER) AND (i.state = 'stale' OR"
    " (i.closed_by IS NOT NULL AND (i.state = 'approved' OR i.state = 'denied')))"
    " ORDER BY i.number";

/* false: it says nothing of whether the asking was needed. */
static bool read_standing(const reading *g, const char *const *v, ramp_effect *e, ramp_asked *a) {
    uint64_t run = strtoull(v[C_RUN], NULL, 10);
    e->at_us = v[C_CLOSED] ? strtoll(v[C_CLOSED], NULL, 10) : 0;
    if (strcmp(v[C_STATE], "stale") == 0) {
        e->standing = RAMP_REFUSED; /* where it was edited; else it was only asked anew */
        return true;
    }
    if (strcmp(v[C_STATE], "denied") == 0 && strcmp(v[C_EFFECT], "denied") == 0) {
        return false; /* by a changed policy, after it was approved */
    }
    if (strcmp(v[C_STATE], "denied") == 0) {
        e->standing = RAMP_REFUSED;
        a->how = "denied";
        return true;
    }
    if (strncmp(v[C_EFFECT], "compensat", strlen("compensat")) == 0) {
        e->standing = RAMP_REFUSED;
        e->at_us = strtoll(v[C_CHANGED], NULL, 10);
        a->how = "taken back";
        return true;
    }
    e->standing = RAMP_CLEAN;
    return strcmp(v[C_EFFECT], "done") == 0 &&
           !effectset_has(&g->strange, run, place(run, v[C_PATH]));
}

static int take_item(void *ctx, int columns, const char *const *v, const char *const *names) {
    reading *g = ctx;
    ramp_past *o = g->out;
    ramp_effect e = {.lost = true};
    ramp_asked a = {.run = strtoull(v[C_RUN], NULL, 10),
                    .number = strtoull(v[C_NUMBER], NULL, 10),
                    .seq = strtoll(v[C_SEQ], NULL, 10)};
    (void)columns;
    (void)names;
    /* What a person ordered by a rollback, and what no rule asked for, is no matter of a rule. */
    if (strchr(v[C_PATH], '~') || !v[C_RULE] || !read_standing(g, v, &e, &a)) {
        return 0;
    }
    a.path = keel_strdup(v[C_PATH]);
    a.agent = keel_strdup(v[C_AGENT]);
    a.target = keel_strdup(v[C_TARGET]);
    a.rule = keel_strdup(v[C_RULE]);
    a.waited_us = v[C_CLOSED] ? strtoll(v[C_CLOSED], NULL, 10) - strtoll(v[C_OPENED], NULL, 10) : 0;
    e.rule = a.rule;
    e.query.agent = a.agent;
    e.query.target = a.target;
    o->effects = keel_realloc(o->effects, (o->count + 1) * sizeof *o->effects);
    o->asked = keel_realloc(o->asked, (o->count + 1) * sizeof *o->asked);
    o->effects[o->count] = e;
    o->asked[o->count] = a;
    o->count++;
    return 0;
}

static int read_tables(reading *g, int64_t since_us, diag *d) {
    char since[24];
    const char *params[] = {since};
    snprintf(since, sizeof since, "%" PRId64, since_us);
    int rc = reader_query(g->r, "SELECT run, path FROM item WHERE kind <> 'approval'", NULL, 0,
                          take_strange, g, d);
    return rc ? rc : reader_query(g->r, items_sql, params, 1, take_item, g, d);
}

/* ---- the records ---- */

/* Of "post.letter.write"; NULL: there is none any more. */
static const manifest_resource *resource_of(const survey *w, const char *target) {
    const char *dot = strchr(target, '.'), *verb = strrchr(target, '.');
    char name[128];
    size_t len = dot && verb > dot ? (size_t)(verb - dot) - 1 : sizeof name;
    for (size_t i = 0; len < sizeof name && i < w->view.connection_count; i++) {
        const policy_connection *k = &w->view.connections[i];
        if (strlen(k->name) == (size_t)(dot - target) &&
            memcmp(k->name, target, strlen(k->name)) == 0) {
            memcpy(name, dot + 1, len);
            name[len] = 0;
            return manifest_find(k->plugin, name);
        }
    }
    return NULL;
}

/* As policy would see it; and whether it asks for it now, by which rule. */
static void fill(reading *g, keel_json args, keel_json decision) {
    ramp_effect *e = &g->out->effects[g->at];
    ramp_asked *a = &g->out->asked[g->at];
    keel_json inputs = keel_json_get(decision, "inputs");
    policy_decision now;
    e->resource = resource_of(g->w, a->target);
    if (!args.data || a->args || (!e->resource && strcmp(a->target, "run.spawn") != 0)) {
        return; /* it stays lost */
    }
    a->args = keel_memdup(args.data, args.len);
    a->attrs = attr_set_create();
    attr_set_fill(a->attrs, e->resource, keel_json_view(a->args, args.len));
    decided was = {.level = SENSITIVITY_DEFAULT};
    decided_inputs(inputs, &was);
    e->query.class = was.class;
    e->query.sink_external = was.external;
    e->query.tainted = was.tainted;
    e->query.reply = was.reply;
    e->query.level = was.level;
    e->query.attrs = attr_set_list(a->attrs, &e->query.attr_count);
    e->lost = false;
    policy_decide(g->w->policy, &e->query, &now);
    free(a->rule);
    a->rule = keel_strdup(now.verdict == POLICY_ASK && now.rule ? now.rule_id : "");
    e->rule = a->rule;
}

static int take_question(void *ctx, const journal_row *row) {
    reading *g = ctx;
    const ramp_asked *a = &g->out->asked[g->at];
    keel_json decision = keel_json_get(row->body, "decision");
    int64_t number = 0;
    if (row->kind != RECORD_EFFECT_WAITING || !row->body.data ||
        !keel_json_int(keel_json_get(row->body, "number"), &number) ||
        (uint64_t)number != a->number) {
        return 0;
    }
    if (keel_json_is(keel_json_get(row->body, "reason"), "approval") &&
        keel_json_is(keel_json_get(decision, "verdict"), "ask")) {
        fill(g, keel_json_get(row->body, "args"), decision);
    } else {
        g->out->effects[g->at].rule = ""; /* a budget asked */
    }
    return 0;
}

static int take_kind(void *ctx, const journal_row *row) {
    reading *g = ctx;
    if (row->kind != RECORD_APPROVAL_EDITED) {
        return take_question(g, row);
    }
    ramp_asked *a = &g->out->asked[g->at];
    effectset_add(&g->edited, a->run, place(a->run, a->path));
    a->how = "edited";
    return 0;
}

/* What was edited is what a person did not let pass; what they made of it, and had asked again, is
 * theirs and not the agent's. */
static int read_question(reading *g, diag *d) {
    ramp_effect *e = &g->out->effects[g->at];
    ramp_asked *a = &g->out->asked[g->at];
    bool before = effectset_has(&g->edited, a->run, place(a->run, a->path));
    uint64_t run = a->run;
    int rc = reader_record(g->r, a->seq, take_kind, g, d);
    rc = rc == DIAG_NOT_FOUND ? 0 : rc;
    if (rc == 0 && a->how && strcmp(a->how, "edited") == 0) {
        e->standing = RAMP_REFUSED;
        rc = reader_runs(g->r, &run, 1, take_question, g, d);
    }
    if (!a->how && (e->standing == RAMP_REFUSED || before)) {
        e->rule = "";
    }
    return rc;
}

static void free_asked(ramp_asked *a) {
    attr_set_destroy(a->attrs);
    free(a->args);
    free(a->path);
    free(a->agent);
    free(a->target);
    free(a->rule);
}

/* Those that no rule asks for any more are left out. */
static void compact(ramp_past *o) {
    size_t left = 0;
    for (size_t i = 0; i < o->count; i++) {
        if (!o->effects[i].rule[0]) {
            free_asked(&o->asked[i]);
            continue;
        }
        o->effects[left] = o->effects[i];
        o->asked[left++] = o->asked[i];
    }
    o->count = left;
}

int ramp_past_read(ramp_past *out, reader *r, const survey *w, int64_t since_us, diag *d) {
    reading g = {.out = out, .w = w, .r = r};
    *out = (ramp_past){NULL, NULL, 0};
    int rc = read_tables(&g, since_us, d);
    for (; rc == 0 && g.at < out->count; g.at++) {
        rc = read_question(&g, d);
    }
    compact(out);
    effectset_free(&g.strange);
    effectset_free(&g.edited);
    if (rc) {
        ramp_past_free(out);
    }
    return rc;
}

void ramp_past_free(ramp_past *p) {
    for (size_t i = 0; i < p->count; i++) {
        free_asked(&p->asked[i]);
    }
    free(p->effects);
    free(p->asked);
    *p = (ramp_past){NULL, NULL, 0};
}
