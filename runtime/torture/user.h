/* A workspace that somebody else wrote, under torture: copied without its record, its secrets and its
 * accounts; every connection led to a stand-in (standin.h); its agents run on the inputs of their scenes,
 * one after the other, and are answered from them. */
#ifndef USER_H
#define USER_H

#include "diag.h"
#include "scripts.h"

typedef struct user user;

typedef struct user_settings {
    const char *folder;  /* the workspace: read, never written */
    const char *shipped; /* plugins that ship */
    const char *sdk_lua; /* keel.lua */
    const char *standin; /* standin.lua */
    const char *prefix;  /* of the scripts' names, "" for none */
    bool trusted;        /* all connectors count as checked: each class is what its manifest says */
} user_settings;

/* Makes the copy that each site is made from, below the pool's folder. What was left out or could not be
 * read is told through `say`, a sentence each. */
int user_open(user **out, const user_settings *s, void (*say)(void *ctx, const char *text),
              void *ctx, diag *d);
/* One script for each agent that can be begun. */
size_t user_scripts(const user *u);
const script *user_script(const user *u, size_t i);

#endif
