/* Services in YAML: what is installed of them, and what is refused. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "library_world.h"
#include "service.h"

static const char engine[] = "-- the engine\n";
static const char description[] = "resources:\n  note:\n    read: { list: \"/notes?tag={tag?}\" }\n"
                                  "    write: { post: /notes, body: { n: 1, ref: \"{key}\" } }\n";

static void put_manifest(place *p, const char *entry, const char *version) {
    char text[500];
    snprintf(text, sizeof text,
             "id: com.example.notes\nkind: connector\nversion: %s\nentry: %s\n"
             "needs: [ \"http:{config.base}\" ]\n"
             "resources:\n  note: { read: {}, write: { class: keyed, window: 1h } }\n",
             version, entry);
    library_put(p, "ws/connectors/notes/manifest.yaml", text);
}

static void put_service(place *p, const char *text, const char *version) {
    library_put(p, "rest.lua", engine);
    library_put(p, "rest_request.lua", "return {}\n");
    put_manifest(p, "service.yaml", version);
    library_put(p, "ws/connectors/notes/service.yaml", text);
}

static const plugin *found(place *p) {
    const plugin *s = library_plugin(p->library, "com.example.notes", PLUGIN_CONNECTOR);
    assert_non_null(s);
    return s;
}

static const plugin_file *file_of(const plugin *s, const char *name) {
    for (size_t i = 0; i < s->file_count; i++) {
        if (strcmp(s->files[i].name, name) == 0) {
            return &s->files[i];
        }
    }
    return NULL;
}

static void check_files(const plugin *s) {
    static const char *const names[] = {"keel.lua",         "manifest.yaml", "rest.lua",
                                        "rest_request.lua", "service.json",  "service.yaml"};
    assert_int_equal(s->file_count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(s->files[i].name, names[i]);
    }
    assert_string_equal(s->files[2].data.data, engine);
    assert_string_equal(s->files[5].data.data, description);
    const keel_buf *json = &s->files[4].data;
    static const char expected[] =
        "{\"resources\":{\"note\":{\"read\":{\"list\":\"/notes?tag={tag?}\"},"
        "\"write\":{\"body\":{\"n\":1,\"ref\":\"{key}\"},\"post\":\"/notes\"}}}}";
    assert_int_equal(json->len, sizeof expected - 1);
    assert_memory_equal(json->data, expected, sizeof expected - 1);
}

static void installed_with_its_engine(void **state) {
    place *p = *state;
    put_service(p, description, "1.0.0");
    library_put(p, "ws/connectors/notes/helper.lua", "not a part of it\n");
    assert_int_equal(library_reopen(p), 1);
    assert_int_equal(p->faults, 0);
    check_files(found(p));
    assert_string_equal(manifest_program(found(p)->manifest), "rest.lua");
    assert_true(found(p)->manifest->service);
    digest was = found(p)->digest;
    assert_int_equal(library_reopen(p), 1); /* the second time it is found */
    assert_int_equal(p->faults, 0);
    check_files(found(p));
    assert_true(digest_equal(&was, &found(p)->digest));
}

/* A newer Keel brings a newer engine: what is installed keeps its own. */
static void keeps_its_engine(void **state) {
    place *p = *state;
    put_service(p, description, "1.0.0");
    assert_int_equal(library_reopen(p), 1);
    library_put(p, "rest.lua", "-- a newer one\n");
    assert_int_equal(library_reopen(p), 1);
    assert_int_equal(p->faults, 0);
    check_files(found(p));
    put_manifest(p, "service.yaml", "1.1.0");
    assert_int_equal(library_reopen(p), 2);
    assert_string_equal(file_of(found(p), "rest.lua")->data.data, "-- a newer one\n");
    unlink(library_at(p, "rest.lua"));
    put_manifest(p, "service.yaml", "1.2.0");
    assert_int_equal(library_reopen(p), 2);
    library_expect_fault(p, DIAG_NOT_FOUND, "rest.lua", "install it again");
}

static void another_description_is_another_version(void **state) {
    place *p = *state;
    put_service(p, description, "1.0.0");
    assert_int_equal(library_reopen(p), 1);
    library_put(p, "ws/connectors/notes/service.yaml",
                "key: X-Key\nresources:\n  note: { read: { list: /x }, write: { post: /x } }\n");
    assert_int_equal(library_reopen(p), 1);
    library_expect_fault(p, DIAG_CONFLICT, "another service.yaml", "Raise `version`");
    check_files(found(p));
}

static void a_faulty_one_is_refused(void **state) {
    place *p = *state;
    put_service(p, "resources:\n  note: { read: { list: /x } }\n", "1.0.0");
    assert_int_equal(library_reopen(p), 0);
    library_expect_fault(p, DIAG_USAGE, "the manifest has a write of note", "Add `write:`");
    assert_string_equal(p->last.file, library_at(p, "ws/connectors/notes/service.yaml"));
    assert_int_equal(p->last.line, 2);
    assert_int_equal(p->last.column, 9);
    put_service(p, "resources: [\n", "1.0.0");
    assert_int_equal(library_reopen(p), 0);
    assert_int_equal(p->last.line, 2);
    unlink(library_at(p, "ws/connectors/notes/service.yaml"));
    assert_int_equal(library_reopen(p), 0);
    library_expect_fault(p, DIAG_NOT_FOUND, "service.yaml is refused: it is not there", "add");
}

static void what_was_installed_is_whole(void **state) {
    place *p = *state;
    put_service(p, description, "1.0.0");
    assert_int_equal(library_reopen(p), 1);
    const char *json = library_at(p, "ws/.keel/plugins/com.example.notes/1.0.0/service.json");
    assert_int_equal(chmod(json, 0644), 0);
    FILE *f = fopen(json, "w");
    assert_non_null(f);
    fputs("{}", f);
    fclose(f);
    assert_int_equal(library_reopen(p), 0);
    assert_true(p->faults >= 1);
}

static void checked_where_it_lies(void **state) {
    place *p = *state;
    manifest *m;
    diag d = {0};
    put_service(p, description, "1.0.0");
    assert_int_equal(manifest_load(&m, library_at(p, "ws/connectors/notes/manifest.yaml"), &d), 0);
    assert_int_equal(service_check(m, library_at(p, "ws/connectors/notes"), &d), 0);
    library_put(p, "ws/connectors/notes/service.yaml", "resources: {}\n");
    assert_int_equal(service_check(m, library_at(p, "ws/connectors/notes"), &d), DIAG_USAGE);
    assert_non_null(strstr(d.what, "resources wants a map"));
    unlink(library_at(p, "ws/connectors/notes/service.yaml"));
    assert_int_equal(service_check(m, library_at(p, "ws/connectors/notes"), &d), DIAG_NOT_FOUND);
    manifest_destroy(m);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, library_set_up, library_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(installed_with_its_engine),
        TEST(keeps_its_engine),
        TEST(another_description_is_another_version),
        TEST(a_faulty_one_is_refused),
        TEST(what_was_installed_is_whole),
        TEST(checked_where_it_lies),
    };
    if (digest_init() < 0) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
