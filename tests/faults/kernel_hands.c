/* What a person does about what is stuck, unknown or halted, and what must have become of it. */
#include "protocol.h"
#include "scene.h"

#define ALLOWED "  - { id: all, on: \"out.*.write\", agents: [boss], allow: {} }\n"
#define GO                                                                                         \
    { "receive", "", "{\"name\":\"go\"}" }

static int on_text(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    snprintf(ctx, 80, "%s", v[0]);
    return 0;
}

#define STUCK_OPEN   "SELECT count(*) FROM item WHERE kind = 'stuck' AND state = 'open'"
#define UNKNOWN_OPEN "SELECT count(*) FROM item WHERE kind = 'unknown' AND state = 'open'"

/* A paused run that is moved to another version, as its card advises, is not stuck any more. */
static void migrating_settles_what_is_stuck(void **state) {
    static const sim_op letter[] = {{"step", "first", NULL}, GO};
    char args[256], hex[80] = "";
    diag d = {0};
    (void)state;
    sim_world *w = scene(ALLOWED, letter, COUNT(letter));
    scene_do(w, "do-000001");
    sim_put(w->root, "agents/boss/manifest.yaml",
            "id: org.example.boss\nkind: agent\nname: boss\nversion: 2.0.0\nentry: boss.lua\n");
    scene_tell(w, "reload-01", "reload", "{}");
    keel_buf body = KEEL_BUF_INIT;
    keel_buf_puts(&body, "{\"now\":null,\"path\":\"2\",\"recorded\":{\"call\":\"00\",\"kind\":"
                         "\"receive\",\"name\":\"\"}}");
    sim_to_kernel(w, w->executors[0].number, X_MISMATCH, 1, 0, &body);
    keel_buf_free(&body);
    sim_run_out(w);
    number_is(w, STUCK_OPEN, 1);
    reader_query(store_reader(w->store),
                 "SELECT digest FROM plugin WHERE name = 'boss' AND version = '2.0.0'", NULL, 0,
                 on_text, hex, &d);
    snprintf(args, sizeof args, "{\"checked_seq\":%lld,\"plugin\":\"%s\",\"run\":1}",
             (long long)sim_number(w, "SELECT max(seq) FROM journal"), hex);
    scene_tell(w, "migrate-1", "run.migrate", args);
    assert_non_null(sim_answered(w, "migrate-1"));
    number_is(w, "SELECT count(*) FROM run WHERE state = 'open' AND version = '2.0.0'", 1);
    number_is(w, STUCK_OPEN, 0);
    scene_end(w);
}

/* A look that only waits, since its connection rests, does not keep a person from saying what is so. */
static void a_verdict_takes_a_look_that_waits(void **state) {
    static const sim_op checkable[] = {WRITE("checkable")};
    (void)state;
    sim_world *w =
        scene(ALLOWED "breakers:\n  - { on: out, open_at: 1%, of: 4, for: 24h }\n", checkable, 1);
    scene_do(w, "do-000001");
    scene_answer(w, UNKNOWN);
    scene_tell(w, "retry-001", "connection.retry", "{\"connection\":\"out\"}");
    scene_answer(w, "{\"result\":{\"state\":\"unknown\"}}"); /* now a person is asked */
    number_is(w, UNKNOWN_OPEN, 1);
    scene_do(w, "do-000002");
    scene_answer(w, UNKNOWN); /* the connection rests */
    scene_tell(w, "check-001", "unknown.check", "{\"number\":1}");
    number_is(w, "SELECT count(*) FROM effect WHERE run = 1 AND state = 'reconciling'", 1);
    assert_int_equal(w->held_count, 0);
    scene_tell(w, "verdict-1", "verdict", "{\"number\":1,\"verdict\":\"done\",\"why\":\"seen\"}");
    assert_non_null(sim_answered(w, "verdict-1"));
    number_is(w, "SELECT count(*) FROM effect WHERE run = 1 AND state = 'done'", 1);
    number_is(w, UNKNOWN_OPEN, 0);
    scene_end(w);
}

/* Whose halt it is follows from who ordered it, and not from the words. */
static void a_persons_halt_is_lifted_by_a_person(void **state) {
    static const sim_op go[] = {GO};
    (void)state;
    sim_world *w = scene(ALLOWED, go, 1);
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"the disk is nearly full\"}");
    scene_restart(w);
    kernel_space(w->kernel, true);
    kernel_space(w->kernel, false);
    sim_run_out(w);
    number_is(w, "SELECT halted FROM control", 1);
    scene_tell(w, "resume-01", "resume", "{}");
    kernel_space(w->kernel, true);
    sim_run_out(w);
    number_is(w, "SELECT halted FROM control WHERE halted_by = 'space'", 1);
    scene_restart(w);
    kernel_space(w->kernel, false);
    sim_run_out(w);
    number_is(w, "SELECT halted FROM control", 0);
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(migrating_settles_what_is_stuck),
        cmocka_unit_test(a_verdict_takes_a_look_that_waits),
        cmocka_unit_test(a_persons_halt_is_lifted_by_a_person),
    };
    return cmocka_run_group_tests_name("kernel_hands", tests, NULL, NULL);
}
