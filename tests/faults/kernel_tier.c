/* Tiers: what a run may ask for, and the cheaper one that a soft limit puts in its place: before the decision,
 * once, recorded, over a restart and a replay; never a dearer one, nor one that may not have what was read. */
#include "budgetscene.h"

#define OP(args)                                                                                   \
    {                                                                                              \
        "effect", "out.once.write",                                                                \
            "{\"args\":" args ",\"resource\":\"once\",\"use\":\"out\",\"verb\":\"write\"}"         \
    }
#define SMART OP("{\"n\":1,\"tier\":\"smart\"}")
#define FAST  OP("{\"n\":1,\"tier\":\"fast\"}")
#define LOCAL                                                                                      \
    {                                                                                              \
        "effect", "out.words.read",                                                                \
            "{\"args\":{\"n\":1},\"resource\":\"words\",\"use\":\"out\",\"verb\":\"read\"}"        \
    }

static const sim_op smart[] = {SMART};
static const sim_op fast[] = {FAST};
/* Another answer makes another call of the second: a replay that differs is seen. */
static const sim_op twice[] = {SMART,
                               {"effect", "out.plain.write",
                                "{\"args\":{\"n\":\"$m\"},\"resource\":\"plain\",\"use\":\"out\","
                                "\"verb\":\"write\"}"}};

#define TIERS                                                                                      \
    "tiers:\n  tiny: { models: [e] }\n  small: { models: [a], max_sensitivity: public }\n  fast: " \
    "{ models: [b] }\n"                                                                            \
    "  smart: { models: [c], max_sensitivity: internal }\n  home: { models: [d], where: local }\n"
#define SOFT(it)                                                                                   \
    "budgets:\n  - { id: few, scope: workspace, limit: 5 calls, soft: 40%, " it " }\n" TIERS
#define HARD   "budgets:\n  - { id: few, scope: workspace, limit: 5 calls }\n" TIERS
#define PACED  "rates:\n  - { on: \"out.*.write\", limit: 2, per: 1h }\n"
#define LETS   ALLOW "  - { id: reads, on: \"out.*.read\", allow: {} }\n"
#define ASKING "  - { id: asks, on: \"out.*.write\", ask: {}, approval: { expires: 7d } }\n"

static const char with_tier[] =
    "id: org.example.out\nkind: connector\nversion: 1.0.1\nentry: out.lua\n"
    "needs: [ \"file:rw:{config.folder}\" ]\nresources:\n"
    "  once: { write: { class: %s }, attributes: { tier: { of: tier } } }\n"
    "  plain: { write: { class: once } }\n"
    "  words: { read: { returns: trusted, sensitivity: %s } }\n";

static sim_world *tiers(const char *rules, const sim_op *ops, size_t count, const char *class,
                        const char *level) {
    char text[700];
    sim_world *w = scene(rules, ops, count);
    snprintf(text, sizeof text, with_tier, class, level);
    sim_put(w->root, "connectors/out/manifest.yaml", text);
    scene_tell(w, "reload-00", "reload", "{}");
    return w;
}

static void told_is(sim_world *w, size_t at, const char *args) {
    assert_true(w->held_count > at);
    assert_string_equal(w->held[at].body, args);
}

#define AT_SMART "{\"n\":1,\"tier\":\"smart\"}"
#define AT_FAST  "{\"n\":1,\"tier\":\"fast\"}"

/* Two of five calls: the soft limit is reached. */
static void reach(sim_world *w) {
    scene_do_many(w, "reach", 2);
    for (int i = 0; i < 2; i++) {
        told_is(w, 0, AT_SMART);
        scene_answer(w, APPLIED);
    }
}

#define LOWERED(kind) RECORDS_WITH(kind, "$.tier.to", "fast")

static void from_the_soft_limit_on_it_runs_cheaper(void **state) {
    (void)state;
    sim_world *w = tiers(LETS SOFT("at_soft: [notify, { tier: fast }]"), smart, COUNT(smart),
                         "once", "internal");
    reach(w);
    number_is(w, LOWERED("33"), 0);
    scene_do(w, "on-000001");
    told_is(w, 0, AT_FAST);
    number_is(w, LOWERED("33"), 1);
    number_is(w, RECORDS_WITH("33", "$.tier.from", "smart"), 1);
    number_is(w, RECORDS_WITH("33", "$.tier.why", "budget few is at 40 %"), 1);
    number_is(w, RECORDS_WITH("33", "$.args.tier", "fast"), 1);
    scene_answer(w, APPLIED);
    number_is(w, RECORDS_WITH("34", "$.result.tier", "fast"), 1); /* the run sees it */
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 3);
    scene_end(w);
}

/* The agent asks for the same again, and is told the same, though the budget is another by now. */
static void a_replay_is_told_what_was_run(void **state) {
    (void)state;
    sim_world *w =
        tiers(LETS SOFT("at_soft: { tier: fast }"), twice, COUNT(twice), "once", "internal");
    scene_do(w, "reach-001");
    scene_answer(w, APPLIED);
    scene_answer(w, APPLIED);
    scene_do(w, "do-000001");
    told_is(w, 0, AT_FAST);
    scene_answer(w, APPLIED);
    assert_int_equal(w->held_count, 1); /* the second step, of what the first came to */
    char second[64];
    snprintf(second, sizeof second, "%s", w->held[0].body);
    scene_policy(w, LETS TIERS);
    scene_restart(w);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'paused'", 0);
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'unknown'",
              1); /* the second, of class once */
    number_is(w, LOWERED("33"), 1);
    number_is(w, "SELECT count(*) FROM effect WHERE path = '2'", 2);
    scene_end(w);
}

/* Asked for what will run; its bytes are then a person's, whatever the budget does. */
static void what_waits_for_a_person_keeps_its_bytes(void **state) {
    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        sim_world *w =
            tiers(LETS SOFT("at_soft: { tier: fast }"), smart, COUNT(smart), "once", "internal");
        reach(w);
        scene_policy(w, ASKING SOFT("at_soft: { tier: fast }"));
        scene_tell(w, "reload-01", "reload", "{}");
        scene_do(w, "on-000001");
        number_is(w, LOWERED("32"), 1);
        number_is(w, RECORDS_WITH("32", "$.args.tier", "fast"), 1);
        scene_policy(w, ASKING SOFT("at_soft: { tier: tiny }")); /* cheaper still */
        scene_tell(w, "reload-02", "reload", "{}");
        if (restarts) {
            scene_restart(w);
        }
        sim_approve(w, "approve-1", 1);
        sim_run_out(w);
        told_is(w, 0, AT_FAST);
        scene_answer(w, APPLIED);
        number_is(w, RECORDS_WITH("34", "$.result.tier", "fast"), 1);
        number_is(w, "SELECT count(*) FROM item WHERE state = 'stale'", 0);
        scene_end(w);
    }
}

static void what_was_asked_before_is_not_lowered(void **state) {
    (void)state;
    sim_world *w =
        tiers(ASKING SOFT("at_soft: { tier: fast }"), smart, COUNT(smart), "once", "internal");
    scene_do_many(w, "do", 3);
    for (int i = 1; i <= 3; i++) {
        char request[24];
        snprintf(request, sizeof request, "approve-%d", i);
        sim_approve(w, request, i);
        sim_run_out(w);
        told_is(w, 0, AT_SMART);
        scene_answer(w, APPLIED);
    }
    number_is(w, LOWERED("33"), 0);
    scene_end(w);
}

/* What waits for its pace is nobody's yet: decided again, it is lowered then, and so recorded. */
static void what_waits_unasked_is_lowered_when_it_goes(void **state) {
    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        sim_world *w = tiers(LETS HARD PACED, smart, COUNT(smart), "once", "internal");
        scene_do_many(w, "do", 3);
        scene_answer(w, APPLIED);
        scene_answer(w, APPLIED);
        number_is(w, RECORDS_WITH("32", "$.args.tier", "smart"), 1);
        scene_policy(w, LETS SOFT("at_soft: { tier: fast }") PACED);
        scene_tell(w, "reload-01", "reload", "{}");
        if (restarts) {
            scene_restart(w);
        }
        scene_pass(w, 3700);
        told_is(w, 0, AT_FAST);
        number_is(w, LOWERED("33"), 1);
        if (restarts) {
            scene_restart(w); /* of class once, and lost: what it was run at stands all the same */
            number_is(w, "SELECT count(*) FROM effect WHERE state = 'unknown'", 1);
        } else {
            scene_answer(w, APPLIED);
            number_is(w, RECORDS_WITH("34", "$.result.tier", "fast"), 1);
        }
        scene_end(w);
    }
}

/* A key is for exact bytes: what is tried again is tried as it was. */
static void a_further_attempt_keeps_its_bytes(void **state) {
    (void)state;
    sim_world *w =
        tiers(LETS SOFT("at_soft: { tier: fast }"), smart, COUNT(smart), "repeatable", "internal");
    scene_do(w, "do-000001");
    told_is(w, 0, AT_SMART);
    scene_do_many(w, "more", 2);
    scene_answer(w, "{\"code\":\"unavailable\",\"message\":\"not now\"}");
    told_is(w, 0, AT_SMART);
    scene_answer(w, APPLIED);
    told_is(w, 0, AT_FAST); /* while two of five were held */
    scene_answer(w, APPLIED);
    scene_pass(w, 2);
    told_is(w, 0, AT_SMART);
    scene_end(w);
}

static const struct {
    const char *policy, *class, *level;
    const sim_op *ops;
    const char *sent;
} same[] = {
    /* never a dearer one, nor the same; and only from the limit on */
    {LETS SOFT("at_soft: { tier: smart }"), "once", "internal", fast, AT_FAST},
    {LETS SOFT("at_soft: { tier: fast }"), "once", "internal", fast, AT_FAST},
    {LETS SOFT("at_soft: [ask, notify]"), "once", "internal", fast, AT_FAST},
    {LETS SOFT("at_soft: { tier: small }, agents: [helper]"), "once", "internal", fast, AT_FAST},
    /* a run is internal by what it was given: small takes what is public */
    {LETS SOFT("at_soft: { tier: small }"), "once", "internal", fast, AT_FAST},
};

static void what_is_left_as_it_is(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(same); i++) {
        sim_world *w = tiers(LETS HARD, smart, COUNT(smart), same[i].class, same[i].level);
        reach(w);
        sim_program *p = (sim_program *)(uintptr_t)w->programs;
        p[0].ops = same[i].ops;
        scene_policy(w, same[i].policy);
        scene_tell(w, "reload-01", "reload", "{}");
        scene_do(w, "on-000001");
        if (w->held_count == 0) { /* asked for */
            sim_approve(w, "approve-1", 1);
            sim_run_out(w);
        }
        told_is(w, 0, same[i].sent);
        number_is(w, RECORDS_WITH("33", "$.tier.from", "fast"), 0);
        scene_answer(w, APPLIED);
        number_is(w, RECORDS_WITH("34", "$.result.tier", "fast"), 0);
        scene_end(w);
    }
}

/* ---- what a run may ask for ---- */

static const sim_op reads_then_smart[] = {LOCAL, SMART};
static const sim_op reads_then_home[] = {LOCAL, OP("{\"n\":1,\"tier\":\"home\"}")};
static const sim_op reads_then_any[] = {LOCAL, OP("{\"n\":1}")};
static const sim_op reads_then_plain[] = {LOCAL,
                                          {"effect", "out.plain.write",
                                           "{\"args\":{\"n\":1,\"tier\":\"zzz\"},\"resource\":"
                                           "\"plain\",\"use\":\"out\",\"verb\":\"write\"}"}};
static const sim_op misspelt[] = {OP("{\"n\":1,\"tier\":\"smrat\"}")};
static const sim_op number[] = {OP("{\"n\":1,\"tier\":5}")};

static const struct {
    const sim_op *ops;
    size_t count;
    const char *policy, *level;
    const char *denied; /* what it says, or NULL: it goes */
} gates[] = {
    {reads_then_smart, 2, LETS TIERS, "internal", NULL},
    {reads_then_smart, 2, LETS TIERS, "confidential",
     "tier smart (policies/p.yaml:9) takes what is internal at most, and this run has read what is "
     "confidential"},
    {reads_then_home, 2, LETS TIERS, "restricted", NULL},
    {reads_then_any, 2, LETS TIERS, "restricted",
     "it names no tier, and tier tiny (policies/p.yaml:6) takes what is confidential at most, and "
     "this "
     "run "
     "has read what is restricted"},
    {reads_then_any, 2, LETS "tiers: { home: { models: [d], where: local } }\n", "restricted",
     NULL},
    {reads_then_plain, 2, LETS TIERS, "restricted", NULL}, /* its verb declares no tier */
    {reads_then_smart, 2, LETS, "restricted", NULL},       /* the policy has none */
    {misspelt, 1, LETS TIERS, "internal", "no tier of the policy is named \"smrat\""},
    {number, 1, LETS TIERS, "internal", "its tier is no name"},
};

static void labels_gate_tiers(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(gates); i++) {
        sim_world *w = tiers(gates[i].policy, gates[i].ops, gates[i].count, "once", gates[i].level);
        scene_do(w, "do-000001");
        if (gates[i].count == 2) {
            scene_answer(w, APPLIED);
        }
        char sql[700];
        snprintf(sql, sizeof sql, RECORDS_WITH("31", "$.error.why", "%s"),
                 gates[i].denied ? gates[i].denied : "");
        int64_t said = sim_number(w, sql);
        if (said != (gates[i].denied != NULL) || w->held_count != (gates[i].denied == NULL)) {
            fail_msg("%zu: %d such denials, %zu sent", i, (int)said, w->held_count);
        }
        number_is(w, RECORDS_WITH("31", "$.error.rule", "tiers"), gates[i].denied != NULL);
        scene_end(w);
    }
}

/* smart takes what is internal, fast what is confidential: lowered first, and then it may go. */
static void the_cheaper_one_is_the_one_that_is_judged(void **state) {
    (void)state;
    sim_world *w =
        tiers(LETS SOFT("at_soft: { tier: fast }"), reads_then_smart, 2, "once", "confidential");
    scene_do(w, "do-000001");
    scene_answer(w, APPLIED); /* one call of five: smart is denied */
    number_is(w, RECORDS_WITH("31", "$.error.rule", "tiers"), 1);
    scene_do(w, "do-000002");
    scene_answer(w, APPLIED); /* two of five */
    told_is(w, 0, AT_FAST);
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_the_soft_limit_on_it_runs_cheaper),
        cmocka_unit_test(a_replay_is_told_what_was_run),
        cmocka_unit_test(what_waits_for_a_person_keeps_its_bytes),
        cmocka_unit_test(what_was_asked_before_is_not_lowered),
        cmocka_unit_test(what_waits_unasked_is_lowered_when_it_goes),
        cmocka_unit_test(a_further_attempt_keeps_its_bytes),
        cmocka_unit_test(what_is_left_as_it_is),
        cmocka_unit_test(labels_gate_tiers),
        cmocka_unit_test(the_cheaper_one_is_the_one_that_is_judged),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_tier", tests, NULL, NULL);
}
