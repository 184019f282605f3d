/* The walls around plugin code, in the order in which they rise:
 *
 *   sandbox_begin    at once: no_new_privs, death with the kernel, an empty environment, no core.
 *   sandbox_limits   memory, files, processes; no descriptor but the known ones stays open.
 *   SANDBOX_LOADING  native only, around dlopen and prepare: Landlock lets read system libraries
 * and character sets and the granted folders; no socket, no new process or program, no tracing, no
 * mounting, no signal to others. SANDBOX_FINAL    Landlock lets reach the granted folders alone, or
 * nothing; a list of allowed system calls: files only below a descriptor and only with a grant, no
 * executable memory, no thread. A call of the kind that only an attack makes ends the process
 *                    (SIGSYS); any other that is not on the list fails with EPERM.
 *
 * A constructor of a hostile .so runs behind SANDBOX_LOADING and can stay there: that wall alone
 * keeps it from the user's files, the network and other processes. SANDBOX_FINAL is for honest code
 * that hostile input has taken over. Seccomp is the wall to the network, Landlock the wall to
 * files.
 *
 * Each returns 0, or DIAG_FAILED with what is missing and what to do. */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "engine.h"

typedef enum sandbox_stage { SANDBOX_LOADING, SANDBOX_FINAL } sandbox_stage;

int sandbox_begin(void); /* -1 with errno */
int sandbox_limits(const executor_config *c, diag *d);
int sandbox_close(const executor_config *c, sandbox_stage stage, diag *d);

/* ---- the parts ---- */

/* The Landlock version of this kernel as far as Keel can use it; 0: none (needs Linux 5.19). */
int landlock_version(void);
int landlock_enforce(const executor_config *c, sandbox_stage stage, diag *d);
int filter_enforce(const executor_config *c, sandbox_stage stage, diag *d);

/* Whether this build carries a sanitizer, whose runtime needs address space and its own libraries.
 */
#if defined(__SANITIZE_ADDRESS__)
#define SANDBOX_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANDBOX_SANITIZED 1
#endif
#endif
#ifndef SANDBOX_SANITIZED
#define SANDBOX_SANITIZED 0
#endif

#endif
