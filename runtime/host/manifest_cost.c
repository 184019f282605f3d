/* What an attempt of a verb costs: money, and tokens of a model. */
#include <string.h>

#include "manifest_read.h"
#include "tokens.h"

int manifest_path(manifest_reader *r, const yaml_node *n, const char *what, const char **out) {
    int rc = manifest_text(r, n, what, out);
    if (rc) {
        return rc;
    }
    const char *p = *out;
    bool dotted = *p == '.' || p[strlen(p) - 1] == '.' || strstr(p, "..");
    if (dotted || strpbrk(p, " \t[]{}$*\"'/")) {
        yaml_fault(r->tree, n, r->d, "%s wants the name of a field, not \"%.60s\"", what, p);
        diag_next(r->d,
                  "Write a field of the body, with dots for what lies deeper: `client.email`.");
        return DIAG_USAGE;
    }
    return 0;
}

static int read_money(manifest_reader *r, const yaml_node *verb, manifest_verb *v) {
    static const char *const known[] = {"estimate", NULL};
    const yaml_node *n = yaml_get(verb, "cost");
    if (!n) {
        return 0;
    }
    int rc = manifest_map(r, n, "cost");
    if (rc == 0) {
        rc = yaml_known_keys(r->tree, n, known, r->d);
    }
    if (rc) {
        return rc;
    }
    const yaml_node *e = yaml_get(n, "estimate");
    if (!yaml_money(e, &v->cost_micros, v->currency) || v->cost_micros < 0) {
        v->cost_micros = 0;
        return manifest_fault(r, e ? e : n, "cost wants an estimate in money",
                              "Write `cost: { estimate: 0.002 USD }`.");
    }
    return 0;
}

static const char tokens_help[] =
    "Write for example `tokens: { input: 4000, output: 1000, max: max_tokens, model: model }`.";

static int read_count(manifest_reader *r, const yaml_node *n, const char *what, int64_t *out) {
    if (n && yaml_int(n, out) && *out >= 0 && *out <= TOKENS_MOST) {
        return 0;
    }
    *out = 0;
    yaml_fault(r->tree, n, r->d, "%s is how many tokens an attempt uses, from 0 to a billion",
               what);
    diag_next(r->d, "%s", tokens_help);
    return DIAG_USAGE;
}

static int read_field(manifest_reader *r, const yaml_node *map, const char *key, const char **out) {
    const yaml_node *n = yaml_get(map, key);
    return n ? manifest_path(r, n, key, out) : 0;
}

static int read_tokens(manifest_reader *r, const yaml_node *verb, manifest_tokens *t) {
    static const char *const known[] = {"input", "output", "max", "model", NULL};
    const yaml_node *n = yaml_get(verb, "tokens");
    if (!n) {
        return 0;
    }
    int rc = manifest_map(r, n, "tokens");
    rc = rc ? rc : yaml_known_keys(r->tree, n, known, r->d);
    if (rc == 0 && (!yaml_get(n, "input") || !yaml_get(n, "output"))) {
        rc = manifest_fault(r, n, "tokens wants an estimate of input and output", tokens_help);
    }
    rc = rc ? rc : read_count(r, yaml_get(n, "input"), "input", &t->input);
    rc = rc ? rc : read_count(r, yaml_get(n, "output"), "output", &t->output);
    rc = rc ? rc : read_field(r, n, "max", &t->max);
    rc = rc ? rc : read_field(r, n, "model", &t->model);
    if (rc == 0 && t->input + t->output == 0) {
        rc = manifest_fault(r, n, "an attempt that uses no tokens needs no `tokens`",
                            "Estimate what it uses, or remove the line.");
    }
    t->present = rc == 0;
    return rc;
}

int manifest_cost(manifest_reader *r, const yaml_node *verb, manifest_verb *v) {
    int rc = read_money(r, verb, v);
    return rc ? rc : read_tokens(r, verb, &v->tokens);
}
