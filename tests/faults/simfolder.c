/* The workspace of the simulation, on disk: two agents, a connector, a policy. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsio.h"
#include "simworld.h"

static const char keel_yaml[] =
    "version: 1\nname: sim\nconnections:\n"
    "  out: { use: \"org.example.out@1\", config: { folder: \"out\" } }\n";
#define CONNECTOR(needs)                                                                           \
    "id: org.example.out\nkind: connector\nversion: 1.0.0\nentry: out.lua\n"                       \
    "needs: [ \"" needs "\" ]\nresources:\n"                                                       \
    "  keyed: { read: {}, write: { class: keyed, window: 24h, undo: compensate },\n"               \
    "    compensate: { class: checkable, settle: 5s } }\n"                                         \
    "  checkable: { write: { class: checkable, settle: 5s } }\n"                                   \
    "  once: { write: { class: once, undo: compensate }, compensate: { class: once } }\n"          \
    "  repeatable: { write: { class: repeatable } }\n"                                             \
    "  denied: { write: { class: once } }\n"                                                       \
    "  words: { read: { returns: untrusted } }\n"
static const char policy_yaml[] =
    "version: 1\nrules:\n"
    "  - { id: free, on: \"out.keyed.write\", allow: {} }\n"
    "  - { id: asked, on: \"out.checkable.write\", ask: {} }\n"
    "  - { id: once, on: \"out.once.write\", allow: {} }\n"
    "  - { id: back, on: \"out.once.compensate\", ask: {} }\n"
    "  - { id: often, on: \"out.repeatable.write\", allow: {} }\n"
    "  - { id: children, on: run.spawn, allow: {} }\n"
    "  - { id: counted, on: \"*\", deny: { count: { per: 366d, gt: 5000 } } }\n" /* I12 */
    "budgets:\n  - { id: all, scope: workspace, limit: 60 calls, window: none }\n"
    "  - { id: tree, each: run_tree, limit: 50 calls }\n";

void sim_put(const char *root, const char *name, const char *text) {
    char path[256], *slash;
    snprintf(path, sizeof path, "%s/%s", root, name);
    slash = strrchr(path, '/');
    *slash = 0;
    fsio_mkdirs(path, 0700, NULL);
    *slash = '/';
    if (fsio_write_atomic(path, text, strlen(text), 0600, NULL)) {
        abort();
    }
}

void sim_folder(char root[128]) {
    snprintf(root, 128, "/tmp/keel-sim-XXXXXX");
    if (!mkdtemp(root)) {
        abort();
    }
    sim_put(root, "keel.yaml", keel_yaml);
    sim_put(root, "policies/p.yaml", policy_yaml);
    sim_put(root, "connectors/out/manifest.yaml", CONNECTOR("file:rw:{config.folder}"));
    sim_put(root, "connectors/out/out.lua", "return nil\n");
    sim_put(root, "agents/boss/manifest.yaml",
            "id: org.example.boss\nkind: agent\nname: boss\nversion: 1.0.0\nentry: boss.lua\n");
    sim_put(root, "agents/boss/boss.lua", "return nil\n");
    sim_put(
        root, "agents/helper/manifest.yaml",
        "id: org.example.helper\nkind: agent\nname: helper\nversion: 1.0.0\nentry: helper.lua\n");
    sim_put(root, "agents/helper/helper.lua", "return nil\n");
    sim_put(root, "lua/keel.lua", "return {}\n");
    sim_put(root, "state/none", "");
    sim_put(root, "shipped/none", "");
}

void sim_network(const char *root) {
    sim_put(root, "connectors/out/manifest.yaml", CONNECTOR("http:https://out.example/"));
}

void sim_folder_remove(const char *root) {
    fsio_remove_tree(AT_FDCWD, root, NULL);
}
