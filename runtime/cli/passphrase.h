/* The approver's passphrase: read from the terminal that a person sits at, never from a file, a
 * flag or standard input; and the key that is made from it (control.h says how). */
#ifndef CLI_PASSPHRASE_H
#define CLI_PASSPHRASE_H

#include <stddef.h>
#include <stdint.h>

#include "diag.h"

#define PASSPHRASE_MAX  256
#define APPROVER_SALT   16
#define APPROVER_PUBLIC 32
#define APPROVER_SECRET 64
#define APPROVER_SIGNED 64

/* Before a passphrase comes into this process: no other process of this user may read its memory or
 * trace it from here on, and it leaves no core. DIAG_AUTH when one traces it already. */
int passphrase_guard(diag *d);
/* What is to hold a passphrase or a key stays out of swap, where the limits let it. Wipe it after use. */
void passphrase_hold(const void *at, size_t size);

/* Shows `prompt` on /dev/tty and reads a line without echo, without its newline. DIAG_AUTH when
 * there is no terminal, or the line is empty. Wipe the text after use. */
int passphrase_read(const char *prompt, char out[PASSPHRASE_MAX], diag *d);

/* The same for other lines that nobody may see, of up to size - 1 bytes; `noun` is what the messages
 * call it. A terminal itself takes no line of more than 4095 bytes. */
int hidden_read(const char *prompt, const char *noun, char *out, size_t size, diag *d);

typedef struct approver_key {
    uint8_t public_key[APPROVER_PUBLIC];
    uint8_t secret[APPROVER_SECRET];
} approver_key;

/* Takes about half a second and 64 MiB. */
int approver_key_make(approver_key *key, const char *passphrase, const uint8_t salt[APPROVER_SALT],
                      diag *d);
void approver_key_wipe(approver_key *key);
void approver_sign(const approver_key *key, const void *bytes, size_t len,
                   uint8_t signature[APPROVER_SIGNED]);

#endif
