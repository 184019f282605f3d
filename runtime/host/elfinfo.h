/* What a plugin's .so says of itself, read from its bytes: nothing of it is loaded or run. The
 * description is found by its magic number among the file's constants, so it is what the entry
 * function most likely returns; an executor asks the function itself. */
#ifndef HOST_ELFINFO_H
#define HOST_ELFINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"

#define ELFINFO_NAMES 32

typedef struct elf_info {
    bool described; /* the members below are known */
    int abi_major, abi_minor;
    bool agent; /* else a connector */
    char id[160], version[80];
    bool read, write, reconcile, compensate; /* a connector has a function for it */
    const char *needed[ELFINFO_NAMES];       /* libraries that it links, into the bytes */
    size_t needed_count;
    const char *exports[ELFINFO_NAMES]; /* symbols that others can see, into the bytes */
    size_t export_count;                /* all, also those that have no place above */
} elf_info;

/* 0, or DIAG_USAGE when the bytes are no 64-bit shared object. */
int elf_info_read(elf_info *out, const void *data, size_t len, const char *name, diag *d);

#endif
