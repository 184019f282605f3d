/* Attributes of one effect: what the manifest declares, computed from the canonical arguments, and
 * the top-level fields themselves. What an agent sends never takes the name of a declared one. */
#include <stdlib.h>
#include <string.h>

#include "policyint.h"
#include "yamltree.h"

/* Values and names are kept by index while the set grows; pointers are made at the end. */
struct attr_set {
    attr *attrs;
    size_t count, cap;
    size_t *first; /* beside attrs: its first value */
    size_t *name;  /* beside attrs: its name's place in `text` */
    attr_value *values;
    size_t value_count, value_cap;
    size_t *place; /* beside values: place in `text`, or SIZE_MAX: a view into the arguments */
    keel_buf text;
    keel_buf decoded; /* of one field of addresses */
};

attr_set *attr_set_create(void) {
    attr_set *s = keel_alloc(sizeof *s);
    memset(s, 0, sizeof *s);
    return s;
}

void attr_set_destroy(attr_set *s) {
    if (s) {
        free(s->attrs);
        free(s->first);
        free(s->name);
        free(s->values);
        free(s->place);
        keel_buf_free(&s->text);
        keel_buf_free(&s->decoded);
        free(s);
    }
}

/* ---- growing ---- */

static void begin_attr(attr_set *s, const char *name, size_t len) {
    if (s->count == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 16;
        s->attrs = keel_realloc(s->attrs, s->cap * sizeof *s->attrs);
        s->first = keel_realloc(s->first, s->cap * sizeof *s->first);
        s->name = keel_realloc(s->name, s->cap * sizeof *s->name);
    }
    s->attrs[s->count] = (attr){0};
    s->first[s->count] = s->value_count;
    s->name[s->count] = s->text.len;
    keel_buf_append(&s->text, name, len);
    keel_buf_putc(&s->text, 0);
    s->count++;
}

static void add_value(attr_set *s, const attr_value *v, size_t place) {
    if (s->value_count == s->value_cap) {
        s->value_cap = s->value_cap ? s->value_cap * 2 : 32;
        s->values = keel_realloc(s->values, s->value_cap * sizeof *s->values);
        s->place = keel_realloc(s->place, s->value_cap * sizeof *s->place);
    }
    s->values[s->value_count] = *v;
    s->place[s->value_count] = place;
    s->value_count++;
    s->attrs[s->count - 1].count++;
}

static void add_bad(attr_set *s) {
    add_value(s, &(attr_value){.type = ATTR_BAD}, SIZE_MAX);
}

static void add_number(attr_set *s, double n) {
    add_value(s, &(attr_value){.type = ATTR_NUMBER, .number = n}, SIZE_MAX);
}

/* ---- scalars ---- */

/* The text of a string: a view where it has no escapes, else decoded behind `text`. */
static size_t text_of(attr_set *s, keel_json v, const char **text, size_t *len) {
    if (!memchr(v.data, '\\', v.len)) {
        *text = v.data + 1;
        *len = v.len - 2;
        return SIZE_MAX;
    }
    size_t place = s->text.len;
    keel_json_string(v, &s->text);
    *len = s->text.len - place;
    *text = s->text.data + place;
    keel_buf_putc(&s->text, 0);
    return place;
}

static bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}

static void money_of(attr_value *v) {
    char copy[40];
    if (v->len < 5 || v->len >= sizeof copy || !is_upper(v->text[v->len - 1]) ||
        v->text[v->len - 4] != ' ') {
        return;
    }
    memcpy(copy, v->text, v->len);
    copy[v->len] = 0;
    yaml_node n = {.kind = YAML_SCALAR, .text = copy, .len = v->len};
    if (strlen(copy) == v->len && yaml_money(&n, &v->micros, v->currency)) {
        v->type = ATTR_MONEY;
    }
}

static void add_scalar(attr_set *s, keel_json v) {
    attr_value out = {.type = ATTR_BAD};
    size_t place = SIZE_MAX;
    switch (keel_json_typeof(v)) {
    case KEEL_JSON_BOOL:
        out.type = ATTR_BOOL;
        out.number = keel_json_true(v);
        break;
    case KEEL_JSON_NUMBER:
        out.type = keel_json_double(v, &out.number) ? ATTR_NUMBER : ATTR_BAD;
        break;
    case KEEL_JSON_STRING:
        out.type = ATTR_TEXT;
        place = text_of(s, v, &out.text, &out.len);
        money_of(&out);
        break;
    default:
        break;
    }
    add_value(s, &out, place);
}

/* ---- addresses ---- */

static bool domain_char(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c >= 0x80;
}

static size_t domain_length(const char *p, size_t left) {
    size_t n = 0;
    if (left && p[0] == '[') {
        const char *end = memchr(p, ']', left);
        return end ? (size_t)(end - p) + 1 : 0;
    }
    while (n < left && domain_char((unsigned char)p[n])) {
        n++;
    }
    return n;
}

static void add_domain(attr_set *s, const char *p, size_t n) {
    size_t place = s->text.len;
    n -= n > 1 && p[n - 1] == '.';
    for (size_t i = 0; i < n; i++) {
        keel_buf_putc(&s->text, p[i] >= 'A' && p[i] <= 'Z' ? (char)(p[i] + 32) : p[i]);
    }
    keel_buf_putc(&s->text, 0);
    add_value(s, &(attr_value){.type = ATTR_TEXT, .len = n}, place);
}

/* One domain for every @, however the field is cut into addresses: a second address hidden in a
 * name, a comment or a quoted part counts too. What is no domain is a value of no type. */
static void add_domains(attr_set *s, keel_json v) {
    if (keel_json_typeof(v) != KEEL_JSON_STRING) {
        add_bad(s);
        return;
    }
    keel_buf *text = &s->decoded;
    keel_buf_clear(text);
    keel_json_string(v, text);
    bool any = false;
    for (size_t at = 0; at < text->len; at++) {
        if (text->data[at] != '@') {
            continue;
        }
        any = true;
        const char *from = text->data + at + 1;
        size_t n = domain_length(from, text->len - at - 1);
        char next = from[n];
        if (n == 0 || (next && !strchr("> ,;\t\")", next)) || from + n > text->data + text->len) {
            add_bad(s);
        } else {
            add_domain(s, from, n);
        }
    }
    if (!any) {
        add_bad(s);
    }
}

/* ---- fields ---- */

typedef struct field_sum {
    attr_set *set;
    attr_fn fn;
    size_t values, bytes;
    bool odd;
} field_sum;

static size_t text_length(keel_json v) {
    char none[1];
    long n = keel_json_copy(v, none, sizeof none);
    return n < 0 ? 0 : (size_t)n;
}

static void take(void *ctx, keel_json v) {
    field_sum *sum = ctx;
    attr_set *s = sum->set;
    if (!v.len) {
        add_bad(s);
        return;
    }
    sum->values++;
    switch (sum->fn) {
    case ATTR_DOMAIN:
        add_domains(s, v);
        break;
    case ATTR_COUNT:
        break;
    case ATTR_LENGTH:
        sum->odd = sum->odd || keel_json_typeof(v) != KEEL_JSON_STRING;
        sum->bytes += text_length(v);
        break;
    default:
        add_scalar(s, v);
        break;
    }
}

void attr_walk(keel_json v, const char *path, attr_seen *seen, void *ctx) {
    keel_json_type type = keel_json_typeof(v);
    if (type == KEEL_JSON_ARRAY) {
        for (keel_json_iter it = keel_json_each(v); keel_json_next(&it);) {
            attr_walk(it.value, path, seen, ctx);
        }
        return;
    }
    if (type == KEEL_JSON_NONE || type == KEEL_JSON_NULL) {
        return;
    }
    if (!*path) {
        seen(ctx, v);
        return;
    }
    size_t n = strcspn(path, ".");
    char key[128];
    if (type != KEEL_JSON_OBJECT || n >= sizeof key) {
        seen(ctx, (keel_json){0});
        return;
    }
    memcpy(key, path, n);
    key[n] = 0;
    attr_walk(keel_json_get(v, key), path + n + (path[n] == '.'), seen, ctx);
}

static void add_declared(attr_set *s, const manifest_attr *a, keel_json args) {
    begin_attr(s, a->name, strlen(a->name));
    field_sum sum = {.set = s, .fn = a->fn};
    for (size_t i = 0; i < a->of_count; i++) {
        attr_walk(args, a->of[i], take, &sum);
    }
    if (a->fn == ATTR_COUNT) {
        add_number(s, (double)sum.values);
    } else if (a->fn == ATTR_LENGTH && sum.odd) {
        add_bad(s);
    } else if (a->fn == ATTR_LENGTH) {
        add_number(s, (double)sum.bytes);
    }
}

static bool taken(const manifest_resource *r, const char *name) {
    for (size_t i = 0; r && i < r->attr_count; i++) {
        if (strcmp(r->attrs[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void add_field(attr_set *s, const manifest_resource *r, keel_json key, keel_json value) {
    char name[128];
    long n = keel_json_copy(key, name, sizeof name);
    if (n <= 0 || (size_t)n >= sizeof name || strlen(name) != (size_t)n || taken(r, name)) {
        return;
    }
    begin_attr(s, name, (size_t)n);
    field_sum sum = {.set = s, .fn = ATTR_VALUE};
    attr_walk(value, "", take, &sum);
}

static void settle_pointers(attr_set *s) {
    for (size_t i = 0; i < s->value_count; i++) {
        if (s->place[i] != SIZE_MAX) {
            s->values[i].text = s->text.data + s->place[i];
        }
    }
    for (size_t i = 0; i < s->count; i++) {
        s->attrs[i].name = s->text.data + s->name[i];
        s->attrs[i].values = s->values ? s->values + s->first[i] : NULL;
    }
}

void attr_set_fill(attr_set *s, const manifest_resource *r, keel_json args) {
    s->count = 0;
    s->value_count = 0;
    keel_buf_clear(&s->text);
    for (size_t i = 0; r && i < r->attr_count; i++) {
        if (r->attrs[i].fn != ATTR_ORIGIN) { /* what was read tells it: reply.h */
            add_declared(s, &r->attrs[i], args);
        }
    }
    if (keel_json_typeof(args) == KEEL_JSON_OBJECT) {
        for (keel_json_iter it = keel_json_each(args); keel_json_next(&it);) {
            add_field(s, r, it.key, it.value);
        }
    }
    settle_pointers(s);
}

const attr *attr_set_list(const attr_set *s, size_t *count) {
    *count = s->count;
    return s->attrs;
}
