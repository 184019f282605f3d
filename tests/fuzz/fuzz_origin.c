/* Addresses. What is accepted is the same when it is written and parsed again, covers itself, and is
 * read alike by libcurl, which makes the connection: same scheme, host and port. */
#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "origin.h"

static void must(bool holds) {
    if (!holds) {
        abort();
    }
}

/* A part of it, or "" where it has none. */
static void must_read(CURLU *u, CURLUPart part, unsigned flags, const char *text) {
    char *value = NULL;
    CURLUcode rc = curl_url_get(u, part, &value, flags);
    must(rc == CURLUE_OK ? strcmp(value, text) == 0 : !*text);
    curl_free(value);
}

static void as_curl_reads_it(const origin *o, const char *written) {
    char host[300];
    char port[8];
    CURLU *u = curl_url();
    bool v6 = strchr(o->host, ':');
    must(curl_url_set(u, CURLUPART_URL, written,
                      CURLU_NON_SUPPORT_SCHEME | CURLU_PATH_AS_IS | CURLU_DISALLOW_USER) ==
         CURLUE_OK);
    must_read(u, CURLUPART_SCHEME, 0, o->scheme);
    snprintf(host, sizeof host, "%s%s%s", v6 ? "[" : "", o->host, v6 ? "]" : "");
    must_read(u, CURLUPART_HOST, 0, host);
    snprintf(port, sizeof port, "%u", o->port);
    must_read(u, CURLUPART_PORT, 0, port);
    must_read(u, CURLUPART_USER, 0, "");
    must_read(u, CURLUPART_PASSWORD, 0, "");
    must_read(u, CURLUPART_FRAGMENT, 0, "");
    if (o->path_len) {
        char *path = keel_memdup(o->path, o->path_len);
        char *query = strchr(path, '?');
        if (query) {
            *query++ = 0;
        }
        must_read(u, CURLUPART_PATH, 0, *path ? path : "/");
        if (query && *query) {
            must_read(u, CURLUPART_QUERY, 0, query);
        }
        free(path);
    }
    curl_url_cleanup(u);
}

static void again(const origin *o, const keel_buf *written) {
    origin twice;
    keel_buf out = KEEL_BUF_INIT;
    must(origin_parse(&twice, written->data, written->len, NULL) == 0);
    origin_write(&twice, &out);
    must(out.len == written->len && memcmp(out.data, written->data, out.len) == 0);
    must(strcmp(o->scheme, twice.scheme) == 0 && strcmp(o->host, twice.host) == 0 &&
         o->port == twice.port && o->literal == twice.literal);
    must(origin_covers(&twice, &twice));
    origin bare = *o;
    bare.path_len = 0;
    must(origin_covers(&bare, o) && origin_covers(&bare, &twice));
    keel_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    char *text = keel_memdup(data, len);
    origin o;
    diag d = {0};
    int rc = origin_parse(&o, text, len, &d);
    must(rc == 0 || (rc == DIAG_USAGE && d.what[0] && d.next[0]));
    if (rc == 0) {
        keel_buf written = KEEL_BUF_INIT;
        must(!memchr(text, 0, len));
        origin_write(&o, &written);
        again(&o, &written);
        as_curl_reads_it(&o, written.data);
        keel_buf_free(&written);
    }
    /* A pattern that passes its check covers nothing but what begins with its scheme and host. */
    if (rc == 0 && !memchr(text, '?', len)) {
        must(origin_pattern_check(text, NULL) == 0);
        must(origin_pattern_covers(text, &o));
    } else if (origin_pattern_check(text, &d) == 0 && strlen(text) == len) {
        origin inside;
        must(strstr(text, "://*."));
        must(origin_parse(&inside, "https://a.example", 17, NULL) == 0);
        must(!origin_pattern_covers(text, &inside) || strcasestr(text, "https://*.example"));
    }
    free(text);
    return 0;
}
