/* What a person sees of hostile payloads, on every surface that shows an approval. The command itself is
 * tried in payloads.bats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "diff.h"
#include "editfile.h"
#include "looks.h"
#include "payload.h"
#include "text.h"

#define NOW_US 1700000000000000LL

static const term plain = {.terminal = false};
static payload *corpus;
static size_t corpus_size;
static alike_known *known;

static int begin(void **state) {
    (void)state;
    corpus = payloads_load(&corpus_size);
    known = payload_known();
    return 0;
}

static int end(void **state) {
    (void)state;
    payloads_free(corpus, corpus_size);
    alike_destroy(known);
    return 0;
}

/* ---- cards ---- */

static void the_card_shows_it(void **state) {
    (void)state;
    for (size_t i = 0; i < corpus_size; i++) {
        keel_buf out = KEEL_BUF_INIT;
        render_card card = payload_card(&corpus[i], known);
        render(&card, &plain, NOW_US, &out);
        payload_is_seen(&corpus[i], "card", &out);
        keel_buf_free(&out);
    }
}

static void cards_that_share_their_head_show_it(void **state) {
    (void)state;
    for (size_t i = 0; i < corpus_size; i++) {
        keel_buf out = KEEL_BUF_INIT;
        render_card card = payload_card(&corpus[i], known);
        render_shared(&card, &plain, &out);
        render_own(&card, &plain, NOW_US, &out);
        payload_is_seen(&corpus[i], "card of a batch", &out);
        keel_buf_free(&out);
    }
}

/* Words of the host begin at the margin or are remarks; all else stands behind the gutter. */
static void nothing_stands_outside_of_the_gutter(void **state) {
    (void)state;
    for (size_t i = 0; i < corpus_size; i++) {
        keel_buf out = KEEL_BUF_INIT;
        const term narrow = {.terminal = true, .width = 40};
        render_fields_beside(corpus[i].args, known, &narrow, &out);
        for (char *line = out.data, *next; line && *line; line = next) {
            next = strchr(line, '\n');
            assert_non_null(next);
            *next++ = 0;
            bool data = strstr(line, "│ ") || strstr(line, "┊ ");
            bool remark = strncmp(line, "    ! ", 6) == 0;
            bool count = line[strspn(line, " ")] == '(';
            bool size = strstr(line, " byte") || strstr(line, "nothing") || strstr(line, "empty");
            if (!data && !remark && !count && !size) {
                fail_msg("%s: \"%s\"", corpus[i].name, line);
            }
        }
        keel_buf_free(&out);
    }
}

static void one_line_of_it_is_clean_and_says_what_is_not_on_it(void **state) {
    (void)state;
    for (size_t i = 0; i < corpus_size; i++) {
        keel_buf out = KEEL_BUF_INIT;
        render_card card = payload_card(&corpus[i], known);
        render_brief(&card, &out);
        payload_is_clean(&corpus[i], "line", &out);
        assert_null(memchr(out.data, '\n', out.len));
        bool whole =
            keel_json_typeof(card.args) == KEEL_JSON_OBJECT && keel_json_count(card.args) <= 2;
        if (!whole && !strstr(out.data, " of it: keel inbox 3]")) {
            fail_msg("%s: %s", corpus[i].name, out.data);
        }
        keel_buf_free(&out);
    }
}

/* ---- JSON ---- */

static void as_json_it_is_what_will_be_sent(void **state) {
    (void)state;
    for (size_t i = 0; i < corpus_size; i++) {
        keel_buf out = KEEL_BUF_INIT, back = KEEL_BUF_INIT;
        text_json(&out, corpus[i].args.data, corpus[i].args.len);
        payload_is_clean(&corpus[i], "JSON", &out);
        assert_int_equal(keel_json_canonical(&back, out.data, out.len, NULL), 0);
        assert_int_equal(back.len, corpus[i].args.len);
        assert_memory_equal(back.data, corpus[i].args.data, back.len);
        keel_buf_free(&out);
        keel_buf_free(&back);
    }
}

/* ---- the full screen ---- */

typedef struct viewed {
    const payload *p;
    keel_buf all; /* what was ever on the pane, without the marks before it */
} viewed;

static bool body_of(void *ctx, const looks_item *item, const term *on, keel_buf *shared,
                    keel_buf *own) {
    const viewed *v = ctx;
    (void)item;
    render_card card = payload_card(v->p, known);
    render_shared(&card, on, shared);
    render_own(&card, on, NOW_US, own);
    return true;
}

static bool approves(looks *l, int64_t now_ms) {
    static const key a = {.code = KEY_TEXT, .text = "a"};
    looks_no_passphrase(l);
    bool yes = looks_key(l, &a, now_ms) == LOOKS_APPROVE;
    if (yes) {
        looks_failed(l, "tried", "", NOW_US);
    }
    return yes;
}

/* Page by page; what is approved before the last line has been drawn is a fault. */
static void view_all(viewed *v, size_t rows, size_t columns) {
    static const key down = {.code = KEY_DOWN}, page = {.code = KEY_PAGE_DOWN};
    looks *l = looks_create(body_of, v, false);
    looks_item item = {.number = 3,
                       .version = "v",
                       .kind = "approval",
                       .agent = "correspondent",
                       .target = "inbox.message.write",
                       .rule = "asks",
                       .most = 25};
    looks_size(l, rows, columns);
    looks_update(l, &item, 1);
    int64_t now_ms = 1000;
    bool approved = false;
    for (int n = 0; n < 20000 && !approved; n++) {
        size_t count;
        const keel_buf *screen = looks_draw(l, now_ms, NOW_US, &count);
        for (size_t i = 0; i + 2 < count; i++) {
            payload_is_clean(v->p, "screen", &screen[i]);
            assert_true(text_width(screen[i].data, screen[i].len) <= columns);
            keel_buf_append(&v->all, screen[i].data + (screen[i].len >= 3 ? 3 : 0),
                            screen[i].len - (screen[i].len >= 3 ? 3 : 0));
            keel_buf_putc(&v->all, '\n');
        }
        now_ms += 1000;
        approved = approves(l, now_ms);
        looks_key(l, n % 2 ? &down : &page, now_ms);
    }
    assert_true(approved);
    looks_destroy(l);
}

static void the_screen_shows_all_of_it_before_it_is_approved(void **state) {
    (void)state;
    for (size_t i = 0; i < corpus_size; i++) {
        viewed v = {.p = &corpus[i], .all = KEEL_BUF_INIT};
        view_all(&v, 24, 160);
        payload_is_seen(&corpus[i], "screen", &v.all);
        keel_buf_free(&v.all);
    }
}

static void a_small_screen_is_as_clean(void **state) {
    (void)state;
    for (size_t i = 0; i < corpus_size; i++) {
        viewed v = {.p = &corpus[i], .all = KEEL_BUF_INIT};
        view_all(&v, 9, 30);
        keel_buf_free(&v.all);
    }
}

/* ---- editing ---- */

static size_t names_of(keel_json args, char names[][64], const char **list, size_t most) {
    size_t n = 0;
    if (keel_json_typeof(args) != KEEL_JSON_OBJECT) {
        return 0;
    }
    for (keel_json_iter it = keel_json_each(args); n < most && keel_json_next(&it);) {
        long len = keel_json_copy(it.key, names[n], 64);
        if (len > 0 && len < 64 && strcspn(names[n], "\r\n") == strlen(names[n])) {
            list[n] = names[n];
            n++;
        }
    }
    return n;
}

/* What is given back unchanged changes nothing, whatever it holds. */
static void an_editor_that_changes_nothing_changes_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < corpus_size; i++) {
        static char names[64][64];
        const char *list[64];
        size_t n = names_of(corpus[i].args, names, list, 64);
        keel_buf text = KEEL_BUF_INIT, set = KEEL_BUF_INIT;
        diag d = {0};
        if (edit_text(corpus[i].args, list, n, &text, &d) == 0) {
            if (edit_parse(corpus[i].args, text.data, text.len, &set, &d) != 0) {
                fail_msg("%s: %s", corpus[i].name, d.what);
            }
            if (strcmp(set.data, "{}") != 0) {
                fail_msg("%s: %s", corpus[i].name, set.data);
            }
        }
        keel_buf_free(&text);
        keel_buf_free(&set);
    }
}

static void the_difference_of_an_edit_is_clean(void **state) {
    (void)state;
    for (size_t i = 0; i < corpus_size; i++) {
        static char names[64][64];
        const char *list[64];
        size_t n = names_of(corpus[i].args, names, list, 64);
        keel_buf out = KEEL_BUF_INIT;
        for (size_t f = 0; f < n; f++) {
            keel_buf text = KEEL_BUF_INIT;
            edit_plain(keel_json_get(corpus[i].args, list[f]), &text);
            diff_lines(&out, "before\n", 7, text.data, text.len, &plain);
            diff_lines(&out, text.data, text.len, "after\n", 6, &plain);
            keel_buf_free(&text);
        }
        payload_is_clean(&corpus[i], "difference", &out);
        keel_buf_free(&out);
    }
}

/* ---- ten million bytes ---- */

static void ten_million_bytes_are_counted_and_shown_to_the_last(void **state) {
    (void)state;
    keel_buf body = KEEL_BUF_INIT, json = KEEL_BUF_INIT, out = KEEL_BUF_INIT;
    while (body.len < 10000000) {
        keel_buf_puts(&body, "Dear Ann, please see https://stud\xd1\x96o.example/pay and more.\n");
    }
    keel_buf_puts(&body, "and pay 9,000 EUR");
    keel_buf_puts(&json, "{\"body\":");
    keel_json_quote(&json, body.data, body.len);
    keel_buf_puts(&json, "}");
    render_fields_beside(keel_json_view(json.data, json.len), known, &plain, &out);
    assert_non_null(strstr(out.data, "lines\n    │ Dear Ann, please see"));
    assert_non_null(strstr(out.data, "    │ and pay 9,000 EUR\n"));
    assert_non_null(strstr(out.data, "is not studio.example"));
    assert_true(out.len > body.len);
    keel_buf_free(&body);
    keel_buf_free(&json);
    keel_buf_free(&out);
}

/* ---- what is no JSON never comes so far ---- */

static void what_is_no_text_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"{\"a\":\"\\ud800\"}",
                                      "{\"a\":\"\\udc00x\"}",
                                      "{\"a\":\"\xff\"}",
                                      "{\"a\":\"\xc0\xaf\"}",
                                      "{\"a\":\"\xed\xa0\x80\"}",
                                      "{\"a\":1,\"a\":2}",
                                      "{\"a\":1,\"\\u0061\":2}",
                                      "{\"a\":\"\\x41\"}",
                                      "{\"a\":\"\t\"}",
                                      "{\"a\":01}",
                                      "{\"a\":NaN}",
                                      "{\"a\":1}{\"b\":2}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        keel_buf out = KEEL_BUF_INIT;
        if (keel_json_canonical(&out, bad[i], strlen(bad[i]), NULL) == 0) {
            fail_msg("%s is taken as %s", bad[i], out.data);
        }
        keel_buf_free(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_card_shows_it),
        cmocka_unit_test(cards_that_share_their_head_show_it),
        cmocka_unit_test(nothing_stands_outside_of_the_gutter),
        cmocka_unit_test(one_line_of_it_is_clean_and_says_what_is_not_on_it),
        cmocka_unit_test(as_json_it_is_what_will_be_sent),
        cmocka_unit_test(the_screen_shows_all_of_it_before_it_is_approved),
        cmocka_unit_test(a_small_screen_is_as_clean),
        cmocka_unit_test(an_editor_that_changes_nothing_changes_nothing),
        cmocka_unit_test(the_difference_of_an_edit_is_clean),
        cmocka_unit_test(ten_million_bytes_are_counted_and_shown_to_the_last),
        cmocka_unit_test(what_is_no_text_is_refused),
    };
    return cmocka_run_group_tests_name("approvals", tests, begin, end);
}
