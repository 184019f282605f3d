/* What changes while a run waits for what is polled, or while items lie ready for it: policy, keel.yaml,
 * whose account it is. */
#include "pollscene.h"

static const sim_op once[] = {RECEIVE};
static const sim_op nap[] = {{"sleep", "", "{\"us\":100000000}"}, RECEIVE};

#define OTHER ", poll: { " POLL " }, config: { folder: other }"
#define SAME  ", poll: { " POLL " }"
#define NEVER "  - { id: never, on: \"inbox.*.read\", deny: {} }\n"

/* How many calls were woken with an error that says so. */
#define told(w, like, n)                                                                           \
    number_is(w,                                                                                   \
              "SELECT count(*) FROM journal j LEFT JOIN payload p ON p.digest = j.digest"          \
              " WHERE kind = 29 AND CAST(coalesce(j.body, p.bytes) AS TEXT) LIKE '%" like "%'",    \
              n)

static void reload(sim_world *w, const char *request, const char *lines) {
    if (lines) {
        inbox_keel_yaml(w->root, lines);
    }
    scene_tell(w, request, "reload", "{}");
}

/* Takes what keel.yaml and the policies say now, with or without a kill between. */
static void take(sim_world *w, bool restart, const char *request) {
    if (restart) {
        scene_restart(w);
    } else {
        reload(w, request, NULL);
    }
}

static void no_inbox(const sim_world *w) {
    sim_put(w->root, "keel.yaml",
            "version: 1\nname: sim\nconnections:\n"
            "  out: { use: \"org.example.out@1\", config: { folder: \"out\" } }\n");
}

/* ---- policy, and who may ---- */

static void policy_decides_when_it_is_handed_over(void **state) {
    (void)state;
    for (int restart = 0; restart < 2; restart++) {
        sim_world *w = inbox_scene_known(FREE, once, COUNT(once));
        scene_do(w, "do-000001");
        scene_policy(w, NEVER);
        take(w, restart, "reload-01");
        if (restart) {
            inbox_has(w, ITEM("a"));
        }
        runs_are(w, "open", 1);
        later_inbox_has(w, ITEM("b"));
        got(w, "run = 1", "b", 0);
        told(w, "\"code\":\"denied\",\"rule\":\"never\"", 1);
        number_is(w, "SELECT tainted FROM run", 0);
        number_is(w, "SELECT count(*) FROM received", 0);
        runs_are(w, "ended", 1);
        scene_end(w);
    }
}

/* When it was asked there was no such connection: nobody has decided anything. */
static void who_asked_before_there_was_one_is_decided_too(void **state) {
    (void)state;
    for (int allowed = 0; allowed < 2; allowed++) {
        sim_world *w = inbox_scene_known(FREE, once, COUNT(once));
        no_inbox(w);
        reload(w, "reload-01", NULL);
        scene_do(w, "do-000001");
        runs_are(w, "open", 1);
        scene_policy(w, allowed ? FREE : NEVER);
        reload(w, "reload-02", SAME);
        inbox_has(w, ITEM("a"));
        runs_are(w, "open", 1);
        later_inbox_has(w, ITEM("b"));
        got(w, "run = 1", "b", allowed);
        told(w, "\"code\":\"denied\",\"rule\":\"never\"", !allowed);
        told(w, "\"decision\":{", 1); /* the hand-over says why */
        scene_end(w);
    }
}

/* ---- what is not polled any more ---- */

static void who_waits_is_told_when_it_is_not_polled_any_more(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        bool gone = i & 1, restart = i & 2;
        sim_world *w = inbox_scene_known(FREE, once, COUNT(once));
        scene_do(w, "do-000001");
        if (gone) {
            no_inbox(w);
        } else {
            inbox_keel_yaml(w->root, "");
        }
        take(w, restart, "reload-01");
        runs_are(w, "ended", 1);
        if (gone) {
            told(w, "\"code\":\"invalid\"%there is no connection inbox any more", 1);
        } else {
            told(w, "\"code\":\"invalid\"%add `poll: { message: 60s }`", 1);
        }
        scene_end(w);
    }
}

static void who_waits_for_what_is_sent_waits_on(void **state) {
    (void)state;
    for (int restart = 0; restart < 2; restart++) {
        const sim_op ops[] = {{"receive", "", "{\"name\":\"order.paid\"}"}};
        sim_world *w = inbox_scene_known(FREE, ops, COUNT(ops));
        scene_do(w, "do-000001");
        no_inbox(w);
        take(w, restart, "reload-01");
        runs_are(w, "open", 1);
        scene_end(w);
    }
}

/* ---- what lies ready ---- */

/* Halted, with an item "b" of the first account that nobody was given. */
static sim_world *ready_scene(void) {
    sim_world *w = inbox_scene_known(FREE, once, COUNT(once));
    scene_do(w, "do-000001");
    scene_pass(w, 61);
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    inbox_has(w, ITEM("b"));
    number_is(w, "SELECT count(*) FROM arrival", 1);
    return w;
}

static void what_lies_ready_is_given_with_its_account(void **state) {
    (void)state;
    for (int restart = 0; restart < 2; restart++) {
        sim_world *w = ready_scene();
        reload(w, "reload-01", OTHER);
        scene_tell(w, "resume-01", "resume", "{}");
        got(w, "run = 1", "b", 0); /* it is the other's */
        read_is_out(w, "{}");
        inbox_keel_yaml(w->root, SAME);
        take(w, restart, "reload-02");
        got(w, "run = 1", "b", 1); /* without a poll */
        scene_end(w);
    }
}

static void what_another_account_found_is_dropped(void **state) {
    (void)state;
    sim_world *w = ready_scene();
    reload(w, "reload-01", OTHER);
    scene_tell(w, "resume-01", "resume", "{}");
    inbox_has(w, ITEM("x"));
    number_is(w, "SELECT count(*) FROM arrival", 0);
    runs_are(w, "open", 1);
    later_inbox_has(w, ITEM("y"));
    got(w, "run = 1", "b", 0);
    got(w, "run = 1", "y", 1);
    scene_end(w);
}

static void whether_it_taints_was_settled_when_it_came(void **state) {
    (void)state;
    sim_world *w = ready_scene();
    number_is(w,
              "SELECT count(*) FROM journal WHERE kind = 58"
              " AND CAST(body AS TEXT) LIKE '%\"items\":[{\"body\"%\"untrusted\":true%'",
              1);
    sim_put(w->root, "connectors/mail/manifest.yaml",
            "id: org.example.mail\nkind: connector\nversion: 1.0.1\nentry: mail.lua\n"
            "resources:\n  message: { read: {} }\n");
    reload(w, "reload-01", NULL);
    scene_tell(w, "resume-01", "resume", "{}");
    got(w, "run = 1", "b", 1);
    number_is(w, "SELECT tainted FROM run", 1);
    scene_end(w);
}

/* ---- keel.yaml changes twice ---- */

static void the_answer_of_an_old_walk_is_not_heard(void **state) {
    (void)state;
    sim_world *w = inbox_scene_known(FREE, nap, COUNT(nap));
    scene_do(w, "do-000001");
    scene_pass(w, 61);
    page(w, "{}", ITEM("a"), ",\"next\":1");
    read_is_out(w, "{\"cursor\":1}");
    reload(w, "reload-01", "");
    reload(w, "reload-02", SAME);
    scene_answer(w, "{\"result\":{\"items\":[" ITEM("z") "],\"more\":false,\"next\":7}}");
    records_are(w, 1);
    inbox_has(w, ITEM("a") "," ITEM("b"));
    records_are(w, 2);
    number_is(w, "SELECT count(*) FROM poll WHERE next IS NULL", 1);
    scene_end(w);
}

static void back_again_is_as_if_it_had_never_gone(void **state) {
    (void)state;
    for (int restart = 0; restart < 2; restart++) {
        sim_world *w = inbox_scene_known(FREE, once, COUNT(once));
        scene_do(w, "do-000001");
        reload(w, "reload-01", OTHER);
        read_is_out(w, "{}");
        inbox_keel_yaml(w->root, SAME);
        take(w, restart, "reload-02");
        if (!restart) {
            inbox_has(w, ITEM("x")); /* the other's */
            records_are(w, 1);
        }
        inbox_has(w, ITEM("a") "," ITEM("b"));
        got(w, "run = 1", "b", 1);
        number_is(w, "SELECT count(*) FROM polled_id", 2);
        scene_end(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy_decides_when_it_is_handed_over),
        cmocka_unit_test(who_asked_before_there_was_one_is_decided_too),
        cmocka_unit_test(who_waits_is_told_when_it_is_not_polled_any_more),
        cmocka_unit_test(who_waits_for_what_is_sent_waits_on),
        cmocka_unit_test(what_lies_ready_is_given_with_its_account),
        cmocka_unit_test(what_another_account_found_is_dropped),
        cmocka_unit_test(whether_it_taints_was_settled_when_it_came),
        cmocka_unit_test(the_answer_of_an_old_walk_is_not_heard),
        cmocka_unit_test(back_again_is_as_if_it_had_never_gone),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_poll_turns", tests, NULL, NULL);
}
