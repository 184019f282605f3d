/* What an executor says. A frame under an order is obeyed when the order is open and its own; one
 * whose order has not been read yet is kept for a while, and with it what follows on its run. */
#include <stdlib.h>
#include <string.h>

#include "egress.h"
#include "egress_stream.h"

#define HELD_BYTES  (32u << 20)
#define HELD_FRAMES 1000

struct held_frame {
    held_frame *next;
    frame f;
    char *body;
    int64_t until_us;
};

/* ---- frames that wait ---- */

static bool run_is_held(const door *d, uint64_t run) {
    for (const held_frame *h = d->held; h; h = h->next) {
        if (h->f.run == run) {
            return true;
        }
    }
    return false;
}

static void hold(door *d, const frame *f, int64_t until_us) {
    if (d->held_bytes + f->len > HELD_BYTES || d->held_count == HELD_FRAMES) {
        door_break(d, "too much came ahead of its order");
        return;
    }
    held_frame *h = keel_alloc(sizeof *h);
    *h = (held_frame){NULL, *f, keel_memdup(f->len ? f->body : "", f->len), until_us};
    h->f.body = h->body;
    *d->held_tail = h;
    d->held_tail = &h->next;
    d->held_bytes += f->len;
    d->held_count++;
    egress_held(d->e);
}

static void free_held(held_frame *h) {
    free(h->body);
    free(h);
}

void door_forget_held(door *d) {
    while (d->held) {
        held_frame *h = d->held;
        d->held = h->next;
        free_held(h);
    }
    d->held_tail = &d->held;
    d->held_bytes = 0;
    d->held_count = 0;
}

/* ---- under an order ---- */

static void refuse(door *d, const frame *f, const char *why) {
    stream *s = f->type == E_HTTP || f->type == E_OPEN ? NULL : stream_find(d, f->run);
    if (f->type == E_HTTP || f->type == E_OPEN) {
        door_say(d, E_FAILED, f->run, "denied", why);
    } else if (s) {
        stream_close(s, "denied", why);
    }
}

static void obey(door *d, order *o, const frame *f) {
    if (f->type == E_HTTP) {
        http_begin(d, o, f);
    } else if (f->type == E_OPEN) {
        stream_begin(d, o, f);
    } else if (f->type == E_DATA) {
        stream_data(d, o, f);
    }
}

static void close_stream(door *d, uint64_t run) {
    stream *s = stream_find(d, run);
    if (s) {
        stream_finish(s);
    }
}

static void with_order(door *d, const frame *f, int64_t until_us) {
    if (run_is_held(d, f->run)) {
        hold(d, f, until_us);
        return;
    }
    if (f->type == E_CLOSE) {
        close_stream(d, f->run);
        return;
    }
    order *o = map_get(&d->e->orders, f->ref);
    if (o && o->executor == d->executor && o->connection == d->connection) {
        obey(d, o, f);
    } else if (o) {
        refuse(d, f, "This effect is not one of this connection's.");
    } else if (f->ref == 0 || order_ended(d->e, f->ref)) {
        refuse(d, f, "The effect is over: nothing more may be sent for it.");
    } else if (egress_now_us() >= until_us) {
        refuse(d, f, "Keel has given no order for this effect.");
    } else {
        hold(d, f, until_us);
    }
}

void door_retry(door *d) {
    held_frame *h = d->held;
    d->held = NULL;
    d->held_tail = &d->held;
    d->held_bytes = 0;
    d->held_count = 0;
    while (h) {
        held_frame *next = h->next;
        with_order(d, &h->f, h->until_us);
        free_held(h);
        h = next;
    }
}

/* ---- the others ---- */

static void cancel_held(door *d, uint64_t run) {
    for (held_frame **p = &d->held; *p; p = &(*p)->next) {
        held_frame *h = *p;
        if (h->f.run != run || (h->f.type != E_HTTP && h->f.type != E_OPEN)) {
            continue;
        }
        *p = h->next;
        d->held_tail = h->next ? d->held_tail : p;
        d->held_bytes -= h->f.len;
        d->held_count--;
        free_held(h);
        door_say(d, E_FAILED, run, "retry", "It was cancelled before it was sent.");
        return;
    }
}

static void cancel(door *d, uint64_t run) {
    for (request *r = d->requests; r; r = r->next) {
        if (r->run == run) {
            http_cancel(r, http_lost_code(r, "cancelled"), "It was cancelled.");
            return;
        }
    }
    stream *s = stream_find(d, run);
    if (s) {
        stream_cancel(s);
        return;
    }
    cancel_held(d, run);
}

static void taken(door *d, const frame *f) {
    stream *s = stream_find(d, f->run);
    if (s) {
        stream_taken(s, f->ref);
    }
}

void door_frame(void *ctx, const frame *f) {
    door *d = ctx;
    int64_t until_us = egress_now_us() + EGRESS_KEPT_US;
    if (d->broken || d->gone) {
        return;
    }
    switch (f->type) {
    case E_HTTP:
    case E_OPEN:
        if (f->run <= d->last_run) {
            door_break(d, "its numbers do not grow");
            return;
        }
        d->last_run = f->run;
        with_order(d, f, until_us);
        break;
    case E_DATA:
        if (f->len > FRAME_INLINE) {
            door_break(d, "it sent too much at once");
            return;
        }
        with_order(d, f, until_us);
        break;
    case E_CLOSE:
        with_order(d, f, until_us);
        break;
    case E_TAKEN:
        taken(d, f);
        break;
    case E_CANCEL:
        cancel(d, f->run);
        break;
    default:
        door_break(d, "it sent a frame that no executor sends");
    }
}
