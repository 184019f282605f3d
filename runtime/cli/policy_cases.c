#include "policy_cases_int.h"

#include <stdlib.h>
#include <string.h>

#define CASES_MAX 4000
#define WORDS_MAX 512

typedef case_reading reading;

const char *const case_verdicts[] = {"deny", "ask", "allow", "wait", NULL};

/* ---- faults ---- */

int case_fault(reading *r, const yaml_node *n, const char *what, const char *next) {
    yaml_fault(r->tree, n, r->d, "%s", what);
    return diag_next(r->d, "%s", next);
}

/* What is not among the words, with the nearest that is. */
static int no_such(reading *r, const yaml_node *n, const char *kind, const char *name,
                   const char *const *words, const char *next) {
    const char *near = did_you_mean(name, words);
    yaml_fault(r->tree, n, r->d, "there is no %s \"%.60s\"", kind, name);
    return near ? diag_next(r->d, "Did you mean \"%s\"?", near) : diag_next(r->d, "%s", next);
}

int case_text(reading *r, const yaml_node *map, const char *key, char **out) {
    const yaml_node *n = yaml_get(map, key);
    if (!n) {
        yaml_fault(r->tree, map, r->d, "the case has no %s", key);
        return diag_next(r->d, "A case has at least name, agent, on and expect.");
    }
    if (n->kind != YAML_SCALAR || n->len == 0) {
        yaml_fault(r->tree, n, r->d, "%s is a text", key);
        return diag_next(r->d, "Write one word, or a text in quotes.");
    }
    *out = keel_strdup(n->text);
    return 0;
}

/* Which of the words it is. */
int case_choose(reading *r, const yaml_node *n, const char *key, const char *const *words,
                int *out) {
    for (int i = 0; n->kind == YAML_SCALAR && words[i]; i++) {
        if (strcmp(n->text, words[i]) == 0) {
            *out = i;
            return 0;
        }
    }
    keel_buf all = KEEL_BUF_INIT;
    const char *near = n->kind == YAML_SCALAR ? did_you_mean(n->text, words) : NULL;
    for (int i = 0; words[i]; i++) {
        keel_buf_printf(&all, "%s%s", i ? (words[i + 1] ? ", " : " or ") : "", words[i]);
    }
    yaml_fault(r->tree, n, r->d, "%s is %s", key, all.data);
    int rc = near ? diag_next(r->d, "Did you mean \"%s\"?", near)
                  : diag_next(r->d, "Write one of them.");
    keel_buf_free(&all);
    return rc;
}

/* ---- names ---- */

int case_agent(reading *r, const yaml_node *map) {
    const char *words[WORDS_MAX + 1];
    size_t count = 0;
    int rc = case_text(r, map, "agent", &r->now->agent);
    for (size_t i = 0; i < r->world->agent_count && count < WORDS_MAX; i++) {
        words[count++] = r->world->agents[i];
        if (rc == 0 && strcmp(r->world->agents[i], r->now->agent) == 0) {
            return 0;
        }
    }
    words[count] = NULL;
    return rc ? rc
              : no_such(r, yaml_get(map, "agent"), "agent", r->now->agent, words,
                        "`keel agent list` shows all.");
}

static int find_connection(reading *r, const yaml_node *n, const char *name,
                           const manifest **plugin) {
    const char *words[WORDS_MAX + 2] = {"run.spawn"};
    size_t count = 1;
    for (size_t i = 0; i < r->world->connection_count && count <= WORDS_MAX; i++) {
        const policy_connection *c = &r->world->connections[i];
        words[count++] = c->name;
        if (strcmp(c->name, name) == 0) {
            *plugin = c->plugin;
            return 0;
        }
    }
    words[count] = NULL;
    return no_such(r, n, "connection", name, words, "`keel connection list` shows all.");
}

static int find_resource(reading *r, const yaml_node *n, const manifest *m, const char *name) {
    const char *words[WORDS_MAX + 1];
    size_t count = 0;
    r->now->resource = manifest_find(m, name);
    for (; count < m->resource_count && count < WORDS_MAX; count++) {
        words[count] = m->resources[count].name;
    }
    words[count] = NULL;
    return r->now->resource ? 0
                            : no_such(r, n, "resource of the connection", name, words,
                                      "`keel connection show NAME` lists its resources.");
}

static int find_verb(reading *r, const yaml_node *n, const char *name) {
    const char *words[VERB_COUNT + 1];
    size_t count = 0;
    for (int v = VERB_READ; v < VERB_COUNT; v++) {
        const manifest_verb *verb = &r->now->resource->verbs[v];
        if (!verb->present) {
            continue;
        }
        words[count++] = manifest_verb_name((manifest_verb_id)v);
        if (strcmp(words[count - 1], name) == 0) {
            r->now->verb = verb;
            r->now->class = verb->class;
            r->now->external = verb->sink_external;
            r->now->ordered = v == VERB_COMPENSATE; /* only a person's rollback asks for it */
            return 0;
        }
    }
    words[count] = NULL;
    return no_such(r, n, "verb of the resource", name, words,
                   "`keel connection show NAME` lists its verbs.");
}

int case_target(reading *r, const yaml_node *map) {
    const yaml_node *n = yaml_get(map, "on");
    const manifest *plugin = NULL;
    char parts[3][128] = {"", "", ""};
    int rc = case_text(r, map, "on", &r->now->target);
    if (rc) {
        return rc;
    }
    if (strcmp(r->now->target, "run.spawn") == 0) {
        r->now->class = CLASS_LOCAL;
        return 0;
    }
    int given = sscanf(r->now->target, "%127[^.].%127[^.].%127[^.]", parts[0], parts[1], parts[2]);
    size_t whole = strlen(parts[0]) + strlen(parts[1]) + strlen(parts[2]) + 2;
    if (given != 3 || whole != n->len || strpbrk(n->text, "*?")) {
        return case_fault(
            r, n, "a case is about one verb, not about a pattern",
            "Write connection.resource.verb, such as inbox.message.write, or run.spawn.");
    }
    rc = find_connection(r, n, parts[0], &plugin);
    rc = rc ? rc : find_resource(r, n, plugin, parts[1]);
    return rc ? rc : find_verb(r, n, parts[2]);
}

static int read_rule(reading *r, const yaml_node *map) {
    static const char *const built_in[] = {"base.reads", "base.undo", "none"};
    const yaml_node *n = yaml_get(map, "rule");
    if (!n) {
        return 0;
    }
    int rc = case_text(r, map, "rule", &r->now->rule);
    if (rc || policy_rule_named(r->policy, r->now->rule)) {
        return rc;
    }
    size_t rules = policy_rule_count(r->policy), count = 0;
    const char **words = keel_alloc((rules + 4) * sizeof *words);
    for (size_t i = 0; i < 3; i++) {
        words[count++] = built_in[i];
        rc = strcmp(built_in[i], r->now->rule) == 0 ? 1 : rc;
    }
    for (size_t i = 0; i < rules; i++) {
        words[count++] = policy_rule_id(r->policy, i);
    }
    words[count] = NULL;
    rc = rc == 1 ? 0
                 : no_such(r, n, "rule", r->now->rule, words,
                           "`keel policy show` has the rules; `none` stands for: no rule speaks.");
    free(words);
    return rc;
}

/* ---- the rest of a case ---- */

int case_args(reading *r, const yaml_node *map) {
    const yaml_node *n = yaml_get(map, "args");
    if (!n) {
        keel_buf_puts(&r->now->args, "{}");
        return 0;
    }
    if (n->kind != YAML_MAP) {
        return case_fault(r, n, "args are the fields of what is asked for",
                          "Write args: { to: [x@client.example] }.");
    }
    return yaml_to_json(r->tree, n, &r->now->args, r->d);
}

/* A write, whose connector says what an answer is. */
static bool can_answer(const policy_case *c) {
    const char *verb = strrchr(c->target, '.');
    return manifest_origin(c->resource) && verb && strcmp(verb, ".read") != 0;
}

static int read_seen(reading *r, const yaml_node *map) {
    static const char *const sinks[] = {"internal", "external", NULL};
    static const char *const classes[] = {"read", "local",      "keyed", "checkable",
                                          "once", "repeatable", NULL};
    const yaml_node *tainted = yaml_get(map, "tainted"), *sink = yaml_get(map, "sink");
    const yaml_node *class = yaml_get(map, "class"), *level = yaml_get(map, "sensitivity");
    const yaml_node *answers = yaml_get(map, MANIFEST_ORIGIN);
    int which = SENSITIVITY_DEFAULT, rc = 0;
    bool replies = false;
    if (tainted && !yaml_bool(tainted, &r->now->tainted)) {
        return case_fault(r, tainted, "tainted is true or false",
                          "Write tainted: true where the run has read untrusted text.");
    }
    r->now->reply = can_answer(r->now) ? REPLY_NO : REPLY_NONE;
    if (answers && (!yaml_bool(answers, &replies) || !r->now->reply)) {
        return case_fault(
            r, answers,
            r->now->reply ? "to_origin is true or false"
                          : "what this asks for is no answer: its manifest has no to_origin",
            "Write to_origin: true where a write goes to nobody but who wrote what it "
            "answers.");
    }
    r->now->reply = replies ? REPLY_YES : r->now->reply;
    rc = level ? case_choose(r, level, "sensitivity", sensitivity_names, &which) : 0;
    r->now->level = (sensitivity)which;
    if (rc == 0 && sink) {
        rc = case_choose(r, sink, "sink", sinks, &which);
        r->now->external = which == 1;
    }
    if (rc == 0 && class) {
        rc = case_choose(r, class, "class", classes, &which);
        r->now->class = (effect_class)(CLASS_READ + which);
    }
    return rc;
}

static int read_expect(reading *r, const yaml_node *map) {
    const yaml_node *n = yaml_get(map, "expect");
    int which = 0;
    if (!n) {
        return case_fault(r, map, "the case does not say what it expects",
                          "Add expect: allow, ask, deny or wait.");
    }
    int rc = case_choose(r, n, "expect", case_verdicts, &which);
    r->now->expect = which;
    return rc == 0 && which == CASE_WAIT && !r->now->whole
               ? case_fault(r, n, "what only waits is let by its rules",
                            "Give the case a `past` (or `at`): then budgets, rates and quiet hours "
                            "are looked at too.")
               : rc;
}

static int read_case(reading *r, const yaml_node *n) {
    static const char *const known[] = {"name",        "agent",     "on",    "args",   "tainted",
                                        "sensitivity", "sink",      "class", "expect", "rule",
                                        "past",        "to_origin", "at",    "budget", NULL};
    if (n->kind != YAML_MAP) {
        return case_fault(r, n, "this is no case",
                          "Begin it as - { name: ..., agent: ..., on: ... }.");
    }
    r->now->line = n->line;
    r->now->column = n->column;
    int rc = yaml_known_keys(r->tree, n, known, r->d);
    rc = rc ? rc : case_text(r, n, "name", &r->now->name);
    rc = rc ? rc : case_agent(r, n);
    rc = rc ? rc : case_target(r, n);
    rc = rc ? rc : case_args(r, n);
    rc = rc ? rc : read_seen(r, n);
    rc = rc ? rc : case_read_past(r, n);
    rc = rc ? rc : read_expect(r, n);
    return rc ? rc : read_rule(r, n);
}

static int read_all(reading *r, policy_cases *out) {
    static const char *const known[] = {"version", "cases", NULL};
    const yaml_node *root = yaml_tree_root(r->tree);
    int64_t version;
    if (root->kind != YAML_MAP) {
        return case_fault(r, root, "a file of cases is a map",
                          "Begin it with version: 1 and cases:.");
    }
    const yaml_node *v = yaml_get(root, "version"), *list = yaml_get(root, "cases");
    int rc = yaml_known_keys(r->tree, root, known, r->d);
    if (rc == 0 && (!yaml_int(v, &version) || version != 1)) {
        rc = case_fault(r, v ? v : root,
                        v ? "this version of the format is not known" : "version is missing",
                        "Write `version: 1`.");
    }
    if (rc == 0 && (!list || list->kind != YAML_LIST || list->count > CASES_MAX)) {
        rc = case_fault(r, list ? list : root, "cases is a list of up to 4,000 cases",
                        "Begin each with a dash.");
    }
    if (rc == 0) {
        out->list = keel_alloc((list->count + 1) * sizeof *out->list);
    }
    for (size_t i = 0; rc == 0 && i < list->count; i++) {
        r->now = &out->list[out->count++];
        memset(r->now, 0, sizeof *r->now);
        rc = read_case(r, list->items[i]);
    }
    return rc;
}

int policy_cases_read(policy_cases *out, const policy_source *file, const policy *p,
                      const policy_world *world, diag *d) {
    yaml_tree *tree = NULL;
    *out = (policy_cases){NULL, 0};
    int rc = yaml_tree_parse(&tree, file->file, file->text, file->len, d);
    if (rc == 0) {
        reading r = {tree, p, world, NULL, d};
        rc = read_all(&r, out);
    }
    yaml_tree_destroy(tree);
    if (rc) {
        policy_cases_free(out);
    }
    return rc;
}

void policy_cases_free(policy_cases *c) {
    for (size_t i = 0; i < c->count; i++) {
        free(c->list[i].name);
        free(c->list[i].agent);
        free(c->list[i].target);
        free(c->list[i].rule);
        free(c->list[i].budget);
        keel_buf_free(&c->list[i].args);
        case_past_free(&c->list[i]);
    }
    free(c->list);
    *c = (policy_cases){NULL, 0};
}

policy_query policy_case_query(const policy_case *c, attr_set *set) {
    attr_set_fill(set, c->resource, keel_json_view(c->args.data, c->args.len));
    policy_query q = {.agent = c->agent,
                      .target = c->target,
                      .class = c->class,
                      .tainted = c->tainted,
                      .level = c->level,
                      .sink_external = c->external,
                      .reply = c->reply,
                      .ordered = c->ordered};
    q.attrs = attr_set_list(set, &q.attr_count);
    return q;
}
