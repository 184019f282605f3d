/* max_taint: an agent whose manifest says how much it reads at most is given nothing above it, whichever
 * way it comes. */
#include "taintscene.h"

#define BOUND "max_taint: { integrity: trusted, sensitivity: internal }\n"

static sim_world *bounded(const sim_op *ops, size_t count) {
    sim_world *w = taint_scene(FREE, ops, count);
    taint_agent(w, "boss", BOUND);
    scene_restart(w);
    return w;
}

static void a_read_above_it_is_refused_by_name(void **state) {
    static const sim_op ops[] = {READ("letter"), READ("ad"), READ("plan"), READ("note")};
    (void)state;
    sim_world *w = bounded(ops, COUNT(ops));
    scene_do(w, "do-000001");
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'denied'", 3);
    told(w,
         "in.letter.read is untrusted and confidential, and boss reads at most what is trusted and "
         "internal: max_taint in its manifest",
         1);
    scene_answer(w, FOUND);
    label_is(w, 1, false, "internal");
    scene_end(w);
}

/* It is asked for while nobody minds, and approved when the manifest of the connection says more. */
static void what_is_read_is_looked_at_when_it_goes(void **state) {
    static const sim_op ops[] = {READ("note")};
    (void)state;
    sim_world *w = bounded(ops, COUNT(ops));
    scene_policy(w, "  - { id: asks, on: in.note.read, ask: {} }\n" FREE);
    scene_tell(w, "reload-01", "reload", "{}");
    scene_do(w, "do-000001");
    taint_keel_yaml(w, ", sensitivity: restricted");
    scene_tell(w, "reload-02", "reload", "{}");
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    assert_int_equal(w->held_count, 0);
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'denied'", 1);
    label_is(w, 1, false, "public");
    scene_end(w);
}

static void no_child_is_told_what_is_above_it(void **state) {
    static const sim_op ops[] = {READ("letter"), SPAWN("")};
    (void)state;
    sim_world *w = taint_scene(FREE, ops, COUNT(ops));
    taint_agent(w, "helper", BOUND);
    scene_restart(w);
    scene_do(w, "do-000001");
    scene_answer(w, FOUND);
    number_is(w, "SELECT count(*) FROM run", 1);
    told(w, "what this run has read is untrusted and confidential, and helper reads at most", 1);
    scene_end(w);
}

static void what_a_child_found_does_not_come_back(void **state) {
    static const sim_op ops[] = {SPAWN(""), WAIT};
    static const sim_op reads[] = {READ("letter")};
    (void)state;
    sim_world *w = bounded(ops, COUNT(ops));
    scene_helper(w, reads, COUNT(reads), "{\"result\":\"evil\",\"state\":\"ended\"}");
    scene_do(w, "do-000001");
    scene_answer(w, FOUND);
    told(w, "what run 2 ended with is untrusted and confidential, and boss reads at most", 1);
    run_told(w, 1, "evil", 0);
    label_is(w, 1, false, "public");
    scene_end(w);
}

static void no_key_tells_it_more(void **state) {
    static const sim_op first[] = {READ("letter"), SPAWN(",\"key\":\"yes\"")};
    static const sim_op then[] = {SPAWN(",\"key\":\"yes\"")};
    (void)state;
    sim_world *w = taint_scene(FREE, first, COUNT(first));
    sim_program *boss = (sim_program *)(uintptr_t)w->programs;
    scene_do(w, "do-000001");
    scene_answer(w, FOUND);
    taint_agent(w, "boss", BOUND);
    scene_tell(w, "reload-01", "reload", "{}");
    boss->ops = then;
    boss->count = COUNT(then);
    scene_do(w, "do-000002");
    told(w, "what the run of that key began with is untrusted and confidential", 1);
    label_is(w, 3, false, "public"); /* nor what the last run of its role ended with */
    run_told(w, 3, "previous", 0);
    scene_end(w);
}

static void nobody_gives_it_more(void **state) {
    static const sim_op ops[] = {RECEIVE};
    (void)state;
    sim_world *w = bounded(ops, COUNT(ops));
    scene_tell(w, "do-000001", "do", "{\"agent\":\"boss\",\"input\":{\"a\":1},\"untrusted\":true}");
    assert_null(sim_answered(w, "do-000001"));
    number_is(w, "SELECT count(*) FROM run", 0);
    scene_do(w, "do-000002");
    scene_tell(w, "send-0001", "run.send",
               "{\"body\":\"x\",\"name\":\"word\",\"run\":1,\"sensitivity\":\"restricted\"}");
    number_is(w, "SELECT count(*) FROM journal WHERE kind = 30", 0);
    scene_tell(w, "send-0002", "run.send", "{\"body\":\"x\",\"name\":\"word\",\"run\":1}");
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    label_is(w, 1, false, "internal");
    scene_end(w);
}

static void what_is_polled_is_refused_too(void **state) {
    static const sim_op ops[] = {{"receive", "", "{\"name\":\"in.letter\"}"},
                                 {"receive", "", "{\"name\":\"in.open\"}"}};
    (void)state;
    sim_world *w = bounded(ops, COUNT(ops));
    taint_keel_yaml(w, ", poll: { letter: 3600s, open: 60s }");
    scene_restart(w);
    scene_answer(w, "{\"result\":{\"items\":[]}}");
    scene_answer(w, "{\"result\":{\"items\":[]}}");
    scene_do(w, "do-000001");
    told(w, "in.letter is untrusted and confidential, and boss reads at most", 1);
    scene_pass(w, 61);
    taint_keel_yaml(w, ", sensitivity: restricted, poll: { open: 60s }");
    scene_tell(w, "reload-01", "reload", "{}");
    told(w, "in.open is trusted and restricted, and boss reads at most", 0);
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_read_above_it_is_refused_by_name),
        cmocka_unit_test(what_is_read_is_looked_at_when_it_goes),
        cmocka_unit_test(no_child_is_told_what_is_above_it),
        cmocka_unit_test(what_a_child_found_does_not_come_back),
        cmocka_unit_test(no_key_tells_it_more),
        cmocka_unit_test(nobody_gives_it_more),
        cmocka_unit_test(what_is_polled_is_refused_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
