#include "looks_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text.h"

#define NOW_US 1700000000000000LL

/* Each line of a body begins with <XXXX and ends with XXXX>: version, number and line. What is shared
 * is {AGENT}. */
#define VERSIONS 8
#define MARKS    (256 * WORLD_LINES)

static unsigned mark_of(const world_item *i, int64_t number, size_t line) {
    return (unsigned)(i->version % VERSIONS) * MARKS + (unsigned)number * WORLD_LINES +
           (unsigned)line;
}

static bool show(void *ctx, const looks_item *item, const term *on, keel_buf *shared,
                 keel_buf *own) {
    const world *w = ctx;
    const world_item *i = &w->items[item->number];
    (void)on;
    keel_buf_printf(shared, "{%s}\n", item->agent);
    for (size_t n = 0; n < i->lines; n++) {
        keel_buf_printf(own, "<%04x", mark_of(i, item->number, n));
        for (size_t k = 0; i->wide && k < 40; k++) {
            keel_buf_puts(own, " word");
        }
        keel_buf_printf(own, " %04x>\n", mark_of(i, item->number, n));
    }
    return i->lines > 0;
}

void world_begin(world *w, size_t rows, size_t columns) {
    *w = (world){.now_ms = 1000};
    w->l = looks_create(show, w, false);
    world_resize(w, rows, columns);
}

void world_end(world *w) {
    looks_destroy(w->l);
}

void world_resize(world *w, size_t rows, size_t columns) {
    w->rows = rows;
    w->columns = columns;
    looks_size(w->l, rows, columns);
}

static void new_digest(world_item *i, int64_t number) {
    snprintf(i->digest, sizeof i->digest, "%012llx%04x", (unsigned long long)number, i->version);
    memset(i->begin_ms, 0, sizeof i->begin_ms);
    memset(i->end_ms, 0, sizeof i->end_ms);
}

world_item *world_add(world *w, int64_t number, const char *kind, const char *agent,
                      const char *target, size_t lines) {
    world_item *i = &w->items[number];
    int version = i->agent[0] ? i->version + 1 : 0; /* one that comes again is another one */
    *i = (world_item){.open = true, .version = version, .lines = lines, .most = 25};
    snprintf(i->kind, sizeof i->kind, "%s", kind);
    snprintf(i->agent, sizeof i->agent, "%s", agent);
    snprintf(i->target, sizeof i->target, "%s", target);
    new_digest(i, number);
    return i;
}

void world_changed(world *w, int64_t number) {
    w->items[number].version++;
    new_digest(&w->items[number], number);
}

void world_update(world *w) {
    looks_item list[WORLD_ITEMS];
    size_t count = 0;
    for (int64_t n = 1; n <= WORLD_ITEMS; n++) {
        const world_item *i = &w->items[n];
        if (i->open) {
            list[count++] = (looks_item){.number = n,
                                         .version = i->digest,
                                         .choices = i->choices,
                                         .kind = i->kind,
                                         .agent = i->agent,
                                         .target = i->target,
                                         .rule = "a-rule",
                                         .opened_us = NOW_US - n,
                                         .expires_us = NOW_US + n * 1000000000,
                                         .most = i->most};
        }
    }
    looks_update(w->l, list, count);
}

/* ---- the witness ---- */

static void saw(int64_t *when, int64_t now_ms) {
    *when = *when ? *when : now_ms;
}

/* The item of a mark, when it is of the version that is open now. */
static world_item *marked(world *w, const char *hex) {
    char digits[5] = "";
    memcpy(digits, hex, 4);
    char *end;
    unsigned long m = strtoul(digits, &end, 16), number = m % MARKS / WORLD_LINES;
    if (*end || number == 0 || number > WORLD_ITEMS) {
        return NULL;
    }
    world_item *i = &w->items[number];
    return i->open && m / MARKS == (unsigned long)(i->version % VERSIONS) ? i : NULL;
}

static size_t line_of(const char *hex) {
    char digits[5] = "";
    memcpy(digits, hex, 4);
    return strtoul(digits, NULL, 16) % WORLD_LINES;
}

static void read_row(world *w, const char *row) {
    size_t len = strlen(row);
    for (size_t at = 0; at < len; at++) {
        bool begins = row[at] == '<' && at + 4 < len, ends = row[at] == '>' && at >= 4;
        const char *hex = begins ? row + at + 1 : ends ? row + at - 4 : NULL;
        world_item *i = hex ? marked(w, hex) : NULL;
        if (i) {
            saw(begins ? &i->begin_ms[line_of(hex)] : &i->end_ms[line_of(hex)], w->now_ms);
        }
    }
    for (int64_t n = 1; strchr(row, '{') && n <= WORLD_ITEMS; n++) {
        char shared[32];
        snprintf(shared, sizeof shared, "{%s}", w->items[n].agent);
        if (w->items[n].open && strstr(row, shared)) {
            saw(&w->shared_ms[n], w->now_ms);
        }
    }
}

static void check_row(const world *w, size_t i) {
    const keel_buf *row = &w->screen[i];
    if (text_width(row->data, row->len) > w->columns) {
        fail_msg("row %zu of %zux%zu is too wide: %s", i, w->columns, w->rows, row->data);
    }
    for (size_t at = 0; at < row->len; at++) {
        assert_true((unsigned char)row->data[at] >= 0x20 && row->data[at] != 0x7f);
    }
}

void world_draw(world *w) {
    w->screen = looks_draw(w->l, w->now_ms, NOW_US, &w->screen_rows);
    assert_int_equal(w->screen_rows, w->rows);
    for (size_t i = 0; i < w->screen_rows; i++) {
        check_row(w, i);
        read_row(w, w->screen[i].data);
    }
}

looks_action world_key(world *w, key_code code, const char *text) {
    key k = {.code = code};
    snprintf(k.text, sizeof k.text, "%s", text);
    w->keys++;
    looks_action a = looks_key(w->l, &k, w->now_ms);
    world_draw(w);
    return a;
}

looks_action world_type(world *w, const char *text) {
    looks_action a = LOOKS_NOTHING;
    for (; *text; text++) {
        char one[2] = {*text, 0};
        a = *text == '\n' ? world_key(w, KEY_ENTER, "") : world_key(w, KEY_TEXT, one);
    }
    return a;
}

bool world_shows(const world *w, const char *text) {
    for (size_t i = 0; i < w->screen_rows; i++) {
        if (strstr(w->screen[i].data, text)) {
            return true;
        }
    }
    return false;
}

void world_print(const world *w) {
    for (size_t i = 0; i < w->screen_rows; i++) {
        fprintf(stderr, "%2zu |%s\n", i, w->screen[i].data);
    }
}

static bool long_ago(const world *w, int64_t when) {
    return when && w->now_ms - when >= LOOKS_DWELL_MS;
}

void world_check_batch(const world *w) {
    size_t count;
    const int64_t *list = looks_numbers(w->l, &count);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        const world_item *it = &w->items[list[i]];
        assert_true(it->open && strcmp(it->kind, "approval") == 0);
        for (size_t n = 0; n < it->lines; n++) {
            if (!long_ago(w, it->begin_ms[n]) || !long_ago(w, it->end_ms[n])) {
                world_print(w);
                fail_msg("%dx%d: %d would be approved, and line %zu was not on the screen",
                         (int)w->columns, (int)w->rows, (int)list[i], n);
            }
        }
        if (!w->shared_ms[list[i]]) {
            fail_msg("%d: what it shares was not on the screen", (int)list[i]);
        }
    }
}

void world_tell(world *w, const char *outcome) {
    size_t count;
    const int64_t *list = looks_numbers(w->l, &count);
    for (size_t i = 0; i < count; i++) {
        w->items[list[i]].open = false;
        looks_outcome(w->l, list[i], outcome, "", NOW_US);
    }
    looks_settled(w->l);
}
