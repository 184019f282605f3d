#include "scene.h"

#include <stdlib.h>
#include <string.h>

#include "fsio.h"
#include "question.h"
#include "yamltree.h"

/* What may stand in a call of each kind. */
typedef struct form {
    const char *key; /* the first word of the call */
    const char *kind;
    const char *keys[12];
    bool answered; /* ok or err is required */
    bool named;    /* the value of `key` is its name */
} form;

static const form forms[] = {
    {"use",
     "effect",
     {"use", "args", "why", "evidence", "path", "open", "ok", "err", NULL},
     true,
     true},
    {"step", "step", {"step", "gives", "path", NULL}, false, true},
    {"log", "log", {"log", "level", "path", NULL}, false, false},
    {"spawn", "spawn", {"spawn", "input", "key", "path", "open", "ok", "err", NULL}, true, true},
    {"wait", "wait", {"wait", "path", "open", "ok", "err", NULL}, true, false},
    {"sleep", "sleep", {"sleep", "path", "open", NULL}, false, false},
    {"receive", "receive", {"receive", "timeout", "path", "open", "ok", "err", NULL}, true, true},
    {"ask",
     "ask",
     {"ask", "choices", "default", "evidence", "expires", "kind", "path", "open", "ok", "err",
      "why", NULL},
     true,
     false},
    {"now", "now", {"now", "path", NULL}, false, false},
    {"random", "random", {"random", "path", NULL}, false, false},
};

typedef struct reading {
    yaml_tree *tree;
    scene *s;
    diag *d;
} reading;

scene *scene_create(const char *file) {
    scene *s = keel_alloc(sizeof *s);
    *s = (scene){.file = keel_strdup(file), .head = keel_strdup(""), .about = keel_strdup("")};
    return s;
}

scene_call *scene_add(scene *s, const char *kind) {
    s->calls = keel_realloc(s->calls, (s->count + 1) * sizeof *s->calls);
    scene_call *c = &s->calls[s->count++];
    *c = (scene_call){.path = keel_strdup(""), .name = keel_strdup("")};
    snprintf(c->kind, sizeof c->kind, "%s", kind);
    return c;
}

void scene_destroy(scene *s) {
    if (!s) {
        return;
    }
    for (size_t i = 0; i < s->count; i++) {
        free(s->calls[i].path);
        free(s->calls[i].name);
        keel_buf_free(&s->calls[i].args);
        keel_buf_free(&s->calls[i].outcome);
    }
    free(s->calls);
    free(s->file);
    free(s->head);
    free(s->about);
    keel_buf_free(&s->input);
    keel_buf_free(&s->previous);
    keel_buf_free(&s->result);
    free(s);
}

static int fault(reading *r, const yaml_node *n, const char *what, const char *next) {
    yaml_fault(r->tree, n, r->d, "%s", what);
    return diag_next(r->d, "%s", next);
}

static bool is_null(const yaml_node *n) {
    return n->kind == YAML_SCALAR && !n->quoted && (n->len == 0 || strcmp(n->text, "null") == 0);
}

static int text_of(reading *r, const yaml_node *n, char **to) {
    if (n->kind != YAML_SCALAR) {
        return fault(r, n, "this is to be a text", "Write one word or a quoted text here.");
    }
    free(*to);
    *to = keel_strdup(n->text);
    return 0;
}

/* ---- arguments and outcomes ---- */

static int member(reading *r, const yaml_node *map, const char *key, const char *as,
                  keel_buf *out) {
    const yaml_node *n = yaml_get(map, key);
    if (!n) {
        return 0;
    }
    keel_buf_puts(out, out->len > 1 ? ",\"" : "\"");
    keel_buf_puts(out, as);
    keel_buf_puts(out, "\":");
    return yaml_to_json(r->tree, n, out, r->d);
}

/* "90s" or microseconds, as a member of args. */
static int duration(reading *r, const yaml_node *n, const char *as, keel_buf *out) {
    int64_t us = 0;
    if (!yaml_int(n, &us) && !yaml_duration_us(n, &us)) {
        return fault(r, n, "this is no span of time", "Write it as 90s, 5m, 7d, or microseconds.");
    }
    keel_buf_printf(out, "\"%s\":%lld", as, (long long)us);
    return 0;
}

static void separate(keel_buf *out) {
    keel_buf_puts(out, out->len > 1 ? "," : "");
}

/* Members in canonical order. */
static int read_question(reading *r, const yaml_node *map, keel_buf *out) {
    const yaml_node *first = yaml_get(map, "ask"), *expires = yaml_get(map, "expires");
    int rc = member(r, map, "choices", "choices", out);
    rc = rc ? rc : member(r, map, "default", "default", out);
    rc = rc ? rc : member(r, map, "evidence", "evidence", out);
    if (rc == 0 && expires) {
        separate(out);
        rc = duration(r, expires, "expires_us", out);
    }
    rc = rc ? rc : member(r, map, "kind", "kind", out);
    if (rc == 0 && !is_null(first)) {
        separate(out);
        keel_buf_puts(out, "\"question\":");
        rc = keel_json_quote(out, first->text, first->len)
                 ? fault(r, first, "a question is UTF-8", "Write it as text.")
                 : 0;
    }
    return rc ? rc : member(r, map, "why", "why", out);
}

/* A scene is to show what can happen. */
static int check_answer(reading *r, const yaml_node *n, const scene_call *c) {
    keel_json args = keel_json_view(c->args.data, c->args.len);
    bool says = keel_json_get(args, "choices").data || keel_json_get(args, "kind").data;
    keel_json ok = keel_json_get(keel_json_view(c->outcome.data, c->outcome.len), "ok");
    const char *wrong = says && ok.data ? answer_wrong(args, ok) : NULL;
    return wrong ? fault(r, n, wrong, "Give it an answer that a person could give.") : 0;
}

static int read_args(reading *r, const form *f, const yaml_node *map, scene_call *c) {
    const yaml_node *first = yaml_get(map, f->key), *n = yaml_get(map, "timeout");
    int rc = 0;
    keel_buf_putc(&c->args, '{');
    if (strcmp(f->kind, "effect") == 0) {
        rc = member(r, map, "args", "args", &c->args);
        rc = rc ? rc : member(r, map, "evidence", "evidence", &c->args);
        rc = rc ? rc : member(r, map, "why", "why", &c->args);
    } else if (strcmp(f->kind, "spawn") == 0) {
        rc = member(r, map, "input", "input", &c->args);
        rc = rc ? rc : member(r, map, "key", "key", &c->args);
    } else if (strcmp(f->kind, "ask") == 0) {
        rc = read_question(r, map, &c->args);
    } else if (strcmp(f->kind, "wait") == 0 && !is_null(first)) {
        rc = member(r, map, "wait", "run", &c->args);
    } else if (strcmp(f->kind, "sleep") == 0 && !is_null(first)) {
        rc = duration(r, first, "us", &c->args);
    } else if (n) {
        rc = duration(r, n, "timeout_us", &c->args);
    }
    keel_buf_putc(&c->args, '}');
    return rc;
}

static int wrap(reading *r, const yaml_node *n, const char *as, keel_buf *out) {
    keel_buf_printf(out, "{\"%s\":", as);
    int rc = yaml_to_json(r->tree, n, out, r->d);
    keel_buf_putc(out, '}');
    return rc;
}

static int read_err(reading *r, const yaml_node *n, scene_call *c) {
    const yaml_node *code = yaml_get(n, "code"), *why = yaml_get(n, "why");
    if (n->kind != YAML_MAP || !code || !why) {
        return fault(r, n, "an error has a code and a why",
                     "Write it as: err: { code: denied, why: no rule speaks }");
    }
    return wrap(r, n, "err", &c->outcome);
}

static int read_outcome(reading *r, const form *f, const yaml_node *map, scene_call *c) {
    const yaml_node *ok = yaml_get(map, "ok"), *err = yaml_get(map, "err");
    const yaml_node *first = yaml_get(map, f->key), *gives = yaml_get(map, "gives");
    const yaml_node *open = yaml_get(map, "open");
    if (open && (!yaml_bool(open, &c->open) || !c->open || ok || err)) {
        return fault(r, open, "open is true for a call that is never answered",
                     "Leave it out, or write open: true without ok and err.");
    }
    if (c->open) {
        return 0;
    }
    if (f->answered && !ok == !err) {
        return fault(r, map,
                     ok ? "a call is answered by ok or by err, not by both"
                        : "nothing says what this call is answered",
                     "Give it ok: RESULT, or err: { code: denied, why: no rule speaks }.");
    }
    if (ok) {
        int rc = wrap(r, ok, "ok", &c->outcome);
        return rc || strcmp(f->kind, "ask") != 0 ? rc : check_answer(r, ok, c);
    }
    if (err) {
        return read_err(r, err, c);
    }
    if (strcmp(f->kind, "log") == 0) {
        return keel_json_quote(&c->outcome, first->text, first->len)
                   ? fault(r, first, "a log line is UTF-8", "Write it as text.")
                   : 0;
    }
    if (strcmp(f->kind, "step") == 0) {
        return gives ? yaml_to_json(r->tree, gives, &c->outcome, r->d) : 0;
    }
    if (strcmp(f->kind, "sleep") == 0) {
        keel_buf_puts(&c->outcome, "{\"ok\":null}");
        return 0;
    }
    if (strcmp(f->kind, "random") == 0) {
        keel_buf_printf(&c->outcome, "{\"ok\":\"%s\"}", first->text); /* hex digits: checked */
        return 0;
    }
    return wrap(r, first, "ok", &c->outcome);
}

/* ---- calls ---- */

static const form *form_of(reading *r, const yaml_node *n) {
    for (size_t i = 0; n->kind == YAML_MAP && i < sizeof forms / sizeof *forms; i++) {
        if (yaml_get(n, forms[i].key)) {
            return &forms[i];
        }
    }
    fault(r, n, "this is no call",
          "A call has one of the keys use, step, log, spawn, wait, sleep, receive, ask, now, "
          "random.");
    return NULL;
}

static int check_value(reading *r, const form *f, const yaml_node *n) {
    int64_t number;
    if (strcmp(f->kind, "now") == 0 && !yaml_int(n, &number)) {
        return fault(r, n, "now is a time in microseconds since 1970",
                     "Write now: 1700000000000000");
    }
    if (strcmp(f->kind, "random") == 0 &&
        (n->len != 16 || strspn(n->text, "0123456789abcdef") != 16)) {
        return fault(r, n, "random is 64 bits as 16 hex digits",
                     "Write random: \"00000000000000ff\", in quotes.");
    }
    if (strcmp(f->kind, "effect") == 0) {
        const char *dot = strchr(n->text, '.');
        if (!dot || !strchr(dot + 1, '.')) {
            return fault(r, n, "this names no verb of a connection",
                         "Write it as CONNECTION.RESOURCE.VERB, as in inbox.message.read.");
        }
    }
    return 0;
}

static int read_call(reading *r, const yaml_node *n) {
    const form *f = form_of(r, n);
    if (!f || yaml_known_keys(r->tree, n, f->keys, r->d)) {
        return DIAG_USAGE;
    }
    const yaml_node *first = yaml_get(n, f->key), *path = yaml_get(n, "path");
    const yaml_node *level = yaml_get(n, "level");
    if (first->kind != YAML_SCALAR) {
        return fault(r, first, "this is to be one word or text", "See sdk/README.md, \"Scenes\".");
    }
    int rc = check_value(r, f, first);
    scene_call *c = scene_add(r->s, f->kind);
    c->line = n->line;
    bool named = f->named && !is_null(first);
    rc = rc || !named ? rc : text_of(r, first, &c->name);
    rc = rc || !level ? rc : text_of(r, level, &c->name);
    rc = rc || !path ? rc : text_of(r, path, &c->path);
    rc = rc ? rc : read_args(r, f, n, c);
    return rc ? rc : read_outcome(r, f, n, c);
}

static int read_calls(reading *r, const yaml_node *list) {
    if (!list) {
        return 0;
    }
    if (list->kind != YAML_LIST || list->count > SCENE_CALLS) {
        return fault(r, list, "calls is a list of up to 4,000 calls", "Begin each with a dash.");
    }
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < list->count; i++) {
        rc = read_call(r, list->items[i]);
    }
    return rc;
}

static int read_end(reading *r, const yaml_node *root) {
    static const char *const keys[][2] = {
        {"end", "ended"}, {"failed", "failed"}, {"continued", "continued"}};
    for (size_t i = 0; i < 3; i++) {
        const yaml_node *n = yaml_get(root, keys[i][0]);
        if (n && r->s->end[0]) {
            return fault(r, n, "a run ends once", "Keep one of end, failed and continued.");
        }
        if (n) {
            snprintf(r->s->end, sizeof r->s->end, "%s", keys[i][1]);
            r->s->end_line = n->line;
            if (yaml_to_json(r->tree, n, &r->s->result, r->d)) {
                return DIAG_USAGE;
            }
        }
    }
    return 0;
}

/* The comments before the first key. */
static void take_head(scene *s, const char *text, size_t len) {
    keel_buf head = KEEL_BUF_INIT;
    keel_buf_puts(&head, "");
    while (len > 0 && *text == '#') {
        const char *end = memchr(text, '\n', len);
        size_t n = end ? (size_t)(end - text) + 1 : len;
        keel_buf_append(&head, text, n);
        text += n;
        len -= n;
    }
    free(s->head);
    s->head = head.data;
}

static int read_all(reading *r) {
    static const char *const keys[] = {"about", "input",  "previous",  "calls",
                                       "end",   "failed", "continued", NULL};
    const yaml_node *root = yaml_tree_root(r->tree), *n;
    if (root->kind != YAML_MAP) {
        return fault(r, root, "a scene is a map", "See sdk/README.md, \"Scenes\".");
    }
    int rc = yaml_known_keys(r->tree, root, keys, r->d);
    rc = rc || !(n = yaml_get(root, "about")) ? rc : text_of(r, n, &r->s->about);
    rc = rc || !(n = yaml_get(root, "input")) ? rc : yaml_to_json(r->tree, n, &r->s->input, r->d);
    rc = rc || !(n = yaml_get(root, "previous")) ? rc
                                                 : yaml_to_json(r->tree, n, &r->s->previous, r->d);
    rc = rc ? rc : read_calls(r, yaml_get(root, "calls"));
    return rc ? rc : read_end(r, root);
}

int scene_parse(scene **out, const char *file, const char *text, size_t len, diag *d) {
    reading r = {.s = scene_create(file), .d = d};
    int rc = yaml_tree_parse(&r.tree, file, text, len, d);
    if (rc == 0) {
        take_head(r.s, text, len);
        rc = read_all(&r);
        yaml_tree_destroy(r.tree);
    }
    if (rc) {
        scene_destroy(r.s);
        return rc;
    }
    if (r.s->input.len == 0) {
        keel_buf_puts(&r.s->input, "{}");
    }
    if (r.s->previous.len == 0) {
        keel_buf_puts(&r.s->previous, "null");
    }
    *out = r.s;
    return 0;
}

int scene_load(scene **out, const char *path, diag *d) {
    keel_buf text = KEEL_BUF_INIT;
    int rc = fsio_read(path, SCENE_LIMIT, &text, d);
    rc = rc ? rc : scene_parse(out, path, text.data ? text.data : "", text.len, d);
    keel_buf_free(&text);
    return rc;
}
