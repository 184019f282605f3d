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
    {"minor", {.plugin = "minor"}, {"abi_minor is 9", "has 1"}, "pkg-config"},
    {"size", {.plugin = "size"}, {"size of keel_plugin is 16", "at least 48"}, "pkg-config"},
    {"size of the functions",
     {.plugin = "connector_size"},
     {"size of keel_connector is 8", "at least 64"},
     "pkg-config"},
    {"agent", {.plugin = "agent"}, {"C agents come with ABI 0.2", "has 0.1"}, "Lua"},
    {"kind", {.plugin = "kind"}, {"kind is 42", "2"}, NULL},
    {"kind of the manifest",
     {.plugin = "good", .manifest = "\"kind\":\"agent\""},
     {"code says kind connector", "manifest.yaml says agent"},
     "agree"},
    {"id", {.plugin = "id"}, {"code says id com.example.other", "says com.example.abi"}, "agree"},
    {"no id", {.plugin = "no_id"}, {"code says id (nothing)", "com.example.abi"}, "agree"},
    {"version", {.plugin = "version"}, {"version 2.0.0", "says 1.0.0"}, "agree"},
    {"manifest's abi",
     {.plugin = "good", .manifest = "\"abi\":[0,0]"},
     {"code says abi 0.1", "manifest.yaml says 0.0"},
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

/* A later minor's longer structs, declaring that 0.1 is enough, are cut to what is known. */
static void longer(void **state) {
    (void)state;
    ready_and_reads(&(child_spec){.plugin = "longer"});
}

/* A plugin built when a minor was new. */
static void frozen(void **state) {
    (void)state;
    ready_and_reads(&(child_spec){.plugin = "frozen_0_1"});
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
