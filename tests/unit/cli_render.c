/* Cards drawn from hostile payloads: what a person sees before he signs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "card_world.h"
#include "render.h"
#include "text.h"

/* ---- forty payloads as the body of a mail ----
 * `text` is what stands between the quotes of JSON; `shown` must be in the card, `never` not. */
static const struct {
    const char *name, *text, *shown, *never;
} payloads[] = {
    {"plain", "Dear Ann", "│ Dear Ann\n", NULL},
    {"ESC colour", "\\u001b[31mred", "│ \\u{1b}[31mred\n", "\033"},
    {"ESC clear screen", "a\\u001b[2J\\u001b[Hb", "\\u{1b}[2J\\u{1b}[Hb", "\033"},
    {"OSC title", "\\u001b]0;approved\\u0007", "\\u{1b}]0;approved\\u{7}", "\033"},
    {"OSC 8 link", "\\u001b]8;;http://evil\\u001b\\\\ok", "\\u{1b}]8;;http://evil\\u{1b}", "\033"},
    {"OSC 52 clipboard", "\\u001b]52;c;ZXZpbA==\\u0007", "\\u{1b}]52;c;", "\033"},
    {"DCS", "\\u001bPq\\u001b\\\\", "\\u{1b}Pq\\u{1b}", "\033"},
    {"8-bit CSI", "\\u009b31mred", "\\u{9b}31mred", "\xc2\x9b"},
    {"carriage return over the line", "pay 1\\rpay 1000", "│ pay 1\\u{d}pay 1000\n", "\r"},
    {"backspaces", "1000\\b\\b\\b\\b1", "1000\\u{8}\\u{8}\\u{8}\\u{8}1", "\b"},
    {"bell", "\\u0007", "\\u{7}", "\a"},
    {"NUL", "a\\u0000b", "a\\u{0}b", NULL},
    {"DEL", "a\\u007fb", "a\\u{7f}b", "\x7f"},
    {"vertical tab and form feed", "a\\u000b\\u000cb", "a\\u{b}\\u{c}b", "\f"},
    {"right-to-left override", "invoice\\u202efdp.exe", "invoice\\u{202e}fdp.exe", "\xe2\x80\xae"},
    {"left-to-right override", "\\u202dabc\\u202c", "\\u{202d}abc\\u{202c}", NULL},
    {"embedding", "\\u202aa\\u202bb\\u202c", "\\u{202a}a\\u{202b}b\\u{202c}", NULL},
    {"isolates", "\\u2066a\\u2067b\\u2068c\\u2069", "\\u{2066}a\\u{2067}b\\u{2068}c\\u{2069}",
     NULL},
    {"Arabic letter mark", "a\\u061cb", "a\\u{61c}b", NULL},
    {"zero width space", "no\\u200bt", "no\\u{200b}t", NULL},
    {"zero width joiner and non-joiner", "a\\u200d\\u200cb", "a\\u{200d}\\u{200c}b", NULL},
    {"word joiner", "a\\u2060b", "a\\u{2060}b", NULL},
    {"tags spell a hidden order", "hi\\udb40\\udc49\\udb40\\udc47", "hi\\u{e0049}\\u{e0047}", NULL},
    {"variation selectors carry bytes", "hi\\udb40\\udd00\\udb40\\udd01", "hi\\u{e0100}\\u{e0101}",
     NULL},
    {"soft hyphens", "trans\\u00adfer", "trans\\u{ad}fer", NULL},
    {"byte order mark", "\\ufeffhi", "\\u{feff}hi", NULL},
    {"Hangul filler", "a\\u3164b", "a\\u{3164}b", NULL},
    {"Braille blank", "a\\u2800b", "a\\u{2800}b", NULL},
    {"line separator", "pay 1\\u2028pay 2", "pay 1\\u{2028}pay 2", NULL},
    {"paragraph separator", "a\\u2029b", "a\\u{2029}b", NULL},
    {"next line", "a\\u0085b", "a\\u{85}b", NULL},
    {"interlinear marks", "\\ufff9a\\ufffab\\ufffb", "\\u{fff9}a\\u{fffa}b\\u{fffb}", NULL},
    {"a heap of accents", "e\\u0301\\u0301\\u0301\\u0301\\u0301\\u0301", "\\u{301}\\u{301}\n",
     NULL},
    {"private use", "\\ue000", "\\u{e000}", NULL},
    {"a no-character", "\\uffff", "\\u{ffff}", NULL},
    {"an escape written out", "\\\\u{1b}[31m", "\\u{5c}u{1b}[31m", NULL},
    {"the card's own frame", "x\\n\\n  Exactly this:\\n  to   │ ann", "\n    │   Exactly this:\n",
     "\n  to   │ ann"},
    {"the card's own gutter", "│ approved", "│ │ approved\n", NULL},
    {"a note of the host", "a\\n(5 more blank lines)\\nb", "│ (5 more blank lines)\n", NULL},
    {"the prompt", "a\\nPassphrase of operator: ", "│ Passphrase of operator:\\u{20}\n",
     "\nPassphrase"},
    {"no text", "", "0 bytes", NULL},
    {"only a line break", "\\n", "1 byte", NULL},
};

static void hostile_text_stays_behind_the_gutter(void **state) {
    (void)state;
    assert_true(sizeof payloads / sizeof *payloads >= 40);
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        keel_buf json = KEEL_BUF_INIT, args = KEEL_BUF_INIT, out = KEEL_BUF_INIT;
        keel_buf_printf(&json, "{\"body\":\"%s\",\"to\":\"ann@example.org\"}", payloads[i].text);
        render_card card = card_of(card_args(&args, json.data));
        render(&card, &card_plain, NOW_US, &out);
        card_check_clean(payloads[i].name, &out);
        bool shown = strstr(out.data, payloads[i].shown) != NULL;
        bool never = payloads[i].never && strstr(out.data, payloads[i].never) != NULL;
        if (!shown || never || !strstr(out.data, "│ ann@example.org\n")) {
            fail_msg("%s: %s", payloads[i].name, out.data);
        }
        keel_buf_free(&json);
        keel_buf_free(&args);
        keel_buf_free(&out);
    }
}

/* The same in every other place where an agent's text can stand. */
static void hostile_text_is_escaped_everywhere(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        keel_buf json = KEEL_BUF_INIT, all = KEEL_BUF_INIT, out = KEEL_BUF_INIT;
        const char *p = payloads[i].text;
        keel_buf_printf(&json,
                        "{\"args\":{\"k%s\":1},\"decision\":{\"rule\":\"%s\",\"why\":\"%s\"},"
                        "\"evidence\":[{\"quote\":\"%s\",\"source\":\"%s\"}],\"why\":\"%s\"}",
                        p, p, p, p, p, p);
        keel_json v = card_args(&all, json.data);
        render_card card = card_of(keel_json_get(v, "args"));
        card.decision = keel_json_get(v, "decision");
        card.evidence = keel_json_get(v, "evidence");
        card.why = keel_json_get(v, "why");
        card.agent = card.target = card.path = "a\033[1m\xe2\x80\xae";
        render(&card, &card_plain, NOW_US, &out);
        render_brief(&card, &out);
        card_check_clean(payloads[i].name, &out);
        keel_buf_free(&json);
        keel_buf_free(&all);
        keel_buf_free(&out);
    }
}

/* A question has the agent's words in four more places, in both forms of the card. */
static void hostile_questions_stay_behind_the_gutter(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        keel_buf json = KEEL_BUF_INIT, all = KEEL_BUF_INIT, out = KEEL_BUF_INIT;
        const char *p = payloads[i].text;
        keel_buf_printf(
            &json,
            "{\"args\":{\"choices\":[\"a%s\",\"b\"],\"default\":\"%s\",\"question\":\"%s\"},"
            "\"evidence\":\"%s\",\"outcome\":{\"ok\":\"%s\"},\"why\":\"%s\"}",
            p, p, p, p, p, p);
        keel_json v = card_args(&all, json.data);
        render_card card = card_of(keel_json_get(v, "args"));
        card.kind = "question";
        card.evidence = keel_json_get(v, "evidence");
        card.why = keel_json_get(v, "why");
        card.answer = keel_json_get(v, "outcome");
        card.tainted = true;
        for (int form = 0; form < 2; form++) {
            keel_buf_clear(&out);
            if (form) {
                render(&card, &card_plain, NOW_US, &out);
            } else {
                render_shared(&card, &card_plain, &out);
                render_own(&card, &card_plain, NOW_US, &out);
            }
            card_check_clean(payloads[i].name, &out);
            if (payloads[i].never && strstr(out.data, payloads[i].never)) {
                fail_msg("%s: %s", payloads[i].name, out.data);
            }
            assert_non_null(strstr(out.data, "had read what others wrote"));
            assert_non_null(strstr(out.data, "2. b\n"));
            assert_non_null(strstr(out.data, "it goes on with: "));
        }
        keel_buf_free(&json);
        keel_buf_free(&all);
        keel_buf_free(&out);
    }
}

/* ---- size ---- */

static size_t count_of(const char *text, const char *word) {
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, word)); at += strlen(word)) {
        n++;
    }
    return n;
}

static const struct {
    const char *name, *before, *unit;
    size_t times;
    const char *after;
    const char *shown[3];
    size_t lines_at_most;
} large[] = {
    {"5,000 blank lines",
     "Dear Ann\n",
     "\n",
     5000,
     "and transfer 9,000 EUR",
     {"(4,998 more blank lines)\n", "│ and transfer 9,000 EUR\n", "5,002 lines"},
     30},
    {"5,000 lines of spaces",
     "Dear Ann\n",
     "   \n",
     5000,
     "and more",
     {"(4,998 more blank lines)\n", "│ and more\n", NULL},
     30},
    {"blank to the end",
     "Dear Ann",
     "\n",
     5000,
     "",
     {"(4,997 more blank lines)\n", NULL, NULL},
     30},
    {"spaces push it off the screen",
     "hello",
     " ",
     4000,
     "EVIL",
     {"(4,000 spaces)\n", "┊ EVIL\n", NULL},
     30},
    {"one long word", "", "x", 1000, "END", {"┊ ", "END\n", "1,003 bytes"}, 40},
    {"4,000 lines",
     "",
     "line\n",
     4000,
     "the last one",
     {"│ the last one\n", "4,001 lines", NULL},
     4100},
};

static void nothing_is_cut_and_emptiness_is_counted(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        keel_buf text = KEEL_BUF_INIT, json = KEEL_BUF_INIT, out = KEEL_BUF_INIT;
        keel_buf_puts(&text, large[i].before);
        for (size_t n = 0; n < large[i].times; n++) {
            keel_buf_puts(&text, large[i].unit);
        }
        keel_buf_puts(&text, large[i].after);
        keel_buf_puts(&json, "{\"body\":");
        keel_json_quote(&json, text.data, text.len);
        keel_buf_putc(&json, '}');
        render_card card = card_of(keel_json_view(json.data, json.len));
        render(&card, &card_plain, NOW_US, &out);
        card_check_clean(large[i].name, &out);
        for (size_t s = 0; s < 3 && large[i].shown[s]; s++) {
            if (!strstr(out.data, large[i].shown[s])) {
                fail_msg("%s: no %s in %.2000s", large[i].name, large[i].shown[s], out.data);
            }
        }
        assert_true(count_of(out.data, "\n") <= large[i].lines_at_most);
        keel_buf_free(&text);
        keel_buf_free(&json);
        keel_buf_free(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_text_stays_behind_the_gutter),
        cmocka_unit_test(hostile_text_is_escaped_everywhere),
        cmocka_unit_test(hostile_questions_stay_behind_the_gutter),
        cmocka_unit_test(nothing_is_cut_and_emptiness_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
