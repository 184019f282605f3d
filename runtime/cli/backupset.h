/* The files of a backup: copied durably, listed in backup.json with size and digest, and compared
 * with that list again. */
#ifndef CLI_BACKUPSET_H
#define CLI_BACKUPSET_H

#include <stdbool.h>
#include <stdint.h>

#include "diag.h"
#include "digest.h"
#include "keel/buf.h"
#include "keel/json.h"

typedef struct backup_file {
    char *name; /* as it stands in the backup: "policies/starter.yaml" */
    int64_t size;
    digest digest;
} backup_file;

typedef struct backup_set {
    backup_file *files;
    size_t count;
    int64_t bytes;
} backup_set;

/* Copies one regular file, for its owner alone; durable when it returns. */
int backup_copy_file(const char *from, const char *to, int64_t *size, digest *out, diag *d);
/* Copies the file, or the folder with all that is in it, FROM/NAME to TO/AS, and lists it. What is
 * not there is left out; symbolic links and special files are none of it. */
int backup_copy(backup_set *s, const char *from, const char *name, const char *to, const char *as,
                diag *d);
/* Lists a file of the backup `folder` that is there already. */
int backup_add(backup_set *s, const char *folder, const char *name, diag *d);
void backup_set_free(backup_set *s);

/* The array of backup.json: sorted by name. */
void backup_set_write(backup_set *s, keel_json_writer *w);
/* Reads it. false: it is none; names that lead out of the folder are none. */
bool backup_set_read(backup_set *s, keel_json files);
/* Each file of `folder` that is not as it is listed, is missing, or is not listed: `tell` is called
 * with its name and what is wrong. Returns how many. */
size_t backup_set_compare(const backup_set *s, const char *folder,
                          void (*tell)(void *ctx, const char *name, const char *what), void *ctx);
/* fsync of a folder. */
int backup_sync(const char *folder, diag *d);

#endif
