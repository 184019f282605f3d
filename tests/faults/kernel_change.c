/* What changes under open effects: connections, agents, executors that do not start, the stop. */
#include <malloc.h>

#include "scene.h"

#define ASK   "  - { id: asks, on: \"*\", ask: {} }\n"
#define ALLOW "  - { id: lets, on: \"out.*.write\", allow: {} }\n"

static const sim_op once[] = {WRITE("once")};
static const sim_op keyed[] = {WRITE("keyed")};
static const sim_op checkable[] = {WRITE("checkable")};
static const sim_op spawn[] = {SPAWN_HELPER};

static void connect(sim_world *w, const char *folder) {
    char text[256];
    snprintf(text, sizeof text,
             "version: 1\nname: sim\nconnections:\n"
             "  out: { use: \"org.example.out@1\", config: { folder: \"%s\" } }\n",
             folder);
    sim_put(w->root, "keel.yaml", text);
}

/* Sent through one folder, unknown; now the connection names another. */
static sim_world *moved(const sim_op *op) {
    sim_world *w = scene(ALLOW, op, 1);
    scene_do(w, "do-000001");
    assert_non_null(strstr(w->held[0].config, "\"out\""));
    connect(w, "elsewhere");
    return w;
}

static void it_looks_where_it_was_sent(void **state) {
    (void)state;
    sim_world *w = moved(checkable);
    scene_tell(w, "reload-01", "reload", "{}");
    sim_answer_held(w, UNKNOWN);
    sim_run_out(w);
    assert_string_equal(w->held[0].verb, "reconcile");
    assert_non_null(strstr(w->held[0].config, "\"out\""));
    sim_answer_held(w, ABSENT); /* that is proof: what follows goes where policy lets it */
    sim_run_out(w);
    assert_string_equal(w->held[0].verb, "write");
    assert_non_null(strstr(w->held[0].config, "\"elsewhere\""));
    sim_answer_held(w, APPLIED);
    sim_run_out(w);
    state_is(w, "done");
    scene_end(w);
}

static void nobody_looks_elsewhere_after_a_restart(void **state) {
    (void)state;
    sim_world *w = moved(checkable);
    scene_restart(w);
    assert_int_equal(w->held_count, 0);
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open' AND kind = 'unknown'", 1);
    scene_restart(w);
    assert_int_equal(w->held_count, 0);
    scene_end(w);
}

static void nothing_is_repeated_elsewhere(void **state) {
    (void)state;
    sim_world *w = moved(keyed);
    scene_tell(w, "reload-01", "reload", "{}");
    sim_answer_held(w, UNKNOWN);
    sim_run_out(w);
    for (size_t i = 0; i < w->held_count; i++) {
        assert_non_null(strstr(w->held[i].config, "\"out\""));
    }
    scene_end(w);
}

static void a_connection_that_is_removed_sends_no_more(void **state) {
    (void)state;
    sim_world *w = scene("  - { id: lets, on: \"*.*.write\", allow: {} }\n", once, COUNT(once));
    scene_do(w, "do-000001");
    sim_put(w->root, "keel.yaml", "version: 1\nname: sim\n");
    scene_tell(w, "reload-01", "reload", "{}");
    sim_answer_held(w, "{\"code\":\"retry\",\"message\":\"busy\"}");
    sim_run_out(w);
    assert_int_equal(w->held_count, 0);
    state_is(w, "not_done");
    scene_end(w);
}

static void a_read_without_its_connection_is_not_done(void **state) {
    static const sim_op read[] = {
        {"effect", "out.keyed.read",
         "{\"args\":{},\"resource\":\"keyed\",\"use\":\"out\",\"verb\":\"read\"}"}};
    (void)state;
    sim_world *w = scene("  []\n", read, COUNT(read));
    scene_do(w, "do-000001");
    assert_int_equal(w->held_count, 1);
    sim_put(w->root, "keel.yaml", "version: 1\nname: sim\n");
    scene_restart(w);
    state_is(w, "not_done");
    scene_end(w);
}

static void an_agent_that_is_gone_is_not_spawned(void **state) {
    char path[200];
    (void)state;
    sim_world *w = scene(ASK, spawn, COUNT(spawn));
    scene_do(w, "do-000001");
    snprintf(path, sizeof path, "%s/agents/helper", w->root);
    sim_folder_remove(path);
    snprintf(path, sizeof path, "%s/.keel/plugins/org.example.helper", w->root);
    sim_folder_remove(path);
    scene_tell(w, "reload-01", "reload", "{}");
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    state_is(w, "denied");
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    scene_end(w);
}

static void a_key_is_never_dropped(void **state) {
    static char args[400];
    static const sim_op ops[] = {{"spawn", "run.spawn", args}};
    (void)state;
    snprintf(args, sizeof args, "{\"agent\":\"helper\",\"input\":{},\"key\":\"%0300d\"}", 1);
    sim_world *w = scene("  - { id: lets, on: run.spawn, allow: {} }\n", ops, 1);
    scene_do(w, "do-000001");
    number_is(w, "SELECT count(*) FROM run", 1);
    scene_end(w);
}

/* What cannot be read takes no force, is told of in the record, and what was in force stays. */
static void a_broken_policy_changes_nothing(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, once, COUNT(once));
    scene_policy(w, "  - { id: broken\n");
    scene_tell(w, "reload-01", "reload", "{}");
    assert_null(sim_answered(w, "reload-01"));
    number_is(w, "SELECT count(*) FROM journal WHERE kind = 11", 1);
    number_is(w, "SELECT count(*) FROM policy_version", 1);
    scene_do(w, "do-000001");
    assert_int_equal(w->held_count, 1);
    scene_answer(w, APPLIED);
    state_is(w, "done");
    scene_end(w);
}

static void an_executor_that_cannot_start(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, once, COUNT(once));
    w->no_spawn = true;
    scene_do(w, "do-000001");
    assert_non_null(sim_answered(w, "do-000001"));
    number_is(w, "SELECT count(*) FROM run WHERE state = 'failed'", 1);
    w->no_spawn = false;
    scene_do(w, "do-000002");
    assert_int_equal(w->held_count, 1);
    sim_answer_held(w, APPLIED);
    sim_run_out(w);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    scene_end(w);
}

/* A child that goes on in a new segment stays in its tree, at its depth. */
static void a_segment_stays_in_its_tree(void **state) {
    static const sim_op slow[] = {{"sleep", "", "{\"us\":1000000}"}};
    (void)state;
    sim_world *w = scene("  - { id: lets, on: run.spawn, allow: {} }\n", spawn, COUNT(spawn));
    scene_helper(w, slow, COUNT(slow), "{\"result\":{},\"state\":\"continued\"}");
    sim_command(w, "do-000001", "do", "{\"agent\":\"boss\",\"input\":{}}");
    for (int i = 0; i < 400; i++) {
        kernel_turn(w->kernel);
        sim_step(w);
    }
    number_is(w, "SELECT count(*) > 2 FROM run", 1);
    number_is(w, "SELECT count(*) FROM run WHERE root <> 1 OR (id > 1 AND depth <> 1)", 0);
    scene_end(w);
}

/* ---- the stop ---- */

static void stop(sim_world *w) {
    kernel_stop(w->kernel);
    for (int i = 0; i < 1000 && !kernel_stopped(w->kernel); i++) {
        kernel_turn(w->kernel);
        sim_step(w);
    }
    assert_true(kernel_stopped(w->kernel));
}

static void a_stop_waits_for_what_is_under_way(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, once, COUNT(once));
    scene_do(w, "do-000001");
    kernel_stop(w->kernel);
    sim_run_out(w);
    assert_false(kernel_stopped(w->kernel));
    sim_answer_held(w, APPLIED);
    stop(w);
    state_is(w, "done");
    scene_end(w);
}

static void a_stop_does_not_wait_for_ever(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, once, COUNT(once));
    sim_command(w, "do-000001", "do", "{\"agent\":\"boss\",\"input\":{}}");
    while (!w->held_count) {
        kernel_turn(w->kernel);
        sim_step(w);
    }
    int64_t before = w->clock;
    w->horizon = 0;
    stop(w);
    assert_true(w->clock - before < 31000000);
    number_is(w, "SELECT stopped_us IS NOT NULL FROM boot", 1);
    scene_end(w);
}

static void what_a_stop_did_not_send_is_no_mystery(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, once, COUNT(once));
    scene_do(w, "do-000001");
    scene_do(w, "do-000002");
    assert_int_equal(w->held_count, 1);
    sim_answer_held(w, APPLIED);
    stop(w);
    assert_int_equal(w->held_count, 0);
    scene_restart(w);
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'unknown'", 0);
    assert_int_equal(w->held_count, 1);
    sim_answer_held(w, APPLIED);
    sim_run_out(w);
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'done'", 2);
    scene_end(w);
}

/* Lost and proved absent, over and over: it waits longer from time to time. */
static void what_is_always_absent_is_tried_ever_slower(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, checkable, COUNT(checkable));
    sim_put(w->root, "connectors/out/manifest.yaml",
            "id: org.example.out\nkind: connector\nversion: 1.0.0\nentry: out.lua\n"
            "needs: [ \"file:rw:{config.folder}\" ]\nresources:\n"
            "  checkable: { write: { class: checkable } }\n");
    scene_tell(w, "reload-01", "reload", "{}");
    int64_t before = w->clock;
    scene_do(w, "do-000001");
    for (int i = 0; i < 7; i++) {
        sim_answer_held(w, UNKNOWN);
        sim_run_out(w);
        sim_answer_held(w, ABSENT);
        sim_run_out(w);
    }
    assert_true(w->clock - before > 3000000);
    scene_end(w);
}

static size_t bytes_after_a_reload(sim_world *w, int number) {
    keel_buf rules = KEEL_BUF_INIT;
    char request[32];
    keel_buf_puts(&rules, "version: 1\nrules:\n" ALLOW);
    for (int i = 0; i < 400; i++) {
        keel_buf_printf(&rules,
                        "  - { id: r%d-%d, on: out.once.write, allow: { amount: { lt: %d } } }\n",
                        number, i, number * 1000 + i);
    }
    sim_put(w->root, "policies/p.yaml", rules.data);
    keel_buf_free(&rules);
    snprintf(request, sizeof request, "reload-%02d", number);
    scene_tell(w, request, "reload", "{}");
    assert_non_null(sim_answered(w, request));
    return mallinfo2().uordblks;
}

/* A kernel that lives for months is told of many policies. (A sanitizer's malloc counts nothing here.) */
static void a_policy_that_was_replaced_is_forgotten(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, once, COUNT(once));
    size_t one = bytes_after_a_reload(w, 1), two = bytes_after_a_reload(w, 2), last = two;
    for (int i = 3; i < 30; i++) {
        last = bytes_after_a_reload(w, i);
    }
    print_message("# %zu bytes, then %zu, %zu\n", one, two, last);
    assert_true(last < two + 200000); /* two policies are more; the record of each is some */
    scene_do(w, "do-000001");
    assert_int_equal(w->held_count, 1);
    scene_end(w);
}

/* A child that waited for its budget begins while its parent is recovered, and is on its worker's list
 * once: what walks that list comes to its end, also when the child has ended. */
static void a_child_begins_while_its_parent_is_recovered(void **state) {
    static const char lets[] = "  - { id: lets, on: run.spawn, allow: {} }\n";
    (void)state;
    sim_world *w = scene(
        "  - { id: lets, on: run.spawn, allow: {} }\n"
        "budgets:\n  - { id: all, scope: workspace, limit: 0 calls, window: none, at_hard: ask }\n",
        spawn, 1);
    scene_do(w, "do-000001");
    number_is(w, "SELECT count(*) FROM effect WHERE reason = 'budget'", 1);
    scene_policy(w, lets);
    sim_end(w);
    assert_true(sim_start(w));
    scene_tell(w, "cancel-02", "run.cancel", "{\"run\":2}");
    scene_pass(w, 600);
    number_is(w, "SELECT count(*) FROM run WHERE id = 2 AND state = 'cancelled'", 1);
    number_is(w, "SELECT count(*) FROM run WHERE id = 1 AND state = 'ended'", 1);
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_begins_while_its_parent_is_recovered),
        cmocka_unit_test(it_looks_where_it_was_sent),
        cmocka_unit_test(nobody_looks_elsewhere_after_a_restart),
        cmocka_unit_test(nothing_is_repeated_elsewhere),
        cmocka_unit_test(a_connection_that_is_removed_sends_no_more),
        cmocka_unit_test(a_read_without_its_connection_is_not_done),
        cmocka_unit_test(an_agent_that_is_gone_is_not_spawned),
        cmocka_unit_test(a_key_is_never_dropped),
        cmocka_unit_test(a_broken_policy_changes_nothing),
        cmocka_unit_test(a_policy_that_was_replaced_is_forgotten),
        cmocka_unit_test(an_executor_that_cannot_start),
        cmocka_unit_test(a_segment_stays_in_its_tree),
        cmocka_unit_test(a_stop_waits_for_what_is_under_way),
        cmocka_unit_test(a_stop_does_not_wait_for_ever),
        cmocka_unit_test(what_a_stop_did_not_send_is_no_mystery),
        cmocka_unit_test(what_is_always_absent_is_tried_ever_slower),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_change", tests, NULL, NULL);
}
