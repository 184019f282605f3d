/* The plugins of a workspace: found, checked, installed side by side by version, immutable once
 * installed. Sources: WORKSPACE/agents/NAME, WORKSPACE/connectors/NAME and the folder of shipped
 * plugins. Installed: WORKSPACE/.keel/plugins/ID/VERSION/.
 *
 * A plugin's files are its manifest, its entry, every other .lua beside a Lua entry, its templates
 * and schemas, and for Lua the SDK's library as "keel.lua"; a service's are also its description as
 * JSON and the engine that runs it (manifest.h). All else in its folder is left alone.
 * Symbolic links are refused. An installation is a folder made elsewhere, synced and renamed: it is
 * there as a whole or not at all. One owner, one thread. */
#ifndef HOST_LIBRARY_H
#define HOST_LIBRARY_H

#include "digest.h"
#include "keel/buf.h"
#include "manifest.h"

typedef struct plugin_file {
    char *name; /* relative: "triage.lua", "templates/reply.txt", "manifest.yaml", "keel.lua" (the
                   SDK library of Lua plugins) */
    keel_buf data; /* empty for a .so: host_spawn maps it from the folder */
    digest digest;
} plugin_file;

typedef struct plugin {
    manifest *manifest;
    char *folder;       /* where it is installed */
    plugin_file *files; /* sorted by name */
    size_t file_count;
    digest digest; /* of the canonical list of {digest,name} */
    bool checked;  /* a connector that ships, or has passed the conformance kit as it is */
} plugin;

/* What is promised of a verb: as the manifest says, but every write of a connector that is not
 * checked is sent at most once, since nobody has shown that a repeat or a look is sound. */
effect_class plugin_verb_class(const plugin *p, const manifest_resource *r, manifest_verb_id v);

void plugin_destroy(plugin *p);

/* An author's folder in memory, checked as for an installation; nothing is installed, and `folder`
 * of it is NULL. sdk_lua: where keel.lua comes from; so_folder: where else a .so may be, or NULL. */
int library_read_source(plugin **out, const char *folder, const char *sdk_lua,
                        const char *so_folder, diag *d);

/* A plugin of files that were stored elsewhere (the journal keeps those of every version): name, data
 * and digest of each, taken over. Nothing is installed; `folder`, where its .so is, may be NULL. from
 * stands in messages. */
int library_of_files(plugin **out, plugin_file *files, size_t count, const char *from,
                     const char *folder, diag *d);

typedef struct library library;

/* Installs what the sources have and is not yet there, then loads all installed plugins. A version
 * that is installed with other bytes is refused: "the same version with other content; raise
 * version in FILE"; what is installed stays in force. Not compared: keel.lua and a service's
 * engine, of which each version keeps the ones that it was installed with (sdk_lua: the path of
 * keel.lua, beside which the engine is). A faulty plugin is reported through
 * `fault` and left out; 0 unless the workspace itself cannot be read. `shipped` may be NULL. */
int library_open(library **out, const char *workspace, const char *shipped, const char *sdk_lua,
                 void (*fault)(void *ctx, const diag *d), void *ctx, diag *d);
void library_close(library *l);
/* Whether both hold the same plugins, from the same places, and think the same of them. */
bool library_same(const library *a, const library *b);
/* Installs one folder (manifest.yaml + files) and makes it visible. A .so that is not there is
 * looked for in the shipped plugin of the same folder name: the place where a build puts it. What
 * is already installed with the same bytes is found, not copied. */
int library_install(library *l, const char *folder, const plugin **out, diag *d);

/* What `keel dev` does on each save: installs the folder as VERSION+dev.N.DIGEST, where N counts the
 * saves of that VERSION, so that the newest one is the newest version; what is in force already is
 * found, not installed again. Of the sources nothing else is looked at. `version` gets the one that
 * is in force now, fresh whether it was installed by this call. fault: as library_open has it. */
typedef struct library_save {
    char version[160];
    bool fresh;
    digest source; /* of the folder as it is */
    digest plugin; /* of what is installed */
} library_save;
int library_develop(const char *workspace, const char *sdk_lua, const char *folder,
                    library_save *out, void (*fault)(void *ctx, const diag *d), void *ctx, diag *d);

size_t library_count(const library *l);
const plugin *library_get(const library *l, size_t i);
/* The newest version of an agent by name, or of a plugin by id ("com.keel.mail", "com.keel.mail@1",
 * "com.keel.mail@1.4.0": the newest that matches). A pre-release is taken only if it is named in
 * full or nothing else matches. Of two agents with one name, the workspace's own goes before a
 * shipped one, and that before one whose source is gone. NULL: none. */
const plugin *library_agent(const library *l, const char *name);
const plugin *library_plugin(const library *l, const char *reference, plugin_kind kind);
const plugin *library_by_digest(const library *l, const digest *d);

/* Order of two versions as semver.org 2.0 has it; versions that differ only behind a + are ordered
 * by their bytes. <0, 0, >0. */
int semver_compare(const char *a, const char *b);
bool semver_prerelease(const char *version);
/* How many bytes of a version are its author's: without what `keel dev` puts behind it. */
size_t semver_author(const char *version);
/* Whether a version matches "1", "1.4" or "1.4.0"; the last form also matches 1.4.0+BUILD. */
bool semver_matches(const char *version, const char *wanted);

#endif
