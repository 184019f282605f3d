#include "keys.h"

#include <string.h>

#include "text.h"

#define ALONE_MS 50   /* an ESC with nothing behind it for so long is the key */
#define REST_MS  2000 /* the rest of a sequence is waited for */
#define PASTE_MS 100  /* what follows a paste within this time belongs to it */

#define ESC 0x1b

static const char paste_end[] = "\033[201~";

enum { GROUND, CHARACTER, ESCAPE, SEQUENCE, SHORT, STRING, STRING_ESCAPE, PASTE };

static const struct {
    const char *bytes; /* behind ESC [ or ESC O */
    key_code code;
} sequences[] = {
    {"A", KEY_UP},       {"B", KEY_DOWN},     {"H", KEY_HOME},       {"F", KEY_END},
    {"Z", KEY_BACK_TAB}, {"5~", KEY_PAGE_UP}, {"1~", KEY_HOME},      {"4~", KEY_END},
    {"7~", KEY_HOME},    {"8~", KEY_END},     {"6~", KEY_PAGE_DOWN},
};

static const struct {
    unsigned char byte;
    key_code code;
} controls[] = {
    {'\r', KEY_ENTER},     {'\n', KEY_ENTER}, {'\t', KEY_TAB},    {0x7f, KEY_BACKSPACE},
    {0x08, KEY_BACKSPACE}, {0x15, KEY_CLEAR}, {0x0c, KEY_REDRAW},
};

void keys_begin(keys *k) {
    *k = (keys){.state = GROUND, .escaped_ms = -REST_MS - 1, .pasted_ms = -PASTE_MS - 1};
}

static void enter(keys *k, int state) {
    k->state = state;
    k->len = 0;
    k->matched = 0;
}

static bool is(key *out, key_code code) {
    *out = (key){.code = code};
    return true;
}

static bool is_pasting(keys *k, int64_t now_ms) {
    if (k->state == PASTE) {
        return true;
    }
    if (now_ms - k->pasted_ms > PASTE_MS) {
        return false;
    }
    k->pasted_ms = now_ms;
    return true;
}

static size_t length_of(unsigned char lead) {
    return lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
}

/* A byte of a character: more than one for letters beyond ASCII. `back`: the state to go back to. */
static bool character(keys *k, unsigned char byte, key_code code, int back, key *out) {
    size_t used = 0;
    if (k->len && (byte & 0xc0) != 0x80) {
        k->len = 0; /* the one before was cut short: it is dropped */
    }
    k->bytes[k->len++] = (char)byte;
    if (k->len < length_of((unsigned char)k->bytes[0])) {
        k->state = back == PASTE ? PASTE : CHARACTER;
        return false;
    }
    int32_t cp = text_next(k->bytes, k->len, &used);
    size_t len = k->len;
    k->len = 0;
    k->state = back;
    if (cp < 0x20 || cp == 0x7f || used != len || text_is_hidden(cp)) {
        return false;
    }
    *out = (key){.code = code};
    memcpy(out->text, k->bytes, len);
    return true;
}

static bool ground(keys *k, unsigned char byte, int64_t now_ms, key *out) {
    bool late = now_ms - k->escaped_ms <= REST_MS; /* the rest of an ESC that was too slow? */
    k->escaped_ms = now_ms - REST_MS - 1;
    if (byte == ESC) {
        enter(k, ESCAPE);
        return false;
    }
    if (byte == 0x9b || (late && byte == '[')) {
        enter(k, SEQUENCE);
        return false;
    }
    if (byte == 0x8f || (late && byte == 'O')) {
        enter(k, SHORT);
        return false;
    }
    bool pasted = is_pasting(k, now_ms);
    for (size_t i = 0; !pasted && i < sizeof controls / sizeof *controls; i++) {
        if (controls[i].byte == byte) {
            return is(out, controls[i].code);
        }
    }
    return character(k, byte, pasted ? KEY_PASTE : KEY_TEXT, GROUND, out);
}

static bool escape(keys *k, unsigned char byte, key *out) {
    switch (byte) {
    case ESC:
        return is(out, KEY_ESCAPE); /* the second one begins anew */
    case '[':
        enter(k, SEQUENCE);
        return false;
    case 'O':
        enter(k, SHORT);
        return false;
    case ']':
    case 'P':
    case 'X':
    case '^':
    case '_':
        enter(k, STRING);
        return false;
    default:
        enter(k, GROUND); /* Alt and a key, which is nothing here */
        return false;
    }
}

static bool known(keys *k, int64_t now_ms, key *out) {
    bool pasted = now_ms - k->pasted_ms <= PASTE_MS;
    enter(k, GROUND);
    for (size_t i = 0; !pasted && i < sizeof sequences / sizeof *sequences; i++) {
        if (strcmp(sequences[i].bytes, k->bytes) == 0) {
            return is(out, sequences[i].code);
        }
    }
    if (strcmp(k->bytes, "200~") == 0) {
        enter(k, PASTE);
    } else if (strcmp(k->bytes, "201~") == 0) {
        k->pasted_ms = now_ms;
    }
    return false;
}

/* Parameters, then one last byte; a control character breaks it off. */
static bool sequence(keys *k, unsigned char byte, int64_t now_ms, key *out) {
    if (byte == ESC) {
        enter(k, ESCAPE);
        return false;
    }
    if (byte < 0x20 || byte > 0x7e) {
        enter(k, GROUND);
        return false;
    }
    if (k->len < sizeof k->bytes - 1) {
        k->bytes[k->len++] = (char)byte;
        k->bytes[k->len] = 0;
    } else {
        k->bytes[0] = 0; /* too long to be one of ours */
    }
    bool last = k->state == SHORT ? byte >= 0x40 : byte >= 0x40 && !(byte == '[' && k->len == 1);
    return last ? known(k, now_ms, out) : false;
}

static bool string(keys *k, unsigned char byte) {
    bool ends = byte == 0x07 || byte == 0x9c || (k->state == STRING_ESCAPE && byte == '\\');
    enter(k, ends ? GROUND : byte == ESC ? STRING_ESCAPE : STRING);
    return false;
}

static bool paste(keys *k, unsigned char byte, int64_t now_ms, key *out) {
    if (byte == (unsigned char)paste_end[k->matched]) {
        k->matched++;
        if (k->matched == sizeof paste_end - 1) {
            enter(k, GROUND);
            k->pasted_ms = now_ms;
        }
        return false;
    }
    k->matched = byte == ESC ? 1 : 0;
    return k->matched ? false : character(k, byte, KEY_PASTE, PASTE, out);
}

bool keys_feed(keys *k, unsigned char byte, int64_t now_ms, key *out) {
    k->last_ms = now_ms;
    switch (k->state) {
    case ESCAPE:
        return escape(k, byte, out);
    case SEQUENCE:
    case SHORT:
        return sequence(k, byte, now_ms, out);
    case STRING:
    case STRING_ESCAPE:
        return string(k, byte);
    case PASTE:
        return paste(k, byte, now_ms, out);
    case CHARACTER:
        if ((byte & 0xc0) == 0x80) {
            return character(k, byte, is_pasting(k, now_ms) ? KEY_PASTE : KEY_TEXT, GROUND, out);
        }
        enter(k, GROUND);
        return ground(k, byte, now_ms, out);
    default:
        return ground(k, byte, now_ms, out);
    }
}

bool keys_idle(keys *k, int64_t now_ms, key *out) {
    int64_t quiet = now_ms - k->last_ms;
    if (k->state == ESCAPE && quiet >= ALONE_MS) {
        enter(k, GROUND);
        k->escaped_ms = now_ms;
        return is(out, KEY_ESCAPE);
    }
    if (k->state != GROUND && k->state != PASTE && k->state != ESCAPE && quiet >= REST_MS) {
        enter(k, GROUND);
    }
    return false;
}

int keys_wait_ms(const keys *k) {
    return k->state == ESCAPE ? ALONE_MS : k->state == GROUND || k->state == PASTE ? -1 : REST_MS;
}
