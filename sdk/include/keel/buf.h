/* A growable byte buffer. Memory that cannot be had ends the process: what is durable is in the
 * journal, and half-built state is worse than a restart. A buffer has one owner and no lock. */
#ifndef KEEL_BUF_H
#define KEEL_BUF_H

#include <stdarg.h>
#include <stddef.h>

typedef struct keel_buf {
    char *data; /* NUL-terminated behind len whenever cap > 0 */
    size_t len;
    size_t cap;
} keel_buf;

#define KEEL_BUF_INIT                                                                              \
    { NULL, 0, 0 }

void keel_buf_reserve(keel_buf *b, size_t more);
void keel_buf_append(keel_buf *b, const void *data, size_t len);
void keel_buf_putc(keel_buf *b, char c);
void keel_buf_puts(keel_buf *b, const char *text);
void keel_buf_printf(keel_buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void keel_buf_vprintf(keel_buf *b, const char *format, va_list ap);
/* Appends text as a part of a URL (a segment of its path, a value of its query): each byte other than
 * a letter, a digit, - . _ or ~ becomes %XX. */
void keel_buf_url(keel_buf *b, const char *text, size_t len);
/* Drops the first n bytes; n <= len. */
void keel_buf_consume(keel_buf *b, size_t n);
/* Keeps the memory, forgets the bytes. */
void keel_buf_clear(keel_buf *b);
void keel_buf_free(keel_buf *b);

/* malloc, realloc and strdup that do not return NULL. keel_memdup adds a NUL behind the bytes. */
void *keel_alloc(size_t size);
void *keel_realloc(void *p, size_t size);
char *keel_strdup(const char *text);
char *keel_memdup(const void *data, size_t len);

#endif
