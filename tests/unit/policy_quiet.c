/* `quiet`: until when, over nights, weekends and the two nights in which clocks are set; and the time of
 * approvals that stands still meanwhile. */
#include <stdio.h>
#include <time.h>

#include "pace.h"
#include "policy_past.h"

#define V "version: 1\n"

/* "2026-11-23 20:30:00 UTC" */
static int64_t at(const char *text) {
    struct tm tm = {0};
    const char *end = strptime(text, "%Y-%m-%d %H:%M:%S", &tm);
    if (!end || *end) {
        fail_msg("%s is no time", text);
    }
    return (int64_t)timegm(&tm) * 1000000;
}

static void print(char out[32], int64_t us) {
    time_t s = (time_t)(us / 1000000);
    struct tm tm = {0};
    gmtime_r(&s, &tm);
    strftime(out, 32, "%Y-%m-%d %H:%M:%S", &tm);
}

#define MADRID "tz: Europe/Madrid"
#define NIGHT  "{on: \"*\", hours: \"20:00-08:00\", " MADRID "}"
#define GAP    "{on: \"*\", hours: \"01:00-02:30\", " MADRID "}"

/* Times are UTC. In Madrid clocks go from 02:00 to 03:00 on 2026-03-29, 01:00 UTC, and from 03:00 back to
 * 02:00 on 2026-10-25, 01:00 UTC. 2026-11-23 is a Monday. */
static const struct {
    const char *quiet, *now, *until; /* NULL: it may go */
} ends[] = {
    {NIGHT, "2026-11-23 18:59:59", NULL},
    {NIGHT, "2026-11-23 19:00:00", "2026-11-24 07:00:00"},
    {NIGHT, "2026-11-24 03:00:00", "2026-11-24 07:00:00"},
    {NIGHT, "2026-11-24 06:59:59", "2026-11-24 07:00:00"},
    {NIGHT, "2026-11-24 07:00:00", NULL},
    {NIGHT, "2026-07-01 18:00:00", "2026-07-02 06:00:00"},
    /* the night is an hour shorter, or longer */
    {NIGHT, "2026-03-28 19:00:00", "2026-03-29 06:00:00"},
    {NIGHT, "2026-10-24 18:00:00", "2026-10-25 07:00:00"},
    /* its end is an hour that there is not: over when the clocks are set */
    {GAP, "2026-03-29 00:30:00", "2026-03-29 01:00:00"},
    {GAP, "2026-03-29 01:00:00", NULL},
    /* its end comes twice: over at 02:30, and again from the second 02:00 to the second 02:30 */
    {GAP, "2026-10-24 23:00:00", "2026-10-25 00:30:00"},
    {GAP, "2026-10-25 00:45:00", NULL},
    {GAP, "2026-10-25 01:10:00", "2026-10-25 01:30:00"},
    /* it begins in that hour */
    {"{on: \"*\", hours: \"02:15-04:00\", " MADRID "}", "2026-03-29 01:00:00",
     "2026-03-29 02:00:00"},
    /* days: those on which it begins */
    {"{on: \"*\", days: [fri], hours: \"20:00-08:00\"}", "2026-11-27 19:59:59", NULL},
    {"{on: \"*\", days: [fri], hours: \"20:00-08:00\"}", "2026-11-27 20:00:00",
     "2026-11-28 08:00:00"},
    {"{on: \"*\", days: [fri], hours: \"20:00-08:00\"}", "2026-11-28 01:00:00",
     "2026-11-28 08:00:00"},
    {"{on: \"*\", days: [fri], hours: \"20:00-08:00\"}", "2026-11-28 20:00:00", NULL},
    {"{on: \"*\", days: [sat, sun], " MADRID "}", "2026-11-27 22:59:59", NULL},
    {"{on: \"*\", days: [sat, sun], " MADRID "}", "2026-11-27 23:00:00", "2026-11-29 23:00:00"},
    {"{on: \"*\", days: [sun, sat]}", "2026-11-29 12:00:00", "2026-11-30 00:00:00"},
    {"{on: \"*\", days: mon, hours: \"09:00-17:00\"}", "2026-11-23 09:00:00",
     "2026-11-23 17:00:00"},
    {"{on: \"*\", days: mon, hours: \"09:00-17:00\"}", "2026-11-24 09:00:00", NULL},
    {"{on: \"*\", hours: \"20:00-24:00\"}", "2026-11-23 23:00:00", "2026-11-24 00:00:00"},
    {"{on: \"*\", hours: \"00:00-08:00\"}", "2026-11-24 00:00:00", "2026-11-24 08:00:00"},
    {"{on: \"*\", hours: \"20:00-00:00\"}", "2026-11-23 23:00:00", "2026-11-24 00:00:00"},
    /* several: one goes over into the next, and back into the first */
    {NIGHT ", {on: \"*\", days: [sat, sun], " MADRID "}", "2026-11-27 21:00:00",
     "2026-11-30 07:00:00"},
    {"{on: \"*\", hours: \"08:00-10:00\"}, {on: \"*\", hours: \"10:00-12:00\"}",
     "2026-11-23 08:30:00", "2026-11-23 12:00:00"},
    /* about something else */
    {"{on: c2.*, hours: \"00:00-23:59\"}", "2026-11-23 12:00:00", NULL},
    {"{on: \"*\", agents: b, hours: \"00:00-23:59\"}", "2026-11-23 12:00:00", NULL},
    {"{on: \"*\", sink: internal, hours: \"00:00-23:59\"}", "2026-11-23 12:00:00", NULL},
    {"{on: \"*\", sink: external, hours: \"00:00-23:59\"}", "2026-11-23 12:00:00",
     "2026-11-23 23:59:00"},
    {"{approvals: pause, hours: \"00:00-23:59\"}", "2026-11-23 12:00:00", NULL},
};

static policy *with(const char *quiet) {
    char text[512];
    snprintf(text, sizeof text, V "quiet: [%s]\n", quiet);
    return compile(text);
}

static const policy_query effect = {
    .agent = "a", .target = "c1.r1.write", .class = CLASS_ONCE, .sink_external = true};

static void ends_when_it_says(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        policy *p = with(ends[i].quiet);
        const quiet_rule *rule;
        int64_t now = at(ends[i].now), until = quiet_until_us(p, &effect, now, &rule);
        char text[32];
        print(text, until);
        if ((rule != NULL) != (ends[i].until != NULL) ||
            strcmp(text, ends[i].until ? ends[i].until : ends[i].now) != 0) {
            fail_msg("%s at %s: until %s, not %s", ends[i].quiet, ends[i].now, text,
                     ends[i].until ? ends[i].until : "now");
        }
        policy_destroy(p);
    }
}

/* Against a clock that is read second by second (minute by minute, to be quick). */
static void is_what_a_clock_on_the_wall_says(void **state) {
    (void)state;
    static const char *const days[] = {"2026-03-28 12:00:00", "2026-10-24 12:00:00"};
    policy *p = with(GAP ", " NIGHT);
    for (size_t d = 0; d < 2; d++) {
        int64_t begin = at(days[d]), minutes = 48 * 60, known = 0;
        for (int64_t i = minutes; i-- > 0;) {
            const quiet_rule *rule;
            int64_t now = begin + i * MINUTE, until = quiet_until_us(p, &effect, now, &rule);
            bool last = i == minutes - 1;
            if (!rule) {
                known = now;
                assert_int_equal(until, now);
            } else if (!last && known) {
                assert_int_equal(until, known); /* the next minute that is not quiet */
            }
        }
    }
    policy_destroy(p);
}

static void what_never_ends_is_no_loop(void **state) {
    (void)state;
    policy *p = with("{on: \"*\", hours: \"08:00-20:00\"}, {on: \"*\", hours: \"20:00-08:00\"},"
                     "{approvals: pause, hours: \"08:00-20:00\"}, {approvals: pause, hours: "
                     "\"20:00-08:00\"}");
    const quiet_rule *rule;
    assert_true(quiet_until_us(p, &effect, NOON, &rule) > NOON + 7 * DAY);
    assert_non_null(rule);
    assert_true(quiet_after_us(p, &effect, NOON, HOUR) >= NOON + HOUR);
    policy_destroy(p);
}

/* ---- waking hours ---- */

#define PAUSE "{approvals: pause, hours: \"20:00-08:00\"}"

static const struct {
    const char *quiet, *from;
    int64_t span;
    const char *until;
} waking[] = {
    {"{on: \"*\", hours: \"20:00-08:00\"}", "2026-11-23 19:00:00", 4 * HOUR, "2026-11-23 23:00:00"},
    {PAUSE, "2026-11-23 10:00:00", 4 * HOUR, "2026-11-23 14:00:00"},
    {PAUSE, "2026-11-23 19:00:00", HOUR, "2026-11-23 20:00:00"},
    {PAUSE, "2026-11-23 19:00:00", 4 * HOUR, "2026-11-24 11:00:00"},
    {PAUSE, "2026-11-23 22:00:00", 4 * HOUR, "2026-11-24 12:00:00"},
    {PAUSE, "2026-11-23 10:00:00", 24 * HOUR, "2026-11-25 10:00:00"},
    {PAUSE, "2026-11-23 10:00:00", 366 * DAY, "2028-11-24 10:00:00"},
    {PAUSE ", {approvals: pause, days: [sat, sun]}", "2026-11-27 19:00:00", 2 * HOUR,
     "2026-11-30 09:00:00"},
    {"{approvals: pause, on: c2.*, hours: \"20:00-08:00\"}", "2026-11-23 19:00:00", 4 * HOUR,
     "2026-11-23 23:00:00"},
    {"{approvals: pause, on: c1.*, hours: \"20:00-08:00\"}", "2026-11-23 19:00:00", 4 * HOUR,
     "2026-11-24 11:00:00"},
    {"{approvals: pause, hours: \"20:00-08:00\", " MADRID "}", "2026-03-28 18:00:00", 2 * HOUR,
     "2026-03-29 07:00:00"},
};

static void approvals_age_in_waking_hours(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof waking / sizeof *waking; i++) {
        policy *p = with(waking[i].quiet);
        char text[32];
        print(text, quiet_after_us(p, &effect, at(waking[i].from), waking[i].span));
        if (strcmp(text, waking[i].until) != 0) {
            fail_msg("%s from %s: until %s, not %s", waking[i].quiet, waking[i].from, text,
                     waking[i].until);
        }
        policy_destroy(p);
    }
}

/* What is about no effect has the hours that are about all. */
static void what_is_stuck_ages_in_waking_hours_too(void **state) {
    (void)state;
    policy *p = with(PAUSE);
    assert_int_equal(quiet_after_us(p, NULL, at("2026-11-23 19:30:00"), HOUR),
                     at("2026-11-24 08:30:00"));
    policy_destroy(p);
    p = with("{approvals: pause, on: c1.*, hours: \"20:00-08:00\"}");
    assert_int_equal(quiet_after_us(p, NULL, NOON, 20 * HOUR), NOON + 20 * HOUR);
    policy_destroy(p);
}

static const struct {
    const char *quiet, *words;
} phrases[] = {
    {NIGHT, "quiet from 20:00 to 08:00 Europe/Madrid (p.yaml:2)"},
    {"{on: \"*\", days: [sun, mon, sat], hours: \"00:00-23:30\"}",
     "quiet from 00:00 to 23:30 on mon, sat, sun (p.yaml:2)"},
    {"{on: \"*\", days: mon}", "quiet on mon (p.yaml:2)"},
};

static void says_it(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
        policy *p = with(phrases[i].quiet);
        const quiet_rule *rule;
        keel_buf words = KEEL_BUF_INIT;
        quiet_until_us(p, &effect, at("2026-11-23 22:00:00"), &rule);
        assert_non_null(rule);
        quiet_words(rule, &words);
        assert_string_equal(words.data, phrases[i].words);
        keel_buf_free(&words);
        policy_destroy(p);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_when_it_says),
        cmocka_unit_test(is_what_a_clock_on_the_wall_says),
        cmocka_unit_test(what_never_ends_is_no_loop),
        cmocka_unit_test(approvals_age_in_waking_hours),
        cmocka_unit_test(what_is_stuck_ages_in_waking_hours_too),
        cmocka_unit_test(says_it),
    };
    digest_init();
    return cmocka_run_group_tests_name("policy_quiet", tests, NULL, NULL);
}
