#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fsio.h"

/* Each test stands in a folder of its own. */
static int enter(void **state) {
    char *folder = keel_strdup("/tmp/keel-fsio-XXXXXX");
    *state = folder;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave(void **state) {
    diag d;
    int rc = fsio_remove_tree(AT_FDCWD, *state, &d);
    free(*state);
    return chdir("/") < 0 ? -1 : rc;
}

static void put(const char *path, const char *text) {
    assert_int_equal(fsio_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

static int entries(const char *folder) {
    DIR *d = opendir(folder);
    int n = 0;
    assert_non_null(d);
    while (readdir(d)) {
        n++;
    }
    closedir(d);
    return n - 2;
}

static void reads_up_to_the_limit(void **state) {
    (void)state;
    diag d;
    keel_buf b = KEEL_BUF_INIT;
    put("five", "12345");
    keel_buf_puts(&b, ">");
    assert_int_equal(fsio_read("five", 5, &b, &d), 0);
    assert_string_equal(b.data, ">12345");
    assert_int_equal(fsio_read("five", 4, &b, &d), DIAG_USAGE);
    assert_string_equal(d.file, "five");
    assert_non_null(strstr(d.what, "larger than 4 bytes"));
    assert_string_equal(b.data, ">12345");
    put("none", "");
    assert_int_equal(fsio_read("none", 0, &b, &d), 0);
    assert_string_equal(b.data, ">12345");
    int dir = open(".", O_RDONLY | O_DIRECTORY);
    assert_int_equal(fsio_read_at(dir, "five", 100, &b, &d), 0);
    assert_string_equal(b.data, ">1234512345");
    close(dir);
    keel_buf_free(&b);
}

static void refuses_what_is_no_file(void **state) {
    (void)state;
    static const struct {
        const char *path;
        int code;
        const char *says;
    } cases[] = {
        {"missing", DIAG_NOT_FOUND, "no such file"},
        {"five/below", DIAG_NOT_FOUND, "no such file"},
        {".", DIAG_USAGE, "no regular file"},
        {"fifo", DIAG_USAGE, "no regular file"}, /* and does not hang */
        {"/dev/zero", DIAG_USAGE, "no regular file"},
        {"loop", DIAG_STORAGE, "cannot open"},
    };
    put("five", "12345");
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_int_equal(symlink("loop", "loop"), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        keel_buf b = KEEL_BUF_INIT;
        diag d;
        assert_int_equal(fsio_read(cases[i].path, 1000, &b, &d), cases[i].code);
        assert_non_null(strstr(d.what, cases[i].says));
        assert_non_null(strstr(d.what, cases[i].path));
        assert_true(d.next[0]);
        assert_int_equal(fsio_read(cases[i].path, 1000, &b, NULL), cases[i].code);
        assert_int_equal(b.len, 0);
        keel_buf_free(&b);
    }
}

/* /proc says that its files have no bytes: the limit must hold all the same. */
static void limit_holds_where_the_size_lies(void **state) {
    (void)state;
    keel_buf b = KEEL_BUF_INIT;
    assert_int_equal(fsio_read("/proc/self/status", 10, &b, NULL), DIAG_USAGE);
    assert_int_equal(b.len, 0);
    assert_int_equal(fsio_read("/proc/self/status", 100000, &b, NULL), 0);
    assert_true(b.len > 100);
    keel_buf_free(&b);
}

static void writes_whole_with_mode(void **state) {
    (void)state;
    struct stat st;
    keel_buf b = KEEL_BUF_INIT;
    mode_t before = umask(077);
    assert_int_equal(fsio_write_atomic("file", "old", 3, 0644, NULL), 0);
    umask(before);
    assert_int_equal(stat("file", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    ino_t old = st.st_ino;
    assert_int_equal(fsio_write_atomic("./file", "new bytes", 9, 0600, NULL), 0);
    assert_int_equal(stat("file", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_not_equal(st.st_ino, old);
    assert_int_equal(fsio_read("file", 100, &b, NULL), 0);
    assert_string_equal(b.data, "new bytes");
    assert_int_equal(entries("."), 1);
    keel_buf_free(&b);
}

static void failed_write_leaves_nothing(void **state) {
    (void)state;
    diag d;
    assert_int_equal(fsio_write_atomic("missing/file", "x", 1, 0600, &d), DIAG_STORAGE);
    assert_non_null(strstr(d.what, "missing/file"));
    /* A folder in the file's place: all goes well up to the rename. */
    assert_int_equal(fsio_mkdirs("taken/x", 0700, NULL), 0);
    assert_int_equal(fsio_write_atomic("taken", "x", 1, 0600, &d), DIAG_STORAGE);
    assert_non_null(strstr(d.what, "cannot put the new file in its place"));
    assert_true(d.next[0]);
    assert_int_equal(entries("."), 1);
}

static void full_disk_is_told(void **state) {
    (void)state;
    int fd = open("/dev/full", O_WRONLY);
    if (fd >= 0) {
        assert_int_equal(fsio_write_all(fd, "x", 1), -ENOSPC);
        close(fd);
    }
    assert_int_equal(fsio_write_all(-1, "x", 1), -EBADF);
    assert_int_equal(fsio_write_all(-1, "", 0), 0);
}

static void makes_folders(void **state) {
    (void)state;
    struct stat st;
    diag d;
    mode_t before = umask(0);
    assert_int_equal(fsio_mkdirs("a/b/c", 0750, &d), 0);
    assert_int_equal(fsio_mkdirs("a/b/c/", 0700, &d), 0);
    umask(before);
    assert_int_equal(stat("a/b/c", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0750);
    put("a/file", "x");
    assert_int_equal(fsio_mkdirs("a/file", 0700, &d), DIAG_USAGE);
    assert_int_equal(fsio_mkdirs("a/file/below", 0700, &d), DIAG_USAGE);
    assert_non_null(strstr(d.what, "in the way"));
    assert_int_equal(fsio_mkdirs("/proc/keel/x", 0700, &d), DIAG_STORAGE);
    char *absolute = realpath("a", NULL);
    keel_buf path = KEEL_BUF_INIT;
    keel_buf_printf(&path, "%s//x/y", absolute);
    assert_int_equal(fsio_mkdirs(path.data, 0700, &d), 0);
    assert_int_equal(stat("a/x/y", &st), 0);
    keel_buf_free(&path);
    free(absolute);
}

static void removes_trees_not_what_links_point_to(void **state) {
    (void)state;
    assert_int_equal(fsio_mkdirs("tree/deep/deeper", 0700, NULL), 0);
    assert_int_equal(fsio_mkdirs("kept", 0700, NULL), 0);
    put("kept/file", "x");
    put("tree/deep/file", "x");
    assert_int_equal(symlink("../kept", "tree/link"), 0);
    assert_int_equal(symlink("kept", "outer"), 0);
    int dir = open(".", O_RDONLY | O_DIRECTORY);
    assert_int_equal(fsio_remove_tree(dir, "tree", NULL), 0);
    assert_int_equal(fsio_remove_tree(dir, "outer", NULL), 0);
    assert_int_equal(fsio_remove_tree(dir, "tree", NULL), 0);
    close(dir);
    assert_int_equal(entries("."), 1);
    assert_int_equal(access("kept/file", F_OK), 0);
    diag d;
    assert_int_equal(fsio_remove_tree(AT_FDCWD, "/proc/self/fd", &d), DIAG_STORAGE);
    assert_non_null(strstr(d.what, "cannot remove"));
}

static void *slow_reader(void *arg) {
    int fd = *(int *)arg;
    keel_buf b = KEEL_BUF_INIT;
    usleep(20000);
    assert_int_equal(fsio_read_all(fd, SIZE_MAX, &b), 0);
    size_t len = b.len;
    keel_buf_free(&b);
    return (void *)len;
}

/* Both ends do not block, the pipe is smaller than what goes through it. */
static void waits_where_descriptors_do_not_block(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    size_t len = 1u << 20;
    char *data = keel_alloc(len);
    memset(data, 'x', len);
    pthread_t thread;
    void *got;
    assert_int_equal(pthread_create(&thread, NULL, slow_reader, &ends[0]), 0);
    assert_int_equal(fsio_write_all(ends[1], data, len), 0);
    usleep(1000);
    close(ends[1]);
    pthread_join(thread, &got);
    assert_int_equal((size_t)got, len);
    close(ends[0]);
    free(data);
}

static void read_all_has_a_limit(void **state) {
    (void)state;
    int ends[2];
    keel_buf b = KEEL_BUF_INIT;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fsio_write_all(ends[1], "12345", 5), 0);
    assert_int_equal(fsio_read_all(ends[0], 4, &b), -EFBIG);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(fsio_read_all(-1, 4, &b), -EBADF);
    keel_buf_free(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_up_to_the_limit, enter, leave),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_file, enter, leave),
        cmocka_unit_test_setup_teardown(limit_holds_where_the_size_lies, enter, leave),
        cmocka_unit_test_setup_teardown(writes_whole_with_mode, enter, leave),
        cmocka_unit_test_setup_teardown(failed_write_leaves_nothing, enter, leave),
        cmocka_unit_test_setup_teardown(full_disk_is_told, enter, leave),
        cmocka_unit_test_setup_teardown(makes_folders, enter, leave),
        cmocka_unit_test_setup_teardown(removes_trees_not_what_links_point_to, enter, leave),
        cmocka_unit_test_setup_teardown(waits_where_descriptors_do_not_block, enter, leave),
        cmocka_unit_test_setup_teardown(read_all_has_a_limit, enter, leave),
    };
    return cmocka_run_group_tests_name("fsio", tests, NULL, NULL);
}
