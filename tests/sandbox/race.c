/* Symbolic links that come while one looks: a process swaps a folder below the grant and a link out of
 * it as fast as it can, while a connector reads, lists, writes, moves and removes there. Nothing of what
 * the link leads to is read, and nothing there changes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "executor_world.h"

#define ROUNDS "5000" /* of eight calls each */

typedef struct place {
    char *folder;
    char grant[300], secret[300];
    pid_t swapper;
} place;

static void put(const char *folder, const char *name, const char *text) {
    char path[400];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* Exchanges NAME and NAME.link for ever. */
static void swap(const char *grant) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int fd = open(grant, O_PATH | O_DIRECTORY);
    for (;;) {
        if (renameat2(fd, "swap", fd, "swap.link", RENAME_EXCHANGE) < 0) {
            _exit(1);
        }
    }
}

static int begin(void **state) {
    char path[400];
    place *p = calloc(1, sizeof *p);
    if (access("/dev/shm", W_OK) == 0) {
        setenv("TMPDIR", "/dev/shm", 1); /* each write syncs */
    }
    p->folder = world_folder();
    snprintf(p->grant, sizeof p->grant, "%s/grant", p->folder);
    snprintf(p->secret, sizeof p->secret, "%s/secret", p->folder);
    snprintf(path, sizeof path, "%s/swap", p->grant);
    assert_int_equal(mkdir(p->grant, 0700) | mkdir(p->secret, 0700) | mkdir(path, 0700), 0);
    put(p->grant, "swap/file.txt", "inside");
    put(p->secret, "file.txt", "secret");
    put(p->secret, "outside.txt", "secret");
    *state = p;
    return 0;
}

static int end(void **state) {
    place *p = *state;
    world_remove(p->folder);
    free(p);
    return 0;
}

static int visible(const struct dirent *e) {
    return e->d_name[0] != '.' || strlen(e->d_name) > 2;
}

static void secret_is_whole(const place *p) {
    struct dirent **found;
    char path[700], text[20] = "";
    assert_int_equal(scandir(p->secret, &found, visible, alphasort), 2);
    assert_string_equal(found[0]->d_name, "file.txt");
    assert_string_equal(found[1]->d_name, "outside.txt");
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", p->secret, found[i]->d_name);
        FILE *f = fopen(path, "r");
        assert_non_null(f);
        assert_non_null(fgets(text, sizeof text, f));
        assert_string_equal(text, "secret");
        fclose(f);
        free(found[i]);
    }
    free(found);
}

static int64_t count(keel_json result, const char *name) {
    int64_t n = -1;
    assert_true(keel_json_int(keel_json_get(result, name), &n));
    return n;
}

static void raced(place *p, const char *to) {
    char path[400];
    int status;
    snprintf(path, sizeof path, "%s/swap.link", p->grant);
    assert_int_equal(symlink(to, path), 0);
    child *c = child_ready(&(child_spec){.plugin = "race", .folder = p->grant});
    fflush(NULL);
    p->swapper = fork();
    if (p->swapper == 0) {
        swap(p->grant);
    }
    child_verb(c, "write", "race", 1, ROUNDS);
    keel_json body = {NULL, 0};
    int type = child_next(c, 90000, &body);
    kill(p->swapper, SIGKILL);
    assert_int_equal(waitpid(p->swapper, &status, 0), p->swapper);
    assert_true(WIFSIGNALED(status)); /* it swapped until now */
    assert_int_equal(type, X_REPLY);
    keel_json result = keel_json_get(body, "result");
    printf("# %.*s\n", (int)result.len, result.data);
    assert_int_equal(count(result, "foreign"), 0);
    assert_true(count(result, "read") > 0 && count(result, "refused") > 0); /* both were met */
    assert_true(count(result, "written") > 0 && count(result, "listed") > 0);
    child_end(c);
    secret_is_whole(p);
}

static void link_to_a_sibling(void **state) {
    raced(*state, "../secret");
}

static void link_by_its_whole_name(void **state) {
    place *p = *state;
    raced(p, p->secret);
}

static void link_to_etc(void **state) {
    raced(*state, "/etc");
    assert_int_not_equal(access("/etc/new.txt", F_OK), 0);
    assert_int_not_equal(access("/etc/a", F_OK), 0);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        EACH(link_to_a_sibling),
        EACH(link_by_its_whole_name),
        EACH(link_to_etc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
