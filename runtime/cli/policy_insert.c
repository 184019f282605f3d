#include "policy_insert.h"

#include <string.h>

#include "yamltree.h"

/* Where the line with this number begins; the end of the text when it has fewer. */
static size_t line_at(const keel_buf *text, int line) {
    size_t at = 0;
    for (int n = 1; n < line && at < text->len; n++) {
        const char *end = memchr(text->data + at, '\n', text->len - at);
        at = end ? (size_t)(end - text->data) + 1 : text->len;
    }
    return at;
}

static int line_of(const keel_buf *text) {
    int lines = 1;
    for (size_t i = 0; i < text->len; i++) {
        lines += text->data[i] == '\n';
    }
    return lines;
}

/* Blank, or nothing but a comment that begins no deeper than the keys of the file. */
static bool is_between(const keel_buf *text, size_t from, size_t to) {
    size_t at = from + strspn(text->data + from, " ");
    return at >= to || text->data[at] == '\n' || text->data[at] == '\r' ||
           (text->data[at] == '#' && at == from);
}

/* The key of the file that follows `rules`, or the end; comments above it are its own. */
static size_t end_of_rules(const keel_buf *text, const yaml_node *root, const yaml_node *key) {
    int next = 0;
    for (size_t i = 0; i < root->count; i++) {
        int line = root->keys[i]->line;
        if (line > key->line && (!next || line < next)) {
            next = line;
        }
    }
    size_t at = next ? line_at(text, next) : text->len;
    while (at > line_at(text, key->line + 1)) {
        size_t before = at - 1;
        while (before > 0 && text->data[before - 1] != '\n') {
            before--;
        }
        if (!is_between(text, before, at)) {
            break;
        }
        at = before;
    }
    return at;
}

/* Blanks before the dash of the list's first item. */
static size_t indent_of(const keel_buf *text, const yaml_node *list) {
    size_t at = line_at(text, list->count ? list->items[0]->line : list->line);
    return list->count ? strspn(text->data + at, " ") : 2;
}

static void put_indented(const keel_buf *rule, size_t indent, keel_buf *out) {
    for (const char *p = rule->data; p && *p;) {
        size_t n = strcspn(p, "\n"), given = strspn(p, " ");
        size_t skip = given < 2 ? given : 2;
        for (size_t i = 0; i < indent && n > skip; i++) {
            keel_buf_putc(out, ' ');
        }
        keel_buf_append(out, p + skip, n - skip);
        keel_buf_putc(out, '\n');
        p += n + (p[n] == '\n');
    }
}

static void break_line(keel_buf *out) {
    if (out->len && out->data[out->len - 1] != '\n') {
        keel_buf_putc(out, '\n');
    }
}

static int in_brackets(const yaml_tree *t, const yaml_node *n, diag *d) {
    yaml_fault(t, n, d, "the rules of this file are not written with dashes");
    return diag_next(d, "Write each rule on lines of its own, begun with a dash, or name another "
                        "file.");
}

static const yaml_node *find_key(const yaml_node *root, const char *name, const yaml_node **value) {
    for (size_t i = 0; root->kind == YAML_MAP && i < root->count; i++) {
        if (strcmp(root->keys[i]->text, name) == 0) {
            *value = root->items[i];
            return root->keys[i];
        }
    }
    return NULL;
}

static void append_rules(const keel_buf *text, const yaml_node *root, const keel_buf *rule,
                         keel_buf *out, int *line) {
    keel_buf_append(out, text->data, text->len);
    break_line(out);
    if (root->kind != YAML_MAP || root->count == 0) {
        keel_buf_puts(out, "version: 1\n");
    }
    keel_buf_puts(out, "\nrules:\n");
    *line = line_of(out);
    put_indented(rule, 2, out);
}

int policy_insert(const char *file, const keel_buf *text, const keel_buf *rule, keel_buf *out,
                  int *line, diag *d) {
    yaml_tree *t = NULL;
    const yaml_node *list = NULL;
    int rc = yaml_tree_parse(&t, file, text->data ? text->data : "", text->len, d);
    if (rc) {
        return rc;
    }
    const yaml_node *root = yaml_tree_root(t), *key = find_key(root, "rules", &list);
    bool empty = list && list->kind == YAML_SCALAR && list->len == 0 && !list->quoted;
    if (!key) {
        append_rules(text, root, rule, out, line);
    } else if (!empty &&
               (list->kind != YAML_LIST || list->count == 0 || list->items[0]->line == key->line ||
                text->data[line_at(text, list->items[0]->line) + indent_of(text, list)] != '-')) {
        rc = in_brackets(t, list, d);
    } else {
        size_t at = end_of_rules(text, root, key);
        keel_buf_append(out, text->data, at);
        break_line(out);
        keel_buf_puts(out, empty ? "" : "\n");
        *line = line_of(out);
        put_indented(rule, empty ? 2 : indent_of(text, list), out);
        keel_buf_append(out, text->data + at, text->len - at);
    }
    yaml_tree_destroy(t);
    return rc;
}
