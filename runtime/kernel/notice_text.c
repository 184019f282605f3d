/* What a notice says. It leaves the machine, and is read on a lock screen: what Keel knows of itself, and
 * a few words of what is asked, escaped, where none of it is private. */
#include <string.h>

#include "notices.h"
#include "text.h"

#define FIELDS        3
#define KEY_COLUMNS   24
#define VALUE_COLUMNS 48

static void cut(keel_buf *out, const char *text, size_t len, size_t columns) {
    keel_buf safe = KEEL_BUF_INIT;
    text_line(&safe, text, len);
    size_t fits = text_fit(safe.data, safe.len, columns);
    keel_buf_append(out, safe.data, fits);
    keel_buf_puts(out, fits < safe.len ? "..." : "");
    keel_buf_free(&safe);
}

static void value(keel_buf *out, keel_json v) {
    keel_buf text = KEEL_BUF_INIT;
    if (keel_json_typeof(v) == KEEL_JSON_STRING) {
        keel_buf_puts(out, "\"");
        keel_json_string(v, &text);
        cut(out, text.data ? text.data : "", text.len, VALUE_COLUMNS);
        keel_buf_puts(out, "\"");
    } else {
        cut(out, v.data, v.len, VALUE_COLUMNS);
    }
    keel_buf_free(&text);
}

/* Its first fields that are one value: `to "ann@lind.example", subject "Your invoice"`. */
static void fields(keel_buf *out, keel_json args) {
    size_t shown = 0;
    for (keel_json_iter it = keel_json_each(args); shown < FIELDS && keel_json_next(&it);) {
        keel_json_type type = keel_json_typeof(it.value);
        keel_buf key = KEEL_BUF_INIT;
        if (type != KEEL_JSON_STRING && type != KEEL_JSON_NUMBER && type != KEEL_JSON_BOOL) {
            continue;
        }
        keel_json_string(it.key, &key);
        keel_buf_puts(out, shown++ ? ", " : ": ");
        cut(out, key.data ? key.data : "", key.len, KEY_COLUMNS);
        keel_buf_putc(out, ' ');
        value(out, it.value);
        keel_buf_free(&key);
    }
}

static const char *kind_of(const open_item *x, const call *c) {
    if (x->stuck) {
        return "stuck";
    }
    return c && c->kind == CALL_ASK ? "question" : x->rule ? "approval" : "unknown";
}

/* What is asked, in one line; nothing when it is not for others' machines. */
static void what(kernel *k, const open_item *x, const call *c, keel_buf *out) {
    const run *r = c ? c->run : map_get(&k->runs, x->run);
    if (!r || r->label.level > SENSITIVITY_INTERNAL) {
        return;
    }
    const char *agent = r->plugin->manifest->name;
    if (x->stuck) {
        keel_buf_printf(out, "run %llu of ", (unsigned long long)x->run);
        cut(out, agent, strlen(agent), VALUE_COLUMNS);
        keel_buf_puts(out, " is stuck");
    } else if (c && c->kind == CALL_ASK) {
        cut(out, agent, strlen(agent), VALUE_COLUMNS);
        keel_buf_puts(out, " has a question");
    } else if (c) {
        cut(out, agent, strlen(agent), VALUE_COLUMNS);
        keel_buf_puts(out, x->rule ? " asks for " : ": nobody knows whether it was done: ");
        cut(out, c->target, strlen(c->target), 2 * VALUE_COLUMNS);
        fields(out, c->args);
        keel_buf_puts(out, r->label.untrusted ? " (it has read what anybody may write)" : "");
    }
}

static void put_item(kernel *k, uint64_t number, keel_json_writer *w, keel_buf *text) {
    const open_item *x = map_get(&k->watches, number);
    const call *c = map_get(&k->items, number);
    keel_buf line = KEEL_BUF_INIT, rule = KEEL_BUF_INIT;
    what(k, x, c, &line);
    keel_json_object(w);
    keel_json_set_text(w, "kind", kind_of(x, c));
    keel_json_set_int(w, "number", (int64_t)number);
    keel_buf_printf(text, "%llu  %s", (unsigned long long)number, kind_of(x, c));
    if (x->rule) {
        cut(&rule, x->rule, strlen(x->rule), 64);
        keel_json_set_text(w, "rule", rule.data);
        keel_buf_printf(text, ", rule %s", rule.data);
    }
    keel_json_set_int(w, "step", x->escalated);
    if (line.len) {
        keel_json_set_text(w, "what", line.data);
        keel_buf_printf(text, ": %s", line.data);
    }
    keel_json_object_end(w);
    keel_buf_putc(text, '\n');
    keel_buf_free(&line);
    keel_buf_free(&rule);
}

static void put_title(kernel *k, const uint64_t *numbers, size_t count, keel_buf *out) {
    bool ready = true;
    for (size_t i = 0; i < count; i++) {
        ready = ready && !((const open_item *)map_get(&k->watches, numbers[i]))->escalated;
    }
    keel_buf_printf(out, "Keel, %s: ", k->world.workspace->name);
    if (ready) {
        text_plural(out, (int64_t)count, "gathered question is ready",
                    "gathered questions are ready");
    } else if (count == 1) {
        keel_buf_printf(out, "item %llu waits for you", (unsigned long long)numbers[0]);
    } else {
        text_plural(out, (int64_t)count, "item waits for you", "items wait for you");
    }
}

static void finish(keel_json_writer *w, const keel_buf *title, const char *look, bool test,
                   const char *text, const char *name) {
    keel_json_set_text(w, "look", look);
    if (test) {
        keel_json_set_bool(w, "test", true);
    }
    keel_json_set_text(w, "text", text);
    keel_json_set_text(w, "title", title->data);
    keel_json_set_text(w, "workspace", name);
    keel_json_object_end(w);
}

void notice_text(kernel *k, const uint64_t *numbers, size_t count, keel_buf *out) {
    keel_buf title = KEEL_BUF_INIT, text = KEEL_BUF_INIT;
    keel_json_writer w;
    char look[48] = "keel inbox";
    if (count == 1) {
        snprintf(look, sizeof look, "keel inbox %llu", (unsigned long long)numbers[0]);
    }
    put_title(k, numbers, count, &title);
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_key(&w, "items");
    keel_json_array(&w);
    for (size_t i = 0; i < count && i < NOTICE_LISTED; i++) {
        put_item(k, numbers[i], &w, &text);
    }
    keel_json_array_end(&w);
    if (count > NOTICE_LISTED) {
        keel_buf_printf(&text, "and %zu more\n", count - NOTICE_LISTED);
    }
    keel_buf_printf(&text, "Look: %s\n", look);
    finish(&w, &title, look, false, text.data, k->world.workspace->name);
    keel_buf_free(&title);
    keel_buf_free(&text);
}

void notice_test(kernel *k, const char *name, keel_buf *out) {
    keel_buf title = KEEL_BUF_INIT, text = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_buf_printf(&title, "Keel, %s: a test", k->world.workspace->name);
    keel_buf_printf(
        &text, "This is how %s is told when something waits for you.\nLook: keel inbox\n", name);
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_key(&w, "items");
    keel_json_array(&w);
    keel_json_array_end(&w);
    finish(&w, &title, "keel inbox", true, text.data, k->world.workspace->name);
    keel_buf_free(&title);
    keel_buf_free(&text);
}
