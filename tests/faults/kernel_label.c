/* A person lowers what a run counts as having read: signed, recorded, for what was looked at and no more. */
#include "taintscene.h"

static const sim_op ops[] = {READ("letter"), SLEEP, IN("out", "write")};
static const sim_op again[] = {READ("letter"), SLEEP, READ("letter"), IN("out", "write")};

static sim_world *asleep(const sim_op *list, size_t count) {
    sim_world *w = taint_scene(FREE THIRD, list, count);
    scene_do(w, "do-000001");
    scene_answer(w, FOUND);
    label_is(w, 1, true, "confidential");
    return w;
}

static bool says(sim_world *w, const char *request) {
    sim_run_out(w);
    const sim_answer *a = sim_answered(w, request);
    return a && a->ok;
}

static void what_is_lowered_stays_so(void **state) {
    (void)state;
    for (int killed = 0; killed < 2; killed++) {
        sim_world *w = asleep(ops, COUNT(ops));
        sim_label(w, "label-001", 1, false, "internal", 0);
        assert_true(says(w, "label-001"));
        label_is(w, 1, false, "internal");
        if (killed) {
            scene_restart(w);
        }
        scene_pass(w, 41);
        assert_int_equal(w->held_count, 1); /* nobody has to be asked */
        number_is(w, "SELECT count(*) FROM journal WHERE kind = 63", 1);
        told(w, "\"from\":{\"sensitivity\":\"confidential\",\"tainted\":true}", 1);
        scene_end(w);
    }
}

static void one_half_alone(void **state) {
    (void)state;
    sim_world *w = asleep(ops, COUNT(ops));
    sim_label(w, "label-001", 1, true, "public", 0);
    assert_true(says(w, "label-001"));
    label_is(w, 1, true, "public");
    scene_pass(w, 41);
    assert_int_equal(w->held_count, 1);
    scene_end(w);
}

static void what_it_reads_later_raises_it_again(void **state) {
    (void)state;
    sim_world *w = asleep(again, COUNT(again));
    sim_label(w, "label-001", 1, false, "public", 0);
    assert_true(says(w, "label-001"));
    scene_pass(w, 41);
    scene_answer(w, FOUND);
    label_is(w, 1, true, "confidential");
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'waiting'", 1);
    scene_restart(w);
    label_is(w, 1, true, "confidential");
    scene_end(w);
}

static void nothing_is_raised_or_said_twice(void **state) {
    static const struct {
        bool untrusted;
        const char *level;
    } cases[] = {{true, "confidential"}, {true, "restricted"}, {false, "restricted"}};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        sim_world *w = asleep(ops, COUNT(ops));
        sim_label(w, "label-001", 1, cases[i].untrusted, cases[i].level, 0);
        assert_false(says(w, "label-001"));
        label_is(w, 1, true, "confidential");
        number_is(w, "SELECT count(*) FROM journal WHERE kind = 63", 0);
        scene_end(w);
    }
}

/* The run went on while the person looked. */
static void what_nobody_has_looked_at_is_not_lowered(void **state) {
    (void)state;
    sim_world *w = asleep(again, COUNT(again));
    int64_t seen = sim_number(w, "SELECT max(seq) FROM journal");
    scene_pass(w, 41);
    scene_answer(w, FOUND);
    sim_label(w, "label-001", 1, false, "public", seen);
    assert_false(says(w, "label-001"));
    label_is(w, 1, true, "confidential");
    sim_label(w, "label-002", 2, false, "public", 0); /* nor a run that there is not */
    assert_false(says(w, "label-002"));
    scene_end(w);
}

/* Whoever reaches the socket has no passphrase. Each member is signed. */
static void nobody_without_the_passphrase(void **state) {
    static const char *const args[] = {
        "{}",
        "{\"nonce\":\"00000000000000000000000000000001\",\"run\":1,\"sensitivity\":\"public\","
        "\"seq\":99999,\"untrusted\":false,\"why\":\"read\"}",
        "{\"by\":\"nobody\",\"nonce\":\"00000000000000000000000000000001\",\"run\":1,"
        "\"sensitivity\":\"public\",\"seq\":99999,\"signature\":\"00\",\"untrusted\":false,"
        "\"why\":\"read\"}",
        "{\"by\":\"operator\",\"nonce\":\"00000000000000000000000000000001\",\"run\":1,"
        "\"sensitivity\":\"public\",\"seq\":99999,\"signature\":\"00\",\"untrusted\":false,"
        "\"why\":\"read\"}",
        "{\"by\":\"operator\",\"nonce\":\"00000000000000000000000000000001\",\"run\":1,"
        "\"sensitivity\":\"public\",\"seq\":99999,\"signature\":\"00\",\"untrusted\":false,"
        "\"why\":\"\"}",
    };
    (void)state;
    sim_world *w = asleep(ops, COUNT(ops));
    for (size_t i = 0; i < COUNT(args); i++) {
        char request[32];
        snprintf(request, sizeof request, "label-%03zu", i);
        sim_command(w, request, "run.label", args[i]);
        assert_false(says(w, request));
    }
    number_is(w, "SELECT count(*) FROM journal WHERE kind = 63", 0);
    label_is(w, 1, true, "confidential");
    scene_end(w);
}

/* What was signed for one thing, sent for another. */
static void a_signature_is_for_what_was_signed(void **state) {
    (void)state;
    sim_world *w = asleep(ops, COUNT(ops));
    sim_label(w, "label-001", 1, false, "internal", 0);
    assert_true(says(w, "label-001"));
    keel_buf body = KEEL_BUF_INIT;
    diag d = {0};
    int64_t seq = sim_number(w, "SELECT seq FROM journal WHERE kind = 63");
    assert_int_equal(reader_member(store_reader(w->store), seq, "signature", &body, &d), 0);
    char args[600];
    snprintf(args, sizeof args,
             "{\"by\":\"operator\",\"nonce\":\"%032d\",\"run\":1,\"sensitivity\":\"public\","
             "\"seq\":%lld,"
             "\"signature\":%.*s,\"untrusted\":false,\"why\":\"read\"}",
             1, (long long)seq - 1, (int)body.len, body.data);
    sim_command(w, "label-002", "run.label", args);
    assert_false(says(w, "label-002"));
    label_is(w, 1, false, "internal");
    keel_buf_free(&body);
    scene_end(w);
}

/* The next of its role starts from what it ended with, and so with what it had read. */
static void the_last_of_a_role_is_lowered_after_its_end(void **state) {
    static const sim_op one[] = {READ("letter")};
    static const sim_op nothing[] = {{"step", "done", NULL}};
    (void)state;
    for (int lowered = 0; lowered < 3; lowered++) {
        sim_world *w = taint_scene(FREE, one, COUNT(one));
        sim_program *boss = (sim_program *)(uintptr_t)w->programs;
        scene_do(w, "do-000001");
        scene_answer(w, FOUND);
        number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
        label_is(w, 1, true, "confidential");
        if (lowered) {
            int64_t seen = sim_number(w, "SELECT end_seq FROM run") - 1;
            sim_label(w, "label-000", 1, false, "internal", seen);
            assert_false(says(w, "label-000"));
            sim_label(w, "label-001", 1, false, "internal", 0);
            assert_true(says(w, "label-001"));
            label_is(w, 1, false, "internal");
            number_is(w, "SELECT count(*) FROM journal WHERE kind = 63 AND run = 1", 1);
        }
        if (lowered == 2) {
            scene_restart(w);
        }
        boss->ops = nothing;
        boss->count = COUNT(nothing);
        scene_do(w, "do-000002");
        label_is(w, 2, !lowered, lowered ? "internal" : "confidential");
        sim_label(w, "label-002", 1, false, "public", 0); /* nobody starts from it any more */
        assert_false(says(w, "label-002"));
        scene_end(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_lowered_stays_so),
        cmocka_unit_test(one_half_alone),
        cmocka_unit_test(what_it_reads_later_raises_it_again),
        cmocka_unit_test(nothing_is_raised_or_said_twice),
        cmocka_unit_test(what_nobody_has_looked_at_is_not_lowered),
        cmocka_unit_test(nobody_without_the_passphrase),
        cmocka_unit_test(a_signature_is_for_what_was_signed),
        cmocka_unit_test(the_last_of_a_role_is_lowered_after_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
