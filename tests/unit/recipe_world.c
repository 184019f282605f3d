#include "recipe_world.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fsio.h"

secret_places places;

int recipe_enter(void **state) {
    char *folder = keel_strdup("/tmp/keel-recipe-XXXXXX");
    *state = folder;
    places = (secret_places){.folder = "secrets"};
    return mkdtemp(folder) && chdir(folder) == 0 && mkdir("secrets", 0700) == 0 ? 0 : -1;
}

int recipe_leave(void **state) {
    int rc = fsio_remove_tree(AT_FDCWD, *state, NULL);
    free(*state);
    return chdir("/") < 0 ? -1 : rc;
}

void set_secret(const char *name, const char *value, size_t len) {
    diag d = {0};
    if (secret_write(&places, name, value, len, &d)) {
        fail_msg("%s", d.what);
    }
}

void is_secret(secret *s, const char *text) {
    assert_non_null(s->data);
    assert_string_equal(s->data, text);
    assert_int_equal(s->len, strlen(text));
    secret_free(s);
}

int try_recipe(recipe **out, const char *json, diag *d) {
    keel_buf canonical = KEEL_BUF_INIT;
    keel_json_error e;
    if (keel_json_canonical(&canonical, json, strlen(json), &e)) {
        fail_msg("%s: %s", json, e.message);
    }
    *out = NULL;
    int rc = recipe_parse(out, keel_json_view(canonical.data, canonical.len), d);
    memset(canonical.data, 'x', canonical.len); /* a recipe keeps nothing of it */
    keel_buf_free(&canonical);
    return rc;
}

recipe *make_recipe(const char *json) {
    recipe *r;
    diag d = {0};
    if (try_recipe(&r, json, &d)) {
        fail_msg("%s: %s", json, d.what);
    }
    return r;
}

void says(const diag *d, const char *what, const char *next) {
    if (!strstr(d->what, what) || !strstr(d->next, next)) {
        fail_msg("\"%s\" \"%s\" lacks \"%s\" or \"%s\"", d->what, d->next, what, next);
    }
}
