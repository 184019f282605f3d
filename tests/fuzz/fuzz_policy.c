/* Policy files. Whatever the bytes are, they compile or are refused with a place and a remedy, and
 * what compiles decides the same with and without a table of targets, explains itself in canonical
 * JSON, and never allows what it was not told about. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "budget.h"
#include "origin.h"
#include "tally.h"

static void must(bool holds) {
    if (!holds) {
        abort();
    }
}

static void count_warning(void *ctx, const diag *d) {
    must(d->what[0] && d->next[0] && d->line > 0);
    ++*(int *)ctx;
}

static manifest *mail(void) {
    static const char text[] =
        "kind: connector\nid: com.example.mail\nversion: 1.0.0\nentry: x.lua\nresources:\n"
        "  message: { read: {}, write: { class: checkable, sink: external },\n"
        "    attributes: { to_domain: { of: to, fn: domain } } }\n";
    manifest *m = NULL;
    must(manifest_parse(&m, "m", text, sizeof text - 1, NULL) == 0);
    return m;
}

static void decide(const policy *p, const policy_query *q, policy_decision *d, keel_buf *why) {
    policy_decide(p, q, d);
    keel_json_error e;
    keel_buf_clear(why);
    policy_explain(p, q, d, why);
    must(keel_json_check(why->data, why->len, &e) == 0);
}

static void questions(const policy *with, const policy *without) {
    static const attr_value values[] = {
        {.type = ATTR_TEXT, .text = "a.example", .len = 9},
        {.type = ATTR_MONEY, .text = "5 EUR", .len = 5, .micros = 5000000, .currency = "EUR"},
        {.type = ATTR_NUMBER, .number = 5},
        {.type = ATTR_BAD},
    };
    static const char *const targets[] = {"inbox.message.write", "inbox.message.read", "run.spawn",
                                          "other.thing.write"};
    keel_buf why = KEEL_BUF_INIT;
    for (unsigned i = 0; i < 64; i++) {
        attr attrs[] = {{"to_domain", &values[i % 4], i & 4 ? 0 : 1}, {"x", values, 4}};
        bool read = i / 16 == 1;
        policy_query q = {.agent = i & 8 ? "triage" : "b",
                          .target = targets[i / 16],
                          .class = read ? CLASS_READ : CLASS_ONCE,
                          .tainted = i & 2,
                          .level = i & 4 ? SENSITIVITY_RESTRICTED : SENSITIVITY_PUBLIC,
                          .sink_external = true,
                          .reply = (policy_reply)(i & 3),
                          .attrs = attrs,
                          .attr_count = 2};
        policy_decision a;
        policy_decision b;
        decide(without, &q, &a, &why);
        must(a.rule || a.verdict == POLICY_DENY || read);
        if (with) {
            decide(with, &q, &b, &why);
            must(a.verdict == b.verdict && strcmp(a.rule_id, b.rule_id) == 0);
        }
    }
    keel_buf_free(&why);
}

static void spend(const policy *p) {
    budgets *b = budgets_create();
    for (int i = 0; i < 8; i++) {
        budget_request q = {.agent = i % 2 ? "a" : "b",
                            .root_run = 1,
                            .depth = i,
                            .calls = 1,
                            .micros = 400000,
                            .currency = "USD",
                            .target = "inbox.message.write",
                            .connection = i % 3 ? "inbox" : NULL,
                            .asked = i > 5};
        budget_hold holds[BUDGET_HOLDS];
        budget_refusal why;
        size_t n = 0;
        if (budget_reserve(b, p, &q, 1795435200000000 + i * 3600000000000, holds, &n, &why)) {
            must(why.why[0] != 0);
        }
        for (size_t k = 0; k < n; k++) {
            must(budget_settle(b, p, &holds[k], k % 2 ? -1 : 0) == 0);
        }
    }
    budgets_destroy(b);
}

/* What was counted and is taken back was never there. */
static void add_up(const policy *p) {
    static const attr_value values[] = {
        {.type = ATTR_MONEY, .text = "5 EUR", .len = 5, .micros = 5000000, .currency = "EUR"},
        {.type = ATTR_NUMBER, .number = 7e5},
        {.type = ATTR_TEXT, .text = "a.example", .len = 9},
        {.type = ATTR_BAD},
    };
    tallies *t = tallies_create(p);
    policy_past past = {t, 1795435200000000, false};
    tally_mark *marks[32];
    keel_buf why = KEEL_BUF_INIT;
    attr attrs[] = {{"amount", values, 1}, {"x", values, 2}, {"to_domain", values + 2, 2}};
    policy_query q = {.agent = "b",
                      .target = "inbox.message.write",
                      .class = CLASS_ONCE,
                      .attrs = attrs,
                      .attr_count = 3,
                      .past = &past};
    policy_decision before, with, after;
    decide(p, &q, &before, &why);
    for (int i = 0; i < 32; i++) {
        attrs[0].values = &values[i % 4];
        marks[i] = tally_add(t, &q, i % 5 != 0, past.now_us - i * 3600000000);
    }
    attrs[0].values = values;
    decide(p, &q, &with, &why);
    for (int i = 0; i < 32; i++) {
        tally_take(t, marks[i]);
        free(marks[i]);
    }
    decide(p, &q, &after, &why);
    must(before.verdict == after.verdict && before.rule == after.rule);
    keel_buf_free(&why);
    tallies_destroy(t);
}

static void count_pattern(void *ctx, const char *pattern, const char *file, int line) {
    must(origin_pattern_check(pattern, NULL) == 0 && file[0] && line > 0);
    ++*(int *)ctx;
}

static void reach(const policy *p) {
    int patterns = 0;
    must(policy_egress(p, "inbox", count_pattern, &patterns) || patterns == 0);
    must(policy_egress(p, "inbox", NULL, NULL) || patterns == 0);
}

static void patience(const policy *p) {
    policy_retrying r = policy_retry(p, "inbox.message.write");
    policy_breaking b = policy_breaker(p, "inbox");
    must(r.max <= 1000 && r.first_us >= 10000 && r.cap_us >= r.first_us);
    must(b.open_at >= 1 && b.open_at <= b.of && b.of <= POLICY_BREAKER_OF && b.for_us >= 1000000);
}

static void count_fault(void *ctx, const diag *d) {
    must(d->what[0] && d->next[0] && d->file[0]);
    ++*(int *)ctx;
}

/* `keel policy check` reads on behind a fault: it ends, and its first fault is the compiler's. */
static void check_too(const policy_source *source, const policy_world *world, int rc,
                      const diag *d) {
    int faults = 0;
    policy_listener to = {count_fault, NULL, &faults};
    policy *p = NULL;
    diag first = {0};
    must(policy_check(&p, source, 1, world, &to, &first) == rc);
    must((faults > 0) == (rc != 0) && faults <= POLICY_FAULTS);
    must(rc == 0 ||
         (first.line == d->line && first.column == d->column && strcmp(first.what, d->what) == 0));
    policy_destroy(p);
}

static int compile(policy **out, const char *text, size_t len, const policy_world *world) {
    policy_source source = {"p.yaml", text, len};
    int warnings = 0;
    diag d = {0};
    int rc = policy_compile(out, &source, 1, world, count_warning, &warnings, &d);
    must(rc == 0 || (rc == DIAG_USAGE && d.what[0] && d.next[0] && strcmp(d.file, "p.yaml") == 0));
    must(rc == 0 || d.line > 0 || len > 262144);
    check_too(&source, world, rc, &d);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static const char *const agents[] = {"triage", "b"};
    static policy_connection connection;
    if (!connection.plugin) {
        must(digest_init() == 0);
        connection = (policy_connection){"inbox", mail()};
    }
    policy_world world = {agents, 2, &connection, 1, NULL, 0};
    char *text = keel_memdup(data, len);
    policy *with = NULL;
    policy *without = NULL;
    if (compile(&without, text, len, NULL) == 0) {
        compile(&with, text, len, &world);
        questions(with, without);
        spend(without);
        add_up(without);
        reach(without);
        patience(without);
        keel_buf can = KEEL_BUF_INIT;
        policy_can(without, &world, "b", &can);
        keel_json_error e;
        must(keel_json_check(can.data, can.len, &e) == 0);
        keel_buf_free(&can);
    }
    policy_destroy(with);
    policy_destroy(without);
    free(text);
    return 0;
}
