#include "mbox.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef struct line {
    const char *data;
    size_t len;  /* with its newline */
    bool starts; /* not the rest of a line longer than the window */
    bool whole;  /* ends in a newline */
} line;

void mbox_begin(mbox *m, mbox_read *read, void *ctx, uint64_t at) {
    *m = (mbox){.read = read, .ctx = ctx, .at = at};
}

static int bad(mbox *m, uint64_t at, const char *what, const char *found, size_t len) {
    char shown[41];
    size_t n = len < sizeof shown - 1 ? len : sizeof shown - 1;
    for (size_t i = 0; i < n; i++) {
        shown[i] = isprint((unsigned char)found[i]) ? found[i] : '?';
    }
    shown[n] = 0;
    snprintf(m->problem, sizeof m->problem, "at byte %" PRIu64 " %s, found \"%s\"", at, what,
             shown);
    return MBOX_BAD;
}

/* Moves the window so that it begins at `at`. */
static int fill(mbox *m, uint64_t at) {
    m->data_at = at;
    m->len = 0;
    return m->read(m->ctx, at, MBOX_WINDOW, &m->data, &m->len);
}

/* The line at `at`, or the part of it that fits the window; len 0 at the end of the file. */
static int get_line(mbox *m, uint64_t at, line *l) {
    size_t skip = m->data != NULL && at >= m->data_at && at - m->data_at <= m->len
                      ? (size_t)(at - m->data_at)
                      : SIZE_MAX;
    const char *end = skip < m->len ? memchr(m->data + skip, '\n', m->len - skip) : NULL;
    if (end == NULL && skip != 0) {
        int rc = fill(m, at);
        if (rc != 0) {
            return rc;
        }
        skip = 0;
        end = m->len > 0 ? memchr(m->data, '\n', m->len) : NULL;
    }
    l->data = m->len > 0 ? m->data + skip : "";
    l->whole = end != NULL;
    l->len = end != NULL ? (size_t)(end - l->data) + 1 : m->len - skip;
    return 0;
}

static bool is_empty(const line *l) {
    return (l->len == 1 && l->data[0] == '\n') ||
           (l->len == 2 && l->data[0] == '\r' && l->data[1] == '\n');
}

static bool is_from(const line *l) {
    return l->len >= 5 && memcmp(l->data, "From ", 5) == 0;
}

static bool is_month(const char *s) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (size_t k = 0; k < 36; k += 3) {
        if (memcmp(s, months + k, 3) == 0) {
            return true;
        }
    }
    return false;
}

static bool digits(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (!isdigit((unsigned char)s[i])) {
            return false;
        }
    }
    return true;
}

/* "dd hh:mm" and somewhere behind it a year. */
static bool is_day_and_time(const char *s, size_t n) {
    size_t i = 0;
    while (i < n && (s[i] == ' ' || isdigit((unsigned char)s[i])) && i < 4) {
        if (s[i] == ' ' && i > 0 && isdigit((unsigned char)s[i - 1])) {
            break;
        }
        i++;
    }
    if (i + 6 > n || i == 0 || !digits(s + i - 1, 1) || !digits(s + i + 1, 2) || s[i + 3] != ':' ||
        !digits(s + i + 4, 2)) {
        return false;
    }
    for (i += 6; i + 5 <= n; i++) {
        if (s[i] == ' ' && digits(s + i + 1, 4) && (s[i + 1] == '1' || s[i + 1] == '2')) {
            return true;
        }
    }
    return false;
}

/* "From SENDER Www Mmm dd hh:mm:ss yyyy", as loosely as programs write it. */
static bool is_separator(const line *l) {
    if (!is_from(l) || l->len > 400) {
        return false;
    }
    for (size_t i = 5; i + 4 <= l->len; i++) {
        if (l->data[i - 1] == ' ' && l->data[i + 3] == ' ' && is_month(l->data + i) &&
            is_day_and_time(l->data + i + 4, l->len - i - 4)) {
            return true;
        }
    }
    return false;
}

/* Body lines "From ...", ">From ...": how many bytes of quoting to take off. */
static size_t quoting(const line *l) {
    size_t n = 0;
    while (n < l->len && l->data[n] == '>') {
        n++;
    }
    bool from = n > 0 && l->len - n >= 5 && memcmp(l->data + n, "From ", 5) == 0;
    return from ? 1 : 0;
}

static void note_status(mbox_entry *e, const line *l) {
    bool status = l->len > 7 && strncasecmp(l->data, "Status:", 7) == 0;
    bool x_status = l->len > 9 && strncasecmp(l->data, "X-Status:", 9) == 0;
    e->seen |= status && memchr(l->data + 7, 'R', l->len - 7) != NULL;
    e->answered |= x_status && memchr(l->data + 9, 'A', l->len - 9) != NULL;
}

static void keep_line(keel_buf *message, size_t keep, mbox_entry *e, const line *l) {
    size_t off = l->starts ? quoting(l) : 0;
    size_t room = keep - message->len;
    size_t n = l->len - off;
    keel_buf_append(message, l->data + off, n < room ? n : room);
    e->cut |= n > room;
    e->size += l->len;
}

/* Collects the lines from *at on up to the next message; *at is then where that begins. The empty
 * line before a From line belongs to the mbox, not to the message. */
static int collect(mbox *m, keel_buf *message, size_t keep, mbox_entry *e, uint64_t *at) {
    size_t empty = 0; /* bytes of the last line, if it is an empty one */
    bool headers = true;
    for (bool starts = true;;) {
        line l = {.starts = starts};
        int rc = get_line(m, *at, &l);
        if (rc != 0) {
            return rc;
        }
        if (l.len == 0 || (empty > 0 && is_separator(&l))) {
            e->torn = !starts;
            break;
        }
        if (headers && starts) {
            note_status(e, &l);
        }
        keep_line(message, keep, e, &l);
        *at += l.len;
        empty = starts && is_empty(&l) ? l.len : 0;
        headers = headers && empty == 0;
        starts = l.whole;
    }
    e->size -= empty;
    message->len -= e->cut ? 0 : empty;
    return 0;
}

int mbox_next(mbox *m, keel_buf *message, size_t keep, mbox_entry *e) {
    uint64_t at = m->at;
    line l = {.starts = true};
    do {
        at += l.len;
        int rc = get_line(m, at, &l);
        if (rc != 0) {
            return rc;
        }
    } while (is_empty(&l));
    if (l.len == 0) {
        return MBOX_END;
    }
    if (!is_from(&l)) {
        return bad(m, at, "a message should begin with \"From \"", l.data, l.len);
    }
    *e = (mbox_entry){.start = at, .torn = !l.whole};
    keel_buf_clear(message);
    at += l.len;
    int rc = l.whole ? collect(m, message, keep, e, &at) : 0;
    if (rc != 0) {
        return rc;
    }
    e->end = at;
    m->at = at;
    return MBOX_MESSAGE;
}

/* FNV-1a over what stands before the offset: enough to notice that it was moved. */
static int check_before(mbox *m, uint64_t offset, uint64_t *check, bool *there) {
    size_t want = offset < 4096 ? (size_t)offset : 4096;
    size_t got = 0;
    const char *data = NULL;
    int rc = want > 0 ? m->read(m->ctx, offset - want, want, &data, &got) : 0;
    if (rc != 0) {
        return rc;
    }
    *there = got == want;
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < got; i++) {
        h = (h ^ (unsigned char)data[i]) * 1099511628211u;
    }
    *check = h;
    m->data = NULL; /* the window may share the reader's memory */
    m->len = 0;
    return 0;
}

int mbox_cursor(mbox *m, uint64_t offset, char out[MBOX_CURSOR_SIZE]) {
    uint64_t check = 0;
    bool there = false;
    int rc = check_before(m, offset, &check, &there);
    if (rc == 0 && !there) {
        rc = bad(m, offset, "the file became shorter while it was read", "", 0);
    }
    if (rc == 0) {
        snprintf(out, MBOX_CURSOR_SIZE, "mbox1:%" PRIu64 ":%016" PRIx64, offset, check);
    }
    return rc;
}

int mbox_resume(mbox *m, const char *cursor, uint64_t *offset) {
    uint64_t at = 0;
    uint64_t want = 0;
    int used = 0;
    if (sscanf(cursor, "mbox1:%" SCNu64 ":%" SCNx64 "%n", &at, &want, &used) != 2 ||
        cursor[used] != 0 || at > INT64_MAX) {
        return bad(m, 0, "the cursor is not one of an mbox", cursor, strlen(cursor));
    }
    uint64_t check = 0;
    bool there = false;
    int rc = check_before(m, at, &check, &there);
    if (rc != 0) {
        return rc;
    }
    if (!there || check != want) {
        snprintf(m->problem, sizeof m->problem,
                 "the file was rewritten: what stands before byte %" PRIu64
                 " is not what was read there",
                 at);
        return MBOX_BAD;
    }
    *offset = at;
    return 0;
}
