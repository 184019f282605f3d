/* Files below a grant: changes, what a failed one leaves, and races with a hostile neighbour. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs_world.h"

/* ---- changing ---- */

static void writes(void **state) {
    world *w = *state;
    struct stat st;
    assert_int_equal(fs_write(w->f, "data", "new/deep/x.txt", "hello", 5, KEEL_FS_NEW), KEEL_OK);
    expect_content(w, "grant/new/deep/x.txt", "hello");
    assert_int_equal(stat(in(w, "grant/new/deep/x.txt"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(fs_write(w->f, "data", "new/deep/x.txt", "again", 5, KEEL_FS_NEW),
                     KEEL_E_CONFLICT);
    expect_content(w, "grant/new/deep/x.txt", "hello");
    assert_int_equal(fs_write(w->f, "data", "new/deep/x.txt", "again", 5, 0), KEEL_OK);
    expect_content(w, "grant/new/deep/x.txt", "again");
    assert_int_equal(fs_write(w->f, "data", "empty", NULL, 0, 0), KEEL_OK);
    assert_int_equal(count_in(w, "new/deep"), 1);
}

static const struct {
    const char *folder, *path;
    keel_status status;
} bad_writes[] = {
    {"ro", "x", KEEL_E_DENIED},         {"data", "../x", KEEL_E_DENIED},
    {"data", "up/x", KEEL_E_DENIED},    {"data", "sub", KEEL_E_CONFLICT},
    {"data", "a.txt/x", KEEL_E_DENIED}, {"data", "", KEEL_E_INVALID},
    {"none", "x", KEEL_E_DENIED},       {"data", "link/x", KEEL_E_DENIED},
};

static void refuses_writes(void **state) {
    world *w = *state;
    size_t before = count_in(w, "");
    for (size_t i = 0; i < sizeof bad_writes / sizeof *bad_writes; i++) {
        keel_status s = fs_write(w->f, bad_writes[i].folder, bad_writes[i].path, "x", 1, 0);
        if (s != bad_writes[i].status) {
            fail_msg("%s: %d, %s", bad_writes[i].path, s, fs_error(w->f));
        }
    }
    assert_int_equal(count_in(w, ""), before);
    assert_false(there(w, "x"));
    assert_int_equal(fs_write(w->f, "data", "x", "x", 1, 64), KEEL_E_INVALID);
    assert_int_equal(fs_write(w->f, "data", "x", "x", FS_WRITE_LIMIT + 1u, 0), KEEL_E_INVALID);
}

/* A link in the place of the file is replaced itself; what it pointed at stays as it was. */
static void write_replaces_a_link(void **state) {
    world *w = *state;
    struct stat st;
    assert_int_equal(fs_write(w->f, "data", "link", "mine", 4, 0), KEEL_OK);
    assert_int_equal(lstat(in(w, "grant/link"), &st), 0);
    assert_true(S_ISREG(st.st_mode));
    expect_content(w, "secret", "secret");
}

/* A write that the disk refuses half-way is not applied and leaves nothing. */
static void failed_write_leaves_nothing(void **state) {
    world *w = *state;
    struct rlimit old;
    getrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit small = {4096, old.rlim_max};
    char *large = calloc(1, 100000);
    setrlimit(RLIMIT_FSIZE, &small);
    keel_status s = fs_write(w->f, "data", "a.txt", large, 100000, 0);
    setrlimit(RLIMIT_FSIZE, &old);
    free(large);
    assert_int_equal(s, KEEL_E_INVALID);
    assert_non_null(strstr(fs_error(w->f), "larger"));
    expect_content(w, "grant/a.txt", "0123456789");
    assert_int_equal(count_in(w, ""), 6);
}

static void renames(void **state) {
    world *w = *state;
    assert_int_equal(fs_rename(w->f, "data", "a.txt", "data", "sub/c.txt"), KEEL_OK);
    expect_content(w, "grant/sub/c.txt", "0123456789");
    assert_int_equal(fs_rename(w->f, "data", "sub/c.txt", "other", "d.txt"), KEEL_OK);
    expect_content(w, "other/d.txt", "0123456789");
    assert_int_equal(fs_rename(w->f, "other", "d.txt", "data", "sub/b.txt"), KEEL_E_CONFLICT);
    expect_content(w, "grant/sub/b.txt", "b");
    expect_content(w, "other/d.txt", "0123456789");
    assert_int_equal(fs_rename(w->f, "data", "gone", "data", "x"), KEEL_E_NOT_FOUND);
    assert_non_null(strstr(fs_error(w->f), "gone in data"));
    assert_int_equal(fs_rename(w->f, "other", "d.txt", "data", "no/x"), KEEL_E_NOT_FOUND);
    assert_int_equal(fs_rename(w->f, "ro", "r.txt", "data", "x"), KEEL_E_DENIED);
    assert_int_equal(fs_rename(w->f, "other", "d.txt", "ro", "x"), KEEL_E_DENIED);
    assert_int_equal(fs_rename(w->f, "other", "d.txt", "data", "../x"), KEEL_E_DENIED);
    assert_int_equal(fs_rename(w->f, "other", "", "data", "x"), KEEL_E_INVALID);
}

static void removes(void **state) {
    world *w = *state;
    assert_int_equal(fs_remove(w->f, "data", "a.txt"), KEEL_OK);
    assert_false(there(w, "grant/a.txt"));
    assert_int_equal(fs_remove(w->f, "data", "a.txt"), KEEL_E_NOT_FOUND);
    assert_int_equal(fs_remove(w->f, "data", "sub"), KEEL_E_CONFLICT);
    assert_int_equal(fs_remove(w->f, "data", "sub/b.txt"), KEEL_OK);
    assert_int_equal(fs_remove(w->f, "data", "sub"), KEEL_OK);
    assert_int_equal(fs_remove(w->f, "data", "link"), KEEL_OK);
    assert_true(there(w, "secret"));
    assert_int_equal(fs_remove(w->f, "ro", "r.txt"), KEEL_E_DENIED);
    assert_int_equal(fs_remove(w->f, "data", "../secret"), KEEL_E_DENIED);
    assert_int_equal(fs_remove(w->f, "data", ""), KEEL_E_INVALID);
}

/* ---- races ---- */

typedef struct swapper {
    char a[600], b[600];
    atomic_bool stop;
} swapper;

/* Swaps a folder and a link to the outside, without a moment at which neither is there. */
static void *swap(void *arg) {
    swapper *s = arg;
    while (!atomic_load(&s->stop)) {
        renameat2(AT_FDCWD, s->a, AT_FDCWD, s->b, RENAME_EXCHANGE);
    }
    return NULL;
}

static void swapped_folder_never_leads_out(void **state) {
    world *w = *state;
    pthread_t t;
    swapper *s = calloc(1, sizeof *s);
    snprintf(s->a, sizeof s->a, "%s", in(w, "grant/sub"));
    snprintf(s->b, sizeof s->b, "%s", in(w, "grant/up"));
    put(w, "grant/sub/secret", "inside");
    assert_int_equal(pthread_create(&t, NULL, swap, s), 0);
    int inside = 0;
    for (int i = 0; i < 20000; i++) {
        keel_buf out = KEEL_BUF_INIT;
        keel_status status =
            fs_read(w->f, "data", i % 2 ? "sub/secret" : "up/secret", 0, 100, &out);
        assert_true(status == KEEL_OK || status == KEEL_E_DENIED);
        if (status == KEEL_OK) {
            assert_string_equal(out.data, "inside");
            inside++;
        }
        if (i % 8 == 0) {
            fs_write(w->f, "data", "sub/written", "x", 1, 0);
        }
        keel_buf_free(&out);
    }
    atomic_store(&s->stop, true);
    pthread_join(t, NULL);
    free(s);
    assert_true(inside > 0);
    assert_false(there(w, "written"));
    expect_content(w, "secret", "secret");
}

typedef struct reader {
    world *w;
    atomic_bool stop;
    atomic_int torn;
    atomic_int seen;
} reader;

static void *watch(void *arg) {
    reader *r = arg;
    fs *f = fs_create(r->w->grants, 3);
    while (!atomic_load(&r->stop)) {
        keel_buf out = KEEL_BUF_INIT;
        if (fs_read(f, "data", "page", 0, 100000, &out) == KEEL_OK) {
            atomic_fetch_add(&r->seen, 1);
            for (size_t i = 0; i < out.len; i++) {
                if (out.data[i] != out.data[0] || out.len != 50000) {
                    atomic_fetch_add(&r->torn, 1);
                    break;
                }
            }
        }
        keel_buf_free(&out);
    }
    fs_destroy(f);
    return NULL;
}

static void readers_see_the_old_or_the_new(void **state) {
    world *w = *state;
    pthread_t t;
    reader *r = calloc(1, sizeof *r);
    char *page = malloc(50000);
    r->w = w;
    assert_int_equal(pthread_create(&t, NULL, watch, r), 0);
    for (int i = 0; i < 200 || atomic_load(&r->seen) < 20; i++) {
        memset(page, 'a' + i % 26, 50000);
        assert_int_equal(fs_write(w->f, "data", "page", page, 50000, 0), KEEL_OK);
    }
    atomic_store(&r->stop, true);
    pthread_join(t, NULL);
    assert_int_equal(atomic_load(&r->torn), 0);
    free(page);
    free(r);
}

static void one_new_file_wins(void **state) {
    world *w = *state;
    int won = 0;
    for (int i = 0; i < 20; i++) {
        won += fs_write(w->f, "data", "once", "x", 1, KEEL_FS_NEW) == KEEL_OK;
    }
    assert_int_equal(won, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        EACH(writes),
        EACH(refuses_writes),
        EACH(write_replaces_a_link),
        EACH(failed_write_leaves_nothing),
        EACH(renames),
        EACH(removes),
        EACH(swapped_folder_never_leads_out),
        EACH(readers_see_the_old_or_the_new),
        EACH(one_new_file_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
