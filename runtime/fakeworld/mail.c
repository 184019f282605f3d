#include "mail.h"

#include <string.h>

void mail_applied(world *w, const mail_line *l) {
    mail_line done = *l;
    done.applied = true;
    w->applied++;
    world_must_log(oracle_mail(w->log_fd, &done));
}

static void told(const deed *d, const fault *f, const keel_buf *said) {
    char status[16] = "";
    mail_line asked = d->line;
    if (said) {
        d->status(said, status);
    }
    asked.befallen = f ? fault_name(f->kind) : NULL;
    asked.status = status;
    world_must_log(oracle_mail(d->w->log_fd, &asked));
}

/* Faults that give no answer. true: this was one. */
static bool silent(const deed *d, const fault *f) {
    keel_buf unsaid = KEEL_BUF_INIT;
    bool applies = f->kind == FAULT_LOST || f->kind == FAULT_HANG_AFTER;
    bool hangs = f->kind == FAULT_HANG || f->kind == FAULT_HANG_AFTER;
    if (!applies && !hangs && f->kind != FAULT_REFUSE_BEFORE && f->kind != FAULT_LATE) {
        return false;
    }
    if (applies) {
        d->act(d->ctx, f, &unsaid);
    } else if (f->kind == FAULT_LATE && d->keep) {
        late_do(d->w, f->after_us, d->late, d->drop, d->keep(d->ctx, f));
    }
    told(d, f, NULL);
    keel_buf_free(&unsaid);
    if (hangs) {
        conn_hang(d->c);
    } else {
        conn_close(d->c);
    }
    return true;
}

static void send_huge(const deed *d, const fault *f) {
    keel_buf out = KEEL_BUF_INIT;
    size_t size = (size_t)f->mib << 20;
    keel_buf_reserve(&out, size + 2);
    memset(out.data, '2', size);
    out.len = size;
    keel_buf_puts(&out, "\r\n");
    conn_send(d->c, &out, true);
    keel_buf_free(&out);
}

/* An answer that was decided, in the fault's way. */
static void send_oddly(const deed *d, const fault *f, keel_buf *out) {
    switch (f->kind) {
    case FAULT_CUT:
        out->len /= 2;
        conn_send(d->c, out, true);
        break;
    case FAULT_MALFORMED:
        keel_buf_clear(out);
        keel_buf_puts(out, d->nonsense);
        conn_send(d->c, out, d->ends);
        break;
    case FAULT_HUGE:
        send_huge(d, f);
        break;
    case FAULT_DRIP:
        conn_drip(d->c, out, f->every_us, d->ends);
        break;
    case FAULT_DOUBLE: {
        keel_buf again = KEEL_BUF_INIT;
        keel_buf_append(&again, out->data, out->len);
        keel_buf_append(out, again.data, again.len);
        keel_buf_free(&again);
        conn_send(d->c, out, d->ends);
        break;
    }
    default:
        conn_send(d->c, out, d->ends);
    }
}

static void act_under(const deed *d, const fault *f, keel_buf *out) {
    if (f && f->kind == FAULT_STATUS) {
        d->refuse(d->ctx, f, out);
        return;
    }
    if (f && f->kind == FAULT_FORGET) {
        post_forget(d->w->post);
    }
    d->act(d->ctx, f, out);
    if (f && f->kind == FAULT_ERROR_AFTER) {
        keel_buf_clear(out);
        d->refuse(d->ctx, f, out);
    }
}

void mail_do(const deed *d) {
    keel_buf out = KEEL_BUF_INIT;
    const fault *f = misbehave_pick(d->w, &d->now);
    d->w->requests++;
    if (f && silent(d, f)) {
        return;
    }
    act_under(d, f, &out);
    told(d, f, &out);
    if (f) {
        send_oddly(d, f, &out);
    } else {
        conn_send(d->c, &out, d->ends);
    }
    keel_buf_free(&out);
}
