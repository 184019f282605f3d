/* The red button at every moment: from its answer on nothing new is sent and no step is taken, whatever
 * falls due, whoever asks, and over kill -9; what is out settles; and when a person lifts it, all that
 * waits is decided afresh. */
#include "scene.h"

#include "protocol.h"

#define ALLOW    "  - { id: lets, on: \"*\", allow: {} }\n"
#define DENY     "  - { id: not, on: \"*\", deny: {} }\n"
#define ASK      "  - { id: asks, on: \"*.*.write\", ask: {}, approval: { expires: 1h } }\n"
#define LONG_ASK "  - { id: asks, on: \"*.*.write\", ask: {}, approval: { expires: 9d } }\n"
#define BROKE    ALLOW "budgets:\n  - { id: few, scope: workspace, limit: 0 calls, at_hard: ask }\n"
#define AFTER                                                                                      \
    { "step", "after", NULL }
#define DO_AGAIN "{\"agent\":\"boss\",\"input\":{}}"
#define GO       "{\"body\":1,\"name\":\"go\",\"run\":1}"

static const sim_op once[] = {WRITE("once"), AFTER};
static const sim_op keyed[] = {WRITE("keyed"), AFTER};
static const sim_op checkable[] = {WRITE("checkable"), AFTER};
static const sim_op spawn[] = {SPAWN_HELPER, AFTER};
static const sim_op sleeps[] = {{"sleep", "", "{\"us\":3600000000}"}, WRITE("once"), AFTER};
static const sim_op receives[] = {
    {"receive", "", "{\"name\":\"go\",\"timeout_us\":3600000000}"}, WRITE("once"), AFTER};

/* ---- what happens before and meanwhile ---- */

static void nothing(sim_world *w) {
    (void)w;
}

static void time_passes(sim_world *w) {
    scene_pass(w, 7200);
}

static void it_is_asked_for(sim_world *w) {
    scene_tell(w, "do-000009", "do", DO_AGAIN);
}

static void an_event_comes(sim_world *w) {
    scene_tell(w, "send-0001", "run.send", GO);
}

static void policy_denies(sim_world *w) {
    scene_policy(w, DENY);
    scene_tell(w, "reload-01", "reload", "{}");
}

static void policy_asks(sim_world *w) {
    scene_policy(w, ASK);
    scene_tell(w, "reload-01", "reload", "{}");
}

static void policy_allows(sim_world *w) {
    scene_policy(w, ALLOW);
    scene_tell(w, "reload-01", "reload", "{}");
}

static void time_goes_by(sim_world *w) {
    scene_pass(w, 600);
}

static void until_it_is_to_be_tried_again(sim_world *w) {
    for (int i = 0;
         i < 100 && sim_number(w, "SELECT count(*) FROM effect WHERE state = 'retry'") < 1; i++) {
        kernel_turn(w->kernel);
        sim_step(w);
    }
    state_is(w, "retry");
}

static void its_answer_is_lost(sim_world *w) {
    scene_answer(w, UNKNOWN);
}

static void its_answer_is_lost_at_once(sim_world *w) {
    sim_answer_held(w, UNKNOWN);
    until_it_is_to_be_tried_again(w);
}

static void it_is_busy(sim_world *w) {
    sim_answer_held(w, "{\"code\":\"retry\",\"message\":\"busy\"}");
    until_it_is_to_be_tried_again(w);
}

/* Known to be lost, and a look is due five seconds later. */
static void it_is_to_be_looked_for(sim_world *w) {
    int64_t horizon = w->horizon;
    w->horizon = 1;
    scene_answer(w, UNKNOWN);
    w->horizon = horizon;
    state_is(w, "unknown");
}

static void its_run_is_cancelled(sim_world *w) {
    scene_tell(w, "cancel-01", "run.cancel", "{\"run\":1}");
    it_is_to_be_looked_for(w);
}

/* The second of two waits for the executor of the first, which answers when the halt has come. */
static void another_is_queued(sim_world *w) {
    scene_do(w, "do-000008");
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'intended'", 2);
}

static void the_first_is_applied(sim_world *w) {
    scene_answer(w, APPLIED);
}

static void policy_denies_after_the_first(sim_world *w) {
    scene_answer(w, APPLIED);
    policy_denies(w);
}

static void it_is_approved_and_queued(sim_world *w) {
    scene_do(w, "do-000008");
    sim_approve(w, "approve-1", 1);
    sim_approve(w, "approve-2", 2);
    sim_run_out(w);
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'intended'", 2);
}

static void its_time_passes_after_the_first(sim_world *w) {
    scene_answer(w, APPLIED);
    time_passes(w);
}

/* Its executor says that the record is not its agent's, while its effect is to be tried again. */
static void its_run_is_paused(sim_world *w) {
    keel_buf b = KEEL_BUF_INIT;
    it_is_busy(w);
    keel_buf_puts(&b, "{\"path\":\"1\"}");
    for (size_t i = 0; i < sizeof w->executors / sizeof *w->executors; i++) {
        if (w->executors[i].number && !w->executors[i].connector) {
            sim_to_kernel(w, w->executors[i].number, X_MISMATCH, 1, 0, &b);
        }
    }
    keel_buf_free(&b);
    int64_t horizon = w->horizon;
    w->horizon = 1;
    sim_run_out(w);
    w->horizon = horizon;
    number_is(w, "SELECT count(*) FROM run WHERE state = 'paused'", 1);
}

static void an_event_comes_and_policy_denies(sim_world *w) {
    an_event_comes(w);
    policy_denies(w);
}

/* ---- the moments ---- */

typedef enum moment_kind {
    PLAIN, /* asked for, then `before`, and the halt */
    LATE,  /* the halt, then `before` */
    OUT    /* as plain, and something is out: over a kill -9 another story */
} moment_kind;

typedef struct moment {
    const char *name;
    moment_kind kind;
    const char *rules;
    const sim_op *ops;
    size_t count;
    void (*before)(sim_world *w);
    void (*during)(sim_world *w); /* halted */
    const char *then;             /* what is sent first when it is lifted; NULL: nothing */
    const char *sql;              /* when it is lifted, and */
    int64_t number;               /* what it gives */
} moment;

#define OPS(ops)    ops, COUNT(ops)
#define EFFECTS(in) "SELECT count(*) FROM effect WHERE " in
#define STATE(name) EFFECTS("state = '" name "'")
#define STEPS       "SELECT count(*) FROM journal WHERE kind = 21"
#define ASKED       "SELECT count(*) FROM item WHERE state = 'open' AND kind = 'approval'"
#define SPAWN_ASK   "  - { id: asks, on: run.spawn, ask: {} }\n"
#define CHILDREN    "SELECT count(*) FROM run WHERE parent IS NOT NULL"

static const moment moments[] = {
    {"a run that is begun", LATE, ALLOW, OPS(once), it_is_asked_for, nothing, "write",
     STATE("intended"), 1},
    {"a run that is begun, and denied", LATE, ALLOW, OPS(once), it_is_asked_for, policy_denies,
     NULL, STATE("denied"), 1},
    {"a sleep is over", PLAIN, ALLOW, OPS(sleeps), nothing, time_passes, "write", STATE("intended"),
     1},
    {"an event", PLAIN, ALLOW, OPS(receives), nothing, an_event_comes, "write", STATE("intended"),
     1},
    {"no event in time", PLAIN, ALLOW, OPS(receives), nothing, time_passes, "write",
     STATE("intended"), 1},
    {"an event, and denied", PLAIN, ALLOW, OPS(receives), nothing, an_event_comes_and_policy_denies,
     NULL, STATE("denied"), 1},
    {"an approval that nobody gives", PLAIN, ASK, OPS(once), nothing, time_passes, NULL,
     STATE("expired"), 1},
    {"an approval that is not needed", PLAIN, ASK, OPS(once), nothing, policy_allows, "write",
     STATE("intended"), 1},
    {"an approval, and denied", PLAIN, ASK, OPS(once), nothing, policy_denies, NULL,
     STATE("denied"), 1},
    {"an approval, as before", PLAIN, LONG_ASK, OPS(once), nothing, nothing, NULL,
     "SELECT count(*) FROM item WHERE state = 'open' AND number = 1", 1},
    {"a budget is short", PLAIN, BROKE, OPS(once), nothing, nothing, NULL, ASKED, 1},
    {"a budget is raised", PLAIN, BROKE, OPS(once), nothing, policy_allows, "write",
     STATE("intended"), 1},
    {"to be tried again", PLAIN, ALLOW, OPS(keyed), it_is_busy, time_passes, "write",
     STATE("intended"), 1},
    {"to be tried again, and denied", PLAIN, ALLOW, OPS(keyed), it_is_busy, policy_denies, NULL,
     STATE("denied"), 1},
    {"to be tried again, and asked for", PLAIN, ALLOW, OPS(keyed), it_is_busy, policy_asks, NULL,
     ASKED, 1},
    {"to be looked for", PLAIN, ALLOW, OPS(checkable), it_is_to_be_looked_for, time_passes,
     "reconcile", STATE("reconciling"), 1},
    {"to be looked for, of a run that is over", PLAIN, ALLOW, OPS(checkable), its_run_is_cancelled,
     time_passes, "reconcile", STATE("reconciling"), 1},
    {"of a paused run", PLAIN, ALLOW, OPS(keyed), its_run_is_paused, time_passes, "write",
     STATE("intended"), 1},
    {"of a paused run, and denied", PLAIN, ALLOW, OPS(keyed), its_run_is_paused, policy_denies,
     NULL, STATE("denied"), 1},
    {"queued behind another", OUT, ALLOW, OPS(once), another_is_queued, the_first_is_applied,
     "write", STATE("done"), 1},
    {"queued, and denied", OUT, ALLOW, OPS(once), another_is_queued, policy_denies_after_the_first,
     NULL, EFFECTS("state IN ('done', 'denied')"), 2},
    {"queued and approved", OUT, LONG_ASK, OPS(once), it_is_approved_and_queued,
     the_first_is_applied, "write", ASKED, 0},
    {"queued, and approved too long ago", OUT, ASK, OPS(once), it_is_approved_and_queued,
     its_time_passes_after_the_first, NULL, ASKED, 1},
    {"out, and applied", OUT, ALLOW, OPS(once), nothing, the_first_is_applied, NULL, STATE("done"),
     1},
    {"out, and lost: keyed", OUT, ALLOW, OPS(keyed), nothing, its_answer_is_lost, "write",
     EFFECTS("attempts = 2"), 1},
    {"out, and lost: checkable", OUT, ALLOW, OPS(checkable), nothing, its_answer_is_lost,
     "reconcile", STATE("reconciling"), 1},
    {"out, and lost: once", OUT, ALLOW, OPS(once), nothing, its_answer_is_lost, NULL,
     STATE("unknown"), 1},
    {"lost, and denied since", OUT, ALLOW, OPS(keyed), its_answer_is_lost_at_once, policy_denies,
     "reconcile", STATE("reconciling"), 1},
    {"a spawn that is asked for", PLAIN, SPAWN_ASK, OPS(spawn), nothing, policy_allows, NULL,
     CHILDREN, 1},
    {"a spawn, and denied", PLAIN, SPAWN_ASK, OPS(spawn), nothing, policy_denies, NULL, CHILDREN,
     0},
    {"a run that spawns", LATE, ALLOW, OPS(spawn), it_is_asked_for, nothing, NULL, CHILDREN, 1},
};

/* All that may not grow while it is halted: steps, what is intended or looked for, children. */
static int64_t moves(sim_world *w) {
    return sim_number(w, "SELECT count(*) FROM journal WHERE kind IN (21, 27, 33, 37)");
}

/* What may not be while it is halted, and may not change over it. */
static void is_still(sim_world *w, const moment *m, int64_t before, size_t out) {
    if (moves(w) != before || w->held_count > out) {
        fail_msg("%s: while halted %lld records, %zu sent", m->name, (long long)(moves(w) - before),
                 w->held_count);
    }
    number_is(w, "SELECT halted FROM control", 1);
    scene_tell(w, "halt-0002", "halt", "{\"why\":\"again\"}");
    assert_null(sim_answered(w, "halt-0002"));
}

/* The kill -9s: after the halt's answer, and before it is lifted. */
static void at(const moment *m, bool early, bool late) {
    sim_world *w = scene(m->rules, m->ops, m->count);
    if (m->kind != LATE) {
        scene_do(w, "do-000001");
        m->before(w);
    }
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    assert_non_null(sim_answered(w, "halt-0001"));
    int64_t before = moves(w);
    size_t out = w->held_count;
    if (m->kind == LATE) {
        m->before(w);
    }
    if (early) {
        scene_restart(w);
    }
    m->during(w);
    if (late) {
        scene_restart(w);
    }
    time_goes_by(w);
    is_still(w, m, before, early || late ? 0 : out);
    scene_tell(w, "resume-01", "resume", "{}");
    if ((m->then ? strcmp(w->held_count ? w->held[0].verb : "", m->then) : (int)w->held_count) !=
            0 ||
        sim_number(w, m->sql) != m->number) {
        fail_msg("%s (%d, %d): lifted, %zu sent, %s gives %lld", m->name, early, late,
                 w->held_count, m->sql, (long long)sim_number(w, m->sql));
    }
    scene_end(w);
}

static void at_every_moment(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        at(&moments[i], false, false);
        if (moments[i].kind != OUT) {
            at(&moments[i], true, false);
            at(&moments[i], false, true);
            at(&moments[i], true, true);
        }
    }
}

/* It goes on where it stopped: no step is lost, none is taken twice. */
static void steps_go_on_where_they_stopped(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, once, COUNT(once));
    scene_do(w, "do-000001");
    sim_command(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    scene_answer(w, APPLIED); /* what is out settles */
    state_is(w, "done");
    number_is(w, STEPS, 0);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'open'", 1);
    scene_restart(w);
    number_is(w, STEPS, 0);
    scene_tell(w, "resume-01", "resume", "{}");
    number_is(w, STEPS, 1);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    scene_tell(w, "resume-02", "resume", "{}");
    assert_null(sim_answered(w, "resume-02"));
    scene_end(w);
}

/* Killed so many steps after the command was given: if it was answered it holds, and if the record is
 * there it holds too; if not, work goes on as if it had never been. */
static void killed_at_every_step(void **state) {
    (void)state;
    int held_back = 0, unheard = 0;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        for (int steps = 0; steps < 10; steps++) {
            sim_world *w = scene(ALLOW, keyed, COUNT(keyed));
            w->seed = seed;
            sim_command(w, "do-000001", "do", DO_AGAIN);
            sim_command(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
            for (int i = 0; i < steps; i++) {
                kernel_turn(w->kernel);
                sim_step(w);
            }
            bool answered = sim_answered(w, "halt-0001") != NULL;
            scene_restart(w);
            int64_t halted = sim_number(w, "SELECT halted FROM control");
            assert_true(halted || !answered);
            held_back += halted != 0;
            unheard += !halted;
            assert_true(!halted || !w->held_count);
            scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
            scene_tell(w, "do-000001", "do", DO_AGAIN);
            assert_true(!halted || !w->held_count);
            scene_tell(w, "resume-01", "resume", "{}");
            assert_int_equal(w->held_count, 1);
            scene_answer(w, APPLIED);
            number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
            scene_end(w);
        }
    }
    assert_true(held_back && unheard);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_every_moment),
        cmocka_unit_test(steps_go_on_where_they_stopped),
        cmocka_unit_test(killed_at_every_step),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_halt", tests, NULL, NULL);
}
