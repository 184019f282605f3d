#include "ramp_amend.h"

#include <stdlib.h>
#include <string.h>

#include "yamltree.h"

#define LINE_MOST 90 /* a longer band gets a line for each condition */

/* Bytes that go, and what comes in their place. */
typedef struct edit {
    size_t at, gone;
    keel_buf text;
} edit;

typedef struct amending {
    const yaml_tree *tree;
    const keel_buf *text;
    edit *edits;
    size_t count;
    diag *d;
} amending;

/* ---- places ---- */

/* Columns are characters. */
static size_t start_of(const amending *a, const yaml_node *n) {
    const keel_buf *t = a->text;
    size_t at = 0;
    for (int line = 1; line < n->line && at < t->len; line++) {
        const char *end = memchr(t->data + at, '\n', t->len - at);
        at = end ? (size_t)(end - t->data) + 1 : t->len;
    }
    for (int column = 1; column < n->column && at < t->len; column++) {
        at++;
        while (at < t->len && ((unsigned char)t->data[at] & 0xc0) == 0x80) {
            at++;
        }
    }
    return at;
}

static char char_at(const amending *a, const yaml_node *n) {
    size_t at = start_of(a, n);
    return at < a->text->len ? a->text->data[at] : 0;
}

static bool is_flow(const amending *a, const yaml_node *n) {
    char c = char_at(a, n);
    return c == '{' || c == '[';
}

/* Behind the quote that ends it; SIZE_MAX: there is none. */
static size_t end_of_quoted(const amending *a, size_t at) {
    const keel_buf *t = a->text;
    char quote = t->data[at];
    for (size_t i = at + 1; i < t->len; i++) {
        if (quote == '"' && t->data[i] == '\\') {
            i++;
        } else if (quote == '\'' && t->data[i] == '\'' && i + 1 < t->len &&
                   t->data[i + 1] == '\'') {
            i++;
        } else if (t->data[i] == quote) {
            return i + 1;
        }
    }
    return SIZE_MAX;
}

static size_t end_of_scalar(const amending *a, const yaml_node *n) {
    size_t at = start_of(a, n);
    if (n->quoted) {
        char c = char_at(a, n);
        return c == '"' || c == '\'' ? end_of_quoted(a, at) : SIZE_MAX; /* a block of text */
    }
    bool whole = at + n->len <= a->text->len && memcmp(a->text->data + at, n->text, n->len) == 0;
    return whole ? at + n->len : SIZE_MAX;
}

/* Behind the last item; for what is in brackets that is before the bracket that closes. */
static size_t end_of_items(const amending *a, const yaml_node *n);

/* Blanks, commas and comments may stand between the last item and the bracket. */
static size_t end_of(const amending *a, const yaml_node *n) {
    const keel_buf *t = a->text;
    if (n->kind == YAML_SCALAR) {
        return end_of_scalar(a, n);
    }
    size_t at = end_of_items(a, n);
    if (!is_flow(a, n)) {
        return at;
    }
    while (at < t->len && t->data[at] != ']' && t->data[at] != '}') {
        if (t->data[at] == '#') {
            at += strcspn(t->data + at, "\n");
        } else if (strchr(" \t\r\n,", t->data[at])) {
            at++;
        } else {
            return SIZE_MAX;
        }
    }
    return at < t->len ? at + 1 : SIZE_MAX;
}

static size_t end_of_items(const amending *a, const yaml_node *n) {
    return n->count ? end_of(a, n->items[n->count - 1]) : start_of(a, n) + is_flow(a, n);
}

/* ---- edits ---- */

/* The text is to be filled in. */
static edit *replace(amending *a, size_t at, size_t gone) {
    a->edits = keel_realloc(a->edits, (a->count + 1) * sizeof *a->edits);
    a->edits[a->count] = (edit){at, gone, KEEL_BUF_INIT};
    return &a->edits[a->count++];
}

static int unsafe(amending *a, const yaml_node *n) {
    yaml_fault(a->tree, n, a->d, "this is written in a way that is not changed by itself");
    return diag_next(a->d, "Write it on one line, or change it by hand.");
}

static int replace_scalar(amending *a, const yaml_node *n, const char *before, const char *text,
                          const char *after) {
    size_t at = start_of(a, n), end = n->kind == YAML_SCALAR ? end_of(a, n) : SIZE_MAX;
    if (end == SIZE_MAX) {
        return unsafe(a, n);
    }
    edit *e = replace(a, at, end - at);
    keel_buf_printf(&e->text, "%s%s%s", before, text, after);
    return 0;
}

static void put_blanks(keel_buf *out, int count) {
    for (int i = 0; i < count; i++) {
        keel_buf_putc(out, ' ');
    }
}

/* ---- a new band ---- */

static void put_conditions(const ramp_finding *f, const char *between, int indent, keel_buf *out) {
    for (size_t i = 0; i < f->condition_count; i++) {
        keel_buf_puts(out, i ? between : "");
        put_blanks(out, indent);
        keel_buf_printf(out, "%s: %s", f->conditions[i].attr, f->conditions[i].value);
    }
}

/* Above the ask, or before it where the rule stands in braces. */
static int add_band(amending *a, const yaml_node *rule, const ramp_finding *f) {
    const yaml_node *ask = NULL;
    for (size_t i = 0; i < rule->count; i++) {
        ask = strcmp(rule->keys[i]->text, "ask") == 0 ? rule->keys[i] : ask;
    }
    if (!ask) {
        return unsafe(a, rule);
    }
    edit *e = replace(a, start_of(a, ask), 0);
    keel_buf line = KEEL_BUF_INIT;
    put_conditions(f, ", ", 0, &line);
    if (is_flow(a, rule)) {
        keel_buf_printf(&e->text, "allow: { %s }, ", line.data);
    } else if (line.len < LINE_MOST) {
        keel_buf_printf(&e->text, "allow: { %s }\n", line.data);
        put_blanks(&e->text, ask->column - 1);
    } else {
        keel_buf_puts(&e->text, "allow:\n");
        put_conditions(f, "\n", ask->column + 1, &e->text);
        keel_buf_putc(&e->text, '\n');
        put_blanks(&e->text, ask->column - 1);
    }
    keel_buf_free(&line);
    return 0;
}

/* ---- the band that is there ---- */

static int append_items(amending *a, const yaml_node *list, const ramp_condition *c) {
    size_t at = end_of_items(a, list);
    if (at == SIZE_MAX) {
        return unsafe(a, list);
    }
    bool flow = is_flow(a, list);
    if (!flow) { /* what stands behind the last item is of that one */
        at += strcspn(a->text->data + at, "\r\n");
    }
    edit *e = replace(a, at, 0);
    for (size_t i = 0; i < c->more_count; i++) {
        if (flow) {
            keel_buf_puts(&e->text, list->count || i ? ", " : "");
        } else {
            keel_buf_putc(&e->text, '\n');
            put_blanks(&e->text, list->column - 1);
            keel_buf_puts(&e->text, "- ");
        }
        keel_buf_puts(&e->text, c->more[i]);
    }
    return 0;
}

static const yaml_node *key_of(const yaml_node *map, const char *name, const yaml_node **value) {
    for (size_t i = 0; map && map->kind == YAML_MAP && i < map->count; i++) {
        if (strcmp(map->keys[i]->text, name) == 0) {
            *value = map->items[i];
            return map->keys[i];
        }
    }
    return NULL;
}

static int change(amending *a, const yaml_node *allow, const ramp_condition *c) {
    const yaml_node *checks = NULL, *value = NULL;
    keel_buf before = KEEL_BUF_INIT;
    if (!key_of(allow, c->attr, &checks)) {
        return unsafe(a, allow);
    }
    if (!c->was[0]) {
        keel_buf_printf(&before, "{ %s: ", c->op);
        int rc = replace_scalar(a, checks, before.data, c->value, " }");
        keel_buf_free(&before);
        return rc;
    }
    const yaml_node *key = key_of(checks, c->was, &value);
    int rc = !key                         ? unsafe(a, checks)
             : strcmp(c->was, c->op) == 0 ? 0
                                          : replace_scalar(a, key, "", c->op, "");
    if (rc) {
        return rc;
    }
    return value->kind == YAML_LIST ? append_items(a, value, c)
                                    : replace_scalar(a, value, "", c->value, "");
}

static int add_condition(amending *a, const yaml_node *allow, const ramp_condition *c) {
    size_t end = end_of_items(a, allow);
    if (end == SIZE_MAX || allow->count == 0) {
        return unsafe(a, allow);
    }
    bool flow = is_flow(a, allow);
    edit *e = replace(a, flow ? end : start_of(a, allow->keys[0]), 0);
    if (flow) {
        keel_buf_printf(&e->text, ", %s: %s", c->attr, c->value);
    } else {
        keel_buf_printf(&e->text, "%s: %s\n", c->attr, c->value);
        put_blanks(&e->text, allow->keys[0]->column - 1);
    }
    return 0;
}

static int change_band(amending *a, const yaml_node *rule, const ramp_finding *f) {
    const yaml_node *allow = yaml_get(rule, "allow");
    int rc = allow && allow->kind == YAML_MAP ? 0 : unsafe(a, rule);
    for (size_t i = 0; rc == 0 && i < f->condition_count; i++) {
        const ramp_condition *c = &f->conditions[i];
        rc = c->was ? change(a, allow, c) : add_condition(a, allow, c);
    }
    return rc;
}

/* ---- the file ---- */

static const yaml_node *find_rule(const yaml_node *root, const char *id) {
    const yaml_node *rules = root->kind == YAML_MAP ? yaml_get(root, "rules") : NULL;
    for (size_t i = 0; rules && rules->kind == YAML_LIST && i < rules->count; i++) {
        const yaml_node *name =
            rules->items[i]->kind == YAML_MAP ? yaml_get(rules->items[i], "id") : NULL;
        if (name && name->kind == YAML_SCALAR && strcmp(name->text, id) == 0) {
            return rules->items[i];
        }
    }
    return NULL;
}

/* In the order of their places; of two at one place the one that was made first comes first. */
static void apply(const amending *a, keel_buf *out) {
    bool *done = keel_alloc((a->count + 1) * sizeof *done);
    size_t from = 0;
    memset(done, 0, (a->count + 1) * sizeof *done);
    for (size_t n = 0; n < a->count; n++) {
        size_t best = a->count;
        for (size_t i = 0; i < a->count; i++) {
            if (!done[i] && (best == a->count || a->edits[i].at < a->edits[best].at)) {
                best = i;
            }
        }
        const edit *e = &a->edits[best];
        done[best] = true;
        if (e->at >= from) {
            keel_buf_append(out, a->text->data + from, e->at - from);
        }
        keel_buf_append(out, e->text.data, e->text.len);
        from = e->at + e->gone;
    }
    keel_buf_append(out, a->text->data + from, a->text->len - from);
    free(done);
}

int ramp_amend(const char *file, const keel_buf *text, const ramp_finding *f, keel_buf *out,
               int *line, diag *d) {
    yaml_tree *t = NULL;
    int rc = yaml_tree_parse(&t, file, text->data ? text->data : "", text->len, d);
    if (rc) {
        return rc;
    }
    amending a = {.tree = t, .text = text, .d = d};
    const yaml_node *rule = find_rule(yaml_tree_root(t), f->rule);
    rc = !rule     ? unsafe(&a, yaml_tree_root(t))
         : f->band ? add_band(&a, rule, f)
                   : change_band(&a, rule, f);
    if (rc == 0) {
        *line = rule->line;
        apply(&a, out);
    }
    for (size_t i = 0; i < a.count; i++) {
        keel_buf_free(&a.edits[i].text);
    }
    free(a.edits);
    yaml_tree_destroy(t);
    return rc;
}
