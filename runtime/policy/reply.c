#include "reply.h"

#include <string.h>

#define ADDRESS_BYTES 320

/* ---- one text ---- */

/* A text, or a whole number as one. */
static bool text_of(keel_json v, keel_buf *out) {
    int64_t n;
    keel_buf_clear(out);
    if (keel_json_typeof(v) == KEEL_JSON_NUMBER && keel_json_int(v, &n)) {
        keel_buf_printf(out, "%lld", (long long)n);
        return true;
    }
    return keel_json_typeof(v) == KEEL_JSON_STRING && keel_json_string(v, out) && out->len > 0;
}

static bool is_plain(const keel_buf *b) {
    size_t signs = 0;
    for (size_t i = 0; i < b->len; i++) {
        unsigned char c = (unsigned char)b->data[i];
        if (c <= ' ' || c > '~' || strchr(",;:<>()[]\\\"", c)) {
            return false;
        }
        signs += c == '@';
    }
    bool ends = b->len && (b->data[0] == '@' || b->data[b->len - 1] == '@');
    return b->len > 0 && b->len <= ADDRESS_BYTES && signs <= 1 && !ends;
}

/* As it is compared; false: it is nobody's. */
static bool address_of(keel_json v, keel_buf *out) {
    if (!text_of(v, out) || !is_plain(out)) {
        keel_buf_clear(out);
        return false;
    }
    char *domain = memchr(out->data, '@', out->len);
    for (char *p = domain; p && p < out->data + out->len; p++) {
        *p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
    }
    return true;
}

/* The brackets of a Message-ID are no part of it. */
static bool id_of(keel_json v, keel_buf *out) {
    if (!text_of(v, out)) {
        return false;
    }
    if (out->len > 2 && out->data[0] == '<' && out->data[out->len - 1] == '>') {
        memmove(out->data, out->data + 1, out->len - 2);
        out->len -= 2;
    }
    return out->len <= REPLY_ID_BYTES && !memchr(out->data, 0, out->len);
}

/* ---- what a field says ---- */

typedef bool reading(keel_json v, keel_buf *out);

/* All values that were seen say the same. */
typedef struct said {
    reading *read;
    keel_buf *out;
    bool any, odd;
} said;

static void see(void *ctx, keel_json v) {
    said *s = ctx;
    keel_buf one = KEEL_BUF_INIT;
    keel_buf *to = s->any ? &one : s->out;
    s->odd = !s->read(v, to) || s->odd;
    s->odd = s->odd ||
             (s->any && (one.len != s->out->len || memcmp(one.data, s->out->data, one.len) != 0));
    s->any = true;
    keel_buf_free(&one);
}

static bool is_one(const said *s) {
    return s->any && !s->odd;
}

bool reply_asked(const manifest_attr *a, keel_json args, keel_buf *to, keel_buf *id) {
    said who = {.read = address_of, .out = to}, what = {.read = id_of, .out = id};
    for (size_t i = 0; i < a->of_count; i++) {
        attr_walk(args, a->of[i], see, &who);
    }
    attr_walk(args, a->answers, see, &what);
    return is_one(&who) && is_one(&what);
}

bool reply_item(const manifest_resource *r, keel_json item, keel_buf *id, keel_buf *sender) {
    said who = {.read = address_of, .out = sender}, what = {.read = id_of, .out = id};
    keel_buf_clear(sender);
    attr_walk(item, r->item_sender, see, &who);
    attr_walk(item, r->item_id, see, &what);
    if (!is_one(&who)) {
        keel_buf_clear(sender);
    }
    return is_one(&what);
}
