/* Login recipes: which are taken and which refused, and what each adds to a request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recipe_world.h"

/* ---- reading ---- */

#define HMAC(more) "{\"kind\":\"hmac\",\"key\":{\"secret\":\"k\"},\"header\":\"X-Sign\"" more "}"
#define OAUTH(more)                                                                                \
    "{\"kind\":\"oauth2-refresh\",\"token_url\":\"https://id.example/token\","                     \
    "\"client_id\":\"me\",\"refresh_token\":{\"secret\":\"r\"}" more "}"

static const struct {
    const char *json;
    recipe_kind kind;
    bool http;
    bool stream;
    const char *secrets;
} good[] = {
    {"{\"kind\":\"basic\",\"user\":\"joe\",\"password\":{\"secret\":\"p\"}}", RECIPE_BASIC, true,
     false, "p"},
    {"{\"kind\":\"bearer\",\"token\":{\"secret\":\"t\"}}", RECIPE_BEARER, true, false, "t"},
    {"{\"kind\":\"header\",\"name\":\"X-Key\",\"value\":{\"secret\":\"v\"},\"prefix\":\"\"}",
     RECIPE_HEADER, true, false, "v"},
    {"{\"kind\":\"sasl-plain\",\"user\":\"joe:x\",\"password\":{\"secret\":\"p\"}}",
     RECIPE_SASL_PLAIN, false, true, "p"},
    {"{\"kind\":\"xoauth2\",\"user\":\"joe\",\"token\":{\"secret\":\"t\"}}", RECIPE_XOAUTH2, false,
     true, "t"},
    {HMAC(""), RECIPE_HMAC, true, false, "k"},
    {OAUTH(""), RECIPE_OAUTH2_REFRESH, true, false, "r"},
    {OAUTH(",\"user\":\"joe\",\"client_secret\":{\"secret\":\"c\"},\"scope\":\"a b\""),
     RECIPE_OAUTH2_REFRESH, true, true, "r c"},
};

static void takes_each_kind(void **state) {
    (void)state;
    recipe *r;
    diag d = {0};
    assert_int_equal(recipe_parse(&r, (keel_json){NULL, 0}, &d), 0);
    assert_int_equal(recipe_kind_of(r), RECIPE_NONE);
    assert_true(recipe_for_http(r) && recipe_for_stream(r) && !recipe_secrets(r)[0]);
    recipe_destroy(r);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        keel_buf names = KEEL_BUF_INIT;
        r = make_recipe(good[i].json);
        assert_int_equal(recipe_kind_of(r), good[i].kind);
        assert_int_equal(recipe_for_http(r), good[i].http);
        assert_int_equal(recipe_for_stream(r), good[i].stream);
        for (int needs = 0; needs < 4; needs++) { /* 1: HTTP, 2: streams */
            bool fits = !needs || (needs & 1 && good[i].http) || (needs & 2 && good[i].stream);
            keel_json auth = keel_json_view(good[i].json, strlen(good[i].json));
            assert_int_equal(recipe_check(auth, needs & 1, needs & 2, &d), fits ? 0 : DIAG_USAGE);
        }
        for (const char *const *s = recipe_secrets(r); *s; s++) {
            keel_buf_printf(&names, "%s%s", names.len ? " " : "", *s);
        }
        assert_string_equal(names.data, good[i].secrets);
        bool oauth = good[i].kind == RECIPE_OAUTH2_REFRESH;
        assert_int_equal(recipe_token_url(r) != NULL, oauth);
        assert_int_equal(recipe_user(r) != NULL, oauth && good[i].stream);
        keel_buf_free(&names);
        recipe_destroy(r);
    }
    recipe_destroy(NULL);
}

static const struct {
    const char *json;
    const char *what;
    const char *next;
} bad[] = {
    {"{}", "`kind`", "one of basic, bearer"},
    {"{\"kind\":\"digest\"}", "`kind`", "one of basic, bearer"},
    {"{\"kind\":7}", "`kind`", "one of basic, bearer"},
    {"\"bearer hunter2\"", "`kind`", "one of basic, bearer"},
    {"[]", "`kind`", "one of basic, bearer"},
    {"{\"kind\":\"bearer\"}", "`token` is missing", "Its keys are: token."},
    {"{\"kind\":\"bearer\",\"token\":\"hunter2\"}", "`token` is a secret, and no secret stands in",
     "`token: { secret: NAME }`"},
    {"{\"kind\":\"bearer\",\"token\":[\"hunter2\"]}", "`token` is a secret",
     "keel secret set NAME"},
    {"{\"kind\":\"bearer\",\"token\":{\"secret\":\"No Name\"}}", "does not name a secret",
     "small letters"},
    {"{\"kind\":\"bearer\",\"token\":{\"secret\":\"\"}}", "does not name a secret", "keel secret"},
    {"{\"kind\":\"bearer\",\"token\":{\"secret\":7}}", "does not name a secret", "keel secret"},
    {"{\"kind\":\"bearer\",\"token\":{\"value\":\"hunter2\"}}", "does not name a secret", "keel"},
    {"{\"kind\":\"bearer\",\"token\":{\"secret\":\"a\",\"x\":\"hunter2\"}}",
     "does not name a secret", "keel secret"},
    {"{\"kind\":\"bearer\",\"token\":{\"secret\":\"../hunter2\"}}", "does not name a secret",
     "keel"},
    {"{\"kind\":\"bearer\",\"tokens\":{\"secret\":\"t\"}}", "`tokens` is not known", "token"},
    {"{\"kind\":\"bearer\",\"token\":{\"secret\":\"t\"},\"user\":\"joe\"}", "`user` is not known",
     "Its keys are: token."},
    {"{\"kind\":\"basic\",\"password\":{\"secret\":\"p\"}}", "`user` is missing",
     "Its keys are: user, password."},
    {"{\"kind\":\"basic\",\"user\":\"a:b\",\"password\":{\"secret\":\"p\"}}", "has a colon",
     "user"},
    {"{\"kind\":\"basic\",\"user\":\"\",\"password\":{\"secret\":\"p\"}}", "`user` is empty",
     "user"},
    {"{\"kind\":\"basic\",\"user\":\"a\\nb\",\"password\":{\"secret\":\"p\"}}",
     "`user` has a control character", "user"},
    {"{\"kind\":\"basic\",\"user\":\"a\\u0000b\",\"password\":{\"secret\":\"p\"}}",
     "`user` has a control character", "user"},
    {"{\"kind\":\"basic\",\"user\":{\"secret\":\"u\"},\"password\":{\"secret\":\"p\"}}",
     "`user` is not a text", "user"},
    {"{\"kind\":\"basic\",\"user\":\"joe\",\"password\":\"hunter2\"}", "`password` is a secret",
     "password: { secret: NAME }"},
    {"{\"kind\":\"header\",\"value\":{\"secret\":\"v\"}}", "`name` is missing",
     "prefix (optional)"},
    {"{\"kind\":\"header\",\"name\":\"X Key\",\"value\":{\"secret\":\"v\"}}", "no name of a header",
     "name"},
    {"{\"kind\":\"header\",\"name\":\"X:\",\"value\":{\"secret\":\"v\"}}", "no name of a header",
     "name"},
    {"{\"kind\":\"header\",\"name\":\"host\",\"value\":{\"secret\":\"v\"}}", "Keel itself governs",
     "name"},
    {"{\"kind\":\"header\",\"name\":\"Transfer-Encoding\",\"value\":{\"secret\":\"v\"}}",
     "Keel itself governs", "name"},
    {"{\"kind\":\"header\",\"name\":\"X\",\"value\":{\"secret\":\"v\"},\"prefix\":\"a\\r\\nB: c\"}",
     "`prefix` has a control character", "prefix"},
    {"{\"kind\":\"header\",\"name\":\"X\",\"value\":\"hunter2\"}", "`value` is a secret", "value:"},
    {"{\"kind\":\"sasl-plain\",\"user\":\"joe\"}", "`password` is missing", "user, password"},
    {"{\"kind\":\"xoauth2\",\"token\":{\"secret\":\"t\"}}", "`user` is missing", "user, token"},
    {HMAC(",\"digest\":\"md5\""), "neither sha256 nor sha512", "digest (optional)"},
    {HMAC(",\"encoding\":\"base32\""), "neither hex nor base64", "encoding (optional)"},
    {HMAC(",\"over\":\"url\""), "neither body nor timestamp.body", "over (optional)"},
    {HMAC(",\"over\":\"timestamp.body\""), "`timestamp_header` is missing", "timestamp_header"},
    {HMAC(",\"timestamp_header\":\"a b\""), "no name of a header", "timestamp_header"},
    {"{\"kind\":\"hmac\",\"key\":{\"secret\":\"k\"}}", "`header` is missing", "header"},
    {"{\"kind\":\"hmac\",\"key\":\"hunter2\",\"header\":\"X\"}", "`key` is a secret", "key:"},
    {OAUTH(",\"client_secret\":\"hunter2\""), "`client_secret` is a secret", "client_secret:"},
    {"{\"kind\":\"oauth2-refresh\",\"token_url\":\"http://id.example/t\",\"client_id\":\"me\","
     "\"refresh_token\":{\"secret\":\"r\"}}",
     "`token_url` does not begin with https://", "token_url"},
    {"{\"kind\":\"oauth2-refresh\",\"token_url\":\"https://hunter2@id.example/t\","
     "\"client_id\":\"me\",\"refresh_token\":{\"secret\":\"r\"}}",
     "`token_url` is no address", "token_url"},
    {"{\"kind\":\"oauth2-refresh\",\"token_url\":\"imaps://id.example\",\"client_id\":\"me\","
     "\"refresh_token\":{\"secret\":\"r\"}}",
     "`token_url` does not begin", "token_url"},
};

static void refuses_the_rest_and_says_why(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        recipe *r;
        diag d = {0};
        int rc = try_recipe(&r, bad[i].json, &d);
        if (rc != DIAG_USAGE || r) {
            fail_msg("%s: %d", bad[i].json, rc);
        }
        says(&d, bad[i].what, bad[i].next);
        assert_null(strstr(d.what, "hunter2"));
        assert_null(strstr(d.next, "hunter2"));
    }
    keel_buf json = KEEL_BUF_INIT;
    recipe *r;
    diag d = {0};
    keel_buf_puts(&json, "{\"kind\":\"sasl-plain\",\"password\":{\"secret\":\"p\"},\"user\":\"");
    for (int i = 0; i < 1025; i++) {
        keel_buf_putc(&json, 'a');
    }
    keel_buf_puts(&json, "\"}");
    assert_int_equal(try_recipe(&r, json.data, &d), DIAG_USAGE);
    says(&d, "longer than 1024", "user");
    keel_buf_free(&json);
}

/* ---- applying ---- */

#define TEN(c) c c c c c c c c c c

static const struct {
    const char *json;
    const char *secret;
    const char *body;
    const char *lines[3];
} applied[] = {
    {"{\"kind\":\"basic\",\"user\":\"Aladdin\",\"password\":{\"secret\":\"s\"}}",
     "open sesame",
     "",
     {"Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}},
    {"{\"kind\":\"basic\",\"user\":\"test\",\"password\":{\"secret\":\"s\"}}",
     "123\xc2\xa3",
     "",
     {"Authorization: Basic dGVzdDoxMjPCow=="}}, /* RFC 7617, 2.1 */
    {"{\"kind\":\"basic\",\"user\":\"M\xc3\xbcller\",\"password\":{\"secret\":\"s\"}}",
     "p\xc3\xa4:\xe2\x82\xacss",
     "",
     {"Authorization: Basic TcO8bGxlcjpww6Q64oKsc3M="}},
    {"{\"kind\":\"bearer\",\"token\":{\"secret\":\"s\"}}",
     "mF_9.B5f-4.1JqM",
     "",
     {"Authorization: Bearer mF_9.B5f-4.1JqM"}}, /* RFC 6750, 2.1 */
    {"{\"kind\":\"bearer\",\"token\":{\"secret\":\"s\"}}",
     "1|abc+/~=",
     "",
     {"Authorization: Bearer 1|abc+/~="}},
    {"{\"kind\":\"header\",\"name\":\"X-Api-Key\",\"value\":{\"secret\":\"s\"}}",
     "two words",
     "",
     {"X-Api-Key: two words"}},
    {"{\"kind\":\"header\",\"name\":\"Authorization\",\"value\":{\"secret\":\"s\"},"
     "\"prefix\":\"Token \"}",
     "abcdef",
     "",
     {"Authorization: Token abcdef"}},
    /* RFC 4231: test cases 1, 2, 3, 6, 7 */
    {HMAC(""),
     TEN("\x0b") TEN("\x0b"),
     "Hi There",
     {"X-Sign: b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"}},
    {HMAC(",\"digest\":\"sha512\""),
     TEN("\x0b") TEN("\x0b"),
     "Hi There",
     {"X-Sign: 87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
      "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"}},
    {HMAC(",\"digest\":\"sha256\",\"encoding\":\"hex\",\"over\":\"body\""),
     "Jefe",
     "what do ya want for nothing?",
     {"X-Sign: 5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"}},
    {HMAC(",\"digest\":\"sha512\""),
     "Jefe",
     "what do ya want for nothing?",
     {"X-Sign: 164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
      "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"}},
    {HMAC(""),
     TEN("\xaa") TEN("\xaa"),
     TEN("\xdd") TEN("\xdd") TEN("\xdd") TEN("\xdd") TEN("\xdd"),
     {"X-Sign: 773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"}},
    {HMAC(""),
     TEN(TEN("\xaa")) TEN("\xaa") TEN("\xaa") TEN("\xaa") "\xaa",
     "Test Using Larger Than Block-Size Key - Hash Key First",
     {"X-Sign: 60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"}},
    {HMAC(",\"digest\":\"sha512\""),
     TEN(TEN("\xaa")) TEN("\xaa") TEN("\xaa") TEN("\xaa") "\xaa",
     "This is a test using a larger than block-size key and a larger than block-size data. The "
     "key needs to be hashed before being used by the HMAC algorithm.",
     {"X-Sign: e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
      "b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58"}},
    {HMAC(""),
     "Jefe",
     "",
     {"X-Sign: 923598ca6d64af2a5dba79dcd021a8a0fe5c5f557519adaaf0ad532d4506dd30"}},
    {HMAC(",\"over\":\"timestamp.body\",\"timestamp_header\":\"X-Time\",\"prefix\":\"sha256=\""),
     "Jefe",
     "what do ya want for nothing?",
     {"X-Sign: sha256=1cdd0650c8be1cb0974b1788d458b1e781206cfef59b85faafc582d2e182c57e",
      "X-Time: 1700000000"}},
    {HMAC(",\"over\":\"timestamp.body\",\"timestamp_header\":\"X-Time\",\"encoding\":\"base64\""),
     "Jefe",
     "what do ya want for nothing?",
     {"X-Sign: HN0GUMi+HLCXSxeI1Fix54EgbP71m4X6r8WC0uGCxX4=", "X-Time: 1700000000"}},
};

static void adds_what_each_kind_adds(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof applied / sizeof *applied; i++) {
        recipe *r = make_recipe(applied[i].json);
        recipe_headers h;
        diag d = {0};
        const char *body = applied[i].body;
        set_secret(recipe_secrets(r)[0], applied[i].secret, strlen(applied[i].secret));
        if (recipe_apply(&h, r, &places, "POST", "https://a.example/", body[0] ? body : NULL,
                         strlen(body), 1700000000, &d)) {
            fail_msg("%zu: %s", i, d.what);
        }
        for (size_t k = 0; k < h.count; k++) {
            assert_string_equal(h.lines[k].data, applied[i].lines[k]);
            assert_int_equal(h.lines[k].len, strlen(applied[i].lines[k]));
        }
        assert_null(applied[i].lines[h.count]);
        recipe_headers_free(&h);
        assert_int_equal(h.count, 0);
        recipe_destroy(r);
    }
}

static void refuses_secrets_that_no_header_carries(void **state) {
    (void)state;
    static const char *const kinds[] = {
        "{\"kind\":\"basic\",\"user\":\"joe\",\"password\":{\"secret\":\"s\"}}",
        "{\"kind\":\"bearer\",\"token\":{\"secret\":\"s\"}}",
        "{\"kind\":\"header\",\"name\":\"X\",\"value\":{\"secret\":\"s\"}}",
        "{\"kind\":\"sasl-plain\",\"user\":\"joe\",\"password\":{\"secret\":\"s\"}}",
        "{\"kind\":\"xoauth2\",\"user\":\"joe\",\"token\":{\"secret\":\"s\"}}",
    };
    static const struct {
        const char *secret;
        const char *what;
    } secrets[] = {
        {"hunter2\r\nX: y", "a line break"},
        {"hunter2\n\n", "a line break"},
        {"hun\tter2", "control character"},
        {"hunter2\x7f", "control character"},
        {"\x01hunter2", "control character"},
        {"hunter2\r", "a line break"},
        {" hunter2", "a blank"},
        {"hunter2 ", "a blank"},
    };
    for (size_t i = 0; i < 5 * sizeof secrets / sizeof *secrets; i++) {
        recipe *r = make_recipe(kinds[i % 5]);
        diag d = {0};
        recipe_headers h;
        secret password = {NULL, 0};
        keel_buf user = KEEL_BUF_INIT;
        bool token;
        set_secret("s", secrets[i / 5].secret, strlen(secrets[i / 5].secret));
        int rc = recipe_for_http(r)
                     ? recipe_apply(&h, r, &places, "GET", "https://a.example", NULL, 0, 0, &d)
                     : recipe_login(r, &places, &user, &password, &token, &d);
        assert_int_equal(rc, DIAG_FAILED);
        says(&d, secrets[i / 5].what, "keel secret set s");
        assert_null(strstr(d.what, "hunter2"));
        assert_null(password.data);
        assert_int_equal(user.len, 0);
        recipe_destroy(r);
    }
}

static void tells_what_is_missing_or_does_not_fit(void **state) {
    (void)state;
    recipe_headers h;
    secret s = {NULL, 0};
    keel_buf user = KEEL_BUF_INIT;
    bool token;
    diag d = {0};
    recipe *bearer = make_recipe("{\"kind\":\"bearer\",\"token\":{\"secret\":\"gone\"}}");
    recipe *plain = make_recipe(good[3].json);
    recipe *oauth = make_recipe(OAUTH(",\"user\":\"joe\""));
    assert_int_equal(recipe_apply(&h, bearer, &places, "GET", "", NULL, 0, 0, &d), DIAG_NOT_FOUND);
    says(&d, "no secret `gone`", "keel secret set gone");
    assert_int_equal(h.count, 0);
    assert_int_equal(recipe_apply(&h, plain, &places, "GET", "", NULL, 0, 0, &d), DIAG_FAILED);
    assert_int_equal(recipe_apply(&h, oauth, &places, "GET", "", NULL, 0, 0, &d), DIAG_FAILED);
    assert_int_equal(recipe_login(bearer, &places, &user, &s, &token, &d), DIAG_FAILED);
    assert_int_equal(recipe_login(oauth, &places, &user, &s, &token, &d), DIAG_FAILED);
    recipe_destroy(bearer);
    recipe_destroy(plain);
    recipe_destroy(oauth);
    assert_int_equal(recipe_parse(&plain, (keel_json){NULL, 0}, &d), 0);
    assert_int_equal(recipe_apply(&h, plain, &places, "GET", "", NULL, 0, 0, &d), 0);
    assert_int_equal(h.count, 0);
    recipe_destroy(plain);
}

static void gives_logins_of_streams(void **state) {
    (void)state;
    static const struct {
        const char *json;
        bool token;
    } cases[] = {
        {"{\"kind\":\"sasl-plain\",\"user\":\"j\xc3\xb6"
         "e\",\"password\":{\"secret\":\"s\"}}",
         false},
        {"{\"kind\":\"xoauth2\",\"user\":\"j\xc3\xb6"
         "e\",\"token\":{\"secret\":\"s\"}}",
         true},
    };
    for (size_t i = 0; i < 2; i++) {
        recipe *r = make_recipe(cases[i].json);
        keel_buf user = KEEL_BUF_INIT;
        secret password;
        bool token = !cases[i].token;
        diag d = {0};
        set_secret("s", "hunter2\n", 8);
        assert_int_equal(recipe_login(r, &places, &user, &password, &token, &d), 0);
        assert_string_equal(user.data, "j\xc3\xb6"
                                       "e");
        assert_int_equal(token, cases[i].token);
        is_secret(&password, "hunter2");
        keel_buf_free(&user);
        recipe_destroy(r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(takes_each_kind, recipe_enter, recipe_leave),
        cmocka_unit_test_setup_teardown(refuses_the_rest_and_says_why, recipe_enter, recipe_leave),
        cmocka_unit_test_setup_teardown(adds_what_each_kind_adds, recipe_enter, recipe_leave),
        cmocka_unit_test_setup_teardown(refuses_secrets_that_no_header_carries, recipe_enter,
                                        recipe_leave),
        cmocka_unit_test_setup_teardown(tells_what_is_missing_or_does_not_fit, recipe_enter,
                                        recipe_leave),
        cmocka_unit_test_setup_teardown(gives_logins_of_streams, recipe_enter, recipe_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
