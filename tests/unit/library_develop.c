/* Versions of a plugin that is worked on: each save is one, and the newest is in force. */
#include <stdio.h>
#include <string.h>

#include "library_world.h"

static library_save save(place *p) {
    library_save s;
    diag d = {0};
    char folder[160];
    snprintf(folder, sizeof folder, "%s", library_at(p, "ws/agents/a"));
    if (library_develop(p->ws, p->sdk, folder, &s, NULL, NULL, &d) != 0) {
        fail_msg("%s", d.what);
    }
    return s;
}

static void script(place *p, const char *text) {
    library_put(p, "ws/agents/a/main.lua", text);
}

static const char *in_force(place *p) {
    const plugin *a = library_agent(p->library, "a");
    return a ? a->manifest->version : "none";
}

static void each_save_is_newer(void **state) {
    place *p = *state;
    library_put_agent(p, "ws/agents/a", "com.example.a", "a", "1.2.0");
    library_save s = save(p);
    assert_true(s.fresh);
    assert_int_equal(strncmp(s.version, "1.2.0+dev.000001.", 17), 0);
    assert_int_equal(strlen(s.version), 29);
    assert_false(save(p).fresh); /* nothing has changed */
    script(p, "return keel.agent { two }\n");
    s = save(p);
    assert_int_equal(strncmp(s.version, "1.2.0+dev.000002.", 17), 0);
    script(p, "return keel.agent {}\n"); /* as it was at first */
    s = save(p);
    assert_true(s.fresh);
    assert_int_equal(strncmp(s.version, "1.2.0+dev.000003.", 17), 0);
    assert_int_equal(library_reopen(p), 3); /* and 1.2.0 itself is not burnt */
    assert_int_equal(p->faults, 0);
    assert_string_equal(in_force(p), s.version);
    const plugin *a = library_plugin(p->library, "com.example.a@1.2.0", PLUGIN_AGENT);
    assert_string_equal(a->manifest->version, s.version);
    assert_non_null(strstr(a->files[2].data.data, s.version)); /* its manifest says so too */
}

static void a_source_that_went_on_is_told(void **state) {
    place *p = *state;
    library_put_agent(p, "ws/agents/a", "com.example.a", "a", "1.2.0");
    library_save s = save(p);
    script(p, "return keel.agent { later }\n");
    assert_int_equal(library_reopen(p), 1);
    library_expect_fault(p, DIAG_CONFLICT, "has changed since `keel dev` installed it as 1.2.0+dev",
                         "keel dev a");
    assert_string_equal(in_force(p), s.version);
    library_put_agent(p, "ws/agents/a", "com.example.a", "a", "1.2.1"); /* released */
    p->faults = 0;
    assert_int_equal(library_reopen(p), 2);
    assert_int_equal(p->faults, 0);
    assert_string_equal(in_force(p), "1.2.1");
    assert_int_equal(strncmp(save(p).version, "1.2.1", 6), 0); /* it is in force as it is */
    script(p, "return keel.agent { more }\n");
    assert_int_equal(strncmp(save(p).version, "1.2.1+dev.000001.", 17), 0);
}

static void an_installed_version_is_gone_on_with(void **state) {
    place *p = *state;
    library_put_agent(p, "ws/agents/a", "com.example.a", "a", "1.2.0");
    assert_int_equal(library_reopen(p), 1);
    assert_false(save(p).fresh);
    script(p, "return keel.agent { more }\n");
    library_save s = save(p);
    assert_true(s.fresh);
    assert_int_equal(library_reopen(p), 2);
    assert_int_equal(p->faults, 0);
    assert_string_equal(in_force(p), s.version);
}

static void versions_as_authors_write_them(void **state) {
    static const char *const forms[][2] = {
        {"version: \"1.0.0\"", "1.0.0+dev.000001."},
        {"version: '1.0.0'   # a remark", "1.0.0+dev.000001."},
        {"version: 1.0.0+2", "1.0.0+2.dev.000001."},
        {"version:    1.0.0-beta.1", "1.0.0-beta.1+dev.000001."},
    };
    place *p = *state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        char text[300];
        snprintf(text, sizeof text,
                 "id: com.example.v%zu\nname: a\nkind: agent\n%s\nentry: main.lua\n", i,
                 forms[i][0]);
        library_put(p, "ws/agents/a/manifest.yaml", text);
        script(p, "return 1\n");
        library_save s = save(p);
        assert_int_equal(strncmp(s.version, forms[i][1], strlen(forms[i][1])), 0);
        assert_false(save(p).fresh);
    }
}

static const struct {
    const char *version;
    size_t author;
} stamps[] = {
    {"1.2.0", 5},
    {"1.2.0+dev.000001.0123456789ab", 5},
    {"1.2.0+7.dev.000001.0123456789ab", 7},
    {"1.2.0+dev.1.0123456789ab", 24},
    {"1.2.0+dev.000001.0123456789aX", 29},
    {"1.2.0-dev.000001.0123456789ab", 29},
    {"1.2.0-a.dev.000001.0123456789ab", 31},
    {"+dev.000001.0123456789ab", 24},
};

static void what_is_the_authors(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof stamps / sizeof *stamps; i++) {
        assert_int_equal(semver_author(stamps[i].version), stamps[i].author);
    }
    assert_true(semver_compare("1.2.0+dev.000002.000000000000", "1.2.0+dev.000001.ffffffffffff") >
                0);
    assert_true(semver_compare("1.2.0+dev.000001.000000000000", "1.2.0") > 0);
    assert_true(semver_compare("1.2.1", "1.2.0+dev.000009.000000000000") > 0);
}

static void what_cannot_be_saved(void **state) {
    place *p = *state;
    library_save s;
    diag d = {0};
    assert_int_equal(
        library_develop(p->ws, p->sdk, library_at(p, "ws/agents/none"), &s, NULL, NULL, &d),
        DIAG_NOT_FOUND);
    library_put_agent(p, "ws/agents/a", "com.example.a", "a", "1.2.0");
    library_put(p, "ws/agents/a/manifest.yaml", "id: [\n");
    assert_int_equal(
        library_develop(p->ws, p->sdk, library_at(p, "ws/agents/a"), &s, NULL, NULL, &d),
        DIAG_USAGE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, library_set_up, library_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(each_save_is_newer),
        TEST(a_source_that_went_on_is_told),
        TEST(an_installed_version_is_gone_on_with),
        TEST(versions_as_authors_write_them),
        cmocka_unit_test(what_is_the_authors),
        TEST(what_cannot_be_saved),
    };
    return cmocka_run_group_tests_name("library_develop", tests, NULL, NULL);
}
