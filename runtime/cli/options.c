#include "options.h"

#include <string.h>

#include "keel/json.h"
#include "yamltree.h"

typedef struct words {
    int argc;
    char **argv;
    int at;
} words;

static const option *by_name(const options *o, const char *name, size_t len) {
    for (size_t t = 0; t < OPTIONS_TABLES; t++) {
        for (const option *p = o->tables[t]; p && p->name; p++) {
            if (strlen(p->name) == len && memcmp(p->name, name, len) == 0) {
                return p;
            }
        }
    }
    return NULL;
}

static const option *by_letter(const options *o, char letter) {
    for (size_t t = 0; t < OPTIONS_TABLES; t++) {
        for (const option *p = o->tables[t]; p && p->name; p++) {
            if (p->letter == letter) {
                return p;
            }
        }
    }
    return NULL;
}

static int no_such(const options *o, const char *word, diag *d) {
    const char *names[128];
    size_t count = 0;
    for (size_t t = 0; t < OPTIONS_TABLES; t++) {
        for (const option *p = o->tables[t]; p && p->name && count < 127; p++) {
            names[count++] = p->name;
        }
    }
    names[count] = NULL;
    char bare[64];
    snprintf(bare, sizeof bare, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    const char *near = strncmp(word, "--", 2) == 0 ? did_you_mean(bare, names) : NULL;
    diag_set(d, DIAG_USAGE, "There is no option %s here.", word);
    if (near) {
        return diag_next(d, "Did you mean --%s?", near);
    }
    return diag_next(d, "Add -h to see the options of this command.");
}

/* A reason stays in the record, which holds text: other bytes would be no reason there. */
static bool is_text(const char *value) {
    keel_buf quoted = KEEL_BUF_INIT;
    bool good = keel_json_quote(&quoted, value, strlen(value)) == 0;
    keel_buf_free(&quoted);
    return good;
}

#define REASON_MAX 511 /* so much of it the record keeps */

static int check_reason(const char *value, diag *d) {
    if (!is_text(value)) {
        diag_set(d, DIAG_USAGE, "What stands behind --why is no UTF-8, and cannot be recorded.");
        return diag_next(d, "Write it in a terminal whose locale is UTF-8, or in plain letters.");
    }
    if (strlen(value) > REASON_MAX) {
        diag_set(d, DIAG_USAGE, "What stands behind --why has %zu bytes; the record keeps %d.",
                 strlen(value), REASON_MAX);
        return diag_next(d, "Say it in fewer words: it is recorded whole, or not at all.");
    }
    return 0;
}

static int keep(options *o, const option *p, const char *value, diag *d) {
    if (value && strcmp(p->name, "why") == 0 && check_reason(value, d)) {
        return DIAG_USAGE;
    }
    if (o->given_count == OPTIONS_MAX) {
        return diag_set(d, DIAG_USAGE, "More than %d options in one command.", OPTIONS_MAX);
    }
    o->given[o->given_count] = p;
    o->values[o->given_count++] = value;
    return 0;
}

static int keep_next(options *o, const option *p, words *w, diag *d) {
    if (w->at + 1 >= w->argc) {
        diag_set(d, DIAG_USAGE, "The option --%s needs a value.", p->name);
        return diag_next(d, "Write --%s %s: %s", p->name, p->value, p->help);
    }
    return keep(o, p, w->argv[++w->at], d);
}

static int long_option(options *o, words *w, diag *d) {
    const char *word = w->argv[w->at];
    size_t len = strcspn(word + 2, "=");
    const option *p = by_name(o, word + 2, len);
    const char *value = word[2 + len] ? word + 3 + len : NULL;
    if (!p) {
        return no_such(o, word, d);
    }
    if (!p->value && value) {
        return diag_set(d, DIAG_USAGE, "The option --%s takes no value.", p->name);
    }
    if (p->value && !value) {
        return keep_next(o, p, w, d);
    }
    return keep(o, p, value, d);
}

static int short_options(options *o, words *w, diag *d) {
    const char *word = w->argv[w->at];
    for (const char *c = word + 1; *c; c++) {
        const option *p = by_letter(o, *c);
        if (!p) {
            return no_such(o, word, d);
        }
        if (p->value) {
            return c[1] ? keep(o, p, c + 1, d) : keep_next(o, p, w, d);
        }
        int rc = keep(o, p, NULL, d);
        if (rc) {
            return rc;
        }
    }
    return 0;
}

int options_read(options *o, const char **args, int argc, char **argv, bool stop_early, int *used,
                 diag *d) {
    words w = {argc, argv, 0};
    bool literal = false;
    o->args = args;
    for (; w.at < argc; w.at++) {
        const char *word = argv[w.at];
        int rc = 0;
        if (literal || word[0] != '-' || !word[1]) {
            if (stop_early) {
                break;
            }
            args[o->arg_count++] = word;
        } else if (strcmp(word, "--") == 0) {
            literal = true;
        } else if (word[1] == '-') {
            rc = long_option(o, &w, d);
        } else {
            rc = short_options(o, &w, d);
        }
        if (rc) {
            return rc;
        }
    }
    if (used) {
        *used = w.at;
    }
    return 0;
}

const char *options_nth(const options *o, const char *name, size_t i) {
    for (size_t n = 0; n < o->given_count; n++) {
        if (strcmp(o->given[n]->name, name) == 0 && i-- == 0) {
            return o->values[n];
        }
    }
    return NULL;
}

const char *options_value(const options *o, const char *name) {
    const char *last = NULL;
    for (size_t n = 0; n < o->given_count; n++) {
        if (strcmp(o->given[n]->name, name) == 0) {
            last = o->values[n];
        }
    }
    return last;
}

bool options_has(const options *o, const char *name) {
    for (size_t n = 0; n < o->given_count; n++) {
        if (strcmp(o->given[n]->name, name) == 0) {
            return true;
        }
    }
    return false;
}
