/* What is not urgent is gathered: it waits, is shown at the next digest time, is reminded of from there,
 * and may be decided before. */
#include "scene.h"

/* 2023-11-14 22:13:20 UTC is where the clock of a scene begins: 23:13:20 in Madrid. */
#define BEGIN    1700000000000000LL
#define HOUR     3600000000LL
#define AT(h, m) (BEGIN - 80000000000LL + (h)*HOUR + (m)*60000000LL) /* of that day, UTC */

#define RULE(approval)                                                                             \
    "  - { id: asks, on: \"out.*.write\", ask: {}, approval: { expires: 48h, edit: [n], " approval \
    " } }\n"

static const sim_op once[] = {WRITE("once")};

static void at_is(sim_world *w, const char *sql, int64_t us, const char *what) {
    int64_t is = sim_number(w, sql);
    if (is != us) {
        fail_msg("%s: %lld, %lld us away", what, (long long)is, (long long)(is - us));
    }
}

static const struct {
    const char *rule;
    int64_t raised; /* 0: at once */
} times[] = {
    {RULE("batch: { max: 9 }"), 0},
    {RULE("digest: [\"09:00\", \"16:00\"]"), AT(24 + 9, 0)},
    {RULE("digest: [\"09:00\", \"22:14\"]"), AT(22, 14)},
    {RULE("digest: [\"22:13\"]"), AT(24 + 22, 13)}, /* it has just passed */
    {RULE("digest: [\"09:00\", \"16:00\"], tz: Europe/Madrid"), AT(24 + 8, 0)},
    {RULE("digest: [\"23:30\"], tz: Europe/Madrid"), AT(22, 30)},
    {RULE("digest: [\"00:10\"], tz: Europe/Madrid"), AT(23, 10)},
    {RULE("digest: [\"07:20\"], tz: Asia/Tokyo"), AT(22, 20)}, /* it is the next day there */
};

static void it_is_shown_at_the_next_digest(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(times); i++) {
        sim_world *w = scene(times[i].rule, once, COUNT(once));
        scene_do(w, "do-000001");
        at_is(w, "SELECT coalesce(raise_us, 0) FROM item", times[i].raised, times[i].rule);
        scene_restart(w);
        at_is(w, "SELECT coalesce(raise_us, 0) FROM item", times[i].raised, times[i].rule);
        scene_end(w);
    }
}

static void reminders_count_from_there(void **state) {
    (void)state;
    sim_world *w =
        scene(RULE("digest: [\"09:00\"], escalate: [ { after: 1h } ]"), once, COUNT(once));
    scene_do(w, "do-000001");
    scene_pass(w, 11 * 3600); /* 09:13 */
    number_is(w, "SELECT coalesce(escalated, 0) FROM item", 0);
    scene_restart(w);
    scene_pass(w, 46 * 60); /* 09:59 */
    number_is(w, "SELECT coalesce(escalated, 0) FROM item", 0);
    scene_pass(w, 2 * 60);
    number_is(w, "SELECT escalated FROM item", 1);
    scene_end(w);
}

static void it_may_be_decided_before(void **state) {
    (void)state;
    sim_world *w = scene(RULE("digest: [\"09:00\"]"), once, COUNT(once));
    scene_do(w, "do-000001");
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    assert_int_equal(w->held_count, 1);
    scene_end(w);
}

/* Somebody looks at it: it is not kept for later any more. */
static void what_is_edited_is_shown(void **state) {
    (void)state;
    sim_world *w = scene(RULE("digest: [\"09:00\"]"), once, COUNT(once));
    scene_do(w, "do-000001");
    scene_tell(w, "edit-0001", "edit", "{\"number\":1,\"set\":{\"n\":2}}");
    number_is(w, "SELECT count(*) FROM item WHERE raise_us IS NULL AND state = 'open'", 1);
    scene_end(w);
}

/* Its outcome is unknown: that is urgent, whatever its approval was. */
static void an_unknown_outcome_waits_for_no_digest(void **state) {
    (void)state;
    sim_world *w = scene(RULE("digest: [\"09:00\"]"), once, COUNT(once));
    scene_do(w, "do-000001");
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    scene_answer(w, UNKNOWN);
    number_is(w, "SELECT count(*) FROM item WHERE kind = 'unknown' AND raise_us IS NULL", 1);
    scene_pass(w, 3700);
    number_is(w, "SELECT escalated FROM item WHERE kind = 'unknown'", 1);
    scene_end(w);
}

/* ---- batches ---- */

#define CALL(resource, args)                                                                       \
    {                                                                                              \
        "effect", "out." resource ".write",                                                        \
            "{\"args\":" args ",\"resource\":\"" resource "\",\"use\":\"out\",\"verb\":\"write\"}" \
    }
static const sim_op one_a[] = {CALL("once", "{\"n\":1,\"template\":\"a\"}")};
static const sim_op two_a[] = {CALL("once", "{\"n\":2,\"template\":\"a\"}")};
static const sim_op one_b[] = {CALL("once", "{\"n\":1,\"template\":\"b\"}")};
static const sim_op none[] = {CALL("once", "{\"n\":1}")};
static const sim_op other[] = {CALL("keyed", "{\"n\":1,\"template\":\"a\"}")};

static const struct {
    const char *name, *rule;
    const sim_op *helper;
    bool one; /* boss's {"n":1,"template":"a"} and this are of one batch */
} groups[] = {
    {"the same of another agent", RULE("batch: { max: 9 }"), one_a, false},
    {"by target: of another agent", RULE("batch: { by: [target] }"), one_a, true},
    {"by template", RULE("batch: { by: [template] }"), two_a, true},
    {"by template: another", RULE("batch: { by: [template] }"), one_b, false},
    {"by template: none", RULE("batch: { by: [template] }"), none, false},
    {"by template: of another target", RULE("batch: { by: [template] }"), other, true},
    {"by template and target", RULE("batch: { by: [template, target] }"), other, false},
    {"by connection", RULE("batch: { by: [connection] }"), other, true},
    {"by rule", RULE("batch: { by: rule }"), other, true},
    {"by agent and template", RULE("batch: { by: [agent, template] }"), one_a, false},
    {"one is a batch", RULE("batch: { by: [rule], max: 1 }"), one_a, false},
};

static void a_batch_is_what_its_rule_says(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(groups); i++) {
        sim_world *w = scene(groups[i].rule, one_a, 1);
        scene_helper(w, groups[i].helper, 1, NULL);
        scene_do(w, "do-000001");
        scene_tell(w, "do-000002", "do", "{\"agent\":\"helper\",\"input\":{}}");
        scene_restart(w);
        scene_tell(w, "batch-001", "batch", "{\"numbers\":[1,2]}");
        if ((sim_answered(w, "batch-001") != NULL) != groups[i].one) {
            fail_msg("%s", groups[i].name);
        }
        scene_tell(w, "batch-002", "batch", "{\"numbers\":[2]}");
        assert_non_null(sim_answered(w, "batch-002"));
        number_is(w, "SELECT count(*) FROM batch", 1 + groups[i].one);
        scene_end(w);
    }
}

/* An edit may take it out of its batch. */
static void an_edit_changes_the_batch(void **state) {
    (void)state;
    sim_world *w = scene(RULE("batch: { by: [agent, n] }"), one_a, 1);
    scene_do(w, "do-000001");
    scene_do(w, "do-000002");
    scene_tell(w, "edit-0001", "edit", "{\"number\":1,\"set\":{\"n\":2}}");
    scene_tell(w, "batch-001", "batch", "{\"numbers\":[1,2]}");
    assert_null(sim_answered(w, "batch-001"));
    scene_tell(w, "edit-0002", "edit", "{\"number\":2,\"set\":{\"n\":2}}");
    scene_tell(w, "batch-002", "batch", "{\"numbers\":[1,2]}");
    assert_non_null(sim_answered(w, "batch-002"));
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_shown_at_the_next_digest),
        cmocka_unit_test(reminders_count_from_there),
        cmocka_unit_test(it_may_be_decided_before),
        cmocka_unit_test(what_is_edited_is_shown),
        cmocka_unit_test(an_unknown_outcome_waits_for_no_digest),
        cmocka_unit_test(a_batch_is_what_its_rule_says),
        cmocka_unit_test(an_edit_changes_the_batch),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_digest", tests, NULL, NULL);
}
