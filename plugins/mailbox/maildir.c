#include "maildir.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_DIGITS 8

size_t maildir_unique(const char *name) {
    return strcspn(name, ":");
}

static int compare_names(const char *a, size_t alen, const char *b, size_t blen) {
    int order = memcmp(a, b, alen < blen ? alen : blen);
    return order != 0 ? order : (alen > blen) - (alen < blen);
}

static int compare(const void *a, const void *b) {
    const maildir_message *x = a;
    const maildir_message *y = b;
    int order = compare_names(x->name, x->unique, y->name, y->unique);
    return order != 0 ? order : strcmp(x->folder, y->folder); /* "cur" before "new" */
}

static size_t add(maildir_message *to, const keel_fs_entry *from, size_t count,
                  const char *folder) {
    size_t added = 0;
    for (size_t i = 0; i < count; i++) {
        const char *name = from[i].name;
        if (from[i].kind != 1 || name[0] == '.') {
            continue;
        }
        size_t unique = maildir_unique(name);
        const char *flags = strstr(name + unique, ":2,");
        to[added++] = (maildir_message){
            .name = name,
            .unique = unique,
            .folder = folder,
            .seen = flags != NULL && strchr(flags + 3, 'S') != NULL,
            .answered = flags != NULL && strchr(flags + 3, 'R') != NULL,
        };
    }
    return added;
}

size_t maildir_merge(const keel_fs_entry *fresh, size_t fresh_count, const keel_fs_entry *cur,
                     size_t cur_count, maildir_message **out) {
    maildir_message *all = keel_alloc((fresh_count + cur_count) * sizeof *all);
    size_t n = add(all, fresh, fresh_count, "new");
    n += add(all + n, cur, cur_count, "cur");
    qsort(all, n, sizeof *all, compare);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        const maildir_message *last = kept > 0 ? &all[kept - 1] : NULL;
        if (last == NULL ||
            compare_names(last->name, last->unique, all[i].name, all[i].unique) != 0) {
            all[kept++] = all[i];
        }
    }
    *out = all;
    return kept;
}

/* FNV-1a, folded. It tells some 32 names from one that comes late. */
static uint32_t hash_name(const maildir_message *m) {
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < m->unique; i++) {
        h = (h ^ (unsigned char)m->name[i]) * 1099511628211u;
    }
    return (uint32_t)(h ^ h >> 32);
}

static void put_name(keel_buf *out, const char *name, size_t len) {
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)name[i];
        if (isalnum(c) || strchr(".,_=+-@", c) != NULL) {
            keel_buf_putc(out, (char)c);
        } else {
            keel_buf_printf(out, "%%%02X", c);
        }
    }
}

static bool get_name(keel_buf *out, const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '%') {
            char hex[3] = {0};
            if (i + 2 >= len || !isxdigit((unsigned char)text[i + 1]) ||
                !isxdigit((unsigned char)text[i + 2])) {
                return false;
            }
            memcpy(hex, text + i + 1, 2);
            c = (char)strtoul(hex, NULL, 16);
            i += 2;
        }
        keel_buf_putc(out, c);
    }
    return true;
}

static bool get_recent(maildir_cursor *c, const char *text) {
    size_t len = strlen(text);
    if (len % HASH_DIGITS != 0 || strspn(text, "0123456789abcdef") != len) {
        return false;
    }
    c->recent_count = len / HASH_DIGITS;
    c->recent = keel_alloc(c->recent_count * sizeof *c->recent);
    for (size_t i = 0; i < c->recent_count; i++) {
        char digits[HASH_DIGITS + 1] = "";
        memcpy(digits, text + i * HASH_DIGITS, HASH_DIGITS);
        c->recent[i] = (uint32_t)strtoul(digits, NULL, 16);
    }
    return true;
}

bool maildir_cursor_parse(maildir_cursor *c, const char *text) {
    static const char prefix[] = "maildir1:";
    *c = (maildir_cursor){.recent = NULL};
    const char *floor = text + sizeof prefix - 1;
    const char *colon = strncmp(text, prefix, sizeof prefix - 1) == 0 ? strchr(floor, ':') : NULL;
    if (colon == NULL || !get_name(&c->floor, floor, (size_t)(colon - floor)) ||
        !get_recent(c, colon + 1)) {
        maildir_cursor_finish(c);
        return false;
    }
    return true;
}

void maildir_cursor_finish(maildir_cursor *c) {
    keel_buf_free(&c->floor);
    free(c->recent);
    *c = (maildir_cursor){.recent = NULL};
}

static bool below_floor(const maildir_cursor *c, const maildir_message *m) {
    return c->floor.len > 0 && compare_names(m->name, m->unique, c->floor.data, c->floor.len) <= 0;
}

bool maildir_was_read(const maildir_cursor *c, const maildir_message *m) {
    if (below_floor(c, m)) {
        return true;
    }
    uint32_t h = c->recent_count > 0 ? hash_name(m) : 0;
    for (size_t i = 0; i < c->recent_count; i++) {
        if (c->recent[i] == h) {
            return true;
        }
    }
    return false;
}

void maildir_cursor_next(const maildir_cursor *c, const maildir_message *all, const bool *read,
                         size_t count, keel_buf *out) {
    size_t first = 0; /* behind the old floor */
    while (first < count && below_floor(c, &all[first])) {
        first++;
    }
    bool *known = keel_alloc(count);
    size_t total = 0;
    for (size_t i = first; i < count; i++) {
        known[i] = read[i] || maildir_was_read(c, &all[i]);
        total += known[i];
    }
    size_t from = first; /* behind the new floor: nothing unread may come to lie below it */
    while (from < count && known[from] && total > MAILDIR_RECENT) {
        from++;
        total--;
    }
    keel_buf_puts(out, "maildir1:");
    if (from > first) {
        put_name(out, all[from - 1].name, all[from - 1].unique);
    } else {
        put_name(out, c->floor.data, c->floor.len);
    }
    keel_buf_putc(out, ':');
    for (size_t i = from; i < count; i++) {
        if (known[i]) {
            keel_buf_printf(out, "%08" PRIx32, hash_name(&all[i]));
        }
    }
    free(known);
}
