/* Logins: what is added to requests, read anew when it changes, and taken out of what comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "egress_scene.h"

#define SECRET "s3cret-Value_1"

static const struct {
    const char *auth;
    const char *line; /* what the server hears */
    const char *kept; /* what of it the executor must not see */
} kinds[] = {
    {"{\"kind\":\"bearer\",\"token\":{\"secret\":\"key\"}}", "Authorization: Bearer " SECRET "\r\n",
     SECRET},
    /* me:s3cret-Value_1 */
    {"{\"kind\":\"basic\",\"user\":\"me\",\"password\":{\"secret\":\"key\"}}",
     "Authorization: Basic bWU6czNjcmV0LVZhbHVlXzE=\r\n", "bWU6czNjcmV0LVZhbHVlXzE"},
    {"{\"kind\":\"header\",\"name\":\"X-Api-Key\",\"value\":{\"secret\":\"key\"}}",
     "X-Api-Key: " SECRET "\r\n", SECRET},
    {"{\"kind\":\"header\",\"name\":\"X-Api-Key\",\"prefix\":\"Token \",\"value\":{\"secret\":"
     "\"key\"}}",
     "X-Api-Key: Token " SECRET "\r\n", SECRET},
    {"{\"digest\":\"sha256\",\"header\":\"X-Signature\",\"key\":{\"secret\":\"key\"},\"kind\":"
     "\"hmac\",\"over\":\"body\"}",
     "X-Signature: 87e64bce", SECRET},
};

static void with_auth(scene *s, const char *auth) {
    char more[600];
    snprintf(more, sizeof more, ",\"auth\":%s", auth);
    scene_connection(s, s->base, more);
}

static bool has(const char *data, size_t len, const char *text) {
    return memmem(data, len, text, strlen(text)) != NULL;
}

static void test_kinds(void **state) {
    (void)state;
    scene s;
    size_t len;
    scene_begin(&s, "");
    egress_secret(s.w, "key", SECRET);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        with_auth(&s, kinds[i].auth);
        egress_order(s.w, 50 + i, 7, 1, false); /* read after what it is to be under */
        scene_ask(&s, 50 + i, "POST", "/echo", NULL, "{\"a\":1} echo " SECRET);
        const char *body = scene_done(&s, 200, &len);
        if (strncmp(kinds[i].line, "X-Signature", 11) != 0) {
            assert_non_null(strstr(s.web.last, kinds[i].line));
        } else {
            assert_non_null(strstr(s.web.last, "X-Signature: "));
        }
        assert_non_null(strstr(s.web.last, "echo " SECRET)); /* only answers are changed */
        assert_false(has(body, len, kinds[i].kept));
        assert_false(has(body, len, SECRET));
        assert_true(has(body, len, "echo **************"));
    }
    scene_end(&s);
}

/* In headers, in base64, in a redirect, in what is said of a failure. */
static void test_nowhere(void **state) {
    (void)state;
    scene s;
    scene_begin(&s, "");
    egress_secret(s.w, "key", SECRET);
    with_auth(&s, kinds[0].auth);
    egress_order(s.w, 50, 7, 1, false);
    scene_ask(&s, 50, "GET", "/to//" SECRET "/czNjcmV0LVZhbHVlXzE=/s3cret%2DValue_1", NULL, NULL);
    frame f = egress_expect(s.x, E_DONE);
    assert_false(has(f.body, f.len, SECRET));
    assert_false(has(f.body, f.len, "czNjcmV0LVZhbHVlXzE"));
    assert_false(has(f.body, f.len, "s3cret"));
    assert_true(has(f.body, f.len, "**************"));
    scene_ask(&s, 50, "GET", "/to/http://" SECRET ".example/", "\"follow\":true", NULL);
    f = egress_expect(s.x, E_FAILED);
    assert_false(has(f.body, f.len, SECRET));
    scene_end(&s);
}

static void test_changed(void **state) {
    (void)state;
    scene s;
    scene_begin(&s, "");
    with_auth(&s, kinds[0].auth);
    egress_order(s.w, 50, 7, 1, true);
    scene_ask(&s, 50, "POST", "/echo", NULL, NULL);
    egress_expect_code(s.x, E_FAILED, "denied", "key");
    assert_int_equal(atomic_load(&s.web.requests), 0);
    egress_secret(s.w, "key", "first-of-them");
    scene_ask(&s, 50, "GET", "/echo", NULL, NULL);
    scene_done(&s, 200, NULL);
    assert_non_null(strstr(s.web.last, "Bearer first-of-them\r\n"));
    usleep(20000); /* the clock of files is a coarse one */
    egress_secret(s.w, "key", "second-of-them");
    scene_ask(&s, 50, "GET", "/echo", NULL, NULL);
    scene_done(&s, 200, NULL);
    assert_non_null(strstr(s.web.last, "Bearer second-of-them\r\n"));
    char path[300];
    snprintf(path, sizeof path, "%s/secrets/key", s.w->folder);
    unlink(path);
    scene_ask(&s, 50, "GET", "/echo", NULL, NULL);
    egress_expect_code(s.x, E_FAILED, "denied", "key");
    scene_end(&s);
}

static void test_own_header(void **state) {
    (void)state;
    scene s;
    scene_begin(&s, "");
    egress_secret(s.w, "key", SECRET);
    with_auth(&s, kinds[2].auth);
    egress_order(s.w, 50, 7, 1, false);
    scene_ask(&s, 50, "GET", "/echo", "\"headers\":[[\"x-api-key\",\"mine\"]]", NULL);
    egress_expect_code(s.x, E_FAILED, "invalid", "login");
    assert_int_equal(atomic_load(&s.web.requests), 0);
    scene_end(&s);
}

/* The login stays with the connection's own addresses. */
static void test_other_origin(void **state) {
    (void)state;
    scene s;
    web other;
    char more[600];
    char path[200];
    scene_begin(&s, "");
    web_start(&other);
    egress_secret(s.w, "key", SECRET);
    snprintf(
        more, sizeof more,
        ",\"allow\":[\"http://127.0.0.1:%u\",\"http://127.0.0.1:%u\"],\"any\":true,\"auth\":%s,"
        "\"private\":true",
        s.web.port, other.port, kinds[0].auth);
    scene_connection(&s, s.base, more);
    egress_order(s.w, 50, 7, 1, false);
    snprintf(path, sizeof path, "/to/http://127.0.0.1:%u/echo", other.port);
    scene_ask(&s, 50, "GET", path, "\"follow\":true", NULL);
    scene_done(&s, 200, NULL);
    assert_non_null(strstr(s.web.last, "Authorization: Bearer"));
    assert_null(strstr(other.last, "Authorization"));
    assert_non_null(strstr(other.last, "GET /echo"));
    scene_end(&s);
    web_stop(&other);
}

static void test_bad_auth(void **state) {
    (void)state;
    scene s;
    scene_begin(&s, "");
    with_auth(&s, "{\"kind\":\"magic\"}");
    egress_expect(&s.w->kernel, G_NOTE);
    egress_order(s.w, 50, 7, 1, true);
    scene_ask(&s, 50, "POST", "/echo", NULL, NULL);
    egress_expect_code(s.x, E_FAILED, "denied", "kind");
    with_auth(&s, "{\"kind\":\"sasl-plain\",\"password\":{\"secret\":\"key\"},\"user\":\"me\"}");
    egress_order(s.w, 51, 7, 1, true);
    scene_ask(&s, 51, "POST", "/echo", NULL, NULL);
    egress_expect_code(s.x, E_FAILED, "denied", "streams");
    egress_connection(s.w, 1, NULL);
    egress_order(s.w, 52, 7, 1, true);
    scene_ask(&s, 52, "POST", "/echo", NULL, NULL);
    egress_expect_code(s.x, E_FAILED, "denied", "connection");
    assert_int_equal(atomic_load(&s.web.requests), 0);
    scene_end(&s);
}

/* ---- secrets that a command gives ---- */

static int runs(const scene *s) {
    char path[300];
    char text[100] = "";
    snprintf(path, sizeof path, "%s/secrets/log", s->w->folder);
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(text, 1, sizeof text, f) : 0;
    if (f) {
        fclose(f);
    }
    return (int)n;
}

/* It takes its time, and nobody else waits for it. */
static void test_command(void **state) {
    (void)state;
    scene s;
    char text[1000];
    size_t len;
    scene_begin(&s, "");
    snprintf(
        text, sizeof text,
        "{\"key\":{\"command\":[\"sh\",\"-c\",\"echo -n x >> %s/secrets/log; until [ -e %s/go ]; "
        "do sleep 0.1; done; echo " SECRET
        "\"]},\"no\":{\"command\":[\"sh\",\"-c\",\"echo loud; exit 3\"]}}",
        s.w->folder, s.w->folder);
    egress_secrets(s.w, text);
    with_auth(&s, kinds[0].auth);
    snprintf(text, sizeof text, "{\"name\":\"other\",\"origins\":[\"%s\"]}", s.base);
    egress_connection(s.w, 2, text);
    egress_side *other = egress_executor(s.w, 8, 2);
    egress_order(s.w, 50, 7, 1, true);
    egress_order(s.w, 51, 8, 2, true);
    for (int i = 0; i < 5; i++) {
        scene_ask(&s, 50, "POST", "/echo", NULL, SECRET);
    }
    snprintf(text, sizeof text, "%s/status/200", s.base);
    egress_http(other, 51, 1, "GET", text, NULL, NULL);
    egress_expect(other, E_DONE);
    snprintf(text, sizeof text, "%s/go", s.w->folder);
    FILE *go = fopen(text, "w");
    assert_non_null(go);
    fclose(go);
    for (int i = 0; i < 5; i++) {
        const char *body = scene_done(&s, 200, &len);
        assert_non_null(strstr(s.web.last, "Bearer " SECRET "\r\n"));
        assert_false(has(body, len, SECRET));
    }
    scene_ask(&s, 50, "POST", "/echo", NULL, SECRET);
    scene_done(&s, 200, NULL);
    assert_in_range(runs(&s), 1, 2); /* once for all: for the request, and for its answer */
    with_auth(&s, "{\"kind\":\"bearer\",\"token\":{\"secret\":\"no\"}}");
    egress_order(s.w, 52, 7, 1, true);
    scene_ask(&s, 52, "POST", "/echo", NULL, NULL);
    frame f = egress_expect(s.x, E_FAILED);
    assert_true(has(f.body, f.len, "retry")); /* it may be locked, for now */
    assert_false(has(f.body, f.len, "loud"));
    scene_over(&s, 52, false, false);
    egress_side_free(other);
    scene_end(&s);
}

/* ---- tokens ---- */

static void begin_tokens(scene *s, const char *path) {
    char auth[300];
    scene_begin(s, "");
    egress_secret(s->w, "refresh", "refresh-" SECRET);
    snprintf(auth, sizeof auth,
             "{\"client_id\":\"keel\",\"kind\":\"oauth2-refresh\",\"refresh_token\":{\"secret\":"
             "\"refresh\"},\"token_url\":\"%s%s\"}",
             s->base, path);
    with_auth(s, auth);
    egress_order(s->w, 50, 7, 1, true);
}

static void test_token(void **state) {
    (void)state;
    scene s;
    begin_tokens(&s, "/token");
    for (int i = 0; i < 10; i++) { /* one fetch for all */
        scene_ask(&s, 50, "GET", "/guarded", NULL, NULL);
    }
    for (int i = 0; i < 10; i++) {
        scene_done(&s, 200, NULL);
    }
    assert_int_equal(atomic_load(&s.web.tokens), 1);
    assert_int_equal(atomic_load(&s.web.requests), 11);
    atomic_fetch_add(&s.web.tokens, 1); /* withdrawn before its time */
    scene_ask(&s, 50, "POST", "/guarded", NULL, "x");
    scene_done(&s, 200, NULL);
    assert_int_equal(atomic_load(&s.web.tokens), 3);
    assert_string_equal(scene_told(&s, 50), ""); /* the first 401 was not the last word */
    assert_int_equal(atomic_load(&s.web.requests), 14);
    size_t len;
    scene_ask(&s, 50, "GET", "/echo", NULL, NULL);
    const char *body = scene_done(&s, 200, &len);
    assert_non_null(strstr(s.web.last, "Bearer token-3"));
    assert_false(has(body, len, "token-3"));
    scene_over(&s, 50, true, true);
    scene_end(&s);
}

static void test_token_in_vain(void **state) {
    (void)state;
    scene s;
    begin_tokens(&s, "/token");
    scene_ask(&s, 50, "GET", "/status/401", NULL, NULL);
    scene_done(&s, 401, NULL); /* once more, not for ever */
    assert_string_equal(scene_told(&s, 50), "{\"connection\":1,\"status\":401}");
    assert_int_equal(atomic_load(&s.web.requests), 4);
    scene_end(&s);
    begin_tokens(&s, "/status/400");
    scene_ask(&s, 50, "POST", "/echo", NULL, NULL);
    egress_expect_code(s.x, E_FAILED, "denied", NULL);
    scene_over(&s, 50, false, false);
    scene_end(&s);
    begin_tokens(&s, "/close");
    scene_ask(&s, 50, "POST", "/echo", NULL, NULL);
    egress_expect_code(s.x, E_FAILED, "retry", "token");
    scene_over(&s, 50, false, false);
    scene_end(&s);
    begin_tokens(&s, "/held"); /* the order ends while the token is fetched */
    scene_ask(&s, 50, "POST", "/echo", NULL, NULL);
    web_await(&s.web, 1);
    scene_over(&s, 50, false, false);
    egress_expect_code(s.x, E_FAILED, "retry", NULL);
    scene_end(&s);
}

/* The connection is given other words while a token is fetched: who waits is told, and the token that
 * the provider has renewed meanwhile is kept all the same. */
static void test_token_left(void **state) {
    (void)state;
    scene s;
    char path[512], kept[64] = "";
    begin_tokens(&s, "/rotate");
    scene_ask(&s, 50, "POST", "/guarded", NULL, "x");
    web_await(&s.web, 1); /* the provider has begun */
    scene_connection(&s, s.base, ",\"plain\":true");
    egress_expect_code(s.x, E_FAILED, "retry", "changed meanwhile");
    web_release(&s.web);
    snprintf(path, sizeof path, "%s/secrets/refresh", s.w->folder);
    for (int i = 0; i < 1000 && strncmp(kept, "rotated-", 8) != 0; i++) {
        FILE *f = fopen(path, "r");
        assert_non_null(f);
        kept[fread(kept, 1, sizeof kept - 1, f)] = 0;
        fclose(f);
        usleep(20000);
    }
    assert_string_equal(kept, "rotated-token-1");
    scene_over(&s, 50, false, false);
    scene_end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),         cmocka_unit_test(test_nowhere),
        cmocka_unit_test(test_changed),       cmocka_unit_test(test_own_header),
        cmocka_unit_test(test_other_origin),  cmocka_unit_test(test_bad_auth),
        cmocka_unit_test(test_command),       cmocka_unit_test(test_token),
        cmocka_unit_test(test_token_in_vain), cmocka_unit_test(test_token_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
