/* {name}: notes of a web service. The connection's config says where it is, and its `auth` how to
 * log in: egress adds that to each request. keel/plugin.h and keel/http.h are the manuals. */
#include <stdio.h>
#include <string.h>

#include <keel/http.h>
#include <keel/json.h>

typedef struct notes {
    const keel_host *host;
    const keel_http *http;
    char base[512];
} notes;

static keel_status create(const keel_host *host, keel_span config, void **self) {
    notes *n = *self = host->alloc(host->ctx, sizeof *n);
    keel_json base = keel_json_get(keel_json_view(config.data, config.len), "base");
    n->host = host;
    n->http = host->get_service(host->ctx, KEEL_HTTP_SERVICE);
    if (!n->http || keel_json_copy(base, n->base, sizeof n->base) < 0) {
        return host->fail(host->ctx, NULL, KEEL_E_INVALID, "config.base is missing");
    }
    return KEEL_OK;
}

/* One request. KEEL_OK: *out is canonical JSON, which the caller frees; else why not is said. */
static keel_status ask(notes *n, keel_call *call, const char *method, const char *path,
                       keel_span body, const keel_request *r, keel_buf *out) {
    char url[1024], why[100];
    /* Change the second name if your service calls its key otherwise; a service that ignores repeats
     * of it is `keyed, window:` in the manifest. */
    keel_http_header headers[] = {
        {{"Content-Type", 12}, {"application/json", 16}},
        {{"Idempotency-Key", 15}, r->key},
    };
    keel_http_request request = {.size = sizeof request, .method = method, .url = url};
    keel_http_response response = {.size = sizeof response};
    if (snprintf(url, sizeof url, "%s%s", n->base, path) >= (int)sizeof url) {
        return n->host->fail(n->host->ctx, call, KEEL_E_INVALID, "the address is too long");
    }
    if (body.len) {
        request.headers = headers;
        request.header_count = 2;
        request.body = body;
    }
    keel_status s = n->http->send(n->http->ctx, call, &request, &response);
    if (s != KEEL_OK) {
        return s;
    }
    s = keel_http_meaning(response.status);
    if (s != KEEL_OK) {
        snprintf(why, sizeof why, "%s %s was answered with %d", method, path, (int)response.status);
        return n->host->fail(n->host->ctx, call, s, why);
    }
    if (response.status == 204) { /* done, and nothing to say */
        keel_buf_puts(out, "{}");
        return KEEL_OK;
    }
    if (keel_json_canonical(out, response.body.data, response.body.len, NULL) != 0) {
        return n->host->fail(n->host->ctx, call, KEEL_E_UNKNOWN, "the answer is no JSON");
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

static keel_json view(const keel_buf *b) {
    return keel_json_view(b->data, b->len);
}

static keel_json body_of(const keel_request *r, const char *key) {
    return keel_json_get(keel_json_view(r->body.data, r->body.len), key);
}

/* Appends "/notes/ID". An id is a text or a whole number, as the service gave it; as a part of an
 * address "." and ".." would name another thing. */
static keel_status put_path(notes *n, keel_call *call, keel_json id, keel_buf *path) {
    keel_buf text = KEEL_BUF_INIT;
    int64_t number;
    if (keel_json_int(id, &number)) {
        keel_buf_printf(&text, "%lld", (long long)number);
    } else {
        keel_json_string(id, &text);
    }
    keel_buf_puts(path, "/notes/");
    keel_buf_url(path, text.data, text.len);
    int bad = !text.len || !strcmp(text.data, ".") || !strcmp(text.data, "..");
    keel_buf_free(&text);
    return bad ? n->host->fail(n->host->ctx, call, KEEL_E_INVALID,
                               "an id is a text or a whole number")
               : KEEL_OK;
}

/* "/notes", and where it goes on from the cursor that the page before gave. */
static keel_status put_list(notes *n, keel_call *call, keel_json cursor, keel_buf *path) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_puts(path, "/notes");
    if (cursor.data && !keel_json_string(cursor, &text)) {
        return n->host->fail(n->host->ctx, call, KEEL_E_INVALID, "a cursor is a text");
    }
    if (cursor.data) {
        keel_buf_puts(path, "?cursor=");
        keel_buf_url(path, text.data, text.len);
    }
    keel_buf_free(&text);
    return KEEL_OK;
}

/* {"id": ID}: one note; else a page of all, from the cursor on. */
static keel_status read_notes(void *self, keel_call *call, const keel_request *r) {
    notes *n = self;
    keel_json id = body_of(r, "id");
    int one = id.data != NULL;
    keel_buf path = KEEL_BUF_INIT, got = KEEL_BUF_INIT, text = KEEL_BUF_INIT;
    keel_status s =
        one ? put_path(n, call, id, &path) : put_list(n, call, body_of(r, "cursor"), &path);
    s = s == KEEL_OK ? ask(n, call, "GET", path.data, (keel_span){NULL, 0}, r, &got) : s;
    if (s == KEEL_OK) {
        keel_json_writer w;
        keel_json items = keel_json_get(view(&got), "items");
        keel_json_write(&w, &text);
        keel_json_object(&w);
        keel_json_key(&w, "items");
        if (one || !items.data) {
            keel_json_array(&w);
            keel_json_raw(&w, view(&got));
            keel_json_array_end(&w);
        } else {
            keel_json_raw(&w, items);
        }
        keel_json_set_raw(&w, "next", keel_json_get(view(&got), "next"));
        keel_json_object_end(&w);
    }
    keel_buf_free(&path);
    keel_buf_free(&got);
    return reply(n, call, s, &text);
}

/* The key is the effect's own, the same on every attempt, and goes along as Idempotency-Key: the
 * service keeps it as the note's `ref`, and that is what `find_note` looks for. */
static keel_status write_note(void *self, keel_call *call, const keel_request *r) {
    notes *n = self;
    keel_json note = body_of(r, "text");
    keel_buf body = KEEL_BUF_INIT, text = KEEL_BUF_INIT;
    keel_status s = KEEL_OK;
    if (keel_json_typeof(note) != KEEL_JSON_STRING) {
        return n->host->fail(n->host->ctx, call, KEEL_E_INVALID, "a note needs a text");
    }
    keel_buf_printf(&body, "{\"text\":%.*s}", (int)note.len, note.data);
    if (r->flags & KEEL_REQUEST_DRY_RUN) {
        keel_buf_append(&text, body.data, body.len);
    } else {
        s = ask(n, call, "POST", "/notes", (keel_span){body.data, body.len}, r, &text);
        if (s == KEEL_OK && !keel_json_get(view(&text), "id").data) {
            s = n->host->fail(n->host->ctx, call, KEEL_E_UNKNOWN, "the answer names no note");
        }
    }
    keel_buf_free(&body);
    return reply(n, call, s, &text);
}

/* The answer to a write was lost. Does the service have a note with this key? */
static keel_status find_note(void *self, keel_call *call, const keel_request *r) {
    notes *n = self;
    char path[200];
    keel_buf got = KEEL_BUF_INIT, text = KEEL_BUF_INIT;
    snprintf(path, sizeof path, "/notes?ref=%s", r->key.data);
    keel_status s = ask(n, call, "GET", path, (keel_span){NULL, 0}, r, &got);
    if (s == KEEL_OK) {
        keel_json_iter it = keel_json_each(view(&got));
        if (keel_json_next(&it)) {
            keel_buf_printf(&text, "{\"ref\":%.*s,\"state\":\"applied\"}", (int)it.value.len,
                            it.value.data);
        } else {
            keel_buf_puts(&text, "{\"state\":\"absent\"}");
        }
    }
    keel_buf_free(&got);
    return reply(n, call, s, &text);
}

/* Undoes a write, given its result. What is gone already was undone. */
static keel_status remove_note(void *self, keel_call *call, const keel_request *r) {
    notes *n = self;
    keel_json id = keel_json_get(keel_json_view(r->outcome.data, r->outcome.len), "id");
    keel_buf path = KEEL_BUF_INIT, text = KEEL_BUF_INIT, got = KEEL_BUF_INIT;
    keel_status s = put_path(n, call, id, &path);
    if (s == KEEL_OK) {
        s = ask(n, call, "DELETE", path.data, (keel_span){NULL, 0}, r, &got);
        s = s == KEEL_E_NOT_FOUND ? KEEL_OK : s;
        keel_buf_printf(&text, "{\"id\":%.*s}", (int)id.len, id.data);
    }
    keel_buf_free(&path);
    keel_buf_free(&got);
    return reply(n, call, s, &text);
}

KEEL_CONNECTOR("{plugin_id}", "0.1.0", .create = create, .read = read_notes, .write = write_note,
               .reconcile = find_note, .compensate = remove_note)
