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

/* It may have been taken back in the life that is lost, too, by the first try or a later one: that is
 * looked for first. */
static void not_then(sim_world *w) {
    int looks = 0;
    for (; w->held_count && !strcmp(w->held[0].verb, "reconcile"); looks++) {
        assert_true(looks < 6); /* five, and the first once more when it has settled */
        undo_answer(w, ABSENT);
    }
    assert_true(looks > 0);
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
    not_then(w);
    undo_told(w, "compensate", "keyed");
    assert_string_equal(w->held[0].outcome, "{\"id\":1}");
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
    not_then(w);
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

static void what_was_recorded_is_given_however_it_was_found_since(void **state) {
    static const char *const found[] = {SAW_IT, ABSENT, "{\"result\":{\"state\":\"unknown\"}}"};
    (void)state;
    for (size_t i = 0; i < COUNT(found); i++) {
        sim_world *w = looked_for();
        undo_answer(w, found[i]);
        scene_restart(w);
        assert_int_equal(w->held_count, 0); /* once is enough */
        undo_roll(w, "rollback1", 1);
        not_then(w);
        undo_told(w, "compensate", "keyed");
        assert_string_equal(w->held[0].outcome, "{\"id\":1}");
        undo_answer(w, APPLIED);
        rollback_is(w, "ended");
        scene_end(w);
    }
}

/* The older one was looked for since, and is still the older one. */
static void the_newest_is_still_first(void **state) {
    static const sim_op two[] = {WRITE("keyed"), WRITE("keyed")};
    (void)state;
    sim_world *w = undo_done(ALLOW, two, COUNT(two));
    scene_backup();
    scene_restore(w);
    scene_resume(w);
    while (w->held_count) {
        undo_told(w, "reconcile", "keyed");
        undo_answer(w, SAW_IT);
    }
    undo_roll(w, "rollback1", 1);
    not_then(w);
    assert_string_equal(w->held[0].outcome, "{\"id\":2}");
    undo_answer(w, APPLIED);
    not_then(w);
    assert_string_equal(w->held[0].outcome, "{\"id\":1}");
    undo_answer(w, APPLIED);
    rollback_is(w, "ended");
    scene_end(w);
}

/* ---- erased ---- */

static void erased(sim_world *w, const char *of) {
    int64_t seq = sim_number(w, of);
    sim_end(w);
    scene_erase(w, seq);
    assert_true(sim_start(w));
    sim_run_out(w);
    assert_string_equal(w->fault, "");
}

#define DONE_SEQ "SELECT seq FROM journal WHERE kind = 34 AND path = '1'"

static void what_is_not_in_the_record_any_more_is_stuck(void **state) {
    static const struct {
        const char *of, *why;
    } rows[] = {
        {DONE_SEQ, "%what was recorded of it was erased"},
        {"SELECT args_seq FROM effect", "%what was written was erased"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char sql[160];
        sim_world *w = undo_done(ALLOW, undo_keyed, 1);
        erased(w, rows[i].of);
        undo_roll(w, "rollback1", 1);
        assert_int_equal(w->held_count, 0);
        is(w, "1", "compensation_failed");
        snprintf(sql, sizeof sql,
                 "SELECT count(*) FROM item WHERE kind = 'stuck' AND state = 'open'"
                 " AND reason LIKE '%s'",
                 rows[i].why);
        number_is(w, sql, 1);
        scene_end(w);
    }
}

/* Erased while the other side may have taken it back already: nobody looks with half of the words. */
static void erased_while_it_is_out_a_person_is_asked(void **state) {
    (void)state;
    sim_world *w = undo_done(ALLOW, undo_keyed, 1);
    undo_roll(w, "rollback1", 1);
    undo_told(w, "compensate", "keyed");
    erased(w, DONE_SEQ);
    assert_int_equal(w->held_count, 0);
    number_is(w, "SELECT count(*) FROM item WHERE kind = 'unknown' AND state = 'open'", 1);
    is(w, "1~1", "unknown");
    is(w, "1", "compensation_unknown");
    scene_end(w);
}

/* ---- sent through a connection that was changed while it waited ---- */

static void put_elsewhere(sim_world *w) {
    sim_put(w->root, "keel.yaml",
            "version: 1\nname: sim\nconnections:\n"
            "  out: { use: \"org.example.out@1\", config: { folder: \"elsewhere\" } }\n");
}

static void elsewhere(sim_world *w) {
    put_elsewhere(w);
    scene_tell(w, "reload-01", "reload", "{}");
}

/* Run 1 is out; run 2 waits behind it, and goes through the connection as it is afterwards. */
static sim_world *sent_elsewhere(const sim_op ops[1]) {
    sim_world *w = scene(ALLOW, ops, 1);
    scene_do(w, "do-000001");
    scene_do(w, "do-000002");
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"w\"}");
    elsewhere(w);
    scene_answer(w, APPLIED);
    scene_tell(w, "resume-02", "resume", "{}");
    assert_int_equal(w->held_count, 1);
    assert_non_null(strstr(w->held[0].config, "elsewhere"));
    return w;
}

static void it_is_taken_back_through_the_one_it_was_sent_through(void **state) {
    (void)state;
    sim_world *w = sent_elsewhere(undo_keyed);
    undo_answer(w, APPLIED);
    undo_roll(w, "rollback1", 1);
    assert_null(sim_answered(w, "rollback1")); /* that went where nobody can go any more */
    undo_roll(w, "rollback2", 2);
    undo_told(w, "compensate", "keyed");
    assert_non_null(strstr(w->held[0].config, "elsewhere"));
    scene_restart(w);
    undo_told(w, "reconcile", "keyed");
    undo_answer(w, ABSENT);
    undo_told(w, "compensate", "keyed");
    undo_answer(w, APPLIED);
    rollback_is(w, "ended");
    scene_end(w);
}

static void it_is_looked_for_through_the_one_it_was_sent_through(void **state) {
    static const sim_op checkable[] = {WRITE("checkable")};
    (void)state;
    sim_world *w = sent_elsewhere(checkable);
    scene_restart(w);
    undo_told(w, "reconcile", "checkable");
    number_is(w, "SELECT count(*) FROM item WHERE kind = 'unknown'", 0);
    undo_roll(w, "rollback1", 2); /* of what is out */
    undo_answer(w, ABSENT);
    assert_int_equal(w->held_count, 0);
    rollback_is(w, "ended");
    scene_end(w);
}

/* ---- a consent is for where it goes, too ---- */

#define ASKS          "  - { id: asks, on: \"out.*.write\", ask: {} }\n"
#define OPEN_APPROVAL "SELECT number FROM item WHERE kind = 'approval' AND state = 'open'"

static int on_digest(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    snprintf(ctx, DIGEST_HEX, "%s", v[0]);
    return 0;
}

/* A signature that was made before: for the digest that the item had then. */
static void consented_before(bool restart) {
    char args[800], hex[DIGEST_HEX] = "";
    sim_world *w = scene(ASKS, undo_keyed, 1);
    scene_do(w, "do-000001");
    reader_query(store_reader(w->store), "SELECT lower(hex(digest)) FROM item WHERE number = 1",
                 NULL, 0, on_digest, hex, NULL);
    sim_consent(w, hex, "1", args);
    if (restart) {
        sim_end(w);
        put_elsewhere(w);
        assert_true(sim_start(w));
        sim_run_out(w);
    } else {
        elsewhere(w);
    }
    number_is(w, "SELECT count(*) FROM item WHERE number = 1 AND state = 'stale'", 1);
    number_is(w, OPEN_APPROVAL, 2); /* asked anew */
    scene_tell(w, "approve-1", "approve", args);
    sim_approve(w, "approve-2", 1);
    sim_run_out(w);
    assert_int_equal(w->held_count, 0);
    sim_approve(w, "approve-3", 2);
    sim_run_out(w);
    undo_told(w, "write", "keyed");
    assert_non_null(strstr(w->held[0].config, "elsewhere"));
    undo_answer(w, APPLIED);
    scene_end(w);
}

static void a_consent_is_for_where_it_went_then(void **state) {
    (void)state;
    consented_before(false);
    consented_before(true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_not_taken_back_while_it_is_looked_for),
        cmocka_unit_test(it_is_looked_for_and_taken_back_over_a_restart),
        cmocka_unit_test(what_was_recorded_is_given_however_it_was_found_since),
        cmocka_unit_test(the_newest_is_still_first),
        cmocka_unit_test(what_is_not_in_the_record_any_more_is_stuck),
        cmocka_unit_test(erased_while_it_is_out_a_person_is_asked),
        cmocka_unit_test(it_is_taken_back_through_the_one_it_was_sent_through),
        cmocka_unit_test(it_is_looked_for_through_the_one_it_was_sent_through),
        cmocka_unit_test(a_consent_is_for_where_it_went_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
