/* The walls: what each forbidden system call meets, with and without a granted folder, and that the
 * grant's folder still works behind them. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "executor_world.h"

enum { KILLED, REFUSED };

typedef struct probe {
    const char *name;
    int expected;
} probe;

static const probe probes[] = {
    {"socket", KILLED},      {"unix_socket", KILLED},   {"connect", KILLED},
    {"sendmsg", KILLED},     {"execve", KILLED},        {"execveat", KILLED},
    {"fork", KILLED},        {"vfork", KILLED},         {"thread", KILLED},
    {"kill", KILLED},        {"ptrace", KILLED},        {"process_vm_readv", KILLED},
    {"map_exec", KILLED},    {"protect_exec", KILLED},  {"io_uring", KILLED},
    {"bpf", KILLED},         {"unshare", KILLED},       {"mount", KILLED},
    {"keyctl", KILLED},      {"userfaultfd", KILLED},   {"perf", KILLED},
    {"memfd", KILLED},       {"setsid", KILLED},        {"shm", KILLED},
    {"personality", KILLED}, {"signal_other", REFUSED}, {"passwd", REFUSED},
    {"passwd_at", REFUSED},  {"passwd_path", REFUSED},  {"passwd_2", REFUSED},
    {"above", REFUSED},      {"library", REFUSED},      {"stat", REFUSED},
    {"write_tmp", REFUSED},  {"unlink", REFUSED},       {"symlink", REFUSED},
    {"link", REFUSED},       {"chmod", REFUSED},        {"ioctl", REFUSED},
    {"rlimit", REFUSED},     {"death_signal", REFUSED}, {"owner", REFUSED},
};

/* FOLDER/grant is granted, FOLDER/secret is not. */
static char *folder;
static char grant[300];

static int make_folder(void **state) {
    (void)state;
    char secret[300];
    folder = world_folder();
    snprintf(grant, sizeof grant, "%s/grant", folder);
    snprintf(secret, sizeof secret, "%s/secret", folder);
    FILE *f = fopen(secret, "w");
    return mkdir(grant, 0700) == 0 && f && fputs("secret", f) >= 0 ? fclose(f) : -1;
}

static int drop_folder(void **state) {
    (void)state;
    world_remove(folder);
    return 0;
}

static keel_json ask(child *c, const char *resource, const char *body, int type) {
    child_verb(c, "write", resource, 1, body);
    return child_expect(c, type);
}

static void folder_works(child *c) {
    keel_json body = ask(c, "files", "null", X_REPLY);
    assert_true(keel_json_true(keel_json_get(body, "result")));
}

static void probed(const probe *p, const char *granted) {
    char body[80];
    child *c = child_ready(&(child_spec){.plugin = "behave", .folder = granted});
    snprintf(body, sizeof body, "\"%s\"", p->name);
    if (p->expected == KILLED) {
        child_verb(c, "write", "probe", 1, body);
        child_expect(c, 0);
        assert_true(WIFSIGNALED(c->status));
        assert_int_equal(WTERMSIG(c->status), SIGSYS);
    } else {
        int64_t result = 0;
        keel_json answer = ask(c, "probe", body, X_REPLY);
        assert_true(keel_json_int(keel_json_get(answer, "result"), &result));
        if (result != -EPERM && result != -EACCES) {
            fail_msg("%s returned %ld", p->name, (long)result);
        }
        if (granted) {
            folder_works(c);
        }
    }
    child_end(c);
}

static void probed_without_grant(void **state) {
    probed(*state, NULL);
}

static void probed_with_grant(void **state) {
    probed(*state, grant);
}

static void grant_works(void **state) {
    (void)state;
    child *c = child_ready(&(child_spec){.plugin = "behave", .folder = grant});
    folder_works(c);
    folder_works(c);
    child_end(c);
}

static void grant_for_reading(void **state) {
    (void)state;
    child *c = child_ready(&(child_spec){.plugin = "behave", .folder = grant, .read_only = true});
    keel_json body = ask(c, "files", "null", X_FAIL);
    char text[300];
    keel_json_copy(keel_json_get(body, "message"), text, sizeof text);
    assert_true(keel_json_is(keel_json_get(body, "code"), "denied"));
    assert_non_null(strstr(text, "a/b.txt in data: the folder is granted for reading only"));
    child_end(c);
}

static void escape_is_denied(void **state) {
    (void)state;
    child *c = child_ready(&(child_spec){.plugin = "behave", .folder = grant});
    keel_json body = ask(c, "escape", "null", X_FAIL);
    assert_true(keel_json_is(keel_json_get(body, "code"), "denied"));
    folder_works(c);
    child_end(c);
}

static void service_comes_with_the_grant(void **state) {
    (void)state;
    child *c = child_ready(&(child_spec){.plugin = "behave", .folder = grant});
    keel_json body = ask(c, "services", "null", X_REPLY);
    assert_true(keel_json_is(keel_json_get(body, "result"), "fs"));
    child_end(c);
}

static void unsafe_has_no_walls(void **state) {
    (void)state;
    child *c = child_ready(&(child_spec){.plugin = "behave", .folder = grant, .unsafe = true});
    int64_t result = -1;
    keel_json body = ask(c, "probe", "\"passwd\"", X_REPLY);
    assert_true(keel_json_int(keel_json_get(body, "result"), &result));
    assert_true(result >= 0);
    folder_works(c);
    child_end(c);
}

/* ---- before the plugin is known: its constructor ---- */

static const probe constructors[] = {
    {"socket", KILLED},     {"execve", KILLED},  {"fork", KILLED},    {"kill", KILLED},
    {"ptrace", KILLED},     {"unshare", KILLED}, {"memfd", KILLED},   {"passwd", REFUSED},
    {"write_tmp", REFUSED}, {"unlink", REFUSED}, {"rlimit", REFUSED}, {"death_signal", REFUSED},
    {"owner", REFUSED},
};

static void probed_in_constructor(void **state) {
    const probe *p = *state;
    char name[60];
    snprintf(name, sizeof name, "constructor_%s", p->name);
    child *c = child_start(&(child_spec){.plugin = name, .folder = grant});
    if (p->expected == KILLED) {
        child_expect(c, 0);
        assert_true(WIFSIGNALED(c->status));
        assert_int_equal(WTERMSIG(c->status), SIGSYS);
    } else {
        child_expect(c, X_READY);
    }
    child_end(c);
}

/* ---- machines that lack a wall ---- */

static void refused_without(const char *call, const char *granted, const char *word) {
    char text[900];
    child *c = child_start(&(child_spec){.plugin = "behave", .folder = granted, .without = call});
    keel_json body = child_expect(c, X_REFUSED);
    keel_json_copy(keel_json_get(body, "message"), text, sizeof text);
    assert_non_null(strstr(text, word));
    assert_non_null(strstr(text, "com.example.abi"));
    keel_json_copy(keel_json_get(body, "next"), text, sizeof text);
    assert_non_null(strstr(text, "--unsafe"));
    child_expect_end(c, 0, 1);
    child_end(c);
}

static void without_landlock_no_grant(void **state) {
    (void)state;
    refused_without("landlock_create_ruleset", grant, "Landlock");
    child *c = child_ready(&(child_spec){.plugin = "behave", .without = "landlock_create_ruleset"});
    int64_t result = 0;
    keel_json body = ask(c, "probe", "\"passwd\"", X_REPLY);
    assert_true(keel_json_int(keel_json_get(body, "result"), &result));
    assert_int_equal(result, -EPERM);
    child_end(c);
}

static void landlock_that_breaks(void **state) {
    (void)state;
    refused_without("landlock_restrict_self", NULL, "Landlock");
    refused_without("landlock_add_rule", grant, "Landlock");
}

static void without_seccomp_nothing(void **state) {
    (void)state;
    refused_without("seccomp", NULL, "seccomp");
    refused_without("seccomp", grant, "seccomp");
}

static void unsafe_needs_neither(void **state) {
    (void)state;
    static const char *const calls[] = {"seccomp", "landlock_create_ruleset"};
    for (size_t i = 0; i < 2; i++) {
        child *c = child_ready(&(child_spec){
            .plugin = "behave", .folder = grant, .without = calls[i], .unsafe = true});
        folder_works(c);
        child_end(c);
    }
}

#define PROBES       (sizeof probes / sizeof *probes)
#define CONSTRUCTORS (sizeof constructors / sizeof *constructors)

int main(void) {
    const struct CMUnitTest others[] = {
        cmocka_unit_test(grant_works),          cmocka_unit_test(grant_for_reading),
        cmocka_unit_test(escape_is_denied),     cmocka_unit_test(service_comes_with_the_grant),
        cmocka_unit_test(unsafe_has_no_walls),  cmocka_unit_test(without_landlock_no_grant),
        cmocka_unit_test(landlock_that_breaks), cmocka_unit_test(without_seccomp_nothing),
        cmocka_unit_test(unsafe_needs_neither),
    };
    struct CMUnitTest all[2 * PROBES + CONSTRUCTORS + sizeof others / sizeof *others];
    for (size_t i = 0; i < PROBES; i++) {
        void *p = (void *)(uintptr_t)&probes[i];
        all[i] = (struct CMUnitTest){probes[i].name, probed_without_grant, NULL, NULL, p};
        all[PROBES + i] = (struct CMUnitTest){probes[i].name, probed_with_grant, NULL, NULL, p};
    }
    for (size_t i = 0; i < CONSTRUCTORS; i++) {
        all[2 * PROBES + i] = (struct CMUnitTest){constructors[i].name, probed_in_constructor, NULL,
                                                  NULL, (void *)(uintptr_t)&constructors[i]};
    }
    memcpy(all + 2 * PROBES + CONSTRUCTORS, others, sizeof others);
    return cmocka_run_group_tests(all, make_folder, drop_folder);
}
