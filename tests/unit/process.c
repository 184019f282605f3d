/* Executor processes on a loop, with tests/unit/child_echo.c as the executor. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process_world.h"

/* ---- how it ends ---- */

typedef struct ending {
    const char *mode;
    int64_t status;
    int signal;
    const char *why; /* how it begins */
} ending;

static void names_each_end(void **state) {
    static const ending endings[] = {
        {"three", 3, 0, "exited with 3"},
        {"segv", 0, SIGSEGV, "was killed by signal 11"},
        {"sys", 0, SIGSYS,
         "tried a system call that its sandbox forbids, and was killed by signal 31"},
        {"memory", 86, 0, "needed more memory than its manifest lets it"},
        {"flood", 0, 0, "exited with 0"},
        {"huge", 0, SIGKILL, "broke the frame protocol: "},
        {"garbage", 0, SIGKILL, "broke the frame protocol: "},
        {"type", 0, SIGKILL, "broke the frame protocol: a frame of type 4"},
        {"close", 0, SIGKILL, "was killed by signal 9 (Killed)"},
    };
    world *w = *state;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const ending *e = &endings[i];
        world_start(w, e->mode);
        world_run_until(w, 0);
        assert_int_equal(w->ends, 1);
        assert_int_equal(w->status, e->status);
        assert_int_equal(w->signal, e->signal);
        if (strncmp(w->why, e->why, strlen(e->why)) != 0) {
            fail_msg("%s: %s, not %s", e->mode, w->why, e->why);
        }
        int frames = strcmp(e->mode, "flood") == 0 ? 100001 : 1;
        assert_int_equal(w->frames, frames);
    }
}

static void exit_without_an_answer_is_told(void **state) {
    world *w = *state;
    world_start(w, "mute");
    world_run_until(w, X_READY);
    host_send(w->p, X_VERB, 0, 1, "{}", 2);
    host_flush(w->p);
    world_run_until(w, 0);
    assert_string_equal(w->why, "exited with 0");
    assert_int_equal(w->frames, 1);
}

static void an_answer_before_the_death_counts(void **state) {
    world *w = *state;
    world_start(w, "last word");
    world_run_until(w, X_READY);
    host_send(w->p, X_VERB, 0, 1, "{\"a\":1}", 7);
    for (int i = 2; i < 1000; i++) {
        host_send(w->p, X_VERB, 0, (uint64_t)i, "[]", 2); /* stays unread: resets the stream */
    }
    host_flush(w->p);
    world_run_until(w, 0);
    assert_int_equal(w->signal, SIGKILL);
    assert_true(w->frames >= 2);
    assert_int_equal(w->last.ref >= 1, 1);
}

static void stops_when_asked(void **state) {
    world *w = *state;
    world_start(w, "echo");
    world_run_until(w, X_READY);
    host_send(w->p, X_STOP, 0, 0, NULL, 0);
    host_flush(w->p);
    world_run_until(w, 0);
    assert_string_equal(w->why, "exited with 0");
    assert_int_equal(w->status, 0);
    assert_int_equal(w->signal, 0);
}

/* ---- what it inherits ---- */

static void inherits_only_what_it_should(void **state) {
    world *w = *state;
    int leak = open("/dev/null", O_RDONLY); /* not CLOEXEC, on purpose */
    int far = fcntl(leak, F_DUPFD, 200);
    setenv("KEEL_TEST_SECRET", "hunter2", 1);
    char config[128];
    host_spec spec = world_spec(w, config, sizeof config, "inspect");
    const host_file files[] = {{"keel.lua", "12345", 5}, {"a.lua", "", 0}};
    spec.files = files;
    spec.file_count = 2;
    const host_grant grants[] = {{"/tmp", false}, {w->folder, true}};
    spec.grants = grants;
    spec.grant_count = 2;
    world_spawn(w, &spec);
    world_run_until(w, X_NOTE);
    char want[512];
    snprintf(want, sizeof want,
             "fds 0 1 2 3 4 5 6 7 8 9; env PATH=/usr/bin:/bin LANG=C.UTF-8; leader 1; cwd /; stdin "
             "null; files keel.lua=5 a.lua=0 ; config {\"config\":{\"mode\":\"inspect\"},"
             "\"grants\":[{\"fd\":8,\"mode\":\"ro\",\"path\":\"/tmp\"},{\"fd\":9,\"mode\":\"rw\","
             "\"path\":\"%s\"}],\"id\":\"test\"}",
             w->folder);
    assert_string_equal(w->body.data, want);
    world_kill(w);
    close(leak);
    close(far);
    unsetenv("KEEL_TEST_SECRET");
}

static void opens_a_granted_folder(void **state) {
    world *w = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/inside", w->folder);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    char config[128];
    host_spec spec = world_spec(w, config, sizeof config, "grants");
    const host_grant grant = {w->folder, true};
    spec.grants = &grant;
    spec.grant_count = 1;
    world_spawn(w, &spec);
    world_run_until(w, X_NOTE);
    assert_string_equal(w->body.data, "granted");
    world_kill(w);
}

static void leaks_no_descriptor(void **state) {
    world *w = *state;
    world_start(w, "three");
    world_run_until(w, 0);
    uv_run(&w->loop, UV_RUN_NOWAIT);
    int before = world_count_fds();
    for (int i = 0; i < 20; i++) {
        world_start(w, i % 2 ? "three" : "huge");
        world_run_until(w, 0);
    }
    uv_run(&w->loop, UV_RUN_NOWAIT);
    assert_int_equal(world_count_fds(), before);
}

/* ---- frames ---- */

static void echoes(void **state) {
    world *w = *state;
    world_start(w, "echo");
    world_run_until(w, X_READY);
    w->echoes = 2000;
    host_send(w->p, X_VERB, 0, 1, "{\"n\":1}", 7);
    host_flush(w->p);
    world_run_until(w, X_REPLY);
    assert_int_equal(w->last.ref, 2001);
    assert_string_equal(w->body.data, "{\"n\":1}");
    world_kill(w);
    assert_int_equal(w->signal, SIGKILL);
}

static void a_huge_body_travels_both_ways(void **state) {
    world *w = *state;
    size_t len = 9u << 20;
    char *body = keel_alloc(len);
    for (size_t i = 0; i < len; i++) {
        body[i] = (char)(i * 31 + i / 4096);
    }
    world_start(w, "echo");
    world_run_until(w, X_READY);
    host_send(w->p, X_VERB, 5, 77, body, len);
    host_send(w->p, X_VERB, 6, 78, "{}", 2);  /* another run: need not wait */
    assert_true(host_queued(w->p) > len / 2); /* what the socket takes may have left */
    host_flush(w->p);
    int small_first = 0;
    do {
        world_run_until(w, X_REPLY);
        small_first += w->last.ref == 78 && w->body.len == 2;
    } while (w->last.ref != 77);
    assert_int_equal(w->body.len, len);
    assert_memory_equal(w->body.data, body, len);
    assert_int_equal(small_first, 1);
    world_kill(w);
    free(body);
}

static void waits_for_a_slow_reader(void **state) {
    world *w = *state;
    world_start(w, "echo");
    world_run_until(w, X_READY);
    kill(host_pid(w->p), SIGSTOP);
    char body[1000];
    memset(body, 'x', sizeof body);
    for (int i = 0; i < 2000; i++) {
        host_send(w->p, X_VERB, 0, (uint64_t)i + 1, body, sizeof body);
        host_flush(w->p);
    }
    assert_true(host_queued(w->p) > 1000000); /* the socket is full, the rest waits here */
    kill(host_pid(w->p), SIGCONT);
    do {
        world_run_until(w, X_REPLY);
    } while (w->last.ref != 2000);
    assert_int_equal(host_queued(w->p), 0);
    assert_int_equal(w->frames, 2001);
    world_kill(w);
}

static void much_leaves_while_more_is_queued(void **state) {
    world *w = *state;
    char body[1000];
    memset(body, 'x', sizeof body);
    world_start(w, "echo");
    world_run_until(w, X_READY);
    for (uint64_t i = 1; i <= 100; i++) {
        host_send(w->p, X_VERB, 0, i, body, sizeof body);
    }
    assert_in_range(host_queued(w->p), 1, 65535); /* of the 100,000: the rest waits for a flush */
    host_flush(w->p);
    do {
        world_run_until(w, X_REPLY);
    } while (w->last.ref != 100);
    world_kill(w);
}

static void puts_a_drip_together(void **state) {
    world *w = *state;
    world_start(w, "drip");
    world_run_until(w, X_NOTE);
    assert_string_equal(w->body.data, "drip by drip");
    world_kill(w);
}

/* ---- the watchdog's numbers ---- */

static void shows_what_runs(void **state) {
    world *w = *state;
    world_start(w, "stop");
    world_run_until(w, X_NOTE);
    uint64_t run;
    uint64_t ticks;
    int64_t cpu;
    host_watch(w->p, &run, &ticks, &cpu);
    assert_int_equal(run, 42);
    assert_int_equal(ticks, 7);
    assert_true(cpu >= 0);
    world_pass_ms(50);
    int64_t later;
    host_watch(w->p, &run, &ticks, &later);
    assert_true(later - cpu < 20000); /* it stands still */
    world_kill(w);
    assert_int_equal(w->signal, SIGKILL);
}

static void counts_cpu_time(void **state) {
    world *w = *state;
    world_start(w, "burn");
    world_run_until(w, X_NOTE);
    uint64_t run;
    uint64_t ticks;
    int64_t cpu = 0;
    for (int i = 0; i < 1000 && cpu < 30000; i++) {
        world_pass_ms(20);
        host_watch(w->p, &run, &ticks, &cpu);
    }
    assert_true(cpu >= 30000);
    assert_int_equal(run, 43);
    world_kill(w);
}

static void the_page_cannot_be_cut(void **state) {
    world *w = *state;
    world_start(w, "cut");
    world_run_until(w, X_NOTE);
    assert_string_equal(w->body.data, "sealed");
    world_kill(w);
}

/* ---- kill ---- */

static bool gone(pid_t pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    for (int i = 0; i < 2000; i++) {
        FILE *f = fopen(path, "re");
        char state = 0;
        if (!f || fscanf(f, "%*d (%*[^)]) %c", &state) != 1 || state == 'Z') {
            if (f) {
                fclose(f);
            }
            return true;
        }
        fclose(f);
        world_pass_ms(10);
    }
    return false;
}

static void kills_the_whole_group(void **state) {
    world *w = *state;
    static const char *const modes[] = {"parent", "orphan"};
    for (int i = 0; i < 2; i++) {
        world_start(w, modes[i]);
        world_run_until(w, X_NOTE);
        pid_t grandchild = (pid_t)atoi(w->body.data);
        assert_true(grandchild > 1);
        if (i == 0) {
            host_kill(w->p);
        }
        world_run_until(w, 0);
        assert_string_equal(w->why, i == 0 ? "was killed by signal 9 (Killed)" : "exited with 0");
        assert_true(gone(grandchild));
    }
}

int main(void) {
    alarm(300); /* before meson does */
    const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)
        CASE(names_each_end),
        CASE(exit_without_an_answer_is_told),
        CASE(an_answer_before_the_death_counts),
        CASE(stops_when_asked),
        CASE(inherits_only_what_it_should),
        CASE(opens_a_granted_folder),
        CASE(leaks_no_descriptor),
        CASE(echoes),
        CASE(a_huge_body_travels_both_ways),
        CASE(waits_for_a_slow_reader),
        CASE(much_leaves_while_more_is_queued),
        CASE(puts_a_drip_together),
        CASE(shows_what_runs),
        CASE(counts_cpu_time),
        CASE(the_page_cannot_be_cut),
        CASE(kills_the_whole_group),
    };
    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
