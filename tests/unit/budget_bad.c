/* Budgets that are refused, each with its place. */
#include "policy_bad.h"

#define B V "budgets:\n"

static const bad_policy bad[] = {
    {B "  - {scope: workspace, limit: 1 USD}\n", 3, 5, "no id", ""},
    {B "  - {id: a, limit: 1 USD}\n", 3, 5, "for whom", "scope: workspace"},
    {B "  - {id: a, scope: workspace, each: agent, limit: 1 USD}\n", 3, 5, "not both", ""},
    {B "  - {id: a, scope: agent, limit: 1 USD}\n", 3, 20, "only scope is workspace", ""},
    {B "  - {id: a, each: run, limit: 1 USD}\n", 3, 19, "agent, connection, run_tree or day", ""},
    {B "  - {id: a, scope: workspace, agents: [], limit: 1 USD}\n", 3, 39, "one or more names", ""},
    {B "  - {id: a, scope: workspace, on: inbox..write, limit: 1 USD}\n", 3, 35, "", ""},
    {B "  - {id: a, scope: workspace, on: model.fast.complete, limit: 1 USD}\n", 3, 35,
     "known, not yet", ""},
    {B "  - {id: a, each: connection, on: run.spawn, limit: 1 USD}\n", 3, 35,
     "goes through no connection", ""},
    {B "  - {id: a, scope: workspace, limit: 30 minutes}\n", 3, 38, "limited by the day",
     "each: day"},
    {B "  - {id: a, scope: workspace, limit: 5}\n", 3, 38, "this is no limit", "100 calls"},
    {B "  - {id: a, scope: workspace, limit: -5 USD}\n", 3, 38, "not negative", ""},
    {B "  - {id: a, scope: workspace}\n", 3, 5, "limits nothing", ""},
    {B "  - {id: a, scope: workspace, limit: 5 calls, max_calls: 6}\n", 3, 58, "two limits", ""},
    {B "  - {id: a, scope: workspace, max_depth: 3}\n", 3, 42, "only a run tree", ""},
    {B "  - {id: a, each: run_tree, max_depth: deep}\n", 3, 40, "max_depth is a number", ""},
    {B "  - {id: a, each: agent, limit: 1 USD, window: month}\n", 3, 48, "is no window", ""},
    {B "  - {id: a, each: agent, limit: 1 USD, tz: Europe/Madrid}\n", 3, 44, "without a window",
     ""},
    {B "  - {id: a, each: agent, limit: 1 USD, window: day, tz: Europe/Atlantis}\n", 3, 57,
     "no time zone \"Europe/Atlantis\"", "tzdata"},
    {B "  - {id: a, each: agent, limit: 1 USD, window: day, tz: ../../etc/passwd}\n", 3, 57,
     "no time zone", ""},
    {B "  - {id: a, each: agent, limit: 1 USD, window: 59m}\n", 3, 48, "1h to 366d", "24h"},
    {B "  - {id: a, each: agent, limit: 1 USD, window: 367d}\n", 3, 48, "1h to 366d", ""},
    {B "  - {id: a, each: agent, limit: 1 USD, window: lif}\n", 3, 48, "is no window", "\"life\""},
    {B "  - {id: a, each: agent, limit: 1 USD, window: [1h]}\n", 3, 48, "is no window", "24h"},
    {B "  - {id: a, each: agent, limit: 1 USD, window: 24h, tz: Europe/Madrid}\n", 3, 57,
     "turns at no clock", "window: day"},
    {B "  - {id: a, each: agent, limit: 1 USD, at_hard: batch}\n", 3, 49, "only what asks", "day"},
    {B "  - {id: a, each: agent, limit: 1 USD, at_hard: halt}\n", 3, 49, "throttle or stop", ""},
    {B "  - {id: a, each: agent, limit: 1 USD, throttle: 1m}\n", 3, 50, "at_hard: throttle", ""},
    {B "  - {id: a, each: agent, limit: 1 USD, at_hard: ask, then: ask}\n", 3, 60,
     "at_hard: throttle", ""},
    {B "  - {id: a, each: agent, limit: 1 USD, at_hard: throttle, throttle: 8d}\n", 3, 69,
     "1s to 7d", "10m"},
    {B "  - {id: a, each: agent, limit: 1 USD, at_hard: throttle, then: stop}\n", 3, 65,
     "deny or ask", ""},
    {B "  - {id: a, each: agent, limit: 1 USD, soft: 100%}\n", 3, 46, "from 1% to 99%", "80%"},
    {B "  - {id: a, each: agent, limit: 1 USD, soft: 0.8}\n", 3, 46, "from 1% to 99%", ""},
    {B "  - {id: a, each: agent, limit: 1 USD, at_soft: ask}\n", 3, 49, "without soft", ""},
    {B "  - {id: a, each: run_tree, max_depth: 3, soft: 80%}\n", 3, 49, "there is none", ""},
    {B "  - {id: a, each: agent, limit: 1 USD, soft: 80%, at_soft: tier}\n", 3, 60,
     "which tier is not said", "{ tier: fast }"},
    {B "  - {id: a, each: agent, limit: 1 USD, soft: 80%, at_soft: {tier: fsat}}\n"
       "tiers: {fast: {models: [m]}}\n",
     3, 67, "no tier \"fsat\"", "\"fast\""},
    {B "  - {id: a, each: agent, limit: 1 USD, soft: 80%, at_soft: [ask, bacth]}\n", 3, 66,
     "notify, ask, batch or", "\"batch\""},
    {B "  - {id: a, each: agent, limit: 1 USD, soft: 80%, at_soft: []}\n", 3, 60,
     "notify, ask, batch or", ""},
    {B "  - {id: a, each: agent, limit: 1 USD}\n  - {id: a, each: agent, limit: 1 EUR}\n", 4, 10,
     "already used at p.yaml:3", ""},
    /* names that do not exist */
    {B "  - {id: b, each: agent, limit: 1 USD, on: [c1.*, inbxo.message.write]}\n", 3, 51,
     "budget b: there is no connection \"inbxo\"", "inbox"},
    {B "  - {id: b, each: agent, limit: 1 USD, agents: [a, triaeg]}\n", 3, 52,
     "budget b: there is no agent \"triaeg\"", "triage"},
};

static void refuses_with_place(void **state) {
    (void)state;
    all_are_refused(bad, sizeof bad / sizeof *bad);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_with_place),
    };
    digest_init();
    return cmocka_run_group_tests_name("budget_bad", tests, NULL, NULL);
}
