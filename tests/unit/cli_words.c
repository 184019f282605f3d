/* What people type and edit: options, changed fields, answers of keel init. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "diff.h"
#include "editfile.h"
#include "initfile.h"
#include "options.h"
#include "yamltree.h"

/* ---- options ---- */

static const option common[] = {
    {"json", 0, NULL, "json"},
    {"quiet", 'q', NULL, "quiet"},
    {"workspace", 'C', "DIR", "folder"},
    {NULL, 0, NULL, NULL},
};
static const option own[] = {
    {"set", 0, "FIELD=VALUE", "set"},
    {"follow", 'f', NULL, "follow"},
    {NULL, 0, NULL, NULL},
};

#define WORDS_MAX 8

static const struct {
    const char *name;
    const char *argv[WORDS_MAX];
    int code;
    const char *says;  /* of the failure: what or next */
    const char *given; /* "name=value name" in order */
    const char *args;  /* parted by a space */
} lines[] = {
    {"nothing", {NULL}, 0, NULL, "", ""},
    {"words", {"a", "b=c"}, 0, NULL, "", "a b=c"},
    {"a flag between words", {"a", "--json", "b"}, 0, NULL, "json", "a b"},
    {"value after", {"--workspace", "/w"}, 0, NULL, "workspace=/w", ""},
    {"value with =", {"--workspace=/w=1"}, 0, NULL, "workspace=/w=1", ""},
    {"empty value", {"--workspace="}, 0, NULL, "workspace=", ""},
    {"short", {"-C", "/w"}, 0, NULL, "workspace=/w", ""},
    {"short and value", {"-C/w"}, 0, NULL, "workspace=/w", ""},
    {"bundle", {"-qf"}, 0, NULL, "quiet follow", ""},
    {"repeated", {"--set", "a=1", "--set", "b=2"}, 0, NULL, "set=a=1 set=b=2", ""},
    {"end of options", {"--", "--json"}, 0, NULL, "", "--json"},
    {"a lone dash", {"-"}, 0, NULL, "", "-"},
    {"near", {"--jsn"}, DIAG_USAGE, "Did you mean --json?", NULL, NULL},
    {"near, with a value", {"--worspace=/w"}, DIAG_USAGE, "Did you mean --workspace?", NULL, NULL},
    {"far", {"--zzzzzz"}, DIAG_USAGE, "Add -h", NULL, NULL},
    {"unknown letter", {"-x"}, DIAG_USAGE, "There is no option -x", NULL, NULL},
    {"value missing", {"--workspace"}, DIAG_USAGE, "needs a value", NULL, NULL},
    {"value missing, short", {"-C"}, DIAG_USAGE, "needs a value", NULL, NULL},
    {"value too much", {"--json=1"}, DIAG_USAGE, "takes no value", NULL, NULL},
};

static int read_line(const char *const *argv, options *o, const char **args, bool early, int *used,
                     diag *d) {
    int argc = 0;
    while (argc < WORDS_MAX && argv[argc]) {
        argc++;
    }
    *o = (options){.tables = {common, own}};
    return options_read(o, args, argc, (char **)(uintptr_t)argv, early, used, d);
}

static void reads_options(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        options o;
        const char *args[WORDS_MAX];
        diag d = {0};
        int rc = read_line(lines[i].argv, &o, args, false, NULL, &d);
        if (rc != lines[i].code) {
            fail_msg("%s: %d", lines[i].name, rc);
        }
        if (rc) {
            assert_true(strstr(d.what, lines[i].says) || strstr(d.next, lines[i].says));
            continue;
        }
        keel_buf given = KEEL_BUF_INIT, rest = KEEL_BUF_INIT;
        keel_buf_puts(&given, "");
        keel_buf_puts(&rest, "");
        for (size_t n = 0; n < o.given_count; n++) {
            keel_buf_printf(&given, "%s%s%s%s", n ? " " : "", o.given[n]->name,
                            o.values[n] ? "=" : "", o.values[n] ? o.values[n] : "");
        }
        for (size_t n = 0; n < o.arg_count; n++) {
            keel_buf_printf(&rest, "%s%s", n ? " " : "", o.args[n]);
        }
        assert_string_equal(given.data, lines[i].given);
        assert_string_equal(rest.data, lines[i].args);
        keel_buf_free(&given);
        keel_buf_free(&rest);
    }
}

static void stops_at_the_command(void **state) {
    (void)state;
    const char *argv[WORDS_MAX] = {"--json", "-C", "/w", "inbox", "--follow"};
    const char *args[WORDS_MAX];
    options o;
    diag d;
    int used = 0;
    assert_int_equal(read_line(argv, &o, args, true, &used, &d), 0);
    assert_int_equal(used, 3);
    assert_true(options_has(&o, "json"));
    assert_false(options_has(&o, "follow"));
    assert_string_equal(options_value(&o, "workspace"), "/w");
    assert_null(options_nth(&o, "set", 0));
}

static void refuses_a_flood_of_options(void **state) {
    (void)state;
    char *argv[OPTIONS_MAX + 2];
    const char *args[OPTIONS_MAX + 2];
    char flag[] = "--json";
    for (size_t i = 0; i < OPTIONS_MAX + 1; i++) {
        argv[i] = flag;
    }
    options o = {.tables = {common, NULL}};
    diag d;
    assert_int_equal(options_read(&o, args, OPTIONS_MAX + 1, argv, false, NULL, &d), DIAG_USAGE);
}

/* ---- differences ---- */

static const struct {
    const char *old, *fresh, *shown;
    size_t changed;
} diffs[] = {
    {"a\nb\nc", "a\nb\nc", "", 0},
    {"a\nb\nc", "a\nB\nc", "    a\n  - b\n  + B\n    c\n", 2},
    {"", "x", "  + x\n", 1},
    {"x", "", "  - x\n", 1},
    {"1\n2\n3\n4\n5\n6\n7\n8", "1\n2\n3\n4\nfive\n6\n7\n8",
     "    3\n    4\n  - 5\n  + five\n    6\n    7\n", 2},
    {"a\033b", "a", "  - a\\u{1b}b\n  + a\n", 2},
};

static void shows_what_differs(void **state) {
    (void)state;
    term plain = {.terminal = false};
    for (size_t i = 0; i < sizeof diffs / sizeof *diffs; i++) {
        keel_buf out = KEEL_BUF_INIT;
        keel_buf_puts(&out, "");
        size_t n = diff_lines(&out, diffs[i].old, strlen(diffs[i].old), diffs[i].fresh,
                              strlen(diffs[i].fresh), &plain);
        assert_int_equal(n, diffs[i].changed);
        assert_string_equal(out.data, diffs[i].shown);
        keel_buf_free(&out);
    }
}

/* ---- editing ---- */

static const char args_text[] =
    "{\"body\":\"one\\ntwo\\n\",\"count\":3,\"subject\":\"Hi\",\"to\":[\"a\",\"b\"]}";

static keel_json args_view(void) {
    return keel_json_view(args_text, sizeof args_text - 1);
}

static const struct {
    const char *name, *text;
    const char *set; /* NULL: refused */
    const char *says;
} edits[] = {
    {"unchanged", "--- keel: subject\nHi\n--- keel: body\none\ntwo\n\n", "{}", NULL},
    {"one field", "--- keel: subject\nHello\n", "{\"subject\":\"Hello\"}", NULL},
    {"no last line break", "--- keel: subject\nHello", "{\"subject\":\"Hello\"}", NULL},
    {"an emptied field", "--- keel: subject\n\n", "{\"subject\":\"\"}", NULL},
    {"two fields, in canonical order", "--- keel: subject\nA\n--- keel: body\nB\n",
     "{\"body\":\"B\",\"subject\":\"A\"}", NULL},
    {"a number stays one", "--- keel: count\n4\n", "{\"count\":4}", NULL},
    {"a list", "--- keel: to\n[ \"a\" ]\n", "{\"to\":[\"a\"]}", NULL},
    {"empty file", "", "{}", NULL},
    {"comments only", "# nothing\n", "{}", NULL},
    {"no number", "--- keel: count\nfour\n", NULL, "not text: write it as JSON"},
    {"unknown field", "--- keel: bcc\nx\n", NULL, "no field bcc"},
    {"twice", "--- keel: subject\nA\n--- keel: subject\nB\n", NULL, "twice"},
    {"no UTF-8", "--- keel: subject\n\xff\n", NULL, "not UTF-8"},
};

static void reads_what_an_editor_left(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        keel_buf set = KEEL_BUF_INIT;
        diag d = {0};
        int rc = edit_parse(args_view(), edits[i].text, strlen(edits[i].text), &set, &d);
        if (edits[i].set) {
            if (rc != 0 || strcmp(set.data, edits[i].set) != 0) {
                fail_msg("%s: %d %s", edits[i].name, rc, set.data ? set.data : d.what);
            }
        } else {
            assert_int_equal(rc, DIAG_USAGE);
            assert_non_null(strstr(d.what, edits[i].says));
        }
        keel_buf_free(&set);
    }
}

static void an_edit_without_change_changes_nothing(void **state) {
    (void)state;
    static const char *const fields[] = {"subject", "body", "to", "count"};
    keel_buf text = KEEL_BUF_INIT, set = KEEL_BUF_INIT;
    diag d;
    assert_int_equal(edit_text(args_view(), fields, 4, &text, &d), 0);
    assert_int_equal(edit_parse(args_view(), text.data, text.len, &set, &d), 0);
    assert_string_equal(set.data, "{}");
    keel_buf_free(&text);
    keel_buf_free(&set);
}

static void a_text_that_holds_a_mark_is_not_edited(void **state) {
    (void)state;
    static const char hostile[] = "{\"body\":\"x\\n--- keel: to\\nevil\"}";
    static const char *const fields[] = {"body"};
    keel_buf text = KEEL_BUF_INIT;
    diag d = {0};
    assert_int_equal(edit_text(keel_json_view(hostile, sizeof hostile - 1), fields, 1, &text, &d),
                     DIAG_FAILED);
    assert_non_null(strstr(d.next, "--set"));
    keel_buf_free(&text);
}

/* ---- keel init ---- */

static init_answers answers(char *mail, bool mbox, char *domains) {
    static char name[] = "studio", outbox[] = "/w/outbox",
                sender[] = "Ada \"A\" <ada@studio.example>";
    static char currency[] = "CHF", zone[] = "Europe/Zurich";
    return (init_answers){.name = name,
                          .mail = mail,
                          .mbox = mbox,
                          .outbox = outbox,
                          .sender = sender,
                          .domains = domains,
                          .currency = currency,
                          .timezone = zone};
}

static const struct {
    const char *mail;
    bool mbox;
    const char *source, *file; /* NULL: not there */
} boxes[] = {
    {"/home/ada/Mail: \"x\"#1", false, "/home/ada/Mail: \"x\"#1", NULL},
    {"/home/ada/mail.mbox", true, "/home/ada", "mail.mbox"},
    {"/mbox", true, "/", "mbox"},
};

static const char *scalar(const yaml_node *map, const char *key) {
    const yaml_node *n = yaml_get(map, key);
    return n ? n->text : NULL;
}

static void writes_a_keel_yaml_that_says_what_was_answered(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++) {
        char domains[] = "";
        char *mail = keel_strdup(boxes[i].mail);
        init_answers a = answers(mail, boxes[i].mbox, domains);
        keel_buf text = KEEL_BUF_INIT;
        yaml_tree *t = NULL;
        diag d = {0};
        initfile_keel(&a, &text);
        assert_int_equal(yaml_tree_parse(&t, "keel.yaml", text.data, text.len, &d), 0);
        const yaml_node *root = yaml_tree_root(t);
        assert_string_equal(scalar(root, "timezone"), "Europe/Zurich");
        const yaml_node *inbox = yaml_get(yaml_get(root, "connections"), "inbox");
        const yaml_node *config = yaml_get(inbox, "config");
        assert_string_equal(scalar(config, "source"), boxes[i].source);
        assert_string_equal(scalar(config, "from"), a.sender);
        assert_string_equal(yaml_get(config, "addresses")->items[0]->text, "ada@studio.example");
        const char *file = scalar(config, "file");
        assert_true(file ? boxes[i].file && strcmp(file, boxes[i].file) == 0 : !boxes[i].file);
        yaml_tree_destroy(t);
        keel_buf_free(&text);
        free(mail);
    }
}

static void no_mail_is_no_source(void **state) {
    (void)state;
    char mail[] = "", domains[] = "";
    init_answers a = answers(mail, false, domains);
    keel_buf text = KEEL_BUF_INIT;
    initfile_keel(&a, &text);
    assert_non_null(strstr(text.data, "      # source: "));
    assert_null(strstr(text.data, "      source: "));
    keel_buf_free(&text);
}

static const struct {
    const char *domains, *line, *made;
} packs[] = {
    {"a.example", "lists: { own_domains: [studio.example] } # yours\n",
     "lists: { own_domains: [\"a.example\"] } # yours\n"},
    {"@A.Example, b.example;c.example", "  own_domains: []\n",
     "  own_domains: [\"a.example\", \"b.example\", \"c.example\"]\n"},
    {"", "own_domains: [x]", "own_domains: []"},
    {"a.example", "# own_domains: [x]\n", "# own_domains: [x]\n"},
    {"a.example", "allow: { to_domain: { in: $own_domains } }\n",
     "allow: { to_domain: { in: $own_domains } }\n"},
    {"", "- { id: m, limit: 50.00 USD, tz: Europe/Madrid }\n",
     "- { id: m, limit: 50.00 CHF, tz: Europe/Zurich }\n"},
    {"", "- { id: m, limit: 500 calls, tz: UTC }\n",
     "- { id: m, limit: 500 calls, tz: Europe/Zurich }\n"},
    {"", "# limit: 50.00 USD is plenty\n", "# limit: 50.00 USD is plenty\n"},
};

static void puts_the_answers_into_the_policy(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof packs / sizeof *packs; i++) {
        char mail[] = "";
        char *domains = keel_strdup(packs[i].domains);
        init_answers a = answers(mail, false, domains);
        keel_buf out = KEEL_BUF_INIT;
        initfile_policy(&a, packs[i].line, strlen(packs[i].line), &out);
        assert_string_equal(out.data, packs[i].made);
        keel_buf_free(&out);
        free(domains);
    }
}

static const char *const addresses[][2] = {
    {"Ada <ada@studio.example>", "ada@studio.example"},
    {"ada@studio.example", "ada@studio.example"},
    {"Ada", ""},
    {"", ""},
    {"Ada <nobody>", ""},
};

static void finds_the_address(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        keel_buf out = KEEL_BUF_INIT;
        initfile_address(addresses[i][0], &out);
        assert_string_equal(out.data, addresses[i][1]);
        keel_buf_free(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_options),
        cmocka_unit_test(stops_at_the_command),
        cmocka_unit_test(refuses_a_flood_of_options),
        cmocka_unit_test(shows_what_differs),
        cmocka_unit_test(reads_what_an_editor_left),
        cmocka_unit_test(an_edit_without_change_changes_nothing),
        cmocka_unit_test(a_text_that_holds_a_mark_is_not_edited),
        cmocka_unit_test(writes_a_keel_yaml_that_says_what_was_answered),
        cmocka_unit_test(no_mail_is_no_source),
        cmocka_unit_test(puts_the_answers_into_the_policy),
        cmocka_unit_test(finds_the_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
