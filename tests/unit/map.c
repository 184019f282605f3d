#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "map.h"

static uint64_t key_of(uint64_t i) {
    return (i * 2654435761u % 1009) + 1;
}

static void agrees_with_an_array(void **state) {
    (void)state;
    map m = {0};
    static int cells[1010];
    void *model[1010] = {NULL};
    size_t held = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t key = key_of(i * 7 + i / 3);
        if (i % 3 == 0) {
            held -= model[key] != NULL;
            assert_ptr_equal(map_take(&m, key), model[key]);
            model[key] = NULL;
        } else {
            held += model[key] == NULL;
            map_put(&m, key, &cells[key]);
            model[key] = &cells[key];
        }
        assert_int_equal(m.count, held);
    }
    for (uint64_t key = 1; key < 1010; key++) {
        assert_ptr_equal(map_get(&m, key), model[key]);
    }
    size_t seen = 0;
    uint64_t key = 0;
    void *v;
    for (size_t at = 0; (v = map_next(&m, &at, &key)) != NULL; seen++) {
        assert_ptr_equal(v, model[key]);
    }
    assert_int_equal(seen, held);
    map_free(&m);
}

static void empty_map_has_nothing(void **state) {
    (void)state;
    map m = {0};
    size_t at = 0;
    assert_null(map_get(&m, 1));
    assert_null(map_take(&m, 1));
    assert_null(map_next(&m, &at, NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_an_array),
        cmocka_unit_test(empty_map_has_nothing),
    };
    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
