#include "polls.h"

#include <string.h>

#include "text.h"

void polls_words(const workspace_connection *k, keel_buf *out) {
    for (size_t i = 0; i < k->poll_count; i++) {
        keel_buf_printf(out, "%s%s ", i ? ", " : "", k->polls[i].resource);
        text_span(out, k->polls[i].every_us);
    }
}

/* What the kernel says of it; nothing when none runs. */
static keel_json said_of(const keel_buf *status, const char *connection, const char *resource) {
    keel_json all = keel_json_get(keel_json_view(status->data, status->len), "connections");
    for (keel_json_iter it = keel_json_each(all); keel_json_next(&it);) {
        keel_json polls = keel_json_get(it.value, "polls");
        bool here = keel_json_is(keel_json_get(it.value, "name"), connection);
        for (keel_json_iter p = keel_json_each(polls); here && keel_json_next(&p);) {
            if (keel_json_is(keel_json_get(p.value, "resource"), resource)) {
                return p.value;
            }
        }
    }
    return (keel_json){0};
}

static void put_time(keel_buf *out, const char *before, keel_json one, const char *key,
                     const char *without) {
    int64_t at = 0;
    keel_json_int(keel_json_get(one, key), &at);
    keel_buf_puts(out, before);
    if (at) {
        text_time(out, at);
    } else {
        keel_buf_puts(out, without);
    }
}

static void put_line(cli *c, const char *connection, const workspace_poll *p, keel_json one,
                     keel_buf *out) {
    keel_buf trouble = KEEL_BUF_INIT;
    bool failed = keel_json_string(keel_json_get(one, "trouble"), &trouble);
    if (failed) {
        term_put(&c->out, out, TINT_WAIT, "warning: ");
    }
    keel_buf_printf(out, "%s.%s is polled every ", connection, p->resource);
    text_span(out, p->every_us);
    if (one.len) {
        put_time(out, "; last ", one, "last_us", "not yet");
        put_time(out, ", next ", one, "next_us",
                 keel_json_get(one, "asking").len ? "now" : "when it can be");
    }
    if (failed) {
        keel_buf_puts(out, "; it failed: ");
        text_line(out, trouble.data, trouble.len);
    }
    keel_buf_putc(out, '\n');
    keel_buf_free(&trouble);
}

void polls_lines(cli *c, const workspace_connection *k, const keel_buf *status, bool failed,
                 keel_buf *out) {
    for (size_t i = 0; i < k->poll_count; i++) {
        keel_json one = said_of(status, k->name, k->polls[i].resource);
        if (!failed || keel_json_get(one, "trouble").len) {
            put_line(c, k->name, &k->polls[i], one, out);
        }
    }
}
