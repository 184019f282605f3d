/* What a .so says of itself, and bytes that lie: whatever is cut off or changed, nothing beyond the
 * end is read (which the sanitizers see). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "elfinfo.h"
#include "fsio.h"
#include "keel/plugin.h"

static keel_buf file;

static int read_file(void **state) {
    (void)state;
    char path[600];
    snprintf(path, sizeof path, "%s/abi_good.so", getenv("KEEL_ABI"));
    return fsio_read(path, 16u << 20, &file, NULL);
}

static int free_file(void **state) {
    (void)state;
    keel_buf_free(&file);
    return 0;
}

static int look(const char *data, size_t len) {
    char *copy = malloc(len ? len : 1);
    elf_info e;
    diag d = {0};
    memcpy(copy, data, len);
    int rc = elf_info_read(&e, copy, len, "a.so", &d);
    assert_true(rc == 0 || (rc == DIAG_USAGE && d.what[0] && d.next[0]));
    assert_true(!e.described || (e.id[0] && e.version[0]));
    assert_true(e.needed_count <= ELFINFO_NAMES);
    for (size_t i = 0; rc == 0 && i < e.needed_count; i++) {
        assert_true(strlen(e.needed[i]) < len);
    }
    free(copy);
    return rc;
}

static void good(void **state) {
    (void)state;
    elf_info e;
    diag d = {0};
    assert_int_equal(elf_info_read(&e, file.data, file.len, "a.so", &d), 0);
    assert_true(e.described);
    assert_string_equal(e.id, "com.example.abi");
    assert_string_equal(e.version, "1.0.0");
    assert_int_equal(e.abi_major, KEEL_ABI_MAJOR);
    assert_false(e.agent);
    assert_true(e.read && !e.write && !e.reconcile);
    assert_int_equal(e.export_count, 1);
    assert_string_equal(e.exports[0], "keel_plugin_entry");
}

static void cut_off(void **state) {
    (void)state;
    for (size_t len = 0; len < file.len; len += len < 2000 ? 1 : 97) {
        look(file.data, len);
    }
    assert_int_equal(look(file.data, 0), DIAG_USAGE);
    assert_int_equal(look("\177ELF", 4), DIAG_USAGE);
}

static void changed(void **state) {
    (void)state;
    uint64_t seed = 11;
    char *copy = malloc(file.len);
    for (int n = 0; n < 4000; n++) {
        memcpy(copy, file.data, file.len);
        for (int i = 0; i < 6; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            size_t most = n % 2 ? 1024 : file.len;
            copy[(seed >> 20) % most] = (char)(n % 3 ? seed >> 56 : 0xff);
        }
        look(copy, file.len);
    }
    free(copy);
}

/* The magic number at the very end, and all over. */
static void magic_without_a_description(void **state) {
    (void)state;
    static const uint32_t magic = KEEL_ABI_MAGIC;
    keel_buf all = KEEL_BUF_INIT;
    keel_buf_append(&all, file.data, file.len);
    for (size_t at = 4096; at + 4 <= all.len; at += 4) {
        memcpy(all.data + at, &magic, sizeof magic);
    }
    look(all.data, all.len);
    keel_buf_free(&all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good),
        cmocka_unit_test(cut_off),
        cmocka_unit_test(changed),
        cmocka_unit_test(magic_without_a_description),
    };
    return cmocka_run_group_tests_name("elfinfo", tests, read_file, free_file);
}
