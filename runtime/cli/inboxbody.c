#include "inboxbody.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stuck.h"
#include "text.h"

struct body {
    int64_t number;
    char *version;
    card *card;
};

static struct body *find(const bodies *b, int64_t number) {
    for (size_t i = 0; i < b->count; i++) {
        if (b->list[i].number == number) {
            return &b->list[i];
        }
    }
    return NULL;
}

card *bodies_card(const bodies *b, int64_t number) {
    const struct body *one = find(b, number);
    return one ? one->card : NULL;
}

static void drop(bodies *b, struct body *one) {
    card_free(one->card);
    free(one->version);
    *one = b->list[--b->count];
}

void bodies_forget(bodies *b, int64_t number) {
    struct body *one = find(b, number);
    if (one) {
        drop(b, one);
    }
}

void bodies_prune(bodies *b, const looks *l) {
    for (size_t i = b->count; i-- > 0;) {
        if (!looks_has(l, b->list[i].number, b->list[i].version)) {
            drop(b, &b->list[i]);
        }
    }
}

void bodies_free(bodies *b) {
    while (b->count) {
        drop(b, &b->list[0]);
    }
    free(b->list);
    b->list = NULL;
}

static card *keep(bodies *b, const looks_item *item, card *k) {
    bodies_forget(b, item->number);
    b->list = keel_realloc(b->list, (b->count + 1) * sizeof *b->list);
    b->list[b->count++] = (struct body){item->number, keel_strdup(item->version), k};
    return k;
}

static card *load(bodies *b, const looks_item *item, diag *d) {
    struct body *have = find(b, item->number);
    if (have && strcmp(have->version, item->version) == 0) {
        return have->card;
    }
    card *k = NULL;
    if (card_load(b->c, item->number, &k, d) != 0) {
        return NULL;
    }
    const char *approval = card_shown(k)->approval;
    bool same = strcmp(item->kind, "approval") != 0 ||
                (card_is_open(k) && approval && strcmp(approval, item->version) == 0);
    if (!same) {
        card_free(k);
        diag_set(d, DIAG_CONFLICT, "It has changed at this moment, and comes again.");
        return NULL;
    }
    card_seen(b->c, k);
    return keep(b, item, k);
}

static void unreadable(int64_t number, const diag *d, keel_buf *own) {
    keel_buf_printf(own, "%" PRId64 "  cannot be shown, and so not be decided here\n  ", number);
    text_line(own, d->what, strlen(d->what));
    keel_buf_puts(own, "\n  ");
    text_line(own, d->next, strlen(d->next));
    keel_buf_putc(own, '\n');
}

bool bodies_show(void *ctx, const looks_item *item, const term *on, keel_buf *shared,
                 keel_buf *own) {
    bodies *b = ctx;
    diag d = {0};
    if (strcmp(item->kind, "stuck") == 0) {
        int rc = stuck_text(b->c, item->number, on, own, &d);
        if (rc) {
            unreadable(item->number, &d, own);
        }
        return rc == 0;
    }
    const card *k = load(b, item, &d);
    if (!k) {
        unreadable(item->number, &d, own);
        return false;
    }
    render_shared(card_shown(k), on, shared);
    render_own(card_shown(k), on, cli_now_us(), own);
    return true;
}
