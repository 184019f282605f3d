#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "keel/buf.h"

static void appends_and_consumes(void **state) {
    (void)state;
    keel_buf b = KEEL_BUF_INIT;
    for (int i = 0; i < 1000; i++) {
        keel_buf_printf(&b, "%d,", i);
    }
    assert_int_equal(b.len, 3890);
    assert_int_equal(b.data[b.len], 0);
    keel_buf_consume(&b, 3886);
    assert_string_equal(b.data, "999,");
    keel_buf_clear(&b);
    assert_int_equal(b.len, 0);
    keel_buf_free(&b);
}

static void keeps_nul_bytes(void **state) {
    (void)state;
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_append(&b, "a\0b", 3);
    keel_buf_append(&b, NULL, 0);
    assert_int_equal(b.len, 3);
    assert_memory_equal(b.data, "a\0b", 4);
    keel_buf_free(&b);
}

static void urls_hold_any_text(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        const char *want;
    } table[] = {
        {"AZaz09-._~", 10, "AZaz09-._~"},
        {"a b/c?d#e&f=g+h%i", 17, "a%20b%2Fc%3Fd%23e%26f%3Dg%2Bh%25i"},
        {"\xc3\xa9\xff", 3, "%C3%A9%FF"},
        {"\0\n", 2, "%00%0A"},
        {"..", 2, ".."},
        {"", 0, "x="},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        keel_buf b = KEEL_BUF_INIT;
        keel_buf_puts(&b, table[i].len ? "" : "x=");
        keel_buf_url(&b, table[i].text, table[i].len);
        assert_string_equal(b.data, table[i].want);
        keel_buf_free(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_and_consumes),
        cmocka_unit_test(keeps_nul_bytes),
        cmocka_unit_test(urls_hold_any_text),
    };
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
