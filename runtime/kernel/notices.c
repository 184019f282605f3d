#include "notices.h"

#include <stdlib.h>
#include <string.h>

#include "trouble.h"
#include "yamltree.h"

typedef struct waiting_notice {
    uint64_t number;
    uint32_t step; /* a later one of the item is told instead of it */
    int tries;
} waiting_notice;

/* One name: what waits to be told by it. */
typedef struct teller {
    struct teller *next;
    char name[NOTIFY_NAME];
    waiting_notice *waits;
    size_t count, room;
    timer timer;
    int64_t earliest; /* BOOTTIME */
    bool busy;
    char trouble[200]; /* of the last that it told, or "" */
    int64_t trouble_us, told_us;
} teller;

/* One that was handed over. */
struct notice {
    struct notice *next;
    uint64_t id;
    teller *by;
    waiting_notice *items; /* none: a test */
    size_t count;
    uint64_t client, ref; /* of a test */
};

static teller *teller_of(kernel *k, const char *name) {
    teller *t = k->tellers;
    while (t && strcmp(t->name, name) != 0) {
        t = t->next;
    }
    if (!t) {
        t = keel_alloc(sizeof *t);
        *t = (teller){.next = k->tellers};
        snprintf(t->name, sizeof t->name, "%s", name);
        k->tellers = t;
    }
    return t;
}

static void go(kernel *k, timer *at);

static void arm(kernel *k, teller *t, int64_t after_us) {
    int64_t due = k->env.boot_us(k->env.ctx) + after_us;
    if (t->count && !t->busy) {
        timer_set(&k->timers, &t->timer, due > t->earliest ? due : t->earliest, go, t);
    }
}

static void put(teller *t, waiting_notice n) {
    for (size_t i = 0; i < t->count; i++) {
        if (t->waits[i].number == n.number) {
            t->waits[i] = n.step > t->waits[i].step ? n : t->waits[i];
            return;
        }
    }
    if (t->count == t->room) {
        t->room = t->room ? t->room * 2 : 8;
        t->waits = keel_realloc(t->waits, t->room * sizeof *t->waits);
    }
    t->waits[t->count++] = n;
}

bool notice_possible(const kernel *k, const char *to) {
    return workspace_notifier_named(k->world.workspace, to) != NULL;
}

bool notice_add(kernel *k, open_item *x, const char *to) {
    if (!notice_possible(k, to)) {
        return false;
    }
    teller *t = teller_of(k, to);
    x->untold = true;
    put(t, (waiting_notice){x->number, x->escalated, 0});
    arm(k, t, NOTICE_GATHER);
    return true;
}

/* ---- one notice ---- */

static size_t at_work(const kernel *k) {
    size_t n = 0;
    for (const struct notice *o = k->notices; o; o = o->next) {
        n++;
    }
    return n;
}

static struct notice *begin(kernel *k, teller *t) {
    struct notice *o = keel_alloc(sizeof *o);
    *o = (struct notice){.next = k->notices, .id = ++k->next_notice, .by = t};
    k->notices = o;
    return o;
}

/* What was decided meanwhile is no news, and a later step may be somebody else's. NULL: it is over. */
static open_item *still(kernel *k, const waiting_notice *n) {
    open_item *x = map_get(&k->watches, n->number);
    return x && x->untold && x->escalated == n->step ? x : NULL;
}

static void drop_closed(kernel *k, teller *t) {
    size_t kept = 0;
    for (size_t i = 0; i < t->count; i++) {
        if (still(k, &t->waits[i])) {
            t->waits[kept++] = t->waits[i];
        }
    }
    t->count = kept;
}

static int by_number(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void go(kernel *k, timer *at) {
    teller *t = at->owner;
    drop_closed(k, t);
    if (!t->count) {
        return;
    }
    if (!notice_possible(k, t->name)) {
        kernel_log(k, "warn", 0, "%s is not told: keel.yaml does not name it any more", t->name);
        t->count = 0;
        return;
    }
    if (at_work(k) >= NOTICE_AT_ONCE) {
        return; /* the end of one of them goes on with it */
    }
    uint64_t *numbers = keel_alloc(t->count * sizeof *numbers);
    for (size_t i = 0; i < t->count; i++) {
        numbers[i] = t->waits[i].number;
    }
    keel_buf body = KEEL_BUF_INIT;
    struct notice *o = begin(k, t);
    qsort(numbers, t->count, sizeof *numbers, by_number);
    notice_text(k, numbers, t->count, &body);
    o->items = t->waits;
    o->count = t->count;
    t->waits = NULL;
    t->count = t->room = 0;
    t->busy = true;
    turn_notice(k, o->id, body.data, body.len);
    keel_buf_free(&body);
    free(numbers);
}

static struct notice *find(kernel *k, uint64_t id) {
    struct notice *o = k->notices;
    while (o && o->id != id) {
        o = o->next;
    }
    return o;
}

void notice_leaves(kernel *k, uint64_t id, const char *body, size_t len) {
    const struct notice *o = find(k, id);
    const workspace_notifier *by =
        o ? workspace_notifier_named(k->world.workspace, o->by->name) : NULL;
    k->env.notify(k->env.ctx, id, by, body, len);
}

/* ---- what became of it ---- */

static void told_record(kernel *k, open_item *x, const char *to, const char *why) {
    keel_json_writer w;
    x->untold = false;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_int(&w, "number", (int64_t)x->number);
    keel_json_set_int(&w, "step", x->escalated);
    keel_json_set_text(&w, "to", to);
    keel_json_set_bool(&w, "told", why == NULL);
    if (why) {
        keel_json_set_text(&w, "why", why);
    }
    keel_json_object_end(&w);
    journal_add(k, RECORD_ESCALATED, x->run, "", &k->scratch);
}

/* How often the one that is tried again was tried; 0: none is. */
static int settle(kernel *k, struct notice *o, const char *why) {
    int tries = 0;
    for (size_t i = 0; i < o->count; i++) {
        waiting_notice *n = &o->items[i];
        open_item *x = still(k, n);
        if (x && why && ++n->tries < NOTICE_TRIES) {
            put(o->by, *n);
            tries = n->tries > tries ? n->tries : tries;
        } else if (x) {
            told_record(k, x, o->by->name, why);
        }
    }
    return tries;
}

static void answer_test(kernel *k, const struct notice *o, const char *why) {
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_buf_puts(&out, "{\"result\":");
    keel_json_write(&w, &out);
    keel_json_object(&w);
    keel_json_set_text(&w, "name", o->by->name);
    keel_json_set_bool(&w, "told", why == NULL);
    if (why) {
        keel_json_set_text(&w, "why", why);
    }
    keel_json_object_end(&w);
    keel_buf_putc(&out, '}');
    turn_reply(k, o->client, C_ANSWER, o->ref, out.data, out.len);
    keel_buf_free(&out);
}

static void note(kernel *k, teller *t, const char *why, bool again) {
    if (why) {
        text_cut(t->trouble, sizeof t->trouble, why);
        t->trouble_us = kernel_now(k);
        kernel_log(k, "error", 0, "%s was not told: %s%s", t->name, why,
                   again ? "; it is tried again" : "");
    } else {
        t->told_us = kernel_now(k);
        t->trouble[0] = 0;
        kernel_log(k, "info", 0, "%s was told", t->name);
    }
}

static void take_out(kernel *k, struct notice *o) {
    struct notice **at = &k->notices;
    while (*at != o) {
        at = &(*at)->next;
    }
    *at = o->next;
}

void kernel_notified(kernel *k, uint64_t id, const char *why) {
    struct notice *o = find(k, id);
    char cut[300];
    if (!o || k->stop_written) {
        return; /* what was told in the last moment is told again */
    }
    take_out(k, o);
    if (why) {
        text_cut(cut, sizeof cut, why);
        why = cut;
    }
    teller *t = o->by;
    if (!o->count) {
        note(k, t, why, false);
        answer_test(k, o, why);
    } else {
        t->busy = false;
        int tries = settle(k, o, why);
        note(k, t, why, tries > 0);
        t->earliest = k->env.boot_us(k->env.ctx) + NOTICE_EVERY_US * (tries > 1 ? 5 : 1);
    }
    for (teller *next = k->tellers; next; next = next->next) {
        arm(k, next, NOTICE_GATHER);
    }
    free(o->items);
    free(o);
}

/* ---- people ask ---- */

int command_notify_test(kernel *k, command *c, diag *d) {
    const workspace *w = k->world.workspace;
    const char *names[NOTIFY_MOST + 1] = {NULL};
    char name[NOTIFY_NAME] = "";
    body_text(c->args, "name", name, sizeof name);
    for (size_t i = 0; i < w->notifier_count; i++) {
        names[i] = w->notifiers[i].name;
    }
    if (!notice_possible(k, name)) {
        const char *near = did_you_mean(name, names);
        diag_set(d, DIAG_NOT_FOUND, "there is no notifier \"%s\"", name);
        return near ? diag_next(d, "Did you mean \"%s\"?", near)
                    : diag_next(d, "Add it to `notify` in keel.yaml, then `keel policy reload`; "
                                   "`keel notify list` shows all.");
    }
    if (at_work(k) >= NOTICE_AT_ONCE) {
        diag_set(d, DIAG_CONFLICT, "%d notifiers are at work", NOTICE_AT_ONCE);
        return diag_next(d, "Try again in half a minute.");
    }
    keel_buf body = KEEL_BUF_INIT;
    struct notice *o = begin(k, teller_of(k, name));
    o->client = c->client;
    o->ref = c->ref;
    c->later = true;
    notice_test(k, name, &body);
    turn_notice(k, o->id, body.data, body.len);
    keel_buf_free(&body);
    return 0;
}

void notices_write(const kernel *k, keel_json_writer *w) {
    const workspace *ws = k->world.workspace;
    keel_json_array(w);
    for (size_t i = 0; i < ws->notifier_count; i++) {
        const teller *t = k->tellers;
        while (t && strcmp(t->name, ws->notifiers[i].name) != 0) {
            t = t->next;
        }
        keel_json_object(w);
        keel_json_set_text(w, "name", ws->notifiers[i].name);
        if (t && t->told_us) {
            keel_json_set_int(w, "told_us", t->told_us);
        }
        if (t && t->trouble[0]) {
            keel_json_set_text(w, "trouble", t->trouble);
            keel_json_set_int(w, "trouble_us", t->trouble_us);
        }
        keel_json_set_int(w, "waiting", t ? (int64_t)t->count : 0);
        keel_json_object_end(w);
    }
    keel_json_array_end(w);
}

void notices_free(kernel *k) {
    while (k->notices) {
        struct notice *o = k->notices;
        k->notices = o->next;
        free(o->items);
        free(o);
    }
    while (k->tellers) {
        teller *t = k->tellers;
        k->tellers = t->next;
        timer_clear(&k->timers, &t->timer);
        free(t->waits);
        free(t);
    }
}
