/* A backup in the place of a newer file: what was sent behind it is looked for before anything is
 * sent, and nothing goes twice. */
#include "scene_restore.h"

#define ALLOW                                                                                      \
    "  - { id: lets, on: \"out.*.write\", allow: {} }\n  - { id: child, on: run.spawn, allow: {} " \
    "}\n"
#define ASK "  - { id: asks, on: \"out.*.write\", ask: {} }\n"
#define GO                                                                                         \
    { "receive", "", "{\"name\":\"go\"}" }
#define SAW_IT    "{\"result\":{\"ref\":{\"id\":1},\"state\":\"applied\"}}"
#define NOT_KNOWN "{\"result\":{\"state\":\"unknown\"}}"

static const sim_op keyed[] = {GO, WRITE("keyed"), WRITE("keyed")};
static const sim_op checkable[] = {GO, WRITE("checkable"), WRITE("checkable")};
static const sim_op once[] = {GO, WRITE("once")};
static const sim_op often[] = {GO, WRITE("repeatable")};
static const sim_op at_once[] = {WRITE("once")};
static const sim_op keyed_now[] = {WRITE("keyed")};
static const sim_op checkable_now[] = {WRITE("checkable")};
static const sim_op spawns[] = {GO, SPAWN_HELPER};

/* Backed up before the effect; then sent and done; then the backup takes its place. */
static sim_world *lived(const sim_op *ops, size_t count, char key[40]) {
    sim_world *w = scene(ALLOW, ops, count);
    scene_do(w, "do-000001");
    scene_backup();
    scene_go(w, "go-000001");
    assert_int_equal(w->held_count, 1);
    snprintf(key, 40, "%s", w->held[0].key);
    sim_answer_held(w, APPLIED);
    scene_restore(w);
    scene_resume(w);
    scene_go(w, "go-000002");
    return w;
}

#define held_is(w, what)                                                                           \
    assert_int_equal((w)->held_count, 1);                                                          \
    assert_string_equal((w)->held[0].verb, what)

/* ---- sent behind the backup ---- */

static void what_was_sent_is_adopted(void **state) {
    const sim_op *all[] = {keyed, checkable};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char key[40];
        sim_world *w = lived(all[i], 2, key);
        held_is(w, "reconcile");
        assert_string_equal(w->held[0].key, key);
        scene_answer(w, SAW_IT);
        assert_int_equal(w->held_count, 0);
        number_is(w, "SELECT count(*) FROM effect WHERE state = 'done' AND attempts = 1", 1);
        number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
        number_is(w,
                  "SELECT count(*) FROM journal WHERE kind = 34 AND"
                  " CAST(body AS TEXT) ->> '$.by' = 'reconcile'",
                  1);
        scene_end(w);
    }
}

/* Then it goes under a key of its own; what follows it in its program is looked for, too. */
static void what_is_absent_is_sent(void **state) {
    const sim_op *all[] = {keyed, checkable};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char key[40];
        sim_world *w = lived(all[i], 3, key);
        held_is(w, "reconcile");
        scene_answer(w, ABSENT);
        if (i == 1) { /* once more, when it has had time to settle */
            held_is(w, "reconcile");
            scene_answer(w, ABSENT);
        }
        held_is(w, "write");
        assert_string_not_equal(w->held[0].key, key);
        scene_answer(w, APPLIED);
        held_is(w, "reconcile");
        scene_restart(w); /* and is still looked for after a restart */
        number_is(w, "SELECT count(*) FROM effect WHERE state = 'done'", 1);
        held_is(w, "reconcile");
        scene_answer(w, SAW_IT);
        number_is(w, "SELECT count(*) FROM effect WHERE state = 'done'", 2);
        number_is(w, "SELECT count(*) FROM item", 0);
        scene_end(w);
    }
}

static void what_nobody_can_tell_is_asked(void **state) {
    char key[40];
    (void)state;
    sim_world *w = lived(keyed, 2, key);
    scene_answer(w, NOT_KNOWN);
    assert_int_equal(w->held_count, 0);
    number_is(w, "SELECT count(*) FROM item WHERE kind = 'unknown' AND state = 'open'", 1);
    scene_end(w);
}

static void once_is_asked(void **state) {
    char key[40];
    (void)state;
    sim_world *w = lived(once, 2, key);
    assert_int_equal(w->held_count, 0);
    number_is(w, "SELECT count(*) FROM item WHERE kind = 'unknown' AND state = 'open'", 1);
    scene_tell(w, "verdict-1", "verdict", "{\"number\":1,\"verdict\":\"done\",\"why\":\"seen\"}");
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    scene_end(w);
}

static void what_may_be_repeated_is_not_doubted(void **state) {
    char key[40];
    (void)state;
    sim_world *w = lived(often, 2, key);
    held_is(w, "write");
    scene_answer(w, APPLIED);
    scene_end(w);
}

/* Killed while it is looked for: still nothing is sent before the look has an answer. */
static void a_look_outlives_a_kill(void **state) {
    char key[40];
    (void)state;
    sim_world *w = lived(keyed, 2, key);
    held_is(w, "reconcile");
    scene_restart(w);
    held_is(w, "reconcile");
    assert_string_equal(w->held[0].key, key);
    scene_answer(w, ABSENT);
    held_is(w, "write");
    assert_string_not_equal(w->held[0].key, key);
    scene_answer(w, APPLIED);
    scene_end(w);
}

/* A run begun after the restore has nothing behind it. */
static void a_new_run_is_not_doubted(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, at_once, 1);
    sim_run_out(w);
    scene_backup();
    scene_do(w, "do-000001");
    scene_answer(w, APPLIED);
    scene_restore(w);
    scene_resume(w);
    scene_do(w, "do-000002");
    held_is(w, "write");
    scene_answer(w, APPLIED);
    scene_end(w);
}

/* Its child had a number that the backup does not know, perhaps another. */
static void a_child_is_asked_for(void **state) {
    char key[40];
    (void)state;
    sim_world *w = scene(ALLOW, spawns, 2);
    scene_helper(w, keyed_now, 1, NULL);
    scene_do(w, "do-000001");
    scene_backup();
    scene_go(w, "go-000001");
    snprintf(key, sizeof key, "%s", w->held[0].key);
    scene_answer(w, APPLIED);
    scene_restore(w);
    scene_resume(w);
    scene_go(w, "go-000002");
    assert_int_equal(w->held_count, 0);
    number_is(w, "SELECT count(*) FROM item WHERE kind = 'unknown' AND state = 'open' AND run = 2",
              1);
    scene_end(w);
}

/* ---- open in the backup ---- */

static void what_was_under_way_is_a_lost_answer(void **state) {
    static const struct {
        const sim_op *ops;
        const char *then; /* NULL: a person is asked */
    } cases[] = {{keyed_now, "write"}, {checkable_now, "reconcile"}, {at_once, NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char key[40];
        sim_world *w = scene(ALLOW, cases[i].ops, 1);
        scene_do(w, "do-000001");
        snprintf(key, sizeof key, "%s", w->held[0].key);
        scene_backup();
        scene_answer(w, APPLIED);
        scene_restore(w);
        scene_resume(w);
        if (cases[i].then) {
            held_is(w, cases[i].then);
            assert_string_equal(w->held[0].key, key); /* under which the other side knows it */
            scene_answer(w, w->held[0].verb[0] == 'w' ? APPLIED : SAW_IT);
            state_is(w, "done");
        } else {
            assert_int_equal(w->held_count, 0);
            state_is(w, "unknown");
        }
        scene_end(w);
    }
}

/* It was proved not sent when the backup was taken, but not what came then. */
static void a_retry_is_looked_for(void **state) {
    static const struct {
        const sim_op *ops;
        bool asked;
    } cases[] = {{keyed_now, false}, {checkable_now, false}, {at_once, true}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sim_world *w = scene(ALLOW, cases[i].ops, 1);
        scene_do(w, "do-000001");
        scene_do(w, "do-000002"); /* queued behind the first */
        scene_tell(w, "halt-0001", "halt", "{\"why\":\"w\"}");
        number_is(w, "SELECT count(*) FROM effect WHERE run = 2 AND state = 'retry'", 1);
        scene_backup();
        scene_answer(w, APPLIED);
        scene_restore(w);
        number_is(w, "SELECT count(*) FROM effect WHERE run = 2 AND state = 'unknown'", 1);
        number_is(w, "SELECT count(*) FROM effect WHERE run = 2 AND reason = 'operator'",
                  cases[i].asked);
        scene_end(w);
    }
}

static void what_waited_is_asked_again(void **given_up) {
    sim_world *w = scene(ASK, keyed_now, 1);
    scene_do(w, "do-000001");
    number_is(w, "SELECT count(*) FROM item WHERE number = 1 AND state = 'open'", 1);
    scene_backup();
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    scene_answer(w, APPLIED);
    scene_restore(w);
    number_is(w, "SELECT count(*) FROM item WHERE number = 1 AND state = 'stale'", 1);
    scene_resume(w);
    number_is(w, "SELECT count(*) FROM item WHERE number = 2 AND state = 'open'", 1);
    if (*given_up) {
        scene_tell(w, "cancel-01", "run.cancel", "{\"run\":1}");
        number_is(w,
                  "SELECT count(*) FROM journal WHERE CAST(body AS TEXT) LIKE '%its restore is not "
                  "known%'",
                  1);
        scene_end(w);
        return;
    }
    sim_approve(w, "approve-2", 2);
    sim_run_out(w);
    held_is(w, "reconcile"); /* somebody may have approved it in between */
    scene_answer(w, SAW_IT);
    state_is(w, "done");
    scene_end(w);
}

/* Its first attempt had come to nothing, and it was asked for anew; what was approved then is not known. */
static void what_waits_after_an_attempt_is_looked_for(void **state) {
    const sim_op *all[] = {keyed_now, checkable_now, at_once};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        sim_world *w = scene(ALLOW, all[i], 1);
        scene_do(w, "do-000001");
        scene_policy(w, ASK);
        scene_tell(w, "reload-01", "reload", "{}");
        scene_answer(w, "{\"code\":\"retry\",\"message\":\"busy\"}");
        scene_pass(w, 60);
        number_is(w, "SELECT count(*) FROM effect WHERE state = 'waiting' AND attempts = 1", 1);
        scene_backup();
        sim_approve(w, "approve-1", 1);
        sim_run_out(w);
        held_is(w, "write");
        scene_answer(w, APPLIED);
        scene_restore(w);
        scene_resume(w);
        sim_approve(w, "approve-2", 2);
        sim_run_out(w);
        if (all[i] == at_once) {
            assert_int_equal(w->held_count, 0);
            state_is(w, "unknown");
        } else {
            held_is(w, "reconcile");
            scene_answer(w, SAW_IT);
            state_is(w, "done");
        }
        scene_end(w);
    }
}

/* ---- done shortly before ---- */

static void what_was_done_is_looked_for_once_more(void **state) {
    static const struct {
        const char *answer;
        int stuck;
    } cases[] = {{SAW_IT, 0}, {ABSENT, 1}, {NOT_KNOWN, 0}, {UNKNOWN, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sim_world *w = scene(ALLOW, checkable_now, 1);
        scene_do(w, "do-000001");
        char key[40];
        snprintf(key, sizeof key, "%s", w->held[0].key);
        scene_answer(w, APPLIED);
        scene_backup();
        scene_restore(w);
        scene_restart(w);
        assert_int_equal(w->held_count, 0);
        scene_resume(w);
        held_is(w, "reconcile");
        assert_string_equal(w->held[0].key, key);
        scene_answer(w, cases[i].answer);
        number_is(w, "SELECT count(*) FROM journal WHERE kind = 49", 1);
        number_is(w, "SELECT count(*) FROM item WHERE kind = 'stuck'", cases[i].stuck);
        state_is(w, "done");
        scene_restart(w);
        assert_int_equal(w->held_count, 0); /* once */
        scene_end(w);
    }
}

static void what_was_done_long_before_is_not(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, checkable_now, 1);
    scene_do(w, "do-000001");
    scene_answer(w, APPLIED);
    w->clock += 3700000000;
    scene_restart(w);
    scene_backup();
    scene_restore(w);
    scene_resume(w);
    assert_int_equal(w->held_count, 0);
    scene_end(w);
}

/* Its connector dies of the look: nobody can tell, and it stays as it was. */
static void a_look_that_dies_changes_nothing(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, checkable_now, 1);
    scene_do(w, "do-000001");
    scene_answer(w, APPLIED);
    scene_backup();
    scene_restore(w);
    scene_resume(w);
    held_is(w, "reconcile");
    sim_kill(w, w->held[0].executor, "killed");
    w->held_count = 0;
    sim_run_out(w);
    number_is(w,
              "SELECT count(*) FROM journal WHERE kind = 49 AND"
              " CAST(body AS TEXT) ->> '$.found' = 'cannot_tell'",
              1);
    state_is(w, "done");
    scene_end(w);
}

/* ---- erased ---- */

static void an_erased_run_is_stuck(void **state) {
    static const sim_op ops[] = {{"step", "first", NULL}, GO, WRITE("once")};
    (void)state;
    sim_world *w = scene(ALLOW, ops, COUNT(ops));
    scene_do(w, "do-000001");
    scene_do(w, "do-000002");
    int64_t seq = sim_number(w, "SELECT seq FROM journal WHERE kind = 21 AND run = 1");
    assert_true(seq > 0);
    sim_end(w);
    scene_erase(w, seq);
    assert_true(sim_start(w));
    scene_go(w, "go-000001"); /* a run that only waits is not replayed before */
    number_is(w, "SELECT count(*) FROM run WHERE id = 1 AND state = 'paused' AND reason = 'erased'",
              1);
    number_is(w, "SELECT count(*) FROM item WHERE kind = 'stuck' AND state = 'open' AND run = 1",
              1);
    number_is(w, "SELECT count(*) FROM run WHERE id = 2 AND state = 'open'", 1);
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sent_is_adopted),
        cmocka_unit_test(what_is_absent_is_sent),
        cmocka_unit_test(what_nobody_can_tell_is_asked),
        cmocka_unit_test(once_is_asked),
        cmocka_unit_test(what_may_be_repeated_is_not_doubted),
        cmocka_unit_test(a_look_outlives_a_kill),
        cmocka_unit_test(a_new_run_is_not_doubted),
        cmocka_unit_test(a_child_is_asked_for),
        cmocka_unit_test(what_was_under_way_is_a_lost_answer),
        cmocka_unit_test(a_retry_is_looked_for),
        cmocka_unit_test(what_waited_is_asked_again),
        cmocka_unit_test_prestate(what_waited_is_asked_again, ""),
        cmocka_unit_test(what_waits_after_an_attempt_is_looked_for),
        cmocka_unit_test(what_was_done_is_looked_for_once_more),
        cmocka_unit_test(what_was_done_long_before_is_not),
        cmocka_unit_test(a_look_that_dies_changes_nothing),
        cmocka_unit_test(an_erased_run_is_stuck),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
