/* A scene as YAML that reads well: short values in one line, long ones as blocks, texts of several
 * lines as they are. */
#include <inttypes.h>
#include <string.h>

#include "scene.h"
#include "text.h"

#define LINE 88 /* columns of a value that stays in one line */

/* What the reader of YAML does not take as it is, and more; not what only colours a sign. */
static bool escaped(int32_t cp) {
    return cp >= 0x7f && text_is_hidden(cp) && !(cp >= 0xfe00 && cp <= 0xfe0f);
}

/* JSON's quotes are YAML's; what YAML lets nobody write as it is, is escaped as well. */
static void quoted(const char *text, size_t len, keel_buf *out) {
    keel_buf json = KEEL_BUF_INIT;
    keel_json_quote(&json, text, len);
    for (size_t at = 0, used; at < json.len; at += used) {
        int32_t cp = text_next(json.data + at, json.len - at, &used);
        if (escaped(cp)) {
            keel_buf_printf(out, cp > 0xffff ? "\\U%08" PRIx32 : "\\u%04" PRIx32, (uint32_t)cp);
        } else {
            keel_buf_append(out, json.data + at, used);
        }
    }
    keel_buf_free(&json);
}

/* A word that YAML reads as text and as nothing else. */
static bool plain(const char *text, size_t len) {
    static const char *const taken[] = {"true", "false", "null", "yes", "no",
                                        "on",   "off",   "y",    "n",   "True"};
    bool good = len > 0 && len <= 60 && ((*text | 32) >= 'a' && (*text | 32) <= 'z');
    for (size_t i = 0; good && i < len; i++) {
        char c = text[i];
        good = ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '-' || (c == '.' && i + 1 < len) ||
               (c == ' ' && i + 1 < len && text[i + 1] != '#' && text[i + 1] != ' ');
    }
    for (size_t i = 0; good && i < sizeof taken / sizeof *taken; i++) {
        good = strlen(taken[i]) != len || memcmp(taken[i], text, len) != 0;
    }
    return good;
}

static void text(const char *data, size_t len, keel_buf *out) {
    if (plain(data, len)) {
        keel_buf_append(out, data, len);
    } else {
        quoted(data, len, out);
    }
}

static void string(keel_json v, keel_buf *out) {
    keel_buf data = KEEL_BUF_INIT;
    keel_json_string(v, &data);
    text(data.data ? data.data : "", data.len, out);
    keel_buf_free(&data);
}

/* ---- in one line ---- */

static void flow(keel_json v, keel_buf *out) {
    keel_json_type t = keel_json_typeof(v);
    size_t n = 0;
    if (t == KEEL_JSON_STRING) {
        string(v, out);
    } else if (t == KEEL_JSON_OBJECT && keel_json_count(v) > 0) {
        for (keel_json_iter it = keel_json_each(v); keel_json_next(&it);) {
            keel_buf_puts(out, n++ ? ", " : "{ ");
            string(it.key, out);
            keel_buf_puts(out, ": ");
            flow(it.value, out);
        }
        keel_buf_puts(out, " }");
    } else if (t == KEEL_JSON_ARRAY && keel_json_count(v) > 0) {
        for (keel_json_iter it = keel_json_each(v); keel_json_next(&it);) {
            keel_buf_puts(out, n++ ? ", " : "[ ");
            flow(it.value, out);
        }
        keel_buf_puts(out, " ]");
    } else if (t == KEEL_JSON_NONE) {
        keel_buf_puts(out, "null");
    } else {
        keel_buf_append(out, v.data, v.len);
    }
}

/* ---- as a block ---- */

/* Lines that stand in a block as they are: no control, no blank at an end, no break of another
 * kind, and at most one break at the end. */
static bool blocky(const char *data, size_t len) {
    bool good = memchr(data, '\n', len) && *data != ' ' && *data != '\n' && *data != '#';
    for (size_t at = 0, used; good && at < len; at += used) {
        int32_t cp = text_next(data + at, len - at, &used);
        bool ends = at + used == len || data[at + used] == '\n';
        good = (cp >= 0x20 || cp == '\n') && !escaped(cp) && !(cp == ' ' && ends);
    }
    return good && !(len > 1 && data[len - 1] == '\n' && data[len - 2] == '\n');
}

static void block(const char *data, size_t len, int indent, keel_buf *out) {
    bool break_at_end = data[len - 1] == '\n';
    keel_buf_puts(out, break_at_end ? " |\n" : " |-\n");
    for (size_t at = 0; at < len;) {
        const char *end = memchr(data + at, '\n', len - at);
        size_t n = end ? (size_t)(end - data) - at : len - at;
        if (n) {
            keel_buf_printf(out, "%*s", indent + 2, "");
            keel_buf_append(out, data + at, n);
        }
        keel_buf_putc(out, '\n');
        at += n + 1;
    }
}

static void members(keel_json v, int indent, keel_buf *out) {
    bool object = keel_json_typeof(v) == KEEL_JSON_OBJECT;
    for (keel_json_iter it = keel_json_each(v); keel_json_next(&it);) {
        keel_buf_printf(out, "%*s", indent, "");
        if (object) {
            string(it.key, out);
            keel_buf_putc(out, ':');
        } else {
            keel_buf_putc(out, '-');
        }
        scene_write_value(it.value, indent, out);
    }
}

void scene_write_value(keel_json v, int indent, keel_buf *out) {
    keel_json_type t = keel_json_typeof(v);
    keel_buf line = KEEL_BUF_INIT, data = KEEL_BUF_INIT;
    bool nested = (t == KEEL_JSON_OBJECT || t == KEEL_JSON_ARRAY) && keel_json_count(v) > 0;
    flow(v, &line);
    if (t == KEEL_JSON_STRING && keel_json_string(v, &data) && data.len &&
        blocky(data.data, data.len)) {
        block(data.data, data.len, indent, out);
    } else if (nested && ((size_t)indent + line.len > LINE || strstr(line.data, "\\n"))) {
        keel_buf_putc(out, '\n');
        members(v, indent + 2, out);
    } else {
        keel_buf_printf(out, " %s\n", line.data);
    }
    keel_buf_free(&line);
    keel_buf_free(&data);
}

/* ---- the scene ---- */

static void set(const char *key, keel_json v, int indent, keel_buf *out) {
    keel_buf_printf(out, "%*s%s:", indent, "", key);
    scene_write_value(v, indent, out);
}

static void set_text(const char *key, const char *value, int indent, keel_buf *out) {
    keel_buf_printf(out, "%*s%s: ", indent, "", key);
    text(value, strlen(value), out);
    keel_buf_putc(out, '\n');
}

static void set_member(keel_json args, const char *member, const char *key, keel_buf *out) {
    keel_json v = keel_json_get(args, member);
    if (v.data) {
        set(key, v, 4, out);
    }
}

static void set_outcome(const scene_call *c, keel_buf *out) {
    keel_json all = keel_json_view(c->outcome.data, c->outcome.len);
    keel_json err = keel_json_get(all, "err");
    if (c->outcome.len) {
        set(err.data ? "err" : "ok", err.data ? err : keel_json_get(all, "ok"), 4, out);
    }
}

static keel_json view(const keel_buf *b) {
    return keel_json_view(b->data, b->len);
}

static void write_effect(const scene_call *c, keel_buf *out) {
    set_text("- use", c->name, 2, out);
    set_member(view(&c->args), "args", "args", out);
    set_member(view(&c->args), "evidence", "evidence", out);
    set_member(view(&c->args), "why", "why", out);
    set_outcome(c, out);
}

static void write_step(const scene_call *c, keel_buf *out) {
    set_text("- step", c->name, 2, out);
    if (c->outcome.len) {
        set("gives", view(&c->outcome), 4, out);
    }
}

static void write_log(const scene_call *c, keel_buf *out) {
    set("- log", view(&c->outcome), 2, out);
    if (c->name[0]) {
        set_text("level", c->name, 4, out);
    }
}

static void write_spawn(const scene_call *c, keel_buf *out) {
    set_text("- spawn", c->name, 2, out);
    set_member(view(&c->args), "input", "input", out);
    set_member(view(&c->args), "key", "key", out);
    set_outcome(c, out);
}

static void write_wait(const scene_call *c, keel_buf *out) {
    set("- wait", keel_json_get(view(&c->args), "run"), 2, out);
    set_outcome(c, out);
}

static void write_sleep(const scene_call *c, keel_buf *out) {
    set("- sleep", keel_json_get(view(&c->args), "us"), 2, out);
}

static void write_receive(const scene_call *c, keel_buf *out) {
    if (c->name[0]) {
        set_text("- receive", c->name, 2, out);
    } else {
        keel_buf_puts(out, "  - receive: null\n");
    }
    set_member(view(&c->args), "timeout_us", "timeout", out);
    set_outcome(c, out);
}

static void write_ask(const scene_call *c, keel_buf *out) {
    static const char *const members[][2] = {{"choices", "choices"},    {"kind", "kind"},
                                             {"expires_us", "expires"}, {"default", "default"},
                                             {"evidence", "evidence"},  {"why", "why"}};
    keel_json question = keel_json_get(view(&c->args), "question");
    if (question.data) {
        set("- ask", question, 2, out);
    } else {
        keel_buf_puts(out, "  - ask: null\n");
    }
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        set_member(view(&c->args), members[i][0], members[i][1], out);
    }
    set_outcome(c, out);
}

static void write_now(const scene_call *c, keel_buf *out) {
    set("- now", keel_json_get(view(&c->outcome), "ok"), 2, out);
}

static void write_random(const scene_call *c, keel_buf *out) {
    keel_buf hex = KEEL_BUF_INIT;
    keel_json_string(keel_json_get(view(&c->outcome), "ok"), &hex);
    keel_buf_printf(out, "  - random: \"%s\"\n", hex.data ? hex.data : "");
    keel_buf_free(&hex);
}

static const struct {
    const char *kind;
    void (*write)(const scene_call *c, keel_buf *out);
} writers[] = {
    {"effect", write_effect},   {"step", write_step}, {"log", write_log},
    {"spawn", write_spawn},     {"wait", write_wait}, {"sleep", write_sleep},
    {"receive", write_receive}, {"now", write_now},   {"random", write_random},
    {"ask", write_ask},
};

static void write_call(const scene_call *c, keel_buf *out) {
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++) {
        if (strcmp(writers[i].kind, c->kind) == 0) {
            writers[i].write(c, out);
        }
    }
    keel_buf_puts(out, c->open ? "    open: true\n" : "");
    if (c->path[0]) {
        keel_buf_printf(out, "    path: \"%s\"\n", c->path);
    }
}

void scene_write(const scene *s, const char *schema, keel_buf *out) {
    static const struct {
        const char *end, *key;
    } ends[] = {{"ended", "end"}, {"failed", "failed"}, {"continued", "continued"}};
    keel_json previous = view(&s->previous);
    if (schema && !strstr(s->head, "yaml-language-server:")) {
        keel_buf_printf(out, "# yaml-language-server: $schema=%s\n", schema);
    }
    keel_buf_puts(out, s->head);
    if (s->about[0]) {
        set_text("about", s->about, 0, out);
    }
    set("input", view(&s->input), 0, out);
    if (keel_json_typeof(previous) > KEEL_JSON_NULL) {
        set("previous", previous, 0, out);
    }
    if (s->count) {
        keel_buf_puts(out, "calls:\n");
    }
    for (size_t i = 0; i < s->count; i++) {
        write_call(&s->calls[i], out);
    }
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(ends[i].end, s->end) == 0) {
            set(ends[i].key, view(&s->result), 0, out);
        }
    }
}
