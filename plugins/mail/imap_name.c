/* Names of folders: UTF-8 for people, modified UTF-7 (RFC 3501, 5.1.3) on the wire. */
#include "imap.h"

/* One character from valid UTF-8; -1 at what is none. */
static long decode(const unsigned char **p) {
    const unsigned char *s = *p;
    int more = s[0] < 0x80 ? 0 : s[0] >= 0xF0 ? 3 : s[0] >= 0xE0 ? 2 : s[0] >= 0xC2 ? 1 : -1;
    if (more < 0 || s[0] > 0xF4) {
        return -1;
    }
    long c = more == 0 ? s[0] : s[0] & (0x3F >> more);
    for (int i = 1; i <= more; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return -1;
        }
        c = c << 6 | (s[i] & 0x3F);
    }
    *p = s + more + 1;
    return c;
}

typedef struct bits {
    keel_buf *out;
    unsigned long held;
    int count;
} bits;

static void put_unit(bits *b, unsigned unit) {
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
    b->held = b->held << 16 | unit;
    b->count += 16;
    while (b->count >= 6) {
        b->count -= 6;
        keel_buf_putc(b->out, alphabet[b->held >> b->count & 63]);
    }
    b->held &= 63;
}

static void put_character(bits *b, long c) {
    if (c >= 0x10000) {
        put_unit(b, (unsigned)(0xD800 + ((c - 0x10000) >> 10)));
        put_unit(b, (unsigned)(0xDC00 + ((c - 0x10000) & 0x3FF)));
    } else {
        put_unit(b, (unsigned)c);
    }
}

static void end_bits(bits *b) {
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
    if (b->count > 0) {
        keel_buf_putc(b->out, alphabet[b->held << (6 - b->count) & 63]);
    }
    keel_buf_putc(b->out, '-');
    b->held = 0;
    b->count = 0;
}

bool imap_name(keel_buf *out, const char *folder) {
    const unsigned char *p = (const unsigned char *)folder;
    bits b = {out, 0, 0};
    bool shifted = false;
    keel_buf_putc(out, '"');
    while (*p != 0) {
        long c = decode(&p);
        bool plain = c >= 0x20 && c < 0x7F;
        if (c < 0x20 || c == 0x7F) {
            return false;
        }
        if (shifted && plain) {
            end_bits(&b);
            shifted = false;
        }
        if (!plain && !shifted) {
            keel_buf_putc(out, '&');
            shifted = true;
        }
        if (!plain) {
            put_character(&b, c);
        } else if (c == '&') {
            keel_buf_puts(out, "&-");
        } else {
            if (c == '"' || c == '\\') {
                keel_buf_putc(out, '\\');
            }
            keel_buf_putc(out, (char)c);
        }
    }
    if (shifted) {
        end_bits(&b);
    }
    keel_buf_putc(out, '"');
    return *folder != 0;
}
