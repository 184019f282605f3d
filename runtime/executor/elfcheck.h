/* What a shared object says about itself, read from its bytes before anything of it is loaded: the
 * constructors of a library run inside dlopen, so this is the last look. Bounds are checked; a file
 * that is not well-formed is refused. No state. */
#ifndef ELF_CHECK_H
#define ELF_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "diag.h"

/* Refuses what is no 64-bit shared object for this machine; a search path of its own (RPATH,
 * RUNPATH), an auditor or a filter library; an executable stack or relocations in code; a library
 * that is neither of libc's own nor in `libraries`; and any exported symbol but `entry`. name: for
 * messages. 0 or DIAG_FAILED. */
int elf_check(const uint8_t *data, size_t len, const char *name, const char *entry,
              char *const *libraries, size_t library_count, diag *d);

#endif
