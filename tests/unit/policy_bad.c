/* What the compiler refuses, and what it warns about, each with its place. */
#include "policy_bad.h"

#define R V "rules:\n"
#define W R "  - id: r\n    on: c1.r1.write\n" /* the rule goes on at line 5 */
#define E V "egress:\n"
#define T V "retries:\n"
#define K V "breakers:\n"

static const bad_policy bad[] = {
    /* the file */
    {"[]", 1, 1, "a policy wants a map", ""},
    {"rules: []\n", 1, 1, "version is missing", "version: 1"},
    {"version: 2\n", 1, 10, "not known", "version: 1"},
    {"version: \"1\"\n", 1, 10, "not known", ""},
    {V "rulse: []\n", 2, 1, "not known here", "rules"},
    {V "rules: {}\n", 2, 8, "rules wants a list", ""},
    {V "rules: [x]\n", 2, 9, "a rule wants a map", ""},
    {V "fx: {}\n", 2, 1, "known, not yet enforced", ""},
    {V "defaults: { effect: allow }\n", 2, 21, "effect is always deny", "write a rule"},
    {V "defaults: { on_error: ask }\n", 2, 23, "on_error is always deny", ""},
    {V "defaults: { mode: loud }\n", 2, 19, "mode is enforce or shadow", ""},
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
    {R "  - {id: r, on: c1.*, ask: {}, rate: x}\n", 3, 32, "no part of a rule", "`rates:` beside"},
    {R "  - {id: r, on: c1.*, ask: {}, quiet: x}\n", 3, 32, "no part of a rule", "`quiet:` beside"},
    {R "  - {id: a, on: c1.*, mode: shadow, ask: {}}\n  - {id: a, on: c2.*, ask: {}}\n", 4, 10,
     "the id \"a\" is already used", ""},
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
    {V "lists: { own: [a] }\nrules: [{id: r, on: c1.*, deny: {x: $own}}]\n", 3, 37,
     "$own is a list", "in: $own"},
    {V "lists: { own: [a] }\nrules: [{id: r, on: c1.*, deny: {x: {not_in: [b, \"$own\"]}}}]\n", 3,
     50, "$own is a list", "not_in: $own"},
    {V "lists: { own: [a] }\nrules: [{id: r, on: c1.*, deny: {x: {matches: $own}}}]\n", 3, 47,
     "$own is a list", ""},
    {V "lists: { a: [$b], b: [x] }\nrules: [{id: r, on: c1.*, ask: {x: {in: $a}}}]\n", 2, 14,
     "$b is a list", "holds no other list"},
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
    {W "    ask: { sensitivity: { lte: intenal } }\n", 5, 32, "sensitivity is never",
     "\"internal\""},
    {W "    ask: { sensitivity: secret }\n", 5, 25, "sensitivity is never", "confidential"},
    {W "    ask: { sensitivity: { lte: 2 } }\n", 5, 32, "sensitivity is never", ""},
    {W "    ask: { sensitivity: { in: [public, open] } }\n", 5, 40, "sensitivity is never", ""},
    {W "    ask: { sensitivity: { matches: \"con*\" } }\n", 5, 27, "sensitivity has no matches",
     "lte: internal"},
    {W "    ask: { sink: { gte: external } }\n", 5, 20, "sink has no gte", "sink: external"},
    {W "    ask: { to_known: true }\n", 5, 12, "`to_known` is known", ""},
    /* approval */
    {W "    allow: {}\n    approval: {}\n", 6, 15, "a rule with ask", ""},
    {W "    ask: {}\n    approval: { by: [boss] }\n", 6, 21, "known, not yet", "operator"},
    {W "    ask: {}\n    approval: { expires: 5 }\n", 6, 26, "1s to 366d", "24h"},
    {W "    ask: {}\n    approval: { expires: 999ms }\n", 6, 26, "1s to 366d", ""},
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
    {W "    ask: {}\n    approval: { remember: {} }\n", 6, 27, "1m to 31d", "for: 1h"},
    {W "    ask: { n: { lt: 5 } }\n    approval: { remember: { for: 1h, max_uses: 2, vary: n } }\n",
     6, 57, "looks at n", "the same n"},
    {W "    ask: { sum: { of: n, per: 1d, lte: 5 EUR } }\n"
       "    approval: { remember: { for: 1h, max_uses: 2, vary: [m, n] } }\n",
     6, 61, "looks at n", ""},
    {W "    ask: { count: { per: 1d, each: n, lte: 5 } }\n"
       "    approval: { remember: { for: 1h, max_uses: 2, vary: [m, n] } }\n",
     6, 61, "looks at n", ""},
    {W "    ask: {}\n    approval: { digest: [\"09:00\"], escalate: [ { after: 4h } ] }\n", 6, 46,
     "counted from the digest", "expires: 7d"},
    {W "    ask: {}\n    approval: { digest: [] }\n", 6, 25, "1 to 24 times", "09:00"},
    {W "    ask: {}\n    approval: { batch: { by: [] } }\n", 6, 30, "one or more names", ""},
    {W "    ask: {}\n    approval: { batch: {} }\n", 6, 24, "batch says nothing", "max: 25"},
    {W "    ask: {}\n    approval: { batch: { max: 0 } }\n", 6, 31, "1 to 100", ""},
    {W "    ask: {}\n    approval: { expire: 1h }\n", 6, 17, "not known here", "expires"},
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
    {T "  - {on: \"c9.*\", max: 5}\n", 3, 10, "no connection \"c9\"", ""},
    {T "  - {on: inbox.mesage.read, max: 5}\n", 3, 10, "no resource", "message"},
    {T "  - {on: [c1.*, c1.r2.read], max: 5}\n", 3, 17, "no such verb", ""},
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
    {K "  - {on: inbxo, of: 5}\n", 3, 10, "no connection \"inbxo\"", "inbox"},
    {K "  - {on: [c1, \"inbxo.*\"], of: 5}\n", 3, 15, "no connection \"inbxo\"", "inbox"},
    /* names that do not exist */
    {R "  - {id: r, on: inbxo.message.write, ask: {}}\n", 3, 17, "no connection \"inbxo\"",
     "inbox"},
    {R "  - {id: r, on: inbox.mesage.write, ask: {}}\n", 3, 17, "no resource", "message"},
    {R "  - {id: r, on: c1.r2.read, ask: {}}\n", 3, 17, "no such verb", "connection show"},
    {R "  - {id: r, on: c1.*, agents: [a, triaeg], ask: {}}\n", 3, 35, "no agent \"triaeg\"",
     "triage"},
    {R "  - {id: r, on: \"zzz.*\", ask: {}}\n", 3, 17, "no connection \"zzz\"", "connection list"},
};

static void refuses_with_place(void **state) {
    (void)state;
    all_are_refused(bad, sizeof bad / sizeof *bad);
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
    {R "  - {id: a, on: c1.r1.write, allow: {x: {gt: 5, lt: 3}}}\n", 3, "its allow never holds"},
    {R "  - {id: a, on: c1.r1.write, allow: {x: {gte: 5 EUR, lt: 5 EUR}}}\n", 3,
     "no x is like this"},
    {R "  - {id: a, on: c1.r1.write, allow: {x: {in: []}}}\n", 3, "no x is like this"},
    {R "  - {id: a, on: c1.r1.write, allow: {x: {gte: 5, lte: 5}, y: {gt: 1, lt: 2}}}\n", 0, NULL},
    {R "  - {id: a, on: c1.r1.write, ask: {x: {gt: 5, lt: 3}}}\n", 0, NULL},
    {V "lists: {l: []}\nrules: [{id: a, on: c1.r1.write, allow: {x: {in: $l}}}]\n", 0, NULL},
    {R "  - {id: a, on: run.spawn, allow: {agent: {in: [b, tiage]}}}\n", 3,
     "no agent \"tiage\" to start"},
    {R "  - {id: a, on: run.spawn, deny: {agent: zed}}\n", 3, "no agent \"zed\" to start"},
    {R "  - {id: a, on: run.spawn, allow: {agent: {in: [a, triage]}}, ask: {agent: b}}\n", 0, NULL},
    {R "  - {id: a, on: \"*\", ask: {agent: zed}}\n", 0, NULL},
    {R "  - {id: a, on: \"*.r9.write\", ask: {}}\n", 3, "matches nothing"},
    {R "  - {id: a, on: inbox.message.write, ask: {to_domian: {in: [x]}}}\n", 3,
     "no manifest declares the attribute to_domian"},
    {R "  - {id: a, on: c1.r1.write, ask: {}, approval: {digest: [\"09:00\"]}}\n", 3,
     "may expire before a digest has shown it: up to 24 h 0 min"},
    {R "  - {id: a, on: c1.r1.write, ask: {}, approval: {digest: [\"09:00\"], expires: 25h}}\n", 0,
     NULL},
    {R "  - {id: a, on: c1.r1.write, ask: {}, approval: {digest: [\"09:00\", \"16:30\"], expires: "
       "16h}}\n",
     3, "up to 16 h 30 min"},
    {R "  - {id: a, on: c1.r1.write, ask: {}, approval: {digest: [\"09:00\", \"16:30\"]}}\n", 0,
     NULL},
    {E "  - {on: billing, to: []}\n", 3, "no connection of this workspace matches \"billing\""},
    {E "  - {on: [c1, inbxo], to: []}\n", 3, "matches \"inbxo\""},
    {E "  - {on: c1, to: []}\n  - {on: \"x*\", to: []}\n", 4, "matches \"x*\""},
    {E "  - {on: [\"*\", c1, \"c?\"], to: []}\n", 0, NULL},
    {R "  - {id: a, on: inbox.message.write, ask: {subject: {present: true}}}\n", 0, NULL},
    {V "rates:\n  - {on: \"*.r9.read\", limit: 2, per: 1h}\n", 3,
     "rates: \"*.r9.read\" matches nothing"},
    {V "rates:\n  - {on: \"inbox.*\", each: to_domian, limit: 2, per: 1h}\n", 3,
     "rates: no manifest declares the attribute to_domian"},
    {V "quiet:\n  - {on: \"*.r9.read\", days: [sat]}\n", 3, "quiet: \"*.r9.read\" matches nothing"},
    {R "  - {id: a, on: c1.*, deny: {}}\n  - {id: b, on: c1.*, mode: shadow, allow: {}}\n", 4,
     "b is shadowed: a"},
    {T "  - {on: \"*.r9.read\", max: 2}\n", 3, "retries: \"*.r9.read\" matches nothing"},
    {T "  - {on: [\"c1.*\", \"x*.*\"], max: 2}\n", 3, "\"x*.*\" matches nothing"},
    {T "  - {on: [\"*\", \"*.*.read\", c1.r1.write], max: 2}\n", 0, NULL},
    {K "  - {on: c1, of: 2}\n  - {on: \"x*.*\", of: 2}\n", 4, "breakers: \"x*\" matches nothing"},
    {K "  - {on: [\"*\", \"c?.*\", \"inbox.*.*\"], of: 2}\n", 0, NULL},
    {V "\ntiers: {fast: {models: [m]}}\n", 3,
     "tiers: no verb of this workspace has the attribute tier"},
    {R "  - {id: a, on: c1.r1.write, deny: {x: $own}}\n", 3, "\"$own\" is a text here"},
    {V "lists: {l: [$b]}\nrules: [{id: a, on: c1.r1.write, deny: {x: {in: $l}, y: {in: $l}}}]\n", 2,
     "\"$b\" is a text here, and names no list"},
    {R "  - {id: a, on: c1.r1.write, deny: {x: {in: [$5, \"$a b\", $]}}}\n", 0, NULL},
    {R "  - {id: a, on: c1.r1.write, deny: {to_domain: {in: [\"@x.example\"]}}}\n", 3,
     "to_domain is never \"@x.example\""},
    {R "  - {id: a, on: c1.r1.write, deny: {to_domain: x.example.}}\n", 3, "that is no domain"},
    {R "  - {id: a, on: c1.r1.write, deny: {to_domain: {matches: \"*.x.example\"}, to: a@b}}\n", 0,
     NULL},
    {V "snapshots: {every: day, keep: 2}\n", 2, "snapshots: nothing in this version uses it yet"},
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
