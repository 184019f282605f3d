/* What connections keep between verbs (keel.kv/1): a small object of JSON values each, in memory as
 * in the table. Puts come with a verb's answer and take force with its record. */
#include <string.h>

#include "keel/kv.h"
#include "parts.h"

typedef struct loading {
    keel_json_writer w;
} loading;

static int on_pair(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    loading *l = ctx;
    keel_json_set_raw(&l->w, v[0], keel_json_view(v[1], strlen(v[1])));
    return 0;
}

void kv_load(kernel *k, connection *cn) {
    const char *params[] = {cn->name};
    loading l;
    keel_buf_clear(&cn->kv);
    keel_json_write(&l.w, &cn->kv);
    keel_json_object(&l.w);
    reader_query(k->env.reads, "SELECT key, value FROM kv WHERE connection = ? ORDER BY key",
                 params, 1, on_pair, &l, NULL);
    keel_json_object_end(&l.w);
}

static bool is_null(keel_json v) {
    return keel_json_typeof(v) == KEEL_JSON_NULL;
}

static void put(keel_json_writer *w, size_t *count, const char *key, keel_json value) {
    if (!is_null(value)) {
        keel_json_set_raw(w, key, value);
        ++*count;
    }
}

/* Both objects are canonical, so one walk over the two gives what is in force then. false: over a
 * limit, or a name that cannot be. */
static bool merge(keel_buf *out, keel_json old, keel_json puts) {
    char a[KEEL_KV_KEY + 1], b[KEEL_KV_KEY + 1];
    size_t count = 0;
    keel_json_writer w;
    keel_json_iter ia = keel_json_each(old), ib = keel_json_each(puts);
    bool has_a = keel_json_next(&ia), has_b = keel_json_next(&ib);
    keel_json_write(&w, out);
    keel_json_object(&w);
    while (has_a || has_b) {
        if ((has_a && keel_json_copy(ia.key, a, sizeof a) < 0) ||
            (has_b && keel_json_copy(ib.key, b, sizeof b) < 0)) {
            return false;
        }
        int order = !has_a ? 1 : !has_b ? -1 : strcmp(a, b);
        if (order < 0) {
            put(&w, &count, a, ia.value);
        } else {
            put(&w, &count, b, ib.value);
        }
        has_a = order <= 0 ? keel_json_next(&ia) : has_a;
        has_b = order >= 0 ? keel_json_next(&ib) : has_b;
    }
    keel_json_object_end(&w);
    return count <= KEEL_KV_KEYS && out->len <= KEEL_KV_ALL;
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
