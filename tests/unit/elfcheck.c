/* The look at a shared object's bytes, with bytes that lie: whatever is cut off or changed, the
 * check answers and reads nothing beyond the end (which the sanitizers see). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "elfcheck.h"
#include "keel/buf.h"

static keel_buf file;

static int read_file(void **state) {
    (void)state;
    char path[600];
    char block[4096];
    size_t n;
    snprintf(path, sizeof path, "%s/abi_good.so", getenv("KEEL_ABI"));
    FILE *f = fopen(path, "rb");
    while (f && (n = fread(block, 1, sizeof block, f)) > 0) {
        keel_buf_append(&file, block, n);
    }
    return f ? fclose(f) : -1;
}

static int free_file(void **state) {
    (void)state;
    keel_buf_free(&file);
    return 0;
}

/* The bytes in memory of just their size. */
static int check(const char *data, size_t len, diag *d) {
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, data, len);
    int r = elf_check(copy, len, "a.so", "keel_plugin_entry", NULL, 0, d);
    free(copy);
    return r;
}

static void good(void **state) {
    (void)state;
    diag d = {0};
    assert_int_equal(check(file.data, file.len, &d), 0);
}

static void cut_off(void **state) {
    (void)state;
    for (size_t len = 0; len < file.len; len += len < 2000 ? 1 : 97) {
        diag d = {0};
        if (check(file.data, len, &d) < 0) {
            assert_true(*d.what && *d.next);
        }
    }
    diag d = {0};
    assert_int_equal(check(file.data, 1000, &d), DIAG_FAILED);
}

/* A generator of its own, so that a failure comes again. */
static uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void changed_bytes(void **state) {
    (void)state;
    uint32_t seed = 7;
    char *copy = malloc(file.len);
    for (int i = 0; i < 20000; i++) {
        memcpy(copy, file.data, file.len);
        size_t reach = i % 2 ? 2000 : file.len; /* headers and tables stand at the front */
        for (uint32_t n = 1 + next_random(&seed) % 8; n > 0; n--) {
            copy[next_random(&seed) % reach] = (char)next_random(&seed);
        }
        diag d = {0};
        check(copy, file.len, &d);
    }
    free(copy);
}

static const struct {
    const char *name;
    size_t at;
    uint8_t value;
    const char *words;
} headers[] = {
    {"magic", 0, 'M', "does not begin as an ELF file"},
    {"class", 4, 1, "another machine"},
    {"order", 5, 2, "another machine"},
    {"machine", 18, 40, "ELF machine 40"},
    {"type", 16, 2, "not of the type of a shared object"},
    {"segments", 56, 0, "no dynamic section"},
};

static void wrong_header(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        diag d = {0};
        char old = file.data[headers[i].at];
        file.data[headers[i].at] = (char)headers[i].value;
        assert_int_equal(check(file.data, file.len, &d), DIAG_FAILED);
        file.data[headers[i].at] = old;
        if (!strstr(d.what, headers[i].words)) {
            fail_msg("%s: %s", headers[i].name, d.what);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good),
        cmocka_unit_test(cut_off),
        cmocka_unit_test(changed_bytes),
        cmocka_unit_test(wrong_header),
    };
    return cmocka_run_group_tests(tests, read_file, free_file);
}
