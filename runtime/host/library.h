/* The plugins of a workspace: found, checked, installed side by side by version, immutable once
 * installed. Sources: WORKSPACE/agents/NAME, WORKSPACE/connectors/NAME and the folder of shipped
 * plugins. Installed: WORKSPACE/.keel/plugins/ID/VERSION/. */
#ifndef HOST_LIBRARY_H
#define HOST_LIBRARY_H

#include "digest.h"
#include "keel/buf.h"
#include "manifest.h"

typedef struct plugin_file {
    char *name; /* relative: "triage.lua", "templates/reply.txt", "manifest.yaml", "keel.lua" (the
                   SDK library of Lua plugins) */
    keel_buf data;
    digest digest;
} plugin_file;

typedef struct plugin {
    manifest *manifest;
    char *folder;      /* where it is installed */
    plugin_file *files; /* sorted by name */
    size_t file_count;
    digest digest;     /* of the canonical list of {digest,name} */
} plugin;

void plugin_destroy(plugin *p);

typedef struct library library;

/* Installs what the sources have and is not yet there, then loads all installed plugins. A version
 * that is installed with other bytes is refused: "the same version with other content; raise version
 * in FILE". sdk_lua: the path of keel.lua, stored with every Lua plugin. A faulty plugin is reported
 * through `fault` and left out; 0 unless the workspace itself cannot be read. */
int library_open(library **out, const char *workspace, const char *shipped, const char *sdk_lua,
                 void (*fault)(void *ctx, const diag *d), void *ctx, diag *d);
void library_close(library *l);
/* Installs one folder (manifest.yaml + files) and makes it visible. */
int library_install(library *l, const char *folder, const plugin **out, diag *d);

size_t library_count(const library *l);
const plugin *library_get(const library *l, size_t i);
/* The newest version of an agent by name, or of a plugin by id ("com.keel.mail", "com.keel.mail@1",
 * "com.keel.mail@1.4.0": the newest that matches). NULL: none. */
const plugin *library_agent(const library *l, const char *name);
const plugin *library_plugin(const library *l, const char *reference, plugin_kind kind);
const plugin *library_by_digest(const library *l, const digest *d);
int semver_compare(const char *a, const char *b);

#endif
