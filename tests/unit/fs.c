/* Files below a grant: what may be named, and looking at them. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fs_world.h"

/* ---- names ---- */

static const struct {
    const char *folder, *path;
    keel_status status;
    const char *words;
} names[] = {
    {"data", "a.txt", KEEL_OK, NULL},
    {"data", "sub/b.txt", KEEL_OK, NULL},
    {"data", "nothing", KEEL_E_NOT_FOUND, "nothing in data: there is nothing of that name"},
    {"data", "no/thing", KEEL_E_NOT_FOUND, "there is nothing"},
    {"data", "../secret", KEEL_E_DENIED, "relative to the granted folder"},
    {"data", "sub/../../secret", KEEL_E_DENIED, "relative"},
    {"data", "sub/../a.txt", KEEL_E_DENIED, "relative"},
    {"data", "..", KEEL_E_DENIED, "relative"},
    {"data", ".", KEEL_E_DENIED, "relative"},
    {"data", "./a.txt", KEEL_E_DENIED, "relative"},
    {"data", "/etc/passwd", KEEL_E_DENIED, "relative"},
    {"data", "sub//b.txt", KEEL_E_DENIED, "relative"},
    {"data", "a.txt/", KEEL_E_DENIED, "relative"},
    {"data", "link", KEEL_E_DENIED, "symbolic link"},
    {"data", "inner", KEEL_E_DENIED, "symbolic link"},
    {"data", "up/secret", KEEL_E_DENIED, "symbolic link"},
    {"data", "a.txt/b", KEEL_E_DENIED, "no folder"},
    {"data", "sub", KEEL_E_INVALID, "no regular file"},
    {"data", "", KEEL_E_INVALID, "the folder itself in data"},
    {"data", "fifo", KEEL_E_INVALID, "no regular file"},
    {"nowhere", "a.txt", KEEL_E_DENIED, "no such folder is granted"},
    {"dat", "a.txt", KEEL_E_DENIED, "spelled as the connection's config"},
    {"ro", "r.txt", KEEL_OK, NULL},
    {"data", "ev\x01il\xff", KEEL_E_NOT_FOUND, "ev?il? in data"},
};

static void reads_only_below(void **state) {
    world *w = *state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        keel_buf out = KEEL_BUF_INIT;
        keel_buf_puts(&out, "before");
        keel_status s = fs_read(w->f, names[i].folder, names[i].path, 0, 100, &out);
        if (s != names[i].status || (s < 0 && !strstr(fs_error(w->f), names[i].words))) {
            fail_msg("%s: %d, %s", names[i].path, s, fs_error(w->f));
        }
        assert_true(s == KEEL_OK ? out.len > 6 : out.len == 6);
        keel_buf_free(&out);
    }
}

static void long_names(void **state) {
    world *w = *state;
    keel_buf out = KEEL_BUF_INIT;
    char path[5000];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_int_equal(fs_read(w->f, "data", path, 0, 1, &out), KEEL_E_INVALID);
    path[256] = '\0';
    assert_int_equal(fs_read(w->f, "data", path, 0, 1, &out), KEEL_E_DENIED);
    path[255] = '\0';
    assert_int_equal(fs_write(w->f, "data", path, "x", 1, 0), KEEL_OK);
    keel_buf_free(&out);
}

/* ---- reading ---- */

static void read_ranges(void **state) {
    static const struct {
        uint64_t offset;
        size_t len;
        const char *expected;
    } ranges[] = {
        {0, 100, "0123456789"}, {0, 3, "012"}, {7, 100, "789"}, {10, 5, ""},
        {500, 5, ""},           {3, 0, ""},
    };
    world *w = *state;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        keel_buf out = KEEL_BUF_INIT;
        assert_int_equal(fs_read(w->f, "data", "a.txt", ranges[i].offset, ranges[i].len, &out), 0);
        assert_string_equal(out.data, ranges[i].expected);
        keel_buf_free(&out);
    }
    keel_buf out = KEEL_BUF_INIT;
    assert_int_equal(fs_read(w->f, "data", "a.txt", 0, FS_READ_LIMIT + 1, &out), KEEL_E_INVALID);
    assert_non_null(strstr(fs_error(w->f), "16 MiB"));
}

static void stats(void **state) {
    world *w = *state;
    fs_info info;
    assert_int_equal(fs_stat(w->f, "data", "a.txt", &info), KEEL_OK);
    assert_int_equal(info.kind, FS_FILE);
    assert_int_equal(info.size, 10);
    assert_true(info.mtime_us > INT64_C(1600000000000000));
    assert_int_equal(fs_stat(w->f, "data", "sub", &info), KEEL_OK);
    assert_int_equal(info.kind, FS_FOLDER);
    assert_int_equal(fs_stat(w->f, "data", "", &info), KEEL_OK);
    assert_int_equal(info.kind, FS_FOLDER);
    assert_int_equal(fs_stat(w->f, "data", "link", &info), KEEL_OK);
    assert_int_equal(info.kind, FS_OTHER);
    assert_int_equal(fs_stat(w->f, "data", "fifo", &info), KEEL_OK);
    assert_int_equal(info.kind, FS_OTHER);
    assert_int_equal(fs_stat(w->f, "data", "no", &info), KEEL_E_NOT_FOUND);
}

static void a_socket_is_other(void **state) {
    world *w = *state;
    fs_info info;
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%.100s", in(w, "grant/socket"));
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(s, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(fs_stat(w->f, "data", "socket", &info), KEEL_OK);
    assert_int_equal(info.kind, FS_OTHER);
    close(s);
}

static void lists_sorted(void **state) {
    static const char *const expected[] = {"Z", "a.txt", "fifo", "inner", "link", "sub", "up"};
    static const uint32_t kinds[] = {FS_FILE,  FS_FILE,   FS_OTHER, FS_OTHER,
                                     FS_OTHER, FS_FOLDER, FS_OTHER};
    world *w = *state;
    fs_listing l;
    put(w, "grant/Z", "");
    put(w, "grant/" FS_TEMPORARY "0123", "being written");
    assert_int_equal(fs_list(w->f, "data", "", &l), KEEL_OK);
    assert_int_equal(l.count, 7);
    for (size_t i = 0; i < l.count; i++) {
        assert_string_equal(l.entries[i].name, expected[i]);
        assert_int_equal(l.entries[i].kind, kinds[i]);
    }
    fs_listing_free(&l);
    assert_true(there(w, "grant/" FS_TEMPORARY "0123"));
    assert_int_equal(fs_list(w->f, "data", "a.txt", &l), KEEL_E_DENIED);
    assert_int_equal(fs_list(w->f, "data", "up", &l), KEEL_E_DENIED);
    assert_int_equal(fs_list(w->f, "data", "no", &l), KEEL_E_NOT_FOUND);
}

static void list_sweeps_what_a_killed_writer_left(void **state) {
    world *w = *state;
    fs_listing l;
    struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    put(w, "grant/" FS_TEMPORARY "old", "half");
    assert_int_equal(utimensat(AT_FDCWD, in(w, "grant/" FS_TEMPORARY "old"), old, 0), 0);
    assert_int_equal(fs_list(w->f, "data", "", &l), KEEL_OK);
    fs_listing_free(&l);
    assert_false(there(w, "grant/" FS_TEMPORARY "old"));
}

static void large_folder(void **state) {
    world *w = *state;
    fs_listing l;
    for (int i = 0; i < 3000; i++) {
        char name[40];
        snprintf(name, sizeof name, "grant/sub/%07d-of-many", i);
        put(w, name, "");
    }
    assert_int_equal(fs_list(w->f, "data", "sub", &l), KEEL_OK);
    assert_int_equal(l.count, 3001);
    for (size_t i = 1; i < l.count; i++) {
        assert_true(strcmp(l.entries[i - 1].name, l.entries[i].name) < 0);
    }
    fs_listing_free(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        EACH(reads_only_below),
        EACH(long_names),
        EACH(read_ranges),
        EACH(stats),
        EACH(a_socket_is_other),
        EACH(lists_sorted),
        EACH(list_sweeps_what_a_killed_writer_left),
        EACH(large_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
