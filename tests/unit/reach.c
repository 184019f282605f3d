/* Needs, config and policy: what egress is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reach.h"

#define HEAD                                                                                       \
    "kind: connector\nid: com.example.x\nversion: 1.0.0\nentry: x.lua\n"                           \
    "resources: { a: { read: {} } }\n"

static manifest *plugin(const char *needs) {
    keel_buf text = KEEL_BUF_INIT;
    manifest *m = NULL;
    diag d = {0};
    keel_buf_printf(&text, HEAD "needs: [%s]\n", needs);
    if (manifest_parse(&m, "m.yaml", text.data, text.len, &d)) {
        fail_msg("%s: %s", needs, d.what);
    }
    keel_buf_free(&text);
    return m;
}

static workspace_connection connection(const char *config) {
    workspace_connection c = {.name = keel_strdup("billing"), .line = 7, .column = 3};
    keel_buf_puts(&c.config, config);
    return c;
}

static void drop(workspace_connection *c) {
    free(c->name);
    free(c->ca);
    keel_buf_free(&c->config);
    keel_buf_free(&c->auth);
}

#define BASE  "\"http:{config.base}\""
#define IMAP  "\"stream:{config.server.imap}\""
#define PLAIN "],\"plain\":false,\"private\":false}"

static const char *const both[] = {"https://*.example.org", "https://api.example/v1", NULL};
static const char *const none[] = {NULL};

static const struct {
    const char *needs, *config;
    const char *const *allow; /* NULL: the policy is silent */
    const char *want;
} told[] = {
    {"", "{}", NULL, "{\"any\":false,\"name\":\"billing\",\"origins\":[" PLAIN},
    {BASE, "{\"base\":\"https://API.example/v1\"}", NULL,
     "{\"any\":false,\"name\":\"billing\",\"origins\":[\"https://api.example:443/v1\"" PLAIN},
    {BASE, "{\"base\":\"http://127.0.0.1:8080\"}", NULL,
     "{\"any\":false,\"name\":\"billing\",\"origins\":[\"http://127.0.0.1:8080/\"" PLAIN},
    /* what the config lacks is not opened */
    {BASE, "{}", NULL, "{\"any\":false,\"name\":\"billing\",\"origins\":[" PLAIN},
    {BASE, "{\"base\":null}", NULL, "{\"any\":false,\"name\":\"billing\",\"origins\":[" PLAIN},
    {IMAP, "{\"server\":\"x\"}", NULL, "{\"any\":false,\"name\":\"billing\",\"origins\":[" PLAIN},
    /* several, and those of a service of files left out */
    {BASE ", \"file:ro:{config.folder}\", " IMAP ", \"http:https://id.example/token\"",
     "{\"base\":\"https://a.example\",\"folder\":\"x\",\"server\":{\"imap\":\"imaps://"
     "m.example\"}}",
     NULL,
     "{\"any\":false,\"name\":\"billing\",\"origins\":[\"https://a.example:443/\","
     "\"imaps://m.example:993\",\"https://id.example:443/token\"" PLAIN},
    /* the policy */
    {BASE, "{\"base\":\"https://a.example\"}", both,
     "{\"allow\":[\"https://*.example.org\",\"https://api.example/v1\"],\"any\":false,"
     "\"name\":\"billing\",\"origins\":[\"https://a.example:443/\"" PLAIN},
    {BASE, "{\"base\":\"https://a.example\"}", none,
     "{\"allow\":[],\"any\":false,\"name\":\"billing\",\"origins\":[\"https://a.example:443/"
     "\"" PLAIN},
    {"\"http:*\"", "{}", both,
     "{\"allow\":[\"https://*.example.org\",\"https://api.example/v1\"],\"any\":true,"
     "\"name\":\"billing\",\"origins\":[" PLAIN},
    {"\"http:*\"", "{}", NULL, "{\"any\":false,\"name\":\"billing\",\"origins\":[" PLAIN},
};

static void tells_egress(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        manifest *m = plugin(told[i].needs);
        workspace_connection c = connection(told[i].config);
        keel_buf out = KEEL_BUF_INIT;
        diag d = {0};
        size_t count = 0;
        while (told[i].allow && told[i].allow[count]) {
            count++;
        }
        int rc = reach_body(&out, m, &c, told[i].allow, count, told[i].allow != NULL, &d);
        keel_json_error err = {0};
        if (rc || strcmp(out.data, told[i].want) != 0 || keel_json_check(out.data, out.len, &err)) {
            fail_msg("%zu: %d %s %s\n%s\n%s", i, rc, d.what, err.message, out.data, told[i].want);
        }
        keel_buf_free(&out);
        drop(&c);
        manifest_destroy(m);
    }
}

static void tells_login_and_certificates(void **state) {
    (void)state;
    manifest *m = plugin(BASE);
    workspace_connection c = connection("{\"base\":\"https://a.example\"}");
    keel_buf_puts(&c.auth, "{\"kind\":\"bearer\",\"token\":{\"secret\":\"b\"}}");
    c.ca = keel_strdup("/etc/own.pem");
    c.private = c.plain = true;
    keel_buf out = KEEL_BUF_INIT;
    keel_json_error err;
    assert_int_equal(reach_body(&out, m, &c, NULL, 0, false, NULL), 0);
    assert_string_equal(
        out.data, "{\"any\":false,\"auth\":{\"kind\":\"bearer\",\"token\":{\"secret\":\"b\"}},"
                  "\"ca\":\"/etc/own.pem\",\"name\":\"billing\","
                  "\"origins\":[\"https://a.example:443/\"],\"plain\":true,\"private\":true}");
    assert_int_equal(keel_json_check(out.data, out.len, &err), 0);
    keel_buf_free(&out);
    drop(&c);
    manifest_destroy(m);
}

static const struct {
    const char *needs, *config;
    const char *says;
} wrong[] = {
    {BASE, "{\"base\":3}", "config.base is no address that it can use: it is no text"},
    {BASE, "{\"base\":\"\"}", "config.base is no address that it can use: it is empty"},
    {BASE, "{\"base\":\"api.example\"}", "config.base is no address"},
    {BASE, "{\"base\":\"https://a.example\\u0000.evil.example\"}", "config.base is no address"},
    {BASE, "{\"base\":\"https://u:p@a.example\"}", "config.base is no address"},
    {BASE, "{\"base\":\"https://a.example/v1?key=hunter2\"}", "has no query"},
    {BASE, "{\"base\":\"https://2130706433/\"}", "config.base is no address"},
    {BASE, "{\"base\":\"imaps://m.example\"}", "http has no addresses of imaps://"},
    {IMAP, "{\"server\":{\"imap\":\"https://m.example\"}}", "config.server.imap is no address"},
    {IMAP, "{\"server\":{\"imap\":\"tls://m.example\"}}", "config.server.imap is no address"},
    {IMAP, "{\"server\":{\"imap\":\"tls://m.example:0\"}}", "config.server.imap is no address"},
};

static void refuses_with_the_place(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        manifest *m = plugin(wrong[i].needs);
        workspace_connection c = connection(wrong[i].config);
        keel_buf out = KEEL_BUF_INIT;
        diag d = {0};
        int rc = reach_body(&out, m, &c, NULL, 0, false, &d);
        if (rc != DIAG_USAGE || out.len || strcmp(d.file, "keel.yaml") != 0 || d.line != 7 ||
            d.column != 3 || !strstr(d.what, wrong[i].says) || !strstr(d.what, "billing") ||
            strstr(d.what, "hunter2") || !d.next[0]) {
            fail_msg("%s: %d %s:%d:%d %s | %s", wrong[i].config, rc, d.file, d.line, d.column,
                     d.what, d.next);
        }
        keel_buf_free(&out);
        drop(&c);
        manifest_destroy(m);
    }
}

static void knows_the_services(void **state) {
    (void)state;
    static const struct {
        const char *needs;
        bool http, stream;
    } cases[] = {
        {"", false, false},
        {"\"file:ro:x\"", false, false},
        {BASE, true, false},
        {"\"http:*\"", true, false},
        {IMAP, false, true},
        {"\"file:ro:x\", \"stream:imaps://m.example\", \"http:https://a.example\"", true, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        manifest *m = plugin(cases[i].needs);
        assert_int_equal(reach_http(m), cases[i].http);
        assert_int_equal(reach_stream(m), cases[i].stream);
        assert_int_equal(reach_any_network(m), cases[i].http || cases[i].stream);
        manifest_destroy(m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_egress),
        cmocka_unit_test(tells_login_and_certificates),
        cmocka_unit_test(refuses_with_the_place),
        cmocka_unit_test(knows_the_services),
    };
    return cmocka_run_group_tests_name("reach", tests, NULL, NULL);
}
