/* Login recipes: what `auth:` of a connection says, checked once, applied to each request. The words
 * are in sdk/README.md ("Connections"). */
#ifndef EGRESS_RECIPE_H
#define EGRESS_RECIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "keel/buf.h"
#include "keel/json.h"
#include "secret.h"

typedef enum recipe_kind {
    RECIPE_NONE,
    RECIPE_BASIC,         /* {kind: basic, user, password: {secret}} */
    RECIPE_BEARER,        /* {kind: bearer, token: {secret}} */
    RECIPE_HEADER,        /* {kind: header, name, value: {secret}, prefix?} */
    RECIPE_SASL_PLAIN,    /* {kind: sasl-plain, user, password: {secret}}: streams */
    RECIPE_XOAUTH2,       /* {kind: xoauth2, user, token: {secret}}: streams */
    RECIPE_HMAC,          /* {kind: hmac, key: {secret}, header, digest: sha256|sha512?,
                              encoding: hex|base64?, prefix?, over: body|"timestamp.body"?,
                              timestamp_header?}: of requests */
    RECIPE_OAUTH2_REFRESH /* {kind: oauth2-refresh, token_url, client_id, client_secret: {secret}?,
                              refresh_token: {secret}, scope?, user?}: bearer, and xoauth2 with user */
} recipe_kind;

typedef struct recipe recipe;

/* auth: canonical JSON, or none (RECIPE_NONE). DIAG_USAGE names the key that is wrong, missing or
 * unknown, and that a secret is written as {secret: NAME}: never a value. */
int recipe_parse(recipe **out, keel_json auth, diag *d);
void recipe_destroy(recipe *r);
recipe_kind recipe_kind_of(const recipe *r);
bool recipe_for_http(const recipe *r);
bool recipe_for_stream(const recipe *r);
/* Whether auth is a recipe (as recipe_parse), and one that a connection with these services can use:
 * what is checked before anything runs. */
int recipe_check(keel_json auth, bool http, bool stream, diag *d);
/* Names of the secrets that it uses, NULL at the end. */
const char *const *recipe_secrets(const recipe *r);

/* What is added to a request: header lines "Name: value", in memory that is wiped. */
typedef struct recipe_headers {
    secret lines[4];
    size_t count;
} recipe_headers;
/* For basic, bearer, header, hmac. `now_s`: wall clock. */
int recipe_apply(recipe_headers *out, const recipe *r, const secret_places *places,
                 const char *method, const char *url, const void *body, size_t len, int64_t now_s,
                 diag *d);
void recipe_headers_free(recipe_headers *h);

/* For streams: user, and password or (oauth) token. */
int recipe_login(const recipe *r, const secret_places *places, keel_buf *user, secret *password,
                 bool *token, diag *d);

/* oauth2-refresh: the request that gets a new access token (form body, wiped by the caller through
 * secret_free), and what its answer says: the access token, how long it holds, and a rotated refresh
 * token, which is written with secret_write before this returns. */
int recipe_refresh_request(const recipe *r, const secret_places *places, const char **url,
                           secret *body, diag *d);
int recipe_refresh_answer(const recipe *r, const secret_places *places, int status,
                          const char *body, size_t len, secret *access, int64_t *holds_s, diag *d);
const char *recipe_user(const recipe *r);      /* oauth2-refresh with a user; else NULL */
const char *recipe_token_url(const recipe *r); /* oauth2-refresh; else NULL */

#endif
