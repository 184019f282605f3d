/* The load rule, against a real executor: every refusal names the field and both values. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executor_world.h"
#include "keel/plugin.h"

typedef struct refusal {
    const char *name;
    child_spec spec;
    const char *words[4]; /* all in the message */
    const char *next;     /* in what to do next */
} refusal;

static const refusal refusals[] = {
    {"magic", {.plugin = "magic"}, {"abi.so", "magic is 0x31504741", "0x4c45454b"}, "pkg-config"},
    {"major", {.plugin = "major"}, {"abi_major is 7", "has 0"}, "pkg-config"},
    {"minor", {.plugin = "minor"}, {"abi_minor is 9", "has 2"}, "pkg-config"},
    {"next minor", {.plugin = "next_minor"}, {"abi_minor is 3", "has 2"}, "pkg-config"},
    {"next major", {.plugin = "next_major"}, {"abi_major is 1", "has 0"}, "pkg-config"},
    {"size", {.plugin = "size"}, {"size of keel_plugin is 16", "at least 48"}, "pkg-config"},
    {"size of the functions",
     {.plugin = "connector_size"},
     {"size of keel_connector is 8", "at least 64"},
     "pkg-config"},
    {"kind", {.plugin = "kind"}, {"kind is 42", "1", "2"}, NULL},
    {"an agent for a connector",
     {.plugin = "agent_good"},
     {"code says kind agent", "manifest.yaml says connector"},
     "agree"},
    {"an agent of 0.1",
     {.plugin = "agent_minor", .manifest = "\"abi\":[0,1],\"kind\":\"agent\""},
     {"abi_minor is 1", "agent at least 2"},
     "pkg-config"},
    {"size of an agent's functions",
     {.plugin = "agent_size", .manifest = "\"kind\":\"agent\""},
     {"size of keel_agent is 32", "at least 40"},
     "pkg-config"},
    {"an agent's next minor",
     {.plugin = "agent_next", .manifest = "\"kind\":\"agent\""},
     {"abi_minor is 3", "has 2"},
     "pkg-config"},
    {"no agent",
     {.plugin = "agent_none", .manifest = "\"kind\":\"agent\""},
     {"agent is not set"},
     "Set it"},
    {"an agent without create",
     {.plugin = "agent_no_create", .manifest = "\"kind\":\"agent\""},
     {"agent.create is not set", "required"},
     "Set it"},
    {"an agent without run",
     {.plugin = "agent_no_run", .manifest = "\"kind\":\"agent\""},
     {"agent.run is not set", "required"},
     "Set it"},
    {"an agent's prepare fails",
     {.plugin = "agent_prepare", .manifest = "\"kind\":\"agent\""},
     {"prepare failed (not_found)", "no table"},
     NULL},
    {"kind of the manifest",
     {.plugin = "good", .manifest = "\"kind\":\"agent\""},
     {"code says kind connector", "manifest.yaml says agent"},
     "agree"},
    {"id", {.plugin = "id"}, {"code says id com.example.other", "says com.example.abi"}, "agree"},
    {"no id", {.plugin = "no_id"}, {"code says id (nothing)", "com.example.abi"}, "agree"},
    {"version", {.plugin = "version"}, {"version 2.0.0", "says 1.0.0"}, "agree"},
    {"manifest's abi",
     {.plugin = "good", .manifest = "\"abi\":[0,0]"},
     {"code says abi 0.2", "manifest.yaml says 0.0"},
     "agree"},
    {"no create", {.plugin = "no_create"}, {"connector.create is not set", "required"}, "Set it"},
    {"no verb", {.plugin = "no_verb"}, {"connector.read or connector.write is not set"}, "Set it"},
    {"no functions", {.plugin = "no_connector"}, {"connector is not set"}, "Set it"},
    {"NULL", {.plugin = "null"}, {"keel_plugin_entry answers NULL"}, "constant"},
    {"no entry",
     {.plugin = "no_entry"},
     {"exports 0 symbols", "keel_plugin_entry is not among them"},
     "KEEL_EXPORT"},
    {"two exports",
     {.plugin = "two_exports"},
     {"exports 2 symbols", "com_example_other", "exports 1"},
     "-fvisibility=hidden"},
    {"RUNPATH", {.plugin = "rpath"}, {"RUNPATH /opt/keel-test", "other libraries"}, "-rpath"},
    {"RPATH", {.plugin = "old_rpath"}, {"RPATH /opt/keel-test", "other libraries"}, "-rpath"},
    {"undeclared library",
     {.plugin = "library"},
     {"needs the library libsodium.so.23", "manifest does not list"},
     "libraries: [ libsodium.so.23 ]"},
    {"another library declared",
     {.plugin = "library", .libraries = "[\"libsodium.so.2\"]"},
     {"libsodium.so.23"},
     "libraries"},
    {"executable stack", {.plugin = "stack"}, {"executable stack"}, "cc -shared"},
    {"unsealed", {.plugin = "good", .unsealed = true}, {"unsealed", "0x0", "0xe"}, "same build"},
    {"no file", {.plugin = NULL}, {"unsealed"}, NULL},
    {"create fails",
     {.plugin = "create_fails"},
     {"com.example.abi", "create failed (invalid)", "config.folder is missing"},
     "keel.yaml"},
    {"prepare fails",
     {.plugin = "prepare_fails"},
     {"prepare failed (not_found)", "no table of characters"},
     NULL},
    {"no manifest at all", {.plugin = "good", .manifest = "\"id\":\"\""}, {"lacks id"}, "build"},
};

static void expect_words(const refusal *r, keel_json body, const char *key, const char *word) {
    char text[1500] = "";
    keel_json_copy(keel_json_get(body, key), text, sizeof text);
    if (!strstr(text, word)) {
        fail_msg("%s: \"%s\" is not in %s: %s", r->name, word, key, text);
    }
}

static void refused(void **state) {
    const refusal *r = *state;
    child *c = child_start(&r->spec);
    keel_json body = child_expect(c, X_REFUSED);
    for (size_t i = 0; i < 4 && r->words[i]; i++) {
        expect_words(r, body, "message", r->words[i]);
    }
    if (r->next) {
        expect_words(r, body, "next", r->next);
    }
    child_expect_end(c, 0, 1);
    child_end(c);
}

/* ---- let in ---- */

static void ready_and_reads(const child_spec *spec) {
    child *c = child_start(spec);
    keel_json body = child_expect(c, X_READY);
    assert_true(keel_json_is(keel_json_get(body, "id"), "com.example.abi"));
    assert_true(keel_json_is(keel_json_get(body, "version"), "1.0.0"));
    child_verb(c, "read", "x", 5, "{}");
    body = child_expect(c, X_REPLY);
    assert_int_equal(keel_json_typeof(keel_json_get(body, "result")), KEEL_JSON_NULL);
    child_send(c, X_STOP, 0, "");
    child_expect_end(c, 0, 0);
    child_end(c);
}

static void good(void **state) {
    (void)state;
    ready_and_reads(&(child_spec){.plugin = "good"});
}

/* A later minor's longer structs, declaring that this one is enough, are cut to what is known. */
static void longer(void **state) {
    (void)state;
    ready_and_reads(&(child_spec){.plugin = "longer"});
}

/* An agent is let in when its run answers. */
static void agent_runs(const child_spec *spec) {
    child *c = child_ready(spec);
    keel_buf start = KEEL_BUF_INIT;
    keel_buf_puts(&start, "{\"input\":[7],\"previous\":null}");
    child_send_run(c, X_START, 3, 0, &start);
    keel_buf_free(&start);
    keel_json body = child_expect(c, X_END);
    char text[100];
    snprintf(text, sizeof text, "%.*s", (int)body.len, body.data);
    assert_string_equal(text, "{\"result\":[7],\"state\":\"ended\"}");
    child_send(c, X_STOP, 0, "");
    child_expect_end(c, 0, 0);
    child_end(c);
}

static void agent_good(void **state) {
    (void)state;
    agent_runs(&(child_spec){.plugin = "agent_good", .manifest = "\"kind\":\"agent\""});
}

static void agent_longer(void **state) {
    (void)state;
    agent_runs(&(child_spec){.plugin = "agent_longer", .manifest = "\"kind\":\"agent\""});
}

/* Plugins built when a minor was new, by each compiler that is there. */
static void frozen(void **state) {
    (void)state;
    static const char *const compilers[] = {KEEL_FROZEN_BY};
    for (size_t i = 0; i < sizeof compilers / sizeof *compilers; i++) {
        char name[40];
        snprintf(name, sizeof name, "frozen_0_1_%s", compilers[i]);
        ready_and_reads(&(child_spec){.plugin = name, .manifest = "\"abi\":[0,1]"});
        snprintf(name, sizeof name, "frozen_0_2_%s", compilers[i]);
        ready_and_reads(&(child_spec){.plugin = name, .manifest = "\"abi\":[0,2]"});
        snprintf(name, sizeof name, "frozen_agent_0_2_%s", compilers[i]);
        agent_runs(&(child_spec){.plugin = name, .manifest = "\"abi\":[0,2],\"kind\":\"agent\""});
    }
}

#ifdef WITH_CPLUS
static void cplus(void **state) {
    (void)state;
    ready_and_reads(&(child_spec){.plugin = "cplus"});
}
#endif

static void declared_library(void **state) {
    (void)state;
    ready_and_reads(&(child_spec){.plugin = "library", .libraries = "[\"libsodium.so.23\"]"});
}

static void unsafe_is_only_without_walls(void **state) {
    (void)state;
    ready_and_reads(&(child_spec){.plugin = "good", .unsafe = true});
}

static void missing_verb(void **state) {
    (void)state;
    child *c = child_ready(&(child_spec){.plugin = "good"});
    const char *const verbs[] = {"write", "reconcile", "compensate", "dance"};
    for (size_t i = 0; i < 4; i++) {
        child_verb(c, verbs[i], "x", i, "{}");
        keel_json body = child_expect(c, X_FAIL);
        assert_true(keel_json_is(keel_json_get(body, "code"), "not_implemented"));
    }
    child_end(c);
}

/* ---- dying and hanging ---- */

static void dies(const char *plugin) {
    child *c = child_start(&(child_spec){.plugin = plugin});
    child_expect_end(c, SIGSEGV, 0);
    child_end(c);
}

static void constructor_segv(void **state) {
    (void)state;
    dies("constructor_segv");
}

static void create_segv(void **state) {
    (void)state;
    dies("create_segv");
}

/* It says nothing; the kernel's deadline is a kill, which it cannot ignore. */
static void hangs(child *c, int signal_for_end) {
    keel_json body;
    assert_int_equal(child_next(c, 300, &body), -1);
    kill(c->pid, signal_for_end);
    child_expect_end(c, signal_for_end, 0);
    child_end(c);
}

static void constructor_hang(void **state) {
    (void)state;
    hangs(child_start(&(child_spec){.plugin = "constructor_hang"}), SIGKILL);
}

static void read_hang(void **state) {
    (void)state;
    child *c = child_ready(&(child_spec){.plugin = "read_hang"});
    child_verb(c, "read", "x", 77, "{}");
    child_await_run(c, 77);
    keel_json body;
    assert_int_equal(child_next(c, 300, &body), -1);
    assert_int_equal(atomic_load(&c->page->run), 77); /* the page says who hangs */
    hangs(c, SIGKILL);
}

#define REFUSALS (sizeof refusals / sizeof *refusals)

int main(void) {
    const struct CMUnitTest others[] = {
        cmocka_unit_test(good),
        cmocka_unit_test(longer),
        cmocka_unit_test(agent_good),
        cmocka_unit_test(agent_longer),
        cmocka_unit_test(frozen),
#ifdef WITH_CPLUS
        cmocka_unit_test(cplus),
#endif
        cmocka_unit_test(declared_library),
        cmocka_unit_test(unsafe_is_only_without_walls),
        cmocka_unit_test(missing_verb),
        cmocka_unit_test(constructor_segv),
        cmocka_unit_test(create_segv),
        cmocka_unit_test(constructor_hang),
        cmocka_unit_test(read_hang),
    };
    struct CMUnitTest all[REFUSALS + sizeof others / sizeof *others];
    for (size_t i = 0; i < REFUSALS; i++) {
        all[i] = (struct CMUnitTest){refusals[i].name, refused, NULL, NULL,
                                     (void *)(uintptr_t)&refusals[i]};
    }
    memcpy(all + REFUSALS, others, sizeof others);
    return cmocka_run_group_tests(all, NULL, NULL);
}
