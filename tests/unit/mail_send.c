/* The mail connector through its ABI, against scripted servers: sending, and finding out whether it
 * was sent. What each answer or break of the server means is the table here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mail_sim.h"

#define CONFIG(more)                                                                               \
    "{\"imap\":\"imaps://mail.example:993\",\"smtp\":\"smtps://mail.example:465\","                \
    "\"from\":\"Ada Owner <ada@studio.example>\"" more "}"
#define LETTER                                                                                     \
    "{\"to\":\"bo@client.example\",\"cc\":\"cy@client.example\",\"bcc\":\"di@client.example\","    \
    "\"subject\":\"Hello\",\"body\":\"first\\n.\\nlast\\n\"}"
#define ID   "keel.k1@studio.example"
#define SMTP "O smtps://mail.example:465\n"
#define FROM SMTP "> MAIL FROM:<ada@studio.example>\n< 250 OK\n"
#define BO   "> RCPT TO:<bo@client.example>\n< 250 OK\n"
#define CY   "> RCPT TO:<cy@client.example>\n< 250 OK\n"
#define DI   "> RCPT TO:<di@client.example>\n< 250 OK\n"
#define ADA  "> RCPT TO:<ada@studio.example>\n< 250 OK\n"
#define ALL  FROM BO CY DI ADA
#define DATA ALL "> DATA\n< 354 go\n"
#define BYE  "~ QUIT\nC\n"
#define IMAP                                                                                       \
    "O imaps://mail.example:993\n> k1 CAPABILITY\n"                                                \
    "< * CAPABILITY IMAP4rev1 UIDPLUS MOVE\n< k1 OK done\n"
#define OPEN(tag, word, folder)                                                                    \
    "> k" tag " " word " \"" folder "\"\n< * OK [UIDVALIDITY 1] ok\n< k" tag " OK done\n"
#define NOT_THERE(tag)                                                                             \
    "> k" tag " UID SEARCH HEADER Message-ID \"" ID "\"\n< * SEARCH\n< k" tag " OK\n"
#define THERE(tag, then)                                                                           \
    "> k" tag " UID SEARCH HEADER Message-ID \"" ID "\"\n< * SEARCH 4\n< k" tag " OK\n"            \
    "> k" then " UID FETCH 4 (UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])\n<{\n< k" then " OK\n"
#define HEADER_OF(id)                                                                              \
    "* 4 FETCH (UID 4 BODY[HEADER.FIELDS (MESSAGE-ID)] \"Message-Id: <" id ">\")\r\n"
#define UP SMTP "C\n"

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
    keel_json_copy(keel_json_path(reply(s), path), got, sizeof got);
    assert_string_equal(got, want);
}

/* ---- sending ---- */

static const struct {
    const char *script;
    keel_status status;
    const char *says;
} sendings[] = {
    /* accepted */
    {DATA "~ |first|..|last|.|\n< 250 OK id=1\n" BYE, KEEL_OK, NULL},
    /* before MAIL FROM */
    {"O! -2 smtps://mail.example:465\n", KEEL_E_DENIED, NULL},
    {"O! -5 smtps://mail.example:465\n", KEEL_E_RETRY, NULL},
    {"O! -7 smtps://mail.example:465\n", KEEL_E_RETRY, NULL},
    {SMTP "> MAIL FROM:<ada@studio.example>\n< 550 not you\n> RSET\n< 250 OK\nC\n", KEEL_E_DENIED,
     "not you"},
    {SMTP "> MAIL FROM:<ada@studio.example>\n< 451 later\n> RSET\n< 250 OK\nC\n", KEEL_E_RETRY,
     "later"},
    {SMTP "> MAIL FROM:<ada@studio.example>\n< 421 bye\n> RSET\nX\nC\n", KEEL_E_RETRY, "421 bye"},
    {SMTP "> MAIL FROM:<ada@studio.example>\nX\nC\n", KEEL_E_RETRY, "closed the connection"},
    {SMTP "> MAIL FROM:<ada@studio.example>\nX! -7\nC\n", KEEL_E_RETRY, "broke"},
    {SMTP "> MAIL FROM:<ada@studio.example>\n< * OK IMAP ready\nC\n", KEEL_E_RETRY, "not SMTP"},
    {SMTP "S! -7\nC\n", KEEL_E_RETRY, "broke"},
    /* one recipient of four: nobody gets it */
    {FROM BO "> RCPT TO:<cy@client.example>\n< 550-no\n< 550 such user\n> RSET\n< 250 OK\nC\n",
     KEEL_E_DENIED, "refused cy@client.example: 550 such user. Nothing was sent"},
    {FROM BO "> RCPT TO:<cy@client.example>\n< 553 bad address\n> RSET\n< 250 OK\nC\n",
     KEEL_E_INVALID, "cy@client.example"},
    {FROM BO "> RCPT TO:<cy@client.example>\n< 452 full\n> RSET\n< 250 OK\nC\n", KEEL_E_RETRY,
     "cy@client.example"},
    {FROM BO "> RCPT TO:<cy@client.example>\n< 550 no\n> RSET\nX\nC\n", KEEL_E_DENIED, "550 no"},
    {FROM BO CY DI "> RCPT TO:<ada@studio.example>\n< 550 no\n> RSET\n< 250 OK\nC\n", KEEL_E_DENIED,
     "ada@studio.example"},
    {FROM BO "> RCPT TO:<cy@client.example>\nX\nC\n", KEEL_E_RETRY, "closed"},
    /* the text */
    {ALL "> DATA\n< 554 no valid recipients\n> RSET\n< 250 OK\nC\n", KEEL_E_DENIED, "554"},
    {ALL "> DATA\n< 451 later\n> RSET\n< 250 OK\nC\n", KEEL_E_RETRY, "451"},
    {ALL "> DATA\n< 250 what\n> RSET\n< 250 OK\nC\n", KEEL_E_RETRY, "250 what"},
    {ALL "> DATA\nX\nC\n", KEEL_E_RETRY, "closed"},
    {DATA "S! -7\nC\n", KEEL_E_RETRY, "thrown it away"},
    /* behind the dot */
    {DATA "~ first\nX\nC\n", KEEL_E_UNKNOWN, "no answer came"},
    {DATA "~ first\nX! -7\nC\n", KEEL_E_UNKNOWN, "no answer came"},
    {DATA "~ first\nX! -8\nC\n", KEEL_E_UNKNOWN, "no answer came"},
    {DATA "~ first\n< 2\nC\n", KEEL_E_UNKNOWN, "no answer came"},
    {DATA "~ first\n< 354 more\nC\n", KEEL_E_UNKNOWN, "no answer came"},
    {DATA "~ first\n< 550 spam\nC\n", KEEL_E_DENIED, "550 spam"},
    {DATA "~ first\n< 452 no room\nC\n", KEEL_E_RETRY, "452 no room"},
    {DATA "~ first\n< 421 going down\nC\n", KEEL_E_RETRY, "421 going down"},
};

static void sending(void **state) {
    mail_sim *s = *state;
    for (size_t i = 0; i < sizeof sendings / sizeof *sendings; i++) {
        assert_int_equal(sim_create(s, CONFIG("")), KEEL_OK);
        keel_status status = sim_run(s, SIM_WRITE, &(sim_call){.body = LETTER}, sendings[i].script);
        const char *says = s->failure.data;
        if (status != sendings[i].status ||
            (sendings[i].says != NULL && strstr(says, sendings[i].says) == NULL)) {
            fail_msg("row %zu: %d %s", i, status, says);
        }
        if (status == KEEL_OK) {
            assert_text(s, "id", ID);
            assert_true(keel_json_get(reply(s), "copy").len == 0);
        }
    }
}

/* The same key again in the same instance, or found by a later attempt: not sent again. */
static void once(void **state) {
    mail_sim *s = *state;
    const sim_call again = {.body = LETTER, .attempt = 2};
    assert_int_equal(sim_create(s, CONFIG("")), KEEL_OK);
    assert_int_equal(
        sim_run(s, SIM_WRITE, &(sim_call){.body = LETTER}, DATA "~ first\n< 250 OK\n" BYE),
        KEEL_OK);
    assert_int_equal(sim_run(s, SIM_WRITE, &(sim_call){.body = LETTER}, ""), KEEL_OK);
    assert_text(s, "id", ID);
    assert_int_equal(sim_run(s, SIM_WRITE, &again, ""), KEEL_OK);

    assert_int_equal(sim_create(s, CONFIG("")), KEEL_OK);
    s->text = HEADER_OF(ID);
    assert_int_equal(sim_run(s, SIM_WRITE, &again,
                             IMAP OPEN("2", "EXAMINE", "Sent") THERE("3", "4")
                                 OPEN("5", "SELECT", "INBOX") NOT_THERE("6")),
                     KEEL_OK);
    assert_text(s, "id", ID);
    assert_int_equal(sim_create(s, CONFIG("")), KEEL_OK);
    assert_int_equal(sim_run(s, SIM_WRITE, &again,
                             IMAP OPEN("2", "EXAMINE", "Sent") NOT_THERE("3")
                                 OPEN("4", "SELECT", "INBOX") NOT_THERE("5") DATA
                             "~ first\n< 250 OK\n" BYE),
                     KEEL_OK);
    /* Where nobody can look, nothing is sent a second time. */
    assert_int_equal(sim_create(s, CONFIG("")), KEEL_OK);
    assert_int_equal(sim_run(s, SIM_WRITE, &again, "O! -5 imaps://mail.example:993\n"),
                     KEEL_E_RETRY);
    assert_int_equal(sim_run(s, SIM_WRITE, &again, IMAP "> k2 EXAMINE \"Sent\"\nX\nC\n"),
                     KEEL_E_RETRY);
}

static void dry_and_refused(void **state) {
    mail_sim *s = *state;
    assert_int_equal(sim_create(s, CONFIG("")), KEEL_OK);
    assert_int_equal(
        sim_run(s, SIM_WRITE, &(sim_call){.body = LETTER, .flags = KEEL_REQUEST_DRY_RUN}, ""),
        KEEL_OK);
    assert_true(keel_json_true(keel_json_get(reply(s), "dry_run")));
    static const char *const keys[] = {"", "../x", "a b", "a@b"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        assert_int_equal(sim_run(s, SIM_WRITE, &(sim_call){.body = LETTER, .key = keys[i]}, ""),
                         KEEL_E_INVALID);
    }
    assert_int_equal(sim_run(s, SIM_WRITE, &(sim_call){.body = "{\"to\":\"x\"}"}, ""),
                     KEEL_E_INVALID);
    s->cancelled = true;
    assert_int_equal(sim_run(s, SIM_WRITE, &(sim_call){.body = LETTER}, ""), KEEL_E_RETRY);
    s->cancelled = false;
    assert_int_equal(sim_create(s, "{\"imap\":\"imaps://mail.example:993\"}"), KEEL_OK);
    assert_int_equal(sim_run(s, SIM_WRITE, &(sim_call){.body = LETTER}, ""), KEEL_E_INVALID);
}

/* Those of bcc get it and are not named in it; nobody gets it twice. */
static void envelopes(void **state) {
    mail_sim *s = *state;
    assert_int_equal(sim_create(s, CONFIG("")), KEEL_OK);
    const sim_call call = {
        .body =
            "{\"to\":[\"ada@studio.example\",\"BO@client.example\"],\"cc\":\"bo@client.example\","
            "\"bcc\":\"di@client.example\",\"subject\":\"s\",\"body\":\"b\"}"};
    assert_int_equal(sim_run(s, SIM_WRITE, &call,
                             FROM ADA "> RCPT TO:<BO@client.example>\n< 250 OK\n" DI
                                      "> DATA\n< 354 go\n~ Cc: bo@client.example|Message-Id: <" ID
                                      ">\n< 250 OK\n" BYE),
                     KEEL_OK);
    assert_int_equal(sim_create(s, CONFIG(",\"copy\":\"server\"")), KEEL_OK);
    assert_int_equal(sim_run(s, SIM_WRITE, &(sim_call){.body = LETTER},
                             FROM BO CY DI "> DATA\n< 354 go\n~ first\n< 250 OK\n" BYE),
                     KEEL_OK);
}

static void appended(void **state) {
    mail_sim *s = *state;
    static const struct {
        const char *script;
        const char *copy;
    } rows[] = {
        {IMAP "~ k2 APPEND \"Sent\" (\\Seen) {\n< + go\n~ Message-Id: <" ID ">\n< k2 OK\n",
         "appended"},
        {IMAP "~ k2 APPEND\n< k2 NO over quota\n", "none: over quota"},
        {IMAP "~ k2 APPEND\n< + go\n~ first\nX\nC\n", "none: the server closed the connection"},
        {"O! -5 imaps://mail.example:993\n", "none: the IMAP server cannot be reached"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char script[2000];
        assert_int_equal(sim_create(s, CONFIG(",\"copy\":\"append\"")), KEEL_OK);
        snprintf(script, sizeof script,
                 FROM BO CY DI "> DATA\n< 354 go\n~ first\n< 250 OK\n" BYE "%s", rows[i].script);
        assert_int_equal(sim_run(s, SIM_WRITE, &(sim_call){.body = LETTER}, script), KEEL_OK);
        assert_text(s, "copy", rows[i].copy);
    }
}

/* ---- finding out ---- */

#define LOOK(a, b, c, d)                                                                           \
    OPEN(a, "EXAMINE", "Sent") NOT_THERE(b) OPEN(c, "SELECT", "INBOX") NOT_THERE(d)

static const struct {
    const char *more; /* config */
    const char *script;
    const char *text; /* NULL: the header with the id */
    uint64_t for_ns;
    keel_status status;
    const char *state;
} proofs[] = {
    {"",
     IMAP UP OPEN("2", "EXAMINE", "Sent") THERE("3", "4") OPEN("5", "SELECT", "INBOX")
         NOT_THERE("6"),
     NULL, 0, KEEL_OK, "applied"},
    /* in the INBOX: it goes to the sent mail */
    {"",
     IMAP UP OPEN("2", "EXAMINE", "Sent") NOT_THERE("3") OPEN("4", "SELECT", "INBOX")
         THERE("5", "6") "> k7 UID STORE 4 +FLAGS.SILENT (\\Seen)\n< k7 OK\n> k8 UID MOVE 4 "
                         "\"Sent\"\n< k8 OK\n",
     NULL, 0, KEEL_OK, "applied"},
    /* no folder of sent mail yet: it is made */
    {"",
     IMAP UP "> k2 EXAMINE \"Sent\"\n< k2 NO none\n> k3 LIST \"\" \"Sent\"\n< k3 OK\n" OPEN(
         "4", "SELECT", "INBOX")
         THERE("5",
               "6") "> k7 UID STORE 4 +FLAGS.SILENT (\\Seen)\n< k7 OK\n> k8 UID MOVE 4 \"Sent\"\n"
                    "< k8 NO [TRYCREATE] none\n> k9 CREATE \"Sent\"\n< k9 OK\n> k10 UID MOVE 4 "
                    "\"Sent\"\n"
                    "< k10 OK\n",
     NULL, 0, KEEL_OK, "applied"},
    /* a longer id that holds ours is another's */
    {",\"arrive_s\":1",
     IMAP UP OPEN("2", "EXAMINE", "Sent") THERE("3", "4") OPEN("5", "SELECT", "INBOX")
         NOT_THERE("6") LOOK("7", "8", "9", "10") UP,
     HEADER_OF("x" ID), 0, KEEL_OK, "absent"},
    /* absent only when it has been waited for, and both servers are still up */
    {",\"arrive_s\":3",
     IMAP UP LOOK("2", "3", "4", "5") LOOK("6", "7", "8", "9") LOOK("10", "11", "12", "13") UP,
     NULL, 0, KEEL_OK, "absent"},
    {",\"arrive_s\":3",
     IMAP UP LOOK("2", "3", "4", "5") LOOK("6", "7", "8", "9")
         LOOK("10", "11", "12", "13") "O! -5 smtps://mail.example:465\n",
     NULL, 0, KEEL_E_RETRY, NULL},
    /* it arrives while it is waited for */
    {",\"arrive_s\":90",
     IMAP UP LOOK("2", "3", "4", "5") OPEN("6", "EXAMINE", "Sent") THERE("7", "8")
         OPEN("9", "SELECT", "INBOX") NOT_THERE("10"),
     NULL, 0, KEEL_OK, "applied"},
    /* no time to wait as long as it takes */
    {"", IMAP UP LOOK("2", "3", "4", "5"), NULL, 4000000000, KEEL_OK, "pending"},
    /* nobody can look */
    {"", "O! -5 imaps://mail.example:993\n", NULL, 0, KEEL_E_RETRY, NULL},
    {"", "O! -2 imaps://mail.example:993\n", NULL, 0, KEEL_E_DENIED, NULL},
    {"", IMAP "O! -5 smtps://mail.example:465\n", NULL, 0, KEEL_E_RETRY, NULL},
    {"", IMAP UP "> k2 EXAMINE \"Sent\"\nX\nC\n", NULL, 0, KEEL_E_RETRY, NULL},
    {"",
     IMAP UP "> k2 EXAMINE \"Sent\"\n< k2 NO not now\n> k3 LIST \"\" \"Sent\"\n"
             "< * LIST () \"/\" Sent\n< k3 OK\n",
     NULL, 0, KEEL_E_RETRY, NULL},
    {"",
     IMAP UP OPEN("2", "EXAMINE", "Sent") "> k3 UID SEARCH HEADER Message-ID \"" ID
                                          "\"\n< k3 NO no\n",
     NULL, 0, KEEL_E_RETRY, NULL},
    /* copies that we make ourselves prove only that there is one */
    {",\"copy\":\"append\"", IMAP OPEN("2", "EXAMINE", "Sent") THERE("3", "4"), NULL, 0, KEEL_OK,
     "applied"},
    {",\"copy\":\"append\"",
     IMAP OPEN("2", "EXAMINE", "Sent") NOT_THERE("3") OPEN("4", "EXAMINE", "INBOX") NOT_THERE("5"),
     NULL, 0, KEEL_OK, "cannot_tell"},
    {",\"copy\":\"server\"", IMAP UP OPEN("2", "EXAMINE", "Sent") THERE("3", "4"), NULL, 0, KEEL_OK,
     "applied"},
};

static void proving(void **state) {
    mail_sim *s = *state;
    for (size_t i = 0; i < sizeof proofs / sizeof *proofs; i++) {
        char config[400];
        snprintf(config, sizeof config, CONFIG("%s"), proofs[i].more);
        assert_int_equal(sim_create(s, config), KEEL_OK);
        s->text = proofs[i].text != NULL ? proofs[i].text : HEADER_OF(ID);
        keel_status status =
            sim_run(s, SIM_RECONCILE, &(sim_call){.body = LETTER, .for_ns = proofs[i].for_ns},
                    proofs[i].script);
        if (status != proofs[i].status) {
            fail_msg("row %zu: %d %s", i, status, s->failure.data);
        }
        if (proofs[i].state != NULL) {
            assert_text(s, "state", proofs[i].state);
        }
        if (proofs[i].state != NULL && strcmp(proofs[i].state, "applied") == 0) {
            int64_t n = 0;
            assert_text(s, "ref.id", ID);
            assert_true(keel_json_int(keel_json_path(reply(s), "ref.recipients"), &n) && n == 3);
        }
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(sending), T(once), T(dry_and_refused), T(envelopes), T(appended), T(proving),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
