/* A connection that fails rests: nothing is sent through it, what waits holds nothing, one effect is sent
 * to see. All under a virtual clock. */
#include "resting.h"

static const sim_op once[] = {WRITE("once")};
static const sim_op keyed[] = {WRITE("keyed")};
static const sim_op checkable[] = {WRITE("checkable")};

/* ---- opening ---- */

/* g: applied; i: refused as invalid; b: lost. Of the last four two are too many. */
static const struct {
    const char *outcomes;
    int opens; /* after so many; 0: not at all */
} rows[] = {
    {"bb", 2},       {"bgb", 3},   {"bggb", 4}, {"bgggb", 0},       {"gggggggg", 0},
    {"gggggbgb", 8}, {"iiiii", 0}, {"bib", 3},  {"bgggbgggbgg", 0}, {"gbgggbgb", 8},
};

static void opens_on_the_share_of_failures(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sim_world *w = scene(ALLOW FOUR, once, 1);
        int count = (int)strlen(rows[i].outcomes), open = 0;
        for (int n = 0; n < count && !open; n++) {
            char request[16];
            char what = rows[i].outcomes[n];
            snprintf(request, sizeof request, "do-%06d", n);
            scene_do(w, request);
            scene_answer(w, what == 'g' ? APPLIED : what == 'i' ? REFUSED : UNKNOWN);
            if (sim_number(w, "SELECT count(*) FROM breaker WHERE state = 'open'")) {
                open = n + 1;
            }
        }
        if (open != rows[i].opens) {
            fail_msg("%s: opens after %d, not after %d", rows[i].outcomes, open, rows[i].opens);
        }
        scene_end(w);
    }
}

static void without_a_policy_ten_of_twenty(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, once, 1);
    for (int n = 1; n <= 10; n++) {
        char request[16];
        snprintf(request, sizeof request, "do-%06d", n);
        scene_do(w, request);
        number_is(w, "SELECT count(*) FROM breaker", 0);
        scene_answer(w, UNKNOWN);
    }
    resting(w, "open");
    number_is(w, "SELECT until_us - since_us FROM breaker", 60000000);
    scene_end(w);
}

/* ---- waiting, and one to see ---- */

static void what_comes_meanwhile_waits(void **state) {
    (void)state;
    sim_world *w = opened(ALLOW ONE CALLS, once);
    scene_do_many(w, "later", 3);
    waiting(w, 3);
    assert_int_equal(w->held_count, 0);
    number_is(w, "SELECT held FROM budget", 1); /* of the one that is unknown */
    scene_pass(w, 30);                          /* one goes, the oldest */
    resting(w, "half_open");
    waiting(w, 2);
    number_is(w, "SELECT run FROM effect WHERE state = 'intended'", 2);
    scene_answer(w, APPLIED);
    resting(w, "closed");
    waiting(w, 0);
    scene_answer(w, APPLIED);
    scene_answer(w, APPLIED);
    states(w, "done", 3);
    number_is(w, "SELECT held FROM budget", 1);
    scene_end(w);
}

static void a_failure_rests_again(void **state) {
    (void)state;
    sim_world *w = opened(ALLOW ONE, once);
    scene_do_many(w, "later", 2);
    for (int i = 0; i < 2; i++) {
        scene_pass(w, 30);
        resting(w, "half_open");
        assert_int_equal(w->held_count, 1);
        scene_answer(w, UNKNOWN);
        resting(w, "open");
        waiting(w, 1 - i);
        assert_int_equal(w->held_count, 0);
    }
    states(w, "unknown", 3);
    scene_end(w);
}

/* Nothing waits when its time is over: what comes first is the one to see, the rest waits for it. */
static void the_next_one_is_sent_to_see(void **state) {
    (void)state;
    sim_world *w = opened(ALLOW ONE, once);
    scene_pass(w, 30);
    resting(w, "half_open");
    assert_int_equal(w->held_count, 0);
    scene_do_many(w, "later", 2);
    states(w, "intended", 1);
    waiting(w, 1);
    scene_answer(w, REFUSED); /* an answer about what was asked is a good one */
    resting(w, "closed");
    scene_answer(w, APPLIED);
    states(w, "done", 1);
    scene_end(w);
}

/* It is denied meanwhile: the next one is sent in its place. */
static void another_goes_if_the_oldest_may_not(void **state) {
    static const sim_op helps[] = {WRITE("repeatable")};
    (void)state;
    sim_world *w = opened(ALLOW ONE, once);
    scene_helper(w, helps, COUNT(helps), NULL);
    scene_do(w, "do-000001");
    scene_tell(w, "do-000002", "do", "{\"agent\":\"helper\",\"input\":{}}");
    waiting(w, 2);
    scene_policy(w, ALLOW "  - { id: not, on: out.once.write, deny: {} }\n" ONE);
    scene_tell(w, "reload-01", "reload", "{}"); /* and a reload looks at once */
    states(w, "denied", 1);
    resting(w, "half_open");
    assert_int_equal(w->held_count, 1);
    assert_string_equal(w->held[0].resource, "repeatable");
    scene_answer(w, APPLIED);
    resting(w, "closed");
    scene_end(w);
}

/* Steps until the one to see is intended. false: its executor had it at once. */
static bool waits_for_its_executor(sim_world *w) {
    static const char sql[] = "SELECT count(*) FROM effect WHERE state = 'intended'";
    w->clock += 30000000;
    for (int i = 0; i < 200 && sim_number(w, sql) != 1; i++) {
        kernel_turn(w->kernel);
        assert_true(sim_step(w));
    }
    assert_int_equal(sim_number(w, sql), 1);
    return w->held_count == 0;
}

static void end_connector(sim_world *w) {
    for (size_t i = 0; i < sizeof w->executors / sizeof *w->executors; i++) {
        if (w->executors[i].number && w->executors[i].connector) {
            sim_kill(w, w->executors[i].number, "was killed by signal 9 (Killed)");
        }
    }
    sim_run_out(w);
}

/* The one to see is cancelled, or halted, before it is sent: the next one is sent in its place. */
static void one_that_is_not_sent_makes_room(void **state) {
    (void)state;
    int met = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        sim_world *w = opened(ALLOW ONE, once);
        scene_do_many(w, "later", 2);
        end_connector(w);
        w->seed = seed;
        if (!waits_for_its_executor(w)) {
            scene_end(w); /* it came too soon */
            continue;
        }
        if (++met % 2) {
            scene_tell(w, "cancel-02", "run.cancel", "{\"run\":2}");
            states(w, "not_done", 1);
        } else {
            scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
            assert_int_equal(w->held_count, 0);
            scene_tell(w, "resume-01", "resume", "{}");
        }
        assert_int_equal(w->held_count, 1);
        states(w, "intended", 1);
        scene_answer(w, APPLIED);
        resting(w, "closed");
        scene_end(w);
    }
    assert_true(met > 4);
}

/* ---- what else waits ---- */

static void retries_and_what_is_queued_are_held(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW ONE SLOWLY CALLS, keyed, 1);
    scene_do(w, "do-000001");
    scene_do(w, "do-000002"); /* queued behind it */
    states(w, "intended", 2);
    scene_answer(w, UNKNOWN);
    resting(w, "open");
    states(w, "retry", 2);
    assert_int_equal(w->held_count, 0);
    number_is(w, "SELECT held FROM budget", 0);
    number_is(w, "SELECT spent FROM budget", 1); /* what was not sent costs nothing */
    scene_restart(w);
    assert_int_equal(w->held_count, 0);
    scene_pass(w, 30);
    assert_int_equal(w->held_count, 1);
    states(w, "retry", 1);
    scene_answer(w, APPLIED);
    scene_answer(w, APPLIED);
    states(w, "done", 2);
    scene_end(w);
}

static void looks_are_held(void **state) {
    (void)state;
    sim_world *w = opened(ALLOW ONE, checkable);
    states(w, "unknown", 1); /* five seconds later it would look */
    assert_int_equal(w->held_count, 0);
    scene_restart(w);
    assert_int_equal(w->held_count, 0);
    scene_pass(w, 30);
    assert_string_equal(w->held[0].verb, "reconcile");
    scene_answer(w, PRESENT);
    states(w, "done", 1);
    resting(w, "closed");
    scene_end(w);
}

/* ---- people, meanwhile ---- */

static void a_halt_goes_before(void **state) {
    (void)state;
    sim_world *w = opened(ALLOW ONE, once);
    scene_do(w, "do-000001");
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    scene_do(w, "do-000002");
    scene_pass(w, 30);
    assert_int_equal(w->held_count, 0);
    scene_restart(w);
    scene_tell(w, "retry-001", "connection.retry", "{\"connection\":\"out\"}");
    assert_int_equal(w->held_count, 0);
    waiting(w, 1);
    scene_tell(w, "resume-01", "resume", "{}");
    scene_answer(w, APPLIED);
    scene_answer(w, APPLIED);
    states(w, "done", 2);
    scene_end(w);
}

static void what_waits_can_be_cancelled(void **state) {
    (void)state;
    sim_world *w = opened(ALLOW ONE, once);
    scene_do_many(w, "later", 2);
    scene_tell(w, "cancel-02", "run.cancel", "{\"run\":2}");
    states(w, "not_done", 1);
    scene_pass(w, 30);
    number_is(w, "SELECT run FROM effect WHERE state = 'intended'", 3);
    scene_answer(w, APPLIED);
    scene_end(w);
}

static void a_person_ends_it(void **state) {
    (void)state;
    sim_world *w = opened(ALLOW ONE, once);
    scene_do_many(w, "later", 2);
    scene_tell(w, "retry-000", "connection.retry", "{\"connection\":\"ou\"}");
    assert_null(sim_answered(w, "retry-000"));
    scene_tell(w, "retry-001", "connection.retry", "{\"connection\":\"out\"}");
    assert_non_null(sim_answered(w, "retry-001"));
    resting(w, "closed");
    waiting(w, 0);
    scene_tell(w, "retry-001", "connection.retry", "{\"connection\":\"out\"}");
    assert_non_null(sim_answered(w, "retry-001"));
    scene_tell(w, "retry-002", "connection.retry", "{\"connection\":\"out\"}");
    assert_null(sim_answered(w, "retry-002"));
    scene_answer(w, APPLIED);
    scene_answer(w, APPLIED);
    states(w, "done", 2);
    scene_end(w);
}

static void another_connection_begins_anew(void **state) {
    for (int restarted = 0; restarted < 2; restarted++) {
        (void)state;
        sim_world *w = opened(ALLOW ONE, once);
        scene_do(w, "do-000001");
        sim_put(w->root, "keel.yaml",
                "version: 1\nname: sim\nconnections:\n"
                "  out: { use: \"org.example.out@1\", config: { folder: \"other\" } }\n");
        if (restarted) {
            scene_restart(w);
        } else {
            scene_tell(w, "reload-01", "reload", "{}");
        }
        resting(w, "closed");
        assert_int_equal(w->held_count, 1);
        assert_non_null(strstr(w->held[0].config, "other"));
        scene_answer(w, APPLIED);
        states(w, "done", 1);
        scene_end(w);
    }
}

/* ---- consents ---- */

static void a_consent_outlasts_it(void **state) {
    (void)state;
    sim_world *w = scene(ASK ONE, once, 1);
    scene_do(w, "do-000001");
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    scene_answer(w, UNKNOWN);
    scene_do(w, "do-000002"); /* asked also while it rests */
    sim_approve(w, "approve-3", 3);
    sim_run_out(w);
    assert_non_null(strstr(sim_answered(w, "approve-3")->result, "\"approved\""));
    assert_int_equal(w->held_count, 0);
    states(w, "retry", 1);
    scene_restart(w);
    scene_pass(w, 30);
    assert_int_equal(w->held_count, 1);
    scene_answer(w, APPLIED);
    states(w, "done", 1);
    number_is(w, "SELECT count(*) FROM item WHERE kind = 'approval'", 2);
    scene_end(w);
}

/* Two minutes are over when it could be sent: whoever approved meant it to be sent before. */
static void a_consent_does_not_outlive_its_time(void **state) {
    for (int restarted = 0; restarted < 2; restarted++) {
        (void)state;
        sim_world *w = scene(ASK DAY, once, 1);
        scene_do(w, "do-000001");
        sim_approve(w, "approve-1", 1);
        sim_run_out(w);
        scene_answer(w, UNKNOWN);
        scene_do(w, "do-000002");
        sim_approve(w, "approve-3", 3);
        sim_run_out(w);
        if (restarted) {
            scene_restart(w);
        }
        scene_pass(w, 86400);
        assert_int_equal(w->held_count, 0);
        number_is(w, "SELECT count(*) FROM item WHERE kind = 'approval' AND state = 'open'", 1);
        number_is(w, "SELECT number FROM item WHERE kind = 'approval' AND state = 'open'", 4);
        sim_approve(w, "approve-4", 4);
        sim_run_out(w);
        scene_answer(w, APPLIED);
        states(w, "done", 1);
        resting(w, "closed");
        scene_end(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_on_the_share_of_failures),
        cmocka_unit_test(without_a_policy_ten_of_twenty),
        cmocka_unit_test(what_comes_meanwhile_waits),
        cmocka_unit_test(a_failure_rests_again),
        cmocka_unit_test(the_next_one_is_sent_to_see),
        cmocka_unit_test(another_goes_if_the_oldest_may_not),
        cmocka_unit_test(one_that_is_not_sent_makes_room),
        cmocka_unit_test(retries_and_what_is_queued_are_held),
        cmocka_unit_test(looks_are_held),
        cmocka_unit_test(a_halt_goes_before),
        cmocka_unit_test(what_waits_can_be_cancelled),
        cmocka_unit_test(a_person_ends_it),
        cmocka_unit_test(another_connection_begins_anew),
        cmocka_unit_test(a_consent_outlasts_it),
        cmocka_unit_test(a_consent_does_not_outlive_its_time),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_breaker", tests, NULL, NULL);
}
