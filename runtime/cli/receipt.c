#include "receipt.h"

#include <inttypes.h>
#include <string.h>

#include "text.h"
#include "words.h"

static const card *card_of(card *const *cards, size_t count, int64_t number) {
    for (size_t i = 0; i < count; i++) {
        if (card_shown(cards[i])->number == number) {
            return cards[i];
        }
    }
    return NULL;
}

static void one(const cli *c, const card *k, int64_t number, const char *outcome, const char *why,
                bool remembered) {
    keel_buf line = KEEL_BUF_INIT;
    keel_buf_printf(&line, "%" PRId64 "  ", number);
    term_put(&c->out, &line, term_outcome(outcome), outcome);
    if (k && card_shown(k)->approval && strcmp(outcome, "approved") == 0) {
        keel_buf_puts(&line, "  ");
        words_from_hex(&line, card_shown(k)->approval);
        keel_buf_puts(&line, "  ");
        text_line(&line, card_shown(k)->target, strlen(card_shown(k)->target));
    }
    if (why[0]) {
        keel_buf_puts(&line, "  ");
        text_line(&line, why, strlen(why));
    }
    if (remembered) {
        keel_buf_printf(&line, "  remembered as grant %" PRId64 ": keel grant show %" PRId64,
                        number, number);
    }
    keel_buf_putc(&line, '\n');
    cli_out(&line);
    keel_buf_free(&line);
}

int receipt_print(const cli *c, card *const *cards, size_t count, keel_json items,
                  const char *wanted) {
    int code = 0;
    size_t good = 0;
    for (keel_json_iter it = keel_json_each(items); keel_json_next(&it);) {
        int64_t number = 0;
        char outcome[32] = "", why[512] = "";
        keel_json_int(keel_json_get(it.value, "number"), &number);
        keel_json_copy(keel_json_get(it.value, "outcome"), outcome, sizeof outcome);
        keel_json_copy(keel_json_get(it.value, "why"), why, sizeof why);
        if (c->json) {
            cli_print("%.*s\n", (int)it.value.len, it.value.data);
        } else {
            one(c, card_of(cards, count, number), number, outcome, why,
                keel_json_get(it.value, "grant").data != NULL);
        }
        if (strcmp(outcome, wanted) == 0) {
            good++;
        } else {
            code = strcmp(outcome, "denied") == 0 ? 5 : 1;
        }
    }
    if (code) {
        cli_say(c, "%zu of %zu %s. See `keel why N` for the others.", good, keel_json_count(items),
                wanted);
    }
    return code;
}
