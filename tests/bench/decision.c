/* What one decision costs with 20 and with 1,000 rules, in nanoseconds (the record apart); and one that asks
 * for two sums, and counting an effect for them, after a million of 100,000 domains.
 *
 * 20 rules: one workspace's worth, eight of which cover the effect that is decided. 1,000 rules:
 * the same eight among rules of other connections and agents, as a policy grows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tally.h"

#define RUNS   25
#define ROUNDS 20000
#define MANY   1000000

static void common_rules(keel_buf *out) {
    keel_buf_puts(
        out,
        "version: 1\n"
        "lists: { own_domains: [studio.example, studio.test, a.example, b.example] }\n"
        "rules:\n"
        "  - { id: c0, on: inbox.message.write, agents: [outreach, author],\n"
        "      allow: { to_domain: { in: $own_domains } }, ask: {} }\n"
        "  - { id: c1, on: \"*.*.write\", when: { tainted: true, sink: external }, ask: {} }\n"
        "  - { id: c2, on: \"inbox.*\", agents: [author], deny: { recipients: { gt: 50 } } }\n"
        "  - { id: c3, on: inbox.message.write, deny: { to_domain: { matches: \"*.invalid\" } } }\n"
        "  - { id: c4, on: \"inbox.message.*\", deny: { amount: { gt: 5000 EUR },\n"
        "      size: { gt: 1 } } }\n"
        "  - { id: c5, on: \"*\", deny: { to_domain: { in: [bad.example, worse.example] } } }\n"
        "  - { id: c6, on: inbox.message.write, agents: [author], allow: { size: { lt: 9000 } } }\n"
        "  - { id: c7, on: \"*.message.write\", when: { class: once }, ask: {} }\n");
}

static policy *make(int total) {
    keel_buf text = KEEL_BUF_INIT;
    common_rules(&text);
    for (int i = 8; i < total; i++) {
        keel_buf_printf(
            &text,
            "  - { id: r%d, on: con%d.res%d.write, agents: [agent%d],\n"
            "      allow: { to_domain: { in: $own_domains }, amount: { lt: %d EUR } }, ask: {} }\n",
            i, i % 50, i % 7, i % 20, i);
    }
    policy_source source = {"bench.yaml", text.data, text.len};
    policy *p = NULL;
    diag d = {0};
    if (policy_compile(&p, &source, 1, NULL, NULL, NULL, &d)) {
        diag_print(stderr, &d);
        exit(1);
    }
    keel_buf_free(&text);
    return p;
}

static double now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of all runs. */
static double measure(const policy *p) {
    attr_value domain = {.type = ATTR_TEXT, .text = "b.example", .len = 9};
    attr_value size = {.type = ATTR_NUMBER, .number = 1200};
    attr_value few = {.type = ATTR_NUMBER, .number = 1};
    attr_value amount = {.type = ATTR_MONEY, .micros = 12000000, .currency = "EUR"};
    attr_value body = {.type = ATTR_TEXT, .text = "text", .len = 4};
    attr attrs[] = {{"to_domain", &domain, 1}, {"recipients", &few, 1}, {"body", &body, 1},
                    {"subject", &body, 1},     {"size", &size, 1},      {"amount", &amount, 1}};
    policy_query q = {"author",
                      "inbox.message.write",
                      CLASS_CHECKABLE,
                      false,
                      false,
                      SENSITIVITY_INTERNAL,
                      true,
                      REPLY_NONE,
                      attrs,
                      6,
                      false,
                      NULL};
    double runs[RUNS];
    for (int r = 0; r < RUNS; r++) {
        double from = now_ns();
        int allowed = 0;
        for (int i = 0; i < ROUNDS; i++) {
            policy_decision d;
            policy_decide(p, &q, &d);
            allowed += d.verdict == POLICY_ALLOW;
        }
        if (allowed != ROUNDS) {
            fputs("the decision is not the expected one\n", stderr);
            exit(1);
        }
        runs[r] = (now_ns() - from) / ROUNDS;
    }
    qsort(runs, RUNS, sizeof *runs, by_value);
    return runs[RUNS / 2];
}

static double measure_explain(const policy *p) {
    attr_value domain = {.type = ATTR_TEXT, .text = "b.example", .len = 9};
    attr attrs[] = {{"to_domain", &domain, 1}};
    policy_query q = {"outreach",
                      "inbox.message.write",
                      CLASS_CHECKABLE,
                      false,
                      false,
                      SENSITIVITY_INTERNAL,
                      true,
                      REPLY_NONE,
                      attrs,
                      1,
                      false,
                      NULL};
    policy_decision d;
    policy_decide(p, &q, &d);
    keel_buf out = KEEL_BUF_INIT;
    double from = now_ns();
    for (int i = 0; i < ROUNDS; i++) {
        keel_buf_clear(&out);
        policy_explain(p, &q, &d, &out);
    }
    double took = (now_ns() - from) / ROUNDS;
    keel_buf_free(&out);
    return took;
}

static void measure_sums(void) {
    static const char text[] =
        "version: 1\nrules:\n"
        "  - { id: s, on: inbox.message.write, deny: { count: { per: 1h, each: to_domain,\n"
        "      gt: 5000 } }, allow: { sum: { of: amount, per: 7d, lte: 900000000 EUR } } }\n";
    policy_source source = {"bench.yaml", text, sizeof text - 1};
    policy *p = NULL;
    diag d = {0};
    if (policy_compile(&p, &source, 1, NULL, NULL, NULL, &d)) {
        diag_print(stderr, &d);
        exit(1);
    }
    tallies *t = tallies_create(p);
    static char names[100000][16];
    attr_value domain = {.type = ATTR_TEXT};
    attr_value amount = {.type = ATTR_MONEY, .micros = 12000000, .currency = "EUR"};
    attr attrs[] = {{"to_domain", &domain, 1}, {"amount", &amount, 1}};
    policy_past past = {t, 1795435200000000, false};
    policy_query q = {.agent = "author",
                      .target = "inbox.message.write",
                      .attrs = attrs,
                      .attr_count = 2,
                      .past = &past};
    for (int i = 0; i < 100000; i++) {
        snprintf(names[i], sizeof names[i], "c%d.example", i);
    }
    double from = now_ns();
    for (int i = 0; i < MANY; i++) {
        domain.text = names[i % 100000];
        domain.len = strlen(domain.text);
        free(tally_add(t, &q, true, past.now_us += 3000));
    }
    double between = now_ns();
    int allowed = 0;
    for (int i = 0; i < MANY; i++) {
        policy_decision dec;
        domain.text = names[i % 100000];
        domain.len = strlen(domain.text);
        policy_decide(p, &q, &dec);
        allowed += dec.verdict == POLICY_ALLOW;
    }
    if (allowed != MANY) {
        fputs("the decision is not the expected one\n", stderr);
        exit(1);
    }
    printf("decision_sums_ns %.0f\n", (now_ns() - between) / MANY);
    printf("tally_add_ns %.0f\n", (between - from) / MANY);
    tallies_destroy(t);
    policy_destroy(p);
}

int main(void) {
    if (digest_init()) {
        return 1;
    }
    static const int sizes[] = {20, 1000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        policy *p = make(sizes[i]);
        printf("decision_%d_ns %.0f\n", sizes[i], measure(p));
        if (sizes[i] == 1000) {
            printf("decision_recorded_ns %.0f\n", measure_explain(p));
        }
        policy_destroy(p);
    }
    measure_sums();
    return 0;
}
