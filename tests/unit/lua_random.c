/* Programs made at random, of steps, logs, calls, ctx.all and ctx.any, whose tasks share a
 * variable: what they do may depend on nothing but the journal. Each lives once, with answers and
 * acknowledgements in a random order, and again from prefixes of what was recorded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "lua_world.h"

/* An item is "s" (step), "l" (log), "c" (call), "y" (call inside of a coroutine), or {all|any =
 * lists}. */
static const char interpreter[] =
    "local keel = require 'keel'\n"
    "return keel.agent { run = function(ctx, program)\n"
    "  local shared, text = 0, ''\n"
    "  local function bump(by)\n"
    "    shared = (shared * 31 + by) % 65521\n"
    "    return shared\n"
    "  end\n"
    "  local play\n"
    "  local function branches(lists)\n"
    "    local out = {}\n"
    "    for i, list in ipairs(lists) do\n"
    "      out[i] = function() bump(i); return play(list) end\n"
    "    end\n"
    "    return out\n"
    "  end\n"
    "  function play(list)\n"
    "    for _, item in ipairs(list) do\n"
    "      if item == 's' then local n = bump(1); ctx.step('s', function() return n end)\n"
    "      elseif item == 'l' then ctx.log('l' .. bump(2))\n"
    "      elseif item == 'c' then bump(ctx.now())\n"
    "      elseif item == 'y' then bump(coroutine.wrap(function() return ctx.now() end)())\n"
    "      elseif item.all then bump(#ctx.all(branches(item.all)))\n"
    "      else bump((ctx.any(branches(item.any)))) end\n"
    "    end\n"
    "    return bump(3)\n"
    "  end\n"
    "  return { play(program), shared }\n"
    "end }\n";

static uint64_t seed;

static unsigned below(unsigned n) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

static void put_list(keel_buf *b, int depth);

static void put_branches(keel_buf *b, const char *kind, int depth) {
    keel_buf_printf(b, "{\"%s\":[", kind);
    unsigned n = 1 + below(4);
    for (unsigned i = 0; i < n; i++) {
        keel_buf_puts(b, i ? "," : "");
        put_list(b, depth);
    }
    keel_buf_puts(b, "]}");
}

static void put_list(keel_buf *b, int depth) {
    static const char *const plain[] = {"\"s\"", "\"s\"", "\"l\"", "\"c\"", "\"y\""};
    unsigned n = below(depth == 0 ? 12 : 6);
    keel_buf_putc(b, '[');
    for (unsigned i = 0; i < n; i++) {
        unsigned kind = below(depth < 3 ? 7 : 5);
        keel_buf_puts(b, i ? "," : "");
        if (kind < 5) {
            keel_buf_puts(b, plain[kind]);
        } else {
            put_branches(b, kind == 5 ? "all" : "any", depth + 1);
        }
    }
    keel_buf_putc(b, ']');
}

/* ---- one life ---- */

static bool is_answered(const world *w, const char *path) {
    for (size_t i = 0; i < w->record_count; i++) {
        if (!strcmp(w->records[i].path, path)) {
            return true;
        }
    }
    return false;
}

/* One of the calls that wait, at random; NULL when none does. */
static const char *open_call(const world *w) {
    const char *found = NULL;
    unsigned n = 0;
    for (size_t i = 0; i < w->line_count; i++) {
        const world_line *l = &w->lines[i];
        if (l->is_call && !is_answered(w, l->path) && below(++n) == 0) {
            found = l->path;
        }
    }
    return found;
}

static void acknowledge_some(world *w) {
    if (w->sent > w->acked) {
        world_ack(w, WORLD_RUN, w->acked + 1 + below((unsigned)(w->sent - w->acked)));
    }
}

static void live(world *w, const char *program) {
    w->by_hand = true;
    world_start(w, WORLD_RUN, program, "null", NULL, 0);
    while (!w->ended) {
        const char *path = open_call(w);
        assert_true(path || w->sent > w->acked);
        if (path && below(3)) {
            char outcome[64];
            snprintf(outcome, sizeof outcome, "{\"ok\":%u}", below(1000));
            world_answer(w, WORLD_RUN, path, outcome);
        } else {
            acknowledge_some(w);
        }
    }
}

static bool was_called(const world *w, const char *path) {
    for (size_t i = 0; i < w->line_count; i++) {
        if (w->lines[i].is_call && !strcmp(w->lines[i].path, path)) {
            return true;
        }
    }
    return false;
}

static void again(world *w, const world *first, const char *program, size_t k) {
    world_start(w, WORLD_RUN, program, "null", first->records, k);
    world_settle(w);
    for (size_t i = k; i < first->record_count && !w->ended; i++) {
        const world_record *r = &first->records[i];
        if (!strcmp(r->kind, "now") && was_called(w, r->path)) {
            world_answer(w, WORLD_RUN, r->path, r->outcome);
            world_settle(w);
        }
    }
}

/* The lines that are no calls and not among the first k records, in their order. */
static size_t next_line(const world *w, size_t at, const world *first, size_t k) {
    for (; at < w->line_count; at++) {
        const world_line *l = &w->lines[at];
        bool known = l->is_call;
        for (size_t i = 0; i < k && !known; i++) {
            known = !strcmp(first->records[i].path, l->path);
        }
        if (!known) {
            return at;
        }
    }
    return at;
}

static void compare(const world *first, const world *w, size_t k, const char *program) {
    size_t a = 0, b = 0;
    for (;; a++, b++) {
        a = next_line(first, a, first, k);
        b = next_line(w, b, first, 0);
        const char *wanted = a < first->line_count ? first->lines[a].text : "nothing";
        const char *came = b < w->line_count ? w->lines[b].text : "nothing";
        if (strcmp(wanted, came) != 0) {
            fail_msg("%s\nwith %zu of %zu records:\n  wanted: %s\n  came:   %s", program, k,
                     first->record_count, wanted, came);
        }
        if (a >= first->line_count) {
            return;
        }
    }
}

static void load(world *w) {
    char why[1024];
    world_create(w, "random.lua", interpreter, sizeof interpreter - 1);
    if (world_load(w, why)) {
        fail_msg("%s", why);
    }
}

static void one_program(void) {
    world first, w;
    keel_buf program = KEEL_BUF_INIT;
    put_list(&program, 0);
    load(&first);
    live(&first, program.data);
    size_t step = first.record_count / 10 + 1;
    for (size_t k = 0; k <= first.record_count; k += step) {
        load(&w);
        again(&w, &first, program.data, k);
        compare(&first, &w, k, program.data);
        assert_int_equal(w.bad, 0);
        world_destroy(&w);
    }
    world_destroy(&first);
    keel_buf_free(&program);
}

static void programs(void **state) {
    (void)state;
    for (unsigned i = 1; i <= 300; i++) {
        seed = i;
        one_program();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs),
    };
    return cmocka_run_group_tests_name("lua_random", tests, NULL, NULL);
}
