/* `prices`, a row for each model and the day from which on it costs that; and `unpriced`. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compileint.h"

static const char row_help[] =
    "Write for example { model: sonnet, from: 2026-10-01, input: 3.00 USD, output: 15.00 USD, "
    "cache_read: 0.30 USD, cache_write: 3.75 USD }.";

/* "2026-10-01" */
static bool read_date(const char *text, int64_t *day) {
    struct tm tm = {0}, back = {0};
    if (strlen(text) != 10 || strspn(text, "0123456789-") != 10 || text[4] != '-' ||
        text[7] != '-' || text[0] != '2' || strchr(text + 8, '-') || text[5] == '-' ||
        text[6] == '-' || memchr(text, '-', 4)) {
        return false;
    }
    tm.tm_year = (int)strtol(text, NULL, 10) - 1900;
    tm.tm_mon = (int)strtol(text + 5, NULL, 10) - 1;
    tm.tm_mday = (int)strtol(text + 8, NULL, 10);
    int month = tm.tm_mon, of_month = tm.tm_mday;
    time_t at = timegm(&tm);
    *day = (int64_t)at / 86400;
    return gmtime_r(&at, &back) && back.tm_mon == month && back.tm_mday == of_month;
}

static int read_from(compiler *c, const yaml_node *row, price_row *r) {
    const yaml_node *n = yaml_get(row, "from");
    if (!n || n->kind != YAML_SCALAR || !read_date(n->text, &r->day)) {
        return compile_fault(c, n ? n : row,
                             n ? "from is a day, such as 2026-10-01"
                               : "the price does not say from when on it holds",
                             "Write `from: 2026-10-01`: the first day, in UTC, on which it does.");
    }
    r->from = policy_copy(c->p, n->text, n->len);
    return 0;
}

static int read_amount(compiler *c, const yaml_node *row, token_class k, price_row *r) {
    const yaml_node *n = yaml_get(row, token_class_name(k));
    char currency[4];
    if (!n) {
        yaml_fault(c->tree, row, c->d, "the price of %s is missing", token_class_name(k));
        diag_next(c->d, "Each class of tokens has a price, also where it is 0.00 USD. %s",
                  row_help);
        return DIAG_USAGE;
    }
    if (!yaml_money(n, &r->micros[k], currency) || r->micros[k] < 0 || r->micros[k] > PRICE_MOST) {
        yaml_fault(c->tree, n, c->d,
                   "%s is what a million tokens cost: an amount below a million, and its currency",
                   token_class_name(k));
        diag_next(c->d, "Write for example `%s: 3.00 USD`.", token_class_name(k));
        return DIAG_USAGE;
    }
    if (r->currency[0] && strcmp(r->currency, currency) != 0) {
        return compile_fault(c, n, "a row has one currency", "Amounts are never converted.");
    }
    memcpy(r->currency, currency, sizeof currency);
    return 0;
}

/* Two rows of one day contradict each other; and one that stands behind a later one is a slip. */
static int check_place(compiler *c, const yaml_node *row, const price_row *r) {
    const yaml_node *n = yaml_get(row, "from");
    for (size_t i = c->p->prices.count; i-- > 0;) {
        const price_row *other = &c->p->prices.rows[i];
        if (strcmp(other->model, r->model) != 0) {
            continue;
        }
        if (other->day == r->day) {
            yaml_fault(c->tree, n, c->d, "\"%.60s\" has a price from %s on at %s:%d already",
                       r->model, r->from, other->file, other->line);
            diag_next(c->d, "Keep one, or give one of them another day.");
            return DIAG_USAGE;
        }
        if (other->file == r->file && other->day > r->day) {
            yaml_fault(c->tree, n, c->d, "the price of \"%.60s\" from %s on stands behind a later",
                       r->model, r->from);
            diag_next(c->d,
                      "Write the rows of a model in the order of their days; the other is in "
                      "line %d.",
                      other->line);
            return DIAG_USAGE;
        }
    }
    return 0;
}

static void add(compiler *c, const price_row *r) {
    policy *p = c->p;
    if (p->prices.count == c->price_cap) {
        c->price_cap = c->price_cap ? c->price_cap * 2 : 8;
        p->prices.rows = keel_realloc(p->prices.rows, c->price_cap * sizeof *p->prices.rows);
    }
    p->prices.rows[p->prices.count++] = *r;
}

int compile_price(compiler *c, const yaml_node *n) {
    static const char *const known[] = {"model",      "from",        "input", "output",
                                        "cache_read", "cache_write", NULL};
    price_row r = {.file = c->file, .line = n->line};
    int rc = compile_map(c, n, "a price");
    rc = rc ? rc : yaml_known_keys(c->tree, n, known, c->d);
    const yaml_node *model = rc ? NULL : yaml_get(n, "model");
    if (rc == 0 && !model) {
        rc = compile_fault(c, n, "the price does not say of which model it is", row_help);
    }
    rc = rc ? rc : compile_text(c, model, "model", &r.model);
    rc = rc ? rc : read_from(c, n, &r);
    for (token_class k = TOKENS_INPUT; rc == 0 && k < TOKEN_CLASSES; k++) {
        rc = read_amount(c, n, k, &r);
    }
    rc = rc ? rc : check_place(c, n, &r);
    if (rc == 0) {
        add(c, &r);
    }
    return rc;
}

int compile_unpriced(compiler *c, const yaml_node *n) {
    static const char *const known[] = {"assume", NULL};
    static const char help[] = "Write `unpriced: deny`, which it is without the line, or "
                               "`unpriced: { assume: most_expensive }`.";
    if (c->unpriced) {
        yaml_fault(c->tree, n, c->d, "unpriced is said at %s:%d already",
                   yaml_tree_file(c->unpriced_tree), c->unpriced->line);
        diag_next(c->d, "Keep one of the two.");
        return DIAG_USAGE;
    }
    c->unpriced = n;
    c->unpriced_tree = c->tree;
    if (n->kind == YAML_SCALAR && strcmp(n->text, "deny") == 0) {
        return 0;
    }
    int rc = n->kind == YAML_MAP ? yaml_known_keys(c->tree, n, known, c->d) : 0;
    const yaml_node *assume = yaml_get(n, "assume");
    if (rc == 0 &&
        (!assume || assume->kind != YAML_SCALAR || strcmp(assume->text, "most_expensive") != 0)) {
        rc = compile_fault(c, assume ? assume : n,
                           "unpriced is deny, or { assume: most_expensive }", help);
    }
    c->p->prices.assume = rc == 0;
    c->p->prices.file = c->file;
    c->p->prices.line = n->line;
    return rc;
}

static int by_model_and_day(const void *a, const void *b) {
    const price_row *x = a, *y = b;
    int order = strcmp(x->model, y->model);
    return order ? order : (x->day > y->day) - (x->day < y->day);
}

/* The most expensive of none, or of two currencies, is nobody's price. */
int compile_prices(compiler *c) {
    policy *p = c->p;
    const char *currency = NULL;
    bool mixed = false;
    if (p->prices.count) {
        qsort(p->prices.rows, p->prices.count, sizeof *p->prices.rows, by_model_and_day);
    }
    for (size_t i = 0; i < p->prices.count; i++) {
        mixed |= currency && strcmp(currency, p->prices.rows[i].currency) != 0;
        currency = p->prices.rows[i].currency;
    }
    if (!p->prices.assume || (currency && !mixed) || c->unread || c->fault_count) {
        return 0;
    }
    c->tree = c->unpriced_tree;
    return compile_go_on(
        c, compile_fault(c, c->unpriced,
                         mixed ? "the most expensive of prices in several currencies is not known"
                               : "the most expensive price cannot be assumed: there is none",
                         mixed ? "Write `unpriced: deny`, or all prices in one currency."
                               : "Add rows to `prices:`, or write `unpriced: deny`."));
}
