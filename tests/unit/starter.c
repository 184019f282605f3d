/* What ships together fits together: the manifests load, and the starter policy decides about them
 * what its comments say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "manifest.h"
#include "policy.h"

static char *slurp(const char *path, size_t *len) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *text = calloc(1, 65536);
    *len = fread(text, 1, 65535, f);
    fclose(f);
    return text;
}

static manifest *load(const char *path) {
    manifest *m = NULL;
    diag d = {0};
    if (manifest_load(&m, path, &d) != 0) {
        fail_msg("%s:%d: %s", d.file, d.line, d.what);
    }
    return m;
}

static void manifests(void **state) {
    (void)state;
    static const struct {
        const char *path, *id, *name;
        plugin_kind kind;
    } rows[] = {
        {ROOT "/plugins/mail/manifest.yaml", "com.keel.mail", "mail", PLUGIN_CONNECTOR},
        {ROOT "/plugins/mailbox/manifest.yaml", "com.keel.mailbox", "mailbox", PLUGIN_CONNECTOR},
        {ROOT "/plugins/triage/manifest.yaml", "com.keel.triage", "triage", PLUGIN_AGENT},
        {ROOT "/plugins/correspondent/manifest.yaml", "com.keel.correspondent", "correspondent",
         PLUGIN_AGENT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        manifest *m = load(rows[i].path);
        assert_string_equal(m->id, rows[i].id);
        assert_string_equal(m->name, rows[i].name);
        assert_int_equal(m->kind, rows[i].kind);
        manifest_destroy(m);
    }
}

static void promises(void **state) {
    (void)state;
    manifest *m = load(ROOT "/plugins/mailbox/manifest.yaml");
    const manifest_resource *r = manifest_find(m, "message");
    assert_non_null(r);
    assert_true(r->verbs[VERB_READ].untrusted);
    assert_int_equal(r->verbs[VERB_WRITE].class, CLASS_CHECKABLE);
    assert_true(r->verbs[VERB_WRITE].sink_external);
    assert_int_equal(r->verbs[VERB_WRITE].settle_us, 0);
    assert_false(r->verbs[VERB_COMPENSATE].present);
    assert_string_equal(m->needs[0].mode, "ro");
    assert_string_equal(m->needs[1].mode, "rw");
    manifest_destroy(m);
}

static void no_warning(void *ctx, const diag *d) {
    (void)ctx;
    fail_msg("%s:%d: %s", d->file, d->line, d->what);
}

static policy *compile(const manifest *mailbox) {
    size_t len;
    char *text = slurp(ROOT "/policies/starter.yaml", &len);
    static const char *const agents[] = {"correspondent", "triage"};
    policy_connection inbox = {"inbox", mailbox};
    policy_world world = {agents, 2, &inbox, 1, NULL, 0};
    policy_source source = {"policies/starter.yaml", text, len};
    policy *p = NULL;
    diag d = {0};
    if (policy_compile(&p, &source, 1, &world, no_warning, NULL, &d) != 0) {
        fail_msg("%s:%d:%d: %s %s", d.file, d.line, d.column, d.what, d.next);
    }
    free(text);
    return p;
}

static const struct {
    const char *agent, *target, *args;
    policy_verdict verdict;
    const char *rule;
} decisions[] = {
    {"triage", "run.spawn", "{\"agent\":\"correspondent\",\"input\":{}}", POLICY_ALLOW,
     "triage-hands-over"},
    {"triage", "run.spawn", "{\"agent\":\"triage\",\"input\":{}}", POLICY_DENY, "none"},
    {"correspondent", "run.spawn", "{\"agent\":\"correspondent\",\"input\":{}}", POLICY_DENY,
     "none"},
    {"triage", "inbox.message.read", "{}", POLICY_ALLOW, "base.reads"},
    {"correspondent", "inbox.message.read", "{\"id\":\"m@x\"}", POLICY_ALLOW, "base.reads"},
    {"correspondent", "inbox.message.write",
     "{\"body\":\"b\",\"subject\":\"s\",\"to\":\"a@b.example\"}", POLICY_ASK, "answers-ask"},
    {"correspondent", "inbox.message.write",
     "{\"bcc\":\"c@d.example\",\"body\":\"b\",\"subject\":\"s\",\"to\":[\"a@b.example\",\"e@f."
     "example\"]}",
     POLICY_ASK, "answers-ask"},
    {"correspondent", "inbox.message.write",
     "{\"bcc\":[\"c@d.example\",\"g@h.example\"],\"body\":\"b\",\"subject\":\"s\",\"to\":"
     "[\"a@b.example\",\"e@f.example\"]}",
     POLICY_DENY, "answers-ask"},
    {"triage", "inbox.message.write", "{\"body\":\"b\",\"subject\":\"s\",\"to\":\"a@b.example\"}",
     POLICY_DENY, "none"},
};

static void decide(const policy *p, const manifest *mailbox, size_t i) {
    const manifest_resource *r =
        strncmp(decisions[i].target, "run.", 4) != 0 ? manifest_find(mailbox, "message") : NULL;
    attr_set *attrs = attr_set_create();
    attr_set_fill(attrs, r, keel_json_view(decisions[i].args, strlen(decisions[i].args)));
    bool read = strstr(decisions[i].target, ".read") != NULL;
    policy_query q = {.agent = decisions[i].agent,
                      .target = decisions[i].target,
                      .class = read        ? CLASS_READ
                               : r != NULL ? CLASS_CHECKABLE
                                           : CLASS_LOCAL,
                      .tainted = true,
                      .sink_external = r != NULL && !read};
    q.attrs = attr_set_list(attrs, &q.attr_count);
    policy_decision dec;
    policy_decide(p, &q, &dec);
    if (dec.verdict != decisions[i].verdict || strcmp(dec.rule_id, decisions[i].rule) != 0) {
        fail_msg("row %zu: verdict %d by %s", i, (int)dec.verdict, dec.rule_id);
    }
    if (dec.verdict == POLICY_ASK) {
        policy_approval a = policy_rule_approval(dec.rule);
        assert_int_equal(a.edit_count, 2);
        assert_int_equal(a.expires_us, 86400000000LL);
    }
    attr_set_destroy(attrs);
}

static void starter(void **state) {
    (void)state;
    manifest *mailbox = load(ROOT "/plugins/mailbox/manifest.yaml");
    policy *p = compile(mailbox);
    for (size_t i = 0; i < sizeof decisions / sizeof *decisions; i++) {
        decide(p, mailbox, i);
    }
    policy_destroy(p);
    manifest_destroy(mailbox);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(manifests),
        cmocka_unit_test(promises),
        cmocka_unit_test(starter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
