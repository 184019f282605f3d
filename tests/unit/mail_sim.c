#include "mail_sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- the script ---- */

/* The next line of the script without its mark, if it begins with this mark. */
static bool take(mail_sim *s, const char *mark, char line[600]) {
    size_t len = strlen(mark);
    if (strncmp(s->at, mark, len) != 0 || (s->at[len] != ' ' && s->at[len] != '\n')) {
        return false;
    }
    const char *end = strchr(s->at, '\n');
    assert_non_null(end);
    const char *from = s->at + len + (s->at[len] == ' ' ? 1 : 0);
    assert_true(end - from < 600);
    memcpy(line, from, (size_t)(end - from));
    line[end - from] = 0;
    s->at = end + 1;
    return true;
}

static void wrong(const mail_sim *s, const char *what, const char *got) {
    fail_msg("%s: \"%s\"; the script goes on with \"%.80s\"", what, got, s->at);
}

/* Compares what the connector has sent with what it should have. */
static void compare(mail_sim *s) {
    char line[600];
    for (;;) {
        if (take(s, ">", line)) {
            size_t len = strlen(line);
            if (s->sent.len < len + 2 || memcmp(s->sent.data, line, len) != 0 ||
                memcmp(s->sent.data + len, "\r\n", 2) != 0) {
                wrong(s, line, s->sent.data != NULL ? s->sent.data : "(nothing)");
            }
            keel_buf_consume(&s->sent, len + 2);
        } else if (take(s, "~", line)) {
            keel_buf needle = KEEL_BUF_INIT;
            keel_buf_puts(&needle, "");
            for (const char *p = line; *p != 0; p++) {
                keel_buf_puts(&needle, *p == '|' ? "\r\n" : (char[]){*p, 0});
            }
            keel_buf_putc(&s->sent, 0);
            if (strstr(s->sent.data, needle.data) == NULL) {
                wrong(s, line, s->sent.data);
            }
            keel_buf_free(&needle);
            keel_buf_clear(&s->sent);
        } else {
            break;
        }
    }
    if (s->sent.len > 0) {
        wrong(s, "not in the script", s->sent.data);
    }
}

/* ---- keel.stream/1 ---- */

static keel_status stream_open(void *ctx, keel_call *call, const char *address, uint64_t *id) {
    (void)call;
    mail_sim *s = ctx;
    char line[600];
    if (take(s, "O!", line)) {
        char *space = strchr(line, ' ');
        assert_non_null(space);
        assert_string_equal(space + 1, address);
        return atoi(line);
    }
    if (!take(s, "O", line)) {
        wrong(s, "opened", address);
    }
    assert_string_equal(line, address);
    s->streams++;
    *id = s->open = ++s->others;
    return KEEL_OK;
}

static keel_status stream_send(void *ctx, keel_call *call, uint64_t id, keel_span bytes) {
    (void)call;
    mail_sim *s = ctx;
    char line[600];
    assert_true(id != 0 && id <= s->others);
    if (s->sent.len == 0 && take(s, "S!", line)) {
        return atoi(line);
    }
    keel_buf_append(&s->sent, bytes.data, bytes.len);
    return KEEL_OK;
}

static keel_status stream_receive(void *ctx, keel_call *call, uint64_t id, keel_span *out) {
    (void)call;
    mail_sim *s = ctx;
    char line[600];
    assert_true(id != 0 && id <= s->others);
    compare(s);
    keel_buf_clear(&s->said);
    for (;;) {
        if (take(s, "<{", line)) {
            keel_buf_puts(&s->said, s->text);
        } else if (take(s, "<", line)) {
            keel_buf_printf(&s->said, "%s\r\n", line);
        } else {
            break;
        }
    }
    if (s->said.len > 0) {
        *out = (keel_span){s->said.data, s->said.len};
        return KEEL_OK;
    }
    if (take(s, "X!", line)) {
        return atoi(line);
    }
    if (!take(s, "X", line)) {
        wrong(s, "waits for an answer", "");
    }
    *out = (keel_span){"", 0};
    return KEEL_OK;
}

static void stream_close(void *ctx, uint64_t id) {
    mail_sim *s = ctx;
    char line[600];
    assert_true(id != 0 && id <= s->others);
    compare(s);
    take(s, "C", line);
    s->streams--;
}

/* ---- keel.clock/1 ---- */

static int64_t wall_us(void *ctx) {
    return (int64_t)(((mail_sim *)ctx)->now_ns / 1000) + 1700000000000000;
}

static uint64_t monotonic_ns(void *ctx) {
    return ((mail_sim *)ctx)->now_ns;
}

static keel_status clock_sleep(void *ctx, keel_call *call, uint64_t ns) {
    (void)call;
    ((mail_sim *)ctx)->now_ns += ns;
    return KEEL_OK;
}

/* ---- the host ---- */

static void host_log(void *ctx, int32_t level, const char *text) {
    (void)ctx;
    (void)level;
    assert_non_null(text);
}

static void *host_alloc(void *ctx, size_t size) {
    mail_sim *s = ctx;
    assert_true(s->kept_count < sizeof s->kept / sizeof *s->kept);
    return s->kept[s->kept_count++] = calloc(1, size);
}

static void *host_scratch(void *ctx, keel_call *call, size_t size) {
    (void)call;
    return host_alloc(ctx, size);
}

static keel_status host_reply(void *ctx, keel_call *call, keel_span body) {
    (void)call;
    mail_sim *s = ctx;
    keel_buf_clear(&s->reply);
    assert_int_equal(keel_json_canonical(&s->reply, body.data, body.len, NULL), 0);
    return KEEL_OK;
}

static keel_status host_cost(void *ctx, keel_call *call, int64_t micros, const char *currency) {
    (void)ctx;
    (void)call;
    (void)micros;
    (void)currency;
    return KEEL_OK;
}

static keel_status host_fail(void *ctx, keel_call *call, keel_status status, const char *text) {
    (void)call;
    mail_sim *s = ctx;
    keel_buf_clear(&s->failure);
    keel_buf_puts(&s->failure, text);
    return status;
}

static int32_t host_cancelled(void *ctx, const keel_call *call) {
    (void)call;
    return ((mail_sim *)ctx)->cancelled ? 1 : 0;
}

static const void *host_service(void *ctx, const char *name) {
    mail_sim *s = ctx;
    return strcmp(name, KEEL_STREAM_SERVICE) == 0 && !s->no_stream ? (const void *)&s->stream
           : strcmp(name, KEEL_CLOCK_SERVICE) == 0                 ? (const void *)&s->clock
                                                                   : NULL;
}

void sim_begin(mail_sim *s) {
    memset(s, 0, sizeof *s);
    s->host = (keel_host){sizeof s->host, KEEL_ABI_MAJOR, KEEL_ABI_MINOR, s,
                          host_log,       host_alloc,     host_scratch,   host_reply,
                          host_cost,      host_fail,      host_cancelled, host_service};
    s->stream = (keel_stream){sizeof s->stream, 0,           s, stream_open, stream_send,
                              stream_receive,   stream_close};
    s->clock = (keel_clock){sizeof s->clock, 0, s, wall_us, monotonic_ns, clock_sleep};
    s->now_ns = 1000000000;
    s->at = "";
    keel_buf_puts(&s->failure, "");
    s->plugin = keel_plugin_entry()->connector;
    assert_int_equal(s->plugin->prepare(&s->host), KEEL_OK);
}

static void destroy(mail_sim *s) {
    if (s->self != NULL) {
        s->plugin->destroy(s->self);
    }
    s->self = NULL;
    for (size_t i = 0; i < s->kept_count; i++) {
        free(s->kept[i]);
    }
    s->kept_count = 0;
    assert_int_equal(s->streams, 0);
}

void sim_end(mail_sim *s) {
    destroy(s);
    keel_buf_free(&s->sent);
    keel_buf_free(&s->said);
    keel_buf_free(&s->reply);
    keel_buf_free(&s->failure);
}

keel_status sim_create(mail_sim *s, const char *config) {
    keel_buf canonical = KEEL_BUF_INIT;
    destroy(s);
    assert_int_equal(keel_json_canonical(&canonical, config, strlen(config), NULL), 0);
    keel_status status =
        s->plugin->create(&s->host, (keel_span){canonical.data, canonical.len}, &s->self);
    keel_buf_free(&canonical);
    return status;
}

static keel_span span(const char *text) {
    return text != NULL ? (keel_span){text, strlen(text)} : (keel_span){NULL, 0};
}

keel_status sim_run(mail_sim *s, sim_verb verb, const sim_call *call, const char *script) {
    keel_buf body = KEEL_BUF_INIT;
    const char *json = call->body != NULL ? call->body : "{}";
    assert_int_equal(keel_json_canonical(&body, json, strlen(json), NULL), 0);
    keel_request r = {.size = sizeof r,
                      .flags = call->flags,
                      .resource = span(call->resource != NULL ? call->resource : "message"),
                      .body = {body.data, body.len},
                      .key = span(call->key != NULL ? call->key : "k1"),
                      .outcome = span(call->outcome),
                      .deadline_ns = call->for_ns != 0 ? s->now_ns + call->for_ns : 0,
                      .attempt = call->attempt != 0 ? call->attempt : 1,
                      .mode = verb == SIM_RECONCILE ? KEEL_MODE_EFFECT : KEEL_MODE_NONE};
    keel_status (*const verbs[])(void *, keel_call *, const keel_request *) = {
        s->plugin->read, s->plugin->write, s->plugin->reconcile, s->plugin->compensate};
    s->at = script;
    keel_buf_clear(&s->reply);
    keel_buf_clear(&s->failure);
    keel_status status = verbs[verb](s->self, NULL, &r);
    compare(s);
    if (*s->at != 0) {
        wrong(s, "the verb ended early", s->failure.data != NULL ? s->failure.data : "");
    }
    s->at = "";
    keel_buf_free(&body);
    return status;
}
