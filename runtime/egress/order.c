/* Orders and what is known of each: the evidence. */
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "egress.h"
#include "egress_stream.h"

#define RETRY_AFTER_MOST 1000000000LL /* s; the kernel has a cap of its own */

static uint64_t number(keel_json v, const char *key) {
    int64_t n = 0;
    return keel_json_int(keel_json_get(v, key), &n) && n > 0 ? (uint64_t)n : 0;
}

void order_begin(egress *e, uint64_t ref, uint64_t executor, const char *body, size_t len) {
    keel_json_error err;
    if (ref == 0 || executor == 0 || keel_json_check(body, len, &err) < 0 ||
        map_get(&e->orders, ref)) {
        egress_note(e, "error", "An order of the kernel's cannot be read, or came twice.");
        return;
    }
    keel_json v = keel_json_view(body, len);
    order *o = keel_alloc(sizeof *o);
    memset(o, 0, sizeof *o);
    o->ref = ref;
    o->executor = executor;
    o->connection = number(v, "connection");
    o->unsafe = keel_json_true(keel_json_get(v, "unsafe"));
    o->bytes_left = number(v, "bytes");
    o->deadline_us = egress_now_us() + (int64_t)number(v, "us");
    map_put(&e->orders, ref, o);
    door *d = map_get(&e->doors, executor);
    if (d) {
        door_retry(d);
    }
}

bool order_ended(const egress *e, uint64_t ref) {
    for (size_t i = 0; i < sizeof e->ended / sizeof *e->ended; i++) {
        if (e->ended[i] == ref) {
            return true;
        }
    }
    return false;
}

static void answer(egress *e, uint64_t ref, const order *o, bool answered) {
    keel_buf body = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &body);
    keel_json_object(&w);
    keel_json_set_bool(&w, "answered", answered);
    keel_json_set_int(&w, "bytes_in", (int64_t)o->bytes_in);
    keel_json_set_int(&w, "bytes_out", (int64_t)o->bytes_out);
    keel_json_key(&w, "digests");
    keel_json_array(&w);
    for (size_t i = 0; i < o->digest_count; i++) {
        keel_json_text(&w, o->digests[i]);
    }
    keel_json_array_end(&w);
    keel_json_set_int(&w, "requests", (int64_t)o->requests);
    keel_json_set_bool(&w, "sent", o->sent);
    keel_json_object_end(&w);
    egress_send(e, G_ENDED, ref, body.data, body.len);
    keel_buf_free(&body);
}

/* What the executor wrote before its verb answered is still in the socket: it counts. */
static void stop_all(door *d, order *o) {
    door_read(d);
    for (request *r = d->requests, *next; r; r = next) {
        next = r->next;
        if (r->order == o) {
            http_cancel(r, http_lost_code(r, "cancelled"), "The effect is over.");
        }
    }
    o->unanswered = o->unanswered || stream_unanswered(d, o);
    stream_order_over(d, o);
}

void order_end(egress *e, uint64_t ref) {
    order *o = map_get(&e->orders, ref);
    if (!o) {
        answer(e, ref, &(order){0}, false);
        return;
    }
    door *d = map_get(&e->doors, o->executor);
    if (d) {
        stop_all(d, o);
    }
    map_take(&e->orders, ref);
    e->ended[e->ended_at++ % (sizeof e->ended / sizeof *e->ended)] = ref;
    answer(e, ref, o, o->sent && !o->unanswered);
    free(o);
}

bool order_sending(egress *e, order *o) {
    if (!o->unsafe || o->sent) {
        return true;
    }
    egress_send(e, G_SENDING, o->ref, NULL, 0);
    o->sent = true; /* even if it did not leave: better said than not */
    return egress_write_through(e);
}

void order_add_digest(order *o, const char *method, const char *url, const char *body, size_t len) {
    if (o->digest_count == EGRESS_DIGESTS) {
        return;
    }
    keel_buf head = KEEL_BUF_INIT;
    keel_buf_printf(&head, "%s %s\n", method, url);
    digest sum = digest_of2(head.data, head.len, body, len);
    digest_hex(&sum, o->digests[o->digest_count++]);
    keel_buf_free(&head);
}

void order_answered(egress *e, order *o, int status, int64_t retry_after_s) {
    static const struct {
        int status;
        bool only_with_time;
    } telling[] = {{401, false}, {402, false}, {403, false}, {429, true}, {503, true}};
    size_t i = 0;
    while (i < sizeof telling / sizeof *telling && telling[i].status != status) {
        i++;
    }
    if (i == sizeof telling / sizeof *telling || (o->told & (1u << i)) ||
        (telling[i].only_with_time && retry_after_s <= 0)) {
        return;
    }
    o->told |= 1u << i;
    keel_buf body = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &body);
    keel_json_object(&w);
    keel_json_set_int(&w, "connection", (int64_t)o->connection);
    if (telling[i].only_with_time) {
        keel_json_set_int(&w, "retry_after_s",
                          retry_after_s < RETRY_AFTER_MOST ? retry_after_s : RETRY_AFTER_MOST);
    }
    keel_json_set_int(&w, "status", status);
    keel_json_object_end(&w);
    egress_send(e, G_ANSWERED, o->ref, body.data, body.len);
    keel_buf_free(&body);
    egress_write_through(e); /* before the executor hears of it */
}

bool order_take(order *o, size_t bytes) {
    o->bytes_in += bytes;
    if (bytes > o->bytes_left) {
        o->bytes_left = 0;
        return false;
    }
    o->bytes_left -= bytes;
    return true;
}
