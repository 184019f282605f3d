/* What the compiler refuses, and what it warns about, each with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy.h"
#include "policy_world.h"

#define V "version: 1\n"
#define R V "rules:\n"
#define W R "  - id: r\n    on: c1.r1.write\n" /* the rule goes on at line 5 */
#define B V "budgets:\n"
#define E V "egress:\n"
#define T V "retries:\n"
#define K V "breakers:\n"

static const struct {
    const char *text;
    int line, column;
    const char *says, *next;
} bad[] = {
    /* the file */
    {"[]", 1, 1, "a policy wants a map", ""},
    {"rules: []\n", 1, 1, "version is missing", "version: 1"},
    {"version: 2\n", 1, 10, "not known", "version: 1"},
    {"version: \"1\"\n", 1, 10, "not known", ""},
    {V "rulse: []\n", 2, 1, "not known here", "rules"},
    {V "rules: {}\n", 2, 8, "rules wants a list", ""},
    {V "rules: [x]\n", 2, 9, "a rule wants a map", ""},
    {V "rates: []\n", 2, 1, "`rates` is known, not yet enforced", "Remove"},
    {V "quiet: []\n", 2, 1, "known, not yet enforced", ""},
    {V "retention: []\n", 2, 1, "known, not yet enforced", ""},
    {V "compact: []\n", 2, 1, "known, not yet enforced", ""},
    {V "snapshots: {}\n", 2, 1, "known, not yet enforced", ""},
    {V "tiers: {}\n", 2, 1, "known, not yet enforced", ""},
    {V "prices: []\n", 2, 1, "known, not yet enforced", ""},
    {V "unpriced: deny\n", 2, 1, "known, not yet enforced", ""},
    {V "fx: {}\n", 2, 1, "known, not yet enforced", ""},
    {V "defaults: { effect: allow }\n", 2, 21, "effect is always deny", "write a rule"},
    {V "defaults: { on_error: ask }\n", 2, 23, "on_error is always deny", ""},
    {V "defaults: { mode: shadow }\n", 2, 19, "known, not yet enforced", ""},
    {V "defaults: { efect: deny }\n", 2, 13, "not known here", "effect"},
    {V "lists: []\n", 2, 8, "lists wants a map", ""},
    {V "lists: { a: b }\n", 2, 13, "wants a list", ""},
    {V "lists: { a: [x, 5] }\n", 2, 17, "different types", "Quote"},
    {V "lists: { a: [1 EUR, 1 USD] }\n", 2, 21, "mixed currencies", ""},
    {V "lists: { a: [[x]] }\n", 2, 14, "single value", ""},
    {V "lists: { a b: [] }\n", 2, 10, "name of a list", ""},
    /* a rule */
    {R "  - on: c1.*\n    ask: {}\n", 3, 5, "no id", "id:"},
    {R "  - {id: \"a b\", on: c1.*, ask: {}}\n", 3, 10, "id of a rule", ""},
    {R "  - {id: none, on: c1.*, ask: {}}\n", 3, 10, "no rule speaks", ""},
    {R "  - {id: r, on: c1.*, ask: {}}\n  - {id: r, on: c1.*, ask: {}}\n", 4, 10,
     "already used at p.yaml:3", "another id"},
    {R "  - {id: r, ask: {}}\n", 3, 5, "on is missing", "connection.resource.verb"},
    {R "  - {id: r, on: [], ask: {}}\n", 3, 17, "one or more names", ""},
    {R "  - {id: r, on: inbox, ask: {}}\n", 3, 17, "names no verb", ""},
    {R "  - {id: r, on: inbox.message, ask: {}}\n", 3, 17, "names no verb", ""},
    {R "  - {id: r, on: \"*.write\", ask: {}}\n", 3, 17, "names no verb", ""},
    {R "  - {id: r, on: a.b.c.d, ask: {}}\n", 3, 17, "is no target", ""},
    {R "  - {id: r, on: a..write, ask: {}}\n", 3, 17, "is no target", ""},
    {R "  - {id: r, on: \"a b.c.write\", ask: {}}\n", 3, 17, "is no target", ""},
    {R "  - {id: r, on: inbox.message.wirte, ask: {}}\n", 3, 17, "no verb", "write"},
    {R "  - {id: r, on: inbox.message.send, ask: {}}\n", 3, 17, "no verb", "compensate"},
    {R "  - {id: r, on: model.fast.complete, ask: {}}\n", 3, 17, "known, not yet enforced", ""},
    {R "  - {id: r, on: memory.write, ask: {}}\n", 3, 17, "known, not yet enforced", ""},
    {R "  - {id: r, on: facts.client.set, ask: {}}\n", 3, 17, "known, not yet enforced", ""},
    {R "  - {id: r, on: c1.*, agents: [], ask: {}}\n", 3, 31, "one or more names", ""},
    {R "  - {id: r, on: c1.*}\n", 3, 5, "neither deny, allow nor ask", "ask: {}"},
    {R "  - {id: r, on: c1.*, aks: {}}\n", 3, 23, "not known here", "ask"},
    {R "  - {id: r, on: c1.*, mode: shadow, ask: {}}\n", 3, 29, "known, not yet enforced", ""},
    {R "  - {id: r, on: c1.*, mode: loud, ask: {}}\n", 3, 29, "mode is enforce", ""},
    /* conditions */
    {W "    allow: true\n", 5, 12, "conditions want a map", "always"},
    {W "    allow: { x: {} }\n", 5, 17, "without a comparator", ""},
    {W "    allow: { x: [a] }\n", 5, 17, "a list stands", "in: ["},
    {W "    allow: { x: { less: 5 } }\n", 5, 19, "not known here", ""},
    {W "    allow: { x: { ltt: 5 } }\n", 5, 19, "not known here", "lt"},
    {W "    allow: { x: { lt: cheap } }\n", 5, 23, "a number or an amount", "100 EUR"},
    {W "    allow: { x: { lt: \"5\" } }\n", 5, 23, "a number or an amount", ""},
    {W "    allow: { x: { in: a } }\n", 5, 23, "in wants a list", "$name"},
    {W "    allow: { x: { in: $ow } }\n", 5, 23, "there is no list \"ow\"", "lists:"},
    {V "lists: { own: [] }\nrules: [{id: r, on: c1.*, allow: {x: {in: $onw}}}]\n", 3, 43,
     "there is no list", "$own"},
    {W "    allow: { x: { in: [a, 5] } }\n", 5, 27, "different types", ""},
    {W "    allow: { x: { matches: 5 } }\n", 5, 28, "pattern of text", ""},
    {W "    allow: { x: { present: maybe } }\n", 5, 28, "true or false", ""},
    {W "    allow: { x: { lt: 5 EUR, gt: 1 USD } }\n", 5, 17, "mixed currencies", ""},
    {W "    allow: { x: { lt: 5 EUR } }\n    ask: { x: { lt: 9 USD } }\n", 6, 12,
     "compares x in EUR and in USD", "never converted"},
    {W "    allow: { \"x y\": 5 }\n", 5, 14, "an attribute cannot be", ""},
    {W "    when: { tainted: yes }\n    ask: {}\n", 5, 22, "tainted is either", "tainted: true"},
    {W "    when: { sink: extern }\n    ask: {}\n", 5, 19, "sink is never", "external"},
    {W "    when: { class: { in: [twice] } }\n    ask: {}\n", 5, 27, "class is never", ""},
    {W "    allow: { sum: { of: amount } }\n", 5, 14, "`sum` is known, not yet", ""},
    {W "    allow: { x: { count: { per: 1d } } }\n", 5, 19, "`count` is known, not yet", ""},
    {W "    ask: { sensitivity: { lte: internal } }\n", 5, 12, "`sensitivity` is known", ""},
    {W "    ask: { to_known: true }\n", 5, 12, "`to_known` is known", ""},
    /* approval */
    {W "    allow: {}\n    approval: {}\n", 6, 15, "a rule with ask", ""},
    {W "    ask: {}\n    approval: { by: [boss] }\n", 6, 21, "known, not yet", "operator"},
    {W "    ask: {}\n    approval: { expires: 5 }\n", 6, 26, "1m to 366d", "24h"},
    {W "    ask: {}\n    approval: { expires: 1s }\n", 6, 26, "1m to 366d", ""},
    {W "    ask: {}\n    approval: { on_expiry: allow }\n", 6, 28, "on_expiry is deny", ""},
    {W "    ask: {}\n    approval: { escalate: [] }\n", 6, 27, "1 to 8 steps", "notify: phone"},
    {W "    ask: {}\n    approval: { escalate: 4h }\n", 6, 27, "escalate wants a list", ""},
    {W "    ask: {}\n    approval: { escalate: [ { notify: phone } ] }\n", 6, 29, "1m to 366d",
     "4h"},
    {W "    ask: {}\n    approval: { escalate: [ { after: 5s } ] }\n", 6, 38, "1m to 366d", ""},
    {W "    ask: {}\n    approval: { escalate: [ { after: 2h }, { after: 2h } ] }\n", 6, 53,
     "later than the one before", "Sort"},
    {W "    ask: {}\n    approval: { escalate: [ { after: 2h, notify: [a] } ] }\n", 6, 50,
     "notify cannot be", "letters"},
    {W "    ask: {}\n    approval: { escalate: [ { after: 2h, call: a } ] }\n", 6, 42,
     "not known here", ""},
    {W "    ask: {}\n    approval: { escalate: [ { after: 24h } ] }\n", 6, 27, "expired already",
     "expires: 7d"},
    {W
     "    ask: {}\n    approval: { escalate: [ {after: 1m}, {after: 2m}, {after: 3m}, {after: 4m},"
     " {after: 5m}, {after: 6m}, {after: 7m}, {after: 8m}, {after: 9m} ] }\n",
     6, 27, "1 to 8 steps", ""},
    {W "    ask: {}\n    approval: { remember: {} }\n", 6, 17, "known, not yet", ""},
    {W "    ask: {}\n    approval: { digest: [] }\n", 6, 17, "known, not yet", ""},
    {W "    ask: {}\n    approval: { batch: { by: [agent] } }\n", 6, 26, "known, not yet", ""},
    {W "    ask: {}\n    approval: { batch: { max: 0 } }\n", 6, 31, "1 to 100", ""},
    {W "    ask: {}\n    approval: { expire: 1h }\n", 6, 17, "not known here", "expires"},
    /* budgets */
    {B "  - {scope: workspace, limit: 1 USD}\n", 3, 5, "no id", ""},
    {B "  - {id: a, limit: 1 USD}\n", 3, 5, "for whom", "scope: workspace"},
    {B "  - {id: a, scope: workspace, each: agent, limit: 1 USD}\n", 3, 5, "not both", ""},
    {B "  - {id: a, scope: agent, limit: 1 USD}\n", 3, 20, "only scope is workspace", ""},
    {B "  - {id: a, each: run, limit: 1 USD}\n", 3, 19, "agent or run_tree", ""},
    {B "  - {id: a, each: day, limit: 12 interruptions}\n", 3, 19, "known, not yet", ""},
    {B "  - {id: a, scope: workspace, limit: 30 minutes}\n", 3, 38, "known, not yet", ""},
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
    {B "  - {id: a, each: agent, limit: 1 USD, at_hard: throttle}\n", 3, 49, "known, not yet", ""},
    {B "  - {id: a, each: agent, limit: 1 USD, at_hard: stop}\n", 3, 49, "deny or ask", ""},
    {B "  - {id: a, each: agent, limit: 1 USD, soft: 80%}\n", 3, 40, "known, not yet", ""},
    {B "  - {id: a, each: agent, limit: 1 USD}\n  - {id: a, each: agent, limit: 1 EUR}\n", 4, 10,
     "already used at p.yaml:3", ""},
    /* egress */
    {V "egress: {}\n", 2, 9, "egress wants a list", ""},
    {V "egress: [billing]\n", 2, 10, "an entry of egress wants a map", ""},
    {E "  - {to: [\"https://a.example\"]}\n", 3, 5, "on is missing", "billing"},
    {E "  - {on: c1}\n", 3, 5, "to is missing", "https://"},
    {E "  - {on: c1, too: []}\n", 3, 14, "not known here", "to"},
    {E "  - {on: [], to: []}\n", 3, 10, "one or more names", ""},
    {E "  - {on: c1.r1.write, to: []}\n", 3, 10, "no connection's name", "keel.yaml"},
    {E "  - {on: [c1, \"C 2\"], to: []}\n", 3, 15, "no connection's name", ""},
    {E "  - {on: c1, to: {}}\n", 3, 18, "one or more names", ""},
    {E "  - {on: c1, to: [[x]]}\n", 3, 19, "to wants a text", ""},
    {E "  - {on: c1, to: [\"*\"]}\n", 3, 19, "", ""},
    {E "  - {on: c1, to: api.example}\n", 3, 18, "", ""},
    {E "  - {on: c1, to: [\"https://a.example\", \"ftp://a.example\"]}\n", 3, 40, "", ""},
    {E "  - {on: c1, to: [\"https://*\"]}\n", 3, 19, "", ""},
    {E "  - {on: c1, to: [\"https://a.*.example\"]}\n", 3, 19, "", ""},
    {E "  - {on: c1, to: [\"https://me:word@a.example\"]}\n", 3, 19, "", ""},
    /* retries */
    {V "retries: {}\n", 2, 10, "retries wants a list", ""},
    {V "retries: [c1]\n", 2, 11, "an entry of retries wants a map", ""},
    {T "  - {max: 5}\n", 3, 5, "on is missing", "connection.resource.verb"},
    {T "  - {on: \"c1.*\"}\n", 3, 5, "says nothing", "max: 5"},
    {T "  - {on: \"c1.*\", mx: 5}\n", 3, 18, "not known here", "max"},
    {T "  - {on: [], max: 5}\n", 3, 10, "one or more names", ""},
    {T "  - {on: c1, max: 5}\n", 3, 10, "names no verb", ""},
    {T "  - {on: c1.r1.red, max: 5}\n", 3, 10, "is no verb", "read"},
    {T "  - {on: model.fast.complete, max: 5}\n", 3, 10, "known, not yet", ""},
    {T "  - {on: run.spawn, max: 5}\n", 3, 10, "never fails half-way", ""},
    {T "  - {on: [\"c1.*\", \"run.*\"], max: 5}\n", 3, 10, "never fails half-way", ""},
    {T "  - {on: \"c1.*\", max: 0}\n", 3, 23, "1 to 1000", "max: 5"},
    {T "  - {on: \"c1.*\", max: 1001}\n", 3, 23, "1 to 1000", ""},
    {T "  - {on: \"c1.*\", max: -1}\n", 3, 23, "1 to 1000", ""},
    {T "  - {on: \"c1.*\", max: 99999999999999999999}\n", 3, 23, "1 to 1000", ""},
    {T "  - {on: \"c1.*\", max: many}\n", 3, 23, "1 to 1000", ""},
    {T "  - {on: \"c1.*\", max: [5]}\n", 3, 23, "1 to 1000", ""},
    {T "  - {on: \"c1.*\", first: 1}\n", 3, 25, "10ms to 24h", "first: 1s"},
    {T "  - {on: \"c1.*\", first: 9ms}\n", 3, 25, "10ms to 24h", ""},
    {T "  - {on: \"c1.*\", first: 25h}\n", 3, 25, "10ms to 24h", ""},
    {T "  - {on: \"c1.*\", first: -1s}\n", 3, 25, "10ms to 24h", ""},
    {T "  - {on: \"c1.*\", cap: 0s}\n", 3, 23, "10ms to 24h", ""},
    {T "  - {on: \"c1.*\", cap: 2d}\n", 3, 23, "10ms to 24h", ""},
    {T "  - {on: \"c1.*\", cap: 9999999999999d}\n", 3, 23, "10ms to 24h", ""},
    {T "  - {on: \"c1.*\", first: 5s, cap: 4s}\n", 3, 34, "shorter than first", ""},
    {T "  - {on: \"c9.*\", max: 5}\n", 3, 5, "no connection \"c9\"", ""},
    {T "  - {on: inbox.mesage.read, max: 5}\n", 3, 5, "no resource", "message"},
    {T "  - {on: c1.r2.read, max: 5}\n", 3, 5, "no such verb", ""},
    /* breakers */
    {V "breakers: {}\n", 2, 11, "breakers wants a list", ""},
    {V "breakers: [c1]\n", 2, 12, "an entry of breakers wants a map", ""},
    {K "  - {of: 5}\n", 3, 5, "on is missing", "inbox"},
    {K "  - {on: c1}\n", 3, 5, "says nothing", "open_at"},
    {K "  - {on: c1, open_at: 50%, after: 3}\n", 3, 28, "not known here", ""},
    {K "  - {on: [], of: 5}\n", 3, 10, "one or more names", ""},
    {K "  - {on: c1.r1.write, of: 5}\n", 3, 10, "a part of a connection", "inbox.*"},
    {K "  - {on: \"c1.r1.*\", of: 5}\n", 3, 10, "a part of a connection", ""},
    {K "  - {on: \"*.*.write\", of: 5}\n", 3, 10, "a part of a connection", ""},
    {K "  - {on: [c1, \"C 1\"], of: 5}\n", 3, 15, "is no connection", "keel.yaml"},
    {K "  - {on: .c1, of: 5}\n", 3, 10, "is no connection", ""},
    {K "  - {on: c1, open_at: 50}\n", 3, 23, "1% to 100%", "50%"},
    {K "  - {on: c1, open_at: 0%}\n", 3, 23, "1% to 100%", ""},
    {K "  - {on: c1, open_at: 101%}\n", 3, 23, "1% to 100%", ""},
    {K "  - {on: c1, open_at: -5%}\n", 3, 23, "1% to 100%", ""},
    {K "  - {on: c1, open_at: 5.5%}\n", 3, 23, "1% to 100%", ""},
    {K "  - {on: c1, open_at: 99999999999999999999%}\n", 3, 23, "1% to 100%", ""},
    {K "  - {on: c1, open_at: {}}\n", 3, 23, "1% to 100%", ""},
    {K "  - {on: c1, of: 0}\n", 3, 18, "1 to 1000", ""},
    {K "  - {on: c1, of: 1001}\n", 3, 18, "1 to 1000", ""},
    {K "  - {on: c1, for: 999ms}\n", 3, 19, "1000ms to 24h", ""},
    {K "  - {on: c1, for: 25h}\n", 3, 19, "1000ms to 24h", ""},
    {K "  - {on: c1, for: soon}\n", 3, 19, "1000ms to 24h", ""},
    {K "  - {on: inbxo, of: 5}\n", 3, 5, "no connection \"inbxo\"", "inbox"},
    {K "  - {on: \"inbxo.*\", of: 5}\n", 3, 5, "no connection \"inbxo\"", "inbox"},
    /* names that do not exist */
    {R "  - {id: r, on: inbxo.message.write, ask: {}}\n", 3, 5, "no connection \"inbxo\"", "inbox"},
    {R "  - {id: r, on: inbox.mesage.write, ask: {}}\n", 3, 5, "no resource", "message"},
    {R "  - {id: r, on: c1.r2.read, ask: {}}\n", 3, 5, "no such verb", "connection show"},
    {R "  - {id: r, on: c1.*, agents: [triaeg], ask: {}}\n", 3, 5, "no agent \"triaeg\"", "triage"},
    {R "  - {id: r, on: \"zzz.*\", ask: {}}\n", 3, 5, "no connection \"zzz\"", "connection list"},
};

static void refuses_with_place(void **state) {
    (void)state;
    policy_world world = test_world();
    int failed = 0;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        policy_source source = {"p.yaml", bad[i].text, strlen(bad[i].text)};
        policy *p = NULL;
        diag d = {0};
        int rc = policy_compile(&p, &source, 1, &world, NULL, NULL, &d);
        if (rc != DIAG_USAGE || p || d.line != bad[i].line || d.column != bad[i].column ||
            !strstr(d.what, bad[i].says) || !strstr(d.next, bad[i].next) || !d.next[0] ||
            strcmp(d.file, "p.yaml") != 0) {
            print_error("%d at %d:%d: %s | %s\n%s\n", rc, d.line, d.column, d.what, d.next,
                        bad[i].text);
            failed++;
        }
        policy_destroy(p);
    }
    test_world_free(&world);
    assert_int_equal(failed, 0);
}

static void ids_and_lists_are_unique_across_files(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *says;
    } cases[] = {
        {V "rules: [{id: r, on: \"*\", ask: {}}]\n", "already used at a.yaml:2"},
        {V "lists: {own: [x]}\n", "already at a.yaml:2"},
        {V "budgets: [{id: b, scope: workspace, limit: 1 USD}]\n", "already used at a.yaml:2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        policy_source files[] = {{"a.yaml", cases[i].text, strlen(cases[i].text)},
                                 {"b.yaml", cases[i].text, strlen(cases[i].text)}};
        policy *p = NULL;
        diag d = {0};
        assert_int_equal(policy_compile(&p, files, 2, NULL, NULL, NULL, &d), DIAG_USAGE);
        assert_non_null(strstr(d.what, cases[i].says));
        assert_string_equal(d.file, "b.yaml");
    }
}

/* ---- warnings ---- */

typedef struct heard {
    int count;
    diag first;
} heard;

static void hear(void *ctx, const diag *d) {
    heard *h = ctx;
    if (h->count++ == 0) {
        h->first = *d;
    }
}

static const struct {
    const char *text;
    int line;
    const char *says; /* NULL: silence */
} warned[] = {
    {R "  - {id: a, on: \"*.*.write\", deny: {}}\n  - {id: b, on: c1.r1.write, allow: {}}\n", 4,
     "b is shadowed: a"},
    {R "  - {id: a, on: \"c1.*\", ask: {}}\n  - {id: b, on: c1.r1.write, allow: {x: 1}}\n", 4,
     "b is shadowed: a"},
    {R "  - {id: a, on: \"c1.*\", ask: {}}\n  - {id: b, on: c1.r1.write, deny: {x: 1}}\n", 0, NULL},
    {R "  - {id: a, on: \"c1.*\", when: {x: 1}, deny: {}}\n  - {id: b, on: c1.r1.write, ask: {}}\n",
     0, NULL},
    {R "  - {id: a, on: \"c1.*\", agents: [a], deny: {}}\n  - {id: b, on: c1.r1.write, ask: {}}\n",
     0, NULL},
    {R "  - {id: a, on: c1.r1.write, deny: {}}\n  - {id: b, on: \"c1.*\", ask: {}}\n", 0, NULL},
    {R "  - {id: a, on: c1.r1.write, allow: {}, ask: {}}\n", 3, "its ask is never reached"},
    {R "  - {id: a, on: c1.r1.write, deny: {}, allow: {x: 1}}\n", 3, "its allow is never reached"},
    {R "  - {id: a, on: c1.r1.write, allow: {x: 1}, ask: {}}\n", 0, NULL},
    {R "  - {id: a, on: \"*.r9.write\", ask: {}}\n", 3, "matches nothing"},
    {R "  - {id: a, on: inbox.message.write, ask: {to_domian: {in: [x]}}}\n", 3,
     "no manifest declares the attribute to_domian"},
    {E "  - {on: billing, to: []}\n", 3, "no connection of this workspace matches \"billing\""},
    {E "  - {on: [c1, inbxo], to: []}\n", 3, "matches \"inbxo\""},
    {E "  - {on: c1, to: []}\n  - {on: \"x*\", to: []}\n", 4, "matches \"x*\""},
    {E "  - {on: [\"*\", c1, \"c?\"], to: []}\n", 0, NULL},
    {R "  - {id: a, on: inbox.message.write, ask: {subject: {present: true}}}\n", 0, NULL},
    {T "  - {on: \"*.r9.read\", max: 2}\n", 3, "retries: \"*.r9.read\" matches nothing"},
    {T "  - {on: [\"c1.*\", \"x*.*\"], max: 2}\n", 3, "\"x*.*\" matches nothing"},
    {T "  - {on: [\"*\", \"*.*.read\", c1.r1.write], max: 2}\n", 0, NULL},
    {K "  - {on: c1, of: 2}\n  - {on: \"x*.*\", of: 2}\n", 4, "breakers: \"x*\" matches nothing"},
    {K "  - {on: [\"*\", \"c?.*\", \"inbox.*.*\"], of: 2}\n", 0, NULL},
};

static void warns_of_what_never_matters(void **state) {
    (void)state;
    policy_world world = test_world();
    for (size_t i = 0; i < sizeof warned / sizeof *warned; i++) {
        policy_source source = {"p.yaml", warned[i].text, strlen(warned[i].text)};
        policy *p = NULL;
        diag d = {0};
        heard h = {0};
        assert_int_equal(policy_compile(&p, &source, 1, &world, hear, &h, &d), 0);
        policy_destroy(p);
        bool right = warned[i].says ? h.count == 1 && h.first.line == warned[i].line &&
                                          strstr(h.first.what, warned[i].says) && h.first.next[0]
                                    : h.count == 0;
        if (!right) {
            fail_msg("%s%d warnings, first at %d: %s", warned[i].text, h.count, h.first.line,
                     h.first.what);
        }
    }
    test_world_free(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_with_place),
        cmocka_unit_test(ids_and_lists_are_unique_across_files),
        cmocka_unit_test(warns_of_what_never_matters),
    };
    digest_init();
    return cmocka_run_group_tests_name("policy_bad", tests, NULL, NULL);
}
