/* Where the parts of Keel lie: beside the running program, whatever the prefix, so that a tree may
 * be moved as a whole. KEEL_LIBEXEC and KEEL_SHARE name other folders, for a build tree. All texts
 * are the caller's to free. */
#ifndef CLI_PATHS_H
#define CLI_PATHS_H

char *path_program(const char *name); /* LIBEXEC/name: "keel-executor" */
char *
path_share(const char *name); /* SHARE/name: "plugins", "policies/starter.yaml", "lua/keel.lua" */

#endif
