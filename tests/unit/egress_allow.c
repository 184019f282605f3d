/* Where a request may go: tables of addresses, of redirects, and of headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "egress_scene.h"

/* "%u" stands for the server's port, wherever it is. */
static char *with_port(const scene *s, const char *text, char *out, size_t size) {
    size_t n = 0;
    for (const char *p = text; *p && n + 8 < size;) {
        if (p[0] == '%' && p[1] == 'u') {
            n += (size_t)snprintf(out + n, size - n, "%u", s->web.port);
            p += 2;
        } else {
            out[n++] = *p++;
        }
    }
    out[n] = 0;
    return out;
}

static const struct {
    const char *origin;
    const char *more;
    const char *url;
    const char *code; /* NULL: answered */
    const char *text;
} addresses[] = {
    {"http://127.0.0.1:%u", "", "http://127.0.0.1:%u/echo", NULL, NULL},
    {"http://127.0.0.1:%u/echo", "", "http://127.0.0.1:%u/echo/1?x=2", NULL, NULL},
    {"http://127.0.0.1:%u/echo", "", "HTTP://127.0.0.1:%u/echo", NULL, NULL},
    {"http://127.0.0.1:%u/echo", "", "http://127.0.0.1:%u/echoes", "denied", "may not speak"},
    {"http://127.0.0.1:%u/echo", "", "http://127.0.0.1:%u/", "denied", "may not speak"},
    {"http://127.0.0.1:%u/echo", "", "http://127.0.0.1:%u/echo/../status/200", "invalid", NULL},
    {"http://127.0.0.1:%u/echo", "", "http://127.0.0.1:%u/echo/%2e%2e/status/200", "invalid", NULL},
    {"http://127.0.0.1:%u", "", "https://127.0.0.1:%u/echo", "denied", NULL},
    {"http://127.0.0.1:%u", "", "http://127.0.0.1:1/echo", "denied", NULL},
    {"http://127.0.0.1:%u", "", "http://localhost:%u/echo", "denied", NULL},
    {"http://127.0.0.1:%u", "", "http://127.1:%u/echo", "invalid", NULL},
    {"http://127.0.0.1:%u", "", "http://2130706433:%u/echo", "invalid", NULL},
    {"http://127.0.0.1:%u", "", "http://0x7f000001:%u/echo", "invalid", NULL},
    {"http://127.0.0.1:%u", "", "http://me@127.0.0.1:%u/echo", "invalid", NULL},
    {"http://127.0.0.1:%u", "", "http://127.0.0.1:%u@example.com/echo", "invalid", NULL},
    {"http://127.0.0.1:%u", "", "http://127.0.0.1:%u/echo#x", "invalid", NULL},
    {"http://127.0.0.1:%u", "", "file:///etc/passwd", "invalid", NULL},
    {"http://127.0.0.1:%u", "", "gopher://127.0.0.1:%u/x", "invalid", NULL},
    {"imap://127.0.0.1:%u", "", "imap://127.0.0.1:%u", "invalid", "http or https"},
    {"http://localhost:%u", "", "http://localhost:%u/echo", NULL, NULL},
    /* a name that leads inside */
    {"http://app.localhost:%u", "", "http://app.localhost:%u/echo", "denied", "private"},
    {"http://app.localhost:%u", ",\"private\":true", "http://app.localhost:%u/echo", NULL, NULL},
    /* never, whatever keel.yaml says */
    {"http://169.254.169.254", ",\"private\":true", "http://169.254.169.254/", "denied", NULL},
    {"http://0.0.0.0:%u", ",\"private\":true", "http://0.0.0.0:%u/echo", "denied", NULL},
    {"http://[::ffff:169.254.169.254]", ",\"private\":true", "http://[::ffff:169.254.169.254]/",
     "denied", "link-local"},
    /* the policy's list */
    {"http://127.0.0.1:%u", ",\"allow\":[]", "http://127.0.0.1:%u/echo", "denied", "policy"},
    {"http://127.0.0.1:%u", ",\"allow\":[\"http://127.0.0.1:%u\"]", "http://127.0.0.1:%u/echo",
     NULL, NULL},
    {"http://127.0.0.1:%u", ",\"allow\":[\"https://*.example.com\"]", "http://127.0.0.1:%u/echo",
     "denied", "policy"},
    {"http://10.0.0.1", ",\"allow\":[\"http://127.0.0.1:%u\"]", "http://127.0.0.1:%u/echo",
     "denied", "may not speak"},
    {"http://10.0.0.1", ",\"any\":true", "http://127.0.0.1:%u/echo", "denied", "may not speak"},
    /* what only a policy allows is no address of the connection's own */
    {"http://10.0.0.1", ",\"allow\":[\"http://127.0.0.1:%u\"],\"any\":true",
     "http://127.0.0.1:%u/echo", "denied", "private"},
    {"http://10.0.0.1", ",\"allow\":[\"http://127.0.0.1:%u\"],\"any\":true,\"private\":true",
     "http://127.0.0.1:%u/echo", NULL, NULL},
};

static void test_addresses(void **state) {
    (void)state;
    scene s;
    char a[300];
    char b[300];
    scene_begin(&s, "");
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        int before = atomic_load(&s.web.requests);
        scene_connection(&s, with_port(&s, addresses[i].origin, a, sizeof a),
                         with_port(&s, addresses[i].more, b, sizeof b));
        egress_order(s.w, 100 + i, 7, 1, true);
        egress_http(s.x, 100 + i, ++s.run, "POST", with_port(&s, addresses[i].url, a, sizeof a),
                    NULL, "x");
        if (addresses[i].code) {
            egress_expect_code(s.x, E_FAILED, addresses[i].code, addresses[i].text);
        } else {
            scene_done(&s, 200, NULL);
        }
        assert_int_equal(atomic_load(&s.web.requests) - before, !addresses[i].code);
        scene_over(&s, 100 + i, !addresses[i].code, !addresses[i].code);
    }
    scene_end(&s);
}

/* A connection that is open already gives no way around the guard. */
static void test_open_connection(void **state) {
    (void)state;
    scene s;
    char more[200];
    char origin[100];
    scene_begin(&s, "");
    with_port(&s, ",\"allow\":[\"http://127.0.0.1:%u\"],\"any\":true", more, sizeof more);
    with_port(&s, "http://127.0.0.1:%u/echo", origin, sizeof origin);
    scene_connection(&s, origin, more);
    egress_order(s.w, 50, 7, 1, true);
    scene_ask(&s, 50, "GET", "/echo", NULL, NULL);
    scene_done(&s, 200, NULL);
    scene_ask(&s, 50, "GET", "/status/200", NULL, NULL);
    egress_expect_code(s.x, E_FAILED, "denied", "private");
    assert_int_equal(atomic_load(&s.web.requests), 1);
    scene_end(&s);
}

/* ---- redirects ---- */

static const struct {
    const char *method;
    const char *path;
    const char *more;
    int status; /* 0: denied */
    int requests;
} redirects[] = {
    {"GET", "/to//echo", "\"follow\":true", 200, 2},
    {"HEAD", "/to//echo", "\"follow\":true", 200, 2},
    {"GET", "/to//echo", NULL, 302, 1},
    {"GET", "/to//echo", "\"follow\":false", 302, 1},
    {"POST", "/to//echo", "\"follow\":true", 302, 1},
    {"GET", "/to//to//to//echo", "\"follow\":true", 200, 4},
    {"GET", "/to//to//to//to//echo", "\"follow\":true", 302, 4},
    {"GET", "/loop", "\"follow\":true", 302, 4},
    {"GET", "/to/http://127.0.0.1:%u/echo", "\"follow\":true", 200, 2},
    {"GET", "/to/http://127.0.0.1:1/echo", "\"follow\":true", 0, 1},
    {"GET", "/to/http://localhost:%u/echo", "\"follow\":true", 0, 1},
    {"GET", "/to/http://169.254.169.254/latest", "\"follow\":true", 0, 1},
    {"GET", "/to/file:///etc/passwd", "\"follow\":true", 0, 1},
    {"GET", "/to/ftp://127.0.0.1/x", "\"follow\":true", 0, 1},
    {"GET", "/to/http://x:y@127.0.0.1:%u/echo", "\"follow\":true", 0, 1},
    /* curl writes the address in its usual form, which is then what is checked and used */
    {"GET", "/to/http://2130706433:%u/echo", "\"follow\":true", 200, 2},
};

static void test_redirects(void **state) {
    (void)state;
    scene s;
    char path[200];
    scene_begin(&s, "");
    egress_order(s.w, 50, 7, 1, true);
    for (size_t i = 0; i < sizeof redirects / sizeof *redirects; i++) {
        int before = atomic_load(&s.web.requests);
        scene_ask(&s, 50, redirects[i].method, with_port(&s, redirects[i].path, path, sizeof path),
                  redirects[i].more, NULL);
        if (redirects[i].status) {
            scene_done(&s, redirects[i].status, NULL);
        } else {
            egress_expect_code(s.x, E_FAILED, "denied", "redirect");
        }
        assert_int_equal(atomic_load(&s.web.requests) - before, redirects[i].requests);
    }
    scene_end(&s);
}

/* ---- headers ---- */

static const struct {
    const char *header; /* [NAME,VALUE] */
    bool sent;
} headers[] = {
    {"[\"X-A\",\"b\"]", true},
    {"[\"Accept\",\"text/html; q=1\"]", true},
    {"[\"If-Match\",\"\\\"abc\\\"\"]", true},
    {"[\"X-Tab\",\"a\\tb\"]", true},
    {"[\"X-Utf\",\"gr\xc3\xbc\xc3\x9f\"]", true},
    {"[\"X-A\",\"b\\r\\nX-B: c\"]", false},
    {"[\"X-A\",\"b\\nX-B: c\"]", false},
    {"[\"X-A\",\"b\\u0000\"]", false},
    {"[\"X-A\",\"b\\r\"]", false},
    {"[\"X-A\",\" b\"]", false},
    {"[\"X-A: b\\r\\nX-B\",\"c\"]", false},
    {"[\"X A\",\"b\"]", false},
    {"[\"X-A:\",\"b\"]", false},
    {"[\"\",\"b\"]", false},
    {"[\"X-\xc3\xbc\",\"b\"]", false},
    {"[\"Host\",\"example.com\"]", false},
    {"[\"hOST\",\"example.com\"]", false},
    {"[\"Content-Length\",\"0\"]", false},
    {"[\"Transfer-Encoding\",\"chunked\"]", false},
    {"[\"Connection\",\"close\"]", false},
    {"[\"Authorization\",\"Bearer x\"]", false},
    {"[\"Proxy-Authorization\",\"Basic x\"]", false},
    {"[\"Proxy-Anything\",\"x\"]", false},
    {"[\"Cookie\",\"a=b\"]", false},
    {"[\"Upgrade\",\"h2c\"]", false},
    {"[\"Expect\",\"100-continue\"]", false},
    {"[\"X-A\"]", false},
    {"[\"X-A\",\"b\",\"c\"]", false},
    {"[\"X-A\",1]", false},
    {"\"X-A: b\"", false},
    {"[\"X-A\",{\"$b64\":\"/w==\"}]", false},
};

static void test_headers(void **state) {
    (void)state;
    scene s;
    char more[200];
    scene_begin(&s, "");
    egress_order(s.w, 50, 7, 1, true);
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        int before = atomic_load(&s.web.requests);
        snprintf(more, sizeof more, "\"headers\":[%s]", headers[i].header);
        scene_ask(&s, 50, "POST", "/echo", more, "x");
        if (headers[i].sent) {
            scene_done(&s, 200, NULL);
        } else {
            egress_expect_code(s.x, E_FAILED, "invalid", "header");
        }
        assert_int_equal(atomic_load(&s.web.requests) - before, headers[i].sent);
    }
    scene_over(&s, 50, true, true);
    scene_end(&s);
}

/* ---- the rest of a request ---- */

static const struct {
    const char *method;
    const char *more;
    const char *body;
} malformed[] = {
    {"get", NULL, NULL},
    {"", NULL, NULL},
    {"CONNECT", NULL, NULL},
    {"TRACE", NULL, NULL},
    {"GET / HTTP/1.1\\r\\nX:", NULL, NULL},
    {"P\\u0000", NULL, NULL},
    {"AVERYLONGMETHODINDEED", NULL, NULL},
    {"GET", NULL, "a body"},
    {"HEAD", NULL, "a body"},
    {"POST", "\"headers\":{}", NULL},
    {"POST", "\"headers\":\"X: y\"", NULL},
};

static void test_malformed(void **state) {
    (void)state;
    scene s;
    scene_begin(&s, "");
    egress_order(s.w, 50, 7, 1, true);
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        scene_ask(&s, 50, malformed[i].method, "/echo", malformed[i].more, malformed[i].body);
        egress_expect_code(s.x, E_FAILED, "invalid", NULL);
    }
    static const char *const bodies[] = {"",           "x",          "\xff\xff{}",
                                         "\x02\x00{}", "\x02\x00[]", "\x03\x00{a}"};
    static const size_t sizes[] = {0, 1, 4, 4, 4, 5};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        egress_say(s.x, E_HTTP, ++s.run, 50, bodies[i], sizes[i]);
        egress_expect_code(s.x, E_FAILED, "invalid", NULL);
    }
    assert_int_equal(atomic_load(&s.web.requests), 0);
    scene_over(&s, 50, false, false);
    scene_end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_open_connection),
        cmocka_unit_test(test_redirects), cmocka_unit_test(test_headers),
        cmocka_unit_test(test_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
