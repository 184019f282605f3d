/* Questions that a run puts to a person: answered once, over restarts and months, by what answers them
 * and by nothing else. */
#include "question.h"
#include "stuckscene.h"

#define ASKS(args)                                                                                 \
    { "ask", "", args }
#define WHICH   "{\"choices\":[\"Acme\",\"Zenith\"],\"question\":\"Which?\"}"
#define OPEN    "SELECT count(*) FROM item WHERE kind = 'question' AND state = 'open'"
#define DAY     (24 * 3600)
#define ITEM(s) "SELECT count(*) FROM item WHERE number = 1 AND state = '" s "'"

static const sim_op which[] = {ASKS(WHICH), {"step", "after", NULL}};

/* What the run was told, as text that the record must have. */
static void told(sim_world *w, const char *outcome) {
    char sql[300];
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM journal WHERE kind = 29 AND instr(CAST(body AS TEXT), '%s') > 0",
             outcome);
    assert_int_equal(sim_number(w, sql), 1);
}

static void an_answer_goes_to_its_run(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, which, COUNT(which));
    scene_do(w, "do-000001");
    number_is(w, OPEN, 1);
    number_is(w, "SELECT count(*) FROM pending WHERE kind = 'ask'", 1);
    scene_tell(w, "answer-01", "answer", "{\"number\":1,\"value\":\"Zenith\"}");
    assert_non_null(sim_answered(w, "answer-01"));
    told(w, "\"by\":\"operator\"");
    told(w, "\"how\":\"answered\",\"kind\":\"ask\",\"number\":1,\"outcome\":{\"ok\":\"Zenith\"}");
    number_is(w, ITEM("answered"), 1);
    number_is(w, "SELECT count(*) FROM pending", 0);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    /* the same command once more is the same answer; another one finds nothing */
    scene_tell(w, "answer-01", "answer", "{\"number\":1,\"value\":\"Zenith\"}");
    scene_tell(w, "answer-02", "answer", "{\"number\":1,\"value\":\"Acme\"}");
    assert_null(sim_answered(w, "answer-02"));
    number_is(w, "SELECT count(*) FROM journal WHERE kind = 29", 1);
    scene_end(w);
}

static void only_what_answers_it_is_an_answer(void **state) {
    static const struct {
        const char *question, *wrong[5], *right;
    } cases[] = {
        {WHICH, {"\"Other\"", "1", "true", "null", "[\"Acme\"]"}, "\"Acme\""},
        {"{\"kind\":\"yes_no\",\"question\":\"Now?\"}", {"\"yes\"", "1", "null", "{}"}, "false"},
        {"{\"kind\":\"number\",\"question\":\"How many?\"}", {"\"3\"", "true", "[3]"}, "2.5"},
        {"{\"question\":\"Why?\"}", {"\"\"", "\" \\n \"", "7", "null", "{}"}, "\"Because.\\nSo.\""},
        {"{\"kind\":\"text\",\"question\":\"Why?\"}", {"true"}, "\"x\""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const sim_op ops[] = {ASKS(cases[i].question)};
        sim_world *w = scene(ALLOW, ops, 1);
        char request[32], args[200];
        scene_do(w, "do-000001");
        for (size_t k = 0; k < 5 && cases[i].wrong[k]; k++) {
            snprintf(request, sizeof request, "answer-%zu%zu", i, k);
            snprintf(args, sizeof args, "{\"number\":1,\"value\":%s}", cases[i].wrong[k]);
            scene_tell(w, request, "answer", args);
            assert_null(sim_answered(w, request));
            number_is(w, OPEN, 1);
        }
        scene_tell(w, "answer-99", "answer", "{\"number\":1}"); /* nothing, and no reason */
        number_is(w, OPEN, 1);
        snprintf(args, sizeof args, "{\"number\":1,\"value\":%s}", cases[i].right);
        scene_tell(w, "answer-xx", "answer", args);
        assert_non_null(sim_answered(w, "answer-xx"));
        number_is(w, ITEM("answered"), 1);
        scene_end(w);
    }
}

static void a_person_may_decline(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, which, COUNT(which));
    scene_do(w, "do-000001");
    scene_restart(w);
    scene_tell(w, "answer-01", "answer", "{\"number\":1,\"why\":\"ask the client\"}");
    told(w, "{\"err\":{\"code\":\"declined\",\"why\":\"ask the client\"}}");
    number_is(w,
              "SELECT count(*) FROM item WHERE state = 'declined' AND closed_by = 'operator'"
              " AND closed_why = 'ask the client'",
              1);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    scene_end(w);
}

/* It leaves its executor, survives restarts, is told of again, and goes on months later. */
static void it_waits_for_months(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, which, COUNT(which));
    scene_do(w, "do-000001");
    for (int month = 0; month < 8; month++) {
        scene_pass(w, 30 * DAY);
        scene_restart(w);
        number_is(w, OPEN, 1);
    }
    number_is(w, "SELECT escalated FROM item WHERE number = 1", 3);
    number_is(w, "SELECT count(*) FROM item", 1);
    scene_tell(w, "answer-01", "answer", "{\"number\":1,\"value\":\"Acme\"}");
    told(w, "{\"ok\":\"Acme\"}");
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    scene_restart(w);
    number_is(w, "SELECT count(*) FROM journal WHERE kind = 61", 1);
    scene_end(w);
}

#define LATER(rest) "{" rest "\"expires_us\":3600000000,\"question\":\"Which?\"}"

static void what_nobody_answers_expires(void **state) {
    static const sim_op plain[] = {ASKS(LATER(""))},
                        other[] = {ASKS(LATER("\"default\":\"Acme\","))};
    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        for (int fallback = 0; fallback < 2; fallback++) {
            sim_world *w = scene(ALLOW, fallback ? other : plain, 1);
            scene_do(w, "do-000001");
            scene_pass(w, 1800);
            number_is(w, OPEN, 1);
            if (restarts) {
                scene_restart(w);
            }
            scene_pass(w, 1801);
            told(w, fallback ? "\"how\":\"expired\",\"kind\":\"ask\",\"number\":1,\"outcome\":"
                               "{\"ok\":\"Acme\"}"
                             : "{\"err\":{\"code\":\"expired\"");
            number_is(w, ITEM("expired"), 1);
            number_is(w, "SELECT count(*) FROM item WHERE closed_by IS NOT NULL", 0);
            scene_tell(w, "answer-01", "answer", "{\"number\":1,\"value\":\"late\"}");
            assert_null(sim_answered(w, "answer-01"));
            scene_end(w);
        }
    }
}

/* While Keel was down, its time passed. */
static void it_expires_at_the_start(void **state) {
    static const sim_op ops[] = {ASKS(LATER("\"default\":\"x\","))};
    (void)state;
    sim_world *w = scene(ALLOW, ops, 1);
    scene_do(w, "do-000001");
    sim_end(w);
    w->clock += 2 * 3600 * 1000000LL;
    assert_true(sim_start(w));
    sim_run_out(w);
    number_is(w, ITEM("expired"), 1);
    told(w, "{\"ok\":\"x\"}");
    scene_end(w);
}

static void one_that_expires_at_once_has_its_default(void **state) {
    static const sim_op ops[] = {
        ASKS("{\"default\":true,\"expires_us\":0,\"kind\":\"yes_no\",\"question\":\"Now?\"}")};
    (void)state;
    sim_world *w = scene(ALLOW, ops, 1);
    scene_do(w, "do-000001");
    scene_pass(w, 1);
    told(w, "{\"ok\":true}");
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    scene_end(w);
}

static void it_goes_with_its_run(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, which, COUNT(which));
    scene_do(w, "do-000001");
    scene_restart(w);
    scene_tell(w, "cancel-01", "run.cancel", "{\"run\":1}");
    number_is(w, ITEM("cancelled"), 1);
    number_is(w, OPEN, 0);
    scene_tell(w, "answer-01", "answer", "{\"number\":1,\"value\":\"Acme\"}");
    assert_null(sim_answered(w, "answer-01"));
    number_is(w, "SELECT count(*) FROM journal WHERE kind = 29", 0);
    scene_restart(w);
    number_is(w, OPEN, 0);
    scene_end(w);
}

/* Not an approval: no command that decides about one takes it. */
static void it_is_no_approval(void **state) {
    (void)state;
    sim_world *w = scene(ASK, which, COUNT(which));
    scene_do(w, "do-000001");
    scene_tell(w, "deny-0001", "deny", "{\"items\":[1],\"why\":\"no\"}");
    scene_tell(w, "edit-0001", "edit", "{\"number\":1,\"set\":{\"question\":\"x\"}}");
    assert_null(sim_answered(w, "edit-0001"));
    scene_tell(w, "verdict-1", "verdict", "{\"number\":1,\"verdict\":\"done\",\"why\":\"x\"}");
    assert_null(sim_answered(w, "verdict-1"));
    number_is(w, OPEN, 1);
    scene_end(w);
    /* and an approval is no question */
    w = scene(ASK, once, COUNT(once));
    scene_do(w, "do-000001");
    scene_tell(w, "answer-01", "answer", "{\"number\":1,\"value\":\"yes\"}");
    assert_null(sim_answered(w, "answer-01"));
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'waiting'", 1);
    assert_int_equal(w->held_count, 0);
    scene_end(w);
}

/* What an executor asks that is no question: it is told so, and no person sees any of it. */
static void what_is_no_question_is_refused(void **state) {
    static const char *const bad[] = {
        "{}",
        "{\"question\":7}",
        "{\"question\":\"\"}",
        "{\"question\":\" \\n\\t \"}",
        "{\"question\":\"a\\u0000b\"}",
        "{\"choices\":[],\"question\":\"x\"}",
        "{\"choices\":[\"one\"],\"question\":\"x\"}",
        "{\"choices\":\"ab\",\"question\":\"x\"}",
        "{\"choices\":[\"a\",\"a\"],\"question\":\"x\"}",
        "{\"choices\":[\"a\",7],\"question\":\"x\"}",
        "{\"choices\":[\"a\",\"b \"],\"question\":\"x\"}",
        "{\"choices\":[\"a\",\"b\\nc\"],\"question\":\"x\"}",
        "{\"choices\":[\"a\",\"b\"],\"kind\":\"text\",\"question\":\"x\"}",
        "{\"kind\":\"date\",\"question\":\"x\"}",
        "{\"kind\":7,\"question\":\"x\"}",
        "{\"expires_us\":-1,\"question\":\"x\"}",
        "{\"expires_us\":\"9223372036854775807\",\"question\":\"x\"}",
        "{\"expires_us\":true,\"question\":\"x\"}",
        "{\"default\":\"x\",\"question\":\"x\"}",
        "{\"default\":7,\"expires_us\":5,\"question\":\"x\"}",
        "{\"choices\":[\"a\",\"b\"],\"default\":\"c\",\"expires_us\":5,\"question\":\"x\"}",
        "{\"question\":\"x\",\"why\":7}",
        "{\"number\":1,\"question\":\"x\"}",
        "[\"question\"]",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        const sim_op ops[] = {ASKS(bad[i])};
        sim_world *w = scene(ALLOW, ops, 1);
        scene_do(w, "do-000001");
        number_is(w, "SELECT count(*) FROM item", 0);
        number_is(w, "SELECT count(*) FROM journal WHERE kind = 61", 0);
        told(w, "{\"err\":{\"code\":\"invalid\"");
        number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
        scene_restart(w); /* the record of it is replayed as any other */
        scene_end(w);
    }
}

static void sizes_are_bounded(void **state) {
    enum { TEXT, CHOICE, CHOICES, EVIDENCE, BOUNDS };
    static const size_t most[] = {QUESTION_TEXT, QUESTION_CHOICE, QUESTION_CHOICES,
                                  QUESTION_EVIDENCE - 2};
    (void)state;
    for (int b = 0; b < BOUNDS; b++) {
        for (size_t over = 0; over < 2; over++) {
            size_t n = most[b] + over;
            keel_buf args = KEEL_BUF_INIT;
            keel_buf_puts(&args, b == EVIDENCE  ? "{\"evidence\":\""
                                 : b == CHOICE  ? "{\"choices\":[\"a\",\""
                                 : b == CHOICES ? "{\"choices\":["
                                                : "{\"question\":\"");
            for (size_t i = 0; i < n; i++) {
                if (b == CHOICES) {
                    keel_buf_printf(&args, "%s\"%zu\"", i ? "," : "", i);
                } else {
                    keel_buf_putc(&args, 'x');
                }
            }
            keel_buf_puts(&args, b == TEXT       ? "\"}"
                                 : b == EVIDENCE ? "\",\"question\":\"x\"}"
                                 : b == CHOICE   ? "\"],\"question\":\"x\"}"
                                                 : "],\"question\":\"x\"}");
            const char *wrong = question_wrong(keel_json_view(args.data, args.len));
            assert_int_equal(wrong != NULL, over);
            keel_buf_free(&args);
        }
    }
}

/* A loop that asks does not take a person's day, nor does it when it is started anew in between. */
static void a_run_asks_so_many_times(void **state) {
    static const sim_op ask =
        ASKS("{\"default\":\"x\",\"expires_us\":0,\"question\":\"Are you there?\"}");
    (void)state;
    sim_op ops[130];
    for (size_t i = 0; i < COUNT(ops); i++) {
        ops[i] = ask;
    }
    ops[60] = (sim_op)ASKS("{\"question\":\"And now?\"}");
    sim_world *w = scene(ALLOW, ops, COUNT(ops));
    scene_do(w, "do-000001");
    for (int i = 0; i < 100; i++) {
        scene_pass(w, 1);
    }
    number_is(w, "SELECT count(*) FROM item", 61);
    scene_restart(w);
    scene_tell(w, "answer-01", "answer", "{\"number\":61,\"value\":\"yes\"}");
    for (int i = 0; i < 100; i++) {
        scene_pass(w, 1);
    }
    number_is(w, "SELECT count(*) FROM item", QUESTIONS_OF_RUN);
    number_is(w,
              "SELECT count(*) FROM journal WHERE kind = 29 AND instr(CAST(body AS TEXT),"
              " '\"code\":\"denied\"') > 0",
              30);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    scene_end(w);
}

/* It failed after it was answered: what it asks then is another question. */
static void a_retry_asks_anew_what_came_after(void **state) {
    static const sim_op ops[] = {WRITE("once"), ASKS(WHICH)};
    (void)state;
    sim_world *w = scene(ALLOW, ops, COUNT(ops));
    ends(w, FAILED);
    scene_do(w, "do-000001");
    scene_answer(w, REFUSED);
    scene_tell(w, "answer-01", "answer", "{\"number\":1,\"value\":\"Acme\"}");
    stuck_is(w, 1);
    ends(w, NULL);
    scene_tell(w, "retry-001", "stuck.retry", "{\"number\":2}");
    scene_answer(w, APPLIED);
    number_is(w, OPEN, 1);
    scene_restart(w);
    scene_tell(w, "answer-02", "answer", "{\"number\":3,\"value\":\"Zenith\"}");
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    scene_end(w);
}

static void halted_it_may_be_answered(void **state) {
    static const sim_op ops[] = {ASKS(WHICH), WRITE("once")};
    (void)state;
    sim_world *w = scene(ALLOW, ops, COUNT(ops));
    scene_do(w, "do-000001");
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    scene_tell(w, "answer-01", "answer", "{\"number\":1,\"value\":\"Acme\"}");
    number_is(w, ITEM("answered"), 1);
    assert_int_equal(w->held_count, 0);
    scene_tell(w, "resume-01", "resume", "{}");
    assert_int_equal(w->held_count, 1);
    scene_answer(w, APPLIED);
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'done'", 1);
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_goes_to_its_run),
        cmocka_unit_test(only_what_answers_it_is_an_answer),
        cmocka_unit_test(a_person_may_decline),
        cmocka_unit_test(it_waits_for_months),
        cmocka_unit_test(what_nobody_answers_expires),
        cmocka_unit_test(it_expires_at_the_start),
        cmocka_unit_test(one_that_expires_at_once_has_its_default),
        cmocka_unit_test(it_goes_with_its_run),
        cmocka_unit_test(it_is_no_approval),
        cmocka_unit_test(what_is_no_question_is_refused),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(a_run_asks_so_many_times),
        cmocka_unit_test(a_retry_asks_anew_what_came_after),
        cmocka_unit_test(halted_it_may_be_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
