/* The inner pieces of library.h. */
#ifndef LIBRARY_INT_H
#define LIBRARY_INT_H

#include <stdbool.h>

#include "library.h"

/* Where a plugin's source was seen at the last look: which of two agents of one name is meant. */
typedef enum source { SOURCE_GONE, SOURCE_SHIPPED, SOURCE_WORKSPACE } source;

typedef struct library_entry {
    plugin *plugin;
    source source;
} library_entry;

struct library {
    char *workspace;
    char *plugins; /* WORKSPACE/.keel/plugins */
    char *shipped; /* or NULL */
    char *sdk_lua;
    library_entry *entries; /* sorted by id, then version */
    size_t count;
};

#define LIBRARY_SDK_LUA "keel.lua"
#define LIBRARY_NATIVE  ".native" /* beside an installed .so: its digest */
/* What Keel adds to a service, besides its description as JSON: NULL at the end. */
extern const char *const library_engine[3];

/* ---- library_find.c ---- */

/* The first file that `a` has and `b` has not, or has otherwise; NULL: none. What Keel adds is not the
 * author's (keel.lua, a service's engine and its JSON), and manifest.yaml may be left out, for it names
 * the version. */
const char *library_difference(const plugin *a, const plugin *b, bool manifest_too);

/* ---- library.c ---- */

/* library_open without the sources. */
int library_open_installed(library **out, const char *workspace, const char *shipped,
                           const char *sdk_lua, void (*fault)(void *ctx, const diag *d), void *ctx,
                           diag *d);
/* Installs p, which it takes, beside what is there. */
int library_add(library *l, plugin *p, const char *folder, const plugin **out, diag *d);

/* ---- library_source.c ---- */

/* Names of the entries of a folder, sorted, without hidden ones; none if it is not there. */
char **library_names(const char *path, size_t *count);
void library_names_free(char **names, size_t count);
/* What is installed of a shipped folder, if nothing in that was touched since the two were compared:
 * then it need not be read. NULL: read it. */
library_entry *library_untouched(const library *l, const char *folder);
/* The digest that stands beside an installed .so. It is part of the digest of the whole; whether the
 * bytes still have it is seen by whoever loads them (native.c). */
bool library_native_digest(const char *folder, digest *out);
/* They were compared just now. */
void library_stamp(const plugin *p, source s);

/* ---- library_develop.c ---- */

/* Whether what `keel dev` has installed last of this source's version is the source as it is now,
 * or (*differs) no longer is. NULL: it has installed none. */
library_entry *library_developed(library *l, const plugin *now, bool *differs);

/* ---- library_read.c: a folder's files in memory ---- */

/* An installed folder: its owner and its digest are checked too. */
int library_read_installed(plugin **out, const char *folder, diag *d);
/* Sorts the files and takes the digest of their list. */
void library_seal(plugin *p);
const plugin_file *library_file(const plugin *p, const char *name); /* NULL: none */

/* ---- library_store.c ---- */

/* Writes p into PLUGINS/ID/VERSION, durable and at once, and sets p->folder. so_path: the .so,
 * whose bytes must have p's digest, or NULL. DIAG_CONFLICT: that version is there. */
int library_store(const char *plugins, plugin *p, const char *so_path, diag *d);
/* Removes what an installation that did not end has left. */
void library_sweep(const char *plugins);

#endif
