/* The parts of a card: fields, summaries, evidence, and one as a whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "card_world.h"
#include "render.h"
#include "text.h"

/* ---- fields ---- */

static const struct {
    const char *name, *args, *shown;
} fields[] = {
    {"list", "{\"to\":[\"a@b.c\",\"d@e.f\"]}", "  to[1]         5 bytes       │ d@e.f\n"},
    {"nested", "{\"a\":{\"b\":{\"c\":true}}}", "  a.b.c         yes or no     │ true\n"},
    {"number", "{\"amount\":1200.5}", "  amount        number        │ 1200.5\n"},
    {"null", "{\"a\":null}", "  a             nothing (null)\n"},
    {"empty list", "{\"a\":[]}", "  a             an empty list\n"},
    {"empty object", "{\"a\":{}}", "  a             empty\n"},
    {"no arguments", "{}", "  nothing\n"},
    {"a key like a path", "{\"a.b\":1}", "  \"a.b\"         number        │ 1\n"},
    {"an empty key", "{\"\":1}", "  \"\"            number        │ 1\n"},
    {"binary", "{\"a\":{\"$b64\":\"AAECAwQF\"}}", "about 6 bytes that are no text"},
    {"Cyrillic in an address", "{\"to\":\"ann@p\\u0430ypal.com\"}",
     "! pаypal.com reads like paypal.com, and is another name\n"},
    {"Greek in a link", "{\"url\":\"https://\\u03bfpen.example\"}",
     "    ! οpen.example is xn--pen-8yc.example, Greek and Latin letters in one word: U+03BF "
     "Greek\n"},
    {"a plain subject is not marked", "{\"subject\":\"Grüße aus Köln.\"}", "│ Grüße aus Köln.\n"},
    {"the long comes last", "{\"body\":\"a\\nb\",\"zzz\":\"short\"}", "│ short\n  body"},
    {"a truth beyond 2^53", "{\"n\":\"9007199254740993\"}", "16 bytes      │ 9007199254740993\n"},
};

static void fields_are_named_and_measured(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        keel_buf args = KEEL_BUF_INIT, out = KEEL_BUF_INIT;
        render_fields(card_args(&args, fields[i].args), &card_plain, &out);
        if (!strstr(out.data, fields[i].shown)) {
            fail_msg("%s: %s", fields[i].name, out.data);
        }
        card_check_clean(fields[i].name, &out);
        keel_buf_free(&args);
        keel_buf_free(&out);
    }
}

static void an_outline_counts_what_is_large(void **state) {
    (void)state;
    keel_buf json = KEEL_BUF_INIT, args = KEEL_BUF_INIT, out = KEEL_BUF_INIT;
    keel_buf_puts(&json, "{\"many\":[");
    for (int i = 0; i < 500; i++) {
        keel_buf_printf(&json, "%s{\"n\":%d}", i ? "," : "", i);
    }
    keel_buf_puts(&json, "],\"read\":500}");
    render_outline(card_args(&args, json.data), &card_plain, &out);
    assert_string_equal(out.data, "  read          number        │ 500\n"
                                  "  many          list of 500 entries\n");
    keel_buf_free(&json);
    keel_buf_free(&args);
    keel_buf_free(&out);
}

static const struct {
    const char *args, *summary;
} summaries[] = {
    {"{\"body\":\"x\",\"subject\":\"Hi\",\"to\":[\"a@b\",\"c@d\"]}", "to: a@b +1, subject: Hi"},
    {"{\"note\":\"n\",\"path\":\"p\",\"z\":1}", "note: n, path: p"},
    {"{\"body\":\"a\\nb\"}", ""},
    {"{\"amount\":12}", "amount: 12"},
    {"{\"to\":\"\\u202ea\"}", "to: \\u{202e}a"},
    {"[1]", ""},
};

static void summaries_tell_who_and_what(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof summaries / sizeof *summaries; i++) {
        keel_buf args = KEEL_BUF_INIT, out = KEEL_BUF_INIT;
        render_summary(card_args(&args, summaries[i].args), &out);
        assert_string_equal(out.data, summaries[i].summary);
        keel_buf_free(&args);
        keel_buf_free(&out);
    }
}

/* ---- evidence ---- */

static const char source_text[] = "{\"items\":[{\"id\":\"m1\",\"text\":\"Dear "
                                  "Ada,\\r\\n\\r\\ncould you send me\\r\\na quote?\\r\\n\"}]}";

static const struct {
    const char *name, *entry, *verdict;
} quotes[] = {
    {"word for word", "{\"quote\":\"could you send me\",\"source\":\"m1\"}",
     "1. found word for word in what the read at 1 returned (keel why 7:1); the agent names m1\n"},
    {"wrapped anew", "{\"quote\":\"could you send me a quote?\"}", "1. found word for word in"},
    {"made up", "{\"quote\":\"please send 9,000 EUR\",\"source\":\"m1\"}",
     "1. *not in source*; the agent"},
    {"one letter off", "{\"quote\":\"Could you send me\"}", "1. *not in source*"},
    {"only in its own copy", "{\"quote\":\"send money\",\"text\":\"do send money\"}",
     "1. found only in the text that the agent itself attached\n"},
    {"not even there", "{\"quote\":\"send gold\",\"text\":\"do send money\"}",
     "1. *not in source*\n"},
    {"empty", "{\"quote\":\"\"}", "1. *not in source*"},
    {"only spaces", "{\"quote\":\" \\n \"}", "1. *not in source*"},
    {"no text", "{\"quote\":7}", "1. *not in source*"},
    {"a key is no quotation", "{\"quote\":\"items\"}", "1. *not in source*"},
    {"source is no text", "{\"quote\":\"Dear Ada,\",\"source\":{\"id\":1}}",
     "the agent names {\"id\":1}\n"},
    {"anything else", "{\"number\":5}", "1. not a quotation:\n       │ {\"number\":5}\n"},
};

static void quotations_are_looked_up(void **state) {
    (void)state;
    render_source source = {"what the read at 1 returned",
                            keel_json_view(source_text, sizeof source_text - 1), SOURCE_READ, "1"};
    for (size_t i = 0; i < sizeof quotes / sizeof *quotes; i++) {
        keel_buf json = KEEL_BUF_INIT, list = KEEL_BUF_INIT, out = KEEL_BUF_INIT;
        keel_buf_printf(&json, "[%s]", quotes[i].entry);
        render_card card = card_of(keel_json_view("{}", 2));
        card.evidence = card_args(&list, json.data);
        card.sources = &source;
        card.source_count = 1;
        render(&card, &card_plain, NOW_US, &out);
        if (!strstr(out.data, quotes[i].verdict)) {
            fail_msg("%s: %s", quotes[i].name, out.data);
        }
        keel_buf_free(&json);
        keel_buf_free(&list);
        keel_buf_free(&out);
    }
}

/* ---- the whole, once ---- */

static const char whole[] =
    "3  correspondent asks to do inbox.message.write\n"
    "  target     inbox.message.write\n"
    "  class      checkable: if the answer is lost we look; only what is proved absent is sent "
    "again\n"
    "  way back   none: once it is done, Keel cannot take it back\n"
    "  rule       outbound (policies/a.yaml:12)\n"
    "             to_domain is not in own_domains\n"
    "  run        7, path 2; so far 4 calls in its tree\n"
    "  asked      2023-11-14 21:13:20; expires in 1 h\n"
    "  signs      acorn actor amber anchor apple apron\n"
    "\n"
    "  Exactly this:\n"
    "  to            15 bytes      │ ann@example.org\n"
    "\n"
    "  The agent's claim, which nobody has checked:\n"
    "    │ she asked\n";

static void a_card_as_a_whole(void **state) {
    (void)state;
    setenv("TZ", "UTC", 1);
    tzset(); /* a card before this one has read another */
    keel_buf all = KEEL_BUF_INIT, out = KEEL_BUF_INIT;
    keel_json v = card_args(&all, "{\"args\":{\"to\":\"ann@example.org\"},\"decision\":{\"file\":"
                                  "\"policies/a.yaml\",\"line\":12,\"rule\":\"outbound\",\"why\":"
                                  "\"to_domain is not in own_domains\"},\"why\":\"she asked\"}");
    render_card card = card_of(keel_json_get(v, "args"));
    card.decision = keel_json_get(v, "decision");
    card.why = keel_json_get(v, "why");
    render(&card, &card_plain, NOW_US, &out);
    assert_string_equal(out.data, whole);
    keel_buf_free(&all);
    keel_buf_free(&out);
}

static void what_has_expired_says_so(void **state) {
    (void)state;
    keel_buf out = KEEL_BUF_INIT;
    render_card card = card_of(keel_json_view("{}", 2));
    card.expires_us = NOW_US - HOUR_US / 2;
    card.state = "expired";
    render(&card, &card_plain, NOW_US, &out);
    assert_non_null(strstr(out.data, "expired 30 min ago"));
    assert_non_null(strstr(out.data, "write  [expired]\n"));
    keel_buf_free(&out);
}

static void an_unknown_outcome_asks_for_a_look(void **state) {
    (void)state;
    keel_buf out = KEEL_BUF_INIT;
    render_card card = card_of(keel_json_view("{}", 2));
    card.kind = "unknown";
    card.approval = NULL;
    render(&card, &card_plain, NOW_US, &out);
    assert_non_null(strstr(out.data, "did inbox.message.write, or not: the answer was lost\n"));
    assert_non_null(strstr(out.data, "keel unknown verdict 3 done|not_done --why ..."));
    assert_null(strstr(out.data, "signs"));
    assert_null(strstr(out.data, "way back"));
    keel_buf_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_named_and_measured),
        cmocka_unit_test(an_outline_counts_what_is_large),
        cmocka_unit_test(summaries_tell_who_and_what),
        cmocka_unit_test(quotations_are_looked_up),
        cmocka_unit_test(a_card_as_a_whole),
        cmocka_unit_test(what_has_expired_says_so),
        cmocka_unit_test(an_unknown_outcome_asks_for_a_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
