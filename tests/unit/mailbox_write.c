/* The mailbox connector through its ABI: pages and cursors, messages as they are sent, and above
 * all that one effect is delivered once, whatever happens between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mail_format.h"
#include "mail_host.h"

#define BOTH                                                                                       \
    "{\"source\":\"in\",\"outbox\":\"out\",\"from\":\"Ada Owner <ada@studio.example>\","           \
    "\"addresses\":[\"ada+*@studio.example\"],\"drained\":false}"
#define DRAINED "{\"outbox\":\"out\",\"from\":\"ada@studio.example\"}"
#define LETTER                                                                                     \
    "{\"to\":\"bo@client.example\",\"subject\":\"Hello\",\"body\":\"first line\\nsecond\\n\"}"
#define KEY "k1a2b3c4-7.3.2.1"

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

static void assert_reply_text(const mail_host *h, const char *path, const char *want) {
    char got[400] = "(none)";
    keel_json_copy(keel_json_path(reply(h), path), got, sizeof got);
    assert_string_equal(got, want);
}

/* ---- delivering ---- */

static void delivers_once(void **state) {
    mail_host *h = *state;
    assert_int_equal(mail_host_create(h, BOTH), KEEL_OK);
    assert_int_equal(mail_host_write(h, KEY, LETTER, 0), KEEL_OK);
    assert_reply_text(h, "id", KEY "@keel.invalid");
    assert_reply_text(h, "file", "new/keel." KEY);
    assert_int_equal(mail_host_write(h, KEY, LETTER, 0), KEEL_OK);
    assert_reply_text(h, "file", "new/keel." KEY);
    assert_int_equal(mail_host_count(h, "out/new"), 1);
    mail_host_move(h, "out/new/keel." KEY, "out/cur/keel." KEY ":2,S");
    assert_int_equal(mail_host_write(h, KEY, LETTER, 0), KEEL_OK);
    assert_reply_text(h, "file", "cur/keel." KEY ":2,S");
    assert_int_equal(mail_host_count(h, "out/new"), 0);
    assert_int_equal(mail_host_write(h, "other-key", LETTER, 0), KEEL_OK);
    assert_int_equal(mail_host_count(h, "out/new"), 1);
    assert_int_equal(mail_host_count(h, "out/tmp"), 0);
}

static void dry_run(void **state) {
    mail_host *h = *state;
    assert_int_equal(mail_host_create(h, BOTH), KEEL_OK);
    assert_int_equal(mail_host_write(h, KEY, LETTER, KEEL_REQUEST_DRY_RUN), KEEL_OK);
    assert_true(keel_json_true(keel_json_get(reply(h), "dry_run")));
    assert_false(mail_host_has(h, "out"));
}

/* Every step that can fail: what the connector says, and what reconcile finds then. */
static void failing_steps(void **state) {
    static const struct {
        int write_at, rename_at;
        keel_status failure, says;
        const char *state; /* of reconcile */
    } rows[] = {
        {1, 0, KEEL_E_INTERNAL, KEEL_E_RETRY, "absent"}, /* tmp is no delivery */
        {1, 0, KEEL_E_UNKNOWN, KEEL_E_RETRY, "absent"},
        {1, 0, KEEL_E_DENIED, KEEL_E_DENIED, "absent"},
        {0, 1, KEEL_E_UNKNOWN, KEEL_E_UNKNOWN, "absent"},
        {0, 1, KEEL_E_RETRY, KEEL_E_RETRY, "absent"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mail_host h;
        mail_host_begin(&h);
        h.write_fails_at = rows[i].write_at;
        h.rename_fails_at = rows[i].rename_at;
        h.write_failure = h.rename_failure = rows[i].failure;
        assert_int_equal(mail_host_create(&h, BOTH), KEEL_OK);
        assert_int_equal(mail_host_write(&h, KEY, LETTER, 0), rows[i].says);
        assert_true(h.failure.len > 0);
        assert_int_equal(mail_host_reconcile(&h, KEY), KEEL_OK);
        assert_reply_text(&h, "state", rows[i].state);
        /* The torn first try does not stand in the way of the second. */
        assert_int_equal(mail_host_write(&h, KEY, LETTER, 0), KEEL_OK);
        assert_int_equal(mail_host_count(&h, "out/new"), 1);
        assert_int_equal(mail_host_count(&h, "out/tmp"), 0);
        mail_host_end(&h);
    }
}

static void reconciling(void **state) {
    static const struct {
        const char *file; /* NULL: nothing there */
        const char *config;
        const char *state;
    } rows[] = {
        {NULL, BOTH, "absent"},
        {NULL, DRAINED, "cannot_tell"},
        {"out/tmp/keel." KEY, BOTH, "absent"},
        {"out/tmp/keel." KEY, DRAINED, "absent"},
        {"out/new/keel." KEY, DRAINED, "applied"},
        {"out/cur/keel." KEY ":2,S", DRAINED, "applied"},
        {"out/cur/1700000000.renamed:2,S", BOTH, "applied"},
        {"out/new/keel." KEY "0", BOTH, "absent"},
        {"out/new/keel.other", DRAINED, "cannot_tell"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mail_host h;
        mail_host_begin(&h);
        assert_int_equal(mail_host_create(&h, rows[i].config), KEEL_OK);
        if (rows[i].file != NULL) {
            mail_host_put(&h, rows[i].file,
                          "Subject: x\nmessage-id:\n <" KEY "@keel.invalid>\n\nbody\n");
        }
        assert_int_equal(mail_host_reconcile(&h, KEY), KEEL_OK);
        assert_reply_text(&h, "state", rows[i].state);
        if (strcmp(rows[i].state, "applied") == 0) {
            assert_reply_text(&h, "ref.id", KEY "@keel.invalid");
            assert_reply_text(&h, "ref.file", rows[i].file + 4);
        }
        mail_host_end(&h);
    }
}

/* An id in the body of a foreign message is not a delivery. */
static void forged_id(void **state) {
    mail_host *h = *state;
    assert_int_equal(mail_host_create(h, BOTH), KEEL_OK);
    mail_host_put(h, "out/new/1", "Subject: x\n\nMessage-ID: <" KEY "@keel.invalid>\n");
    assert_int_equal(mail_host_reconcile(h, KEY), KEEL_OK);
    assert_reply_text(h, "state", "absent");
}

static void refused_messages(void **state) {
    mail_host *h = *state;
    static const struct {
        const char *body;
        const char *says;
    } rows[] = {
        {"[]", "is an object"},
        {"{\"subject\":\"s\",\"body\":\"b\"}", "`to` is missing"},
        {"{\"to\":[],\"subject\":\"s\",\"body\":\"b\"}", "`to` is missing"},
        {"{\"to\":\"a@b.example\",\"body\":\"b\"}", "`subject` is missing"},
        {"{\"to\":\"a@b.example\",\"subject\":\"s\"}", "`body` is missing"},
        {"{\"to\":7,\"subject\":\"s\",\"body\":\"b\"}", "`to` must be a text or a list"},
        {"{\"to\":[7],\"subject\":\"s\",\"body\":\"b\"}", "`to` must be a text"},
        {"{\"to\":\"Bo <bo@b.example>\",\"subject\":\"s\",\"body\":\"b\"}", "not a plain address"},
        {"{\"to\":\"a@b.example, c@d.example\",\"subject\":\"s\",\"body\":\"b\"}", "not a plain"},
        {"{\"to\":\"a@evil.example@b.example\",\"subject\":\"s\",\"body\":\"b\"}", "not a plain"},
        {"{\"to\":\"a@b\xc3\xa9.example\",\"subject\":\"s\",\"body\":\"b\"}", "not a plain"},
        {"{\"to\":\"-oQ@b.example\",\"subject\":\"s\",\"body\":\"b\"}", "not a plain"},
        {"{\"to\":\"a@b.example\\nBcc: x@y.example\",\"subject\":\"s\",\"body\":\"b\"}", "U+000A"},
        {"{\"to\":\"a@b.example\",\"subject\":\"s\\r\\nBcc: x@y.example\",\"body\":\"b\"}",
         "U+000D"},
        {"{\"to\":\"a@b.example\",\"subject\":\"s\\u0000\",\"body\":\"b\"}", "NUL"},
        {"{\"to\":\"a@b.example\",\"subject\":\"s\\u0085x\",\"body\":\"b\"}", "U+0085"},
        {"{\"to\":\"a@b.example\",\"subject\":\"s\",\"body\":\"b\\u001b[31m\"}", "U+001B"},
        {"{\"to\":\"a@b.example\",\"subject\":\"s\",\"body\":\"b\",\"in_reply_to\":\"a b\"}",
         "message id"},
        {"{\"to\":\"a@b.example\",\"subject\":\"s\",\"body\":\"b\",\"references\":[\"x>y\"]}",
         "message id"},
        {"{\"to\":\"a@b.example\",\"subject\":\"s\",\"body\":\"b\",\"from\":\"x@y.example\"}",
         "`from` is not"},
    };
    assert_int_equal(mail_host_create(h, BOTH), KEEL_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        keel_status status = mail_host_write(h, KEY, rows[i].body, 0);
        if (status != KEEL_E_INVALID || strstr(h->failure.data, rows[i].says) == NULL) {
            fail_msg("%s: %d %s", rows[i].body, status, h->failure.data);
        }
    }
    assert_int_equal(mail_host_write(h, "", LETTER, 0), KEEL_E_INVALID);
    assert_int_equal(mail_host_write(h, "../x", LETTER, 0), KEEL_E_INVALID);
    assert_false(mail_host_has(h, "out"));
    keel_buf many = KEEL_BUF_INIT;
    keel_buf_puts(&many, "{\"subject\":\"s\",\"body\":\"b\",\"to\":[\"a@b.example\"");
    for (int i = 0; i < DRAFT_RECIPIENTS; i++) {
        keel_buf_puts(&many, ",\"a@b.example\"");
    }
    keel_buf_puts(&many, "]}");
    assert_int_equal(mail_host_write(h, KEY, many.data, 0), KEEL_E_INVALID);
    keel_buf_free(&many);
}

static void other_resources(void **state) {
    mail_host *h = *state;
    keel_request r = {.size = sizeof r, .resource = {"folder", 6}, .body = {"{}", 2}};
    assert_int_equal(mail_host_create(h, BOTH), KEEL_OK);
    assert_int_equal(h->plugin->read(h->self, NULL, &r), KEEL_E_NOT_IMPLEMENTED);
    assert_int_equal(h->plugin->write(h->self, NULL, &r), KEEL_E_NOT_IMPLEMENTED);
    assert_int_equal(h->plugin->reconcile(h->self, NULL, &r), KEEL_E_NOT_IMPLEMENTED);
    assert_null(h->plugin->compensate);
}

/* ---- the bytes that are sent ---- */

static void format(const char *body, keel_buf *out) {
    keel_buf canonical = KEEL_BUF_INIT;
    mail_draft d;
    char problem[DRAFT_PROBLEM] = "";
    assert_int_equal(keel_json_canonical(&canonical, body, strlen(body), NULL), 0);
    if (!draft_parse(&d, keel_json_view(canonical.data, canonical.len), problem)) {
        fail_msg("%s", problem);
    }
    draft_format(out, &d, "Ada Owner", "ada@studio.example", "k1@keel.invalid", 1036400400000000);
    draft_finish(&d);
    keel_buf_free(&canonical);
}

static void golden_formats(void **state) {
    (void)state;
    static const struct {
        const char *body;
        const char *bytes;
    } rows[] = {
        {LETTER, "Date: Mon, 04 Nov 2002 09:00:00 +0000\nFrom: Ada Owner <ada@studio.example>\n"
                 "Subject: Hello\nTo: bo@client.example\nMessage-Id: <k1@keel.invalid>\n"
                 "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
                 "Content-Transfer-Encoding: 7bit\n\nfirst line\nsecond\n"},
        {"{\"to\":[\"a@b.example\",\"c@d.example\"],\"cc\":\"e@f.example\",\"bcc\":\"g@h.example\","
         "\"subject\":\"Re: caf\xc3\xa9\",\"body\":\"na\xc3\xafve\","
         "\"in_reply_to\":\"<q1@x>\",\"references\":[\"q0@x\",\"q1@x\"]}",
         "Date: Mon, 04 Nov 2002 09:00:00 +0000\nFrom: Ada Owner <ada@studio.example>\n"
         "Subject: Re: =?UTF-8?B?Y2Fmw6k=?=\nTo: a@b.example, c@d.example\n"
         "Cc: e@f.example\nBcc: g@h.example\nMessage-Id: <k1@keel.invalid>\n"
         "In-Reply-To: <q1@x>\nReferences: <q0@x> <q1@x>\nMIME-Version: 1.0\n"
         "Content-Type: text/plain; charset=utf-8\n"
         "Content-Transfer-Encoding: quoted-printable\n\nna=C3=AFve\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        keel_buf got = KEEL_BUF_INIT;
        format(rows[i].body, &got);
        assert_string_equal(got.data, rows[i].bytes);
        keel_buf_free(&got);
    }
}

/* Whatever goes out comes back the same through the reader. */
static void round_trips(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "From here to there\n\nFrom x Mon Nov  4 10:00:00 2002\n.\n..\n",
        "\xe2\x82\xac \xf0\x9f\x98\x80\n", "trailing  \n\ttab = sign =3D\n", "-- \nsignature\n",
        "\n"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        keel_buf json = KEEL_BUF_INIT;
        keel_buf bytes = KEEL_BUF_INIT;
        keel_buf_puts(&json,
                      "{\"to\":\"a@b.example\",\"subject\":\"\xe2\x82\xac: a long subject that "
                      "must be folded because it has more than seventy-eight characters\","
                      "\"body\":");
        keel_json_quote(&json, bodies[i], strlen(bodies[i]));
        keel_buf_puts(&json, "}");
        format(json.data, &bytes);
        for (size_t k = 0; k < bytes.len; k++) {
            assert_true((unsigned char)bytes.data[k] < 0x80);
        }
        mail m;
        mail_parse(&m, bytes.data, bytes.len, MAIL_TEXT_LIMIT);
        assert_string_equal(m.text.data, bodies[i]);
        assert_memory_equal(m.subject, "\xe2\x82\xac: a long subject", 19);
        assert_string_equal(m.message_id, "k1@keel.invalid");
        mail_finish(&m);
        keel_buf_free(&json);
        keel_buf_free(&bytes);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(delivers_once),    T(dry_run),         T(failing_steps),  T(reconciling), T(forged_id),
        T(refused_messages), T(other_resources), T(golden_formats), T(round_trips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
