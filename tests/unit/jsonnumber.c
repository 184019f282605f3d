#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keel/json.h"

/* The samples of RFC 8785, appendix B, as facts, and some of our own behind them. */
static const struct printed {
    uint64_t bits;
    const char *text;
} printed[] = {
    {0x0000000000000000, "0"},
    {0x8000000000000000, "0"},
    {0x0000000000000001, "5e-324"},
    {0x8000000000000001, "-5e-324"},
    {0x7fefffffffffffff, "1.7976931348623157e+308"},
    {0xffefffffffffffff, "-1.7976931348623157e+308"},
    {0x4340000000000000, "9007199254740992"},
    {0xc340000000000000, "-9007199254740992"},
    {0x4430000000000000, "295147905179352830000"},
    {0x44b52d02c7e14af5, "9.999999999999997e+22"},
    {0x44b52d02c7e14af6, "1e+23"},
    {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
    {0x444b1ae4d6e2ef4e, "999999999999999700000"},
    {0x444b1ae4d6e2ef4f, "999999999999999900000"},
    {0x444b1ae4d6e2ef50, "1e+21"},
    {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
    {0x3eb0c6f7a0b5ed8d, "0.000001"},
    {0x41b3de4355555553, "333333333.3333332"},
    {0x41b3de4355555554, "333333333.33333325"},
    {0x41b3de4355555555, "333333333.3333333"},
    {0x41b3de4355555556, "333333333.3333334"},
    {0x41b3de4355555557, "333333333.33333343"},
    {0xbecbf647612f3696, "-0.0000033333333333333333"},
    {0x43143ff3c1cb0959, "1424953923781206.2"},
    /* a power of two whose shortest form is not the nearest of its length */
    {0x3d30000000000000, "5.684341886080802e-14"},
    {0x0010000000000000, "2.2250738585072014e-308"},
    {0x000fffffffffffff, "2.225073858507201e-308"},
    {0x4341c37937e08000, "10000000000000000"},
};

static void prints_doubles_as_ecmascript(void **state) {
    (void)state;
    keel_buf out = KEEL_BUF_INIT;
    for (size_t i = 0; i < sizeof printed / sizeof *printed; i++) {
        double v;
        memcpy(&v, &printed[i].bits, sizeof v);
        keel_buf_clear(&out);
        assert_int_equal(keel_json_format_double(&out, v), 0);
        assert_string_equal(out.data, printed[i].text);
        assert_int_equal(keel_json_check(out.data, out.len, NULL), 0);
    }
    keel_buf_clear(&out);
    assert_int_equal(keel_json_format_double(&out, NAN), -1);
    assert_int_equal(keel_json_format_double(&out, -INFINITY), -1);
    assert_int_equal(out.len, 0);
    keel_buf_free(&out);
}

/* Reads back, and no decimal with one digit less does. */
static void random_doubles_are_shortest(void **state) {
    (void)state;
    uint64_t x = 88172645463325252u;
    keel_buf out = KEEL_BUF_INIT;
    for (int i = 0; i < 20000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        double v;
        memcpy(&v, &x, sizeof v);
        keel_buf_clear(&out);
        if (keel_json_format_double(&out, v) < 0) {
            continue;
        }
        double back = 0;
        assert_true(keel_json_double(keel_json_view(out.data, out.len), &back));
        assert_true(back == v);
        assert_int_equal(keel_json_check(out.data, out.len, NULL), 0);
        size_t mantissa = strcspn(out.data, "e");
        int digits = 0;
        for (size_t k = 0; k < mantissa; k++) {
            digits += out.data[k] >= '0' && out.data[k] <= '9';
        }
        char shorter[64];
        snprintf(shorter, sizeof shorter, "%.*e", digits > 1 ? digits - 2 : 0, v);
        assert_true(mantissa == out.len || digits == 1 || strtod(shorter, NULL) != v);
    }
    keel_buf_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_doubles_as_ecmascript),
        cmocka_unit_test(random_doubles_are_shortest),
    };
    return cmocka_run_group_tests_name("jsonnumber", tests, NULL, NULL);
}
