#include "text.h"

#include <stdlib.h>
#include <string.h>

#include "keel/json.h"

void text_clean(char *text) {
    keel_buf quoted = KEEL_BUF_INIT;
    int valid = keel_json_quote(&quoted, text, strlen(text)) == 0;
    keel_buf_free(&quoted);
    for (unsigned char *p = (unsigned char *)text; *p; p++) {
        if (*p < 0x20 || *p == 0x7f || (*p >= 0x80 && !valid)) {
            *p = '?';
        }
    }
}

size_t text_cut(const char *text, size_t len, size_t limit) {
    if (len <= limit) {
        return len;
    }
    len = limit;
    while (len > limit - 4 && ((unsigned char)text[len] & 0xc0) == 0x80) {
        len--;
    }
    return len;
}

void text_quote(keel_buf *out, const char *text, size_t len, size_t limit) {
    len = text_cut(text, len, limit);
    if (!keel_json_quote(out, text, len)) {
        return;
    }
    char *clean = keel_memdup(text, len);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)clean[i] >= 0x80) {
            clean[i] = '?';
        }
    }
    keel_json_quote(out, clean, len);
    free(clean);
}
