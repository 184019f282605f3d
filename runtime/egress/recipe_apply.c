#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recipe_int.h"

/* ---- memory that is wiped ---- */

void recipe_join(secret *out, const piece *pieces, size_t count) {
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        len += pieces[i].len;
    }
    secret_alloc(out, len);
    char *at = out->data;
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].len) {
            memcpy(at, pieces[i].data, pieces[i].len);
            at += pieces[i].len;
        }
    }
}

static piece text(const char *s) {
    return (piece){s ? s : "", s ? strlen(s) : 0};
}

static piece of(const secret *s) {
    return (piece){s->data, s->len};
}

int recipe_secret(secret *out, const secret_places *places, const char *name, bool spaces,
                  diag *d) {
    int rc = secret_read(out, places, name, d);
    if (rc) {
        return rc;
    }
    for (size_t i = 0; i < out->len; i++) {
        unsigned char c = (unsigned char)out->data[i];
        bool edge = i == 0 || i == out->len - 1;
        const char *what = c < ' ' || c == 0x7f  ? "a line break or another control character"
                           : c == ' ' && !spaces ? "a blank"
                           : c == ' ' && edge && spaces ? "a blank at its beginning or end"
                                                        : NULL;
        if (what) {
            secret_free(out);
            diag_set(d, DIAG_FAILED, "The secret `%s` has %s, which cannot be sent.", name, what);
            return diag_next(d,
                             "Set it anew with `keel secret set %s`, without what was copied "
                             "along with it.",
                             name);
        }
    }
    return 0;
}

/* ---- headers ---- */

static void add_header(recipe_headers *out, const char *name, const char *prefix, piece value) {
    piece pieces[] = {text(name), text(": "), text(prefix), value};
    recipe_join(&out->lines[out->count++], pieces, 4);
}

static void base64(secret *out, const void *data, size_t len) {
    size_t room = sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_ORIGINAL);
    secret_alloc(out, room - 1); /* the room counts the NUL */
    sodium_bin2base64(out->data, room, data, len, sodium_base64_VARIANT_ORIGINAL);
}

/* RFC 7617, in UTF-8. */
static void add_basic(recipe_headers *out, const recipe *r, const secret *password) {
    secret pair;
    secret encoded;
    piece pieces[] = {text(r->user), text(":"), of(password)};
    recipe_join(&pair, pieces, 3);
    base64(&encoded, pair.data, pair.len);
    add_header(out, "Authorization", "Basic ", of(&encoded));
    secret_free(&pair);
    secret_free(&encoded);
}

/* What is signed comes in pieces, so that a body is not copied. Returns the digest's length. */
static size_t sign(unsigned char mac[64], bool sha512, const secret *key, const piece *pieces,
                   size_t count) {
    crypto_auth_hmacsha256_state small;
    crypto_auth_hmacsha512_state large;
    if (sha512) {
        crypto_auth_hmacsha512_init(&large, (unsigned char *)key->data, key->len);
    } else {
        crypto_auth_hmacsha256_init(&small, (unsigned char *)key->data, key->len);
    }
    for (size_t i = 0; i < count; i++) {
        const unsigned char *data = (const unsigned char *)pieces[i].data;
        if (sha512) {
            crypto_auth_hmacsha512_update(&large, data, pieces[i].len);
        } else {
            crypto_auth_hmacsha256_update(&small, data, pieces[i].len);
        }
    }
    if (sha512) {
        crypto_auth_hmacsha512_final(&large, mac);
    } else {
        crypto_auth_hmacsha256_final(&small, mac);
    }
    sodium_memzero(&small, sizeof small);
    sodium_memzero(&large, sizeof large);
    return sha512 ? 64 : 32;
}

static void add_hmac(recipe_headers *out, const recipe *r, const secret *key, const void *body,
                     size_t len, int64_t now_s) {
    char stamp[24];
    char digits[129];
    unsigned char mac[64];
    bool stamped = r->over && strcmp(r->over, "timestamp.body") == 0;
    snprintf(stamp, sizeof stamp, "%lld", (long long)now_s);
    piece pieces[] = {text(stamped ? stamp : ""), text(stamped ? "." : ""), {body, len}};
    bool sha512 = r->digest && strcmp(r->digest, "sha512") == 0;
    size_t n = sign(mac, sha512, key, pieces, 3);
    if (r->encoding && strcmp(r->encoding, "base64") == 0) {
        sodium_bin2base64(digits, sizeof digits, mac, n, sodium_base64_VARIANT_ORIGINAL);
    } else {
        sodium_bin2hex(digits, sizeof digits, mac, n);
    }
    add_header(out, r->header, r->prefix, text(digits));
    if (r->timestamp_header) {
        add_header(out, r->timestamp_header, NULL, text(stamp));
    }
}

static int not_for(diag *d, const char *what) {
    return diag_set(d, DIAG_FAILED, "This login is not one for %s.", what);
}

int recipe_apply(recipe_headers *out, const recipe *r, const secret_places *places,
                 const char *method, const char *url, const void *body, size_t len, int64_t now_s,
                 diag *d) {
    (void)method; /* what a recipe to come may sign */
    (void)url;
    out->count = 0;
    if (r->kind == RECIPE_NONE) {
        return 0;
    }
    if (!recipe_for_http(r) || r->kind == RECIPE_OAUTH2_REFRESH) {
        return not_for(d, "requests without an access token");
    }
    secret s;
    int rc = r->kind == RECIPE_HMAC /* a key is signed with, never sent */
                 ? secret_read(&s, places, r->main, d)
                 : recipe_secret(&s, places, r->main, r->kind != RECIPE_BEARER, d);
    if (rc) {
        return rc;
    }
    switch (r->kind) {
    case RECIPE_BASIC:
        add_basic(out, r, &s);
        break;
    case RECIPE_BEARER:
        add_header(out, "Authorization", "Bearer ", of(&s));
        break;
    case RECIPE_HEADER:
        add_header(out, r->name, r->prefix, of(&s));
        break;
    default:
        add_hmac(out, r, &s, body, len, now_s);
        break;
    }
    secret_free(&s);
    return 0;
}

void recipe_headers_free(recipe_headers *h) {
    for (size_t i = 0; i < h->count; i++) {
        secret_free(&h->lines[i]);
    }
    h->count = 0;
}

/* ---- streams ---- */

int recipe_login(const recipe *r, const secret_places *places, keel_buf *user, secret *password,
                 bool *token, diag *d) {
    if (r->kind != RECIPE_SASL_PLAIN && r->kind != RECIPE_XOAUTH2) {
        return not_for(d, "streams without an access token");
    }
    bool oauth = r->kind == RECIPE_XOAUTH2;
    int rc = recipe_secret(password, places, r->main, !oauth, d);
    if (rc == 0) {
        keel_buf_puts(user, r->user);
        *token = oauth;
    }
    return rc;
}
