/* The mail connector through its ABI, against scripted servers: its config, reading, drafts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mail_sim.h"

#define CONFIG                                                                                     \
    "{\"imap\":\"imaps://mail.example:993\",\"smtp\":\"smtps://mail.example:465\","                \
    "\"from\":\"Ada Owner <ada@studio.example>\"}"
#define BEGIN                                                                                      \
    "O imaps://mail.example:993\n> k1 CAPABILITY\n"                                                \
    "< * CAPABILITY IMAP4rev1 UIDPLUS MOVE\n< k1 OK done\n"
#define SELECT(tag, folder, validity)                                                              \
    "> k" tag " SELECT \"" folder "\"\n< * 2 EXISTS\n< * OK [UIDVALIDITY " validity "] ok\n"       \
    "< k" tag " OK [READ-WRITE] done\n"
#define EXAMINE(tag, folder, validity)                                                             \
    "> k" tag " EXAMINE \"" folder "\"\n< * OK [UIDVALIDITY " validity "] ok\n"                    \
    "< k" tag " OK [READ-ONLY] done\n"
#define FETCH(tag, set)                                                                            \
    "> k" tag " UID FETCH " set " (UID FLAGS RFC822.SIZE BODY.PEEK[]<0.1048576>)\n"
#define LETTER "{\"to\":\"bo@client.example\",\"subject\":\"Hello\",\"body\":\"first\\nsecond\\n\"}"
#define ID     "keel.k1@studio.example"

static int begin(void **state) {
    mail_sim *s = malloc(sizeof *s);
    sim_begin(s);
    *state = s;
    return 0;
}

static int end(void **state) {
    sim_end(*state);
    free(*state);
    return 0;
}

static keel_json reply(const mail_sim *s) {
    return keel_json_view(s->reply.data, s->reply.len);
}

static void assert_text(const mail_sim *s, const char *path, const char *want) {
    char got[400] = "(none)";
    keel_json v = reply(s);
    if (strncmp(path, "items.", 6) == 0) {
        int skip = path[6] - '0';
        for (keel_json_iter it = keel_json_each(keel_json_get(v, "items")); keel_json_next(&it);) {
            if (skip-- == 0) {
                v = it.value;
                break;
            }
        }
        path += 8;
    }
    keel_json_copy(keel_json_path(v, path), got, sizeof got);
    assert_string_equal(got, want);
}

static void fetch_one(keel_buf *out, int uid, const char *flags, const char *message) {
    keel_buf_printf(out, "* %d FETCH (UID %d FLAGS (%s) RFC822.SIZE %zu BODY[]<0> {%zu}\r\n%s)\r\n",
                    uid, uid, flags, strlen(message), strlen(message), message);
}

/* ---- config ---- */

static void configs(void **state) {
    mail_sim *s = *state;
    static const struct {
        const char *config;
        const char *says; /* NULL: accepted */
    } rows[] = {
        {CONFIG, NULL},
        {"{\"imap\":\"imap://mail.example\"}", NULL},
        {"{}", "needs `imap`"},
        {"{\"imap\":\"https://mail.example\"}", "imaps://"},
        {"{\"imap\":\"imapx://mail.example\"}", "imaps://"},
        {"{\"imap\":\"\"}", "`imap` must be a text"},
        {"{\"imap\":7}", "`imap` must be a text"},
        {"{\"imap\":\"imaps://a\",\"smtp\":\"smtps://a\"}", "`smtp` needs `from`"},
        {"{\"imap\":\"imaps://a\",\"smtp\":\"imaps://a\",\"from\":\"a@b.example\"}", "smtps://"},
        {"{\"imap\":\"imaps://a\",\"from\":\"nobody\"}", "`from` must be one address"},
        {"{\"imap\":\"imaps://a\",\"from\":\"a@b.example, c@d.example\"}", "`from` must be one"},
        {"{\"imap\":\"imaps://a\",\"copy\":\"both\"}", "self, server or append"},
        {"{\"imap\":\"imaps://a\",\"copy\":true}", "self, server or append"},
        {"{\"imap\":\"imaps://a\",\"own\":\"me@b.example\"}", "`own` must be a list"},
        {"{\"imap\":\"imaps://a\",\"own\":[1]}", "`own` must be a text"},
        {"{\"imap\":\"imaps://a\",\"sent\":\"a\\nb\"}", "name of a folder"},
        {"{\"imap\":\"imaps://a\",\"arrive_s\":0}", "from 1 to 150"},
        {"{\"imap\":\"imaps://a\",\"text_limit\":1}", "from 100 to"},
        {"{\"imap\":\"imaps://a\",\"password\":\"x\"}", "`password` is not a setting"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        keel_status status = sim_create(s, rows[i].config);
        if (status != (rows[i].says != NULL ? KEEL_E_INVALID : KEEL_OK) ||
            (rows[i].says != NULL && strstr(s->failure.data, rows[i].says) == NULL)) {
            fail_msg("%s: %d %s", rows[i].config, status, s->failure.data);
        }
    }
    s->no_stream = true;
    assert_int_equal(sim_create(s, CONFIG), KEEL_E_DENIED);
}

static void other_resources(void **state) {
    mail_sim *s = *state;
    assert_int_equal(sim_create(s, CONFIG), KEEL_OK);
    for (sim_verb v = SIM_READ; v <= SIM_COMPENSATE; v++) {
        assert_int_equal(sim_run(s, v, &(sim_call){.resource = "folder"}, ""),
                         KEEL_E_NOT_IMPLEMENTED);
    }
    assert_int_equal(sim_run(s, SIM_COMPENSATE, &(sim_call){.resource = "message"}, ""),
                     KEEL_E_NOT_IMPLEMENTED);
}

/* ---- reading ---- */

#define MAIL_A                                                                                     \
    "From: Bo <bo@client.example>\r\nTo: ada@studio.example\r\nSubject: one\r\n"                   \
    "Message-ID: <a@client.example>\r\n\r\nhello\r\n"
#define MAIL_B                                                                                     \
    "From: Cy <cy@client.example>\r\nCc: ada@studio.example\r\nSubject: two\r\n"                   \
    "Message-ID: <b@client.example>\r\n\r\nhello again\r\n"
#define MAIL_OWN                                                                                   \
    "From: Ada Owner <ada@studio.example>\r\nTo: bo@client.example\r\nSubject: three\r\n"          \
    "Message-ID: <keel.k9@studio.example>\r\n\r\nwhat we sent\r\n"
#define MAIL_FORGED                                                                                \
    "From: Eve <eve@evil.example>\r\nTo: ada@studio.example\r\nSubject: four\r\n"                  \
    "Message-ID: <keel.k9@studio.example>\r\n\r\nwhat we did not send\r\n"

static void reads_pages(void **state) {
    mail_sim *s = *state;
    keel_buf mails = KEEL_BUF_INIT;
    assert_int_equal(sim_create(s, CONFIG), KEEL_OK);
    fetch_one(&mails, 5, "\\Seen", MAIL_B); /* in the server's order */
    fetch_one(&mails, 3, "\\Answered", MAIL_A);
    s->text = mails.data;
    const sim_call two = {.body = "{\"limit\":2}"};
    assert_int_equal(
        sim_run(s, SIM_READ, &two,
                BEGIN SELECT("2", "INBOX",
                             "77") "> k3 UID SEARCH UID 1:*\n< * SEARCH 9 3 5\n< k3 OK "
                                   "done\n" FETCH("4", "3,5") "<{\n< * 4 EXISTS\n< k4 OK done\n"),
        KEEL_OK);
    assert_int_equal(keel_json_count(keel_json_get(reply(s), "items")), 2);
    assert_text(s, "items.0.id", "b@client.example");
    assert_text(s, "items.1.id", "a@client.example");
    assert_text(s, "items.1.from", "bo@client.example");
    assert_text(s, "items.1.to_me", "to");
    assert_text(s, "next", "77:5");
    assert_true(keel_json_true(keel_json_get(reply(s), "more")));
    /* The session is kept. The second page has nothing but what the cursor has already. */
    const sim_call next = {.body = "{\"cursor\":\"77:9\"}"};
    assert_int_equal(
        sim_run(s, SIM_READ, &next,
                "> k5 NOOP\n< k5 OK done\n" SELECT(
                    "6", "INBOX", "77") "> k7 UID SEARCH UID 10:*\n< * SEARCH 9\n< k7 OK done\n"),
        KEEL_OK);
    assert_text(s, "next", "77:9");
    assert_int_equal(keel_json_count(keel_json_get(reply(s), "items")), 0);
    keel_buf_free(&mails);
}

/* A folder that was made anew has other numbers: from its start, and the answer says so. */
static void restarts(void **state) {
    mail_sim *s = *state;
    keel_buf mails = KEEL_BUF_INIT;
    assert_int_equal(sim_create(s, CONFIG), KEEL_OK);
    fetch_one(&mails, 1, "", MAIL_A);
    s->text = mails.data;
    assert_int_equal(
        sim_run(s, SIM_READ, &(sim_call){.body = "{\"cursor\":\"77:900\",\"folder\":\"Work\"}"},
                BEGIN EXAMINE("2", "Work", "78") "> k3 UID SEARCH UID 1:*\n< * SEARCH 1\n< k3 OK "
                                                 "done\n" FETCH("4", "1") "<{\n< k4 OK done\n"),
        KEEL_OK);
    assert_true(keel_json_true(keel_json_get(reply(s), "restarted")));
    assert_text(s, "next", "78:1");
    keel_buf_free(&mails);
}

/* Our own copies are no news: they go to the sent mail. A stranger's with such an id stays. */
static void tidies(void **state) {
    mail_sim *s = *state;
    keel_buf mails = KEEL_BUF_INIT;
    assert_int_equal(sim_create(s, CONFIG), KEEL_OK);
    fetch_one(&mails, 1, "", MAIL_OWN);
    fetch_one(&mails, 2, "", MAIL_FORGED);
    s->text = mails.data;
    assert_int_equal(
        sim_run(s, SIM_READ, &(sim_call){.body = "{}"},
                BEGIN SELECT("2", "INBOX",
                             "77") "> k3 UID SEARCH UID 1:*\n< * SEARCH 1 2\n< k3 OK "
                                   "done\n" FETCH(
                                       "4", "1,2") "<{\n< k4 OK done\n"
                                                   "> k5 UID STORE 1 +FLAGS.SILENT "
                                                   "(\\Seen)\n< k5 OK done\n"
                                                   "> k6 UID MOVE 1 \"Sent\"\n< k6 OK done\n"),
        KEEL_OK);
    assert_int_equal(keel_json_count(keel_json_get(reply(s), "items")), 1);
    assert_text(s, "items.0.from", "eve@evil.example");
    assert_text(s, "next", "77:2");
    keel_buf_free(&mails);
}

static void searches(void **state) {
    mail_sim *s = *state;
    static const struct {
        const char *query;
        const char *criteria;
    } rows[] = {
        {"{\"since\":\"2026-11-01\"}", "UID 1:* SINCE 1-Nov-2026"},
        {"{\"id\":\"<a@b.example>\"}", "UID 1:* HEADER Message-ID \"a@b.example\""},
        {"{\"thread\":\"a@b.example\"}",
         "UID 1:* OR OR HEADER Message-ID \"a@b.example\" HEADER References \"a@b.example\" HEADER "
         "In-Reply-To \"a@b.example\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char script[900];
        assert_int_equal(sim_create(s, CONFIG), KEEL_OK);
        snprintf(script, sizeof script,
                 BEGIN SELECT("2", "INBOX", "77") "> k3 UID SEARCH %s\n< * SEARCH\n< k3 OK done\n",
                 rows[i].criteria);
        keel_status status = sim_run(s, SIM_READ, &(sim_call){.body = rows[i].query}, script);
        assert_int_equal(status, i == 1 ? KEEL_E_NOT_FOUND : KEEL_OK);
    }
}

static void bad_queries(void **state) {
    mail_sim *s = *state;
    static const char *const rows[] = {
        "{\"limit\":0}",
        "{\"limit\":501}",
        "{\"limit\":\"x\"}",
        "{\"cursor\":\"7\"}",
        "{\"cursor\":\"-1:2\"}",
        "{\"cursor\":\"1:2x\"}",
        "{\"cursor\":\"1:99999999999\"}",
        "{\"cursor\":7}",
        "{\"since\":\"yesterday\"}",
        "{\"since\":\"2026-13-01\"}",
        "{\"since\":\"2026-11-01x\"}",
        "{\"id\":\"a b\"}",
        "{\"id\":\"a\\\"b\"}",
        "{\"id\":\"a\\r\\nb\"}",
        "{\"id\":\"sha256:00\"}",
        "{\"thread\":\"\"}",
        "{\"folder\":\"\"}",
        "{\"colour\":\"red\"}",
    };
    assert_int_equal(sim_create(s, CONFIG), KEEL_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (sim_run(s, SIM_READ, &(sim_call){.body = rows[i]}, "") != KEEL_E_INVALID) {
            fail_msg("%s", rows[i]);
        }
    }
}

/* Whatever a server does, a read fails cleanly and the next one begins afresh. */
static void hostile_servers(void **state) {
    mail_sim *s = *state;
    static const struct {
        const char *script;
        keel_status status;
    } rows[] = {
        {"O! -2 imaps://mail.example:993\n", KEEL_E_DENIED},
        {"O! -5 imaps://mail.example:993\n", KEEL_E_RETRY},
        {"O imaps://mail.example:993\n> k1 CAPABILITY\nX\nC\n", KEEL_E_RETRY},
        {"O imaps://mail.example:993\n> k1 CAPABILITY\nX! -7\nC\n", KEEL_E_RETRY},
        {"O imaps://mail.example:993\n> k1 CAPABILITY\n< * BYE full\nC\n", KEEL_E_RETRY},
        {"O imaps://mail.example:993\n> k1 CAPABILITY\n< HTTP/1.1 400\nC\n", KEEL_E_RETRY},
        {"O imaps://mail.example:993\n> k1 CAPABILITY\n< k2 OK\nC\n", KEEL_E_RETRY},
        {"O imaps://mail.example:993\n> k1 CAPABILITY\n< + go\nC\n", KEEL_E_RETRY},
        {"O imaps://mail.example:993\n> k1 CAPABILITY\n< * A {99999999}\nC\n", KEEL_E_RETRY},
        {"O imaps://mail.example:993\n> k1 CAPABILITY\n< k1 BAD no\n", KEEL_E_INVALID},
        {BEGIN "> k2 SELECT \"INBOX\"\n< k2 NO no such folder\n", KEEL_E_NOT_FOUND},
        {BEGIN SELECT("2", "INBOX", "7") "> k3 UID SEARCH UID 1:*\n< k3 NO\n", KEEL_E_INVALID},
        {BEGIN SELECT("2", "INBOX", "7") "> k3 UID SEARCH UID 1:*\n< * SEARCH 1\n"
                                         "< k3 OK done\n" FETCH("4", "1") "X\nC\n",
         KEEL_E_RETRY},
        {BEGIN SELECT("2", "INBOX", "7") "S! -7\nC\n", KEEL_E_RETRY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(sim_create(s, CONFIG), KEEL_OK);
        keel_status status = sim_run(s, SIM_READ, &(sim_call){.body = "{}"}, rows[i].script);
        if (status != rows[i].status) {
            fail_msg("row %zu: %d %s", i, status, s->failure.data);
        }
    }
    /* A kept session that has gone meanwhile is opened anew within the verb. */
    assert_int_equal(sim_create(s, CONFIG), KEEL_OK);
    const char *empty = "> k%d UID SEARCH UID 1:*\n< * SEARCH\n< k%d OK done\n";
    char script[900];
    int n = snprintf(script, sizeof script, "%s", BEGIN SELECT("2", "INBOX", "7"));
    snprintf(script + n, sizeof script - (size_t)n, empty, 3, 3);
    assert_int_equal(sim_run(s, SIM_READ, &(sim_call){.body = "{}"}, script), KEEL_OK);
    n = snprintf(script, sizeof script, "%s",
                 "> k4 NOOP\nX\nC\nO imaps://mail.example:993\n> k5 CAPABILITY\n"
                 "< * CAPABILITY IMAP4rev1\n< k5 OK done\n" SELECT("6", "INBOX", "7"));
    snprintf(script + n, sizeof script - (size_t)n, empty, 7, 7);
    assert_int_equal(sim_run(s, SIM_READ, &(sim_call){.body = "{}"}, script), KEEL_OK);
}

/* ---- drafts ---- */

#define NOT_THERE(tag)                                                                             \
    "> k" tag " UID SEARCH HEADER Message-ID \"" ID "\"\n< * SEARCH\n< k" tag " OK\n"
#define THERE(tag, then)                                                                           \
    "> k" tag " UID SEARCH HEADER Message-ID \"" ID "\"\n< * SEARCH 4\n< k" tag " OK\n"            \
    "> k" then " UID FETCH 4 (UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])\n<{\n< k" then " OK\n"
#define HEADER_OF(id)                                                                              \
    "* 4 FETCH (UID 4 BODY[HEADER.FIELDS (MESSAGE-ID)] \"Message-Id: <" id ">\")\r\n"

static const struct {
    sim_verb verb;
    const char *script;
    keel_status status;
    const char *path, *value;
} draft_rows[] = {
    {SIM_WRITE,
     BEGIN EXAMINE("2", "Drafts", "1") NOT_THERE("3") "~ k4 APPEND \"Drafts\" (\\Draft \\Seen) {\n"
                                                      "< + go\n~ Message-Id: <" ID
                                                      ">\n< k4 OK [APPENDUID 1 9] done\n",
     KEEL_OK, "id", ID},
    {SIM_WRITE, BEGIN EXAMINE("2", "Drafts", "1") THERE("3", "4"), KEEL_OK, "id", ID},
    {SIM_WRITE,
     BEGIN EXAMINE("2", "Drafts", "1") NOT_THERE("3") "~ k4 APPEND\n< + go\n~ Hello\nX\nC\n",
     KEEL_E_UNKNOWN, NULL, NULL},
    {SIM_WRITE,
     BEGIN EXAMINE("2", "Drafts", "1")
         NOT_THERE("3") "~ k4 APPEND\n< k4 NO full\n"
                        "> k5 CREATE \"Drafts\"\n< k5 NO it is there\n",
     KEEL_E_INVALID, NULL, NULL},
    {SIM_RECONCILE, BEGIN EXAMINE("2", "Drafts", "1") NOT_THERE("3"), KEEL_OK, "state", "absent"},
    {SIM_RECONCILE, BEGIN EXAMINE("2", "Drafts", "1") THERE("3", "4"), KEEL_OK, "state", "applied"},
    {SIM_RECONCILE, BEGIN EXAMINE("2", "Drafts", "1") THERE("3", "4"), KEEL_OK, "ref.id", ID},
    {SIM_RECONCILE,
     BEGIN "> k2 EXAMINE \"Drafts\"\n< k2 NO none\n> k3 LIST \"\" \"Drafts\"\n< k3 OK\n", KEEL_OK,
     "state", "absent"},
    {SIM_RECONCILE,
     BEGIN "> k2 EXAMINE \"Drafts\"\n< k2 NO broken\n> k3 LIST \"\" \"Drafts\"\n"
           "< * LIST () \"/\" Drafts\n< k3 OK\n",
     KEEL_E_INVALID, NULL, NULL},
    {SIM_COMPENSATE,
     BEGIN SELECT("2", "Drafts", "1") THERE("3", "4") "> k5 UID STORE 4 +FLAGS.SILENT (\\Deleted)\n"
                                                      "< k5 OK\n> k6 UID EXPUNGE 4\n< k6 OK\n",
     KEEL_OK, "draft", "removed"},
    {SIM_COMPENSATE, BEGIN SELECT("2", "Drafts", "1") NOT_THERE("3"), KEEL_OK, "draft",
     "was not there any more"},
    {SIM_COMPENSATE,
     BEGIN SELECT("2", "Drafts", "1")
         THERE("3", "4") "> k5 UID STORE 4 +FLAGS.SILENT (\\Deleted)\nX\nC\n",
     KEEL_E_UNKNOWN, NULL, NULL},
};
static void drafts(void **state) {
    mail_sim *s = *state;
    for (size_t i = 0; i < sizeof draft_rows / sizeof *draft_rows; i++) {
        assert_int_equal(sim_create(s, CONFIG), KEEL_OK);
        s->text = HEADER_OF(ID);
        keel_status status = sim_run(
            s, draft_rows[i].verb,
            &(sim_call){.resource = "draft", .body = LETTER, .outcome = "{\"id\":\"" ID "\"}"},
            draft_rows[i].script);
        if (status != draft_rows[i].status) {
            fail_msg("row %zu: %d %s", i, status, s->failure.data);
        }
        if (draft_rows[i].path != NULL) {
            assert_text(s, draft_rows[i].path, draft_rows[i].value);
        }
    }
}

/* Only what this account's write has answered with is taken out. */
static void foreign_outcomes(void **state) {
    mail_sim *s = *state;
    assert_int_equal(sim_create(s, CONFIG), KEEL_OK);
    static const char *const outcomes[] = {NULL,
                                           "{}",
                                           "{\"id\":7}",
                                           "{\"id\":\"x@y.example\"}",
                                           "{\"id\":\"keel.k1@other.example\"}",
                                           "{\"id\":\"keel.\\\"@studio.example\"}"};
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
        const sim_call call = {.resource = "draft", .body = LETTER, .outcome = outcomes[i]};
        assert_int_equal(sim_run(s, SIM_COMPENSATE, &call, ""), KEEL_E_INVALID);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(configs),  T(other_resources), T(reads_pages),     T(restarts), T(tidies),
        T(searches), T(bad_queries),     T(hostile_servers), T(drafts),   T(foreign_outcomes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
