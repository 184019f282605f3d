#include "inboxview.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "answer.h"
#include "inboxlist.h"
#include "inboxview_int.h"

#define LOOK_MS 1000 /* between looks at what has changed outside of the view */

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void view_draw(view *v) {
    size_t rows, columns, at_row = 0, at_column = 0;
    if (screen_size(v->s, &rows, &columns)) {
        looks_size(v->l, rows, columns);
        v->columns = columns;
    }
    const keel_buf *text = looks_draw(v->l, now_ms(), cli_now_us(), &rows);
    bool cursor = looks_cursor(v->l, &at_row, &at_column);
    screen_show(v->s, text, rows, cursor, at_row, at_column);
}

/* ---- what there is ---- */

static looks_item item_of(view *v, waiting *w) {
    looks_item i = {
        .number = inbox_number(w, Q_NUMBER),
        .version = w->values[Q_DIGEST] ? w->values[Q_DIGEST] : w->values[Q_ARGS_SEQ],
        .kind = w->values[Q_KIND],
        .agent = w->values[Q_AGENT],
        .target = w->values[Q_TARGET],
        .rule = w->values[Q_RULE],
        .opened_us = inbox_number(w, Q_OPENED),
        .expires_us = inbox_number(w, Q_EXPIRES),
        .reminders = inbox_number(w, Q_ESCALATED),
        .batch = w->values[Q_BATCH],
        .most = inbox_most(w),
    };
    if (i.kind && strcmp(i.kind, "question") == 0) {
        inbox_args(v->c, w);
        i.choices = answer_choices(keel_json_view(w->args.data, w->args.len));
    }
    return i;
}

static int look(view *v, diag *d) {
    inbox b = {.list = NULL};
    int rc = inbox_load(v->c, v->all, &b, d);
    if (rc == 0) {
        looks_item *items = keel_alloc((b.count + 1) * sizeof *items);
        for (size_t i = 0; i < b.count; i++) {
            items[i] = item_of(v, &b.list[i]);
        }
        looks_update(v->l, items, b.count);
        free(items);
        bodies_prune(&v->bodies, v->l);
    }
    inbox_free(&b);
    v->looked_ms = now_ms();
    return rc;
}

static void idle(void *ctx, int seconds) {
    view *v = ctx;
    looks_say(v->l, TINT_WAIT, "Keel has not answered for %d s; Ctrl-C leaves.", seconds);
    view_draw(v);
}

bool view_running(view *v) {
    if (v->c->kernel && client_hung_up(v->c->kernel)) {
        client_close(v->c->kernel);
        v->c->kernel = NULL;
    }
    bool running = cli_running(v->c);
    if (running) {
        client_on_idle(v->c->kernel, idle, v);
    }
    return running;
}

static void watch(view *v) {
    diag d = {0};
    if (look(v, &d) != 0) {
        looks_warn(v->l, d.what);
    } else if (!view_running(v)) {
        looks_warn(v->l, "Keel is not running: nothing can be decided. Start it with `keel up`.");
    } else if (cli_halted(v->c)) {
        char words[96];
        snprintf(words, sizeof words, "Halted: nothing can be approved until %s.",
                 cli_halt_ends(v->c));
        looks_warn(v->l, words);
    } else {
        looks_warn(v->l, NULL);
    }
}

/* ---- the whole ---- */

/* Each key sees the screen that the one before has left: so there is a drawing between any two. */
static bool take(view *v, const key *k) {
    bool on = view_act(v, looks_key(v->l, k, now_ms()));
    if (on) {
        view_draw(v);
    }
    return on;
}

static bool one_turn(view *v) {
    unsigned char bytes[256];
    key k;
    int wait = keys_wait_ms(&v->keys);
    long n = screen_read(v->s, wait >= 0 && wait < LOOK_MS ? wait : LOOK_MS, bytes, sizeof bytes);
    if (n < 0) {
        return false;
    }
    for (long i = 0; i < n; i++) {
        if (keys_feed(&v->keys, bytes[i], now_ms(), &k) && !take(v, &k)) {
            return false;
        }
    }
    if (n == 0 && keys_idle(&v->keys, now_ms(), &k) && !take(v, &k)) {
        return false;
    }
    if (now_ms() - v->looked_ms >= LOOK_MS) {
        watch(v);
    }
    view_draw(v);
    return true;
}

void view_approver(view *v) {
    char prompt[160];
    signer_finish(&v->who);
    v->nobody.code = 0;
    if (passphrase_guard(&v->nobody) == 0 && signer_find(v->c, &v->who, &v->nobody) == 0) {
        v->nobody.code = 0;
        approver_prompt(v->who.row.values[SIGNER_NAME], prompt, sizeof prompt);
        looks_prompt(v->l, prompt);
    } else {
        looks_no_passphrase(v->l);
    }
}

static void begin(view *v) {
    keys_begin(&v->keys);
    passphrase_hold(&v->who.key, sizeof v->who.key);
    v->bodies.c = v->c;
    v->l = looks_create(bodies_show, &v->bodies, v->c->out.colour);
    passphrase_hold(looks_typed(v->l), LOOKS_TEXT_MAX);
    view_approver(v);
}

static void end(view *v) {
    signer_finish(&v->who);
    bodies_free(&v->bodies);
    looks_destroy(v->l);
    sodium_memzero(&v->keys, sizeof v->keys);
    if (v->c->kernel) {
        client_on_idle(v->c->kernel, NULL, NULL);
    }
}

bool inboxview_possible(void) {
    return screen_possible();
}

int inboxview_run(cli *c, bool all, diag *d) {
    view v = {.c = c, .all = all};
    keel_buf summary = KEEL_BUF_INIT;
    begin(&v);
    int rc = look(&v, d);
    rc = rc ? rc : screen_open(&v.s, d);
    if (rc == 0) {
        watch(&v);
        view_draw(&v);
        while (one_turn(&v)) {
        }
        screen_close(v.s);
        looks_summary(v.l, &summary);
        cli_out(&summary);
    }
    keel_buf_free(&summary);
    end(&v);
    return rc;
}
