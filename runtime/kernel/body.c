/* Small pieces of canonical JSON that several parts of the kernel write. */
#include <string.h>

#include "tier.h"

void body_error(keel_buf *out, const char *code, const char *rule, const char *why) {
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_set_text(&w, "code", code);
    if (rule) {
        keel_json_set_text(&w, "rule", rule);
    }
    keel_json_set_text(&w, "why", why);
    keel_json_object_end(&w);
}

void outcome_error(keel_buf *out, const char *code, const char *rule, const char *why) {
    keel_buf_puts(out, "{\"err\":");
    body_error(out, code, rule, why);
    keel_buf_putc(out, '}');
}

void outcome_ok(keel_buf *out, keel_json value) {
    keel_buf_puts(out, "{\"ok\":");
    if (value.len) {
        keel_buf_append(out, value.data, value.len);
    } else {
        keel_buf_puts(out, "null");
    }
    keel_buf_putc(out, '}');
}

void call_digest(char out[17], const char *kind, const char *name, keel_json arguments) {
    char head[256];
    size_t k = strlen(kind) + 1, n = strlen(name) + 1;
    keel_buf whole = KEEL_BUF_INIT;
    digest d;
    if (k + n <= sizeof head) {
        memcpy(head, kind, k);
        memcpy(head + k, name, n);
        d = digest_of2(head, k + n, arguments.data, arguments.len);
    } else {
        keel_buf_append(&whole, kind, k);
        keel_buf_append(&whole, name, n);
        d = digest_of2(whole.data, whole.len, arguments.data, arguments.len);
        keel_buf_free(&whole);
    }
    hex_encode(out, d.bytes, 8);
}

void effect_mint_key(call *c, const char *incarnation, const char *path) {
    char id[64 + PATH_LIMIT];
    int n =
        snprintf(id, sizeof id, "%s:%llu:%s", incarnation, (unsigned long long)c->run->id, path);
    digest d = digest_of(id, (size_t)n);
    hex_encode(c->key, d.bytes, 16);
}

bool body_text(keel_json object, const char *key, char *to, size_t size) {
    long len = keel_json_copy(keel_json_get(object, key), to, size);
    return len >= 0 && (size_t)len < size;
}

uint64_t digest_word(const digest *d) {
    uint64_t word;
    memcpy(&word, d->bytes, sizeof word);
    return word | 1;
}

void text_cut(char *to, size_t size, const char *text) {
    size_t len = strnlen(text, size - 1);
    while (len && text[len] && ((unsigned char)text[len] & 0xc0) == 0x80) {
        len--;
    }
    memcpy(to, text, len);
    to[len] = 0;
}

/* ---- of effects ---- */

void effect_put_args(const call *c, keel_json_writer *w) {
    if (!c->recorded) {
        keel_json_set_raw(w, "args", c->args);
    }
}

void effect_put_common(const call *c, keel_json_writer *w) {
    keel_json_set_text(w, "call", c->call_digest);
    keel_json_set_text(w, "class", effect_class_name(c->class));
    if (c->connection) {
        char connector[160];
        const manifest *m = c->connection->plugin->manifest;
        snprintf(connector, sizeof connector, "%s@%s", m->id, m->version);
        keel_json_set_text(w, "connector", connector);
    }
}

void effect_put_digest(const call *c, keel_json_writer *w) {
    keel_json_key(w, "digest");
    keel_json_hex(w, c->args_digest.bytes, DIGEST_SIZE);
    if (!c->recorded && c->evidence.len) {
        keel_json_set_raw(w, "evidence", c->evidence);
    }
}

void effect_put_target(const call *c, keel_json_writer *w, int64_t until_us) {
    keel_json_set_text(w, "target", c->target);
    tier_put(c, w);
    if (!c->recorded && c->verb && c->verb->undo_compensate) {
        keel_json_set_text(w, "undo", "compensate"); /* who approves it is told of the way back */
    }
    if (until_us) {
        keel_json_set_int(w, "until_us", until_us);
    }
    if (!c->recorded && c->why.len) {
        keel_json_set_raw(w, "why", c->why);
    }
}
