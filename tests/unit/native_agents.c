/* Agents in C. What a script can say is in tests/unit/lua and tests/abi/agents, and is played three
 * times: answered at once, answered so late that the run is suspended at each call, and replayed from
 * each prefix of its record. The rest is here: several runs, cancelling, dying, stopping. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "agent_world.h"

/* Of tests/unit/lua, then of tests/abi/agents. */
static const char *const scripts[] = {
    "cancel",       "continue",       "effect",        "log",           "mismatch_args",
    "mismatch_end", "mismatch_error", "mismatch_kind", "mismatch_name", "receive",
    "quarantine",   "recorded",       "spawn",         "step",          "window",
    "arguments",    "bad_reply",      "calls",         "cut_sleep",     "deep_reply",
    "fails",        "fails_silently", "in_step",       "mismatch_path", "odd_answer",
    "replies",      "services",       "suspended",
};

#define SCRIPTS (sizeof scripts / sizeof *scripts)

static void as_written(void **state) {
    agent_world x;
    agent_world_create(&x, *state);
    agent_world_play(&x);
    agent_world_destroy(&x);
}

static void late(void **state) {
    agent_world x;
    agent_world_create(&x, *state);
    x.late = true;
    agent_world_play(&x);
    agent_world_destroy(&x);
}

static void replayed(void **state) {
    agent_world first, x;
    agent_world_create(&first, *state);
    agent_world_create(&x, *state);
    if (!first.once) {
        agent_world_play(&first);
        for (size_t k = 0; k <= first.w.record_count; k++) {
            agent_world_replay(&x, &first, k);
        }
        x.late = true;
        agent_world_replay(&x, &first, first.w.record_count / 2);
    }
    agent_world_destroy(&x);
    agent_world_destroy(&first);
}

/* ---- how often a run is entered ---- */

static void stop(agent_world *x) {
    frame f;
    agent_world_send(x, X_STOP, 0, 0);
    int type;
    while ((type = child_next_frame(x->c, 20000, &f)) > 0) {
        assert_int_equal(type, X_NOTE);
        keel_buf_append(&x->notes, f.body, f.len);
    }
    assert_int_equal(type, 0);
    assert_int_equal(x->c->status, 0);
}

static void entered_again_when_suspended(void **state) {
    (void)state;
    agent_world x;
    agent_world_create(&x, "effect");
    x.late = true;
    agent_world_play(&x);
    stop(&x);
    assert_non_null(strstr(x.notes.data, "entered 3 times"));
    agent_world_destroy(&x);
}

static void not_entered_again_to_replay(void **state) {
    (void)state;
    agent_world first, x;
    agent_world_create(&first, "effect");
    agent_world_play(&first);
    agent_world_create(&x, "effect");
    agent_world_replay(&x, &first, first.w.record_count);
    stop(&x);
    assert_non_null(strstr(x.notes.data, "entered 1 times"));
    agent_world_destroy(&x);
    agent_world_destroy(&first);
}

static void a_status_that_is_not_looked_at(void **state) {
    (void)state;
    agent_world x;
    agent_world_create(&x, "careless");
    agent_world_start(&x, 4, NULL, 0);
    x.late = true;
    agent_world_expect(&x, "call 1 now {}");
    agent_world_answer(&x, 4, "1", "{\"ok\":5}");
    agent_world_expect(&x, "end {\"result\":5,\"state\":\"ended\"}");
    assert_non_null(strstr(x.notes.data, "return KEEL_SUSPENDED at once"));
    agent_world_destroy(&x);
}

static void another_way_after_a_suspension(void **state) {
    (void)state;
    agent_world x;
    agent_world_create(&x, "fickle");
    agent_world_start(&x, 4, NULL, 0);
    x.late = true;
    agent_world_expect(&x, "call 1 now {}");
    agent_world_answer(&x, 4, "1", "{\"ok\":5}");
    agent_world_expect(&x,
                       "mismatch {\"now\":{\"args\":{\"us\":2},\"call\":\"00c0f00612e3f060\","
                       "\"kind\":\"sleep\",\"name\":\"\"},\"path\":\"1\",\"recorded\":{\"call\":"
                       "\"4df6524860b4bc81\",\"kind\":\"now\",\"name\":\"\"}}");
    agent_world_destroy(&x);
}

static void failures_have_codes(void **state) {
    (void)state;
    static const struct {
        const char *act, *code;
    } cases[] = {{"fails", "not_found"},
                 {"fails_silently", "internal"},
                 {"suspended", "internal"},
                 {"bad_reply", "internal"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        agent_world x;
        agent_world_create(&x, cases[i].act);
        agent_world_start(&x, 1, NULL, 0);
        keel_json end = child_expect(x.c, X_END);
        assert_true(keel_json_is(keel_json_path(end, "error.code"), cases[i].code));
        assert_true(keel_json_is(keel_json_path(end, "error.trace"), ""));
        agent_world_destroy(&x);
    }
}

/* ---- several runs ---- */

/* Run 1 waits while 2 begins and ends. */
static void two_runs(void **state) {
    (void)state;
    agent_world x;
    agent_world_create(&x, "many");
    strcpy(x.input, "{\"calls\":1,\"wait\":true}");
    agent_world_start(&x, 1, NULL, 0);
    strcpy(x.input, "{\"calls\":1,\"wait\":false}");
    agent_world_start(&x, 2, NULL, 0);
    agent_world_expect(&x, "call 1 now {}");
    agent_world_answer(&x, 1, "1", "{\"ok\":10}");
    agent_world_expect(&x, "call 2 receive {\"name\":\"go\"}");
    agent_world_expect(&x, "call 1 now {}");
    agent_world_answer(&x, 2, "1", "{\"ok\":20}");
    agent_world_expect(&x, "end {\"result\":20,\"state\":\"ended\"}");
    agent_world_answer(&x, 1, "2", "{\"ok\":{\"body\":1,\"name\":\"go\"}}");
    agent_world_expect(&x, "end {\"result\":10,\"state\":\"ended\"}");
    agent_world_expect_nothing(&x);
    agent_world_destroy(&x);
}

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Runs that wait for weeks hold nobody up: none of them waits its 100 ms while others could go on. */
static void many_runs_that_wait(void **state) {
    (void)state;
    enum { RUNS = 200 };
    agent_world x;
    agent_world_create(&x, "many");
    strcpy(x.input, "{\"calls\":0,\"wait\":true}");
    int64_t begin = now_ms();
    for (uint64_t run = 1; run <= RUNS; run++) {
        agent_world_start(&x, run, NULL, 0);
    }
    for (int i = 0; i < RUNS; i++) {
        agent_world_expect(&x, "call 1 receive {\"name\":\"go\"}");
    }
    assert_true(now_ms() - begin < RUNS * 100 / 2);
    for (uint64_t run = RUNS; run >= 1; run--) {
        agent_world_answer(&x, run, "1", "{\"ok\":{\"body\":null,\"name\":\"go\"}}");
    }
    for (int i = 0; i < RUNS; i++) {
        agent_world_expect(&x, "end {\"result\":0,\"state\":\"ended\"}");
    }
    agent_world_expect_nothing(&x);
    agent_world_destroy(&x);
}

static void frames_without_a_run(void **state) {
    (void)state;
    agent_world x;
    agent_world_create(&x, "many");
    strcpy(x.input, "{\"calls\":1}");
    agent_world_answer(&x, 5, "1", "{\"ok\":1}");
    agent_world_send(&x, X_ACK, 5, 3);
    agent_world_send(&x, X_CANCEL, 5, 0);
    agent_world_start(&x, 5, NULL, 0);
    agent_world_expect(&x, "call 1 now {}");
    agent_world_start(&x, 5, NULL, 0);
    agent_world_start(&x, 0, NULL, 0);
    child_verb(x.c, "read", "note", 9, "{}");
    agent_world_answer(&x, 5, "7", "{\"ok\":1}");
    agent_world_answer(&x, 5, "", "{\"ok\":1}");
    agent_world_expect(&x,
                       "fail 9 {\"code\":\"not_implemented\",\"message\":\"the connector does not "
                       "have this verb\"}");
    agent_world_answer(&x, 5, "1", "{\"ok\":4}");
    agent_world_answer(&x, 5, "1", "{\"ok\":5}");
    agent_world_expect(&x, "end {\"result\":4,\"state\":\"ended\"}");
    agent_world_expect_nothing(&x);
    assert_non_null(strstr(x.notes.data, "does not fit this executor"));
    agent_world_destroy(&x);
}

/* Cancelled while it waits, at once or suspended, and begun again under its number. */
static void cancelled_and_begun_again(void **state) {
    (void)state;
    agent_world x;
    agent_world_create(&x, "many");
    strcpy(x.input, "{\"calls\":1}");
    for (int late = 0; late <= 1; late++) {
        agent_world_start(&x, 5, NULL, 0);
        agent_world_expect(&x, "call 1 now {}");
        if (late) {
            child_await_run(x.c, 0);
        }
        agent_world_send(&x, X_CANCEL, 5, 0);
        agent_world_start(&x, 5, NULL, 0);
        agent_world_expect(&x, "call 1 now {}");
        agent_world_answer(&x, 5, "1", "{\"ok\":6}");
        agent_world_expect(&x, "end {\"result\":6,\"state\":\"ended\"}");
        agent_world_expect_nothing(&x);
    }
    agent_world_destroy(&x);
}

/* What does not fit into one frame comes in pieces, in the middle of a call. */
static void large_answers(void **state) {
    (void)state;
    agent_world x;
    size_t size = 3u << 20;
    keel_buf outcome = KEEL_BUF_INIT;
    agent_world_create(&x, "effect");
    agent_world_start(&x, WORLD_RUN, NULL, 0);
    agent_world_expect(
        &x,
        "call 1 effect {\"args\":{},\"resource\":\"mail\",\"use\":\"inbox\",\"verb\":\"read\"}");
    keel_buf_puts(&outcome, "{\"ok\":{\"items\":[\"");
    for (size_t i = 0; i < size; i++) {
        keel_buf_putc(&outcome, 'x');
    }
    keel_buf_puts(&outcome, "\"]}}");
    agent_world_answer(&x, WORLD_RUN, "1", outcome.data);
    while (x.w.line_read == x.w.line_count) {
        assert_true(agent_world_take(&x, 20000));
    }
    assert_true(strlen(world_next(&x.w)->text) > size);
    agent_world_answer(&x, WORLD_RUN, "2", "{\"ok\":1}");
    agent_world_expect(&x, "end {\"result\":null,\"state\":\"ended\"}");
    keel_buf_free(&outcome);
    agent_world_destroy(&x);
}

/* ---- ends ---- */

/* The page names the run that died, so that it has the strike. */
static void crash(void **state) {
    (void)state;
    agent_world x;
    agent_world_create(&x, "crash");
    agent_world_start(&x, 77, NULL, 0);
    agent_world_expect(&x, "call 1 now {}");
    agent_world_answer(&x, 77, "1", "{\"ok\":1}");
    child_expect_end(x.c, SIGSEGV, 0);
    assert_int_equal(atomic_load(&x.c->page->run), 77);
    agent_world_destroy(&x);
}

static void hang(void **state) {
    (void)state;
    agent_world x;
    frame f;
    agent_world_create(&x, "hang");
    agent_world_start(&x, 78, NULL, 0);
    child_await_run(x.c, 78);
    assert_int_equal(child_next_frame(x.c, 300, &f), -1);
    assert_int_equal(atomic_load(&x.c->page->run), 78);
    uint64_t ticks = atomic_load(&x.c->page->ticks);
    assert_int_equal(child_next_frame(x.c, 100, &f), -1);
    assert_int_equal(atomic_load(&x.c->page->ticks), ticks);
    agent_world_destroy(&x);
}

/* X_STOP in the middle of a call is obeyed at once, and so is the kernel's end. */
static void stopped_in_a_call(void **state) {
    (void)state;
    agent_world x;
    agent_world_create(&x, "many");
    strcpy(x.input, "{\"calls\":1}");
    agent_world_start(&x, 5, NULL, 0);
    agent_world_expect(&x, "call 1 now {}");
    stop(&x);
    agent_world_destroy(&x);
}

static void connectors_have_no_effects(void **state) {
    (void)state;
    child *c = child_ready(&(child_spec){.plugin = "behave"});
    child_verb(c, "read", "services", 1, "{}");
    keel_json body = child_expect(c, X_REPLY);
    assert_true(keel_json_is(keel_json_get(body, "result"), "none"));
    child_end(c);
}

int main(void) {
    static const struct {
        const char *suffix;
        void (*f)(void **state);
    } ways[] = {{"", as_written}, {", late", late}, {", replayed", replayed}};
    const struct CMUnitTest others[] = {
        cmocka_unit_test(entered_again_when_suspended),
        cmocka_unit_test(not_entered_again_to_replay),
        cmocka_unit_test(a_status_that_is_not_looked_at),
        cmocka_unit_test(another_way_after_a_suspension),
        cmocka_unit_test(failures_have_codes),
        cmocka_unit_test(two_runs),
        cmocka_unit_test(many_runs_that_wait),
        cmocka_unit_test(frames_without_a_run),
        cmocka_unit_test(cancelled_and_begun_again),
        cmocka_unit_test(large_answers),
        cmocka_unit_test(crash),
        cmocka_unit_test(hang),
        cmocka_unit_test(stopped_in_a_call),
        cmocka_unit_test(connectors_have_no_effects),
    };
    static char names[3 * SCRIPTS][60];
    struct CMUnitTest all[3 * SCRIPTS + sizeof others / sizeof *others];
    size_t n = 0;
    for (size_t w = 0; w < 3; w++) {
        for (size_t i = 0; i < SCRIPTS; i++, n++) {
            snprintf(names[n], sizeof names[n], "%s%s", scripts[i], ways[w].suffix);
            all[n] =
                (struct CMUnitTest){names[n], ways[w].f, NULL, NULL, (void *)(uintptr_t)scripts[i]};
        }
    }
    memcpy(all + n, others, sizeof others);
    return cmocka_run_group_tests(all, NULL, NULL);
}
