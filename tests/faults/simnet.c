/* Egress of the simulation: it keeps orders, announces what leaves, and answers with what it knows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "egress_protocol.h"
#include "simworld.h"

static sim_order *order_of(sim_world *w, uint64_t ref) {
    for (size_t i = 0; i < sizeof w->orders / sizeof *w->orders; i++) {
        if (w->orders[i].ref == ref) {
            return &w->orders[i];
        }
    }
    return NULL;
}

static void on_order(sim_world *w, const frame *f) {
    keel_json body = keel_json_view(f->body, f->len);
    sim_order *o = order_of(w, 0);
    if (!o) {
        abort();
    }
    if (keel_json_true(keel_json_get(body, "unsafe"))) {
        int64_t n = 0;
        keel_json_int(keel_json_get(body, "connection"), &n);
        *o = (sim_order){.ref = f->ref, .connection = (uint64_t)n};
    }
}

static void on_end(sim_world *w, const frame *f) {
    keel_buf b = KEEL_BUF_INIT;
    sim_order *o = order_of(w, f->ref);
    keel_buf_printf(&b,
                    "{\"answered\":%s,\"bytes_in\":0,\"bytes_out\":0,\"digests\":[],"
                    "\"requests\":1,\"sent\":%s}",
                    o && o->answered ? "true" : "false", o && o->sent ? "true" : "false");
    sim_to_kernel(w, w->egress, G_ENDED, 0, f->ref, &b);
    keel_buf_free(&b);
    if (o) {
        o->ref = 0;
    }
}

void sim_egress_frame(sim_world *w, const frame *f) {
    if (w->egress_deaf) {
        return;
    }
    if (f->type == G_ORDER) {
        on_order(w, f);
    } else if (f->type == G_END) {
        on_end(w, f);
    } else if (f->type == G_CONNECTION && f->run < sizeof w->connected) {
        w->connected[f->run] = f->len > 0;
    }
}

bool sim_egress_request(sim_world *w, uint64_t ref, bool answered) {
    sim_order *o = order_of(w, ref);
    if (!w->egress || (!o && w->egress_deaf)) {
        return false;
    }
    if (!o) {
        snprintf(w->fault, sizeof w->fault, "a verb was given without its order");
        return false;
    }
    o->sent = true;
    o->answered = answered;
    sim_to_kernel(w, w->egress, G_SENDING, 0, ref, NULL);
    return true;
}

void sim_egress_status(sim_world *w, uint64_t ref, uint64_t connection, int status,
                       int64_t after_s) {
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_printf(&b, "{\"connection\":%llu,", (unsigned long long)connection);
    if (after_s) {
        keel_buf_printf(&b, "\"retry_after_s\":%lld,", (long long)after_s);
    }
    keel_buf_printf(&b, "\"status\":%d}", status);
    sim_to_kernel(w, w->egress, G_ANSWERED, 0, ref, &b);
    keel_buf_free(&b);
}

void sim_egress_kill(sim_world *w) {
    if (w->egress) {
        sim_gone(w, w->egress, "was killed by signal 9 (Killed)");
        w->egress = 0;
        w->egress_deaf = false;
        memset(w->orders, 0, sizeof w->orders);
        memset(w->connected, 0, sizeof w->connected);
    }
}
