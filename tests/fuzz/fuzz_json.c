/* Canonical JSON: what one function gives, the others must agree with. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "keel/json.h"

static void must(bool holds) {
    if (!holds) {
        abort();
    }
}

/* Keys outlive their object, because the writer compares the next one with them. */
typedef struct copy {
    keel_json_writer w;
    char **keys;
    size_t count;
    bool nul; /* a key with a NUL in it, which the writer cannot be given */
} copy;

static void copy_value(copy *c, keel_json v);

static void copy_member(copy *c, keel_json object, const keel_json_iter *it) {
    keel_buf text = KEEL_BUF_INIT;
    must(keel_json_string(it->key, &text));
    if (!text.data || strlen(text.data) != text.len) {
        c->nul = true;
        keel_buf_free(&text);
        return;
    }
    must(keel_json_is(it->key, text.data));
    keel_json found = keel_json_get(object, text.data);
    must(found.data == it->value.data && found.len == it->value.len);
    c->keys = keel_realloc(c->keys, (c->count + 1) * sizeof *c->keys);
    c->keys[c->count++] = text.data;
    keel_json_key(&c->w, text.data);
    copy_value(c, it->value);
}

static void copy_container(copy *c, keel_json v) {
    size_t count = 0;
    bool object = keel_json_typeof(v) == KEEL_JSON_OBJECT;
    for (keel_json_iter it = keel_json_each(v); keel_json_next(&it); count++) {
        must(!object == !it.key.data);
        if (object) {
            copy_member(c, v, &it);
        } else {
            copy_value(c, it.value);
        }
    }
    must(count == keel_json_count(v));
}

static void copy_text(copy *c, keel_json v) {
    keel_buf text = KEEL_BUF_INIT;
    must(keel_json_string(v, &text));
    must(keel_json_copy(v, NULL, 0) == (long)text.len);
    keel_json_textn(&c->w, text.data, text.len);
    keel_buf_free(&text);
}

static void copy_value(copy *c, keel_json v) {
    double number = 0;
    switch (keel_json_typeof(v)) {
    case KEEL_JSON_NULL:
        keel_json_null(&c->w);
        break;
    case KEEL_JSON_BOOL:
        keel_json_bool(&c->w, keel_json_true(v));
        break;
    case KEEL_JSON_NUMBER:
        must(keel_json_double(v, &number));
        keel_json_number(&c->w, number);
        break;
    case KEEL_JSON_STRING:
        copy_text(c, v);
        break;
    case KEEL_JSON_ARRAY:
        keel_json_array(&c->w);
        copy_container(c, v);
        keel_json_array_end(&c->w);
        break;
    case KEEL_JSON_OBJECT:
        keel_json_object(&c->w);
        copy_container(c, v);
        keel_json_object_end(&c->w);
        break;
    default:
        must(false);
    }
}

/* Writing what the views show gives the same bytes again. */
static void agrees_with_writer(const keel_buf *canonical) {
    keel_buf out = KEEL_BUF_INIT;
    copy c = {.keys = NULL};
    keel_json_write(&c.w, &out);
    copy_value(&c, keel_json_view(canonical->data, canonical->len));
    must(c.nul || (out.len == canonical->len && memcmp(out.data, canonical->data, out.len) == 0));
    for (size_t i = 0; i < c.count; i++) {
        free(c.keys[i]);
    }
    free(c.keys);
    keel_buf_free(&out);
}

static void quoting_is_reading_backwards(const char *text, size_t len) {
    keel_buf quoted = KEEL_BUF_INIT;
    keel_buf back = KEEL_BUF_INIT;
    if (keel_json_quote(&quoted, text, len) == 0) {
        must(keel_json_check(quoted.data, quoted.len, NULL) == 0);
        must(keel_json_string(keel_json_view(quoted.data, quoted.len), &back));
        must(back.len == len && (len == 0 || memcmp(back.data, text, len) == 0));
    }
    keel_buf_free(&quoted);
    keel_buf_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    char *text = keel_alloc(len); /* exactly len bytes, so that a read behind is seen */
    if (len) {
        memcpy(text, data, len);
    }
    keel_buf once = KEEL_BUF_INIT;
    keel_buf twice = KEEL_BUF_INIT;
    keel_json_error err = {0, 0, 0, ""};
    bool checked = keel_json_check(text, len, &err) == 0;
    must(checked || (err.offset <= len && err.line >= 1 && err.column >= 1 && err.message[0]));
    bool read = keel_json_canonical(&once, text, len, &err) == 0;
    must(read || (err.offset <= len && once.len == 0));
    /* What the check accepts is what the reader makes of it, and the other way round. */
    must(checked == (read && once.len == len && memcmp(once.data, text, len) == 0));
    if (read) {
        must(keel_json_check(once.data, once.len, &err) == 0);
        must(keel_json_canonical(&twice, once.data, once.len, &err) == 0);
        must(twice.len == once.len && memcmp(twice.data, once.data, once.len) == 0);
        agrees_with_writer(&once);
    }
    quoting_is_reading_backwards(text, len);
    keel_buf_free(&once);
    keel_buf_free(&twice);
    free(text);
    return 0;
}
