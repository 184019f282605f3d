/* The approver who signs: found in the workspace, unlocked with his passphrase, wiped after use. */
#ifndef CLI_SIGNER_H
#define CLI_SIGNER_H

#include "approver.h"
#include "card.h"

typedef struct signer {
    cli_row row; /* name, public_key, salt */
    approver_key key;
    char *incarnation;
} signer;

enum { SIGNER_NAME, SIGNER_PUBLIC_KEY, SIGNER_SALT };

/* Who approves here; the key is still to be unlocked. DIAG_AUTH when nobody does. */
int signer_find(cli *c, signer *s, diag *d);
/* The same, unlocked on the terminal: `what` needs it, the command of these words asks. */
int signer_open(cli *c, signer *s, const char *what, const char *words, diag *d);
void signer_finish(signer *s);
/* The arguments of the kernel's `approve`, for exactly these cards, as they were loaded; remember: for
 * what they offer to be remembered for. */
void signer_approve(const signer *s, card *const *cards, size_t count, bool remember,
                    keel_buf *out);
int signer_may_remember(const card *k, diag *d); /* 0, or DIAG_DENIED: it offers nothing */
/* The arguments of `override`, for what override.plan has shown. */
void signer_override(const signer *s, const char *signs, uint64_t run, const char *path,
                     const char *why, keel_buf *out);

#endif
