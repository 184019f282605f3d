#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "keel/json.h"

/* A C string literal with its length, so that a NUL may stand in it. */
#define T(text) text, sizeof text - 1

/* ---- what the reader accepts, and its canonical form ---- */

static const struct accepted {
    const char *text;
    size_t len;
    const char *canonical;
    size_t canonical_len;
} accepted[] = {
    {T("null"), T("null")},
    {T(" true "), T("true")},
    {T("\t\r\n false"), T("false")},
    {T("0"), T("0")},
    {T("-0"), T("0")},
    {T("-0.0"), T("0")},
    {T("0e5"), T("0")},
    {T("-1"), T("-1")},
    {T("1.0"), T("1")},
    {T("10e-1"), T("1")},
    {T("1E+2"), T("100")},
    {T("1e20"), T("100000000000000000000")},
    {T("1e21"), T("1e+21")},
    {T("1E-7"), T("1e-7")},
    {T("0.000001"), T("0.000001")},
    {T("0.1e-400"), T("0")},
    {T("123456789012345"), T("123456789012345")},
    {T("9007199254740992"), T("9007199254740992")},
    {T("-9007199254740991"), T("-9007199254740991")},
    {T("9007199254740993.0"), T("9007199254740992")},
    {T("100000000000000000000"), T("100000000000000000000")},
    {T("0.30000000000000004"), T("0.30000000000000004")},
    {T("0.3000000000000000444089209850062616169452667236328125"), T("0.30000000000000004")},
    {T("2.2250738585072011e-308"), T("2.225073858507201e-308")},
    {T("1e0000000000000000000000000000001"), T("10")},
    {T("0e99999999999999999999"), T("0")},
    {T("1e-99999999999999999999"), T("0")},
    {T("\"\""), T("\"\"")},
    {T("\"a\\/b\""), T("\"a/b\"")},
    {T("\"\\u0041\\u00e9\\u20AC\""), T("\"A\xc3\xa9\xe2\x82\xac\"")},
    {T("\"\\ud83d\\ude00\""), T("\"\xf0\x9f\x98\x80\"")},
    {T("\"\\uDBFF\\uDFFF\""), T("\"\xf4\x8f\xbf\xbf\"")},
    {T("\"\\u0000\\u001F\\u007f\""), T("\"\\u0000\\u001f\x7f\"")},
    {T("\"\\b\\t\\n\\f\\r\\\"\\\\\""), T("\"\\b\\t\\n\\f\\r\\\"\\\\\"")},
    {T("\"\\u0008\\u0009\\u000a\\u000c\\u000d\\u0022\\u005c\""), T("\"\\b\\t\\n\\f\\r\\\"\\\\\"")},
    {T("\"\xef\xbf\xbf\""), T("\"\xef\xbf\xbf\"")},
    {T("\"a longer text without anything special in it\""),
     T("\"a longer text without anything special in it\"")},
    {T("[]"), T("[]")},
    {T("[ ]"), T("[]")},
    {T("[ 1 , \"a\" ,[ ] ]"), T("[1,\"a\",[]]")},
    {T("{}"), T("{}")},
    {T("{ }"), T("{}")},
    {T("{ \"a\" : 1 , \"b\" : 2 }"), T("{\"a\":1,\"b\":2}")},
    {T("{\"b\":{\"d\":1,\"c\":[{\"z\":0,\"y\":0}]},\"a\":2}"),
     T("{\"a\":2,\"b\":{\"c\":[{\"y\":0,\"z\":0}],\"d\":1}}")},
    {T("{\"aa\":1,\"a\":2,\"\":3}"), T("{\"\":3,\"a\":2,\"aa\":1}")},
    {T("{\"\\n\":1,\"\\u0000\":2,\"!\":3}"), T("{\"\\u0000\":2,\"\\n\":1,\"!\":3}")},
    {T("{\"\\\\\":1,\"]\":2,\"[\":3,\"\\\"\":4}"), T("{\"\\\"\":4,\"[\":3,\"\\\\\":1,\"]\":2}")},
};

static void canonicalises(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        const struct accepted *c = &accepted[i];
        keel_json_error err;
        keel_buf out = KEEL_BUF_INIT;
        keel_buf_puts(&out, "before");
        if (keel_json_canonical(&out, c->text, c->len, &err) < 0) {
            fail_msg("%s: %s", c->text, err.message);
        }
        assert_int_equal(out.len, 6 + c->canonical_len);
        assert_memory_equal(out.data + 6, c->canonical, c->canonical_len);
        assert_int_equal(keel_json_check(c->canonical, c->canonical_len, &err), 0);
        bool same = c->len == c->canonical_len && memcmp(c->text, c->canonical, c->len) == 0;
        assert_int_equal(keel_json_check(c->text, c->len, &err), same ? 0 : -1);
        keel_buf_free(&out);
    }
}

/* ---- what the reader refuses, and where ---- */

static const struct refused {
    const char *text;
    size_t len;
    size_t offset;
} refused[] = {
    {T(""), 0},
    {T("  "), 2},
    {T("\xef\xbb\xbf{}"), 0},
    {T("nul"), 0},
    {T("True"), 0},
    {T("NaN"), 0},
    {T("Infinity"), 0},
    {T("-Infinity"), 1},
    {T("undefined"), 0},
    {T("1 2"), 2},
    {T("[] x"), 3},
    {T("{}}"), 2},
    {T("null\0"), 4},
    {T("// no\n1"), 0},
    /* numbers */
    {T("-"), 1},
    {T("+1"), 0},
    {T(".5"), 0},
    {T("01"), 0},
    {T("-01"), 1},
    {T("1."), 2},
    {T("1.e3"), 2},
    {T("1e"), 2},
    {T("1e+"), 3},
    {T("1eE2"), 2},
    {T("0x10"), 1},
    {T("1_000"), 1},
    {T("- 1"), 1},
    {T("1e400"), 0},
    {T("[-1e400]"), 1},
    {T("1e99999999999999999999"), 0},
    {T("9007199254740993"), 0},
    {T("[1, -9007199254740993]"), 4},
    {T("12345678901234567890"), 0},
    /* strings */
    {T("\""), 1},
    {T("\"abc"), 4},
    {T("'a'"), 0},
    {T("\"\n\""), 1},
    {T("\"a\0b\""), 2},
    {T("\"\x1f\""), 1},
    {T("\"\\"), 2},
    {T("\"\\x41\""), 1},
    {T("\"\\a\""), 1},
    {T("\"\\\0\""), 1},
    {T("\"\\u12\""), 1},
    {T("\"\\u12g4\""), 1},
    {T("\"\\U0041\""), 1},
    {T("\"ab\\ud83d\""), 3},
    {T("\"\\ud83d\\u0041\""), 1},
    {T("\"\\ud83dx\""), 1},
    {T("\"\\ud83d\\ud83d\""), 1},
    {T("\"\\ude00\""), 1},
    {T("\"\\ude00\\ud83d\""), 1},
    {T("\"\xed\xa0\xbd\""), 1},     /* a surrogate in UTF-8 */
    {T("\"\xc0\x80\""), 1},         /* overlong NUL */
    {T("\"\xc1\xbf\""), 1},         /* overlong ASCII */
    {T("\"\xe0\x80\xaf\""), 1},     /* overlong, three bytes */
    {T("\"\xf0\x80\x80\xaf\""), 1}, /* overlong, four bytes */
    {T("\"\xf4\x90\x80\x80\""), 1}, /* beyond U+10FFFF */
    {T("\"\xf5\x80\x80\x80\""), 1},
    {T("\"\xff\""), 1},
    {T("\"\x80\""), 1},
    {T("\"ab\xe2\x82\""), 3}, /* cut */
    {T("\"\xe2\x82"), 1},
    {T("\"\xe2\""), 1},
    {T("\"\xf0\x9f\x98\""), 1},
    {T("\"\xc3(\""), 1},
    /* containers */
    {T("["), 1},
    {T("[1"), 2},
    {T("[1,"), 3},
    {T("[1,]"), 3},
    {T("[,1]"), 1},
    {T("[1 2]"), 3},
    {T("[1}"), 2},
    {T("]"), 0},
    {T("[\"a\":1]"), 4},
    {T("{"), 1},
    {T("{1:2}"), 1},
    {T("{a:1}"), 1},
    {T("{\"a\"}"), 4},
    {T("{\"a\":}"), 5},
    {T("{\"a\":1,}"), 7},
    {T("{\"a\":1 \"b\":2}"), 7},
    {T("{\"a\":1]"), 6},
    {T("{\"a\",1}"), 4},
    {T("{\"a\":1"), 6},
    {T("{\"a\":1,\"a\":1}"), 7},
    {T("{\"a\":1,\"b\":2,\"a\":1}"), 13},
    {T("{\"x\":{\"b\":1,\"a\":{},\"\\u0062\":1}}"), 19},
    {T("{\"\\u00e9\":1,\"\xc3\xa9\":1}"), 12},
};

static void refuses_and_says_where(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const struct refused *c = &refused[i];
        keel_buf out = KEEL_BUF_INIT;
        keel_buf_puts(&out, "before");
        keel_json_error err;
        memset(&err, 0, sizeof err);
        if (keel_json_canonical(&out, c->text, c->len, &err) == 0) {
            fail_msg("accepted: %s", c->text);
        }
        if (err.offset != c->offset) {
            fail_msg("%s: %s at %zu, not at %zu", c->text, err.message, err.offset, c->offset);
        }
        assert_true(strlen(err.message) > 10);
        assert_string_equal(out.data, "before");
        assert_int_equal(out.len, 6);
        assert_int_equal(keel_json_check(c->text, c->len, &err), -1);
        assert_true(err.offset <= c->len);
        assert_int_equal(keel_json_check(c->text, c->len, NULL), -1);
        keel_buf_free(&out);
    }
}

/* Whole and right, but not the one form: the check says where it departs. */
static const struct refused not_canonical[] = {
    {T(" 1"), 0},
    {T("1 "), 1},
    {T("[1, 2]"), 3},
    {T("{\"a\": 1}"), 5},
    {T("{\"b\":1,\"a\":2}"), 7},
    {T("{\"\xef\xac\xb3\":1,\"\xf0\x9f\x98\x80\":2}"), 9},
    {T("{\"a\":1,\"\\n\":2}"), 7},
    {T("-0"), 0},
    {T("[1.0]"), 1},
    {T("1.50"), 0},
    {T("1e2"), 0},
    {T("1e21"), 0},
    {T("1E+21"), 0},
    {T("1e-06"), 0},
    {T("0.0000001"), 0},
    {T("-0.0000001"), 0},
    {T("0.10000000000000001"), 0},
    {T("1000000000000000000000"), 0},
    {T("9007199254740993"), 0},
    {T("\"\\u0041\""), 1},
    {T("\"\\/\""), 1},
    {T("\"\\u000a\""), 1},
    {T("\"\\u001F\""), 1},
    {T("\"\\u00e9\""), 1},
    {T("\"\\u0022\""), 1},
};

static void check_wants_the_one_form(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof not_canonical / sizeof *not_canonical; i++) {
        const struct refused *c = &not_canonical[i];
        keel_json_error err = {0, 0, 0, ""};
        assert_int_equal(keel_json_check(c->text, c->len, &err), -1);
        if (err.offset != c->offset) {
            fail_msg("%s: %s at %zu, not at %zu", c->text, err.message, err.offset, c->offset);
        }
    }
}

static void errors_have_line_and_column(void **state) {
    (void)state;
    static const char text[] = "{\n  \"a\": 1,\n  \"b\": 01\n}";
    keel_buf out = KEEL_BUF_INIT;
    keel_json_error err;
    assert_int_equal(keel_json_canonical(&out, text, sizeof text - 1, &err), -1);
    assert_int_equal(err.line, 3);
    assert_int_equal(err.column, 8);
    assert_string_equal(err.message, "a number does not begin with a 0 and more digits");
    assert_int_equal(keel_json_check(T("[1,\"a\"x]"), &err), -1);
    assert_string_equal(err.message, "'x' stands where ',' or ']' should");
    assert_int_equal(keel_json_check(T("[1"), &err), -1);
    assert_string_equal(err.message, "the text ends where ',' or ']' should stand");
    keel_buf_free(&out);
}

static void nest(keel_buf *b, int depth, const char *open, const char *inner, const char *close) {
    keel_buf_clear(b);
    for (int i = 0; i < depth; i++) {
        keel_buf_puts(b, open);
    }
    keel_buf_puts(b, inner);
    for (int i = 0; i < depth; i++) {
        keel_buf_puts(b, close);
    }
}

static void depth_ends_at_64(void **state) {
    (void)state;
    keel_buf in = KEEL_BUF_INIT;
    keel_buf out = KEEL_BUF_INIT;
    keel_json_error err;
    static const char *const forms[][3] = {{"[", "", "]"}, {"{\"a\":", "1", "}"}};
    for (size_t i = 0; i < 2; i++) {
        nest(&in, KEEL_JSON_DEPTH, forms[i][0], forms[i][1], forms[i][2]);
        assert_int_equal(keel_json_check(in.data, in.len, &err), 0);
        assert_int_equal(keel_json_canonical(&out, in.data, in.len, &err), 0);
        nest(&in, KEEL_JSON_DEPTH + 1, forms[i][0], forms[i][1], forms[i][2]);
        assert_int_equal(keel_json_check(in.data, in.len, &err), -1);
        assert_int_equal(err.offset, KEEL_JSON_DEPTH * strlen(forms[i][0]));
        assert_int_equal(keel_json_canonical(&out, in.data, in.len, &err), -1);
    }
    nest(&in, 1000000, "[", "", "");
    assert_int_equal(keel_json_canonical(&out, in.data, in.len, &err), -1);
    assert_int_equal(err.offset, 64);
    keel_buf_free(&in);
    keel_buf_free(&out);
}

/* ---- RFC 8785: the samples of section 3.2, as facts ---- */

static void rfc8785_samples(void **state) {
    (void)state;
    static const char first[] =
        "{\"numbers\": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],"
        " \"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\","
        " \"literals\": [null, true, false]}";
    static const char second[] =
        "{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\\ufb33\":\"Hebrew\","
        "\"1\":\"One\",\"\\ud83d\\ude00\":\"Smiley\",\"\\u0080\":\"Control\",\"\\u00f6\":\"o\"}";
    keel_buf out = KEEL_BUF_INIT;
    assert_int_equal(keel_json_canonical(&out, first, sizeof first - 1, NULL), 0);
    assert_string_equal(out.data, "{\"literals\":[null,true,false],"
                                  "\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
                                  "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
    keel_buf_clear(&out);
    assert_int_equal(keel_json_canonical(&out, second, sizeof second - 1, NULL), 0);
    assert_string_equal(out.data,
                        "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
                        "\"\xc3\xb6\":\"o\",\"\xe2\x82\xac\":\"Euro Sign\","
                        "\"\xf0\x9f\x98\x80\":\"Smiley\",\"\xef\xac\xb3\":\"Hebrew\"}");
    keel_buf_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonicalises),
        cmocka_unit_test(refuses_and_says_where),
        cmocka_unit_test(check_wants_the_one_form),
        cmocka_unit_test(errors_have_line_and_column),
        cmocka_unit_test(depth_ends_at_64),
        cmocka_unit_test(rfc8785_samples),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
