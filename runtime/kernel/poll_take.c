/* What a poll was answered: which of it is new, and the record that says so. */
#include <stdlib.h>
#include <string.h>

#include "polls.h"

/* ---- what is known ---- */

static int on_poll(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    poller *p = ctx;
    p->known = true;
    snprintf(p->account, sizeof p->account, "%s", v[0]);
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
    p->walking = p->recorded = false;
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

static void put_items(const poller *p, keel_json_writer *w) {
    keel_json_key(w, "items");
    keel_json_array(w);
    for (const seen_id *s = p->known ? NULL : p->fresh.oldest; s; s = s->next) {
        keel_json_object(w);
        keel_json_set_text(w, "id", s->id);
        keel_json_object_end(w);
    }
    keel_json items = keel_json_view(p->items.data, p->known ? p->items.len : 0);
    for (keel_json_iter it = keel_json_each(items); items.len && keel_json_next(&it);) {
        keel_json_raw(w, it.value);
    }
    keel_json_array_end(w);
}

static void write_record(kernel *k, poller *p, bool last) {
    keel_json_writer w;
    keel_buf body = KEEL_BUF_INIT;
    bool baseline = !p->known;
    if (p->items.len) {
        keel_buf_putc(&p->items, ']');
    }
    keel_json_write(&w, &body);
    keel_json_object(&w);
    keel_json_set_text(&w, "account", p->account);
    if (baseline) {
        keel_json_set_bool(&w, "baseline", true);
    }
    keel_json_set_text(&w, "connection", p->cn->name);
    if (baseline) {
        seen_free(&p->ids);
    } else if (last) {
        drop(p, &w);
    }
    put_items(p, &w);
    if (p->at.len) {
        keel_json_set_raw(&w, "next", keel_json_view(p->at.data, p->at.len));
    }
    keel_json_set_text(&w, "resource", p->resource);
    keel_json_object_end(&w);
    int64_t seq = journal_add(k, RECORD_POLLED, 0, "", &body);
    keel_buf_free(&body);
    seen_move(&p->ids, &p->fresh);
    p->known = p->recorded = true;
    if (!baseline && p->items.len) {
        poll_found(k, p, seq, &p->items);
    }
    keel_buf_clear(&p->items);
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
    seen_id *known = p->known ? seen_find(&p->ids, key) : NULL;
    p->met++;
    if (known) {
        known->walk = p->walk;
    }
    if (known || seen_find(&p->fresh, key)) {
        return;
    }
    seen_add(&p->fresh, id, key, p->walk);
    if (p->known) {
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

int poll_page(kernel *k, poller *p, keel_json result, char *why, size_t size) {
    if (check(result, why, size)) {
        return -1;
    }
    keel_json items = keel_json_get(result, "items");
    for (keel_json_iter it = keel_json_each(items); keel_json_next(&it);) {
        take_item(p, it.value);
    }
    if (more(p, result)) {
        if (++p->pages >= POLL_PAGES) {
            snprintf(why, size, "it came to no end after %d answers", POLL_PAGES);
            return -1;
        }
        if (p->items.len > POLL_RECORD_KIB * 1024 ||
            (p->known && p->fresh.by_key.count >= POLL_RECORD)) {
            write_record(k, p, false);
        }
        return 0;
    }
    if (!p->at.len && p->met > POLL_KEPT) {
        snprintf(why, size,
                 "it lists more than %d items without a cursor `next` to go on from: narrow it in "
                 "its config",
                 POLL_KEPT);
        return -1;
    }
    if (!p->known || p->fresh.by_key.count || p->recorded) {
        write_record(k, p, true);
    }
    keel_buf_clear(&p->from);
    keel_buf_append(&p->from, p->at.data, p->at.len);
    poll_forget_walk(p);
    return 1;
}
