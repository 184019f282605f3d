/* The trust ramp: from effects that a person approved or refused, and a rule that asked, to the change
 * that is proposed, or the reason why none is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ramp_world.h"

#define B             "{\"to\":[\"x@b.example\"]}"
#define C             "{\"to\":[\"y@c.example\"]}"
#define BC            "{\"to\":[\"x@b.example\",\"y@c.example\"]}"
#define SUM           "{\"amount\":\"40 EUR\"}"
#define MAIL(address) "{\"to\":[\"" address "\"]}"

/* What conditions say of a mail with one recipient and no client. */
#define ONE                                                                                        \
    "recipients: { lte: 1 }; size: { lte: 0 }; client: { present: false }; tainted: false; "       \
    "sensitivity: { lte: internal }"
#define BODY "{\"body\":\"a\\nb\",\"subject\":\""

static const example mails[] = {
    /* how many, and whose */
    {"ask: {}", {{2, 'c', B}}, ""},
    {"ask: {}", {{3, 'c', B}}, "to_domain: { in: [b.example] }; " ONE},
    {"ask: {}", {{2, 'c', B}, {1, 'c', C}}, "to_domain: { in: [b.example, c.example] }; " ONE},
    {"ask: {}", {{3, 'u', B}}, ""},
    {"ask: {}", {{2, 'c', B}, {3, 'u', B}}, ""},
    {"ask: {}", {{3, 't', B}}, "tainted"},
    {"ask: {}", {{2, 'c', B}, {9, 't', B}}, "tainted"},
    {"ask: {}", {{3, 'c', B}, {9, 't', C}}, "to_domain: { in: [b.example] }; " ONE},
    /* refusals: of what would be let through, only what came after counts */
    {"ask: {}", {{2, 'c', B}, {1, 'r', B}, {2, 'c', B}}, "refused"},
    {"ask: {}", {{5, 'c', B}, {1, 'r', B}}, "refused"},
    {"ask: {}", {{1, 'r', B}, {3, 'c', B}}, "to_domain: { in: [b.example] }; " ONE},
    {"ask: {}", {{3, 'c', B}, {1, 'r', C}}, "to_domain: { in: [b.example] }; " ONE},
    {"ask: {}", {{3, 'c', B}, {1, 'l', ""}}, "refused"},
    {"ask: {}", {{3, 'c', B}, {1, 'r', MAIL("z@B.Example")}}, "refused"},
    /* the refused one leaves the set with those before it */
    {"ask: {}", {{3, 'c', C}, {1, 'r', C}, {3, 'c', B}}, "to_domain: { in: [b.example] }; " ONE},
    /* lists: each recipient counts; a domain hidden in a name too */
    {"ask: {}",
     {{3, 'c', BC}},
     "to_domain: { in: [b.example, c.example] }; recipients: { lte: 2 }; size: { lte: 0 }; client: "
     "{ "
     "present: false }; tainted: false; sensitivity: { lte: internal }"},
    {"ask: {}",
     {{3, 'c', "{\"bcc\":[\"z@d.example\"],\"to\":[\"x@b.example\"]}"}},
     "to_domain: { in: [b.example, d.example] }; recipients: { lte: 2 }; size: { lte: 0 }; client: "
     "{ "
     "present: false }; tainted: false; sensitivity: { lte: internal }"},
    /* an address that cannot be read is no evidence of anything */
    {"ask: {}", {{3, 'c', "{\"to\":[\"no address\"]}"}}, "values"},
    /* hostile domains: look-alikes and hidden marks are spelled out */
    {"ask: {}",
     {{3, 'c',
       MAIL("x@b.ex\xd0\xb0"
            "mple")}},
     "to_domain: { in: [\"b.ex\\u0430mple\"] }; " ONE},
    {"ask: {}",
     {{3, 'c', MAIL("x@b\xf0\x9f\x98\x80.example")}},
     "to_domain: { in: [\"b\\U0001f600.example\"] }; " ONE},
    {"ask: {}",
     {{3, 'c', MAIL("x@b\xe2\x80\x8b.example")}},
     "to_domain: { in: [\"b\\u200b.example\"] }; " ONE},
    {"ask: {}", {{3, 'c', MAIL("x@no")}}, "to_domain: { in: [\"no\"] }; " ONE},
    {"ask: {}", {{3, 'c', MAIL("x@1e3")}}, "to_domain: { in: [\"1e3\"] }; " ONE},
    /* too many domains, but some often enough by themselves */
    {"ask: {}", {{3, 'c', B}, {1, 'c', "MANY"}}, "to_domain: { in: [b.example] }; " ONE},
    {"ask: {}", {{2, 'c', B}, {1, 'c', "MANY"}}, "values"},
    /* fields of the arguments: few texts are named, prose is free */
    {"ask: {}",
     {{2, 'c', BODY "one\",\"to\":\"x@b.example\"}"},
      {1, 'c', BODY "a \\\"b\\\\\",\"to\":\"x@b.example\"}"}},
     "to_domain: { in: [b.example] }; recipients: { lte: 1 }; size: { lte: 3 }; client: { present: "
     "false }; subject: { in: [one, \"a \\\"b\\\\\"] }; tainted: false; sensitivity: { lte: "
     "internal }; any body"},
    {"ask: {}",
     {{1, 'c', "{\"to\":[\"x@b.example\"],\"sum\":5}"}, {2, 'c', B}},
     "to_domain: { in: [b.example] }; " ONE "; any sum"},
    /* what the ask looks at is bounded, or nothing is proposed */
    {"ask: { body: { matches: \"a*\" } }", {{3, 'c', BODY "one\",\"to\":\"x@b.example\"}"}}, "ask"},
    {"ask: { sink: external }", {{3, 'c', B}}, NULL},
    {"ask: { recipients: { gt: 0, lt: 4 } }",
     {{3, 'c', B}},
     "to_domain: { in: [b.example] }; recipients: { gte: 1, lte: 1 }; size: { lte: 0 }; client: { "
     "present: false }; tainted: false; sensitivity: { lte: internal }"},
    /* an allow that is there */
    {"allow: { to_domain: { in: [a.example] } }, ask: {}",
     {{3, 'c', B}},
     "to_domain: in > in [a.example, b.example] (b.example); tainted: false; sensitivity: { lte: "
     "internal }"},
    {"allow: { to_domain: { in: $own } }, ask: {}",
     {{3, 'c', BC}},
     "to_domain: in > in [own.example, b.example, c.example] (b.example, c.example); tainted: "
     "false; sensitivity: { lte: internal }"},
    {"allow: { to_domain: own.example }, ask: {}",
     {{3, 'c', B}},
     "to_domain:  > in [own.example, b.example] (b.example); tainted: false; sensitivity: { lte: "
     "internal }"},
    {"allow: { to_domain: { in: [a.example] }, tainted: false }, ask: {}",
     {{3, 'c', B}},
     "to_domain: in > in [a.example, b.example] (b.example); sensitivity: { lte: internal }"},
    {"when: { tainted: false }, allow: { to_domain: { in: [a.example] } }, ask: {}",
     {{3, 'c', B}},
     "to_domain: in > in [a.example, b.example] (b.example); sensitivity: { lte: internal }"},
    {"allow: { tainted: true }, ask: {}", {{3, 'c', B}}, "allow"},
    {"allow: { to_domain: { matches: \"*.org\" } }, ask: {}", {{3, 'c', B}}, "allow"},
    {"allow: { to_domain: { not_in: [b.example] } }, ask: {}", {{3, 'c', B}}, "allow"},
    {"allow: { recipients: { lt: 1 } }, ask: {}",
     {{3, 'c', BC}},
     "recipients: lt > lte 2; tainted: false; sensitivity: { lte: internal }"},
    {"allow: { size: { gte: 5 } }, ask: {}",
     {{3, 'c', B}},
     "size: gte > gte 0; tainted: false; sensitivity: { lte: internal }"},
    {"allow: { to_domain: { in: [a.example] } }, ask: {}", {{3, 'c', B}, {1, 'r', B}}, "refused"},
    /* two conditions, and what either lets through already is not let through by chance */
    {"allow: { to_domain: { in: [a.example] }, recipients: { lt: 2 } }, ask: {}",
     {{3, 'c', BC}},
     "to_domain: in > in [a.example, b.example, c.example] (b.example, c.example); recipients: lt "
     "> "
     "lte 2; tainted: false; sensitivity: { lte: internal }"},
    {"allow: { to_domain: { in: [a.example] } }, ask: { recipients: { lt: 3 } }",
     {{3, 'c', B}},
     "ask"},
    {"allow: { recipients: { lt: 2 } }, ask: { recipients: { gt: 1 } }", {{3, 'c', BC}}, "allow"},
    {"allow: { to_domain: { in: [a.example] }, count: { per: 1d, lte: 3 } }, ask: {}",
     {{3, 'c', B}},
     "sums"},
    /* what they had read bounds what is let */
    {"ask: {}",
     {{3, 's', B}},
     "to_domain: { in: [b.example] }; recipients: { lte: 1 }; size: { lte: 0 }; client: { present: "
     "false }; tainted: false"},
    {"allow: { to_domain: { in: [a.example] }, sensitivity: public }, ask: {}",
     {{3, 'c', B}},
     "allow"},
    {"allow: { to_domain: { in: [a.example] }, sensitivity: { lte: confidential } }, ask: {}",
     {{3, 'c', B}},
     "to_domain: in > in [a.example, b.example] (b.example); tainted: false"},
    /* what is an answer, where the ask looks at it */
    {"ask: { to_origin: true }",
     {{3, 'a', B}},
     "to_domain: { in: [b.example] }; recipients: { lte: 1 }; size: { lte: 0 }; client: { present: "
     "false }; to_origin: true; tainted: false; sensitivity: { lte: internal }"},
    {"ask: { to_origin: false }",
     {{3, 'n', B}},
     "to_domain: { in: [b.example] }; recipients: { lte: 1 }; size: { lte: 0 }; client: { present: "
     "false }; to_origin: false; tainted: false; sensitivity: { lte: internal }"},
    {"ask: { to_origin: { in: [true, false] } }", {{2, 'a', B}, {1, 'n', B}}, "ask"},
    {"ask: { to_origin: true }", {{3, 'c', B}}, "ask"},
    {"allow: { to_origin: true }, ask: {}", {{3, 'n', B}}, "allow"},
    {"allow: { to_domain: { in: [a.example] } }, ask: { to_origin: true }", {{3, 'a', B}}, "ask"},
    /* a rule that speaks of more */
    {"ask: {}, guard: true", {{3, 'c', B}}, "guard"},
    {"ask: {}, +agents: [a, b]", {{3, 'c', B}}, "agents"},
    {"ask: {}, +agents:", {{3, 'c', B}}, "agents"},
    {"ask: {}, +on: \"*.message.write\", agents: [a]", {{3, 'c', B}}, "targets"},
};

#define EUR(n)  "{\"amount\":\"" n " EUR\"}"
#define PAID(s) s "; tainted: false; sensitivity: { lte: internal }"

static const example payments[] = {
    {"ask: {}",
     {{1, 'c', EUR("12.50")}, {1, 'c', EUR("180.99")}, {1, 'c', EUR("7")}},
     PAID("amount: { gte: 0 EUR, lte: 180.99 EUR }")},
    {"ask: {}",
     {{2, 'c', EUR("1")}, {1, 'c', EUR("-3")}},
     PAID("amount: { gte: -3 EUR, lte: 1 EUR }")},
    {"ask: { amount: { gt: 5 EUR, lt: 100 EUR } }",
     {{2, 'c', EUR("30")}, {1, 'c', EUR("20")}},
     PAID("amount: { gte: 20 EUR, lte: 30 EUR }")},
    {"allow: { amount: { lt: 10 EUR } }, ask: { amount: { lt: 5000 EUR } }",
     {{2, 'c', EUR("30")}, {1, 'c', EUR("180")}},
     PAID("amount: lt > lte 180 EUR")},
    /* a refusal above the largest says nothing of it, one below ends it */
    {"ask: {}",
     {{3, 'c', EUR("10")}, {1, 'r', EUR("11")}},
     PAID("amount: { gte: 0 EUR, lte: 10 EUR }")},
    {"ask: {}", {{3, 'c', EUR("10")}, {1, 'r', EUR("9")}}, "refused"},
    /* currencies are shapes; so is an amount that is missing */
    {"ask: {}",
     {{2, 'c', EUR("10")}, {3, 'c', "{\"amount\":\"99 USD\"}"}},
     PAID("amount: { gte: 0 USD, lte: 99 USD }")},
    {"ask: {}", {{2, 'c', EUR("10")}, {2, 'c', "{\"amount\":\"99 USD\"}"}}, "shapes"},
    {"ask: {}",
     {{3, 'c', "{\"to\":\"a\"}"}, {2, 'c', "{\"amount\":\"5 EUR\",\"to\":\"a\"}"}},
     PAID("to: { in: [a] }; amount: { present: false }")},
    {"allow: { amount: { lt: 10 EUR } }, ask: {}", {{3, 'c', "{\"amount\":\"9 USD\"}"}}, "allow"},
    {"allow: { amount: { lt: 10 EUR } }, ask: {}", {{3, 'c', "{\"to\":\"a\"}"}}, "allow"},
    {"allow: { amount: { lt: 10 EUR } }, ask: {}",
     {{3, 'c', "{\"amount\":[\"1 EUR\",\"9 USD\"]}"}},
     "allow"},
    /* numbers that YAML cannot say in digits */
    {"ask: {}", {{3, 'c', "{\"n\":1e+30}"}}, "values"},
    {"ask: {}", {{2, 'c', "{\"n\":0.5}"}, {1, 'c', "{\"n\":7}"}}, PAID("n: { gte: 0, lte: 7 }")},
    {"ask: {}", {{3, 'c', "{\"on\":true,\"x\":\"b\"}"}}, PAID("on: true; x: { in: [b] }")},
    {"ask: {}",
     {{2, 'c', "{\"f\":true,\"x\":\"b\"}"}, {1, 'c', "{\"f\":false,\"x\":\"b\"}"}},
     PAID("x: { in: [b] }") "; any f"},
    /* nothing that a condition could name */
    {"ask: {}", {{3, 'c', "{\"a\":{\"b\":1}}"}}, "values"},
    {"ask: {}", {{3, 'c', "{\"a b\":\"c\"}"}}, "values"},
    {"ask: {}", {{3, 'c', "{}"}}, "values"},
    {"ask: {}",
     {{3, 'c', "{\"class\":\"read\",\"x\":\"true\"}"}},
     PAID("x: { in: [\"true\"] }") "; any class"},
    /* what every field says differently, but for one */
    {"ask: {}", {{1, 'c', "WORDS"}}, PAID("x: { in: [b] }") "; any id"},
    {"when: { amount: { gt: 1 EUR } }, ask: {}", {{3, 'c', "{\"x\":\"b\"}"}}, "few"},
};

static void of_mails(void **state) {
    int failed = 0;
    (void)state;
    for (size_t i = 0; i < sizeof mails / sizeof *mails; i++) {
        failed += ramp_play(&mails[i], "inbox.message.write");
    }
    assert_int_equal(failed, 0);
}

static void of_payments(void **state) {
    int failed = 0;
    (void)state;
    for (size_t i = 0; i < sizeof payments / sizeof *payments; i++) {
        failed += ramp_play(&payments[i], "c1.r1.write");
    }
    assert_int_equal(failed, 0);
}

static void of_nothing(void **state) {
    (void)state;
    ramp_play_nothing();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_mails),
        cmocka_unit_test(of_payments),
        cmocka_unit_test(of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
