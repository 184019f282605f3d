/* The seed of the key that signs heads: a file beside the anchor, outside of the workspace. */
#include <string.h>
#include <sys/stat.h>

#include "fsio.h"
#include "private.h"

enum { SEED_TEXT = 2 * crypto_sign_SEEDBYTES };

static int make_seed(const char *path, diag *d) {
    uint8_t seed[crypto_sign_SEEDBYTES];
    char text[SEED_TEXT + 2];
    randombytes_buf(seed, sizeof seed);
    hex_encode(text, seed, sizeof seed);
    text[SEED_TEXT] = '\n';
    int rc = fsio_write_atomic(path, text, SEED_TEXT + 1, 0600, d);
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(text, sizeof text);
    return rc;
}

static int missing(const char *path, diag *d) {
    diag_set(d, DIAG_STORAGE, "the key that signs this workspace's heads is missing: %s", path);
    diag_next(d, "put the file back where it was, from a backup of its folder");
    return DIAG_STORAGE;
}

static int no_key(const char *path, diag *d) {
    diag_set(d, DIAG_STORAGE, "%s holds no signing key", path);
    diag_next(d, "put the file back where it was, from a backup of its folder");
    return DIAG_STORAGE;
}

static int check_mode(const char *path, diag *d) {
    struct stat st;
    if (stat(path, &st) == 0 && (st.st_mode & 077) != 0) {
        diag_set(d, DIAG_STORAGE, "the signing key %s can be read by others", path);
        diag_next(d, "`chmod 600 %.300s`; if somebody may have copied it, tell who audits you",
                  path);
        return DIAG_STORAGE;
    }
    return 0;
}

static int read_seed(const char *path, bool create, keel_buf *text, diag *d) {
    int rc = fsio_read(path, 4096, text, d);
    if (rc == DIAG_NOT_FOUND && create) {
        return make_seed(path, d) < 0 ? DIAG_STORAGE : fsio_read(path, 4096, text, d);
    }
    return rc == DIAG_NOT_FOUND ? missing(path, d) : rc;
}

int anchor_key_load(anchor_key *key, const char *path, bool create, diag *d) {
    uint8_t seed[crypto_sign_SEEDBYTES];
    keel_buf text = KEEL_BUF_INIT;
    int rc = read_seed(path, create, &text, d);
    if (rc == 0) {
        rc = check_mode(path, d);
    }
    if (rc == 0 && (text.len < SEED_TEXT || text.len > SEED_TEXT + 1 ||
                    hex_decode(seed, sizeof seed, text.data, SEED_TEXT) != (int)sizeof seed)) {
        rc = no_key(path, d);
    }
    if (rc == 0) {
        crypto_sign_seed_keypair(key->public_key, key->secret, seed);
    }
    sodium_memzero(seed, sizeof seed);
    if (text.len > 0) {
        sodium_memzero(text.data, text.len);
    }
    keel_buf_free(&text);
    return rc < 0 ? DIAG_STORAGE : 0;
}

int store_sign(const char *key_path, const char *public_key, const digest *of, char out[129],
               diag *d) {
    anchor_key key;
    uint8_t signature[crypto_sign_BYTES];
    char hex[65];
    if (anchor_key_load(&key, key_path, false, d) < 0) {
        return DIAG_STORAGE;
    }
    hex_encode(hex, key.public_key, sizeof key.public_key);
    bool own = strcmp(hex, public_key) == 0;
    crypto_sign_detached(signature, NULL, of->bytes, DIGEST_SIZE, key.secret);
    sodium_memzero(&key, sizeof key);
    hex_encode(out, signature, sizeof signature);
    return own ? 0 : no_key(key_path, d);
}

bool store_signed(const char *public_key, const digest *of, const char *signature) {
    uint8_t key[crypto_sign_PUBLICKEYBYTES], bytes[crypto_sign_BYTES];
    return hex_decode(key, sizeof key, public_key, strlen(public_key)) == (int)sizeof key &&
           hex_decode(bytes, sizeof bytes, signature, strlen(signature)) == (int)sizeof bytes &&
           crypto_sign_verify_detached(bytes, of->bytes, DIGEST_SIZE, key) == 0;
}
