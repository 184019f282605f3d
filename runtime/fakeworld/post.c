#include "post.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "digest.h"
#include "keel/json.h"

#define ID_SIZE 512

const char *const flag_names[FLAGS] = {"\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"};

struct post {
    folder **folders;
    size_t count;
    int64_t last_validity;
};

post *post_create(void) {
    post *p = keel_alloc(sizeof *p);
    *p = (post){.last_validity = 1000};
    return p;
}

void folder_drop(folder *f, size_t i) {
    free(f->letters[i].bytes);
    memmove(&f->letters[i], &f->letters[i + 1], (f->count - i - 1) * sizeof *f->letters);
    f->count--;
}

void post_clear(post *p) {
    for (size_t i = 0; i < p->count; i++) {
        while (p->folders[i]->count) {
            folder_drop(p->folders[i], p->folders[i]->count - 1);
        }
    }
}

void post_destroy(post *p) {
    post_clear(p);
    for (size_t i = 0; i < p->count; i++) {
        free(p->folders[i]->user);
        free(p->folders[i]->name);
        free(p->folders[i]->letters);
        free(p->folders[i]);
    }
    free(p->folders);
    free(p);
}

static bool is_named(const folder *f, const char *name) {
    return !strcmp(f->name, name) || (!strcasecmp(name, "INBOX") && !strcmp(f->name, "INBOX"));
}

folder *post_find(const post *p, const char *user, const char *name) {
    for (size_t i = 0; i < p->count; i++) {
        if (!strcmp(p->folders[i]->user, user) && is_named(p->folders[i], name)) {
            return p->folders[i];
        }
    }
    return NULL;
}

folder *post_make(post *p, const char *user, const char *name) {
    folder *f = post_find(p, user, name);
    if (f) {
        return f;
    }
    f = keel_alloc(sizeof *f);
    *f = (folder){.user = keel_strdup(user),
                  .name = keel_strdup(strcasecmp(name, "INBOX") ? name : "INBOX"),
                  .validity = ++p->last_validity,
                  .next = 1};
    p->folders = keel_realloc(p->folders, (p->count + 1) * sizeof *p->folders);
    p->folders[p->count++] = f;
    return f;
}

folder *post_each(const post *p, size_t i) {
    return i < p->count ? p->folders[i] : NULL;
}

int64_t folder_put(folder *f, const char *bytes, size_t len, unsigned flags, int64_t at_s) {
    f->letters = keel_realloc(f->letters, (f->count + 1) * sizeof *f->letters);
    f->letters[f->count++] = (letter){
        .uid = f->next, .at_s = at_s, .flags = flags, .bytes = keel_memdup(bytes, len), .len = len};
    return f->next++;
}

void post_forget(post *p) {
    for (size_t i = 0; i < p->count; i++) {
        folder *f = p->folders[i];
        f->validity = ++p->last_validity;
        for (size_t k = 0; k < f->count; k++) {
            f->letters[k].uid = (int64_t)k + 1;
        }
        f->next = (int64_t)f->count + 1;
    }
}

/* ---- as text ---- */

static void write_letter(keel_json_writer *w, const letter *l) {
    char hex[DIGEST_HEX], id[ID_SIZE];
    digest of = digest_of(l->bytes, l->len);
    digest_hex(&of, hex);
    letter_id(l->bytes, l->len, id, sizeof id);
    keel_json_object(w);
    keel_json_set_text(w, "digest", hex);
    keel_json_key(w, "flags");
    keel_json_array(w);
    for (unsigned i = 0; i < FLAGS; i++) {
        if (l->flags & 1u << i) {
            keel_json_text(w, flag_names[i]);
        }
    }
    keel_json_array_end(w);
    keel_json_key(w, "id");
    keel_json_textn(w, id, strlen(id));
    keel_json_set_int(w, "uid", l->uid);
    keel_json_object_end(w);
}

void post_write(const post *p, keel_buf *out) {
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_array(&w);
    for (size_t i = 0; i < p->count; i++) {
        const folder *f = p->folders[i];
        keel_json_object(&w);
        keel_json_key(&w, "folder");
        keel_json_textn(&w, f->name, strlen(f->name));
        keel_json_key(&w, "letters");
        keel_json_array(&w);
        for (size_t k = 0; k < f->count; k++) {
            write_letter(&w, &f->letters[k]);
        }
        keel_json_array_end(&w);
        keel_json_key(&w, "user");
        keel_json_textn(&w, f->user, strlen(f->user));
        keel_json_object_end(&w);
    }
    keel_json_array_end(&w);
}

/* ---- headers ---- */

/* Behind the end of the line that begins at `at`. */
static size_t line_end(const char *bytes, size_t len, size_t at) {
    const char *lf = at < len ? memchr(bytes + at, '\n', len - at) : NULL;
    return lf ? (size_t)(lf - bytes) + 1 : len;
}

size_t letter_head(const char *bytes, size_t len) {
    for (size_t at = 0; at < len;) {
        size_t end = line_end(bytes, len, at);
        if (bytes[at] == '\n' || (bytes[at] == '\r' && end == at + 2)) {
            return end;
        }
        at = end;
    }
    return len;
}

bool letter_header(const char *bytes, size_t len, const char *name, keel_buf *out) {
    size_t want = strlen(name), head = letter_head(bytes, len);
    for (size_t at = 0, end; at < head; at = end) {
        end = line_end(bytes, head, at);
        while (end < head && (bytes[end] == ' ' || bytes[end] == '\t')) {
            end = line_end(bytes, head, end);
        }
        if (end - at <= want || strncasecmp(bytes + at, name, want) != 0 ||
            bytes[at + want] != ':') {
            continue;
        }
        for (size_t i = at + want + 1; i < end; i++) {
            bool skip = bytes[i] == '\r' || bytes[i] == '\n' || (bytes[i] == ' ' && !out->len);
            if (!skip) {
                keel_buf_putc(out, bytes[i]);
            }
        }
        while (out->len && out->data[out->len - 1] == ' ') {
            out->data[--out->len] = 0;
        }
        keel_buf_reserve(out, 1);
        out->data[out->len] = 0;
        return true;
    }
    return false;
}

void letter_id(const char *bytes, size_t len, char *out, size_t size) {
    keel_buf value = KEEL_BUF_INIT;
    snprintf(out, size, "%s", "");
    if (letter_header(bytes, len, "Message-ID", &value)) {
        const char *open = strchr(value.data, '<');
        const char *from = open ? open + 1 : value.data;
        snprintf(out, size, "%.*s", (int)strcspn(from, "> "), from);
    }
    keel_buf_free(&value);
}
