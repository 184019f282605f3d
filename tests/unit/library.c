/* Plugins found and installed side by side. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "library_world.h"

static const char *version_of(const plugin *p) {
    return p ? p->manifest->version : "none";
}

/* ---- installing ---- */

static void installs_what_the_sources_have(void **state) {
    place *p = *state;
    library_put_agent(p, "ws/agents/triage", "com.example.triage", "triage", "1.0.0");
    library_put(p, "ws/agents/triage/words.lua", "return {}\n");
    library_put(p, "ws/agents/triage/notes.txt", "not a part of it\n");
    library_put_connector(p, "shipped/box", "box.lua", "0.2.0");
    assert_int_equal(fsio_mkdirs(library_at(p, "shipped/libbox.a.p"), 0755, NULL), 0);
    assert_int_equal(library_reopen(p), 2);
    assert_int_equal(p->faults, 0);
    const plugin *t = library_agent(p->library, "triage");
    assert_non_null(t);
    assert_int_equal(t->file_count, 4);
    static const char *const names[] = {"keel.lua", "main.lua", "manifest.yaml", "words.lua"};
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(t->files[i].name, names[i]);
        digest sum = digest_of(t->files[i].data.data, t->files[i].data.len);
        assert_true(digest_equal(&sum, &t->files[i].digest));
    }
    assert_string_equal(t->files[1].data.data, "return keel.agent {}\n");
    assert_string_equal(t->folder, library_at(p, "ws/.keel/plugins/com.example.triage/1.0.0"));
    struct stat st;
    assert_int_equal(stat(library_at(p, "ws/.keel/plugins/com.example.triage/1.0.0/main.lua"), &st),
                     0);
    assert_int_equal(st.st_mode & 0777, 0444);
    assert_int_equal(
        access(library_at(p, "ws/.keel/plugins/com.example.triage/1.0.0/notes.txt"), F_OK), -1);
    digest was = t->digest;
    assert_int_equal(library_reopen(p), 2); /* the second time they are found */
    t = library_by_digest(p->library, &was);
    assert_non_null(t);
    assert_string_equal(t->manifest->name, "triage");
    digest other = digest_of("", 0);
    assert_null(library_by_digest(p->library, &other));
}

static void collects_templates_and_schemas(void **state) {
    place *p = *state;
    library_put_agent(p, "ws/agents/a", "com.example.a", "a", "1.0.0");
    library_put(
        p, "ws/agents/a/manifest.yaml",
        "id: com.example.a\nname: a\nkind: agent\nversion: 1.0.0\nentry: main.lua\ntemplates: "
        "[reply.txt]\n");
    library_put(p, "ws/agents/a/templates/reply.txt", "Dear {name}\n");
    library_put_connector(p, "ws/connectors/box", "box.lua", "0.1.0");
    library_put(p, "ws/connectors/box/manifest.yaml",
                "id: com.example.box\nkind: connector\nversion: 0.1.0\nentry: box.lua\nresources:\n"
                "  item:\n    schema: item.json\n    read: { returns: untrusted }\n");
    library_put(p, "ws/connectors/box/item.json", "{}\n");
    assert_int_equal(library_reopen(p), 2);
    assert_int_equal(p->faults, 0);
    const plugin *a = library_agent(p->library, "a");
    assert_string_equal(a->files[3].name, "templates/reply.txt");
    assert_string_equal(a->files[3].data.data, "Dear {name}\n");
    const plugin *c = library_plugin(p->library, "com.example.box", PLUGIN_CONNECTOR);
    assert_string_equal(c->files[1].name, "item.json");
    unlink(library_at(p, "ws/agents/a/templates/reply.txt"));
    assert_int_equal(library_reopen(p), 2); /* what is installed stays */
    library_expect_fault(p, DIAG_NOT_FOUND, "templates/reply.txt is refused: it is not there",
                         "add");
}

static void keeps_versions_side_by_side(void **state) {
    place *p = *state;
    static const char *const versions[] = {"1.2.0", "1.10.0", "2.0.0-beta.1"};
    for (int i = 0; i < 3; i++) {
        library_put_connector(p, "ws/connectors/box", "box.lua", versions[i]);
        assert_int_equal(library_reopen(p), (size_t)i + 1);
        assert_int_equal(p->faults, 0);
    }
    assert_string_equal(library_get(p->library, 0)->manifest->version, "1.2.0");
    const struct {
        const char *reference, *version;
    } cases[] = {
        {"com.example.box", "1.10.0"},      {"com.example.box@1", "1.10.0"},
        {"com.example.box@1.2", "1.2.0"},   {"com.example.box@1.1", "none"},
        {"com.example.box@1.2.0", "1.2.0"}, {"com.example.box@2", "2.0.0-beta.1"},
        {"com.example.box@2.0.0", "none"},  {"com.example.box@2.0.0-beta.1", "2.0.0-beta.1"},
        {"com.example.box@3", "none"},      {"com.example.bo", "none"},
        {"com.example.boxes", "none"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const plugin *found = library_plugin(p->library, cases[i].reference, PLUGIN_CONNECTOR);
        assert_string_equal(version_of(found), cases[i].version);
        assert_null(library_plugin(p->library, cases[i].reference, PLUGIN_AGENT));
    }
}

static void refuses_the_same_version_with_other_bytes(void **state) {
    place *p = *state;
    library_put_agent(p, "ws/agents/a", "com.example.a", "a", "1.0.0");
    assert_int_equal(library_reopen(p), 1);
    digest was = library_get(p->library, 0)->digest;
    library_put(p, "ws/agents/a/main.lua", "return keel.agent { changed = true }\n");
    assert_int_equal(library_reopen(p), 1);
    library_expect_fault(p, DIAG_CONFLICT, "com.example.a 1.0.0 is installed with another main.lua",
                         "Raise `version` in");
    assert_true(digest_equal(&was, &library_agent(p->library, "a")->digest));
    library_put_agent(p, "ws/agents/a", "com.example.a", "a", "1.0.0");
    library_put(p, "ws/agents/a/more.lua", "");
    assert_int_equal(library_reopen(p), 1);
    library_expect_fault(p, DIAG_CONFLICT, "another more.lua", "Raise");
    unlink(library_at(p, "ws/agents/a/more.lua"));
    library_put(p, "keel.lua", "return { newer = true }\n"); /* not the author's doing */
    assert_int_equal(library_reopen(p), 1);
    assert_int_equal(p->faults, 0);
    assert_true(digest_equal(&was, &library_agent(p->library, "a")->digest));
}

static void finds_a_so_where_the_build_left_it(void **state) {
    place *p = *state;
    library_put_connector(p, "ws/connectors/box", "box.so", "0.1.0");
    assert_int_equal(library_reopen(p), 0);
    library_expect_fault(p, DIAG_NOT_FOUND, "box.so is refused: it is not there", "add the file");
    library_put(p, "shipped/box/box.so", "\177ELF and so on");
    assert_int_equal(library_reopen(p), 1);
    assert_int_equal(p->faults, 0);
    const plugin *c = library_get(p->library, 0);
    assert_int_equal(c->file_count, 2); /* no keel.lua */
    assert_string_equal(c->files[0].name, "box.so");
    assert_int_equal(c->files[0].data.len, 0);
    digest sum = digest_of("\177ELF and so on", 14);
    assert_true(digest_equal(&sum, &c->files[0].digest));
    struct stat st;
    assert_int_equal(stat(library_at(p, "ws/.keel/plugins/com.example.box/0.1.0/box.so"), &st), 0);
    assert_int_equal(st.st_size, 14);
}

static void installs_one_folder(void **state) {
    place *p = *state;
    assert_int_equal(library_reopen(p), 0);
    library_put_agent(p, "elsewhere/a", "com.example.a", "a", "1.0.0");
    const plugin *one = NULL;
    diag d = {0};
    assert_int_equal(library_install(p->library, library_at(p, "elsewhere/a/"), &one, &d), 0);
    assert_string_equal(one->manifest->name, "a");
    assert_ptr_equal(library_agent(p->library, "a"), one);
    const plugin *again = NULL;
    assert_int_equal(library_install(p->library, library_at(p, "elsewhere/a"), &again, &d), 0);
    assert_ptr_equal(one, again);
    library_put(p, "elsewhere/a/main.lua", "other");
    again = NULL;
    assert_int_equal(library_install(p->library, library_at(p, "elsewhere/a"), &again, &d),
                     DIAG_CONFLICT);
    assert_null(again);
    assert_int_equal(library_install(p->library, library_at(p, "nowhere"), &again, NULL),
                     DIAG_NOT_FOUND);
    assert_int_equal(library_reopen(p), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, library_set_up, library_tear_down)
        CASE(installs_what_the_sources_have),     CASE(collects_templates_and_schemas),
        CASE(keeps_versions_side_by_side),        CASE(refuses_the_same_version_with_other_bytes),
        CASE(finds_a_so_where_the_build_left_it), CASE(installs_one_folder),
    };
    return cmocka_run_group_tests_name("library", tests, NULL, NULL);
}
