#include "approver.h"

#include <sodium.h>
#include <string.h>

#include "digest.h"

#define SHORTEST 8

/* Says in *again that what was typed will not do; d says why. */
static int ask_twice(char first[PASSPHRASE_MAX], bool *again, diag *d) {
    char second[PASSPHRASE_MAX];
    passphrase_hold(second, sizeof second);
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
        if (rc == 0 || !again || i == APPROVER_TRIES) {
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
    passphrase_hold(passphrase, sizeof passphrase);
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

int approver_try(const char *public_key, const char *salt, const char *passphrase,
                 approver_key *key, bool *right, diag *d) {
    uint8_t bytes[APPROVER_SALT];
    char made[2 * APPROVER_PUBLIC + 1];
    if (hex_decode(bytes, sizeof bytes, salt, strlen(salt)) != APPROVER_SALT) {
        return diag_set(d, DIAG_STORAGE, "The approver's salt in the database is damaged.");
    }
    int rc = approver_key_make(key, passphrase, bytes, d);
    if (rc == 0) {
        hex_encode(made, key->public_key, sizeof key->public_key);
        *right = strcmp(made, public_key) == 0;
        if (!*right) {
            approver_key_wipe(key);
        }
    }
    return rc;
}

static int ask_once(const char *prompt, const char *public_key, const char *salt, approver_key *key,
                    bool *right, diag *d) {
    char passphrase[PASSPHRASE_MAX];
    passphrase_hold(passphrase, sizeof passphrase);
    int rc = passphrase_read(prompt, passphrase, d);
    rc = rc ? rc : approver_try(public_key, salt, passphrase, key, right, d);
    sodium_memzero(passphrase, sizeof passphrase);
    return rc;
}

void approver_prompt(const char *name, char *out, size_t size) {
    snprintf(out, size, "Passphrase of %.100s: ", name);
}

int approver_unlock(const char *name, const char *public_key, const char *salt, approver_key *key,
                    diag *d) {
    char prompt[160];
    approver_prompt(name, prompt, sizeof prompt);
    for (int i = 1; i <= APPROVER_TRIES; i++) {
        bool right = false;
        int rc = ask_once(prompt, public_key, salt, key, &right, d);
        if (rc || right) {
            return rc;
        }
        if (i < APPROVER_TRIES) {
            fprintf(stderr, "That is not the passphrase.\n");
        }
    }
    diag_set(d, DIAG_AUTH, "That is not the passphrase of %s: nothing was done.", name);
    return diag_next(d, "Try again; it cannot be found again if it is lost.");
}
