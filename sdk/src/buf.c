#include "keel/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *or_die(void *p) {
    if (!p) {
        static const char text[] = "keel: out of memory; nothing that was acknowledged is lost\n";
        if (write(2, text, sizeof text - 1) < 0) {
            _exit(1);
        }
        _exit(1);
    }
    return p;
}

void *keel_alloc(size_t size) {
    return or_die(malloc(size ? size : 1));
}

void *keel_realloc(void *p, size_t size) {
    return or_die(realloc(p, size ? size : 1));
}

char *keel_memdup(const void *data, size_t len) {
    char *copy = keel_alloc(len + 1);
    if (len) {
        memcpy(copy, data, len);
    }
    copy[len] = 0;
    return copy;
}

char *keel_strdup(const char *text) {
    return keel_memdup(text, strlen(text));
}

void keel_buf_reserve(keel_buf *b, size_t more) {
    if (more >= SIZE_MAX / 4 || b->len >= SIZE_MAX / 4) {
        or_die(NULL);
    }
    size_t need = b->len + more + 1;
    if (need <= b->cap) {
        return;
    }
    size_t cap = b->cap ? b->cap : 64;
    while (cap < need) {
        cap *= 2;
    }
    b->data = keel_realloc(b->data, cap);
    b->data[b->len] = 0;
    b->cap = cap;
}

void keel_buf_append(keel_buf *b, const void *data, size_t len) {
    keel_buf_reserve(b, len);
    if (len) {
        memcpy(b->data + b->len, data, len);
    }
    b->len += len;
    b->data[b->len] = 0;
}

void keel_buf_putc(keel_buf *b, char c) {
    keel_buf_append(b, &c, 1);
}

void keel_buf_puts(keel_buf *b, const char *text) {
    keel_buf_append(b, text, strlen(text));
}

void keel_buf_vprintf(keel_buf *b, const char *format, va_list ap) {
    va_list again;
    va_copy(again, ap);
    keel_buf_reserve(b, strlen(format) + 32); /* often enough, so that one pass does */
    size_t room = b->cap - b->len;
    int need = vsnprintf(b->data + b->len, room, format, ap);
    if (need >= 0 && (size_t)need >= room) {
        keel_buf_reserve(b, (size_t)need);
        vsnprintf(b->data + b->len, (size_t)need + 1, format, again);
    }
    va_end(again);
    if (need > 0) {
        b->len += (size_t)need;
    }
    b->data[b->len] = 0;
}

void keel_buf_printf(keel_buf *b, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    keel_buf_vprintf(b, format, ap);
    va_end(ap);
}

void keel_buf_url(keel_buf *b, const char *text, size_t len) {
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (size_t i = 0; i < len; i++) {
        if (memchr(plain, text[i], sizeof plain - 1)) {
            keel_buf_putc(b, text[i]);
        } else {
            keel_buf_printf(b, "%%%02X", (unsigned)(unsigned char)text[i]);
        }
    }
}

void keel_buf_consume(keel_buf *b, size_t n) {
    if (n) {
        memmove(b->data, b->data + n, b->len - n);
        b->len -= n;
        b->data[b->len] = 0;
    }
}

void keel_buf_clear(keel_buf *b) {
    b->len = 0;
    if (b->data) {
        b->data[0] = 0;
    }
}

void keel_buf_free(keel_buf *b) {
    free(b->data);
    *b = (keel_buf)KEEL_BUF_INIT;
}
