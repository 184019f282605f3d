/* The scripted outside's readers: HTTP requests in pieces, scripts, paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "request.h"
#include "script.h"
#include "shelf.h"

/* ---- requests ---- */

typedef struct http {
    const char *text;
    long used; /* of the text; -1: refused; 0: not whole */
    const char *method, *path, *query, *body;
} http;

static const http requests[] = {
    {"GET /a HTTP/1.1\r\n\r\n", 19, "GET", "/a", "", ""},
    {"GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\nGET", 32, "GET", "/a", "b=c", ""},
    {"POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcd", 42, "POST", "/a", "", "abc"},
    {"POST /a HTTP/1.1\r\ncontent-LENGTH:  3 \r\n\r\nabc", 44, "POST", "/a", "", "abc"},
    {"POST /a HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 39, "POST", "/a", "", ""},
    {"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 68,
     "POST", "/a", "", "abcde"},
    {"GET /a%20b%2Fc HTTP/1.1\r\n\r\n", 27, "GET", "/a b/c", "", ""},
    {"", 0, NULL, NULL, NULL, NULL},
    {"GET /a HTTP/1.1\r\nHost: x\r\n", 0, NULL, NULL, NULL, NULL},
    {"POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", 0, NULL, NULL, NULL, NULL},
    {"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 0, NULL, NULL, NULL,
     NULL},
    {"nonsense\r\n\r\n", -1, NULL, NULL, NULL, NULL},
    {"GET a HTTP/1.1\r\n\r\n", -1, NULL, NULL, NULL, NULL},
    {"GET /a SPDY/3\r\n\r\n", -1, NULL, NULL, NULL, NULL},
    {"GETGETGETGETGETGET /a HTTP/1.1\r\n\r\n", -1, NULL, NULL, NULL, NULL},
    {"GET /a HTTP/1.1\r\nno colon\r\n\r\n", -1, NULL, NULL, NULL, NULL},
    {"POST /a HTTP/1.1\r\nContent-Length: x\r\n\r\n", -1, NULL, NULL, NULL, NULL},
    {"POST /a HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", -1, NULL, NULL, NULL, NULL},
    {"POST /a HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", -1, NULL, NULL, NULL, NULL},
    {"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", -1, NULL, NULL, NULL, NULL},
};

static void reads_requests(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        const http *h = &requests[i];
        request r = {0};
        keel_buf copy = KEEL_BUF_INIT;
        keel_buf_append(&copy, h->text, strlen(h->text));
        keel_buf_reserve(&copy, 1);
        long used = request_parse(&r, copy.data, copy.len);
        if (used != h->used) {
            fail_msg("%s: %ld bytes", h->text, used);
        }
        if (used > 0) {
            assert_string_equal(r.method, h->method);
            assert_string_equal(r.path, h->path);
            assert_string_equal(r.query, h->query);
            assert_int_equal(r.body.len, strlen(h->body));
            assert_memory_equal(r.body.data, h->body, r.body.len);
        }
        request_free(&r);
        keel_buf_free(&copy);
    }
}

/* However it is cut, a request is whole at its last byte and not before. */
static void reads_them_in_pieces(void **state) {
    (void)state;
    static const char text[] = "POST /n?ref=a%2Bb+c&x HTTP/1.1\r\nIdempotency-Key: k 1\r\n"
                               "Connection: Close\r\nContent-Length: 5\r\n\r\n{\"b\"}";
    char value[32];
    request r = {0};
    for (size_t n = 0; n < sizeof text - 1; n++) {
        char *part = keel_memdup(text, n);
        assert_int_equal(request_parse(&r, part, n), 0);
        free(part);
    }
    assert_int_equal(request_parse(&r, text, sizeof text - 1), sizeof text - 1);
    assert_true(r.close);
    assert_true(request_header(&r, "idempotency-key", value, sizeof value));
    assert_string_equal(value, "k 1");
    assert_true(request_header(&r, "Idempotency-Key", value, sizeof value));
    assert_false(request_header(&r, "idempotency", value, sizeof value));
    assert_true(request_query(&r, "ref", value, sizeof value));
    assert_string_equal(value, "a+b c");
    assert_true(request_query(&r, "x", value, sizeof value));
    assert_string_equal(value, "");
    assert_false(request_query(&r, "re", value, sizeof value));
    request_free(&r);
}

/* ---- paths ---- */

typedef struct match {
    const char *pattern, *path;
    bool matches;
    const char *place, *id;
} match;

static const match matches[] = {
    {"/notes", "/notes", true, "/notes", ""},
    {"/notes", "/notes/1", false, "", ""},
    {"/notes/{id}", "/notes/1", true, "/notes", "1"},
    {"/notes/{id}", "/notes/", false, "", ""},
    {"/notes/{id}", "/notes", false, "", ""},
    {"/notes/{id}", "/notes/1/2", false, "", ""},
    {"/v1/{client}/notes", "/v1/ada/notes", true, "/v1/ada/notes", ""},
    {"/v1/{client}/notes/{id}", "/v1/ada/notes/7", true, "/v1/ada/notes", "7"},
    {"/{unclosed", "/x", false, "", ""},
};

static void matches_paths(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof matches / sizeof *matches; i++) {
        char place[64], id[64];
        const match *m = &matches[i];
        bool got = script_match(m->pattern, m->path, place, id, sizeof place);
        if (got != m->matches) {
            fail_msg("%s against %s: %d", m->pattern, m->path, got);
        }
        if (got) {
            assert_string_equal(place, m->place);
            assert_string_equal(id, m->id);
        }
    }
}

/* ---- faults ---- */

static void reads_faults(void **state) {
    (void)state;
    fault_list list = {0};
    static const char text[] =
        "[{\"fault\":\"late\",\"after\":\"2s\",\"method\":\"POST\"},"
        "{\"fault\":\"status\",\"status\":429,\"retry_after\":3,\"always\":true},"
        "{\"fault\":\"cut\",\"chance\":0.25,\"at\":4}]";
    assert_int_equal(script_faults(&list, text, strlen(text), NULL), 0);
    assert_int_equal(list.count, 3);
    assert_int_equal(list.items[0].kind, FAULT_LATE);
    assert_int_equal(list.items[0].after_us, 2000000);
    assert_string_equal(list.items[0].method, "POST");
    assert_int_equal(list.items[0].times, 1);
    assert_int_equal(list.items[1].status, 429);
    assert_int_equal(list.items[1].retry_after_s, 3);
    assert_true(list.items[1].times > 1000000);
    assert_true(list.items[2].chance > 0.2 && list.items[2].chance < 0.3);
    script_faults_free(&list);
}

static const char *const bad_faults[] = {
    "{}",
    "[1]",
    "[{\"fault\":\"lots\"}]",
    "[{\"at\":1}]",
    "[{\"fault\":\"lost\",\"att\":1}]",
    "[{\"fault\":\"lost\",\"at\":-1}]",
    "[{\"fault\":\"lost\",\"chance\":2}]",
    "[{\"fault\":\"lost\",\"chance\":\"often\"}]",
    "[{\"fault\":\"late\",\"after\":\"soon\"}]",
    "[{\"fault\":\"status\",\"status\":99}]",
    "[{\"fault\":\"huge\",\"mib\":4096}]",
    "[{\"fault\":\"lost\"",
};

/* A list that is refused leaves the one in force. */
static void refuses_faults(void **state) {
    (void)state;
    fault_list list = {0};
    assert_int_equal(script_faults(&list, "[{\"fault\":\"lost\"}]", 18, NULL), 0);
    for (size_t i = 0; i < sizeof bad_faults / sizeof *bad_faults; i++) {
        diag d = {0};
        if (script_faults(&list, bad_faults[i], strlen(bad_faults[i]), &d) == 0 || !*d.what) {
            fail_msg("taken: %s", bad_faults[i]);
        }
        assert_int_equal(list.count, 1);
    }
    script_faults_free(&list);
}

/* ---- lists ---- */

static const char lists_script[] =
    "routes:\n"
    "  - { method: POST, path: /n, do: create }\n"
    "  - { method: GET, path: /n, do: list, size: 2, paging: after, filter: [s, k.l] }\n"
    "  - { method: GET, path: /n, do: list, size: 2, paging: after, param: starting_after, as: d "
    "}\n"
    "  - { method: GET, path: /n, do: list, size: 1, paging: link, param: at, filter: [s] }\n"
    "  - { method: GET, path: /n, do: list, size: 2, paging: page, param: p }\n"
    "  - { method: GET, path: /n, do: list, size: 2, param: c, filter: [s] }\n"
    "  - { method: GET, path: /n, do: search, query: s, filter: [n] }\n";

/* What is there: ids 1 to 4. */
static const char *const listed[] = {"{\"n\":1,\"s\":\"a b\"}", "{\"n\":2,\"s\":\"a b\"}",
                                     "{\"k\":{\"l\":true},\"s\":\"c\"}", "{\"n\":1,\"s\":\"a b\"}"};

static const struct {
    int route;
    const char *query, *ids, *end, *headers;
} pages[] = {
    {1, "", "12", "\"more\":true}", ""},
    {1, "after=2", "34", "\"more\":false}", ""},
    {1, "after=4", "", "\"more\":false}", ""},
    {1, "s=a+b", "12", "\"more\":true}", ""},
    {1, "s=a%20b&after=2", "4", "\"more\":false}", ""},
    {1, "s=none", "", "\"more\":false}", ""},
    {1, "k.l=true", "3", "\"more\":false}", ""},
    {1, "n=2", "12", "\"more\":true}", ""}, /* n is no filter of it */
    {2, "starting_after=3", "4", "\"more\":false}", ""},
    {2, "after=3", "12", "\"more\":true}", ""},
    {3, "s=a+b&at=1", "2", "]", "Link: </n?at=2&s=a%20b>; rel=\"next\"\r\n"},
    {3, "s=a+b&at=2", "4", "]", ""},
    {4, "p=2", "34", "\"more\":false}", ""},
    {5, "s=a+b", "12", "\"next\":\"2\"}", ""},
    {5, "s=a+b&c=2", "4", "\"next\":null}", ""},
    {6, "s=a+b&n=1", "14", "]", ""},
};

static void ask_shelf(shelf *s, const route *r, const char *query, const char *body, answer *a) {
    keel_buf text = KEEL_BUF_INIT;
    request q = {0};
    keel_buf_printf(&text, "%s /n?%s HTTP/1.1\r\nContent-Length: %zu\r\n\r\n%s", r->method, query,
                    strlen(body), body);
    assert_int_equal(request_parse(&q, text.data, text.len), text.len);
    shelf_act(s, r, &q, 0, a);
    request_free(&q);
    keel_buf_free(&text);
}

static void ids_of(const answer *a, char *out) {
    const char *at = a->body.data;
    while ((at = strstr(at, "\"id\":\"")) != NULL) {
        *out++ = at[6];
        at++;
    }
    *out = 0;
}

static void lists_page_by_page(void **state) {
    (void)state;
    char path[] = "/tmp/keel-lists-XXXXXX", ids[16];
    script *w = NULL;
    shelf *s = shelf_create();
    int fd = mkstemp(path);
    assert_int_equal(write(fd, lists_script, sizeof lists_script - 1), sizeof lists_script - 1);
    close(fd);
    assert_int_equal(script_load(&w, path, NULL), 0);
    unlink(path);
    for (size_t i = 0; i < 4; i++) {
        answer a = {0};
        ask_shelf(s, &w->routes[0], "", listed[i], &a);
        assert_int_equal(a.status, 201);
        answer_free(&a);
    }
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        answer a = {0};
        ask_shelf(s, &w->routes[pages[i].route], pages[i].query, "", &a);
        ids_of(&a, ids);
        size_t len = strlen(pages[i].end);
        if (strcmp(ids, pages[i].ids) != 0 || a.body.len < len ||
            strcmp(a.body.data + a.body.len - len, pages[i].end) != 0) {
            fail_msg("route %d, %s: %s", pages[i].route, pages[i].query, a.body.data);
        }
        assert_string_equal(a.headers.data, pages[i].headers);
        answer_free(&a);
    }
    shelf_destroy(s);
    script_destroy(w);
}

static const char *const bad_routes[] = {
    "{ method: GET, path: /n, do: list, paging: before }",
    "{ method: GET, path: /n, do: list, filter: s }",
    "{ method: GET, path: /n, do: list, filter: [ [s] ] }",
    "{ method: GET, path: /n, do: list, parameter: s }",
    "{ method: GET, path: /n, do: search }",
};

static void refuses_routes(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad_routes / sizeof *bad_routes; i++) {
        char path[] = "/tmp/keel-lists-XXXXXX";
        int fd = mkstemp(path);
        script *w = NULL;
        diag d = {0};
        dprintf(fd, "routes:\n  - %s\n", bad_routes[i]);
        close(fd);
        if (script_load(&w, path, &d) == 0 || d.line != 2) {
            fail_msg("taken: %s", bad_routes[i]);
        }
        unlink(path);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_requests), cmocka_unit_test(reads_them_in_pieces),
        cmocka_unit_test(matches_paths),  cmocka_unit_test(reads_faults),
        cmocka_unit_test(refuses_faults), cmocka_unit_test(lists_page_by_page),
        cmocka_unit_test(refuses_routes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
