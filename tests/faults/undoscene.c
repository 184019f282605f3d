#include "undoscene.h"

const sim_op undo_three[] = {WRITE("keyed"), WRITE("checkable"), WRITE("once")};
const sim_op undo_keyed[] = {WRITE("keyed")};
const sim_op undo_two[] = {WRITE("keyed"), WRITE("once")};

void undo_answer(sim_world *w, const char *body) {
    assert_int_equal(w->held_count, 1);
    sim_answer_held(w, body);
    sim_run_out(w);
    assert_string_equal(w->fault, "");
}

void undo_told(const sim_world *w, const char *verb, const char *resource) {
    assert_int_equal(w->held_count, 1);
    assert_string_equal(w->held[0].verb, verb);
    assert_string_equal(w->held[0].resource, resource);
}

void undo_roll(sim_world *w, const char *request, uint64_t run) {
    sim_rollback(w, request, run);
    sim_run_out(w);
    assert_string_equal(w->fault, "");
}

sim_world *undo_done(const char *rules, const sim_op *ops, size_t count) {
    sim_world *w = scene(rules, ops, count);
    scene_do(w, "do-000001");
    for (size_t i = 0; i < count; i++) {
        char result[64];
        snprintf(result, sizeof result, "{\"result\":{\"id\":%zu}}", i + 1);
        undo_answer(w, result);
    }
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    return w;
}
