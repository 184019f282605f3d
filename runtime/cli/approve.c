/* keel approve: the cards, the passphrase, the signatures, the receipt. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "card.h"
#include "commands.h"
#include "edit.h"
#include "itemnumbers.h"
#include "receipt.h"
#include "signer.h"

/* ---- the cards ---- */

static void free_cards(card **cards, size_t count) {
    for (size_t i = 0; i < count; i++) {
        card_free(cards[i]);
    }
    free(cards);
}

static int not_open(const card *k, diag *d) {
    const render_card *s = card_shown(k);
    if (strcmp(card_kind(k), "stuck") == 0) {
        diag_set(d, DIAG_USAGE, "Item %" PRId64 " is stuck, and asks for no approval.", s->number);
        return diag_next(d, "See what it needs: keel stuck show %" PRId64, s->number);
    }
    if (strcmp(card_kind(k), "question") == 0 && strcmp(s->state, "open") == 0) {
        diag_set(d, DIAG_USAGE, "Item %" PRId64 " is a question, and asks for no approval.",
                 s->number);
        return diag_next(d, "Answer it: keel answer %" PRId64, s->number);
    }
    if (strcmp(card_kind(k), "unknown") == 0) {
        diag_set(d, DIAG_USAGE,
                 "Item %" PRId64 " asks for a verdict on an unknown outcome, not for an "
                 "approval.",
                 s->number);
        return diag_next(d,
                         "Look whether it was done, then: keel unknown verdict %" PRId64
                         " done|not_done --why ...",
                         s->number);
    }
    diag_set(d, DIAG_CONFLICT, "Item %" PRId64 " is %s: it can no longer be decided.", s->number,
             s->state);
    return diag_next(d, "See `keel why %" PRId64 "`.", s->number);
}

/* Loads what is to be decided. What was decided since is left out of a batch, and refused when it
 * was named by its own number. */
static int load_cards(cli *c, const numbers *n, card ***out, size_t *count, diag *d) {
    card **cards = keel_alloc((n->count + 1) * sizeof *cards);
    size_t loaded = 0;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        rc = card_load(c, n->list[i], &cards[loaded], d);
        if (rc == 0 && card_is_open(cards[loaded])) {
            card_seen(c, cards[loaded]);
            loaded++;
        } else if (rc == 0) {
            rc = n->from_batch ? 0 : not_open(cards[loaded], d);
            card_free(cards[loaded]);
        }
    }
    if (rc == 0 && loaded == 0) {
        diag_set(d, DIAG_CONFLICT, "All of it has been decided already.");
        rc = diag_next(d, "See `keel inbox`.");
    }
    if (rc) {
        free_cards(cards, loaded);
        return rc;
    }
    *out = cards;
    *count = loaded;
    return 0;
}

static void show_cards(const cli *c, card *const *cards, size_t count, bool brief) {
    for (size_t i = 0; i < count && !c->json; i++) {
        if (!brief) {
            card_print(c, cards[i]);
            continue;
        }
        keel_buf line = KEEL_BUF_INIT;
        render_brief(card_shown(cards[i]), &line);
        keel_buf_putc(&line, '\n');
        cli_out(&line);
        keel_buf_free(&line);
    }
}

static int sign_and_send(cli *c, card *const *cards, size_t count, bool remember, diag *d) {
    signer a = {.incarnation = NULL};
    keel_buf args = KEEL_BUF_INIT, result = KEEL_BUF_INIT;
    int rc = signer_open(c, &a, "An approval", "keel approve", d);
    if (rc == 0) {
        signer_approve(&a, cards, count, remember, &args);
        rc = cli_call(c, "approve", &args, &result, d);
    }
    if (rc == 0) {
        keel_json items = keel_json_get(keel_json_view(result.data, result.len), "items");
        rc = receipt_print(c, cards, count, items, "approved");
    }
    signer_finish(&a);
    keel_buf_free(&args);
    keel_buf_free(&result);
    return rc;
}

static int edit_first(cli *c, const options *o, card **card_of_one, size_t count, diag *d) {
    bool wanted = options_has(o, "edit") || options_has(o, "set");
    if (!wanted) {
        return 0;
    }
    if (count != 1) {
        diag_set(d, DIAG_USAGE, "Only one item can be edited at a time, and these are %zu.", count);
        return diag_next(d, "Approve with --edit one by one.");
    }
    int64_t number = card_shown(card_of_one[0])->number;
    int rc = edit_item(c, card_of_one[0], o, d);
    if (rc || c->dry_run) {
        return rc;
    }
    card *fresh = NULL;
    rc = card_load(c, number, &fresh, d);
    if (rc == 0) {
        card_free(card_of_one[0]);
        card_of_one[0] = fresh;
    }
    return rc;
}

/* One alone: what is signed covers what comes later, and has to be read as such. */
static int check_remember(const options *o, const numbers *n, diag *d) {
    if (!options_has(o, "remember")) {
        return 0;
    }
    if (n->count != 1 || n->from_batch) {
        diag_set(d, DIAG_USAGE, "Only one item at a time can be remembered.");
        return diag_next(d, "Read it, then: keel approve N --remember; the others without.");
    }
    if (options_has(o, "edit") || options_has(o, "set")) {
        diag_set(d, DIAG_USAGE, "What is edited cannot be remembered: no later one is like it.");
        return diag_next(d, "Approve it without --remember.");
    }
    return 0;
}

static int approve_cards(cli *c, const options *o, card **cards, size_t count, diag *d) {
    bool remember = options_has(o, "remember");
    int rc = edit_first(c, o, cards, count, d);
    if (rc == 0 && remember) {
        rc = signer_may_remember(cards[0], d);
    }
    if (rc) {
        return rc;
    }
    show_cards(c, cards, count, options_has(o, "yes"));
    if (c->dry_run) {
        cli_say(c, "Nothing was approved (--dry-run).");
        return 0;
    }
    rc = cli_client(c, d);
    return rc ? rc : sign_and_send(c, cards, count, remember, d);
}

static int approve_run(cli *c, const options *o, diag *d) {
    numbers *n = keel_alloc(sizeof *n);
    memset(n, 0, sizeof *n);
    card **cards = NULL;
    size_t count = 0;
    int rc = numbers_read(c, o, n, d);
    rc = rc ? rc : check_remember(o, n, d);
    rc = rc ? rc : load_cards(c, n, &cards, &count, d);
    if (rc == 0) {
        rc = approve_cards(c, o, cards, count, d);
        free_cards(cards, count);
    }
    free(n);
    return rc;
}

static const option approve_options[] = {
    {"edit", 'e', NULL, "change the fields that the rule lets you change, in $EDITOR, first"},
    {"set", 0, "FIELD=VALUE", "the same from a script; VALUE may be @FILE; may be repeated"},
    {"remember", 'r', NULL, "also what comes later and is alike, as its card says"},
    {"yes", 'y', NULL, "the cards have been read: show one line each"},
    {NULL, 0, NULL, NULL},
};

const command approve_command = {
    .name = "approve",
    .words = "N|B...",
    .summary = "approve what waits, exactly as shown, once",
    .more =
        "Shows the cards, then asks the approver's passphrase on the terminal, once for all. The\n"
        "approval is bound to the bytes shown: if anything has changed meanwhile, it is asked "
        "again.\n\n"
        "With --remember, where its rule offers that, it also makes a grant: the card says what is "
        "then\n"
        "sent without asking, how often and until when. `keel grant list` shows it, `keel grant "
        "revoke`\n"
        "ends it.",
    .examples =
        "keel approve 3\nkeel approve B1\nkeel approve 3 --remember\nkeel approve 3 --edit\n"
        "keel approve 3 --set subject=\"Re: your quote\" --set body=@reply.txt",
    .options = approve_options,
    .least = 1,
    .most = -1,
    .run = approve_run,
};
