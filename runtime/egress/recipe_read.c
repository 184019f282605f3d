#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "origin.h"
#include "recipe_int.h"

#define TEXT_LIMIT 1024

static const char *const kinds[] = {
    [RECIPE_BASIC] = "basic",
    [RECIPE_BEARER] = "bearer",
    [RECIPE_HEADER] = "header",
    [RECIPE_SASL_PLAIN] = "sasl-plain",
    [RECIPE_XOAUTH2] = "xoauth2",
    [RECIPE_HMAC] = "hmac",
    [RECIPE_OAUTH2_REFRESH] = "oauth2-refresh",
};
#define KINDS (sizeof kinds / sizeof *kinds)

/* ---- the keys ---- */

enum {
    BASIC = 1 << RECIPE_BASIC,
    BEARER = 1 << RECIPE_BEARER,
    HEADER = 1 << RECIPE_HEADER,
    SASL = 1 << RECIPE_SASL_PLAIN,
    XOAUTH2 = 1 << RECIPE_XOAUTH2,
    HMAC = 1 << RECIPE_HMAC,
    OAUTH2 = 1 << RECIPE_OAUTH2_REFRESH
};

typedef const char *check_text(const char *text); /* NULL, or what is wrong */

static const char *check_user(const char *text) {
    return strchr(text, ':') ? "has a colon, which divides user and password" : NULL;
}

/* RFC 9110: a token; and no header that frames the request or says whom it is for. */
static const char *check_header(const char *text) {
    static const char *const ours[] = {
        "Host", "Content-Length", "Transfer-Encoding",   "Connection", "Upgrade", "Expect",
        "TE",   "Trailer",        "Proxy-Authorization", "Keep-Alive",
    };
    for (const char *c = text; *c; c++) {
        bool word = (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') ||
                    (*c >= 'A' && *c <= 'Z') || strchr("!#$%&'*+-.^_`|~", *c);
        if (!word) {
            return "is no name of a header";
        }
    }
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (strcasecmp(text, ours[i]) == 0) {
            return "is a header that Keel itself governs";
        }
    }
    return NULL;
}

static const char *check_digest(const char *text) {
    return strcmp(text, "sha256") && strcmp(text, "sha512") ? "is neither sha256 nor sha512" : NULL;
}

static const char *check_encoding(const char *text) {
    return strcmp(text, "hex") && strcmp(text, "base64") ? "is neither hex nor base64" : NULL;
}

static const char *check_over(const char *text) {
    return strcmp(text, "body") && strcmp(text, "timestamp.body")
               ? "is neither body nor timestamp.body"
               : NULL;
}

/* RFC 6749 wants TLS; a server of the person's own on this machine may do without. */
static const char *check_url(const char *text) {
    origin o;
    if (origin_parse(&o, text, strlen(text), NULL)) {
        return "is no address that can be reached";
    }
    if (strcmp(o.scheme, "https") == 0 || (strcmp(o.scheme, "http") == 0 && o.literal)) {
        return NULL;
    }
    return "does not begin with https://";
}

typedef struct key {
    const char *name;
    int needed; /* by these kinds */
    int allowed;
    bool secret;
    bool empty; /* may be */
    size_t field;
    check_text *check;
} key;

#define FIELD(f) offsetof(struct recipe, f)

static const key keys[] = {
    {"user", BASIC | SASL | XOAUTH2, OAUTH2, false, false, FIELD(user), NULL},
    {"password", BASIC | SASL, 0, true, false, FIELD(main), NULL},
    {"token", BEARER | XOAUTH2, 0, true, false, FIELD(main), NULL},
    {"name", HEADER, 0, false, false, FIELD(name), check_header},
    {"value", HEADER, 0, true, false, FIELD(main), NULL},
    {"prefix", 0, HEADER | HMAC, false, true, FIELD(prefix), NULL},
    {"key", HMAC, 0, true, false, FIELD(main), NULL},
    {"header", HMAC, 0, false, false, FIELD(header), check_header},
    {"digest", 0, HMAC, false, false, FIELD(digest), check_digest},
    {"encoding", 0, HMAC, false, false, FIELD(encoding), check_encoding},
    {"over", 0, HMAC, false, false, FIELD(over), check_over},
    {"timestamp_header", 0, HMAC, false, false, FIELD(timestamp_header), check_header},
    {"token_url", OAUTH2, 0, false, false, FIELD(token_url), check_url},
    {"client_id", OAUTH2, 0, false, false, FIELD(client_id), NULL},
    {"client_secret", 0, OAUTH2, true, false, FIELD(client_secret), NULL},
    {"refresh_token", OAUTH2, 0, true, false, FIELD(main), NULL},
    {"scope", 0, OAUTH2, false, false, FIELD(scope), NULL},
};
#define KEYS (sizeof keys / sizeof *keys)

static char **field_of(recipe *r, const key *k) {
    return (char **)(void *)((char *)r + k->field);
}

/* "user and password" for people: the keys of a kind. */
static void list_keys(recipe_kind kind, keel_buf *out) {
    for (size_t i = 0; i < KEYS; i++) {
        if ((keys[i].needed | keys[i].allowed) & 1 << kind) {
            keel_buf_printf(out, "%s%s%s", out->len ? ", " : "", keys[i].name,
                            keys[i].needed & 1 << kind ? "" : " (optional)");
        }
    }
}

/* ---- reading one ---- */

static int wrong(diag *d, recipe_kind kind, const char *name, const char *what) {
    keel_buf known = KEEL_BUF_INIT;
    list_keys(kind, &known);
    diag_set(d, DIAG_USAGE, "`auth` of the kind %s: `%.40s` %s.", kinds[kind], name, what);
    diag_next(d, "Its keys are: %s.", known.data);
    keel_buf_free(&known);
    return DIAG_USAGE;
}

static int read_secret(recipe *r, const key *k, keel_json value, diag *d) {
    char name[80] = "";
    keel_json reference = keel_json_get(value, "secret");
    if (keel_json_typeof(value) == KEEL_JSON_OBJECT && keel_json_count(value) == 1 &&
        keel_json_copy(reference, name, sizeof name) > 0 && secret_name_ok(name)) {
        *field_of(r, k) = keel_strdup(name);
        return 0;
    }
    if (keel_json_typeof(value) == KEEL_JSON_OBJECT) {
        diag_set(d, DIAG_USAGE, "`auth` of the kind %s: `%s` does not name a secret.",
                 kinds[r->kind], k->name);
    } else {
        diag_set(d, DIAG_USAGE,
                 "`auth` of the kind %s: `%s` is a secret, and no secret stands in a file like "
                 "keel.yaml.",
                 kinds[r->kind], k->name);
    }
    return diag_next(d,
                     "Keep it with `keel secret set NAME`, and write `%s: { secret: NAME }`; names "
                     "are small letters, digits, \"-\", \"_\" and \".\".",
                     k->name);
}

static int read_text(recipe *r, const key *k, keel_json value, diag *d) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_puts(&text, "");
    const char *what = NULL;
    if (!keel_json_string(value, &text)) {
        what = "is not a text";
    } else if (text.len == 0 && !k->empty) {
        what = "is empty";
    } else if (text.len > TEXT_LIMIT) {
        what = "is longer than 1024 bytes";
    }
    for (size_t i = 0; i < text.len && !what; i++) {
        unsigned char c = (unsigned char)text.data[i];
        what = c < ' ' || c == 0x7f ? "has a control character" : NULL;
    }
    if (!what && k->check) {
        what = k->check(text.data);
    }
    if (!what && r->kind == RECIPE_BASIC) {
        what = check_user(text.data); /* its only text */
    }
    if (what) {
        keel_buf_free(&text);
        return wrong(d, r->kind, k->name, what);
    }
    *field_of(r, k) = text.data;
    return 0;
}

static int read_member(recipe *r, keel_json name, keel_json value, diag *d) {
    char text[64];
    keel_json_copy(name, text, sizeof text);
    for (size_t i = 0; i < KEYS; i++) {
        const key *k = &keys[i];
        if (strcmp(k->name, text) == 0 && (k->needed | k->allowed) & 1 << r->kind) {
            return k->secret ? read_secret(r, k, value, d) : read_text(r, k, value, d);
        }
    }
    return strcmp(text, "kind") == 0 ? 0 : wrong(d, r->kind, text, "is not known");
}

static int check_whole(recipe *r, diag *d) {
    for (size_t i = 0; i < KEYS; i++) {
        if (keys[i].needed & 1 << r->kind && !*field_of(r, &keys[i])) {
            return wrong(d, r->kind, keys[i].name, "is missing");
        }
    }
    if (r->over && strcmp(r->over, "timestamp.body") == 0 && !r->timestamp_header) {
        return wrong(d, r->kind, "timestamp_header",
                     "is missing: without it nobody can check what is signed over a timestamp");
    }
    size_t n = 0;
    r->secrets[n++] = r->main;
    if (r->client_secret) {
        r->secrets[n++] = r->client_secret;
    }
    r->secrets[n] = NULL;
    return 0;
}

static recipe_kind read_kind(keel_json kind) {
    for (size_t i = RECIPE_BASIC; i < KINDS; i++) {
        if (keel_json_is(kind, kinds[i])) {
            return (recipe_kind)i;
        }
    }
    return RECIPE_NONE;
}

int recipe_parse(recipe **out, keel_json auth, diag *d) {
    recipe *r = keel_alloc(sizeof *r);
    *r = (recipe){.kind = RECIPE_NONE};
    if (keel_json_typeof(auth) == KEEL_JSON_NONE) {
        *out = r;
        return 0;
    }
    r->kind = read_kind(keel_json_get(auth, "kind"));
    int rc = 0;
    if (r->kind == RECIPE_NONE) {
        rc = diag_set(d, DIAG_USAGE, "`auth` does not say a `kind` that is known.");
        diag_next(d, "Write `kind:` and one of basic, bearer, header, sasl-plain, xoauth2, hmac, "
                     "oauth2-refresh.");
    }
    for (keel_json_iter it = keel_json_each(auth); rc == 0 && keel_json_next(&it);) {
        rc = read_member(r, it.key, it.value, d);
    }
    rc = rc ? rc : check_whole(r, d);
    if (rc) {
        recipe_destroy(r);
        return rc;
    }
    *out = r;
    return 0;
}

void recipe_destroy(recipe *r) {
    for (size_t i = 0; r && i < KEYS; i++) {
        char **field = field_of(r, &keys[i]); /* some share one */
        free(*field);
        *field = NULL;
    }
    free(r);
}

/* ---- what it is ---- */

recipe_kind recipe_kind_of(const recipe *r) {
    return r->kind;
}

bool recipe_for_http(const recipe *r) {
    return 1 << r->kind & (1 << RECIPE_NONE | BASIC | BEARER | HEADER | HMAC | OAUTH2);
}

bool recipe_for_stream(const recipe *r) {
    return r->kind == RECIPE_NONE || 1 << r->kind & (SASL | XOAUTH2) ||
           (r->kind == RECIPE_OAUTH2_REFRESH && r->user);
}

int recipe_check(keel_json auth, bool http, bool stream, diag *d) {
    recipe *r = NULL;
    int rc = recipe_parse(&r, auth, d);
    if (rc) {
        return rc;
    }
    if (!(http && recipe_for_http(r)) && !(stream && recipe_for_stream(r)) && (http || stream)) {
        const char *kind = kinds[r->kind];
        bool refresh = r->kind == RECIPE_OAUTH2_REFRESH;
        rc = diag_set(d, DIAG_USAGE,
                      "`auth` of the kind %s%s is no login for %s, and its connector needs one.",
                      kind, refresh ? " without a `user`" : "",
                      http ? "HTTP" : "the streams of a mail server");
        diag_next(d, "%s",
                  http      ? "Write one of the kinds basic, bearer, header, hmac, oauth2-refresh."
                  : refresh ? "Write `user:` as well: the address that logs in."
                            : "Write one of the kinds sasl-plain, xoauth2, oauth2-refresh.");
    }
    recipe_destroy(r);
    return rc;
}

const char *const *recipe_secrets(const recipe *r) {
    return r->secrets;
}

const char *recipe_user(const recipe *r) {
    return r->kind == RECIPE_OAUTH2_REFRESH ? r->user : NULL;
}

const char *recipe_token_url(const recipe *r) {
    return r->token_url;
}
