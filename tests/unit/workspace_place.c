#include "workspace_place.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "digest.h"
#include "fsio.h"

int place_set_up(void **state) {
    place *p = keel_alloc(sizeof *p);
    assert_int_equal(digest_init(), 0);
    snprintf(p->root, sizeof p->root, "/tmp/keel-workspace-XXXXXX");
    assert_non_null(mkdtemp(p->root));
    setenv("XDG_STATE_HOME", "/var/state", 1);
    setenv("HOME", "/home/ada", 1);
    *state = p;
    return 0;
}

int place_tear_down(void **state) {
    place *p = *state;
    assert_int_equal(fsio_remove_tree(AT_FDCWD, p->root, NULL), 0);
    free(p);
    return 0;
}

const char *place_at(place *p, const char *name) {
    snprintf(p->text, sizeof p->text, "%s/%s", p->root, name);
    return p->text;
}

void place_put(place *p, const char *name, const char *text) {
    char path[256];
    snprintf(path, sizeof path, "%s", place_at(p, name));
    *strrchr(path, '/') = 0;
    assert_int_equal(fsio_mkdirs(path, 0755, NULL), 0);
    assert_int_equal(fsio_write_atomic(place_at(p, name), text, strlen(text), 0644, NULL), 0);
}
