/* How each way to tell people is called, and what it reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "notifier.h"

#define NOTICE                                                                                     \
    "{\"items\":[],\"look\":\"keel inbox\",\"text\":\"1  approval: <b>&\\nM\xc3\xbcller = 5 "      \
    "\\n.\\n"                                                                                      \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345\\n\","           \
    "\"title\":\"Keel, x: item 1 waits for you\",\"workspace\":\"x\"}"

static notifier_words make(const workspace_notifier *by) {
    notifier_words w = {0};
    keel_buf why = KEEL_BUF_INIT;
    keel_json notice = keel_json_view(NOTICE, strlen(NOTICE));
    if (notifier_words_make(&w, by, notice, 1700000000, &why)) {
        fail_msg("%s", why.data);
    }
    return w;
}

static void input_is(notifier_words *w, const char *text) {
    assert_int_equal(w->input.len, strlen(text));
    assert_string_equal(w->input.data, text);
    notifier_words_free(w);
}

static void a_command_reads_text_or_json(void **state) {
    char *argv[] = {"/bin/true", "-a", NULL};
    workspace_notifier by = {.name = "x", .argv = argv, .argc = 2};
    (void)state;
    notifier_words w = make(&by);
    assert_string_equal(w.argv[0], "/bin/true");
    assert_string_equal(w.argv[1], "-a");
    assert_null(w.argv[2]);
    input_is(&w, "Keel, x: item 1 waits for you\n1  approval: <b>&\nM\xc3\xbcller = 5 \n.\n"
                 "0123456789012345678901234567890123456789012345678901234567890123456789012345\n");
    by.json = true;
    w = make(&by);
    input_is(&w, NOTICE "\n");
}

/* Nothing that another program would take for more than words. */
static void a_mail_is_whole(void **state) {
    char *argv[] = {"/bin/true", "-C", "x", NULL};
    workspace_notifier by = {.name = "x",
                             .way = NOTIFY_MAIL,
                             .argv = argv,
                             .argc = 3,
                             .to = "me@studio.example",
                             .from = "keel@studio.example"};
    static const char *const words[] = {
        "/bin/true", "-C", "x", "-i", "-f", "keel@studio.example", "--", "me@studio.example"};
    (void)state;
    notifier_words w = make(&by);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        assert_string_equal(w.argv[i], words[i]);
    }
    assert_null(w.argv[8]);
    input_is(&w,
             "From: <keel@studio.example>\nTo: <me@studio.example>\n"
             "Subject: Keel, x: item 1 waits for you\n"
             "Date: Tue, 14 Nov 2023 22:13:20 +0000\nAuto-Submitted: auto-generated\n"
             "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
             "Content-Transfer-Encoding: quoted-printable\n\n"
             "1  approval: <b>&\nM=C3=BCller =3D 5=20\n.\n"
             "012345678901234567890123456789012345678901234567890123456789012345678901=\n2345\n");
    by.from = NULL;
    w = make(&by);
    assert_string_equal(w.argv[4], "--");
    assert_int_equal(strncmp(w.input.data, "To: <me@studio.example>\n", 24), 0);
    notifier_words_free(&w);
}

static void the_desktop_takes_no_markup(void **state) {
    char folder[] = "/tmp/keel-desk-XXXXXX", path[64];
    workspace_notifier by = {.name = "x", .way = NOTIFY_DESKTOP};
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/notify-send", folder);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(chmod(path, 0755), 0);
    setenv("PATH", folder, 1);
    notifier_words w = make(&by);
    assert_string_equal(w.argv[0], path);
    assert_string_equal(w.argv[2], "--");
    assert_string_equal(w.argv[3], "Keel, x: item 1 waits for you");
    assert_int_equal(strncmp(w.argv[4], "1  approval: &lt;b&gt;&amp;\nM\xc3\xbcller = 5 \n", 40),
                     0);
    assert_null(w.argv[5]);
    input_is(&w, "");
    remove(path);
    assert_int_equal(remove(folder), 0);
}

static bool has(char *const *list, const char *word) {
    for (; *list; list++) {
        if (strcmp(*list, word) == 0) {
            return true;
        }
    }
    return false;
}

static void the_environment_is_short(void **state) {
    char *argv[] = {"/bin/true", NULL};
    workspace_notifier by = {.name = "x", .argv = argv, .argc = 1};
    (void)state;
    setenv("HOME", "/home/ada", 1);
    setenv("DISPLAY", ":7", 1);
    setenv("AWS_SECRET", "x", 1);
    setenv("LD_PRELOAD_NOT", "x", 1);
    notifier_words w = make(&by);
    size_t count = 0;
    while (w.env[count]) {
        count++;
    }
    assert_true(count >= 3 && count <= 6);
    assert_true(has(w.env, "HOME=/home/ada"));
    assert_true(has(w.env, "LANG=C.UTF-8"));
    assert_true(has(w.env, "PATH=/usr/local/bin:/usr/bin:/bin"));
    assert_false(has(w.env, "DISPLAY=:7"));
    assert_false(has(w.env, "AWS_SECRET=x"));
    notifier_words_free(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_reads_text_or_json),
        cmocka_unit_test(a_mail_is_whole),
        cmocka_unit_test(the_desktop_takes_no_markup),
        cmocka_unit_test(the_environment_is_short),
    };
    return cmocka_run_group_tests_name("notifier_words", tests, NULL, NULL);
}
