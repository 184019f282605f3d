/* Which fault befalls a request, and the answers that no decent server gives. */
#include <string.h>
#include <strings.h>

#include "world.h"

/* xorshift64*: one seed, one row of faults. In [0, 1). */
static double next_random(world *w) {
    w->random ^= w->random >> 12;
    w->random ^= w->random << 25;
    w->random ^= w->random >> 27;
    return (double)((w->random * 2685821657736338717u) >> 11) * 0x1p-53;
}

static bool concerns(const fault *f, const occasion *o) {
    char place[REQUEST_PATH], id[REQUEST_PATH];
    if (f->path) {
        return o->path && script_match(f->path, o->path, place, id, sizeof id);
    }
    bool found = !f->about;
    for (size_t i = 0; !found && i < o->about_count; i++) {
        found = !strcasecmp(f->about, o->about[i]);
    }
    return found;
}

static bool matches(const fault *f, const occasion *o) {
    return f->face == o->face && (!f->method || !strcasecmp(f->method, o->method)) &&
           concerns(f, o);
}

static bool befalls(world *w, fault *f, const occasion *o) {
    if (!matches(f, o)) {
        return false;
    }
    f->seen++;
    if (f->chance > 0) {
        return next_random(w) < f->chance;
    }
    return f->seen >= f->at && f->seen - f->at < f->times;
}

const fault *misbehave_pick(world *w, const occasion *o) {
    const fault *picked = NULL;
    for (size_t i = 0; i < w->faults.count; i++) {
        bool now = befalls(w, &w->faults.items[i], o);
        picked = !picked && now ? &w->faults.items[i] : picked;
    }
    return picked;
}

static void send_cut(conn *c, const answer *a) {
    keel_buf out = KEEL_BUF_INIT;
    answer half = *a;
    half.body.len = a->body.len / 2;
    serve_write(&out, &half, false, a->body.len ? (int64_t)a->body.len : 100);
    conn_send(c, &out, true);
    keel_buf_free(&out);
}

static void send_malformed(conn *c, const fault *f, answer *a) {
    keel_buf out = KEEL_BUF_INIT;
    if (f->broken_http) {
        keel_buf_puts(&out, "HTTP/1.1 banana\r\nContent-Length: -7\r\n\r\n{}");
    } else {
        answer_text(a, a->status < 400 ? 200 : a->status, "{\"items\":[{\"id\":");
        serve_write(&out, a, true, -1);
    }
    conn_send(c, &out, true);
    keel_buf_free(&out);
}

static void send_huge(conn *c, const fault *f, answer *a) {
    keel_buf out = KEEL_BUF_INIT;
    size_t size = (size_t)f->mib << 20;
    keel_buf_clear(&a->body);
    keel_buf_puts(&a->body, "{\"id\":\"");
    keel_buf_reserve(&a->body, size);
    memset(a->body.data + a->body.len, 'x', size);
    a->body.len += size;
    keel_buf_puts(&a->body, "\"}");
    serve_write(&out, a, true, -1);
    conn_send(c, &out, true);
    keel_buf_free(&out);
}

void misbehave_send(world *w, conn *c, const fault *f, answer *a) {
    keel_buf out = KEEL_BUF_INIT;
    (void)w;
    switch (f->kind) {
    case FAULT_CUT:
        send_cut(c, a);
        return;
    case FAULT_MALFORMED:
        send_malformed(c, f, a);
        return;
    case FAULT_HUGE:
        send_huge(c, f, a);
        return;
    case FAULT_DRIP:
        serve_write(&out, a, true, -1);
        conn_drip(c, &out, f->every_us, true);
        break;
    case FAULT_DOUBLE:
        serve_write(&out, a, false, -1);
        serve_write(&out, a, false, -1);
        conn_send(c, &out, false);
        break;
    default:
        serve_write(&out, a, false, -1);
        conn_send(c, &out, false);
    }
    keel_buf_free(&out);
}
