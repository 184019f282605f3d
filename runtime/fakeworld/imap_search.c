/* UID SEARCH: what clients of mail ask for, and whatever is made of it by OR, NOT and brackets. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "imap.h"

#define DEPTH 32

typedef struct asked {
    imap_words *w;
    const letter *l;
    int64_t last_uid;
    const char *problem; /* or NULL */
    int depth;
} asked;

static bool key(asked *a);

static bool contains(const char *text, size_t len, const char *part) {
    size_t want = strlen(part);
    for (size_t i = 0; i + want <= len; i++) {
        if (!strncasecmp(text + i, part, want)) {
            return true;
        }
    }
    return false;
}

static const char *argument(asked *a) {
    const char *text = imap_words_text(a->w);
    a->problem = text ? a->problem : "BAD a key of SEARCH lacks its value";
    return text ? text : "";
}

static bool header(asked *a, const char *name) {
    const char *part = argument(a);
    keel_buf value = KEEL_BUF_INIT;
    bool found = letter_header(a->l->bytes, a->l->len, name, &value) &&
                 contains(value.data, value.len, part);
    keel_buf_free(&value);
    return found;
}

/* Days since 1970 of "2-Nov-2026". */
static int64_t day(asked *a) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int d = 0, year = 0;
    char name[4] = "";
    if (sscanf(argument(a), "%d-%3s-%d", &d, name, &year) != 3 || strlen(name) != 3 ||
        !strcasestr(months, name)) {
        a->problem = "BAD a day is such as 2-Nov-2026";
        return 0;
    }
    struct tm tm = {.tm_mday = d,
                    .tm_mon = (int)(strcasestr(months, name) - months) / 3,
                    .tm_year = year - 1900};
    return (int64_t)timegm(&tm) / 86400;
}

static bool is_flagged(const asked *a, const char *name, bool *known) {
    static const struct {
        const char *name;
        unsigned flag;
    } flags[] = {{"SEEN", FLAG_SEEN},
                 {"ANSWERED", FLAG_ANSWERED},
                 {"FLAGGED", FLAG_FLAGGED},
                 {"DELETED", FLAG_DELETED},
                 {"DRAFT", FLAG_DRAFT}};
    bool un = !strncasecmp(name, "UN", 2);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (!strcasecmp(name + (un ? 2 : 0), flags[i].name)) {
            *known = true;
            return ((a->l->flags & flags[i].flag) != 0) != un;
        }
    }
    *known = false;
    return false;
}

static bool either(asked *a) {
    bool first = key(a), second = key(a);
    return first || second;
}

static bool group(asked *a) {
    bool all = true;
    while (!a->problem && imap_words_peek(a->w)->kind != IMAP_CLOSE) {
        all = key(a) && all;
    }
    imap_words_next(a->w);
    return all;
}

static bool named(asked *a, const char *name) {
    static const char *const headers[] = {"FROM", "TO", "CC", "BCC", "SUBJECT"};
    bool known = false, flagged = is_flagged(a, name, &known);
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        if (!strcasecmp(name, headers[i])) {
            return header(a, headers[i]);
        }
    }
    if (imap_set_valid(name)) {
        a->problem = "BAD letters are named by UID here";
    } else if (!strcasecmp(name, "HEADER")) {
        return header(a, argument(a));
    } else if (!strcasecmp(name, "UID")) {
        return imap_set_has(argument(a), a->l->uid, a->last_uid);
    } else if (!strcasecmp(name, "SINCE")) {
        return a->l->at_s / 86400 >= day(a);
    } else if (!strcasecmp(name, "BEFORE")) {
        return a->l->at_s / 86400 < day(a);
    } else if (!strcasecmp(name, "OR")) {
        return either(a);
    } else if (!strcasecmp(name, "NOT")) {
        return !key(a);
    } else if (strcasecmp(name, "ALL") != 0 && !known) {
        a->problem = "BAD a key of SEARCH that is not known here";
    }
    return known ? flagged : true;
}

static bool key(asked *a) {
    const imap_word *next = imap_words_next(a->w);
    bool found = false;
    if (++a->depth > DEPTH || a->problem || next->kind == IMAP_END || next->kind == IMAP_CLOSE) {
        a->problem = a->problem ? a->problem : "BAD SEARCH lacks a key";
    } else if (next->kind == IMAP_OPEN) {
        found = group(a);
    } else {
        found = named(a, next->text);
    }
    a->depth--;
    return found;
}

const char *imap_search(imap *m, const fault *by, keel_buf *out) {
    const folder *f = imap_folder(m);
    size_t from = m->words.at;
    keel_buf found = KEEL_BUF_INIT;
    const char *problem = f ? NULL : "NO no folder is open";
    (void)by;
    for (size_t i = 0; !problem && i < f->count; i++) {
        asked a = {.w = &m->words, .l = &f->letters[i], .last_uid = imap_last_uid(f)};
        bool all = true;
        m->words.at = from;
        do {
            all = key(&a) && all;
        } while (!a.problem && imap_words_peek(&m->words)->kind != IMAP_END);
        problem = a.problem;
        if (all) {
            keel_buf_printf(&found, " %" PRId64, a.l->uid);
        }
    }
    if (!problem) {
        keel_buf_printf(out, "* SEARCH%s\r\n", found.len ? found.data : "");
    }
    keel_buf_free(&found);
    return problem ? problem : "OK";
}
