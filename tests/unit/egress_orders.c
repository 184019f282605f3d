/* Orders: without one nothing is sent, and the end of one ends what goes on under it. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "egress_scene.h"

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void test_none(void **state) {
    (void)state;
    scene s;
    scene_begin(&s, "");
    int64_t begun = now_ms();
    scene_ask(&s, 50, "GET", "/echo", NULL, NULL);
    egress_expect_code(s.x, E_FAILED, "denied", "no order");
    assert_in_range(now_ms() - begun, 1900, 15000);
    scene_ask(&s, 0, "GET", "/echo", NULL, NULL);
    egress_expect_code(s.x, E_FAILED, "denied", NULL);
    assert_int_equal(atomic_load(&s.web.requests), 0);
    scene_over(&s, 50, false, false);
    scene_end(&s);
}

static void test_late(void **state) {
    (void)state;
    scene s;
    scene_begin(&s, "");
    uint64_t first = scene_ask(&s, 50, "GET", "/status/201", NULL, NULL);
    scene_ask(&s, 51, "GET", "/status/202", NULL, NULL);
    assert_int_equal(egress_next(s.x, 100).type, 0); /* soon: egress waits for 2 s */
    egress_order(s.w, 50, 7, 1, false);
    frame f = egress_expect(s.x, E_DONE);
    assert_int_equal(f.run, first);
    egress_order(s.w, 51, 7, 1, false);
    scene_done(&s, 202, NULL);
    scene_end(&s);
}

static void test_foreign(void **state) {
    (void)state;
    scene s;
    scene_begin(&s, "");
    egress_side *other = egress_executor(s.w, 8, 1);
    egress_order(s.w, 50, 8, 1, true); /* another executor's */
    egress_order(s.w, 51, 7, 2, true); /* another connection's */
    egress_order(s.w, 52, 7, 1, true);
    scene_ask(&s, 50, "POST", "/echo", NULL, NULL);
    egress_expect_code(s.x, E_FAILED, "denied", NULL);
    scene_ask(&s, 51, "POST", "/echo", NULL, NULL);
    egress_expect_code(s.x, E_FAILED, "denied", NULL);
    scene_over(&s, 52, false, false);
    scene_ask(&s, 52, "POST", "/echo", NULL, NULL);
    egress_expect_code(s.x, E_FAILED, "denied", "over");
    assert_int_equal(atomic_load(&s.web.requests), 0);
    scene_over(&s, 50, false, false);
    scene_over(&s, 999, false, false);
    egress_side_free(other);
    scene_end(&s);
}

static void test_time(void **state) {
    (void)state;
    scene s;
    scene_begin(&s, "");
    egress_order_within(s.w, 50, 7, 1, true, 1000, 2000000);
    scene_ask(&s, 50, "POST", "/held", NULL, NULL);
    egress_expect_code(s.x, E_FAILED, "deadline", "in time");
    scene_ask(&s, 50, "POST", "/echo", NULL, NULL);
    egress_expect_code(s.x, E_FAILED, "retry", "over");
    web_await(&s.web, 1);
    scene_over(&s, 50, true, false);
    scene_end(&s);
}

static void test_bytes(void **state) {
    (void)state;
    scene s;
    scene_begin(&s, "");
    egress_order_within(s.w, 50, 7, 1, false, 5000, 10000000);
    for (int i = 0; i < 2; i++) {
        scene_ask(&s, 50, "GET", "/large/2000", NULL, NULL);
        scene_done(&s, 200, NULL);
    }
    scene_ask(&s, 50, "GET", "/large/2000", NULL, NULL);
    egress_expect_code(s.x, E_FAILED, "unknown", "limit");
    scene_end(&s);
}

static void test_end_cancels(void **state) {
    (void)state;
    scene s;
    scene_begin(&s, "");
    egress_order(s.w, 50, 7, 1, true);
    scene_ask(&s, 50, "POST", "/held", NULL, NULL);
    scene_ask(&s, 50, "POST", "/status/200", NULL, NULL);
    scene_done(&s, 200, NULL);
    keel_json e = egress_over(s.w, 50); /* though the first will never be answered */
    assert_true(keel_json_true(keel_json_get(e, "sent")));
    assert_false(keel_json_true(keel_json_get(e, "answered")));
    assert_int_equal(scene_number(e, "requests"), 2);
    assert_int_equal(keel_json_count(keel_json_get(e, "digests")), 2);
    egress_expect_code(s.x, E_FAILED, "cancelled", NULL);
    scene_end(&s);
}

static void test_cancel(void **state) {
    (void)state;
    scene s;
    scene_begin(&s, "");
    egress_order(s.w, 50, 7, 1, true);
    uint64_t run = scene_ask(&s, 50, "POST", "/held", NULL, NULL);
    egress_expect(&s.w->kernel, G_SENDING);
    egress_say(s.x, E_CANCEL, run, 0, NULL, 0);
    egress_expect_code(s.x, E_FAILED, "cancelled", NULL);
    scene_over(&s, 50, true, false);
    run = scene_ask(&s, 51, "GET", "/echo", NULL, NULL); /* it waits for its order */
    egress_say(s.x, E_CANCEL, run, 0, NULL, 0);
    egress_expect_code(s.x, E_FAILED, "retry", NULL);
    egress_say(s.x, E_CANCEL, 12345, 0, NULL, 0); /* of nothing */
    egress_order(s.w, 51, 7, 1, false);
    scene_ask(&s, 51, "GET", "/status/200", NULL, NULL);
    scene_done(&s, 200, NULL);
    scene_end(&s);
}

/* An executor that dies takes its requests with it; what is known of them stays. */
static void test_door_closed(void **state) {
    (void)state;
    scene s;
    scene_begin(&s, "");
    egress_order(s.w, 50, 7, 1, true);
    scene_ask(&s, 50, "POST", "/held", NULL, NULL);
    egress_expect(&s.w->kernel, G_SENDING);
    egress_side_free(s.x);
    usleep(50000);
    scene_over(&s, 50, true, false);
    s.x = egress_executor(s.w, 7, 1);
    egress_order(s.w, 51, 7, 1, true);
    scene_ask(&s, 51, "POST", "/status/200", NULL, NULL);
    scene_done(&s, 200, NULL);
    scene_over(&s, 51, true, true);
    scene_end(&s);
}

static void test_many(void **state) {
    (void)state;
    scene s;
    scene_begin(&s, "");
    egress_order(s.w, 50, 7, 1, false);
    for (int i = 0; i < 65; i++) {
        scene_ask(&s, 50, "GET", "/held", NULL, NULL);
    }
    egress_expect_code(s.x, E_FAILED, "retry", "64 requests");
    web_release(&s.web);
    for (int i = 0; i < 64; i++) {
        scene_done(&s, 200, NULL);
    }
    scene_end(&s);
}

/* What an executor may send to be cut off; the others are served on. */
static void bad_type(scene *s) {
    egress_say(s->x, 77, 1, 0, NULL, 0);
}

static void bad_frame(scene *s) {
    char junk[64];
    memset(junk, 0xff, sizeof junk);
    assert_int_equal(send(s->x->fd, junk, sizeof junk, MSG_NOSIGNAL), sizeof junk);
}

static void old_number(scene *s) {
    egress_http(s->x, 50, 5, "GET", "http://127.0.0.1:1/", NULL, NULL);
    egress_http(s->x, 50, 5, "GET", "http://127.0.0.1:1/", NULL, NULL);
}

static void number_zero(scene *s) {
    egress_http(s->x, 50, 0, "GET", "http://127.0.0.1:1/", NULL, NULL);
}

static void too_much_ahead(scene *s) {
    for (uint64_t i = 1; i <= 1100; i++) {
        egress_say(s->x, E_HTTP, i, 777, "", 0);
    }
}

static void (*const breaks[])(scene *s) = {bad_type, bad_frame, old_number, number_zero,
                                           too_much_ahead};

static void test_broken(void **state) {
    (void)state;
    scene s;
    scene_begin(&s, "");
    egress_order(s.w, 50, 8, 1, true);
    egress_side *good = egress_executor(s.w, 8, 1);
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
        breaks[i](&s);
        while (egress_next(s.x, 20000).type) {
        }
        if (!s.x->closed) {
            fail_msg("case %zu is not cut off", i);
        }
        egress_expect(&s.w->kernel, G_NOTE);
        egress_side_free(s.x);
        s.x = good;
        s.run = 10 + i;
        scene_ask(&s, 50, "GET", "/status/200", NULL, NULL);
        scene_done(&s, 200, NULL);
        s.x = egress_executor(s.w, 7, 1);
    }
    egress_side_free(good);
    scene_end(&s);
}

static void test_ends(void **state) {
    (void)state;
    scene s;
    scene_begin(&s, "");
    egress_say(&s.w->kernel, G_STOP, 0, 0, NULL, 0);
    assert_int_equal(egress_wait(s.w), 0);
    scene_end(&s);
    scene_begin(&s, ""); /* killed: executors see the end of their channel */
    egress_order(s.w, 50, 7, 1, true);
    scene_ask(&s, 50, "POST", "/held", NULL, NULL);
    egress_expect(&s.w->kernel, G_SENDING);
    kill(s.w->pid, SIGKILL);
    assert_true(WIFSIGNALED(egress_wait(s.w)));
    assert_int_equal(egress_next(s.x, 20000).type, 0);
    assert_true(s.x->closed);
    scene_end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none),    cmocka_unit_test(test_late),
        cmocka_unit_test(test_foreign), cmocka_unit_test(test_time),
        cmocka_unit_test(test_bytes),   cmocka_unit_test(test_end_cancels),
        cmocka_unit_test(test_cancel),  cmocka_unit_test(test_door_closed),
        cmocka_unit_test(test_many),    cmocka_unit_test(test_broken),
        cmocka_unit_test(test_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
