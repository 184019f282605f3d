/* What may be started as an executor at all, and the lock that it holds. */
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host_generation.h"
#include "process_world.h"

/* ---- refusals ---- */

typedef struct refusal {
    const char *name;
    int code;
    const char *what;
    const char *next;
} refusal;

static void check_refusal(world *w, const host_spec *spec, const refusal *r) {
    int before = world_count_fds();
    host_process *p = NULL;
    host_events ev = world_events(w);
    diag d = {0};
    int rc = host_spawn(&p, &w->loop, spec, &ev, &d);
    uv_run(&w->loop, UV_RUN_NOWAIT);
    assert_null(p);
    assert_int_equal(world_count_fds(), before);
    if (rc != r->code || !strstr(d.what, r->what) || !strstr(d.next, r->next)) {
        fail_msg("%s: %d %s | %s", r->name, rc, d.what, d.next);
    }
}

static void refuses_a_bad_start(void **state) {
    world *w = *state;
    world_start(w, "three"); /* the loop's own descriptors are open from now on */
    world_run_until(w, 0);
    char config[128];
    host_spec spec = world_spec(w, config, sizeof config, "echo");
    spec.program = "/nonexistent/keel-executor";
    check_refusal(w, &spec,
                  &(refusal){"program", DIAG_NOT_FOUND, "/nonexistent/keel-executor", "./dev"});
    spec = world_spec(w, config, sizeof config, "echo");
    host_grant grant = {"/nonexistent/outbox", true};
    spec.grants = &grant;
    spec.grant_count = 1;
    check_refusal(w, &spec, &(refusal){"grant", DIAG_NOT_FOUND, "is not there", "mkdir -p"});
    grant.path = w->program;
    check_refusal(w, &spec, &(refusal){"file", DIAG_NOT_FOUND, "is not a folder", "keel.yaml"});
}

static void tells_when_descriptors_run_out(void **state) {
    world *w = *state;
    world_start(w, "three");
    world_run_until(w, 0);
    char config[128];
    host_spec spec = world_spec(w, config, sizeof config, "echo");
    struct rlimit old;
    getrlimit(RLIMIT_NOFILE, &old);
    int held[64];
    int count = 0;
    while (count < 64 && (held[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 28) {
        count++;
    }
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){32, old.rlim_max});
    check_refusal(w, &spec, &(refusal){"nofile", DIAG_FAILED, "Too many open files", "ulimit -n"});
    setrlimit(RLIMIT_NOFILE, &old);
    for (int i = 0; i <= count; i++) {
        close(held[i]);
    }
    world_start(w, "three");
    world_run_until(w, 0);
    assert_string_equal(w->why, "exited with 3");
}

/* ---- the gate for native plugins ---- */

static void write_file(const char *path, const char *text, mode_t mode) {
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void guards_native_plugins(void **state) {
    world *w = *state;
    world_start(w, "three");
    world_run_until(w, 0);
    char path[128];
    char link[128];
    snprintf(path, sizeof path, "%s/plugin.so", w->folder);
    snprintf(link, sizeof link, "%s/link.so", w->folder);
    assert_int_equal(symlink(path, link), 0);
    char config[128];
    host_spec spec = world_spec(w, config, sizeof config, "native");
    spec.native = path;
    spec.native_digest = digest_of("12345678", 8);
    const struct {
        mode_t mode;
        uid_t owner;
        const char *path;
        const char *text;
        refusal refusal;
    } cases[] = {
        {0666, 0, path, "12345678", {"mode", DIAG_USAGE, "mode 666", "chmod go-w"}},
        {0664, 0, path, "12345678", {"group", DIAG_USAGE, "mode 664", "chmod go-w"}},
        {0644, 0, link, "12345678", {"link", DIAG_USAGE, "symbolic link", "Install"}},
        {0644,
         0,
         path,
         "87654321",
         {"digest", DIAG_USAGE, "not those that were installed", "raise"}},
        {0644, 0, path, "", {"empty", DIAG_USAGE, "has 0 bytes", ""}},
        {0644, 0, w->folder, "", {"folder", DIAG_USAGE, "not a regular file", "Install"}},
        {0644, 0, "/nonexistent.so", "", {"missing", DIAG_NOT_FOUND, "No such file", "Install"}},
        {0644, 12345, path, "12345678", {"owner", DIAG_USAGE, "belongs to user 12345", "chown"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_file(path, cases[i].text, cases[i].mode);
        if (cases[i].owner && chown(path, cases[i].owner, (gid_t)-1) != 0) {
            continue; /* only root can give a file away */
        }
        spec.native = cases[i].path;
        check_refusal(w, &spec, &cases[i].refusal);
    }
    write_file(path, "12345678", 0755);
    spec.native = path;
    world_spawn(w, &spec);
    world_run_until(w, X_NOTE);
    assert_string_equal(w->body.data, "12345678 sealed");
    world_kill(w);
}

/* ---- the generation's lock ---- */

static void a_child_holds_the_generation(void **state) {
    world *w = *state;
    char lock[128];
    char generation[128];
    snprintf(lock, sizeof lock, "%s/lock", w->folder);
    snprintf(generation, sizeof generation, "%s/generation", w->folder);
    host_generation *g;
    assert_int_equal(host_generation_take(&g, lock, generation, 0, NULL), 0);
    char config[128];
    host_spec spec = world_spec(w, config, sizeof config, "echo");
    spec.lock_fd = host_generation_fd(g);
    world_spawn(w, &spec);
    world_run_until(w, X_READY);
    host_generation_release(g);
    diag d = {0};
    assert_int_equal(host_generation_take(&g, lock, generation, 30, &d), DIAG_CONFLICT);
    char pid[32];
    snprintf(pid, sizeof pid, "kill -9 %d`", (int)host_pid(w->p));
    assert_non_null(strstr(d.next, pid));
    world_kill(w);
    assert_int_equal(host_generation_take(&g, lock, generation, 1000, &d), 0);
    host_generation_release(g);
}

int main(void) {
    alarm(300); /* before meson does */
    const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)
        CASE(refuses_a_bad_start),
        CASE(tells_when_descriptors_run_out),
        CASE(guards_native_plugins),
        CASE(a_child_holds_the_generation),
    };
    return cmocka_run_group_tests_name("process_gate", tests, NULL, NULL);
}
