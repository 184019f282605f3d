/* Access tokens of oauth2-refresh: one fetch at a time per connection, for all who wait. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "egress.h"

#define MARGIN_US   60000000 /* a token is not used in its last minute */
#define FETCH_MS    20000
#define ANSWER_SIZE 65536

typedef struct token_fetch {
    transfer t; /* first */
    token_waiter *waiters;
    token_waiter slow; /* for the secrets that the fetch itself needs */
    permit permit;
    secret body;
    keel_buf answer;
    struct curl_slist *lines;
} token_fetch;

bool token_good(const connection *c) {
    return c->access.data && egress_now_us() < c->access_until_us;
}

void token_forget(connection *c) {
    c->access_until_us = 0;
}

void token_refused(connection *c, uint64_t serial) {
    if (c->access_serial == serial) {
        c->access_until_us = 0;
    }
}

static void tell_waiters(token_fetch *f, const diag *problem) {
    while (f->waiters) {
        token_waiter *w = f->waiters;
        f->waiters = w->next;
        w->ready(w, problem);
    }
}

static void finish(connection *c, const diag *problem) {
    token_fetch *f = c->fetch;
    c->fetch = NULL;
    login_unwait(&f->slow);
    transfer_stop(&f->t);
    curl_slist_free_all(f->lines);
    permit_free(&f->permit);
    secret_free(&f->body);
    if (f->answer.data) {
        sodium_memzero(f->answer.data, f->answer.cap);
    }
    keel_buf_free(&f->answer);
    tell_waiters(f, problem);
    free(f);
    connection_drop(c);
}

/* A request that is on its way goes on without them: its answer may hold the only refresh token that is
 * still good. */
void token_stop(connection *c) {
    token_fetch *f = c->fetch;
    diag d = {0};
    if (!f) {
        return;
    }
    diag_set(&d, DIAG_FAILED, "The connection was changed meanwhile.");
    if (f->t.running && !c->e->stopping) {
        tell_waiters(f, &d);
    } else {
        finish(c, &d);
    }
}

void token_unwait(token_waiter *w) {
    token_fetch *f = w->conn->fetch;
    for (token_waiter **p = f ? &f->waiters : NULL; p && *p; p = &(*p)->next) {
        if (*p == w) {
            *p = w->next;
            return;
        }
    }
}

static void keep(connection *c, const secret *access, int64_t holds_s) {
    int64_t holds_us = holds_s > 86400 ? INT64_C(86400000000) : holds_s * 1000000;
    secret_free(&c->access);
    login_forget(c);
    c->access = *access;
    c->access_serial++;
    /* one that holds for two minutes or less is used for half of its time */
    c->access_until_us =
        egress_now_us() + (holds_us > 2 * MARGIN_US ? holds_us - MARGIN_US : holds_us / 2);
    scrub_add(c->scrub, access->data, access->len);
    login_scrub(c); /* the refresh token may be a new one */
}

static void on_done(transfer *t, CURLcode code) {
    token_fetch *f = (token_fetch *)t;
    connection *c = t->conn;
    diag d = {0};
    long status = 0;
    secret access = {NULL, 0};
    int64_t holds_s = 0;
    if (code != CURLE_OK) {
        char why[300];
        transfer_explain(t, code, &f->permit.o, why, sizeof why);
        diag_set(&d, DIAG_FAILED, "No access token for connection %s: %s", c->name, why);
        finish(c, &d);
        return;
    }
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (recipe_refresh_answer(c->recipe, &c->e->places, (int)status, f->answer.data, f->answer.len,
                              &access, &holds_s, &d) < 0) {
        finish(c, &d);
        return;
    }
    keep(c, &access, holds_s);
    finish(c, NULL);
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx) {
    token_fetch *f = ctx;
    size_t len = size * count;
    if (f->answer.len + len > ANSWER_SIZE) {
        return 0;
    }
    keel_buf_reserve(&f->answer, ANSWER_SIZE - f->answer.len); /* in one piece: it is wiped */
    keel_buf_append(&f->answer, data, len);
    return len;
}

/* The token's address counts as one of the connection's own, but not against a policy. */
static int permit_token(permit *p, const connection *c, const char *url, diag *d) {
    own_origin own = {NULL, {.port = 0}};
    if (origin_parse(&own.o, url, strlen(url), d) < 0) {
        return d->code;
    }
    connection as = *c;
    as.origins = &own;
    as.origin_count = 1;
    return permit_check(p, &as, url, strlen(url), d);
}

static int begin(connection *c, token_fetch *f, diag *d) {
    const char *url;
    int result = login_refresh(c, &url, &f->body, d);
    if (result < 0 || (result = permit_token(&f->permit, c, url, d)) < 0) {
        return result;
    }
    transfer_prepare(&f->t, c, f->permit.url.data, "http,https", f->permit.private_ok);
    CURL *e = f->t.easy;
    f->t.done = on_done;
    f->lines = curl_slist_append(curl_slist_append(NULL, "Accept: application/json"), "Expect:");
    curl_easy_setopt(e, CURLOPT_POST, 1L);
    curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)f->body.len);
    curl_easy_setopt(e, CURLOPT_POSTFIELDS, f->body.data);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, f->lines);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)FETCH_MS);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, f);
    transfer_start(&f->t);
    return 0;
}

static void on_secrets(token_waiter *w, const diag *problem) {
    diag d = {0};
    if (problem) {
        finish(w->conn, problem);
    } else if (begin(w->conn, w->conn->fetch, &d) < 0) {
        finish(w->conn, &d);
    }
}

void token_wait(connection *c, token_waiter *w) {
    if (c->fetch) {
        w->next = c->fetch->waiters;
        c->fetch->waiters = w;
        return;
    }
    diag d = {0};
    token_fetch *f = keel_alloc(sizeof *f);
    memset(f, 0, sizeof *f);
    f->t.conn = connection_hold(c);
    f->waiters = w;
    c->fetch = f;
    f->slow = (token_waiter){NULL, c, on_secrets};
    if (login_slow(c)) {
        login_wait(c, &f->slow);
        return;
    }
    if (begin(c, f, &d) < 0) {
        finish(c, &d);
    }
}
