/* What `keel connector check` leaves in a workspace when nothing failed: WORKSPACE/.keel/checks/
 * DIGEST.json, named by the digest of the plugin's files, so that a change of any byte makes it void.
 * No state; any thread. */
#ifndef HOST_CHECK_RECEIPT_H
#define HOST_CHECK_RECEIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "diag.h"
#include "digest.h"

/* Receipts of kits before this one are void: they checked less. */
#define CHECK_RECEIPT_KIT 2

typedef struct check_receipt {
    const char *id, *version; /* of the plugin, for people */
    digest plugin;
    int64_t at_us; /* wall clock */
    int passed, skipped;
} check_receipt;

/* 0 or a DIAG_ code. */
int check_receipt_write(const char *workspace_keel_dir, const check_receipt *r, diag *d);
/* Whether the plugin with these files has passed. false for anything that is not such a receipt. */
bool check_receipt_valid(const char *workspace_keel_dir, const digest *plugin);
/* What holds for a source holds for the version that `keel dev` makes of it, which differs from it in
 * the manifest's `version` alone. 0, also when there is no receipt for the source. */
int check_receipt_carry(const char *workspace_keel_dir, const digest *source, const char *id,
                        const char *version, const digest *save, diag *d);

#endif
