/* The mailbox connector through its ABI: pages and cursors, messages as they are sent, and above
 * all that one effect is delivered once, whatever happens between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mail_host.h"

#define BOTH                                                                                       \
    "{\"source\":\"in\",\"outbox\":\"out\",\"from\":\"Ada Owner <ada@studio.example>\","           \
    "\"addresses\":[\"ada+*@studio.example\"],\"drained\":false}"
#define DRAINED "{\"outbox\":\"out\",\"from\":\"ada@studio.example\"}"

static int begin(void **state) {
    mail_host *h = malloc(sizeof *h);
    mail_host_begin(h);
    *state = h;
    return 0;
}

static int end(void **state) {
    mail_host_end(*state);
    free(*state);
    return 0;
}

static keel_json reply(const mail_host *h) {
    return keel_json_view(h->reply.data, h->reply.len);
}

/* ---- config ---- */

static void configs(void **state) {
    mail_host *h = *state;
    static const struct {
        const char *config;
        const char *says; /* NULL: accepted */
    } rows[] = {
        {BOTH, NULL},
        {DRAINED, NULL},
        {"{\"source\":\"in\"}", NULL},
        {"{\"source\":\"in\",\"file\":\"box\",\"text_limit\":500}", NULL},
        {"{}", "needs `source`"},
        {"{\"outbox\":\"out\"}", "needs `from`"},
        {"{\"outbox\":\"out\",\"from\":\"ada\"}", "`from` must be one address"},
        {"{\"outbox\":\"out\",\"from\":\"a@b.example, c@d.example\"}",
         "`from` must be one address"},
        {"{\"source\":7}", "`source` must be a text"},
        {"{\"source\":\"\"}", "`source` must be a text"},
        {"{\"source\":\"in\",\"sauce\":\"x\"}", "`sauce` is not a setting"},
        {"{\"source\":\"in\",\"drained\":\"no\"}", "`drained` must be true or false"},
        {"{\"source\":\"in\",\"addresses\":\"me\"}", "`addresses` must be a list"},
        {"{\"source\":\"in\",\"text_limit\":1}", "`text_limit` must be"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        keel_status status = mail_host_create(h, rows[i].config);
        if ((status == KEEL_OK) != (rows[i].says == NULL) ||
            (rows[i].says != NULL && strstr(h->failure.data, rows[i].says) == NULL)) {
            fail_msg("%s: %d %s", rows[i].config, status, h->failure.len ? h->failure.data : "");
        }
    }
    h->no_fs = true;
    assert_int_equal(mail_host_create(h, BOTH), KEEL_E_DENIED);
}

/* ---- reading ---- */

static void put_mail(mail_host *h, const char *path, int n) {
    char text[300];
    snprintf(text, sizeof text,
             "From: p%d@client.example\nTo: ada@studio.example\nMessage-ID: <m%d@client.example>\n"
             "Subject: mail %d\n\ntext %d\n",
             n, n, n, n);
    mail_host_put(h, path, text);
}

/* Reads behind the cursor of the last reply (kept in `cursor`); the ids' numbers, and "+" for more.
 */
static void page(mail_host *h, keel_buf *cursor, int limit, char *got) {
    keel_buf query = KEEL_BUF_INIT;
    keel_buf_printf(&query, "{\"limit\":%d", limit);
    if (cursor->len > 0) {
        keel_buf_puts(&query, ",\"cursor\":");
        keel_json_quote(&query, cursor->data, cursor->len);
    }
    keel_buf_puts(&query, "}");
    assert_int_equal(mail_host_read(h, query.data), KEEL_OK);
    keel_buf_clear(cursor);
    assert_true(keel_json_string(keel_json_get(reply(h), "next"), cursor));
    *got = 0;
    for (keel_json_iter it = keel_json_each(keel_json_get(reply(h), "items"));
         keel_json_next(&it);) {
        char id[100];
        keel_json_copy(keel_json_get(it.value, "id"), id, sizeof id);
        sprintf(got + strlen(got), "%d ", atoi(id + 1));
    }
    strcat(got, keel_json_true(keel_json_get(reply(h), "more")) ? "+" : "");
    keel_buf_free(&query);
}

static void maildir_pages(void **state) {
    mail_host *h = *state;
    keel_buf cursor = KEEL_BUF_INIT;
    char got[200];
    assert_int_equal(mail_host_create(h, BOTH), KEEL_OK);
    put_mail(h, "in/new/100.a", 1);
    put_mail(h, "in/cur/200.a:2,S", 2);
    put_mail(h, "in/new/300.a", 3);
    page(h, &cursor, 2, got);
    assert_string_equal(got, "1 2 +");
    mail_host_move(h, "in/new/100.a", "in/cur/100.a:2,RS");
    put_mail(h, "in/new/150.late", 4);
    page(h, &cursor, 10, got);
    assert_string_equal(got, "4 3 ");
    page(h, &cursor, 10, got);
    assert_string_equal(got, "");
    put_mail(h, "in/new/400.a", 5);
    page(h, &cursor, 10, got);
    assert_string_equal(got, "5 ");
    keel_buf_free(&cursor);
}

static void mbox_pages(void **state) {
    mail_host *h = *state;
    keel_buf cursor = KEEL_BUF_INIT;
    keel_buf box = KEEL_BUF_INIT;
    char got[200];
    assert_int_equal(mail_host_create(h, BOTH), KEEL_OK);
    for (int i = 1; i <= 3; i++) {
        keel_buf_printf(&box, "From x Mon Nov  4 10:00:0%d 2002\nMessage-ID: <m%d@x>\n\nt\n\n", i,
                        i);
    }
    mail_host_put(h, "in/mail.mbox", box.data);
    page(h, &cursor, 2, got);
    assert_string_equal(got, "1 2 +");
    keel_buf_puts(&box, "From x Mon Nov  4 10:00:09 2002\nMessage-ID: <m4@x>\n\nstill being wri");
    mail_host_put(h, "in/mail.mbox", box.data);
    page(h, &cursor, 10, got);
    assert_string_equal(got, "3 "); /* the last one has no end yet */
    keel_buf_puts(&box, "tten\n\n");
    mail_host_put(h, "in/mail.mbox", box.data);
    page(h, &cursor, 10, got);
    assert_string_equal(got, "4 ");
    keel_buf_clear(&cursor);
    page(h, &cursor, 1, got);
    mail_host_put(h, "in/mail.mbox", strstr(box.data + 1, "From x")); /* the first was deleted */
    char query[200];
    snprintf(query, sizeof query, "{\"cursor\":\"%s\"}", cursor.data);
    assert_int_equal(mail_host_read(h, query), KEEL_E_CONFLICT);
    assert_non_null(strstr(h->failure.data, "rewritten"));
    assert_non_null(strstr(h->failure.data, "in/mail.mbox"));
    keel_buf_free(&cursor);
    keel_buf_free(&box);
}

static void one_message(void **state) {
    mail_host *h = *state;
    assert_int_equal(mail_host_create(h, BOTH), KEEL_OK);
    put_mail(h, "in/new/1", 1);
    put_mail(h, "in/cur/2:2,RS", 2);
    assert_int_equal(mail_host_read(h, "{\"id\":\"m2@client.example\"}"), KEEL_OK);
    keel_json_iter it = keel_json_each(keel_json_get(reply(h), "items"));
    assert_true(keel_json_next(&it));
    assert_true(keel_json_is(keel_json_get(it.value, "subject"), "mail 2"));
    assert_true(keel_json_is(keel_json_get(it.value, "to_me"), "to"));
    assert_true(keel_json_true(keel_json_get(it.value, "answered")));
    assert_int_equal(keel_json_count(keel_json_get(reply(h), "items")), 1);
    assert_int_equal(mail_host_read(h, "{\"id\":\"m3@client.example\"}"), KEEL_E_NOT_FOUND);
    assert_non_null(strstr(h->failure.data, "m3@client.example"));
}

/* Two with one Message-ID: neither hides the other; the same bytes twice are one. */
static void duplicates(void **state) {
    mail_host *h = *state;
    assert_int_equal(mail_host_create(h, BOTH), KEEL_OK);
    mail_host_put(h, "in/cur/1", "Message-ID: <m@x>\n\none\n");
    mail_host_put(h, "in/new/2", "Message-ID: <m@x>\n\nother\n");
    mail_host_put(h, "in/new/3", "Subject: no id\n\none\n");
    mail_host_put(h, "in/new/4", "Subject: no id\n\none\n");
    assert_int_equal(mail_host_read(h, "{}"), KEEL_OK);
    keel_json items = keel_json_get(reply(h), "items");
    assert_int_equal(keel_json_count(items), 3);
    char ids[3][100];
    int n = 0;
    for (keel_json_iter it = keel_json_each(items); keel_json_next(&it);) {
        keel_json_copy(keel_json_get(it.value, "id"), ids[n++], sizeof ids[0]);
    }
    assert_string_equal(ids[0], "m@x");
    assert_memory_equal(ids[1], "sha256:", 7);
    assert_memory_equal(ids[2], "sha256:", 7);
    assert_string_not_equal(ids[1], ids[2]);
    char query[200];
    snprintf(query, sizeof query, "{\"id\":\"%s\"}", ids[1]);
    assert_int_equal(mail_host_read(h, query), KEEL_OK);
}

static void bad_reads(void **state) {
    mail_host *h = *state;
    static const struct {
        const char *query;
        keel_status status;
        const char *says;
    } rows[] = {
        {"{\"limit\":0}", KEEL_E_INVALID, "limit: 1 to 500"},
        {"{\"after\":\"x\"}", KEEL_E_INVALID, "cursor: the `next`"},
        {"{\"id\":7}", KEEL_E_INVALID, "one message's id"},
        {"{\"cursor\":\"mbox1:0:0\"}", KEEL_E_CONFLICT, "not one of a Maildir"},
    };
    assert_int_equal(mail_host_create(h, BOTH), KEEL_OK);
    assert_int_equal(mail_host_read(h, "{}"), KEEL_E_NOT_FOUND);
    assert_non_null(strstr(h->failure.data, "cannot be listed"));
    mail_host_put(h, "in/.keep", "");
    assert_int_equal(mail_host_read(h, "{}"), KEEL_E_NOT_FOUND);
    assert_non_null(strstr(h->failure.data, "no Maildir"));
    mail_host_put(h, "in/a.txt", "no mbox\n");
    assert_int_equal(mail_host_read(h, "{}"), KEEL_E_CONFLICT);
    assert_non_null(strstr(h->failure.data, "in/a.txt: at byte 0 a message should begin"));
    mail_host_put(h, "in/b.txt", "");
    assert_int_equal(mail_host_read(h, "{}"), KEEL_E_INVALID);
    assert_non_null(strstr(h->failure.data, "`file:`"));
    mail_host_put(h, "in/new/1", "x");
    mail_host_put(h, "in/cur/2", "x");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(mail_host_read(h, rows[i].query), rows[i].status);
        assert_non_null(strstr(h->failure.data, rows[i].says));
    }
    assert_int_equal(mail_host_create(h, DRAINED), KEEL_OK);
    assert_int_equal(mail_host_read(h, "{}"), KEEL_E_INVALID);
}

/* A page ends early when the kernel asks for it, and goes on behind what it gave. */
static void cancelled(void **state) {
    mail_host *h = *state;
    keel_buf cursor = KEEL_BUF_INIT;
    char got[200];
    assert_int_equal(mail_host_create(h, BOTH), KEEL_OK);
    for (int i = 1; i <= 4; i++) {
        char path[40];
        snprintf(path, sizeof path, "in/%s/%d", i % 2 ? "new" : "cur", i);
        put_mail(h, path, i);
    }
    h->cancel_after = 3;
    page(h, &cursor, 10, got);
    assert_string_equal(got, "1 2 +");
    page(h, &cursor, 10, got);
    assert_string_equal(got, "3 4 ");
    keel_buf_free(&cursor);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(configs),    T(maildir_pages), T(mbox_pages), T(one_message),
        T(duplicates), T(bad_reads),     T(cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
