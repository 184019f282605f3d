/* The files that a policy is compiled from: those that a person names, the workspace's own, or the
 * ones that are in force. Zeroed before the first use; policy_files_free after any. */
#ifndef CLI_POLICY_FILES_H
#define CLI_POLICY_FILES_H

#include "cli.h"
#include "policy.h"

typedef struct policy_files {
    policy_source *list; /* as policy_compile takes them */
    char **names;
    keel_buf *texts;
    size_t count;
} policy_files;

/* Files, and folders: all *.yaml of one, not of those below it. */
int policy_files_named(policy_files *f, const char *const *words, size_t count, diag *d);
/* policies/ as it stands, which is what `keel policy reload` would load. */
int policy_files_workspace(policy_files *f, cli *c, diag *d);
/* As the kernel read them last, from the journal. */
int policy_files_in_force(policy_files *f, cli *c, diag *d);
void policy_files_free(policy_files *f);

#endif
