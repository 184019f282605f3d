/* Bytes of a terminal as keys: what is a key, and above all what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "keel/buf.h"
#include "keys.h"

static const char *const names[] = {
    [KEY_ENTER] = "enter",
    [KEY_ESCAPE] = "esc",
    [KEY_TAB] = "tab",
    [KEY_BACK_TAB] = "backtab",
    [KEY_UP] = "up",
    [KEY_DOWN] = "down",
    [KEY_PAGE_UP] = "pageup",
    [KEY_PAGE_DOWN] = "pagedown",
    [KEY_HOME] = "home",
    [KEY_END] = "end",
    [KEY_BACKSPACE] = "backspace",
    [KEY_CLEAR] = "clear",
    [KEY_REDRAW] = "redraw",
};

static void tell(keel_buf *out, const key *k) {
    keel_buf_puts(out, out->len ? " " : "");
    if (k->code == KEY_TEXT || k->code == KEY_PASTE) {
        keel_buf_printf(out, "%s%s", k->code == KEY_PASTE ? "p:" : "", k->text);
    } else {
        keel_buf_puts(out, names[k->code]);
    }
}

/* Feeds bytes with `gap_ms` between any two, and says which keys came. */
static void type(const char *bytes, size_t len, int64_t gap_ms, keel_buf *out) {
    keys k;
    key one;
    int64_t now = 1000;
    keys_begin(&k);
    keel_buf_puts(out, "");
    for (size_t i = 0; i < len; i++, now += gap_ms) {
        if (keys_idle(&k, now, &one)) {
            tell(out, &one);
        }
        if (keys_feed(&k, (unsigned char)bytes[i], now, &one)) {
            tell(out, &one);
        }
    }
    if (keys_idle(&k, now + 60000, &one)) {
        tell(out, &one);
    }
}

static const struct {
    const char *name, *bytes, *fast;
} cases[] = {
    {"letters", "aA ?", "a A   ?"},
    {"a letter beyond ASCII", "\xc3\xa9", "\xc3\xa9"},
    {"one cut short",
     "\xc3"
     "A",
     "A"},
    {"no UTF-8 at all",
     "\xff\xfe"
     "a",
     "a"},
    {"an overlong letter A", "\xc1\x81", ""},
    {"a mark that turns the text", "\xe2\x80\xae", ""},
    {"enter, both ways", "\r\n", "enter enter"},
    {"tab and back", "\t\033[Z", "tab backtab"},
    {"arrows", "\033[A\033[B\033OA\033OB", "up down up down"},
    {"pages", "\033[5~\033[6~", "pageup pagedown"},
    {"home and end, each way", "\033[H\033[F\033[1~\033[4~\033OH\033OF",
     "home end home end home end"},
    {"erasing", "\x7f\x08\x15", "backspace backspace clear"},
    {"draw again", "\x0c", "redraw"},
    {"Ctrl-A is not A", "\x01", ""},
    {"left and right are none", "\033[C\033[D", ""},
    {"an arrow with Shift", "\033[1;2A", ""},
    {"F1 to F5", "\033OP\033[11~\033[[A\033[15~", ""},
    {"Alt and a key", "\033a\033A\033q", ""},
    {"two ESC", "\033\033[A", "esc up"},
    {"a colour", "\033[38;5;120m", ""},
    {"very long parameters", "\033[1;2;3;4;5;6;7;8;9;10;11;12;13;14A", ""},
    {"where the cursor is", "\033[24;80R", ""},
    {"what the terminal is", "\033[?64;1;2;6;22c", ""},
    {"a mouse", "\033[<0;10;20M\033[<0;10;20m", ""},
    {"focus in and out", "\033[I\033[O", ""},
    {"a title, with the letter A", "\033]0;A\007", ""},
    {"the same with the other end", "\033]0;AAA\033\\", ""},
    {"a device string", "\033PA$rA\033\\", ""},
    {"a private message", "\033^A\033\\\033_A\033\\\033XA\033\\", ""},
    {"8-bit sequences",
     "\x9b"
     "A\x8f"
     "B",
     "up down"},
    {"a sequence that a control breaks off",
     "\033[1\x01"
     "5~",
     "5 ~"},
    {"a paste", "\033[200~aA\n\033[201~", "p:a p:A"},
    {"a paste that ends itself", "\033[200~x\033[201~A", "p:x p:A"},
    {"and goes on with an arrow", "\033[200~x\033[201~\033[A\r", "p:x"},
    {"a paste with sequences", "\033[200~\033[A\033[2\033[201~", "p:A"},
    {"a paste with an end in pieces", "\033[200~\033[20\033[201~", ""},
    {"an end without a paste", "\033[201~A", "p:A"},
};

static void what_comes_is_a_key_or_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        keel_buf got = KEEL_BUF_INIT;
        type(cases[i].bytes, strlen(cases[i].bytes), 0, &got);
        if (strcmp(got.data, cases[i].fast) != 0) {
            fail_msg("%s: \"%s\", not \"%s\"", cases[i].name, got.data, cases[i].fast);
        }
        keel_buf_free(&got);
    }
}

/* The line may be slow: the A of an arrow that comes late approves nothing. */
static void a_slow_line_makes_no_keys_of_sequences(void **state) {
    (void)state;
    static const int64_t gaps[] = {0, 10, 49, 50, 51, 200, 900};
    static const char *const sequences[] = {"\033[A", "\033OA", "\033[1;5A", "\033[5~",
                                            "\033[1;2a"};
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++) {
        for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
            keel_buf got = KEEL_BUF_INIT;
            type(sequences[i], strlen(sequences[i]), gaps[g], &got);
            if (strchr(got.data, 'A') || strchr(got.data, 'O') || strchr(got.data, '[') ||
                strchr(got.data, '~') || strchr(got.data, '5')) {
                fail_msg("%zu with gaps of %d ms: %s", i, (int)gaps[g], got.data);
            }
            keel_buf_free(&got);
        }
    }
}

static void an_esc_alone_is_the_key(void **state) {
    (void)state;
    keys k;
    key one;
    keys_begin(&k);
    assert_int_equal(keys_wait_ms(&k), -1);
    assert_false(keys_feed(&k, 0x1b, 100, &one));
    assert_int_equal(keys_wait_ms(&k), 50);
    assert_false(keys_idle(&k, 149, &one));
    assert_true(keys_idle(&k, 150, &one));
    assert_int_equal(one.code, KEY_ESCAPE);
    assert_true(keys_feed(&k, 'q', 151, &one));
    assert_int_equal(one.code, KEY_TEXT);
}

/* Whatever comes in between two bytes, nothing of a paste is a key, until it has ended for a while. */
static void a_paste_stays_a_paste(void **state) {
    (void)state;
    static const char bytes[] = "\033[200~aAq\r\n\tyes\033]0;A\007 A\x9b"
                                "A\033[201~AAq\r";
    keys k;
    key one;
    int64_t now = 0;
    keys_begin(&k);
    for (size_t i = 0; i < sizeof bytes - 1; i++, now += 30) {
        if (keys_feed(&k, (unsigned char)bytes[i], now, &one)) {
            assert_int_equal(one.code, KEY_PASTE);
        }
        assert_false(keys_idle(&k, now + 20, &one));
    }
    assert_true(keys_feed(&k, 'A', now + 200, &one));
    assert_int_equal(one.code, KEY_TEXT);
}

/* Any bytes, at any pace: no crash, and never a character that does something to a terminal. */
static void random_bytes_are_harmless(void **state) {
    (void)state;
    uint32_t seed = 7;
    keys k;
    key one;
    keys_begin(&k);
    int64_t now = 0;
    for (int i = 0; i < 300000; i++) {
        seed = seed * 1664525 + 1013904223;
        static const unsigned char likely[] = "\033[]O~0125;PA\007\\";
        unsigned char byte = (seed >> 28) < 9 ? likely[(seed >> 8) % (sizeof likely - 1)]
                                              : (unsigned char)(seed >> 16);
        bool came = keys_feed(&k, byte, now, &one);
        if (came && (one.code == KEY_TEXT || one.code == KEY_PASTE)) {
            assert_in_range(strlen(one.text), 1, 4);
            assert_true((unsigned char)one.text[0] >= 0x20 && one.text[0] != 0x7f);
        }
        now += (seed >> 5) % 40;
        (void)keys_idle(&k, now, &one);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_is_a_key_or_nothing),
        cmocka_unit_test(a_slow_line_makes_no_keys_of_sequences),
        cmocka_unit_test(an_esc_alone_is_the_key),
        cmocka_unit_test(a_paste_stays_a_paste),
        cmocka_unit_test(random_bytes_are_harmless),
    };
    return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
