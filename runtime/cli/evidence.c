#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render.h"

/* White space counts as one space: mail is wrapped anew by every program that it passes. */
static void collapse(keel_buf *b) {
    size_t to = 0;
    bool gap = false;
    for (size_t i = 0; i < b->len; i++) {
        if (strchr(" \t\r\n", b->data[i]) && b->data[i]) {
            gap = to > 0;
            continue;
        }
        if (gap) {
            b->data[to++] = ' ';
        }
        gap = false;
        b->data[to++] = b->data[i];
    }
    b->len = to;
}

static bool in_value(keel_json v, const keel_buf *quote) {
    keel_json_type type = keel_json_typeof(v);
    if (type == KEEL_JSON_STRING) {
        keel_buf text = KEEL_BUF_INIT;
        keel_json_string(v, &text);
        collapse(&text);
        bool found = text.len >= quote->len && memmem(text.data, text.len, quote->data, quote->len);
        keel_buf_free(&text);
        return found;
    }
    bool found = false;
    if (type == KEEL_JSON_ARRAY || type == KEEL_JSON_OBJECT) {
        for (keel_json_iter it = keel_json_each(v); !found && keel_json_next(&it);) {
            found = in_value(it.value, quote);
        }
    }
    return found;
}

#define BRIEF 12 /* bytes */

/* The path that an entry names: "2.1", "effect 2.1", {"effect":"2.1"} or {"path":"2.1"}. */
static void named_path(keel_json source, char *out, size_t size) {
    keel_json v = source;
    if (keel_json_typeof(source) == KEEL_JSON_OBJECT) {
        v = keel_json_get(source, "effect");
        v = v.data ? v : keel_json_get(source, "path");
    }
    char text[128] = "";
    long len = keel_json_typeof(v) == KEEL_JSON_STRING ? keel_json_copy(v, text, sizeof text) : -1;
    const char *path = strncmp(text, "effect ", 7) == 0 ? text + 7 : text;
    bool whole = len > 0 && len < (long)sizeof text;
    snprintf(out, size, "%s", whole ? path : "");
}

static bool is_named(const render_source *s, const char *path) {
    return path[0] && s->path && s->kind != SOURCE_OWN && strcmp(s->path, path) == 0;
}

/* From the best kind to the worst: own words are no source. */
static bool search(const keel_buf *quote, const render_source *sources, size_t count,
                   const char *path, quote_place *out) {
    static const source_kind order[] = {SOURCE_READ, SOURCE_INPUT, SOURCE_CAME, SOURCE_HANDED};
    for (size_t i = 0; path[0] && i < count; i++) {
        out->elsewhere = out->elsewhere || is_named(&sources[i], path);
        if (is_named(&sources[i], path) && in_value(sources[i].value, quote)) {
            *out = (quote_place){.found = QUOTE_IN_SOURCE, .where = i};
            return true;
        }
    }
    for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
        for (size_t i = 0; i < count; i++) {
            if (sources[i].kind == order[k] && in_value(sources[i].value, quote)) {
                out->found = QUOTE_IN_SOURCE;
                out->where = i;
                return true;
            }
        }
    }
    return false;
}

/* What a run has written itself, and then read back, is no evidence. */
static size_t written_before(const keel_buf *quote, const render_source *sources, size_t count,
                             size_t from) {
    for (size_t i = from; i < count; i++) {
        if (sources[i].kind == SOURCE_OWN && in_value(sources[i].value, quote)) {
            return i;
        }
    }
    return SIZE_MAX;
}

quote_place evidence_find(keel_json entry, const render_source *sources, size_t count) {
    keel_buf text = KEEL_BUF_INIT;
    quote_place out = {.found = QUOTE_NOWHERE, .own = SIZE_MAX};
    char path[128];
    keel_json copy = keel_json_get(entry, "text");
    bool is_text = keel_json_string(keel_json_get(entry, "quote"), &text);
    named_path(keel_json_get(entry, "source"), path, sizeof path);
    collapse(&text);
    if (is_text && text.len > 0) {
        if (search(&text, sources, count, path, &out)) {
            out.own = written_before(&text, sources, count, out.where);
        } else {
            out.own = written_before(&text, sources, count, 0);
            out.found = copy.data && in_value(copy, &text) ? QUOTE_IN_COPY : QUOTE_NOWHERE;
        }
        out.brief = text.len < BRIEF;
    }
    keel_buf_free(&text);
    return out;
}
