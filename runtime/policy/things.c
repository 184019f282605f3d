#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diffint.h"

/* ---- parts ---- */

thing *thing_add(things *t, thing_kind kind, const char *id, const char *file, int line) {
    t->list = keel_realloc(t->list, (t->count + 1) * sizeof *t->list);
    thing *x = &t->list[t->count++];
    *x = (thing){.kind = kind, .id = keel_strdup(id), .file = file, .line = line};
    return x;
}

void thing_part_add(thing *x, const char *name, const char *text) {
    x->parts = keel_realloc(x->parts, (x->count + 1) * sizeof *x->parts);
    x->parts[x->count++] = (thing_part){keel_strdup(name), keel_strdup(text)};
}

void thing_text_add(thing *x, const char *name, const char *format, ...) {
    keel_buf text = KEEL_BUF_INIT;
    va_list ap;
    va_start(ap, format);
    keel_buf_vprintf(&text, format, ap);
    va_end(ap);
    thing_part_add(x, name, text.data);
    keel_buf_free(&text);
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Texts in order, whatever the file's: it does not matter there either. Takes their memory over. */
static char *joined(char **texts, size_t count) {
    keel_buf out = KEEL_BUF_INIT;
    keel_buf_puts(&out, "");
    if (count) {
        qsort(texts, count, sizeof *texts, by_text);
    }
    for (size_t i = 0; i < count; i++) {
        keel_buf_printf(&out, "%s%s", i ? ", " : "", texts[i]);
        free(texts[i]);
    }
    free(texts);
    return out.data;
}

char *thing_words(const char *const *list, size_t count) {
    char **texts = keel_alloc((count + 1) * sizeof *texts);
    for (size_t i = 0; i < count; i++) {
        texts[i] = keel_strdup(list[i]);
    }
    return joined(texts, count);
}

void thing_words_add(thing *x, const char *name, const char *const *list, size_t count,
                     const char *none) {
    char *text = thing_words(list, count);
    thing_part_add(x, name, count ? text : none);
    free(text);
}

void thing_span_add(thing *x, const char *name, int64_t us) {
    keel_buf text = KEEL_BUF_INIT;
    span_print(us, &text);
    thing_part_add(x, name, text.data);
    keel_buf_free(&text);
}

/* ---- conditions ---- */

/* A value in full: messages cut long ones. */
static char *value_words(const attr_value *v) {
    keel_buf out = KEEL_BUF_INIT;
    if (v->type != ATTR_TEXT || keel_json_quote(&out, v->text, v->len)) {
        value_print(v, &out);
    }
    return out.data;
}

static char *set_words(const value_set *s) {
    char **texts = keel_alloc((s->count + 1) * sizeof *texts);
    for (size_t i = 0; i < s->count; i++) {
        texts[i] = value_words(&s->items[i]);
    }
    return joined(texts, s->count);
}

/* "amount", or "sum of amount in 1d for each agent": as phrase_band begins. */
static void put_check_name(const policy *p, const check *c, keel_buf *out) {
    const tally_rule *t = check_tally(p, c);
    keel_buf_puts(out, t ? t->words : p->attrs[c->attr].name);
    if (t && t->each != EACH_NONE) {
        keel_buf_printf(out, " for each %s",
                        t->each == EACH_AGENT ? "agent" : p->attrs[t->each_attr].name);
    }
}

/* "in $own_domains", "in [\"a\", \"b\"]", "below 100 EUR" */
static char *op_words(const policy *p, const check *c, const op *o) {
    keel_buf out = KEEL_BUF_INIT;
    bool set = o->kind == OP_IN || o->kind == OP_NOT_IN;
    if (set && o->set.list) {
        keel_buf_printf(&out, "%s $%s", o->kind == OP_IN ? "in" : "not in", o->set.list);
    } else if (set) {
        char *text = set_words(&o->set);
        keel_buf_printf(&out, "%s [%s]", o->kind == OP_IN ? "in" : "not in", text);
        free(text);
    } else if (o->kind == OP_MATCHES || (o->kind == OP_EQ && o->value.type == ATTR_TEXT)) {
        char *text = value_words(&o->value);
        keel_buf_printf(&out, "%s %s", o->kind == OP_MATCHES ? "matching" : "is", text);
        free(text);
    } else {
        check one = *c;
        one.ops = o;
        one.count = 1;
        band b = {.present = true, .count = 1, .checks = &one};
        phrase_band(p, &b, &out);
        keel_buf name = KEEL_BUF_INIT;
        put_check_name(p, c, &name);
        keel_buf_consume(&out, out.len > name.len + 1 ? name.len + 1 : 0);
        keel_buf_free(&name);
    }
    return out.data;
}

static void add_check(const policy *p, const check *c, const char *band_name, thing *x) {
    char **texts = keel_alloc((c->count + 1u) * sizeof *texts);
    for (size_t i = 0; i < c->count; i++) {
        texts[i] = op_words(p, c, &c->ops[i]);
    }
    char *text = joined(texts, c->count);
    keel_buf name = KEEL_BUF_INIT;
    keel_buf_printf(&name, "%s.", band_name);
    put_check_name(p, c, &name);
    thing_part_add(x, name.data, text);
    keel_buf_free(&name);
    free(text);
}

static void add_band(const policy *p, const band *b, const char *name, thing *x) {
    if (b->present && b->count == 0) {
        thing_part_add(x, name, "always");
    }
    for (size_t i = 0; i < b->count; i++) {
        add_check(p, &b->checks[i], name, x);
    }
}

/* ---- lists, as the rules use them ---- */

static bool has_thing(const things *t, thing_kind kind, const char *id) {
    for (size_t i = 0; i < t->count; i++) {
        if (t->list[i].kind == kind && strcmp(t->list[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

static void read_lists(const band *b, things *out) {
    for (size_t i = 0; i < b->count; i++) {
        for (size_t k = 0; k < b->checks[i].count; k++) {
            const op *o = &b->checks[i].ops[k];
            bool set = o->kind == OP_IN || o->kind == OP_NOT_IN;
            if (!set || !o->set.list || has_thing(out, THING_LIST, o->set.list)) {
                continue;
            }
            thing *x = thing_add(out, THING_LIST, o->set.list, "", 0);
            for (size_t v = 0; v < o->set.count; v++) {
                char *text = value_words(&o->set.items[v]);
                thing_part_add(x, text, "");
                free(text);
            }
        }
    }
}

/* ---- rules ---- */

static void read_digest(const policy_approval *a, thing *x) {
    for (size_t i = 0; i < a->digest_count; i++) {
        char name[40];
        snprintf(name, sizeof name, "approval.digest.%zu", i + 1);
        thing_text_add(x, name, "%02d:%02d %s", a->digest[i] / 60, a->digest[i] % 60,
                       a->tz ? a->tz : "UTC");
    }
}

static void read_remember(const policy_approval *a, thing *x) {
    if (a->remember_us) {
        thing_span_add(x, "approval.remember.for", a->remember_us);
        thing_text_add(x, "approval.remember.max_uses", "%d", a->remember_uses);
        thing_words_add(x, "approval.remember.vary", a->vary, a->vary_count, "nothing");
    }
}

static void read_approval(const policy_rule *r, thing *x) {
    const policy_approval *a = &r->approval;
    if (!r->bands[BAND_ASK].present) {
        return;
    }
    read_digest(a, x);
    read_remember(a, x);
    if (a->batch_by_count) {
        thing_words_add(x, "approval.batch.by", a->batch_by, a->batch_by_count, "");
    }
    thing_span_add(x, "approval.expires", a->expires_us);
    thing_text_add(x, "approval.batch.max", "%d", a->batch_max);
    thing_words_add(x, "approval.edit", a->edit, a->edit_count, "nothing");
    for (size_t i = 0; i < a->escalate_count; i++) {
        char name[40];
        snprintf(name, sizeof name, "approval.escalate.%zu", i + 1);
        thing_span_add(x, name, a->escalate[i].after_us);
        thing_part *last = &x->parts[x->count - 1];
        char *text = last->text;
        keel_buf out = KEEL_BUF_INIT;
        keel_buf_printf(&out, "after %s%s%s", text, a->escalate[i].to ? " to " : "",
                        a->escalate[i].to ? a->escalate[i].to : "");
        free(text);
        last->text = out.data;
    }
}

static void read_rule(const policy *p, const policy_rule *r, things *out) {
    static const char *const bands[] = {"deny", "allow", "ask"};
    read_lists(&r->when, out);
    for (band_kind k = BAND_DENY; k < BAND_COUNT; k++) {
        read_lists(&r->bands[k], out);
    }
    thing *x = thing_add(out, THING_RULE, r->id, r->file, r->line);
    x->words = r->digest;
    if (r->shadow) {
        thing_part_add(x, "mode", "shadow");
    }
    if (r->guard) {
        thing_part_add(x, "guard", "true");
    }
    thing_words_add(x, "on", r->on, r->on_count, "");
    thing_words_add(x, "agents", r->agents, r->agent_count, "all");
    add_band(p, &r->when, "when", x);
    for (band_kind k = BAND_DENY; k < BAND_COUNT; k++) {
        add_band(p, &r->bands[k], bands[k], x);
    }
    read_approval(r, x);
    if (r->endorse) {
        thing_part_add(x, "endorse", r->endorse);
    }
}

/* ---- all ---- */

static int by_kind_and_id(const void *a, const void *b) {
    const thing *x = a, *y = b;
    if (x->kind != y->kind) {
        return x->kind < y->kind ? -1 : 1;
    }
    int order = strcmp(x->id, y->id);
    return order ? order : strcmp(x->file, y->file) ? strcmp(x->file, y->file) : x->line - y->line;
}

void things_read(const policy *p, things *out) {
    *out = (things){NULL, 0};
    for (size_t i = 0; i < p->rule_count; i++) {
        read_rule(p, p->rules[i], out);
    }
    for (size_t i = 0; i < p->shadow_count; i++) {
        read_rule(p, p->shadows[i], out);
    }
    things_read_beside(p, out);
    if (out->count) {
        qsort(out->list, out->count, sizeof *out->list, by_kind_and_id);
    }
}

void things_free(things *t) {
    for (size_t i = 0; i < t->count; i++) {
        for (size_t k = 0; k < t->list[i].count; k++) {
            free(t->list[i].parts[k].name);
            free(t->list[i].parts[k].text);
        }
        free(t->list[i].parts);
        free(t->list[i].id);
    }
    free(t->list);
}

const char *thing_get(const thing *t, const char *part) {
    for (size_t i = 0; i < t->count; i++) {
        if (strcmp(t->parts[i].name, part) == 0) {
            return t->parts[i].text;
        }
    }
    return NULL;
}
