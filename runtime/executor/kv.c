#include "kv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A put removes or replaces, so a verb can name twice as many keys as may be there at once. */
#define PUTS (2 * KEEL_KV_KEYS)

void kv_begin(kv *k, keel_json before) {
    *k = (kv){.before = before};
}

void kv_end(kv *k) {
    for (size_t i = 0; i < k->count; i++) {
        free(k->puts[i].key);
        free(k->puts[i].value);
    }
    free(k->puts);
    *k = (kv){0};
}

static keel_status refuse(kv *k, keel_status status, const char *why) {
    snprintf(k->error, sizeof k->error, "%s", why);
    return status;
}

/* The place of a key among the puts; *found: it is there. */
static size_t find(const kv *k, const char *key, bool *found) {
    size_t i = 0;
    int order = 1;
    while (i < k->count && (order = keel_json_compare_keys(k->puts[i].key, strlen(k->puts[i].key),
                                                           key, strlen(key))) < 0) {
        i++;
    }
    *found = i < k->count && order == 0;
    return i;
}

static keel_status check_key(kv *k, const char *key) {
    keel_buf quoted = KEEL_BUF_INIT;
    size_t len = key ? strnlen(key, KEEL_KV_KEY + 1) : 0;
    bool good = len > 0 && len <= KEEL_KV_KEY && keel_json_quote(&quoted, key, len) == 0;
    keel_buf_free(&quoted);
    return good ? KEEL_OK
                : refuse(k, KEEL_E_INVALID, "a key of kv is a text of 1 to 100 bytes in UTF-8");
}

keel_status kv_get(kv *k, const char *key, keel_json *value) {
    bool found;
    if (check_key(k, key) != KEEL_OK) {
        return KEEL_E_INVALID;
    }
    size_t i = find(k, key, &found);
    keel_json v = found && k->puts[i].value ? keel_json_view(k->puts[i].value, k->puts[i].len)
                  : found                   ? (keel_json){NULL, 0}
                                            : keel_json_get(k->before, key);
    if (!v.data) {
        return refuse(k, KEEL_E_NOT_FOUND, "kv has no value of that key");
    }
    *value = v;
    return KEEL_OK;
}

/* ---- limits ---- */

typedef struct extent {
    size_t keys;
    size_t bytes;
} extent;

static void count(extent *e, size_t key_len, size_t value_len) {
    e->keys++;
    e->bytes += key_len + value_len;
}

/* What would be in force if the verb ended now. */
static extent measure(const kv *k) {
    extent e = {0, 0};
    char key[KEEL_KV_KEY + 1];
    for (keel_json_iter it = keel_json_each(k->before); keel_json_next(&it);) {
        bool found = false;
        long len = keel_json_copy(it.key, key, sizeof key);
        find(k, key, &found);
        if (!found) {
            count(&e, (size_t)len, it.value.len);
        }
    }
    for (size_t i = 0; i < k->count; i++) {
        if (k->puts[i].value) {
            count(&e, strlen(k->puts[i].key), k->puts[i].len);
        }
    }
    return e;
}

static keel_status check_extent(kv *k) {
    extent e = measure(k);
    if (e.keys > KEEL_KV_KEYS) {
        return refuse(k, KEEL_E_INVALID, "kv keeps at most 64 keys of one connection");
    }
    if (e.bytes > KEEL_KV_ALL) {
        return refuse(k, KEEL_E_INVALID, "kv keeps at most 32 KiB of one connection");
    }
    return KEEL_OK;
}

/* ---- put ---- */

static void insert(kv *k, size_t at, const char *key) {
    k->puts = keel_realloc(k->puts, (k->count + 1) * sizeof *k->puts);
    memmove(&k->puts[at + 1], &k->puts[at], (k->count - at) * sizeof *k->puts);
    k->puts[at] = (kv_put){keel_strdup(key), NULL, 0};
    k->count++;
}

static void take_out(kv *k, size_t at) {
    free(k->puts[at].key);
    memmove(&k->puts[at], &k->puts[at + 1], (k->count - at - 1) * sizeof *k->puts);
    k->count--;
}

static keel_status canonical(kv *k, const char *value, size_t len, keel_buf *out) {
    keel_json_error e;
    if (len > 4 * KEEL_KV_VALUE || keel_json_canonical(out, value, len, &e) == 0) {
        return len > 4 * KEEL_KV_VALUE || out->len > KEEL_KV_VALUE
                   ? refuse(k, KEEL_E_INVALID, "a value of kv has at most 4 KiB")
                   : KEEL_OK;
    }
    snprintf(k->error, sizeof k->error, "a value of kv is JSON, and this is not, at byte %zu: %s",
             e.offset, e.message);
    return KEEL_E_INVALID;
}

keel_status kv_set(kv *k, const char *key, const char *value, size_t len) {
    keel_buf text = KEEL_BUF_INIT;
    bool found;
    if (check_key(k, key) != KEEL_OK || (len > 0 && canonical(k, value, len, &text) != KEEL_OK)) {
        keel_buf_free(&text);
        return KEEL_E_INVALID;
    }
    size_t at = find(k, key, &found);
    if (!found && k->count == PUTS) {
        keel_buf_free(&text);
        return refuse(k, KEEL_E_INVALID, "one verb puts at most 128 keys");
    }
    if (!found) {
        insert(k, at, key);
    }
    kv_put old = k->puts[at];
    k->puts[at].value = text.data;
    k->puts[at].len = text.len;
    if (len > 0 && check_extent(k) != KEEL_OK) {
        keel_buf_free(&text);
        k->puts[at] = old;
        if (!found) {
            take_out(k, at);
        }
        return KEEL_E_INVALID;
    }
    free(old.value);
    return KEEL_OK;
}

bool kv_write(const kv *k, keel_buf *out) {
    keel_json_writer w;
    if (k->count == 0) {
        return false;
    }
    keel_json_write(&w, out);
    keel_json_object(&w);
    for (size_t i = 0; i < k->count; i++) {
        keel_json_set_raw(&w, k->puts[i].key, keel_json_view(k->puts[i].value, k->puts[i].len));
    }
    keel_json_object_end(&w);
    return true;
}
