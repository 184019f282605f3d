/* A line of a file with a caret: the caret stands below the character that is meant, whatever stands
 * before it, and a long line is cut around it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pointer.h"

#define A20 "aaaaaaaaaaaaaaaaaaaa"
#define B20 "bbbbbbbbbbbbbbbbbbbb"

static const struct {
    const char *text;
    int line, column;
    size_t width;
    const char *shown;
} rows[] = {
    {"version: 2\n", 1, 10, 80, "    1 │ version: 2\n      │          ^\n"},
    {"a\nb: c", 2, 4, 80, "    2 │ b: c\n      │    ^\n"},
    {"a\r\nb: c\r\n", 2, 1, 80, "    2 │ b: c\n      │ ^\n"},
    {"a\rb: c\r", 2, 4, 80, "    2 │ b: c\n      │    ^\n"},
    /* behind the end of a line, and of the file */
    {"rules:\n", 1, 7, 80, "    1 │ rules:\n      │       ^\n"},
    {"rules:", 1, 99, 80, "    1 │ rules:\n      │       ^\n"},
    {"a\n", 2, 1, 80, "    2 │ \n      │ ^\n"},
    {"", 1, 1, 80, "    1 │ \n      │ ^\n"},
    /* a byte order mark is no column */
    {"\xef\xbb\xbfx: y\n", 1, 4, 80, "    1 │ x: y\n      │    ^\n"},
    /* characters that are wide, narrow, or written otherwise */
    {"größe: x\n", 1, 8, 80, "    1 │ größe: x\n      │        ^\n"},
    {"日本: x\n", 1, 5, 80, "    1 │ 日本: x\n      │       ^\n"},
    {"\tx: y\n", 1, 2, 80, "    1 │     x: y\n      │     ^\n"},
    {"\x1b[31m: y\n", 1, 8, 80, "    1 │ \\u{1b}[31m: y\n      │             ^\n"},
    {"\xff: y\n", 1, 4, 80, "    1 │ \\x{ff}: y\n      │         ^\n"},
    /* there is no such place */
    {"a\n", 3, 1, 80, ""},
    {"a\n", 0, 0, 80, ""},
    {"a\n", 1, 0, 80, ""},
    /* a long line: 20 columns are left to it here */
    {A20 "\n", 1, 20, 28, "    1 │ " A20 "\n      │                    ^\n"},
    {A20 B20 "\n", 1, 1, 28, "    1 │ aaaaaaaaaaaaaaaaaaa…\n      │ ^\n"},
    {A20 B20 "\n", 1, 40, 28, "    1 │ …bbbbbbbbbbb\n      │            ^\n"},
    {A20 "X" A20 "\n", 1, 21, 28, "    1 │ …aaaaaaaaaaXaaaaaaa…\n      │            ^\n"},
};

static void the_caret_stands_below(void **state) {
    (void)state;
    int failed = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        term t = {true, false, rows[i].width};
        keel_buf out = KEEL_BUF_INIT;
        keel_buf_puts(&out, "");
        pointer_lines(&out, rows[i].text, strlen(rows[i].text), rows[i].line, rows[i].column, &t);
        if (strcmp(out.data, rows[i].shown) != 0) {
            print_error("%zu: wanted\n%sgot\n%s", i, rows[i].shown, out.data);
            failed++;
        }
        keel_buf_free(&out);
    }
    assert_int_equal(failed, 0);
}

static void colour_only_where_it_is_seen(void **state) {
    (void)state;
    term t = {true, true, 80};
    keel_buf out = KEEL_BUF_INIT;
    pointer_lines(&out, "a", 1, 1, 1, &t);
    assert_string_equal(out.data, "    1 │ a\n      │ \033[31m^\033[0m\n");
    keel_buf_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_caret_stands_below),
        cmocka_unit_test(colour_only_where_it_is_seen),
    };
    return cmocka_run_group_tests_name("cli_pointer", tests, NULL, NULL);
}
