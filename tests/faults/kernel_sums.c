/* Sums and counts of policy in a running kernel: what was sent counts, whatever becomes of the kernel;
 * what was proved not applied does not. */
#include "scene_restore.h"

#define AMOUNT(resource)                                                                           \
    {                                                                                              \
        "effect", "out." resource ".write",                                                        \
            "{\"args\":{\"amount\":\"200 EUR\"},\"resource\":\"" resource                          \
            "\",\"use\":\"out\",\"verb\":\"write\"}"                                               \
    }
#define SUM(per, limit) "sum: { of: amount, per: " per ", lte: " limit " EUR }"
#define LETS            "  - { id: lets, on: \"out.*.write\", allow: { " SUM("1d", "500") " }, ask: {} }\n"
#define FREE            "  - { id: lets, on: \"out.*.write\", allow: {} }\n"

static const sim_op once[] = {AMOUNT("once")};
static const sim_op keyed[] = {AMOUNT("keyed")};
static const sim_op read_it[] = {
    {"effect", "out.keyed.read",
     "{\"args\":{},\"resource\":\"keyed\",\"use\":\"out\",\"verb\":\"read\"}"}};

/* Whether some record of the kind says so. */
#define RECORDED(kind, text)                                                                       \
    "SELECT count(*) FROM journal j LEFT JOIN payload p ON p.digest = j.digest WHERE j.kind "      \
    "= " kind " AND instr(CAST(coalesce(j.body, p.bytes) AS TEXT), '" text "') > 0"
#define IN_STATE(state) "SELECT count(*) FROM effect WHERE state = '" state "'"

/* Two that are done. */
static sim_world *two_done(const char *rules, const sim_op *ops) {
    sim_world *w = scene(rules, ops, 1);
    for (int i = 1; i <= 2; i++) {
        char request[16];
        snprintf(request, sizeof request, "do-00000%d", i);
        scene_do(w, request);
        scene_answer(w, APPLIED);
    }
    number_is(w, IN_STATE("done"), 2);
    return w;
}

static void beyond_the_limit_a_person_is_asked(void **state) {
    (void)state;
    sim_world *w = two_done(LETS, once);
    scene_do(w, "do-000003");
    assert_int_equal(w->held_count, 0);
    number_is(w, IN_STATE("waiting"), 1);
    number_is(w, RECORDED("32", "\"sum(amount,1d)\":\"600 EUR\""), 1);
    number_is(
        w, RECORDED("32", "sum of amount in 1d is 400 EUR, with this one 600 EUR, limit 500 EUR"),
        1);
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    scene_answer(w, APPLIED);
    number_is(w, IN_STATE("done"), 3);
    scene_do(w, "do-000004"); /* what was approved counts too */
    number_is(w, RECORDED("32", "\"sum(amount,1d)\":\"800 EUR\""), 1);
    scene_end(w);
}

static void a_restart_forgets_nothing(void **state) {
    (void)state;
    sim_world *w = two_done(LETS, once);
    scene_restart(w);
    scene_do(w, "do-000003");
    assert_int_equal(w->held_count, 0);
    number_is(w, RECORDED("32", "\"sum(amount,1d)\":\"600 EUR\""), 1);
    scene_pass(w, 86400 / 2); /* the question expires in a day: not yet */
    scene_restart(w);
    scene_do(w, "do-000004");
    number_is(w, RECORDED("32", "\"sum(amount,1d)\":\"600 EUR\""), 2);
    scene_pass(w, 86400 / 2 + 1400);
    scene_restart(w);
    scene_do(w, "do-000005"); /* the two have left the window */
    assert_int_equal(w->held_count, 1);
    number_is(w, RECORDED("33", "\"sum(amount,1d)\":\"200 EUR\""), 2);
    scene_end(w);
}

static void time_frees(void **state) {
    (void)state;
    sim_world *w = two_done(LETS, once);
    scene_pass(w, 86399);
    scene_do(w, "do-000003");
    assert_int_equal(w->held_count, 0);
    scene_pass(w, 1 + 86400 / 64 + 1);
    scene_do(w, "do-000004");
    assert_int_equal(w->held_count, 1);
    scene_end(w);
}

/* Killed while one is on its way, or its answer was lost: it may have been applied. */
static void what_is_unknown_counts(void **state) {
    (void)state;
    for (int killed = 0; killed < 2; killed++) {
        sim_world *w = scene(LETS, once, COUNT(once));
        scene_do(w, "do-000001");
        if (killed) {
            scene_restart(w);
        } else {
            scene_answer(w, UNKNOWN);
        }
        number_is(w, IN_STATE("unknown"), 1);
        scene_restart(w);
        scene_do(w, "do-000002");
        scene_answer(w, APPLIED);
        scene_do(w, "do-000003");
        number_is(w, RECORDED("32", "\"sum(amount,1d)\":\"600 EUR\""), 1);
        scene_tell(w, "verdict-1", "verdict",
                   "{\"number\":1,\"verdict\":\"not_done\",\"why\":\"saw\"}");
        scene_do(w, "do-000004"); /* proved not applied: it is not there any more */
        assert_int_equal(w->held_count, 1);
        scene_restart(w);
        scene_end(w);
    }
}

static void what_was_refused_does_not_count(void **state) {
    (void)state;
    sim_world *w = scene(LETS, once, COUNT(once));
    for (int i = 1; i <= 4; i++) {
        char request[16];
        snprintf(request, sizeof request, "do-00000%d", i);
        scene_do(w, request);
        scene_answer(w, REFUSED);
    }
    number_is(w, IN_STATE("not_done"), 4);
    scene_restart(w);
    scene_do(w, "do-000005");
    assert_int_equal(w->held_count, 1);
    scene_end(w);
}

/* The limit has room for one: tried again it is the same effect, and no second one. */
static void tried_again_it_counts_once(void **state) {
    (void)state;
    static const char one[] =
        "  - { id: lets, on: \"out.*.write\", allow: { " SUM("1d", "300") " } }\n";
    for (int restart = 0; restart < 2; restart++) {
        sim_world *w = scene(one, keyed, COUNT(keyed));
        scene_do(w, "do-000001");
        scene_answer(w, UNKNOWN);
        if (restart) {
            scene_restart(w);
        }
        assert_int_equal(w->held_count, 1);
        number_is(w, "SELECT attempts FROM effect", 2 + restart);
        scene_answer(w, APPLIED);
        state_is(w, "done");
        scene_do(w, "do-000002");
        number_is(w, IN_STATE("denied"), 1);
        number_is(w, RECORDED("31", "\"sum(amount,1d)\":\"400 EUR\""), 1);
        scene_end(w);
    }
}

/* The same, proved not applied each time: decided afresh it is not in the past. */
static void put_off_it_is_decided_without_itself(void **state) {
    static const char later[] = "{\"code\":\"retry\",\"message\":\"not now\"}";
    (void)state;
    sim_world *w = scene("  - { id: lets, on: \"out.*.write\", allow: { " SUM("1d", "300") " } }\n",
                         keyed, COUNT(keyed));
    scene_do(w, "do-000001");
    scene_answer(w, later);
    assert_int_equal(w->held_count, 1);
    scene_answer(w, later);
    scene_restart(w); /* under way: it may be applied from here on */
    scene_answer(w, APPLIED);
    state_is(w, "done");
    scene_do(w, "do-000002");
    number_is(w, IN_STATE("denied"), 1);
    scene_end(w);
}

/* Two were asked for; when the second is approved the first has gone. */
static void consent_is_decided_with_the_sums_of_then(void **state) {
    (void)state;
    sim_world *w = scene("  - { id: asks, on: \"out.*.write\", deny: { count: { per: 1h, gt: 1 } },"
                         " ask: {} }\n",
                         once, COUNT(once));
    scene_do(w, "do-000001");
    scene_do(w, "do-000002");
    number_is(w, IN_STATE("waiting"), 2);
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    scene_answer(w, APPLIED);
    sim_approve(w, "approve-2", 2);
    sim_run_out(w);
    assert_int_equal(w->held_count, 0);
    number_is(w, IN_STATE("denied"), 1);
    scene_end(w);
}

/* ---- another policy ---- */

static void a_new_rule_counts_the_past(void **state) {
    (void)state;
    sim_world *w = two_done(FREE, once);
    scene_policy(w, LETS);
    scene_tell(w, "reload-01", "reload", "{}");
    scene_do(w, "do-000003");
    assert_int_equal(w->held_count, 0);
    scene_policy(w, "  - { id: lets, on: \"out.*.write\", allow: { " SUM("7d", "600") " } }\n");
    scene_tell(w, "reload-02", "reload", "{}"); /* and what waited goes by the new one */
    scene_do(w, "do-000004");
    assert_int_equal(w->held_count, 1);
    number_is(w, RECORDED("33", "\"sum(amount,7d)\":\"600 EUR\""), 1);
    scene_do(w, "do-000005"); /* also what is on its way */
    number_is(w, RECORDED("31", "\"sum(amount,7d)\":\"800 EUR\""), 1);
    scene_end(w);
}

/* Commit by commit: what is done and not yet durable is in no table, and counts all the same; once, also
 * where its run is over. */
static void a_reload_does_not_wait_for_the_disk(void **state) {
    (void)state;
    for (int i = 0; i < 12; i++) {
        int steps = i / 2, cancelled = i % 2;
        sim_world *w = scene(FREE, once, COUNT(once));
        scene_do(w, "do-000001");
        if (cancelled) {
            scene_tell(w, "cancel-01", "run.cancel", "{\"run\":1}");
        }
        scene_policy(w, LETS);
        sim_answer_held(w, APPLIED);
        for (int k = 0; k < steps; k++) {
            sim_step(w);
        }
        scene_tell(w, "reload-01", "reload", "{}");
        scene_do(w, "do-000002");
        number_is(w, RECORDED("33", "\"sum(amount,1d)\":\"400 EUR\""), 1);
        scene_end(w);
    }
}

/* ---- spawns and reads ---- */

static void spawns_are_counted(void **state) {
    static const sim_op spawns[] = {SPAWN_HELPER, SPAWN_HELPER};
    (void)state;
    sim_world *w = scene("  - { id: few, on: run.spawn, allow: { count: { per: 1d, each: agent,"
                         " lte: 3 } } }\n",
                         spawns, COUNT(spawns));
    scene_do(w, "do-000001");
    number_is(w, "SELECT count(*) FROM run WHERE agent = 'helper'", 2);
    scene_restart(w);
    scene_do(w, "do-000002");
    number_is(w, "SELECT count(*) FROM run WHERE agent = 'helper'", 3);
    number_is(w, RECORDED("31", "count in 1d for boss is 3, with this one 4, limit 3"), 1);
    scene_end(w);
}

static void reads_are_counted(void **state) {
    (void)state;
    sim_world *w =
        scene("  - { id: few, on: out.keyed.read, deny: { count: { per: 1h, gt: 2 } } }\n", read_it,
              COUNT(read_it));
    scene_do(w, "do-000001");
    scene_answer(w, UNKNOWN); /* it is read again, and that is one read */
    scene_answer(w, APPLIED);
    scene_do(w, "do-000002");
    scene_answer(w, APPLIED);
    scene_do(w, "do-000003");
    number_is(w, IN_STATE("denied"), 1);
    scene_end(w);
}

/* ---- what was erased ---- */

static void what_was_erased_cannot_be_told(void **state) {
    (void)state;
    sim_world *w =
        scene("  - { id: lets, on: \"out.*.write\", allow: { " SUM(
                  "1d", "500") ","
                               " count: { per: 1h, each: amount, lte: 2 } }, ask: {} }\n",
              once, COUNT(once));
    scene_do(w, "do-000001");
    scene_answer(w, APPLIED);
    int64_t seq = sim_number(w, "SELECT args_seq FROM effect");
    sim_end(w);
    scene_erase(w, seq);
    assert_true(sim_start(w));
    scene_do(w, "do-000002");
    assert_int_equal(w->held_count, 0);
    number_is(w, RECORDED("32", "the amount of one of them cannot be read any more"), 1);
    number_is(w, RECORDED("32", "\"count(1h,amount)\":2"), 1); /* it may have been of any */
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beyond_the_limit_a_person_is_asked),
        cmocka_unit_test(a_restart_forgets_nothing),
        cmocka_unit_test(time_frees),
        cmocka_unit_test(what_is_unknown_counts),
        cmocka_unit_test(what_was_refused_does_not_count),
        cmocka_unit_test(tried_again_it_counts_once),
        cmocka_unit_test(put_off_it_is_decided_without_itself),
        cmocka_unit_test(consent_is_decided_with_the_sums_of_then),
        cmocka_unit_test(a_new_rule_counts_the_past),
        cmocka_unit_test(a_reload_does_not_wait_for_the_disk),
        cmocka_unit_test(spawns_are_counted),
        cmocka_unit_test(reads_are_counted),
        cmocka_unit_test(what_was_erased_cannot_be_told),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_sums", tests, NULL, NULL);
}
