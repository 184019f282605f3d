/* Messages in a folder: looked for, taken apart, moved. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "imap.h"

/* ---- numbers ---- */

void imap_uids_free(imap_uids *u) {
    free(u->items);
    *u = (imap_uids){NULL, 0};
}

void imap_uids_add(imap_uids *u, uint64_t uid) {
    if ((u->count & (u->count - 1)) == 0) { /* a power of two, or none: full */
        u->items = keel_realloc(u->items, (u->count == 0 ? 1 : u->count * 2) * sizeof *u->items);
    }
    u->items[u->count++] = uid;
}

void imap_uids_write(const imap_uids *u, size_t from, size_t limit, keel_buf *out) {
    for (size_t i = from; i < u->count && i < from + limit; i++) {
        keel_buf_printf(out, "%s%llu", i > from ? "," : "", (unsigned long long)u->items[i]);
    }
}

static int by_number(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void sort(imap_uids *u) {
    size_t to = 0;
    if (u->count > 1) {
        qsort(u->items, u->count, sizeof *u->items, by_number);
    }
    for (size_t i = 0; i < u->count; i++) {
        if (to == 0 || u->items[to - 1] != u->items[i]) {
            u->items[to++] = u->items[i];
        }
    }
    u->count = to;
}

/* ---- looking ---- */

static void on_search(void *ctx, wire_scan *s) {
    imap_uids *u = ctx;
    wire_word w;
    uint64_t uid = 0;
    if (wire_next(s, &w) != WIRE_ATOM || !wire_is(&w, "SEARCH")) {
        return;
    }
    while (wire_next(s, &w) == WIRE_ATOM && u->count < IMAP_UIDS) {
        if (wire_number(&w, &uid) && uid > 0 && uid <= UINT32_MAX) {
            imap_uids_add(u, uid);
        }
    }
}

imap_result imap_search(imap *m, imap_uids *out, const char *criteria) {
    imap_result r = imap_run(m, on_search, out, "UID SEARCH %s", criteria);
    sort(out);
    return r;
}

typedef struct exact {
    const char *id;
    imap_uids *out;
} exact;

/* SEARCH finds parts of a header too: the whole of it decides. */
static void on_header(void *ctx, wire_scan *s) {
    exact *e = ctx;
    imap_message m;
    keel_buf text = KEEL_BUF_INIT;
    if (imap_fetch_parse(s, &m) && m.has_body) {
        wire_text(&m.body, &text);
        keel_buf_putc(&text, 0);
        char *open = strchr(text.data, '<');
        char *close = open != NULL ? strchr(open, '>') : NULL;
        if (close != NULL && strncasecmp(text.data, "Message-ID:", 11) == 0 &&
            strlen(e->id) == (size_t)(close - open - 1) &&
            memcmp(open + 1, e->id, strlen(e->id)) == 0) {
            imap_uids_add(e->out, m.uid);
        }
    }
    keel_buf_free(&text);
}

imap_result imap_find(imap *m, const char *message_id, imap_uids *out) {
    char criteria[320];
    imap_uids maybe = {NULL, 0};
    exact e = {message_id, out};
    snprintf(criteria, sizeof criteria, "HEADER Message-ID \"%s\"", message_id);
    imap_result r = imap_search(m, &maybe, criteria);
    if (r == IMAP_OK && maybe.count > 0) {
        keel_buf set = KEEL_BUF_INIT;
        imap_uids_write(&maybe, 0, 100, &set);
        r = imap_run(m, on_header, &e, "UID FETCH %s (UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])",
                     set.data);
        keel_buf_free(&set);
        sort(out);
    }
    imap_uids_free(&maybe);
    return r;
}

/* ---- taking apart ---- */

static bool parse_flags(wire_scan *s, imap_message *out) {
    wire_word w;
    if (wire_next(s, &w) != WIRE_OPEN) {
        return false;
    }
    while (wire_next(s, &w) == WIRE_ATOM) {
        out->seen |= wire_is(&w, "\\Seen");
        out->answered |= wire_is(&w, "\\Answered");
    }
    return w.kind == WIRE_CLOSE;
}

static bool parse_item(wire_scan *s, const wire_word *name, imap_message *out) {
    wire_word w;
    if (wire_is(name, "FLAGS")) {
        return parse_flags(s, out);
    }
    if (wire_next(s, &w) == WIRE_END || w.kind == WIRE_BAD) {
        return false;
    }
    if (wire_is(name, "UID")) {
        return wire_number(&w, &out->uid);
    }
    if (wire_is(name, "RFC822.SIZE")) {
        return wire_number(&w, &out->size);
    }
    if (wire_begins(name, "BODY[")) {
        out->has_body = w.kind == WIRE_TEXT;
        out->body = w;
        return w.kind == WIRE_TEXT || wire_is(&w, "NIL");
    }
    return wire_skip(s, &w);
}

bool imap_fetch_parse(wire_scan *s, imap_message *out) {
    wire_word w;
    uint64_t number = 0;
    *out = (imap_message){.uid = 0};
    if (wire_next(s, &w) != WIRE_ATOM || !wire_number(&w, &number) ||
        wire_next(s, &w) != WIRE_ATOM || !wire_is(&w, "FETCH") || wire_next(s, &w) != WIRE_OPEN) {
        return false;
    }
    while (wire_next(s, &w) == WIRE_ATOM) {
        if (!parse_item(s, &w, out)) {
            return false;
        }
    }
    return w.kind == WIRE_CLOSE && out->uid > 0 && out->uid <= UINT32_MAX;
}

/* ---- moving ---- */

/* Without UIDPLUS an EXPUNGE would take what a person has marked as well: it stays marked then. */
static imap_result expunge(imap *m, const char *set) {
    imap_result r = imap_run(m, NULL, NULL, "UID STORE %s +FLAGS.SILENT (\\Deleted)", set);
    return r == IMAP_OK && m->has_uidplus ? imap_run(m, NULL, NULL, "UID EXPUNGE %s", set) : r;
}

imap_result imap_delete(imap *m, const imap_uids *uids) {
    keel_buf set = KEEL_BUF_INIT;
    imap_uids_write(uids, 0, uids->count, &set);
    imap_result r = uids->count > 0 ? expunge(m, set.data) : IMAP_OK;
    keel_buf_free(&set);
    return r;
}

static imap_result transfer(imap *m, const char *set, const char *name) {
    return imap_run(m, NULL, NULL, "UID %s %s %s", m->has_move ? "MOVE" : "COPY", set, name);
}

imap_result imap_move(imap *m, const imap_uids *uids, const char *to) {
    keel_buf set = KEEL_BUF_INIT;
    keel_buf name = KEEL_BUF_INIT;
    imap_result r = uids->count == 0 ? IMAP_OK : imap_name(&name, to) ? IMAP_NO : IMAP_LOST;
    imap_uids_write(uids, 0, uids->count, &set);
    if (r == IMAP_NO) {
        r = imap_run(m, NULL, NULL, "UID STORE %s +FLAGS.SILENT (\\Seen)", set.data);
        r = r != IMAP_LOST ? transfer(m, set.data, name.data) : r;
        if (r == IMAP_NO && imap_run(m, NULL, NULL, "CREATE %s", name.data) == IMAP_OK) {
            r = transfer(m, set.data, name.data);
        }
        if (r == IMAP_OK && !m->has_move) {
            r = expunge(m, set.data);
        }
    }
    keel_buf_free(&set);
    keel_buf_free(&name);
    return r;
}
