#include "scrub.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "keel/buf.h"
#include "secret_int.h"

#define SHORTEST 6

/* A needle is a secret itself, its hex digits, or the base64 digits that it alone decides when it
 * begins at one of three offsets. Each is looked for as it is, percent-encoded and JSON-escaped. */
typedef enum alphabet { ALPHABET_BYTES, ALPHABET_HEX, ALPHABET_BASE64 } alphabet;
typedef enum mode { MODE_PLAIN, MODE_PERCENT, MODE_JSON, MODES } mode;

#define NEEDLES 5

typedef struct needle {
    alphabet alphabet;
    const unsigned char *data;
    size_t len;
} needle;

typedef struct known {
    unsigned char *memory; /* secret_memory: of all needles, the secret itself first */
    needle needles[NEEDLES];
} known;

struct scrub {
    known *all;
    size_t count;
    uint8_t pairs[65536 / 8]; /* two bytes with which a needle may begin */
    bool firsts[256];
};

/* ---- the alphabets ---- */

static int hex_of(unsigned char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* How else a byte of a needle is written in its alphabet: hex in capitals, base64 for URLs. */
static unsigned char other_of(alphabet a, unsigned char c) {
    if (a == ALPHABET_HEX && c >= 'a') {
        return (unsigned char)(c - 0x20);
    }
    if (a == ALPHABET_BASE64 && c == '+') {
        return '-';
    }
    return a == ALPHABET_BASE64 && c == '/' ? '_' : c;
}

static bool same(alphabet a, unsigned char of_needle, unsigned char c) {
    return c == of_needle || c == other_of(a, of_needle);
}

/* ---- reading a text ---- */

enum { UNIT_BAD = 0, UNIT_CUT = -1 }; /* CUT: the text ends within it */

/* What one byte, or one escape, of a text stands for. Returns how many bytes of the text it is. */
typedef struct unit {
    unsigned char bytes[4];
    size_t count;
} unit;

static int read_percent(unit *u, const unsigned char *t, size_t avail) {
    for (size_t i = 1; i < 3 && i < avail; i++) {
        if (hex_of(t[i]) < 0) {
            return UNIT_BAD;
        }
    }
    if (avail < 3) {
        return UNIT_CUT;
    }
    u->bytes[0] = (unsigned char)(hex_of(t[1]) << 4 | hex_of(t[2]));
    return 3;
}

/* \uXXXX at t. */
static int read_code(uint32_t *code, const unsigned char *t, size_t avail) {
    *code = 0;
    for (size_t i = 0; i < 6; i++) {
        if (i == avail) {
            return UNIT_CUT;
        }
        if (i < 2 ? t[i] != (i == 0 ? '\\' : 'u') : hex_of(t[i]) < 0) {
            return UNIT_BAD;
        }
        *code = i < 2 ? 0 : *code << 4 | (uint32_t)hex_of(t[i]);
    }
    return 6;
}

static void write_utf8(unit *u, uint32_t code) {
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    u->count = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = u->count - 1; i > 0; i--) {
        u->bytes[i] = (unsigned char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    u->bytes[0] = (unsigned char)(lead[u->count] | code);
}

static int read_u(unit *u, const unsigned char *t, size_t avail) {
    uint32_t code;
    uint32_t low;
    int n = read_code(&code, t, avail);
    if (n == 6 && code >> 10 == 0xd800 >> 10) {
        n = read_code(&low, t + 6, avail - 6);
        if (n != 6) {
            return n;
        }
        if (low >> 10 != 0xdc00 >> 10) {
            return UNIT_BAD;
        }
        code = 0x10000 + ((code & 0x3ff) << 10 | (low & 0x3ff));
        n = 12;
    }
    if (n > 0) {
        write_utf8(u, code);
    }
    return n;
}

static const char escaped[] = "\"\\/bfnrt";
static const char meant[] = "\"\\/\b\f\n\r\t";

static int read_backslash(unit *u, const unsigned char *t, size_t avail) {
    if (avail < 2) {
        return UNIT_CUT;
    }
    const char *e = t[1] ? strchr(escaped, t[1]) : NULL;
    if (!e) {
        return read_u(u, t, avail);
    }
    u->bytes[0] = (unsigned char)meant[e - escaped];
    return 2;
}

/* expected: the needle's next byte, for the two spellings that depend on it. */
static int read_unit(unit *u, mode m, unsigned char expected, const unsigned char *t,
                     size_t avail) {
    u->count = 1;
    u->bytes[0] = t[0];
    if (m == MODE_PERCENT) {
        if (t[0] == '%') {
            return read_percent(u, t, avail);
        }
        if (t[0] == '+' && expected == ' ') {
            u->bytes[0] = ' ';
        }
        if (t[0] == '\\' && expected == '/') {
            return read_backslash(u, t, avail); /* a URL in JSON */
        }
    }
    return m == MODE_JSON && t[0] == '\\' ? read_backslash(u, t, avail) : 1;
}

/* How many bytes of the text are the needle, 0: it is not there, UNIT_CUT: the text ends before it
 * is decided. */
static long match(const needle *n, mode m, const unsigned char *t, size_t avail) {
    size_t at = 0;
    for (size_t i = 0; i < n->len;) {
        if (at == avail) {
            return UNIT_CUT;
        }
        unit u;
        int used = read_unit(&u, m, n->data[i], t + at, avail - at);
        if (used <= 0) {
            return used;
        }
        for (size_t k = 0; k < u.count; k++, i++) {
            if (i == n->len || !same(n->alphabet, n->data[i], u.bytes[k])) {
                return 0;
            }
        }
        at += (size_t)used;
    }
    return (long)at;
}

/* ---- adding ---- */

static void mark_pair(scrub *s, unsigned char a, unsigned char b) {
    unsigned pair = (unsigned)a << 8 | b;
    s->pairs[pair >> 3] |= (uint8_t)(1u << (pair & 7));
    s->firsts[a] = true;
}

/* All with which this byte may begin: itself, its other form, "+" for a blank, an escape. */
static size_t beginnings(alphabet a, unsigned char c, unsigned char out[5]) {
    out[0] = c;
    out[1] = other_of(a, c);
    out[2] = c == ' ' ? '+' : c;
    out[3] = '%';
    out[4] = '\\';
    return 5;
}

static void mark(scrub *s, const needle *n) {
    unsigned char first[5];
    unsigned char second[5];
    beginnings(n->alphabet, n->data[0], first);
    beginnings(n->alphabet, n->data[1], second);
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 5; k++) {
            mark_pair(s, first[i], second[k]);
        }
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        mark_pair(s, '%', (unsigned char)digits[first[i] >> 4]);
        mark_pair(s, '%', (unsigned char)digits[16 + (first[i] >> 4)]);
    }
    mark_pair(s, '\\', 'u');
    for (const char *e = escaped; *e; e++) {
        mark_pair(s, '\\', (unsigned char)*e);
    }
}

/* The digits that `len` bytes alone decide when `skip` others stand before them. */
static size_t base64_of(unsigned char *out, const unsigned char *data, size_t len, size_t skip) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t first = (8 * skip + 5) / 6;
    size_t end = 8 * (skip + len) / 6;
    for (size_t i = first; i < end; i++) {
        size_t bit = 6 * i - 8 * skip;
        unsigned two = (unsigned)data[bit / 8] << 8;
        two |= bit / 8 + 1 < len ? data[bit / 8 + 1] : 0u;
        out[i - first] = (unsigned char)digits[two >> (10 - bit % 8) & 63];
    }
    return end - first;
}

void scrub_add(scrub *s, const char *data, size_t len) {
    if (len < SHORTEST) {
        return;
    }
    for (size_t i = 0; i < s->count; i++) {
        const needle *n = &s->all[i].needles[0];
        if (n->len == len && sodium_memcmp(n->data, data, len) == 0) {
            return;
        }
    }
    s->all = keel_realloc(s->all, (s->count + 1) * sizeof *s->all);
    known *k = &s->all[s->count++];
    k->memory = (unsigned char *)secret_memory(8 * len + 16);
    unsigned char *at = k->memory;
    memcpy(at, data, len);
    k->needles[0] = (needle){ALPHABET_BYTES, at, len};
    at += len;
    sodium_bin2hex((char *)at, 2 * len + 1, k->memory, len);
    k->needles[1] = (needle){ALPHABET_HEX, at, 2 * len};
    at += 2 * len;
    for (size_t skip = 0; skip < 3; skip++) {
        size_t n = base64_of(at, k->memory, len, skip);
        k->needles[2 + skip] = (needle){ALPHABET_BASE64, at, n};
        at += n;
    }
    for (int i = 0; i < NEEDLES; i++) {
        mark(s, &k->needles[i]);
    }
}

scrub *scrub_create(void) {
    scrub *s = keel_alloc(sizeof *s);
    memset(s, 0, sizeof *s);
    return s;
}

void scrub_destroy(scrub *s) {
    for (size_t i = 0; s && i < s->count; i++) {
        secret_memory_free((char *)s->all[i].memory);
    }
    if (s) {
        free(s->all);
        sodium_memzero(s, sizeof *s); /* the pairs tell of the secrets */
    }
    free(s);
}

/* ---- finding ---- */

/* The longest needle at t: its length, 0 if there is none; *cut when one may begin here. */
static size_t longest(const scrub *s, const unsigned char *t, size_t avail, bool *cut) {
    size_t best = 0;
    for (size_t i = 0; i < NEEDLES * s->count; i++) {
        const needle *n = &s->all[i / NEEDLES].needles[i % NEEDLES];
        for (mode m = MODE_PLAIN; m < MODES; m++) {
            long found = match(n, m, t, avail);
            *cut = *cut || found == UNIT_CUT;
            best = found > (long)best ? (size_t)found : best;
        }
    }
    return best;
}

static bool may_begin(const scrub *s, const unsigned char *t, size_t avail) {
    unsigned pair = (unsigned)t[0] << 8 | (avail > 1 ? t[1] : 0u);
    return avail > 1 ? s->pairs[pair >> 3] >> (pair & 7) & 1 : s->firsts[t[0]];
}

/* Secrets may overlap, so bytes are replaced only when nothing that begins at or before them is
 * still to be read: [from, until) is found and not yet replaced. What begins at `from` reaches to
 * `until`, so a text that is cut there is found again by what comes next. */
static size_t run(const scrub *s, unsigned char *t, size_t len, bool end, size_t *places) {
    size_t from = 0;
    size_t until = 0;
    for (size_t at = 0; at < len; at++) {
        if (at == until && until > from) {
            memset(t + from, '*', until - from);
            from = until;
        }
        if (!may_begin(s, t + at, len - at)) {
            continue;
        }
        bool cut = false;
        size_t n = longest(s, t + at, len - at, &cut);
        if (n && at + n >= until) {
            if (at < until) {
                memset(t + from, '*', at - from);
            } else {
                *places += 1;
            }
            from = at;
            until = at + n;
        }
        if (cut && !end) {
            return at < until ? from : at;
        }
    }
    if (until > from) {
        memset(t + from, '*', until - from);
    }
    return len;
}

size_t scrub_bytes(const scrub *s, char *data, size_t len) {
    size_t places = 0;
    run(s, (unsigned char *)data, len, true, &places);
    return places;
}

size_t scrub_stream(const scrub *s, char *data, size_t len, int end) {
    size_t places = 0;
    return run(s, (unsigned char *)data, len, end, &places);
}
