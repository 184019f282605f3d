/* UID FETCH: flags, sizes, dates, and sections of a letter that need no taking apart of MIME. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "imap.h"

void imap_put_flags(const letter *l, keel_buf *out) {
    const char *between = "";
    keel_buf_puts(out, "FLAGS (");
    for (unsigned i = 0; i < FLAGS; i++) {
        if (l->flags & 1u << i) {
            keel_buf_printf(out, "%s%s", between, flag_names[i]);
            between = " ";
        }
    }
    keel_buf_puts(out, ")");
}

/* "HEADER.FIELDS (A B)": each of these headers that there is, unfolded, and the empty line. */
static void put_fields(const letter *l, const char *names, keel_buf *out) {
    for (const char *p = names; *p && *p != ')';) {
        size_t len = strcspn(p, " ()\"");
        if (len > 0) {
            char name[128];
            keel_buf value = KEEL_BUF_INIT;
            snprintf(name, sizeof name, "%.*s", (int)len, p);
            if (letter_header(l->bytes, l->len, name, &value)) {
                keel_buf_printf(out, "%s: %s\r\n", name, value.data);
            }
            keel_buf_free(&value);
        }
        p += len ? len : 1;
    }
    keel_buf_puts(out, "\r\n");
}

/* What stands in the brackets of BODY[...]. false: no section that is known. */
static bool put_section(const letter *l, const char *section, size_t len, keel_buf *out) {
    size_t head = letter_head(l->bytes, l->len);
    static const char fields[] = "HEADER.FIELDS (";
    if (len == 0) {
        keel_buf_append(out, l->bytes, l->len);
    } else if (len == 6 && !strncasecmp(section, "HEADER", 6)) {
        keel_buf_append(out, l->bytes, head);
    } else if (len == 4 && !strncasecmp(section, "TEXT", 4)) {
        keel_buf_append(out, l->bytes + head, l->len - head);
    } else if (len > sizeof fields && !strncasecmp(section, fields, sizeof fields - 1)) {
        put_fields(l, section + sizeof fields - 1, out);
    } else {
        return false;
    }
    return true;
}

/* "BODY.PEEK[...]<from.count>" */
static bool put_body(letter *l, const char *item, keel_buf *out, bool *reads) {
    const char *open = strchr(item, '['), *close = open ? strchr(open, ']') : NULL;
    keel_buf bytes = KEEL_BUF_INIT;
    unsigned long from = 0, count = 0;
    if (!close ||
        (strncasecmp(item, "BODY[", 5) != 0 && strncasecmp(item, "BODY.PEEK[", 10) != 0) ||
        !put_section(l, open + 1, (size_t)(close - open - 1), &bytes)) {
        return false;
    }
    bool part = sscanf(close + 1, "<%lu.%lu>", &from, &count) == 2;
    *reads = *reads || strncasecmp(item, "BODY[", 5) == 0;
    from = from < bytes.len ? from : bytes.len;
    count = part && count < bytes.len - from ? count : bytes.len - from;
    keel_buf_printf(out, "BODY%.*s", (int)(close - open + 1), open);
    if (part) {
        keel_buf_printf(out, "<%lu>", from);
    }
    keel_buf_printf(out, " {%lu}\r\n", count);
    keel_buf_append(out, bytes.len ? bytes.data + from : "", count);
    keel_buf_free(&bytes);
    return true;
}

static void put_date(const letter *l, keel_buf *out) {
    char text[64];
    struct tm tm;
    time_t at = (time_t)l->at_s;
    gmtime_r(&at, &tm);
    strftime(text, sizeof text, "%d-%b-%Y %H:%M:%S +0000", &tm);
    keel_buf_printf(out, "INTERNALDATE \"%s\"", text);
}

static bool put_item(letter *l, const char *item, keel_buf *out, bool *reads) {
    if (!strcasecmp(item, "FLAGS")) {
        imap_put_flags(l, out);
    } else if (!strcasecmp(item, "RFC822.SIZE")) {
        keel_buf_printf(out, "RFC822.SIZE %zu", l->len);
    } else if (!strcasecmp(item, "INTERNALDATE")) {
        put_date(l, out);
    } else {
        return put_body(l, item, out, reads);
    }
    return true;
}

static bool put_letter(letter *l, size_t number, imap_words *w, keel_buf *out, bool *reads) {
    size_t from = w->at;
    bool many = imap_words_peek(w)->kind == IMAP_OPEN, good = true;
    w->at += many;
    keel_buf_printf(out, "* %zu FETCH (UID %" PRId64, number, l->uid);
    for (size_t n = 0; good && imap_words_peek(w)->kind == IMAP_ATOM && (many || n == 0); n++) {
        const imap_word *item = imap_words_next(w);
        if (!imap_word_is(item, "UID")) {
            keel_buf_puts(out, " ");
            good = put_item(l, item->text, out, reads);
        }
    }
    good = good && (!many || imap_words_next(w)->kind == IMAP_CLOSE);
    keel_buf_puts(out, ")\r\n");
    w->at = from;
    return good;
}

const char *imap_fetch(imap *m, const fault *by, keel_buf *out) {
    folder *f = imap_folder(m);
    const char *set = imap_words_text(&m->words);
    if (!f) {
        return "NO no folder is open";
    }
    if (!set || !imap_set_valid(set) || imap_words_peek(&m->words)->kind == IMAP_END) {
        return "BAD UID FETCH set (items)";
    }
    for (size_t i = 0; i < f->count; i++) {
        bool reads = false;
        size_t before = out->len;
        letter *l = &f->letters[i];
        if (!imap_set_has(set, l->uid, imap_last_uid(f))) {
            continue;
        }
        if (!put_letter(l, i + 1, &m->words, out, &reads)) {
            out->len = before;
            return "BAD an item of FETCH that is not known here";
        }
        if (reads && m->writable && !(l->flags & FLAG_SEEN)) {
            imap_told(m, by, f, NULL, &(imap_uids){&l->uid, 1});
            l->flags |= FLAG_SEEN;
        }
    }
    return "OK";
}
