/* mailbox.so in a real executor, behind all its walls: what prepare has warmed is enough to read
 * any character set, and a mail arrives in the outbox once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "executor_world.h"

static const char libraries[] =
    "[\"libgmime-3.0.so.0\",\"libgobject-2.0.so.0\",\"libglib-2.0.so.0\"]";
static const char manifest[] = "\"abi\":[0,1],\"id\":\"com.keel.mailbox\",\"version\":\"0.1.0\"";
static const char config[] = "{\"drained\":false,\"from\":\"Ada "
                             "<ada@studio.example>\",\"outbox\":\"data\",\"source\":\"data\"}";

static void put(const char *folder, const char *name, const char *text) {
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* The world looks for abi_NAME.so in a folder of test plugins. */
static void offer_plugin(const char *folder) {
    char command[900];
    snprintf(command, sizeof command,
             "cp '%s' '%s/abi_mailbox.so' && chmod 644 '%s/abi_mailbox.so'", getenv("KEEL_MAILBOX"),
             folder, folder);
    assert_int_equal(system(command), 0);
    setenv("KEEL_ABI", folder, 1);
}

typedef struct stage {
    char *plugins;
    char *folder;
    child *c;
} stage;

static int begin(void **state) {
    static const char *const parts[] = {"new", "cur", "tmp"};
    stage *s = malloc(sizeof *s);
    s->plugins = world_folder();
    s->folder = world_folder();
    for (size_t i = 0; i < 3; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s/%s", s->folder, parts[i]);
        mkdir(path, 0700);
    }
    offer_plugin(s->plugins);
    s->c = child_ready(&(child_spec){.plugin = "mailbox",
                                     .manifest = manifest,
                                     .config = config,
                                     .libraries = libraries,
                                     .folder = s->folder});
    *state = s;
    return 0;
}

static int end(void **state) {
    stage *s = *state;
    child_end(s->c);
    world_remove(s->folder);
    world_remove(s->plugins);
    free(s);
    return 0;
}

static keel_json ask(stage *s, const char *verb, const char *key, const char *body) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_printf(&text,
                    "{\"attempt\":1,\"body\":%s,\"deadline_us\":20000000,\"flags\":[],"
                    "\"key\":\"%s\",\"mode\":\"%s\",\"outcome\":null,\"resource\":\"message\","
                    "\"verb\":\"%s\"}",
                    body, key, strcmp(verb, "reconcile") == 0 ? "effect" : "", verb);
    child_send(s->c, X_VERB, 9, text.data);
    keel_buf_free(&text);
    return keel_json_get(child_expect(s->c, X_REPLY), "result");
}

static void character_sets(void **state) {
    static const struct {
        const char *mail, *subject, *text;
    } rows[] = {
        {"Subject: =?koi8-r?B?8NLJ18XU?=\nContent-Type: text/plain; charset=koi8-r\n\n"
         "\xf0\xd2\xc9\xd7\xc5\xd4\n",
         "Привет", "Привет\n"},
        {"Subject: =?iso-2022-jp?B?GyRCRnxLXBsoQg==?=\nContent-Type: text/plain; "
         "charset=iso-2022-jp\n\n\x1b$BF|K\\\x1b(B\n",
         "日本", "日本\n"},
        {"Subject: =?gb2312?B?1tC5+g==?=\nContent-Type: text/plain; "
         "charset=GB2312\n\n\xd6\xd0\xb9\xfa\n",
         "中国", "中国\n"},
        {"Subject: =?euc-kr?B?x9GxuQ==?=\nContent-Type: text/plain; charset=ks_c_5601-1987\n\n"
         "\xc7\xd1\xb1\xb9\n",
         "한국", "한국\n"},
        {"Subject: =?big5?B?pKSk5Q==?=\nContent-Type: text/plain; "
         "charset=big5\n\n\xa4\xa4\xa4\xe5\n",
         "中文", "中文\n"},
        {"Subject: =?windows-1255?B?+ezl7Q==?=\nContent-Type: text/plain; charset=windows-1255\n\n"
         "\xf9\xec\xe5\xed\n",
         "שלום", "שלום\n"},
        {"Subject: =?x-unheard-of?B?aGk=?=\nContent-Type: text/plain; charset=x-unheard-of\n\nhi\n",
         NULL, "hi\n"},
    };
    stage *s = *state;
    size_t count = sizeof rows / sizeof *rows;
    for (size_t i = 0; i < count; i++) {
        char name[20];
        snprintf(name, sizeof name, "new/%zu", i);
        put(s->folder, name, rows[i].mail);
    }
    keel_json items = keel_json_get(ask(s, "read", "", "{}"), "items");
    size_t i = 0;
    for (keel_json_iter it = keel_json_each(items); keel_json_next(&it); i++) {
        char text[200] = "";
        keel_json_copy(keel_json_get(it.value, "subject"), text, sizeof text);
        if (rows[i].subject != NULL) {
            assert_string_equal(text, rows[i].subject);
        }
        keel_json_copy(keel_json_get(it.value, "text"), text, sizeof text);
        assert_string_equal(text, rows[i].text);
    }
    assert_int_equal(i, count);
}

static void arrives_once(void **state) {
    static const char body[] =
        "{\"body\":\"hello\",\"subject\":\"s\",\"to\":\"bo@client.example\"}";
    stage *s = *state;
    char path[300];
    assert_true(keel_json_is(keel_json_get(ask(s, "reconcile", "k-1", body), "state"), "absent"));
    assert_true(
        keel_json_is(keel_json_get(ask(s, "write", "k-1", body), "id"), "k-1@keel.invalid"));
    assert_true(keel_json_is(keel_json_get(ask(s, "write", "k-1", body), "file"), "new/keel.k-1"));
    assert_true(keel_json_is(keel_json_get(ask(s, "reconcile", "k-1", body), "state"), "applied"));
    snprintf(path, sizeof path, "%s/new/keel.k-1", s->folder);
    assert_int_equal(access(path, R_OK), 0);
    snprintf(path, sizeof path, "%s/tmp/keel.k-1", s->folder);
    assert_int_not_equal(access(path, R_OK), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(character_sets, begin, end),
        cmocka_unit_test_setup_teardown(arrives_once, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
