#include "shelf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page.h"

#define NAME 1024

typedef struct object {
    char *place;
    char *id;
    keel_buf body; /* canonical, with "id" */
    int64_t version;
} object;

typedef struct remembered {
    char *key; /* "METHOD PLACE KEY" */
    int64_t until_us;
    digest body;
    int status;
    keel_buf answer;
} remembered;

struct shelf {
    object *objects; /* in the order of their making */
    size_t count;
    remembered *keys;
    size_t key_count;
    int64_t last_id;
};

shelf *shelf_create(void) {
    shelf *s = keel_alloc(sizeof *s);
    *s = (shelf){0};
    return s;
}

static void drop_object(shelf *s, size_t i) {
    free(s->objects[i].place);
    free(s->objects[i].id);
    keel_buf_free(&s->objects[i].body);
    memmove(&s->objects[i], &s->objects[i + 1], (s->count - i - 1) * sizeof *s->objects);
    s->count--;
}

void shelf_forget_keys(shelf *s) {
    for (size_t i = 0; i < s->key_count; i++) {
        free(s->keys[i].key);
        keel_buf_free(&s->keys[i].answer);
    }
    s->key_count = 0;
}

void shelf_clear(shelf *s) {
    while (s->count) {
        drop_object(s, s->count - 1);
    }
    shelf_forget_keys(s);
    s->last_id = 0; /* the same acts give the same ids again */
}

void shelf_destroy(shelf *s) {
    shelf_clear(s);
    free(s->objects);
    free(s->keys);
    free(s);
}

void answer_free(answer *a) {
    keel_buf_free(&a->headers);
    keel_buf_free(&a->body);
}

void answer_set(answer *a, int status, const char *body, size_t len) {
    a->status = status;
    keel_buf_clear(&a->body);
    keel_buf_append(&a->body, body, len);
}

void answer_text(answer *a, int status, const char *body) {
    answer_set(a, status, body, strlen(body));
}

static void answer_error(answer *a, int status, const char *what) {
    keel_json_writer w;
    a->status = status;
    keel_buf_clear(&a->body);
    keel_json_write(&w, &a->body);
    keel_json_object(&w);
    keel_json_set_text(&w, "error", what);
    keel_json_object_end(&w);
}

static void answer_object(answer *a, int status, const object *o) {
    keel_buf_clear(&a->headers);
    keel_buf_printf(&a->headers, "ETag: \"%" PRId64 "\"\r\n", o->version);
    answer_set(a, status, o->body.data, o->body.len);
}

/* Copies a canonical object with one text member put in or replaced. */
static void with_member(keel_buf *out, keel_json from, const char *name, const char *value) {
    bool done = false;
    char key[NAME];
    keel_buf_putc(out, '{');
    for (keel_json_iter it = keel_json_each(from);;) {
        bool more = keel_json_next(&it);
        int order = 1;
        if (more) {
            keel_json_copy(it.key, key, sizeof key);
            order = keel_json_compare_keys(key, strlen(key), name, strlen(name));
        }
        if (!done && order >= 0) {
            keel_buf_puts(out, out->data[out->len - 1] == '{' ? "" : ",");
            keel_json_quote(out, name, strlen(name));
            keel_buf_putc(out, ':');
            if (keel_json_quote(out, value, strlen(value))) {
                keel_buf_puts(out, "\"?\"");
            }
            done = true;
        }
        if (!more) {
            break;
        }
        if (order != 0) {
            keel_buf_puts(out, out->data[out->len - 1] == '{' ? "" : ",");
            keel_buf_printf(out, "%.*s:", (int)it.key.len, it.key.data);
            keel_buf_append(out, it.value.data, it.value.len);
        }
    }
    keel_buf_putc(out, '}');
}

static object *find(shelf *s, const char *place, const char *id) {
    for (size_t i = 0; i < s->count; i++) {
        if (!strcmp(s->objects[i].place, place) && !strcmp(s->objects[i].id, id)) {
            return &s->objects[i];
        }
    }
    return NULL;
}

/* The body as canonical JSON, if it is an object. */
static bool read_body(const request *q, keel_buf *out, answer *a) {
    keel_json_error e;
    if (keel_json_canonical(out, q->body.data, q->body.len, &e) ||
        keel_json_typeof(keel_json_view(out->data, out->len)) != KEEL_JSON_OBJECT) {
        answer_error(a, 400, "the body is no JSON object");
        return false;
    }
    return true;
}

/* ---- keys ---- */

static bool key_of(const route *r, const request *q, char *out, size_t size) {
    char key[256];
    if (!r->key || !request_header(q, r->key, key, sizeof key)) {
        return false;
    }
    snprintf(out, size, "%s %s %s", q->method, q->path, key);
    return true;
}

static remembered *find_key(shelf *s, const char *key, int64_t now_us) {
    for (size_t i = 0; i < s->key_count; i++) {
        if (!strcmp(s->keys[i].key, key) && now_us < s->keys[i].until_us) {
            return &s->keys[i];
        }
    }
    return NULL;
}

static void remember(shelf *s, const route *r, const request *q, int64_t now_us, const answer *a) {
    char key[NAME + 300];
    if (!key_of(r, q, key, sizeof key) || find_key(s, key, now_us)) {
        return;
    }
    s->keys = keel_realloc(s->keys, (s->key_count + 1) * sizeof *s->keys);
    remembered *k = &s->keys[s->key_count++];
    *k = (remembered){.key = keel_strdup(key),
                      .until_us = now_us + r->window_us,
                      .body = digest_of(q->body.data, q->body.len),
                      .status = a->status};
    keel_buf_append(&k->answer, a->body.data, a->body.len);
}

/* Whether the key was seen before: then the answer is the one of that time. */
static bool repeated(shelf *s, const route *r, const request *q, int64_t now_us, answer *a) {
    char key[NAME + 300];
    remembered *k = key_of(r, q, key, sizeof key) ? find_key(s, key, now_us) : NULL;
    if (!k) {
        return false;
    }
    digest body = digest_of(q->body.data, q->body.len);
    if (!digest_equal(&body, &k->body)) {
        answer_error(a, 422, "the key was used with another body");
    } else {
        answer_set(a, k->status, k->answer.data, k->answer.len);
    }
    return true;
}

void shelf_save_answer(shelf *s, const route *r, const request *q, int64_t now_us, int status) {
    char key[NAME + 300];
    remembered *k = key_of(r, q, key, sizeof key) ? find_key(s, key, now_us) : NULL;
    answer a = {0};
    answer_error(&a, status, "a saved error");
    if (k) {
        k->status = status;
        keel_buf_clear(&k->answer);
        keel_buf_append(&k->answer, a.body.data, a.body.len);
    } else {
        remember(s, r, q, now_us, &a);
    }
    answer_free(&a);
}

/* ---- acts ---- */

static void create(shelf *s, const route *r, const request *q, const char *place, answer *a) {
    keel_buf body = KEEL_BUF_INIT, with_key = KEEL_BUF_INIT;
    char key[256] = "", id[32];
    if (!read_body(q, &body, a)) {
        keel_buf_free(&body);
        return;
    }
    if (r->keep && r->key && request_header(q, r->key, key, sizeof key)) {
        with_member(&with_key, keel_json_view(body.data, body.len), r->keep, key);
    } else {
        keel_buf_append(&with_key, body.data, body.len);
    }
    snprintf(id, sizeof id, "%" PRId64, ++s->last_id);
    s->objects = keel_realloc(s->objects, (s->count + 1) * sizeof *s->objects);
    object *o = &s->objects[s->count++];
    *o = (object){.place = keel_strdup(place), .id = keel_strdup(id), .version = 1};
    with_member(&o->body, keel_json_view(with_key.data, with_key.len), "id", id);
    answer_object(a, 201, o);
    a->applied = true;
    keel_buf_free(&body);
    keel_buf_free(&with_key);
}

static bool match_ok(const route *r, const request *q, const object *o, answer *a) {
    char have[32], want[64];
    if (!request_header(q, "if-match", want, sizeof want)) {
        if (r->need_match) {
            answer_error(a, 428, "an If-Match is required");
        }
        return !r->need_match;
    }
    snprintf(have, sizeof have, "\"%" PRId64 "\"", o->version);
    if (strcmp(want, "*") != 0 && strcmp(want, have) != 0) {
        answer_error(a, 412, "it has another version");
        return false;
    }
    return true;
}

static void update(const route *r, const request *q, object *o, answer *a) {
    keel_buf body = KEEL_BUF_INIT;
    if (match_ok(r, q, o, a) && read_body(q, &body, a)) {
        keel_buf_clear(&o->body);
        with_member(&o->body, keel_json_view(body.data, body.len), "id", o->id);
        o->version++;
        a->applied = true;
        answer_object(a, 200, o);
    }
    keel_buf_free(&body);
}

static void list(const shelf *s, const route *r, const request *q, const char *place, answer *a) {
    int64_t from = page_from(r, q), size = r->act == ACT_SEARCH ? INT64_MAX : r->size;
    int64_t at = 0, more = 0;
    if (*r->as) {
        keel_buf_printf(&a->body, "{\"%s\":", r->as);
    }
    keel_buf_putc(&a->body, '[');
    for (size_t i = 0, n = 0; i < s->count; i++) {
        const object *o = &s->objects[i];
        if (strcmp(o->place, place) != 0 ||
            !page_takes(r, q, keel_json_view(o->body.data, o->body.len))) {
            continue;
        }
        if (at >= from && at - from < size) {
            keel_buf_puts(&a->body, n++ ? "," : "");
            keel_buf_append(&a->body, o->body.data, o->body.len);
        }
        more += at++ - from >= size;
    }
    keel_buf_putc(&a->body, ']');
    page_end(r, q, from, more > 0, &a->headers, &a->body);
    keel_buf_puts(&a->body, *r->as ? "}" : "");
    a->status = 200;
}

static void act_on(shelf *s, const route *r, const request *q, object *o, answer *a) {
    if (!o) {
        answer_error(a, 404, "there is no such object");
    } else if (r->act == ACT_GET) {
        answer_object(a, 200, o);
    } else if (r->act == ACT_UPDATE) {
        update(r, q, o, a);
    } else if (match_ok(r, q, o, a)) {
        drop_object(s, (size_t)(o - s->objects));
        answer_text(a, 204, "");
        a->applied = true;
    }
}

void shelf_act(shelf *s, const route *r, const request *q, int64_t now_us, answer *a) {
    char place[NAME], id[NAME];
    keel_buf_reserve(&a->headers, 1);
    keel_buf_reserve(&a->body, 1);
    if (repeated(s, r, q, now_us, a)) {
        return;
    }
    if (!script_match(r->path, q->path, place, id, NAME)) {
        answer_error(a, 404, "no route leads here");
    } else if (r->act == ACT_CREATE) {
        create(s, r, q, place, a);
    } else if (r->act == ACT_LIST || r->act == ACT_SEARCH) {
        list(s, r, q, place, a);
    } else {
        act_on(s, r, q, find(s, place, id), a);
    }
    if (a->applied) {
        remember(s, r, q, now_us, a);
    }
}

/* ---- as a whole ---- */

void shelf_write(const shelf *s, keel_buf *out) {
    keel_buf_putc(out, '[');
    for (size_t i = 0; i < s->count; i++) {
        const object *o = &s->objects[i];
        keel_json_writer w;
        keel_buf one = KEEL_BUF_INIT;
        keel_json_write(&w, &one);
        keel_json_object(&w);
        keel_json_set_raw(&w, "body", keel_json_view(o->body.data, o->body.len));
        keel_json_set_text(&w, "place", o->place);
        keel_json_object_end(&w);
        keel_buf_puts(out, i ? "," : "");
        keel_buf_append(out, one.data, one.len);
        keel_buf_free(&one);
    }
    keel_buf_putc(out, ']');
}
