/* `approval` of a rule: how a person is asked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compileint.h"

#define SECOND 1000000LL
#define MINUTE (60 * SECOND)
#define DAY    (24 * 60 * MINUTE)

static int read_expires(compiler *c, const yaml_node *n, policy_approval *a) {
    int64_t us;
    if (!yaml_duration_us(n, &us) || us < SECOND || us > 366 * DAY) {
        return compile_fault(c, n, "expires is a time from 1s to 366d", "Write `expires: 24h`.");
    }
    a->expires_us = us;
    return 0;
}

static int read_by(compiler *c, const yaml_node *n) {
    const char **by;
    size_t count;
    int rc = compile_words(c, n, "by", &by, &count);
    if (rc == 0 && (count != 1 || strcmp(by[0], "operator") != 0)) {
        rc = compile_fault(c, n,
                           "approvers other than operator are known, not yet enforced in this "
                           "version",
                           "Write `by: [operator]`.");
    }
    return rc;
}

static int read_expiry(compiler *c, const yaml_node *n) {
    if (n->kind == YAML_SCALAR && strcmp(n->text, "deny") == 0) {
        return 0;
    }
    return compile_fault(c, n, "on_expiry is deny: an approval that nobody gave is none",
                         "Write `on_expiry: deny`, or leave the line out.");
}

/* Names, each once, at most so many. */
static int read_names(compiler *c, const yaml_node *n, const char *what, size_t most,
                      const char ***out, size_t *count) {
    int rc = compile_words(c, n, what, out, count);
    for (size_t i = 0; rc == 0 && i < *count; i++) {
        for (size_t k = 0; rc == 0 && k < i; k++) {
            if (strcmp((*out)[i], (*out)[k]) == 0) {
                rc = compile_fault(c, compile_words_at(n, i), "this name stands here twice",
                                   "Remove one of the two.");
            }
        }
    }
    if (rc == 0 && *count > most) {
        rc = compile_fault(c, n, "these are too many names", "Name the ones that matter most.");
    }
    return rc;
}

/* ---- batch ---- */

static int read_batch_by(compiler *c, const yaml_node *n, policy_approval *a) {
    const char **by;
    int rc = read_names(c, n, "by", POLICY_BATCH_BY, &by, &a->batch_by_count);
    for (size_t i = 0; rc == 0 && i < a->batch_by_count; i++) {
        const char *name;
        rc = compile_word(c, compile_words_at(n, i), "by", &name);
    }
    a->batch_by = rc ? NULL : by;
    a->batch_by_count = rc ? 0 : a->batch_by_count;
    return rc;
}

static int read_batch(compiler *c, const yaml_node *n, policy_approval *a) {
    static const char *const known[] = {"by", "max", NULL};
    int rc = compile_map(c, n, "batch");
    rc = rc ? rc : yaml_known_keys(c->tree, n, known, c->d);
    const yaml_node *max = yaml_get(n, "max"), *by = yaml_get(n, "by");
    int64_t v = a->batch_max;
    if (rc == 0 && !max && !by) {
        return compile_fault(c, n, "batch says nothing", "Write `batch: { max: 25 }`.");
    }
    if (rc == 0 && max && (!yaml_int(max, &v) || v < 1 || v > 100)) {
        return compile_fault(c, max, "max is a number from 1 to 100",
                             "Write `batch: { max: 25 }`.");
    }
    if (rc == 0) {
        a->batch_max = (int)v;
    }
    return rc || !by ? rc : read_batch_by(c, by, a);
}

/* ---- digest ---- */

static bool minute_of(const yaml_node *n, int *out) {
    const char *t = n->kind == YAML_SCALAR ? n->text : "";
    if (strlen(t) != 5 || t[2] != ':' || t[0] < '0' || t[0] > '2' || t[3] < '0' || t[3] > '5' ||
        t[1] < '0' || t[1] > '9' || t[4] < '0' || t[4] > '9') {
        return false;
    }
    int hour = (t[0] - '0') * 10 + t[1] - '0';
    *out = hour * 60 + (t[3] - '0') * 10 + t[4] - '0';
    return hour < 24;
}

static const char times_help[] = "Write `digest: [\"09:00\", \"16:00\"]`.";

static int read_times(compiler *c, const yaml_node *n, policy_approval *a) {
    if (n->kind != YAML_LIST || n->count < 1 || n->count > POLICY_DIGESTS) {
        return compile_fault(c, n, "digest is a list of 1 to 24 times of the day", times_help);
    }
    int *times = policy_alloc(c->p, n->count * sizeof *times);
    for (size_t i = 0; i < n->count; i++) {
        if (!minute_of(n->items[i], &times[i])) {
            return compile_fault(c, n->items[i], "a time of the day is 00:00 to 23:59", times_help);
        }
        if (i && times[i] <= times[i - 1]) {
            return compile_fault(c, n->items[i], "each time comes later than the one before it",
                                 "Sort them, each once.");
        }
    }
    a->digest = times;
    a->digest_count = n->count;
    return 0;
}

static int read_digest(compiler *c, const yaml_node *n, policy_approval *a) {
    const yaml_node *times = yaml_get(n, "digest"), *tz = yaml_get(n, "tz");
    int rc = times ? read_times(c, times, a) : 0;
    if (rc == 0 && tz && !times) {
        return compile_fault(c, tz, "tz without digest says nothing",
                             "Add `digest: [\"09:00\"]`, or remove tz.");
    }
    a->tz = rc == 0 && tz && tz->kind == YAML_SCALAR ? policy_copy(c->p, tz->text, tz->len) : NULL;
    return rc || !tz ? rc : compile_zone(c, tz, &a->zone);
}

/* ---- remember ---- */

/* Does a check look at the field, itself or as what it sums up or counts by? */
static bool check_looks(const compiler *c, const check *k, const char *field) {
    const tally_rule *sum = check_tally(c->p, k);
    const attr_name *names = c->p->attrs;
    if (!sum) {
        return strcmp(names[k->attr].name, field) == 0;
    }
    return (sum->sum && strcmp(names[sum->of].name, field) == 0) ||
           (sum->each == EACH_ATTR && strcmp(names[sum->each_attr].name, field) == 0);
}

static bool band_looks(const compiler *c, const band *b, const char *field) {
    for (size_t i = 0; i < b->count; i++) {
        if (check_looks(c, &b->checks[i], field)) {
            return true;
        }
    }
    return false;
}

static bool rule_looks(const compiler *c, const policy_rule *r, const char *field) {
    bool looks = band_looks(c, &r->when, field);
    for (band_kind k = BAND_DENY; k < BAND_COUNT; k++) {
        looks = looks || band_looks(c, &r->bands[k], field);
    }
    return looks;
}

static int read_vary(compiler *c, const yaml_node *n, policy_rule *r) {
    policy_approval *a = &r->approval;
    const char **vary;
    int rc = read_names(c, n, "vary", POLICY_VARY, &vary, &a->vary_count);
    for (size_t i = 0; rc == 0 && i < a->vary_count; i++) {
        if (rule_looks(c, r, vary[i])) {
            yaml_fault(c->tree, compile_words_at(n, i), c->d,
                       "the rule looks at %.60s, so what it covers may not vary in it", vary[i]);
            diag_next(c->d, "Remove it from vary: a grant then covers the same %.60s.", vary[i]);
            rc = DIAG_USAGE;
        }
    }
    a->vary = rc ? NULL : vary;
    a->vary_count = rc ? 0 : a->vary_count;
    return rc;
}

static int read_remember(compiler *c, const yaml_node *n, policy_rule *r) {
    static const char *const known[] = {"for", "max_uses", "vary", NULL};
    static const char help[] = "Write `remember: { for: 1h, max_uses: 10, vary: [subject] }`.";
    int rc = compile_map(c, n, "remember");
    rc = rc ? rc : yaml_known_keys(c->tree, n, known, c->d);
    if (rc) {
        return rc;
    }
    const yaml_node *span = yaml_get(n, "for"), *uses = yaml_get(n, "max_uses");
    int64_t us, max;
    if (!span || !yaml_duration_us(span, &us) || us < MINUTE || us > 31 * DAY) {
        return compile_fault(c, span ? span : n, "for is a time from 1m to 31d", help);
    }
    if (!uses || !yaml_int(uses, &max) || max < 1 || max > 1000) {
        return compile_fault(c, uses ? uses : n, "max_uses is a number from 1 to 1000", help);
    }
    r->approval.remember_us = us;
    r->approval.remember_uses = (int)max;
    return yaml_get(n, "vary") ? read_vary(c, yaml_get(n, "vary"), r) : 0;
}

/* ---- all of it ---- */

static int read_all(compiler *c, const yaml_node *n, policy_rule *r) {
    policy_approval *a = &r->approval;
    int rc = yaml_get(n, "by") ? read_by(c, yaml_get(n, "by")) : 0;
    if (rc == 0 && yaml_get(n, "expires")) {
        rc = read_expires(c, yaml_get(n, "expires"), a);
    }
    if (rc == 0 && yaml_get(n, "on_expiry")) {
        rc = read_expiry(c, yaml_get(n, "on_expiry"));
    }
    if (rc == 0 && yaml_get(n, "edit")) {
        const char **edit;
        rc = compile_words(c, yaml_get(n, "edit"), "edit", &edit, &a->edit_count);
        a->edit = rc ? NULL : edit;
    }
    rc = rc ? rc : read_digest(c, n, a);
    if (rc == 0 && yaml_get(n, "escalate")) {
        rc = compile_escalate(c, yaml_get(n, "escalate"), a);
    }
    if (rc == 0 && yaml_get(n, "remember")) {
        rc = read_remember(c, yaml_get(n, "remember"), r);
    }
    return rc || !yaml_get(n, "batch") ? rc : read_batch(c, yaml_get(n, "batch"), a);
}

int compile_approval(compiler *c, const yaml_node *rule, policy_rule *r) {
    static const char *const known[] = {"by",     "expires",  "on_expiry", "edit", "batch",
                                        "digest", "escalate", "remember",  "tz",   NULL};
    const yaml_node *n = yaml_get(rule, "approval");
    r->approval = policy_rule_approval(NULL);
    if (!n) {
        return 0;
    }
    int rc = compile_map(c, n, "approval");
    rc = rc ? rc : yaml_known_keys(c->tree, n, known, c->d);
    if (rc == 0 && !r->bands[BAND_ASK].present) {
        rc = compile_fault(c, n, "approval belongs to a rule with ask",
                           "Add `ask: {}`, or remove it.");
    }
    return rc ? rc : read_all(c, n, r);
}
