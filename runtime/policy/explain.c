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
    keel_buf money = KEEL_BUF_INIT;
    switch (v->type) {
    case ATTR_TEXT:
        write_text(w, v->text, v->len);
        break;
    case ATTR_MONEY:
        money_print(v->micros, v->currency, &money);
        keel_json_textn(w, money.data, money.len);
        break;
    case ATTR_NUMBER:
        keel_json_number(w, v->number);
        break;
    case ATTR_BOOL:
        keel_json_bool(w, v->number != 0);
        break;
    default:
        keel_json_null(w);
        break;
    }
    keel_buf_free(&money);
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

static void mark(bool used[POLICY_ATTRS], const band *b) {
    for (size_t i = 0; i < b->count; i++) {
        used[b->checks[i].attr] = true;
    }
}

/* Keel's own three, and what the rules that cover this effect look at. */
static void mark_used(const policy *p, const policy_query *q, bool used[POLICY_ATTRS]) {
    for (size_t i = 0; i < p->attr_count; i++) {
        used[i] = p->attrs[i].builtin != BUILTIN_NONE;
    }
    const policy_rule *const *rules;
    size_t count = policy_candidates(p, q->agent, q->target, &rules);
    for (size_t i = 0; i < count; i++) {
        if (rule_covers(rules[i], q->agent, q->target)) {
            mark(used, &rules[i]->when);
            for (band_kind k = BAND_DENY; k < BAND_COUNT; k++) {
                mark(used, &rules[i]->bands[k]);
            }
        }
    }
}

static void write_inputs(const policy *p, const policy_query *q, keel_json_writer *w) {
    bool used[POLICY_ATTRS];
    mark_used(p, q, used);
    sight s;
    sight_init(&s, p, q);
    keel_json_object(w);
    for (size_t i = 0; i < p->attr_count; i++) {
        const attr *a = used[i] ? sight_attr(&s, (uint16_t)i) : NULL;
        if (a && a->count) {
            keel_json_key(w, p->attrs[i].name);
            write_attr(w, a);
        }
    }
    keel_json_object_end(w);
}

void policy_explain(const policy *p, const policy_query *q, const policy_decision *dec,
                    keel_buf *out) {
    static const char *const verdicts[] = {"deny", "ask", "allow"};
    keel_buf why = KEEL_BUF_INIT;
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
    keel_json_set_text(&w, "verdict", verdicts[dec->verdict]);
    keel_json_key(&w, "why");
    keel_json_textn(&w, why.data, why.len);
    keel_json_object_end(&w);
    keel_buf_free(&why);
}

/* ---- a rule to add ---- */

/* A name that a rule may use: Keel's own and those of later versions are not the field's. */
static bool usable_name(const char *name) {
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
    return a->count > 0 && a->count <= 8 && usable_name(a->name);
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

static void suggest_conditions(const policy_query *q, keel_buf *out) {
    int told = 0;
    for (size_t i = 0; i < q->attr_count && told < 6; i++) {
        const attr *a = &q->attrs[i];
        if (!tellable(a)) {
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
    keel_buf conditions = KEEL_BUF_INIT;
    suggest_conditions(q, &conditions);
    if (conditions.len) {
        keel_buf_printf(out, "    allow: { %s }\n", conditions.data);
    } else {
        keel_buf_puts(out, "    allow: {}\n");
    }
    keel_buf_free(&conditions);
}
