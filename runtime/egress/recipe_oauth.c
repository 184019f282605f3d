/* oauth2-refresh (RFC 6749, section 6): the request, and what its answer says. */
#include <ctype.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "recipe_int.h"
#include "scrub.h"

#define ANSWER_LIMIT  65536
#define HOLDS_DEFAULT 300 /* where the answer does not say: soon asked for again */
#define HOLDS_LIMIT   (366 * 86400)
#define LONGEST_WORD  24 /* of an error's text; what is longer may be a token */

/* ---- the request ---- */

static size_t form_encode(char *out, const char *data, size_t len) {
    static const char digits[] = "0123456789ABCDEF";
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)data[i];
        if (c < 0x80 && (isalnum(c) || (c && strchr("-._~", c)))) {
            out[n++] = (char)c;
        } else {
            out[n++] = '%';
            out[n++] = digits[c >> 4];
            out[n++] = digits[c & 15];
        }
    }
    return n;
}

static void encode(secret *out, const char *data, size_t len) {
    secret room;
    piece three[] = {{data, len}, {data, len}, {data, len}}; /* three times the room */
    recipe_join(&room, three, 3);
    size_t n = form_encode(room.data, data, len);
    piece whole = {room.data, n};
    recipe_join(out, &whole, 1);
    secret_free(&room);
}

/* key=value, appended to *body. */
static void add(secret *body, const char *key, const char *data, size_t len) {
    secret value;
    secret longer;
    encode(&value, data, len);
    piece pieces[] = {{body->data, body->len},
                      {"&", body->len ? 1 : 0},
                      {key, strlen(key)},
                      {"=", 1},
                      {value.data, value.len}};
    recipe_join(&longer, pieces, 5);
    secret_free(&value);
    secret_free(body);
    *body = longer;
}

int recipe_refresh_request(const recipe *r, const secret_places *places, const char **url,
                           secret *body, diag *d) {
    secret refresh;
    secret client = {NULL, 0};
    if (r->kind != RECIPE_OAUTH2_REFRESH) {
        return diag_set(d, DIAG_FAILED, "This login has no token to refresh.");
    }
    int rc = recipe_secret(&refresh, places, r->main, false, d);
    if (rc) {
        return rc;
    }
    rc = r->client_secret ? recipe_secret(&client, places, r->client_secret, false, d) : 0;
    if (rc) {
        secret_free(&refresh);
        return rc;
    }
    *body = (secret){NULL, 0};
    add(body, "grant_type", "refresh_token", strlen("refresh_token"));
    add(body, "refresh_token", refresh.data, refresh.len);
    add(body, "client_id", r->client_id, strlen(r->client_id));
    if (client.data) {
        add(body, "client_secret", client.data, client.len);
    }
    if (r->scope) {
        add(body, "scope", r->scope, strlen(r->scope));
    }
    secret_free(&refresh);
    secret_free(&client);
    *url = r->token_url;
    return 0;
}

/* ---- an answer that refuses ---- */

/* What may be shown: printable, none of our secrets, no word that is as long as a token. */
static void tame(const recipe *r, const secret_places *places, char *text) {
    scrub *known = scrub_create();
    for (size_t i = 0; r->secrets[i]; i++) {
        secret s;
        if (secret_read(&s, places, r->secrets[i], NULL) == 0) {
            scrub_add(known, s.data, s.len);
            secret_free(&s);
        }
    }
    scrub_bytes(known, text, strlen(text));
    scrub_destroy(known);
    for (char *c = text; *c;) {
        size_t word = strcspn(c, " ,;()\"'");
        for (size_t i = 0; i < word; i++) {
            bool plain = c[i] > ' ' && c[i] < 0x7f;
            c[i] = word > LONGEST_WORD ? '*' : plain ? c[i] : '?';
        }
        c += word + (c[word] != 0);
    }
}

static int refused(const recipe *r, const secret_places *places, int status, keel_json answer,
                   diag *d) {
    char error[128] = "";
    char text[300] = "";
    keel_json_copy(keel_json_get(answer, "error"), error, sizeof error);
    keel_json_copy(keel_json_get(answer, "error_description"), text, sizeof text);
    bool ours = status >= 400 && status < 500 && status != 408 && status != 429;
    bool grant = strcmp(error, "invalid_grant") == 0;
    bool client = strcmp(error, "invalid_client") == 0;
    tame(r, places, error);
    tame(r, places, text);
    diag_set(d, ours ? DIAG_AUTH : DIAG_FAILED,
             "%.200s gave no new access token: it answered %d%s%s%s%s.", r->token_url, status,
             error[0] ? ", " : "", error, text[0] ? ": " : "", text);
    if (grant || (ours && !client)) {
        return diag_next(d,
                         "Log in with the provider again, and keep the new token with `keel "
                         "secret set %s`.",
                         r->main);
    }
    if (client) {
        return diag_next(d, "Check `client_id` and `client_secret` of the connection's `auth`.");
    }
    return diag_next(d, "Nothing is to be done if it passes: it is tried again.");
}

/* ---- an answer that grants ---- */

static int useless(const recipe *r, int status, const char *what, diag *d) {
    diag_set(d, DIAG_FAILED, "%.200s answered %d, but %s.", r->token_url, status, what);
    return diag_next(d, "Check `token_url` of the connection's `auth`.");
}

/* A text of the answer in memory that is wiped; false when it is none, or no header can carry it. */
static bool take(secret *out, keel_json value) {
    keel_buf copy = KEEL_BUF_INIT;
    keel_buf_reserve(&copy, value.len + 1); /* grows no more, so leaves no second copy */
    bool good = keel_json_string(value, &copy) && copy.len && copy.len <= SECRET_LIMIT;
    for (size_t i = 0; good && i < copy.len; i++) {
        good = copy.data[i] > ' ' && copy.data[i] < 0x7f;
    }
    if (good) {
        piece whole = {copy.data, copy.len};
        recipe_join(out, &whole, 1);
    }
    sodium_memzero(copy.data, copy.cap);
    keel_buf_free(&copy);
    return good;
}

/* The provider has given a new refresh token: the old one may be worth nothing from now on. */
static int keep_rotated(const recipe *r, const secret_places *places, keel_json value, diag *d) {
    secret fresh;
    secret old = {NULL, 0};
    if (keel_json_typeof(value) == KEEL_JSON_NONE || keel_json_is(value, "")) {
        return 0;
    }
    if (!take(&fresh, value)) {
        return diag_set(d, DIAG_FAILED, "%.200s gave a refresh token that cannot be kept.",
                        r->token_url);
    }
    int rc = 0;
    secret_read(&old, places, r->main, NULL);
    if (!old.data || old.len != fresh.len || sodium_memcmp(old.data, fresh.data, old.len) != 0) {
        rc = secret_write(places, r->main, fresh.data, fresh.len, d);
    }
    if (rc == DIAG_USAGE) {
        diag_set(d, DIAG_FAILED,
                 "%.200s gives a new refresh token each time, and the secret `%s` comes from where "
                 "none can be written.",
                 r->token_url, r->main);
        diag_next(
            d,
            "Remove `%s` under `secrets:` in keel.yaml, log in again, and keep the token with "
            "`keel secret set %s`.",
            r->main, r->main);
        rc = DIAG_FAILED;
    }
    secret_free(&old);
    secret_free(&fresh);
    return rc;
}

static int granted(const recipe *r, const secret_places *places, int status, keel_json answer,
                   secret *access, int64_t *holds_s, diag *d) {
    char type[16] = "bearer";
    int64_t holds = HOLDS_DEFAULT;
    secret token;
    keel_json_copy(keel_json_get(answer, "token_type"), type, sizeof type);
    keel_json_int(keel_json_get(answer, "expires_in"), &holds);
    if (strcasecmp(type, "bearer") != 0) {
        return useless(r, status, "gave no bearer token", d);
    }
    if (!take(&token, keel_json_get(answer, "access_token"))) {
        return useless(r, status, "gave no access token", d);
    }
    int rc = keep_rotated(r, places, keel_json_get(answer, "refresh_token"), d);
    if (rc) {
        secret_free(&token);
        return rc;
    }
    *access = token;
    *holds_s = holds < 0 ? 0 : holds > HOLDS_LIMIT ? HOLDS_LIMIT : holds;
    return 0;
}

int recipe_refresh_answer(const recipe *r, const secret_places *places, int status,
                          const char *body, size_t len, secret *access, int64_t *holds_s, diag *d) {
    keel_buf text = KEEL_BUF_INIT;
    keel_json_error error;
    if (r->kind != RECIPE_OAUTH2_REFRESH) {
        return diag_set(d, DIAG_FAILED, "This login has no token to refresh.");
    }
    keel_buf_reserve(&text, len + 64);
    bool json = len <= ANSWER_LIMIT && keel_json_canonical(&text, body, len, &error) == 0;
    keel_json answer = json ? keel_json_view(text.data, text.len) : (keel_json){NULL, 0};
    int rc;
    if (status < 200 || status > 299 ||
        keel_json_typeof(keel_json_get(answer, "error")) == KEEL_JSON_STRING) {
        rc = refused(r, places, status, answer, d);
    } else if (keel_json_typeof(answer) != KEEL_JSON_OBJECT) {
        rc = useless(r, status, "what it sent is no JSON object", d);
    } else {
        rc = granted(r, places, status, answer, access, holds_s, d);
    }
    sodium_memzero(text.data, text.cap);
    keel_buf_free(&text);
    return rc;
}
