/* Values and conditions as YAML. What is no plain word of ASCII is quoted, and other alphabets are
 * spelled out in it: a look-alike is not taken for what it looks like. */
#include <stdio.h>
#include <string.h>

#include "rampint.h"

#define TEXT_MOST 80

/* How many bytes the character at the start of text has, and which it is; 0: it is no UTF-8. */
static size_t character(const char *text, size_t len, uint32_t *cp) {
    const unsigned char *s = (const unsigned char *)text;
    size_t n = s[0] < 0x80 ? 1 : (s[0] & 0xe0) == 0xc0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : 4;
    if (n > len || (n == 4 && (s[0] & 0xf8) != 0xf0)) {
        return 0;
    }
    *cp = n == 1 ? s[0] : s[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
        *cp = *cp << 6 | (s[i] & 0x3fu);
    }
    return n;
}

static bool is_text(const attr_value *v) {
    uint32_t cp = 0;
    for (size_t at = 0, n; at < v->len; at += n) {
        n = character(v->text + at, v->len - at, &cp);
        if (n == 0 || cp < ' ' || (cp >= 0x7f && cp < 0xa0)) {
            return false;
        }
    }
    return v->len > 0 && v->len <= TEXT_MOST;
}

/* What a decimal number without an exponent can say. */
static bool is_number(double n) {
    return n > -1e15 && n < 1e15 && (n == 0 || n >= 1e-4 || n <= -1e-4);
}

bool ramp_writable(const attr_value *v) {
    switch (v->type) {
    case ATTR_TEXT:
        return is_text(v);
    case ATTR_NUMBER:
        return is_number(v->number);
    case ATTR_MONEY:
        return v->micros != INT64_MIN;
    default:
        return v->type == ATTR_BOOL;
    }
}

/* A word that is a text to every reader of YAML. */
static bool is_plain(const char *text, size_t len) {
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.@/+";
    static const char *const taken[] = {"true", "false", "yes", "no", "on",
                                        "off",  "null",  "y",   "n"};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        if (text_equal(text, len, taken[i], strlen(taken[i]), true)) {
            return false;
        }
    }
    for (size_t i = 0; i < len; i++) {
        if (!strchr(letters, text[i]) || !text[i]) {
            return false;
        }
    }
    return len > 0 && ((text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z'));
}

static void put_quoted(const char *text, size_t len, keel_buf *out) {
    uint32_t cp = 0;
    keel_buf_putc(out, '"');
    for (size_t at = 0, n; at < len; at += n) {
        n = character(text + at, len - at, &cp);
        if (n == 0) {
            break;
        }
        if (cp == '"' || cp == '\\') {
            keel_buf_putc(out, '\\');
        }
        if (cp < 0x7f) {
            keel_buf_putc(out, (char)cp);
        } else {
            keel_buf_printf(out, cp > 0xffff ? "\\U%08x" : "\\u%04x", (unsigned)cp);
        }
    }
    keel_buf_putc(out, '"');
}

void ramp_value(const attr_value *v, keel_buf *out) {
    if (v->type != ATTR_TEXT) {
        value_print(v, out);
    } else if (is_plain(v->text, v->len)) {
        keel_buf_append(out, v->text, v->len);
    } else {
        put_quoted(v->text, v->len, out);
    }
}

/* ---- conditions ---- */

static const char *const names[] = {
    [OP_LT] = "lt",
    [OP_LTE] = "lte",
    [OP_GT] = "gt",
    [OP_GTE] = "gte",
    [OP_EQ] = "",
    [OP_IN] = "in",
    [OP_NOT_IN] = "not_in",
    [OP_MATCHES] = "matches",
    [OP_PRESENT] = "present",
};

static void put_items(const value_set *set, keel_buf *out) {
    for (size_t i = 0; i < set->count; i++) {
        keel_buf_puts(out, i ? ", " : "");
        ramp_value(&set->items[i], out);
    }
}

static void put_operand(const op *o, keel_buf *out) {
    if (o->kind == OP_IN) {
        keel_buf_putc(out, '[');
        put_items(&o->set, out);
        keel_buf_putc(out, ']');
    } else if (o->kind == OP_PRESENT) {
        keel_buf_puts(out, o->yes ? "true" : "false");
    } else {
        ramp_value(&o->value, out);
    }
}

/* "{ gte: 0 EUR, lte: 180 EUR }" or "false" */
static void put_whole(const ramp_bound *b, keel_buf *out) {
    if (b->ops[0].kind == OP_EQ) {
        put_operand(&b->ops[0], out);
        return;
    }
    for (uint16_t i = 0; i < b->count; i++) {
        keel_buf_printf(out, "%s%s: ", i ? ", " : "{ ", names[b->ops[i].kind]);
        put_operand(&b->ops[i], out);
    }
    keel_buf_puts(out, " }");
}

/* What was not in the set, or beside the bare value, before. */
static void put_more(const op *was, const op *now, ramp_condition *to) {
    size_t old = was->kind == OP_IN ? was->set.count : 1;
    to->more = keel_alloc((now->set.count + 1) * sizeof *to->more);
    for (size_t i = old; i < now->set.count; i++) {
        keel_buf text = KEEL_BUF_INIT;
        ramp_value(&now->set.items[i], &text);
        to->more[to->more_count++] = text.data;
    }
}

static void put_condition(const ramp_bound *b, ramp_condition *to) {
    keel_buf value = KEEL_BUF_INIT;
    *to = (ramp_condition){.attr = keel_strdup(b->attr)};
    if (!b->check) {
        put_whole(b, &value);
    } else {
        const op *was = &b->check->ops[b->which];
        to->was = names[was->kind];
        to->op = names[b->ops[0].kind];
        put_operand(&b->ops[0], &value);
        if (b->ops[0].kind == OP_IN) {
            put_more(was, &b->ops[0], to);
        }
    }
    to->value = value.data;
}

void ramp_conditions(ramp_group *g) {
    ramp_finding *f = g->out;
    keel_buf free_names = KEEL_BUF_INIT;
    f->conditions = keel_alloc((g->bound_count + 1) * sizeof *f->conditions);
    for (size_t i = 0; i < g->bound_count; i++) {
        put_condition(&g->bounds[i], &f->conditions[f->condition_count++]);
    }
    keel_buf_puts(&free_names, "");
    for (size_t i = 0; f->band && i < g->seen_count; i++) {
        const ramp_seen *s = &g->seen[i];
        if (s->free && !s->covered) {
            keel_buf_printf(&free_names, "%s%s", free_names.len ? ", " : "", s->name);
        }
    }
    f->free = free_names.data;
}
