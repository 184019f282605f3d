/* {name}: notes of a web service. The connection's config says where it is, and its `auth` how to
 * log in: egress adds that to each request. keel/plugin.h and keel/http.h are the manuals. */
#include <stdio.h>

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

/* A text goes into a URL only if it is one plain word: no slash, no question mark, no blank. */
static int plain(const char *text) {
    for (const char *p = text; *p; p++) {
        if (!(*p >= '0' && *p <= '9') && !((*p | 32) >= 'a' && (*p | 32) <= 'z') && *p != '-' &&
            *p != '_' && *p != '.') {
            return 0;
        }
    }
    return *text != 0;
}

/* {"id": ID}: one note; else a page of all, from the cursor on. */
static keel_status read_notes(void *self, keel_call *call, const keel_request *r) {
    notes *n = self;
    char id[200] = "", path[300];
    keel_buf got = KEEL_BUF_INIT, text = KEEL_BUF_INIT;
    keel_json_copy(body_of(r, "id"), id, sizeof id);
    int one = *id != 0;
    if (!one) {
        keel_json_copy(body_of(r, "cursor"), id, sizeof id);
    }
    if (*id && !plain(id)) {
        return n->host->fail(n->host->ctx, call, KEEL_E_INVALID, "there is no note of that id");
    }
    snprintf(path, sizeof path, "/notes%s%s", one ? "/" : *id ? "?cursor=" : "", id);
    keel_status s = ask(n, call, "GET", path, (keel_span){NULL, 0}, r, &got);
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

KEEL_CONNECTOR("{plugin_id}", "0.1.0", .create = create, .read = read_notes, .write = write_note,
               .reconcile = find_note)
