/* What scalars of a YAML tree mean, and how a fault in one is told. */
#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "yamltree.h"

const yaml_node *yaml_get(const yaml_node *map, const char *key) {
    if (map && map->kind == YAML_MAP) {
        for (size_t i = 0; i < map->count; i++) {
            if (strcmp(map->keys[i]->text, key) == 0) {
                return map->items[i];
            }
        }
    }
    return NULL;
}

static bool is_scalar(const yaml_node *n) {
    return n && n->kind == YAML_SCALAR;
}

bool yaml_bool(const yaml_node *n, bool *out) {
    if (!is_scalar(n) || n->quoted) {
        return false;
    }
    bool yes = strcmp(n->text, "true") == 0;
    if (!yes && strcmp(n->text, "false") != 0) {
        return false;
    }
    *out = yes;
    return true;
}

/* Decimal digits from *s on, without leading zeros; moves *s behind them. */
static bool digits(const char **s, int64_t *out) {
    const char *p = *s;
    if (!isdigit((unsigned char)*p) || (p[0] == '0' && isdigit((unsigned char)p[1]))) {
        return false;
    }
    int64_t v = 0;
    for (; isdigit((unsigned char)*p); p++) {
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *p - '0', &v)) {
            return false;
        }
    }
    *s = p;
    *out = v;
    return true;
}

bool yaml_int(const yaml_node *n, int64_t *out) {
    if (!is_scalar(n) || n->quoted) {
        return false;
    }
    const char *p = n->text + (n->text[0] == '-');
    int64_t v;
    if (!digits(&p, &v) || *p) {
        return false;
    }
    *out = n->text[0] == '-' ? -v : v;
    return true;
}

bool yaml_duration_us(const yaml_node *n, int64_t *out) {
    static const struct {
        const char *unit;
        int64_t us;
    } units[] = {
        {"ms", 1000}, {"s", 1000000}, {"m", 60000000}, {"h", 3600000000LL}, {"d", 86400000000LL}};
    if (!is_scalar(n)) {
        return false;
    }
    const char *p = n->text;
    int64_t v;
    if (!digits(&p, &v)) {
        return false;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(p, units[i].unit) == 0) {
            return !__builtin_mul_overflow(v, units[i].us, out);
        }
    }
    return false;
}

/* Up to six decimals behind the point, as micro-units. */
static bool fraction(const char **s, int64_t *micros) {
    *micros = 0;
    if (**s != '.') {
        return true;
    }
    const char *p = *s + 1;
    int64_t scale = 100000;
    for (; isdigit((unsigned char)*p); p++) {
        if (scale == 0) {
            return false;
        }
        *micros += (*p - '0') * scale;
        scale /= 10;
    }
    bool some = p > *s + 1;
    *s = p;
    return some;
}

bool yaml_money(const yaml_node *n, int64_t *micros, char currency[4]) {
    if (!is_scalar(n)) {
        return false;
    }
    const char *p = n->text + (n->text[0] == '-');
    int64_t whole;
    int64_t part;
    if (!digits(&p, &whole) || !fraction(&p, &part) || *p++ != ' ') {
        return false;
    }
    if (strlen(p) != 3 || strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3) {
        return false;
    }
    if (__builtin_mul_overflow(whole, 1000000, &whole) ||
        __builtin_add_overflow(whole, part, &whole)) {
        return false;
    }
    *micros = n->text[0] == '-' ? -whole : whole;
    memcpy(currency, p, 4);
    return true;
}

/* A terminal obeys control characters: text from a file must not carry any into a message. */
static void disarm(char *text) {
    for (unsigned char *p = (unsigned char *)text; *p; p++) {
        if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)) {
            *p = '?';
        }
    }
}

int yaml_fault(const yaml_tree *t, const yaml_node *n, diag *d, const char *what, ...) {
    char text[sizeof d->what];
    va_list ap;
    va_start(ap, what);
    vsnprintf(text, sizeof text, what, ap);
    va_end(ap);
    disarm(text);
    return diag_at(d, DIAG_USAGE, yaml_tree_file(t), n ? n->line : 1, n ? n->column : 1, "%s",
                   text);
}

static bool among(const char *const *words, const char *word) {
    while (*words && strcmp(*words, word) != 0) {
        words++;
    }
    return *words != NULL;
}

int yaml_later_keys(const yaml_tree *t, const yaml_node *map, const char *const *later, diag *d) {
    for (size_t i = 0; map->kind == YAML_MAP && i < map->count; i++) {
        if (among(later, map->keys[i]->text)) {
            yaml_fault(t, map->keys[i], d, "`%s` is known, not yet enforced in this version",
                       map->keys[i]->text);
            diag_next(d, "Remove it: Keel ignores no line of a file that it takes.");
            return DIAG_USAGE;
        }
    }
    return 0;
}

static void suggest_key(diag *d, const char *key, const char *const *known) {
    const char *near = did_you_mean(key, known);
    if (near) {
        diag_next(d, "Did you mean \"%s\"?", near);
        return;
    }
    keel_buf list = KEEL_BUF_INIT;
    for (size_t k = 0; known[k]; k++) {
        keel_buf_printf(&list, "%s%s", k ? ", " : "", known[k]);
    }
    diag_next(d, "Known here: %s.", list.data ? list.data : "nothing");
    keel_buf_free(&list);
}

int yaml_known_keys(const yaml_tree *t, const yaml_node *map, const char *const *known, diag *d) {
    for (size_t i = 0; map->kind == YAML_MAP && i < map->count; i++) {
        const char *key = map->keys[i]->text;
        if (!among(known, key)) {
            yaml_fault(t, map->keys[i], d, "the key \"%.60s\" is not known here", key);
            suggest_key(d, key, known);
            return DIAG_USAGE;
        }
    }
    return 0;
}

/* ---- the nearest word ---- */

#define WORD 48

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours that turn a into b. */
static size_t distance(const char *a, const char *b) {
    size_t la = strlen(a);
    size_t lb = strlen(b);
    if (la > WORD || lb > WORD) {
        return WORD;
    }
    size_t row[WORD + 1][WORD + 1];
    for (size_t i = 0; i <= la; i++) {
        row[i][0] = i;
    }
    for (size_t j = 0; j <= lb; j++) {
        row[0][j] = j;
    }
    for (size_t i = 1; i <= la; i++) {
        for (size_t j = 1; j <= lb; j++) {
            size_t differs = tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]);
            size_t v = least(row[i - 1][j - 1] + differs, least(row[i - 1][j], row[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                v = least(v, row[i - 2][j - 2] + 1);
            }
            row[i][j] = v;
        }
    }
    return row[la][lb];
}

const char *did_you_mean(const char *word, const char *const *words) {
    const char *best = NULL;
    size_t limit = strlen(word) / 3;
    size_t nearest = (limit < 1 ? 1 : limit > 3 ? 3 : limit) + 1;
    for (size_t i = 0; words[i]; i++) {
        size_t d = distance(word, words[i]);
        if (d < nearest) {
            nearest = d;
            best = words[i];
        }
    }
    return best;
}
