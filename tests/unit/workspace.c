/* keel.yaml and the paths below it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "digest.h"
#include "fsio.h"
#include "workspace.h"
#include "workspace_place.h"

static void reads_all_of_it(void **state) {
    place *p = *state;
    place_put(p, "keel.yaml",
              "version: 1\n"
              "name: studio\n"
              "currency: EUR\n"
              "timezone: Europe/Berlin\n"
              "anchor: ~/anchors/studio\n"
              "limits: { wall: 2s, cpu: 500ms }\n"
              "connections:\n"
              "  inbox:\n"
              "    use: com.keel.mailbox@0.1\n"
              "    config: { folder: mail, drained: true, most: 3, name: \"no\" }\n"
              "  mail_2: { use: org.example.x-y@1.2.3-rc.1 }\n");
    workspace *w;
    diag d = {0};
    if (workspace_load(&w, p->root, &d) != 0) {
        fail_msg("%s:%d: %s", d.file, d.line, d.what);
    }
    assert_string_equal(w->root, p->root);
    assert_string_equal(w->name, "studio");
    assert_string_equal(w->currency, "EUR");
    assert_string_equal(w->timezone, "Europe/Berlin");
    assert_string_equal(w->anchor, "/home/ada/anchors/studio");
    assert_false(w->own_anchor);
    assert_string_equal(w->anchor_key, "/home/ada/anchors/studio.key");
    assert_int_equal(w->step_wall_us, 2000000);
    assert_int_equal(w->step_cpu_us, 500000);
    assert_int_equal(w->connection_count, 2);
    const workspace_connection *c = w->connections;
    assert_string_equal(c[0].name, "inbox");
    assert_string_equal(c[0].use, "com.keel.mailbox@0.1");
    assert_string_equal(c[0].config.data,
                        "{\"drained\":true,\"folder\":\"mail\",\"most\":3,\"name\":\"no\"}");
    assert_int_equal(c[0].line, 8);
    assert_string_equal(c[1].use, "org.example.x-y@1.2.3-rc.1");
    assert_string_equal(c[1].config.data, "{}");
    assert_int_equal(c[1].line, 11);
    workspace_destroy(w);
}

static void fills_in_what_is_left_out(void **state) {
    place *p = *state;
    place_put(p, "keel.yaml", "version: 1\n");
    workspace *w;
    assert_int_equal(workspace_load(&w, p->root, NULL), 0);
    const char *folder = strrchr(p->root, '/') + 1;
    assert_string_equal(w->name, folder);
    assert_null(w->currency);
    assert_null(w->timezone);
    assert_int_equal(w->step_wall_us, 10000000);
    assert_int_equal(w->step_cpu_us, 5000000);
    assert_int_equal(w->connection_count, 0);
    char hex[DIGEST_HEX];
    digest sum = digest_of(p->root, strlen(p->root));
    digest_hex(&sum, hex);
    char want[256];
    snprintf(want, sizeof want, "/var/state/keel/%s-%.8s/anchor", folder, hex);
    assert_string_equal(w->anchor, want);
    const struct {
        const char *got, *name;
    } paths[] = {{w->keel, ".keel"},
                 {w->db, ".keel/keel.db"},
                 {w->socket, ".keel/keel.sock"},
                 {w->lock, ".keel/lock"},
                 {w->generation, ".keel/generation"}};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_string_equal(paths[i].got, place_at(p, paths[i].name));
    }
    workspace_destroy(w);
}

static void finds_a_place_for_the_anchor(void **state) {
    place *p = *state;
    place_put(p, "keel.yaml", "version: 1\nname: a.b/c\n");
    workspace *w = NULL;
    assert_int_equal(workspace_load(&w, p->root, NULL), DIAG_USAGE); /* a name is no path */
    place_put(p, "keel.yaml", "version: 1\nname: a.b c\n");
    setenv("XDG_STATE_HOME", "relative", 1);
    assert_int_equal(workspace_load(&w, p->root, NULL), 0);
    char want[256]; /* of the folder, so that another name leaves it where it is */
    snprintf(want, sizeof want, "/home/ada/.local/state/keel/%s-", strrchr(p->root, '/') + 1);
    assert_ptr_equal(strstr(w->anchor, want), w->anchor);
    assert_true(w->own_anchor);
    workspace_destroy(w);
    unsetenv("XDG_STATE_HOME");
    unsetenv("HOME");
    diag d = {0};
    assert_int_equal(workspace_load(&w, p->root, &d), DIAG_USAGE);
    assert_non_null(strstr(d.what, "neither HOME nor XDG_STATE_HOME"));
    assert_non_null(strstr(d.next, "anchor:"));
}

/* ---- refusals ---- */

typedef struct refusal {
    const char *text;
    int line;
    int column;
    const char *what;
    const char *next;
} refusal;

#define V   "version: 1\n"
#define CON V "connections:\n"
#define AT  "  inbox: { use: com.x@1, " /* the next is column 26 */
#define SET "keel secret set NAME"

static const refusal refusals[] = {
    {"", 1, 1, "`version` is missing", "version: 1"},
    {"name: x\n", 1, 1, "`version` is missing", "version: 1"},
    {"version: 2\n", 1, 10, "has format 2", "version: 1"},
    {"version: \"1\"\n", 1, 10, "`version` is the number", "version: 1"},
    {"- a\n", 1, 1, "is a map", "keel init"},
    {V "nane: x\n", 2, 1, "\"nane\" is not known", "Did you mean \"name\"?"},
    {V "colour: red\n", 2, 1, "\"colour\" is not known", "Known here: version, name"},
    {V "name: [a]\n", 2, 7, "`name` is", "name: studio"},
    {V "name: \"\"\n", 2, 7, "`name` is", "name: studio"},
    {V "name: ../up\n", 2, 7, "`name` is", "name: studio"},
    {V "name: a\nname: b\n", 3, 1, "already at line 2", "Keep one"},
    {V "currency: euro\n", 2, 11, "three capital letters", "EUR"},
    {V "currency: EURO\n", 2, 11, "three capital letters", "EUR"},
    {V "currency: { a: b }\n", 2, 11, "three capital letters", "EUR"},
    {V "timezone: Mars/Olympus\n", 2, 11, "\"Mars/Olympus\" is not known", "Europe/Berlin"},
    {V "timezone: /etc/passwd\n", 2, 11, "the name of a time zone", "Europe/Berlin"},
    {V "timezone: ../../etc/passwd\n", 2, 11, "the name of a time zone", "Europe/Berlin"},
    {V "timezone: 3\n", 2, 11, "the name of a time zone", "Europe/Berlin"},
    {V "anchor: here/anchor\n", 2, 9, "whole path", "anchor: ~/"},
    {V "anchor: /a/../b\n", 2, 9, "whole path", "anchor: ~/"},
    {V "anchor: /a/\n", 2, 9, "whole path", "anchor: ~/"},
    {V "limits: 3\n", 2, 9, "`limits` is a map", "wall: 10s"},
    {V "limits: { wal: 3s }\n", 2, 11, "\"wal\" is not known", "\"wall\""},
    {V "limits: { wall: 3 }\n", 2, 17, "`wall` is a duration", "10s"},
    {V "limits: { cpu: 0s }\n", 2, 16, "`cpu` is a duration", "5s"},
    {V "limits: { cpu: 2h }\n", 2, 16, "`cpu` is a duration", "5s"},
    {V "auth: {}\n", 2, 1, "`auth` is not yet available", "Remove it"},
    {V "executors: {}\n", 2, 1, "`executors` is not yet available", "Remove it"},
    {V "store: { url: x }\n", 2, 1, "`store` is not yet available", "Remove it"},
    {V "http: {}\n", 2, 1, "`http` is not yet available", "Remove it"},
    {V "models: {}\n", 2, 1, "`models` is not yet available", "Remove it"},
    {V "connections: [a]\n", 2, 14, "`connections` is a map", "inbox"},
    {CON "  Inbox: { use: a.b@1 }\n", 3, 3, "\"Inbox\" cannot be", "inbox"},
    {CON "  2nd: { use: a.b@1 }\n", 3, 3, "\"2nd\" cannot be", "inbox"},
    {CON "  a.b: { use: a.b@1 }\n", 3, 3, "\"a.b\" cannot be", "inbox"},
    {CON "  inbox: a.b@1\n", 3, 10, "a map with `use`", "use:"},
    {CON "  inbox: {}\n", 3, 3, "does not say which connector", "com.keel.mailbox@0.1"},
    {CON "  inbox: { use: mailbox@1 }\n", 3, 17, "`use` is ID@VERSION", "com.keel.mailbox"},
    {CON "  inbox: { use: com.keel.mailbox }\n", 3, 17, "`use` is ID@VERSION", "com.keel"},
    {CON "  inbox: { use: com..x@1 }\n", 3, 17, "`use` is ID@VERSION", "com.keel"},
    {CON "  inbox: { use: ../../x.y@1 }\n", 3, 17, "`use` is ID@VERSION", "com.keel"},
    {CON "  inbox: { use: .com.x@1 }\n", 3, 17, "`use` is ID@VERSION", "com.keel"},
    {CON "  inbox: { use: com.x@ }\n", 3, 17, "one to three numbers", "com.keel"},
    {CON "  inbox: { use: com.x@1. }\n", 3, 17, "one to three numbers", "com.keel"},
    {CON "  inbox: { use: com.x@1.2.3.4 }\n", 3, 17, "one to three numbers", "com.keel"},
    {CON "  inbox: { use: com.x@1-rc }\n", 3, 17, "one to three numbers", "com.keel"},
    {CON "  inbox: { use: com.x@latest }\n", 3, 17, "one to three numbers", "com.keel"},
    {CON "  inbox: { use: com.x@1.2.3-/../ }\n", 3, 17, "one to three numbers", "com.keel"},
    {CON "  inbox: { use: com.x@1, config: 3 }\n", 3, 34, "`config` is a map", "folder"},
    {CON "  inbox: { use: com.x@1, config: { n: 12345678901234567890 } }\n", 3, 39, "out of range",
     "Quote"},
    {CON "  inbox: { use: com.x@1, confg: {} }\n", 3, 26, "\"confg\"", "\"config\""},
    {CON AT "auth: bearer }\n", 3, 32, "`auth` is a map", "kind: bearer"},
    {CON AT "auth: {} }\n", 3, 32, "does not say its kind", "kind: basic"},
    {CON AT "auth: { kind: [a] } }\n", 3, 40, "does not say its kind", "kind: basic"},
    {CON AT "auth: { kind: basic, password: hunter2 } }\n", 3, 57, "`password` is a secret", SET},
    {CON AT "auth: { kind: bearer, token: hunter2 } }\n", 3, 55, "`token` is a secret", SET},
    {CON AT "auth: { kind: header, value: hunter2 } }\n", 3, 55, "`value` is a secret", SET},
    {CON AT "auth: { kind: hmac, key: hunter2 } }\n", 3, 51, "`key` is a secret", SET},
    {CON AT "auth: { client_secret: hunter2 } }\n", 3, 49, "`client_secret` is a secret", SET},
    {CON AT "auth: { refresh_token: [hunter2] } }\n", 3, 49, "`refresh_token` is a secret", SET},
    {CON AT "auth: { kind: basic, password: hunter2, plain: x } }\n", 3, 57, "is a secret", SET},
    {CON AT "auth: { token: { secrt: a } } }\n", 3, 43, "\"secrt\" is not known", "\"secret\""},
    {CON AT "auth: { token: {} } }\n", 3, 41, "the name of the secret is missing", SET},
    {CON AT "auth: { token: { secret: A } } }\n", 3, 51, "the name of a secret", SET},
    {CON AT "auth: { token: { secret: a/../b } } }\n", 3, 51, "the name of a secret", SET},
    {CON AT "auth: { token: { secret: [a] } } }\n", 3, 51, "the name of a secret", SET},
    {CON AT "tls: true }\n", 3, 31, "`tls` is a map", "tls: { ca:"},
    {CON AT "tls: { verify: false } }\n", 3, 33, "\"verify\" is not known", "Known here: ca"},
    {CON AT "tls: {} }\n", 3, 31, "`ca` is the path", "tls: { ca:"},
    {CON AT "tls: { ca: gone.pem } }\n", 3, 37, "/gone.pem cannot be read: No such file", "ca:"},
    {CON AT "tls: { ca: . } }\n", 3, 37, "cannot be read: it is no file", "ca:"},
    {CON AT "private: maybe }\n", 3, 35, "`private` is true or false", "false"},
    {CON AT "plain: \"true\" }\n", 3, 33, "`plain` is true or false", "false"},
    {CON AT "sensitivity: restrictd }\n", 3, 39, "sensitivity is never", "\"restricted\""},
    {V "secrets: [a]\n", 2, 10, "`secrets` is a map", "command: [pass"},
    {V "secrets: { mail: hunter2 }\n", 2, 18, "never holds one", "keel secret set"},
    {V "secrets: { Mail: {} }\n", 2, 12, "the name of a secret", "mail"},
    {V "secrets: { mail: {} }\n", 2, 18, "one of them", "credential"},
    {V "secrets: { mail: { command: [a], credential: b } }\n", 2, 18, "one of them", ""},
    {V "secrets: { mail: { comand: [a] } }\n", 2, 20, "\"comand\" is not known", "\"command\""},
    {V "secrets: { mail: { command: pass } }\n", 2, 29, "`command` is a list", "[pass, show"},
    {V "secrets: { mail: { command: [] } }\n", 2, 29, "`command` is a list", "[pass, show"},
    {V "secrets: { mail: { command: [pass, {}] } }\n", 2, 36, "made of texts", "[pass, show"},
    {V "secrets: { mail: { command: [\"\"] } }\n", 2, 30, "made of texts", "[pass, show"},
    {V "secrets: { mail: { credential: ../x } }\n", 2, 32, "systemd credential", "unit"},
    {V "secrets: { mail: { credential: [x] } }\n", 2, 32, "systemd credential", "unit"},
    {V "name: &a x\n", 2, 7, "", ""},
    {"version: 1\n\tname: x\n", 2, 1, "", ""},
};

static void refuses_with_the_place(void **state) {
    place *p = *state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const refusal *r = &refusals[i];
        if (strstr(r->text, "Mars") && access("/usr/share/zoneinfo", F_OK) != 0) {
            continue; /* without the zones' files every name may be one */
        }
        place_put(p, "keel.yaml", r->text);
        workspace *w = NULL;
        diag d = {0};
        int rc = workspace_load(&w, p->root, &d);
        assert_null(w);
        if (rc != DIAG_USAGE || d.line != r->line || d.column != r->column ||
            !strstr(d.what, r->what) || !strstr(d.next, r->next) || !d.next[0] ||
            strcmp(d.file, place_at(p, "keel.yaml")) != 0 || strstr(d.what, "hunter2") ||
            strstr(d.next, "hunter2")) {
            fail_msg("%s => %d %s:%d:%d: %s | %s", r->text, rc, d.file, d.line, d.column, d.what,
                     d.next);
        }
    }
}

static void reads_logins_and_secrets(void **state) {
    place *p = *state;
    place_put(p, "own.pem", "certificates\n");
    place_put(p, "keel.yaml",
              "version: 1\n"
              "connections:\n"
              "  billing:\n"
              "    use: com.keel.rest@1\n"
              "    auth: { kind: oauth2-refresh, token_url: https://id.example/token,\n"
              "            client_id: 12345678901234567890, scope: true,\n"
              "            refresh_token: { secret: billing.refresh } }\n"
              "    tls: { ca: own.pem }\n"
              "    private: true\n"
              "  inbox: { use: com.keel.mail@1, plain: true }\n"
              "secrets:\n"
              "  mail: { command: [pass, show, 7] }\n"
              "  billing.refresh: { credential: Billing }\n");
    workspace *w;
    diag d = {0};
    if (workspace_load(&w, p->root, &d) != 0) {
        fail_msg("%s:%d: %s", d.file, d.line, d.what);
    }
    const workspace_connection *c = w->connections;
    assert_string_equal(c[0].auth.data,
                        "{\"client_id\":\"12345678901234567890\",\"kind\":\"oauth2-refresh\","
                        "\"refresh_token\":{\"secret\":\"billing.refresh\"},\"scope\":\"true\","
                        "\"token_url\":\"https://id.example/token\"}");
    assert_string_equal(c[0].ca, place_at(p, "own.pem"));
    assert_true(c[0].private);
    assert_false(c[0].plain);
    assert_int_equal(c[1].auth.len, 0);
    assert_null(c[1].ca);
    assert_false(c[1].private);
    assert_true(c[1].plain);
    assert_int_equal(c[1].line, 10);
    assert_int_equal(c[1].column, 3);
    assert_string_equal(w->secrets.data, "{\"billing.refresh\":{\"credential\":\"Billing\"},"
                                         "\"mail\":{\"command\":[\"pass\",\"show\",\"7\"]}}");
    workspace_destroy(w);
    setenv("HOME", p->root, 1);
    place_put(p, "keel.yaml", CON "  a: { use: com.x@1, tls: { ca: ~/own.pem } }\n");
    assert_int_equal(workspace_load(&w, p->root, &d), 0);
    assert_string_equal(w->connections[0].ca, place_at(p, "own.pem"));
    assert_int_equal(w->secrets.len, 0);
    workspace_destroy(w);
}

static void keeps_the_anchor_outside(void **state) {
    place *p = *state;
    char text[160];
    snprintf(text, sizeof text, "version: 1\nanchor: %s/anchor\n", p->root);
    place_put(p, "keel.yaml", text);
    workspace *w = NULL;
    diag d = {0};
    assert_int_equal(workspace_load(&w, p->root, &d), DIAG_USAGE);
    assert_int_equal(d.line, 2);
    assert_non_null(strstr(d.what, "inside the workspace"));
    snprintf(text, sizeof text, "version: 1\nanchor: %s-beside/anchor\n", p->root);
    place_put(p, "keel.yaml", text);
    assert_int_equal(workspace_load(&w, p->root, &d), 0);
    workspace_destroy(w);
}

/* ---- finding and preparing ---- */

static void is_found_from_below(void **state) {
    place *p = *state;
    place_put(p, "keel.yaml", V);
    place_put(p, "agents/triage/manifest.yaml", "");
    workspace *w;
    assert_int_equal(workspace_find(&w, place_at(p, "agents/triage"), NULL), 0);
    assert_string_equal(w->root, p->root);
    workspace_destroy(w);
    diag d = {0};
    assert_int_equal(workspace_find(&w, "/usr/lib", &d), DIAG_NOT_FOUND);
    assert_non_null(strstr(d.what, "not a workspace"));
    assert_non_null(strstr(d.next, "keel init"));
    assert_int_equal(workspace_find(&w, "/nonexistent/x", &d), DIAG_NOT_FOUND);
    assert_int_equal(workspace_load(&w, "/nonexistent/x", &d), DIAG_NOT_FOUND);
    assert_int_equal(workspace_load(&w, "/usr/lib", &d), DIAG_NOT_FOUND);
    assert_non_null(strstr(d.what, "no keel.yaml"));
}

static int mode_of(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 ? (int)(st.st_mode & 0777) : -1;
}

static void prepares_private_folders(void **state) {
    place *p = *state;
    place_put(p, "keel.yaml", V "name: x\n");
    setenv("XDG_STATE_HOME", place_at(p, "state"), 1);
    workspace *w;
    diag d = {0};
    assert_int_equal(workspace_load(&w, p->root, &d), 0);
    assert_int_equal(workspace_prepare(w, &d), 0);
    assert_int_equal(mode_of(w->keel), 0700);
    *strrchr(w->anchor, '/') = 0;
    assert_int_equal(mode_of(w->anchor), 0700);
    w->anchor[strlen(w->anchor)] = '/';
    assert_int_equal(chmod(w->keel, 0755), 0);
    assert_int_equal(workspace_prepare(w, &d), 0);
    assert_int_equal(mode_of(w->keel), 0700);
    workspace_destroy(w);
}

static void refuses_what_is_not_its_own(void **state) {
    place *p = *state;
    place_put(p, "keel.yaml", V);
    workspace *w;
    diag d = {0};
    assert_int_equal(workspace_load(&w, p->root, &d), 0);
    assert_int_equal(mkdir(place_at(p, "elsewhere"), 0700), 0);
    assert_int_equal(symlink("elsewhere", w->keel), 0);
    assert_int_equal(workspace_prepare(w, &d), DIAG_USAGE);
    assert_non_null(strstr(d.what, "not a folder of its own"));
    unlink(w->keel);
    assert_int_equal(mkdir(w->keel, 0700), 0);
    if (chown(w->keel, 12345, (gid_t)-1) == 0) { /* only root can give it away */
        assert_int_equal(workspace_prepare(w, &d), DIAG_AUTH);
        assert_non_null(strstr(d.what, "belongs to user 12345"));
    }
    workspace_destroy(w);
}

static void tells_when_the_path_is_too_long(void **state) {
    place *p = *state;
    char name[160];
    memset(name, 'd', sizeof name);
    memcpy(name + 100, "/keel.yaml", 11);
    place_put(p, name, V);
    name[100] = 0;
    workspace *w;
    diag d = {0};
    assert_int_equal(workspace_load(&w, place_at(p, name), &d), 0);
    assert_int_equal(workspace_prepare(w, &d), DIAG_USAGE);
    assert_non_null(strstr(d.what, "too long"));
    assert_non_null(strstr(d.what, "107"));
    assert_int_equal(access(w->keel, F_OK), -1);
    workspace_destroy(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, place_set_up, place_tear_down)
        CASE(reads_all_of_it),
        CASE(fills_in_what_is_left_out),
        CASE(finds_a_place_for_the_anchor),
        CASE(refuses_with_the_place),
        CASE(reads_logins_and_secrets),
        CASE(keeps_the_anchor_outside),
        CASE(is_found_from_below),
        CASE(prepares_private_folders),
        CASE(refuses_what_is_not_its_own),
        CASE(tells_when_the_path_is_too_long),
    };
    return cmocka_run_group_tests_name("workspace", tests, NULL, NULL);
}
