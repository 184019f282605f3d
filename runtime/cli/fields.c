/* Canonical arguments as a list of named fields: nested members as dotted paths. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alike.h"
#include "render.h"
#include "text.h"

#define NAME_LEAST    12
#define NAME_MOST     28
#define SIZE_COLUMNS  12
#define INDENT        2
#define REMARKS       4
#define PLAIN_WIDTH   100
#define OUTLINE_WHOLE 120 /* bytes of a nested value that is still shown */

typedef struct field {
    char *name; /* escaped */
    keel_json value;
    bool is_long;
    keel_buf remarks; /* on its name */
} field;

typedef struct fields {
    field *list;
    size_t count, room;
    size_t width;
    size_t name_columns; /* of the longest short field's name, within bounds */
    const alike_known *known;
} fields;

static size_t inline_room(size_t width) {
    size_t used = INDENT + NAME_MOST + SIZE_COLUMNS + 6;
    return width > used + 20 ? width - used : 20;
}

static bool value_is_long(keel_json v, size_t width) {
    keel_buf text = KEEL_BUF_INIT;
    bool is_long = false;
    if (keel_json_string(v, &text)) {
        is_long = text.len > 0 && !gutter_short(text.data, text.len, inline_room(width));
    }
    keel_buf_free(&text);
    return is_long;
}

static void add(fields *f, const char *name, keel_json v) {
    if (f->count == f->room) {
        f->room = f->room ? f->room * 2 : 16;
        f->list = keel_realloc(f->list, f->room * sizeof *f->list);
    }
    f->list[f->count++] = (field){keel_strdup(name), v, value_is_long(v, f->width), KEEL_BUF_INIT};
}

/* A key that could be mistaken for a path is shown in quotes. */
static void add_key(keel_buf *name, keel_json key) {
    keel_buf text = KEEL_BUF_INIT;
    keel_json_string(key, &text);
    bool plain = text.len > 0;
    for (size_t i = 0; i < text.len; i++) {
        plain = plain && !strchr(".[]\" ", text.data[i]);
    }
    keel_buf_puts(name, name->len ? "." : "");
    keel_buf_puts(name, plain ? "" : "\"");
    text_line(name, text.data, text.len);
    keel_buf_puts(name, plain ? "" : "\"");
    keel_buf_free(&text);
}

static bool is_binary(keel_json v) {
    return keel_json_count(v) == 1 && keel_json_get(v, "$b64").data;
}

static void flatten(fields *f, keel_buf *name, keel_json v) {
    keel_json_type type = keel_json_typeof(v);
    bool nested = type == KEEL_JSON_ARRAY || type == KEEL_JSON_OBJECT;
    if (!nested || keel_json_count(v) == 0 || is_binary(v)) {
        add(f, name->data ? name->data : "", v);
        return;
    }
    size_t base = name->len, n = 0;
    for (keel_json_iter it = keel_json_each(v); keel_json_next(&it); n++) {
        size_t first = f->count;
        if (type == KEEL_JSON_ARRAY) {
            keel_buf_printf(name, "[%zu]", n);
        } else {
            add_key(name, it.key);
        }
        flatten(f, name, it.value);
        if (type == KEEL_JSON_OBJECT) {
            alike_key_notes(&f->list[first].remarks, it.key, v, REMARKS);
        }
        name->len = base;
        name->data[base] = 0;
    }
}

/* ---- one field ---- */

static void pad_to(keel_buf *out, const char *text, size_t columns) {
    keel_buf_puts(out, text);
    for (size_t w = text_width(text, strlen(text)); w < columns; w++) {
        keel_buf_putc(out, ' ');
    }
    keel_buf_puts(out, "  ");
}

static size_t line_count(const char *text, size_t len) {
    size_t lines = len > 0;
    for (size_t i = 0; i + 1 < len; i++) {
        lines += text[i] == '\n';
    }
    return lines;
}

static void size_of_text(keel_buf *out, const keel_buf *text) {
    text_plural(out, (int64_t)text->len, "byte", "bytes");
    size_t lines = line_count(text->data, text->len);
    if (lines > 1) {
        keel_buf_puts(out, ", ");
        text_plural(out, (int64_t)lines, "line", "lines");
    }
    if (text->len && memmem(text->data, text->len, "\r\n", 2)) {
        keel_buf_puts(out, ", ends of lines CR LF");
    }
}

static void text_field(const field *f, const fields *all, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT, size = KEEL_BUF_INIT;
    keel_json_string(f->value, &text);
    size_of_text(&size, &text);
    if (f->is_long) {
        keel_buf_printf(out, "%s\n", size.data);
        gutter_text(out, text.data, text.len, INDENT + 2, all->width);
        alike_notes(out, text.data, text.len, false, all->known, REMARKS);
    } else {
        pad_to(out, size.data, SIZE_COLUMNS);
        keel_buf_puts(out, "│ ");
        text_exact(out, text.data ? text.data : "", text.len);
        keel_buf_putc(out, '\n');
        alike_notes(out, text.data ? text.data : "", text.len, true, all->known, REMARKS);
    }
    keel_buf_free(&text);
    keel_buf_free(&size);
}

static void plain_field(const char *kind, keel_json v, keel_buf *out) {
    pad_to(out, kind, SIZE_COLUMNS);
    keel_buf_printf(out, "│ %.*s\n", (int)v.len, v.data);
}

static void one_field(const field *f, const fields *all, keel_buf *out) {
    keel_buf_printf(out, "%*s", INDENT, "");
    pad_to(out, f->name, all->name_columns);
    switch (keel_json_typeof(f->value)) {
    case KEEL_JSON_STRING:
        text_field(f, all, out);
        break;
    case KEEL_JSON_NUMBER:
        plain_field("number", f->value, out);
        break;
    case KEEL_JSON_BOOL:
        plain_field("yes or no", f->value, out);
        break;
    case KEEL_JSON_ARRAY:
        keel_buf_puts(out, "an empty list\n");
        break;
    case KEEL_JSON_OBJECT:
        if (is_binary(f->value)) {
            size_t digits = keel_json_get(f->value, "$b64").len - 2;
            keel_buf_printf(out,
                            "about %zu bytes that are no text: they cannot be inspected here\n",
                            digits * 3 / 4);
        } else {
            keel_buf_puts(out, "empty\n");
        }
        break;
    case KEEL_JSON_NULL:
    case KEEL_JSON_NONE:
        keel_buf_puts(out, "nothing (null)\n");
        break;
    }
}

static void measure_names(fields *f) {
    f->name_columns = NAME_LEAST;
    for (size_t i = 0; i < f->count; i++) {
        size_t w = text_width(f->list[i].name, strlen(f->list[i].name));
        if (!f->list[i].is_long && w > f->name_columns && w <= NAME_MOST) {
            f->name_columns = w;
        }
    }
}

static void print_fields(fields *f, keel_buf *out) {
    measure_names(f);
    for (int pass = 0; pass < 2; pass++) { /* long texts last: nothing hides below one */
        for (size_t i = 0; i < f->count; i++) {
            if (f->list[i].is_long == (pass == 1)) {
                one_field(&f->list[i], f, out);
                keel_buf_append(out, f->list[i].remarks.data, f->list[i].remarks.len);
            }
        }
    }
    for (size_t i = 0; i < f->count; i++) {
        free(f->list[i].name);
        keel_buf_free(&f->list[i].remarks);
    }
    free(f->list);
}

static fields fields_for(const term *on) {
    return (fields){.width = on->width ? on->width : PLAIN_WIDTH};
}

void render_fields(keel_json args, const term *on, keel_buf *out) {
    render_fields_beside(args, NULL, on, out);
}

void render_fields_beside(keel_json args, const alike_known *known, const term *on, keel_buf *out) {
    fields f = fields_for(on);
    f.known = known;
    keel_buf name = KEEL_BUF_INIT;
    if (keel_json_typeof(args) == KEEL_JSON_OBJECT && keel_json_count(args) == 0) {
        keel_buf_printf(out, "%*snothing\n", INDENT, "");
        return;
    }
    flatten(&f, &name, args);
    print_fields(&f, out);
    keel_buf_free(&name);
}

/* ---- only the outline ---- */

static void count_members(keel_json v, keel_buf *out) {
    bool list = keel_json_typeof(v) == KEEL_JSON_ARRAY;
    keel_buf_puts(out, list ? "list of " : "");
    text_plural(out, (int64_t)keel_json_count(v), list ? "entry" : "field",
                list ? "entries" : "fields");
}

void render_outline(keel_json value, const term *on, keel_buf *out) {
    fields f = fields_for(on);
    keel_buf nested = KEEL_BUF_INIT;
    if (keel_json_typeof(value) != KEEL_JSON_OBJECT) {
        render_fields(value, on, out);
        return;
    }
    for (keel_json_iter it = keel_json_each(value); keel_json_next(&it);) {
        keel_buf name = KEEL_BUF_INIT;
        bool whole = it.value.len <= OUTLINE_WHOLE || keel_json_count(it.value) == 0;
        add_key(&name, it.key);
        if (whole) {
            flatten(&f, &name, it.value);
        } else {
            keel_buf_printf(&nested, "%*s", INDENT, "");
            pad_to(&nested, name.data, NAME_LEAST);
            count_members(it.value, &nested);
            keel_buf_putc(&nested, '\n');
        }
        keel_buf_free(&name);
    }
    print_fields(&f, out);
    keel_buf_append(out, nested.data, nested.len);
    keel_buf_free(&nested);
}

/* ---- on one line ---- */

#define SUMMARY_FIELDS 2

#define CLOSELY " (look closely)"

static bool summary_value(keel_json v, const alike_known *known, keel_buf *out) {
    if (keel_json_typeof(v) == KEEL_JSON_ARRAY) {
        keel_json_iter it = keel_json_each(v);
        size_t rest = keel_json_count(v);
        bool shown = keel_json_next(&it) && summary_value(it.value, known, out);
        if (shown && rest > 1) {
            keel_buf_printf(out, " +%zu", rest - 1);
        }
        return shown;
    }
    keel_buf text = KEEL_BUF_INIT;
    bool shown = keel_json_string(v, &text) && gutter_short(text.data, text.len, 80);
    if (shown) {
        text_line(out, text.data, text.len);
        keel_buf_puts(out, alike_any(text.data, text.len, known) ? CLOSELY : "");
    } else if (keel_json_typeof(v) == KEEL_JSON_NUMBER) {
        keel_buf_append(out, v.data, v.len);
        shown = true;
    }
    keel_buf_free(&text);
    return shown;
}

static bool summary_field(const char *key, keel_json v, const alike_known *known, size_t *count,
                          keel_buf *out) {
    size_t before = out->len;
    keel_buf_printf(out, "%s%s: ", *count ? ", " : "", key);
    if (v.data && summary_value(v, known, out)) {
        (*count)++;
        return true;
    }
    out->len = before;
    if (out->data) {
        out->data[before] = 0;
    }
    return false;
}

void render_summary(keel_json args, keel_buf *out) {
    (void)render_summary_beside(args, NULL, out);
}

size_t render_summary_beside(keel_json args, const alike_known *known, keel_buf *out) {
    static const char *const telling[] = {"to",   "amount", "subject", "agent",
                                          "name", "title",  "id"};
    size_t count = 0;
    keel_buf_puts(out, "");
    for (size_t i = 0; i < sizeof telling / sizeof *telling && count < SUMMARY_FIELDS; i++) {
        summary_field(telling[i], keel_json_get(args, telling[i]), known, &count, out);
    }
    if (count || keel_json_typeof(args) != KEEL_JSON_OBJECT) {
        return count;
    }
    for (keel_json_iter it = keel_json_each(args); keel_json_next(&it) && count < SUMMARY_FIELDS;) {
        keel_buf key = KEEL_BUF_INIT;
        add_key(&key, it.key);
        summary_field(key.data, it.value, known, &count, out);
        keel_buf_free(&key);
    }
    return count;
}
