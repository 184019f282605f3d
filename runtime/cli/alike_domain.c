/* What is said of a domain, and of letters. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alike_int.h"
#include "punycode.h"
#include "script.h"
#include "text.h"

#define NOTES_MAX 40 /* of one text; how many more there are is said */

static bool said_before(const notes *n, const keel_buf *line) {
    return n->out->len > n->from &&
           memmem(n->out->data + n->from, n->out->len - n->from, line->data, line->len);
}

/* A line of our own words, each once. Takes text. */
void alike_say(notes *n, keel_buf *text) {
    keel_buf line = KEEL_BUF_INIT;
    keel_buf_printf(&line, "%*s! %s\n", (int)n->indent, "", text->data);
    if (!said_before(n, &line)) {
        if (n->count < NOTES_MAX) {
            keel_buf_append(n->out, line.data, line.len);
            n->count++;
        } else {
            n->more++;
        }
    }
    keel_buf_free(&line);
    keel_buf_free(text);
}

/* ---- letters ---- */

static bool goes_with_latin(unsigned scripts) {
    return (scripts & ~(1u << SCRIPT_LATIN | 1u << SCRIPT_EAST_ASIAN)) == 0;
}

static bool is_mixed(unsigned scripts) {
    return (scripts & (scripts - 1)) != 0 && !goes_with_latin(scripts);
}

letters alike_letters(const char *text, size_t len) {
    letters l = {0};
    unsigned label = 0;
    for (size_t at = 0, used = 0; at < len; at += used) {
        int32_t cp = text_next(text + at, len - at, &used);
        script s = cp < 0 ? SCRIPT_OTHER : script_of(cp);
        if (cp >= 0x80 || cp < 0) {
            bool have = false;
            for (size_t i = 0; i < l.count && i < LETTERS_MAX; i++) {
                have = have || l.odd[i] == cp;
            }
            if (!have && l.count++ < LETTERS_MAX) {
                l.odd[l.count - 1] = cp;
            }
        }
        label = cp == '.' || cp == '@' ? 0 : label | (s == SCRIPT_COMMON ? 0 : 1u << s);
        l.scripts |= label;
        l.mixed = l.mixed || is_mixed(label);
    }
    return l;
}

void alike_put_letters(keel_buf *out, const letters *l) {
    const char *comma = "";
    for (int s = SCRIPT_COUNT - 1; l->mixed && s > SCRIPT_COMMON; s--) {
        if (l->scripts & 1u << s) {
            keel_buf_printf(out, "%s%s", comma, script_name((script)s));
            comma = " and ";
        }
    }
    keel_buf_puts(out, l->mixed ? " letters in one word: " : "with ");
    comma = "";
    for (size_t i = 0; i < l->count && i < LETTERS_MAX; i++) {
        script s = l->odd[i] < 0 ? SCRIPT_COMMON : script_of(l->odd[i]);
        if (l->odd[i] < 0) {
            keel_buf_printf(out, "%sbytes that are no text", comma);
        } else {
            keel_buf_printf(out, "%sU+%04" PRIX32 " %s", comma, l->odd[i],
                            text_is_hidden(l->odd[i]) ? "hidden"
                            : s == SCRIPT_COMMON      ? "sign"
                                                      : script_name(s));
        }
        comma = ", ";
    }
    if (l->count > LETTERS_MAX) {
        keel_buf_printf(out, " and %zu more", l->count - LETTERS_MAX);
    }
}

/* ---- one domain ---- */

typedef struct domain {
    keel_buf ascii;   /* its labels as they are looked up */
    keel_buf letters; /* its labels as they are read */
    bool bad;         /* a label that is none */
    int32_t dot;      /* one that is not the usual, or 0 */
} domain;

static bool is_puny(const char *label, size_t len) {
    return len > 4 && (label[0] | 32) == 'x' && (label[1] | 32) == 'n' && label[2] == '-' &&
           label[3] == '-';
}

static void add_label(domain *d, const char *label, size_t len) {
    if (is_puny(label, len)) {
        d->bad = !punycode_decode(&d->letters, label + 4, len - 4) || d->bad;
        for (size_t i = 0; i < len; i++) {
            bool upper = label[i] >= 'A' && label[i] <= 'Z';
            keel_buf_putc(&d->ascii, (char)(upper ? label[i] + 32 : label[i]));
        }
        return;
    }
    keel_buf_append(&d->letters, label, len);
    d->bad = !punycode_encode(&d->ascii, label, len) || d->bad;
}

bool alike_is_dot(int32_t cp) {
    return cp == '.' || cp == 0x3002 || cp == 0xff0e || cp == 0xff61 || cp == 0x2024 ||
           cp == 0xfe52;
}

static domain domain_of(const char *host, size_t len) {
    domain d = {.dot = 0};
    size_t from = 0;
    for (size_t at = 0, used = 0; at < len; at += used) {
        int32_t cp = text_next(host + at, len - at, &used);
        if (alike_is_dot(cp)) {
            add_label(&d, host + from, at - from);
            keel_buf_putc(&d.ascii, '.');
            keel_buf_putc(&d.letters, '.');
            d.dot = cp == '.' ? d.dot : cp;
            from = at + used;
        }
    }
    add_label(&d, host + from, len - from);
    keel_buf_append(&d.ascii, "", 0);
    keel_buf_append(&d.letters, "", 0);
    return d;
}

/* "A is not B, B's what: it only looks like it" */
void alike_say_not(notes *n, const char *name, size_t len, const alike_name *like) {
    keel_buf text = KEEL_BUF_INIT;
    text_line(&text, name, len);
    keel_buf_puts(&text, " is not ");
    text_line(&text, like->name, strlen(like->name));
    keel_buf_printf(&text, " (%s): it only looks like it", like->what);
    alike_say(n, &text);
}

bool alike_is_ascii(const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

/* Written in other letters throughout, and still read as an ASCII word. */
static void say_reads_as(notes *n, const char *name, size_t len, const domain *d) {
    keel_buf skeleton = KEEL_BUF_INIT, text = KEEL_BUF_INIT;
    script_skeleton(&skeleton, d->letters.data, d->letters.len);
    letters l = alike_letters(d->letters.data, d->letters.len);
    bool foreign = (l.scripts & ~(1u << SCRIPT_LATIN)) != 0;
    if (foreign && alike_is_ascii(skeleton.data, skeleton.len)) {
        text_line(&text, name, len);
        keel_buf_puts(&text, " reads like ");
        text_line(&text, skeleton.data, skeleton.len);
        keel_buf_puts(&text, ", and is another name");
        alike_say(n, &text);
    }
    keel_buf_free(&skeleton);
}

static void say_letters(notes *n, const char *name, size_t len, const domain *d) {
    keel_buf text = KEEL_BUF_INIT;
    letters l = alike_letters(d->letters.data, d->letters.len);
    if (alike_is_ascii(name, len) && !d->bad) {
        text_line(&text, name, len);
        keel_buf_puts(&text, " is read as ");
        text_line(&text, d->letters.data, d->letters.len);
    } else {
        text_line(&text, name, len);
        keel_buf_puts(&text, d->bad ? " is no domain that there can be" : " is ");
        if (!d->bad) {
            text_line(&text, d->ascii.data, d->ascii.len);
        }
    }
    if (l.count) {
        keel_buf_puts(&text, ", ");
        alike_put_letters(&text, &l);
    }
    alike_say(n, &text);
}

/* studio.example.evil.test belongs to whom evil.test belongs to. */
static void say_begins_like(notes *n, const char *host, size_t len) {
    for (size_t at = 1; at + 1 < len; at++) {
        const alike_name *known =
            host[at] == '.' && memchr(host, '.', at) ? alike_is_known(n->known, host, at) : NULL;
        known = known || host[at] != '.' || !memchr(host, '.', at)
                    ? known
                    : alike_looks_like(n->known, host, at);
        if (known && !strchr(known->name, '@')) {
            keel_buf text = KEEL_BUF_INIT;
            text_line(&text, host, len);
            keel_buf_puts(&text, " begins like ");
            text_line(&text, known->name, strlen(known->name));
            keel_buf_printf(&text, " (%s), and is no part of it", known->what);
            alike_say(n, &text);
            return;
        }
    }
}

void alike_too_long(notes *n, size_t len) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_printf(&text, "a name of %zu bytes, longer than any domain or address can be", len);
    alike_say(n, &text);
}

void alike_domain(notes *n, const char *host, size_t len) {
    if (len > ALIKE_NAME_MAX) {
        alike_too_long(n, len);
        return;
    }
    const alike_name *self = alike_is_known(n->known, host, len);
    if (self && self->own) {
        return;
    }
    domain d = domain_of(host, len);
    bool plain = alike_is_ascii(host, len) && strcmp(d.letters.data, d.ascii.data) == 0 && !d.bad;
    const alike_name *like = alike_looks_like(n->known, d.letters.data, d.letters.len);
    if (!plain && strcasecmp(d.letters.data, d.ascii.data) != 0) {
        say_letters(n, host, len, &d);
    }
    if (d.dot) {
        keel_buf text = KEEL_BUF_INIT;
        keel_buf_printf(&text, "U+%04" PRIX32 " in ", d.dot);
        text_line(&text, host, len);
        keel_buf_puts(&text, " only looks like a dot");
        alike_say(n, &text);
    }
    if (like && strcmp(like->name, d.ascii.data) != 0) {
        alike_say_not(n, host, len, like);
    } else if (!like && !plain && !d.bad) {
        say_reads_as(n, host, len, &d);
    }
    say_begins_like(n, host, len);
    keel_buf_free(&d.ascii);
    keel_buf_free(&d.letters);
}
