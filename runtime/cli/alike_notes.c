/* What is said of the names in a text. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alike_int.h"
#include "text.h"

/* ---- one address of mail ---- */

static void address_notes(notes *n, const char *word, size_t len) {
    if (len > 7 && strncmp(word, "mailto:", 7) == 0) {
        word += 7;
        len -= 7;
    }
    const char *sign = memrchr(word, '@', len);
    size_t before = (size_t)(sign - word);
    keel_buf text = KEEL_BUF_INIT;
    if (len > ALIKE_NAME_MAX) {
        alike_too_long(n, len);
        return;
    }
    if (memchr(word, '@', before)) {
        text_line(&text, word, len);
        keel_buf_puts(&text, " holds more than one @: programs differ in what they take for its "
                             "domain");
        alike_say(n, &text);
    }
    letters l = alike_letters(word, before);
    const alike_name *self = alike_is_known(n->known, word, len);
    if (l.count && !(self && self->own)) {
        text = (keel_buf)KEEL_BUF_INIT;
        text_line(&text, word, before);
        keel_buf_puts(&text, " (before the @) is written ");
        alike_put_letters(&text, &l);
        alike_say(n, &text);
    }
    alike_domain(n, sign + 1, len - before - 1);
    const alike_name *like = alike_looks_like(n->known, word, len);
    const char *other = like ? strrchr(like->name, '@') + 1 : NULL;
    if (other && strlen(other) == len - before - 1 &&
        strncasecmp(other, sign + 1, len - before - 1) == 0) {
        alike_say_not(n, word, len, like);
    }
}

/* ---- one address of the web ---- */

static bool is_number(const char *host, size_t len) {
    bool dotless = !memchr(host, '.', len);
    size_t digits = 0;
    for (size_t i = 0; i < len; i++) {
        bool hex = i == 1 && host[0] == '0' && (host[1] | 32) == 'x';
        digits += (host[i] >= '0' && host[i] <= '9') || hex ||
                  (len > 2 && (host[1] | 32) == 'x' && strchr("abcdefABCDEF", host[i]));
    }
    return dotless && len && digits == len;
}

static void say_host(notes *n, const char *host, size_t len, const char *what) {
    keel_buf text = KEEL_BUF_INIT;
    text_line(&text, host, len);
    keel_buf_printf(&text, " %s", what);
    alike_say(n, &text);
}

static void url_notes(notes *n, const char *word, size_t len) {
    const char *from = (const char *)memmem(word, len, "://", 3) + 3;
    size_t rest = len - (size_t)(from - word), authority = 0;
    while (authority < rest && !strchr("/?#\\", from[authority])) {
        authority++;
    }
    bool backslash = memchr(from, '\\', rest) != NULL;
    const char *sign = memrchr(from, '@', authority);
    const char *host = sign ? sign + 1 : from;
    size_t host_len = authority - (size_t)(host - from);
    const char *port = memrchr(host, ':', host_len);
    bool literal = host_len && host[0] == '[';
    host_len = port && !literal ? (size_t)(port - host) : host_len;
    if (sign) {
        keel_buf text = KEEL_BUF_INIT;
        keel_buf_puts(&text, "this leads to ");
        text_line(&text, host, host_len);
        keel_buf_puts(&text, "; what stands before the @ is no address: ");
        text_line(&text, from, (size_t)(sign - from));
        alike_say(n, &text);
    }
    if (backslash) {
        say_host(n, from, rest, "holds a \\: programs differ in where it leads");
    }
    if (memchr(host, '%', host_len)) {
        say_host(n, host, host_len, "is a host with % in it: programs differ in where it leads");
    }
    if (is_number(host, host_len)) {
        say_host(n, host, host_len, "is a machine's address written as one number");
    }
    if (!literal) {
        alike_domain(n, host, host_len);
    }
}

/* ---- signs that only look like those of addresses ---- */

static void sign_notes(notes *n, const char *word, size_t len) {
    for (size_t at = 0, used = 0; at < len; at += used) {
        int32_t cp = text_next(word + at, len - at, &used);
        const char *like = cp == 0xff20 || cp == 0xfe6b                                   ? "@"
                           : cp == 0x2215 || cp == 0x2044 || cp == 0x29f8 || cp == 0xff0f ? "/"
                           : cp == 0x2236 || cp == 0xff1a || cp == 0xfe55                 ? ":"
                           : cp == 0xff1f                                                 ? "?"
                           : cp == 0xff03                                                 ? "#"
                                                                                          : NULL;
        if (like && len <= ALIKE_NAME_MAX) {
            keel_buf text = KEEL_BUF_INIT;
            keel_buf_printf(&text, "U+%04" PRIX32 " in ", cp);
            text_line(&text, word, len);
            keel_buf_printf(&text, " only looks like %s", like);
            alike_say(n, &text);
        }
    }
}

/* ---- a text ---- */

static bool has_dot(const char *word, size_t len) {
    for (size_t at = 0, used = 0; at < len; at += used) {
        if (alike_is_dot(text_next(word + at, len - at, &used)) && at > 0 && at + used < len) {
            return true;
        }
    }
    return false;
}

/* In running text a word with a dot is a name only when it would be taken for one. */
static bool is_suspect(const notes *n, const char *word, size_t len) {
    letters l = alike_letters(word, len);
    return l.mixed || alike_looks_like(n->known, word, len) || memmem(word, len, "xn--", 4) != NULL;
}

static void word_notes(notes *n, const char *word, size_t len, bool line) {
    bool dot = has_dot(word, len);
    if (memmem(word, len, "://", 3)) {
        url_notes(n, word, len);
    } else if (memchr(word + 1, '@', len - 1)) {
        address_notes(n, word, len);
    } else if (dot && (line || is_suspect(n, word, len))) {
        alike_domain(n, word, len);
    }
    if (dot && !alike_is_ascii(word, len)) {
        sign_notes(n, word, len);
    }
}

static void text_notes(notes *n, const char *text, size_t len, bool line) {
    const char *word;
    size_t at = 0, bytes;
    while (alike_word(text, len, &at, &word, &bytes)) {
        word_notes(n, word, bytes, line);
    }
    if (n->more) {
        keel_buf_printf(n->out, "%*s! and %zu more remarks of this kind\n", (int)n->indent, "",
                        n->more);
    }
}

void alike_notes(keel_buf *out, const char *text, size_t len, bool line, const alike_known *known,
                 size_t indent) {
    notes n = {.out = out, .from = out->len, .indent = indent, .known = known};
    text_notes(&n, text, len, line);
}

bool alike_any(const char *text, size_t len, const alike_known *known) {
    keel_buf out = KEEL_BUF_INIT;
    alike_notes(&out, text, len, true, known, 0);
    bool any = out.len > 0;
    keel_buf_free(&out);
    return any;
}

/* ---- the name of a field ---- */

static bool same_look(keel_json a, keel_json b) {
    keel_buf texts[4] = {KEEL_BUF_INIT, KEEL_BUF_INIT, KEEL_BUF_INIT, KEEL_BUF_INIT};
    keel_json_string(a, &texts[0]);
    keel_json_string(b, &texts[1]);
    for (size_t i = 0; i < 2; i++) {
        keel_buf_append(&texts[i], "", 0);
        for (size_t at = 0; at < texts[i].len; at++) { /* blanks beside it are not seen either */
            texts[i].data[at] = texts[i].data[at] == '-' ? '_' : texts[i].data[at];
        }
        script_skeleton(&texts[i + 2], texts[i].data, texts[i].len);
    }
    char *x = texts[2].data, *y = texts[3].data;
    size_t x_len = strcspn(x + strspn(x, " "), " "), y_len = strcspn(y + strspn(y, " "), " ");
    x += strspn(x, " ");
    y += strspn(y, " ");
    bool same = x_len == y_len && strncmp(x, y, x_len) == 0;
    for (size_t i = 0; i < 4; i++) {
        keel_buf_free(&texts[i]);
    }
    return same;
}

static void say_like_field(notes *n, keel_json key, keel_json other) {
    keel_buf text = KEEL_BUF_INIT, a = KEEL_BUF_INIT, b = KEEL_BUF_INIT;
    keel_json_string(key, &a);
    keel_json_string(other, &b);
    keel_buf_puts(&text, "the field \"");
    text_line(&text, a.data ? a.data : "", a.len);
    keel_buf_puts(&text, "\" is not the field \"");
    text_line(&text, b.data ? b.data : "", b.len);
    keel_buf_puts(&text, "\": it only looks like it");
    alike_say(n, &text);
    keel_buf_free(&a);
    keel_buf_free(&b);
}

#define SIBLINGS_MAX 200 /* compared one with the other */

void alike_key_notes(keel_buf *out, keel_json key, keel_json object, size_t indent) {
    notes n = {.out = out, .from = out->len, .indent = indent};
    keel_buf name = KEEL_BUF_INIT;
    keel_json_string(key, &name);
    letters l = alike_letters(name.data ? name.data : "", name.len);
    if (l.count) {
        keel_buf text = KEEL_BUF_INIT;
        keel_buf_puts(&text, "the name of the field ");
        text_line(&text, name.data, name.len);
        keel_buf_puts(&text, " is written ");
        alike_put_letters(&text, &l);
        alike_say(&n, &text);
    }
    keel_json_iter it = keel_json_each(object);
    bool many = !l.count && keel_json_count(object) > SIBLINGS_MAX;
    for (size_t i = 0; !many && i < SIBLINGS_MAX && keel_json_next(&it); i++) {
        bool itself = it.key.data == key.data;
        if (!itself && same_look(key, it.key)) {
            say_like_field(&n, key, it.key);
        }
    }
    keel_buf_free(&name);
}
