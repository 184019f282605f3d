/* How a grant is signed, and how it ends: with its time, its rule, its connection, a revocation, another
 * life of the workspace; and at every crash point it is used as often as was signed, and no more. */
#include "grantscene.h"
#include "scene_restore.h"

/* ---- its signature ---- */

static void replace(char *args, const char *from, const char *to) {
    char *at = strstr(args, from);
    assert_non_null(at);
    memmove(at + strlen(to), at + strlen(from), strlen(at + strlen(from)) + 1);
    memcpy(at, to, strlen(to));
}

static void nothing(char *args) {
    (void)args;
}

static void another_scope(char *args) {
    char *at = strstr(args, "\"remember\":\"") + strlen("\"remember\":\"");
    *at = *at == '0' ? '1' : '0';
}

static void no_scope(char *args) {
    char *at = strstr(args, "\"remember\":\""), *end = strstr(at, "\"signature\"");
    memmove(at, end, strlen(end) + 1);
}

static void another_number(char *args) {
    replace(args, "\"number\":1", "\"number\":2");
}

static void short_scope(char *args) {
    char *at = strstr(args, "\"remember\":\"") + strlen("\"remember\":\"");
    memmove(at, at + 2, strlen(at + 2) + 1);
}

static const struct {
    const char *name;
    void (*change)(char *args);
    bool given;
} signatures[] = {
    {"as it was signed", nothing, true},     {"another scope", another_scope, false},
    {"no scope", no_scope, false},           {"another number", another_number, false},
    {"half of a scope", short_scope, false},
};

static void what_was_signed_counts(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(signatures); i++) {
        char args[800];
        sim_world *w = scene(REMEMBER(""), say_a, 1);
        scene_do(w, "do-000001");
        sim_remember(w, 1, args);
        signatures[i].change(args);
        scene_tell(w, "approve-1", "approve", args);
        if ((sim_number(w, "SELECT count(*) FROM grant") == 1) != signatures[i].given ||
            (w->held_count == 1) != signatures[i].given) {
            fail_msg("%s", signatures[i].name);
        }
        scene_end(w);
    }
}

/* What is signed as a plain approval is made none by naming a scope. */
static void a_plain_signature_makes_no_grant(void **state) {
    (void)state;
    char args[800], plain[800], signed_plain[140];
    sim_world *w = scene(REMEMBER(""), say_a, 1);
    scene_do(w, "do-000001");
    sim_remember(w, 1, args);
    char approval[DIGEST_HEX];
    memcpy(approval, strstr(args, "\"approval\":\"") + strlen("\"approval\":\""), DIGEST_HEX - 1);
    approval[DIGEST_HEX - 1] = 0;
    sim_consent(w, approval, "1", plain);
    snprintf(signed_plain, sizeof signed_plain, "%s", strstr(plain, "\"signature\":"));
    strcpy(strstr(args, "\"signature\":"), signed_plain);
    scene_tell(w, "approve-1", "approve", args);
    assert_null(sim_answered(w, "approve-1"));
    number_is(w, "SELECT count(*) FROM grant", 0);
    scene_tell(w, "approve-2", "approve", plain);
    assert_non_null(sim_answered(w, "approve-2"));
    scene_end(w);
}

static void what_no_rule_remembers(void **state) {
    static const char plain[] =
        "  - { id: asks, on: \"out.*.write\", ask: {}, approval: { expires: 2h, edit: [n] } }\n";
    (void)state;
    for (int edited = 0; edited < 2; edited++) {
        char args[800];
        sim_world *w = scene(edited ? REMEMBER("") : plain, say_a, 1);
        scene_do(w, "do-000001");
        if (edited) {
            scene_tell(w, "edit-0001", "edit", "{\"number\":1,\"set\":{\"n\":2}}");
        }
        sim_remember(w, 1, args);
        scene_tell(w, "approve-1", "approve", args);
        const sim_answer *a = sim_answered(w, "approve-1");
        assert_non_null(a);
        assert_non_null(strstr(a->result, "\"outcome\":\"stale\""));
        assert_non_null(strstr(a->result, "remember"));
        number_is(w, "SELECT count(*) FROM grant", 0);
        asked(w, 1);
        sim_approve(w, "approve-2", 1); /* as it is, it can still be approved */
        sim_run_out(w);
        assert_int_equal(w->held_count, 1);
        scene_end(w);
    }
}

/* ---- ends ---- */

static void an_hour(sim_world *w) {
    scene_pass(w, 3601);
}

static void revoked(sim_world *w) {
    scene_tell(w, "revoke-01", "grant.revoke", "{\"number\":1,\"why\":\"enough\"}");
    assert_non_null(sim_answered(w, "revoke-01"));
    scene_tell(w, "revoke-02", "grant.revoke", "{\"number\":1,\"why\":\"enough\"}");
    assert_null(sim_answered(w, "revoke-02"));
}

static void another_rule(sim_world *w) {
    scene_policy(w, REMEMBER(", vary: [text]"));
    scene_tell(w, "reload-01", "reload", "{}");
}

static void there_and_back(sim_world *w) {
    another_rule(w);
    scene_policy(w, REMEMBER(""));
    scene_tell(w, "reload-02", "reload", "{}");
}

static void another_rule_while_it_is_down(sim_world *w) {
    sim_end(w);
    scene_policy(w, REMEMBER(", vary: [text]"));
    assert_true(sim_start(w));
}

static void another_config(sim_world *w) {
    sim_put(w->root, "keel.yaml",
            "version: 1\nname: sim\nconnections:\n"
            "  out: { use: \"org.example.out@1\", config: { folder: \"out2\" } }\n");
    scene_tell(w, "reload-01", "reload", "{}");
}

static void a_reload_of_the_same(sim_world *w) {
    scene_tell(w, "reload-01", "reload", "{}");
}

static void a_restart(sim_world *w) {
    scene_restart(w);
}

static const struct {
    const char *name;
    void (*meanwhile)(sim_world *w);
    bool covers;  /* still */
    bool written; /* a record says that it has ended */
} ends[] = {
    {"half an hour", a_restart, true, false},
    {"an hour", an_hour, false, false},
    {"revoked", revoked, false, true},
    {"another rule", another_rule, false, true},
    {"another rule, and the first again", there_and_back, false, true},
    {"another rule while it is down", another_rule_while_it_is_down, false, true},
    {"another config of its connection", another_config, false, true},
    {"a reload of the same", a_reload_of_the_same, true, false},
};

static void it_ends(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(ends); i++) {
        sim_world *w = remembered(REMEMBER(""));
        ends[i].meanwhile(w);
        scene_do(w, "do-000002");
        int64_t used = sim_number(w, "SELECT used FROM grant");
        int64_t over = sim_number(w, "SELECT count(*) FROM grant WHERE ended_us IS NOT NULL");
        if (used != ends[i].covers || over != ends[i].written) {
            fail_msg("%s: used %d, ended %d", ends[i].name, (int)used, (int)over);
        }
        asked(w, !ends[i].covers);
        scene_restart(w);
        number_is(w, "SELECT count(*) FROM journal WHERE kind = 60", ends[i].written);
        scene_end(w);
    }
}

/* What it was used for is tried again only as long as it stands. */
static void a_revoked_one_covers_no_further_attempt(void **state) {
    (void)state;
    sim_world *w = remembered(REMEMBER(""));
    scene_do(w, "do-000002");
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    scene_answer(w, "{\"code\":\"retry\",\"message\":\"busy\"}");
    scene_tell(w, "revoke-01", "grant.revoke", "{\"number\":1,\"why\":\"enough\"}");
    scene_tell(w, "resume-01", "resume", "{}");
    assert_int_equal(w->held_count, 0);
    asked(w, 1);
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_signed_counts),
        cmocka_unit_test(a_plain_signature_makes_no_grant),
        cmocka_unit_test(what_no_rule_remembers),
        cmocka_unit_test(it_ends),
        cmocka_unit_test(a_revoked_one_covers_no_further_attempt),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_grants_end", tests, NULL, NULL);
}
