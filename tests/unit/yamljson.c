#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keel/json.h"
#include "yamltree.h"

static const struct {
    const char *yaml;
    const char *json;
} good[] = {
    {"", "{}"},
    {"b: 1\na: x\n", "{\"a\":\"x\",\"b\":1}"},
    {"[true, false, null, ~, '', \"true\"]", "[true,false,null,\"~\",\"\",\"true\"]"},
    {"[no, yes, on, True, 010, +1, 0x1f, 1_0, .5, 5., 1e, -]",
     "[\"no\",\"yes\",\"on\",\"True\",\"010\",\"+1\",\"0x1f\",\"1_0\",\".5\",\"5.\",\"1e\",\"-\"]"},
    {"[0, -0, -1.50, 1e3, 2.5E-1, 9007199254740992]", "[0,0,-1.5,1000,0.25,9007199254740992]"},
    {"a:\n", "{\"a\":null}"},
    {"{z: [], y: {}, x: [[{}]]}", "{\"x\":[[{}]],\"y\":{},\"z\":[]}"},
    {"a: \"q\\\"\\n\"\n", "{\"a\":\"q\\\"\\n\"}"},
    {"12.50 USD", "\"12.50 USD\""},
    /* RFC 8785 sorts by UTF-16: the pair of U+1F600 comes before U+FB33 */
    {"a: \xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb # a sign with a joiner",
     "{\"a\":\"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb\"}"},
    {"{\xef\xac\xb3: 1, \xf0\x9f\x98\x80: 2}", "{\"\xf0\x9f\x98\x80\":2,\"\xef\xac\xb3\":1}"},
};

static void becomes_canonical_json(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        yaml_tree *t = NULL;
        diag d = {0};
        keel_buf out = KEEL_BUF_INIT;
        keel_json_error e;
        assert_int_equal(yaml_tree_parse(&t, "j", good[i].yaml, strlen(good[i].yaml), &d), 0);
        assert_int_equal(yaml_to_json(t, yaml_tree_root(t), &out, &d), 0);
        assert_string_equal(out.data, good[i].json);
        assert_int_equal(keel_json_check(out.data, out.len, &e), 0);
        keel_buf_free(&out);
        yaml_tree_destroy(t);
    }
}

static void refuses_numbers_out_of_range(void **state) {
    (void)state;
    static const struct {
        const char *yaml;
        int line, column;
    } bad[] = {{"a: 1\nb: [9007199254740993]\n", 2, 5},
               {"a: {b: -90071992547409931}\n", 1, 8},
               {"x: 1e999\n", 1, 4}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        yaml_tree *t = NULL;
        diag d = {0};
        keel_buf out = KEEL_BUF_INIT;
        keel_buf_puts(&out, "kept");
        assert_int_equal(yaml_tree_parse(&t, "j.yaml", bad[i].yaml, strlen(bad[i].yaml), &d), 0);
        assert_int_equal(yaml_to_json(t, yaml_tree_root(t), &out, &d), DIAG_USAGE);
        assert_int_equal(d.line, bad[i].line);
        assert_int_equal(d.column, bad[i].column);
        assert_non_null(strstr(d.next, "Quote it"));
        assert_string_equal(out.data, "kept");
        keel_buf_free(&out);
        yaml_tree_destroy(t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(becomes_canonical_json),
        cmocka_unit_test(refuses_numbers_out_of_range),
    };
    return cmocka_run_group_tests_name("yamljson", tests, NULL, NULL);
}
