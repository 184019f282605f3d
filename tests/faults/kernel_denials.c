/* What a person has denied is not raised again: not over a restart, not when its record was erased; and it
 * is, when it is another thing, another role, another rule, or a person has said so. */
#include "scene_restore.h"
#include "stuckscene.h"

#define DENY_1 "{\"items\":[1],\"why\":\"they asked us not to\"}"
#define QUICK  "  - { id: asks, on: \"out.*.write\", ask: {}, approval: { expires: 1h } }\n"
#define OTHERS "  - { id: never, on: \"out.*.write\", agents: [boss], deny: {} }\n"
#define EDITS                                                                                      \
    "  - { id: asks, on: \"out.*.write\", ask: {}, approval: { edit: [n], expires: 2h } }\n"
#define THIRTY  (30 * 86400)
#define OPEN    "SELECT count(*) FROM item WHERE kind = 'approval' AND state = 'open'"
#define STOPPED "SELECT count(*) FROM effect WHERE state = 'denied'"

static const sim_op other[] = {
    {"effect", "out.once.write",
     "{\"args\":{\"n\":2},\"resource\":\"once\",\"use\":\"out\",\"verb\":\"write\"}"}};
static const sim_op twice[] = {WRITE("once"), WRITE("once")};

static void becomes(sim_world *w, const sim_op *ops, size_t count) {
    sim_program *p = (sim_program *)(uintptr_t)w->programs;
    p[0].ops = ops;
    p[0].count = count;
}

/* Item 1, of run 1, was denied. */
static sim_world *denied(const char *rules) {
    sim_world *w = scene(rules, once, COUNT(once));
    scene_do(w, "do-000001");
    number_is(w, OPEN, 1);
    scene_tell(w, "deny-0001", "deny", DENY_1);
    state_is(w, "rejected");
    return w;
}

/* One more run of boss: it asks a person, or is stopped by what stands. */
static void asks(sim_world *w, const char *request, bool raised) {
    int64_t open = sim_number(w, OPEN), stopped = sim_number(w, STOPPED);
    scene_do(w, request);
    if (sim_number(w, OPEN) != open + raised || sim_number(w, STOPPED) != stopped + !raised) {
        fail_msg("%s: %s", request, raised ? "it was not asked for" : "it was asked for again");
    }
}

static void error_has(sim_world *w, int64_t run, const char *text) {
    char sql[256];
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM journal WHERE kind = 31 AND run = %lld"
             " AND instr(coalesce(body, (SELECT bytes FROM payload p WHERE p.digest ="
             " journal.digest)), '%s') > 0",
             (long long)run, text);
    if (sim_number(w, sql) != 1) {
        fail_msg("the denial of run %lld does not say: %s", (long long)run, text);
    }
}

static void the_same_is_not_raised_again(void **state) {
    (void)state;
    sim_world *w = denied(ASK);
    asks(w, "do-000002", false);
    error_has(w, 2, "\"code\":\"rejected\"");
    error_has(w, 2, "\"rule\":\"asks\"");
    error_has(w, 2, "operator has denied exactly this already, on 2023-11-14 22:13 UTC (item 1)");
    error_has(w, 2, "they asked us not to");
    scene_restart(w);
    asks(w, "do-000003", false);
    number_is(w, "SELECT count(*) FROM item", 1);
    assert_int_equal(w->held_count, 0);
    scene_end(w);
}

static void other_bytes_are_asked_for(void **state) {
    (void)state;
    sim_world *w = denied(ASK);
    becomes(w, other, COUNT(other));
    asks(w, "do-000002", true);
    scene_end(w);
}

/* helper asks for the very same. */
static void another_role_is_asked_for(void **state) {
    (void)state;
    sim_world *w = denied(ASK);
    scene_helper(w, once, COUNT(once), NULL);
    scene_tell(w, "do-000002", "do", "{\"agent\":\"helper\",\"input\":{}}");
    number_is(w, OPEN, 1);
    number_is(w, STOPPED, 0);
    scene_end(w);
}

static void another_rule_asks_anew(void **state) {
    (void)state;
    sim_world *w = denied(ASK);
    scene_policy(w, QUICK);
    scene_tell(w, "reload-01", "reload", "{}");
    asks(w, "do-000002", true);
    scene_policy(w, ASK); /* and the old one, as it was, is the one that was meant */
    scene_tell(w, "reload-02", "reload", "{}");
    asks(w, "do-000003", false);
    scene_end(w);
}

/* What waits becomes what was denied: when it is decided afresh, it is not asked for anew. */
static void what_becomes_it_is_not_raised(void **state) {
    (void)state;
    sim_world *w = denied(ASK);
    scene_policy(w, QUICK);
    scene_tell(w, "reload-01", "reload", "{}");
    asks(w, "do-000002", true);
    scene_policy(w, ASK);
    scene_tell(w, "reload-02", "reload", "{}");
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"a moment\"}");
    scene_tell(w, "resume-01", "resume", "{}");
    number_is(w, OPEN, 0);
    number_is(w, STOPPED, 1);
    scene_end(w);
}

/* But where a person says yes to it at that moment, that is the later word. */
static void a_consent_to_it_is_asked_for_anew(void **state) {
    (void)state;
    sim_world *w = denied(ASK);
    scene_policy(w, QUICK);
    scene_tell(w, "reload-01", "reload", "{}");
    asks(w, "do-000002", true);
    scene_policy(w, ASK);
    scene_tell(w, "reload-02", "reload", "{}");
    sim_approve(w, "approve-2", 2);
    sim_run_out(w);
    number_is(w, OPEN, 1);
    number_is(w, STOPPED, 0);
    sim_approve(w, "approve-3", 3);
    sim_run_out(w);
    assert_int_equal(w->held_count, 1);
    scene_end(w);
}

static void it_stands_though_its_record_is_erased(void **state) {
    (void)state;
    sim_world *w = denied(ASK);
    int64_t asked = sim_number(w, "SELECT args_seq FROM item");
    int64_t said = sim_number(w, "SELECT seq FROM journal WHERE kind = 39");
    sim_end(w);
    scene_erase(w, asked);
    scene_erase(w, said);
    assert_true(sim_start(w));
    asks(w, "do-000002", false);
    error_has(w, 2, "(item 1): erased");
    scene_end(w);
}

static void it_ends_after_thirty_days(void **state) {
    (void)state;
    sim_world *w = denied(ASK);
    scene_pass(w, THIRTY - 60);
    asks(w, "do-000002", false);
    scene_restart(w);
    asks(w, "do-000003", false);
    scene_pass(w, 60);
    asks(w, "do-000004", true);
    scene_restart(w);
    number_is(w, OPEN, 1);
    asks(w, "do-000005", true);
    scene_end(w);
}

/* Nobody said no. */
static void what_expired_or_was_denied_by_policy_is_asked_for(void **state) {
    (void)state;
    sim_world *w = scene(ASK, once, COUNT(once));
    scene_do(w, "do-000001");
    scene_pass(w, 3 * 3600);
    state_is(w, "expired");
    asks(w, "do-000002", true);
    scene_policy(w, OTHERS);
    scene_tell(w, "reload-01", "reload", "{}");
    asks(w, "do-000003", false);
    scene_policy(w, ASK);
    scene_tell(w, "reload-02", "reload", "{}");
    asks(w, "do-000004", true);
    scene_end(w);
}

static void all_of_a_batch_stand(void **state) {
    (void)state;
    sim_world *w = scene(ASK, once, COUNT(once));
    scene_do(w, "do-000001");
    becomes(w, other, COUNT(other));
    scene_do(w, "do-000002");
    scene_tell(w, "deny-0001", "deny", "{\"items\":[1,2],\"why\":\"neither\"}");
    asks(w, "do-000003", false);
    scene_restart(w);
    becomes(w, once, COUNT(once));
    asks(w, "do-000004", false);
    becomes(w, other, COUNT(other));
    asks(w, "do-000005", false);
    scene_end(w);
}

/* Both what it was asked for and what a person had made of it. */
static void what_was_edited_stands_as_both(void **state) {
    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        sim_world *w = scene(EDITS, once, COUNT(once));
        scene_do(w, "do-000001");
        scene_tell(w, "edit-0001", "edit", "{\"number\":1,\"set\":{\"n\":2}}");
        if (restarts) {
            scene_restart(w);
        }
        scene_tell(w, "deny-0001", "deny", DENY_1);
        asks(w, "do-000002", false);
        becomes(w, other, COUNT(other));
        asks(w, "do-000003", false);
        scene_end(w);
    }
}

static void a_person_lifts_it(void **state) {
    (void)state;
    sim_world *w = denied(ASK);
    scene_tell(w, "lift-0000", "denial.lift", "{\"number\":2,\"why\":\"\"}");
    assert_null(sim_answered(w, "lift-0000"));
    scene_tell(w, "lift-0001", "denial.lift", "{\"number\":1,\"why\":\"they wrote again\"}");
    assert_non_null(sim_answered(w, "lift-0001"));
    asks(w, "do-000002", true);
    scene_restart(w);
    asks(w, "do-000003", true);
    scene_tell(w, "lift-0002", "denial.lift", "{\"number\":1,\"why\":\"again\"}");
    assert_null(sim_answered(w, "lift-0002"));
    scene_end(w);
}

/* Two were open; the later word counts. */
static void what_is_approved_after_all_is_asked_for(void **state) {
    (void)state;
    sim_world *w = scene(ASK, twice, COUNT(twice));
    scene_do(w, "do-000001");
    scene_do(w, "do-000002");
    scene_tell(w, "deny-0001", "deny", DENY_1);
    number_is(w, OPEN, 1); /* the second of run 1 is stopped; that of run 2 was asked for before */
    number_is(w, STOPPED, 1);
    sim_approve(w, "approve-1", 2);
    sim_run_out(w);
    scene_answer(w, APPLIED);
    number_is(w, OPEN, 1);
    scene_restart(w);
    number_is(w, OPEN, 1);
    becomes(w, once, COUNT(once));
    asks(w, "do-000003", true);
    scene_end(w);
}

/* Who has it tried again wants to be asked. */
static void a_retry_asks_again(void **state) {
    (void)state;
    sim_world *w = scene(ASK, once, COUNT(once));
    ends(w, FAILED);
    scene_do(w, "do-000001");
    scene_tell(w, "deny-0001", "deny", DENY_1);
    stuck_is(w, 1);
    ends(w, NULL);
    scene_tell(w, "retry-001", "stuck.retry", "{\"number\":2}");
    number_is(w, OPEN, 1);
    scene_restart(w);
    number_is(w, OPEN, 1);
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_is_not_raised_again),
        cmocka_unit_test(other_bytes_are_asked_for),
        cmocka_unit_test(another_role_is_asked_for),
        cmocka_unit_test(another_rule_asks_anew),
        cmocka_unit_test(what_becomes_it_is_not_raised),
        cmocka_unit_test(a_consent_to_it_is_asked_for_anew),
        cmocka_unit_test(it_stands_though_its_record_is_erased),
        cmocka_unit_test(it_ends_after_thirty_days),
        cmocka_unit_test(what_expired_or_was_denied_by_policy_is_asked_for),
        cmocka_unit_test(all_of_a_batch_stand),
        cmocka_unit_test(what_was_edited_stands_as_both),
        cmocka_unit_test(a_person_lifts_it),
        cmocka_unit_test(what_is_approved_after_all_is_asked_for),
        cmocka_unit_test(a_retry_asks_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
