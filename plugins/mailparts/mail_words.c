#include <stdlib.h>
#include <string.h>

#include "mail.h"

static const char replacement[] = "\xEF\xBF\xBD";

/* Length of the valid UTF-8 character at s, 0 if there is none. */
static size_t utf8_length(const unsigned char *s, size_t n) {
    size_t need = s[0] < 0x80 ? 1 : s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    if (need == 0 || s[0] > 0xF4 || need > n) {
        return 0;
    }
    for (size_t i = 1; i < need; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
        (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F)) {
        return 0;
    }
    return need;
}

static bool is_control(const unsigned char *s, size_t n) {
    return (n == 1 && (s[0] < 0x20 || s[0] == 0x7F)) || (n == 2 && s[0] == 0xC2 && s[1] < 0xA0);
}

static bool put(keel_buf *out, const void *data, size_t n, size_t limit) {
    if (out->len + n > limit) {
        return false;
    }
    keel_buf_append(out, data, n);
    return true;
}

/* A plain stretch, up to the first byte that needs a look. */
static size_t plain_run(const unsigned char *s, size_t n) {
    size_t i = 0;
    while (i < n && s[i] >= 0x20 && s[i] < 0x7F) {
        i++;
    }
    return i;
}

static bool put_special(keel_buf *out, const unsigned char *s, size_t n, size_t *used, size_t limit,
                        bool one_line) {
    size_t len = utf8_length(s, n);
    *used = len == 0 ? 1 : len;
    if (len == 0) {
        return put(out, replacement, 3, limit);
    }
    if (s[0] == '\n' || s[0] == '\t') {
        return put(out, one_line ? " " : (const char *)s, 1, limit);
    }
    if (s[0] == '\r') {
        bool crlf = n > 1 && s[1] == '\n';
        return crlf || put(out, one_line ? " " : "\n", 1, limit);
    }
    return is_control(s, len) || put(out, s, len, limit);
}

bool words_clean(keel_buf *out, const char *bytes, size_t len, size_t limit, bool one_line) {
    const unsigned char *s = (const unsigned char *)bytes;
    while (len > 0) {
        size_t used = plain_run(s, len);
        if (used > 0) {
            size_t room = limit > out->len ? limit - out->len : 0;
            keel_buf_append(out, s, used < room ? used : room);
            if (used > room) {
                return false;
            }
        } else if (!put_special(out, s, len, &used, limit, one_line)) {
            return false;
        }
        s += used;
        len -= used;
    }
    return true;
}

char *words_line(const char *text, size_t limit) {
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_puts(&b, "");
    if (text != NULL) {
        words_clean(&b, text, strlen(text), limit, true);
    }
    while (b.len > 0 && b.data[b.len - 1] == ' ') {
        b.len--;
    }
    size_t skip = b.len > 0 ? strspn(b.data, " ") : 0;
    skip = skip < b.len ? skip : b.len;
    char *line = keel_memdup(b.len > 0 ? b.data + skip : "", b.len - skip);
    keel_buf_free(&b);
    return line;
}

bool words_is_id(const char *text) {
    size_t n = strlen(text);
    if (n == 0 || n > 250) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (text[i] <= ' ' || text[i] > '~' || strchr("<>\"\\", text[i]) != NULL) {
            return false;
        }
    }
    return true;
}

char *words_unbracket(const char *text, size_t limit) {
    const char *open = text != NULL ? strchr(text, '<') : NULL;
    const char *close = open != NULL ? strchr(open, '>') : NULL;
    if (close == NULL) {
        return words_line(text, limit);
    }
    char *inner = keel_memdup(open + 1, (size_t)(close - open - 1));
    char *line = words_line(inner, limit);
    free(inner);
    return line;
}
