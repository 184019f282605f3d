#define KEEL_FAILPOINTS
#include "failpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "fsio.h"

static void plan(const char *text) {
    diag d;
    if (failpoint_plan(text, &d) < 0) {
        fail_msg("%s", d.what);
    }
}

static void acts_at_the_planned_hit(void **state) {
    (void)state;
    plan("a=eio@2;b=enospc;a=torn@4;c=clock(-3600000)@1;seed=7");
    static const int of_a[] = {FAILPOINT_NONE, FAILPOINT_EIO, FAILPOINT_NONE, FAILPOINT_TORN,
                               FAILPOINT_NONE};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(KEEL_FP("a"), of_a[i]);
        assert_int_equal(KEEL_FP("b"), FAILPOINT_ENOSPC);
    }
    assert_int_equal(KEEL_FP("c"), FAILPOINT_CLOCK);
    assert_int_equal(failpoint_argument(), -3600000);
    assert_int_equal(KEEL_FP("c"), FAILPOINT_NONE);
    assert_int_equal(failpoint_argument(), 0);
    assert_int_equal(KEEL_FP("elsewhere"), FAILPOINT_NONE);
    assert_int_equal(failpoint_hits("a"), 5);
    assert_int_equal(failpoint_hits("elsewhere"), 1);
    assert_int_equal(failpoint_hits("never"), 0);
    plan(NULL);
    assert_int_equal(failpoint_hits("a"), 0);
    assert_int_equal(KEEL_FP("b"), FAILPOINT_NONE);
}

static void all_actions_have_names(void **state) {
    (void)state;
    plan("1=eio;2=enospc;3=enomem;4=delay(0);5=torn;6=dup;7=drop;8=clock(1)");
    assert_int_equal(KEEL_FP("1"), FAILPOINT_EIO);
    assert_int_equal(KEEL_FP("2"), FAILPOINT_ENOSPC);
    assert_int_equal(KEEL_FP("3"), FAILPOINT_ENOMEM);
    assert_int_equal(KEEL_FP("4"), FAILPOINT_DELAY);
    assert_int_equal(KEEL_FP("5"), FAILPOINT_TORN);
    assert_int_equal(KEEL_FP("6"), FAILPOINT_DUP);
    assert_int_equal(KEEL_FP("7"), FAILPOINT_DROP);
    assert_int_equal(KEEL_FP("8"), FAILPOINT_CLOCK);
    assert_int_equal(failpoint_errno(FAILPOINT_EIO), EIO);
    assert_int_equal(failpoint_errno(FAILPOINT_ENOSPC), ENOSPC);
    assert_int_equal(failpoint_errno(FAILPOINT_ENOMEM), ENOMEM);
    assert_int_equal(failpoint_errno(FAILPOINT_TORN), 0);
    assert_int_equal(failpoint_errno(FAILPOINT_NONE), 0);
}

static void bad_plans_are_refused_by_entry(void **state) {
    (void)state;
    static const char *const bad[] = {
        "a",          "=kill",   "a=",        "a=boom",   "a=none",   "a=kill@0",
        "a=kill@-1",  "a=eio@",  "a=eio@x",   "a=eio@1x", "a=delay(", "a=delay()",
        "a=delay(x)", "a=eio(1", "a=eio(1)x", "seed=x",   "seed=",    "a=eio@99999999999999999999",
    };
    plan("kept=eio");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        keel_buf text = KEEL_BUF_INIT;
        diag d;
        keel_buf_printf(&text, "good=eio;%s;more=drop", bad[i]);
        assert_int_equal(failpoint_plan(text.data, &d), DIAG_USAGE);
        assert_non_null(strstr(d.what, bad[i]));
        assert_true(d.next[0]);
        assert_int_equal(failpoint_plan(text.data, NULL), DIAG_USAGE);
        keel_buf_free(&text);
    }
    assert_int_equal(KEEL_FP("kept"), FAILPOINT_EIO);
    plan("");
    plan(";;");
}

static void delays(void **state) {
    (void)state;
    struct timespec a;
    struct timespec b;
    plan("slow=delay(30)");
    clock_gettime(CLOCK_MONOTONIC, &a);
    KEEL_FP("slow");
    clock_gettime(CLOCK_MONOTONIC, &b);
    assert_true((b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec >= 30000000);
}

static void random_follows_the_seed(void **state) {
    (void)state;
    uint64_t first[8];
    plan("seed=42");
    for (int i = 0; i < 8; i++) {
        first[i] = failpoint_random(1000);
        assert_true(first[i] < 1000);
    }
    plan("seed=42");
    for (int i = 0; i < 8; i++) {
        assert_int_equal(failpoint_random(1000), first[i]);
    }
    plan("seed=43");
    int same = 0;
    for (int i = 0; i < 8; i++) {
        same += failpoint_random(1000) == first[i];
    }
    assert_true(same < 8);
    assert_int_equal(failpoint_random(0), 0);
    assert_int_equal(failpoint_random(1), 0);
}

/* Runs this program again as a child with a plan in its environment; returns wait's status. */
static int child(const char *text, const char *trace) {
    pid_t pid = fork();
    if (pid == 0) {
        setenv("KEEL_FAILPOINT", text, 1);
        setenv("KEEL_FAILPOINT_TRACE", trace, 1);
        int null = open("/dev/null", O_WRONLY);
        dup2(null, 2);
        execl("/proc/self/exe", "failpoint", "child", (char *)NULL);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static int run_child(void) {
    for (int i = 0; i < 3; i++) {
        KEEL_FP("first");
        KEEL_FP("second");
    }
    return KEEL_FP("last") == FAILPOINT_DROP ? 3 : 0;
}

static void expect_trace(const char *file, const char *text) {
    keel_buf b = KEEL_BUF_INIT;
    assert_int_equal(fsio_read(file, 10000, &b, NULL), 0);
    assert_string_equal(b.data, text);
    keel_buf_free(&b);
    unlink(file);
}

static void environment_and_trace(void **state) {
    (void)state;
    char file[] = "/tmp/keel-trace-XXXXXX";
    close(mkstemp(file));
    int status = child("last=drop", file);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
    status = child("", file);
    assert_int_equal(WEXITSTATUS(status), 0);
    expect_trace(file, "first 3\nsecond 3\nlast 1\nfirst 3\nsecond 3\nlast 1\n");

    status = child("second=kill@2", file);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    expect_trace(file, "first 2\nsecond 2\n");

    status = child("second=kil@2", file);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 2);
    assert_int_equal(access(file, F_OK), -1);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "child") == 0) {
        return run_child();
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acts_at_the_planned_hit),        cmocka_unit_test(all_actions_have_names),
        cmocka_unit_test(bad_plans_are_refused_by_entry), cmocka_unit_test(delays),
        cmocka_unit_test(random_follows_the_seed),        cmocka_unit_test(environment_and_trace),
    };
    return cmocka_run_group_tests_name("failpoint", tests, NULL, NULL);
}
