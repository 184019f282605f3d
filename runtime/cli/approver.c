#include "approver.h"

#include <sodium.h>
#include <string.h>

#include "digest.h"

#define TRIES    3
#define SHORTEST 8

/* Says in *again that what was typed will not do; d says why. */
static int ask_twice(char first[PASSPHRASE_MAX], bool *again, diag *d) {
    char second[PASSPHRASE_MAX];
    int rc = passphrase_read("Passphrase to approve with (new): ", first, d);
    *again = rc == 0 && strlen(first) < SHORTEST;
    if (*again) {
        diag_set(d, DIAG_AUTH, "A passphrase of at least %d characters is needed.", SHORTEST);
        return diag_next(d, "A few words that only you would put together are best.");
    }
    rc = rc ? rc : passphrase_read("The same passphrase again: ", second, d);
    *again = rc == 0 && strcmp(first, second) != 0;
    sodium_memzero(second, sizeof second);
    if (*again) {
        diag_set(d, DIAG_AUTH, "The two passphrases differ: nothing was set.");
        return diag_next(d, "Type the same one twice.");
    }
    return rc;
}

static int ask_until_good(char passphrase[PASSPHRASE_MAX], diag *d) {
    for (int i = 1;; i++) {
        bool again;
        int rc = ask_twice(passphrase, &again, d);
        if (rc == 0 || !again || i == TRIES) {
            return rc;
        }
        fprintf(stderr, "%s %s\n", d->what, d->next);
    }
}

int approver_choose(const char *name, bool no_input, approver_public *out, diag *d) {
    char passphrase[PASSPHRASE_MAX] = "";
    uint8_t salt[APPROVER_SALT];
    approver_key key;
    if (no_input) {
        diag_set(d, DIAG_AUTH,
                 "A passphrase has to be typed, and --no-input forbids to ask for it.");
        return diag_next(d, "Run `keel approver set` in a terminal.");
    }
    int rc = ask_until_good(passphrase, d);
    randombytes_buf(salt, sizeof salt);
    rc = rc ? rc : approver_key_make(&key, passphrase, salt, d);
    sodium_memzero(passphrase, sizeof passphrase);
    if (rc) {
        return rc;
    }
    snprintf(out->name, sizeof out->name, "%s", name);
    hex_encode(out->public_key, key.public_key, sizeof key.public_key);
    hex_encode(out->salt, salt, sizeof salt);
    approver_key_wipe(&key);
    return 0;
}

/* 0, DIAG_AUTH when it is another one's, or another failure. */
static int try_once(const char *prompt, const char *public_key, const uint8_t *salt,
                    approver_key *key, bool *wrong, diag *d) {
    char passphrase[PASSPHRASE_MAX], made[2 * APPROVER_PUBLIC + 1];
    int rc = passphrase_read(prompt, passphrase, d);
    rc = rc ? rc : approver_key_make(key, passphrase, salt, d);
    sodium_memzero(passphrase, sizeof passphrase);
    if (rc == 0) {
        hex_encode(made, key->public_key, sizeof key->public_key);
        *wrong = strcmp(made, public_key) != 0;
    }
    return rc;
}

int approver_unlock(const char *name, const char *public_key, const char *salt, approver_key *key,
                    diag *d) {
    uint8_t bytes[APPROVER_SALT];
    char prompt[160];
    if (hex_decode(bytes, sizeof bytes, salt, strlen(salt)) != APPROVER_SALT) {
        return diag_set(d, DIAG_STORAGE, "The approver's salt in the database is damaged.");
    }
    snprintf(prompt, sizeof prompt, "Passphrase of %.100s: ", name);
    for (int i = 1; i <= TRIES; i++) {
        bool wrong = false;
        int rc = try_once(prompt, public_key, bytes, key, &wrong, d);
        if (rc || !wrong) {
            return rc;
        }
        approver_key_wipe(key);
        if (i < TRIES) {
            fprintf(stderr, "That is not the passphrase.\n");
        }
    }
    diag_set(d, DIAG_AUTH, "That is not the passphrase of %s: nothing was done.", name);
    return diag_next(d, "Try again; it cannot be found again if it is lost.");
}
