/* The approver: a passphrase chosen or asked for, as a key. */
#ifndef CLI_APPROVER_H
#define CLI_APPROVER_H

#include <stdbool.h>

#include "passphrase.h"

typedef struct approver_public {
    char name[64];
    char public_key[2 * APPROVER_PUBLIC + 1];
    char salt[2 * APPROVER_SALT + 1];
} approver_public;

/* Asks for a new passphrase twice. DIAG_AUTH when there is no terminal, the two differ, or it is
 * shorter than 8 bytes. */
int approver_choose(const char *name, bool no_input, approver_public *out, diag *d);
#define APPROVER_TRIES 3
/* Whether passphrase makes the key that belongs to public_key and salt (hex); key is wiped if not. */
int approver_try(const char *public_key, const char *salt, const char *passphrase,
                 approver_key *key, bool *right, diag *d);
void approver_prompt(const char *name, char *out, size_t size); /* "Passphrase of operator: " */
/* Asks, up to three times, for the passphrase that belongs to public_key and salt (hex). */
int approver_unlock(const char *name, const char *public_key, const char *salt, approver_key *key,
                    diag *d);

#endif
