/* What took back in a life that a restore lost: each try of it has a path, and so a key, of its own, and
 * the backup does not know how many there were. It is found under whichever it was sent. */
#include "scene_restore.h"
#include "undoscene.h"

typedef enum before {
    NOTHING, /* the backup knows nothing of the rollback */
    OUT,     /* its first try was out */
    ASKED,   /* a person was asked for its first try */
    FAILED,  /* its first try had failed */
    BEFORES
} before;

static const char refused[] = REFUSED;

/* Every look is answered by what the other side knows: the key of the try that it took. */
static void look(sim_world *w, const char *key, int *found) {
    while (w->held_count && !strcmp(w->held[0].verb, "reconcile")) {
        bool there = !strcmp(w->held[0].key, key);
        *found += there;
        scene_answer(w, there ? LOOKED_DONE : ABSENT);
    }
}

static void told_to_undo(sim_world *w, char key[40]) {
    undo_told(w, "compensate", w->held[0].resource);
    snprintf(key, 40, "%s", w->held[0].key);
}

static void order(sim_world *w) {
    static int count;
    char request[24];
    snprintf(request, sizeof request, "rollback-%d", ++count);
    undo_roll(w, request, 1);
}

static void approve_last(sim_world *w, const char *request) {
    sim_approve(w, request, sim_number(w, "SELECT max(number) FROM item WHERE kind = 'approval'"));
    sim_run_out(w);
}

/* In the life that is lost the try with this number, from 1, was applied; all before it were refused.
 * 0: none was. Its key. */
static void lost_life(sim_world *w, before at, int applied, char key[40]) {
    char tried[40];
    key[0] = 0;
    if (at == NOTHING) {
        scene_backup();
    }
    for (int n = 1; n <= applied || n == 1; n++) {
        if (n > 1 || at != NOTHING || applied) {
            order(w);
        }
        if (at == ASKED && n == 1) {
            scene_backup();
        }
        if (at == ASKED && applied) {
            approve_last(w, n == 1 ? "approve-1" : n == 2 ? "approve-2" : "approve-3");
        }
        if (at == OUT && n == 1) {
            scene_backup();
        }
        if (w->held_count && (applied || at == FAILED)) {
            told_to_undo(w, tried);
            undo_answer(w, n == applied ? APPLIED : refused);
        }
        if (at == FAILED && n == 1) {
            scene_backup();
        }
        if (n == applied) {
            snprintf(key, 40, "%s", tried);
        }
    }
}

static sim_world *begun(before at) {
    sim_world *w = undo_done(at == ASKED ? ASK : ALLOW, undo_keyed, 1);
    w->clock += 3700000000; /* what was done shortly before would be looked for, too */
    scene_restart(w);
    return w;
}

/* What a person does after the restore, if anything. */
static void go_on(sim_world *w, before at) {
    if (at == NOTHING || at == FAILED) {
        order(w);
    } else if (at == ASKED) {
        approve_last(w, "approve-9");
    }
}

static void each_try_is_looked_for(void **state) {
    (void)state;
    for (before at = NOTHING; at < BEFORES; at++) {
        for (int applied = at == FAILED ? 2 : 1; applied <= 3; applied++) {
            char key[40];
            int found = 0;
            sim_world *w = begun(at);
            lost_life(w, at, applied, key);
            scene_restore(w);
            scene_resume(w);
            go_on(w, at);
            scene_restart(w); /* and what was looked for is looked for again */
            look(w, key, &found);
            if (w->held_count || found != 1) {
                fail_msg("%d, try %d: found %d times, then told %s", (int)at, applied, found,
                         w->held_count ? w->held[0].verb : "nothing");
            }
            rollback_is(w, "ended");
            applied_steps(w, 1);
            scene_end(w);
        }
    }
}

/* None was: it is looked for, and then sent, under a key of its own. */
static void what_no_life_sent_is_sent(void **state) {
    (void)state;
    for (before at = NOTHING; at < BEFORES; at++) {
        char key[40], sent[40];
        int found = 0;
        sim_world *w = begun(at);
        lost_life(w, at, 0, key);
        scene_restore(w);
        scene_resume(w);
        go_on(w, at);
        assert_string_equal(w->held[0].verb, "reconcile");
        snprintf(key, sizeof key, "%s", w->held[0].key);
        look(w, "", &found);
        told_to_undo(w, sent);
        assert_string_not_equal(sent, key);
        scene_restart(w); /* its answer is lost: it is looked for under this key and no other */
        undo_told(w, "reconcile", "keyed");
        while (!strcmp(w->held[0].verb, "reconcile")) { /* until it has had the time to settle */
            assert_string_equal(w->held[0].key, sent);
            scene_answer(w, ABSENT);
        }
        undo_told(w, "compensate", "keyed");
        assert_string_equal(w->held[0].key, sent);
        undo_answer(w, REFUSED);
        order(w); /* and of one more try there is no doubt */
        if (at == ASKED) {
            approve_last(w, "approve-8");
        }
        undo_told(w, "compensate", "keyed");
        undo_answer(w, APPLIED);
        rollback_is(w, "ended");
        scene_end(w);
    }
}

/* The first try of this life was not let go: that says nothing of what the other life did. */
static void a_try_that_was_denied_proves_nothing(void **state) {
    (void)state;
    char key[40];
    int found = 0;
    sim_world *w = begun(NOTHING);
    lost_life(w, NOTHING, 1, key);
    scene_restore(w);
    scene_resume(w);
    scene_policy(w, DENY);
    scene_tell(w, "reload-01", "reload", "{}");
    order(w);
    is(w, "1~1", "denied");
    scene_policy(w, ALLOW);
    scene_tell(w, "reload-02", "reload", "{}");
    order(w);
    look(w, key, &found);
    assert_int_equal(w->held_count, 0);
    assert_int_equal(found, 1);
    rollback_is(w, "ended");
    scene_end(w);
}

/* The lost life took back what it had written there. This one writes anew, on a way of its own: that is
 * still to be taken back. */
static void what_this_life_sent_is_taken_back(void **state) {
    static const sim_op ops[] = {{"receive", "", "{\"name\":\"go\"}"}, WRITE("keyed")};
    int found = 0;
    sim_world *w = scene(ALLOW, ops, 2);
    (void)state;
    scene_do(w, "do-000001");
    scene_backup();
    scene_go(w, "go-000001");
    undo_answer(w, "{\"result\":{\"id\":1}}");
    order(w);
    undo_told(w, "compensate", "keyed");
    undo_answer(w, APPLIED);
    scene_restore(w);
    scene_resume(w);
    scene_go(w, "go-000002");
    look(w, "", &found);
    undo_told(w, "write", "keyed");
    undo_answer(w, "{\"result\":{\"id\":2}}");
    order(w);
    undo_told(w, "compensate", "keyed");
    scene_restart(w); /* its answer is lost, and it is looked for under its own key */
    undo_told(w, "reconcile", "keyed");
    scene_answer(w, LOOKED_DONE);
    assert_int_equal(w->held_count, 0);
    rollback_is(w, "ended");
    applied_steps(w, 1);
    scene_end(w);
}

/* That a lost life wrote it is known from a person, and nobody knows under which number: it may have
 * taken it back, too. */
static void what_a_person_has_seen_is_asked_for(void **state) {
    static const sim_op ops[] = {{"receive", "", "{\"name\":\"go\"}"}, SPAWN_HELPER};
    char verdict[80];
    sim_world *w = scene(ALLOW "  - { id: child, on: run.spawn, allow: {} }\n", ops, 2);
    (void)state;
    scene_helper(w, undo_keyed, 1, NULL);
    scene_do(w, "do-000001");
    scene_backup();
    scene_go(w, "go-000001");
    undo_answer(w, APPLIED);
    undo_roll(w, "rollback-01", 2);
    undo_told(w, "compensate", "keyed");
    undo_answer(w, APPLIED);
    scene_restore(w);
    scene_resume(w);
    scene_go(w, "go-000002");
    assert_int_equal(w->held_count, 0);
    snprintf(verdict, sizeof verdict, "{\"number\":%lld,\"verdict\":\"done\",\"why\":\"seen\"}",
             (long long)sim_number(w, "SELECT max(number) FROM item WHERE kind = 'unknown'"));
    scene_tell(w, "verdict-1", "verdict", verdict);
    is(w, "1", "done");
    undo_roll(w, "rollback-02", 2);
    assert_int_equal(w->held_count, 0);
    is(w, "1~1", "unknown");
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_try_is_looked_for),
        cmocka_unit_test(what_no_life_sent_is_sent),
        cmocka_unit_test(a_try_that_was_denied_proves_nothing),
        cmocka_unit_test(what_this_life_sent_is_taken_back),
        cmocka_unit_test(what_a_person_has_seen_is_asked_for),
    };
    return cmocka_run_group_tests_name("kernel_restore_undo", tests, NULL, NULL);
}
