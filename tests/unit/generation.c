/* Two kernels in one workspace, and a kernel after one whose children live on. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "host_generation.h"
#include "keel/buf.h"

typedef struct place {
    char folder[64];
    char lock[96];
    char generation[96];
} place;

static int set_up(void **state) {
    place *p = keel_alloc(sizeof *p);
    snprintf(p->folder, sizeof p->folder, "/tmp/keel-generation-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->lock, sizeof p->lock, "%s/lock", p->folder);
    snprintf(p->generation, sizeof p->generation, "%s/generation", p->folder);
    *state = p;
    return 0;
}

static int tear_down(void **state) {
    place *p = *state;
    unlink(p->lock);
    unlink(p->generation);
    assert_int_equal(rmdir(p->folder), 0);
    free(p);
    return 0;
}

/* A process that does `what` with the place, says so through a pipe, and waits to be killed. */
static pid_t other(const place *p, void (*what)(const place *p)) {
    int ready[2];
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        what(p);
        if (write(ready[1], "x", 1) == 1) {
            pause();
        }
        _exit(1);
    }
    close(ready[1]);
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void end(pid_t pid) {
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void be_kernel(const place *p) {
    host_generation *g;
    if (host_generation_take(&g, p->lock, p->generation, 0, NULL) != 0) {
        _exit(1);
    }
}

/* What an executor does: it holds a shared lock of an open file of its own. */
static void be_child(const place *p) {
    int fd = open(p->generation, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || host_generation_share(fd) != 0) {
        _exit(1);
    }
}

static void take(const place *p) {
    host_generation *g = NULL;
    diag d = {0};
    if (host_generation_take(&g, p->lock, p->generation, 20000, &d) != 0) {
        fail_msg("%s", d.what);
    }
    assert_true(fcntl(host_generation_fd(g), F_GETFD) & FD_CLOEXEC);
    assert_int_equal(host_generation_holder(p->lock), getpid());
    host_generation_release(g);
    assert_int_equal(host_generation_holder(p->lock), 0);
}

static void is_taken_and_given_back(void **state) {
    const place *p = *state;
    assert_int_equal(host_generation_holder(p->lock), 0);
    take(p);
    struct stat st;
    assert_int_equal(stat(p->lock, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    take(p);
    host_generation_release(NULL);
}

static void a_second_kernel_is_refused(void **state) {
    const place *p = *state;
    pid_t pid = other(p, be_kernel);
    assert_int_equal(host_generation_holder(p->lock), pid);
    host_generation *g = NULL;
    diag d = {0};
    assert_int_equal(host_generation_take(&g, p->lock, p->generation, 0, &d), DIAG_CONFLICT);
    assert_null(g);
    char want[64];
    snprintf(want, sizeof want, "Keel is already running here (pid %d)", (int)pid);
    assert_string_equal(d.what, want);
    assert_non_null(strstr(d.next, "keel down"));
    end(pid);
    assert_int_equal(host_generation_holder(p->lock), 0);
    take(p); /* what a killed kernel left behind is no obstacle */
}

static void asking_disturbs_nobody(void **state) {
    const place *p = *state;
    host_generation *g;
    assert_int_equal(host_generation_take(&g, p->lock, p->generation, 0, NULL), 0);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(host_generation_holder(p->lock), getpid());
    }
    pid_t pid = fork();
    if (pid == 0) {
        host_generation *h;
        _exit(host_generation_take(&h, p->lock, p->generation, 0, NULL) == DIAG_CONFLICT ? 0 : 1);
    }
    int status;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    host_generation_release(g);
}

static void waits_for_the_last_kernels_children(void **state) {
    const place *p = *state;
    pid_t pid = other(p, be_child);
    host_generation *g = NULL;
    diag d = {0};
    assert_int_equal(host_generation_take(&g, p->lock, p->generation, 60, &d), DIAG_CONFLICT);
    assert_null(g);
    assert_non_null(strstr(d.what, "could still send"));
    char want[64];
    snprintf(want, sizeof want, "`kill -9 %d`", (int)pid);
    assert_non_null(strstr(d.next, want));
    assert_int_equal(host_generation_holder(p->lock), 0); /* a refusal keeps nothing */
    end(pid);
    take(p);
}

/* Executors of the kernel before, or that kernel itself, which was killed and is not gone yet. */
static bool goes_on_when(const place *p, void (*what)(const place *p)) {
    host_generation *g = NULL;
    pid_t pid = other(p, what);
    pid_t killer = fork();
    if (killer == 0) {
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
        kill(pid, SIGKILL);
        _exit(0);
    }
    int rc = host_generation_take(&g, p->lock, p->generation, 20000, NULL);
    assert_int_equal(waitpid(killer, NULL, 0), killer);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    if (rc == 0) {
        host_generation_release(g);
    }
    return rc == 0;
}

static void goes_on_when_they_end_in_time(void **state) {
    int late = 0;
    assert_true(goes_on_when(*state, be_child));
    while (!goes_on_when(*state, be_kernel) && late < 10) {
        late++; /* a kernel is waited for a second alone, and its killer came after it */
    }
    assert_true(late < 10);
    take(*state);
}

/* One child that gives up its lock, by malice or mistake, does not give up the others'. */
static void children_hold_their_own(void **state) {
    const place *p = *state;
    pid_t one = other(p, be_child);
    pid_t two = other(p, be_child);
    end(one);
    host_generation *g;
    assert_int_equal(host_generation_take(&g, p->lock, p->generation, 0, NULL), DIAG_CONFLICT);
    end(two);
    take(p);
}

static void names_what_cannot_be_opened(void **state) {
    const place *p = *state;
    host_generation *g = NULL;
    diag d = {0};
    assert_int_equal(host_generation_take(&g, "/nonexistent/lock", p->generation, 0, &d),
                     DIAG_STORAGE);
    assert_non_null(strstr(d.what, "/nonexistent/lock"));
    assert_int_equal(symlink("/dev/null", p->lock), 0);
    assert_int_equal(host_generation_take(&g, p->lock, p->generation, 0, &d), DIAG_STORAGE);
    assert_non_null(strstr(d.what, "cannot be opened"));
    assert_int_equal(host_generation_holder("/nonexistent/lock"), 0);
}

static void a_pid_that_makes_no_sense_is_not_told(void **state) {
    const place *p = *state;
    pid_t pid = other(p, be_kernel);
    int fd = open(p->lock, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(fd, "12x", 3), 3);
    close(fd);
    assert_int_equal(host_generation_holder(p->lock), -1);
    host_generation *g;
    diag d = {0};
    assert_int_equal(host_generation_take(&g, p->lock, p->generation, 0, &d), DIAG_CONFLICT);
    assert_string_equal(d.what, "Keel is already running here");
    end(pid);
}

int main(void) {
    alarm(60);
    const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        CASE(is_taken_and_given_back),       CASE(a_second_kernel_is_refused),
        CASE(asking_disturbs_nobody),        CASE(waits_for_the_last_kernels_children),
        CASE(goes_on_when_they_end_in_time), CASE(children_hold_their_own),
        CASE(names_what_cannot_be_opened),   CASE(a_pid_that_makes_no_sense_is_not_told),
    };
    return cmocka_run_group_tests_name("generation", tests, NULL, NULL);
}
