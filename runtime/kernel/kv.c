/* What connections keep between verbs (keel.kv/1): a small object of JSON values each, in memory as
 * in the table. Puts come with a verb's answer and take force with its record. */
#include <string.h>

#include "keel/kv.h"
#include "parts.h"

static bool is_null(keel_json v) {
    return keel_json_typeof(v) == KEEL_JSON_NULL;
}

/* What is in force, while it is written. The writer keeps a pointer to the last key of an object, so
 * that one has to outlive the next: there are two places, used in turn. */
typedef struct whole {
    keel_json_writer w;
    char keys[2][KEEL_KV_KEY + 1];
    size_t count, bytes; /* as the executor counts them */
} whole;

static void put(whole *to, const char *key, keel_json value) {
    if (!is_null(value)) {
        char *kept = to->keys[to->count++ & 1];
        strcpy(kept, key);
        keel_json_set_raw(&to->w, kept, value);
        to->bytes += strlen(key) + value.len;
    }
}

/* One side of a merge. */
typedef struct side {
    keel_json_iter it;
    bool has;
    char key[KEEL_KV_KEY + 1];
} side;

/* To the next member. false: its name cannot be: none, too long, or with a NUL. */
static bool next(side *s) {
    s->has = keel_json_next(&s->it);
    if (!s->has) {
        return true;
    }
    long len = keel_json_copy(s->it.key, s->key, sizeof s->key);
    return len > 0 && (size_t)len == strlen(s->key);
}

static int compare(const side *a, const side *b) {
    return !a->has   ? 1
           : !b->has ? -1
                     : keel_json_compare_keys(a->key, strlen(a->key), b->key, strlen(b->key));
}

/* Both objects are canonical, so one walk over the two gives what is in force then. false: over a
 * limit, or a name that cannot be. */
static bool merge(keel_buf *out, keel_json old, keel_json puts) {
    side a = {.it = keel_json_each(old)}, b = {.it = keel_json_each(puts)};
    whole to = {.count = 0};
    bool good = next(&a) && next(&b);
    keel_json_write(&to.w, out);
    keel_json_object(&to.w);
    while (good && (a.has || b.has)) {
        int order = compare(&a, &b);
        const side *s = order < 0 ? &a : &b;
        put(&to, s->key, s->it.value);
        good = (order > 0 || next(&a)) && (order < 0 || next(&b));
    }
    if (good) {
        keel_json_object_end(&to.w);
    }
    return good && to.count <= KEEL_KV_KEYS && to.bytes <= KEEL_KV_ALL;
}

static int on_pair(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    connection *cn = ctx;
    keel_buf one = KEEL_BUF_INIT, merged = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &one);
    keel_json_object(&w);
    keel_json_set_raw(&w, v[0], keel_json_view(v[1], strlen(v[1])));
    keel_json_object_end(&w);
    if (merge(&merged, keel_json_view(cn->kv.data, cn->kv.len),
              keel_json_view(one.data, one.len))) {
        keel_buf_free(&cn->kv);
        cn->kv = merged;
    } else {
        keel_buf_free(&merged);
    }
    keel_buf_free(&one);
    return 0;
}

/* One by one: the table is sorted by bytes, an object by UTF-16. */
void kv_load(kernel *k, connection *cn) {
    const char *params[] = {cn->name};
    keel_buf_clear(&cn->kv);
    keel_buf_puts(&cn->kv, "{}");
    reader_query(k->env.reads, "SELECT key, value FROM kv WHERE connection = ?", params, 1, on_pair,
                 cn, NULL);
}

void kv_put(kernel *k, call *c, keel_json puts, keel_json_writer *w) {
    connection *cn = c->connection;
    keel_buf merged = KEEL_BUF_INIT;
    if (!cn || keel_json_typeof(puts) != KEEL_JSON_OBJECT || !keel_json_count(puts)) {
        return;
    }
    if (!merge(&merged, keel_json_view(cn->kv.data, cn->kv.len), puts)) {
        kernel_log(k, "warn", c->run->id, "%s kept more than a connection may; nothing was put",
                   c->target);
        keel_buf_free(&merged);
        return;
    }
    keel_buf_free(&cn->kv);
    cn->kv = merged;
    keel_json_key(w, "kv");
    keel_json_array(w);
    for (keel_json_iter it = keel_json_each(puts); keel_json_next(&it);) {
        char key[KEEL_KV_KEY + 1];
        keel_json_copy(it.key, key, sizeof key);
        keel_json_object(w);
        keel_json_set_text(w, "connection", cn->name);
        keel_json_set_text(w, "key", key);
        if (!is_null(it.value)) {
            keel_json_set_raw(w, "value", it.value);
        }
        keel_json_object_end(w);
    }
    keel_json_array_end(w);
}
