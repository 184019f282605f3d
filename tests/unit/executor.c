/* The executor process: verbs and their answers, what misbehaving code can do to it, and what it
 * does with a kernel that breaks the protocol or goes. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "executor_world.h"

static const child_spec behave = {.plugin = "behave"};

typedef struct answer {
    const char *resource;
    const char *verb;
    const char *body;
    int type;
    const char *expected; /* the whole answer */
} answer;

static const answer answers[] = {
    {"echo", "write", "{\"b\":1}", X_REPLY,
     "{\"result\":{\"attempt\":2,\"body\":{\"b\":1},\"deadline\":true,\"dry\":true,"
     "\"key\":\"k-1\",\"mode\":1,\"outcome\":{\"id\":7}}}"},
    {"cost", "read", "null", X_REPLY,
     "{\"cost\":{\"currency\":\"EUR\",\"micros\":2000},\"result\":[1]}"},
    {"usage", "write", "null", X_REPLY,
     "{\"result\":[1],\"usage\":{\"cache_read\":0,\"cache_write\":7,\"input\":1000000000,"
     "\"model\":\"big\",\"output\":0}}"},
    {"fails", "write", "null", X_FAIL,
     "{\"code\":\"conflict\",\"cost\":{\"currency\":\"USD\",\"micros\":7},"
     "\"message\":\"taken? by ? another\"}"},
    {"odd", "write", "null", X_FAIL, "{\"code\":\"internal\",\"message\":\"a code of its own\"}"},
    {"silent", "write", "null", X_FAIL,
     "{\"code\":\"internal\",\"message\":\"the verb returned OK without a reply\"}"},
    {"too_large", "read", "null", X_FAIL,
     "{\"code\":\"internal\",\"message\":\"the answer is larger than 16 MiB; read in parts, with a "
     "cursor\"}"},
    {"cancelled", "write", "null", X_FAIL,
     "{\"code\":\"cancelled\",\"message\":\"the connector gave no reason\"}"},
    {"services", "read", "null", X_REPLY, "{\"result\":\"none\"}"},
    {"nobody", "write", "null", X_FAIL,
     "{\"code\":\"not_implemented\",\"message\":\"the connector gave no reason\"}"},
};

static void answered(void **state) {
    const answer *a = *state;
    child *c = child_ready(&behave);
    child_verb(c, a->verb, a->resource, 9, a->body);
    keel_json body = child_expect(c, a->type);
    assert_int_equal(body.len, strlen(a->expected));
    assert_memory_equal(body.data, a->expected, body.len);
    child_end(c);
}

static void no_json(void **state) {
    (void)state;
    child *c = child_ready(&behave);
    child_verb(c, "read", "no_json", 1, "null");
    char text[300];
    keel_json body = child_expect(c, X_FAIL);
    assert_true(keel_json_is(keel_json_get(body, "code"), "internal"));
    keel_json_copy(keel_json_get(body, "message"), text, sizeof text);
    assert_non_null(strstr(text, "no JSON, at byte 1"));
    child_end(c);
}

static void logs(void **state) {
    (void)state;
    child *c = child_ready(&behave);
    child_verb(c, "read", "logs", 1, "null");
    keel_json body = child_expect(c, X_NOTE);
    assert_true(keel_json_is(keel_json_get(body, "level"), "warn"));
    assert_true(keel_json_is(keel_json_get(body, "text"), "the folder? is ? odd"));
    body = child_expect(c, X_NOTE);
    assert_true(keel_json_is(keel_json_get(body, "level"), "error"));
    child_expect(c, X_REPLY);
    child_end(c);
}

static void large_answer(void **state) {
    (void)state;
    child *c = child_ready(&behave);
    for (int i = 0; i < 3; i++) {
        child_verb(c, "read", "large", 1, "null");
        keel_json body = child_expect(c, X_REPLY);
        assert_int_equal(body.len, strlen("{\"result\":}") + (3u << 20) + 2);
    }
    child_end(c);
}

/* While a large answer is under way it reads on: more verbs, more answers, none lost. */
static void reads_while_sending(void **state) {
    (void)state;
    child *c = child_ready(&behave);
    for (uint64_t i = 0; i < 4; i++) {
        child_verb(c, "read", "large", i, "null");
        child_verb(c, "read", "services", 100 + i, "null");
    }
    int large = 0;
    int small = 0;
    for (int i = 0; i < 8; i++) {
        *(child_expect(c, X_REPLY).len > 1000 ? &large : &small) += 1;
    }
    assert_int_equal(large, 4);
    assert_int_equal(small, 4);
    child_end(c);
}

static void scratch_is_given_back(void **state) {
    (void)state;
    child *c = child_ready(&behave);
    for (int i = 0; i < 18; i++) {
        child_verb(c, "read", "scratch", 1, "null");
        child_expect(c, X_REPLY);
    }
    child_end(c);
}

static void page_names_the_call(void **state) {
    (void)state;
    child *c = child_ready(&behave);
    child_verb(c, "read", "services", 55, "null");
    child_expect(c, X_REPLY);
    assert_int_equal(atomic_load(&c->page->run), 0);
    assert_int_equal(atomic_load(&c->page->ticks), 2);
    child_end(c);
}

static void destroyed_at_stop(void **state) {
    (void)state;
    child *c = child_ready(&behave);
    child_verb(c, "read", "services", 1, "null");
    child_expect(c, X_REPLY);
    child_send(c, X_STOP, 0, "");
    keel_json body = child_expect(c, X_NOTE);
    assert_true(keel_json_is(keel_json_get(body, "text"), "destroyed after 1 calls"));
    child_expect_end(c, 0, 0);
    child_end(c);
}

/* ---- misdeeds ---- */

static void misdeed(const char *resource, int signal, int status) {
    child *c = child_ready(&behave);
    child_verb(c, "write", resource, 1, "null");
    child_expect_end(c, signal, status);
    assert_false(c->broken);
    child_end(c);
}

static void segv(void **state) {
    (void)state;
    misdeed("segv", SIGSEGV, 0);
}

static void aborts(void **state) {
    (void)state;
    misdeed("abort", SIGABRT, 0);
}

/* Its reply was never sent: an exit is no answer. */
static void exits(void **state) {
    (void)state;
    misdeed("exit", 0, 0);
}

static void garbage(void **state) {
    (void)state;
    child *c = child_ready(&behave);
    child_verb(c, "write", "garbage", 1, "null");
    child_expect(c, 0);
    assert_true(c->broken);
    child_end(c);
}

static void leak_ends_at_the_limit(void **state) {
    (void)state;
    if (child_sanitized()) {
        return; /* a sanitizer needs the address space that the limit takes */
    }
    child *c = child_ready(&behave);
    child_verb(c, "write", "leak", 1, "null");
    keel_json body = child_expect(c, X_REPLY);
    int64_t mebibytes = 0;
    assert_true(keel_json_int(keel_json_get(body, "result"), &mebibytes));
    assert_in_range(mebibytes, 512, 1200);
    child_end(c);
}

static void hang_is_killed(void **state) {
    (void)state;
    child *c = child_ready(&behave);
    child_verb(c, "write", "hang", 31, "null");
    child_await_run(c, 31);
    keel_json body;
    assert_int_equal(child_next(c, 200, &body), -1);
    assert_int_equal(atomic_load(&c->page->run), 31);
    kill(c->pid, SIGKILL);
    child_expect_end(c, SIGKILL, 0);
    child_end(c);
}

/* ---- the kernel's faults ---- */

static void kernel_goes(void **state) {
    (void)state;
    child *c = child_ready(&behave);
    shutdown(c->socket, SHUT_WR);
    child_expect(c, X_NOTE);
    child_expect_end(c, 0, 0);
    child_end(c);
}

static void kernel_goes_in_a_verb(void **state) {
    (void)state;
    child *c = child_ready(&behave);
    const char *endless =
        "{\"attempt\":1,\"body\":null,\"resource\":\"cancelled\",\"verb\":\"read\"}";
    child_send(c, X_VERB, 1, endless);
    keel_json body;
    assert_int_equal(child_next(c, 100, &body), -1);
    shutdown(c->socket, SHUT_WR);
    body = child_expect(c, X_FAIL);
    assert_true(keel_json_is(keel_json_get(body, "code"), "cancelled"));
    child_end(c);
}

static void verb_before_load(void **state) {
    (void)state;
    child *c = child_start_silent(&behave);
    child_send(c, X_VERB, 1, "{}");
    child_expect_end(c, 0, 1);
    child_end(c);
}

static void load_before_config(void **state) {
    (void)state;
    child *c = child_start_silent(&behave);
    child_send(c, X_LOAD, 1, "");
    child_expect_end(c, 0, 1);
    child_end(c);
}

static void config_is_no_json(void **state) {
    (void)state;
    child *c = child_start_silent(&behave);
    child_send(c, X_CONFIG, 1, "{\"id\":");
    keel_json body = child_expect(c, X_REFUSED);
    char text[300];
    keel_json_copy(keel_json_get(body, "next"), text, sizeof text);
    assert_non_null(strstr(text, "same build"));
    child_expect_end(c, 0, 1);
    child_end(c);
}

static void no_frames(void **state) {
    (void)state;
    child *c = child_start_silent(&behave);
    char junk[100];
    memset(junk, 0xff, sizeof junk);
    assert_int_equal(send(c->socket, junk, sizeof junk, 0), (ssize_t)sizeof junk);
    child_expect_end(c, 0, 1);
    child_end(c);
}

static void runs_are_not_for_connectors(void **state) {
    (void)state;
    child *c = child_ready(&behave);
    child_send(c, X_START, 0, "{\"input\":null}");
    child_send(c, X_CANCEL, 0, "");
    child_verb(c, "read", "services", 1, "null");
    child_expect(c, X_REPLY);
    child_end(c);
}

#define ANSWERS (sizeof answers / sizeof *answers)

int main(void) {
    const struct CMUnitTest others[] = {
        cmocka_unit_test(no_json),
        cmocka_unit_test(logs),
        cmocka_unit_test(large_answer),
        cmocka_unit_test(reads_while_sending),
        cmocka_unit_test(scratch_is_given_back),
        cmocka_unit_test(page_names_the_call),
        cmocka_unit_test(destroyed_at_stop),
        cmocka_unit_test(segv),
        cmocka_unit_test(aborts),
        cmocka_unit_test(exits),
        cmocka_unit_test(garbage),
        cmocka_unit_test(leak_ends_at_the_limit),
        cmocka_unit_test(hang_is_killed),
        cmocka_unit_test(kernel_goes),
        cmocka_unit_test(kernel_goes_in_a_verb),
        cmocka_unit_test(verb_before_load),
        cmocka_unit_test(load_before_config),
        cmocka_unit_test(config_is_no_json),
        cmocka_unit_test(no_frames),
        cmocka_unit_test(runs_are_not_for_connectors),
    };
    struct CMUnitTest all[ANSWERS + sizeof others / sizeof *others];
    for (size_t i = 0; i < ANSWERS; i++) {
        all[i] = (struct CMUnitTest){answers[i].resource, answered, NULL, NULL,
                                     (void *)(uintptr_t)&answers[i]};
    }
    memcpy(all + ANSWERS, others, sizeof others);
    return cmocka_run_group_tests(all, NULL, NULL);
}
