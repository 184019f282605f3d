/* What is left of a body when its words are erased: what the tables follow from, and what the
 * kernel has to know of an act that is over: states, codes, numbers, digests, keys, targets, holds.
 * Words that a table needs are replaced by "erased". */
#include <string.h>

#include "private.h"

static const char word[] = "\"erased\"";

typedef enum rest {
    REST_KEEP,
    REST_DROP,
    REST_WORD,  /* a text becomes the word */
    REST_EMPTY, /* {}: that it was there counts */
    REST_NULL,  /* the same */
    REST_CODES, /* an error or a decision: its code and its rule are left */
    REST_IDS,   /* a list of items: their ids are left, by which they are known */
} rest;

/* kind 0: of every kind. The first that fits. */
static const struct {
    record_kind kind;
    const char *member;
    rest what;
} rules[] = {
    {RECORD_STEP, "name", REST_WORD},
    {RECORD_STUCK, "reason", REST_WORD},
    {RECORD_COMMAND, "answer", REST_EMPTY},
    {RECORD_POLLED, "items", REST_IDS},
    {0, "args", REST_EMPTY},
    {0, "body", REST_DROP},
    {0, "decision", REST_CODES},
    {0, "detail", REST_DROP},
    {0, "error", REST_CODES},
    {0, "evidence", REST_DROP},
    {0, "input", REST_DROP},
    {0, "outcome", REST_DROP},
    {0, "requests", REST_DROP},
    {0, "result", REST_NULL},
    {0, "text", REST_WORD},
    {0, "why", REST_WORD},
};

static rest rest_of(record_kind kind, keel_json key) {
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if ((rules[i].kind == 0 || rules[i].kind == kind) && keel_json_is(key, rules[i].member)) {
            return rules[i].what;
        }
    }
    return REST_KEEP;
}

/* Members keep their order, and so the body stays canonical. */
static void put_key(keel_buf *out, keel_json key) {
    keel_buf_puts(out, out->data[out->len - 1] == '{' ? "" : ",");
    keel_buf_append(out, key.data, key.len);
    keel_buf_putc(out, ':');
}

/* {"code","message"} and {"rule","why",...} alike. */
static void put_codes(keel_buf *out, keel_json value) {
    keel_buf_putc(out, '{');
    for (keel_json_iter it = keel_json_each(value); keel_json_next(&it);) {
        if (keel_json_is(it.key, "code") || keel_json_is(it.key, "rule")) {
            put_key(out, it.key);
            keel_buf_append(out, it.value.data, it.value.len);
        } else if (keel_json_is(it.key, "message") || keel_json_is(it.key, "why")) {
            put_key(out, it.key);
            keel_buf_puts(out, word);
        }
    }
    keel_buf_putc(out, '}');
}

static void put_ids(keel_buf *out, keel_json value) {
    keel_buf_putc(out, '[');
    for (keel_json_iter it = keel_json_each(value); keel_json_next(&it);) {
        keel_json id = keel_json_get(it.value, "id");
        keel_buf_puts(out, out->data[out->len - 1] == '[' ? "{\"id\":" : ",{\"id\":");
        keel_buf_append(out, id.data, id.len);
        keel_buf_putc(out, '}');
    }
    keel_buf_putc(out, ']');
}

static void put_member(keel_buf *out, rest what, keel_json key, keel_json value) {
    bool text = keel_json_typeof(value) == KEEL_JSON_STRING;
    if (what == REST_DROP || (what == REST_WORD && !text)) {
        return;
    }
    put_key(out, key);
    if (what == REST_WORD || (what == REST_CODES && text)) {
        keel_buf_puts(out, word);
    } else if (what == REST_EMPTY) {
        keel_buf_puts(out, "{}");
    } else if (what == REST_NULL) {
        keel_buf_puts(out, "null");
    } else if (what == REST_CODES) {
        put_codes(out, value);
    } else if (what == REST_IDS) {
        put_ids(out, value);
    } else {
        keel_buf_append(out, value.data, value.len);
    }
}

void erase_rest(const journal_row *row, keel_buf *out) {
    keel_buf_putc(out, '{');
    for (keel_json_iter it = keel_json_each(row->body); keel_json_next(&it);) {
        put_member(out, rest_of(row->kind, it.key), it.key, it.value);
    }
    keel_buf_putc(out, '}');
}
