/* What is known, and where names stand in a text. */
#include "alike.h"

#include <stdlib.h>
#include <string.h>

#include "alike_int.h"
#include "script.h"
#include "text.h"

/* ---- what is known ---- */

static uint64_t hash_of(const char *text, size_t len) {
    uint64_t h = 1469598103934665603u;
    for (size_t i = 0; i < len; i++) {
        h = (h ^ (unsigned char)text[i]) * 1099511628211u;
    }
    return h ? h : 1;
}

alike_known *alike_create(void) {
    alike_known *k = keel_alloc(sizeof *k);
    *k = (alike_known){.list = NULL};
    return k;
}

void alike_destroy(alike_known *k) {
    if (!k) {
        return;
    }
    for (size_t i = 0; i < k->count; i++) {
        free(k->list[i].name);
        free(k->list[i].skeleton);
    }
    free(k->list);
    free(k->first);
    free(k);
}

#define BUCKETS 1024

static size_t bucket_of(const char *skeleton, size_t len) {
    return (size_t)(hash_of(skeleton, len) % BUCKETS);
}

static void small(keel_buf *out, const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        bool upper = text[i] >= 'A' && text[i] <= 'Z';
        keel_buf_putc(out, (char)(upper ? text[i] + 32 : text[i]));
    }
    keel_buf_append(out, "", 0);
}

static bool is_address(const char *name) {
    return strchr(name, '@') != NULL;
}

/* Of that skeleton the name itself, or another one: the one that was added first. */
static const alike_name *find(const alike_known *k, const char *name, size_t len, bool itself,
                              bool address) {
    if (!k || !k->count || len > ALIKE_NAME_MAX) {
        return NULL;
    }
    keel_buf skeleton = KEEL_BUF_INIT, lower = KEEL_BUF_INIT;
    const alike_name *found = NULL;
    script_skeleton(&skeleton, name, len);
    small(&lower, name, len);
    size_t at = k->first[bucket_of(skeleton.data, skeleton.len)];
    for (; at; at = k->list[at - 1].next) {
        const alike_name *n = &k->list[at - 1];
        bool like = strcmp(n->skeleton, skeleton.data) == 0 && is_address(n->name) == address;
        found = like && (strcmp(n->name, lower.data) == 0) == itself ? n : found;
    }
    keel_buf_free(&skeleton);
    keel_buf_free(&lower);
    return found;
}

const alike_name *alike_is_known(const alike_known *k, const char *name, size_t len) {
    return find(k, name, len, true, memchr(name, '@', len) != NULL);
}

const alike_name *alike_looks_like(const alike_known *k, const char *name, size_t len) {
    return find(k, name, len, false, memchr(name, '@', len) != NULL);
}

static bool is_there(const alike_known *k, const char *skeleton, const char *name, size_t bucket) {
    for (size_t at = k->first[bucket]; at; at = k->list[at - 1].next) {
        if (strcmp(k->list[at - 1].skeleton, skeleton) == 0 &&
            strcmp(k->list[at - 1].name, name) == 0) {
            return true;
        }
    }
    return false;
}

void alike_add(alike_known *k, const char *name, size_t len, const char *what, bool own) {
    const char *at = memchr(name, '@', len);
    if (len == 0 || len > ALIKE_NAME_MAX || memchr(name, 0, len)) {
        return;
    }
    if (!k->first) {
        k->first = keel_alloc(BUCKETS * sizeof *k->first);
        memset(k->first, 0, BUCKETS * sizeof *k->first);
    }
    keel_buf skeleton = KEEL_BUF_INIT, lower = KEEL_BUF_INIT;
    script_skeleton(&skeleton, name, len);
    small(&lower, name, len);
    size_t bucket = bucket_of(skeleton.data, skeleton.len);
    if (is_there(k, skeleton.data, lower.data, bucket)) {
        keel_buf_free(&skeleton);
        keel_buf_free(&lower);
        return;
    }
    if (k->count == k->room) {
        k->room = k->room ? k->room * 2 : 32;
        k->list = keel_realloc(k->list, k->room * sizeof *k->list);
    }
    k->list[k->count++] = (alike_name){lower.data, skeleton.data, what, own, k->first[bucket]};
    k->first[bucket] = k->count;
    if (at && at > name) {
        alike_add(k, at + 1, len - (size_t)(at + 1 - name), what, own);
    }
}

/* ---- where names stand ---- */

static bool ends_word(int32_t cp) {
    if (cp < 0x80) {
        return cp <= ' ' || cp == 0x7f || strchr("<>\"(),;{}`", (int)cp);
    }
    return cp == 0xa0 || (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 || cp == 0x2029 ||
           cp == 0x202f || cp == 0x3000 || (cp >= 0x2018 && cp <= 0x201f) || cp == 0xab ||
           cp == 0xbb || cp == 0x3001;
}

static size_t word_len(const char *text, size_t len) {
    size_t at = 0;
    for (size_t used = 0; at < len; at += used) {
        if (ends_word(text_next(text + at, len - at, &used))) {
            break;
        }
    }
    return at;
}

bool alike_word(const char *text, size_t len, size_t *at, const char **word, size_t *word_bytes) {
    while (*at < len) {
        size_t n = word_len(text + *at, len - *at), used = 1;
        if (n == 0) {
            (void)text_next(text + *at, len - *at, &used);
            *at += used;
            continue;
        }
        *word = text + *at;
        *at += n;
        while (n && strchr(".:!?'*", (*word)[n - 1])) {
            n--;
        }
        while (n && strchr("'*", **word)) {
            (*word)++;
            n--;
        }
        *word_bytes = n;
        if (n) {
            return true;
        }
    }
    return false;
}

static void add_from_text(alike_known *k, const char *text, size_t len, const char *what) {
    const char *word;
    size_t at = 0, n;
    while (alike_word(text, len, &at, &word, &n)) {
        const char *sign = memchr(word, '@', n);
        if (sign && sign > word && memchr(sign, '.', n - (size_t)(sign - word)) &&
            !memmem(word, n, "://", 3)) {
            bool mailto = n > 7 && strncmp(word, "mailto:", 7) == 0;
            alike_add(k, word + (mailto ? 7 : 0), n - (mailto ? 7 : 0), what, false);
        }
    }
}

void alike_add_from(alike_known *k, keel_json value, const char *what) {
    keel_json_type type = keel_json_typeof(value);
    if (type == KEEL_JSON_STRING) {
        keel_buf text = KEEL_BUF_INIT;
        keel_json_string(value, &text);
        add_from_text(k, text.data ? text.data : "", text.len, what);
        keel_buf_free(&text);
    } else if (type == KEEL_JSON_ARRAY || type == KEEL_JSON_OBJECT) {
        for (keel_json_iter it = keel_json_each(value); keel_json_next(&it);) {
            alike_add_from(k, it.value, what);
        }
    }
}
