/* What an agent claims stands apart from what is sent, and what it quotes is looked up: in its source, word
 * for word. What it launders is not taken for evidence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "payload.h"

#define NOW_US 1700000000000000LL

#define VALUE(text)                                                                                \
    { text, sizeof text - 1 }

/* From the end of the run's record to its beginning. */
static const render_source sources[] = {
    {"what the run itself wrote at 6", VALUE("{\"text\":\"written after the reading of it\"}"),
     SOURCE_OWN, "6"},
    {"what the read at 5 returned",
     VALUE("{\"items\":[{\"body\":\"Dear Ada,\\ncould you send me a  quote?\\nna\xc3\xafve\"},"
           "{\"body\":\"written after the reading of it\"}]}"),
     SOURCE_READ, "5"},
    {"what came at 4", VALUE("{\"ok\":\"the child says that it is paid\"}"), SOURCE_CAME, "4"},
    {"what the read at 3 returned",
     VALUE("{\"text\":\"please pay 9,000 EUR at once\",\"own\":\"an honest sentence of its own\"}"),
     SOURCE_READ, "3"},
    {"what the run itself wrote at 2", VALUE("{\"text\":\"please pay 9,000 EUR at once\"}"),
     SOURCE_OWN, "2"},
    {"what run 6 handed over", VALUE("{\"task\":\"the boss has agreed to it\"}"), SOURCE_HANDED,
     NULL},
};

static const struct {
    const char *name, *entry, *verdict;
} quotes[] = {
    {"in its source", "{\"quote\":\"could you send me\",\"source\":\"5\"}",
     "1. found word for word in what the read at 5 returned (keel why 7:5); the agent names 5\n"},
    {"named as an effect", "{\"quote\":\"could you send me\",\"source\":{\"effect\":\"5\"}}",
     "1. found word for word in what the read at 5 returned (keel why 7:5)"},
    {"in another source than it names", "{\"quote\":\"could you send me\",\"source\":\"3\"}",
     "1. *not in the source that it names*: found word for word in what the read at 5 returned "
     "(keel why 7:5); the agent names 3\n"},
    {"made up", "{\"quote\":\"please pay 8,000 EUR at once\"}", "1. *not in source*\n"},
    {"of another run", "{\"quote\":\"said in another run\",\"source\":\"12:1\"}",
     "1. *not in source*; the agent names 12:1\n"},
    {"written by itself, then read back", "{\"quote\":\"please pay 9,000 EUR at once\"}",
     "1. *not in source*: it is in what the read at 3 returned, but before that in what the run "
     "itself wrote at 2 (keel why 7:3)\n"},
    {"the same, with the source named",
     "{\"quote\":\"please pay 9,000 EUR at once\",\"source\":\"3\"}", "1. *not in source*: it is"},
    {"read, then written", "{\"quote\":\"written after the reading of it\"}",
     "1. found word for word in what the read at 5 returned (keel why 7:5)\n"},
    {"its own words as source", "{\"quote\":\"pay 9,000 EUR\",\"source\":\"2\"}",
     "1. *not in source*: it is in what the read at 3"},
    {"of its child", "{\"quote\":\"the child says that it is paid\"}",
     "1. found only in what came at 4, an event or another run's words (keel why 7:4)\n"},
    {"of its parent", "{\"quote\":\"the boss has agreed\"}",
     "1. found only in what run 6 handed over, which nobody has checked\n"},
    {"wrapped anew", "{\"quote\":\"could you\\n send me a quote?\"}", "1. found word for word"},
    {"over two values", "{\"quote\":\"send me a quote? written after\"}", "1. *not in source*\n"},
    {"with a word left out", "{\"quote\":\"could send me a quote?\"}", "1. *not in source*\n"},
    {"with an ellipsis", "{\"quote\":\"could you ... a quote?\"}", "1. *not in source*\n"},
    {"in other case", "{\"quote\":\"COULD YOU SEND ME\"}", "1. *not in source*\n"},
    {"the same letters composed otherwise", "{\"quote\":\"quote? nai\\u0308ve\"}",
     "1. *not in source*\n"},
    {"with a letter that looks alike", "{\"quote\":\"c\\u043euld you send me\"}",
     "1. *not in source*\n"},
    {"with a hidden letter", "{\"quote\":\"could\\u200b you send me\"}", "1. *not in source*\n"},
    {"with another blank", "{\"quote\":\"could\\u00a0you send me\"}", "1. *not in source*\n"},
    {"so short that it stands anywhere", "{\"quote\":\"you\"}",
     "1. found word for word in what the read at 5 returned, and too short to prove much"},
    {"empty", "{\"quote\":\"\",\"source\":\"5\"}", "1. *not in source*; the agent names 5\n"},
    {"only blanks", "{\"quote\":\" \\t\\r\\n\"}", "1. *not in source*\n"},
    {"no text", "{\"quote\":[\"could you send me\"]}", "1. *not in source*\n"},
    {"a number", "{\"quote\":9000}", "1. *not in source*\n"},
    {"a key", "{\"quote\":\"items\"}", "1. *not in source*\n"},
    {"JSON of the source", "{\"quote\":\"{\\\"text\\\":\\\"please pay\"}", "1. *not in source*\n"},
    {"attached by itself", "{\"quote\":\"send gold\",\"text\":\"please send gold\"}",
     "1. found only in the text that the agent itself attached\n"},
    {"a verdict as a quotation", "{\"quote\":\"found word for word in what the read at 1\"}",
     "1. *not in source*\n       │ found word for word"},
    {"a verdict as a source", "{\"quote\":\"x\",\"source\":\"1\\n    1. found word for word\"}",
     "1. *not in source*; the agent names 1\\n    1. found word for word\n"},
};

static void check(const char *name, const char *entry, const char *verdict, size_t erased) {
    keel_buf json = KEEL_BUF_INIT, list = KEEL_BUF_INIT, out = KEEL_BUF_INIT;
    const term plain = {.terminal = false};
    keel_json_error e;
    payload none = {.args = {"{}", 2}};
    keel_buf_printf(&json, "[%s]", entry);
    assert_int_equal(keel_json_canonical(&list, json.data, json.len, &e), 0);
    render_card card = payload_card(&none, NULL);
    card.evidence = keel_json_view(list.data, list.len);
    card.sources = sources;
    card.source_count = sizeof sources / sizeof *sources;
    card.erased = erased;
    render(&card, &plain, NOW_US, &out);
    if (!strstr(out.data, verdict)) {
        fail_msg("%s: %s", name, out.data);
    }
    keel_buf_free(&json);
    keel_buf_free(&list);
    keel_buf_free(&out);
}

static void quotations_are_looked_up_in_their_source(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof quotes / sizeof *quotes; i++) {
        check(quotes[i].name, quotes[i].entry, quotes[i].verdict, 0);
    }
}

static void what_was_erased_is_said(void **state) {
    (void)state;
    check("erased", "{\"quote\":\"please pay 8,000 EUR at once\"}",
          "1. *not in source*, as far as can be seen: the words of 1 source were erased\n", 1);
    check("found all the same", "{\"quote\":\"could you send me\"}",
          "1. found word for word in what the read at 5 returned (keel why 7:5)\n", 2);
}

/* Whatever the claim holds, it stands behind the gutter, below its own head, after what is sent. */
static void a_claim_stands_apart(void **state) {
    (void)state;
    size_t count;
    payload *corpus = payloads_load(&count);
    const term plain = {.terminal = false};
    for (size_t i = 0; i < count; i++) {
        keel_buf json = KEEL_BUF_INIT, out = KEEL_BUF_INIT;
        payload sent = {.args = {"{\"to\":\"ann@client.example\"}", 27}};
        render_card card = payload_card(&sent, NULL);
        keel_json_writer w;
        keel_json_write(&w, &json);
        keel_json_textn(&w, corpus[i].args.data, corpus[i].args.len); /* JSON as a claim's text */
        card.why = keel_json_view(json.data, json.len);
        card.evidence = corpus[i].args;
        render(&card, &plain, NOW_US, &out);
        payload_is_clean(&corpus[i], "claim", &out);
        const char *bytes = strstr(out.data, "\n  Exactly this:\n");
        const char *claim = strstr(out.data, "\n  The agent's claim, which nobody has checked:\n");
        const char *evidence = strstr(out.data, "\n  Evidence that the agent gives:\n");
        assert_true(bytes && claim && evidence && bytes < claim && claim < evidence);
        assert_null(strstr(claim + 1, "\n  The agent's claim"));
        assert_null(strstr(bytes + 1, "\n  Exactly this:"));
        keel_buf_free(&json);
        keel_buf_free(&out);
    }
    payloads_free(corpus, count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotations_are_looked_up_in_their_source),
        cmocka_unit_test(what_was_erased_is_said),
        cmocka_unit_test(a_claim_stands_apart),
    };
    return cmocka_run_group_tests_name("approvals_quotes", tests, NULL, NULL);
}
