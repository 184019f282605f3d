/* Receipts of passed checks: only the one for exactly these bytes counts. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "check_receipt.h"
#include "fsio.h"

typedef struct place {
    char folder[64];
    check_receipt receipt;
    char path[192];
} place;

static int set_up(void **state) {
    place *p = keel_alloc(sizeof *p);
    char hex[DIGEST_HEX];
    *p = (place){.folder = "/tmp/keel-receipt-XXXXXX"};
    assert_int_equal(digest_init(), 0);
    assert_non_null(mkdtemp(p->folder));
    p->receipt = (check_receipt){.id = "com.example.memos",
                                 .version = "1.0.0",
                                 .plugin = digest_of("a", 1),
                                 .at_us = 1795883527919017,
                                 .passed = 12,
                                 .skipped = 3};
    digest_hex(&p->receipt.plugin, hex);
    snprintf(p->path, sizeof p->path, "%s/checks/%s.json", p->folder, hex);
    *state = p;
    return 0;
}

static int tear_down(void **state) {
    place *p = *state;
    fsio_remove_tree(AT_FDCWD, p->folder, NULL);
    free(p);
    return 0;
}

static void written_is_valid(void **state) {
    place *p = *state;
    assert_false(check_receipt_valid(p->folder, &p->receipt.plugin));
    assert_int_equal(check_receipt_write(p->folder, &p->receipt, NULL), 0);
    assert_true(check_receipt_valid(p->folder, &p->receipt.plugin));
    digest other = digest_of("b", 1);
    assert_false(check_receipt_valid(p->folder, &other));
    assert_int_equal(check_receipt_write(p->folder, &p->receipt, NULL), 0);
    assert_true(check_receipt_valid(p->folder, &p->receipt.plugin));
}

static void is_canonical(void **state) {
    place *p = *state;
    keel_buf text = KEEL_BUF_INIT;
    assert_int_equal(check_receipt_write(p->folder, &p->receipt, NULL), 0);
    assert_int_equal(fsio_read(p->path, 4096, &text, NULL), 0);
    assert_non_null(strstr(text.data, "{\"at_us\":1795883527919017,\"digest\":\""));
    assert_non_null(strstr(text.data, "\"passed\":12,\"skipped\":3,\"version\":\"1.0.0\"}\n"));
    keel_buf_free(&text);
}

/* What stands at the place of a receipt and is none. %s is its digest. */
static const char *const impostors[] = {
    "",
    "{}",
    "passed",
    "{\"digest\":\"%s\"}",
    "{\"digest\":\"%s\",\"failed\":1,\"kit\":1,\"passed\":12}",
    "{\"digest\":\"%s\",\"failed\":0,\"kit\":0,\"passed\":12}",
    "{\"digest\":\"%s\",\"failed\":0,\"kit\":1,\"passed\":0}",
    "{\"digest\":\"%s\",\"failed\":0,\"passed\":12}",
    "{\"digest\":\"%s\",\"failed\":\"no\",\"kit\":1,\"passed\":12}",
    "{\"digest\":\"00%.62s\",\"failed\":0,\"kit\":1,\"passed\":12}",
    "{\"digest\":\"%s\",\"failed\":0,\"kit\":1,\"passed\":12",
};

static void impostors_are_not(void **state) {
    place *p = *state;
    char hex[DIGEST_HEX], text[256];
    digest_hex(&p->receipt.plugin, hex);
    assert_int_equal(check_receipt_write(p->folder, &p->receipt, NULL), 0);
    for (size_t i = 0; i < sizeof impostors / sizeof *impostors; i++) {
        const char *at = strchr(impostors[i], '%');
        size_t head = at ? (size_t)(at - impostors[i]) : strlen(impostors[i]);
        bool cut = at && at[1] == '.';
        snprintf(text, sizeof text, "%.*s%.*s%s", (int)head, impostors[i], at ? (cut ? 62 : 64) : 0,
                 hex, at ? at + (cut ? 5 : 2) : "");
        assert_int_equal(fsio_write_atomic(p->path, text, strlen(text), 0600, NULL), 0);
        if (check_receipt_valid(p->folder, &p->receipt.plugin)) {
            fail_msg("taken for a receipt: %s", text);
        }
    }
}

static void loose_json_counts(void **state) {
    place *p = *state;
    char hex[DIGEST_HEX], text[256];
    digest_hex(&p->receipt.plugin, hex);
    assert_int_equal(check_receipt_write(p->folder, &p->receipt, NULL), 0);
    snprintf(text, sizeof text,
             "{ \"passed\": 1, \"kit\": %d, \"failed\": 0,\n \"digest\": \"%s\" }\n",
             CHECK_RECEIPT_KIT, hex);
    assert_int_equal(fsio_write_atomic(p->path, text, strlen(text), 0600, NULL), 0);
    assert_true(check_receipt_valid(p->folder, &p->receipt.plugin));
}

static void no_place_for_it(void **state) {
    place *p = *state;
    diag d = {0};
    char file[96];
    snprintf(file, sizeof file, "%s/checks", p->folder);
    assert_int_equal(fsio_write_atomic(file, "", 0, 0600, NULL), 0);
    assert_true(check_receipt_write(p->folder, &p->receipt, &d) < 0);
    assert_true(*d.what);
    assert_false(check_receipt_valid(p->folder, &p->receipt.plugin));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(written_is_valid, set_up, tear_down),
        cmocka_unit_test_setup_teardown(is_canonical, set_up, tear_down),
        cmocka_unit_test_setup_teardown(impostors_are_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(loose_json_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_place_for_it, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
