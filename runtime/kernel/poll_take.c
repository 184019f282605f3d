/* What a poll was answered: which of it is new, and the record that says so. */
#include <stdlib.h>
#include <string.h>

#include "polls.h"

enum { LOST_KIB = 4096 }; /* held back while nothing is met that is known */

/* ---- what is known ---- */

static int on_poll(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    poller *p = ctx;
    p->known = true;
    snprintf(p->owner, sizeof p->owner, "%s", v[0]);
    keel_buf_puts(&p->from, v[1] ? v[1] : "");
    return 0;
}

static uint64_t key_of(const char *id) {
    digest d = digest_of(id, strlen(id));
    return digest_word(&d);
}

static int on_id(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    poller *p = ctx;
    seen_add(&p->ids, v[0], key_of(v[0]), 0);
    return 0;
}

void poll_load(kernel *k, poller *p) {
    char name[80];
    const char *params[] = {name, p->resource};
    snprintf(name, sizeof name, "%.*s", (int)(p->resource - p->name - 1), p->name);
    reader_query(k->env.reads,
                 "SELECT account, next FROM poll WHERE connection = ? AND resource = ?", params, 2,
                 on_poll, p, NULL);
    reader_query(k->env.reads,
                 "SELECT id FROM polled_id WHERE connection = ? AND resource = ? ORDER BY seq, id",
                 params, 2, on_id, p, NULL);
}

void poll_forget_walk(poller *p) {
    seen_free(&p->fresh);
    keel_buf_clear(&p->items);
    keel_buf_clear(&p->at);
    p->met = p->pages = 0;
    p->walking = p->recorded = p->baseline = p->met_known = false;
}

/* A lost cursor needs all ids that there ever were: fewer than are kept are all. */
void poll_begin_walk(poller *p) {
    poll_forget_walk(p);
    p->baseline = !p->known || strcmp(p->account, p->owner) != 0 ||
                  (p->lost && p->ids.by_key.count >= POLL_KEPT);
    if (!p->baseline && !p->lost) {
        keel_buf_append(&p->at, p->from.data, p->from.len);
    }
    p->walking = true;
    p->walk++;
}

/* ---- the record ---- */

/* Ids that the list does not show any more go first, the oldest of them. What a poll under way has not
 * met it may still meet: they go with its last record. */
static void drop(poller *p, keel_json_writer *w) {
    size_t count = p->ids.by_key.count + p->fresh.by_key.count;
    bool any = false;
    seen_id **at = &p->ids.oldest;
    while (*at && count > POLL_KEPT) {
        seen_id *s = *at;
        if (s->walk == p->walk) {
            at = &s->next;
            continue;
        }
        if (!any) {
            keel_json_key(w, "drop");
            keel_json_array(w);
            any = true;
        }
        keel_json_object(w);
        keel_json_set_text(w, "id", s->id);
        keel_json_object_end(w);
        *at = s->next;
        if (!s->next) {
            p->ids.last = at;
        }
        map_take(&p->ids.by_key, s->key);
        free(s->id);
        free(s);
        count--;
    }
    if (any) {
        keel_json_array_end(w);
    }
}

/* Behind a lost cursor nothing is news before something is met that is known: an account that has
 * numbered its items anew tells nothing by its ids. */
static bool is_told(const poller *p) {
    return !p->baseline && (!p->lost || p->met_known || !p->ids.by_key.count);
}

static void put_items(const poller *p, keel_json_writer *w) {
    keel_json_key(w, "items");
    keel_json_array(w);
    for (const seen_id *s = p->baseline ? p->fresh.oldest : NULL; s; s = s->next) {
        keel_json_object(w);
        keel_json_set_text(w, "id", s->id);
        keel_json_object_end(w);
    }
    keel_json items = keel_json_view(p->items.data, p->baseline ? 0 : p->items.len);
    for (keel_json_iter it = keel_json_each(items); items.len && keel_json_next(&it);) {
        keel_json_raw(w, it.value);
    }
    keel_json_array_end(w);
}

/* Whose the ids are from now on. Nobody receives any more what another one's account has found. */
static void begin_anew(kernel *k, poller *p, int64_t seq) {
    seen_free(&p->ids);
    bool other = strcmp(p->owner, p->account) != 0;
    if (p->known && other) {
        p->since = seq;
    }
    memcpy(p->owner, p->account, sizeof p->owner);
    if (p->lost && !other) {
        kernel_log(k, "warn", 0,
                   "%s: too little of it is known to tell what is new: what is there now counts as "
                   "seen, also what came since the last poll",
                   p->name);
    }
}

/* Where the next poll begins: a page's cursor is good for its own poll only. One that is lost is given up
 * with the first record: from there on ids tell, and all of them are there. */
static keel_json lasting(poller *p, bool last) {
    if (p->lost && !last) {
        keel_buf_clear(&p->from);
        p->lost = false;
    }
    const keel_buf *next = last ? &p->at : &p->from;
    return keel_json_view(next->data, next->len);
}

static void write_record(kernel *k, poller *p, bool last) {
    keel_json_writer w;
    keel_buf body = KEEL_BUF_INIT;
    keel_json next = lasting(p, last);
    if (p->items.len) {
        keel_buf_putc(&p->items, ']');
    }
    keel_json_write(&w, &body);
    keel_json_object(&w);
    keel_json_set_text(&w, "account", p->account);
    if (p->baseline) {
        keel_json_set_bool(&w, "baseline", true);
    }
    keel_json_set_text(&w, "connection", p->cn->name);
    if (last && !p->baseline) {
        drop(p, &w);
    }
    put_items(p, &w);
    if (next.len) {
        keel_json_set_raw(&w, "next", next);
    }
    keel_json_set_text(&w, "resource", p->resource);
    keel_json_set_text(&w, "sensitivity", sensitivity_name(poll_label(p).level));
    keel_json_set_bool(&w, "untrusted", poll_label(p).untrusted);
    keel_json_object_end(&w);
    int64_t seq = journal_add(k, RECORD_POLLED, 0, "", &body);
    keel_buf_free(&body);
    if (p->baseline) {
        begin_anew(k, p, seq);
    }
    seen_move(&p->ids, &p->fresh);
    p->known = p->recorded = true;
    if (!p->baseline && p->items.len) {
        poll_found(k, p, seq, &p->items);
    }
    keel_buf_clear(&p->items);
}

/* What it has found so far stands in a record, and is found no second time. That of a first time is
 * not kept: the rest of what was there before would be news. */
void poll_break_off(kernel *k, poller *p) {
    if (p->walking && p->cn && !p->baseline && p->fresh.by_key.count && is_told(p)) {
        write_record(k, p, false);
    }
    poll_forget_walk(p);
}

/* ---- an answer ---- */

/* A text, or a whole number. */
static bool id_of(keel_json item, char out[POLL_ID_BYTES + 1]) {
    keel_json id = keel_json_get(item, "id");
    int64_t n;
    if (keel_json_typeof(id) == KEEL_JSON_NUMBER && keel_json_int(id, &n)) {
        snprintf(out, POLL_ID_BYTES + 1, "%lld", (long long)n);
        return true;
    }
    keel_buf text = KEEL_BUF_INIT;
    bool good = keel_json_typeof(id) == KEEL_JSON_STRING && keel_json_string(id, &text) &&
                text.len > 0 && text.len <= POLL_ID_BYTES && !memchr(text.data, 0, text.len);
    if (good) {
        memcpy(out, text.data, text.len);
        out[text.len] = 0;
    }
    keel_buf_free(&text);
    return good;
}

static int check(keel_json result, char *why, size_t size) {
    keel_json items = keel_json_get(result, "items");
    char id[POLL_ID_BYTES + 1];
    size_t at = 0;
    if (keel_json_typeof(items) != KEEL_JSON_ARRAY) {
        snprintf(why, size, "what it read has no list `items`");
        return -1;
    }
    if (keel_json_count(items) > POLL_ITEMS) {
        snprintf(why, size,
                 "it read %zu items at once, and up to %d are taken: let `read` give "
                 "pages, with `next`",
                 keel_json_count(items), POLL_ITEMS);
        return -1;
    }
    for (keel_json_iter it = keel_json_each(items); keel_json_next(&it); at++) {
        if (keel_json_typeof(it.value) != KEEL_JSON_OBJECT || !id_of(it.value, id)) {
            snprintf(why, size,
                     "item %zu of what it read has no `id` that is a text of up to %d bytes or a "
                     "number",
                     at + 1, POLL_ID_BYTES);
            return -1;
        }
    }
    return 0;
}

static void take_item(poller *p, keel_json item) {
    char id[POLL_ID_BYTES + 1];
    keel_json_writer w;
    id_of(item, id);
    uint64_t key = key_of(id);
    seen_id *known = p->baseline ? NULL : seen_find(&p->ids, key);
    p->met++;
    if (known) {
        known->walk = p->walk;
        p->met_known = true;
    }
    if (known || seen_find(&p->fresh, key)) {
        return;
    }
    seen_add(&p->fresh, id, key, p->walk);
    if (!p->baseline) {
        keel_buf_putc(&p->items, p->items.len ? ',' : '[');
        keel_json_write(&w, &p->items);
        keel_json_object(&w);
        keel_json_set_raw(&w, "body", item);
        keel_json_set_text(&w, "id", id);
        keel_json_object_end(&w);
    } else if (p->fresh.by_key.count > POLL_KEPT) {
        seen_drop_oldest(&p->fresh);
    }
}

/* Whether it goes on, with the cursor of the answer. */
static bool more(poller *p, keel_json result) {
    keel_json next = keel_json_get(result, "next"), said = keel_json_get(result, "more");
    bool has = next.len && keel_json_typeof(next) != KEEL_JSON_NULL;
    bool same = has && next.len == p->at.len && !memcmp(next.data, p->at.data, next.len);
    bool over = keel_json_typeof(said) == KEEL_JSON_BOOL && !keel_json_true(said);
    keel_buf_clear(&p->at);
    keel_buf_append(&p->at, next.data, has ? next.len : 0);
    return has && !same && !over && keel_json_count(keel_json_get(result, "items"));
}

/* None of what it lists is known. */
static void make_baseline(poller *p) {
    p->baseline = true;
    keel_buf_clear(&p->items);
    while (p->fresh.by_key.count > POLL_KEPT) {
        seen_drop_oldest(&p->fresh);
    }
}

static void finish(kernel *k, poller *p) {
    if (p->baseline || p->fresh.by_key.count || p->recorded || p->lost) {
        write_record(k, p, true);
    }
    keel_buf_clear(&p->from);
    keel_buf_append(&p->from, p->at.data, p->at.len);
    p->lost = false;
    poll_forget_walk(p);
}

int poll_page(kernel *k, poller *p, keel_json result, char *why, size_t size) {
    if (check(result, why, size)) {
        return -1;
    }
    keel_json items = keel_json_get(result, "items");
    for (keel_json_iter it = keel_json_each(items); keel_json_next(&it);) {
        take_item(p, it.value);
    }
    bool on = more(p, result);
    if (!p->baseline && !is_told(p) && (!on || p->items.len > LOST_KIB * 1024)) {
        make_baseline(p);
    }
    if (on) {
        if (++p->pages >= POLL_PAGES) {
            snprintf(why, size, "it came to no end after %d answers", POLL_PAGES);
            return -1;
        }
        if (is_told(p) &&
            (p->items.len > POLL_RECORD_KIB * 1024 || p->fresh.by_key.count >= POLL_RECORD)) {
            write_record(k, p, false);
        }
        return 0;
    }
    if (!p->at.len && p->met > POLL_KEPT) {
        snprintf(why, size,
                 "it lists more than %d items without a cursor `next` to go on from: narrow it in "
                 "its config",
                 POLL_KEPT);
        poll_forget_walk(p); /* ids tell nothing of it */
        return -1;
    }
    finish(k, p);
    return 1;
}
