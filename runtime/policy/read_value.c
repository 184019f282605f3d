/* Texts, values and lists of a policy file. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compileint.h"

int compile_map(compiler *c, const yaml_node *n, const char *what) {
    if (n->kind == YAML_MAP) {
        return 0;
    }
    yaml_fault(c->tree, n, c->d, "%s wants a map", what);
    diag_next(c->d, "Write `key: value` lines below it, or { key: value }; {} is the empty map.");
    return DIAG_USAGE;
}

int compile_list(compiler *c, const yaml_node *n, const char *what) {
    if (n->kind == YAML_LIST) {
        return 0;
    }
    yaml_fault(c->tree, n, c->d, "%s wants a list", what);
    diag_next(c->d, "Write [one, two], or lines that begin with a dash.");
    return DIAG_USAGE;
}

/* ---- what YAML itself reads in a plain scalar: the core schema of YAML 1.2, as editors do ---- */

static bool among(const char *s, const char *const *words) {
    while (*words && strcmp(*words, s) != 0) {
        words++;
    }
    return *words != NULL;
}

static bool yaml_null(const yaml_node *n) {
    static const char *const words[] = {"", "~", "null", "Null", "NULL", NULL};
    return !n->quoted && among(n->text, words);
}

static bool yaml_number(const char *s) {
    static const char digits[] = "0123456789";
    static const char *const words[] = {".nan",  ".NaN",  ".NAN",  ".inf",  ".Inf",
                                        ".INF",  "-.inf", "-.Inf", "-.INF", "+.inf",
                                        "+.Inf", "+.INF", NULL};
    if (s[0] == '0' && (s[1] == 'x' || s[1] == 'o') && s[2]) {
        return s[2 + strspn(s + 2, s[1] == 'x' ? "0123456789abcdefABCDEF" : "01234567")] == 0;
    }
    if (among(s, words)) {
        return true;
    }
    s += *s == '-' || *s == '+';
    size_t whole = strspn(s, digits);
    size_t part = s[whole] == '.' ? strspn(s + whole + 1, digits) : 0;
    if (whole + part == 0) {
        return false;
    }
    s += whole + (s[whole] == '.' ? 1 + part : 0);
    if (*s == 'e' || *s == 'E') {
        s += s[1] == '-' || s[1] == '+' ? 2 : 1;
        size_t power = strspn(s, digits);
        return power && s[power] == 0;
    }
    return *s == 0;
}

/* A number or a truth value to YAML. */
static bool yaml_typed(const yaml_node *n) {
    static const char *const words[] = {"true", "True", "TRUE", "false", "False", "FALSE", NULL};
    return !n->quoted && (among(n->text, words) || yaml_number(n->text));
}

static int refuse_typed(compiler *c, const yaml_node *n, const char *what) {
    yaml_fault(c->tree, n, c->d, "%s wants a text, and %.60s is none", what,
               n->len ? n->text : "nothing");
    diag_next(c->d, "Quote it, if that is its name: \"%.60s\".", n->text);
    return DIAG_USAGE;
}

/* ---- texts ---- */

int compile_text(compiler *c, const yaml_node *n, const char *what, const char **out) {
    if (n->kind == YAML_SCALAR && n->len && (yaml_null(n) || yaml_typed(n))) {
        return refuse_typed(c, n, what);
    }
    if (n->kind != YAML_SCALAR || n->len == 0 || n->len > 200) {
        yaml_fault(c->tree, n, c->d, "%s wants a text of 1 to 200 characters", what);
        diag_next(c->d, "Write it on the same line.");
        return DIAG_USAGE;
    }
    *out = policy_copy(c->p, n->text, n->len);
    return 0;
}

int compile_word(compiler *c, const yaml_node *n, const char *what, const char **out) {
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    bool good = n->kind == YAML_SCALAR && n->len > 0 && n->len < 64 &&
                strspn(n->text, letters) == n->len && isalnum((unsigned char)n->text[0]);
    if (!good) {
        yaml_fault(c->tree, n, c->d, "%s cannot be \"%.60s\"", what,
                   n->kind == YAML_SCALAR ? n->text : "a list or map");
        diag_next(c->d, "Use up to 63 letters, digits, -, _ and dots.");
        return DIAG_USAGE;
    }
    *out = policy_copy(c->p, n->text, n->len);
    return 0;
}

int compile_name(compiler *c, const yaml_node *n, const char *what, const char **out) {
    bool typed = n->kind == YAML_SCALAR && (yaml_null(n) || yaml_typed(n));
    return typed ? refuse_typed(c, n, what) : compile_word(c, n, what, out);
}

const yaml_node *compile_words_at(const yaml_node *n, size_t i) {
    return n->kind == YAML_LIST ? n->items[i] : n;
}

int compile_words(compiler *c, const yaml_node *n, const char *what, const char ***out,
                  size_t *count) {
    if (n->kind == YAML_MAP || (n->kind == YAML_LIST && n->count == 0)) {
        yaml_fault(c->tree, n, c->d, "%s wants one or more names", what);
        diag_next(c->d, "Write [one, two], or leave the line out.");
        return DIAG_USAGE;
    }
    size_t total = n->kind == YAML_LIST ? n->count : 1;
    const char **words = policy_alloc(c->p, total * sizeof *words);
    for (size_t i = 0; i < total; i++) {
        int rc = compile_text(c, compile_words_at(n, i), what, &words[i]);
        if (rc) {
            return rc;
        }
    }
    *out = words;
    *count = total;
    return 0;
}

/* ---- values ---- */

/* -12, 0.5: what JSON calls a number, without an exponent. */
static bool number_of(const char *s, double *out) {
    const char *p = s + (*s == '-');
    size_t n = strspn(p, "0123456789");
    if (n == 0 || (p[0] == '0' && n > 1)) {
        return false;
    }
    p += n;
    if (*p == '.') {
        n = strspn(p + 1, "0123456789");
        if (n == 0) {
            return false;
        }
        p += 1 + n;
    }
    if (*p) {
        return false;
    }
    *out = strtod(s, NULL);
    return true;
}

/* "$own" where no list can stand: whoever wrote it means the list. */
static const char *list_meant(const yaml_node *n) {
    bool name = n->kind == YAML_SCALAR && n->text[0] == '$' && isalpha((unsigned char)n->text[1]);
    const char *end = name ? n->text + 1 : "-";
    while (isalnum((unsigned char)*end) || (name && *end && strchr("-_.", *end))) {
        end++;
    }
    return *end ? NULL : n->text + 1;
}

static int refuse_list(compiler *c, const yaml_node *n) {
    const char *name = list_meant(n);
    for (size_t i = 0; name && i < c->list_count; i++) {
        if (strcmp(c->lists[i].name, name) == 0) {
            yaml_fault(c->tree, n, c->d, "%.60s is a list, and only `in` and `not_in` look at one",
                       n->text);
            diag_next(c->d, "Write `in: %.60s` or `not_in: %.60s`; a list holds no other list.",
                      n->text, n->text);
            return DIAG_USAGE;
        }
    }
    return 0;
}

static void warn_list(compiler *c, const yaml_node *n) {
    if (list_meant(n)) {
        char text[128];
        snprintf(text, sizeof text, "\"%.60s\" is a text here, and names no list", n->text);
        compile_warn(
            c, yaml_tree_file(c->tree), n->line, n->column, text,
            "A list stands below `lists`, and is named by `in: $name` or `not_in: $name`.");
    }
}

static int read_value(compiler *c, const yaml_node *n, attr_value *out) {
    if (n->kind != YAML_SCALAR) {
        return compile_fault(c, n, "a single value is wanted here",
                             "Write a text, a number, an amount such as 100 EUR, true or false; "
                             "several values stand behind `in`.");
    }
    if (yaml_null(n)) {
        return compile_fault(c, n, "a value is missing here",
                             "Write it, in quotes where it is the empty text or the word null.");
    }
    *out =
        (attr_value){.type = ATTR_TEXT, .text = policy_copy(c->p, n->text, n->len), .len = n->len};
    bool yes;
    if (yaml_bool(n, &yes)) {
        out->type = ATTR_BOOL;
        out->number = yes;
    } else if (!n->quoted && number_of(n->text, &out->number)) {
        out->type = ATTR_NUMBER;
    } else if (yaml_money(n, &out->micros, out->currency)) {
        out->type = ATTR_MONEY;
    } else if (yaml_typed(n)) {
        yaml_fault(c->tree, n, c->d, "%.60s can be read in two ways: as a text, or not", n->text);
        diag_next(c->d, "Write true, false, or a number in decimal digits such as 1000 or 0.5; "
                        "put a text in quotes.");
        return DIAG_USAGE;
    }
    return refuse_list(c, n);
}

int compile_value(compiler *c, const yaml_node *n, attr_value *out) {
    int rc = read_value(c, n, out);
    if (rc == 0) {
        warn_list(c, n);
    }
    return rc;
}

/* ---- sets ---- */

static int find_list(compiler *c, const yaml_node *n, const named_list **out) {
    const char **names = keel_alloc((c->list_count + 1) * sizeof *names);
    const named_list *found = NULL;
    for (size_t i = 0; i < c->list_count; i++) {
        names[i] = c->lists[i].name;
        if (strcmp(names[i], n->text + 1) == 0) {
            found = &c->lists[i];
        }
    }
    names[c->list_count] = NULL;
    if (!found) {
        const char *near = did_you_mean(n->text + 1, names);
        yaml_fault(c->tree, n, c->d, "there is no list \"%.60s\"", n->text + 1);
        if (near) {
            diag_next(c->d, "Did you mean $%s?", near);
        } else {
            diag_next(c->d, "Add it: `lists: { %.60s: [...] }`.", n->text + 1);
        }
    }
    free(names);
    *out = found;
    return found ? 0 : DIAG_USAGE;
}

static void index_texts(policy *p, value_set *s) {
    uint32_t size = 4;
    while (size < s->count * 2) {
        size *= 2;
    }
    uint32_t *slots = policy_alloc(p, size * sizeof *slots);
    s->mask = size - 1;
    for (size_t i = 0; i < s->count; i++) {
        uint32_t at = (uint32_t)text_hash(s->items[i].text, s->items[i].len, s->fold) & s->mask;
        while (slots[at]) {
            at = (at + 1) & s->mask;
        }
        slots[at] = (uint32_t)i + 1;
    }
    s->slots = slots;
}

static int check_item(compiler *c, const yaml_node *n, const attr_value *first,
                      const attr_value *v) {
    if (v->type != first->type) {
        return compile_fault(c, n, "the values of this list are of different types",
                             "Quote what is meant as text.");
    }
    if (v->type == ATTR_MONEY && strcmp(v->currency, first->currency) != 0) {
        return compile_fault(c, n, "mixed currencies in one list",
                             "Write a rule for each currency; amounts are never converted.");
    }
    return 0;
}

static int fill_set(compiler *c, const yaml_node *n, bool fold, value_set *out) {
    attr_value *items = policy_alloc(c->p, n->count * sizeof *items);
    for (size_t i = 0; i < n->count; i++) {
        int rc = read_value(c, n->items[i], &items[i]);
        if (rc == 0) {
            rc = check_item(c, n->items[i], &items[0], &items[i]);
        }
        if (rc) {
            return rc;
        }
        if (!out->list) { /* of a list with a name it is told where that stands */
            warn_list(c, n->items[i]);
        }
    }
    out->items = items;
    out->count = n->count;
    out->fold = fold;
    out->type = n->count ? items[0].type : ATTR_TEXT;
    if (out->type == ATTR_TEXT && n->count > 8) {
        index_texts(c->p, out);
    }
    return 0;
}

int compile_set(compiler *c, const yaml_node *n, bool fold, value_set *out) {
    if (n->kind == YAML_LIST) {
        return fill_set(c, n, fold, out);
    }
    if (n->kind != YAML_SCALAR || n->text[0] != '$') {
        return compile_fault(c, n, "in wants a list",
                             "Write [one, two], or $name for a list under `lists`.");
    }
    const named_list *list;
    int rc = find_list(c, n, &list);
    if (rc) {
        return c->unread ? 0 : rc;
    }
    out->list = list->name;
    const yaml_tree *here = c->tree;
    c->tree = list->tree;
    rc = fill_set(c, list->node, fold, out);
    c->tree = here;
    return rc;
}
