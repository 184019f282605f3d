/* {name}: notes as files of a folder. A note's name is the effect's own key, so that none is written
 * twice, and one can be looked for when an answer was lost. keel/plugin.h is the manual. */
#include <stdio.h>

#include <keel/fs.h>
#include <keel/json.h>

typedef struct notes {
    const keel_host *host;
    const keel_fs *fs;
    char folder[512];
} notes;

static keel_status create(const keel_host *host, keel_span config, void **self) {
    notes *n = *self = host->alloc(host->ctx, sizeof *n);
    keel_json folder = keel_json_get(keel_json_view(config.data, config.len), "folder");
    n->host = host;
    n->fs = host->get_service(host->ctx, KEEL_FS_SERVICE);
    if (!n->fs || keel_json_copy(folder, n->folder, sizeof n->folder) < 0) {
        return host->fail(host->ctx, NULL, KEEL_E_INVALID, "config.folder is missing");
    }
    return KEEL_OK;
}

/* Answers, if all went well so far; frees the text in any case. */
static keel_status reply(notes *n, keel_call *call, keel_status s, keel_buf *text) {
    if (s == KEEL_OK) {
        s = n->host->reply(n->host->ctx, call, (keel_span){text->data, text->len});
    }
    keel_buf_free(text);
    return s;
}

static keel_json body_of(const keel_request *r, const char *key) {
    return keel_json_get(keel_json_view(r->body.data, r->body.len), key);
}

static void add_note(keel_json_writer *w, const char *name, const keel_span *text) {
    keel_json_object(w);
    keel_json_set_text(w, "id", name);
    if (text) {
        keel_json_key(w, "text");
        keel_json_textn(w, text->data, text->len);
    }
    keel_json_object_end(w);
}

static void add_all(keel_json_writer *w, const keel_fs_entry *entries, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (entries[i].kind == 1) { /* a file */
            add_note(w, entries[i].name, NULL);
        }
    }
}

/* {"id": NAME}: one note with its text; else the names of all. */
static keel_status read_notes(void *self, keel_call *call, const keel_request *r) {
    notes *n = self;
    char name[256] = "";
    keel_span found = {NULL, 0};
    const keel_fs_entry *entries = NULL;
    size_t count = 0;
    keel_json_writer w;
    keel_buf text = KEEL_BUF_INIT;
    keel_json_copy(body_of(r, "id"), name, sizeof name);
    keel_status s = *name ? n->fs->read(n->fs->ctx, call, n->folder, name, 0, 1u << 20, &found)
                          : n->fs->list(n->fs->ctx, call, n->folder, "", &entries, &count);
    if (s != KEEL_OK) {
        return s;
    }
    keel_json_write(&w, &text);
    keel_json_object(&w);
    keel_json_key(&w, "items");
    keel_json_array(&w);
    if (*name) {
        add_note(&w, name, &found);
    } else {
        add_all(&w, entries, count);
    }
    keel_json_array_end(&w);
    keel_json_object_end(&w);
    return reply(n, call, s, &text);
}

static keel_status write_note(void *self, keel_call *call, const keel_request *r) {
    notes *n = self;
    char name[160];
    keel_status s = KEEL_OK;
    keel_buf text = KEEL_BUF_INIT;
    snprintf(name, sizeof name, "%s.txt", r->key.data);
    if (!keel_json_string(body_of(r, "text"), &text)) {
        keel_buf_free(&text);
        return n->host->fail(n->host->ctx, call, KEEL_E_INVALID, "a note needs a text");
    }
    if (!(r->flags & KEEL_REQUEST_DRY_RUN)) {
        s = n->fs->write_atomic(n->fs->ctx, call, n->folder, name, (keel_span){text.data, text.len},
                                0);
    }
    keel_buf_clear(&text);
    keel_buf_printf(&text, "{\"id\":\"%s\"}", name);
    return reply(n, call, s, &text);
}

/* The answer to a write was lost. Is the file there? */
static keel_status find_note(void *self, keel_call *call, const keel_request *r) {
    notes *n = self;
    char name[160];
    keel_buf text = KEEL_BUF_INIT;
    keel_fs_stat st = {.size_of = sizeof st};
    snprintf(name, sizeof name, "%s.txt", r->key.data);
    keel_status s = n->fs->stat(n->fs->ctx, call, n->folder, name, &st);
    if (s == KEEL_E_NOT_FOUND) {
        keel_buf_puts(&text, "{\"state\":\"absent\"}");
        return reply(n, call, KEEL_OK, &text);
    }
    keel_buf_printf(&text, "{\"ref\":{\"id\":\"%s\"},\"state\":\"applied\"}", name);
    return reply(n, call, s, &text);
}

KEEL_CONNECTOR("{plugin_id}", "0.1.0", .create = create, .read = read_notes, .write = write_note,
               .reconcile = find_note)
