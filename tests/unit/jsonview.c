#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "keel/json.h"

static keel_json view(const char *text) {
    keel_json_error err;
    if (keel_json_check(text, strlen(text), &err) < 0) {
        fail_msg("%s: %s", text, err.message);
    }
    return keel_json_view(text, strlen(text));
}

static void same(keel_json v, const char *text) {
    assert_int_equal(v.len, strlen(text));
    assert_memory_equal(v.data, text, v.len);
}

/* ---- views ---- */

static void types(void **state) {
    (void)state;
    static const struct {
        const char *text;
        keel_json_type type;
    } cases[] = {
        {"null", KEEL_JSON_NULL}, {"true", KEEL_JSON_BOOL}, {"false", KEEL_JSON_BOOL},
        {"-1", KEEL_JSON_NUMBER}, {"0", KEEL_JSON_NUMBER},  {"\"\"", KEEL_JSON_STRING},
        {"[1]", KEEL_JSON_ARRAY}, {"{}", KEEL_JSON_OBJECT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(keel_json_typeof(view(cases[i].text)), cases[i].type);
    }
    assert_int_equal(keel_json_typeof((keel_json){NULL, 0}), KEEL_JSON_NONE);
    assert_true(keel_json_true(view("true")));
    assert_false(keel_json_true(view("false")));
    assert_false(keel_json_true((keel_json){NULL, 0}));
}

static const char sample[] =
    "{\"\":0,\"a\":{\"b\":{\"c\":\"deep\"},\"x\":[]},\"a\\\"b\":1,\"aa\":\"}],{\\\"\","
    "\"list\":[1,\"two\",{\"k\":[3]},[],null],\"long key that does not fit a word\":7,"
    "\"\xc3\xa9\":\"e\"}";

static void finds_members(void **state) {
    (void)state;
    static const struct {
        const char *key;
        const char *value; /* NULL: not there */
    } cases[] = {
        {"", "0"},
        {"a", "{\"b\":{\"c\":\"deep\"},\"x\":[]}"},
        {"a\"b", "1"},
        {"a\\\"b", NULL},
        {"aa", "\"}],{\\\"\""},
        {"list", "[1,\"two\",{\"k\":[3]},[],null]"},
        {"long key that does not fit a word", "7"},
        {"long key that does not fit a worD", NULL},
        {"\xc3\xa9", "\"e\""},
        {"b", NULL},
        {"lis", NULL},
        {"lists", NULL},
    };
    keel_json v = view(sample);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        keel_json found = keel_json_get(v, cases[i].key);
        if (cases[i].value) {
            same(found, cases[i].value);
        } else {
            assert_null(found.data);
        }
    }
    same(keel_json_path(v, "a.b.c"), "\"deep\"");
    same(keel_json_path(v, "a.x"), "[]");
    assert_null(keel_json_path(v, "a.b.c.d").data);
    assert_null(keel_json_path(v, "list.k").data);
    assert_null(keel_json_get((keel_json){NULL, 0}, "a").data);
    assert_null(keel_json_get(view("[\"a\",1]"), "a").data);
}

static void walks(void **state) {
    (void)state;
    static const char *const items[] = {"1", "\"two\"", "{\"k\":[3]}", "[]", "null"};
    size_t n = 0;
    for (keel_json_iter it = keel_json_each(keel_json_get(view(sample), "list"));
         keel_json_next(&it);) {
        assert_null(it.key.data);
        same(it.value, items[n++]);
    }
    assert_int_equal(n, 5);
    static const char *const keys[] = {"", "a", "a\"b", "aa", "list"};
    n = 0;
    for (keel_json_iter it = keel_json_each(view(sample)); keel_json_next(&it) && n < 5;) {
        assert_true(keel_json_is(it.key, keys[n++]));
    }
    assert_int_equal(keel_json_count(view(sample)), 7);
    assert_int_equal(keel_json_count(view("[]")), 0);
    assert_int_equal(keel_json_count(view("{}")), 0);
    assert_int_equal(keel_json_count(view("[[1,2],[3]]")), 2);
    assert_int_equal(keel_json_count(view("\"a,b\"")), 0);
    assert_int_equal(keel_json_count((keel_json){NULL, 0}), 0);
}

static void decodes_text(void **state) {
    (void)state;
    keel_json v = view("\"a\\n\\\"\\\\\\u0001\xe2\x82\xac\\u0000z\"");
    keel_buf out = KEEL_BUF_INIT;
    keel_buf_puts(&out, ">");
    assert_true(keel_json_string(v, &out));
    assert_int_equal(out.len, 11);
    assert_memory_equal(out.data, ">a\n\"\\\x01\xe2\x82\xac\0z", 12);
    assert_false(keel_json_string(view("1"), &out));
    assert_false(keel_json_string((keel_json){NULL, 0}, &out));
    keel_buf_free(&out);

    char small[8];
    assert_int_equal(keel_json_copy(v, small, sizeof small), 10);
    assert_string_equal(small, "a\n\"\\\x01");
    assert_int_equal(keel_json_copy(view("\"abc\""), small, sizeof small), 3);
    assert_string_equal(small, "abc");
    assert_int_equal(keel_json_copy(view("\"1234567\""), small, sizeof small), 7);
    assert_string_equal(small, "1234567");
    assert_int_equal(keel_json_copy(view("\"12345678\""), small, sizeof small), 8);
    assert_string_equal(small, "1234567");
    assert_int_equal(keel_json_copy(view("\"123456\xc3\xa9\""), small, sizeof small), 8);
    assert_string_equal(small, "123456");
    assert_int_equal(keel_json_copy(view("\"abc\""), NULL, 0), 3);
    assert_int_equal(keel_json_copy(view("null"), small, sizeof small), -1);
}

static void compares_text(void **state) {
    (void)state;
    static const struct {
        const char *json;
        const char *text;
        bool equal;
    } cases[] = {
        {"\"abc\"", "abc", true},      {"\"abc\"", "ab", false},
        {"\"abc\"", "abcd", false},    {"\"a\\nb\"", "a\nb", true},
        {"\"a\\nb\"", "a\\nb", false}, {"\"\"", "", true},
        {"\"\\\"\"", "\"", true},      {"\"a\\u0000\"", "a", false},
        {"\"\\u001f\"", "\x1f", true}, {"1", "1", false},
        {"\"\\\\n\"", "\\n", true},    {"\"a\\tb\"", "a\tc", false},
        {"\"a\\tb\"", "a\tbc", false}, {"\"a\\tbc\"", "a\tb", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(keel_json_is(view(cases[i].json), cases[i].text), cases[i].equal);
    }
}

static void integers(void **state) {
    (void)state;
    static const struct {
        const char *json;
        bool good;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-12", true, -12},
        {"9007199254740992", true, 9007199254740992},
        {"-9007199254740992", true, -9007199254740992},
        {"9007199254740994", false, 0},
        {"100000000000000000000", false, 0},
        {"1.5", false, 0},
        {"1e+21", false, 0},
        {"\"9223372036854775807\"", true, INT64_MAX},
        {"\"-9223372036854775808\"", true, INT64_MIN},
        {"\"9223372036854775808\"", false, 0},
        {"\"-9223372036854775809\"", false, 0},
        {"\"99999999999999999999999\"", false, 0},
        {"\"0\"", true, 0},
        {"\"-0\"", false, 0},
        {"\"007\"", false, 0},
        {"\"\"", false, 0},
        {"\"-\"", false, 0},
        {"\"+1\"", false, 0},
        {"\" 1\"", false, 0},
        {"\"1a\"", false, 0},
        {"true", false, 0},
        {"null", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t value = 77;
        if (keel_json_int(view(cases[i].json), &value) != cases[i].good) {
            fail_msg("%s", cases[i].json);
        }
        assert_int_equal(value, cases[i].good ? cases[i].value : 77);
    }
    double d = 0;
    assert_true(keel_json_double(view("-1.5"), &d) && d == -1.5);
    assert_true(keel_json_double(view("1e-7"), &d) && d == 1e-7);
    assert_false(keel_json_double(view("\"1\""), &d));
    assert_false(keel_json_double((keel_json){NULL, 0}, &d));
}

/* ---- writing ---- */

static void writes(void **state) {
    (void)state;
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    keel_json_object(&w);
    keel_json_key(&w, "bytes");
    keel_json_hex(&w, "\x00\xff\x10", 3);
    keel_json_set_int(&w, "edge", 9007199254740992);
    keel_json_set_bool(&w, "good", true);
    keel_json_key(&w, "list");
    keel_json_array(&w);
    keel_json_null(&w);
    keel_json_bool(&w, false);
    keel_json_number(&w, 0.1);
    keel_json_integer(&w, -5);
    keel_json_object(&w);
    keel_json_object_end(&w);
    keel_json_array(&w);
    keel_json_array_end(&w);
    keel_json_text(&w, "a\"b");
    keel_json_array_end(&w);
    keel_json_set_raw(&w, "none", (keel_json){NULL, 0});
    keel_json_set_int(&w, "over", INT64_MIN);
    keel_json_set_raw(&w, "raw", keel_json_view("[1]", 3));
    keel_json_set_text(&w, "text", "t:");
    keel_json_key(&w, "\xf0\x9f\x98\x80");
    keel_json_textn(&w, "a\0b", 3);
    keel_json_set_int(&w, "\xef\xac\xb3", 1);
    keel_json_object_end(&w);
    assert_string_equal(out.data, "{\"bytes\":\"00ff10\",\"edge\":9007199254740992,\"good\":true,"
                                  "\"list\":[null,false,0.1,-5,{},[],\"a\\\"b\"],\"none\":null,"
                                  "\"over\":\"-9223372036854775808\",\"raw\":[1],\"text\":\"t:\","
                                  "\"\xf0\x9f\x98\x80\":\"a\\u0000b\",\"\xef\xac\xb3\":1}");
    assert_int_equal(keel_json_check(out.data, out.len, NULL), 0);
    keel_buf_free(&out);
}

static void bytes_that_are_no_text_are_base64(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        const char *json;
    } cases[] = {
        {"\xff", "{\"$b64\":\"/w==\"}"},
        {"\xff\xfe", "{\"$b64\":\"//4=\"}"},
        {"ab\xff", "{\"$b64\":\"YWL/\"}"},
        {"ab\xff"
         "cde",
         "{\"$b64\":\"YWL/Y2Rl\"}"},
        {"fine", "\"fine\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        keel_buf out = KEEL_BUF_INIT;
        keel_json_writer w;
        keel_json_write(&w, &out);
        keel_json_array(&w);
        keel_json_text(&w, "x");
        keel_json_text(&w, cases[i].bytes);
        keel_json_array_end(&w);
        assert_memory_equal(out.data, "[\"x\",", 5);
        out.data[out.len - 1] = 0;
        assert_string_equal(out.data + 5, cases[i].json);
        keel_buf_free(&out);
    }
}

static void writes_64_levels(void **state) {
    (void)state;
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    for (int i = 0; i < KEEL_JSON_DEPTH; i += 2) {
        keel_json_array(&w);
        keel_json_integer(&w, i);
        keel_json_object(&w);
        keel_json_set_int(&w, "a", i);
        keel_json_key(&w, "b");
    }
    keel_json_null(&w);
    for (int i = 0; i < KEEL_JSON_DEPTH; i += 2) {
        keel_json_object_end(&w);
        keel_json_array_end(&w);
    }
    assert_int_equal(keel_json_check(out.data, out.len, NULL), 0);
    keel_buf_free(&out);
}

static void quotes(void **state) {
    (void)state;
    keel_buf out = KEEL_BUF_INIT;
    keel_buf_puts(&out, "x");
    assert_int_equal(keel_json_quote(&out, "bad \xc3(", 6), -1);
    assert_string_equal(out.data, "x");
    assert_int_equal(keel_json_quote(&out, NULL, 0), 0);
    assert_int_equal(keel_json_quote(&out, "tab\there and a longer tail", 26), 0);
    assert_string_equal(out.data, "x\"\"\"tab\\there and a longer tail\"");
    keel_buf_free(&out);
}

/* Text is looked at eight bytes at a time: each place within the eight must count. */
static void specials_at_every_place(void **state) {
    (void)state;
    static const char *const specials[] = {"\"", "\\", "\n", "\x1f", "\x7f", "\xc3\xa9", " ", "!"};
    for (size_t s = 0; s < sizeof specials / sizeof *specials; s++) {
        for (size_t at = 0; at < 20; at++) {
            char text[32] = "abcdefghijklmnopqrst";
            memcpy(text + at, specials[s], strlen(specials[s]));
            keel_buf quoted = KEEL_BUF_INIT;
            keel_buf object = KEEL_BUF_INIT;
            keel_buf back = KEEL_BUF_INIT;
            assert_int_equal(keel_json_quote(&quoted, text, strlen(text)), 0);
            keel_buf_printf(&object, "{%s:[%s],\"\xef\xbf\xbf\":1}", quoted.data, quoted.data);
            assert_int_equal(keel_json_check(object.data, object.len, NULL), 0);
            keel_json v = keel_json_view(object.data, object.len);
            keel_json list = keel_json_get(v, text);
            assert_int_equal(list.len, quoted.len + 2);
            assert_true(keel_json_string(keel_json_view(quoted.data, quoted.len), &back));
            assert_string_equal(back.data, text);
            same(keel_json_get(v, "\xef\xbf\xbf"), "1");
            text[at] = (char)0x80;
            text[at + 1] = 'x';
            keel_buf_clear(&quoted);
            assert_int_equal(keel_json_quote(&quoted, text, strlen(text)), -1);
            keel_buf_free(&quoted);
            keel_buf_free(&object);
            keel_buf_free(&back);
        }
    }
}

static void orders_keys_by_utf16(void **state) {
    (void)state;
    static const char *const order[] = {
        "",
        "\x01",
        "A",
        "AA",
        "B",
        "a",
        "\xc2\x80",
        "\xc3\xb6",
        "\xe2\x82\xac",
        "\xed\x9f\xbf",
        "\xf0\x90\x80\x80",
        "\xf0\x9f\x98\x80",
        "\xf4\x8f\xbf\xbf",
        "\xee\x80\x80",
        "\xef\xac\xb3",
    };
    int n = (int)(sizeof order / sizeof *order);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            int rc = keel_json_compare_keys(order[i], strlen(order[i]), order[j], strlen(order[j]));
            assert_int_equal((rc > 0) - (rc < 0), (i > j) - (i < j));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types),
        cmocka_unit_test(finds_members),
        cmocka_unit_test(walks),
        cmocka_unit_test(decodes_text),
        cmocka_unit_test(compares_text),
        cmocka_unit_test(integers),
        cmocka_unit_test(writes),
        cmocka_unit_test(bytes_that_are_no_text_are_base64),
        cmocka_unit_test(writes_64_levels),
        cmocka_unit_test(quotes),
        cmocka_unit_test(specials_at_every_place),
        cmocka_unit_test(orders_keys_by_utf16),
    };
    return cmocka_run_group_tests_name("jsonview", tests, NULL, NULL);
}
