/* A decision as it is recorded, and a rule to add after a denial. */
#include <stdio.h>
#include <string.h>

#include "policyint.h"

#define TEXT_KEPT 256 /* bytes of a text that go into a decision's inputs */
#define LIST_KEPT 32

/* ---- inputs ---- */

static void write_text(keel_json_writer *w, const char *text, size_t len) {
    if (len <= TEXT_KEPT) {
        keel_json_textn(w, text, len);
        return;
    }
    size_t n = TEXT_KEPT;
    while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) {
        n--;
    }
    keel_buf cut = KEEL_BUF_INIT;
    keel_buf_append(&cut, text, n);
    keel_buf_puts(&cut, "...");
    keel_json_textn(w, cut.data, cut.len);
    keel_buf_free(&cut);
}

static void write_value(keel_json_writer *w, const attr_value *v) {
    if (v->type == ATTR_TEXT) {
        write_text(w, v->text, v->len);
    } else {
        value_write(v, w);
    }
}

static void write_attr(keel_json_writer *w, const attr *a) {
    if (a->count == 1) {
        write_value(w, &a->values[0]);
        return;
    }
    keel_json_array(w);
    for (size_t i = 0; i < a->count && i < LIST_KEPT; i++) {
        write_value(w, &a->values[i]);
    }
    if (a->count > LIST_KEPT) {
        char more[32];
        snprintf(more, sizeof more, "... %zu more", a->count - LIST_KEPT);
        keel_json_text(w, more);
    }
    keel_json_array_end(w);
}

#define USED (POLICY_ATTRS + POLICY_TALLIES)

static void mark(const policy *p, bool used[USED], const band *b) {
    for (size_t i = 0; i < b->count; i++) {
        const tally_rule *sum = check_tally(p, &b->checks[i]);
        used[b->checks[i].attr] = true;
        if (sum && sum->sum) {
            used[sum->of] = true;
        }
        if (sum && sum->each == EACH_ATTR) {
            used[sum->each_attr] = true;
        }
    }
}

static void mark_rule(const policy *p, bool used[USED], const policy_rule *r) {
    mark(p, used, &r->when);
    for (band_kind k = BAND_DENY; k < BAND_COUNT; k++) {
        mark(p, used, &r->bands[k]);
    }
}

/* Keel's own, and what the rules that cover this effect look at. */
static void mark_used(const policy *p, const policy_query *q, bool used[USED]) {
    memset(used, 0, USED * sizeof *used);
    for (size_t i = 0; i < p->attr_count; i++) {
        used[i] = p->attrs[i].builtin != BUILTIN_NONE;
    }
    const policy_rule *const *rules;
    size_t count = policy_candidates(p, q->agent, q->target, &rules);
    for (size_t i = 0; i < count; i++) {
        if (rule_covers(rules[i], q->agent, q->target)) {
            mark_rule(p, used, rules[i]);
        }
    }
    for (size_t i = 0; i < p->shadow_count; i++) {
        const policy_rule *r = p->shadows[i];
        if (rule_covers(r, q->agent, q->target)) {
            mark_rule(p, used, r);
        }
    }
}

/* The sum or count that was looked at and whose name comes next, behind `last` and before `end`. */
static size_t next_tally(const policy *p, const bool used[USED], const char *last,
                         const char *end) {
    size_t best = p->tally_count;
    for (size_t i = 0; i < p->tally_count; i++) {
        const char *label = p->tallies[i]->label;
        if (used[POLICY_ATTRS + i] && strcmp(label, last) > 0 && (!end || strcmp(label, end) < 0) &&
            (best == p->tally_count || strcmp(label, p->tallies[best]->label) < 0)) {
            best = i;
        }
    }
    return best;
}

typedef struct inputs {
    const policy *p;
    sight s;
    bool used[USED];
    const char *last; /* name that was written */
    keel_json_writer *w;
} inputs;

static void write_input(inputs *in, const char *name, uint16_t id) {
    const attr *a = sight_attr(&in->s, id);
    if (a && a->count) {
        keel_json_key(in->w, name);
        write_attr(in->w, a);
    }
    in->last = name;
}

/* Sums and counts, with this effect, stand among the attributes by their names. */
static void write_tallies(inputs *in, const char *end) {
    const policy *p = in->p;
    for (size_t i; (i = next_tally(p, in->used, in->last, end)) < p->tally_count;) {
        write_input(in, p->tallies[i]->label, (uint16_t)(POLICY_ATTRS + i));
    }
}

static void write_inputs(const policy *p, const policy_query *q, keel_json_writer *w) {
    inputs in = {.p = p, .last = "", .w = w};
    mark_used(p, q, in.used);
    sight_init(&in.s, p, q);
    keel_json_object(w);
    for (size_t i = 0; i < p->attr_count; i++) {
        if (in.used[i]) {
            write_tallies(&in, p->attrs[i].name);
            write_input(&in, p->attrs[i].name, (uint16_t)i);
        }
    }
    write_tallies(&in, NULL);
    keel_json_object_end(w);
}

static const char *const verdicts[] = {"deny", "ask", "allow"};

static void write_shadows(const policy *p, const policy_query *q, const policy_shadows *s,
                          keel_json_writer *w) {
    keel_json_key(w, "shadow");
    keel_json_array(w);
    for (size_t i = 0; i < s->count; i++) {
        const policy_decision *d = &s->says[i];
        keel_buf why = KEEL_BUF_INIT;
        phrase_why(p, q, d, &why);
        keel_json_object(w);
        keel_json_set_text(w, "band", d->band);
        keel_json_set_text(w, "file", d->file);
        keel_json_set_int(w, "line", d->line);
        keel_json_set_text(w, "rule", d->rule_id);
        keel_json_set_text(w, "verdict", verdicts[d->verdict]);
        keel_json_key(w, "why");
        keel_json_textn(w, why.data, why.len);
        keel_json_object_end(w);
        keel_buf_free(&why);
    }
    keel_json_array_end(w);
}

void policy_explain(const policy *p, const policy_query *q, const policy_decision *dec,
                    keel_buf *out) {
    policy_shadows shadows = {.count = 0};
    keel_buf why = KEEL_BUF_INIT;
    if (p->shadow_count) {
        policy_shadow(p, q, dec, &shadows);
    }
    phrase_why(p, q, dec, &why);
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_set_text(&w, "band", dec->band);
    keel_json_set_text(&w, "file", dec->file);
    keel_json_key(&w, "inputs");
    write_inputs(p, q, &w);
    keel_json_set_int(&w, "line", dec->line);
    keel_json_key(&w, "policy");
    keel_json_hex(&w, p->digest.bytes, DIGEST_SIZE);
    keel_json_set_text(&w, "rule", dec->rule_id);
    if (shadows.told) {
        write_shadows(p, q, &shadows, &w);
    }
    keel_json_set_text(&w, "verdict", verdicts[dec->verdict]);
    keel_json_key(&w, "why");
    keel_json_textn(&w, why.data, why.len);
    if (shadows.told) {
        keel_json_set_text(&w, "would", verdicts[shadows.would.verdict]);
    }
    keel_json_object_end(&w);
    keel_buf_free(&why);
}

/* ---- a rule to add ---- */

bool condition_names(const char *name) {
    static const char *const taken[] = {"class", "count",   "sensitivity", "sink",
                                        "sum",   "tainted", "to_known",    "to_origin"};
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        if (strcmp(taken[i], name) == 0) {
            return false;
        }
    }
    return n > 0 && n < 64 && strspn(name, letters) == n && strchr("-_.", name[0]) == NULL;
}

/* A name, an address or a reference rather than prose; what YAML takes as it is. */
static bool is_short_text(const attr_value *v) {
    for (size_t i = 0; i < v->len; i++) {
        if (v->text[i] <= ' ' || v->text[i] > '~') {
            return false;
        }
    }
    return v->type == ATTR_TEXT && v->len > 0 && v->len <= 80;
}

static bool is_plain_number(const attr_value *v) {
    return v->type == ATTR_NUMBER && v->number > -1e15 && v->number < 1e15 &&
           (v->number == 0 || v->number >= 1e-4 || v->number <= -1e-4);
}

static bool tellable(const attr *a) {
    for (size_t i = 0; i < a->count; i++) {
        const attr_value *v = &a->values[i];
        if (!is_short_text(v) && v->type != ATTR_MONEY && !is_plain_number(v)) {
            return false;
        }
        if (v->type != a->values[0].type || strcmp(v->currency, a->values[0].currency) != 0) {
            return false;
        }
    }
    return a->count > 0 && a->count <= 8 && condition_names(a->name);
}

static void suggest_set(const attr *a, keel_buf *out) {
    keel_buf_puts(out, "in: [");
    for (size_t i = 0; i < a->count; i++) {
        keel_buf_puts(out, i ? ", " : "");
        size_t before = out->len;
        if (keel_json_quote(out, a->values[i].text, a->values[i].len)) {
            out->len = before;
            keel_buf_puts(out, "\"\"");
        }
    }
    keel_buf_putc(out, ']');
}

static void suggest_most(const attr *a, keel_buf *out) {
    const attr_value *most = &a->values[0];
    for (size_t i = 1; i < a->count; i++) {
        const attr_value *v = &a->values[i];
        if (v->type == ATTR_MONEY ? v->micros > most->micros : v->number > most->number) {
            most = v;
        }
    }
    keel_buf_puts(out, "lte: ");
    value_print(most, out);
}

/* rest: the names of what it does not look at. */
static void suggest_conditions(const policy_query *q, keel_buf *out, keel_buf *rest) {
    int told = 0;
    for (size_t i = 0; i < q->attr_count; i++) {
        const attr *a = &q->attrs[i];
        if (!tellable(a) || told == 6) {
            keel_buf_printf(rest, "%s%s", rest->len ? ", " : "",
                            condition_names(a->name) ? a->name : "a field of another name");
            continue;
        }
        keel_buf_printf(out, "%s%s: { ", told++ ? ", " : "", a->name);
        if (a->values[0].type == ATTR_TEXT) {
            suggest_set(a, out);
        } else {
            suggest_most(a, out);
        }
        keel_buf_puts(out, " }");
    }
}

void policy_suggest(const policy_query *q, bool ask, keel_buf *out) {
    keel_buf_puts(out, "  - id: ");
    keel_buf_printf(out, "%.20s-", q->agent);
    for (const char *p = q->target; *p && p - q->target < 40; p++) {
        keel_buf_putc(out, *p == '.' ? '-' : *p);
    }
    keel_buf_printf(out, "\n    on: %s\n    agents: [%s]\n", q->target, q->agent);
    if (ask) {
        keel_buf_puts(out, "    ask: {}\n");
        return;
    }
    keel_buf conditions = KEEL_BUF_INIT, rest = KEEL_BUF_INIT;
    suggest_conditions(q, &conditions, &rest);
    if (conditions.len) {
        keel_buf_printf(out, "    allow: { %s }\n", conditions.data);
    } else {
        keel_buf_puts(out, "    allow: {}\n");
    }
    if (rest.len) {
        keel_buf_printf(out, "    # not looked at, so anything may stand there: %s\n", rest.data);
    }
    keel_buf_free(&rest);
    keel_buf_free(&conditions);
}
