#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "yamltree.h"

#define TEXT(s) s, sizeof s - 1

static const struct {
    const char *name;
    const char *text;
    size_t len;
    int line, column;
    const char *says; /* part of the message */
} bad[] = {
    {"anchor", TEXT("a: 1\nb: &x [1]\n"), 2, 4, "anchor"},
    {"anchor on a scalar", TEXT("a: &x 1\n"), 1, 4, "anchor"},
    {"alias", TEXT("a: 1\nb: *x\n"), 2, 4, "alias"},
    {"alias as a key", TEXT("*x : 1\n"), 1, 1, "alias"},
    {"a pattern without quotes", TEXT("a: 1\nb: *.*.x\n"), 2, 4, "alias"},
    {"alias bomb", TEXT("a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: [*b,*b,*b]\n"), 1, 4, "anchor"},
    {"a list in itself", TEXT("&a [*a]"), 1, 1, "anchor"},
    {"local tag", TEXT("a: !x 1\n"), 1, 4, "tag"},
    {"core tag", TEXT("a: !!str 1\n"), 1, 4, "tag"},
    {"plain mark", TEXT("a: ! 1\n"), 1, 4, "tag"},
    {"undefined handle", TEXT("a: !e!x 1\n"), 1, 4, "tag"},
    {"tag on a map", TEXT("!!map {a: 1}\n"), 1, 1, "tag"},
    {"version directive", TEXT("%YAML 1.1\n---\na: 1\n"), 1, 1, "directive"},
    {"tag directive", TEXT("%TAG ! tag:x,1:\n---\na: 1\n"), 1, 1, "directive"},
    {"unknown directive", TEXT("%FOO bar\n---\na: 1\n"), 1, 1, "directive"},
    {"duplicate key", TEXT("a: 1\nb: 2\na: 3\n"), 3, 1, "already at line 1"},
    {"duplicate key, quoted", TEXT("{a: 1, \"a\": 2}"), 1, 8, "already at line 1"},
    {"duplicate key, nested", TEXT("x:\n  - {b: 1, c: 2, b: 3}\n"), 2, 18, "already at line 2"},
    {"merge key", TEXT("a: 1\n<<: {b: 1}\n"), 2, 1, "merge"},
    {"list as key", TEXT("? [a, b]\n: 1\n"), 1, 3, "key must be a word"},
    {"map as key", TEXT("{{a: 1}: 2}"), 1, 2, "key must be a word"},
    {"empty key", TEXT("{a: 1, \"\": 2}"), 1, 8, "key is empty"},
    {"two documents", TEXT("a: 1\n---\nb: 2\n"), 2, 1, "second document"},
    {"text behind the end", TEXT("a: 1\n...\nb: 2\n"), 3, 1, "already ended"},
    {"NUL", TEXT("a: 1\nb: x\0y\n"), 2, 5, "NUL"},
    {"NUL by escape", TEXT("a: \"x\\0y\"\n"), 1, 4, "NUL"},
    {"escape character", TEXT("a: \x1b[31m\n"), 1, 4, "U+001B"},
    {"next-line character", TEXT("a: x\xc2\x85y\n"), 1, 5, "U+0085"},
    {"line separator", TEXT("a: x\xe2\x80\xa8y\n"), 1, 5, "U+2028"},
    {"right-to-left override", TEXT("a: \xe2\x80\xaegpj\n"), 1, 4, "U+202E"},
    {"zero-width space", TEXT("a: x\xe2\x80\x8by\n"), 1, 5, "U+200B"},
    {"soft hyphen", TEXT("a: x\xc2\xady\n"), 1, 5, "U+00AD"},
    {"tag character", TEXT("a: \xf3\xa0\x81\x81\n"), 1, 4, "U+E0041"},
    {"joiner in a word", TEXT("a: x\xe2\x80\x8dy\n"), 1, 5, "U+200D"},
    {"lone byte", TEXT("a: \xff\n"), 1, 4, "0xff is not UTF-8"},
    {"cut character", TEXT("a: \xc3"), 1, 4, "not UTF-8"},
    {"overlong", TEXT("a: \xc0\xaf\n"), 1, 4, "not UTF-8"},
    {"surrogate", TEXT("a: \xed\xa0\x80\n"), 1, 4, "not UTF-8"},
    {"beyond Unicode", TEXT("a: \xf4\x90\x80\x80\n"), 1, 4, "not UTF-8"},
    {"columns count characters", TEXT("\xc3\xa4\xc3\xb6: \xff\n"), 1, 5, "not UTF-8"},
    {"UTF-16",
     TEXT("\xff\xfe"
          "a\0:\0"),
     1, 1, "not UTF-8"},
    {"tab as indentation", TEXT("a:\n\tb: 1\n"), 2, 1, "tab"},
    {"tab after spaces", TEXT("a:\n  b: 1\n  \tc: 2\n"), 3, 3, "tab"},
    {"unterminated double quote", TEXT("a: 1\nb: \"x\nc: 2\n"), 2, 4, "never closed"},
    {"unterminated single quote", TEXT("b: 'x\n"), 1, 4, "never closed"},
    {"unterminated list", TEXT("a: [1, 2\n"), 1, 4, "not closed"},
    {"unterminated map", TEXT("a: {b: 1\n"), 1, 4, "not closed"},
    {"list that ends at once", TEXT("a: [\n"), 2, 1, "value is missing"},
    {"missing comma", TEXT("a: [\"x\" \"y\"]\n"), 1, 4, "lacks a comma"},
    {"colon in a value", TEXT("a: b: c\n"), 1, 5, "colon"},
    {"key without colon", TEXT("a: 1\nb\nc: 2\n"), 2, 1, "without its colon"},
    {"out of line", TEXT("a:\n    b: 1\n  c: 2\n"), 3, 3, "line up"},
    {"list beside its key", TEXT("a: - b\n"), 1, 4, "dash"},
    {"reserved character", TEXT("a: @home\n"), 1, 4, "cannot begin"},
    {"reserved behind other letters", TEXT("\xc3\xa4: `x`\n"), 1, 4, "cannot begin"},
    {"unknown escape", TEXT("a: \"\\q\"\n"), 1, 4, "escape"},
};

static void refuses_with_place(void **state) {
    (void)state;
    int failed = 0;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        yaml_tree *t = NULL;
        diag d = {0};
        int rc = yaml_tree_parse(&t, "p.yaml", bad[i].text, bad[i].len, &d);
        if (rc != DIAG_USAGE || d.line != bad[i].line || d.column != bad[i].column ||
            !strstr(d.what, bad[i].says) || !d.next[0] || strcmp(d.file, "p.yaml") != 0 || t) {
            print_error("%s: %d at %d:%d: %s\n", bad[i].name, rc, d.line, d.column, d.what);
            failed++;
        }
    }
    assert_int_equal(failed, 0);
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* libyaml alone takes seconds on these. */
static void refuses_bombs_quickly(void **state) {
    (void)state;
    static const struct {
        const char *piece;
        size_t times;
        int line, column;
        const char *says;
    } bombs[] = {
        {"[", 40000, 1, 33, "32 levels"},
        {"{a: ", 40000, 1, 129, "32 levels"},
        {"- ", 40000, 1, 65, "32 levels"},
        {"? ", 40000, 1, 3, "key must be a word"},
        {"[\n", 40000, 33, 1, "32 levels"},
        {"- x\n", 30000, 20000, 3, "20000 values"},
        {"- [] \n", 30000, 20000, 3, "20000 values"},
        {"a", 300000, 0, 0, "limit is 262144"},
    };
    for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++) {
        keel_buf text = KEEL_BUF_INIT;
        for (size_t k = 0; k < bombs[i].times; k++) {
            keel_buf_puts(&text, bombs[i].piece);
        }
        yaml_tree *t = NULL;
        diag d = {0};
        double from = seconds();
        int rc = yaml_tree_parse(&t, "b", text.data, text.len, &d);
        double took = seconds() - from;
        if (rc != DIAG_USAGE || !strstr(d.what, bombs[i].says) || d.line != bombs[i].line ||
            d.column != bombs[i].column || took > 1.0) {
            fail_msg("%s: %d at %d:%d: %s (%.2f s)", bombs[i].piece, rc, d.line, d.column, d.what,
                     took);
        }
        keel_buf_free(&text);
    }
}

static void reads_a_tree(void **state) {
    (void)state;
    yaml_tree *t = NULL;
    diag d = {0};
    static const char text[] = "\xef\xbb\xbf" /* a byte order mark takes no column */
                               "plain: no # comment\n"
                               "quoted: \"no\"\n"
                               "list:\n"
                               "  - one\n"
                               "  - {x: 1}\n"
                               "block: |\n"
                               "  two\n"
                               "  lines\n";
    assert_int_equal(yaml_tree_parse(&t, "p.yaml", text, sizeof text - 1, &d), 0);
    const yaml_node *root = yaml_tree_root(t);
    assert_int_equal(root->kind, YAML_MAP);
    assert_int_equal(root->count, 4);
    const yaml_node *plain = yaml_get(root, "plain");
    assert_string_equal(plain->text, "no");
    assert_false(plain->quoted);
    assert_int_equal(plain->line, 1);
    assert_int_equal(plain->column, 8);
    assert_true(yaml_get(root, "quoted")->quoted);
    const yaml_node *list = yaml_get(root, "list");
    assert_int_equal(list->kind, YAML_LIST);
    assert_string_equal(list->items[0]->text, "one");
    assert_string_equal(yaml_get(list->items[1], "x")->text, "1");
    assert_int_equal(list->items[1]->line, 5);
    assert_int_equal(list->items[1]->column, 5);
    assert_string_equal(yaml_get(root, "block")->text, "two\nlines\n");
    assert_null(yaml_get(root, "none"));
    assert_null(yaml_get(plain, "x"));
    assert_null(yaml_get(NULL, "x"));
    yaml_tree_destroy(t);
}

static void empty_is_an_empty_map(void **state) {
    (void)state;
    static const char *const texts[] = {"", "\n", "# only a comment\n", "---\n", "---\n...\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        yaml_tree *t = NULL;
        assert_int_equal(yaml_tree_parse(&t, "e", texts[i], strlen(texts[i]), NULL), 0);
        assert_int_equal(yaml_tree_root(t)->kind, YAML_MAP);
        assert_int_equal(yaml_tree_root(t)->count, 0);
        yaml_tree_destroy(t);
    }
    yaml_tree *t = NULL;
    assert_int_equal(yaml_tree_parse(&t, "e", NULL, 0, NULL), 0);
    yaml_tree_destroy(t);
    yaml_tree_destroy(NULL);
}

static void depth_32_is_accepted(void **state) {
    (void)state;
    char text[65];
    memset(text, '[', 32);
    memset(text + 32, ']', 32);
    yaml_tree *t = NULL;
    assert_int_equal(yaml_tree_parse(&t, "d", text, 64, NULL), 0);
    yaml_tree_destroy(t);
}

/* ---- scalars ---- */

static const yaml_node *scalar_of(yaml_tree **t, const char *value) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_printf(&text, "v: %s\n", value);
    assert_int_equal(yaml_tree_parse(t, "s", text.data, text.len, NULL), 0);
    keel_buf_free(&text);
    return yaml_get(yaml_tree_root(*t), "v");
}

static void booleans_are_true_and_false_only(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int want; /* -1: none */
    } cases[] = {{"true", 1},  {"false", 0}, {"no", -1},       {"yes", -1}, {"on", -1},
                 {"True", -1}, {"1", -1},    {"\"true\"", -1}, {"[]", -1},  {"", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yaml_tree *t = NULL;
        bool b = false;
        bool ok = yaml_bool(scalar_of(&t, cases[i].text), &b);
        if (ok != (cases[i].want >= 0) || (ok && b != (cases[i].want == 1))) {
            fail_msg("%s", cases[i].text);
        }
        yaml_tree_destroy(t);
    }
    assert_false(yaml_bool(NULL, NULL));
}

static void integers(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t want;
    } cases[] = {
        {"0", true, 0},
        {"-7", true, -7},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"010", false, 0},
        {"+1", false, 0},
        {"1.0", false, 0},
        {"\"1\"", false, 0},
        {"1_000", false, 0},
        {"0x10", false, 0},
        {"[1]", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yaml_tree *t = NULL;
        int64_t v = 99;
        if (yaml_int(scalar_of(&t, cases[i].text), &v) != cases[i].ok ||
            v != (cases[i].ok ? cases[i].want : 99)) {
            fail_msg("%s", cases[i].text);
        }
        yaml_tree_destroy(t);
    }
}

static void durations(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t want;
    } cases[] = {
        {"250ms", true, 250000},   {"30s", true, 30000000},    {"5m", true, 300000000},
        {"4h", true, 14400000000}, {"7d", true, 604800000000}, {"0s", true, 0},
        {"30", false, 0},          {"1.5h", false, 0},         {"-1s", false, 0},
        {"1 s", false, 0},         {"1w", false, 0},           {"9223372036854775807d", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yaml_tree *t = NULL;
        int64_t v = 0;
        if (yaml_duration_us(scalar_of(&t, cases[i].text), &v) != cases[i].ok ||
            (cases[i].ok && v != cases[i].want)) {
            fail_msg("%s", cases[i].text);
        }
        yaml_tree_destroy(t);
    }
}

static void money(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t micros;
        const char *currency;
    } cases[] = {
        {"12.50 USD", true, 12500000, "USD"},
        {"100 EUR", true, 100000000, "EUR"},
        {"0.000001 USD", true, 1, "USD"},
        {"-3.5 EUR", true, -3500000, "EUR"},
        {"\"1 CHF\"", true, 1000000, "CHF"},
        {"9223372036854.775807 USD", true, INT64_MAX, "USD"},
        {"9223372036854.775808 USD", false, 0, ""},
        {"0.0000001 USD", false, 0, ""},
        {"12.50", false, 0, ""},
        {"12.50USD", false, 0, ""},
        {"12.50 usd", false, 0, ""},
        {"12.50 EURO", false, 0, ""},
        {"12. USD", false, 0, ""},
        {"1,000 USD", false, 0, ""},
        {"USD", false, 0, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yaml_tree *t = NULL;
        int64_t micros = 0;
        char currency[4] = "";
        if (yaml_money(scalar_of(&t, cases[i].text), &micros, currency) != cases[i].ok ||
            micros != cases[i].micros || strcmp(currency, cases[i].currency) != 0) {
            fail_msg("%s: %lld %s", cases[i].text, (long long)micros, currency);
        }
        yaml_tree_destroy(t);
    }
}

/* ---- messages ---- */

static void names_the_nearest_word(void **state) {
    (void)state;
    static const char *const words[] = {"rules", "budgets", "lists", "defaults", NULL};
    static const struct {
        const char *word, *want;
    } cases[] = {{"rule", "rules"},  {"buddgets", "budgets"}, {"Lists", "lists"},
                 {"lsits", "lists"}, {"xyz", NULL},           {"default", "defaults"},
                 {"", NULL},         {"rules", "rules"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = did_you_mean(cases[i].word, words);
        if ((got != NULL) != (cases[i].want != NULL) || (got && strcmp(got, cases[i].want) != 0)) {
            fail_msg("%s: %s", cases[i].word, got ? got : "nothing");
        }
    }
}

static void unknown_keys_are_refused(void **state) {
    (void)state;
    static const char *const known[] = {"rules", "lists", NULL};
    yaml_tree *t = NULL;
    diag d = {0};
    static const char text[] = "lists: {}\n\nrulse: []\n";
    assert_int_equal(yaml_tree_parse(&t, "k.yaml", text, sizeof text - 1, &d), 0);
    assert_int_equal(yaml_known_keys(t, yaml_tree_root(t), known, &d), DIAG_USAGE);
    assert_int_equal(d.line, 3);
    assert_int_equal(d.column, 1);
    assert_string_equal(d.next, "Did you mean \"rules\"?");
    yaml_tree_destroy(t);
    static const char far[] = "\"z\\e[1m\": 1\n";
    assert_int_equal(yaml_tree_parse(&t, "k.yaml", far, sizeof far - 1, &d), 0);
    assert_int_equal(yaml_known_keys(t, yaml_tree_root(t), known, &d), DIAG_USAGE);
    assert_string_equal(d.next, "Known here: rules, lists.");
    assert_null(strchr(d.what, 0x1b));
    yaml_tree_destroy(t);
}

static void loads_files(void **state) {
    (void)state;
    char path[] = "/tmp/yamltree-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a: [1\n", 6), 6);
    close(fd);
    yaml_tree *t = NULL;
    diag d = {0};
    assert_int_equal(yaml_tree_load(&t, path, &d), DIAG_USAGE);
    assert_string_equal(d.file, path);
    assert_int_equal(d.line, 1);
    unlink(path);
    assert_int_equal(yaml_tree_load(&t, path, &d), DIAG_NOT_FOUND);
    assert_int_equal(yaml_tree_load(&t, "/", &d), DIAG_USAGE);
    assert_non_null(strstr(d.what, "regular file"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_with_place),
        cmocka_unit_test(refuses_bombs_quickly),
        cmocka_unit_test(reads_a_tree),
        cmocka_unit_test(empty_is_an_empty_map),
        cmocka_unit_test(depth_32_is_accepted),
        cmocka_unit_test(booleans_are_true_and_false_only),
        cmocka_unit_test(integers),
        cmocka_unit_test(durations),
        cmocka_unit_test(money),
        cmocka_unit_test(names_the_nearest_word),
        cmocka_unit_test(unknown_keys_are_refused),
        cmocka_unit_test(loads_files),
    };
    return cmocka_run_group_tests_name("yamltree", tests, NULL, NULL);
}
