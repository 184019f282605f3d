#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "digest.h"

static void is_hex(const digest *d, const char *hex) {
    char text[DIGEST_HEX];
    digest_hex(d, text);
    assert_string_equal(text, hex);
}

/* Expected values are those of Python's hashlib.blake2b(digest_size=32): another implementation. */
static void known_digests(void **state) {
    (void)state;
    assert_int_equal(digest_init(), 0);
    assert_int_equal(digest_init(), 0);
    digest d = digest_of("", 0);
    is_hex(&d, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    d = digest_of("abc", 3);
    is_hex(&d, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    d = digest_of2("a", 1, "bc", 2);
    is_hex(&d, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    d = digest_of2("abc", 3, NULL, 0);
    is_hex(&d, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    uint8_t key[32];
    for (int i = 0; i < 32; i++) {
        key[i] = (uint8_t)i;
    }
    d = digest_keyed(key, "abc", 3);
    is_hex(&d, "d63a32d3e44738d7907f964316c241adaba0abfeabc32349677578a15a203f7f");
}

static void equality(void **state) {
    (void)state;
    digest a = digest_of("a", 1);
    digest b = a;
    assert_true(digest_equal(&a, &b));
    for (int i = 0; i < DIGEST_SIZE * 8; i++) {
        b = a;
        b.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_false(digest_equal(&a, &b));
    }
}

static void hex_there_and_back(void **state) {
    (void)state;
    digest a = digest_of("hex", 3);
    digest b;
    char text[DIGEST_HEX];
    digest_hex(&a, text);
    assert_int_equal(digest_from_hex(&b, text, 64), 0);
    assert_true(digest_equal(&a, &b));
    for (int i = 0; i < 64; i++) {
        text[i] = (char)(text[i] >= 'a' ? text[i] - 'a' + 'A' : text[i]);
    }
    assert_int_equal(digest_from_hex(&b, text, 64), 0);
    assert_true(digest_equal(&a, &b));

    digest kept = b;
    assert_int_equal(digest_from_hex(&b, text, 63), -1);
    assert_int_equal(digest_from_hex(&b, text, 62), -1);
    assert_int_equal(digest_from_hex(&b, "", 0), -1);
    text[10] = 'g';
    assert_int_equal(digest_from_hex(&b, text, 64), -1);
    assert_memory_equal(&b, &kept, sizeof b);
}

static void hex_decodes(void **state) {
    (void)state;
    static const struct {
        const char *hex;
        int result;
        const char *bytes;
    } cases[] = {
        {"", 0, ""},
        {"00ff", 2, "\x00\xff"},
        {"DeadBeef", 4, "\xde\xad\xbe\xef"},
        {"0", -1, ""},
        {"0x", -1, ""},
        {" 0", -1, ""},
        {"0011223344", -1, ""}, /* five bytes into four */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[5] = "~~~~";
        int rc = hex_decode(out, 4, cases[i].hex, strlen(cases[i].hex));
        assert_int_equal(rc, cases[i].result);
        if (rc < 0) {
            assert_string_equal(out, "~~~~");
        } else {
            assert_memory_equal(out, cases[i].bytes, (size_t)rc);
        }
    }
    char text[7];
    hex_encode(text, "\x01\xab\xff", 3);
    assert_string_equal(text, "01abff");
    hex_encode(text, NULL, 0);
    assert_string_equal(text, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_digests),
        cmocka_unit_test(equality),
        cmocka_unit_test(hex_there_and_back),
        cmocka_unit_test(hex_decodes),
    };
    return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
