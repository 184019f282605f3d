/* Where the parts of Keel lie: beside the running program, whatever the prefix, so that a tree may
 * be moved as a whole. KEEL_LIBEXEC and KEEL_SHARE name other folders, for a build tree. All texts
 * are the caller's to free. */
#ifndef CLI_PATHS_H
#define CLI_PATHS_H

/* LIBEXEC/name: "keel-executor" */
char *path_program(const char *name);
/* SHARE/name: "plugins", "policies/starter.yaml", "lua/keel.lua", "templates/agent-lua" */
char *path_share(const char *name);
/* The folder of keel.pc (KEEL_PKGCONFIG names the folder above another). */
char *path_pkgconfig(void);
/* "file:///.../schema", for the modelines that editors read. */
char *path_schema_url(void);

#endif
