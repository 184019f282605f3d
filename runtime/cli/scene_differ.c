/* Two values side by side: where they differ, for a person. */
#include <string.h>

#include "scene.h"
#include "text.h"

#define SHOWN 100 /* bytes of a value in a line */

void scene_short(keel_json v, size_t most, keel_buf *out) {
    keel_buf line = KEEL_BUF_INIT;
    if (!v.data) {
        keel_buf_puts(out, "nothing");
        return;
    }
    text_exact(&line, v.data, v.len);
    size_t fits = text_fit(line.data, line.len, most);
    keel_buf_append(out, line.data, fits);
    keel_buf_puts(out, fits < line.len ? "…" : "");
    keel_buf_free(&line);
}

typedef struct differing {
    size_t left;
    keel_buf *out;
} differing;

/* The part of a long text in which it begins to differ. */
static keel_json part(keel_json v, size_t from) {
    return from > 0 ? (keel_json){v.data + from, v.len - from} : v;
}

static void say(differing *w, const char *place, keel_json expected, keel_json actual) {
    size_t same = 0;
    if (w->left == 0) {
        return;
    }
    w->left--;
    while (same < expected.len && same < actual.len && expected.data[same] == actual.data[same]) {
        same++;
    }
    bool whole = expected.len <= SHOWN && actual.len <= SHOWN;
    same = !whole && same > 24 ? same - 24 : 0;
    while (same && (expected.data[same] & 0xc0) == 0x80) {
        same--;
    }
    keel_buf_printf(w->out, "%s%sexpected %s", place, *place ? ": " : "", same ? "…" : "");
    scene_short(part(expected, same), SHOWN, w->out);
    keel_buf_printf(w->out, "\n%*sgot      %s", (int)strlen(place) + (*place ? 2 : 0), "",
                    same ? "…" : "");
    scene_short(part(actual, same), SHOWN, w->out);
    keel_buf_putc(w->out, '\n');
}

static void walk(differing *w, const char *place, keel_json expected, keel_json actual);

static void below(differing *w, const char *place, keel_json key, size_t at, keel_json expected,
                  keel_json actual) {
    keel_buf name = KEEL_BUF_INIT, path = KEEL_BUF_INIT;
    if (key.data) {
        keel_json_string(key, &name);
        keel_buf_printf(&path, "%s%s", place, *place ? "." : "");
        text_exact(&path, name.data ? name.data : "", name.len);
    } else {
        keel_buf_printf(&path, "%s[%zu]", place, at + 1);
    }
    walk(w, path.data, expected, actual);
    keel_buf_free(&name);
    keel_buf_free(&path);
}

static keel_json member(keel_json object, keel_json key) {
    for (keel_json_iter it = keel_json_each(object); keel_json_next(&it);) {
        if (it.key.len == key.len && memcmp(it.key.data, key.data, key.len) == 0) {
            return it.value;
        }
    }
    return (keel_json){NULL, 0};
}

static void objects(differing *w, const char *place, keel_json expected, keel_json actual) {
    for (keel_json_iter it = keel_json_each(expected); keel_json_next(&it);) {
        below(w, place, it.key, 0, it.value, member(actual, it.key));
    }
    for (keel_json_iter it = keel_json_each(actual); keel_json_next(&it);) {
        if (!member(expected, it.key).data) {
            below(w, place, it.key, 0, (keel_json){NULL, 0}, it.value);
        }
    }
}

static void arrays(differing *w, const char *place, keel_json expected, keel_json actual) {
    keel_json_iter a = keel_json_each(expected), b = keel_json_each(actual);
    for (size_t i = 0;; i++) {
        bool more_a = keel_json_next(&a), more_b = keel_json_next(&b);
        if (!more_a && !more_b) {
            return;
        }
        below(w, place, (keel_json){NULL, 0}, i, more_a ? a.value : (keel_json){NULL, 0},
              more_b ? b.value : (keel_json){NULL, 0});
    }
}

static void walk(differing *w, const char *place, keel_json expected, keel_json actual) {
    keel_json_type t = expected.data ? keel_json_typeof(expected) : KEEL_JSON_NONE;
    bool same = expected.len == actual.len && expected.data && actual.data &&
                memcmp(expected.data, actual.data, actual.len) == 0;
    if (same || w->left == 0) {
        return;
    }
    if (!actual.data || t != keel_json_typeof(actual)) {
        say(w, place, expected, actual);
    } else if (t == KEEL_JSON_OBJECT) {
        objects(w, place, expected, actual);
    } else if (t == KEEL_JSON_ARRAY) {
        arrays(w, place, expected, actual);
    } else {
        say(w, place, expected, actual);
    }
}

void scene_differ(keel_json expected, keel_json actual, const char *place, size_t most,
                  keel_buf *out) {
    differing w = {most, out};
    walk(&w, place, expected, actual);
}
