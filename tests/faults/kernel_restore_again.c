/* Restored, and then again: restarts, segments, rollbacks and second restores behind a restore. What may
 * have been sent in a life that is lost is never sent without a look. */
#include "protocol.h"
#include "scene_restore.h"
#include "undoscene.h"

#define SPAWNS "  - { id: child, on: run.spawn, allow: {} }\n"
#define RECEIVE(name)                                                                              \
    { "receive", "", "{\"name\":\"" name "\"}" }
#define SAW_IT    "{\"result\":{\"ref\":{\"id\":1},\"state\":\"applied\"}}"
#define NOT_KNOWN "{\"result\":{\"state\":\"unknown\"}}"
#define ASKED     "SELECT count(*) FROM item WHERE kind = 'unknown' AND state = 'open'"
#define STUCK     "SELECT count(*) FROM item WHERE kind = 'stuck' AND state = 'open'"

static void send(sim_world *w, const char *request, const char *name, int run) {
    char args[80];
    snprintf(args, sizeof args, "{\"body\":1,\"name\":\"%s\",\"run\":%d}", name, run);
    scene_tell(w, request, "run.send", args);
}

/* ---- what makes a run sure ---- */

/* Something else of it was sent twice: that says nothing of the write that follows. */
static void a_repeat_of_another_proves_nothing(void **state) {
    static const sim_op ops[] = {RECEIVE("go"), WRITE("repeatable"), WRITE("keyed")};
    (void)state;
    sim_world *w = scene(ALLOW, ops, COUNT(ops));
    scene_do(w, "do-000001");
    scene_backup();
    scene_go(w, "go-000001");
    scene_answer(w, APPLIED);
    undo_told(w, "write", "keyed");
    scene_answer(w, APPLIED); /* in the life that is lost */
    scene_restore(w);
    scene_resume(w);
    scene_go(w, "go-000002");
    undo_told(w, "write", "repeatable");
    scene_answer(w, UNKNOWN);
    undo_told(w, "write", "repeatable"); /* its second attempt */
    scene_restart(w);
    undo_told(w, "write", "repeatable");
    scene_answer(w, APPLIED);
    undo_told(w, "reconcile", "keyed");
    scene_answer(w, SAW_IT);
    scene_end(w);
}

/* It was refused in the life that is lost, and its program went on: that it is absent says nothing of
 * what came then. */
static void what_was_refused_then_proves_nothing(void **state) {
    static const sim_op ops[] = {RECEIVE("go"), WRITE("checkable"), WRITE("keyed")};
    char key[40];
    (void)state;
    for (int restart = 0; restart < 2; restart++) {
        sim_world *w = scene(ALLOW, ops, COUNT(ops));
        scene_do(w, "do-000001");
        scene_backup();
        scene_go(w, "go-000001");
        scene_answer(w, REFUSED);
        undo_told(w, "write", "keyed");
        snprintf(key, sizeof key, "%s", w->held[0].key);
        scene_answer(w, APPLIED);
        scene_restore(w);
        scene_resume(w);
        scene_go(w, "go-000002");
        undo_told(w, "reconcile", "checkable");
        scene_answer(w, ABSENT);
        undo_told(w, "reconcile", "checkable"); /* once more, when it has had time to settle */
        scene_answer(w, ABSENT);
        undo_told(w, "write", "checkable");
        scene_answer(w, APPLIED);
        if (restart) {
            scene_restart(w);
        }
        undo_told(w, "reconcile", "keyed");
        assert_string_equal(w->held[0].key, key);
        scene_answer(w, SAW_IT);
        number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
        scene_end(w);
    }
}

/* A run that goes on from a doubted one has a number that the backup does not know. */
static void a_segment_of_a_doubted_run_is_asked_for(void **state) {
    static const sim_op ops[] = {RECEIVE("a"), WRITE("once"), RECEIVE("b")};
    (void)state;
    for (int restart = 0; restart < 2; restart++) {
        sim_world *w = scene(ALLOW, ops, COUNT(ops));
        sim_program *p = (sim_program *)(uintptr_t)w->programs;
        p[0].end = "{\"result\":{\"n\":2},\"state\":\"continued\"}";
        scene_do(w, "do-000001");
        send(w, "a-000001", "a", 1);
        scene_answer(w, APPLIED);
        scene_backup();
        send(w, "b-000001", "b", 1);
        send(w, "a-000002", "a", 2);
        undo_told(w, "write", "once");
        scene_answer(w, APPLIED); /* in the life that is lost */
        scene_restore(w);
        scene_resume(w);
        send(w, "b-000002", "b", 1);
        if (restart) {
            scene_restart(w);
        }
        send(w, "a-000003", "a", 2);
        assert_int_equal(w->held_count, 0);
        number_is(w, ASKED, 1);
        scene_end(w);
    }
}

/* Its parent's write is proved absent: the child is doubted, also after a restart. */
static void a_later_proof_says_nothing_of_a_child(void **state) {
    static const sim_op parent[] = {RECEIVE("go"), SPAWN_HELPER, WRITE("keyed"), RECEIVE("end")};
    static const sim_op child[] = {RECEIVE("go"), WRITE("once")};
    (void)state;
    sim_world *w = scene(ALLOW SPAWNS, parent, COUNT(parent));
    scene_helper(w, child, COUNT(child), NULL);
    scene_do(w, "do-000001");
    scene_backup();
    scene_restore(w);
    scene_resume(w);
    scene_go(w, "go-000001");
    undo_told(w, "reconcile", "keyed");
    scene_answer(w, ABSENT);
    undo_told(w, "write", "keyed");
    scene_answer(w, APPLIED);
    scene_restart(w);
    send(w, "go-000002", "go", 2);
    assert_int_equal(w->held_count, 0);
    number_is(w, ASKED, 1);
    scene_end(w);
}

/* ---- done before, and not there any more ---- */

/* That its run goes on and ends says nothing of it. */
static void what_is_gone_outlives_its_run(void **state) {
    static const sim_op ops[] = {WRITE("checkable"), RECEIVE("go")};
    (void)state;
    sim_world *w = scene(ALLOW, ops, COUNT(ops));
    scene_do(w, "do-000001");
    scene_answer(w, APPLIED);
    scene_backup();
    scene_restore(w);
    scene_resume(w);
    undo_told(w, "reconcile", "checkable");
    scene_answer(w, ABSENT);
    number_is(w, STUCK, 1);
    scene_go(w, "go-000001");
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    number_is(w, STUCK, 1);
    scene_restart(w);
    scene_tell(w, "resolve-1", "stuck.resolve", "{\"number\":1,\"why\":\"written by hand\"}");
    number_is(w, STUCK, 0);
    scene_end(w);
}

/* The look belongs to the run as it is: one that is open goes on meanwhile, ends, and is found again. */
static void an_open_run_goes_on_while_it_is_looked_for(void **state) {
    static const sim_op ops[] = {WRITE("checkable"), RECEIVE("go"), WRITE("repeatable"),
                                 WRITE("once")};
    (void)state;
    sim_world *w = scene(ALLOW, ops, COUNT(ops));
    scene_do(w, "do-000001");
    scene_answer(w, APPLIED);
    scene_backup();
    scene_restore(w);
    scene_resume(w);
    undo_told(w, "reconcile", "checkable");
    scene_go(w, "go-000001");
    number_is(w, "SELECT count(*) FROM effect WHERE path = '3'", 1); /* behind the look */
    scene_answer(w, NOT_KNOWN);
    undo_told(w, "write", "repeatable");
    scene_restart(w); /* and is not looked for again */
    undo_told(w, "write", "repeatable");
    scene_answer(w, APPLIED);
    number_is(w, ASKED, 1); /* once: nobody can look */
    scene_tell(w, "verdict-1", "verdict", "{\"number\":1,\"verdict\":\"done\",\"why\":\"seen\"}");
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    scene_end(w);
}

/* ---- taken back ---- */

static void verdict(sim_world *w, const char *request, const char *how) {
    char args[120];
    snprintf(args, sizeof args, "{\"number\":%lld,\"verdict\":\"%s\",\"why\":\"seen\"}",
             (long long)sim_number(
                 w, "SELECT number FROM item WHERE kind = 'unknown' AND state = 'open'"),
             how);
    scene_tell(w, request, "verdict", args);
}

/* The rollback was open in the backup, and went on in the life that is lost. */
static void an_open_rollback_looks_before_it_goes_on(void **state) {
    char key[40];
    (void)state;
    for (int absent = 0; absent < 2; absent++) {
        sim_world *w = undo_done(ALLOW, undo_two, COUNT(undo_two));
        undo_roll(w, "rollback1", 1);
        undo_told(w, "compensate", "once");
        scene_backup();
        undo_answer(w, APPLIED);
        undo_told(w, "compensate", "keyed");
        snprintf(key, sizeof key, "%s", w->held[0].key);
        undo_answer(w, APPLIED);
        scene_restore(w);
        scene_resume(w);
        if (w->held_count) { /* what was done shortly before is looked for, too */
            scene_answer(w, SAW_IT);
        }
        assert_int_equal(w->held_count, 0); /* it was under way: a person is asked */
        verdict(w, "verdict-1", "done");
        undo_told(w, "reconcile", "keyed");
        scene_restart(w);
        undo_told(w, "reconcile", "keyed");
        assert_string_equal(w->held[0].key, key);
        scene_answer(w, absent ? ABSENT : SAW_IT);
        if (absent) {
            undo_told(w, "reconcile", "keyed"); /* once more, when it has had time to settle */
            for (int tries = 0; tries < 5; tries++) { /* and as those that may have followed it */
                undo_told(w, "reconcile", "keyed");
                scene_answer(w, ABSENT);
            }
            undo_told(w, "compensate", "keyed");
            assert_string_not_equal(w->held[0].key, key);
            undo_answer(w, APPLIED);
        }
        assert_int_equal(w->held_count, 0);
        rollback_is(w, "ended");
        applied_steps(w, 2);
        scene_end(w);
    }
}

/* The backup knows nothing of the rollback, and a person orders it again. */
static void a_rollback_ordered_again_looks_first(void **state) {
    (void)state;
    sim_world *w = undo_done(ALLOW, undo_keyed, 1);
    w->clock += 3700000000;
    scene_restart(w);
    scene_backup();
    undo_roll(w, "rollback1", 1);
    undo_told(w, "compensate", "keyed");
    undo_answer(w, APPLIED);
    scene_restore(w);
    scene_resume(w);
    undo_roll(w, "rollback2", 1);
    undo_told(w, "reconcile", "keyed");
    scene_answer(w, SAW_IT);
    rollback_is(w, "ended");
    applied_steps(w, 1);
    scene_end(w);
}

/* Nobody can look for it: it is asked for, and once a person has said no, it can be tried. */
static void what_takes_back_once_is_asked_for_once(void **state) {
    static const sim_op once[] = {WRITE("once")};
    (void)state;
    sim_world *w = undo_done(ALLOW, once, 1);
    scene_backup();
    undo_roll(w, "rollback1", 1);
    undo_told(w, "compensate", "once");
    undo_answer(w, APPLIED);
    scene_restore(w);
    scene_resume(w);
    undo_roll(w, "rollback2", 1);
    assert_int_equal(w->held_count, 0);
    number_is(w, ASKED, 1);
    verdict(w, "verdict-1", "not_done");
    number_is(w, STUCK, 1);
    undo_roll(w, "rollback3", 1);
    undo_told(w, "compensate", "once");
    undo_answer(w, APPLIED);
    rollback_is(w, "ended");
    scene_end(w);
}

/* A run that began since has nothing behind it. */
static void a_new_run_is_taken_back_at_once(void **state) {
    (void)state;
    sim_world *w = undo_done(ALLOW, undo_keyed, 1);
    w->clock += 3700000000;
    scene_restart(w);
    scene_backup();
    scene_restore(w);
    scene_resume(w);
    scene_do(w, "do-000002");
    undo_answer(w, APPLIED);
    undo_roll(w, "rollback1", 2);
    undo_told(w, "compensate", "keyed");
    undo_answer(w, APPLIED);
    rollback_is(w, "ended");
    scene_end(w);
}

/* ---- restored once more ---- */

/* The same backup twice: what the second life has sent is known under a key of its own. */
static void what_a_second_life_sent_is_found(void **state) {
    static const sim_op ops[] = {RECEIVE("go"), WRITE("keyed")};
    char key[40];
    (void)state;
    for (int which = 0; which < 3; which++) { /* sent in the first, in the second, in none */
        sim_world *w = scene(ALLOW, ops, COUNT(ops));
        scene_do(w, "do-000001");
        scene_backup();
        if (which == 0) {
            scene_go(w, "go-000001");
            snprintf(key, sizeof key, "%s", w->held[0].key);
            scene_answer(w, APPLIED);
        }
        scene_restore(w);
        if (which != 0) {
            scene_resume(w);
            scene_go(w, "go-000002");
            undo_told(w, "reconcile", "keyed");
        }
        if (which == 1) {
            scene_answer(w, ABSENT);
            undo_told(w, "write", "keyed");
            snprintf(key, sizeof key, "%s", w->held[0].key);
            scene_answer(w, APPLIED);
        }
        scene_restore(w);
        scene_tell(w, "resume-02", "resume", "{}");
        scene_go(w, "go-000003");
        for (int looks = 0; looks < 2; looks++) {
            undo_told(w, "reconcile", "keyed");
            bool there = which < 2 && !strcmp(w->held[0].key, key);
            scene_answer(w, there ? SAW_IT : ABSENT);
            if (there) {
                break;
            }
        }
        if (which == 2) {
            undo_told(w, "write", "keyed");
            scene_answer(w, APPLIED);
        }
        assert_int_equal(w->held_count, 0);
        number_is(w, "SELECT count(*) FROM effect WHERE state = 'done'", 1);
        scene_end(w);
    }
}

/* Its anchor tells of a life of which nobody knows where it began: nobody can look, and a person is
 * asked. */
static void what_an_untold_life_may_have_sent_is_asked_for(void **state) {
    static const sim_op ops[] = {RECEIVE("go"), WRITE("keyed")};
    char path[160], named[40] = "";
    (void)state;
    sim_world *w = scene(ALLOW, ops, COUNT(ops));
    scene_do(w, "do-000001");
    scene_backup();
    snprintf(path, sizeof path, "%s/state/anchor", w->root);
    FILE *f = fopen(path, "r+");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "keel1 %32s", named), 1);
    fseek(f, 0, SEEK_END);
    fprintf(f, "keel1-life %s 00000000000000aa 00000000000000bb 7\n", named);
    fclose(f);
    scene_restore(w);
    scene_resume(w);
    scene_go(w, "go-000001");
    assert_int_equal(w->held_count, 0);
    number_is(w, ASKED, 1);
    scene_tell(w, "check-001", "unknown.check", "{\"number\":1}");
    assert_null(sim_answered(w, "check-001"));
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_repeat_of_another_proves_nothing),
        cmocka_unit_test(what_was_refused_then_proves_nothing),
        cmocka_unit_test(a_segment_of_a_doubted_run_is_asked_for),
        cmocka_unit_test(a_later_proof_says_nothing_of_a_child),
        cmocka_unit_test(what_is_gone_outlives_its_run),
        cmocka_unit_test(an_open_run_goes_on_while_it_is_looked_for),
        cmocka_unit_test(an_open_rollback_looks_before_it_goes_on),
        cmocka_unit_test(a_rollback_ordered_again_looks_first),
        cmocka_unit_test(what_takes_back_once_is_asked_for_once),
        cmocka_unit_test(a_new_run_is_taken_back_at_once),
        cmocka_unit_test(what_a_second_life_sent_is_found),
        cmocka_unit_test(what_an_untold_life_may_have_sent_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
