#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keel/json.h"
#include "table.h"
#include "term.h"
#include "text.h"
#include "words.h"

#define TEXT(s) s, sizeof s - 1

/* ---- escaping ---- */

static const struct {
    const char *name;
    const char *text;
    size_t len;
    const char *shown;
} lines[] = {
    {"plain", TEXT("Dear Ann, 3 > 2"), "Dear Ann, 3 > 2"},
    {"empty", TEXT(""), ""},
    {"umlauts and dashes", TEXT("Köln – „gut“"), "Köln – „gut“"},
    {"an emoji with its colour mark", TEXT("❤️"), "❤️"},
    {"line break and tab", TEXT("a\nb\tc\r"), "a\\nb\\tc\\u{d}"},
    {"NUL", TEXT("a\0b"), "a\\u{0}b"},
    {"colour sequence", TEXT("\033[31mred\033[0m"), "\\u{1b}[31mred\\u{1b}[0m"},
    {"C1 control",
     TEXT("\xc2\x9b"
          "31m"),
     "\\u{9b}31m"},
    {"backspaces", TEXT("ok\b\bno"), "ok\\u{8}\\u{8}no"},
    {"override of direction",
     TEXT("a\xe2\x80\xae"
          "b"),
     "a\\u{202e}b"},
    {"isolate", TEXT("\xe2\x81\xa6x\xe2\x81\xa9"), "\\u{2066}x\\u{2069}"},
    {"zero width", TEXT("pay\xe2\x80\x8bpal"), "pay\\u{200b}pal"},
    {"tag characters", TEXT("\xf3\xa0\x81\x81\xf3\xa0\x81\x82"), "\\u{e0041}\\u{e0042}"},
    {"soft hyphen",
     TEXT("a\xc2\xad"
          "b"),
     "a\\u{ad}b"},
    {"line separator",
     TEXT("a\xe2\x80\xa8"
          "b"),
     "a\\u{2028}b"},
    {"colour mark without a symbol", TEXT("a\xef\xb8\x8f"), "a\\u{fe0f}"},
    {"a heap of colour marks", TEXT("\xe2\x9d\xa4\xef\xb8\x8f\xef\xb8\x8f"), "❤️\\u{fe0f}"},
    {"variation selector", TEXT("a\xf3\xa0\x84\x80"), "a\\u{e0100}"},
    {"byte order mark", TEXT("\xef\xbb\xbfx"), "\\u{feff}x"},
    {"private use", TEXT("\xee\x80\x80"), "\\u{e000}"},
    {"filler", TEXT("\xe3\x85\xa4"), "\\u{3164}"},
    {"no UTF-8",
     TEXT("a\xff\xfe"
          "b"),
     "a\\x{ff}\\x{fe}b"},
    {"a cut character", TEXT("a\xe2\x82"), "a\\x{e2}\\x{82}"},
    {"overlong", TEXT("\xc0\xaf"), "\\x{c0}\\x{af}"},
    {"surrogate", TEXT("\xed\xa0\x80"), "\\x{ed}\\x{a0}\\x{80}"},
    {"beyond Unicode", TEXT("\xf4\x90\x80\x80"), "\\x{f4}\\x{90}\\x{80}\\x{80}"},
    {"an escape that is text", TEXT("\\u{1b}"), "\\u{5c}u{1b}"},
    {"a byte escape that is text", TEXT("\\x{ff}"), "\\u{5c}x{ff}"},
    {"a backslash before a control", TEXT("\\\033"), "\\\\u{1b}"},
    {"two backslashes", TEXT("\\\\m"), "\\\\m"},
    {"a line break that is text", TEXT("\\n"), "\\u{5c}n"},
    {"a blank that is no space", TEXT("a\xc2\xa0"), "a\\u{a0}"},
    {"four marks on a letter", TEXT("a\xcc\x81\xcc\x81\xcc\x81\xcc\x81"),
     "a\xcc\x81\xcc\x81\xcc\x81\xcc\x81"},
    {"five marks on a letter", TEXT("a\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81"),
     "a\xcc\x81\xcc\x81\xcc\x81\xcc\x81\\u{301}"},
};

static void escapes_to_one_meaning(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        keel_buf out = KEEL_BUF_INIT;
        keel_buf_puts(&out, "");
        text_line(&out, lines[i].text, lines[i].len);
        if (strcmp(out.data, lines[i].shown) != 0) {
            fail_msg("%s: %s", lines[i].name, out.data);
        }
        keel_buf_free(&out);
    }
}

static void a_tab_becomes_spaces_in_longer_text(void **state) {
    (void)state;
    keel_buf out = KEEL_BUF_INIT;
    text_escape(&out, TEXT("a\tb"));
    assert_string_equal(out.data, "a    b");
    keel_buf_free(&out);
}

static void no_two_lines_look_alike(void **state) {
    (void)state;
    static const struct {
        const char *text, *shown;
    } exact[] = {{"a\tb", "a\\u{9}b"},
                 {"a ", "a\\u{20}"},
                 {"a  ", "a \\u{20}"},
                 {" a", " a"},
                 {"a\\n", "a\\n"},
                 {"a\xe3\x80\x80", "a\\u{3000}"},
                 {"a\\u{9}", "a\\u{5c}u{9}"},
                 {" ", "\\u{20}"},
                 {"", ""}};
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
        keel_buf out = KEEL_BUF_INIT;
        text_exact(&out, exact[i].text, strlen(exact[i].text));
        assert_string_equal(out.data, exact[i].shown);
        keel_buf_free(&out);
    }
}

static void printed_json_is_the_same_json(void **state) {
    (void)state;
    static const char json[] = "{\"a\":\"x\xe2\x80\xaey\xc2\x9b\xf3\xa0\x81\x81\x7f\xc3\xa9\"}\n";
    keel_buf out = KEEL_BUF_INIT, back = KEEL_BUF_INIT;
    text_json(&out, json, sizeof json - 1);
    assert_string_equal(out.data, "{\"a\":\"x\\u202ey\\u009b\\udb40\\udc41\\u007f\xc3\xa9\"}\n");
    assert_int_equal(keel_json_canonical(&back, out.data, out.len - 1, NULL), 0);
    assert_memory_equal(back.data, json, back.len);
    assert_int_equal(back.len, sizeof json - 2);
    keel_buf_free(&out);
    keel_buf_free(&back);
}

/* ---- widths ---- */

static const struct {
    const char *text;
    size_t width, fits_in_4;
} widths[] = {
    {"", 0, 0},       {"abc", 3, 3},   {"abcde", 5, 4}, {"Köln", 4, 5},
    {"日本語", 6, 6}, {"a日本", 5, 4}, {"é́", 1, 4},     {"\xf0\x9f\x98\x80xyz", 5, 6},
};

static void counts_columns(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        const char *t = widths[i].text;
        assert_int_equal(text_width(t, strlen(t)), widths[i].width);
        assert_int_equal(text_fit(t, strlen(t), 4), widths[i].fits_in_4);
    }
}

/* ---- numbers ---- */

typedef void number_text(keel_buf *out, int64_t n);

static void money_usd(keel_buf *out, int64_t n) {
    text_money(out, n, "USD");
}

static const struct {
    number_text *show;
    int64_t n;
    const char *text;
} numbers[] = {
    {text_count, 0, "0"},
    {text_count, 999, "999"},
    {text_count, 1000, "1,000"},
    {text_count, -1234567, "-1,234,567"},
    {text_count, INT64_MIN, "-9,223,372,036,854,775,808"},
    {money_usd, 0, "0.00 USD"},
    {money_usd, 2000, "0.002 USD"},
    {money_usd, 12500000, "12.50 USD"},
    {money_usd, -1, "-0.000001 USD"},
    {money_usd, 1234567890000, "1,234,567.89 USD"},
    {text_span, -5, "0 ms"},
    {text_span, 250000, "250 ms"},
    {text_span, 12000000, "12 s"},
    {text_span, 90000000, "1 min 30 s"},
    {text_span, 11520000000, "3 h 12 min"},
    {text_span, 172800000000, "2 d"},
};

static void shows_numbers(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        keel_buf out = KEEL_BUF_INIT;
        numbers[i].show(&out, numbers[i].n);
        assert_string_equal(out.data, numbers[i].text);
        keel_buf_free(&out);
    }
}

static const struct {
    const char *text;
    bool good;
    int64_t n;
} words_of_numbers[] = {
    {"0", true, 0},
    {"42", true, 42},
    {"9223372036854775807", true, INT64_MAX},
    {"9223372036854775808", false, 0},
    {"", false, 0},
    {"-1", false, 0},
    {"1x", false, 0},
    {" 1", false, 0},
    {"0x10", false, 0},
};

static void reads_numbers(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof words_of_numbers / sizeof *words_of_numbers; i++) {
        int64_t n = 0;
        assert_int_equal(text_number(words_of_numbers[i].text, &n), words_of_numbers[i].good);
        assert_int_equal(n, words_of_numbers[i].n);
    }
}

/* ---- six words ---- */

static void all_words_differ(void **state) {
    (void)state;
    for (size_t i = 0; i < 256; i++) {
        size_t len = strlen(words_list[i]);
        assert_in_range(len, 3, 8);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(words_list[i], words_list[j]);
        }
    }
}

static void six_words_of_a_digest(void **state) {
    (void)state;
    keel_buf out = KEEL_BUF_INIT;
    assert_true(words_from_hex(&out, "0001ff80fe7f99"));
    keel_buf words = KEEL_BUF_INIT;
    static const int at[] = {0x00, 0x01, 0xff, 0x80, 0xfe, 0x7f};
    for (size_t i = 0; i < 6; i++) {
        keel_buf_printf(&words, "%s%s", i ? " " : "", words_list[at[i]]);
    }
    assert_string_equal(out.data, words.data);
    keel_buf_clear(&out);
    assert_false(words_from_hex(&out, "0001ff80fe"));
    assert_false(words_from_hex(&out, "0001ff80fezz"));
    assert_int_equal(out.len, 0);
    keel_buf_free(&out);
    keel_buf_free(&words);
}

/* ---- tables ---- */

static const column columns[] = {
    {"NO", "number", COLUMN_INT},    {"STATE", "state", COLUMN_STATE},
    {"WHAT", "what", COLUMN_TEXT},   {"TOOK", "took_us", COLUMN_SPAN},
    {"MONEY", "cost", COLUMN_MONEY}, {NULL, "args", COLUMN_JSON},
    {"SHOWN", NULL, COLUMN_TEXT},
};
#define COLUMNS (sizeof columns / sizeof *columns)

static table *two_rows(void) {
    table *t = table_create(columns, COLUMNS);
    const char *a[COLUMNS] = {"1",         "done", "to: ann@example.org", "250000", "2000",
                              "{\"a\":1}", "x"};
    const char *b[COLUMNS] = {"1200", "unknown", "ev\033il\n", NULL, NULL, NULL, NULL};
    table_row(t, a);
    table_row(t, b);
    return t;
}

static void a_table_for_people(void **state) {
    (void)state;
    term plain = {.terminal = false};
    table *t = two_rows();
    keel_buf out = KEEL_BUF_INIT;
    table_text(t, &plain, &out);
    assert_string_equal(out.data, "   NO  STATE    WHAT                 TOOK    MONEY  SHOWN\n"
                                  "    1  done     to: ann@example.org  250 ms  0.002  x\n"
                                  "1,200  unknown  ev\\u{1b}il\\n\n");
    keel_buf_free(&out);
    table_destroy(t);
}

static void a_table_fits_its_terminal(void **state) {
    (void)state;
    term narrow = {.terminal = true, .width = 50};
    table *t = two_rows();
    keel_buf out = KEEL_BUF_INIT;
    table_text(t, &narrow, &out);
    for (char *line = strtok(out.data, "\n"); line; line = strtok(NULL, "\n")) {
        assert_true(text_width(line, strlen(line)) <= 50);
    }
    keel_buf_free(&out);
    table_destroy(t);
}

static void colour_only_where_asked(void **state) {
    (void)state;
    term colour = {.terminal = true, .colour = true, .width = 100};
    table *t = two_rows();
    keel_buf out = KEEL_BUF_INIT;
    table_text(t, &colour, &out);
    assert_non_null(strstr(out.data, "\033[32mdone\033[0m"));
    assert_null(strstr(out.data, "ev\033il"));
    keel_buf_free(&out);
    table_destroy(t);
}

static void a_table_as_json(void **state) {
    (void)state;
    table *t = two_rows();
    keel_buf out = KEEL_BUF_INIT;
    table_json(t, &out);
    assert_string_equal(out.data,
                        "{\"args\":{\"a\":1},\"cost\":\"2000\",\"number\":1,\"state\":\"done\","
                        "\"took_us\":250000,\"what\":\"to: ann@example.org\"}\n"
                        "{\"number\":1200,\"state\":\"unknown\",\"what\":\"ev\\u001bil\\n\"}\n");
    keel_buf_free(&out);
    table_destroy(t);
}

static void nothing_is_printed_of_an_empty_table(void **state) {
    (void)state;
    term plain = {.terminal = false};
    table *t = table_create(columns, COLUMNS);
    keel_buf out = KEEL_BUF_INIT;
    table_text(t, &plain, &out);
    table_json(t, &out);
    assert_int_equal(out.len, 0);
    table_destroy(t);
}

static void no_color_is_honoured(void **state) {
    (void)state;
    setenv("NO_COLOR", "1", 1);
    assert_false(term_of(1).colour);
    unsetenv("NO_COLOR");
    setenv("TERM", "dumb", 1);
    assert_false(term_of(1).colour);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_to_one_meaning),
        cmocka_unit_test(a_tab_becomes_spaces_in_longer_text),
        cmocka_unit_test(no_two_lines_look_alike),
        cmocka_unit_test(printed_json_is_the_same_json),
        cmocka_unit_test(counts_columns),
        cmocka_unit_test(shows_numbers),
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(all_words_differ),
        cmocka_unit_test(six_words_of_a_digest),
        cmocka_unit_test(a_table_for_people),
        cmocka_unit_test(a_table_fits_its_terminal),
        cmocka_unit_test(colour_only_where_asked),
        cmocka_unit_test(a_table_as_json),
        cmocka_unit_test(nothing_is_printed_of_an_empty_table),
        cmocka_unit_test(no_color_is_honoured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
