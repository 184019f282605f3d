/* Scenes: what is written is read back to the byte, whatever stands in it; and how two values that
 * differ are shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scene.h"

static void canonical(keel_buf *out, const char *json) {
    keel_json_error e;
    if (keel_json_canonical(out, json, strlen(json), &e) != 0) {
        fail_msg("%s: %s", json, e.message);
    }
}

static const char *const values[] = {
    "null",
    "true",
    "7",
    "-0.5",
    "1e21",
    "12345678901234",
    "\"\"",
    "\"yes\"",
    "\"No\"",
    "\"null\"",
    "\"~\"",
    "\"1e3\"",
    "\"0x10\"",
    "\"007\"",
    "\"- a\"",
    "\"a: b\"",
    "\"a #b\"",
    "\"#a\"",
    "\" lead\"",
    "\"trail \"",
    "\"a  b\"",
    "\"a.\"",
    "\"{name}\"",
    "\"[1]\"",
    "\"& * ! | > % @ `\"",
    "\"'single' and \\\"double\\\"\"",
    "\"back\\\\slash \\\\n\"",
    "\"two\\nlines\"",
    "\"two\\nlines\\n\"",
    "\"two\\nlines\\n\\n\"",
    "\"\\n\"",
    "\"\\nbegins\"",
    "\"  indented\\nlines\"",
    "\"# comment\\nlines\"",
    "\"--- \\n...\"",
    "\"---\\n...\\nx\"",
    "\"a\\n\\nb\"",
    "\"a \\nb\"",
    "\"tab\\there\\nand there\"",
    "\"cr\\r\\nlf\"",
    "\"bell\\u0007 escape\\u001b\\nx\"",
    "\"del\\u007f c1\\u0085x\\ny\"",
    "\"ls\\u2028x\\ny ps\\u2029\"",
    "\"rlo \xe2\x80\xaex, none \xe2\x80\x8b\\ntag \xf3\xa0\x81\x81, ri \xe2\x81\xa7\"",
    "\"bom\\ufeff\\nx\"",
    "\"\\u00fc\\u4e2d\\ud83d\\ude00\\nx\"",
    "\"? key\"",
    "\"key:\"",
    "[]",
    "{}",
    "[[]]",
    "[{}]",
    "[[1,[2,[3]]],{\"a\":[{\"b\":{}}]}]",
    "{\"a b\":1,\"yes\":2,\"<<\":3,\"1\":4,\"#\":5,\"a:\":6,\"-\":7}",
    "{\"long\":[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\","
    "\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
    "bbbbbbbbbbbbbbbb\"],\"text\":\"one\\ntwo\",\"z\":[[\"x\\ny\",{\"k\":\"v\\nw\"}]]}",
    "{\"$b64\":\"/w==\"}",
};

static void same(const keel_buf *a, const keel_buf *b, const char *text) {
    if (a->len != b->len || memcmp(a->data, b->data, a->len) != 0) {
        fail_msg("wrote %s\nread  %s\nas:\n%s", a->data, b->data, text);
    }
}

/* A value in every place that takes one. */
static scene *with(const keel_buf *value) {
    scene *s = scene_create("t.scene");
    keel_buf_append(&s->input, value->data, value->len);
    keel_buf_append(&s->previous, value->data, value->len);
    keel_buf_append(&s->result, value->data, value->len);
    snprintf(s->end, sizeof s->end, "ended");
    scene_call *c = scene_add(s, "effect");
    free(c->name);
    c->name = keel_strdup("a.b.read");
    keel_buf_printf(&c->args, "{\"args\":%s,\"evidence\":%s}", value->data, value->data);
    keel_buf_printf(&c->outcome, "{\"ok\":%s}", value->data);
    c = scene_add(s, "step");
    free(c->name);
    c->name = keel_strdup("a step: with #odd name");
    keel_buf_append(&c->outcome, value->data, value->len);
    return s;
}

static void round_trip(const char *json) {
    keel_buf value = KEEL_BUF_INIT, text = KEEL_BUF_INIT;
    scene *again = NULL;
    diag d = {0};
    canonical(&value, json);
    scene *s = with(&value);
    scene_write(s, "file:///schema.json", &text);
    if (scene_parse(&again, "t.scene", text.data, text.len, &d) != 0) {
        fail_msg("%s:%d: %s\n%s", d.file, d.line, d.what, text.data);
    }
    same(&s->input, &again->input, text.data);
    same(&s->previous, &again->previous, text.data);
    same(&s->result, &again->result, text.data);
    assert_int_equal(again->count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(again->calls[i].name, s->calls[i].name);
        same(&s->calls[i].outcome, &again->calls[i].outcome, text.data);
    }
    same(&s->calls[0].args, &again->calls[0].args, text.data);
    scene_destroy(s);
    scene_destroy(again);
    keel_buf_free(&value);
    keel_buf_free(&text);
}

static void test_round_trips(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        round_trip(values[i]);
    }
}

/* What a file cannot hold is refused with its place, so that it is never written. */
static void test_refused(void **state) {
    static const char *const never[] = {"\"nul\\u0000\"", "{\"\":1}"};
    (void)state;
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        keel_buf value = KEEL_BUF_INIT, text = KEEL_BUF_INIT;
        scene *again = NULL;
        diag d = {0};
        canonical(&value, never[i]);
        scene *s = with(&value);
        scene_write(s, NULL, &text);
        assert_int_equal(scene_parse(&again, "t.scene", text.data, text.len, &d), DIAG_USAGE);
        assert_int_equal(d.line, 1);
        scene_destroy(s);
        keel_buf_free(&value);
        keel_buf_free(&text);
    }
}

/* Texts of all kinds of characters, side by side. */
static void test_random_texts(void **state) {
    static const char *const bits[] = {
        "a", " ", "\\n", "\\t", ":", "#",       "-",       "\\\"",     "\\\\", "'", "|", "{",
        "}", "[", "]",   ",",   "%", "\\u0085", "\\u2028", "\xc3\xa9", "0",    ".", "~"};
    uint64_t seed = 7;
    (void)state;
    for (int n = 0; n < 3000; n++) {
        keel_buf json = KEEL_BUF_INIT;
        keel_buf_puts(&json, "{\"k\":\"");
        for (int i = 0; i < n % 12; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            keel_buf_puts(&json, bits[(seed >> 33) % (sizeof bits / sizeof *bits)]);
        }
        keel_buf_puts(&json, "\"}");
        round_trip(json.data);
        keel_buf_free(&json);
    }
}

static void test_every_call_again(void **state) {
    static const char text[] = "# A comment that stays.\n"
                               "about: \"all kinds: each once\"\n"
                               "input: {}\n"
                               "calls:\n"
                               "  - log: a line\n"
                               "    level: warn\n"
                               "  - spawn: helper\n"
                               "    input: { count: 1 }\n"
                               "    key: k\n"
                               "    ok: { existing: false, run: 8 }\n"
                               "  - wait: 8\n"
                               "    err: { code: not_found, why: gone }\n"
                               "  - sleep: 90000000\n"
                               "  - receive: answer\n"
                               "    timeout: 60000000\n"
                               "    ok: null\n"
                               "  - receive: null\n"
                               "    open: true\n"
                               "    path: \"7.2.1\"\n"
                               "  - ask: \"Which of them?\"\n"
                               "    choices: [ Acme, Zenith ]\n"
                               "    expires: 60000000\n"
                               "    default: Acme\n"
                               "    why: both have it\n"
                               "    ok: Zenith\n"
                               "  - ask: null\n"
                               "    kind: yes_no\n"
                               "    ok: true\n"
                               "  - ask: \"true\"\n"
                               "    err: { code: expired, why: nobody answered }\n"
                               "  - now: 1700000000000000\n"
                               "  - random: \"0000000000000011\"\n"
                               "failed: { code: error, message: \"a.lua:1: no\" }\n";
    scene *s = NULL;
    keel_buf out = KEEL_BUF_INIT;
    diag d = {0};
    (void)state;
    assert_int_equal(scene_parse(&s, "t", text, sizeof text - 1, &d), 0);
    scene_write(s, NULL, &out);
    assert_string_equal(out.data, text);
    scene_destroy(s);
    keel_buf_free(&out);
}

static const struct {
    const char *expected, *actual, *says;
} differences[] = {
    {"1", "1", ""},
    {"1", "2", "x: expected 1\n   got      2\n"},
    {"{\"a\":1}", "{\"a\":1,\"b\":2}", "x.b: expected nothing\n     got      2\n"},
    {"{\"a\":[1,{\"b\":2}]}", "{\"a\":[1,{\"b\":\"2\"}]}",
     "x.a[2].b: expected 2\n          got      \"2\"\n"},
    {"[1,2]", "[1]", "x[2]: expected 2\n      got      nothing\n"},
    {"null", "{}", "x: expected null\n   got      {}\n"},
    {"\"a\\nb\"", "\"a\\nc\"", "x: expected \"a\\nb\"\n   got      \"a\\nc\"\n"},
};

static void test_differences(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof differences / sizeof *differences; i++) {
        keel_buf a = KEEL_BUF_INIT, b = KEEL_BUF_INIT, out = KEEL_BUF_INIT;
        canonical(&a, differences[i].expected);
        canonical(&b, differences[i].actual);
        keel_buf_puts(&out, "");
        scene_differ(keel_json_view(a.data, a.len), keel_json_view(b.data, b.len), "x", 6, &out);
        assert_string_equal(out.data, differences[i].says);
        keel_buf_free(&a);
        keel_buf_free(&b);
        keel_buf_free(&out);
    }
}

/* A long text is shown from where it begins to differ, and not in the middle of a character. */
static void test_long_difference(void **state) {
    keel_buf a = KEEL_BUF_INIT, b = KEEL_BUF_INIT, out = KEEL_BUF_INIT;
    (void)state;
    keel_buf_putc(&a, '"');
    for (int i = 0; i < 200; i++) {
        keel_buf_puts(&a, "\xc3\xa9");
    }
    keel_buf_append(&b, a.data, a.len);
    keel_buf_puts(&a, "this\"");
    keel_buf_puts(&b, "that\"");
    scene_differ(keel_json_view(a.data, a.len), keel_json_view(b.data, b.len), "", 6, &out);
    assert_non_null(strstr(out.data, "expected \xe2\x80\xa6"));
    assert_non_null(strstr(out.data, "this\"\n"));
    assert_non_null(strstr(out.data, "that\"\n"));
    assert_null(strstr(out.data, "\\x{"));
    assert_true(out.len < 400);
    keel_buf_free(&a);
    keel_buf_free(&b);
    keel_buf_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips), cmocka_unit_test(test_random_texts),
        cmocka_unit_test(test_refused),     cmocka_unit_test(test_every_call_again),
        cmocka_unit_test(test_differences), cmocka_unit_test(test_long_difference),
    };
    return cmocka_run_group_tests_name("cli_scene", tests, NULL, NULL);
}
