#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "manifest.h"

#define HEAD   "kind: connector\nid: com.example.mail\nversion: 1.0.0\nentry: mail.lua\n"
#define AGENT  "kind: agent\nid: com.example.triage\nversion: 1.0.0\nentry: triage.lua\n"
#define ONE    HEAD "resources:\n  message:\n"
#define OK_RES "resources: { message: { write: { class: once } } }\n"

static const struct {
    const char *text;
    int line, column;
    const char *says, *next;
} bad[] = {
    /* the whole */
    {"[]", 1, 1, "wants a map", ""},
    {"", 1, 1, "kind is missing", "kind: agent"},
    {"kind: robot\n", 1, 7, "kind is either", "kind: agent"},
    {"kind: agent\n", 1, 1, "id is missing", "id: com.example.triage"},
    {"kind: agent\nid: triage\n", 2, 5, "is no id", "backwards"},
    {"kind: agent\nid: com..x\n", 2, 5, "is no id", ""},
    {"kind: agent\nid: com/../x\n", 2, 5, "is no id", ""},
    {"kind: agent\nid: .com.x\n", 2, 5, "is no id", ""},
    {"kind: agent\nid: com.x\nversion: 1.0\n", 3, 10, "is no version", "1.0.0"},
    {"kind: agent\nid: com.x\nversion: 01.0.0\n", 3, 10, "is no version", ""},
    {"kind: agent\nid: com.x\nversion: 1.0.0-\n", 3, 10, "is no version", ""},
    {"kind: agent\nid: com.x\nversion: 1.0.0/..\n", 3, 10, "is no version", ""},
    {"kind: agent\nid: com.x\nversion: [1]\n", 3, 10, "version wants a text", ""},
    {"kind: agent\nid: com.x\nversion: 1.0.0\n", 1, 1, "entry is missing", "NAME.lua"},
    {"kind: agent\nid: com.x\nversion: 1.0.0\nentry: ../x.lua\n", 4, 8, "beside the manifest", ""},
    {"kind: agent\nid: com.x\nversion: 1.0.0\nentry: x.py\n", 4, 8, ".lua or a .so", ""},
    {"kind: agent\nid: com.x\nversion: 1.0.0\nentry: x.yaml\n", 4, 8, "cannot be a service", "Lua"},
    {"kind: connector\nid: com.x\nversion: 1.0.0\nentry: manifest.yaml\n", 4, 8,
     "cannot describe the service too", "service.yaml"},
    {"kind: agent\nid: com.x\nversion: 1.0.0\nentry: x.so\nname: x\n", 1, 1, "abi is missing",
     "abi: 0.2"},
    {"kind: agent\nid: com.x\nversion: 1.0.0\nentry: x.so\nname: x\nabi: 0.1\n", 6, 6,
     "abi is 0.1, and agents came with 0.2", "abi: 0.2"},
    {AGENT, 1, 1, "name is missing", "name: triage"},
    {AGENT "name: Triage\n", 5, 7, "name cannot be", "lower-case"},
    {AGENT "name: t\nneeds: []\n", 6, 8, "needs belongs to connectors", "kind"},
    {AGENT "name: t\nneeds: [\"http:*\"]\n", 6, 8, "needs belongs to connectors", ""},
    {AGENT "name: t\nresources: {}\n", 6, 12, "resources belongs to connectors", ""},
    {AGENT "name: t\ntemplates: reply.txt\n", 6, 12, "templates wants a list", ""},
    {AGENT "name: t\ntemplates: [../reply.txt]\n", 6, 13, "beside the manifest", ""},
    {AGENT "name: t\noutcome: []\n", 6, 10, "outcome wants a text", ""},
    {AGENT "name: t\ntemplate: []\n", 6, 1, "not known here", "templates"},
    {AGENT "name: t\nruns_on: gpu\n", 6, 1, "known, not yet enforced", ""},
    {AGENT "name: t\non_failure: ask\n", 6, 1, "known, not yet enforced", ""},
    {AGENT "name: t\nname: u\n", 6, 1, "already at line 5", ""},
    {HEAD OK_RES "name: post\n", 6, 7, "last part of its id", ""},
    {HEAD OK_RES "templates: []\n", 6, 12, "templates belongs to agents", ""},
    {HEAD OK_RES "concurrency: 0\n", 6, 14, "1 to 64", ""},
    {HEAD OK_RES "concurrency: \"4\"\n", 6, 14, "1 to 64", ""},
    {HEAD OK_RES "memory: 64\n", 6, 9, "MiB", "64 MiB"},
    {HEAD OK_RES "memory: 0 MiB\n", 6, 9, "MiB", ""},
    {HEAD OK_RES "memory: 64 GiB\n", 6, 9, "MiB", ""},
    {HEAD OK_RES "abi: 1\n", 6, 6, "two numbers", "0.1"},
    {HEAD OK_RES "libraries: [libz.so.1]\n", 6, 12, "only a .so", ""},
    {HEAD OK_RES "needs: file:ro:x\n", 6, 8, "needs wants a list", ""},
    {HEAD OK_RES "needs: [[x]]\n", 6, 9, "needs wants a text", ""},
    {HEAD OK_RES "needs: [\"http\"]\n", 6, 9, "http needs an address", "http:{config.base}"},
    {HEAD OK_RES "needs: [\"http:\"]\n", 6, 9, "http needs an address", ""},
    {HEAD OK_RES "needs: [\"http:api.example\"]\n", 6, 9, "", ""},
    {HEAD OK_RES "needs: [\"http:ftp://api.example\"]\n", 6, 9, "", ""},
    {HEAD OK_RES "needs: [\"http:https://me:word@api.example\"]\n", 6, 9, "", ""},
    {HEAD OK_RES "needs: [\"http:https://api.example/../x\"]\n", 6, 9, "", ""},
    {HEAD OK_RES "needs: [\"http:https://api.example/x?key=1\"]\n", 6, 9, "has no query", "path"},
    {HEAD OK_RES "needs: [\"http:https://127.1/\"]\n", 6, 9, "", ""},
    {HEAD OK_RES "needs: [\"http:imaps://mail.example\"]\n", 6, 9, "no addresses of imaps://",
     "http://, https://"},
    {HEAD OK_RES "needs: [\"stream:https://api.example\"]\n", 6, 9, "no addresses of https://",
     "imaps://"},
    {HEAD OK_RES "needs: [\"stream:tls://mail.example\"]\n", 6, 9, "", ""},
    {HEAD OK_RES "needs: [\"stream:*\"]\n", 6, 9, "only http may need any", "stream:{config.NAME}"},
    {HEAD OK_RES "needs: [\"http:{config.}\"]\n", 6, 9, "address is not of the form", "base}"},
    {HEAD OK_RES "needs: [\"http:{config.base}/v1\"]\n", 6, 9, "address is not of the form", ""},
    {HEAD OK_RES "needs: [\"stream:{config.imap\"]\n", 6, 9, "address is not of the form", "imap}"},
    {HEAD OK_RES "needs: [\"file:ro:x\", \"http:*x\"]\n", 6, 22, "", ""},
    {HEAD OK_RES "needs: [\"kv\"]\n", 6, 9, "kv is not asked for", "Remove"},
    {HEAD OK_RES "needs: [\"clock:x\"]\n", 6, 9, "clock is not asked for", "Remove"},
    {HEAD OK_RES "needs: [\"files:rw:x\"]\n", 6, 9, "names no service", "http:{config.base}"},
    {HEAD OK_RES "needs: [\"file:wr:x\"]\n", 6, 9, "ro or rw", ""},
    {HEAD OK_RES "needs: [\"file:rw:\"]\n", 6, 9, "ro or rw", ""},
    {HEAD OK_RES "needs: [\"file:rw:{config.}\"]\n", 6, 9, "{config.NAME}", ""},
    {HEAD OK_RES "needs: [\"file:rw:{config.a}b\"]\n", 6, 9, "{config.NAME}", ""},
    {HEAD, 1, 1, "resources is missing", "class: once"},
    {HEAD "resources: {}\n", 5, 12, "needs a resource", ""},
    {HEAD "resources: []\n", 5, 12, "resources wants a map", ""},
    {"kind: connector\nid: com.x\nversion: 1.0.0\nentry: x.so\n" OK_RES, 1, 1, "abi is missing",
     ""},
    {"kind: connector\nid: com.x\nversion: 1.0.0\nentry: x.so\nabi: 0.1\n" OK_RES
     "libraries: [/lib/libz.so.1]\n",
     7, 13, "beside the manifest", ""},
    {"kind: connector\nid: com.x\nversion: 1.0.0\nentry: x.so\nabi: 0.1\n" OK_RES
     "libraries: [zlib]\n",
     7, 13, "shared library", ""},
    /* verbs */
    {HEAD "resources: { Message: {} }\n", 5, 14, "name of a resource", ""},
    {ONE "    {}\n", 7, 5, "neither read nor write", ""},
    {ONE "    writes: {}\n", 7, 5, "not known here", "write"},
    {ONE "    maps: {}\n", 7, 5, "known, not yet enforced", ""},
    {ONE "    reconcile: {}\n", 7, 16, "needs no entry", ""},
    {ONE "    write: {}\n", 7, 12, "the class is missing", "there is no default"},
    {ONE "    write: once\n", 7, 12, "write wants a map", ""},
    {ONE "    write: { class: often }\n", 7, 21, "\"often\" is no class", "no default"},
    {ONE "    write: { class: none }\n", 7, 21, "is no class", ""},
    {ONE "    write: { class: read }\n", 7, 21, "changes nothing", ""},
    {ONE "    write: { class: local }\n", 7, 21, "Keel's own", ""},
    {ONE "    write: { class: [once] }\n", 7, 21, "class wants a text", ""},
    {ONE "    write: { class: keyed }\n", 7, 12, "keyed needs a window", "24h"},
    {ONE "    write: { class: keyed, window: 0s }\n", 7, 36, "remembers no key", "once"},
    {ONE "    write: { class: keyed, window: soon }\n", 7, 36, "wants a duration", "30s"},
    {ONE "    write: { class: once, window: 1h }\n", 7, 35, "keyed only", ""},
    {ONE "    write: { class: once, settle: 1 }\n", 7, 35, "settle wants a duration", ""},
    {ONE "    write: { class: once, timeout: 0s }\n", 7, 36, "1ms to 1h", ""},
    {ONE "    write: { class: once, sink: out }\n", 7, 33, "internal or external", ""},
    {ONE "    write: { class: once, undo: yes }\n", 7, 33, "none or compensate", ""},
    {ONE "    write: { class: once, undo: compensate }\n", 7, 33, "has no compensate", ""},
    {ONE "    write: { class: once, returns: raw }\n", 7, 36, "trusted or untrusted", ""},
    {ONE "    write: { class: once, cost: 1 USD }\n", 7, 33, "cost wants a map", ""},
    {ONE "    write: { class: once, cost: {} }\n", 7, 33, "estimate in money", "0.002 USD"},
    {ONE "    write: { class: once, cost: { estimate: 1 } }\n", 7, 45, "estimate in money", ""},
    {ONE "    write: { class: once, cost: { estimate: -1 USD } }\n", 7, 45, "estimate", ""},
    {ONE "    write: { class: once, tokens: 5 }\n", 7, 35, "tokens wants a map", ""},
    {ONE "    write: { class: once, tokens: {} }\n", 7, 35, "an estimate of input and output", ""},
    {ONE "    write: { class: once, tokens: { input: 5 } }\n", 7, 35, "input and output", "max:"},
    {ONE "    write: { class: once, tokens: { input: -1, output: 1 } }\n", 7, 44,
     "input is how many tokens", ""},
    {ONE "    write: { class: once, tokens: { input: 1, output: 1000000001 } }\n", 7, 55,
     "output is how many tokens", "max: max_tokens"},
    {ONE "    write: { class: once, tokens: { input: 1, output: x } }\n", 7, 55, "output is how",
     ""},
    {ONE "    write: { class: once, tokens: { input: 0, output: 0 } }\n", 7, 35, "no tokens", ""},
    {ONE "    write: { class: once, tokens: { input: 1, output: 1, max: \"a b\" } }\n", 7, 63,
     "name of a field", ""},
    {ONE "    write: { class: once, tokens: { input: 1, output: 1, model: [] } }\n", 7, 65, "model",
     ""},
    {ONE "    write: { class: once, tokens: { input: 1, output: 1, mdel: x } }\n", 7, 58,
     "not known", "model"},
    {ONE "    write: { class: once, amount: \"a..b\" }\n", 7, 35, "name of a field", ""},
    {ONE "    write: { clas: once }\n", 7, 14, "not known here", "class"},
    {ONE "    read: { class: once }\n", 7, 20, "the class read", ""},
    {ONE "    read: { sink: external }\n", 7, 13, "not known here", ""},
    {ONE "    read: { returns: untrusted }\n    compensate: {}\n", 8, 17, "class is missing", ""},
    {ONE "    read: {}\n    schema: ../x.json\n", 8, 13, "beside the manifest", ""},
    /* labels */
    {ONE "    sensitivity: secret\n    read: {}\n", 7, 18, "sensitivity is never", "confidential"},
    {ONE "    read: { sensitivity: intern }\n", 7, 26, "sensitivity is never", "\"internal\""},
    {ONE "    read: { sensitivity: [public] }\n", 7, 26, "a list or map", "internal"},
    {HEAD OK_RES "max_taint: { integrity: trusted }\n", 6, 12, "max_taint belongs to agents", ""},
    /* attributes */
    {ONE "    read: {}\n    attributes: []\n", 8, 17, "attributes wants a map", ""},
    {ONE "    read: {}\n    attributes: { tainted: { of: a } }\n", 8, 19, "Keel's own", ""},
    {ONE "    read: {}\n    attributes: { x: a }\n", 8, 22, "wants a map", ""},
    {ONE "    read: {}\n    attributes: { x: {} }\n", 8, 22, "of is missing", ""},
    {ONE "    read: {}\n    attributes: { x: { of: [] } }\n", 8, 28, "of wants the fields", ""},
    {ONE "    read: {}\n    attributes: { x: { of: [\"a b\"] } }\n", 8, 29, "name of a field", ""},
    {ONE "    read: {}\n    attributes: { x: { of: a, fn: domian } }\n", 8, 35, "no fn", "domain"},
    {ONE "    read: {}\n    attributes: { x: { of: a, fn: known_fact } }\n", 8, 35, "not yet", ""},
    {ONE "    read: {}\n    attributes: { x: { of: a, fn: origin, answers: b } }\n", 8, 19,
     "is named to_origin", "fn: origin"},
    {ONE "    read: {}\n    attributes: { to_origin: { of: a } }\n", 8, 19, "has fn: origin", ""},
    {ONE "    read: {}\n    attributes: { to_known: { of: a } }\n", 8, 19, "Keel's own", ""},
    {ONE "    read: {}\n    attributes: { x: { of: a, answers: b } }\n", 8, 40,
     "belong to fn: origin", ""},
    {ONE "    read: {}\n    attributes: { to_origin: { of: a, fn: origin } }\n", 8, 30,
     "answers is missing", ""},
    {ONE "    read: {}\n    attributes: { to_origin: { of: a, fn: origin, answers: b } }\n", 8, 30,
     "does not say what names an item", "items"},
    {ONE
     "    read: {}\n    attributes: { to_origin: { of: a, fn: origin, answers: b, among: c } }\n",
     8, 70, "no resource named c", ""},
    {ONE "    read: {}\n    attributes: { to_origin: { of: a, fn: origin, answers: \"b..c\" } }\n",
     8, 60, "the name of a field", ""},
    {ONE "    read: { items: { id: a } }\n", 7, 20, "fields id and sender", ""},
    {ONE "    read: { items: { id: a, sender: b, name: c } }\n", 7, 40, "name", ""},
    {ONE "    read: { items: [a, b] }\n", 7, 20, "map", ""},
    {ONE "    read: {}\n    attributes: { x: { off: a } }\n", 8, 24, "not known here", "of"},
};

static void refuses_with_place(void **state) {
    (void)state;
    int failed = 0;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        manifest *m = NULL;
        diag d = {0};
        int rc = manifest_parse(&m, "m.yaml", bad[i].text, strlen(bad[i].text), &d);
        if (rc != DIAG_USAGE || m || d.line != bad[i].line || d.column != bad[i].column ||
            !strstr(d.what, bad[i].says) || !strstr(d.next, bad[i].next) || !d.next[0]) {
            print_error("%zu: %d at %d:%d: %s | %s\n%s\n", i, rc, d.line, d.column, d.what, d.next,
                        bad[i].text);
            failed++;
        }
    }
    assert_int_equal(failed, 0);
}

static void assert_needs(const manifest *m) {
    static const struct {
        const char *service, *config, *literal;
        bool any;
    } want[] = {{"http", "api.base", NULL, false},
                {"http", NULL, "https://api.example/v1", false},
                {"http", NULL, NULL, true},
                {"stream", NULL, "imaps://mail.example:993", false}};
    assert_int_equal(m->need_count, 6);
    assert_string_equal(m->needs[0].config, "out.folder");
    assert_string_equal(m->needs[0].mode, "rw");
    assert_string_equal(m->needs[1].literal, "/srv/mail");
    assert_null(m->needs[1].config);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const manifest_need *n = &m->needs[i + 2];
        assert_string_equal(n->service, want[i].service);
        assert_null(n->mode);
        assert_string_equal(n->config ? n->config : "", want[i].config ? want[i].config : "");
        assert_string_equal(n->literal ? n->literal : "", want[i].literal ? want[i].literal : "");
        assert_int_equal(n->any, want[i].any);
    }
}

static void assert_tokens(const manifest_verb *w) {
    assert_true(w->tokens.present);
    assert_int_equal(w->tokens.input, 0);
    assert_int_equal(w->tokens.output, 800);
    assert_string_equal(w->tokens.max, "limits.max_tokens");
    assert_string_equal(w->tokens.model, "model");
}

static void reads_a_connector(void **state) {
    (void)state;
    static const char text[] =
        "id: com.keel.mail\nkind: connector\nversion: 1.4.0-rc.1+7\nentry: mail.so\nabi: 0.1\n"
        "libraries: [ libgmime-3.0.so.0 ]\n"
        "needs: [ \"file:rw:{config.out.folder}\", \"file:ro:/srv/mail\", "
        "\"http:{config.api.base}\",\n"
        "         \"http:https://api.example/v1\", \"http:*\", \"stream:imaps://mail.example:993\" "
        "]\n"
        "concurrency: 4\nmemory: 8MiB\n"
        "resources:\n"
        "  message:\n"
        "    schema: message.schema.json\n"
        "    read:  { returns: untrusted }\n"
        "    write: { class: keyed, window: 24h, sink: external, undo: compensate, settle: 30s,\n"
        "             timeout: 5s, cost: { estimate: 0.002 USD }, amount: total,\n"
        "             tokens: { input: 0, output: 800, max: limits.max_tokens, model: model } }\n"
        "    compensate: { class: checkable }\n"
        "    attributes: { to_domain: { of: [to, cc], fn: domain }, size: { of: body, fn: length } "
        "}\n"
        "  label: { read: {} }\n";
    manifest *m = NULL;
    diag d = {0};
    if (manifest_parse(&m, "m.yaml", text, sizeof text - 1, &d)) {
        fail_msg("%d: %s", d.line, d.what);
    }
    assert_int_equal(m->kind, PLUGIN_CONNECTOR);
    assert_string_equal(m->name, "mail");
    assert_true(m->native);
    assert_int_equal(m->abi_minor, 1);
    assert_string_equal(m->libraries[0], "libgmime-3.0.so.0");
    assert_needs(m);
    assert_int_equal(m->concurrency, 4);
    assert_int_equal(m->memory_bytes, 8 * 1024 * 1024);
    const manifest_resource *r = manifest_find(m, "message");
    assert_string_equal(r->schema, "message.schema.json");
    assert_true(r->verbs[VERB_READ].untrusted);
    assert_int_equal(r->verbs[VERB_READ].class, CLASS_READ);
    const manifest_verb *w = &r->verbs[VERB_WRITE];
    assert_int_equal(w->class, CLASS_KEYED);
    assert_true(w->sink_external);
    assert_true(w->undo_compensate);
    assert_int_equal(w->window_us, 86400000000LL);
    assert_int_equal(w->settle_us, 30000000);
    assert_int_equal(w->timeout_us, 5000000);
    assert_int_equal(w->cost_micros, 2000);
    assert_tokens(w);
    assert_string_equal(w->currency, "USD");
    assert_string_equal(w->amount, "total");
    assert_int_equal(r->verbs[VERB_COMPENSATE].class, CLASS_CHECKABLE);
    assert_int_equal(r->attr_count, 2);
    assert_string_equal(r->attrs[0].of[1], "cc");
    assert_int_equal(r->attrs[0].fn, ATTR_DOMAIN);
    assert_int_equal(r->attrs[1].fn, ATTR_LENGTH);
    assert_int_equal(manifest_find(m, "label")->verbs[VERB_READ].timeout_us, 30000000);
    assert_false(manifest_find(m, "label")->verbs[VERB_WRITE].present);
    assert_null(manifest_find(m, "none"));
    manifest_destroy(m);
}

static void reads_an_agent(void **state) {
    (void)state;
    static const char text[] =
        "{id: com.example.triage, kind: agent, name: triage, version: 1.0.0, entry: triage.lua,"
        " templates: [reply.txt], outcome: \"thread/{id} answered\"}";
    char path[] = "/tmp/manifest-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    manifest *m = NULL;
    diag d = {0};
    assert_int_equal(manifest_load(&m, path, &d), 0);
    unlink(path);
    assert_int_equal(m->kind, PLUGIN_AGENT);
    assert_string_equal(m->name, "triage");
    assert_string_equal(m->file, path);
    assert_string_equal(m->templates[0], "reply.txt");
    assert_string_equal(m->outcome, "thread/{id} answered");
    assert_false(m->native);
    assert_int_equal(m->memory_bytes, 64 * 1024 * 1024);
    manifest_destroy(m);
    manifest_destroy(NULL);
    assert_int_equal(manifest_load(&m, path, &d), DIAG_NOT_FOUND);
}

static void reads_an_agent_in_c(void **state) {
    (void)state;
    static const char text[] = "{id: com.example.hello, kind: agent, name: hello, version: 1.0.0,"
                               " entry: hello.so, abi: 0.2, libraries: [libz.so.1]}";
    manifest *m = NULL;
    diag d = {0};
    assert_int_equal(manifest_parse(&m, "m.yaml", text, sizeof text - 1, &d), 0);
    assert_int_equal(m->kind, PLUGIN_AGENT);
    assert_true(m->native);
    assert_int_equal(m->abi_minor, 2);
    assert_string_equal(m->libraries[0], "libz.so.1");
    manifest_destroy(m);
}

static void names_classes_and_verbs(void **state) {
    (void)state;
    assert_string_equal(effect_class_name(CLASS_CHECKABLE), "checkable");
    assert_string_equal(effect_class_name(CLASS_NONE), "none");
    assert_string_equal(manifest_verb_name(VERB_COMPENSATE), "compensate");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_with_place),      cmocka_unit_test(reads_a_connector),
        cmocka_unit_test(reads_an_agent),          cmocka_unit_test(reads_an_agent_in_c),
        cmocka_unit_test(names_classes_and_verbs),
    };
    return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
