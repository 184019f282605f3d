#include <errno.h>
#include <iconv.h>
#include <string.h>
#include <strings.h>

#include "mail.h"

#define NONE ((iconv_t)-1)

/* Each is opened once and stays open: glibc loads a character set from a file, and files are closed
 * to us by the time that mail is read. */
static struct charset {
    const char *name;
    iconv_t to_utf8;
    bool opened;
} charsets[] = {
    {"windows-1252", NONE, false}, {"iso-8859-1", NONE, false},   {"iso-8859-2", NONE, false},
    {"iso-8859-3", NONE, false},   {"iso-8859-4", NONE, false},   {"iso-8859-5", NONE, false},
    {"iso-8859-6", NONE, false},   {"iso-8859-7", NONE, false},   {"iso-8859-8", NONE, false},
    {"iso-8859-9", NONE, false},   {"iso-8859-10", NONE, false},  {"iso-8859-13", NONE, false},
    {"iso-8859-14", NONE, false},  {"iso-8859-15", NONE, false},  {"iso-8859-16", NONE, false},
    {"windows-1250", NONE, false}, {"windows-1251", NONE, false}, {"windows-1253", NONE, false},
    {"windows-1254", NONE, false}, {"windows-1255", NONE, false}, {"windows-1256", NONE, false},
    {"windows-1257", NONE, false}, {"windows-1258", NONE, false}, {"koi8-r", NONE, false},
    {"koi8-u", NONE, false},       {"gb2312", NONE, false},       {"gbk", NONE, false},
    {"gb18030", NONE, false},      {"big5", NONE, false},         {"big5-hkscs", NONE, false},
    {"euc-jp", NONE, false},       {"iso-2022-jp", NONE, false},  {"shift_jis", NONE, false},
    {"cp932", NONE, false},        {"euc-kr", NONE, false},       {"iso-2022-kr", NONE, false},
    {"cp949", NONE, false},        {"tis-620", NONE, false},      {"macintosh", NONE, false},
    {"cp437", NONE, false},        {"cp850", NONE, false},        {"utf-16", NONE, false},
    {"utf-16le", NONE, false},     {"utf-16be", NONE, false},     {"utf-7", NONE, false},
    {"iso-8859-11", NONE, false},  {"cp874", NONE, false},        {"viscii", NONE, false},
    {"euc-tw", NONE, false},       {"johab", NONE, false},        {"cp852", NONE, false},
    {"cp855", NONE, false},        {"cp866", NONE, false},
};

/* What mail calls them, and what they are. Web browsers read latin1 as windows-1252 as well, whose
 * quotes and dashes are what the writer meant. */
static const struct alias {
    const char *name;
    const char *is;
} aliases[] = {
    {"latin1", "windows-1252"},
    {"iso8859-1", "windows-1252"},
    {"iso-8859-1", "windows-1252"},
    {"iso_8859-1", "windows-1252"},
    {"cp1252", "windows-1252"},
    {"iso-8859-8-i", "iso-8859-8"},
    {"ks_c_5601-1987", "cp949"},
    {"x-sjis", "shift_jis"},
    {"windows-31j", "cp932"},
    {"cp1251", "windows-1251"},
    {"cp1250", "windows-1250"},
    {"gb_2312-80", "gbk"},
    {"x-gbk", "gbk"},
    {"cp936", "gbk"},
    {"mac", "macintosh"},
    {"uhc", "cp949"},
    {"windows-874", "cp874"},
    {"ibm437", "cp437"},
    {"ibm850", "cp850"},
    {"ibm852", "cp852"},
    {"ibm855", "cp855"},
    {"ibm866", "cp866"},
};

static iconv_t charset_open(const char *name) {
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        if (strcasecmp(aliases[i].name, name) == 0) {
            name = aliases[i].is;
            break;
        }
    }
    for (size_t i = 0; i < sizeof charsets / sizeof *charsets; i++) {
        struct charset *c = &charsets[i];
        if (strcasecmp(c->name, name) == 0) {
            if (!c->opened) {
                c->to_utf8 = iconv_open("UTF-8", c->name);
                c->opened = true;
            }
            return c->to_utf8;
        }
    }
    return NONE;
}

void charset_warm(void) {
    for (size_t i = 0; i < sizeof charsets / sizeof *charsets; i++) {
        charset_open(charsets[i].name);
    }
}

static bool looks_utf8(const char *bytes, size_t len) {
    keel_buf b = KEEL_BUF_INIT;
    words_clean(&b, bytes, len, len + 3, false);
    bool good = b.len == 0 || memmem(b.data, b.len, "\xEF\xBF\xBD", 3) == NULL;
    keel_buf_free(&b);
    return good;
}

static void append_limited(keel_buf *out, const char *bytes, size_t len, size_t limit) {
    size_t room = limit > out->len ? limit - out->len : 0;
    keel_buf_append(out, bytes, len < room ? len : room);
}

/* Sets such as windows-1255 hold a letter back until it is known that no accent follows. */
static void flush(keel_buf *out, iconv_t cd, size_t limit) {
    char piece[64];
    char *to = piece;
    size_t room = sizeof piece;
    if (iconv(cd, NULL, NULL, &to, &room) != (size_t)-1) {
        append_limited(out, piece, sizeof piece - room, limit);
    }
}

/* Bytes that are not of the character set become "?" one at a time. */
static void convert(keel_buf *out, iconv_t cd, const char *bytes, size_t len, size_t limit) {
    char piece[4096];
    char *in = (char *)(uintptr_t)bytes; /* iconv does not write there */
    iconv(cd, NULL, NULL, NULL, NULL);
    while (len > 0 && out->len < limit) {
        char *to = piece;
        size_t room = sizeof piece;
        size_t rc = iconv(cd, &in, &len, &to, &room);
        int why = errno;
        append_limited(out, piece, sizeof piece - room, limit);
        if (rc == (size_t)-1 && why != E2BIG) {
            if (why != EILSEQ) {
                return; /* the last character is cut */
            }
            append_limited(out, "?", 1, limit);
            in++;
            len--;
        }
    }
    flush(out, cd, limit);
}

void charset_append(keel_buf *out, const char *charset, const char *bytes, size_t len,
                    size_t limit) {
    bool plain = charset == NULL || *charset == 0 || strcasecmp(charset, "us-ascii") == 0 ||
                 strcasecmp(charset, "utf-8") == 0 || strcasecmp(charset, "utf8") == 0 ||
                 strcasecmp(charset, "ascii") == 0;
    iconv_t cd = plain ? NONE : charset_open(charset);
    if (cd == NONE && !looks_utf8(bytes, len)) {
        cd = charset_open("windows-1252");
    }
    if (cd == NONE) {
        append_limited(out, bytes, len, limit);
    } else {
        convert(out, cd, bytes, len, limit);
    }
}
