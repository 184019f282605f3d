/* Streams: opened by curl with TLS and login, then relayed (stream_relay.c). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "egress.h"
#include "egress_stream.h"

stream *stream_find(door *d, uint64_t run) {
    for (stream *s = d->streams; s; s = s->next) {
        if (s->run == run) {
            return s;
        }
    }
    return NULL;
}

/* ---- the end ---- */

static void free_stream(stream *s) {
    keel_buf_free(&s->out);
    keel_buf_free(&s->in);
    permit_free(&s->permit);
    connection_drop(s->t.conn);
    free(s);
}

static void on_closed(uv_handle_t *h) {
    stream *s = h->data;
    if (--s->handles == 0) {
        free_stream(s);
    }
}

/* What was sent and not spoken to is not known to have arrived. */
static void leave_order(stream *s) {
    if (s->order && s->wrote && (!s->said || s->out.len || s->chunk_len)) {
        s->order->unanswered = true;
    }
    s->order = NULL;
    s->wrote = false;
}

void stream_close(stream *s, const char *code, const char *message) {
    door *d = s->door;
    char text[600];
    leave_order(s);
    for (stream **p = &d->streams; *p; p = &(*p)->next) {
        if (*p == s) {
            *p = s->next;
            break;
        }
    }
    d->stream_count--;
    d->unwritten -= s->out.len + s->chunk_len;
    if (code) {
        snprintf(text, sizeof text, "%s", message);
        scrub_bytes(s->t.conn->scrub, text, strlen(text));
        door_say(d, s->open ? E_CLOSED : E_FAILED, s->run, code, text);
    }
    if (s->waiting) {
        token_unwait(&s->waiter);
        login_unwait(&s->waiter);
    }
    s->gone = true;
    if (s->open) {
        stream_relay_stop(s);
    }
    transfer_stop(&s->t);
    if (!d->gone) {
        door_rest(d);
    }
    if (s->handles) {
        uv_close((uv_handle_t *)&s->poll, on_closed);
        uv_close((uv_handle_t *)&s->quiet, on_closed);
    } else {
        free_stream(s);
    }
}

void stream_cancel(stream *s) {
    if (!s->open) {
        stream_close(s, "retry", "It was cancelled before anything was sent.");
    }
}

void stream_finish(stream *s) {
    if (s->open && (s->out.len || s->chunk_len)) {
        s->closing = true;
    } else {
        stream_close(s, NULL, NULL);
    }
}

static void end_replaced(stream *s) {
    stream_close(s, "retry", "The connection's words in keel.yaml or in a policy have changed.");
}

void stream_replaced(door *d, const connection *c) {
    for (stream *s = d->streams, *next; s; s = next) {
        next = s->next;
        if (s->t.conn == c && !s->order) {
            end_replaced(s);
        }
    }
}

void stream_order_over(door *d, order *o) {
    for (stream *s = d->streams, *next; s; s = next) {
        next = s->next;
        if (s->order != o) {
            continue;
        }
        if (!s->open) {
            stream_close(s, "retry", "The effect is over.");
        } else if (s->out.len || s->chunk_len) {
            stream_close(s, "unknown",
                         "The effect is over, and part of what it sent had not left.");
        } else {
            leave_order(s);
            if (s->t.conn->replaced) {
                end_replaced(s);
            }
        }
    }
}

bool stream_unanswered(const door *d, const order *o) {
    for (const stream *s = d->streams; s; s = s->next) {
        if (s->order == o && s->wrote && !s->said) {
            return true;
        }
    }
    return false;
}

/* ---- opening ---- */

static void explain(stream *s, CURLcode code) {
    char text[500];
    const origin *o = &s->permit.o;
    const char *word = "retry";
    if (transfer_refused(&s->t, o, text, sizeof text)) {
        word = "denied";
    } else if (code == CURLE_LOGIN_DENIED) {
        word = "denied";
        login_forget(s->t.conn);
        snprintf(text, sizeof text,
                 "%s:%u refuses the login. Check `auth` of connection %s, and its "
                 "secret with `keel secret test`.",
                 o->host, (unsigned)o->port, s->t.conn->name);
    } else if (code == CURLE_USE_SSL_FAILED) {
        word = "denied";
        snprintf(text, sizeof text,
                 "%s:%u does not offer STARTTLS. Use its address with TLS (%ss:), "
                 "or say `plain: true` of the connection in keel.yaml.",
                 o->host, (unsigned)o->port, o->scheme);
    } else {
        transfer_explain(&s->t, code, o, text, sizeof text);
    }
    stream_close(s, word, text);
}

static void on_done(transfer *t, CURLcode code) {
    stream *s = (stream *)t;
    if (code != CURLE_OK) {
        explain(s, code);
        return;
    }
    s->open = true;
    door_send(s->door, E_OPENED, s->run, NULL, 0, NULL, 0);
    stream_relay(s);
}

static bool speaks(const stream *s, const char *protocol) {
    return strncmp(s->permit.o.scheme, protocol, strlen(protocol)) == 0;
}

static bool has_login(const connection *c) {
    return c->recipe && recipe_kind_of(c->recipe) != RECIPE_NONE;
}

/* The URL as curl is to read it: bare TLS and TCP are HTTP that says nothing; SMTP's path is the name
 * by which egress introduces itself, which is not to be the machine's. */
static const char *write_url(const stream *s, keel_buf *url) {
    const origin *o = &s->permit.o;
    bool six = strchr(o->host, ':') != NULL;
    const char *scheme = o->scheme;
    const char *path = "/";
    if (strcmp(scheme, "tls") == 0 || strcmp(scheme, "tcp") == 0) {
        scheme = strcmp(scheme, "tls") == 0 ? "https" : "http";
    } else if (speaks(s, "smtp")) {
        path = "/%5B127.0.0.1%5D";
    }
    keel_buf_printf(url, "%s://%s%s%s:%u%s", scheme, six ? "[" : "", o->host, six ? "]" : "",
                    (unsigned)o->port, path);
    return scheme;
}

static int set_login(stream *s, diag *d) {
    keel_buf user = KEEL_BUF_INIT;
    secret password = {NULL, 0};
    bool token = false;
    CURL *e = s->t.easy;
    if (!has_login(s->t.conn) || (!speaks(s, "imap") && !speaks(s, "smtp"))) {
        return 0;
    }
    int result = login_stream(s->t.conn, &user, &password, &token, d);
    if (result == 0) {
        keel_buf_putc(&user, '\0');
        curl_easy_setopt(e, CURLOPT_USERNAME, user.data);
        curl_easy_setopt(e, token ? CURLOPT_XOAUTH2_BEARER : CURLOPT_PASSWORD, password.data);
        curl_easy_setopt(e, CURLOPT_LOGIN_OPTIONS, token ? "AUTH=XOAUTH2" : "AUTH=PLAIN");
        curl_easy_setopt(e, CURLOPT_SASL_IR, 1L);
    }
    keel_buf_free(&user);
    secret_free(&password);
    return result;
}

static int prepare(stream *s, int64_t left_us, diag *d) {
    keel_buf url = KEEL_BUF_INIT;
    connection *c = s->t.conn;
    const char *scheme = write_url(s, &url);
    transfer_prepare(&s->t, c, url.data, scheme, s->permit.private_ok);
    keel_buf_free(&url);
    CURL *e = s->t.easy;
    s->t.done = on_done;
    curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_SSL_ENABLE_ALPN, 0L);
    curl_easy_setopt(e, CURLOPT_USE_SSL, (long)(c->plain ? CURLUSESSL_TRY : CURLUSESSL_ALL));
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)(left_us / 1000 + 1));
    return set_login(s, d);
}

static void give_up(stream *s, const char *code, const diag *d) {
    char text[600];
    snprintf(text, sizeof text, "%.400s%s%.190s", d->what, d->next[0] ? " " : "", d->next);
    stream_close(s, code, text);
}

static void perform(stream *s);

static void on_token(token_waiter *w, const diag *problem) {
    stream *s = (stream *)((char *)w - offsetof(stream, waiter));
    s->waiting = false;
    s->fresh = true;
    if (problem) {
        give_up(s, problem->code == DIAG_FAILED ? "retry" : "denied", problem);
    } else {
        perform(s);
    }
}

static void perform(stream *s) {
    connection *c = s->t.conn;
    diag d = {0};
    int64_t left_us = s->deadline_us - egress_now_us();
    if (left_us <= 0) {
        stream_close(s, "retry", "The time for this effect is over.");
        return;
    }
    s->waiting = has_login(c) && !s->fresh && (speaks(s, "imap") || speaks(s, "smtp"));
    if (s->waiting && login_waits(c, &s->waiter, on_token)) {
        return;
    }
    s->waiting = false;
    if (prepare(s, left_us, &d) < 0) {
        give_up(s, "denied", &d);
        return;
    }
    transfer_start(&s->t);
}

/* {"address","timeout_us"} */
static int read_open(stream *s, const frame *f, diag *d) {
    keel_json_error err;
    keel_buf address = KEEL_BUF_INIT;
    int64_t now_us = egress_now_us();
    int64_t wanted_us = 0;
    if (f->len == 0 || keel_json_check(f->body, f->len, &err) < 0) {
        return diag_set(d, DIAG_USAGE, "The request cannot be read.");
    }
    keel_json v = keel_json_view(f->body, f->len);
    if (!keel_json_string(keel_json_get(v, "address"), &address) || address.len == 0) {
        keel_buf_free(&address);
        return diag_set(d, DIAG_USAGE, "The request names no address.");
    }
    s->deadline_us = s->order->deadline_us;
    if (keel_json_int(keel_json_get(v, "timeout_us"), &wanted_us) && wanted_us > 0 &&
        wanted_us < s->deadline_us - now_us) {
        s->deadline_us = now_us + wanted_us;
    }
    int result = permit_check(&s->permit, s->t.conn, address.data, address.len, d);
    keel_buf_free(&address);
    return result;
}

static int judge(const stream *s, diag *d) {
    const connection *c = s->t.conn;
    bool mail = speaks(s, "imap") || speaks(s, "smtp");
    if (speaks(s, "http")) {
        return diag_set(d, DIAG_USAGE, "A stream goes to imap, imaps, smtp, smtps, tls or tcp.");
    }
    if (speaks(s, "tcp") && !c->plain) {
        diag_set(d, DIAG_DENIED, "A plain stream is not allowed to connection %s.", c->name);
        return diag_next(d, "Say `plain: true` of it in keel.yaml if it is meant.");
    }
    if (mail && has_login(c) && !(s->permit.own && recipe_for_stream(c->recipe))) {
        return diag_set(d, DIAG_DENIED, "The `auth` of connection %s is not one for this address.",
                        c->name);
    }
    return 0;
}

static const char *refusal(const door *d, const connection *c, const char **code) {
    *code = "denied";
    if (!c) {
        return "Keel does not know this connection any more.";
    }
    if (c->problem[0]) {
        return c->problem;
    }
    *code = "retry";
    return d->stream_count >= EGRESS_REQUESTS ? "64 streams are open already: close one of them."
                                              : NULL;
}

void stream_begin(door *d, order *o, const frame *f) {
    diag problem = {0};
    const char *code;
    connection *c = map_get(&d->e->connections, d->connection);
    const char *why = refusal(d, c, &code);
    if (why) {
        door_say(d, E_FAILED, f->run, code, why);
        return;
    }
    stream *s = keel_alloc(sizeof *s);
    memset(s, 0, sizeof *s);
    s->t.conn = connection_hold(c);
    s->door = d;
    s->order = o;
    s->run = f->run;
    s->next = d->streams;
    d->streams = s;
    d->stream_count++;
    o->requests++;
    int result = read_open(s, f, &problem);
    result = result < 0 ? result : judge(s, &problem);
    if (result < 0) {
        give_up(s, result == DIAG_DENIED ? "denied" : "invalid", &problem);
        return;
    }
    perform(s);
}
