/* The life of a request: permitted, given its login, sent by curl, answered. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "egress.h"

/* ---- the end ---- */

static void free_list(struct curl_slist *list) {
    for (struct curl_slist *l = list; l; l = l->next) {
        sodium_memzero(l->data, strlen(l->data)); /* the login is among them */
    }
    curl_slist_free_all(list);
}

static void end(request *r) {
    door *d = r->door;
    for (request **p = &d->requests; *p; p = &(*p)->next) {
        if (*p == r) {
            *p = r->next;
            break;
        }
    }
    d->request_count--;
    d->bodies -= r->reserved;
    if (r->waiting) {
        token_unwait(&r->waiter);
        login_unwait(&r->waiter);
    }
    transfer_stop(&r->t);
    free_list(r->list);
    free_list(r->lines);
    permit_free(&r->permit);
    free(r->body);
    keel_buf_free(&r->head);
    keel_buf_free(&r->answer);
    connection_drop(r->t.conn);
    free(r);
}

const char *http_lost_code(const request *r, const char *after) {
    return r->sent ? after : "retry";
}

/* Says why there is no answer. */
static void say_failed(request *r, const char *code, const char *message) {
    char text[600];
    snprintf(text, sizeof text, "%s", message);
    scrub_bytes(r->t.conn->scrub, text, strlen(text));
    door_say(r->door, E_FAILED, r->run, code, text);
}

static void lost(request *r) {
    if (r->counts && r->sent) {
        r->order->unanswered = true;
    }
}

void http_fail(request *r, const char *code, const char *message) {
    lost(r);
    say_failed(r, code, message);
}

void http_cancel(request *r, const char *code, const char *message) {
    lost(r);
    if (code) {
        say_failed(r, code, message);
    }
    end(r);
}

/* ---- curl's side ---- */

/* The last moment before the first byte of the request. */
static int on_before_sending(void *ctx, char *ip, char *local_ip, int port, int local_port) {
    request *r = ctx;
    (void)local_ip;
    (void)port;
    (void)local_port;
    if (!transfer_address_ok(&r->t, ip)) {
        return CURL_PREREQFUNC_ABORT;
    }
    if (r->attempted && !r->safe) {
        return CURL_PREREQFUNC_ABORT; /* curl found a stale connection and would send it twice */
    }
    if (r->counts && !order_sending(r->door->e, r->order)) {
        return CURL_PREREQFUNC_ABORT;
    }
    if (r->counts && !r->sent) {
        order_add_digest(r->order, r->method, r->permit.url.data, r->body, r->body_len);
    }
    if (!r->attempted) {
        r->order->requests++;
        r->order->bytes_out += r->body_len;
    }
    r->attempted = true;
    r->sent = true;
    return CURL_PREREQFUNC_OK;
}

static void explain_lost(request *r, CURLcode code) {
    char text[500];
    const origin *o = &r->permit.o;
    if (r->too_large) {
        http_fail(r, "unknown", "The answer is larger than its limit.");
        return;
    }
    const char *after = code == CURLE_OPERATION_TIMEDOUT ? "deadline" : "unknown";
    if (r->safe && r->sent) {
        after = "retry";
    }
    if (!r->sent && transfer_refused(&r->t, o, text, sizeof text)) {
        http_fail(r, "denied", text);
        return;
    }
    if (code == CURLE_ABORTED_BY_CALLBACK) {
        snprintf(text, sizeof text, "%s:%u closed the connection without an answer.", o->host,
                 (unsigned)o->port);
    } else {
        transfer_explain(&r->t, code, o, text, sizeof text);
    }
    http_fail(r, http_lost_code(r, after), text);
}

/* An unsafe request's answer says what became of it, or does not. */
static void note_answer(request *r, int status) {
    if (r->counts && (status >= 500 || status == 408)) {
        r->order->unanswered = true;
    }
}

/* What a stranger answers says nothing of the connection. */
static void tell_kernel(request *r, int status) {
    curl_off_t after = 0;
    if (r->permit.own) {
        curl_easy_getinfo(r->t.easy, CURLINFO_RETRY_AFTER, &after);
        order_answered(r->door->e, r->order, status, after);
    }
}

static void on_token(token_waiter *w, const diag *problem);

/* A token may have been withdrawn before its time: once more with a new one. */
static bool repeat_with_token(request *r, int status) {
    if (status != 401 || r->repeated || !r->permit.own || !r->t.conn->recipe ||
        recipe_kind_of(r->t.conn->recipe) != RECIPE_OAUTH2_REFRESH) {
        return false;
    }
    r->repeated = true;
    r->fresh = false;
    token_refused(r->t.conn, r->serial);
    transfer_stop(&r->t);
    http_perform(r);
    return true;
}

static void on_done(transfer *t, CURLcode code) {
    request *r = (request *)t;
    long status = 0;
    if (code != CURLE_OK) {
        explain_lost(r, code);
        end(r);
        return;
    }
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status == 401 || status == 403) {
        login_forget(t->conn);
    }
    if (repeat_with_token(r, (int)status) || http_redirect(r, (int)status)) {
        return;
    }
    note_answer(r, (int)status);
    tell_kernel(r, (int)status);
    http_answer(r, (int)status);
    end(r);
}

/* ---- the beginning ---- */

static void set_method(request *r) {
    CURL *e = r->t.easy;
    if (strcmp(r->method, "GET") == 0) {
        curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
    } else if (strcmp(r->method, "HEAD") == 0) {
        curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
    } else {
        bool none = r->body_len == 0 && (r->safe || strcmp(r->method, "DELETE") == 0);
        if (!none) {
            curl_easy_setopt(e, CURLOPT_POST, 1L);
            curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
            curl_easy_setopt(e, CURLOPT_POSTFIELDS, r->body);
        }
        curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, r->method);
    }
}

static void add_line(request *r, const char *line) {
    struct curl_slist *list = curl_slist_append(r->lines, line);
    if (!list) {
        abort(); /* memory, as in keel_alloc */
    }
    r->lines = list;
}

static bool names(const char *line, const char *name, size_t len) {
    return strncasecmp(line, name, len) == 0 && (line[len] == ':' || line[len] == ';');
}

/* The executor's headers, then those of the login. */
static int set_lines(request *r, const recipe_headers *login, diag *d) {
    bool typed = false;
    free_list(r->lines);
    r->lines = NULL;
    for (const struct curl_slist *l = r->list; l; l = l->next) {
        for (size_t i = 0; i < login->count; i++) {
            size_t len = strcspn(login->lines[i].data, ":");
            if (names(l->data, login->lines[i].data, len)) {
                return diag_set(d, DIAG_USAGE, "The header %.*s is the login's: Keel sets it.",
                                (int)len, l->data);
            }
        }
        typed = typed || names(l->data, "content-type", 12);
        add_line(r, l->data);
    }
    for (size_t i = 0; i < login->count; i++) {
        add_line(r, login->lines[i].data);
    }
    add_line(r, "Expect:");
    if (!typed) {
        add_line(r, "Content-Type:");
    }
    return 0;
}

static int set_login(request *r, diag *d) {
    recipe_headers room = {.count = 0};
    const recipe_headers *login = &room;
    connection *c = r->t.conn;
    int result = 0;
    if (r->permit.own) {
        result =
            login_headers(c, &room, &login, r->method, r->permit.url.data, r->body, r->body_len, d);
        r->serial = c->access_serial;
    }
    result = result < 0 ? result : set_lines(r, login, d);
    recipe_headers_free(&room);
    return result;
}

static void start(request *r, int64_t left_us) {
    transfer *t = &r->t;
    transfer_prepare(t, t->conn, r->permit.url.data,
                     strcmp(r->permit.o.scheme, "https") ? "http" : "https", r->permit.private_ok);
    CURL *e = t->easy;
    t->done = on_done;
    set_method(r);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, r->lines);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(e, CURLOPT_USERAGENT, "keel/" KEEL_VERSION);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)(left_us / 1000 + 1));
    curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_before_sending);
    curl_easy_setopt(e, CURLOPT_PREREQDATA, r);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, http_on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, r);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, http_on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, r);
    r->attempted = false;
    keel_buf_clear(&r->head);
    keel_buf_clear(&r->answer);
    transfer_start(t);
}

static void give_up(request *r, const char *code, const diag *d) {
    char text[600];
    snprintf(text, sizeof text, "%.400s%s%.190s", d->what, d->next[0] ? " " : "", d->next);
    http_fail(r, code, text);
    end(r);
}

void http_perform(request *r) {
    connection *c = r->t.conn;
    diag d = {0};
    int64_t left_us = r->deadline_us - egress_now_us();
    if (left_us <= 0) {
        diag_set(&d, DIAG_FAILED, "The time for this request is over.");
        give_up(r, r->sent && !r->safe ? "deadline" : "retry", &d);
        return;
    }
    r->waiting = r->permit.own && !r->fresh;
    if (r->waiting && login_waits(c, &r->waiter, on_token)) {
        return;
    }
    r->waiting = false;
    int result = set_login(r, &d);
    if (result < 0) {
        give_up(r, result == DIAG_USAGE ? "invalid" : "denied", &d);
        return;
    }
    start(r, left_us);
}

static void on_token(token_waiter *w, const diag *problem) {
    request *r = (request *)((char *)w - offsetof(request, waiter));
    r->waiting = false;
    if (problem) {
        give_up(r, problem->code == DIAG_FAILED ? "retry" : "denied", problem);
        return;
    }
    r->fresh = true;
    http_perform(r);
}

static const char *refusal(const door *d, const connection *c, const frame *f, const char **code) {
    *code = "denied";
    if (!c) {
        return "Keel does not know this connection any more.";
    }
    if (c->problem[0]) {
        return c->problem;
    }
    if (c->recipe && recipe_kind_of(c->recipe) != RECIPE_NONE && !recipe_for_http(c->recipe)) {
        return "The `auth` of this connection is one for streams, not for HTTP.";
    }
    *code = "retry";
    if (d->request_count >= EGRESS_REQUESTS) {
        return "64 requests are under way already: wait for one of them.";
    }
    if (d->bodies + f->len > EGRESS_BODIES || frame_channel_queued(d->channel) > EGRESS_BODIES) {
        return "The requests under way are too large together: wait for one of them.";
    }
    return NULL;
}

void http_begin(door *d, order *o, const frame *f) {
    diag problem = {0};
    keel_buf url = KEEL_BUF_INIT;
    const char *code;
    connection *c = map_get(&d->e->connections, d->connection);
    const char *why = refusal(d, c, f, &code);
    if (why) {
        door_say(d, E_FAILED, f->run, code, why);
        return;
    }
    request *r = keel_alloc(sizeof *r);
    memset(r, 0, sizeof *r);
    r->t.conn = connection_hold(c);
    r->door = d;
    r->order = o;
    r->run = f->run;
    r->next = d->requests;
    d->requests = r;
    d->request_count++;
    r->reserved = f->len;
    d->bodies += f->len;
    int result = http_parse(r, f, &url, &problem);
    result = result < 0 ? result : http_permit(r, url.data, url.len, &problem);
    r->counts = !r->safe && o->unsafe;
    keel_buf_free(&url);
    if (result < 0) {
        give_up(r, result == DIAG_DENIED ? "denied" : "invalid", &problem);
        return;
    }
    http_perform(r);
}
