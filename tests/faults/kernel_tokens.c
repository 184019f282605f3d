/* What models use: held before it is sent, counted and priced by what the connector reports, refused where
 * nobody wrote a price; at each step also over a restart. */
#include "budgetscene.h"

#define ASK(args)                                                                                  \
    {                                                                                              \
        "effect", "out.ask.write",                                                                 \
            "{\"args\":" args ",\"resource\":\"ask\",\"use\":\"out\",\"verb\":\"write\"}"          \
    }
#define ROW(model, from, input)                                                                    \
    "  - { model: " model ", from: " from ", input: " input " USD, output: 15 USD,"                \
    " cache_read: 0.30 USD, cache_write: 3.75 USD }\n"
#define BIG "prices:\n" ROW("big", "2023-01-01", "3")
#define BUDGETS                                                                                    \
    ALLOW "budgets:\n  - { id: words, scope: workspace, limit: 10000 tokens, window: day }\n"      \
          "  - { id: purse, each: run_tree, limit: 5 USD }\n"
#define USED(model, in, out, read, write)                                                          \
    "\"usage\":{\"cache_read\":" #read ",\"cache_write\":" #write ",\"input\":" #in                \
    ",\"model\":\"" model "\",\"output\":" #out "}}"
#define SAYS(model, in, out, read, write)                                                          \
    "{\"result\":{\"id\":1}," USED(model, in, out, read, write)

static const sim_op big[] = {ASK("{\"max_tokens\":100,\"model\":\"big\"}")};
static const sim_op other[] = {ASK("{\"max_tokens\":100,\"model\":\"other\"}")};
static const sim_op nobody[] = {ASK("{\"n\":1}")};

static const char asks_a_model[] =
    "id: org.example.out\nkind: connector\nversion: 1.0.1\nentry: out.lua\n"
    "needs: [ \"file:rw:{config.folder}\" ]\nresources:\n"
    "  ask: { write: { class: once, tokens: { input: 1000, output: 500, max: max_tokens,\n"
    "    model: model } } }\n"
    "  once: { write: { class: once } }\n";

static sim_world *asking(const char *text, const sim_op *ops, size_t count) {
    sim_world *w = scene(text, ops, count);
    sim_put(w->root, "connectors/out/manifest.yaml", asks_a_model);
    scene_tell(w, "reload-00", "reload", "{}");
    return w;
}

#define HELD(unit)  "SELECT held FROM budget WHERE unit = '" unit "'"
#define SPENT(unit) "SELECT spent FROM budget WHERE unit = '" unit "'"

/* ---- what is held, and what becomes of it ---- */

static const struct {
    const char *args;
    int64_t tokens, micros; /* that are held */
} estimates[] = {
    {"{\"max_tokens\":100,\"model\":\"big\"}", 1100, 3750 + 1500},
    {"{\"model\":\"big\"}", 1500, 3750 + 7500},
    {"{\"max_tokens\":0,\"model\":\"big\"}", 1000, 3750},
    {"{\"max_tokens\":-5,\"model\":\"big\"}", 1500, 3750 + 7500},
    {"{\"max_tokens\":\"9\",\"model\":\"big\"}", 1009, 3750 + 135},
    {"{\"max_tokens\":1.5,\"model\":\"big\"}", 1500, 3750 + 7500},
    {"{\"max_tokens\":100}", 1100, 3750 + 1500}, /* of the dearest row: there is one */
    {"{\"max_tokens\":100,\"model\":7}", 1100, 3750 + 1500},
};

static void the_estimate_is_held(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(estimates); i++) {
        char request[300];
        snprintf(request, sizeof request,
                 "{\"args\":%s,\"resource\":\"ask\",\"use\":\"out\",\"verb\":\"write\"}",
                 estimates[i].args);
        const sim_op ops[] = {{"effect", "out.ask.write", request}};
        sim_world *w = asking(BUDGETS BIG, ops, 1);
        scene_do(w, "do-000001");
        assert_int_equal(w->held_count, 1);
        number_is(w, HELD("tokens"), estimates[i].tokens);
        number_is(w, HELD("USD"), estimates[i].micros);
        scene_answer(w, SAYS("big", 1, 0, 0, 0));
        number_is(w, "SELECT sum(held) FROM budget", 0);
        number_is(w, SPENT("tokens"), 1);
        number_is(w, SPENT("USD"), 3);
        scene_end(w);
    }
}

static void what_is_used_is_counted_and_priced(void **state) {
    (void)state;
    sim_world *w = asking(BUDGETS BIG, big, COUNT(big));
    scene_do(w, "do-000001");
    scene_answer(w, SAYS("big", 900, 50, 2000, 4));
    state_is(w, "done");
    number_is(w, SPENT("tokens"), 2954);
    number_is(w, SPENT("USD"), 2700 + 750 + 600 + 15);
    number_is(w, "SELECT cost_micros FROM effect WHERE currency = 'USD'", 4065);
    number_is(w,
              "SELECT count(*) FROM effect WHERE model = 'big' AND tokens_in = 900 AND tokens_out ="
              " 50 AND tokens_cache_read = 2000 AND tokens_cache_write = 4 AND NOT unpriced",
              1);
    number_is(w,
              "SELECT count(*) FROM effect WHERE price = '{\"at\":\"policies/p.yaml:8\","
              "\"cache_read\":300000,\"cache_write\":3750000,\"currency\":\"USD\",\"from\":"
              "\"2023-01-01\",\"input\":3000000,\"model\":\"big\",\"output\":15000000}'",
              1);
    scene_restart(w);
    number_is(w, SPENT("tokens"), 2954);
    scene_do(w, "do-000002");
    scene_answer(w, SAYS("big", 6000, 0, 0, 0));
    scene_do(w, "do-000003"); /* 8954 and 1100 are more than 10000 */
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'denied'", 1);
    number_is(w, RECORDS_WITH("31", "$.error.rule", "words"), 1);
    scene_pass(w, 86400);
    scene_do(w, "do-000004");
    assert_int_equal(w->held_count, 1);
    scene_end(w);
}

/* ---- prices ---- */

static void a_new_price_holds_from_its_day_on(void **state) {
    (void)state;
    /* it begins on 2023-11-14 at 22:13:20 */
    sim_world *w = asking(BUDGETS BIG ROW("big", "2023-11-15", "1"), big, COUNT(big));
    scene_pass(w, 6397);
    scene_do(w, "do-000001"); /* sent three seconds before: at that day's price */
    scene_pass(w, 5);
    scene_answer(w, SAYS("big", 1000, 0, 0, 0));
    number_is(w, "SELECT sum(cost_micros) FROM effect", 3000);
    scene_do(w, "do-000002");
    scene_answer(w, SAYS("big", 1000, 0, 0, 0));
    number_is(w, "SELECT sum(cost_micros) FROM effect", 4000);
    number_is(w, "SELECT count(DISTINCT price) FROM effect", 2);
    scene_end(w);
}

static const struct {
    const char *rules;
    const sim_op *ops;
    const char *why; /* a part of it */
} refused[] = {
    {BUDGETS BIG, other, "no price of the model \"other\" holds on 2023-11-14"},
    {BUDGETS, big, "no price of the model \"big\" holds"},
    {BUDGETS "prices: []\nunpriced: deny\n", big, "no price of the model \"big\" holds"},
    {BUDGETS "prices:\n" ROW("big", "2023-11-15", "3"), big, "no price of the model \"big\" holds"},
    {BUDGETS, nobody, "asks a model, and no price holds on 2023-11-14"},
    {ALLOW BIG, other, "no price of the model \"other\" holds"}, /* no budget, and still no price */
    {BUDGETS BIG "  - { model: eur, from: 2023-01-01, input: 1 EUR, output: 1 EUR, cache_read: 1 "
                 "EUR, cache_write: 1 EUR }\n",
     nobody, "prices are in several currencies"},
    {BUDGETS "prices:\n" ROW("big", "2023-11-15", "3") "unpriced: { assume: most_expensive }\n",
     big, "no price of the model \"big\" holds"},
};

static void what_nobody_priced_is_not_sent(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        char sql[400];
        sim_world *w = asking(refused[i].rules, refused[i].ops, 1);
        scene_do(w, "do-000001");
        assert_int_equal(w->held_count, 0);
        state_is(w, "denied");
        number_is(w, RECORDS_WITH("31", "$.error.rule", "unpriced"), 1);
        snprintf(sql, sizeof sql,
                 "SELECT count(*) FROM journal j LEFT JOIN payload p ON p.digest = j.digest WHERE "
                 "j.kind = 31 AND instr(json_extract(CAST(coalesce(j.body, p.bytes) AS TEXT), "
                 "'$.error.why'), '%s')",
                 refused[i].why);
        number_is(w, sql, 1);
        number_is(w, "SELECT coalesce(sum(held + spent), 0) FROM budget", 0);
        scene_end(w);
    }
}

/* With the row that was missing it goes. */
static void a_price_lets_it_go(void **state) {
    (void)state;
    sim_world *w = asking(BUDGETS BIG, other, COUNT(other));
    scene_do(w, "do-000001");
    state_is(w, "denied");
    scene_policy(w, BUDGETS BIG ROW("other", "2023-01-01", "2"));
    scene_tell(w, "reload-01", "reload", "{}");
    scene_do(w, "do-000002");
    scene_answer(w, SAYS("other", 1000, 0, 0, 0));
    number_is(w, SPENT("USD"), 2000);
    scene_end(w);
}

static const struct {
    const char *rules, *says;
    const sim_op *ops;
    int64_t tokens, micros; /* that are spent in the end */
    bool unpriced, assumed;
    const char *of; /* the model of the row */
} served[] = {
    /* another one answers: by its own price, else by that of the one that was asked for */
    {BUDGETS BIG ROW("new", "2023-01-01", "9"), SAYS("new", 1000, 0, 0, 0), big, 1000, 9000, false,
     false, "new"},
    {BUDGETS BIG, SAYS("big-2023", 1000, 0, 0, 0), big, 1000, 3000, false, false, "big"},
    /* nobody said which, and it is known now, or not: then all that was held is spent */
    {BUDGETS BIG, SAYS("big", 1000, 0, 0, 0), nobody, 1000, 3000, false, false, "big"},
    {BUDGETS BIG, SAYS("else", 1000, 0, 0, 0), nobody, 1000, 3750 + 7500, true, false, NULL},
    {BUDGETS BIG "unpriced: { assume: most_expensive }\n", SAYS("else", 1000, 0, 0, 0), nobody,
     1000, 3000, false, true, "big"},
    {BUDGETS BIG "unpriced: { assume: most_expensive }\n", SAYS("else", 1000, 0, 0, 0), other, 1000,
     3000, false, true, "big"},
    /* what the connector says that it cost, counts before all prices */
    {BUDGETS BIG,
     "{\"cost\":{\"currency\":\"USD\",\"micros\":77},\"result\":1," USED("big", 1000, 0, 0, 0), big,
     1000, 77, false, false, NULL},
    /* none is reported, or not so that it can be believed: all that was held is spent */
    {BUDGETS BIG, APPLIED, big, 1100, 5250, false, false, NULL},
    {BUDGETS BIG, "{\"result\":1,\"usage\":5}", big, 1100, 5250, false, false, NULL},
    {BUDGETS BIG, "{\"result\":1,\"usage\":{\"input\":1,\"model\":\"big\",\"output\":1}}", big,
     1100, 5250, false, false, NULL},
    {BUDGETS BIG, SAYS("big", -1, 0, 0, 0), big, 1100, 5250, false, false, NULL},
    {BUDGETS BIG, SAYS("big", 1.5, 0, 0, 0), big, 1100, 5250, false, false, NULL},
    {BUDGETS BIG, SAYS("big", 1000000001, 0, 0, 0), big, 1100, 5250, false, false, NULL},
    {BUDGETS BIG, SAYS("", 1, 0, 0, 0), big, 1100, 5250, false, false, NULL},
    {BUDGETS BIG,
     "{\"result\":1,\"usage\":{\"cache_read\":0,\"cache_write\":0,\"input\":1,\"model\":7,"
     "\"output\":1}}",
     big, 1100, 5250, false, false, NULL},
};

static void it_costs_what_served_it(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(served); i++) {
        sim_world *w = asking(served[i].rules, served[i].ops, 1);
        scene_do(w, "do-000001");
        scene_answer(w, served[i].says);
        state_is(w, "done");
        number_is(w, SPENT("tokens"), served[i].tokens);
        number_is(w, SPENT("USD"), served[i].micros);
        number_is(w, "SELECT cost_micros FROM effect", served[i].micros);
        number_is(w, "SELECT unpriced FROM effect", served[i].unpriced);
        number_is(w, "SELECT count(*) FROM effect WHERE price ->> 'assumed'", served[i].assumed);
        number_is(w, "SELECT count(price) FROM effect", served[i].of != NULL);
        if (served[i].of) {
            char sql[100];
            snprintf(sql, sizeof sql, "SELECT price ->> 'model' = '%s' FROM effect", served[i].of);
            number_is(w, sql, 1);
        }
        number_is(w, "SELECT sum(held) + sum(overrun) FROM budget", 0);
        scene_end(w);
    }
}

/* One of another currency answers: nothing of that was held, and it is spent, and over the limit. */
static void money_that_was_not_held_is_spent(void **state) {
    (void)state;
    sim_world *w = asking(BUDGETS "  - { id: euros, scope: workspace, limit: 0.001 EUR }\n" BIG
                                  "  - { model: eur, from: 2023-01-01, input: 2 EUR, output: 1 EUR,"
                                  " cache_read: 1 EUR, cache_write: 1 EUR }\n",
                          big, COUNT(big));
    scene_do(w, "do-000001");
    scene_answer(w, SAYS("eur", 1000, 0, 0, 0));
    state_is(w, "done");
    number_is(w, "SELECT count(*) FROM effect WHERE currency = 'EUR'", 1);
    number_is(w, SPENT("EUR"), 2000);
    number_is(w, "SELECT overrun FROM budget WHERE unit = 'EUR'", 1000);
    number_is(w, SPENT("USD"), 5250); /* what was held for it is not given back for that */
    number_is(w, "SELECT cost_micros FROM effect WHERE currency = 'EUR'", 2000);
    scene_restart(w);
    number_is(w, SPENT("EUR"), 2000);
    scene_end(w);
}

/* A verb that does not ask a model uses no tokens, whatever its connector says. */
static void what_is_not_declared_is_not_believed(void **state) {
    (void)state;
    sim_world *w = asking(BUDGETS BIG, once, COUNT(once));
    scene_do(w, "do-000001");
    number_is(w, "SELECT coalesce(sum(held), 0) FROM budget", 0);
    scene_answer(w, SAYS("big", 1000, 0, 0, 0));
    state_is(w, "done");
    number_is(w, "SELECT coalesce(sum(spent), 0) FROM budget", 0);
    number_is(w, "SELECT count(model) + sum(cost_micros) FROM effect", 0);
    scene_end(w);
}

/* ---- outcomes that are not known, people ---- */

static const struct {
    const char *verdict;
    int64_t tokens, micros;
} verdicts[] = {{"done", 1100, 5250}, {"not_done", 1100, 5250}};

static void an_unknown_outcome_keeps_its_tokens(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(verdicts); i++) {
        char args[100];
        sim_world *w = asking(BUDGETS BIG, big, COUNT(big));
        scene_do(w, "do-000001");
        scene_answer(w, UNKNOWN);
        state_is(w, "unknown");
        scene_restart(w);
        number_is(w, HELD("tokens"), 1100);
        number_is(w, HELD("USD"), 5250);
        snprintf(args, sizeof args, "{\"number\":1,\"verdict\":\"%s\",\"why\":\"looked\"}",
                 verdicts[i].verdict);
        scene_tell(w, "verdict-1", "verdict", args);
        number_is(w, "SELECT sum(held) FROM budget", 0);
        number_is(w, SPENT("tokens"), verdicts[i].tokens);
        number_is(w, SPENT("USD"), verdicts[i].micros);
        scene_end(w);
    }
}

/* Asked for and approved, tokens are borrowed; what is not used goes back to the lender first. */
static void tokens_are_borrowed(void **state) {
    (void)state;
    sim_world *w = asking(ALLOW "budgets:\n  - { id: few, scope: workspace, limit: 1000 tokens,"
                                " at_hard: ask }\n" BIG,
                          big, COUNT(big));
    scene_do(w, "do-000001");
    number_is(w, RECORDS_WITH("32", "$.beyond[0].unit", "tokens"), 1);
    scene_restart(w);
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    assert_int_equal(w->held_count, 1);
    number_is(w, HELD("tokens+"), 100);
    scene_answer(w, SAYS("big", 1050, 0, 0, 0));
    number_is(w, SPENT("tokens"), 1050);
    number_is(w, SPENT("tokens+"), 50);
    scene_end(w);
}

/* A release of what was held and not used lets go what waits for it. */
static void what_is_not_used_lets_the_next_go(void **state) {
    (void)state;
    sim_world *w = asking(ALLOW "budgets:\n  - { id: few, scope: workspace, limit: 1500 tokens,"
                                " at_hard: throttle, throttle: 1h }\n" BIG,
                          big, COUNT(big));
    scene_do(w, "do-000001");
    scene_do(w, "do-000002");
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'waiting' AND reason = 'budget'", 1);
    scene_answer(w, SAYS("big", 300, 0, 0, 0));
    scene_pass(w, 1);
    assert_int_equal(w->held_count, 1);
    number_is(w, HELD("tokens"), 1100);
    scene_end(w);
}

int main(void) {
    digest_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_estimate_is_held),
        cmocka_unit_test(what_is_used_is_counted_and_priced),
        cmocka_unit_test(a_new_price_holds_from_its_day_on),
        cmocka_unit_test(what_nobody_priced_is_not_sent),
        cmocka_unit_test(a_price_lets_it_go),
        cmocka_unit_test(it_costs_what_served_it),
        cmocka_unit_test(money_that_was_not_held_is_spent),
        cmocka_unit_test(what_is_not_declared_is_not_believed),
        cmocka_unit_test(an_unknown_outcome_keeps_its_tokens),
        cmocka_unit_test(tokens_are_borrowed),
        cmocka_unit_test(what_is_not_used_lets_the_next_go),
    };
    return cmocka_run_group_tests_name("kernel_tokens", tests, NULL, NULL);
}
