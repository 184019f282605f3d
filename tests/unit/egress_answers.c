/* Answers that say something of the connection: egress tells the kernel of them, before the executor
 * hears, so that nobody has to believe a connector. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "egress_scene.h"

static const struct {
    const char *method, *path;
    int status;
    const char *told;
} rows[] = {
    {"GET", "/status/401", 401, "{\"connection\":1,\"status\":401}"},
    {"POST", "/status/401", 401, "{\"connection\":1,\"status\":401}"},
    {"GET", "/status/402", 402, "{\"connection\":1,\"status\":402}"},
    {"GET", "/status/403", 403, "{\"connection\":1,\"status\":403}"},
    {"GET", "/later/403/7", 403, "{\"connection\":1,\"status\":403}"},
    {"GET", "/later/429/7", 429, "{\"connection\":1,\"retry_after_s\":7,\"status\":429}"},
    {"POST", "/later/429/7", 429, "{\"connection\":1,\"retry_after_s\":7,\"status\":429}"},
    {"GET", "/later/503/3600", 503, "{\"connection\":1,\"retry_after_s\":3600,\"status\":503}"},
    {"GET", "/status/429", 429, ""},
    {"GET", "/status/503", 503, ""},
    {"GET", "/later/429/0", 429, ""},
    {"GET", "/later/429/-7", 429, ""},
    {"GET", "/later/429/soon", 429, ""},
    {"GET", "/later/429/Mon,_01_Jan_2001_00:00:00_GMT", 429, ""},
    {"GET", "/later/200/7", 200, ""},
    {"GET", "/later/500/7", 500, ""},
    {"GET", "/status/404", 404, ""},
    {"POST", "/status/422", 422, ""},
};

static void each_answer(void **state) {
    (void)state;
    scene s;
    scene_begin(&s, "");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        egress_order(s.w, 50 + i, 7, 1, strcmp(rows[i].method, "GET") != 0);
        scene_ask(&s, 50 + i, rows[i].method, rows[i].path, NULL, NULL);
        scene_done(&s, rows[i].status, NULL);
        const char *told = scene_told(&s, 50 + i); /* it is there before the answer is */
        if (strcmp(told, rows[i].told) != 0) {
            fail_msg("%s %s: told %s", rows[i].method, rows[i].path, told);
        }
        assert_string_equal(scene_told(&s, 50 + i), "");
        egress_over(s.w, 50 + i);
    }
    scene_end(&s);
}

/* A date, and what nobody can mean: a number of seconds that the kernel caps. */
static void other_times(void **state) {
    (void)state;
    scene s;
    char path[100], date[60];
    time_t then = time(NULL) + 1800;
    struct tm tm;
    gmtime_r(&then, &tm);
    strftime(date, sizeof date, "%a,_%d_%b_%Y_%H:%M:%S_GMT", &tm);
    snprintf(path, sizeof path, "/later/503/%s", date);
    const char *const paths[] = {path, "/later/429/1000000000"};
    scene_begin(&s, "");
    for (uint64_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        egress_order(s.w, 50 + i, 7, 1, false);
        scene_ask(&s, 50 + i, "GET", paths[i], NULL, NULL);
        scene_done(&s, i ? 429 : 503, NULL);
        const char *told = scene_told(&s, 50 + i);
        int64_t after = scene_number(keel_json_view(told, strlen(told)), "retry_after_s");
        if (i ? after < 7200 || after > 1000000000 : after < 1700 || after > 1800) {
            fail_msg("%s: told %s", paths[i], told);
        }
    }
    scene_end(&s);
}

/* Once for each status under an order, however often it comes. */
static void once_for_each(void **state) {
    (void)state;
    scene s;
    scene_begin(&s, "");
    for (uint64_t order = 50; order < 52; order++) {
        egress_order(s.w, order, 7, 1, false);
        for (int i = 0; i < 5; i++) {
            scene_ask(&s, order, "GET", "/status/401", NULL, NULL);
            scene_done(&s, 401, NULL);
        }
        scene_ask(&s, order, "GET", "/status/403", NULL, NULL);
        scene_done(&s, 403, NULL);
        assert_string_equal(scene_told(&s, order), "{\"connection\":1,\"status\":401}");
        assert_string_equal(scene_told(&s, order), "{\"connection\":1,\"status\":403}");
        assert_string_equal(scene_told(&s, order), "");
    }
    scene_end(&s);
}

/* What a connector that may go anywhere meets there says nothing of its connection. */
static void a_stranger_says_nothing(void **state) {
    (void)state;
    scene s;
    char more[200];
    scene_begin(&s, "");
    snprintf(more, sizeof more, ",\"allow\":[\"%s\"],\"any\":true,\"private\":true", s.base);
    scene_connection(&s, "https://elsewhere.example", more);
    egress_order(s.w, 50, 7, 1, false);
    scene_ask(&s, 50, "GET", "/status/401", NULL, NULL);
    scene_done(&s, 401, NULL);
    assert_string_equal(scene_told(&s, 50), "");
    scene_end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_answer),
        cmocka_unit_test(other_times),
        cmocka_unit_test(once_for_each),
        cmocka_unit_test(a_stranger_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
