/* to_origin: a write goes by itself to who has written what it answers, where this run has read that through
 * this connection, and as long as that can be told. */
#include "grantscene.h"
#include "replyscene.h"
#include "scene_restore.h"
#include "undoscene.h"

/* It was sent, or it is asked for; and the decision says what was seen. */
static void is_reply(sim_world *w, bool yes) {
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'waiting' AND rule = 'replies'", !yes);
    assert_int_equal(w->held_count, yes);
    number_is(w, yes ? SAID("true") : SAID("false"), 1);
}

/* ---- where it was read ---- */

static void is_told_as(const char *inbox, const sim_op *ops, size_t count, const char *answers,
                       bool yes) {
    sim_world *w = mail_scene(REPLIES, inbox, ops, count);
    scene_do(w, "do-000001");
    scene_answer(w, answers);
    is_reply(w, yes);
    scene_end(w);
}

static void only_through_the_same_connection(void **state) {
    static const sim_op other[] = {CALL("work", "message", "read", "{}"), REPLY};
    static const sim_op note[] = {CALL("inbox", "note", "read", "{}"), REPLY};
    static const sim_op silent[] = {CALL("inbox", "other", "read", "{}"), REPLY};
    static const sim_op draft[] = {LOOK, CALL("inbox", "draft", "write", ADA_ANSWERED)};
    static const sim_op other_draft[] = {CALL("work", "message", "read", "{}"),
                                         CALL("inbox", "draft", "write", ADA_ANSWERED)};
    (void)state;
    is_told_as("", other, COUNT(other), ITEMS(ADA), false);
    is_told_as("", note, COUNT(note), ITEMS(ADA), false);
    is_told_as("", silent, COUNT(silent), ITEMS(ADA), false);
    is_told_as("", draft, COUNT(draft), ITEMS(ADA), true);
    is_told_as("", other_draft, COUNT(other_draft), ITEMS(ADA), false);
}

static void only_what_a_read_lists(void **state) {
    static const sim_op ops[] = {LOOK, REPLY};
    (void)state;
    is_told_as("", ops, COUNT(ops), "{\"result\":" ADA "}", false);
    is_told_as("", ops, COUNT(ops), "{\"result\":{\"items\":" ADA "}}", false);
    is_told_as("", ops, COUNT(ops), "{\"result\":{\"other\":[" ADA "]}}", false);
    is_told_as("", ops, COUNT(ops),
               ITEMS("\""
                     "1@client.example"
                     "\",7,null"),
               false);
}

/* What a child has read its parent has not, nor the other way round, nor another run before. */
static void only_in_this_run(void **state) {
    static const sim_op parent[] = {SPAWN(""), WAIT, REPLY};
    static const sim_op child[] = {LOOK};
    static const sim_op reads[] = {LOOK, SPAWN(""), WAIT};
    static const sim_op answers[] = {REPLY};
    (void)state;
    sim_world *w = mail_scene(REPLIES FREE, "", parent, COUNT(parent));
    scene_policy(w, "  - { id: starts, on: run.spawn, allow: {} }\n" REPLIES);
    scene_restart(w);
    scene_helper(w, child, COUNT(child), ITEMS(ADA));
    scene_do(w, "do-000001");
    scene_answer(w, ITEMS(ADA));
    is_reply(w, false);
    scene_end(w);
    w = mail_scene("  - { id: starts, on: run.spawn, allow: {} }\n" REPLIES, "", reads,
                   COUNT(reads));
    scene_helper(w, answers, COUNT(answers), "{\"result\":1,\"state\":\"ended\"}");
    scene_do(w, "do-000001");
    scene_answer(w, ITEMS(ADA));
    is_reply(w, false);
    scene_end(w);
}

/* An event of the name of what is polled, by whoever may send one, is no message. */
static void what_was_polled_counts_and_what_was_sent_does_not(void **state) {
    static const sim_op ops[] = {{"receive", "", "{\"name\":\"inbox.message\"}"}, REPLY};
    static const char polled[] =
        "{\"id\":\"b\",\"message_id\":\"1@client.example\",\"sender\":\"ada@client.example\"}";
    (void)state;
    for (int sent = 0; sent < 2; sent++) {
        sim_world *w = mail_scene(REPLIES, ", poll: { message: 60s }", ops, COUNT(ops));
        scene_answer(w, ITEMS("{\"id\":\"a\"}"));
        scene_do(w, "do-000001");
        if (sent) {
            scene_tell(w, "send-0001", "run.send",
                       "{\"body\":{\"message_id\":\"1@client.example\",\"sender\":\"ada@client."
                       "example\"},\"name\":\"inbox.message\",\"run\":1}");
        } else {
            keel_buf answer = KEEL_BUF_INIT;
            keel_buf_printf(&answer, ITEMS("%s"), polled);
            scene_pass(w, 61);
            scene_answer(w, answer.data);
            keel_buf_free(&answer);
        }
        is_reply(w, !sent);
        scene_end(w);
    }
}

/* ---- when ---- */

static const sim_op later[] = {LOOK, SLEEP, REPLY};

/* A restart and a sleep change nothing. */
static void it_is_read_from_the_record(void **state) {
    (void)state;
    for (int killed = 0; killed < 2; killed++) {
        sim_world *w = mail_scene(REPLIES, "", later, COUNT(later));
        scene_do(w, "do-000001");
        scene_answer(w, ITEMS(ADA));
        if (killed) {
            scene_restart(w);
        }
        scene_pass(w, 41);
        is_reply(w, true);
        scene_end(w);
    }
}

/* The account of that name is another one since: what was read there is not answered here. */
static void another_account_is_another_connection(void **state) {
    (void)state;
    sim_world *w = mail_scene(REPLIES, "", later, COUNT(later));
    scene_do(w, "do-000001");
    scene_answer(w, ITEMS(ADA));
    mail_keel_yaml(w, ", config: { user: other }");
    scene_tell(w, "reload-01", "reload", "{}");
    scene_pass(w, 41);
    is_reply(w, false);
    scene_end(w);
}

/* What is asked for is decided again at the approval; a copied id that came meanwhile makes it none. */
static void a_copied_id_that_comes_later_counts(void **state) {
    static const sim_op ops[] = {LOOK, REPLY, LOOK, REPLY};
    (void)state;
    sim_world *w = mail_scene(REPLIES, "", ops, COUNT(ops));
    scene_do(w, "do-000001");
    scene_answer(w, ITEMS(ADA));
    assert_int_equal(w->held_count, 1); /* it goes */
    scene_answer(w, APPLIED);
    scene_answer(w, ITEMS(ITEM("1@client.example", "m@evil.example")));
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'waiting' AND path = '4'", 1);
    told(w, "\"to_origin\":false", 1);
    scene_end(w);
}

/* It waits for a person, and what it answers is erased meanwhile: nobody can tell any more. */
static void erased_words_tell_nothing(void **state) {
    static const sim_op ops[] = {LOOK, REPLY};
    (void)state;
    sim_world *w =
        mail_scene("  - { id: replies, on: \"*.*.write\", deny: { to_origin: false }, ask: {} }\n",
                   "", ops, COUNT(ops));
    scene_do(w, "do-000001");
    scene_answer(w, ITEMS(ADA));
    number_is(w, "SELECT count(*) FROM effect WHERE path = '2' AND state = 'waiting'", 1);
    int64_t seq = sim_number(w, "SELECT last_seq FROM effect WHERE path = '1'");
    sim_end(w);
    scene_erase(w, seq);
    assert_true(sim_start(w));
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    number_is(w, "SELECT count(*) FROM effect WHERE path = '2' AND state = 'denied'", 1);
    told(w, "\"to_origin\":null", 1);
    told(w, "to_origin cannot be read", 1);
    scene_end(w);
}

/* ---- what else it bounds ---- */

/* What was approved to be remembered was an answer: it covers the same where that is one, and no other. */
static void a_grant_covers_answers_alone(void **state) {
    static const char rules[] =
        "  - { id: asks, on: \"inbox.*.write\", allow: { to_origin: true, n: 5 }, ask: {},\n"
        "      approval: { expires: 2h, remember: { for: 1h, max_uses: 2 } } }\n";
    static const sim_op both[] = {LOOK, REPLY};
    static const sim_op note[] = {CALL("inbox", "note", "read", "{}"), REPLY};
    (void)state;
    sim_world *w = mail_scene(rules, "", both, COUNT(both));
    scene_do(w, "do-000001");
    scene_answer(w, ITEMS(ADA));
    remember(w, 1);
    scene_answer(w, APPLIED);
    program(w, note, COUNT(note));
    scene_do(w, "do-000002");
    scene_answer(w, ITEMS(ADA));
    asked(w, 1);
    number_is(w, "SELECT used FROM grant", 0);
    program(w, both, COUNT(both));
    scene_do(w, "do-000003");
    scene_answer(w, ITEMS(ADA));
    asked(w, 1);
    number_is(w, "SELECT used FROM grant", 1);
    scene_end(w);
}

/* Its run is over, and what it had read is in the record. */
static void a_draft_is_taken_back_as_what_it_was(void **state) {
    static const sim_op ops[] = {LOOK, CALL("inbox", "draft", "write", ADA_ANSWERED)};
    (void)state;
    sim_world *w = mail_scene("  - { id: replies, on: \"*.*.*\", allow: { to_origin: true } }\n",
                              "", ops, COUNT(ops));
    scene_do(w, "do-000001");
    scene_answer(w, ITEMS(ADA));
    scene_answer(w, APPLIED);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    scene_restart(w);
    undo_roll(w, "roll-0001", 1);
    assert_int_equal(w->held_count, 1);
    assert_string_equal(w->held[0].verb, "compensate");
    number_is(w, SAID("true"), 2);
    scene_end(w);
}

/* ---- missing ---- */

/* Never enough to allow, always enough to ask or deny: of a connector that says nothing of it. */
static void without_a_declaration_it_is_missing(void **state) {
    static const sim_op ops[] = {LOOK, CALL("inbox", "other", "write",
                                            "{\"in_reply_to\":\"1@client.example\",\"to\":\"ada@"
                                            "client.example\",\"to_origin\":true}")};
    static const struct {
        const char *rule, *state;
    } cases[] = {
        {"  - { id: r, on: \"*.*.write\", allow: { to_origin: true } }\n", "denied"},
        {"  - { id: r, on: \"*.*.write\", allow: { to_origin: false } }\n", "denied"},
        {"  - { id: r, on: \"*.*.write\", allow: { to_origin: { present: true } } }\n", "denied"},
        {"  - { id: r, on: \"*.*.write\", ask: { to_origin: true } }\n", "waiting"},
        {"  - { id: r, on: \"*.*.write\", ask: { to_origin: false } }\n", "waiting"},
        {FREE "  - { id: r, on: \"*.*.write\", deny: { to_origin: true } }\n", "denied"},
        {FREE "  - { id: r, on: \"*.*.write\", deny: { to_origin: false } }\n", "denied"},
        {FREE "  - { id: r, on: \"*.*.write\", when: { to_origin: false }, ask: {} }\n", "waiting"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char sql[120];
        sim_world *w = mail_scene(cases[i].rule, "", ops, COUNT(ops));
        scene_do(w, "do-000001");
        scene_answer(w, ITEMS(ADA));
        snprintf(sql, sizeof sql, "SELECT count(*) FROM effect WHERE path = '2' AND state = '%s'",
                 cases[i].state);
        number_is(w, sql, 1);
        told(w,
             "\"inputs\":{\"class\":\"once\",\"sensitivity\":\"internal\",\"sink\":\"internal\""
             ",\"tainted\":true}",
             1);
        scene_end(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_through_the_same_connection),
        cmocka_unit_test(only_what_a_read_lists),
        cmocka_unit_test(only_in_this_run),
        cmocka_unit_test(what_was_polled_counts_and_what_was_sent_does_not),
        cmocka_unit_test(it_is_read_from_the_record),
        cmocka_unit_test(another_account_is_another_connection),
        cmocka_unit_test(a_copied_id_that_comes_later_counts),
        cmocka_unit_test(erased_words_tell_nothing),
        cmocka_unit_test(a_grant_covers_answers_alone),
        cmocka_unit_test(a_draft_is_taken_back_as_what_it_was),
        cmocka_unit_test(without_a_declaration_it_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
