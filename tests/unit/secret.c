/* Secrets: files, credentials and commands; what is refused; what a failing disk leaves. fsio.c is
 * built into this test with its failpoints. long: tables. */
#define KEEL_FAILPOINTS
#include "../../runtime/base/fsio.c"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "secret_int.h"

static secret_places places = {.folder = "secrets"};

static int enter(void **state) {
    char *folder = keel_strdup("/tmp/keel-secret-XXXXXX");
    *state = folder;
    failpoint_plan(NULL, NULL);
    places = (secret_places){.folder = "secrets"};
    umask(0);
    return mkdtemp(folder) && chdir(folder) == 0 && mkdir("secrets", 0700) == 0 ? 0 : -1;
}

static int leave(void **state) {
    int rc = fsio_remove_tree(AT_FDCWD, *state, NULL);
    free(*state);
    return chdir("/") < 0 ? -1 : rc;
}

static void put(const char *path, const char *data, size_t len, mode_t mode) {
    assert_int_equal(fsio_write_atomic(path, data, len, mode, NULL), 0);
}

static void holds(const char *name, const char *text) {
    secret s;
    diag d = {0};
    if (secret_read(&s, &places, name, &d)) {
        fail_msg("%s: %s", name, d.what);
    }
    assert_int_equal(s.len, strlen(text));
    assert_string_equal(s.data, text);
    secret_free(&s);
    assert_null(s.data);
}

static void refused(const char *name, int code, const char *says, const char *next) {
    secret s = {NULL, 77};
    diag d = {0};
    int rc = secret_read(&s, &places, name, &d);
    if (rc != code || !strstr(d.what, says) || !strstr(d.next, next)) {
        fail_msg("%s: %d \"%s\" \"%s\"", name, rc, d.what, d.next);
    }
    assert_null(s.data);
}

static void names_are_plain(void **state) {
    (void)state;
    static const struct {
        const char *name;
        bool ok;
    } cases[] = {
        {"a", true},
        {"mail-password", true},
        {"7up", true},
        {"a.b_c-d.9", true},
        {"a..b", true},
        {"abcdefghijklmnopqrstuvwxyz0123456789-_.abcdefghijklmnopqrstuvwxy", false},
        {"abcdefghijklmnopqrstuvwxyz0123456789-_.abcdefghijklmnopqrstuvwx", true},
        {"", false},
        {".", false},
        {"..", false},
        {".hidden", false},
        {"-x", false},
        {"_x", false},
        {"A", false},
        {"a/b", false},
        {"../a", false},
        {"a b", false},
        {"a\n", false},
        {"a\\b", false},
        {"\xc3\xa4", false},
        {"a:b", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        diag d = {0};
        if (secret_name_ok(cases[i].name) != cases[i].ok) {
            fail_msg("%s: not %d", cases[i].name, cases[i].ok);
        }
        if (!cases[i].ok) {
            refused(cases[i].name, DIAG_USAGE, "no name of a secret", "small letters");
            assert_int_equal(secret_write(&places, cases[i].name, "x", 1, &d), DIAG_USAGE);
            assert_int_equal(secret_remove(&places, cases[i].name, &d), DIAG_USAGE);
        }
    }
}

static void reads_files(void **state) {
    (void)state;
    static const struct {
        const char *data;
        size_t len;
        const char *becomes; /* NULL: refused */
        const char *says;
    } cases[] = {
        {"hunter2", 7, "hunter2", NULL},
        {"hunter2\n", 8, "hunter2", NULL},
        {"hunter2\n\n", 9, "hunter2\n", NULL},
        {" two words ", 11, " two words ", NULL},
        {"a\nb\n", 4, "a\nb", NULL},
        {"p\xc3\xa4ss", 5, "p\xc3\xa4ss", NULL},
        {"", 0, NULL, "is empty"},
        {"\n", 1, NULL, "is empty"},
        {"a\0b", 3, NULL, "has a NUL"},
        {"\0", 1, NULL, "has a NUL"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put("secrets/x", cases[i].data, cases[i].len, 0600);
        if (cases[i].becomes) {
            holds("x", cases[i].becomes);
        } else {
            refused("x", DIAG_FAILED, cases[i].says, "keel secret set x");
        }
    }
}

static void has_a_limit(void **state) {
    (void)state;
    char *big = keel_alloc(SECRET_LIMIT + 3);
    secret s;
    diag d = {0};
    memset(big, 'x', SECRET_LIMIT + 2);
    put("secrets/x", big, SECRET_LIMIT + 1, 0600);
    refused("x", DIAG_FAILED, "longer than 16384", "keel secret set x");
    put("secrets/x", big, SECRET_LIMIT + 2, 0600);
    refused("x", DIAG_FAILED, "longer than 16384", "keel secret set x");
    assert_int_equal(secret_write(&places, "y", big, SECRET_LIMIT + 1, &d), DIAG_USAGE);
    assert_int_equal(secret_write(&places, "y", big, SECRET_LIMIT, &d), 0);
    big[SECRET_LIMIT] = '\n';
    put("secrets/x", big, SECRET_LIMIT + 1, 0600);
    assert_int_equal(secret_read(&s, &places, "x", &d), 0);
    assert_int_equal(s.len, SECRET_LIMIT);
    secret_free(&s);
    put("secrets/x", big, SECRET_LIMIT + 2, 0600);
    refused("x", DIAG_FAILED, "longer than 16384", "keel secret set x");
    free(big);
}

static void refuses_what_others_can_reach(void **state) {
    (void)state;
    put("secrets/x", "hunter2", 7, 0600);
    static const mode_t modes[] = {0640, 0604, 0602, 0620, 0644, 0666, 0610};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        chmod("secrets/x", modes[i]);
        refused("x", DIAG_AUTH, "secrets/x is open to others", "chmod 600");
    }
    chmod("secrets/x", 0400);
    holds("x", "hunter2");
    static const mode_t folders[] = {0750, 0705, 0711, 0770};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        chmod("secrets", folders[i]);
        refused("x", DIAG_AUTH, "secrets is open to others", "chmod 700");
    }
    chmod("secrets", 0700);
    assert_int_equal(symlink("x", "secrets/link"), 0);
    refused("link", DIAG_AUTH, "symbolic link", "keel secret set link");
    assert_int_equal(mkdir("secrets/folder", 0700), 0);
    refused("folder", DIAG_AUTH, "no regular file", "keel secret set folder");
    assert_int_equal(mkfifo("secrets/fifo", 0600), 0);
    refused("fifo", DIAG_AUTH, "no regular file", "keel secret set fifo");
    refused("missing", DIAG_NOT_FOUND, "no secret `missing`", "keel secret set missing");
    assert_int_equal(rename("secrets", "real"), 0);
    refused("x", DIAG_NOT_FOUND, "no secret `x`", "keel secret set x");
    assert_int_equal(symlink("real", "secrets"), 0);
    refused("x", DIAG_STORAGE, "cannot open the folder", "who owns it");
    diag d = {0};
    chmod("real", 0755);
    assert_int_equal(secret_write(&places, "y", "hunter2", 7, &d), DIAG_STORAGE);
    struct stat st;
    assert_int_equal(stat("real", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0755);
}

static void writes_and_removes(void **state) {
    (void)state;
    struct stat st;
    diag d = {0};
    places.folder = "deep/er/secrets";
    assert_int_equal(secret_write(&places, "x", "hunter2", 7, &d), 0);
    holds("x", "hunter2");
    assert_int_equal(stat("deep/er/secrets/x", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat("deep/er/secrets", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    chmod("deep/er/secrets", 0755);
    assert_int_equal(secret_write(&places, "x", "another\n", 8, &d), 0);
    holds("x", "another");
    assert_int_equal(stat("deep/er/secrets", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    static const struct {
        const char *data;
        size_t len;
        const char *says;
    } bad[] = {{"", 0, "empty"}, {"\n", 1, "empty"}, {"a\0b", 3, "NUL"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(secret_write(&places, "x", bad[i].data, bad[i].len, &d), DIAG_USAGE);
        assert_non_null(strstr(d.what, bad[i].says));
        holds("x", "another");
    }
    /* What a killed writer has left goes, what one may be at work on stays. */
    put("deep/er/secrets/.x.AbCdEf", "hunter2", 7, 0600);
    put("deep/er/secrets/.y.AbCdEf", "hunter2", 7, 0600);
    struct timespec old[2] = {{time(NULL) - 100, 0}, {time(NULL) - 100, 0}};
    assert_int_equal(utimensat(AT_FDCWD, "deep/er/secrets/.x.AbCdEf", old, 0), 0);
    assert_int_equal(secret_remove(&places, "x", &d), 0);
    assert_int_equal(access("deep/er/secrets/.x.AbCdEf", F_OK), -1);
    assert_int_equal(access("deep/er/secrets/.y.AbCdEf", F_OK), 0);
    refused("x", DIAG_NOT_FOUND, "no secret", "keel secret set x");
    assert_int_equal(secret_remove(&places, "x", &d), DIAG_NOT_FOUND);
    places.folder = "nowhere";
    assert_int_equal(secret_remove(&places, "x", &d), DIAG_NOT_FOUND);
    assert_non_null(strstr(d.next, "keel secret set x"));
}

static int entries_of(const char *folder) {
    DIR *d = opendir(folder);
    int n = 0;
    assert_non_null(d);
    while (readdir(d)) {
        n++;
    }
    closedir(d);
    return n - 2;
}

static void a_failing_disk_leaves_the_old_one(void **state) {
    (void)state;
    static const char *const plans[] = {
        "fsio.write.data=enospc",   "fsio.write.data=eio",    "fsio.write.data=torn;seed=5",
        "fsio.write.sync=eio",      "fsio.write.sync=enospc", "fsio.write.rename=eio",
        "fsio.write.rename=enospc",
    };
    diag d = {0};
    assert_int_equal(secret_write(&places, "x", "the old one", 11, &d), 0);
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        assert_int_equal(failpoint_plan(plans[i], &d), 0);
        assert_int_equal(secret_write(&places, "x", "the new one", 11, &d), DIAG_STORAGE);
        assert_non_null(strstr(d.what, "secrets/x"));
        assert_true(d.next[0]);
        failpoint_plan(NULL, NULL);
        holds("x", "the old one");
        assert_int_equal(entries_of("secrets"), 1);
    }
}

static void a_kill_leaves_one_of_both(void **state) {
    (void)state;
    static const struct {
        const char *plan;
        const char *holds;
    } cases[] = {
        {"fsio.write.data=kill", "the old one"},
        {"fsio.write.sync=kill", "the old one"},
        {"fsio.write.rename=kill", "the old one"},
        {"fsio.write.renamed=kill", "the new one"},
    };
    diag d = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(secret_write(&places, "x", "the old one", 11, &d), 0);
        pid_t pid = fork();
        if (pid == 0) {
            failpoint_plan(cases[i].plan, NULL);
            secret_write(&places, "x", "the new one", 11, NULL);
            _exit(0);
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        holds("x", cases[i].holds);
    }
}

static void memory_is_wiped_and_used_again(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 1023, 1024, SECRET_LIMIT, 3 * SECRET_LIMIT};
    secret all[300];
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 300; i++) {
            size_t len = sizes[i < 200 ? i % 3 : i % 6];
            secret_alloc(&all[i], len);
            assert_int_equal(all[i].len, len);
            assert_int_equal(all[i].data[len], 0);
            memset(all[i].data, (int)(i % 250), len);
        }
        for (size_t i = 0; i < 300; i++) {
            for (size_t k = 0; k < all[i].len; k++) {
                assert_int_equal((unsigned char)all[i].data[k], i % 250);
            }
        }
        const char *first = all[2].data; /* of the pool, which is kept */
        for (size_t i = 0; i < 300; i++) {
            secret_free(&all[i]);
            secret_free(&all[i]);
            assert_null(all[i].data);
        }
        for (size_t k = 0; k < 1024; k++) {
            assert_int_equal(first[k], 0);
        }
    }
}

/* ---- declared elsewhere ---- */

static keel_buf declared;

static void declare(const char *json) {
    keel_json_error e;
    keel_buf_clear(&declared);
    assert_int_equal(keel_json_canonical(&declared, json, strlen(json), &e), 0);
    places.declared = keel_json_view(declared.data, declared.len);
}

static void reads_credentials(void **state) {
    (void)state;
    declare(
        "{\"x\":{\"credential\":\"mail\"},\"y\":{\"credential\":\"../secrets/z\"},"
        "\"w\":{\"credential\":\"\"},\"v\":{\"credential\":7},\"u\":{\"credential\":\"none\"}}");
    put("secrets/x", "not this", 8, 0600);
    refused("x", DIAG_NOT_FOUND, "credential of systemd", "LoadCredential=mail:PATH");
    assert_int_equal(mkdir("credentials", 0755), 0);
    put("credentials/mail", "hunter2\n", 8, 0440);
    places.credentials = "credentials";
    holds("x", "hunter2");
    chmod("credentials/mail", 0444);
    refused("x", DIAG_AUTH, "open to others", "chmod");
    refused("y", DIAG_USAGE, "no usable name", "LoadCredential=");
    refused("w", DIAG_USAGE, "no usable name", "LoadCredential=");
    refused("v", DIAG_USAGE, "no usable name", "LoadCredential=");
    refused("u", DIAG_NOT_FOUND, "no secret `u`", "LoadCredential=none:PATH");
    diag d = {0};
    assert_int_equal(secret_write(&places, "x", "hunter2", 7, &d), DIAG_USAGE);
    assert_non_null(strstr(d.what, "keel.yaml"));
    assert_int_equal(secret_remove(&places, "x", &d), DIAG_USAGE);
}

static void runs_commands(void **state) {
    (void)state;
    static const struct {
        const char *command;
        const char *becomes;
        const char *says;
    } cases[] = {
        {"[\"echo\",\"hunter2\"]", "hunter2", NULL},
        {"[\"printf\",\"%s\",\"$HOME `id`; x\"]", "$HOME `id`; x", NULL}, /* no shell */
        {"[\"/bin/sh\",\"-c\",\"echo secret; echo noise >&2\"]", "secret", NULL},
        {"[\"sh\",\"-c\",\"cat; echo $#$KEEL_TEST_CANARY$HOME\"]", "0/home/tester", NULL},
        {"[\"sh\",\"-c\",\"n=0; while [ $n -lt 256 ]; do [ ! -e /proc/$$/fd/$n ] || printf $n; "
         "n=$((n+1)); done\"]",
         "012", NULL}, /* no pipe to another command: its ends are open for a moment */
        {"[\"sh\",\"-c\",\"sleep 30 & echo quick\"]", "quick", NULL}, /* one that lives on */
        {"[\"sh\",\"-c\",\"exec 1>&-; sleep 0.1\"]", NULL, "what the command gave for it is empty"},
        {"[\"true\"]", NULL, "is empty"},
        {"[\"sh\",\"-c\",\"echo hunter2; exit 3\"]", NULL, "(sh) ended with status 3"},
        {"[\"sh\",\"-c\",\"kill -9 $$\"]", NULL, "was ended by signal 9"},
        {"[\"no-such-program-here\",\"x\"]", NULL, "there is no such program"},
        {"[\"/\"]", NULL, "could not be started"},
        {"[\"printf\",\"a\\\\0b\"]", NULL, "has a NUL"},
        {"[\"sh\",\"-c\",\"yes\"]", NULL, "more than 16384 bytes"},
        {"[]", NULL, "1 to 32 words"},
        {"[\"\"]", NULL, "1 to 32 words"},
        {"[7]", NULL, "1 to 32 words"},
        {"[\"a\\u0000b\"]", NULL, "1 to 32 words"},
        {"\"pass show x\"", NULL, "1 to 32 words"},
        {"[1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4]", NULL,
         "1 to 32 words"},
    };
    setenv("KEEL_TEST_CANARY", "canary", 1);
    setenv("HOME", "/home/tester", 1);
    int extra = open("/dev/null", O_RDONLY); /* without CLOEXEC */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        keel_buf json = KEEL_BUF_INIT;
        keel_buf_printf(&json, "{\"x\":{\"command\":%s}}", cases[i].command);
        declare(json.data);
        keel_buf_free(&json);
        if (cases[i].becomes) {
            holds("x", cases[i].becomes);
            continue;
        }
        secret s;
        diag d = {0};
        int rc = secret_read(&s, &places, "x", &d);
        if ((rc != DIAG_FAILED && rc != DIAG_USAGE) || !strstr(d.what, cases[i].says) ||
            !d.next[0] || strstr(d.what, "hunter2")) {
            fail_msg("%s: %d \"%s\"", cases[i].command, rc, d.what);
        }
    }
    close(extra);
}

static void ends_slow_commands_with_their_children(void **state) {
    (void)state;
    static const char *const scripts[] = {
        "[\"sh\",\"-c\",\"echo $$ > group; sleep 60\"]",
        "[\"sh\",\"-c\",\"echo $$ > group; trap '' TERM; sleep 60 & exec 1>&-; wait\"]",
        "[\"sh\",\"-c\",\"echo $$ > group; while :; do echo x; sleep 0.05; done\"]",
    };
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        secret s;
        diag d = {0};
        keel_buf group = KEEL_BUF_INIT;
        keel_json argv = keel_json_view(scripts[i], strlen(scripts[i]));
        time_t began = time(NULL);
        unlink("group");
        /* a busy machine may have ended it before it came to anything */
        for (int ms = 300; ms < 10000 && access("group", F_OK) != 0; ms *= 2) {
            assert_int_equal(secret_from_command(&s, "x", argv, ms, &d), DIAG_FAILED);
            assert_non_null(strstr(d.what, "took too long and was ended"));
        }
        assert_true(time(NULL) - began < 30);
        assert_int_equal(fsio_read("group", 100, &group, &d), 0);
        pid_t pid = (pid_t)atoi(group.data);
        assert_true(pid > 1);
        int tries = 0; /* those that were its children are another's to wait for */
        while (kill(-pid, 0) == 0 && tries++ < 2000) {
            nanosleep(&(struct timespec){0, 10000000}, NULL);
        }
        assert_int_equal(kill(-pid, 0), -1);
        keel_buf_free(&group);
    }
}

/* ---- the list ---- */

static void note(void *ctx, const char *name, const char *where, long long bytes,
                 long long changed_us) {
    keel_buf_printf(ctx, "%s %s %lld %s\n", name, where, bytes, changed_us > 0 ? "then" : "-");
}

static void lists_all(void **state) {
    (void)state;
    keel_buf out = KEEL_BUF_INIT;
    diag d = {0};
    declare("{\"b\":{\"command\":[\"pass\",\"b\"]},\"d\":{\"credential\":\"mail\"},"
            "\"e\":{\"credential\":\"none\"}}");
    put("secrets/c", "hunter2\n", 8, 0600);
    put("secrets/a", "123456", 6, 0644);
    put("secrets/b", "hidden by keel.yaml", 19, 0600);
    put("secrets/.c.abcdef", "123456", 6, 0600);
    put("secrets/NOT", "123456", 6, 0600);
    assert_int_equal(mkdir("secrets/folder", 0700), 0);
    assert_int_equal(symlink("a", "secrets/link"), 0);
    assert_int_equal(mkdir("credentials", 0700), 0);
    put("credentials/mail", "1234567", 7, 0400);
    places.credentials = "credentials";
    assert_int_equal(secret_list(&places, note, &out, &d), 0);
    assert_string_equal(out.data, "a file 6 then\nb command -1 -\nc file 8 then\n"
                                  "d credential 7 then\ne credential -1 -\n");
    keel_buf_clear(&out);
    places.folder = "nowhere";
    places.credentials = NULL;
    assert_int_equal(secret_list(&places, note, &out, &d), 0);
    assert_string_equal(out.data, "b command -1 -\nd credential -1 -\ne credential -1 -\n");
    places.folder = "credentials/mail";
    assert_int_equal(secret_list(&places, note, &out, &d), DIAG_STORAGE);
    keel_buf_free(&out);
    keel_buf_free(&declared);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_are_plain, enter, leave),
        cmocka_unit_test_setup_teardown(reads_files, enter, leave),
        cmocka_unit_test_setup_teardown(has_a_limit, enter, leave),
        cmocka_unit_test_setup_teardown(refuses_what_others_can_reach, enter, leave),
        cmocka_unit_test_setup_teardown(writes_and_removes, enter, leave),
        cmocka_unit_test_setup_teardown(a_failing_disk_leaves_the_old_one, enter, leave),
        cmocka_unit_test_setup_teardown(a_kill_leaves_one_of_both, enter, leave),
        cmocka_unit_test(memory_is_wiped_and_used_again),
        cmocka_unit_test_setup_teardown(reads_credentials, enter, leave),
        cmocka_unit_test_setup_teardown(runs_commands, enter, leave),
        cmocka_unit_test_setup_teardown(ends_slow_commands_with_their_children, enter, leave),
        cmocka_unit_test_setup_teardown(lists_all, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
