/* A small world for the policy tests: agents a to d and triage; connections c1 and c2 of a plain
 * connector, inbox of a mail connector. */
#ifndef POLICY_WORLD_H
#define POLICY_WORLD_H

#include <stdlib.h>
#include <string.h>

#include "policy.h"

static const char *const test_agents[] = {"a", "b", "c", "d", "triage"};

static manifest *test_manifest(const char *text) {
    manifest *m = NULL;
    diag d = {0};
    if (manifest_parse(&m, "m.yaml", text, strlen(text), &d)) {
        diag_print(stderr, &d);
        abort();
    }
    return m;
}

static policy_world test_world(void) {
    static const char head[] = "kind: connector\nversion: 1.0.0\nentry: x.lua\n";
    static const char plain[] = "id: com.example.plain\nresources:\n"
                                "  r1: { read: {}, write: { class: once } }\n"
                                "  r2: { write: { class: keyed, window: 1h } }\n";
    static const char mail[] =
        "id: com.example.mail\nresources:\n"
        "  message:\n    read: { returns: untrusted }\n"
        "    write: { class: checkable, sink: external }\n"
        "    attributes: { to_domain: { of: [to, cc, bcc], fn: domain },\n"
        "      recipients: { of: [to, cc, bcc], fn: count }, size: { of: body, fn: length },\n"
        "      client: { of: client.id } }\n";
    keel_buf text = KEEL_BUF_INIT;
    policy_connection *c = keel_alloc(3 * sizeof *c);
    keel_buf_printf(&text, "%s%s", head, plain);
    manifest *m = test_manifest(text.data);
    c[0] = (policy_connection){"c1", m};
    c[1] = (policy_connection){"c2", m};
    keel_buf_clear(&text);
    keel_buf_printf(&text, "%s%s", head, mail);
    c[2] = (policy_connection){"inbox", test_manifest(text.data)};
    keel_buf_free(&text);
    return (policy_world){test_agents, 5, c, 3, NULL, 0};
}

static void test_world_free(policy_world *w) {
    manifest_destroy((manifest *)w->connections[0].plugin);
    manifest_destroy((manifest *)w->connections[2].plugin);
    free((void *)w->connections);
}

#endif
