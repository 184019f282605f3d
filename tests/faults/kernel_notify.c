/* People are told by the ways of keel.yaml: who, and what. */
#include "tellscene.h"

#define CALL(resource, args)                                                                       \
    {                                                                                              \
        "effect", "out." resource ".write",                                                        \
            "{\"args\":" args ",\"resource\":\"" resource "\",\"use\":\"out\",\"verb\":\"write\"}" \
    }

/* ---- who is told, and what ---- */

static void a_step_tells_whom_it_names(void **state) {
    (void)state;
    sim_world *w = telling(BOTH, ASK, once, COUNT(once));
    scene_do(w, "do-000001");
    wait_for(w, HOUR);
    assert_int_equal(w->notice_count, 0);
    wait_for(w, HOUR + MINUTE);
    assert_int_equal(w->notice_count, 1);
    assert_string_equal(last(w)->to, "phone");
    says(w, "\"items\":[{\"kind\":\"approval\",\"number\":1,\"rule\":\"asks\",\"step\":1,"
            "\"what\":\"boss asks for out.once.write: n 1\"}]");
    says(w, "\"look\":\"keel inbox 1\"");
    says(w, "\"text\":\"1  approval, rule asks: boss asks for out.once.write: n 1\\nLook: keel "
            "inbox 1\\n\"");
    says(w, "\"title\":\"Keel, sim: item 1 waits for you\",\"workspace\":\"sim\"");
    records(w, 1, "{\"number\":1,\"step\":1,\"to\":\"phone\"}");
    notified(w, NULL);
    records(w, 1, "{\"number\":1,\"step\":1,\"to\":\"phone\",\"told\":true}");
    wait_for(w, 2 * HOUR); /* the next step names nobody */
    assert_int_equal(w->notice_count, 2);
    assert_string_equal(last(w)->to, "operator");
    notified(w, NULL);
    number_is(w, "SELECT escalated FROM item", 2);
    scene_end(w);
}

/* What is to be told stands on the disk before anybody hears of it. */
static void it_is_written_before_it_is_told(void **state) {
    (void)state;
    sim_world *w = telling(BOTH, ASK, once, COUNT(once));
    scene_do(w, "do-000001");
    w->clock += 2 * HOUR + MINUTE;
    kernel_tick(w->kernel);
    bool written = false;
    for (int i = 0; i < 50 && !w->notice_count; i++) {
        written = sim_number(w, "SELECT count(*) FROM journal WHERE kind = 52") == 1;
        kernel_turn(w->kernel);
        assert_true(w->notice_count || sim_step(w));
    }
    assert_int_equal(w->notice_count, 1);
    assert_true(written);
    scene_end(w);
}

static void unknown_outcomes_and_what_is_stuck_go_to_the_operator(void **state) {
    (void)state;
    sim_world *w = telling(BOTH, ALLOW, once, COUNT(once));
    scene_do(w, "do-000001");
    scene_answer(w, UNKNOWN);
    wait_for(w, HOUR + MINUTE);
    assert_int_equal(w->notice_count, 1);
    assert_string_equal(last(w)->to, "operator");
    says(w, "\"kind\":\"unknown\",\"number\":1,\"step\":1");
    says(w, "nobody knows whether it was done: out.once.write");
    notified(w, NULL);
    scene_end(w);
    static const sim_op steps[] = {WRITE("once")};
    w = telling(BOTH, ALLOW, steps, COUNT(steps));
    sim_program *p = (sim_program *)(uintptr_t)w->programs;
    p[0].end =
        "{\"error\":{\"code\":\"failed\",\"message\":\"secret words\"},\"state\":\"failed\"}";
    scene_do(w, "do-000001");
    scene_answer(w, APPLIED);
    wait_for(w, HOUR + MINUTE);
    assert_int_equal(w->notice_count, 1);
    says(w, "\"kind\":\"stuck\",\"number\":1,\"step\":1");
    is_silent_on(w, "secret words");
    scene_end(w);
}

static void what_a_budget_escalates_is_told_at_once(void **state) {
    (void)state;
    sim_world *w = telling(BOTH,
                           ALLOW "budgets:\n  - { id: calm, scope: workspace, limit: 0 calls, "
                                 "at_hard: escalate }\n",
                           once, COUNT(once));
    scene_do(w, "do-000001");
    assert_int_equal(w->notice_count, 1);
    assert_string_equal(last(w)->to, "operator");
    says(w, "\"number\":1");
    scene_end(w);
}

/* 22:13:20 UTC is where the clock begins. */
static void a_digest_is_announced_once(void **state) {
    (void)state;
    sim_world *w = telling(BOTH,
                           "  - { id: asks, on: \"out.*.write\", ask: {}, approval: { expires: "
                           "48h, digest: [\"09:00\"], escalate: [ { after: 3h } ] } }\n",
                           once, COUNT(once));
    scene_do_many(w, "do", 3);
    wait_for(w, 10 * HOUR);
    assert_int_equal(w->notice_count, 0);
    wait_for(w, 50 * MINUTE);
    assert_int_equal(w->notice_count, 1);
    assert_string_equal(last(w)->to, "operator");
    says(w, "Keel, sim: 3 gathered questions are ready");
    notified(w, NULL);
    records(w, 1, "{\"number\":2,\"step\":0,\"to\":\"operator\",\"told\":true}");
    number_is(w, "SELECT count(*) FROM item WHERE escalated = 0", 3);
    scene_restart(w);
    wait_for(w, HOUR);
    assert_int_equal(w->notice_count, 1);
    wait_for(w, 2 * HOUR + MINUTE); /* reminders count from there */
    assert_int_equal(w->notice_count, 2);
    says(w, "3 items wait for you");
    scene_end(w);
}

/* What a day's attention did not reach for comes with the next day; who looks himself is told nothing. */
static void what_attention_gathered_is_announced(void **state) {
    static const char rules[] =
        "  - { id: asks, on: \"out.*.write\", ask: {}, approval: { expires: 7d } }\n"
        "budgets:\n  - { id: calm, each: day, limit: 1 interruptions }\n";
    (void)state;
    for (int looks = 0; looks < 2; looks++) {
        sim_world *w = telling(BOTH, rules, once, COUNT(once));
        scene_do_many(w, "do", 4);
        assert_int_equal(w->notice_count, 0);
        if (looks) {
            scene_tell(w, "look-0001", "gathered", "{}");
        }
        wait_for(w, 2 * HOUR); /* it is 22:13 when a scene begins */
        number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 4);
        wait_for(w, 2 * MINUTE);
        assert_int_equal(w->notice_count, looks ? 0 : 1);
        if (!looks) {
            assert_string_equal(last(w)->to, "operator");
            says(w, "Keel, sim: 3 gathered questions are ready");
            notified(w, NULL);
            scene_restart(w);
            wait_for(w, MINUTE);
            assert_int_equal(w->notice_count, 1);
        }
        scene_end(w);
    }
}

static void nobody_is_woken_for_a_new_day(void **state) {
    (void)state;
    sim_world *w =
        telling(BOTH,
                "  - { id: asks, on: \"out.*.write\", ask: {}, approval: { expires: 7d } }\n"
                "budgets:\n  - { id: calm, each: day, limit: 1 interruptions }\n"
                "quiet:\n  - { approvals: pause, hours: \"20:00-08:00\" }\n",
                once, COUNT(once));
    scene_do_many(w, "do", 2);
    wait_for(w, 2 * HOUR);
    wait_for(w, 7 * HOUR); /* 07:13 */
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 2);
    assert_int_equal(w->notice_count, 0);
    wait_for(w, HOUR);
    assert_int_equal(w->notice_count, 1);
    says(w, "Keel, sim: 1 gathered question is ready");
    scene_end(w);
}

/* Nobody is named: the log and the inbox are what there was before. */
static void without_a_way_nothing_changes(void **state) {
    (void)state;
    sim_world *w = telling(KEEL("  phone: { command: [/bin/push] }\n"), ALLOW, once, COUNT(once));
    scene_do(w, "do-000001");
    scene_answer(w, UNKNOWN);
    wait_for(w, HOUR + MINUTE);
    assert_int_equal(w->notice_count, 0);
    number_is(w, "SELECT count(*) FROM journal WHERE kind = 52", 1);
    scene_end(w);
}

static void what_is_decided_meanwhile_is_not_told(void **state) {
    (void)state;
    sim_world *w = telling(BOTH, ASK, once, COUNT(once));
    scene_do(w, "do-000001");
    w->horizon = 1;
    wait_for(w, 2 * HOUR + MINUTE);
    number_is(w, "SELECT escalated FROM item", 1);
    assert_int_equal(w->notice_count, 0); /* it is gathered for two seconds */
    scene_tell(w, "deny-0001", "deny", "{\"items\":[1],\"why\":\"no\"}");
    w->horizon = 20000000;
    wait_for(w, MINUTE);
    assert_int_equal(w->notice_count, 0);
    scene_end(w);
}

/* ---- what leaves the machine ---- */

static const sim_op hostile[] = {CALL(
    "once", "{\"\\u001b[2Jto\":\"a\\nLook: http://evil.example\",\"body\":{\"x\":1},\"n\":12.5,"
            "\"subject\":\"Rechnung \xe2\x80\xae"
            "fdp.exe \xf3\xa0\x81\x81 \\u0007\"}")};

static void others_words_are_escaped(void **state) {
    (void)state;
    sim_world *w = telling(BOTH, ASK, hostile, COUNT(hostile));
    scene_do(w, "do-000001");
    wait_for(w, 2 * HOUR + MINUTE);
    assert_int_equal(w->notice_count, 1);
    says(w, "\\\\u{1b}[2Jto \\\"a\\\\nLook: http://evil.example\\\", n 12.5, subject \\\"Rechnung "
            "\\\\u{202e}fdp.exe \\\\u{e0041} \\\\u{7}\\\"");
    is_silent_on(w, "\xe2\x80\xae");
    is_silent_on(w, "\\u001b");
    says(w, "\\nLook: keel inbox 1\\n\""); /* the one line that is Keel's */
    scene_end(w);
}

static void what_is_long_is_cut(void **state) {
    static const sim_op lots[] = {CALL(
        "once", "{\"text\":\"0123456789012345678901234567890123456789012345678901234567890\"}")};
    (void)state;
    sim_world *w = telling(BOTH, ASK, lots, COUNT(lots));
    scene_do(w, "do-000001");
    wait_for(w, 2 * HOUR + MINUTE);
    says(w, "text \\\"012345678901234567890123456789012345678901234567...\\\"");
    scene_end(w);
}

static const struct {
    const char *args;
    bool told; /* more than number and rule */
} levels[] = {
    {"{\"agent\":\"boss\",\"input\":{\"a\":1},\"sensitivity\":\"public\"}", true},
    {"{\"agent\":\"boss\",\"input\":{\"a\":1},\"sensitivity\":\"internal\"}", true},
    {"{\"agent\":\"boss\",\"input\":{\"a\":1},\"sensitivity\":\"confidential\"}", false},
    {"{\"agent\":\"boss\",\"input\":{\"a\":1},\"sensitivity\":\"restricted\"}", false},
};

static void what_is_private_stays_here(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(levels); i++) {
        sim_world *w = telling(BOTH, ASK, once, COUNT(once));
        scene_tell(w, "do-000001", "do", levels[i].args);
        wait_for(w, 2 * HOUR + MINUTE);
        says(w, "\"number\":1,\"rule\":\"asks\"");
        if (levels[i].told) {
            says(w, "boss asks for out.once.write: n 1");
        } else {
            is_silent_on(w, "what");
            is_silent_on(w, "boss");
            is_silent_on(w, "out.once");
        }
        scene_end(w);
    }
}

static void who_read_the_untrusted_is_named_as_such(void **state) {
    (void)state;
    sim_world *w = telling(BOTH, ASK, once, COUNT(once));
    scene_tell(w, "do-000001", "do", "{\"agent\":\"boss\",\"input\":{\"a\":1},\"untrusted\":true}");
    wait_for(w, 2 * HOUR + MINUTE);
    says(w, "n 1 (it has read what anybody may write)");
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_tells_whom_it_names),
        cmocka_unit_test(it_is_written_before_it_is_told),
        cmocka_unit_test(unknown_outcomes_and_what_is_stuck_go_to_the_operator),
        cmocka_unit_test(what_a_budget_escalates_is_told_at_once),
        cmocka_unit_test(a_digest_is_announced_once),
        cmocka_unit_test(what_attention_gathered_is_announced),
        cmocka_unit_test(nobody_is_woken_for_a_new_day),
        cmocka_unit_test(without_a_way_nothing_changes),
        cmocka_unit_test(what_is_decided_meanwhile_is_not_told),
        cmocka_unit_test(others_words_are_escaped),
        cmocka_unit_test(what_is_long_is_cut),
        cmocka_unit_test(what_is_private_stays_here),
        cmocka_unit_test(who_read_the_untrusted_is_named_as_such),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_notify", tests, NULL, NULL);
}
