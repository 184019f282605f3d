/* What a connection's recipe adds to requests. Secrets are read when a request needs them; what was
 * read holds as long as their files do not change, and for a minute where a command or a credential
 * gives them, or until the other side says no. Each that was read is looked for in answers. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "egress.h"

#define KEPT_US 60000000

static uint64_t mix(uint64_t h, uint64_t v) {
    h ^= v + 0x9e3779b97f4a7c15u + (h << 6) + (h >> 2);
    return h * 0xff51afd7ed558ccdu;
}

/* Changes when a file of the recipe's secrets does. */
static uint64_t stamp_of(const connection *c) {
    uint64_t h = 1;
    char path[4096];
    for (const char *const *name = recipe_secrets(c->recipe); *name; name++) {
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", c->e->places.folder, *name);
        if (stat(path, &st) < 0) {
            h = mix(h, 0);
            continue;
        }
        h = mix(h, st.st_ino);
        h = mix(h, (uint64_t)st.st_mode);
        h = mix(h, (uint64_t)st.st_ctim.tv_sec);
        h = mix(h, (uint64_t)st.st_ctim.tv_nsec);
    }
    return h;
}

static bool kept(connection *c, uint64_t stamp) {
    return c->login_kept && c->stamp == stamp && egress_now_us() - c->read_us < KEPT_US;
}

void login_forget(connection *c) {
    recipe_headers_free(&c->login);
    c->login = (recipe_headers){.count = 0};
    c->login_kept = false;
    keel_buf_clear(&c->user);
    secret_free(&c->password);
    secret_free(&c->refresh);
    c->password = c->refresh = (secret){NULL, 0};
}

/* "Authorization: Basic cGFp..." : what stands behind the name, and behind its first word. */
static void scrub_line(connection *c, const secret *line) {
    const char *value = strstr(line->data, ": ");
    if (!value) {
        return;
    }
    value += 2;
    const char *word = strchr(value, ' ');
    word = word ? word + 1 : value;
    scrub_add(c->scrub, word, strlen(word));
}

void login_scrub(connection *c) {
    for (const char *const *name = recipe_secrets(c->recipe); *name; name++) {
        secret s = {NULL, 0};
        diag d = {0};
        keel_json declared = keel_json_get(c->e->places.declared, *name);
        if (keel_json_typeof(keel_json_get(declared, "command")) != KEEL_JSON_NONE) {
            continue; /* not in the loop: login_slow.c */
        }
        if (secret_read(&s, &c->e->places, *name, &d) == 0) {
            scrub_add(c->scrub, s.data, s.len);
            secret_free(&s);
        }
    }
}

static int read_login(connection *c, const char *method, const char *url, const char *body,
                      size_t len, recipe_headers *out, diag *d) {
    return recipe_apply(out, c->recipe, &c->e->places, method, url, body, len, (int64_t)time(NULL),
                        d);
}

static void copy_secret(secret *to, const char *data, size_t len) {
    to->data = sodium_malloc(len + 1);
    if (!to->data) {
        abort(); /* memory, as in keel_alloc */
    }
    memcpy(to->data, data, len);
    to->data[len] = 0;
    to->len = len;
}

/* The line of an access token; it stays until there is another. */
static int keep_bearer(connection *c) {
    static const char head[] = "Authorization: Bearer ";
    if (!c->login_kept) {
        secret *line = &c->login.lines[0];
        line->len = sizeof head - 1 + c->access.len;
        line->data = sodium_malloc(line->len + 1);
        if (!line->data) {
            abort(); /* memory, as in keel_alloc */
        }
        memcpy(line->data, head, sizeof head - 1);
        memcpy(line->data + sizeof head - 1, c->access.data, c->access.len);
        line->data[line->len] = 0;
        c->login.count = 1;
        c->login_kept = true;
    }
    return 0;
}

void login_kept(connection *c) {
    c->stamp = stamp_of(c);
    c->read_us = egress_now_us();
    for (size_t i = 0; i < c->login.count; i++) {
        scrub_line(c, &c->login.lines[i]);
    }
}

/* Those that are the same for every request. */
static int keep_login(connection *c, diag *d) {
    uint64_t stamp = stamp_of(c);
    if (kept(c, stamp)) {
        return 0;
    }
    login_forget(c);
    int result = read_login(c, "GET", "", "", 0, &c->login, d);
    if (result < 0) {
        return result;
    }
    login_scrub(c);
    c->login_kept = true;
    login_kept(c);
    return 0;
}

/* What is looked for in answers, when a secret may be another than before. */
static void scrub_changed(connection *c) {
    uint64_t stamp = stamp_of(c);
    if (c->stamp != stamp || egress_now_us() - c->read_us >= KEPT_US) {
        login_scrub(c);
        c->stamp = stamp;
        c->read_us = egress_now_us();
    }
}

int login_headers(connection *c, recipe_headers *room, const recipe_headers **out,
                  const char *method, const char *url, const char *body, size_t len, diag *d) {
    room->count = 0;
    *out = room;
    switch (c->recipe ? recipe_kind_of(c->recipe) : RECIPE_NONE) {
    case RECIPE_NONE:
        return 0;
    case RECIPE_OAUTH2_REFRESH:
        *out = &c->login;
        return keep_bearer(c);
    case RECIPE_HMAC:
        scrub_changed(c);
        return read_login(c, method, url, body, len, room, d);
    case RECIPE_BASIC:
    case RECIPE_BEARER:
    case RECIPE_HEADER:
        *out = &c->login;
        return keep_login(c, d);
    default:
        return diag_set(d, DIAG_USAGE, "The login of connection %s is not one for HTTP.", c->name);
    }
}

int login_stream(connection *c, keel_buf *user, secret *password, bool *token, diag *d) {
    if (recipe_kind_of(c->recipe) == RECIPE_OAUTH2_REFRESH) {
        const char *name = recipe_user(c->recipe);
        if (!name) {
            return diag_set(d, DIAG_USAGE, "The login of connection %s names no user.", c->name);
        }
        keel_buf_puts(user, name);
        copy_secret(password, c->access.data, c->access.len);
        *token = true;
        return 0;
    }
    if (c->password.data) {
        keel_buf_append(user, c->user.data, c->user.len);
        copy_secret(password, c->password.data, c->password.len);
        *token = c->password_is_token;
        return 0;
    }
    int result = recipe_login(c->recipe, &c->e->places, user, password, token, d);
    if (result == 0) {
        scrub_add(c->scrub, password->data, password->len);
    }
    return result;
}

int login_refresh(connection *c, const char **url, secret *body, diag *d) {
    if (c->refresh.data) {
        *url = c->refresh_url;
        *body = c->refresh;
        c->refresh = (secret){NULL, 0};
        return 0;
    }
    login_scrub(c);
    return recipe_refresh_request(c->recipe, &c->e->places, url, body, d);
}
