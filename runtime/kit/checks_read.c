/* Reads: their shape, that they change nothing, and their cursors. */
#include <stdlib.h>
#include <string.h>

#include "trial.h"

#define PAGES 50

/* Something to read, where the case can write it. */
static bool fill(trial *t) {
    said s = {0};
    char text[700];
    bool ok = true;
    for (int i = 0; i < 3 && t->body.len && t->resource->verbs[VERB_WRITE].present && ok; i++) {
        trial_next_key(t);
        trial_write(t, &s);
        ok = s.how == SAID_REPLY;
        if (!ok) {
            trial_fail(t, "the write before it %s", said_text(&s, text, sizeof text));
        }
    }
    keel_buf_clear(&t->before);
    site_state(&t->site, &t->before);
    said_free(&s);
    return ok;
}

static bool shape_ok(trial *t, keel_json result) {
    keel_json items = keel_json_get(result, "items");
    size_t n = 0;
    if (keel_json_typeof(items) != KEEL_JSON_ARRAY) {
        trial_fail(t, "the answer has no list `items`: %.200s", result.data);
        return false;
    }
    for (keel_json_iter it = keel_json_each(items); keel_json_next(&it); n++) {
        keel_json_type id = keel_json_typeof(keel_json_get(it.value, "id"));
        if (id != KEEL_JSON_STRING && id != KEEL_JSON_NUMBER) {
            trial_fail(t, "item %zu has no `id` that is a text or a number: %.*s", n,
                       (int)(it.value.len < 200 ? it.value.len : 200), it.value.data);
            return false;
        }
    }
    return true;
}

static bool read_page(trial *t, keel_json query, said *s) {
    char text[700];
    trial_read(t, query, s);
    if (s->how != SAID_REPLY) {
        trial_fail(t, "it %s", said_text(s, text, sizeof text));
        return false;
    }
    return true;
}

static kit_verdict shape(trial *t) {
    said s = {0};
    bool ok = fill(t) && read_page(t, keel_json_view(t->query.data, t->query.len), &s) &&
              shape_ok(t, keel_json_view(s.result.data, s.result.len)) &&
              trial_usage(t, VERB_READ, &s);
    said_free(&s);
    return ok ? KIT_PASSED : KIT_FAILED;
}

static kit_verdict pure(trial *t) {
    said s = {0};
    bool ok = fill(t) && read_page(t, keel_json_view(t->query.data, t->query.len), &s);
    if (ok && !site_same(&t->site, &t->before)) {
        ok = false;
        trial_fail(t, "the outside is not as it was before the read");
    }
    said_free(&s);
    return ok ? KIT_PASSED : KIT_FAILED;
}

/* ---- cursors ---- */

/* Adds each id as a line. false: one was there already. */
static bool add_ids(trial *t, keel_json items, keel_buf *seen) {
    for (keel_json_iter it = keel_json_each(items); keel_json_next(&it);) {
        keel_json id = keel_json_get(it.value, "id");
        keel_buf line = KEEL_BUF_INIT;
        keel_buf_printf(&line, "\n%.*s\n", (int)id.len, id.data);
        bool twice = seen->len && strstr(seen->data, line.data);
        if (twice) {
            trial_fail(t, "the item %.*s came twice", (int)id.len, id.data);
        }
        keel_buf_append(seen, line.data, line.len);
        keel_buf_free(&line);
        if (twice) {
            return false;
        }
    }
    return true;
}

static bool follow(trial *t, said *s, keel_buf *seen, int *pages) {
    keel_buf query = KEEL_BUF_INIT, last = KEEL_BUF_INIT;
    bool ok = true;
    keel_buf_append(&query, t->query.data, t->query.len);
    for (*pages = 0; ok && *pages < PAGES; ++*pages) {
        ok = read_page(t, keel_json_view(query.data, query.len), s);
        keel_json result = keel_json_view(s->result.data, s->result.len);
        keel_json next = ok ? keel_json_get(result, "next") : (keel_json){0};
        keel_json_type type = keel_json_typeof(next);
        ok = ok && add_ids(t, keel_json_get(result, "items"), seen);
        if (!ok || type == KEEL_JSON_NONE || type == KEEL_JSON_NULL) {
            break;
        }
        if (last.len == next.len && !memcmp(last.data, next.data, next.len)) {
            /* The end of a feed may hand out its last cursor for ever, as long as nothing comes. */
            break;
        }
        keel_buf_clear(&last);
        keel_buf_append(&last, next.data, next.len);
        keel_buf_clear(&query);
        json_with(&query, keel_json_view(t->query.data, t->query.len), "cursor", next);
    }
    keel_buf_free(&query);
    keel_buf_free(&last);
    return ok;
}

static kit_verdict cursor(trial *t) {
    said s = {0};
    keel_buf seen = KEEL_BUF_INIT;
    int pages = 0;
    bool ok = fill(t) && follow(t, &s, &seen, &pages);
    said_free(&s);
    keel_buf_free(&seen);
    if (ok && pages == PAGES) {
        return trial_fail(t, "there is a next page after %d pages", PAGES);
    }
    if (ok && pages == 0) {
        return trial_skip(t, "no `next` came: nothing to follow");
    }
    return ok ? KIT_PASSED : KIT_FAILED;
}

/* ---- one by its id ---- */

static bool may_refuse(const said *s) {
    return s->how == SAID_FAIL &&
           (!strcmp(s->code, "invalid") || !strcmp(s->code, "not_implemented"));
}

static bool is_alone(trial *t, keel_json result, keel_json id) {
    keel_json items = keel_json_get(result, "items");
    keel_json_iter it = keel_json_each(items);
    size_t count = keel_json_count(items);
    if (!shape_ok(t, result)) {
        return false;
    }
    if (count != 1 || !keel_json_next(&it)) {
        trial_fail(t, "{\"id\":%.*s}, of an item that it lists, gave %zu items", (int)id.len,
                   id.data, count);
        return false;
    }
    keel_json got = keel_json_get(it.value, "id");
    if (got.len != id.len || memcmp(got.data, id.data, id.len) != 0) {
        trial_fail(t, "{\"id\":%.*s} gave the item %.*s", (int)id.len, id.data, (int)got.len,
                   got.data);
        return false;
    }
    return true;
}

/* The last of a page: where all are given instead, or the first, it shows. */
static kit_verdict read_again(trial *t, keel_json items) {
    char text[700];
    said s = {0};
    keel_json id = {0};
    keel_buf query = KEEL_BUF_INIT;
    kit_verdict v = KIT_FAILED;
    for (keel_json_iter it = keel_json_each(items); keel_json_next(&it);) {
        id = keel_json_get(it.value, "id");
    }
    keel_buf_printf(&query, "{\"id\":%.*s}", (int)id.len, id.data);
    trial_read(t, keel_json_view(query.data, query.len), &s);
    said_text(&s, text, sizeof text);
    if (may_refuse(&s)) {
        v = trial_skip(t, "{id} is no query of it: it %s", text);
    } else if (s.how != SAID_REPLY) {
        trial_fail(t, "%s, of an item that it lists: it %s", query.data, text);
    } else if (is_alone(t, keel_json_view(s.result.data, s.result.len), id)) {
        v = KIT_PASSED;
    }
    said_free(&s);
    keel_buf_free(&query);
    return v;
}

static kit_verdict by_id(trial *t) {
    said s = {0};
    kit_verdict v = KIT_FAILED;
    if (fill(t) && read_page(t, keel_json_view(t->query.data, t->query.len), &s) &&
        shape_ok(t, keel_json_view(s.result.data, s.result.len))) {
        keel_json items = keel_json_get(keel_json_view(s.result.data, s.result.len), "items");
        v = keel_json_count(items) ? read_again(t, items)
                                   : trial_skip(t, "no item came, to be read by its id");
    }
    said_free(&s);
    return v;
}

const check checks_read[] = {
    {"read.shape", "a read answers {items: [{id}], next}", NEED_READ, shape},
    {"read.id", "the id of an item, as {id}, gives that one item", NEED_READ, by_id},
    {"read.pure", "a read changes nothing", NEED_READ | NEED_ORACLE, pure},
    {"read.cursor", "`next` leads on, and no item comes twice", NEED_READ, cursor},
    {0},
};
