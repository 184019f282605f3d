/* HTTP requests, and the opening of streams: calls that egress answers with one frame. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "egress_client_int.h"

#define LONGEST_NS 86400000000000ull /* of a call without any deadline: a day */

/* ---- what came ---- */

void egress_answer_free(egress_answer *a) {
    free(a->owned_);
    *a = (egress_answer){0};
}

static bool is_text(keel_json v) {
    return keel_json_typeof(v) == KEEL_JSON_STRING;
}

static bool is_headers(keel_json list) {
    if (keel_json_typeof(list) != KEEL_JSON_ARRAY) {
        return false;
    }
    for (keel_json_iter it = keel_json_each(list); keel_json_next(&it);) {
        keel_json_iter pair = keel_json_each(it.value);
        if (keel_json_typeof(it.value) != KEEL_JSON_ARRAY || keel_json_count(it.value) != 2 ||
            !keel_json_next(&pair) || !is_text(pair.value) || !keel_json_next(&pair) ||
            !is_text(pair.value)) {
            return false;
        }
    }
    return true;
}

static bool read_answer(const frame *f, egress_answer *out) {
    frame_reader r = frame_read(f);
    const char *field;
    size_t len;
    int64_t status;
    keel_json_error e;
    if (frame_get(&r, &field, &len) < 0 || keel_json_check(field, len, &e) < 0) {
        return false;
    }
    char *copy = keel_memdup(f->body, f->len);
    keel_json v = keel_json_view(copy + (field - f->body), len);
    egress_answer a = {
        .url = keel_json_get(v, "url"),
        .headers = keel_json_get(v, "headers"),
        .body = {copy + (r.p - f->body), (size_t)(r.end - r.p)},
        .owned_ = copy,
    };
    if (!keel_json_int(keel_json_get(v, "status"), &status) || status < 100 || status > 999 ||
        !is_text(a.url) || !is_headers(a.headers)) {
        free(copy);
        return false;
    }
    a.status = (int32_t)status;
    *out = a;
    return true;
}

static void on_opened(egress_client *c, uint64_t run) {
    egress_stream *s = c->call.cancelled ? NULL : egress_stream_place(c);
    if (!s) {
        frame_channel_send(c->channel, E_CLOSE, 0, run, c->order, NULL, 0);
        return; /* given up: E_FAILED need not follow any more */
    }
    s->id = run;
    c->call.state = CALL_DONE;
}

/* Of a call that was given up an answer may still come; of one that was never made, none. */
void egress_call_frame(egress_client *c, const frame *f) {
    bool ours = c->call.state == CALL_WAITS && f->run == c->call.run;
    if (f->run == 0 || f->run > c->last) {
        egress_fault(c, "an answer to what was not asked");
    } else if (!ours && f->type == E_OPENED && !egress_stream_find(c, f->run)) {
        frame_channel_send(c->channel, E_CLOSE, 0, f->run, c->order, NULL, 0);
    } else if (!ours) {
        return;
    } else if (f->type == E_FAILED) {
        c->call.state = CALL_FAILED;
        if (!egress_read_failure(f, &c->call.status, c->call.why, sizeof c->call.why) ||
            c->call.status == KEEL_OK) {
            c->call.state = CALL_WAITS;
            egress_fault(c, "a failure without its code");
        }
    } else if (f->type == E_OPENED && c->call.type == E_OPEN) {
        on_opened(c, f->run);
    } else if (f->type == E_DONE && c->call.type == E_HTTP) {
        if (read_answer(f, &c->call.answer)) {
            c->call.state = CALL_DONE;
        } else {
            egress_fault(c, "an answer that is none");
        }
    } else {
        egress_fault(c, "an answer of the wrong kind");
    }
}

/* ---- making a call ---- */

static uint64_t earliest(const egress_client *c, uint64_t timeout_ns) {
    uint64_t now = clock_monotonic_ns();
    uint64_t until = now + (timeout_ns && timeout_ns < LONGEST_NS ? timeout_ns : LONGEST_NS);
    return c->deadline_ns && c->deadline_ns < until ? c->deadline_ns : until;
}

static int64_t left_us(uint64_t until_ns) {
    uint64_t now = clock_monotonic_ns();
    return until_ns > now + 1000 ? (int64_t)((until_ns - now) / 1000) : 1;
}

/* The queue is empty, so that what is written from here on is the call's. */
static void hand_over(egress_client *c, uint16_t type, const keel_buf *head, keel_span body) {
    egress_answer_free(&c->call.answer);
    c->call.state = CALL_WAITS;
    c->call.run = ++c->last;
    c->call.type = type;
    c->call.cancelled = false;
    frame_channel_send2(c->channel, type, 0, c->call.run, c->order, head->data, head->len,
                        body.data, body.len);
    /* The pieces of a large body have headers of their own: it is counted as handed over a little
     * early, which is the safe side. */
    c->call.handed = c->written + frame_channel_queued(c->channel);
}

static void cancel(egress_client *c) {
    c->call.cancelled = true;
    frame_channel_send(c->channel, E_CANCEL, 0, c->call.run, c->order, NULL, 0);
    egress_look(c);
}

static keel_status lost(egress_client *c, bool unsafe) {
    bool handed = c->written >= c->call.handed;
    return egress_fail(c, unsafe && handed ? KEEL_E_UNKNOWN : KEEL_E_RETRY, "%s", c->gone_why);
}

/* The time is up: egress is asked whether anything was sent, and is not waited for long. */
static keel_status give_up(egress_client *c, bool unsafe) {
    uint64_t until = clock_monotonic_ns() + EGRESS_PATIENCE;
    cancel(c);
    while (c->call.state == CALL_WAITS) {
        egress_turn t = egress_wait(c, until);
        if (t == TURN_GONE) {
            return lost(c, unsafe);
        }
        if (t != TURN_ON) {
            break;
        }
    }
    if (c->call.state != CALL_WAITS) {
        return KEEL_OK;
    }
    if (c->call.type == E_OPEN) {
        return egress_fail(c, KEEL_E_RETRY, "the stream was not open in time");
    }
    return egress_fail(
        c, unsafe ? KEEL_E_UNKNOWN : KEEL_E_DEADLINE,
        "no answer came in time, and egress does not say whether the request was sent");
}

static keel_status wait_answer(egress_client *c, uint64_t until_ns, bool unsafe) {
    keel_status status = KEEL_OK;
    while (status == KEEL_OK && c->call.state == CALL_WAITS) {
        switch (egress_wait(c, until_ns)) {
        case TURN_ON:
            break;
        case TURN_TIME:
            status = give_up(c, unsafe);
            break;
        case TURN_KERNEL:
            cancel(c);
            status = egress_fail(c, KEEL_E_CANCELLED, "Keel has ended");
            break;
        case TURN_GONE:
            status = lost(c, unsafe);
            break;
        }
    }
    if (status == KEEL_OK && c->call.state == CALL_FAILED) {
        status = egress_fail(c, c->call.status, "%s", c->call.why);
    }
    c->call.state = CALL_NONE;
    return status;
}

/* ---- HTTP ---- */

static bool is_token(const char *text, size_t len) {
    static const char marks[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < len; i++) {
        char b = text[i];
        bool letter = (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9');
        if (!letter && (b == '\0' || !strchr(marks, b))) {
            return false;
        }
    }
    return len > 0;
}

/* Printable ASCII without blanks: all that a URL can hold. */
static bool is_plain(const char *text, size_t limit) {
    size_t len = strnlen(text, limit + 1);
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= 0x20 || text[i] == 0x7f) {
            return false;
        }
    }
    return len > 0 && len <= limit;
}

static bool is_value(keel_span v) {
    keel_buf quoted = KEEL_BUF_INIT;
    bool good = v.len <= EGRESS_TEXT && (v.len == 0 || v.data);
    for (size_t i = 0; i < v.len && good; i++) {
        unsigned char b = (unsigned char)v.data[i];
        good = (b >= 0x20 || b == '\t') && b != 0x7f;
    }
    good = good && keel_json_quote(&quoted, v.data ? v.data : "", v.len) == 0;
    keel_buf_free(&quoted);
    return good;
}

static keel_status check_request(egress_client *c, const keel_http_request *r) {
    if (!r->method || !is_token(r->method, strnlen(r->method, 33)) || strlen(r->method) > 32) {
        return egress_fail(c, KEEL_E_INVALID, "the request has no method such as \"GET\"");
    }
    if (!r->url ||
        (strncasecmp(r->url, "http://", 7) != 0 && strncasecmp(r->url, "https://", 8) != 0)) {
        return egress_fail(c, KEEL_E_INVALID,
                           "the request's URL is not absolute: it begins with https:// or http://");
    }
    if (!is_plain(r->url, EGRESS_TEXT)) {
        return egress_fail(
            c, KEEL_E_INVALID,
            "the request's URL holds a character that has to be percent-encoded, or is "
            "longer than 16 KiB");
    }
    if (r->header_count > EGRESS_HEADERS || (r->header_count && !r->headers)) {
        return egress_fail(c, KEEL_E_INVALID, "a request has at most %u headers", EGRESS_HEADERS);
    }
    for (size_t i = 0; i < r->header_count; i++) {
        keel_span name = r->headers[i].name;
        if (!name.data || name.len > 200 || !is_token(name.data, name.len) ||
            !is_value(r->headers[i].value)) {
            return egress_fail(
                c, KEEL_E_INVALID,
                "header %zu of the request is malformed: a name of letters, digits and "
                "\"-\", a value in UTF-8 without line ends, of at most 16 KiB",
                i + 1);
        }
    }
    if (r->body.len > KEEL_HTTP_BODY_LIMIT || (r->body.len && !r->body.data)) {
        return egress_fail(c, KEEL_E_INVALID, "the request's body is larger than 15 MiB");
    }
    return KEEL_OK;
}

static keel_status put_request(egress_client *c, const keel_http_request *r, uint64_t until_ns,
                               keel_buf *head) {
    keel_buf json = KEEL_BUF_INIT;
    keel_json_writer w;
    uint64_t limit = r->body_limit && r->body_limit < KEEL_HTTP_BODY_LIMIT ? r->body_limit
                                                                           : KEEL_HTTP_BODY_LIMIT;
    keel_json_write(&w, &json);
    keel_json_object(&w);
    keel_json_set_bool(&w, "follow", r->flags & KEEL_HTTP_FOLLOW);
    keel_json_key(&w, "headers");
    keel_json_array(&w);
    for (size_t i = 0; i < r->header_count; i++) {
        keel_span value = r->headers[i].value;
        keel_json_array(&w);
        keel_json_textn(&w, r->headers[i].name.data, r->headers[i].name.len);
        keel_json_textn(&w, value.data ? value.data : "", value.len);
        keel_json_array_end(&w);
    }
    keel_json_array_end(&w);
    keel_json_set_int(&w, "limit", (int64_t)limit);
    keel_json_set_text(&w, "method", r->method);
    keel_json_set_int(&w, "timeout_us", left_us(until_ns));
    keel_json_set_text(&w, "url", r->url);
    keel_json_object_end(&w);
    bool fits = json.len <= UINT16_MAX;
    if (fits) {
        frame_put(head, json.data, json.len);
    }
    keel_buf_free(&json);
    return fits ? KEEL_OK
                : egress_fail(c, KEEL_E_INVALID,
                              "the request's URL and headers are larger than 64 KiB together");
}

static bool is_safe(const char *method) {
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ||
           strcmp(method, "OPTIONS") == 0;
}

keel_status egress_http(egress_client *c, const keel_http_request *r, egress_answer *out) {
    keel_buf head = KEEL_BUF_INIT;
    keel_status status = egress_begin(c);
    if (status == KEEL_OK) {
        status = check_request(c, r);
    }
    if (status == KEEL_OK) {
        status = egress_drain(c, KEEL_E_RETRY, KEEL_E_RETRY);
    }
    uint64_t until = earliest(c, r->timeout_ns);
    if (status == KEEL_OK) {
        status = put_request(c, r, until, &head);
    }
    if (status == KEEL_OK) {
        hand_over(c, E_HTTP, &head, r->body);
        status = wait_answer(c, until, !is_safe(r->method));
    }
    keel_buf_free(&head);
    if (status == KEEL_OK) {
        *out = c->call.answer;
        c->call.answer = (egress_answer){0};
    }
    return status;
}

/* ---- opening ---- */

keel_status egress_open(egress_client *c, const char *address, uint64_t *id) {
    keel_buf body = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_status status = egress_begin(c);
    if (status == KEEL_OK && (!address || !is_plain(address, EGRESS_TEXT))) {
        status = egress_fail(c, KEEL_E_INVALID,
                             "a stream is opened by an address such as imaps://mail.example:993");
    }
    if (status == KEEL_OK && !egress_stream_place(c)) {
        status =
            egress_fail(c, KEEL_E_INVALID, "%u streams are open; close one first", EGRESS_STREAMS);
    }
    if (status == KEEL_OK) {
        status = egress_drain(c, KEEL_E_RETRY, KEEL_E_RETRY);
    }
    if (status != KEEL_OK) {
        return status;
    }
    uint64_t until = earliest(c, 0);
    keel_json_write(&w, &body);
    keel_json_object(&w);
    keel_json_set_text(&w, "address", address);
    keel_json_set_int(&w, "timeout_us", left_us(until));
    keel_json_object_end(&w);
    hand_over(c, E_OPEN, &body, (keel_span){NULL, 0});
    keel_buf_free(&body);
    status = wait_answer(c, until, false);
    if (status == KEEL_OK) {
        *id = c->call.run;
    }
    return status;
}
