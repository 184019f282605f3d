#include "config.h"

#include <stdlib.h>
#include <string.h>

static char *text_of(keel_json object, const char *key) {
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_reserve(&b, 1);
    b.data[0] = '\0';
    keel_json_string(keel_json_get(object, key), &b);
    return b.data;
}

static int64_t int_of(keel_json v, int64_t fallback) {
    int64_t n = fallback;
    keel_json_int(v, &n);
    return n;
}

static void read_abi(executor_config *c, keel_json pair) {
    int *to[] = {&c->abi_major, &c->abi_minor};
    size_t i = 0;
    for (keel_json_iter it = keel_json_each(pair); i < 2 && keel_json_next(&it); i++) {
        *to[i] = (int)int_of(it.value, 0);
    }
}

static void read_libraries(executor_config *c, keel_json list) {
    c->libraries = keel_alloc((keel_json_count(list) + 1) * sizeof *c->libraries);
    for (keel_json_iter it = keel_json_each(list); keel_json_next(&it);) {
        keel_buf name = KEEL_BUF_INIT;
        if (keel_json_string(it.value, &name)) {
            keel_buf_putc(&name, '\0');
            c->libraries[c->library_count++] = name.data;
        }
    }
}

static void read_grants(executor_config *c, keel_json list) {
    c->grants = keel_alloc((keel_json_count(list) + 1) * sizeof *c->grants);
    for (keel_json_iter it = keel_json_each(list); keel_json_next(&it);) {
        c->grants[c->grant_count++] = (executor_grant){
            .fd = (int)int_of(keel_json_get(it.value, "fd"), -1),
            .writable = keel_json_is(keel_json_get(it.value, "mode"), "rw"),
            .path = text_of(it.value, "path"),
        };
    }
}

int executor_config_parse(executor_config *out, const char *body, size_t len, diag *d) {
    keel_json_error e;
    if (keel_json_check(body, len, &e) < 0 || *body != '{') {
        return diag_set(d, DIAG_FAILED,
                        "The configuration that the kernel sent is no JSON object.");
    }
    executor_config c = {.owned_ = keel_memdup(body, len)};
    keel_json v = keel_json_view(c.owned_, len);
    c.id = text_of(v, "id");
    c.name = text_of(v, "name");
    c.version = text_of(v, "version");
    c.entry = text_of(v, "entry");
    c.connector = keel_json_is(keel_json_get(v, "kind"), "connector");
    c.native = keel_json_true(keel_json_get(v, "native"));
    c.http = keel_json_true(keel_json_get(v, "http"));
    c.stream = keel_json_true(keel_json_get(v, "stream"));
    c.memory_bytes = int_of(keel_json_get(v, "memory"), 64 << 20);
    c.config = keel_json_get(v, "config");
    read_abi(&c, keel_json_get(v, "abi"));
    read_libraries(&c, keel_json_get(v, "libraries"));
    read_grants(&c, keel_json_get(v, "grants"));
    if (!*c.id || !*c.version || !*c.entry) {
        executor_config_free(&c);
        return diag_set(d, DIAG_FAILED,
                        "The configuration that the kernel sent lacks id, version or entry.");
    }
    *out = c;
    return 0;
}

void executor_config_free(executor_config *c) {
    for (size_t i = 0; i < c->library_count; i++) {
        free(c->libraries[i]);
    }
    for (size_t i = 0; i < c->grant_count; i++) {
        free(c->grants[i].path);
    }
    free(c->libraries);
    free(c->grants);
    free(c->id);
    free(c->name);
    free(c->version);
    free(c->entry);
    free(c->owned_);
    *c = (executor_config){0};
}
