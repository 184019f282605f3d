/* A signature is used once, in one life of the workspace, and nobody else's will do. */
#include "../faults/scene.h"
#include "../faults/scene_restore.h"

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

static void reload(sim_world *w, const char *rules) {
    scene_policy(w, rules);
    scene_tell(w, "reload-01", "reload", "{}");
}

/* ---- a signature is used once ---- */

static int sent(const sim_world *w) {
    return (int)w->held_count;
}

static void it_is_not_taken_twice(void **state) {
    char args[800];
    (void)state;
    sim_world *w = scene(ASK("2h"), once, COUNT(once));
    scene_do(w, "do-000001");
    consent(w, 1, args);
    scene_tell(w, "approve-1", "approve", args);
    assert_int_equal(sent(w), 1);
    scene_answer(w, APPLIED);
    scene_tell(w, "approve-2", "approve", args);
    assert_non_null(strstr(sim_answered(w, "approve-2")->result, "\"outcome\":\"gone\""));
    scene_do(w, "do-000002"); /* the same bytes of another run */
    scene_tell(w, "approve-3", "approve", args);
    assert_int_equal(sent(w), 0);
    scene_restart(w);
    scene_tell(w, "approve-4", "approve", args);
    assert_int_equal(sent(w), 0);
    scene_end(w);
}

#define CALLS(n)                                                                                   \
    "budgets:\n  - { id: few, scope: workspace, limit: " n " calls, window: none, at_hard: ask "   \
    "}\n"

/* It came to nothing, since the budget was short: it stands in the journal, for everybody to read. */
static void what_came_to_nothing_is_used_up(void **state) {
    char args[800];
    (void)state;
    sim_world *w = scene(ASK("2h") CALLS("0"), once, COUNT(once));
    scene_do(w, "do-000001");
    consent(w, 1, args);
    scene_tell(w, "approve-1", "approve", args);
    assert_non_null(strstr(sim_answered(w, "approve-1")->result, "\"outcome\":\"stale\""));
    reload(w, ASK("2h") CALLS("9"));
    scene_tell(w, "replay-01", "approve", args);
    assert_int_equal(sent(w), 0);
    scene_restart(w);
    scene_tell(w, "replay-02", "approve", args);
    assert_int_equal(sent(w), 0);
    sim_operator(w); /* as it stands now */
    sim_run_out(w);
    assert_int_equal(sent(w), 1);
    scene_answer(w, APPLIED);
    scene_end(w);
}

/* ---- another life ---- */

static void it_is_of_one_life_of_the_workspace(void **state) {
    char args[800];
    (void)state;
    sim_world *w = scene(ASK("2h"), once, COUNT(once));
    scene_do(w, "do-000001");
    consent(w, 1, args);
    scene_backup();
    scene_restore(w);
    scene_resume(w);
    scene_tell(w, "approve-1", "approve", args);
    assert_null(sim_answered(w, "approve-1")); /* refused: signed in the life before */
    assert_int_equal(sent(w), 0);
    scene_end(w);
}

/* ---- who signs ---- */

static void forged(char *args, const char *member) {
    char key[32];
    snprintf(key, sizeof key, "\"%s\":\"", member);
    char *at = strstr(args, key) + strlen(key);
    *at = *at == '0' ? '1' : '0';
}

static void another_signature(char *args) {
    forged(args, "signature");
}
static void another_nonce(char *args) {
    forged(args, "nonce");
}
static void another_digest(char *args) {
    forged(args, "approval");
}
static void another_number(char *args) {
    *strchr(strstr(args, "\"number\":"), '1') = '2';
}
static void another_name(char *args) {
    memcpy(strstr(args, "operator"), "0perator", 8);
}
static void no_signature(char *args) {
    char *at = strstr(args, ",\"signature\"");
    memcpy(at, "}]}", 4);
}
static void an_empty_signature(char *args) {
    char *at = strstr(args, "\"signature\":\"") + 13;
    memcpy(at, "\"}]}", 5);
}
static void zeros(char *args) {
    char *at = strstr(args, "\"signature\":\"") + 13;
    memset(at, '0', 128);
}
static void no_items(char *args) {
    memcpy(strstr(args, "\"items\":["), "\"items\":[]}", 12);
}

static const struct forgery {
    const char *name;
    void (*make)(char *args);
} forgeries[] = {{"another signature", another_signature},
                 {"another nonce", another_nonce},
                 {"another digest", another_digest},
                 {"another number", another_number},
                 {"another name", another_name},
                 {"no signature", no_signature},
                 {"an empty signature", an_empty_signature},
                 {"zeros", zeros},
                 {"nothing", no_items}};

static void what_is_not_signed_by_the_approver_is_refused(void **state) {
    const struct forgery *f = *state;
    char args[800];
    sim_world *w = scene(ASK("2h"), once, COUNT(once));
    scene_do(w, "do-000001");
    consent(w, 1, args);
    f->make(args);
    scene_tell(w, "approve-1", "approve", args);
    if (sim_answered(w, "approve-1")) {
        fail_msg("%s: %s", f->name, sim_answered(w, "approve-1")->result);
    }
    assert_int_equal(sent(w), 0);
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 1);
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
    for (size_t i = 0; i < COUNT(forgeries); i++) {
        add(tests, &n, forgeries[i].name, what_is_not_signed_by_the_approver_is_refused,
            &forgeries[i]);
    }
    add(tests, &n, "it is not taken twice", it_is_not_taken_twice, NULL);
    add(tests, &n, "what came to nothing is used up", what_came_to_nothing_is_used_up, NULL);
    add(tests, &n, "it is of one life", it_is_of_one_life_of_the_workspace, NULL);
    digest_init();
    return _cmocka_run_group_tests("approvals_forged", tests, n, NULL, NULL);
}
