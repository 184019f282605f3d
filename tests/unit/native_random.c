/* Random programs, each done by an agent in Lua and by one in C: the same frames with the same digests
 * must come out, whether the answers are quick or so late that the run in C is suspended, and from
 * any prefix of the record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent_world.h"

#define LONGEST   40
#define PROGRAMS  25
#define PREFIXES  3
#define LATE_ONES 8 /* one answer in so many is late */

static uint32_t seed;

static uint32_t draw(uint32_t below) {
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

static const char *const ops[] = {"ask",   "log",  "now",   "random", "read", "receive",
                                  "sleep", "seal", "spawn", "step",   "wait", "write"};

static void make_program(keel_buf *out) {
    uint32_t count = draw(LONGEST) + 1;
    keel_buf_puts(out, "{\"ops\":[");
    for (uint32_t i = 0; i < count; i++) {
        /* every third is a step: enough of them fill the window */
        const char *op = draw(3) ? ops[draw(sizeof ops / sizeof *ops)] : "step";
        keel_buf_printf(out, "%s\"%s\"", i ? "," : "", op);
    }
    keel_buf_puts(out, "]}");
}

/* What a kernel might answer to "call PATH KIND ARGS"; every fourth effect is denied. */
static void answer_for(const world_line *l, char out[200]) {
    unsigned n = (unsigned)atoi(l->path);
    const char *kind = l->text + 5 + strlen(l->path) + 1;
    if (!strncmp(kind, "now ", 4)) {
        snprintf(out, 200, "{\"ok\":%u}", 1000 + n);
    } else if (!strncmp(kind, "random ", 7)) {
        snprintf(out, 200, "{\"ok\":\"%08x00000000\"}", n * 2654435761u);
    } else if (!strncmp(kind, "sleep ", 6)) {
        snprintf(out, 200, "{\"ok\":null}");
    } else if (!strncmp(kind, "ask ", 4)) {
        snprintf(out, 200, n % 3 ? "{\"ok\":\"Acme %u\"}" : "{\"err\":{\"code\":\"expired\"}}", n);
    } else if (!strncmp(kind, "receive ", 8)) {
        snprintf(out, 200,
                 n % 3 ? "{\"ok\":{\"body\":{\"n\":%u},\"name\":\"tick\"}}" : "{\"ok\":null}", n);
    } else if (!strncmp(kind, "wait ", 5)) {
        snprintf(out, 200,
                 n % 3 ? "{\"ok\":{\"result\":[%u],\"state\":\"ended\"}}"
                       : "{\"ok\":{\"error\":{\"code\":\"error\",\"message\":\"no\"},"
                         "\"state\":\"failed\"}}",
                 n);
    } else if (n % 4 == 0) {
        snprintf(out, 200, "{\"err\":{\"code\":\"denied\",\"rule\":\"r\",\"why\":\"no\"}}");
    } else {
        snprintf(out, 200, "{\"ok\":{\"existing\":false,\"run\":%u}}", n);
    }
}

static void play_lua(world *w, const char *script, size_t len, const char *input) {
    char why[1024], answer[200];
    const world_line *l;
    world_create(w, "program.lua", script, len);
    if (world_load(w, why)) {
        fail_msg("%s", why);
    }
    world_start(w, WORLD_RUN, input, "null", NULL, 0);
    world_settle(w);
    while ((l = world_next(w))) {
        if (l->is_call) {
            char path[PATH_LIMIT];
            answer_for(l, answer);
            snprintf(path, sizeof path, "%s", l->path);
            world_answer(w, WORLD_RUN, path, answer);
            world_settle(w);
        }
    }
    assert_int_equal(w->bad, 0);
}

/* The frames of w, apart from those of its first k records, must come out of C. */
static void play_c(agent_world *x, const world *w, const char *input, size_t k) {
    char answer[200];
    size_t recorded = 0;
    agent_world_forget(x);
    snprintf(x->input, sizeof x->input, "%s", input);
    agent_world_start(x, WORLD_RUN, w->records, k);
    for (size_t i = 0; i < w->line_count; i++) {
        const world_line *l = &w->lines[i];
        if (*l->path && recorded < k) {
            recorded++; /* in program order: the record's order too */
            continue;
        }
        x->late = draw(LATE_ONES) == 0;
        agent_world_expect(x, l->text);
        if (l->is_call) {
            answer_for(l, answer);
            agent_world_answer(x, WORLD_RUN, l->path, answer);
        }
    }
    assert_int_equal(x->w.bad, 0);
}

static void programs(void **state) {
    (void)state;
    size_t len;
    char path[1024];
    agent_world x;
    snprintf(path, sizeof path, "%s/with/program.lua", LUA_TESTS);
    char *script = world_read(path, &len);
    agent_world_create(&x, "program");
    for (uint32_t i = 1; i <= PROGRAMS; i++) {
        world w;
        keel_buf input = KEEL_BUF_INIT;
        seed = i;
        make_program(&input);
        play_lua(&w, script, len, input.data);
        assert_int_equal(w.ended, 1);
        play_c(&x, &w, input.data, 0);
        for (int p = 0; p < PREFIXES; p++) {
            play_c(&x, &w, input.data, draw((uint32_t)w.record_count + 1));
        }
        keel_buf_free(&input);
        world_destroy(&w);
    }
    agent_world_destroy(&x);
    free(script);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(programs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
