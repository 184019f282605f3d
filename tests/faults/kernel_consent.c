/* A consent holds for what was shown, once, for as long as it was given, and from whom it is: approved
 * twice, late, after a change, by another; and whatever else comes in the same moment. */
#include "scene.h"

#define ASK(expires)                                                                               \
    "  - { id: asks, on: \"out.*.write\", ask: {}, approval: { expires: " expires                  \
    ", edit: [n] } }\n"
#define BUSY "{\"code\":\"retry\",\"message\":\"busy\"}"

static const sim_op once[] = {WRITE("once")};

static int on_text(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    snprintf(ctx, DIGEST_HEX, "%s", v[0] ? v[0] : "");
    return 1;
}

/* The command that approves number 1 as it is shown now, to be given later. */
static sim_world *shown(char args[800]) {
    char approval[DIGEST_HEX] = "";
    sim_world *w = scene(ASK("2h"), once, COUNT(once));
    scene_do(w, "do-000001");
    reader_query(store_reader(w->store), "SELECT lower(hex(digest)) FROM item WHERE number = 1",
                 NULL, 0, on_text, approval, NULL);
    assert_int_equal(strlen(approval), DIGEST_HEX - 1);
    sim_consent(w, approval, "1", args);
    return w;
}

/* ---- between the showing and the consent ---- */

static void nothing(sim_world *w, char *args) {
    (void)w;
    (void)args;
}

static void edited(sim_world *w, char *args) {
    (void)args;
    scene_tell(w, "edit-0001", "edit", "{\"number\":1,\"set\":{\"n\":666}}");
}

static void rule_changed(sim_world *w, char *args) {
    (void)args;
    scene_policy(w, ASK("3h"));
    scene_tell(w, "reload-01", "reload", "{}");
}

/* The time is over, and no timer has run yet. */
static void too_late(sim_world *w, char *args) {
    (void)args;
    w->clock += 7201000000;
}

static void denied(sim_world *w, char *args) {
    (void)args;
    scene_tell(w, "deny-0001", "deny", "{\"items\":[1],\"why\":\"no\"}");
}

static void cancelled(sim_world *w, char *args) {
    (void)args;
    scene_tell(w, "cancel-01", "run.cancel", "{\"run\":1}");
}

/* In one turn: neither is durable when the other comes. */
static void cancelled_just_now(sim_world *w, char *args) {
    (void)args;
    sim_command(w, "cancel-01", "run.cancel", "{\"run\":1}");
}

static void signed_by_another(sim_world *w, char *args) {
    char *at = strstr(args, "\"signature\":\"") + strlen("\"signature\":\"");
    (void)w;
    *at = *at == '0' ? '1' : '0';
}

static void signed_for_another_number(sim_world *w, char *args) {
    (void)w;
    *strchr(strstr(args, "\"number\":"), '1') = '2';
}

static void by_a_name_that_is_nobodys(sim_world *w, char *args) {
    (void)w;
    memcpy(strstr(args, "operator"), "0perator", 8);
}

static const struct {
    const char *name;
    void (*meanwhile)(sim_world *w, char *args);
    const char *said; /* NULL: refused, and nothing of it is recorded */
    int sent;
} cases[] = {
    {"nothing", nothing, "\"outcome\":\"approved\"", 1},
    {"edited", edited, "\"outcome\":\"stale\"", 0},
    {"its rule changed", rule_changed, "\"outcome\":\"stale\"", 0},
    {"too late", too_late, "\"outcome\":\"gone\"", 0},
    {"denied", denied, "\"outcome\":\"gone\"", 0},
    {"cancelled", cancelled, "\"outcome\":\"gone\"", 0},
    {"cancelled just now", cancelled_just_now, "\"outcome\":\"gone\"", 0},
    {"signed by another", signed_by_another, NULL, 0},
    {"signed for another number", signed_for_another_number, NULL, 0},
    {"by nobody", by_a_name_that_is_nobodys, NULL, 0},
};

static void a_consent_is_for_what_was_shown(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char args[800];
        sim_world *w = shown(args);
        cases[i].meanwhile(w, args);
        scene_tell(w, "approve-1", "approve", args);
        const sim_answer *a = sim_answered(w, "approve-1");
        if ((a != NULL) != (cases[i].said != NULL) || (a && !strstr(a->result, cases[i].said)) ||
            w->held_count != (size_t)cases[i].sent) {
            fail_msg("%s: %s, %d sent", cases[i].name, a ? a->result : "refused",
                     (int)w->held_count);
        }
        number_is(w, "SELECT count(*) FROM effect WHERE state IN ('intended', 'done')",
                  cases[i].sent);
        number_is(
            w,
            "SELECT count(*) FROM journal WHERE kind = 3 AND CAST(body AS TEXT) LIKE '%approve-1%'",
            cases[i].said != NULL); /* who said what, and when, stands in the journal */
        scene_end(w);
    }
}

/* The other order: what was sent settles, what was not yet sent never is, and after a kill between the
 * two nothing is sent again. */
static void approved_and_then_cancelled(void **state) {
    static const struct {
        bool rest, kill;
        int sent;
        const char *end;
    } orders[] = {
        {false, false, 0, "not_done"}, {true, false, 1, "done"}, {true, true, 0, "unknown"}};
    (void)state;
    for (size_t i = 0; i < COUNT(orders); i++) {
        char args[800], sql[120];
        sim_world *w = shown(args);
        sim_command(w, "approve-1", "approve", args);
        if (orders[i].rest) {
            sim_run_out(w);
            assert_int_equal(w->held_count, 1);
        }
        if (orders[i].kill) {
            scene_restart(w);
        }
        scene_tell(w, "cancel-01", "run.cancel", "{\"run\":1}");
        assert_non_null(sim_answered(w, "cancel-01"));
        assert_int_equal(w->held_count, orders[i].sent);
        if (w->held_count) {
            scene_answer(w, APPLIED);
        }
        assert_int_equal(w->held_count, 0);
        snprintf(sql, sizeof sql, "SELECT count(*) FROM effect WHERE state = '%s' AND attempts = 1",
                 orders[i].end);
        number_is(w, sql, 1);
        number_is(w, "SELECT count(*) FROM run WHERE state = 'cancelled'", 1);
        scene_end(w);
    }
}

/* ---- used for an attempt that came to nothing ---- */

static sim_world *tried(void) {
    char args[800];
    sim_world *w = shown(args);
    scene_tell(w, "approve-1", "approve", args);
    assert_int_equal(w->held_count, 1);
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    scene_answer(w, BUSY);
    state_is(w, "retry");
    assert_int_equal(w->held_count, 0);
    return w;
}

static void asked_again(sim_world *w, int sent) {
    scene_tell(w, "resume-01", "resume", "{}");
    assert_int_equal(w->held_count, sent);
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open' AND kind = 'approval'", !sent);
    scene_end(w);
}

static void it_covers_another_attempt_while_it_stands(void **state) {
    (void)state;
    asked_again(tried(), 1);
}

static void it_covers_none_when_its_time_is_over(void **state) {
    (void)state;
    sim_world *w = tried();
    scene_pass(w, 7300);
    asked_again(w, 0);
}

static void it_covers_none_under_another_rule(void **state) {
    (void)state;
    sim_world *w = tried();
    scene_policy(w, ASK("3h"));
    scene_tell(w, "reload-01", "reload", "{}");
    asked_again(w, 0);
}

/* ---- the same request id ---- */

static void one_id_is_one_command(void **state) {
    static const char first[] = "{\"agent\":\"boss\",\"input\":{}}";
    static const struct {
        const char *name, *args;
        bool answered; /* as the first time */
    } again[] = {{"do", first, true},
                 {"do", "{\"agent\":\"boss\",\"input\":{\"n\":2}}", false},
                 {"do", "{\"agent\":\"helper\",\"input\":{}}", false},
                 {"halt", first, false},
                 {"reload", "{}", false}};
    (void)state;
    for (size_t i = 0; i < 2 * COUNT(again); i++) {
        sim_world *w = scene(ASK("2h"), once, COUNT(once));
        scene_tell(w, "same-0001", "do", first);
        if (i % 2) {
            scene_restart(w);
        }
        scene_tell(w, "same-0001", again[i / 2].name, again[i / 2].args);
        if ((sim_answered(w, "same-0001") != NULL) != again[i / 2].answered) {
            fail_msg("%d: %s %s", (int)i, again[i / 2].name, again[i / 2].args);
        }
        number_is(w, "SELECT count(*) FROM run", 1);
        number_is(w, "SELECT count(*) FROM effect", 1);
        number_is(w, "SELECT count(*) FROM journal WHERE kind IN (3, 7)", 1);
        scene_end(w);
    }
}

/* Twice before either is durable. */
static void one_id_twice_in_a_turn(void **state) {
    static const char args[] = "{\"agent\":\"boss\",\"input\":{}}";
    (void)state;
    sim_world *w = scene(ASK("2h"), once, COUNT(once));
    sim_command(w, "same-0001", "do", args);
    sim_command(w, "same-0001", "do", args);
    scene_tell(w, "same-0001", "do", "{\"agent\":\"helper\",\"input\":{}}");
    number_is(w, "SELECT count(*) FROM run", 1);
    number_is(w, "SELECT count(*) FROM effect", 1);
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_consent_is_for_what_was_shown),
        cmocka_unit_test(approved_and_then_cancelled),
        cmocka_unit_test(it_covers_another_attempt_while_it_stands),
        cmocka_unit_test(it_covers_none_when_its_time_is_over),
        cmocka_unit_test(it_covers_none_under_another_rule),
        cmocka_unit_test(one_id_is_one_command),
        cmocka_unit_test(one_id_twice_in_a_turn),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_consent", tests, NULL, NULL);
}
