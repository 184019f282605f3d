/* Runs that move to another version of their agent, and those whose replay differs from what they
 * recorded. */
#include "sleepscene.h"

/* ---- moving ---- */

static void second_version(sim_world *w) {
    sim_put(w->root, "agents/boss/manifest.yaml",
            "id: org.example.boss\nkind: agent\nname: boss\nversion: 2.0.0\nentry: boss.lua\n");
    scene_tell(w, "reload-01", "reload", "{}");
}

static int on_text(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    snprintf(ctx, 80, "%s", v[0]);
    return 0;
}

/* checked < 0: all that there is. other NULL: version 2. */
static void migrate(sim_world *w, const char *request, int64_t checked, const char *other) {
    char args[256], hex[80] = "";
    diag d = {0};
    reader_query(store_reader(w->store),
                 "SELECT digest FROM plugin WHERE name = 'boss' AND version = '2.0.0'", NULL, 0,
                 on_text, hex, &d);
    int64_t all = sim_number(w, "SELECT max(seq) FROM journal");
    snprintf(args, sizeof args, "{\"checked_seq\":%lld,\"plugin\":\"%s\",\"run\":1}",
             (long long)(checked < 0 ? all : checked), other ? other : hex);
    sim_command(w, request, "run.migrate", args);
}

static void ends_at_version_2(sim_world *w) {
    go(w, "send-0009", 1);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended' AND version = '2.0.0'", 1);
    number_is(w, "SELECT count(*) FROM journal WHERE kind = 54", 1);
    number_is(w, "SELECT count(*) FROM journal WHERE kind = 21", 1);
    scene_end(w);
}

static void it_moves_live_asleep_and_after_a_restart(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) {
        sim_world *w = scene(ALLOW, letter, 2);
        scene_do(w, "do-000001");
        second_version(w);
        if (i == 1) {
            let_pass(w, 15 * MINUTE);
        } else if (i == 2) {
            scene_restart(w);
        }
        migrate(w, "migrate-1", -1, NULL);
        sim_run_out(w);
        assert_non_null(sim_answered(w, "migrate-1"));
        ends_at_version_2(w);
    }
}

/* Its record is the point of no return: before it nothing has happened, behind it all has. */
static void a_kill_at_its_record_is_one_or_the_other(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, letter, 2);
    scene_do(w, "do-000001");
    second_version(w);
    migrate(w, "migrate-1", -1, NULL);
    scene_restart(w); /* killed before its commit */
    number_is(w, "SELECT count(*) FROM run WHERE version = '1.0.0'", 1);
    migrate(w, "migrate-1", -1, NULL);
    kernel_turn(w->kernel);
    while (w->committing) {
        assert_true(sim_step(w));
    }
    scene_restart(w); /* killed right behind it */
    number_is(w, "SELECT count(*) FROM run WHERE version = '2.0.0'", 1);
    ends_at_version_2(w);
}

static void it_stays_when_it_has_gone_on(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, letter, 2);
    scene_do(w, "do-000001");
    second_version(w);
    migrate(w, "migrate-1", sim_number(w, "SELECT max(seq) - 1 FROM journal WHERE run = 1"), NULL);
    migrate(w, "migrate-2", -1, "00ff");
    scene_restart(w);
    migrate(w, "migrate-3", 3, NULL); /* seen before this start: what came then is not known */
    sim_run_out(w);
    assert_null(sim_answered(w, "migrate-1"));
    assert_null(sim_answered(w, "migrate-2"));
    assert_null(sim_answered(w, "migrate-3"));
    number_is(w, "SELECT count(*) FROM run WHERE version = '1.0.0'", 1);
    migrate(w, "migrate-4", -1, NULL);
    migrate(w, "migrate-5", -1, NULL); /* it is there already */
    sim_run_out(w);
    assert_non_null(sim_answered(w, "migrate-4"));
    assert_null(sim_answered(w, "migrate-5"));
    ends_at_version_2(w);
}

/* ---- a replay that differs ---- */

static void differ(sim_world *w) {
    keel_buf body = KEEL_BUF_INIT;
    keel_buf_puts(&body, "{\"now\":null,\"path\":\"2\",\"recorded\":{\"call\":\"00\",\"kind\":"
                         "\"receive\",\"name\":\"\"}}");
    sim_to_kernel(w, w->executors[0].number, X_MISMATCH, 1, 0, &body);
    keel_buf_free(&body);
    sim_run_out(w);
    number_is(w, "SELECT count(*) FROM run WHERE reason = 'replay_mismatch'", 1);
}

static void a_mismatch_shows_both_sides(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, letter, 2);
    scene_do(w, "do-000001");
    differ(w);
    number_is(w,
              "SELECT count(*) FROM journal WHERE kind = 18"
              " AND CAST(body AS TEXT) LIKE '%\"recorded\":{\"args\":{\"name\":\"go\"}%'",
              1);
    let_pass(w, 15 * MINUTE);
    assert_int_equal(executors(w), 0);
    go(w, "send-0001", 1); /* is kept, and wakes nobody */
    assert_int_equal(executors(w), 0);
    scene_restart(w);
    assert_int_equal(executors(w), 0);
    scene_tell(w, "resume-01", "run.resume", "{\"run\":1}");
    open_is(w, 0);
    scene_end(w);
}

static void a_paused_run_moves_and_goes_on(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, letter, 2);
    scene_do(w, "do-000001");
    second_version(w);
    differ(w);
    scene_restart(w);
    migrate(w, "migrate-1", -1, NULL);
    sim_run_out(w);
    open_is(w, 1);
    ends_at_version_2(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_moves_live_asleep_and_after_a_restart),
        cmocka_unit_test(a_kill_at_its_record_is_one_or_the_other),
        cmocka_unit_test(it_stays_when_it_has_gone_on),
        cmocka_unit_test(a_mismatch_shows_both_sides),
        cmocka_unit_test(a_paused_run_moves_and_goes_on),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_version", tests, NULL, NULL);
}
