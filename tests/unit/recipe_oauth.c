/* oauth2-refresh: the request, and every kind of answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "recipe_world.h"

static const char bare[] =
    "{\"kind\":\"oauth2-refresh\",\"token_url\":\"https://id.example/token\",\"client_id\":\"me\","
    "\"refresh_token\":{\"secret\":\"refresh\"}}";
static const char full[] =
    "{\"kind\":\"oauth2-refresh\",\"token_url\":\"http://127.0.0.1:9/t?x=1\","
    "\"client_id\":\"m&e\",\"refresh_token\":{\"secret\":\"refresh\"},"
    "\"client_secret\":{\"secret\":\"client\"},\"scope\":\"mail send\",\"user\":\"joe\"}";

static void writes_the_request(void **state) {
    (void)state;
    recipe *r = make_recipe(bare);
    const char *url;
    secret body = {NULL, 0};
    diag d = {0};
    assert_int_equal(recipe_refresh_request(r, &places, &url, &body, &d), DIAG_NOT_FOUND);
    says(&d, "no secret `refresh`", "keel secret set refresh");
    assert_null(body.data);
    set_secret("refresh", "1//a+b/c=", 9);
    assert_int_equal(recipe_refresh_request(r, &places, &url, &body, &d), 0);
    assert_string_equal(url, "https://id.example/token");
    is_secret(&body, "grant_type=refresh_token&refresh_token=1%2F%2Fa%2Bb%2Fc%3D&client_id=me");
    recipe_destroy(r);
    r = make_recipe(full);
    assert_int_equal(recipe_refresh_request(r, &places, &url, &body, &d), DIAG_NOT_FOUND);
    says(&d, "no secret `client`", "keel secret set client");
    set_secret("client", "p%&=~-._x", 9);
    assert_int_equal(recipe_refresh_request(r, &places, &url, &body, &d), 0);
    assert_string_equal(url, "http://127.0.0.1:9/t?x=1");
    is_secret(&body, "grant_type=refresh_token&refresh_token=1%2F%2Fa%2Bb%2Fc%3D&client_id=m%26e"
                     "&client_secret=p%25%26%3D~-._x&scope=mail%20send");
    set_secret("refresh", "with\nbreak", 10);
    assert_int_equal(recipe_refresh_request(r, &places, &url, &body, &d), DIAG_FAILED);
    says(&d, "a line break", "keel secret set refresh");
    recipe_destroy(r);
    r = make_recipe("{\"kind\":\"bearer\",\"token\":{\"secret\":\"t\"}}");
    assert_int_equal(recipe_refresh_request(r, &places, &url, &body, &d), DIAG_FAILED);
    recipe_destroy(r);
}

#define OLD "old-refresh-token"

static const struct {
    const char *body;
    const char *access; /* NULL: refused */
    int64_t holds_s;
    const char *kept; /* the refresh token after it */
    const char *what;
} answers[] = {
    {"{\"access_token\":\"abc\",\"token_type\":\"Bearer\",\"expires_in\":3599}", "abc", 3599, OLD,
     NULL},
    {" {\"expires_in\":\"3600\",\n\"access_token\":\"a\\u0062c\",\"token_type\":\"bearer\"} ",
     "abc", 3600, OLD, NULL},
    {"{\"access_token\":\"abc\"}", "abc", 300, OLD, NULL},
    {"{\"access_token\":\"abc\",\"expires_in\":\"soon\"}", "abc", 300, OLD, NULL},
    {"{\"access_token\":\"abc\",\"expires_in\":-5}", "abc", 0, OLD, NULL},
    {"{\"access_token\":\"abc\",\"expires_in\":1e15}", "abc", 366 * 86400, OLD, NULL},
    {"{\"access_token\":\"abc\",\"refresh_token\":\"" OLD "\"}", "abc", 300, OLD, NULL},
    {"{\"access_token\":\"abc\",\"refresh_token\":\"\"}", "abc", 300, OLD, NULL},
    {"{\"access_token\":\"abc\",\"refresh_token\":\"new-one\"}", "abc", 300, "new-one", NULL},
    {"{\"access_token\":\"abc\",\"refresh_token\":\"n\\u0065w\\/2\",\"expires_in\":60}", "abc", 60,
     "new/2", NULL},
    {"{\"access_token\":\"abc\",\"refresh_token\":\"a b\"}", NULL, 0, OLD, "cannot be kept"},
    {"{\"access_token\":\"abc\",\"refresh_token\":7}", NULL, 0, OLD, "cannot be kept"},
    {"{\"access_token\":\"\"}", NULL, 0, OLD, "gave no access token"},
    {"{\"access_token\":7}", NULL, 0, OLD, "gave no access token"},
    {"{\"access_token\":\"a\\r\\nb\"}", NULL, 0, OLD, "gave no access token"},
    {"{\"access_token\":\"a b\"}", NULL, 0, OLD, "gave no access token"},
    {"{\"access_token\":\"\\u00e4\"}", NULL, 0, OLD, "gave no access token"},
    {"{\"refresh_token\":\"new-one\"}", NULL, 0, OLD, "gave no access token"},
    {"{\"access_token\":\"abc\",\"token_type\":\"mac\"}", NULL, 0, OLD, "gave no bearer token"},
    {"{}", NULL, 0, OLD, "gave no access token"},
    {"[]", NULL, 0, OLD, "no JSON object"},
    {"\"abc\"", NULL, 0, OLD, "no JSON object"},
    {"", NULL, 0, OLD, "no JSON object"},
    {"<html>Log in</html>", NULL, 0, OLD, "no JSON object"},
    {"access_token=abc&token_type=bearer", NULL, 0, OLD, "no JSON object"},
    {"{\"access_token\":\"abc\",\"access_token\":\"def\"}", NULL, 0, OLD, "no JSON object"},
    {"{\"access_token\":\"abc\"", NULL, 0, OLD, "no JSON object"},
};

static void reads_answers_that_grant(void **state) {
    (void)state;
    recipe *r = make_recipe(bare);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        secret access = {NULL, 0};
        secret kept;
        int64_t holds = -1;
        diag d = {0};
        set_secret("refresh", OLD, strlen(OLD));
        int rc = recipe_refresh_answer(r, &places, 200, answers[i].body, strlen(answers[i].body),
                                       &access, &holds, &d);
        if (answers[i].access) {
            if (rc) {
                fail_msg("%s: %s", answers[i].body, d.what);
            }
            is_secret(&access, answers[i].access);
            assert_int_equal(holds, answers[i].holds_s);
        } else {
            assert_int_equal(rc, DIAG_FAILED);
            says(&d, answers[i].what, "");
            assert_null(strstr(d.what, "abc"));
            assert_null(access.data);
            assert_int_equal(holds, -1);
        }
        assert_int_equal(secret_read(&kept, &places, "refresh", &d), 0);
        is_secret(&kept, answers[i].kept);
    }
    recipe_destroy(r);
}

static const struct {
    int status;
    const char *body;
    int code;
    const char *what;
    const char *next;
} refusals[] = {
    {400,
     "{\"error\":\"invalid_grant\",\"error_description\":\"Token has been expired or revoked.\"}",
     DIAG_AUTH, "answered 400, invalid_grant: Token has been expired or revoked.",
     "keel secret set refresh"},
    {401, "{\"error\":\"invalid_client\"}", DIAG_AUTH, "answered 401, invalid_client.",
     "client_id"},
    {200, "{\"error\":\"invalid_grant\",\"access_token\":\"abc\"}", DIAG_FAILED,
     "answered 200, invalid_grant", "keel secret set refresh"},
    {403, "", DIAG_AUTH, "answered 403.", "keel secret set refresh"},
    {400, "<html>", DIAG_AUTH, "answered 400.", "keel secret set refresh"},
    {408, "", DIAG_FAILED, "answered 408.", "tried again"},
    {429, "{\"error\":\"slow_down\"}", DIAG_FAILED, "answered 429, slow_down.", "tried again"},
    {500, "oops", DIAG_FAILED, "answered 500.", "tried again"},
    {503, "{\"error\":\"temporarily_unavailable\"}", DIAG_FAILED, "temporarily_unavailable",
     "tried again"},
    {302, "", DIAG_FAILED, "answered 302.", "tried again"},
    /* what must not be shown */
    {400, "{\"error\":\"invalid_grant\",\"error_description\":\"no old-refresh-token here\"}",
     DIAG_AUTH, "no ***************** here", "keel secret set refresh"},
    {400,
     "{\"error\":\"invalid_grant\",\"error_description\":\"b2xkLXJlZnJlc2gtdG9rZW4 is not known\"}",
     DIAG_AUTH, "*4 is not known", "keel secret set refresh"},
    {400,
     "{\"error\":\"invalid_grant\",\"error_description\":\"token "
     "(eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.abc) is old\"}",
     DIAG_AUTH, "*) is old", "keel secret set refresh"},
    {400, "{\"error\":\"a\\u001b[31mb\",\"error_description\":\"c\\nd \\u202e\"}", DIAG_AUTH,
     "a?[31mb: c?d ???", "keel secret set refresh"},
    {400, "{\"error\":{\"x\":1},\"error_description\":7}", DIAG_AUTH, "answered 400.",
     "keel secret set refresh"},
};

static void quotes_answers_that_refuse_without_tokens(void **state) {
    (void)state;
    recipe *r = make_recipe(bare);
    set_secret("refresh", OLD, strlen(OLD));
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        secret access = {NULL, 0};
        int64_t holds;
        diag d = {0};
        int rc = recipe_refresh_answer(r, &places, refusals[i].status, refusals[i].body,
                                       strlen(refusals[i].body), &access, &holds, &d);
        if (rc != refusals[i].code) {
            fail_msg("%s: %d %s", refusals[i].body, rc, d.what);
        }
        says(&d, refusals[i].what, refusals[i].next);
        assert_null(access.data);
        assert_null(strstr(d.what, OLD));
        assert_null(strstr(d.what, "b2xkLXJlZnJlc2gtdG9rZW4"));
        assert_null(strstr(d.what, "eyJ"));
        for (const char *c = d.what; *c; c++) {
            assert_true(*c >= ' ' && *c < 0x7f);
        }
    }
    recipe_destroy(r);
}

static void tells_when_a_rotated_token_cannot_be_kept(void **state) {
    (void)state;
    static const char json[] = "{\"refresh\":{\"command\":[\"echo\",\"old-refresh-token\"]}}";
    static const char body[] = "{\"access_token\":\"abc\",\"refresh_token\":\"fresh-1\"}";
    recipe *r = make_recipe(bare);
    secret access = {NULL, 0};
    int64_t holds;
    diag d = {0};
    places.declared = keel_json_view(json, sizeof json - 1);
    assert_int_equal(
        recipe_refresh_answer(r, &places, 200, body, sizeof body - 1, &access, &holds, &d),
        DIAG_FAILED);
    says(&d, "comes from where none can be written", "keel secret set refresh");
    assert_null(access.data);
    assert_null(strstr(d.what, "fresh-1"));
    places.declared = (keel_json){NULL, 0};
    assert_int_equal(rmdir("secrets"), 0);
    assert_int_equal(symlink("elsewhere", "secrets"), 0);
    assert_true(recipe_refresh_answer(r, &places, 200, body, sizeof body - 1, &access, &holds, &d) <
                0);
    assert_null(access.data);
    recipe_destroy(r);
    r = make_recipe("{\"kind\":\"bearer\",\"token\":{\"secret\":\"t\"}}");
    assert_int_equal(
        recipe_refresh_answer(r, &places, 200, body, sizeof body - 1, &access, &holds, &d),
        DIAG_FAILED);
    recipe_destroy(r);
}

static void refuses_answers_that_are_too_long(void **state) {
    (void)state;
    recipe *r = make_recipe(bare);
    secret access = {NULL, 0};
    int64_t holds;
    diag d = {0};
    keel_buf body = KEEL_BUF_INIT;
    keel_buf_puts(&body, "{\"access_token\":\"");
    for (size_t i = 0; i < SECRET_LIMIT + 1; i++) {
        keel_buf_putc(&body, 'a');
    }
    keel_buf_puts(&body, "\"}");
    assert_int_equal(
        recipe_refresh_answer(r, &places, 200, body.data, body.len, &access, &holds, &d),
        DIAG_FAILED);
    says(&d, "gave no access token", "token_url");
    keel_buf_clear(&body);
    keel_buf_puts(&body, "{\"access_token\":\"abc\"}");
    while (body.len <= 65536) {
        keel_buf_putc(&body, ' ');
    }
    assert_int_equal(
        recipe_refresh_answer(r, &places, 200, body.data, body.len, &access, &holds, &d),
        DIAG_FAILED);
    says(&d, "no JSON object", "token_url");
    keel_buf_free(&body);
    recipe_destroy(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writes_the_request, recipe_enter, recipe_leave),
        cmocka_unit_test_setup_teardown(reads_answers_that_grant, recipe_enter, recipe_leave),
        cmocka_unit_test_setup_teardown(quotes_answers_that_refuse_without_tokens, recipe_enter,
                                        recipe_leave),
        cmocka_unit_test_setup_teardown(tells_when_a_rotated_token_cannot_be_kept, recipe_enter,
                                        recipe_leave),
        cmocka_unit_test_setup_teardown(refuses_answers_that_are_too_long, recipe_enter,
                                        recipe_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
