/* Requests through a real keel-egress: what is sent, what comes back, and the codes of what does not. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "egress_scene.h"

/* ---- an answer ---- */

static void test_answer(void **state) {
    (void)state;
    scene s;
    const char *body;
    size_t len;
    scene_begin(&s, "");
    egress_order(s.w, 50, 7, 1, false);
    uint64_t run = scene_ask(&s, 50, "POST", "/echo?q=1",
                             "\"headers\":[[\"X-Mine\",\"a b\"],[\"X-Empty\",\"\"]]", "the body");
    frame f = egress_expect(s.x, E_DONE);
    keel_json v = egress_answer(&f, &body, &len);
    assert_int_equal(f.run, run);
    assert_int_equal(scene_number(v, "status"), 200);
    assert_non_null(memmem(body, len, "POST /echo?q=1 HTTP/1.1\r\n", 25));
    assert_non_null(memmem(body, len, "X-Mine: a b\r\n", 13));
    assert_non_null(memmem(body, len, "X-Empty:\r\n", 10));
    assert_non_null(memmem(body, len, "\r\n\r\nthe body", 12));
    assert_null(memmem(body, len, "Expect:", 7));
    keel_json headers = keel_json_get(v, "headers");
    assert_non_null(memmem(headers.data, headers.len, "[\"x-seen\",\"yes\"]", 16));
    keel_json ended = egress_over(s.w, 50);
    assert_false(keel_json_true(keel_json_get(ended, "sent")));
    assert_int_equal(scene_number(ended, "requests"), 1);
    scene_end(&s);
}

static void test_kept_alive(void **state) {
    (void)state;
    scene s;
    scene_begin(&s, "");
    egress_order(s.w, 50, 7, 1, false);
    for (int i = 0; i < 20; i++) {
        scene_ask(&s, 50, "GET", "/status/204", NULL, NULL);
        egress_expect(s.x, E_DONE);
    }
    assert_int_equal(atomic_load(&s.web.requests), 20);
    assert_int_equal(atomic_load(&s.web.connections), 1);
    scene_end(&s);
}

/* ---- what does not come back ---- */

static const struct {
    const char *method;
    const char *path;
    const char *more;
    const char *code;
    const char *text;
    bool sent;
} lost[] = {
    {"GET", "/close", NULL, "retry", "127.0.0.1", false},
    {"POST", "/close", NULL, "unknown", "127.0.0.1", true},
    {"GET", "/cut", NULL, "retry", NULL, false},
    {"POST", "/cut", NULL, "unknown", NULL, true},
    {"PUT", "/malformed", NULL, "unknown", NULL, true},
    {"GET", "/malformed", NULL, "retry", NULL, false},
    {"GET", "/large/2000", "\"limit\":1000", "unknown", "limit", false},
    {"POST", "/large/2000", "\"limit\":1000", "unknown", "limit", true},
    {"GET", "/large/16000000", NULL, "unknown", "limit", false},
    {"GET", "/headers/80000", NULL, "unknown", "limit", false},
    {"GET", "/held", "\"timeout_us\":1500000", "retry", "in time", false},
    {"DELETE", "/held", "\"timeout_us\":1500000", "deadline", "in time", true},
};

static void test_lost(void **state) {
    (void)state;
    scene s;
    scene_begin(&s, "");
    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++) {
        egress_order(s.w, 100 + i, 7, 1, true);
        scene_ask(&s, 100 + i, lost[i].method, lost[i].path, lost[i].more, NULL);
        egress_expect_code(s.x, E_FAILED, lost[i].code, lost[i].text);
        keel_json e = egress_over(s.w, 100 + i);
        assert_int_equal(keel_json_true(keel_json_get(e, "sent")), lost[i].sent);
        assert_false(keel_json_true(keel_json_get(e, "answered")));
        assert_int_equal(keel_json_count(keel_json_get(e, "digests")), lost[i].sent);
    }
    scene_end(&s);
}

/* A port at which nobody listens, and nobody else can meanwhile. */
static int deaf_port(unsigned *port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    *port = ntohs(a.sin_port);
    return fd;
}

static void test_nobody_there(void **state) {
    (void)state;
    scene s;
    unsigned port;
    scene_begin(&s, "");
    int fd = deaf_port(&port);
    snprintf(s.base, sizeof s.base, "http://127.0.0.1:%u", port);
    scene_connection(&s, s.base, "");
    egress_order(s.w, 50, 7, 1, true);
    scene_ask(&s, 50, "POST", "/", NULL, "x");
    egress_expect_code(s.x, E_FAILED, "retry", "Connection refused");
    keel_json e = egress_over(s.w, 50);
    assert_false(keel_json_true(keel_json_get(e, "sent")));
    close(fd);
    scene_end(&s);
}

/* ---- evidence ---- */

static const struct {
    const char *method;
    int status;
    bool sent;
    bool answered;
} statuses[] = {
    {"POST", 200, true, true},  {"POST", 201, true, true},      {"PUT", 302, true, true},
    {"POST", 400, true, true},  {"PATCH", 404, true, true},     {"POST", 408, true, false},
    {"POST", 429, true, true},  {"DELETE", 500, true, false},   {"POST", 503, true, false},
    {"GET", 500, false, false}, {"OPTIONS", 200, false, false}, {"HEAD", 200, false, false},
};

static void test_evidence(void **state) {
    (void)state;
    scene s;
    char path[40];
    scene_begin(&s, "");
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        egress_order(s.w, 100 + i, 7, 1, true);
        snprintf(path, sizeof path, "/status/%d", statuses[i].status);
        scene_ask(&s, 100 + i, statuses[i].method, path, NULL, NULL);
        frame f = egress_expect(s.x, E_DONE);
        assert_int_equal(scene_number(egress_answer(&f, NULL, NULL), "status"), statuses[i].status);
        keel_json e = egress_over(s.w, 100 + i);
        assert_int_equal(keel_json_true(keel_json_get(e, "sent")), statuses[i].sent);
        assert_int_equal(keel_json_true(keel_json_get(e, "answered")), statuses[i].answered);
    }
    scene_end(&s);
}

/* The kernel has been told before the other side hears a byte. */
static void test_sending_first(void **state) {
    (void)state;
    scene s;
    scene_begin(&s, "");
    s.web.watch = s.w->kernel.fd;
    for (uint64_t i = 100; i < 120; i++) {
        egress_order(s.w, i, 7, 1, true);
        scene_ask(&s, i, "POST", "/echo", NULL, "x");
        egress_expect(s.x, E_DONE);
        assert_true(atomic_load(&s.web.watched));
        frame f = egress_expect(&s.w->kernel, G_SENDING);
        assert_int_equal(f.ref, i);
        scene_ask(&s, i, "POST", "/echo", NULL, "x");
        egress_expect(s.x, E_DONE);
        assert_int_equal(scene_number(egress_over(s.w, i), "requests"), 2);
    }
    scene_end(&s);
}

/* curl sends again what a stale connection swallowed; an unsafe request may have been applied. */
static void test_never_twice(void **state) {
    (void)state;
    scene s;
    scene_begin(&s, "");
    egress_order(s.w, 50, 7, 1, true);
    scene_ask(&s, 50, "GET", "/once", NULL, NULL);
    egress_expect(s.x, E_DONE);
    scene_ask(&s, 50, "POST", "/echo", NULL, "x");
    egress_expect_code(s.x, E_FAILED, "unknown", "closed the connection");
    assert_int_equal(atomic_load(&s.web.requests), 2);
    scene_ask(&s, 50, "GET", "/once", NULL, NULL);
    egress_expect(s.x, E_DONE);
    scene_ask(&s, 50, "GET", "/echo", NULL, NULL);
    egress_expect(s.x, E_DONE); /* that one may be repeated */
    scene_end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer),      cmocka_unit_test(test_kept_alive),
        cmocka_unit_test(test_lost),        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_evidence),    cmocka_unit_test(test_sending_first),
        cmocka_unit_test(test_never_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
