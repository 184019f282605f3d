/* What is refused as a plugin, and what an interrupted or a changed installation means. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "library_world.h"

#define INSTALLED "ws/.keel/plugins/com.example.a/1.0.0"

static void make_agent(place *p) {
    library_put_agent(p, "ws/agents/a", "com.example.a", "a", "1.0.0");
}

/* ---- an author's folder ---- */

static void link_entry(place *p) {
    unlink(library_at(p, "ws/agents/a/main.lua"));
    assert_int_equal(symlink("../../../keel.lua", library_at(p, "ws/agents/a/main.lua")), 0);
}

static void link_manifest(place *p) {
    unlink(library_at(p, "ws/agents/a/manifest.yaml"));
    library_put(p, "manifest.yaml", "id: com.example.a\n");
    assert_int_equal(symlink("../../../manifest.yaml", library_at(p, "ws/agents/a/manifest.yaml")),
                     0);
}

static void link_templates(place *p) {
    library_put(p, "ws/agents/a/manifest.yaml",
                "id: com.example.a\nname: a\nkind: agent\nversion: 1.0.0\nentry: main.lua\n"
                "templates: [reply.txt]\n");
    library_put(p, "elsewhere/reply.txt", "x");
    assert_int_equal(symlink("../../../elsewhere", library_at(p, "ws/agents/a/templates")), 0);
}

static void link_folder(place *p) {
    assert_int_equal(fsio_remove_tree(AT_FDCWD, library_at(p, "ws/agents/a"), NULL), 0);
    library_put_agent(p, "elsewhere", "com.example.a", "a", "1.0.0");
    assert_int_equal(symlink("../../elsewhere", library_at(p, "ws/agents/a")), 0);
}

static void drop_manifest(place *p) {
    unlink(library_at(p, "ws/agents/a/manifest.yaml"));
}

static void break_manifest(place *p) {
    library_put(p, "ws/agents/a/manifest.yaml", "id: com.example.a\nkind: agnt\n");
}

static void drop_entry(place *p) {
    unlink(library_at(p, "ws/agents/a/main.lua"));
}

static void make_pipe(place *p) {
    unlink(library_at(p, "ws/agents/a/main.lua"));
    assert_int_equal(mkfifo(library_at(p, "ws/agents/a/main.lua"), 0600), 0);
}

static void make_writable(place *p) {
    assert_int_equal(chmod(library_at(p, "ws/agents/a/main.lua"), 0666), 0);
}

static void make_large(place *p) {
    assert_int_equal(truncate(library_at(p, "ws/agents/a/main.lua"), (1 << 20) + 1), 0);
}

static void shadow_sdk(place *p) {
    library_put(p, "ws/agents/a/keel.lua", "return {}\n");
}

static void make_connector(place *p) {
    unlink(library_at(p, "ws/agents/a/main.lua"));
    library_put_connector(p, "ws/agents/a", "box.lua", "1.0.0");
}

static void same_name(place *p) {
    library_put_agent(p, "ws/agents/b", "com.example.b", "a", "1.0.0");
}

static const struct {
    void (*spoil)(place *p);
    int code;
    const char *what, *next;
    size_t left;
} spoilt[] = {
    {link_entry, DIAG_USAGE, "main.lua is refused: a symbolic link", "file itself", 0},
    {link_manifest, DIAG_USAGE, "manifest.yaml is refused: a symbolic link", "file itself", 0},
    {link_templates, DIAG_USAGE, "reply.txt is refused: a symbolic link", "file itself", 0},
    {link_folder, DIAG_USAGE, "agents/a cannot be read as a plugin", "Name the folder", 0},
    {drop_manifest, DIAG_NOT_FOUND, "manifest.yaml is refused: it is not there", "add", 0},
    {break_manifest, DIAG_USAGE, "agent", "kind: agent", 0},
    {drop_entry, DIAG_NOT_FOUND, "main.lua is refused: it is not there", "add", 0},
    {make_pipe, DIAG_USAGE, "not a regular file", "Put a file there", 0},
    {make_writable, DIAG_USAGE, "others may write to it", "chmod go-w", 0},
    {make_large, DIAG_USAGE, "more than 1024 KiB", "split", 0},
    {shadow_sdk, DIAG_USAGE, "Keel's own library", "another name", 0},
    {make_connector, DIAG_USAGE, "holds a connector", "Move the folder to connectors/", 0},
    {same_name, DIAG_CONFLICT, "is called \"a\" already", "another `name`", 1},
};

static void refuses_a_bad_source(void **state) {
    place *p = *state;
    for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
        assert_int_equal(fsio_remove_tree(AT_FDCWD, library_at(p, "ws"), NULL), 0);
        make_agent(p);
        spoilt[i].spoil(p);
        size_t left = library_reopen(p);
        library_expect_fault(p, spoilt[i].code, spoilt[i].what, spoilt[i].next);
        assert_int_equal(left, spoilt[i].left);
    }
}

static void one_fault_does_not_stop_the_others(void **state) {
    place *p = *state;
    make_agent(p);
    drop_entry(p);
    library_put_agent(p, "ws/agents/b", "com.example.b", "b", "1.0.0");
    assert_int_equal(library_reopen(p), 1);
    assert_int_equal(p->faults, 1);
    assert_non_null(library_agent(p->library, "b"));
}

static void names_the_place_in_a_manifest(void **state) {
    place *p = *state;
    make_agent(p);
    break_manifest(p);
    assert_int_equal(library_reopen(p), 0);
    assert_int_equal(p->last.line, 2);
    assert_int_equal(p->last.column, 7);
    assert_string_equal(p->last.file, library_at(p, "ws/agents/a/manifest.yaml"));
}

static void the_workspaces_own_goes_first(void **state) {
    place *p = *state;
    library_put_agent(p, "shipped/a", "org.shipped.a", "a", "9.0.0");
    assert_int_equal(library_reopen(p), 1);
    assert_string_equal(library_agent(p->library, "a")->manifest->id, "org.shipped.a");
    make_agent(p);
    assert_int_equal(library_reopen(p), 2);
    assert_int_equal(p->faults, 0);
    assert_string_equal(library_agent(p->library, "a")->manifest->id, "com.example.a");
    assert_int_equal(fsio_remove_tree(AT_FDCWD, library_at(p, "ws/agents/a"), NULL), 0);
    assert_int_equal(library_reopen(p), 2);
    assert_string_equal(library_agent(p->library, "a")->manifest->id, "org.shipped.a");
    assert_null(library_agent(p->library, "nobody"));
}

/* ---- what is installed ---- */

static void change_bytes(place *p) {
    assert_int_equal(chmod(library_at(p, INSTALLED "/main.lua"), 0644), 0);
    library_put(p, INSTALLED "/main.lua", "return evil\n");
}

static void add_module(place *p) {
    library_put(p, INSTALLED "/evil.lua", "return evil\n");
}

static void change_digest(place *p) {
    library_put(p, INSTALLED "/.digest", "0000");
}

static void drop_digest(place *p) {
    unlink(library_at(p, INSTALLED "/.digest"));
}

static void open_to_group(place *p) {
    assert_int_equal(chmod(library_at(p, INSTALLED "/main.lua"), 0464), 0);
}

static void rename_version(place *p) {
    char from[512];
    snprintf(from, sizeof from, "%s", library_at(p, INSTALLED));
    assert_int_equal(rename(from, library_at(p, "ws/.keel/plugins/com.example.a/1.0.1")), 0);
}

static const struct {
    void (*spoil)(place *p);
    int code;
    const char *what, *next;
} changed[] = {
    {change_bytes, DIAG_USAGE, "not those that were installed", "Remove that folder"},
    {add_module, DIAG_USAGE, "not those that were installed", "Remove that folder"},
    {change_digest, DIAG_USAGE, "not those that were installed", "Remove that folder"},
    {drop_digest, DIAG_NOT_FOUND, ".digest is refused: it is not there", ""},
    {open_to_group, DIAG_USAGE, "others may write to it", "chmod go-w"},
    {rename_version, DIAG_USAGE, "holds com.example.a 1.0.0", "Remove the folder"},
};

static void refuses_a_changed_installation(void **state) {
    place *p = *state;
    for (size_t i = 0; i < sizeof changed / sizeof *changed; i++) {
        assert_int_equal(fsio_remove_tree(AT_FDCWD, library_at(p, "ws"), NULL), 0);
        make_agent(p);
        assert_int_equal(library_reopen(p), 1);
        assert_int_equal(fsio_remove_tree(AT_FDCWD, library_at(p, "ws/agents"), NULL), 0);
        changed[i].spoil(p);
        assert_int_equal(library_reopen(p), 0);
        library_expect_fault(p, changed[i].code, changed[i].what, changed[i].next);
    }
}

static void a_broken_installation_is_not_overwritten(void **state) {
    place *p = *state;
    make_agent(p);
    assert_int_equal(library_reopen(p), 1);
    change_bytes(p);
    assert_int_equal(library_reopen(p), 0);
    assert_int_equal(p->faults, 2); /* once as installed, once as it stands in the source's way */
    assert_int_equal(p->last.code, DIAG_CONFLICT);
    assert_non_null(strstr(p->last.what, "is already there"));
    assert_int_equal(fsio_remove_tree(AT_FDCWD, library_at(p, INSTALLED), NULL), 0);
    assert_int_equal(library_reopen(p), 1);
    assert_int_equal(p->faults, 0);
}

static void a_torn_installation_is_swept_away(void **state) {
    place *p = *state;
    library_put(p, "ws/.keel/plugins/.staging-torn/manifest.yaml", "id: com.exa");
    library_put(p, "ws/.keel/plugins/.staging-busy/manifest.yaml", "id: com.exa");
    int busy = open(library_at(p, "ws/.keel/plugins/.staging-busy"), O_RDONLY | O_CLOEXEC);
    assert_int_equal(flock(busy, LOCK_EX), 0);
    make_agent(p);
    assert_int_equal(library_reopen(p), 1);
    assert_int_equal(p->faults, 0);
    assert_int_equal(access(library_at(p, "ws/.keel/plugins/.staging-torn"), F_OK), -1);
    assert_int_equal(access(library_at(p, "ws/.keel/plugins/.staging-busy"), F_OK), 0);
    close(busy);
    assert_int_equal(library_reopen(p), 1);
    assert_int_equal(access(library_at(p, "ws/.keel/plugins/.staging-busy"), F_OK), -1);
}

static void refuses_what_cannot_be_written(void **state) {
    place *p = *state;
    library_put(p, "ws/.keel", "in the way");
    library *l = NULL;
    diag d = {0};
    assert_true(library_open(&l, p->ws, NULL, p->sdk, NULL, NULL, &d) < 0);
    assert_null(l);
    assert_true(d.what[0] != 0);
    unlink(library_at(p, "ws/.keel"));
    make_agent(p);
    unlink(p->sdk);
    assert_int_equal(library_reopen(p), 0);
    library_expect_fault(p, DIAG_NOT_FOUND, "keel.lua", "install it again");
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, library_set_up, library_tear_down)
        CASE(refuses_a_bad_source),
        CASE(one_fault_does_not_stop_the_others),
        CASE(names_the_place_in_a_manifest),
        CASE(the_workspaces_own_goes_first),
        CASE(refuses_a_changed_installation),
        CASE(a_broken_installation_is_not_overwritten),
        CASE(a_torn_installation_is_swept_away),
        CASE(refuses_what_cannot_be_written),
    };
    return cmocka_run_group_tests_name("library_refuse", tests, NULL, NULL);
}
