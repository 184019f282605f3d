#include "schema_field.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH 12

/* ---- references ---- */

static keel_json referred(const schema_fields *f, keel_json node) {
    char name[128] = "";
    keel_json_copy(keel_json_get(node, "$ref"), name, sizeof name);
    if (strncmp(name, "#/$defs/", 8) != 0) {
        return (keel_json){NULL, 0};
    }
    return keel_json_get(keel_json_get(f->root, "$defs"), name + 8);
}

keel_json schema_says(const schema_fields *f, keel_json node, const char *key) {
    keel_json own = keel_json_get(node, key);
    for (int i = 0; !own.data && node.data && i < DEPTH; i++) {
        node = referred(f, node);
        own = keel_json_get(node, key);
    }
    return own;
}

/* ---- all fields ---- */

static void add_field(schema_fields *f, const char *path, keel_json node) {
    f->list = keel_realloc(f->list, (f->count + 1) * sizeof *f->list);
    f->list[f->count++] = (schema_field){keel_strdup(path), node};
}

static void walk(schema_fields *f, keel_json node, const char *path, int depth);

static void walk_member(schema_fields *f, keel_json node, const char *path, keel_json key,
                        const char *stands_for, int depth) {
    keel_buf at = KEEL_BUF_INIT;
    keel_buf_printf(&at, "%s%s", path, *path ? "." : "");
    if (stands_for) {
        keel_buf_puts(&at, stands_for);
    } else {
        keel_json_string(key, &at);
    }
    add_field(f, at.data, node);
    walk(f, node, at.data, depth - 1);
    keel_buf_free(&at);
}

static void walk(schema_fields *f, keel_json node, const char *path, int depth) {
    if (depth <= 0) {
        return;
    }
    keel_json more = schema_says(f, node, "additionalProperties");
    if (keel_json_typeof(more) == KEEL_JSON_OBJECT) {
        bool named = strcmp(path, "lists") == 0 || strcmp(path, "tiers") == 0;
        walk_member(f, more, path, more, named ? "NAME" : "ATTRIBUTE", depth);
    }
    for (keel_json_iter it = keel_json_each(schema_says(f, node, "properties"));
         keel_json_next(&it);) {
        walk_member(f, it.value, path, it.key, NULL, depth);
    }
    keel_json items = schema_says(f, node, "items");
    if (items.data) {
        walk(f, items, path, depth - 1);
    }
    for (keel_json_iter it = keel_json_each(schema_says(f, node, "oneOf")); keel_json_next(&it);) {
        walk(f, it.value, path, depth - 1);
    }
}

void schema_fields_read(keel_json root, schema_fields *out) {
    *out = (schema_fields){root, NULL, 0};
    walk(out, root, "", DEPTH);
}

void schema_fields_free(schema_fields *f) {
    for (size_t i = 0; i < f->count; i++) {
        free(f->list[i].path);
    }
    free(f->list);
}

/* ---- by name ---- */

static size_t parts_of(const char *path) {
    size_t n = 1;
    for (; *path; path++) {
        n += *path == '.';
    }
    return n;
}

static bool part_is(const char *part, size_t len, const char *name, size_t name_len, bool any) {
    bool stands = (len == 9 && memcmp(part, "ATTRIBUTE", 9) == 0) ||
                  (len == 4 && memcmp(part, "NAME", 4) == 0);
    return (stands && any) || (len == name_len && memcmp(part, name, len) == 0);
}

/* What stands for any name matches one within a path; at its end only when all of it is written. */
bool schema_field_is(const schema_field *f, const char *name) {
    size_t have = parts_of(f->path), want = parts_of(name);
    const char *p = f->path;
    for (size_t i = have; i > want; i--) {
        p = strchr(p, '.') + 1;
    }
    while (want <= have && *p && *name) {
        size_t a = strcspn(p, "."), b = strcspn(name, ".");
        bool last = !name[b];
        if (!part_is(p, a, name, b, !last || want == have)) {
            return false;
        }
        p += a + (p[a] == '.');
        name += b + (name[b] == '.');
        if (last) {
            return !*p;
        }
    }
    return false;
}

/* ---- values ---- */

static void put_plain(keel_json v, keel_buf *out) {
    if (!keel_json_string(v, out)) {
        keel_buf_append(out, v.data, v.len);
    }
}

/* " from 1 to 100", " of 1 or more" */
static void put_range(keel_json least, keel_json most, keel_buf *out) {
    if (least.data && most.data) {
        keel_buf_printf(out, " from %.*s to %.*s", (int)least.len, least.data, (int)most.len,
                        most.data);
    } else if (least.data) {
        keel_buf_printf(out, " of %.*s or more", (int)least.len, least.data);
    } else if (most.data) {
        keel_buf_printf(out, " up to %.*s", (int)most.len, most.data);
    }
}

static void put_keys(keel_json map, keel_buf *out) {
    size_t n = 0;
    for (keel_json_iter it = keel_json_each(map); keel_json_next(&it);) {
        keel_buf_puts(out, n++ ? ", " : ": ");
        put_plain(it.key, out);
    }
}

static void values_of(const schema_fields *f, keel_json node, keel_buf *out, int depth);

static void put_choice(const schema_fields *f, keel_json list, bool nodes, keel_buf *out,
                       int depth) {
    keel_buf one = KEEL_BUF_INIT, before = KEEL_BUF_INIT;
    for (keel_json_iter it = keel_json_each(list); keel_json_next(&it);) {
        keel_buf_clear(&one);
        if (nodes) {
            values_of(f, it.value, &one, depth - 1);
        } else {
            put_plain(it.value, &one);
        }
        bool said = before.len == one.len && memcmp(before.data, one.data, one.len) == 0;
        if (one.len && !said) {
            keel_buf_puts(out, before.len ? " or " : "");
            keel_buf_append(out, one.data, one.len);
            keel_buf_clear(&before);
            keel_buf_append(&before, one.data, one.len);
        }
    }
    keel_buf_free(&one);
    keel_buf_free(&before);
}

/* A definition that is referred to says best itself what its texts are. */
static void put_text(const schema_fields *f, keel_json node, keel_buf *out) {
    keel_json about = schema_says(f, referred(f, node), "description");
    if (about.data) {
        size_t from = out->len;
        keel_json_string(about, out);
        bool capital = out->len > from + 1 && out->data[from] >= 'A' && out->data[from] <= 'Z';
        if (capital && (out->data[from + 1] >= 'a' || out->data[from + 1] == ' ')) {
            out->data[from] = (char)(out->data[from] + 32);
        }
        if (out->len > from && out->data[out->len - 1] == '.') {
            out->data[--out->len] = 0;
        }
        return;
    }
    keel_buf_puts(out, "a text");
}

static void values_of(const schema_fields *f, keel_json node, keel_buf *out, int depth) {
    keel_json type = schema_says(f, node, "type"), fixed = schema_says(f, node, "const");
    keel_json one_of = schema_says(f, node, "oneOf"), listed = schema_says(f, node, "enum");
    bool whole = keel_json_is(type, "integer");
    if (depth <= 0) {
        return;
    }
    if (one_of.data && keel_json_is(type, "object")) {
        one_of = (keel_json){NULL, 0}; /* it says which keys go together */
    }
    if (fixed.data) {
        put_plain(fixed, out);
    } else if (listed.data || one_of.data) {
        put_choice(f, listed.data ? listed : one_of, !listed.data, out, depth);
    } else if (whole || keel_json_is(type, "number")) {
        keel_buf_puts(out, whole ? "a whole number" : "a number");
        put_range(schema_says(f, node, "minimum"), schema_says(f, node, "maximum"), out);
    } else if (keel_json_is(type, "boolean")) {
        keel_buf_puts(out, "true or false");
    } else if (keel_json_is(type, "array")) {
        keel_json items = schema_says(f, node, "items");
        keel_buf_puts(out, items.data ? "a list, each " : "a list");
        values_of(f, items, out, items.data ? depth - 1 : 0);
    } else if (keel_json_is(type, "object")) {
        keel_buf_puts(out, "a map");
        put_keys(schema_says(f, node, "properties"), out);
    } else if (keel_json_typeof(type) == KEEL_JSON_ARRAY || keel_json_is(type, "string")) {
        put_text(f, node, out);
    }
}

void schema_values(const schema_fields *f, keel_json node, keel_buf *out) {
    keel_buf_puts(out, "");
    values_of(f, node, out, 4);
}

/* ---- an example ---- */

static bool example_of(const schema_fields *f, keel_json node, keel_buf *out, int depth);

/* As a person writes it in one line; what YAML might read otherwise has quotes. */
static void put_flow(keel_json v, keel_buf *out) {
    keel_json_type t = keel_json_typeof(v);
    bool map = t == KEEL_JSON_OBJECT;
    if (map || t == KEEL_JSON_ARRAY) {
        size_t n = 0;
        keel_buf_puts(out, map ? "{" : "[");
        for (keel_json_iter it = keel_json_each(v); keel_json_next(&it); n++) {
            keel_buf_puts(out, n ? ", " : map ? " " : "");
            if (map) {
                put_plain(it.key, out);
                keel_buf_puts(out, ": ");
            }
            put_flow(it.value, out);
        }
        keel_buf_puts(out, map && n ? " }" : map ? "}" : "]");
        return;
    }
    size_t from = out->len;
    put_plain(v, out);
    if (strpbrk(out->data + from, ":*>")) {
        out->len = from;
        keel_buf_append(out, v.data, v.len);
    }
}

static keel_json first_of(keel_json list) {
    keel_json_iter it = keel_json_each(list);
    return keel_json_next(&it) ? it.value : (keel_json){NULL, 0};
}

static bool example_map(const schema_fields *f, keel_json node, keel_buf *out, int depth) {
    size_t n = 0;
    keel_buf_putc(out, '{');
    for (keel_json_iter it = keel_json_each(schema_says(f, node, "properties"));
         n < 2 && keel_json_next(&it);) {
        size_t before = out->len;
        keel_buf_puts(out, n ? ", " : " ");
        put_plain(it.key, out);
        keel_buf_puts(out, ": ");
        if (example_of(f, it.value, out, depth - 1)) {
            n++;
        } else {
            out->len = before;
        }
    }
    keel_buf_puts(out, n ? " }" : "}");
    return n > 0;
}

static bool example_of(const schema_fields *f, keel_json node, keel_buf *out, int depth) {
    static const char *const given[] = {"const", "default", "examples", "enum"};
    keel_json value = {NULL, 0}, type = schema_says(f, node, "type");
    for (int i = 0; i < 4 && !value.data; i++) {
        value = schema_says(f, node, given[i]);
        value = i < 2 ? value : first_of(value);
    }
    value = value.data || !keel_json_is(type, "integer") ? value : schema_says(f, node, "minimum");
    if (value.data) {
        put_flow(value, out);
        return true;
    }
    if (depth <= 0) {
        return false;
    }
    for (keel_json_iter it = keel_json_each(schema_says(f, node, "oneOf")); keel_json_next(&it);) {
        if (example_of(f, it.value, out, depth - 1)) {
            return true;
        }
    }
    if (keel_json_is(type, "boolean")) {
        keel_buf_puts(out, "true");
        return true;
    }
    if (keel_json_is(type, "array")) {
        size_t before = out->len;
        keel_buf_putc(out, '[');
        bool any = example_of(f, schema_says(f, node, "items"), out, depth - 1);
        keel_buf_putc(out, ']');
        out->len = any ? out->len : before;
        return any;
    }
    return keel_json_is(type, "object") && example_map(f, node, out, depth);
}

void schema_example(const schema_fields *f, keel_json node, keel_buf *out) {
    keel_buf_puts(out, "");
    size_t before = out->len;
    if (!example_of(f, node, out, 4)) {
        out->len = before;
    }
    out->data[out->len] = 0;
}
