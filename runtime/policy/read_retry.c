/* `retries` and `breakers`: how often and how soon something is tried again, and when a connection that
 * fails is left alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compileint.h"

#define MS  1000LL
#define DAY 86400000000LL

static const policy_retrying usual_retry = {0, 250 * MS, 120000 * MS};
static const policy_breaking usual_breaker = {10, 20, 60000 * MS};

static int read_time(compiler *c, const yaml_node *n, const char *key, int64_t least, int64_t most,
                     const char *help, int64_t *out) {
    int64_t us;
    if (!n) {
        return 0;
    }
    if (!yaml_duration_us(n, &us) || us < least || us > most) {
        yaml_fault(c->tree, n, c->d, "%s is a time from %lldms to %lldh", key,
                   (long long)(least / MS), (long long)(most / (3600000 * MS)));
        diag_next(c->d, "%s", help);
        return DIAG_USAGE;
    }
    *out = us;
    return 0;
}

static int read_number(compiler *c, const yaml_node *n, const char *key, const char *help,
                       uint32_t *out) {
    int64_t v;
    if (!n) {
        return 0;
    }
    if (!yaml_int(n, &v) || v < 1 || v > POLICY_BREAKER_OF) {
        yaml_fault(c->tree, n, c->d, "%s is a number from 1 to %d", key, POLICY_BREAKER_OF);
        diag_next(c->d, "%s", help);
        return DIAG_USAGE;
    }
    *out = (uint32_t)v;
    return 0;
}

/* ---- retries ---- */

static const char retry_help[] =
    "Write for example { on: \"*.*.read\", max: 5, first: 1s, cap: 2m }: at most five attempts, "
    "the "
    "second within 1s of the first, then within 2s, and so on up to 2m.";

int compile_sent(compiler *c, const yaml_node *entry, const char *const *on, size_t count,
                 const char *what) {
    for (size_t i = 0; i < count; i++) {
        if (strncmp(on[i], "run.", 4) == 0) {
            return compile_fault(c, yaml_get(entry, "on"), what,
                                 "Take it out: this is about what is sent to a connection.");
        }
    }
    return 0;
}

static int read_retry(compiler *c, const yaml_node *n, retry_rule *r) {
    const yaml_node *max = yaml_get(n, "max"), *first = yaml_get(n, "first"),
                    *cap = yaml_get(n, "cap");
    if (!max && !first && !cap) {
        return compile_fault(c, n, "the entry says nothing: max, first and cap are missing",
                             retry_help);
    }
    int rc = compile_on(c, n, "the entry does not say what is tried again: on is missing", &r->on,
                        &r->on_count);
    rc = rc ? rc : compile_sent(c, n, r->on, r->on_count, "run.spawn never fails half-way");
    rc = rc ? rc : check_targets(c, "retries", yaml_get(n, "on"), r->on, r->on_count);
    rc = rc ? rc : read_number(c, max, "max", retry_help, &r->says.max);
    rc = rc ? rc : read_time(c, first, "first", 10 * MS, DAY, retry_help, &r->says.first_us);
    rc = rc ? rc : read_time(c, cap, "cap", 10 * MS, DAY, retry_help, &r->says.cap_us);
    if (rc == 0 && !cap && r->says.cap_us < r->says.first_us) {
        r->says.cap_us = r->says.first_us;
    }
    if (rc == 0 && !first && r->says.first_us > r->says.cap_us) {
        r->says.first_us = r->says.cap_us;
    }
    if (rc == 0 && r->says.cap_us < r->says.first_us) {
        rc = compile_fault(c, cap, "cap is shorter than first", retry_help);
    }
    return rc;
}

int compile_retry(compiler *c, const yaml_node *n) {
    static const char *const known[] = {"on", "max", "first", "cap", NULL};
    retry_rule r = {.file = c->file, .line = n->line, .column = n->column, .says = usual_retry};
    int rc = compile_map(c, n, "an entry of retries");
    rc = rc ? rc : yaml_known_keys(c->tree, n, known, c->d);
    rc = rc ? rc : read_retry(c, n, &r);
    policy *p = c->p;
    if (rc == 0) {
        if (p->retry_count == c->retry_cap) {
            c->retry_cap = c->retry_cap ? c->retry_cap * 2 : 8;
            p->retries = keel_realloc(p->retries, c->retry_cap * sizeof *p->retries);
        }
        p->retries[p->retry_count++] = r;
    }
    return rc;
}

/* ---- breakers ---- */

static const char breaker_help[] =
    "Write for example { on: \"inbox.*\", open_at: 50%, of: 20, for: 5m }: when half of the last "
    "20 "
    "outcomes are failures, nothing is sent for five minutes, then one thing to see.";

/* A connection's name, and behind it nothing or all: a breaker is of the whole connection. */
static int check_whole(compiler *c, const yaml_node *n, const char *on, const char **name) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_*?";
    size_t len = strcspn(on, ".");
    const char *rest = on + len;
    bool whole = !*rest || !strcmp(rest, ".*") || !strcmp(rest, ".*.*");
    if (!len || strspn(on, letters) != len || !whole) {
        yaml_fault(c->tree, n, c->d,
                   len && strspn(on, letters) == len ? "\"%.60s\" is a part of a connection, and a "
                                                       "breaker is of the whole"
                                                     : "\"%.60s\" is no connection",
                   on);
        diag_next(c->d,
                  "Write the name of a connection in keel.yaml, such as inbox or \"inbox.*\"; "
                  "* stands for any text, ? for one character.");
        return DIAG_USAGE;
    }
    *name = policy_copy(c->p, on, len);
    return 0;
}

static int read_breaker_on(compiler *c, const yaml_node *entry, breaker_rule *b) {
    const yaml_node *n = yaml_get(entry, "on");
    if (!n) {
        return compile_fault(c, entry, "the entry does not say for which connection: on is missing",
                             breaker_help);
    }
    int rc = compile_words(c, n, "on", &b->on, &b->on_count);
    for (size_t i = 0; rc == 0 && i < b->on_count; i++) {
        const yaml_node *at = compile_words_at(n, i);
        rc = check_whole(c, at, b->on[i], &b->on[i]);
        if (rc == 0 && !strpbrk(b->on[i], "*?")) {
            rc = check_connection(c, "breakers", at, b->on[i]);
        }
    }
    return rc;
}

/* As many of `of` as the share is, rounded up: never none. */
static int read_share(compiler *c, const yaml_node *n, policy_breaking *says) {
    const char *text = n && n->kind == YAML_SCALAR ? n->text : n ? "" : "50%";
    char *end;
    unsigned long share = text[0] >= '1' && text[0] <= '9' ? strtoul(text, &end, 10) : 0;
    if (share < 1 || share > 100 || strcmp(end, "%") != 0) {
        return compile_fault(c, n, "open_at is a share from 1% to 100%", breaker_help);
    }
    says->open_at = (uint32_t)((says->of * share + 99) / 100);
    return 0;
}

static int read_breaker(compiler *c, const yaml_node *n, breaker_rule *b) {
    const yaml_node *at = yaml_get(n, "open_at"), *of = yaml_get(n, "of"),
                    *time = yaml_get(n, "for");
    if (!at && !of && !time) {
        return compile_fault(c, n, "the entry says nothing: open_at, of and for are missing",
                             breaker_help);
    }
    int rc = read_breaker_on(c, n, b);
    rc = rc ? rc : read_number(c, of, "of", breaker_help, &b->says.of);
    rc = rc ? rc : read_share(c, at, &b->says);
    return rc ? rc : read_time(c, time, "for", 1000 * MS, DAY, breaker_help, &b->says.for_us);
}

int compile_breaker(compiler *c, const yaml_node *n) {
    static const char *const known[] = {"on", "open_at", "of", "for", NULL};
    breaker_rule b = {.file = c->file, .line = n->line, .column = n->column, .says = usual_breaker};
    int rc = compile_map(c, n, "an entry of breakers");
    rc = rc ? rc : yaml_known_keys(c->tree, n, known, c->d);
    rc = rc ? rc : read_breaker(c, n, &b);
    policy *p = c->p;
    if (rc == 0) {
        if (p->breaker_count == c->breaker_cap) {
            c->breaker_cap = c->breaker_cap ? c->breaker_cap * 2 : 8;
            p->breakers = keel_realloc(p->breakers, c->breaker_cap * sizeof *p->breakers);
        }
        p->breakers[p->breaker_count++] = b;
    }
    return rc;
}

/* ---- what they say ---- */

static int order(int64_t a, int64_t b) {
    return (a > b) - (a < b);
}

/* Characters besides dots, * and ?, and one more: 0 is for what does not match. */
static int spelled(const char *on) {
    int n = 1;
    for (; *on; on++) {
        n += !strchr(".*?", *on);
    }
    return n;
}

static bool stricter_retry(const policy_retrying *a, const policy_retrying *b) {
    int by = order(a->max ? a->max : UINT32_MAX, b->max ? b->max : UINT32_MAX);
    by = by ? by : order(b->first_us, a->first_us);
    by = by ? by : order(b->cap_us, a->cap_us);
    return by < 0;
}

policy_retrying policy_retry(const policy *p, const char *target) {
    policy_retrying found = usual_retry;
    int most = 0;
    for (size_t i = 0; i < p->retry_count; i++) {
        const retry_rule *r = &p->retries[i];
        int best = 0;
        for (size_t k = 0; k < r->on_count; k++) {
            int n = target_matches(r->on[k], target) ? spelled(r->on[k]) : 0;
            best = n > best ? n : best;
        }
        if (best > most || (best && best == most && stricter_retry(&r->says, &found))) {
            most = best;
            found = r->says;
        }
    }
    return found;
}

static bool stricter_breaker(const policy_breaking *a, const policy_breaking *b) {
    int by = order((int64_t)a->open_at * b->of, (int64_t)b->open_at * a->of);
    by = by ? by : order(a->of, b->of);
    by = by ? by : order(b->for_us, a->for_us);
    return by < 0;
}

policy_breaking policy_breaker(const policy *p, const char *connection) {
    policy_breaking found = usual_breaker;
    int most = 0;
    size_t len = strlen(connection);
    for (size_t i = 0; i < p->breaker_count; i++) {
        const breaker_rule *b = &p->breakers[i];
        int best = 0;
        for (size_t k = 0; k < b->on_count; k++) {
            bool matches = text_matches(b->on[k], strlen(b->on[k]), connection, len, false);
            int n = matches ? spelled(b->on[k]) : 0;
            best = n > best ? n : best;
        }
        if (best > most || (best && best == most && stricter_breaker(&b->says, &found))) {
            most = best;
            found = b->says;
        }
    }
    return found;
}

/* ---- what never matters ---- */

void check_unmatched(compiler *c, const speaker *s, const char *on) {
    char text[256];
    snprintf(text, sizeof text, "%s: \"%.60s\" matches nothing in this workspace", s->what, on);
    compile_warn(c, s->file, s->line, s->column, text,
                 "`keel connection list` shows what there is.");
}

static bool names_any(const policy_world *w, const char *on) {
    for (size_t i = 0; i < w->connection_count; i++) {
        const char *name = w->connections[i].name;
        if (text_matches(on, strlen(on), name, strlen(name), false)) {
            return true;
        }
    }
    return false;
}

void check_retry_reach(compiler *c, const target_list *targets) {
    const policy *p = c->p;
    for (size_t i = 0; c->warn && c->world && i < p->retry_count; i++) {
        const retry_rule *r = &p->retries[i];
        speaker s = {"retries", r->file, r->line, r->column};
        for (size_t k = 0; k < r->on_count; k++) {
            if (!reaches_any(r->on[k], targets)) {
                check_unmatched(c, &s, r->on[k]);
            }
        }
    }
    for (size_t i = 0; c->warn && c->world && i < p->breaker_count; i++) {
        const breaker_rule *b = &p->breakers[i];
        speaker s = {"breakers", b->file, b->line, b->column};
        for (size_t k = 0; k < b->on_count; k++) {
            if (!names_any(c->world, b->on[k])) {
                check_unmatched(c, &s, b->on[k]);
            }
        }
    }
}
