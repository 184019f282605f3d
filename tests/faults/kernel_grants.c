/* A grant covers what a person signed that it covers, so often and so long, and nothing else. */
#include "grantscene.h"

/* ---- what it covers ---- */

static void a_plain_approval_covers_nothing_more(void **state) {
    (void)state;
    sim_world *w = scene(REMEMBER(""), say_a, 1);
    scene_do(w, "do-000001");
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    scene_do(w, "do-000002");
    number_is(w, "SELECT count(*) FROM grant", 0);
    asked(w, 1);
    scene_end(w);
}

static const sim_op say_b[] = {SAY("once", "\"n\":1,\"text\":\"b\"")};
static const sim_op no_text[] = {SAY("once", "\"n\":1")};
static const sim_op other_n[] = {SAY("once", "\"n\":2,\"text\":\"a\"")};
static const sim_op more[] = {SAY("once", "\"m\":1,\"n\":1,\"text\":\"a\"")};
static const sim_op without_n[] = {SAY("once", "\"text\":\"a\"")};
static const sim_op other_target[] = {SAY("keyed", "\"n\":1,\"text\":\"a\"")};

#define SECOND                                                                                     \
    "  - { id: second, on: \"out.*.write\", ask: { text: { in: [b] } } }\n"                        \
    "  - { id: never, on: \"out.*.write\", deny: { m: { present: true } } }\n"

static const struct {
    const char *name, *rules;
    const sim_op *then;
    enum { COVERED, ASKED, DENIED } is;
} shapes[] = {
    {"the same once more", REMEMBER(""), say_a, COVERED},
    {"what may vary", REMEMBER(", vary: [text]"), say_b, COVERED},
    {"what may vary is missing", REMEMBER(", vary: [text]"), no_text, COVERED},
    {"what may not vary", REMEMBER(""), say_b, ASKED},
    {"another field varies", REMEMBER(", vary: [text]"), other_n, ASKED},
    {"a field is missing", REMEMBER(", vary: [text]"), without_n, ASKED},
    {"a field too much", REMEMBER(", vary: [text]"), more, ASKED},
    {"another target", REMEMBER(", vary: [text, n]"), other_target, ASKED},
    {"another rule asks too", REMEMBER(", vary: [text]") SECOND, say_b, ASKED},
    {"another rule denies", REMEMBER(", vary: [text, m]") SECOND, more, DENIED},
};

static void it_covers_its_shape(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(shapes); i++) {
        sim_world *w = remembered(shapes[i].rules);
        then(w, shapes[i].then);
        bool sent = sim_number(w, "SELECT count(*) FROM effect WHERE run = 2"
                                  " AND state = 'intended' AND granted = 1") == 1;
        bool denied =
            sim_number(w, "SELECT count(*) FROM effect WHERE run = 2 AND state = 'denied'") == 1;
        if (sent != (shapes[i].is == COVERED) || denied != (shapes[i].is == DENIED) ||
            w->held_count != (size_t)sent) {
            fail_msg("%s: sent %d, denied %d", shapes[i].name, sent, denied);
        }
        number_is(w, "SELECT used FROM grant", sent);
        asked(w, shapes[i].is == ASKED);
        scene_end(w);
    }
}

/* A digest of a domain that is looked at, and varies with the field it comes from, is pinned too. */
static void what_the_rule_looks_at_is_the_same(void **state) {
    static const char rules[] =
        "  - { id: asks, on: \"out.*.write\", ask: { text: { matches: \"*\" } },\n"
        "      approval: { expires: 2h, remember: { for: 1h, max_uses: 2, vary: [n] } } }\n";
    (void)state;
    sim_world *w = remembered(rules);
    then(w, say_b);
    asked(w, 1);
    then(w, other_n);
    number_is(w, "SELECT used FROM grant", 1);
    scene_end(w);
}

static void of_its_agent_alone(void **state) {
    (void)state;
    sim_world *w = remembered(REMEMBER(""));
    scene_helper(w, say_a, 1, NULL);
    scene_tell(w, "do-helper", "do", "{\"agent\":\"helper\",\"input\":{}}");
    asked(w, 1);
    number_is(w, "SELECT used FROM grant", 0);
    scene_end(w);
}

/* ---- taint ---- */

#define READ                                                                                       \
    {                                                                                              \
        "effect", "out.words.read",                                                                \
            "{\"args\":{},\"resource\":\"words\",\"use\":\"out\",\"verb\":\"read\"}"               \
    }
static const sim_op read_and_say[] = {READ, SAY("once", "\"n\":1,\"text\":\"a\"")};

#define TAINTED "{\"result\":{\"text\":\"words\"}}" /* its read returns what is untrusted */

/* The run of the first is `first`, of the second `second`: does the grant of the one cover the other? */
static void taint(bool first, bool second, int covered) {
    sim_world *w = scene(REMEMBER(""), first ? read_and_say : say_a, first ? 2 : 1);
    scene_do(w, "do-000001");
    if (first) {
        scene_answer(w, TAINTED);
        number_is(w, "SELECT tainted FROM run WHERE id = 1", 1);
    }
    remember(w, 1);
    scene_answer(w, APPLIED);
    program(w, second ? read_and_say : say_a, second ? 2 : 1);
    scene_do(w, "do-000002");
    if (second) {
        scene_answer(w, TAINTED);
        number_is(w, "SELECT tainted FROM run WHERE id = 2", 1);
    }
    number_is(w, "SELECT used FROM grant", covered);
    asked(w, !covered);
    scene_end(w);
}

/* The same of runs whose input is of some sensitivity. */
static void level(const char *first, const char *second, int covered) {
    char args[100];
    sim_world *w = scene(REMEMBER(""), say_a, 1);
    snprintf(args, sizeof args, "{\"agent\":\"boss\",\"input\":{\"a\":1},\"sensitivity\":\"%s\"}",
             first);
    scene_tell(w, "do-000001", "do", args);
    remember(w, 1);
    scene_answer(w, APPLIED);
    snprintf(args, sizeof args, "{\"agent\":\"boss\",\"input\":{\"a\":1},\"sensitivity\":\"%s\"}",
             second);
    scene_tell(w, "do-000002", "do", args);
    number_is(w, "SELECT used FROM grant", covered);
    asked(w, !covered);
    scene_end(w);
}

static void what_is_more_private_is_not_covered_by_what_was_less(void **state) {
    (void)state;
    level("confidential", "confidential", 1);
    level("confidential", "public", 1);
    level("confidential", "restricted", 0);
    level("internal", "confidential", 0);
    level("public", "internal", 1);
}

static void what_is_tainted_is_not_covered_by_what_was_not(void **state) {
    (void)state;
    taint(false, false, 1);
    taint(false, true, 0);
    taint(true, false, 1);
    taint(true, true, 1);
}

/* ---- how often ---- */

static void so_often_and_no_more(void **state) {
    (void)state;
    sim_world *w = remembered(REMEMBER(""));
    for (int i = 2; i < 5; i++) {
        char request[24];
        snprintf(request, sizeof request, "do-%06d", i);
        scene_do(w, request);
        if (i < 4) {
            scene_answer(w, APPLIED);
        }
    }
    number_is(w, "SELECT used FROM grant", 2);
    asked(w, 1);
    scene_end(w);
}

/* Many in one turn, before any of it is durable. */
static void many_at_once_use_no_more(void **state) {
    (void)state;
    sim_world *w = remembered(REMEMBER(""));
    for (int i = 2; i < 9; i++) {
        char request[24];
        snprintf(request, sizeof request, "do-%06d", i);
        sim_command(w, request, "do", "{\"agent\":\"boss\",\"input\":{}}");
    }
    sim_run_out(w);
    number_is(w, "SELECT used FROM grant", 2);
    number_is(w, "SELECT count(*) FROM effect WHERE granted = 1", 2);
    asked(w, 5);
    scene_end(w);
}

/* What waits already was shown on a card of its own, and stays asked whatever is decided afresh. */
static void what_was_asked_before_stays_asked(void **state) {
    (void)state;
    sim_world *w = scene(REMEMBER(""), say_a, 1);
    scene_do(w, "do-000001");
    scene_do(w, "do-000002");
    remember(w, 1);
    scene_answer(w, APPLIED);
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    scene_tell(w, "resume-01", "resume", "{}");
    scene_tell(w, "reload-01", "reload", "{}");
    scene_restart(w);
    number_is(w, "SELECT used FROM grant", 0);
    asked(w, 1);
    scene_end(w);
}

/* Each attempt of one effect under the one use, also over a restart. */
static void further_attempts_use_no_more(void **state) {
    (void)state;
    for (int restart = 0; restart < 2; restart++) {
        sim_world *w = remembered(REMEMBER(""));
        scene_do(w, "do-000002");
        number_is(w, "SELECT used FROM grant", 1);
        scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
        scene_answer(w, "{\"code\":\"retry\",\"message\":\"busy\"}");
        if (restart) {
            scene_restart(w);
        }
        scene_tell(w, "resume-01", "resume", "{}");
        assert_int_equal(w->held_count, 1);
        number_is(w, "SELECT attempts FROM effect WHERE run = 2", 2);
        number_is(w, "SELECT used FROM grant", 1);
        scene_answer(w, APPLIED);
        scene_do(w, "do-000003"); /* the second use is still there, and is the last */
        scene_answer(w, APPLIED);
        scene_do(w, "do-000004");
        number_is(w, "SELECT used FROM grant", 2);
        asked(w, 1);
        scene_end(w);
    }
}

/* It was used before it was sent, and what became of that is looked for: nothing counts twice. */
static void killed_in_the_middle_of_a_use(void **state) {
    (void)state;
    sim_world *w = remembered(REMEMBER(""));
    scene_do(w, "do-000002");
    scene_restart(w);
    number_is(w, "SELECT used FROM grant", 1);
    number_is(w, "SELECT count(*) FROM effect WHERE run = 2 AND state = 'unknown'", 1);
    scene_do(w, "do-000003");
    number_is(w, "SELECT used FROM grant", 2);
    scene_do(w, "do-000004");
    asked(w, 1);
    scene_end(w);
}

/* ---- budgets ---- */

#define FEW                                                                                        \
    "budgets:\n  - { id: few, scope: workspace, limit: 1 calls, window: none, at_hard: ask }\n"

static void a_budget_asks_all_the_same(void **state) {
    (void)state;
    sim_world *w = remembered(REMEMBER("") FEW);
    scene_do(w, "do-000002");
    number_is(w, "SELECT used FROM grant", 0);
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'waiting' AND reason = 'budget'", 1);
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_approval_covers_nothing_more),
        cmocka_unit_test(it_covers_its_shape),
        cmocka_unit_test(what_the_rule_looks_at_is_the_same),
        cmocka_unit_test(of_its_agent_alone),
        cmocka_unit_test(what_is_tainted_is_not_covered_by_what_was_not),
        cmocka_unit_test(what_is_more_private_is_not_covered_by_what_was_less),
        cmocka_unit_test(so_often_and_no_more),
        cmocka_unit_test(many_at_once_use_no_more),
        cmocka_unit_test(what_was_asked_before_stays_asked),
        cmocka_unit_test(further_attempts_use_no_more),
        cmocka_unit_test(killed_in_the_middle_of_a_use),
        cmocka_unit_test(a_budget_asks_all_the_same),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_grants", tests, NULL, NULL);
}
