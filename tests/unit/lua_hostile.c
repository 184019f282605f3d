/* The hostile scripts of tests/sandbox/lua, each in a process of its own, without the sandbox of a
 * real executor: each must end as its first lines say.
 *
 *   -- expect: ended | failed: TEXT | refused: TEXT | exit 86 | killed by cpu limit
 *   -- memory: BYTES    the quota, 64 MiB when it is left out */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lua_world.h"

/* The value of a header line, cut at the end of the line. */
static bool header(const char *text, size_t len, const char *name, char out[256]) {
    const char *at = memmem(text, len, name, strlen(name));
    if (!at) {
        return false;
    }
    at += strlen(name);
    snprintf(out, 256, "%.*s", (int)strcspn(at, "\n"), at);
    return true;
}

/* What became of the script in this process. */
static void run_script(const char *name, const char *text, size_t len, char out[1200]) {
    world w;
    char memory[256], why[1024] = "";
    world_create(&w, name, text, len);
    if (header(text, len, "-- memory: ", memory)) {
        w.config.memory_bytes = atol(memory);
    }
    if (world_load(&w, why)) {
        snprintf(out, 1200, "refused: %s", why);
        return;
    }
    world_start(&w, WORLD_RUN, "null", "null", NULL, 0);
    world_settle(&w);
    const world_line *last = w.line_count ? &w.lines[w.line_count - 1] : NULL;
    if (w.bad || !last) {
        snprintf(out, 1200, "bad: %s", w.fault);
    } else if (!strncmp(last->text, "end ", 4)) {
        snprintf(out, 1200, "ended");
    } else {
        snprintf(out, 1200, "failed: %.1000s", last->text + strcspn(last->text, " ") + 1);
    }
    world_destroy(&w);
}

static void child(const char *name, const char *text, size_t len, unsigned seconds, int to) {
    char out[1200] = "";
    struct rlimit cpu = {seconds, seconds};
    setrlimit(RLIMIT_CPU, &cpu);
    if (!freopen("/dev/null", "w", stderr)) {
        _exit(1);
    }
    run_script(name, text, len, out);
    ssize_t n = write(to, out, strlen(out));
    _exit(n < 0);
}

static void outcome_of(const char *name, const char *text, size_t len, unsigned seconds,
                       char out[1200]) {
    int fds[2], status;
    assert_int_equal(pipe(fds), 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        child(name, text, len, seconds, fds[1]);
    }
    close(fds[1]);
    ssize_t n = read(fds[0], out, 1199);
    out[n > 0 ? n : 0] = 0;
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status)) {
        bool cpu = WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGXCPU;
        snprintf(out, 1200, cpu ? "killed by cpu limit" : "killed by signal %d", WTERMSIG(status));
    } else if (WEXITSTATUS(status)) {
        snprintf(out, 1200, "exit %d", WEXITSTATUS(status));
    }
}

/* Equal; for failed and refused, the words of `expect` somewhere in the message. */
static bool fits(const char *expect, const char *out) {
    const char *colon = strchr(expect, ':');
    if (!colon || colon - expect > 8) {
        return strcmp(expect, out) == 0;
    }
    return strncmp(expect, out, (size_t)(colon - expect)) == 0 && strstr(out, colon + 2);
}

static void as_expected(void **state) {
    const char *name = *state;
    char path[1024], expect[256], out[1200];
    size_t len;
    snprintf(path, sizeof path, "%s/%s", LUA_HOSTILE, name);
    char *text = world_read(path, &len);
    assert_true(header(text, len, "-- expect: ", expect));
    /* What ends by itself has time for it under a sanitizer too. */
    outcome_of(name, text, len, strncmp(expect, "killed", 6) ? 30 : 1, out);
    free(text);
    if (!fits(expect, out)) {
        fail_msg("%s:\n  wanted: %s\n  came:   %s", name, expect, out);
    }
}

static int is_script(const struct dirent *e) {
    size_t n = strlen(e->d_name);
    return n > 4 && !strcmp(e->d_name + n - 4, ".lua");
}

int main(void) {
    struct dirent **entries;
    int n = scandir(LUA_HOSTILE, &entries, is_script, alphasort);
    if (n <= 0) {
        perror(LUA_HOSTILE);
        return 1;
    }
    struct CMUnitTest *tests = keel_alloc((size_t)n * sizeof *tests);
    for (int i = 0; i < n; i++) {
        tests[i] =
            (struct CMUnitTest){entries[i]->d_name, as_expected, NULL, NULL, entries[i]->d_name};
    }
    int failed = _cmocka_run_group_tests("lua_hostile", tests, (size_t)n, NULL, NULL);
    for (int i = 0; i < n; i++) {
        free(entries[i]);
    }
    free(entries);
    free(tests);
    return failed;
}
