/* Secrets: where they are, and reading one. Used by egress, and by `keel secret`. Memory that holds
 * one is locked, kept out of cores and wiped. All of it is of one thread. */
#ifndef EGRESS_SECRET_H
#define EGRESS_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "diag.h"
#include "keel/json.h"

#define SECRET_LIMIT 16384 /* bytes */

typedef struct secret {
    char *data; /* NUL behind it; from secret_alloc, so only for secret_free */
    size_t len;
} secret;

/* Room for len bytes, to be filled; a NUL stands behind it. */
void secret_alloc(secret *out, size_t len);
/* Wipes it. A secret without data will do. */
void secret_free(secret *s);

typedef struct secret_places {
    const char *folder;      /* .keel/secrets */
    const char *credentials; /* $CREDENTIALS_DIRECTORY, or NULL */
    keel_json declared;      /* keel.yaml `secrets:` {NAME:{"command":[...]}|{"credential":S}} */
} secret_places;

/* Small letters, digits, "-", "_", "."; begins with a letter or digit; at most 63 bytes. */
bool secret_name_ok(const char *name);
/* One trailing newline is not part of it. DIAG_NOT_FOUND: no such secret, and how to set it;
 * DIAG_AUTH: the file is open to others; DIAG_FAILED: the command failed (its exit status, never
 * its output), took over 10 s, or gave nothing, NUL or over SECRET_LIMIT. */
int secret_read(secret *out, const secret_places *places, const char *name, diag *d);
/* Durable: temporary file 0600, fsync, rename, fsync of the folder (made 0700). One newline at the
 * end is not part of it, as in reading. DIAG_USAGE: nothing, NUL or over SECRET_LIMIT, or a secret
 * that keel.yaml declares elsewhere. */
int secret_write(const secret_places *places, const char *name, const char *data, size_t len,
                 diag *d);
/* What secret_write and secret_remove say of the name, before a value is asked for. */
int secret_may_change(const secret_places *places, const char *name, diag *d);
int secret_remove(const secret_places *places, const char *name, diag *d);
/* Calls `each` for every secret, sorted by name: where is "file", "command" or "credential"; bytes
 * as they lie on the disk, -1 and changed_us 0 where that is not known without reading it. */
int secret_list(const secret_places *places,
                void (*each)(void *ctx, const char *name, const char *where, long long bytes,
                             long long changed_us),
                void *ctx, diag *d);

#endif
