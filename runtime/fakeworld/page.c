#include "page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE 256

/* A text by its letters, a number or true by what it is written as. */
static bool equals(keel_json member, const char *value) {
    keel_json_type type = keel_json_typeof(member);
    if (type == KEEL_JSON_STRING) {
        return keel_json_is(member, value);
    }
    return type != KEEL_JSON_NONE && member.len == strlen(value) &&
           !memcmp(member.data, value, member.len);
}

static bool passes(const route *r, const request *q, keel_json object) {
    char value[VALUE];
    for (size_t i = 0; r->filter && i < r->filter->count; i++) {
        const char *name = r->filter->items[i]->text;
        if (request_query(q, name, value, sizeof value) &&
            !equals(keel_json_path(object, name), value)) {
            return false;
        }
    }
    return true;
}

/* Ids count up. */
static bool is_after(const char *value, keel_json object) {
    char id[32] = "";
    keel_json_copy(keel_json_get(object, "id"), id, sizeof id);
    return strtoll(id, NULL, 10) > strtoll(value, NULL, 10);
}

bool page_takes(const route *r, const request *q, keel_json object) {
    char value[VALUE] = "";
    if (r->act == ACT_SEARCH) {
        request_query(q, r->query, value, sizeof value);
        return keel_json_is(keel_json_path(object, r->member), value) && passes(r, q, object);
    }
    if (r->paging == PAGING_AFTER && request_query(q, r->param, value, sizeof value) &&
        !is_after(value, object)) {
        return false;
    }
    return passes(r, q, object);
}

int64_t page_from(const route *r, const request *q) {
    char value[VALUE];
    if (r->act == ACT_SEARCH || r->paging == PAGING_AFTER ||
        !request_query(q, r->param, value, sizeof value)) {
        return 0;
    }
    int64_t from = strtoll(value, NULL, 10);
    return r->paging == PAGING_PAGE && from > 0 ? (from - 1) * r->size : from;
}

/* The filters of this page hold for the next. */
static void put_link(const route *r, const request *q, int64_t next, keel_buf *out) {
    char value[VALUE];
    keel_buf_printf(out, "Link: <%s?%s=%" PRId64, q->path, r->param, next);
    for (size_t i = 0; r->filter && i < r->filter->count; i++) {
        const char *name = r->filter->items[i]->text;
        if (request_query(q, name, value, sizeof value)) {
            keel_buf_putc(out, '&');
            keel_buf_url(out, name, strlen(name));
            keel_buf_putc(out, '=');
            keel_buf_url(out, value, strlen(value));
        }
    }
    keel_buf_puts(out, ">; rel=\"next\"\r\n");
}

void page_end(const route *r, const request *q, int64_t from, bool more, keel_buf *headers,
              keel_buf *body) {
    if (r->paging == PAGING_LINK && more) {
        put_link(r, q, from + r->size, headers);
    }
    if (!*r->as || r->act != ACT_LIST) {
        return;
    }
    if (r->paging == PAGING_PAGE || r->paging == PAGING_AFTER) {
        keel_buf_printf(body, ",\"more\":%s", more ? "true" : "false");
    } else if (r->paging == PAGING_CURSOR && more) {
        keel_buf_printf(body, ",\"next\":\"%" PRId64 "\"", from + r->size);
    } else if (r->paging == PAGING_CURSOR) {
        keel_buf_puts(body, ",\"next\":null");
    }
}
