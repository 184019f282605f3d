/* The view as a whole, and what each key does. */
#include "looks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "looks_int.h"
#include "text.h"

looks *looks_create(looks_body *body, void *ctx, bool colour) {
    looks *l = keel_alloc(sizeof *l);
    *l = (looks){.body = body, .ctx = ctx, .on = {.terminal = true, .colour = colour}};
    l->fresh_ms = -LOOKS_DWELL_MS;
    return l;
}

static void free_screen(looks *l) {
    for (size_t i = 0; i < l->screen_rows; i++) {
        keel_buf_free(&l->screen[i]);
    }
    free(l->screen);
    l->screen = NULL;
    l->screen_rows = 0;
}

void looks_destroy(looks *l) {
    if (!l) {
        return;
    }
    looks_forget_typed(l);
    looks_items_free(l);
    free_screen(l);
    free(l->batch);
    keel_buf *all[] = {&l->prompt,  &l->ask_label, &l->message, &l->warning,
                       &l->overlay, &l->log,       &l->bad};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        keel_buf_free(all[i]);
    }
    free(l);
}

void looks_size(looks *l, size_t rows, size_t columns) {
    free_screen(l);
    l->rows = rows;
    l->columns = columns;
    l->entries = looks_entries(l);
    l->screen = keel_alloc((rows + 1) * sizeof *l->screen);
    for (size_t i = 0; i < rows; i++) {
        l->screen[i] = (keel_buf)KEEL_BUF_INIT;
    }
    l->screen_rows = rows;
}

void looks_say(looks *l, tint t, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    keel_buf_clear(&l->message);
    keel_buf_vprintf(&l->message, format, ap);
    va_end(ap);
    l->message_tint = t;
}

void looks_warn(looks *l, const char *text) {
    keel_buf_clear(&l->warning);
    keel_buf_puts(&l->warning, text ? text : "");
}

void looks_overlay(looks *l, const char *text, size_t len) {
    keel_buf_clear(&l->overlay);
    keel_buf_append(&l->overlay, text, len);
    l->over = true;
    l->over_plain = false;
    l->over_top = 0;
}

const int64_t *looks_numbers(const looks *l, size_t *count) {
    *count = l->batch_count;
    return l->batch;
}

bool looks_remembers(const looks *l) {
    return l->remember;
}

/* ---- what is decided ---- */

static void fix_one(looks *l, int64_t number) {
    l->batch = keel_realloc(l->batch, (l->batch_count + 1) * sizeof *l->batch);
    l->batch[l->batch_count++] = number;
}

static void fix_ready(looks *l, const group *g) {
    l->batch_count = 0;
    for (size_t i = 0; i < g->count; i++) {
        if (entry_approvable(&g->list[i]) && !g->list[i].left_out) {
            fix_one(l, g->list[i].is.number);
        }
    }
}

static bool any_left_out(const group *g) {
    bool any = false;
    for (size_t i = 0; i < g->count; i++) {
        any = any || (g->list[i].left_out && !g->list[i].gone);
    }
    return any;
}

/* Whether what is ready may be approved now; says why not. */
static bool may_approve(looks *l, const group *g, bool whole, int64_t now_ms) {
    size_t open = g ? group_open(g) : 0, ready = g ? group_ready(g) : 0;
    if (!g || !group_is_approval(g)) {
        looks_say(l, TINT_WAIT, "Nothing here asks for an approval: each says what it needs.");
    } else if (open == 0) {
        looks_say(l, TINT_WAIT, "All of this group has gone meanwhile: n is the next one.");
    } else if (ready == 0) {
        looks_say(l, TINT_WAIT,
                  "None of it has been on the screen as a whole: read on with space.");
    } else if (whole && any_left_out(g)) {
        looks_say(l, TINT_WAIT,
                  "Some are left out: a approves the other %zu, u takes them back in.", ready);
    } else if (whole && ready < open) {
        looks_say(l, TINT_WAIT, "Only %zu of %zu were on the screen: read on with space.", ready,
                  open);
    } else if (now_ms - l->fresh_ms < LOOKS_DWELL_MS) {
        looks_say(l, TINT_WAIT, "This has only just come on the screen: press it again.");
    } else {
        return true;
    }
    return false;
}

/* What is fixed, once the passphrase is there. */
static looks_action go_approve(looks *l, const group *g) {
    l->denying = false;
    if (l->unlocked) {
        return LOOKS_APPROVE;
    }
    looks_ask(l, ASKS_PASSPHRASE, l->prompt.len ? l->prompt.data : "Passphrase: ");
    looks_say(l, TINT_NONE, "To approve %zu of %zu%s. It is asked once; Esc gives it up.",
              l->batch_count, group_open(g), l->remember ? ", to be remembered" : "");
    return LOOKS_NOTHING;
}

static looks_action approve(looks *l, bool whole, int64_t now_ms) {
    group *g = looks_group(l);
    if (!may_approve(l, g, whole, now_ms)) {
        return LOOKS_NOTHING;
    }
    fix_ready(l, g);
    l->remember = false;
    return go_approve(l, g);
}

/* The one under the cursor, when something can be done about it; says why not. */
static bool take_one(looks *l, bool approval) {
    const entry *e = looks_entry(l);
    if (!e) {
        looks_say(l, TINT_NONE, "There is nothing under the cursor.");
        return false;
    }
    if (e->gone) {
        looks_say(l, TINT_WAIT, "%lld has gone meanwhile.", (long long)e->is.number);
        return false;
    }
    if (approval && strcmp(e->is.kind, "approval") != 0) {
        looks_say(l, TINT_WAIT, "%lld asks for no approval: it says what it needs.",
                  (long long)e->is.number);
        return false;
    }
    l->batch_count = 0;
    fix_one(l, e->is.number);
    return true;
}

static looks_action key_approve(looks *l, int64_t now_ms) {
    return approve(l, false, now_ms);
}

static looks_action key_approve_all(looks *l, int64_t now_ms) {
    return approve(l, true, now_ms);
}

/* One alone, under the cursor: what it would cover further on stands in its body. */
static looks_action key_remember(looks *l, int64_t now_ms) {
    const entry *e = looks_entry(l);
    if (!take_one(l, true)) {
        return LOOKS_NOTHING;
    }
    if (!entry_approvable(e)) {
        looks_say(l, TINT_WAIT, "%lld has not been on the screen as a whole: read on with space.",
                  (long long)e->is.number);
        return LOOKS_NOTHING;
    }
    if (now_ms - l->fresh_ms < LOOKS_DWELL_MS) {
        looks_say(l, TINT_WAIT, "This has only just come on the screen: press it again.");
        return LOOKS_NOTHING;
    }
    l->remember = true;
    return go_approve(l, looks_group(l));
}

static looks_action key_deny(looks *l, int64_t now_ms) {
    char label[64];
    (void)now_ms;
    if (take_one(l, true)) {
        snprintf(label, sizeof label, "Why not %lld? ", (long long)l->batch[0]);
        l->denying = true;
        looks_ask(l, ASKS_REASON, label);
        looks_say(l, TINT_NONE, "The agent is told, and it is recorded; Esc gives it up.");
    }
    return LOOKS_NOTHING;
}

static looks_action key_edit(looks *l, int64_t now_ms) {
    (void)now_ms;
    return take_one(l, true) ? LOOKS_EDIT : LOOKS_NOTHING;
}

static looks_action key_why(looks *l, int64_t now_ms) {
    (void)now_ms;
    return take_one(l, false) ? LOOKS_WHY : LOOKS_NOTHING;
}

static looks_action key_leave_out(looks *l, int64_t now_ms) {
    (void)now_ms;
    entry *e = looks_entry(l);
    if (take_one(l, true)) {
        e->left_out = !e->left_out;
        looks_say(l, TINT_NONE, "%lld is %s.", (long long)e->is.number,
                  e->left_out ? "left out: a approves the others" : "back in");
    }
    return LOOKS_NOTHING;
}

static looks_action key_undo(looks *l, int64_t now_ms) {
    (void)now_ms;
    group *g = looks_group(l);
    for (size_t i = 0; g && i < g->count; i++) {
        g->list[i].left_out = false;
    }
    looks_say(l, TINT_NONE, "Nothing is left out.");
    return LOOKS_NOTHING;
}

static looks_action key_help(looks *l, int64_t now_ms) {
    (void)now_ms;
    looks_overlay(l, looks_help, strlen(looks_help));
    l->over_plain = true;
    return LOOKS_NOTHING;
}

static looks_action key_quit(looks *l, int64_t now_ms) {
    (void)l;
    (void)now_ms;
    return LOOKS_QUIT;
}

#define MOVE(name, call)                                                                           \
    static looks_action name(looks *l, int64_t now_ms) {                                           \
        (void)now_ms;                                                                              \
        call;                                                                                      \
        return LOOKS_NOTHING;                                                                      \
    }
MOVE(key_page_down, looks_page(l, 1))
MOVE(key_page_up, looks_page(l, -1))
MOVE(key_down, looks_step(l, 1))
MOVE(key_up, looks_step(l, -1))
MOVE(key_next, looks_leave(l, 1))
MOVE(key_before, looks_leave(l, -1))
MOVE(key_first, looks_end(l, -1))
MOVE(key_last, looks_end(l, 1))

static const struct {
    key_code code;
    char letter; /* of KEY_TEXT */
    looks_action (*act)(looks *l, int64_t now_ms);
} table[] = {
    {KEY_TEXT, ' ', key_page_down},
    {KEY_PAGE_DOWN, 0, key_page_down},
    {KEY_PAGE_UP, 0, key_page_up},
    {KEY_TEXT, 'b', key_page_up},
    {KEY_DOWN, 0, key_down},
    {KEY_TEXT, 'j', key_down},
    {KEY_UP, 0, key_up},
    {KEY_TEXT, 'k', key_up},
    {KEY_TAB, 0, key_next},
    {KEY_TEXT, 'n', key_next},
    {KEY_BACK_TAB, 0, key_before},
    {KEY_TEXT, 'p', key_before},
    {KEY_HOME, 0, key_first},
    {KEY_END, 0, key_last},
    {KEY_TEXT, 'a', key_approve},
    {KEY_TEXT, 'A', key_approve_all},
    {KEY_TEXT, 'R', key_remember},
    {KEY_TEXT, 'd', key_deny},
    {KEY_TEXT, 'e', key_edit},
    {KEY_TEXT, 'w', key_why},
    {KEY_TEXT, 'x', key_leave_out},
    {KEY_TEXT, 'u', key_undo},
    {KEY_ENTER, 0, looks_key_answer},
    {KEY_TEXT, '?', key_help},
    {KEY_TEXT, 'q', key_quit},
};

/* Over an open overlay only what reads it, and what closes it. */
static looks_action overlay_key(looks *l, const key *k) {
    size_t rows = looks_layout(l).pane_rows;
    bool down = k->code == KEY_DOWN || k->text[0] == 'j',
         up = k->code == KEY_UP || k->text[0] == 'k';
    if (k->code == KEY_PAGE_DOWN || k->text[0] == ' ' || down) {
        l->over_top += down ? 1 : rows; /* held within bounds when it is drawn */
    } else if (k->code == KEY_PAGE_UP || k->text[0] == 'b' || up) {
        size_t by = up ? 1 : rows;
        l->over_top = l->over_top > by ? l->over_top - by : 0;
    } else if (k->code == KEY_ESCAPE || (k->text[0] && strchr("q?w", k->text[0]))) {
        l->over = false;
    }
    return LOOKS_NOTHING;
}

looks_action looks_key(looks *l, const key *k, int64_t now_ms) {
    keel_buf_clear(&l->message);
    if (k->code == KEY_REDRAW) {
        return LOOKS_REDRAW;
    }
    if (l->asks != ASKS_NOTHING) {
        return looks_type(l, k);
    }
    if (k->code == KEY_PASTE) {
        looks_say(l, TINT_NONE, "What is pasted is no key, and was ignored.");
        return LOOKS_NOTHING;
    }
    if (l->over) {
        return overlay_key(l, k);
    }
    if (k->code == KEY_TEXT && k->text[0] >= '1' && k->text[0] <= '9' && !k->text[1]) {
        return looks_key_choice(l, (size_t)(k->text[0] - '0'), now_ms);
    }
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].code == k->code &&
            (k->code != KEY_TEXT || (k->text[0] == table[i].letter && !k->text[1]))) {
            return table[i].act(l, now_ms);
        }
    }
    return LOOKS_NOTHING;
}
