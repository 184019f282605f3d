/* What a signature is bound to. Each thing is changed, one at a time, after the approval was signed: in the
 * running kernel itself, and by what people, files and executors can do. Nothing is sent, and who approved
 * is told what has changed. */
#include "../faults/scene.h"

#include "parts.h"
#include "policyint.h"
#include "short.h"

#define ASK(expires)                                                                               \
    "  - { id: asks, on: \"out.*.write\", ask: {}, approval: { expires: " expires                  \
    ", edit: [n] } }\n"

static const sim_op once[] = {WRITE("once")};

static int on_text(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    snprintf(ctx, DIGEST_HEX, "%s", v[0] ? v[0] : "");
    return 1;
}

static void consent(sim_world *w, int number, char args[800]) {
    char approval[DIGEST_HEX] = "", sql[120], text[12];
    snprintf(sql, sizeof sql, "SELECT lower(hex(digest)) FROM item WHERE number = %d", number);
    reader_query(store_reader(w->store), sql, NULL, 0, on_text, approval, NULL);
    assert_int_equal(strlen(approval), DIGEST_HEX - 1);
    snprintf(text, sizeof text, "%d", number);
    sim_consent(w, approval, text, args);
}

/* ---- each member of what is signed ---- */

typedef struct bound {
    sim_world *w;
    kernel *k;
    call *c;
    policy_decision d;
} bound;

static void other_workspace(bound *b) {
    b->k->identity.workspace[0] ^= 1;
}
static void other_run(bound *b) {
    b->c->run->id ^= 2;
}
static void other_path(bound *b) {
    b->c->path[0] ^= 2;
}
static void other_verb(bound *b) {
    b->c->target[strlen(b->c->target) - 1] ^= 1;
}
static void other_connection(bound *b) {
    b->c->connection->body.data[b->c->connection->body.len / 2] ^= 1;
}
static void other_connector(bound *b) {
    ((plugin *)(uintptr_t)b->c->connection->plugin)->digest.bytes[7] ^= 1;
}
static void other_arguments(bound *b) {
    b->c->args_digest.bytes[7] ^= 1;
}
static void other_class(bound *b) {
    b->c->class = b->c->class == CLASS_ONCE ? CLASS_KEYED : CLASS_ONCE;
}
static void other_rule(bound *b) {
    b->d.rule_id = strcmp(b->d.rule_id, "asks") == 0 ? "axes" : "asks";
}
static void other_words(bound *b) {
    ((policy_rule *)(uintptr_t)b->d.rule)->digest.bytes[7] ^= 1;
}

static void other_limits(bound *b) {
    static const budget_beyond one = {.budget = "month", .unit = "EUR", .amount = 1};
    beyond_set(b->c, b->c->beyond_count ? NULL : &one, b->c->beyond_count ? 0 : 1);
}

/* Each done twice is undone. */
static const struct member {
    const char *name;
    void (*change)(bound *b);
} members[] = {
    {"workspace", other_workspace},
    {"run", other_run},
    {"path", other_path},
    {"verb", other_verb},
    {"target", other_connection},
    {"connector", other_connector},
    {"arguments", other_arguments},
    {"class", other_class},
    {"rule", other_rule},
    {"rule digest", other_words},
    {"limits beyond which it goes", other_limits},
};

static void a_signature_is_bound_to_it(void **state) {
    const struct member *m = *state;
    bound b = {.w = scene(ASK("2h"), once, COUNT(once))};
    policy_query q;
    scene_do(b.w, "do-000001");
    b.k = b.w->kernel;
    b.c = map_get(&b.k->items, 1);
    assert_non_null(b.c);
    effect_query(b.k, b.c, &q);
    policy_decide(b.k->world.policy, &q, &b.d);
    b.c->approved = 1; /* signed for what is there now */
    assert_true(approval_covers(b.k, b.c, &b.d));
    m->change(&b);
    if (approval_covers(b.k, b.c, &b.d)) {
        fail_msg("%s may be another one under the same signature", m->name);
    }
    m->change(&b);
    assert_true(approval_covers(b.k, b.c, &b.d));
    b.c->approved = 0;
    scene_end(b.w);
}

/* ---- what can happen between the signature and the sending ---- */

static void nothing(sim_world *w) {
    (void)w;
}

static void edited(sim_world *w) {
    scene_tell(w, "edit-0001", "edit", "{\"number\":1,\"set\":{\"n\":666}}");
}

static void reload(sim_world *w, const char *rules) {
    scene_policy(w, rules);
    scene_tell(w, "reload-01", "reload", "{}");
    assert_non_null(sim_answered(w, "reload-01"));
}

static void rule_has_other_words(sim_world *w) {
    reload(w, ASK("3h"));
}

static void another_rule_asks(sim_world *w) {
    reload(
        w,
        "  - { id: other, on: \"out.*.write\", ask: {}, approval: { expires: 2h, edit: [n] } }\n");
}

#define LISTED(list)                                                                               \
    "  - { id: asks, on: \"out.*.write\", ask: { n: { not_in: $odd } } }\nlists: { odd: [" list    \
    "] }\n"

static void a_list_has_changed(sim_world *w) {
    reload(w, LISTED("7, 8"));
}

static void nobody_asks_any_more(sim_world *w) {
    reload(w, "  - { id: asks, on: \"out.keyed.write\", ask: {} }\n");
}

static void another_folder(sim_world *w) {
    sim_put(w->root, "keel.yaml",
            "version: 1\nname: sim\nconnections:\n"
            "  out: { use: \"org.example.out@1\", config: { folder: \"elsewhere\" } }\n");
    scene_tell(w, "reload-01", "reload", "{}");
}

static void another_connector(sim_world *w) {
    sim_put(
        w->root, "connectors/out/manifest.yaml",
        "id: org.example.out\nkind: connector\nversion: 1.0.1\nentry: out.lua\n"
        "needs: [ \"file:rw:{config.folder}\" ]\nresources:\n  once: { write: { class: once } }\n");
    scene_tell(w, "reload-01", "reload", "{}");
}

static void too_late(sim_world *w) {
    w->clock += 7201000000;
}

static void denied(sim_world *w) {
    scene_tell(w, "deny-0001", "deny", "{\"items\":[1],\"why\":\"no\"}");
}

/* Others are asked for since, under later numbers. */
static void another_folder_and_others(sim_world *w) {
    another_folder(w);
    scene_do_many(w, "on", 3);
}

static void a_budget_that_throttles(sim_world *w) {
    scene_do_many(w, "on", 2);
    reload(w, ASK("2h") "budgets:\n"
                        "  - { id: few, scope: workspace, limit: 0 calls, at_hard: throttle }\n");
}

static const struct scenario {
    const char *name, *rules;
    void (*meanwhile)(sim_world *w);
    bool down;        /* while the kernel is down */
    const char *said; /* NULL: refused as a whole */
    const char *why;
} scenarios[] = {
    {"nothing", ASK("2h"), nothing, false, "approved", ""},
    {"nothing, while it was down", ASK("2h"), nothing, true, "approved", ""},
    {"it was edited", ASK("2h"), edited, false, "stale", "its bytes have changed since"},
    {"the words of its rule", ASK("2h"), rule_has_other_words, false, "stale",
     "the words of the rule that asks, or of a list that it names, has changed since it was asked"},
    {"the words of its rule, while it was down", ASK("2h"), rule_has_other_words, true, "stale",
     "the words of the rule that asks"},
    {"another rule", ASK("2h"), another_rule_asks, false, "stale",
     "the rule that asks has changed since it was asked: look at it as item 2"},
    {"a budget that is short and asks nobody", ASK("2h"), a_budget_that_throttles, false, "stale",
     "another budget is short now: see keel why 1\""},
    {"a list", LISTED("7"), a_list_has_changed, false, "stale", "or of a list that it names"},
    {"where it goes", ASK("2h"), another_folder, false, "gone",
     "the connection that it goes through has changed since it was asked: look at it as item 2"},
    {"where it goes, and others wait", ASK("2h"), another_folder_and_others, false, "gone",
     "the connection that it goes through has changed since it was asked: look at it as item 2"},
    {"where it goes, while it was down", ASK("2h"), another_folder, true, "gone", ""},
    {"what sends it", ASK("2h"), another_connector, false, "gone",
     "and the connector that sends it have changed since it was asked: look at it as item 2"},
    {"nobody asks any more", ASK("2h"), nobody_asks_any_more, false, "denied", ""},
    {"its time is over", ASK("2h"), too_late, false, "gone", ""},
    {"it was denied", ASK("2h"), denied, false, "gone", ""},
};

static void what_changes_after_the_signature_is_not_sent(void **state) {
    const struct scenario *s = *state;
    char args[800];
    sim_world *w = scene(s->rules, once, COUNT(once));
    scene_do(w, "do-000001");
    consent(w, 1, args);
    if (s->down) {
        sim_end(w);
        w->clock += 1000000;
        /* the files change, and the next life reads them */
        if (s->meanwhile == rule_has_other_words) {
            scene_policy(w, ASK("3h"));
        } else if (s->meanwhile == another_folder) {
            sim_put(w->root, "keel.yaml",
                    "version: 1\nname: sim\nconnections:\n"
                    "  out: { use: \"org.example.out@1\", config: { folder: \"elsewhere\" } }\n");
        }
        assert_true(sim_start(w));
        sim_run_out(w);
    } else {
        s->meanwhile(w);
    }
    scene_tell(w, "approve-1", "approve", args);
    const sim_answer *a = sim_answered(w, "approve-1");
    char outcome[48];
    snprintf(outcome, sizeof outcome, "\"outcome\":\"%s\"", s->said);
    if (!a || !strstr(a->result, outcome) || !strstr(a->result, s->why)) {
        fail_msg("%s: %s", s->name, a ? a->result : "refused");
    }
    assert_int_equal(w->held_count, strcmp(s->said, "approved") == 0);
    scene_end(w);
}

/* ---- an executor that says something else when it runs again ---- */

static void a_replay_with_other_bytes_sends_what_was_signed(void **state) {
    static const sim_op other[] = {
        {"effect", "out.once.write",
         "{\"args\":{\"n\":666},\"resource\":\"once\",\"use\":\"out\",\"verb\":\"write\"}"}};
    char args[800];
    (void)state;
    sim_world *w = scene(ASK("2h"), once, COUNT(once));
    scene_do(w, "do-000001");
    consent(w, 1, args);
    ((sim_program *)(uintptr_t)w->programs)[0].ops = other;
    scene_restart(w);
    scene_tell(w, "approve-1", "approve", args);
    assert_int_equal(w->held_count, 1);
    assert_string_equal(w->held[0].body, "{\"n\":1}");
    sim_answer_held(w, APPLIED);
    sim_run_out(w);
    assert_non_null(strstr(w->fault, "its record says")); /* the simulation sees it too */
    w->fault[0] = 0;
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'done'", 1);
    assert_int_equal(w->held_count, 0);
    scene_end(w);
}

#define MAX_TESTS 64

static void add(struct CMUnitTest *all, size_t *n, const char *name, CMUnitTestFunction f,
                const void *row) {
    assert_true(*n < MAX_TESTS);
    all[(*n)++] = (struct CMUnitTest){name, f, NULL, NULL, (void *)(uintptr_t)row};
}

int main(void) {
    static struct CMUnitTest tests[MAX_TESTS];
    size_t n = 0;
    for (size_t i = 0; i < COUNT(members); i++) {
        add(tests, &n, members[i].name, a_signature_is_bound_to_it, &members[i]);
    }
    for (size_t i = 0; i < COUNT(scenarios); i++) {
        add(tests, &n, scenarios[i].name, what_changes_after_the_signature_is_not_sent,
            &scenarios[i]);
    }
    add(tests, &n, "a replay with other bytes", a_replay_with_other_bytes_sends_what_was_signed,
        NULL);
    digest_init();
    return _cmocka_run_group_tests("approvals_bound", tests, n, NULL, NULL);
}
