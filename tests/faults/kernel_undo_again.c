/* Taking back what a restore, an erasure or a change of the connection came between. */
#include "scene_restore.h"
#include "undoscene.h"

#define SAW_IT       "{\"result\":{\"ref\":{\"id\":1},\"state\":\"applied\"}}"
#define COMPENSATING "SELECT count(*) FROM journal WHERE kind = 44"

/* One write, done; then a backup takes its place, and it is looked for once more. */
static sim_world *looked_for(void) {
    sim_world *w = undo_done(ALLOW, undo_keyed, 1);
    scene_backup();
    scene_restore(w);
    scene_resume(w);
    undo_told(w, "reconcile", "keyed");
    return w;
}

/* ---- looked for once more ---- */

static void it_is_not_taken_back_while_it_is_looked_for(void **state) {
    (void)state;
    sim_world *w = looked_for();
    undo_roll(w, "rollback1", 1);
    assert_non_null(sim_answered(w, "rollback1"));
    undo_told(w, "reconcile", "keyed");
    number_is(w, COMPENSATING, 0);
    undo_answer(w, SAW_IT);
    undo_told(w, "compensate", "keyed");
    undo_answer(w, APPLIED);
    assert_int_equal(w->held_count, 0);
    rollback_is(w, "ended");
    number_is(w, COMPENSATING, 1);
    number_is(w, "SELECT count(*) FROM effect WHERE path LIKE '1~%'", 1);
    scene_end(w);
}

static void it_is_looked_for_and_taken_back_over_a_restart(void **state) {
    (void)state;
    sim_world *w = looked_for();
    undo_roll(w, "rollback1", 1);
    scene_restart(w);
    undo_told(w, "reconcile", "keyed");
    number_is(w, COMPENSATING, 0);
    undo_answer(w, SAW_IT);
    undo_told(w, "compensate", "keyed");
    scene_restart(w); /* by now it is out: nobody looks for the write any more */
    undo_told(w, "reconcile", "keyed");
    number_is(w, "SELECT count(*) FROM journal WHERE kind = 49", 1);
    undo_answer(w, ABSENT);
    undo_told(w, "compensate", "keyed");
    undo_answer(w, APPLIED);
    rollback_is(w, "ended");
    number_is(w, COMPENSATING, 1);
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_not_taken_back_while_it_is_looked_for),
        cmocka_unit_test(it_is_looked_for_and_taken_back_over_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
