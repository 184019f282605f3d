/* From a plugin to a process: config, files and granted folders of one executor. */
#ifndef HOST_LAUNCH_H
#define HOST_LAUNCH_H

#include "executor.h"
#include "keel/json.h"
#include "library.h"

typedef struct launch_spec {
    const plugin *plugin;
    const char *folder;    /* the plugin's; NULL: where it is installed */
    const char *so_folder; /* where else its .so may be, or NULL */
    keel_json config;      /* a connection's; none for agents */
    /* The workspace: folders in the config that the manifest needs are made absolute ("~/" is the
     * home, others are below it), and none may hold .keel. NULL: they are absolute already. */
    const char *root;
    const char *program; /* keel-executor */
    int lock_fd;         /* as in host_spec */
    int door; /* the executor's end of a channel to egress; 0: none. Stays the caller's */
    bool unsafe;
} launch_spec;

/* host_spawn for one plugin version (and, for connectors, one connection's config). */
int launch(host_process **out, uv_loop_t *loop, const launch_spec *s, const host_events *ev,
           diag *d);

/* The folder in a connection's config as launch grants it; the caller frees it. */
char *launch_path(const char *root, const char *path);
/* Whether what runs with that config may write to the file, by a folder that it is granted. */
bool launch_writes(const char *root, const manifest *m, keel_json config, const char *file);

#endif
