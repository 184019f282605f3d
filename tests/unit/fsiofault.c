/* The atomic write when the disk fails or the process dies in the middle. fsio.c is built into this
 * test with its failpoints. */
#define KEEL_FAILPOINTS
#include "../../runtime/base/fsio.c"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>

#include <cmocka.h>

static const char old_bytes[] = "what stood there before";
static const char new_bytes[] = "what is to stand there now, and more of it";

static int enter(void **state) {
    char *folder = keel_strdup("/tmp/keel-fsio-XXXXXX");
    *state = folder;
    failpoint_plan(NULL, NULL);
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave(void **state) {
    int rc = fsio_remove_tree(AT_FDCWD, *state, NULL);
    free(*state);
    return chdir("/") < 0 ? -1 : rc;
}

static int others(void) {
    DIR *d = opendir(".");
    int n = 0;
    assert_non_null(d);
    while (readdir(d)) {
        n++;
    }
    closedir(d);
    return n - 3; /* ".", "..", the file */
}

static void holds(const char *text) {
    keel_buf b = KEEL_BUF_INIT;
    assert_int_equal(fsio_read("file", 1000, &b, NULL), 0);
    assert_string_equal(b.data, text);
    keel_buf_free(&b);
}

static int put(const char *text, diag *d) {
    return fsio_write_atomic("file", text, strlen(text), 0600, d);
}

static void faults_leave_the_old_file(void **state) {
    (void)state;
    static const struct {
        const char *plan;
        const char *says;
    } cases[] = {
        {"fsio.write.data=enospc", "No space left"},     {"fsio.write.data=eio", "Input/output"},
        {"fsio.write.data=torn;seed=3", "Input/output"}, {"fsio.write.sync=eio", "Input/output"},
        {"fsio.write.rename=enospc", "No space left"},
    };
    assert_int_equal(put(old_bytes, NULL), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        diag d;
        assert_int_equal(failpoint_plan(cases[i].plan, NULL), 0);
        assert_int_equal(put(new_bytes, &d), DIAG_STORAGE);
        assert_non_null(strstr(d.what, cases[i].says));
        assert_true(d.next[0]);
        holds(old_bytes);
        assert_int_equal(others(), 0);
    }
    failpoint_plan(NULL, NULL);
    assert_int_equal(put(new_bytes, NULL), 0);
    holds(new_bytes);
}

static void a_kill_leaves_one_whole_file(void **state) {
    (void)state;
    static const struct {
        const char *plan;
        const char *holds;
    } cases[] = {
        {"fsio.write.data=kill", old_bytes},
        {"fsio.write.sync=kill", old_bytes},
        {"fsio.write.rename=kill", old_bytes},
        {"fsio.write.renamed=kill", new_bytes},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(put(old_bytes, NULL), 0);
        pid_t pid = fork();
        if (pid == 0) {
            failpoint_plan(cases[i].plan, NULL);
            put(new_bytes, NULL);
            _exit(0);
        }
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        holds(cases[i].holds);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(faults_leave_the_old_file, enter, leave),
        cmocka_unit_test_setup_teardown(a_kill_leaves_one_whole_file, enter, leave),
    };
    return cmocka_run_group_tests_name("fsiofault", tests, NULL, NULL);
}
