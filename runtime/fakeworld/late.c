/* What is done some time after it was asked for: when its time has come, or when a test says so. */
#include <stdlib.h>

#include "world.h"

struct late {
    uv_timer_t timer;
    world *w;
    late *next;
    late_fn *act;
    void (*drop)(void *ctx);
    void *ctx;
};

static void on_closed(uv_handle_t *h) {
    free(h->data);
}

static void apply(late *l) {
    for (late **at = &l->w->late; *at; at = &(*at)->next) {
        if (*at == l) {
            *at = l->next;
            break;
        }
    }
    l->act(l->w, l->ctx);
    l->drop(l->ctx);
    uv_close((uv_handle_t *)&l->timer, on_closed);
}

static void on_late(uv_timer_t *t) {
    apply(t->data);
}

void late_do(world *w, int64_t after_us, late_fn *act, void (*drop)(void *ctx), void *ctx) {
    late *l = keel_alloc(sizeof *l);
    *l = (late){.w = w, .next = w->late, .act = act, .drop = drop, .ctx = ctx};
    l->timer.data = l;
    w->late = l;
    uv_timer_init(&w->loop, &l->timer);
    uv_timer_start(&l->timer, on_late, (uint64_t)(after_us / 1000), 0);
}

size_t late_count(const world *w) {
    size_t n = 0;
    for (const late *l = w->late; l; l = l->next) {
        n++;
    }
    return n;
}

void late_apply_all(world *w) {
    while (w->late) {
        late *l = w->late;
        uv_timer_stop(&l->timer);
        apply(l);
    }
}
